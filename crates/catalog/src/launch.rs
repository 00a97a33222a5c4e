//! How a server is started or reached. Owns the kinds there are and what of them may be shown. Refuses to print credentials.
//! Next: `entry`, which holds one of these.

use std::fmt;
use std::path::PathBuf;

use crate::Shot;

/// How a server is started or reached.
#[derive(Clone, PartialEq)]
pub enum Launch {
    /// A program that speaks over its standard input and output.
    Command {
        /// The program: a path, or a name to look up.
        command: String,
        /// Its arguments.
        args: Vec<String>,
        /// Variables added to its environment.
        env: Vec<(String, String)>,
        /// Where it runs.
        cwd: Option<PathBuf>,
    },
    /// A server that runs elsewhere and is reached by HTTP.
    Remote {
        /// Its endpoint.
        url: String,
        /// Headers sent with every request.
        headers: Vec<(String, String)>,
        /// Which transport it speaks.
        kind: RemoteKind,
    },
    /// An OCI image whose program speaks over its standard input and output.
    Container {
        /// The image: `name:tag`, or with a digest after `@`.
        image: String,
        /// What follows the image's own entry point.
        command: Vec<String>,
        /// Variables added to its environment.
        env: Vec<(String, String)>,
        /// As whom it runs, `uid`, `uid:gid` or a name; `None`: as the image says.
        user: Option<String>,
        /// Names added to its host file, `name:address`.
        extra_hosts: Vec<String>,
        /// Whether its own files may be changed; what it writes there is gone with it.
        is_writable: bool,
    },
    /// A package of a language's registry, installed and run by that language's runtime.
    Package {
        /// Which registry.
        registry: Registry,
        /// Its name there; for `mcpb` the URL of the file.
        identifier: String,
        /// Which version; `None`: the newest.
        version: Option<String>,
        /// SHA-256 of the file in hexadecimal, where the publisher states it.
        sha256: Option<String>,
        /// What to run it with, such as `npx` or `uvx`; `None`: what is usual for the registry.
        runtime: Option<String>,
        /// Arguments of the runtime, before the package.
        runtime_args: Vec<String>,
        /// Arguments of the server.
        args: Vec<String>,
        /// Variables added to its environment.
        env: Vec<(String, String)>,
    },
    /// Tools each call of which is a container of its own. We answer for them: their images speak no MCP.
    OneShot {
        /// What each tool runs.
        shots: Vec<Shot>,
        /// Variables added to the environment of all.
        env: Vec<(String, String)>,
    },
    /// Something that no version of ours can start. It is found and shown, and says why it does not run.
    Unavailable {
        /// What it is, such as `nuget package Acme.Server`.
        what: String,
        /// Why it cannot run and what to do instead, lower-case, without a full stop.
        why: String,
    },
}

/// A registry of packages that servers come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registry {
    /// npm, for Node.js.
    Npm,
    /// PyPI, for Python.
    Pypi,
    /// A bundle file, fetched by URL.
    Mcpb,
}

impl Registry {
    /// As the official registry and our own files write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Pypi => "pypi",
            Self::Mcpb => "mcpb",
        }
    }
}

/// Which HTTP transport a remote server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RemoteKind {
    /// Streamable HTTP first, HTTP+SSE where that fails.
    #[default]
    Auto,
    /// Streamable HTTP only.
    Streamable,
    /// HTTP+SSE of 2024-11-05 only.
    Sse,
}

impl Launch {
    /// One word for the kind: `command`, `remote`, `container`, `package` or `unavailable`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Command { .. } => "command",
            Self::Remote { .. } => "remote",
            Self::Container { .. } | Self::OneShot { .. } => "container",
            Self::Package { .. } => "package",
            Self::Unavailable { .. } => "unavailable",
        }
    }

    /// Whether it runs on this machine.
    pub fn is_local(&self) -> bool {
        !matches!(self, Self::Remote { .. })
    }
}

/// Values of the environment, of headers and of arguments are not printed, nor is what a URL may hide.
impl fmt::Debug for Launch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command {
                command,
                args,
                env,
                cwd,
            } => f
                .debug_struct("Command")
                .field("command", command)
                .field("args", &Counted(args))
                .field("env", &Masked(env))
                .field("cwd", cwd)
                .finish(),
            Self::Remote { url, headers, kind } => f
                .debug_struct("Remote")
                .field("url", &shown_url(url))
                .field("headers", &Masked(headers))
                .field("kind", kind)
                .finish(),
            Self::Container {
                image,
                command,
                env,
                user,
                extra_hosts: _,
                is_writable: _,
            } => f
                .debug_struct("Container")
                .field("image", image)
                .field("command", &Counted(command))
                .field("env", &Masked(env))
                .field("user", user)
                .finish(),
            Self::Package {
                registry,
                identifier,
                version,
                args,
                env,
                ..
            } => f
                .debug_struct("Package")
                .field("registry", registry)
                .field("identifier", &shown_url(identifier))
                .field("version", version)
                .field("args", &Counted(args))
                .field("env", &Masked(env))
                .finish(),
            Self::OneShot { shots, env } => f
                .debug_struct("OneShot")
                .field("shots", shots)
                .field("env", &Masked(env))
                .finish(),
            Self::Unavailable { what, why } => f
                .debug_struct("Unavailable")
                .field("what", what)
                .field("why", why)
                .finish(),
        }
    }
}

/// How many there are: any of them may be a credential.
struct Counted<'a>(&'a [String]);

impl fmt::Debug for Counted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} hidden]", self.0.len())
    }
}

struct Masked<'a>(&'a [(String, String)]);

impl fmt::Debug for Masked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.0.iter().map(|(name, _)| (name, format_args!("***"))))
            .finish()
    }
}

/// A URL as it may be shown: without user name, password, query and fragment.
pub fn shown_url(url: &str) -> String {
    let (head, hidden) = match url.find(['?', '#']) {
        Some(at) => (&url[..at], &url[at..=at]),
        None => (url, ""),
    };
    let dots = if hidden.is_empty() { "" } else { "***" };
    let authority = head.find("://").map_or(0, |at| at + 3);
    let path = head[authority..]
        .find('/')
        .map_or(head.len(), |at| authority + at);
    match head[authority..path].rfind('@') {
        Some(at) => format!(
            "{}***@{}{hidden}{dots}",
            &head[..authority],
            &head[authority + at + 1..]
        ),
        None => format!("{head}{hidden}{dots}"),
    }
}
