//! Names of images, as engines read them.

use std::fmt;

use crate::client::Trust;

/// A name of an image: where it is, and which one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageName {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<String>,
}

/// Why a text is no name of an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no name of an image; write it like registry.example/name:tag")]
pub struct NameError(String);

const HUB: &str = "docker.io";

impl ImageName {
    /// Reads `registry/name:tag@digest`, where all but the name may be left out.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let wrong = || NameError(text.chars().take(120).filter(|c| !c.is_control()).collect());
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) if is_digest(digest) => (rest, Some(digest.to_owned())),
            Some(_) => return Err(wrong()),
            None => (text, None),
        };
        let (rest, tag) = match rest.rsplit_once(':') {
            Some((rest, tag)) if !tag.contains('/') => (rest, Some(tag.to_owned())),
            _ => (rest, None),
        };
        let is_host = |part: &str| part.contains(['.', ':']) || part == "localhost";
        let (registry, path) = match rest.split_once('/') {
            Some((first, path)) if is_host(first) => (first, path.to_owned()),
            Some(_) => (HUB, rest.to_owned()),
            None => (HUB, format!("library/{rest}")),
        };
        let registry = match registry {
            "index.docker.io" => HUB,
            registry => registry,
        };
        let is_tag = |tag: &String| {
            tag.len() <= 128
                && tag.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
                && tag
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
        };
        let is_step = |step: &str| {
            let is_plain =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_.-".contains(c);
            !step.is_empty() && step.chars().all(is_plain) && !step.starts_with(['.', '-', '_'])
        };
        let (host, port) = match registry.rsplit_once(':') {
            Some((host, port)) if !registry.ends_with(']') => (host, port),
            _ => (registry, "0"),
        };
        let is_six = host.starts_with('[') && host.ends_with(']');
        let is_registry = port.parse::<u16>().is_ok()
            && (is_six || host.starts_with(|c: char| c.is_ascii_alphanumeric()))
            && host.chars().all(|c| {
                c.is_ascii_alphanumeric() || ".-".contains(c) || (is_six && "[:]".contains(c))
            });
        if path.len() > 255
            || !path.split('/').all(is_step)
            || !is_registry
            || tag.as_ref().is_some_and(|tag| !is_tag(tag))
        {
            return Err(wrong());
        }
        Ok(Self {
            registry: registry.to_owned(),
            repository: path,
            tag,
            digest,
        })
    }

    /// The host, as people write it.
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The path in the registry.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The digest, if it has one: then no tag decides anything.
    #[must_use]
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// What to ask the registry for: the digest, else the tag, else `latest`.
    #[must_use]
    pub fn reference(&self) -> &str {
        let tag = self.tag.as_deref().unwrap_or("latest");
        self.digest.as_deref().unwrap_or(tag)
    }

    /// The beginning of its address. On this machine a person's own registry may do without https, as engines have it.
    pub(crate) fn origin(&self, trust: Trust) -> String {
        let host = match self.registry.as_str() {
            HUB => "registry-1.docker.io",
            host => host,
        };
        let bare = host.rsplit_once(':').map_or(host, |(bare, _)| bare);
        let is_here = bare == "localhost" || bare.starts_with("127.") || bare == "[::1]";
        match is_here && trust == Trust::Person {
            true => format!("http://{host}"),
            false => format!("https://{host}"),
        }
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        match &self.digest {
            Some(digest) => write!(f, "@{digest}"),
            None => Ok(()),
        }
    }
}

/// Whether a text is a digest that can be checked: `sha256:` and 64 digits.
#[must_use]
pub fn is_digest(text: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(is_digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_engines_read_them() {
        let digest = format!("sha256:{}", "a".repeat(64));
        for (text, shown, reference) in [
            ("alpine", "docker.io/library/alpine", "latest"),
            ("mcp/time:1", "docker.io/mcp/time:1", "1"),
            ("index.docker.io/a/b", "docker.io/a/b", "latest"),
            ("localhost/x", "localhost/x", "latest"),
            ("127.0.0.1:5000/a/b:c", "127.0.0.1:5000/a/b:c", "c"),
            ("ghcr.io/a/b_c.d", "ghcr.io/a/b_c.d", "latest"),
        ] {
            let name = ImageName::parse(text).unwrap();
            assert_eq!((&*name.to_string(), name.reference()), (shown, reference));
            let pinned = ImageName::parse(&format!("{text}@{digest}")).unwrap();
            assert_eq!(pinned.reference(), digest);
        }
        for bad in [
            "",
            "A",
            "a b",
            "a//b",
            "/a",
            "../a",
            "a/..",
            "a:b:c/d",
            "a@sha256:1",
            "a@",
            "-a",
            "a:",
            "a:-x",
            "h_.x/a?b",
            "http://a/b",
        ] {
            assert!(ImageName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn without_https_is_only_what_is_here_and_a_persons_own() {
        let origin = |text: &str, trust| ImageName::parse(text).unwrap().origin(trust);
        assert_eq!(
            origin("alpine", Trust::Person),
            "https://registry-1.docker.io"
        );
        assert_eq!(
            origin("127.0.0.1:5000/a", Trust::Person),
            "http://127.0.0.1:5000"
        );
        assert_eq!(
            origin("127.0.0.1:5000/a", Trust::Outside),
            "https://127.0.0.1:5000"
        );
        assert_eq!(
            origin("127.evil.example/a", Trust::Outside),
            "https://127.evil.example"
        );
    }
}
