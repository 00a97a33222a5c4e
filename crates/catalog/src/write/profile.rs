//! A profile as a file of our own form: what a person sets of a server first, the snapshot of its entry last. The counterpart of
//! `read/profile.rs`.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{Pairs, Server, list, option, pairs};
use crate::{Origin, Profile, ProfileServer};

/// The text of a profile.
///
/// # Errors
/// A value that YAML cannot hold, which none of ours is.
pub fn write_profile(profile: &Profile) -> Result<String, serde_saphyr::ser::Error> {
    serde_saphyr::to_string(profile)
}

impl Serialize for Profile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("profile", &self.name)?;
        option(&mut map, "title", self.title.as_ref())?;
        option(&mut map, "description", self.description.as_ref())?;
        map.serialize_entry("servers", &Servers(&self.servers))?;
        map.end()
    }
}

struct Servers<'a>(&'a [ProfileServer]);

impl Serialize for Servers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let servers = self.0.iter();
        serializer.collect_map(servers.map(|server| (server.entry.name.as_str(), server)))
    }
}

impl Serialize for ProfileServer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if self.entry.origin != Origin::Own {
            let mut origin = vec![("kind".to_owned(), self.entry.origin.trust().to_owned())];
            if !self.entry.origin.from().is_empty() {
                origin.push(("from".to_owned(), self.entry.origin.from().to_owned()));
            }
            map.serialize_entry("origin", &Pairs(&origin))?;
        }
        if !self.config.is_empty() {
            map.serialize_entry("config", &self.config)?;
        }
        let secrets: Vec<(String, String)> = self.secrets.clone().into_iter().collect();
        pairs(&mut map, "secrets", &secrets)?;
        option(&mut map, "tools", self.tools.as_ref())?;
        list(&mut map, "exclude_tools", &self.exclude_tools)?;
        map.serialize_entry("entry", &Server(&self.entry))?;
        map.end()
    }
}
