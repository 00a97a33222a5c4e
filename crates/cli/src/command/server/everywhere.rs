//! What Docker's `server enable` means beside leave to start: the server is there in every conversation. Here it is so by the
//! profile `default`, which gateways use where none is named.

use catalog::limits::PROFILE_SERVERS_MAX;
use catalog::{Entry, Profile, ProfileServer};

use crate::error::{Failure, Kind};
use crate::profiles::{self, DEFAULT};
use crate::surroundings::Surroundings;

/// Puts them in, or renews what it has of them; makes the profile where there is none.
pub(super) fn put(here: &Surroundings, entries: &[&Entry]) -> Result<(), Failure> {
    change(here, |known, name| {
        let profile = known.get_or_insert_with(|| Profile::new(name));
        for entry in entries {
            match profile.get_mut(entry.name.as_str()) {
                Some(server) => server.entry = (*entry).clone(),
                None => profile.servers.push(ProfileServer::new((*entry).clone())),
            }
        }
        match profile.servers.len() <= PROFILE_SERVERS_MAX {
            true => Ok(()),
            false => Err(Failure::new(
                Kind::Failed,
                format!("a profile has at most {PROFILE_SERVERS_MAX} servers"),
            )),
        }
    })
}

/// Takes out those that are meant; what it had of them.
pub(super) fn take_out(
    here: &Surroundings,
    is_meant: impl Fn(&str) -> bool,
) -> Result<Vec<Entry>, Failure> {
    if profiles::or_default(here, None).is_none() {
        return Ok(Vec::new());
    }
    change(here, |known, _| {
        let Some(profile) = known else {
            return Ok(Vec::new());
        };
        let servers = std::mem::take(&mut profile.servers);
        let (out, kept) = servers
            .into_iter()
            .partition(|server: &ProfileServer| is_meant(server.entry.name.as_str()));
        profile.servers = kept;
        Ok(out.into_iter().map(|server| server.entry).collect())
    })
}

fn change<T>(
    here: &Surroundings,
    change: impl FnOnce(&mut Option<Profile>, &catalog::ServerName) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let name = profiles::name(DEFAULT)?;
    let changed = config::change_profile(&here.dirs, &name, |known| change(known, &name));
    changed.map_err(|problem| profiles::failed(&problem))?
}
