//! Servers of catalogs that run from the start without a profile: those that `--servers` names and nothing configures, those of
//! Docker's `registry.yaml`, of a registry, or all. Owns which these are. They start as those of a profile do, with what is set for
//! them, and not before they have all that they need.

use std::path::PathBuf;

use catalog::{Catalogs, Entry, Layer, Problem, ProfileServer, merge};
use config::{Env, Loaded, Registered, docker_file};

use crate::artifacts;
use crate::catalogs::{self, Chosen};
use crate::choice::{CatalogChoice, Choice};
use crate::error::Failure;
use crate::images;
use crate::person::Said;
use crate::profiles::Check;
use crate::server_uri;
use crate::surroundings::Surroundings;
use crate::ui::Ui;

/// What is said of servers that `--servers` names.
pub(crate) const NAMED: &str = "--servers";

/// The flags that switch servers on, most of them of Docker's older files.
#[derive(Clone, Debug, Default, PartialEq, clap::Args)]
pub(crate) struct Enabled {
    /// Every server of the catalogs that --catalog names, or of all catalogs where it names none
    #[arg(long)]
    pub(crate) enable_all_servers: bool,

    /// The servers that Docker's `registry.yaml` switches on, out of the catalogs (repeatable)
    #[arg(long, alias = "additional-registry", value_name = "FILE")]
    registry: Vec<PathBuf>,

    /// Docker's `tools.yaml`: which tools servers offer, unless --tools says it (repeatable)
    #[arg(long, alias = "additional-tools-config", value_name = "FILE")]
    tools_config: Vec<PathBuf>,

    /// The servers of a catalog in a registry of images (repeatable)
    #[arg(long, value_name = "REF")]
    oci_ref: Vec<String>,

    /// A server of a registry of servers, by the URL of its entry (repeatable)
    #[arg(long, value_name = "URL")]
    mcp_registry: Vec<String>,
}

impl Enabled {
    /// Whether none of the flags is given.
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether nothing is switched on.
    pub(crate) fn is_none(&self) -> bool {
        let none = Self {
            tools_config: self.tools_config.clone(),
            ..Self::default()
        };
        *self == none
    }
}

/// What flags say of servers beyond the configured ones.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct More {
    flags: Enabled,
    catalogs: CatalogChoice,
    /// What came from registries, once: reading files again does not get them again.
    pulled: Vec<Entry>,
    /// What `--tools` says.
    pub(crate) tools: Vec<String>,
}

impl More {
    /// The names of what came from registries.
    pub(crate) fn pulled_names(&self) -> impl Iterator<Item = String> {
        self.pulled.iter().map(|entry| entry.name.to_string())
    }

    /// Gets what lies elsewhere. Names of Docker's files are those in Docker's folders.
    pub(crate) fn of(
        ui: &Ui,
        here: &Surroundings,
        (flags, catalogs): (&Enabled, &CatalogChoice),
    ) -> Result<Self, Failure> {
        let mut flags = flags.clone();
        for file in flags.registry.iter_mut().chain(&mut flags.tools_config) {
            *file = docker_file(&here.env, "mcp", file);
        }
        let mut pulled = Vec::new();
        for reference in &flags.oci_ref {
            let catalog = artifacts::pull_catalog(here, reference)?;
            catalogs::tell(ui, &catalog.problems);
            pulled.extend(catalog.entries);
        }
        for url in &flags.mcp_registry {
            pulled.extend(server_uri::entries(ui, &[], url)?);
        }
        Ok(Self {
            flags,
            catalogs: docker_catalogs(&here.env, catalogs),
            pulled,
            tools: Vec::new(),
        })
    }
}

/// Names of catalogs, as Docker's gateway finds them.
pub(crate) fn docker_catalogs(env: &Env, catalogs: &CatalogChoice) -> CatalogChoice {
    let files = catalogs.catalog.iter();
    CatalogChoice {
        catalog: files
            .map(|file| docker_file(env, "mcp/catalogs", file))
            .collect(),
        ..catalogs.clone()
    }
}

/// A server that is to run, and who says so.
struct Wanted {
    source: String,
    server: Registered,
}

/// Puts them among the configured ones.
pub(crate) fn use_in(here: &Surroundings, loaded: &mut Loaded, choice: &Choice) {
    let more = &choice.more;
    let files = more.flags.registry.iter().chain(&more.flags.tools_config);
    loaded.files.extend(files.cloned());
    let wanted = wanted(loaded, choice);
    if !wanted.is_empty() || !more.pulled.is_empty() || more.flags.enable_all_servers {
        switch_on(here, loaded, more, wanted);
    }
    if more.tools.is_empty() {
        choose_tools(loaded, &more.flags.tools_config);
    }
}

fn wanted(loaded: &mut Loaded, choice: &Choice) -> Vec<Wanted> {
    let mut wanted = Vec::new();
    let Some(names) = &choice.servers else {
        for file in &choice.more.flags.registry {
            let source = file.display().to_string();
            match config::docker_registry(file) {
                Ok(servers) => wanted.extend(servers.into_iter().map(|server| Wanted {
                    source: source.clone(),
                    server,
                })),
                Err(problem) => loaded.problems.push(problem),
            }
        }
        return wanted;
    };
    for name in names.iter().map(|name| name.trim()) {
        let is_known = loaded.entries.iter().any(|entry| entry.name == name);
        if !name.is_empty() && !is_known && images::image(name).is_none() {
            wanted.push(Wanted {
                source: NAMED.to_owned(),
                server: Registered {
                    name: name.to_owned(),
                    config: serde_json::Map::new(),
                },
            });
        }
    }
    wanted
}

fn switch_on(here: &Surroundings, loaded: &mut Loaded, more: &More, wanted: Vec<Wanted>) {
    loaded.files.extend([
        here.dirs.server_config_file(),
        here.secret_store().path().to_owned(),
    ]);
    let chosen = Chosen::begin(here, &more.catalogs);
    let said = Said {
        config: loaded.server_config.clone(),
        catalogs: chosen.files().map(ToOwned::to_owned).collect(),
    };
    let mut catalogs = catalogs::chosen(here, &chosen);
    let mut servers: Vec<(String, ProfileServer)> = Vec::new();
    if more.flags.enable_all_servers {
        let named = more.catalogs.catalog.len();
        let from = match named {
            0 => 0,
            named => catalogs.len().saturating_sub(named),
        };
        let all = Catalogs::merge(catalogs.split_off(from));
        let all = all.entries().iter().cloned();
        servers.extend(all.map(|entry| (entry.source.clone(), ProfileServer::new(entry))));
    } else if !wanted.is_empty() {
        let all = Catalogs::merge(catalogs);
        for Wanted { source, server } in wanted {
            match all.get(&server.name) {
                Some(entry) => servers.push((
                    source,
                    ProfileServer {
                        config: server.config,
                        ..ProfileServer::new(entry.clone())
                    },
                )),
                // Of a name on the command line it is said that there is no such server at all.
                None if source == NAMED => {}
                None => {
                    let message = format!("server `{}`: no catalog has it", server.name);
                    let hint = "--catalog names a file with more";
                    loaded
                        .problems
                        .push(Problem::error(source, message).hint(hint));
                }
            }
        }
    }
    let pulled = more.pulled.iter().cloned();
    servers.extend(pulled.map(|entry| (entry.source.clone(), ProfileServer::new(entry))));
    put(here, loaded, said, servers);
}

fn put(
    here: &Surroundings,
    loaded: &mut Loaded,
    said: Said,
    servers: Vec<(String, ProfileServer)>,
) {
    let check = match Check::with(here, &loaded.settings, said) {
        Ok(check) => check,
        Err(failure) => {
            let problem = Problem::error(NAMED, failure.message());
            return loaded.problems.push(problem);
        }
    };
    let mut entries = Vec::new();
    for (source, server) in servers {
        match check.usable(None, &server) {
            Ok(entry) => entries.push(Entry {
                source,
                layer: Layer::Flag,
                ..entry
            }),
            Err((message, hint)) => {
                let message = format!("server `{}`: {message}", server.entry.name);
                loaded
                    .problems
                    .push(Problem::error(source, message).hint(hint));
            }
        }
    }
    let (entries, problems) = merge([std::mem::take(&mut loaded.entries), entries]);
    loaded.entries = entries;
    loaded.problems.extend(problems);
}

/// A server that such a file names offers these tools and no others.
fn choose_tools(loaded: &mut Loaded, files: &[PathBuf]) {
    for file in files {
        match config::docker_tools(file) {
            Ok(tools) => {
                for entry in &mut loaded.entries {
                    if let Some(tools) = tools.get(entry.name.as_str()) {
                        entry.tools = Some(tools.clone());
                    }
                }
            }
            Err(problem) => loaded.problems.push(problem),
        }
    }
}
