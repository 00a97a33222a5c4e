//! What a model may not steer. A value that ends up in a volume, a command line, a URL, a header or a host decides what
//! runs, what it sees and where credentials go: only a person sets it. Next: `places`.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::Entry;
use crate::places::Place;
use crate::template::find;

impl Entry {
    /// The keys of the configuration that only a person may set, steps separated by dots. Those that go into a variable
    /// of the environment are among them where the variable names an address or changes how programs run.
    pub fn privileged_keys(&self) -> BTreeSet<String> {
        let mut keys = BTreeSet::new();
        for (place, text) in self.places() {
            let is_privileged = match place {
                Place::Env(name) => steers(name),
                _ => true,
            };
            if is_privileged && let Ok(template) = self.template(text) {
                keys.extend(template.keys().map(str::to_owned));
            }
        }
        keys
    }

    /// Which privileged keys a configuration sets: what a tool call must be refused for.
    pub fn privileged_in(&self, config: &Map<String, Value>) -> Vec<String> {
        self.privileged_keys()
            .into_iter()
            .filter(|key| is_set(config, key))
            .collect()
    }

    /// Whether setting this key, given as one name with dots, would set a privileged one.
    pub fn is_privileged(&self, key: &str) -> bool {
        self.privileged_keys().iter().any(|known| {
            let below = |a: &str, b: &str| {
                a.strip_prefix(b)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            below(known, key) || below(key, known)
        })
    }
}

/// Whether the key itself is there, or something else where it should be: a list or a text in the place of a table on
/// the way to it is set as well.
fn is_set(config: &Map<String, Value>, key: &str) -> bool {
    find(config, key).is_some()
        || key
            .match_indices('.')
            .any(|(at, _)| find(config, &key[..at]).is_some_and(|value| !value.is_object()))
}

/// Whether a variable says where something is reached, or makes programs run other code.
fn steers(name: &str) -> bool {
    const WORDS: &[&str] = &[
        "URL",
        "URLS",
        "URI",
        "HOST",
        "HOSTS",
        "HOSTNAME",
        "ENDPOINT",
        "ENDPOINTS",
        "ADDRESS",
        "ADDR",
        "DOMAIN",
        "SERVER",
        "SERVERS",
        "BASEURL",
        "APIURL",
        "DSN",
        "PROXY",
        "BROKER",
        "BROKERS",
        "ORIGIN",
        "REDIRECT",
        "PATH",
        "PRELOAD",
        "OPTIONS",
        "OPTS",
        "COMMAND",
        "ARGS",
        "SHELL",
        "SITE",
        "REALM",
        "ISSUER",
        "INSTANCE",
        "CONNECTION",
    ];
    let upper = name.to_ascii_uppercase();
    upper.starts_with("LD_")
        || upper.starts_with("DYLD_")
        || upper.starts_with("GIT_")
        || upper
            .split(|c: char| !c.is_ascii_alphanumeric())
            .any(|word| {
                WORDS.contains(&word)
                    || word.ends_with("URL")
                    || word.ends_with("URI")
                    || word.ends_with("HOST")
                    || word.ends_with("PATH")
            })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Launch, Network, ServerName};

    fn entry() -> Entry {
        let launch = Launch::Container {
            image: "acme/server".into(),
            command: vec!["--mode={{s.mode}}".into(), "{{dirs|into}}".into()],
            env: vec![
                ("TZ".into(), "{{zone}}".into()),
                ("ACME_URL".into(), "{{acme.url}}".into()),
                ("NODE_OPTIONS".into(), "{{node}}".into()),
            ],
            user: Some("{{uid}}".into()),
            extra_hosts: vec!["db:{{db}}".into()],
            is_writable: false,
        };
        let mut entry = Entry::new(ServerName::new("s").unwrap(), launch);
        entry.volumes = vec!["{{root.dir}}:/x".into()];
        entry.network = Network::Hosts(vec!["{{host}}:443".into()]);
        entry
    }

    fn config(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn whatever_steers_is_privileged() {
        let keys = entry().privileged_keys();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        assert_eq!(
            keys,
            [
                "acme.url", "db", "dirs", "host", "mode", "node", "root.dir", "uid"
            ]
        );
        let mut remote = Entry::remote(ServerName::new("r").unwrap(), "https://{{r.host}}/mcp");
        if let Launch::Remote { headers, .. } = &mut remote.launch {
            headers.push(("X-Org".into(), "{{org}}".into()));
        }
        assert_eq!(
            remote.privileged_keys().into_iter().collect::<Vec<_>>(),
            ["host", "org"]
        );
    }

    #[test]
    fn no_way_of_writing_it_gets_past() {
        let entry = entry();
        for set in [
            json!({"root": {"dir": "/etc"}}),
            json!({"root.dir": "/etc"}),
            json!({"root": ["/etc"]}),
            json!({"root": {"dir": null}}),
            json!({"mode": "x", "zone": "UTC"}),
        ] {
            assert_eq!(entry.privileged_in(&config(set.clone())).len(), 1, "{set}");
        }
        assert!(
            entry
                .privileged_in(&config(json!({"zone": "UTC", "root": {}})))
                .is_empty()
        );
        for key in ["root", "root.dir", "root.dir.x", "acme.url", "dirs"] {
            assert!(entry.is_privileged(key), "{key}");
        }
        for key in ["zone", "roots", "root.directory", "ro"] {
            assert!(!entry.is_privileged(key), "{key}");
        }
    }
}
