//! What a caller may use: patterns of servers and tools, and profiles, of which one must have the server and offer the tool. Owns
//! that a profile that cannot be read gives no right, and that one that changes is noticed.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::time::SystemTime;

use catalog::{Entry, ServerName};
use config::Dirs;
use config::callers::Rights;
use policy::{Asked, Facts};

/// Changes when a file does.
pub(super) type Seal = (SystemTime, u64, u64);

/// See the module.
pub(super) struct Usable {
    rights: Rights,
    profiles: Vec<Arc<Offered>>,
}

/// The servers of a profile, by name.
type Offered = BTreeMap<String, Entry>;

/// Profiles that somebody's rights name, as they were when they were read.
#[derive(Default)]
pub(super) struct Profiles(BTreeMap<String, (Option<Seal>, Arc<Offered>)>);

impl Profiles {
    pub(super) fn load(dirs: &Dirs, names: Vec<String>) -> Self {
        let read = |name: String| {
            let offered = offered(dirs, &name);
            (name.clone(), (seal(dirs, &name), Arc::new(offered)))
        };
        Self(names.into_iter().map(read).collect())
    }

    pub(super) fn are_as_they_were(&self, dirs: &Dirs) -> bool {
        let mut all = self.0.iter();
        all.all(|(name, (before, _))| seal(dirs, name) == *before)
    }
}

fn offered(dirs: &Dirs, name: &str) -> Offered {
    let name = ServerName::new(name).ok();
    let read = name.and_then(|name| config::load_profile(dirs, &name).ok()?);
    let servers = read.map(|profile| profile.servers).unwrap_or_default();
    let pair = |server: catalog::ProfileServer| {
        let entry = server.entry_in_use();
        (entry.name.to_string(), entry)
    };
    servers.into_iter().map(pair).collect()
}

fn seal(dirs: &Dirs, name: &str) -> Option<Seal> {
    let name = ServerName::new(name).ok()?;
    let meta = fs::metadata(config::profile_file(dirs, &name)).ok()?;
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(&meta);
    #[cfg(not(unix))]
    let inode = 0;
    Some((meta.modified().ok()?, meta.len(), inode))
}

impl Usable {
    pub(super) fn new(rights: &Rights, profiles: &Profiles) -> Self {
        let known = rights
            .profiles
            .iter()
            .filter_map(|name| profiles.0.get(name));
        Self {
            profiles: known.map(|(_, offered)| Arc::clone(offered)).collect(),
            rights: rights.clone(),
        }
    }

    /// Whether a caller with these rights may do this, in a gateway that has the servers of `profile`. The servers of another
    /// profile may have the same names, and are others.
    pub(super) fn may(&self, facts: &Facts<'_>, profile: Option<&str>) -> bool {
        let theirs = &self.rights.profiles;
        let is_theirs = |profile: &str| theirs.iter().any(|named| named == profile);
        if !theirs.is_empty() && !profile.is_none_or(is_theirs) {
            return false;
        }
        let server = &facts.server.name;
        match facts.asked {
            Asked::Load | Asked::Other => self.may_use(server),
            Asked::Tool { name, .. } => self.may_call(server, name),
            // Who may call some tools may do nothing else.
            Asked::Prompt(_) | Asked::Resource(_) => {
                self.may_use(server) && self.rights.tools.is_empty()
            }
        }
    }

    fn may_use(&self, server: &str) -> bool {
        let Rights {
            servers,
            tools,
            profiles,
        } = &self.rights;
        let is_named = |pattern: &String| match pattern.split_once(':') {
            Some((of, _)) => policy::glob(of, server),
            None => true,
        };
        (servers.is_empty() || servers.iter().any(|pattern| policy::glob(pattern, server)))
            && (tools.is_empty() || tools.iter().any(is_named))
            && (profiles.is_empty() || self.profiles.iter().any(|of| of.contains_key(server)))
    }

    fn may_call(&self, server: &str, tool: &str) -> bool {
        let Rights {
            tools, profiles, ..
        } = &self.rights;
        let is_meant = |pattern: &String| match pattern.split_once(':') {
            Some((of, pattern)) => policy::glob(of, server) && policy::glob(pattern, tool),
            None => policy::glob(pattern, tool),
        };
        let offers =
            |of: &Arc<Offered>| of.get(server).is_some_and(|entry| entry.allows_tool(tool));
        self.may_use(server)
            && (tools.is_empty() || tools.iter().any(is_meant))
            && (profiles.is_empty() || self.profiles.iter().any(offers))
    }
}
