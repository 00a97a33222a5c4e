//! What can be set about a gateway, and who set it. Owns the one table of settings ([`Settings::KEYS`]): names, limits,
//! variables, documentation. Refuses values outside their limits. Next: `load`, which fills it from files and environment.

use std::collections::BTreeMap;
use std::fmt;

use catalog::Layer;

use crate::limits;

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
    /// What local servers run in.
    pub runtime: Runtime,
    /// Whether servers start in no box where none can be made.
    pub allow_unsandboxed: bool,
    /// When images are fetched.
    pub pull: Pull,
    /// Memory of a box or container, such as `2g`; see [`catalog::size_in_bytes`].
    pub memory: String,
    /// Processors of a box or container, such as `0.5`.
    pub cpus: String,
    /// Processes and threads of a box or container.
    pub pids: u32,
    /// Packages that may run scripts of their own while they are installed.
    pub install_scripts: Vec<String>,
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
    /// How long a call may take, unless its entry says otherwise.
    pub call_timeout_s: u64,
    /// How long a server may take to start, unless its entry says otherwise.
    pub start_timeout_s: u64,
    /// How long the first list waits for servers whose tools were never seen.
    pub list_wait_s: u64,
    /// When an unused server is stopped, unless its entry says otherwise; 0: never.
    pub idle_timeout_s: u64,
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
    /// Nothing: they are processes with the rights of the gateway.
    #[default]
    Process,
    /// A box each, with the least they need.
    Sandbox,
    /// The same; images in the engine that is found.
    Auto,
    /// The same, in Docker.
    Docker,
    /// The same, in Podman.
    Podman,
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
            runtime: Runtime::default(),
            allow_unsandboxed: false,
            pull: Pull::default(),
            memory: "2g".to_owned(),
            cpus: "2".to_owned(),
            pids: 512,
            install_scripts: Vec::new(),
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
            call_timeout_s: 60,
            start_timeout_s: 30,
            list_wait_s: 5,
            idle_timeout_s: 900,
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
            Self::Process => "process",
            Self::Sandbox => "sandbox",
            Self::Auto => "auto",
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::Process,
            Self::Sandbox,
            Self::Auto,
            Self::Docker,
            Self::Podman,
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
