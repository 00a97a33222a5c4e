//! What a rule can know. What a client says of itself, and what a server says of its tools, is their word: a rule may use it
//! against a call, and should think twice before it allows something for it.

/// One thing that is about to happen.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The authenticated party behind the client.
    pub caller: &'a str,
    /// What the caller's token is good for, with spaces between; none of callers whose tokens say nothing of it, and where a
    /// decision must hold for every token of the caller.
    pub scopes: Option<&'a str>,
    /// The client's `name/version`, as it calls itself; none while that is not known.
    pub client: Option<&'a str>,
    /// The server that it is about.
    pub server: &'a ServerFacts,
    /// What is wanted of it.
    pub asked: Asked<'a>,
    /// The era of the client.
    pub era: Era,
    /// Seconds since 1970; none where the decision must not change with time.
    pub now_s: Option<i64>,
}

impl<'a> Facts<'a> {
    /// Each thing that the caller's token is good for.
    pub(crate) fn scopes(&self) -> impl Iterator<Item = &'a str> {
        self.scopes.unwrap_or_default().split_ascii_whitespace()
    }
}

/// What is wanted of a server.
#[derive(Clone, Copy, Debug)]
pub enum Asked<'a> {
    /// That it is started and used at all.
    Load,
    /// A call of a tool.
    Tool {
        /// By the server's own name.
        name: &'a str,
        /// What the server says of it.
        hints: Hints,
        /// Raw JSON; none while there is no call.
        arguments: Option<&'a str>,
    },
    /// A prompt, by the server's own name.
    Prompt(&'a str),
    /// A resource, by its own URI.
    Resource(&'a str),
    /// Something else that goes to the server.
    Other,
}

/// The era of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    /// 2024-11-05 to 2025-11-25.
    Handshake,
    /// 2026-07-28.
    Stateless,
}

/// What a server says of a tool (`annotations`), with the defaults of the specification where it says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hints {
    /// It changes nothing.
    pub read_only: bool,
    /// It may destroy something.
    pub destructive: bool,
    /// Doing it twice is doing it once.
    pub idempotent: bool,
    /// It reaches out into the world.
    pub open_world: bool,
}

impl Hints {
    /// The names that the protocol gives them.
    pub const NAMES: [&'static str; 4] = [
        "readOnlyHint",
        "destructiveHint",
        "idempotentHint",
        "openWorldHint",
    ];

    /// Each with the name that the protocol gives it.
    pub fn named(self) -> [(&'static str, bool); 4] {
        let [a, b, c, d] = Self::NAMES;
        [
            (a, self.read_only),
            (b, self.destructive),
            (c, self.idempotent),
            (d, self.open_world),
        ]
    }

    /// Sets one by that name; a name that is none is passed over, as the protocol wants it.
    pub fn set(&mut self, name: &str, value: bool) {
        match name {
            "readOnlyHint" => self.read_only = value,
            "destructiveHint" => self.destructive = value,
            "idempotentHint" => self.idempotent = value,
            "openWorldHint" => self.open_world = value,
            _ => {}
        }
    }
}

impl Default for Hints {
    fn default() -> Self {
        Self {
            read_only: false,
            destructive: true,
            idempotent: false,
            open_world: true,
        }
    }
}

/// What does not change about a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerFacts {
    /// Its name here.
    pub name: String,
    /// `command`, `package`, `container`, `remote` or `unavailable`.
    pub kind: String,
    /// What is started or reached: the command, `npm:NAME@VERSION`, the image as [`full_image`] writes it (several with
    /// spaces between them), the URL.
    pub source: String,
    /// Where its entry comes from: the name of a catalog, `built-in`, `own`, a file or an address.
    pub catalog: String,
    /// `stdio`, `sse` or `streamable`.
    pub transport: String,
}

impl ServerFacts {
    /// What it is started from, each for itself. No name of an image has a space.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &str> {
        let several = self.kind == "container" && self.source.contains(' ');
        let split = several.then(|| self.source.split(' '));
        let whole = (!several).then_some(self.source.as_str());
        whole.into_iter().chain(split.into_iter().flatten())
    }

    /// What Docker calls the kind of a container: out of a catalog, or named by a person.
    pub(crate) fn docker_type(&self) -> Option<&'static str> {
        match (self.kind.as_str(), self.catalog.as_str()) {
            ("container", "own") => Some("image"),
            ("container", _) => Some("registry"),
            _ => None,
        }
    }
}

impl Era {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Handshake => "handshake",
            Self::Stateless => "stateless",
        }
    }
}

impl<'a> Asked<'a> {
    /// The word for it: `load`, `call`, `prompt`, `resource` or `other`.
    pub fn action(&self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Tool { .. } => "call",
            Self::Prompt(_) => "prompt",
            Self::Resource(_) => "resource",
            Self::Other => "other",
        }
    }

    /// The tool's own name.
    pub(crate) fn tool(&self) -> Option<&'a str> {
        match self {
            Self::Tool { name, .. } => Some(name),
            _ => None,
        }
    }
}

/// An image as engines understand it: with its registry, and `library/` where there is no owner.
pub fn full_image(image: &str) -> String {
    let (first, rest) = image.split_once('/').unwrap_or(("", image));
    let is_host = first.contains(['.', ':']) || first == "localhost";
    match (is_host, first) {
        (true, "index.docker.io") => format!("docker.io/{rest}"),
        (true, _) => image.to_owned(),
        (false, "") => format!("docker.io/library/{rest}"),
        (false, _) => format!("docker.io/{image}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_have_their_registry() {
        for (image, full) in [
            ("mcp/github@sha256:ab", "docker.io/mcp/github@sha256:ab"),
            ("ubuntu:24.04", "docker.io/library/ubuntu:24.04"),
            ("ghcr.io/a/b:1", "ghcr.io/a/b:1"),
            ("localhost/x", "localhost/x"),
            ("index.docker.io/mcp/x", "docker.io/mcp/x"),
        ] {
            assert_eq!(full_image(image), full);
        }
    }
}
