//! The one gateway that all applications of a person share: how it is found, and whether it is the same gateway as the one that
//! this process would be. Owns the digest that says so. Next: `command/gateway/run/attached.rs` and `shared.rs` beside it.

use catalog::Entry;
use config::{Loaded, Settings};

use crate::error::Failure;
use crate::running::{self, Gateway};
use crate::surroundings::Surroundings;

/// What this binary is; another one is another gateway.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Settings that are about doors and logs: a client that is handed on does not come through these.
const OF_DOORS: [&str; 11] = [
    "transport",
    "host",
    "port",
    "allow_unauthenticated",
    "allowed_hosts",
    "allowed_origins",
    "tls_cert",
    "tls_key",
    "body_bytes_max",
    "log_format",
    "log_calls",
];

/// The one that runs.
pub(crate) fn running() -> Result<Option<Gateway>, Failure> {
    Ok(running::list()?.into_iter().find(|gateway| gateway.shared))
}

/// A digest of all that a gateway runs with: its settings, what was read beside them, and what of the environment secrets are
/// taken from. Two that are equal serve a client in the same way.
pub(crate) fn fingerprint(here: &Surroundings, settings: &Settings, loaded: &Loaded) -> String {
    let settings = settings.shown();
    let mut pieces: Vec<String> = settings
        .filter(|(key, ..)| !OF_DOORS.contains(&key.name))
        .map(|(key, value, _)| format!("{}={value}", key.name))
        .collect();
    for entry in &loaded.entries {
        // What is not shown is in the mark.
        pieces.extend([entry.mark(), format!("{entry:?}")]);
        pieces.extend(from_environment(here, entry));
    }
    let rules = loaded.policy.rules();
    pieces.extend(rules.map(|rule| format!("{rule:?}")));
    pieces.push(format!("{:?}", loaded.interceptors));
    pieces.push(serde_json::to_string(&loaded.server_config).unwrap_or_default());
    catalog::fingerprint_of(&pieces)
}

/// Whether what a server sees depends on where its gateway works, in a way that cannot be handed on.
pub(crate) fn depends_on_folder(entry: &Entry) -> bool {
    let is_relative = |volume: &String| volume.starts_with('.');
    entry.volumes.iter().any(is_relative)
}

/// Values of variables that an entry's secrets are taken from.
fn from_environment(here: &Surroundings, entry: &Entry) -> Vec<String> {
    let own = entry.references.values();
    let named = entry
        .about
        .secrets
        .iter()
        .filter_map(|spec| spec.from.as_ref());
    let names = own
        .chain(named)
        .filter_map(|from| from.strip_prefix("env:"));
    let value = |name: &str| here.env.os(name).map(|value| format!("{name}={value:?}"));
    names.filter_map(value).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use catalog::ServerName;
    use config::{Dirs, Env};

    use super::*;

    fn here(variables: &[(&str, &str)]) -> Surroundings {
        let env = Env::of(variables.iter().copied());
        Surroundings {
            dirs: Dirs::under(Path::new("/p")),
            env,
            cwd: None,
            secrets: Vec::new(),
            passphrase: Default::default(),
        }
    }

    fn loaded(args: &[&str]) -> Loaded {
        let name = ServerName::new("one").unwrap();
        let entry = Entry::command(name, "server", args.iter().copied());
        Loaded {
            entries: vec![entry],
            ..Loaded::default()
        }
    }

    #[test]
    fn what_is_run_with_makes_the_difference() {
        let of =
            |settings: &Settings, args: &[&str]| fingerprint(&here(&[]), settings, &loaded(args));
        let usual = of(&Settings::default(), &["a"]);
        assert_eq!(usual, of(&Settings::default(), &["a"]));
        assert_ne!(usual, of(&Settings::default(), &["b"]));
        let mut door = Settings::default();
        door.port = 7;
        assert_eq!(usual, of(&door, &["a"]));
        let mut other = Settings::default();
        other.call_timeout_s = 7;
        assert_ne!(usual, of(&other, &["a"]));
    }

    #[test]
    fn secrets_of_the_environment_make_a_difference() {
        let of = |value: &str| {
            let mut loaded = loaded(&[]);
            let from = ("KEY".to_owned(), "env:KEY".to_owned());
            loaded.entries[0].references.extend([from]);
            fingerprint(&here(&[("KEY", value)]), &Settings::default(), &loaded)
        };
        assert_eq!(of("a"), of("a"));
        assert_ne!(of("a"), of("b"));
    }

    #[test]
    fn every_setting_of_doors_is_one() {
        for name in OF_DOORS {
            assert!(Settings::key(name).is_some(), "{name}");
        }
    }
}
