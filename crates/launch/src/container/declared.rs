//! What an entry declares for its container.
//!
//! Owns how the words of an entry are read where containers differ from boxes. Refuses what cannot be given, instead of
//! giving less or more than was said. Next: `plan`.

use catalog::{Entry, Launch, Network, Origin};
use egress::AllowList;

use super::volumes::{self, Bounds, Mount};

/// What an entry declares.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Declared {
    pub(crate) image: String,
    pub(crate) command: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) user: Option<String>,
    pub(crate) extra_hosts: Vec<String>,
    /// Whether its own files may be changed.
    pub(crate) is_writable: bool,
    pub(crate) mounts: Vec<Mount>,
    pub(crate) way: Way,
}

/// The way to the network.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Way {
    /// None.
    None,
    /// Through a proxy of ours, to these.
    Proxy(AllowList),
    /// The engine's own network, to everything.
    Open,
}

/// What is said where somebody else's text asks for everything.
const NOT_OPEN: &str = "`network` is open, which only your own configuration may say: name the hosts it needs, or copy the entry into a catalog of yours and approve it with `portolan server enable`";

impl Declared {
    /// Of a template, only what does not depend on what is filled in.
    ///
    /// # Errors
    /// It cannot be had; in words, with what to write instead.
    pub(crate) fn of(entry: &Entry, bounds: &Bounds) -> Result<Self, String> {
        let Launch::Container {
            image,
            command,
            env,
            user,
            extra_hosts,
            is_writable,
        } = &entry.launch
        else {
            return Err("it is no container".to_owned());
        };
        let way = match &entry.network {
            Network::Unsaid | Network::None => Way::None,
            Network::Hosts(hosts) if hosts.is_empty() => Way::None,
            Network::Hosts(_) if entry.is_template => Way::None,
            Network::Hosts(hosts) => Way::Proxy(
                AllowList::parse(hosts).map_err(|error| format!("in `network`, {error}"))?,
            ),
            Network::Open if entry.origin == Origin::Own || entry.is_approved => Way::Open,
            Network::Open => return Err(NOT_OPEN.to_owned()),
        };
        let mounts = match entry.is_template {
            true => Vec::new(),
            false => volumes::read(&entry.volumes, bounds)?,
        };
        Ok(Self {
            image: image.clone(),
            command: command.clone(),
            env: env.clone(),
            user: user.clone(),
            extra_hosts: extra_hosts.clone(),
            is_writable: *is_writable,
            mounts,
            way,
        })
    }
}

#[cfg(test)]
mod tests {
    use catalog::ServerName;

    use super::*;

    #[test]
    fn the_network_is_what_was_said_or_none() {
        let launch = Launch::Container {
            image: "acme/x:1".to_owned(),
            command: Vec::new(),
            env: Vec::new(),
            user: None,
            extra_hosts: Vec::new(),
            is_writable: false,
        };
        let mut entry = Entry::new(ServerName::new("x").unwrap(), launch);
        let of =
            |entry: &Entry| Declared::of(entry, &Bounds::default()).map(|declared| declared.way);
        assert_eq!(of(&entry), Ok(Way::None));
        entry.network = Network::Hosts(vec!["a.example".to_owned()]);
        assert!(matches!(of(&entry), Ok(Way::Proxy(_))));
        entry.network = Network::Hosts(vec!["*".to_owned()]);
        assert!(of(&entry).is_err());
        entry.network = Network::Open;
        assert_eq!(of(&entry), Ok(Way::Open));
        entry.origin = Origin::Catalog("team".into());
        assert_eq!(of(&entry), Err(NOT_OPEN.to_owned()));
        entry.is_approved = true;
        assert_eq!(of(&entry), Ok(Way::Open));
        entry.volumes = vec!["/:/host".to_owned()];
        assert!(of(&entry).is_err());
    }
}
