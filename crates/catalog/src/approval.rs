//! What waits for a person. Owns the rules: what somebody else's text may not bring along, and what does not start without
//! being asked for. Next: `origin`.

use crate::Entry;
use crate::Launch;
use crate::Network;
use crate::fingerprint::fingerprint_of;
use crate::launch::shown_url;
use crate::template::Piece;

/// Something that a person must approve before the server starts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Concern {
    /// It would run with the person's own rights.
    #[error("it would run without a sandbox")]
    Unboxed,
    /// It would reach the whole network.
    #[error("it would reach the whole network")]
    OpenNetwork,
    /// It comes from elsewhere.
    #[error("it comes from {0}")]
    Foreign(String),
    /// Somebody else's text names a program of this machine.
    #[error("it would run the command `{0}` of this machine")]
    Command(String),
    /// Somebody else's text names a folder or file of this machine.
    #[error("it would see `{0}` of this machine")]
    HostVolume(String),
    /// Somebody else's text says where a credential is to be taken from.
    #[error("it would take the secret `{name}` from `{from}`")]
    SecretReference {
        /// Which secret.
        name: String,
        /// From where: `env:NAME`, `file:PATH` or `cmd:…`.
        from: String,
    },
    /// Somebody else's text asks for a credential by a name, under which the person may have kept one for another server.
    #[error("it would be given the secret `{name}`{}", .to.as_deref().map(|to| format!(" and send it to {to}")).unwrap_or_default())]
    SecretGiven {
        /// Which secret.
        name: String,
        /// The address that would get it, if there is one.
        to: Option<String>,
    },
}

impl Entry {
    /// What an import refuses until a person has approved it: commands, folders of this machine and references to secrets
    /// in a text that comes from elsewhere.
    pub fn refusals(&self) -> Vec<Concern> {
        let mut out = Vec::new();
        if !self.origin.is_foreign() {
            return out;
        }
        if let Launch::Command { command, .. } = &self.launch {
            out.push(Concern::Command(command.clone()));
        }
        out.extend(
            self.volumes
                .iter()
                .filter_map(|volume| self.host_part(volume))
                .map(Concern::HostVolume),
        );
        for secret in &self.about.secrets {
            if let Some(from) = &secret.from {
                out.push(Concern::SecretReference {
                    name: secret.name.clone(),
                    from: from.clone(),
                });
            }
        }
        out
    }

    /// What a person must approve before the server starts; empty: it starts without asking. `is_boxed` says whether the
    /// launcher would keep it from the rest of this machine. Remote servers run elsewhere, which counts as boxed, and the
    /// person's own configuration has been approved by being written.
    pub fn concerns(&self, is_boxed: bool) -> Vec<Concern> {
        if self.is_approved || self.origin == crate::Origin::Own {
            return Vec::new();
        }
        let mut out = self.refusals();
        if self.launch.is_local() && !is_boxed {
            out.push(Concern::Unboxed);
        }
        let is_container = matches!(
            self.launch,
            Launch::Container { .. } | Launch::OneShot { .. }
        );
        if is_container && self.network == Network::Open {
            out.push(Concern::OpenNetwork);
        }
        if self.origin.is_foreign() {
            let to = match &self.launch {
                Launch::Remote { url, .. } => Some(shown_url(url)),
                _ => None,
            };
            let asked = self.about.secrets.iter().filter(|spec| spec.from.is_none());
            out.extend(asked.map(|spec| Concern::SecretGiven {
                name: spec.name.clone(),
                to: to.clone(),
            }));
            out.push(Concern::Foreign(self.origin.to_string()));
        }
        out
    }

    /// What an approval stands for: SHA-256 in hexadecimal over everything that runs and everything that was asked about.
    /// An entry that changes needs a new one.
    pub fn mark(&self) -> String {
        let mut pieces = vec![self.fingerprint()];
        for secret in &self.about.secrets {
            pieces.extend([&secret.name, &secret.env].map(String::from));
            pieces.push(secret.from.clone().unwrap_or_default());
        }
        // Its defaults end up in command lines and addresses.
        pieces.extend(self.about.config.iter().map(ToString::to_string));
        fingerprint_of(&pieces)
    }

    /// The part of a volume that is a path of this machine and was written by the author of the entry, also as what stands in
    /// for a value, or leads out of one; all of it where it cannot be understood. A named volume is none; neither is a path that
    /// only a person's configuration gives.
    fn host_part(&self, volume: &str) -> Option<String> {
        let Ok(template) = self.template(volume) else {
            return Some(volume.to_owned());
        };
        let mut is_start = true;
        for piece in template.pieces() {
            let text = match piece {
                Piece::Text(text) => text,
                Piece::Value(stand_ins) => {
                    let paths = stand_ins.iter().map(|text| source(text));
                    if let Some(path) = paths
                        .filter(|text| *text != "[]")
                        .find(|text| !is_name(text))
                    {
                        return Some(path.to_owned());
                    }
                    // Where nothing stands in, what follows is what it begins with.
                    is_start &= stand_ins.contains(&"[]");
                    continue;
                }
            };
            let written = source(text);
            let leads_out = written.split(['/', '\\']).any(|step| step == "..");
            if leads_out || (is_start && !is_name(written)) {
                return Some(written.to_owned());
            }
            if written.len() < text.len() {
                break;
            }
            is_start = false;
        }
        None
    }
}

/// Of `source:target` the source, with the letter of its drive.
fn source(volume: &str) -> &str {
    // No engine has volumes with names of one letter.
    let from = match volume.get(1..3) {
        Some(":\\" | ":/") => 2,
        _ => 0,
    };
    let end = volume[from..]
        .find(':')
        .map_or(volume.len(), |at| from + at);
    &volume[..end]
}

/// Whether it can be the name of a volume, or is nothing.
fn is_name(text: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    !text.starts_with('.') && text.chars().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{Origin, SecretSpec, ServerName};

    fn container(origin: Origin) -> Entry {
        let launch = Launch::Container {
            image: "acme/server".into(),
            command: Vec::new(),
            env: Vec::new(),
            user: None,
            extra_hosts: Vec::new(),
            is_writable: false,
        };
        Entry {
            origin,
            ..Entry::new(ServerName::new("a").unwrap(), launch)
        }
    }

    fn foreign() -> Origin {
        Origin::Url("https://h.example/c.yaml".into())
    }

    #[test]
    fn known_catalogs_start_when_boxed_and_nothing_else_does() {
        for origin in [Origin::Builtin, Origin::Catalog("mine".into())] {
            let entry = container(origin);
            assert!(entry.concerns(true).is_empty());
            assert_eq!(entry.concerns(false), [Concern::Unboxed]);
        }
        assert!(container(Origin::Own).concerns(false).is_empty());
        let mut entry = container(foreign());
        assert_eq!(
            entry.concerns(true),
            [Concern::Foreign("https://h.example/c.yaml".into())]
        );
        entry.is_approved = true;
        assert!(entry.concerns(false).is_empty());
        let mut remote = Entry::remote(ServerName::new("r").unwrap(), "https://h/mcp");
        remote.origin = Origin::Builtin;
        assert!(remote.concerns(false).is_empty());
    }

    #[test]
    fn a_secret_that_somebody_elses_text_asks_for_is_told_with_where_it_would_go() {
        let mut entry = Entry::remote(ServerName::new("r").unwrap(), "https://h.example/mcp?k=v");
        entry.about = Arc::new(crate::About {
            secrets: vec![SecretSpec {
                name: "github.token".into(),
                env: "TOKEN".into(),
                description: None,
                example: None,
                url: None,
                required: true,
                from: None,
            }],
            ..crate::About::default()
        });
        entry.origin = foreign();
        assert!(entry.refusals().is_empty());
        assert_eq!(
            entry.concerns(true)[0].to_string(),
            "it would be given the secret `github.token` and send it to https://h.example/mcp?***"
        );
        entry.origin = Origin::Builtin;
        assert!(entry.concerns(true).is_empty());
    }

    #[test]
    fn no_way_of_writing_a_volume_hides_a_path_of_this_machine() {
        let mut entry = container(foreign());
        entry.is_template = true;
        for (volume, shown) in [
            ("{{dir|or:/etc}}:/e", "/etc"),
            ("{{dir|or:/etc|mount_as:/e}}", "/etc"),
            ("{{dir|or:[]}}/etc:/e", "/etc"),
            ("{{dir|or:[]|or:~/.ssh}}:/e", "~/.ssh"),
            ("{{dir}}/../../etc:/e", "/../../etc"),
            ("{{dir}}{{other|or:/..}}:/e", "/.."),
            ("a/../../etc:/e", "a/../../etc"),
            (" /etc:/e", " /etc"),
            ("C:\\Users:/e", "C:\\Users"),
            ("C:/Users:/e", "C:/Users"),
            ("..:/e", ".."),
            ("{{dir|nope}}:/e", "{{dir|nope}}:/e"),
        ] {
            entry.volumes = vec![volume.to_owned()];
            assert_eq!(
                entry.refusals(),
                [Concern::HostVolume(shown.into())],
                "{volume}"
            );
        }
        for volume in [
            "cache:/c",
            "my.cache_1",
            "{{dir}}:/../d",
            "{{dir}}/sub:/d",
            "{{dir|or:cache}}:/d",
            "{{dirs|into}}",
        ] {
            entry.volumes = vec![volume.to_owned()];
            assert_eq!(entry.refusals(), [], "{volume}");
        }
    }

    #[test]
    fn what_a_pulled_text_may_not_bring_along() {
        let mut entry = Entry::command(ServerName::new("a").unwrap(), "sh", ["-c", "id"]);
        entry.is_template = true;
        entry.volumes = vec![
            "/var/run/docker.sock:/s".into(),
            "~/.ssh:/k:ro".into(),
            "cache:/c".into(),
            "{{dir}}:/d".into(),
            "{{dirs|volume|into}}".into(),
            "/home/{{who}}:/h".into(),
        ];
        entry.about = Arc::new(crate::About {
            secrets: vec![SecretSpec {
                name: "a.token".into(),
                env: "TOKEN".into(),
                description: None,
                example: None,
                url: None,
                required: true,
                from: Some("env:GITHUB_TOKEN".into()),
            }],
            ..crate::About::default()
        });
        assert!(entry.refusals().is_empty());
        entry.origin = foreign();
        let told: Vec<String> = entry.refusals().iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "it would run the command `sh` of this machine",
                "it would see `/var/run/docker.sock` of this machine",
                "it would see `~/.ssh` of this machine",
                "it would see `/home/` of this machine",
                "it would take the secret `a.token` from `env:GITHUB_TOKEN`",
            ]
        );
    }

    #[test]
    fn an_approval_holds_for_the_defaults_that_were_looked_at() {
        let of = |default: &str| {
            let text = format!(
                "catalog: c\nservers: {{a: {{url: 'https://{{{{host}}}}/mcp', config: {{host: {{type: string, default: {default}}}}}}}}}"
            );
            let catalog = crate::read_catalog(&text, "c", "f", &Origin::Own).unwrap();
            catalog.entries[0].mark()
        };
        assert_eq!(of("good.example"), of("good.example"));
        assert_ne!(of("good.example"), of("evil.example"));
    }
}
