//! What an entry declares for its box.
//!
//! Owns how the words of an entry are read: `volumes`, `network`, `resources`. Refuses what a box cannot give, instead of
//! giving less or more than was said.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use catalog::{Entry, Network, Resources};
use egress::{AllowError, AllowList};

/// What an entry declares for its box.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Declared {
    /// Files and folders of the machine, at the same path inside.
    pub volumes: Vec<Volume>,
    /// What of the network it may reach.
    pub reach: Reach,
    /// What it may use, where that differs from the usual.
    pub resources: Resources,
}

/// What of the network a server may reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// These hosts, if any, by the doors of its box. Who knocks at them for others is told.
    Hosts(AllowList),
    /// Everything that the machine does, as the machine: it has no network of its own.
    Open,
}

/// A file or folder of the machine that a server may see, or change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// Absolute.
    pub path: PathBuf,
    /// Whether it may be changed.
    pub writable: bool,
}

/// What an entry declares and a box cannot give.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeclaredError {
    /// Not from the root.
    #[error("volume \"{0}\" is not an absolute path; write it from the root")]
    Relative(String),
    /// A volume that only engines keep.
    #[error(
        "volume \"{0}\" is a named one, which only containers have; name a folder of this machine in `volumes`"
    )]
    Named(String),
    /// It would be elsewhere inside.
    #[error(
        "volume \"{0}\" would be at another path inside, which only containers have; leave the second path out in `volumes`"
    )]
    Moved(String),
    /// The whole machine, or a part of it that is no file.
    #[error("volume \"{}\" is never shared; name a folder in it in `volumes`", .0.display())]
    Never(PathBuf),
    /// A host that is none.
    #[error("in `network`, {0}")]
    Host(#[from] AllowError),
}

impl Declared {
    /// What an entry declares. Of a template, only what does not depend on what is filled in.
    ///
    /// # Errors
    /// A box cannot give it; the message says what to write instead.
    pub fn of(entry: &Entry) -> Result<Self, DeclaredError> {
        let reach = match &entry.network {
            Network::Hosts(hosts) if !entry.is_template => Reach::Hosts(AllowList::parse(hosts)?),
            Network::Unsaid | Network::None | Network::Hosts(_) => Reach::default(),
            Network::Open => Reach::Open,
        };
        let volumes = match entry.is_template {
            true => Vec::new(),
            false => entry
                .volumes
                .iter()
                .map(|volume| volume.parse())
                .collect::<Result<_, _>>()?,
        };
        Ok(Self {
            volumes,
            reach,
            resources: entry.resources,
        })
    }
}

impl Default for Reach {
    fn default() -> Self {
        Self::Hosts(AllowList::default())
    }
}

/// `/folder`, or `/folder:rw` for one to write in; `:ro` may be said too. In the form that containers have,
/// `/folder:/folder`, it is the other way round: to write in, unless it ends in `:ro`.
impl FromStr for Volume {
    type Err = DeclaredError;

    fn from_str(text: &str) -> Result<Self, DeclaredError> {
        let (path, said) = match (text.strip_suffix(":rw"), text.strip_suffix(":ro")) {
            (Some(path), _) => (path, Some(true)),
            (None, Some(path)) => (path, Some(false)),
            (None, None) => (text, None),
        };
        let (source, target) = match path.split_once(":/") {
            Some((source, rest)) => (source, Some(format!("/{rest}"))),
            None => (path, None),
        };
        if !source.starts_with('/') {
            let is_path = source.starts_with(['.', '~']) || source.contains('/');
            return Err(match target.is_some() && !is_path {
                true => DeclaredError::Named(text.to_owned()),
                false => DeclaredError::Relative(source.to_owned()),
            });
        }
        let normal = |path: &str| Path::new(path).components().collect::<PathBuf>();
        let path = normal(source);
        if target.as_ref().is_some_and(|target| normal(target) != path) {
            return Err(DeclaredError::Moved(text.to_owned()));
        }
        let of_the_system = ["/proc", "/sys", "/dev"]
            .iter()
            .any(|system| path.starts_with(system));
        if path == Path::new("/") || of_the_system {
            return Err(DeclaredError::Never(path));
        }
        Ok(Self {
            path,
            writable: said.unwrap_or(target.is_some()),
        })
    }
}

#[cfg(test)]
mod tests {
    use catalog::ServerName;

    use super::*;

    #[test]
    fn volumes_are_read_only_unless_they_say_so() {
        let volume = |text: &str| text.parse::<Volume>();
        let of = |path: &str, writable| {
            Ok(Volume {
                path: path.into(),
                writable,
            })
        };
        assert_eq!(volume("/a/b"), of("/a/b", false));
        assert_eq!(volume("/a/b/:rw"), of("/a/b", true));
        assert_eq!(volume("/a:b:ro"), of("/a:b", false));
        for refused in [
            "a:rw", "", "/", "//", "/:rw", "/proc/1", "/sys", "/dev/sda", "~/a", "./a:/a",
        ] {
            assert!(volume(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn volumes_of_containers_are_writable_unless_they_say_so() {
        let volume = |text: &str| text.parse::<Volume>();
        let of = |writable| {
            Ok(Volume {
                path: "/a/b".into(),
                writable,
            })
        };
        assert_eq!(volume("/a/b:/a/b"), of(true));
        assert_eq!(volume("/a/b:/a/b/:ro"), of(false));
        assert_eq!(volume("/a/b:/a/b:rw"), of(true));
        assert_eq!(
            volume("/a/b:/data"),
            Err(DeclaredError::Moved("/a/b:/data".into()))
        );
        assert_eq!(
            volume("cache:/a:ro"),
            Err(DeclaredError::Named("cache:/a:ro".into()))
        );
        assert_eq!(
            volume("/proc:/proc:ro"),
            Err(DeclaredError::Never("/proc".into()))
        );
    }

    #[test]
    fn what_a_box_cannot_give_is_refused() {
        let mut entry = Entry::command(ServerName::new("a").unwrap(), "x", [""; 0]);
        assert_eq!(Declared::of(&entry), Ok(Declared::default()));
        entry.volumes = vec!["/a:rw".into()];
        entry.resources.pids = Some(7);
        let declared = Declared::of(&entry).unwrap();
        assert_eq!(
            (declared.volumes.len(), declared.resources.pids),
            (1, Some(7))
        );
        entry.network = Network::Open;
        assert_eq!(Declared::of(&entry).unwrap().reach, Reach::Open);
        entry.network = Network::Hosts(vec!["a.example".into()]);
        let allowed = AllowList::parse(["a.example"]).unwrap();
        assert_eq!(Declared::of(&entry).unwrap().reach, Reach::Hosts(allowed));
        entry.network = Network::Hosts(vec!["*".into()]);
        assert!(matches!(Declared::of(&entry), Err(DeclaredError::Host(_))));
        entry.network = Network::None;
        entry.volumes = vec!["{{dir}}:/x".into()];
        assert!(Declared::of(&entry).is_err());
        entry.is_template = true;
        assert!(Declared::of(&entry).is_ok());
    }
}
