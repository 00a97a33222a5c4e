//! What can be set about a gateway, and who set it. Owns the one table of settings ([`Settings::KEYS`]): names, limits,
//! variables, documentation. Refuses values outside their limits. Next: `load`, which fills it from files and environment.

use std::collections::BTreeMap;
use std::fmt;

use catalog::Layer;

use crate::limits;

mod checks;
mod given;
mod keys;
#[cfg(test)]
mod tests;

pub(crate) use given::Given;

/// The settings of a gateway: section `[gateway]` of `config.toml`.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The address to listen on.
    pub host: String,
    /// The port to listen on; 0: any.
    pub port: u16,
    /// How clients reach us.
    pub transport: Transport,
    /// The file of our certificate (PEM); empty: no TLS.
    pub tls_cert: String,
    /// The file of its key (PEM).
    pub tls_key: String,
    /// What local servers run in.
    pub runtime: Runtime,
    /// Whether servers start in no box where none can be made.
    pub allow_unsandboxed: bool,
    /// When images are fetched.
    pub pull: Pull,
    /// Memory of a box or container, such as `2g`; see [`catalog::size_in_bytes`].
    pub memory: String,
    /// What the servers in boxes of one gateway may use together; `0`: no limit.
    pub memory_total: String,
    /// Processors of a box or container, such as `0.5`.
    pub cpus: String,
    /// Processes and threads of a box or container.
    pub pids: u32,
    /// Packages that may run scripts of their own while they are installed.
    pub install_scripts: Vec<String>,
    /// Servers that have the whole network if their entries want it; `*`: all.
    pub open_network: Vec<String>,
    /// Where a document describes this gateway to those who give tokens; empty: nowhere.
    pub client_metadata_url: String,
    /// Whether every image has to be signed.
    pub verify_signatures: bool,
    /// By which keys images have to be signed, `IMAGE=FILE` or `catalog:NAME=FILE`.
    pub image_keys: Vec<String>,
    /// Whether agents can find and add servers.
    pub dynamic_tools: bool,
    /// Whether agents can save and activate profiles.
    pub profile_tools: bool,
    /// Whether agents can search for single tools.
    pub find_tools: bool,
    /// Whether agents can import catalogs from addresses.
    pub registry_import: bool,
    /// Whether there is a prompt that explains the dynamic tools.
    pub discover_prompt: bool,
    /// Whether agents can write scripts over the tools of servers, where they can find and add these.
    pub code_mode: bool,
    /// How long a script may take, waiting for people not counted.
    pub script_time_s: u64,
    /// How many calls of tools one script may make.
    pub script_calls_max: u32,
    /// How many calls of one script may be in flight.
    pub script_inflight_max: u32,
    /// The memory of one script in bytes.
    pub script_memory_bytes_max: usize,
    /// The largest value in bytes that goes into a call of a script or comes out of it.
    pub script_value_bytes_max: usize,
    /// How many bytes one script may log.
    pub script_log_bytes_max: usize,
    /// How many bytes of a script's result an agent gets; what is larger is kept.
    pub script_result_bytes_max: usize,
    /// Whether every tool has its server's name in front.
    pub tool_name_prefix: bool,
    /// Whether each call is logged.
    pub log_calls: bool,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Whether each call is recorded on disk.
    pub records: bool,
    /// Whether records have the arguments of calls.
    pub records_arguments: bool,
    /// The size of one file of records in bytes.
    pub records_bytes_max: u64,
    /// How many files of records are kept.
    pub records_files_max: usize,
    /// What becomes of what looks like a secret in calls and answers.
    pub secret_scan: SecretScan,
    /// Patterns of servers in whose calls nothing is looked for.
    pub secret_scan_without: Vec<String>,
    /// What becomes of tools whose definitions change.
    pub pin: Pin,
    /// How long a call may take, unless its entry says otherwise.
    pub call_timeout_s: u64,
    /// How long a server may take to start, unless its entry says otherwise.
    pub start_timeout_s: u64,
    /// How long the first list waits for servers whose tools were never seen.
    pub list_wait_s: u64,
    /// When an unused server is stopped, unless its entry says otherwise; 0: never.
    pub idle_timeout_s: u64,
    /// How many seconds an unused server goes on before its time is stopped; 0: for ever.
    pub freeze_after_s: u64,
    /// How many seconds a server is left alone before it is asked whether it is there; 0: for ever.
    pub ping_after_s: u64,
    /// How many servers of this machine run at a time; 0: as many as there are.
    pub servers_max: usize,
    /// How many calls of one server are under way at a time; 0: as many as come.
    pub calls_at_once: usize,
    /// Whether servers start with a conversation.
    pub prewarm: bool,
    /// How many sessions there may be at once.
    pub sessions_max: usize,
    /// When an unused session ends; 0: never.
    pub sessions_idle_s: u64,
    /// How many calls one session may have in flight.
    pub inflight_max: usize,
    /// The largest request body in bytes.
    pub body_bytes_max: usize,
    /// `Host` values accepted beside those of this machine.
    pub allowed_hosts: Vec<String>,
    /// `Origin` values accepted beside those of this machine.
    pub allowed_origins: Vec<String>,
    /// Whether the HTTP front door asks for no token.
    pub allow_unauthenticated: bool,
    origins: BTreeMap<&'static str, Origin>,
}

/// How clients reach the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transport {
    /// Over standard input and output.
    #[default]
    Stdio,
    /// Streamable HTTP.
    Streaming,
    /// HTTP+SSE of 2024-11-05.
    Sse,
}

/// What local servers run in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Runtime {
    /// A box each, with the least they need; images in the engine that is found.
    #[default]
    Auto,
    /// A box each; no images.
    Sandbox,
    /// The same, in Docker.
    Docker,
    /// The same, in Podman.
    Podman,
    /// A box each; images run already, in containers that somebody else has started.
    Static,
    /// Nothing: they are processes with the rights of the gateway, because a person said so.
    Process,
}

/// When images of containers are fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pull {
    /// When they are not there.
    #[default]
    Missing,
    /// When they are first used.
    Always,
    /// Never.
    Never,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// What becomes of what looks like a secret in calls and answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SecretScan {
    /// Nothing is looked for.
    Off,
    /// It is masked in answers; calls that hold it are refused.
    #[default]
    Mask,
    /// Calls and answers that hold it are refused.
    Refuse,
}

/// What becomes of tools whose definitions change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pin {
    /// Nothing.
    Off,
    /// It is told.
    #[default]
    Warn,
    /// They are held back until the person has agreed.
    Hold,
}

/// Who set a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Which kind of place.
    pub layer: Layer,
    /// The file, variable or flag; empty for a default.
    pub source: String,
}

/// One setting.
#[derive(Debug)]
pub struct Key {
    /// Its name in `[gateway]`; the flag is the same with `-` for `_`.
    pub name: &'static str,
    /// Its environment variable.
    pub env: &'static str,
    /// What it does, in one sentence.
    pub doc: &'static str,
    /// What it can be.
    pub kind: Kind,
    /// Whether a project's file may set it. What opens the gateway to others is not for somebody else's text.
    pub from_project: bool,
    pub(crate) set: fn(&mut Settings, Given),
    pub(crate) show: fn(&Settings) -> Given,
    /// A check beyond the kind.
    pub(crate) check: fn(&Given) -> Result<(), String>,
}

/// What a setting can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number from `min` to `max`.
    Whole {
        /// The smallest.
        min: u64,
        /// The largest.
        max: u64,
    },
    /// A text.
    Text,
    /// A list of texts; in a variable or flag, separated by commas.
    Texts,
    /// One of these words.
    Choice(&'static [&'static str]),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 8811,
            transport: Transport::default(),
            tls_cert: String::new(),
            tls_key: String::new(),
            runtime: Runtime::default(),
            allow_unsandboxed: false,
            pull: Pull::default(),
            memory: "2g".to_owned(),
            memory_total: "0".to_owned(),
            cpus: "2".to_owned(),
            pids: 512,
            install_scripts: Vec::new(),
            open_network: Vec::new(),
            client_metadata_url: String::new(),
            verify_signatures: false,
            image_keys: Vec::new(),
            dynamic_tools: true,
            profile_tools: false,
            find_tools: false,
            registry_import: false,
            discover_prompt: false,
            code_mode: true,
            script_time_s: 30,
            script_calls_max: 200,
            script_inflight_max: 8,
            script_memory_bytes_max: 64 << 20,
            script_value_bytes_max: 1_000_000,
            script_log_bytes_max: 32 << 10,
            script_result_bytes_max: 24_000,
            tool_name_prefix: false,
            log_calls: true,
            log_format: LogFormat::default(),
            records: true,
            records_arguments: false,
            records_bytes_max: 16 << 20,
            records_files_max: 8,
            secret_scan: SecretScan::default(),
            secret_scan_without: Vec::new(),
            pin: Pin::default(),
            call_timeout_s: 60,
            start_timeout_s: 30,
            list_wait_s: 5,
            idle_timeout_s: 900,
            freeze_after_s: 0,
            ping_after_s: 60,
            servers_max: 256,
            calls_at_once: 0,
            prewarm: false,
            sessions_max: 10_000,
            sessions_idle_s: 3_600,
            inflight_max: 256,
            body_bytes_max: limits::BODY_BYTES_MAX as usize,
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            allow_unauthenticated: false,
            origins: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// Every setting there is.
    pub const KEYS: &'static [Key] = keys::KEYS;

    /// The setting of this name.
    pub fn key(name: &str) -> Option<&'static Key> {
        Self::KEYS.iter().find(|key| key.name == name)
    }

    /// Who set a setting.
    pub fn origin(&self, name: &str) -> Origin {
        self.origins.get(name).cloned().unwrap_or(Origin {
            layer: Layer::Default,
            source: String::new(),
        })
    }

    /// Every setting with its value as text and who set it, in the order of [`Settings::KEYS`].
    pub fn shown(&self) -> impl Iterator<Item = (&'static Key, String, Origin)> {
        Self::KEYS
            .iter()
            .map(|key| (key, (key.show)(self).to_string(), self.origin(key.name)))
    }

    /// Sets one setting; a value that is not allowed leaves the former, and the error says what would be.
    pub(crate) fn apply(
        &mut self,
        key: &'static Key,
        given: Given,
        origin: Origin,
    ) -> Result<(), String> {
        let given = given.checked(key)?;
        (key.set)(self, given);
        self.origins.insert(key.name, origin);
        Ok(())
    }
}

impl Transport {
    /// The word for it, as `config.toml` has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stdio => "stdio",
            Self::Streaming => "streaming",
            Self::Sse => "sse",
        }
    }

    /// Reads the word, or one of those that Docker's gateway accepts.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "stdio" => Some(Self::Stdio),
            "streaming" | "http" | "streamable" | "streamable-http" => Some(Self::Streaming),
            "sse" => Some(Self::Sse),
            _ => None,
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Runtime {
    /// The word for it, as `config.toml` has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Sandbox => "sandbox",
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::Static => "static",
            Self::Process => "process",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::Auto,
            Self::Sandbox,
            Self::Docker,
            Self::Podman,
            Self::Static,
            Self::Process,
        ]
        .into_iter()
        .find(|runtime| runtime.as_str() == word)
    }
}

impl Pull {
    /// The word for it, as `config.toml` has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Always => "always",
            Self::Never => "never",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Missing, Self::Always, Self::Never]
            .into_iter()
            .find(|pull| pull.as_str() == word)
    }
}

impl fmt::Display for Pull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl SecretScan {
    /// The word for it, as `config.toml` has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Mask => "mask",
            Self::Refuse => "refuse",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Off, Self::Mask, Self::Refuse]
            .into_iter()
            .find(|scan| scan.as_str() == word)
    }
}

impl Pin {
    /// The word for it, as `config.toml` has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Warn => "warn",
            Self::Hold => "hold",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Off, Self::Warn, Self::Hold]
            .into_iter()
            .find(|pin| pin.as_str() == word)
    }
}

impl LogFormat {
    /// The word for it, as `config.toml` has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Text => "text",
            Self::Json => "json",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Auto, Self::Text, Self::Json]
            .into_iter()
            .find(|format| format.as_str() == word)
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
