//! What is known of one server. Owns what an entry holds and what of it may be shown. Refuses to print credentials.
//! Next: `reader`, which makes entries of files.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use crate::{
    About, Launch, Layer, Network, Origin, RemoteKind, Resources, ServerName, filter, shown_url,
};

/// What is known of one server: how to start or reach it, and who may share it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its name, unique among the loaded ones.
    pub name: ServerName,
    /// How it is started or reached.
    pub launch: Launch,
    /// Only these tools are offered; `None`: all, empty: none. `*` stands for any characters, case does not matter.
    pub tools: Option<Vec<String>>,
    /// These tools are never offered, whatever `tools` says.
    pub exclude_tools: Vec<String>,
    /// Who may share one running server; `None`: the default of its kind, see [`Entry::share`].
    pub share: Option<Share>,
    /// Known, but not used.
    pub disabled: bool,
    /// Stopped after so long without a call; 0: never. `None`: the gateway's setting, as with the next two.
    pub idle_timeout_s: Option<u64>,
    /// How long it may take to start.
    pub start_timeout_s: Option<u64>,
    /// How long a call may take.
    pub call_timeout_s: Option<u64>,
    /// How many of its calls may be under way at once; 0: as many as come. `None`: the gateway's setting.
    pub calls_at_once: Option<u64>,
    /// A name for people.
    pub title: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The file it came from, for messages.
    pub source: String,
    /// Which kind of file that was. A [`Layer::Project`] file is somebody else's text.
    pub layer: Layer,
    /// Whether launch, volumes and hosts hold templates (`{{key}}`, `${SECRET}`): [`Entry::resolve`] fills them in, and
    /// nothing is started before.
    pub is_template: bool,
    /// What a server that runs here sees of the disk: `source:target`, `source:target:ro`; a source that is no path is a
    /// named volume.
    pub volumes: Vec<String>,
    /// What of the network a server that runs here may reach.
    pub network: Network,
    /// How much of the machine a server that runs here may use.
    pub resources: Resources,
    /// Where it comes from, and so how far it is trusted.
    pub origin: Origin,
    /// Whether a person has approved what would otherwise wait for that, see [`Entry::concerns`].
    pub is_approved: bool,
    /// Where the person takes its secrets from, by the names of these: references such as `env:NAME`, which come before the
    /// store. The person's own word, so neither a catalog says it nor does an approval cover it.
    pub references: BTreeMap<String, String>,
    /// Where the client works that it is started for; relative paths are of there. `None`: where we do. Set by nobody but who
    /// starts it: no file says it, and it shows a box nothing.
    pub base: Option<PathBuf>,
    /// What else a catalog tells; empty for entries out of files of applications.
    pub about: Arc<About>,
}

/// Shared by all entries of which nothing more is known.
static NOTHING: LazyLock<Arc<About>> = LazyLock::new(Arc::default);

/// What two calls must have in common to share one running server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// The workspace.
    Workspace,
    /// The caller.
    Caller,
    /// Nothing: the server keeps no state.
    All,
}

impl Entry {
    /// An entry that starts a program, everything else at its default.
    pub fn command<A: Into<String>>(
        name: ServerName,
        command: impl Into<String>,
        args: impl IntoIterator<Item = A>,
    ) -> Self {
        Self::new(
            name,
            Launch::Command {
                command: command.into(),
                args: args.into_iter().map(Into::into).collect(),
                env: Vec::new(),
                cwd: None,
            },
        )
    }

    /// An entry that reaches a URL, everything else at its default.
    pub fn remote(name: ServerName, url: impl Into<String>) -> Self {
        Self::new(
            name,
            Launch::Remote {
                url: url.into(),
                headers: Vec::new(),
                kind: RemoteKind::Auto,
            },
        )
    }

    /// An entry with everything but these at its default.
    pub fn new(name: ServerName, launch: Launch) -> Self {
        Self {
            name,
            launch,
            tools: None,
            exclude_tools: Vec::new(),
            share: None,
            disabled: false,
            idle_timeout_s: None,
            start_timeout_s: None,
            call_timeout_s: None,
            calls_at_once: None,
            title: None,
            description: None,
            source: String::new(),
            layer: Layer::Default,
            is_template: false,
            volumes: Vec::new(),
            network: Network::Unsaid,
            resources: Resources::default(),
            origin: Origin::Own,
            is_approved: false,
            references: BTreeMap::new(),
            base: None,
            about: Arc::clone(&NOTHING),
        }
    }

    /// `command`, `remote`, `container`, `package` or `unavailable`.
    pub fn kind(&self) -> &'static str {
        self.launch.kind()
    }

    /// Whether a tool of this server is offered.
    pub fn allows_tool(&self, tool: &str) -> bool {
        let listed = |list: &[String]| list.iter().any(|pattern| filter::matches(pattern, tool));
        self.tools.as_deref().is_none_or(listed) && !listed(&self.exclude_tools)
    }

    /// Who shares one running server: as the entry says, else the workspace for local and the caller for remote ones.
    pub fn share(&self) -> Share {
        self.share.unwrap_or(match self.launch {
            Launch::Remote { .. } => Share::Caller,
            _ => Share::Workspace,
        })
    }

    /// Whether what the server answers may depend on a credential in the entry, so that nothing learnt from it may be
    /// shown to another caller. Headers, environment, what hides in a URL (user name, query), secrets and signing in count
    /// as such.
    pub fn has_credentials(&self) -> bool {
        !self.about.secrets.is_empty()
            || self.about.oauth.is_some()
            || match &self.launch {
                Launch::Command { env, .. }
                | Launch::Container { env, .. }
                | Launch::OneShot { env, .. }
                | Launch::Package { env, .. } => !env.is_empty(),
                Launch::Remote { url, headers, .. } => {
                    !headers.is_empty() || shown_url(url) != *url
                }
                Launch::Unavailable { .. } => false,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ServerName {
        ServerName::new(text).unwrap()
    }

    #[test]
    fn debug_hides_every_value_that_may_be_secret() {
        let mut entry = Entry::command(name("a"), "npx", ["--key", "hunter2"]);
        if let Launch::Command { env, .. } = &mut entry.launch {
            env.push(("TOKEN".into(), "hunter2".into()));
        }
        let shown = format!("{entry:?}");
        assert!(
            shown.contains("TOKEN") && shown.contains("npx") && !shown.contains("hunter2"),
            "{shown}"
        );

        let mut entry = Entry::remote(
            name("a"),
            "https://me:hunter2@h.example/mcp?key=hunter2#hunter2",
        );
        if let Launch::Remote { headers, .. } = &mut entry.launch {
            headers.push(("Authorization".into(), "Bearer hunter2".into()));
        }
        let shown = format!("{entry:?}");
        assert!(
            shown.contains("Authorization") && shown.contains("h.example/mcp"),
            "{shown}"
        );
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn credentials_are_environment_headers_and_what_a_url_hides() {
        assert!(!Entry::command(name("a"), "x", ["y"]).has_credentials());
        assert!(!Entry::remote(name("a"), "https://h/mcp").has_credentials());
        assert!(Entry::remote(name("a"), "https://h/mcp?key=1").has_credentials());
        assert!(Entry::remote(name("a"), "https://u@h/mcp").has_credentials());
        assert!(!Entry::remote(name("a"), "https://h/@scope/mcp").has_credentials());
    }

    #[test]
    fn tools_none_is_all_and_empty_is_none() {
        let mut entry = Entry::command(name("a"), "x", [""; 0]);
        assert!(entry.allows_tool("read"));
        entry.tools = Some(vec![]);
        assert!(!entry.allows_tool("read"));
        entry.tools = Some(vec!["read_*".into(), "Stat".into()]);
        assert!(
            entry.allows_tool("read_file")
                && entry.allows_tool("stat")
                && !entry.allows_tool("write")
        );
        entry.exclude_tools = vec!["READ_all".into()];
        assert!(!entry.allows_tool("read_all") && entry.allows_tool("read_file"));
    }

    #[test]
    fn sharing_defaults_by_kind() {
        assert_eq!(
            Entry::command(name("a"), "x", [""; 0]).share(),
            Share::Workspace
        );
        let mut remote = Entry::remote(name("a"), "https://h");
        assert_eq!(remote.share(), Share::Caller);
        remote.share = Some(Share::All);
        assert_eq!(remote.share(), Share::All);
    }
}
