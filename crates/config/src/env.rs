//! The one list of environment variables, and the only place that reads them. Everything else is given an [`Env`], so that
//! a test needs no real environment.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::Arc;

/// A variable that means something to us.
#[derive(Debug, Clone, Copy)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub doc: &'static str,
}

const fn variable(name: &'static str, doc: &'static str) -> Variable {
    Variable { name, doc }
}

/// Moves everything of Portolan into one folder.
pub const PORTOLAN_HOME: &str = "PORTOLAN_HOME";
/// The program that opens web pages.
pub const BROWSER: &str = "BROWSER";
/// The bearer token of the HTTP front door.
pub const PORTOLAN_AUTH_TOKEN: &str = "PORTOLAN_AUTH_TOKEN";
/// A file that holds the bearer token.
pub const PORTOLAN_AUTH_TOKEN_FILE: &str = "PORTOLAN_AUTH_TOKEN_FILE";
/// The same token under the name that Docker's gateway gives it.
pub const MCP_GATEWAY_AUTH_TOKEN: &str = "MCP_GATEWAY_AUTH_TOKEN";
/// A file that holds the passphrase of the secrets.
pub const PORTOLAN_PASSPHRASE_FILE: &str = "PORTOLAN_PASSPHRASE_FILE";
/// Which log lines are written.
pub const PORTOLAN_LOG: &str = "PORTOLAN_LOG";
/// The same under the name that Rust programs share.
pub const RUST_LOG: &str = "RUST_LOG";
/// Where systemd puts a unit's credentials.
pub const CREDENTIALS_DIRECTORY: &str = "CREDENTIALS_DIRECTORY";
/// Where the container engine listens.
pub const DOCKER_HOST: &str = "DOCKER_HOST";
/// The folder of Docker's own configuration.
pub const DOCKER_CONFIG: &str = "DOCKER_CONFIG";
/// The socket that `docker` holds open for as long as it wants its plugin to run.
pub const DOCKER_CLI_PLUGIN_SOCKET: &str = "DOCKER_CLI_PLUGIN_SOCKET";
/// The home folder.
pub const HOME: &str = "HOME";
/// No colour in what people read.
pub const NO_COLOR: &str = "NO_COLOR";
/// Colour even where nobody seems to look.
pub const CLICOLOR_FORCE: &str = "CLICOLOR_FORCE";
/// The kind of terminal.
pub const TERM: &str = "TERM";
/// Set where no person watches.
pub const CI: &str = "CI";
/// Set by the completion scripts of shells.
pub const PORTOLAN_COMPLETE: &str = "PORTOLAN_COMPLETE";
/// Where systemd wants to be told that we are ready.
pub const NOTIFY_SOCKET: &str = "NOTIFY_SOCKET";

/// Every variable that we read. Those of settings are named after their keys: see [`Settings::KEYS`](crate::Settings::KEYS).
pub const VARIABLES: &[Variable] = &[
    variable(
        PORTOLAN_HOME,
        "moves configuration, state, cache and sockets into one folder",
    ),
    variable(
        PORTOLAN_AUTH_TOKEN,
        "the bearer token of the HTTP front door",
    ),
    variable(PORTOLAN_AUTH_TOKEN_FILE, "a file that holds that token"),
    variable(
        PORTOLAN_PASSPHRASE_FILE,
        "a file, or a pipe such as /dev/fd/3, that holds the passphrase of the secrets",
    ),
    variable(
        CREDENTIALS_DIRECTORY,
        "where systemd puts a unit's credentials, for `cred:` secrets",
    ),
    variable(
        MCP_GATEWAY_AUTH_TOKEN,
        "that token under the name that Docker's gateway gives it",
    ),
    variable(
        "PORTOLAN_HOST",
        "the address to listen on, as `host` in config.toml",
    ),
    variable("PORTOLAN_PORT", "the port to listen on, as `port`"),
    variable(
        "PORTOLAN_TRANSPORT",
        "stdio, streaming or sse, as `transport`",
    ),
    variable(
        "PORTOLAN_RUNTIME",
        "what local servers run in: auto, sandbox, docker, podman, static or process, as `runtime`",
    ),
    variable(
        "PORTOLAN_ALLOW_UNSANDBOXED",
        "whether servers start where no box can be made, as `allow_unsandboxed`",
    ),
    variable(
        "PORTOLAN_PULL",
        "when images are fetched: missing, always or never, as `pull`",
    ),
    variable(
        "PORTOLAN_MEMORY",
        "memory of a server in a box or container, as `memory`",
    ),
    variable(
        "PORTOLAN_MEMORY_TOTAL",
        "memory of all servers in boxes together, as `memory_total`",
    ),
    variable("PORTOLAN_CPUS", "processors of one, as `cpus`"),
    variable("PORTOLAN_PIDS", "processes of one, as `pids`"),
    variable(
        "PORTOLAN_INSTALL_SCRIPTS",
        "packages that may run scripts while they are installed, as `install_scripts`",
    ),
    variable(
        "PORTOLAN_OPEN_NETWORK",
        "servers that may have the whole network, as `open_network`",
    ),
    variable(
        "PORTOLAN_CLIENT_METADATA_URL",
        "a document that describes this gateway to those who give tokens, as `client_metadata_url`",
    ),
    variable(
        "PORTOLAN_VERIFY_SIGNATURES",
        "whether every image has to be signed, as `verify_signatures`",
    ),
    variable(
        "PORTOLAN_IMAGE_KEYS",
        "by which keys images have to be signed, as `image_keys`",
    ),
    variable(
        "PORTOLAN_DYNAMIC_TOOLS",
        "whether agents can find and add servers, as `dynamic_tools`",
    ),
    variable(
        "PORTOLAN_PROFILE_TOOLS",
        "whether agents can save and activate profiles, as `profile_tools`",
    ),
    variable(
        "PORTOLAN_FIND_TOOLS",
        "whether agents can search for single tools, as `find_tools`",
    ),
    variable(
        "PORTOLAN_REGISTRY_IMPORT",
        "whether agents can import catalogs from addresses, as `registry_import`",
    ),
    variable(
        "PORTOLAN_DISCOVER_PROMPT",
        "whether there is a prompt about finding servers, as `discover_prompt`",
    ),
    variable(
        "PORTOLAN_CODE_MODE",
        "whether agents can write scripts, as `code_mode`",
    ),
    variable(
        "PORTOLAN_SCRIPT_TIME_S",
        "how long a script may take, as `script_time_s`",
    ),
    variable(
        "PORTOLAN_SCRIPT_CALLS_MAX",
        "how many calls one script may make, as `script_calls_max`",
    ),
    variable(
        "PORTOLAN_SCRIPT_INFLIGHT_MAX",
        "how many calls of one script may be in flight, as `script_inflight_max`",
    ),
    variable(
        "PORTOLAN_SCRIPT_MEMORY_BYTES_MAX",
        "the memory of one script, as `script_memory_bytes_max`",
    ),
    variable(
        "PORTOLAN_SCRIPT_VALUE_BYTES_MAX",
        "the largest value of a call of a script, as `script_value_bytes_max`",
    ),
    variable(
        "PORTOLAN_SCRIPT_LOG_BYTES_MAX",
        "how much one script may log, as `script_log_bytes_max`",
    ),
    variable(
        "PORTOLAN_SCRIPT_RESULT_BYTES_MAX",
        "how much of a result an agent gets, as `script_result_bytes_max`",
    ),
    variable(
        "PORTOLAN_TOOL_NAME_PREFIX",
        "whether every tool is called server__tool, as `tool_name_prefix`",
    ),
    variable(
        "PORTOLAN_LOG_CALLS",
        "whether each call is logged, as `log_calls`",
    ),
    variable("PORTOLAN_LOG_FORMAT", "auto, text or json, as `log_format`"),
    variable(
        "PORTOLAN_TLS_CERT",
        "the file of the certificate, as `tls_cert`",
    ),
    variable("PORTOLAN_TLS_KEY", "the file of its key, as `tls_key`"),
    variable(
        "PORTOLAN_SECRET_SCAN",
        "off, mask or refuse, as `secret_scan`",
    ),
    variable(
        "PORTOLAN_SECRET_SCAN_WITHOUT",
        "servers that are not scanned for secrets, as `secret_scan_without`",
    ),
    variable("PORTOLAN_PIN", "off, warn or hold, as `pin`"),
    variable(
        "PORTOLAN_RECORDS",
        "whether each call is recorded, as `records`",
    ),
    variable(
        "PORTOLAN_RECORDS_ARGUMENTS",
        "whether records have arguments, as `records_arguments`",
    ),
    variable(
        "PORTOLAN_RECORDS_BYTES_MAX",
        "the size of a file of records, as `records_bytes_max`",
    ),
    variable(
        "PORTOLAN_RECORDS_FILES_MAX",
        "how many files of records are kept, as `records_files_max`",
    ),
    variable(
        "PORTOLAN_CALL_TIMEOUT_S",
        "how long a call may take, as `call_timeout_s`",
    ),
    variable(
        "PORTOLAN_START_TIMEOUT_S",
        "how long a server may take to start, as `start_timeout_s`",
    ),
    variable(
        "PORTOLAN_LIST_WAIT_S",
        "how long the first list waits for servers, as `list_wait_s`",
    ),
    variable(
        "PORTOLAN_IDLE_TIMEOUT_S",
        "when an unused server is stopped, as `idle_timeout_s`",
    ),
    variable(
        "PORTOLAN_FREEZE_AFTER_S",
        "when the time of an unused server is stopped, as `freeze_after_s`",
    ),
    variable(
        "PORTOLAN_PING_AFTER_S",
        "when a server is asked whether it is there, as `ping_after_s`",
    ),
    variable(
        "PORTOLAN_SERVERS_MAX",
        "how many servers run at a time, as `servers_max`",
    ),
    variable(
        "PORTOLAN_CALLS_AT_ONCE",
        "how many calls of one server are under way, as `calls_at_once`",
    ),
    variable(
        "PORTOLAN_PREWARM",
        "whether servers start with a conversation, as `prewarm`",
    ),
    variable(
        "PORTOLAN_SESSIONS_MAX",
        "how many sessions there may be, as `sessions_max`",
    ),
    variable(
        "PORTOLAN_SESSIONS_IDLE_S",
        "when an unused session ends, as `sessions_idle_s`",
    ),
    variable(
        "PORTOLAN_INFLIGHT_MAX",
        "how many calls a session may have in flight, as `inflight_max`",
    ),
    variable(
        "PORTOLAN_BODY_BYTES_MAX",
        "the largest request, as `body_bytes_max`",
    ),
    variable(
        "PORTOLAN_ALLOWED_HOSTS",
        "further `Host` values, separated by commas, as `allowed_hosts`",
    ),
    variable(
        "PORTOLAN_ALLOWED_ORIGINS",
        "further `Origin` values, separated by commas, as `allowed_origins`",
    ),
    variable(
        "PORTOLAN_ALLOW_UNAUTHENTICATED",
        "whether the front door asks for no token, as `allow_unauthenticated`",
    ),
    variable(
        PORTOLAN_LOG,
        "which log lines are written, such as `info` or `gateway=debug`",
    ),
    variable(RUST_LOG, "the same, where PORTOLAN_LOG is not set"),
    variable(
        HOME,
        "the home folder: `~` in paths, and where the folders below lie by default",
    ),
    variable("XDG_CONFIG_HOME", "where configuration lies"),
    variable("XDG_STATE_HOME", "where state lies"),
    variable("XDG_CACHE_HOME", "where what can be fetched again lies"),
    variable("XDG_RUNTIME_DIR", "where sockets and locks lie"),
    variable(
        DOCKER_HOST,
        "where the container engine listens, `unix:///PATH`; otherwise the usual places are tried",
    ),
    variable(
        DOCKER_CONFIG,
        "the folder of Docker's own configuration, otherwise `~/.docker`",
    ),
    variable(
        DOCKER_CLI_PLUGIN_SOCKET,
        "the socket by which `docker` says that `docker mcp` is to end",
    ),
    variable("APPDATA", "where configuration lies on Windows"),
    variable("LOCALAPPDATA", "where state and cache lie on Windows"),
    variable(NO_COLOR, "no colour in what people read"),
    variable(CLICOLOR_FORCE, "colour even where output is no terminal"),
    variable(TERM, "`dumb`: no colour"),
    variable(CI, "no question and no colour"),
    variable(
        PORTOLAN_COMPLETE,
        "set by the script of `portolan completion`: the shell that asks for completions",
    ),
    variable(
        NOTIFY_SOCKET,
        "where systemd is told that the gateway is ready",
    ),
];

/// The environment: that of the process, or one made up for a test. Clones are cheap.
#[derive(Clone, Default)]
pub struct Env(Source);

#[derive(Clone)]
enum Source {
    Process,
    Fixed(Arc<BTreeMap<OsString, OsString>>),
}

impl Default for Source {
    fn default() -> Self {
        Self::Fixed(Arc::default())
    }
}

impl Env {
    /// The environment of this process. Where `HOME` is not set it is what the system knows of the user.
    pub fn process() -> Self {
        Self(Source::Process)
    }

    /// An environment of these variables and no other.
    pub fn of<N: Into<OsString>, V: Into<OsString>>(
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let variables = variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        Self(Source::Fixed(Arc::new(variables)))
    }

    /// A variable as it is; an empty one is there.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the place that reads the environment"
    )]
    pub fn os(&self, name: &str) -> Option<OsString> {
        match &self.0 {
            Source::Process if name.is_empty() || name.contains(['=', '\0']) => None,
            Source::Process if name == HOME => {
                std::env::var_os(name).or_else(|| std::env::home_dir().map(Into::into))
            }
            Source::Process => std::env::var_os(name),
            Source::Fixed(variables) => variables.get(OsStr::new(name)).cloned(),
        }
    }

    /// A variable as text; one that is no UTF-8 is not there.
    pub fn text(&self, name: &str) -> Option<String> {
        self.os(name)?.into_string().ok()
    }

    /// A variable as text, if there is something in it.
    pub fn filled(&self, name: &str) -> Option<String> {
        self.text(name).filter(|text| !text.is_empty())
    }

    /// A variable as an absolute path; anything else is not there, as the XDG rules want it.
    pub fn folder(&self, name: &str) -> Option<PathBuf> {
        self.os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    }
}

/// Names only: values may be secret.
impl std::fmt::Debug for Env {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Source::Process => f.write_str("Env(process)"),
            Source::Fixed(variables) => f.debug_set().entries(variables.keys()).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::Settings;

    #[test]
    fn every_setting_has_its_variable_in_the_list() {
        let listed: BTreeSet<_> = VARIABLES.iter().map(|variable| variable.name).collect();
        assert_eq!(listed.len(), VARIABLES.len(), "a variable stands twice");
        for key in Settings::KEYS {
            assert_eq!(key.env, format!("PORTOLAN_{}", key.name.to_uppercase()));
            assert!(listed.contains(key.env), "{} is missing", key.env);
        }
    }

    #[test]
    fn a_fixed_environment_has_nothing_else() {
        let env = Env::of([("A", "1"), ("EMPTY", ""), ("REL", "x/y"), ("ABS", "/x")]);
        assert_eq!(
            (env.text("A").as_deref(), env.text("PATH")),
            (Some("1"), None)
        );
        assert_eq!(
            (env.text("EMPTY").as_deref(), env.filled("EMPTY")),
            (Some(""), None)
        );
        assert_eq!(
            (env.folder("REL"), env.folder("ABS")),
            (None, Some("/x".into()))
        );
        assert_eq!(format!("{env:?}"), r#"{"A", "ABS", "EMPTY", "REL"}"#);
    }

    #[test]
    fn odd_names_are_no_variables_of_the_process() {
        for name in ["", "A=B", "A\0B"] {
            assert_eq!(Env::process().os(name), None);
        }
    }
}
