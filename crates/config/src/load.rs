//! Reads everything that says something about a gateway into one picture. Owns the precedence: flag, environment, project,
//! person, machine. Next: `settings`, `toml_file`, `project`.

use std::io;
use std::path::{Path, PathBuf};

use catalog::document::{Document, Key as Name, Node};
use catalog::reader::{Reading, read_servers};
use catalog::{Entry, Layer, Problem, merge, read_mcp_servers_with, suggest};
use policy::Policy;

use crate::auth::{self, AuthSettings};
use crate::files::read_bounded;
use crate::interceptors::{self, Interceptor};
use crate::policy::Written;
use crate::server_config::{ServerConfig, read_server_config};
use crate::settings::Given;
use crate::{Dirs, Env, Format, Origin, Settings, format, project, recognise, toml_file};

/// What the command line says about where to look, and what it sets itself.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Files named by `--config`, in order: the later wins.
    pub config_files: Vec<PathBuf>,
    /// Settings given as flags: names as in [`Settings::KEYS`], values as text.
    pub settings: Vec<(String, String)>,
    /// The working folder; a project's file is sought from there upward. `None`: no project counts.
    pub cwd: Option<PathBuf>,
}

/// Everything that was read.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// The settings, each with who set it.
    pub settings: Settings,
    /// The servers, disabled ones included, in the order of their files.
    pub entries: Vec<Entry>,
    /// What files named by flags configure servers of catalogs with.
    pub server_config: ServerConfig,
    /// What a person should mend or know.
    pub problems: Vec<Problem>,
    /// The rules over calls; without effect where there is a problem with one of them.
    pub policy: Policy,
    /// Who looks at calls, in their order.
    pub interceptors: Vec<Interceptor>,
    /// Whose tokens callers may come with, if anybody's.
    pub auth: Option<AuthSettings>,
    /// The files that were read or would be if they were there: what `--watch` watches.
    pub files: Vec<PathBuf>,
}

/// Reads everything. It always succeeds: what is wrong stands among the problems and has no effect.
pub fn load(dirs: &Dirs, env: &Env, sources: &Sources) -> Loaded {
    let mut loading = Loading::new(env);
    if let Some(file) = &dirs.system_file {
        loading.own_file(file, Layer::System);
    }
    loading.own_file(&dirs.config_file(), Layer::User);
    if let Some(cwd) = &sources.cwd {
        let (found, mut problems) = project::find(cwd, &dirs.config_file());
        loading.loaded.problems.append(&mut problems);
        // Named by a flag it is no longer somebody else's text.
        let same = |named: &PathBuf| cwd.join(named).canonicalize().ok();
        let found = found.filter(|file| {
            sources
                .config_files
                .iter()
                .all(|named| same(named) != file.canonicalize().ok())
        });
        if let Some(file) = found {
            loading.own_file(&file, Layer::Project);
        }
    }
    loading.environment();
    for file in &sources.config_files {
        let file = sources
            .cwd
            .as_ref()
            .map_or_else(|| file.clone(), |cwd| cwd.join(file));
        loading.named_file(&file);
    }
    loading.flags(&sources.settings);
    loading.finish()
}

/// Reads one text as `--config` reads a file, and nothing else.
pub fn load_text(text: &str, source: &str, env: &Env) -> Loaded {
    let mut loading = Loading::new(env);
    loading.text_of(text, source);
    loading.finish()
}

impl Loaded {
    /// Whether something that was written has no effect.
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(Problem::is_error)
    }
}

struct Loading<'a> {
    env: &'a Env,
    loaded: Loaded,
    servers: Vec<Vec<Entry>>,
    rules: Written,
}

impl<'a> Loading<'a> {
    fn new(env: &'a Env) -> Self {
        Self {
            env,
            loaded: Loaded::default(),
            servers: Vec::new(),
            rules: Written::default(),
        }
    }

    fn finish(self) -> Loaded {
        let (entries, mut problems) = merge(self.servers);
        let mut loaded = self.loaded;
        loaded.entries = entries;
        loaded.problems.append(&mut problems);
        let (policy, mut problems, mut files) = self.rules.finish();
        loaded.policy = policy;
        loaded.problems.append(&mut problems);
        loaded.files.append(&mut files);
        loaded
    }

    /// One of the files that need not be there.
    fn own_file(&mut self, file: &Path, layer: Layer) {
        self.loaded.files.push(file.to_owned());
        match read(file) {
            Ok(text) => self.toml(&text, &file.display().to_string(), layer),
            Err(problem) if problem.1 == io::ErrorKind::NotFound => {}
            Err(problem) => self.loaded.problems.push(problem.0),
        }
    }

    /// A file that somebody asked for.
    fn named_file(&mut self, file: &Path) {
        self.loaded.files.push(file.to_owned());
        let source = file.display().to_string();
        let text = match read(file) {
            Ok(text) => text,
            Err(problem) => return self.loaded.problems.push(problem.0),
        };
        self.text_of(&text, &source);
    }

    fn text_of(&mut self, text: &str, source: &str) {
        match recognise(text) {
            Format::Toml => self.toml(text, source, Layer::Flag),
            Format::McpServers => self.mcp_servers(text, source),
            Format::DockerPolicy => self.rules.docker(text, source, Layer::Flag),
            Format::ServerConfig => self.server_config(text, source),
            Format::Catalog => self.loaded.problems.push(format::is_catalog(text, source)),
        }
    }

    /// What a later file says of a key counts.
    fn server_config(&mut self, text: &str, source: &str) {
        match read_server_config(text, source) {
            Ok(config) => {
                for (server, values) in config {
                    let known = self.loaded.server_config.entry(server).or_default();
                    known.extend(values);
                }
            }
            Err(problem) => self.loaded.problems.push(match problem.hint {
                Some(_) => problem,
                None => problem.hint(
                    "YAML here is a table of configuration for each server; servers are written as TOML, or as JSON with `mcpServers`",
                ),
            }),
        }
    }

    fn mcp_servers(&mut self, text: &str, source: &str) {
        let env = self.env;
        let lookup = |name: &str| env.text(name);
        let reading = Reading {
            layer: Layer::Flag,
            lookup: Some(&lookup),
            own: false,
        };
        match read_mcp_servers_with(text, source, &reading) {
            Ok((entries, mut problems)) => {
                self.servers.push(entries);
                self.loaded.problems.append(&mut problems);
            }
            Err(problem) => self.loaded.problems.push(problem),
        }
    }

    fn toml(&mut self, text: &str, source: &str, layer: Layer) {
        let doc = match toml_file::read(text, source) {
            Ok(doc) => doc,
            Err(mut problems) => return self.loaded.problems.append(&mut problems),
        };
        for (key, node) in doc.root.table().unwrap_or_default() {
            match key.name.as_str() {
                "gateway" => self.gateway(&doc, node, layer),
                "servers" => self.servers_of(&doc, node, layer),
                "policy" => {
                    let folder = Path::new(source).parent();
                    self.rules.section(&doc, node, layer, folder);
                }
                "interceptors" => {
                    let all = &mut self.loaded.interceptors;
                    interceptors::read(&doc, node, layer, all, &mut self.loaded.problems);
                }
                "auth" => {
                    // Of several files the last decides, as a whole.
                    let read = auth::read(&doc, node, layer, &mut self.loaded.problems);
                    if layer != Layer::Project {
                        self.loaded.auth = read;
                    }
                }
                "$schema" => {}
                _ => self.loaded.problems.push(unknown_section(&doc, key)),
            }
        }
    }

    fn servers_of(&mut self, doc: &Document<'_>, node: &Node, layer: Layer) {
        let env = self.env;
        let lookup = |name: &str| env.text(name);
        let is_project = layer == Layer::Project;
        let reading = Reading {
            layer,
            lookup: (!is_project).then_some(&lookup as _), // the person's variables are not for somebody else's text
            own: true,
        };
        let (mut entries, mut problems) = read_servers(doc, node, &reading);
        self.loaded.problems.append(&mut problems);
        if is_project {
            let known = self.servers.iter().flatten().map(|entry| &entry.name);
            self.loaded
                .problems
                .extend(project::restrain(&mut entries, &known.collect()));
        }
        self.servers.push(entries);
    }

    fn gateway(&mut self, doc: &Document<'_>, node: &Node, layer: Layer) {
        let Some(pairs) = node.table() else {
            let problem = doc.error(
                node.start,
                format!("`gateway` must be a table, found {}", node.kind()),
            );
            return self.loaded.problems.push(problem.hint("write [gateway]"));
        };
        for (name, node) in pairs {
            if let Err(problem) = self.setting(doc, name, node, layer) {
                self.loaded.problems.push(problem);
            }
        }
    }

    fn setting(
        &mut self,
        doc: &Document<'_>,
        name: &Name,
        node: &Node,
        layer: Layer,
    ) -> Result<(), Problem> {
        let Some(key) = Settings::key(&name.name) else {
            let message = format!("`{}` is no setting and is ignored", name.name);
            return Err(doc.warning(name.start, message).hint(nearest(&name.name)));
        };
        if layer == Layer::Project && !key.from_project {
            let message = format!("`{}` is not taken from a project's file", key.name);
            return Err(doc
                .warning(name.start, message)
                .hint("it decides who can reach the gateway: set it in your own config.toml, or by a flag"));
        }
        let origin = Origin {
            layer,
            source: doc.source.to_owned(),
        };
        Given::from_node(key.kind, node)
            .and_then(|given| self.loaded.settings.apply(key, given, origin))
            .map_err(|why| {
                doc.error(node.start, format!("`{}` {why}", key.name))
                    .hint(key.doc)
            })
    }

    fn environment(&mut self) {
        for key in Settings::KEYS {
            if let Some(text) = self.env.filled(key.env) {
                self.text(key, &text, Layer::Environment, key.env.to_owned());
            }
        }
    }

    fn flags(&mut self, flags: &[(String, String)]) {
        for (name, text) in flags {
            let flag = format!("--{}", name.replace('_', "-"));
            match Settings::key(name) {
                Some(key) => self.text(key, text, Layer::Flag, flag),
                None => {
                    let problem = Problem::error(flag, "there is no such setting");
                    self.loaded.problems.push(problem.hint(nearest(name)));
                }
            }
        }
    }

    fn text(&mut self, key: &'static crate::Key, text: &str, layer: Layer, source: String) {
        let origin = Origin {
            layer,
            source: source.clone(),
        };
        let applied = Given::from_text(key.kind, text)
            .and_then(|given| self.loaded.settings.apply(key, given, origin));
        if let Err(why) = applied {
            self.loaded
                .problems
                .push(Problem::error(source, why).hint(key.doc));
        }
    }
}

/// The text of a file, or what is to be told of it.
pub(crate) fn read(file: &Path) -> Result<String, (Problem, io::ErrorKind)> {
    let source = file.display().to_string();
    let bytes = read_bounded(file, catalog::limits::FILE_BYTES_MAX as u64).map_err(|error| {
        let problem = Problem::error(&source, format!("cannot read the file: {error}"));
        (
            problem.hint("check its name and whether you may read it"),
            error.kind(),
        )
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(&error.as_bytes()[..valid]).into_owned();
        let problem = Problem::error(&source, "the file is not text in UTF-8")
            .at(catalog::document::position(&text, valid))
            .hint("save it as UTF-8");
        (problem, io::ErrorKind::InvalidData)
    })
}

fn nearest(name: &str) -> String {
    match suggest(name, Settings::KEYS.iter().map(|key| key.name)) {
        Some(known) => format!("did you mean `{known}`?"),
        None => {
            let names: Vec<_> = Settings::KEYS.iter().map(|key| key.name).collect();
            format!("there are: {}", names.join(", "))
        }
    }
}

fn unknown_section(doc: &Document<'_>, key: &Name) -> Problem {
    let hint = match key.name.as_str() {
        "mcp_servers" | "mcpServers" => "servers are called [servers.NAME] here".to_owned(),
        name if Settings::key(name).is_some() => format!("write it below [gateway]: {name} = …"),
        name => match suggest(
            name,
            ["gateway", "servers", "policy", "interceptors", "auth"],
        ) {
            Some(known) => format!("did you mean [{known}]?"),
            None => "there are [gateway], [servers.NAME], [policy], [[interceptors]] and [auth]"
                .to_owned(),
        },
    };
    doc.warning(
        key.start,
        format!("`{}` means nothing here and is ignored", key.name),
    )
    .hint(hint)
}

#[cfg(test)]
mod tests;
