//! Where an entry comes from, and so how far it is trusted. Next: `approval`, which draws the consequences.

use std::fmt;
use std::sync::Arc;

/// Where an entry comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Origin {
    /// A person's own configuration: `config.toml`, or a file that was named by them.
    #[default]
    Own,
    /// The catalog inside this program.
    Builtin,
    /// A catalog of the person's own, by its name.
    Catalog(Arc<str>),
    /// A file that was imported, by its path.
    File(Arc<str>),
    /// Fetched from an address.
    Url(Arc<str>),
    /// A registry of servers, by its address.
    Registry(Arc<str>),
    /// An OCI artifact, by its reference.
    Oci(Arc<str>),
}

impl Origin {
    /// One word, as replies and files write it: `own`, `built-in`, `catalog`, `file`, `url`, `registry` or `oci`.
    pub fn trust(&self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Builtin => "built-in",
            Self::Catalog(_) => "catalog",
            Self::File(_) => "file",
            Self::Url(_) => "url",
            Self::Registry(_) => "registry",
            Self::Oci(_) => "oci",
        }
    }

    /// Whether it is somebody else's text, which may start nothing before a person has approved it.
    pub fn is_foreign(&self) -> bool {
        matches!(
            self,
            Self::File(_) | Self::Url(_) | Self::Registry(_) | Self::Oci(_)
        )
    }

    /// The origin of a word of [`Origin::trust`] and what belongs to it.
    pub fn parse(trust: &str, from: &str) -> Option<Self> {
        Some(match trust {
            "own" => Self::Own,
            "built-in" => Self::Builtin,
            "catalog" => Self::Catalog(from.into()),
            "file" => Self::File(from.into()),
            "url" => Self::Url(from.into()),
            "registry" => Self::Registry(from.into()),
            "oci" => Self::Oci(from.into()),
            _ => return None,
        })
    }

    /// The name, path, address or reference.
    pub fn from(&self) -> &str {
        match self {
            Self::Own | Self::Builtin => "",
            Self::Catalog(from)
            | Self::File(from)
            | Self::Url(from)
            | Self::Registry(from)
            | Self::Oci(from) => from,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own => f.write_str("your configuration"),
            Self::Builtin => f.write_str("the built-in catalog"),
            Self::Catalog(name) => write!(f, "the catalog `{name}`"),
            Self::File(path) => write!(f, "the file {path}"),
            Self::Url(url) => write!(f, "{}", crate::shown_url(url)),
            Self::Registry(url) => write!(f, "the registry {}", crate::shown_url(url)),
            Self::Oci(reference) => write!(f, "the artifact {reference}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_origin_survives_being_written() {
        for origin in [
            Origin::Own,
            Origin::Builtin,
            Origin::Catalog("mine".into()),
            Origin::File("/a/b.yaml".into()),
            Origin::Url("https://h/c.yaml".into()),
            Origin::Registry("https://r".into()),
            Origin::Oci("r/c:1".into()),
        ] {
            assert_eq!(
                Origin::parse(origin.trust(), origin.from()),
                Some(origin.clone())
            );
            assert_eq!(
                origin.is_foreign(),
                ["file", "url", "registry", "oci"].contains(&origin.trust())
            );
        }
        assert_eq!(Origin::parse("magic", ""), None);
        let shown = Origin::Url("https://me:hunter2@h/c?key=1".into()).to_string();
        assert_eq!(shown, "https://***@h/c?***");
    }
}
