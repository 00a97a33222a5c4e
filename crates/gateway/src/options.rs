//! What a gateway is made with.

use std::sync::Arc;
use std::time::Duration;

use catalog::{Catalog, Catalogs, Entry, Profile, ProfileServer, Secret, SecretSpec};
use launch::Launcher;
use serde_json::{Map, Value};
use store::StoreHandle;
use transport::BoxFuture;

use crate::phase::{Admission, AllowAll, Decider, Interceptor};
use crate::pins::Pin;
use crate::record::{NoRecorder, Recorder};
use crate::scanning::SecretScan;
use crate::scripts::Engine;
use crate::sign_in::SignIns;
use crate::visit::Pages;

/// See the module.
pub struct Options {
    /// The configured servers, in their order.
    pub entries: Vec<Entry>,
    /// Only these tools: `tool`, `server:tool`, `server:*` or `*`, whatever their case. Empty: all.
    pub tools: Vec<String>,
    /// Times and limits.
    pub settings: Settings,
    /// Starts servers.
    pub launcher: Arc<dyn Launcher>,
    /// Where learnt lists outlive the process; none: they do not.
    pub store: Option<StoreHandle>,
    /// Where it is kept what tools looked like, for those who do not want to remember lists; none: with these.
    pub kept: Option<StoreHandle>,
    /// Takes a record of each call.
    pub recorder: Arc<dyn Recorder>,
    /// Has a say over each call.
    pub decider: Arc<dyn Decider>,
    /// Limits what callers have under way; none: only what limits everybody does.
    pub admission: Option<Arc<dyn Admission>>,
    /// See and change calls and their answers, in this order.
    pub interceptors: Vec<Arc<dyn Interceptor>>,
    /// The tools by which agents find and add servers; none: there are none.
    pub dynamic: Option<Dynamic>,
    /// Signs in to servers that want it; none: whoever wants it is of no use.
    pub sign_ins: Option<SignIns>,
    /// Runs the scripts of agents; none: there is no tool for them.
    pub scripts: Option<Arc<dyn Engine>>,
    /// Which further ones there are beside these.
    pub features: Features,
    /// Of a gateway beside the first in one process: whose servers it has, for metrics.
    pub profile: Option<String>,
}

/// What agents have beside the tools that find and add servers; all of it is off unless somebody switches it on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// `mcp-create-profile` and `mcp-activate-profile`.
    pub profile_tools: bool,
    /// `find-tools`.
    pub find_tools: bool,
    /// `mcp-registry-import`.
    pub registry_import: bool,
    /// The prompt `mcp-discover`.
    pub discover_prompt: bool,
}

/// What agents find servers in.
#[derive(Clone)]
pub struct Dynamic {
    /// Reads the catalogs; called once, when somebody first looks for a server, on a thread that may wait.
    pub catalogs: Arc<dyn Fn() -> Catalogs + Send + Sync>,
    /// What the person has set.
    pub person: Arc<dyn Person>,
    /// Fetches a catalog that somebody else than the person names, by its address; none: nothing is fetched.
    pub pull: Option<Pull>,
    /// Shows the person pages, for what neither a client nor a model may see; none: there are no pages.
    pub pages: Option<Arc<dyn Pages>>,
}

/// Fetches a catalog on behalf of a model, guarded accordingly: https to public addresses only, every entry with that
/// address as its origin. An error says why not, and what to do.
pub type Pull = Arc<dyn Fn(&str) -> BoxFuture<'static, Result<Catalog, String>> + Send + Sync>;

/// What the person who runs the gateway has set for servers, outside of any conversation. Called on the threads of calls:
/// answers come from memory or a small file.
pub trait Person: Send + Sync {
    /// Whether a credential of an entry is there.
    fn has_secret(&self, entry: &Entry, spec: &SecretSpec) -> bool;

    /// A credential of an entry. May wait for a program that tells it, so it is called where that is allowed.
    ///
    /// # Errors
    /// Why it cannot be got, though it is said where it lies; never with its value.
    fn secret(&self, entry: &Entry, spec: &SecretSpec) -> Result<Option<Secret>, String>;

    /// The configuration of a server.
    fn config(&self, server: &str) -> Map<String, Value>;

    /// Whether the person has agreed to this entry's being started.
    fn is_approved(&self, entry: &Entry) -> bool;

    /// The person agrees to it.
    ///
    /// # Errors
    /// Why that cannot be kept.
    fn approve(&self, entry: &Entry) -> Result<(), String>;

    /// A saved profile. May wait for the disk.
    ///
    /// # Errors
    /// There is none of this name (with the nearest ones), or its file cannot be read.
    fn profile(&self, name: &str) -> Result<Profile, String> {
        Err(format!("there is no profile {name:?}: none is kept here"))
    }

    /// Puts servers into a saved profile, or makes one of them. Approves nothing, and what the profile has stays in it: its
    /// snapshots, and what the person has set. `configured` are servers of the conversation that are there anyway; those of a
    /// profile that this gateway runs with are put in as they stand there. May wait for the disk.
    ///
    /// # Errors
    /// The name is none, or the file cannot be read as a whole or not written.
    fn save_profile(
        &self,
        _name: &str,
        _servers: Vec<ProfileServer>,
        _configured: &[String],
    ) -> Result<SavedProfile, String> {
        Err("no profile can be kept here".to_owned())
    }

    /// The command by which the person says the same elsewhere.
    fn how_to_approve(&self, entry: &Entry) -> String {
        crate::dynamic::enable_command(entry)
    }

    /// Keeps a credential of an entry, in the place of one that is there. Takes as long as a disk does.
    ///
    /// # Errors
    /// Why it cannot be kept; never with its value.
    fn keep_secret(
        &self,
        entry: &Entry,
        spec: &SecretSpec,
        value: &secrets::Secret,
    ) -> Result<(), String>;

    /// Where credentials are kept, in words for the person.
    fn keeps_secrets_in(&self) -> String;
}

/// A profile after something was put into it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SavedProfile {
    /// All its servers.
    pub servers: Vec<String>,
    /// Whether there was none of the name.
    pub is_new: bool,
}

impl Options {
    /// These servers, started by this launcher, everything else at its default.
    pub fn new(entries: Vec<Entry>, launcher: Arc<dyn Launcher>) -> Self {
        Self {
            entries,
            tools: Vec::new(),
            settings: Settings::default(),
            launcher,
            store: None,
            kept: None,
            recorder: Arc::new(NoRecorder),
            decider: Arc::new(AllowAll),
            admission: None,
            interceptors: Vec::new(),
            dynamic: None,
            features: Features::default(),
            profile: None,
            scripts: None,
            sign_ins: None,
        }
    }
}

/// Times and limits that people can set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a call may go without a word of its server.
    pub call_timeout: Duration,
    /// How long a server may take to start.
    pub start_timeout: Duration,
    /// How long the first list waits for servers that were never seen.
    pub list_wait: Duration,
    /// How long an unused server runs; zero: for ever.
    pub idle_timeout: Duration,
    /// How long a server without a call is left alone before it is asked whether it is there; zero: for ever.
    pub ping_after: Duration,
    /// How long an unused server goes on before its time is stopped; zero: for ever.
    pub freeze_after: Duration,
    /// Servers of this machine that run at a time; zero: as many as there are.
    pub servers_max: usize,
    /// Calls of one server under way at a time, unless its entry says otherwise; zero: as many as come.
    pub calls_at_once: usize,
    /// Whether the servers of a conversation start with it, before anybody needs them.
    pub prewarm: bool,
    /// Sessions at a time.
    pub sessions_max: usize,
    /// How long a session without a request lives; zero: for ever.
    pub session_idle: Duration,
    /// Requests under way in one session.
    pub in_flight_max: usize,
    /// Whether every tool has its server's name in front.
    pub tool_name_prefix: bool,
    /// What becomes of secrets in calls and answers.
    pub secret_scan: SecretScan,
    /// What becomes of tools whose definitions change.
    pub pin: Pin,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            call_timeout: Duration::from_secs(300),
            start_timeout: Duration::from_secs(60),
            list_wait: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(900),
            ping_after: Duration::ZERO,
            freeze_after: Duration::ZERO,
            servers_max: 0,
            calls_at_once: 0,
            prewarm: false,
            sessions_max: 10_000,
            session_idle: Duration::from_secs(24 * 3600),
            in_flight_max: 256,
            tool_name_prefix: false,
            secret_scan: SecretScan::default(),
            pin: Pin::default(),
        }
    }
}

/// The part of `--tools` that speaks of this server; none if it leaves all tools.
pub(crate) fn only_tools(tools: &[String], server: &str) -> Option<Vec<String>> {
    if tools.is_empty() {
        return None;
    }
    let of_server = tools.iter().filter_map(|tool| match tool.split_once(':') {
        None => Some(tool.clone()),
        Some((name, tool)) => name.eq_ignore_ascii_case(server).then(|| tool.to_owned()),
    });
    Some(of_server.collect())
}

#[cfg(test)]
mod tests {
    use super::only_tools;

    #[test]
    fn tools_are_chosen_by_name_or_by_server() {
        let chosen = |tools: &[&str], server| {
            only_tools(
                &tools.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>(),
                server,
            )
        };
        assert_eq!(chosen(&[], "a"), None);
        assert_eq!(
            chosen(&["x", "A:y", "b:*"], "a"),
            Some(vec!["x".to_owned(), "y".to_owned()])
        );
        assert_eq!(chosen(&["b:*"], "a"), Some(vec![]));
    }
}
