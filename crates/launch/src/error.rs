//! Why a server could not be started or reached, in words for the person who configured it.

use std::io;
use std::path::{Path, PathBuf};

use transport::client::{EndpointError, HttpError};

use crate::exit::ExitReason;

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LaunchError {
    /// The command is in no folder of PATH.
    #[error("command \"{command}\" not found in PATH; install it or give the full path in {file}")]
    NotFound {
        /// As the entry has it.
        command: String,
        /// Where the entry is from.
        file: String,
    },
    /// The command is a whole line.
    #[error(
        "command \"{command}\" has arguments in it: write `{program}` as `command` and the other words as `args` in {file}"
    )]
    Line {
        /// As the entry has it.
        command: String,
        /// Its first word.
        program: String,
        /// Where the entry is from.
        file: String,
    },
    /// The command is a path to nothing.
    #[error("command \"{}\" does not exist; install it or mend the path in {file}", path.display())]
    NoFile {
        /// The path, absolute.
        path: PathBuf,
        /// Where the entry is from.
        file: String,
    },
    /// The command cannot be run.
    #[error("command \"{path}\" is not an executable file; `chmod +x` it or name another one in {file}", path = path.display())]
    NotExecutable {
        /// The path, absolute.
        path: PathBuf,
        /// Where the entry is from.
        file: String,
    },
    /// The working folder does not exist, or is closed to us.
    #[error("working folder \"{}\" does not exist or cannot be entered; create it or mend `cwd` in {file}", path.display())]
    NoFolder {
        /// The folder.
        path: PathBuf,
        /// Where the entry is from.
        file: String,
    },
    /// The container that somebody else is to have started is not there.
    #[error(
        "no server answers at {address}: {error}; start its container as a service of the name {service}, or leave --static out"
    )]
    NotRunning {
        /// Where it is looked for.
        address: String,
        /// The name of the service.
        service: String,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// The system refused to start it.
    #[error("\"{}\" could not be started: {error}{}", program.display(), hint(program, error))]
    Start {
        /// The program, absolute.
        program: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// The process that guards the server could not be started.
    #[error("the guard \"{}\" could not be started: {error}", guard.display())]
    Guard {
        /// Our own program.
        guard: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// The box of the server could not be made.
    #[error("the server's box could not be made: {what}{}", because(error))]
    NoBox {
        /// What was being done.
        what: String,
        /// Why it failed, if the system said so.
        error: Option<io::Error>,
    },
    /// It ended before it began.
    #[error("the server {0} before it began")]
    Ended(ExitReason),
    /// What the entry wants in its box cannot be there.
    #[error("{why}, in {file}")]
    Contents {
        /// Why, and what to do.
        why: String,
        /// Where the entry is from.
        file: String,
    },
    /// It could not be started, and something that it needs is not in its box.
    #[error("{error}; {outside}")]
    Outside {
        /// Why it could not be started.
        #[source]
        error: Box<Self>,
        /// What is not in the box, and how it would be.
        outside: String,
    },
    /// Nothing here can keep a server apart, and nobody has said that it may run without that.
    #[error(
        "servers cannot be isolated here ({missing}), and none is started without isolation unless that is allowed: say --allow-unsandboxed, or allow_unsandboxed = true under [gateway] in config.toml"
    )]
    Unsandboxed {
        /// What is missing, and why.
        missing: String,
    },
    /// No pipes for it.
    #[error("no pipes for the server: {0}")]
    Pipes(#[source] io::Error),
    /// The URL or a header cannot be used.
    #[error("{error}; mend it in {file}")]
    Endpoint {
        /// Why.
        #[source]
        error: EndpointError,
        /// Where the entry is from.
        file: String,
    },
    /// The server does not answer as HTTP+SSE servers do.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// There is no container of it.
    #[error("no container for the server: {why}")]
    Container {
        /// Why, and what to do.
        why: String,
    },
    /// Packages need a launcher that is not there.
    #[error(
        "not yet startable: {what} needs a launcher that this version does not have; {instead}"
    )]
    NotYet {
        /// What was to be started.
        what: String,
        /// What a person can do instead.
        instead: &'static str,
    },
    /// Nothing can start it.
    #[error("{what} cannot be started: {why}")]
    Unavailable {
        /// What was to be started.
        what: String,
        /// Why not.
        why: String,
    },
    /// Its configuration has not been filled in.
    #[error(
        "server \"{server}\" is a template whose configuration was not filled in; set what it needs first"
    )]
    Template {
        /// Which one.
        server: String,
    },
    /// Asked to start what runs elsewhere.
    #[error("a server that is reached by URL is not started here")]
    NotProgram,
    /// Asked to reach by URL what is started as a program.
    #[error("a server that is started as a program has no URL")]
    NotRemote,
}

impl LaunchError {
    /// From the words of those who made the box; 0 is no error number.
    #[cfg(target_os = "linux")]
    pub(crate) fn no_box(what: String, errno: i32) -> Self {
        Self::NoBox {
            what,
            error: (errno != 0).then(|| io::Error::from_raw_os_error(errno)),
        }
    }
}

fn because(error: &Option<io::Error>) -> String {
    error
        .as_ref()
        .map_or_else(String::new, |error| format!(": {error}"))
}

/// What usually is the matter, as far as the error number tells.
fn hint(program: &Path, error: &io::Error) -> String {
    match error.kind() {
        // The program is there, it was looked for: what is missing is what its first line names.
        io::ErrorKind::NotFound => match interpreter(program) {
            Some(interpreter) => {
                format!("; its first line asks for \"{interpreter}\", which is missing")
            }
            None => "; something it is linked to is missing".to_owned(),
        },
        io::ErrorKind::ArgumentListTooLong => {
            "; its arguments and environment are too large".to_owned()
        }
        _ if error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error()) => {
            "; it is made for another machine, or is a script without a `#!` line".to_owned()
        }
        _ => String::new(),
    }
}

fn interpreter(program: &Path) -> Option<String> {
    use std::io::Read;

    let mut head = Vec::new();
    std::fs::File::open(program)
        .ok()?
        .take(256)
        .read_to_end(&mut head)
        .ok()?;
    let line = head
        .strip_prefix(b"#!")?
        .split(|byte| *byte == b'\n')
        .next()?;
    let name = String::from_utf8_lossy(line).trim().to_owned();
    (!name.is_empty()).then_some(name)
}
