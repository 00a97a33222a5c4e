//! `portolan profile server add`

use catalog::limits::PROFILE_SERVERS_MAX;
use catalog::{Catalog, Profile, ProfileServer};

use crate::catalogs;
use crate::error::{Failure, Kind};
use crate::profiles;
use crate::server_uri;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};

/// Put servers in, or renew the snapshots of those that are in it: configuration, secrets and tools stay
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which profile
    #[arg(value_name = "ID")]
    id: String,
    /// A server: NAME, catalog://CATALOG/SERVER+SERVER, docker://IMAGE or file://PATH (repeatable)
    #[arg(long, value_name = "SERVER", required = true)]
    server: Vec<String>,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let all = catalogs::all(&here);
    let (profile, done) = profiles::change(&here, &args.id, |profile| {
        let done = put(ui, &all, profile, &args.server)?;
        Ok((profile.clone(), done))
    })?;
    for (name, is_new) in done {
        let word = if is_new { "added to" } else { "renewed in" };
        let line = Line::new().put(Label::Name, name);
        ui.note(&line.text(format!(" {word} {}", args.id)));
    }
    profiles::tell_waiting(ui, &here, &profile);
    Ok(())
}

/// Puts in what these words mean; the names, and whether each is new.
pub(in super::super) fn put(
    ui: &Ui,
    all: &[Catalog],
    profile: &mut Profile,
    words: &[String],
) -> Result<Vec<(String, bool)>, Failure> {
    let mut done = Vec::new();
    for word in words {
        for entry in server_uri::entries(ui, all, word)? {
            let name = entry.name.to_string();
            let known = profile.get_mut(&name);
            done.push((name.clone(), known.is_none()));
            let Some(known) = known else {
                profile.servers.push(ProfileServer::new(entry));
                continue;
            };
            let takes = |secret: &str| entry.about.secrets.iter().any(|spec| spec.name == secret);
            let lost: Vec<String> = known.secrets.keys().cloned().collect();
            for secret in lost.into_iter().filter(|secret| !takes(secret)) {
                known.secrets.remove(&secret);
                ui.warn(&format!("{name} has no secret `{secret}` any more"), &[]);
            }
            known.entry = entry;
        }
    }
    match profile.servers.len() <= PROFILE_SERVERS_MAX {
        true => Ok(done),
        false => Err(Failure::new(
            Kind::Failed,
            format!("a profile has at most {PROFILE_SERVERS_MAX} servers"),
        )),
    }
}
