//! Flags that several commands share: which servers, which files, how long.

use std::path::PathBuf;
use std::time::Duration;

use config::{Pull, Runtime};

use crate::enabled::More;
use crate::images;
use crate::ui::Ui;

/// Which servers, from which files.
#[derive(Clone, Debug, Default, PartialEq, clap::Args)]
pub(crate) struct Choice {
    /// Only these servers, configured or of catalogs, separated by commas; docker://IMAGE is a server too
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', value_parser = images::named)]
    pub(crate) servers: Option<Vec<String>>,

    /// A file with servers or rules: `config.toml`, the `mcpServers` JSON of AI applications, Docker's policy JSON; or with
    /// configuration for servers of catalogs: Docker's `config.yaml` (repeatable)
    #[arg(long, alias = "additional-config", value_name = "FILE")]
    pub(crate) config: Vec<PathBuf>,

    /// The servers of a saved profile, beside the configured ones; of two with one name, that of the profile [default: the one
    /// that is called default, if there is one and --servers names none]
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,

    /// Where secrets are found, in this order: files of NAME=VALUE lines, separated by colons; docker-desktop or store is
    /// where `secret set` keeps them [default: store]
    #[arg(long, value_name = "FILE:...")]
    pub(crate) secrets: Option<String>,

    #[command(flatten)]
    pub(crate) boxing: Boxing,

    /// What `gateway run` can say beside that.
    #[arg(skip)]
    pub(crate) more: Box<More>,
}

/// One place where secrets are found by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SecretPlace {
    /// Our own store.
    Store,
    /// A file of `NAME=VALUE` lines.
    File(PathBuf),
}

impl Choice {
    /// Puts what another one says over this one.
    pub(crate) fn lay_over(&mut self, said: &Self) {
        let Boxing {
            runtime,
            allow_unsandboxed,
            is_static,
            pull,
            verify_signatures,
            memory,
            cpus,
            pids,
        } = &mut self.boxing;
        let over = &said.boxing;
        *runtime = over.runtime.or(*runtime);
        *allow_unsandboxed |= over.allow_unsandboxed;
        *is_static |= over.is_static;
        *pull = over.pull.or(*pull);
        *verify_signatures = over.verify_signatures.or(*verify_signatures);
        *memory = over.memory.clone().or(memory.take());
        *cpus = over.cpus.clone().or(cpus.take());
        *pids = over.pids.or(*pids);
        self.servers = said.servers.clone().or(self.servers.take());
        self.config.extend(said.config.iter().cloned());
        self.profile = said.profile.clone().or(self.profile.take());
        self.secrets = said.secrets.clone().or(self.secrets.take());
    }

    /// Where secrets are found.
    pub(crate) fn secret_places(&self) -> Vec<SecretPlace> {
        let Some(text) = &self.secrets else {
            return vec![SecretPlace::Store];
        };
        let parts = text.split(':').filter(|part| !part.is_empty());
        parts
            .map(|part| match part {
                "docker-desktop" | "store" => SecretPlace::Store,
                file => SecretPlace::File(file.into()),
            })
            .collect()
    }
}

/// What local servers run in.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
pub(crate) struct Boxing {
    /// What local servers run in: auto, a box for each with the least it needs, and images in a container engine; docker
    /// or podman, the same in that one; sandbox, boxes and no images; static, images that run already, at mcp-NAME:4444; process, nothing
    /// [default: auto]
    #[arg(long, value_name = "WHAT", value_parser = runtime)]
    pub(crate) runtime: Option<Runtime>,

    /// Start servers without isolation where no box can be made
    #[arg(long)]
    pub(crate) allow_unsandboxed: bool,

    /// The same as --runtime static
    #[arg(long = "static", conflicts_with = "runtime")]
    pub(crate) is_static: bool,

    /// When images of containers are fetched: missing, always or never [default: missing]
    #[arg(long, value_name = "WHEN", value_parser = pull)]
    pub(crate) pull: Option<Pull>,

    /// Start only images that are signed by a key of `image_keys`
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    pub(crate) verify_signatures: Option<bool>,

    /// Memory of each server in a box or container, such as 512m [default: 2g]
    #[arg(long, value_name = "SIZE")]
    pub(crate) memory: Option<String>,

    /// Processors of each server in a box or container, also parts of one [default: 2]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) cpus: Option<String>,

    /// Processes and threads of each server in a box or container [default: 512]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) pids: Option<u32>,
}

impl Boxing {
    /// The flags that are settings.
    pub(crate) fn settings(&self) -> impl Iterator<Item = (String, String)> {
        let runtime = match self.is_static {
            true => Some(Runtime::Static),
            false => self.runtime,
        };
        let runtime = runtime.map(|runtime| runtime.to_string());
        let unsandboxed = self.allow_unsandboxed.then(|| "true".to_owned());
        let signed = self.verify_signatures.map(|signed| signed.to_string());
        let flags = [
            ("runtime", runtime),
            ("allow_unsandboxed", unsandboxed),
            ("pull", self.pull.map(|pull| pull.to_string())),
            ("verify_signatures", signed),
            ("memory", self.memory.clone()),
            ("cpus", self.cpus.clone()),
            ("pids", self.pids.map(|pids| pids.to_string())),
        ];
        flags
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    }
}

fn runtime(word: &str) -> Result<Runtime, String> {
    Runtime::parse(word)
        .ok_or_else(|| "there are auto, sandbox, docker, podman, static and process".into())
}

fn pull(word: &str) -> Result<Pull, String> {
    Pull::parse(word).ok_or_else(|| "there are missing, always and never".into())
}

/// Which catalogs agents find servers in.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
pub(crate) struct CatalogChoice {
    /// More servers to find, in a file, in a folder or at a URL: our YAML, Docker's catalogs, server.json, a registry's
    /// /v0.1/servers, or mcpServers JSON; or docker://IMAGE (repeatable)
    #[arg(long, alias = "additional-catalog", value_name = "FILE|URL")]
    pub(crate) catalog: Vec<PathBuf>,

    /// Leave the built-in catalog out
    #[arg(long)]
    pub(crate) no_builtin_catalog: bool,
}

/// Which running gateway, where there are several.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Running {
    /// The gateway to ask, where several are running (`server ls` shows their ids)
    #[arg(long, value_name = "ID")]
    pub(crate) gateway: Option<String>,
}

/// The flag by which older commands of Docker's ask for JSON.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(crate) struct OlderFormat {
    /// The same as --format json
    #[arg(long, hide = true)]
    json: bool,
}

impl OlderFormat {
    /// How to speak then.
    pub(crate) fn of(self, ui: &Ui) -> Ui {
        ui.json_if(self.json)
    }
}

/// `30`, `30s`, `500ms`, `5m`, `1h`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit_ms: u64 = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err("write it like 30s, 500ms or 5m".into()),
    };
    match number
        .parse::<u64>()
        .ok()
        .and_then(|n| n.checked_mul(unit_ms))
    {
        Some(0) => Err("it must be longer than nothing".into()),
        Some(ms) => Ok(Duration::from_millis(ms)),
        None => Err("write it like 30s, 500ms or 5m".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, ms) in [
            ("30", 30_000),
            ("30s", 30_000),
            ("500ms", 500),
            ("5m", 300_000),
            ("1h", 3_600_000),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "s", "1.5s", "-1", "1d", "0", "99999999999999999999"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
