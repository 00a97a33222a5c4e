//! What waits for a person. Owns the rules: what somebody else's text may not bring along, and what does not start without
//! being asked for. Next: `origin`.

use crate::Entry;
use crate::Launch;
use crate::Network;
use crate::fingerprint::fingerprint_of;
use crate::template::TemplateError;

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
                .filter_map(|volume| self.host_part(volume).ok().flatten())
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
        let is_container = matches!(self.launch, Launch::Container { .. });
        if is_container && self.network == Network::Open {
            out.push(Concern::OpenNetwork);
        }
        if self.origin.is_foreign() {
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
        fingerprint_of(&pieces)
    }

    /// The part of a volume that is a path of this machine and was written by the author of the entry. A named volume is
    /// none; neither is a path that only a person's configuration gives.
    fn host_part(&self, volume: &str) -> Result<Option<String>, (TemplateError, usize)> {
        let template = self.template(volume)?;
        let written = template.prefix();
        let is_path = written.starts_with(['/', '~', '.', '$', '\\'])
            || written
                .get(1..3)
                .is_some_and(|rest| rest == ":\\" || rest == ":/");
        Ok(is_path.then(|| written.split(':').next().unwrap_or(written).to_owned()))
    }
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
}
