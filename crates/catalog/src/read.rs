//! Catalogs out of texts, whatever their form. Owns how a form is recognised: by what stands in the file, never by its
//! name. Refuses a text in which no form can be seen, saying which there are. Next: one file per form in `read/`.

mod docker;
mod docker_artifact;
mod docker_tools;
mod own;
mod package;
mod profile;
mod server_json;
#[cfg(test)]
mod tests;

pub use docker::read_docker_server;
pub use own::KEYS as OWN_KEYS;
pub(crate) use own::oauth;
pub use profile::read_profile;

use crate::document::{Document, Node, Value};
use crate::mcp_servers::read_mcp_document;
use crate::reader::Reading;
use crate::{Catalog, Origin, Problem};

/// The form of a catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Our own YAML: `catalog:` and `servers:`.
    Own,
    /// Docker's catalog, versions 2 and 3: `registry:`.
    DockerCatalog,
    /// Docker's catalog as it lies in a registry of images: `title:` and a list of `servers:`.
    DockerArtifact,
    /// One server of Docker's registry, its `server.yaml`.
    DockerServer,
    /// The official registry's `server.json`, or a page of its API.
    ServerJson,
    /// What AI applications write: `mcpServers`.
    McpServers,
}

impl Form {
    /// As messages name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Own => "catalog",
            Self::DockerCatalog => "Docker catalog",
            Self::DockerArtifact => "Docker catalog artifact",
            Self::DockerServer => "Docker registry entry",
            Self::ServerJson => "server.json",
            Self::McpServers => "mcpServers",
        }
    }
}

/// Reads a catalog of any form. `name` is what it is called unless it names itself, `source` stands in messages, `origin`
/// goes into every entry. An `Err` means that nothing of it could be read; what is wrong with single entries stands among
/// the catalog's problems.
pub fn read_catalog(
    text: &str,
    name: &str,
    source: &str,
    origin: &Origin,
) -> Result<Catalog, Problem> {
    let doc = document(text, source)?;
    let form = form_of(&doc)?;
    let mut catalog = match form {
        Form::Own => own::read(&doc)?,
        Form::DockerCatalog => docker::read_catalog(&doc)?,
        Form::DockerArtifact => docker_artifact::read(&doc)?,
        Form::DockerServer => docker::read_one(&doc),
        Form::ServerJson => server_json::read(&doc),
        Form::McpServers => {
            let (entries, problems) = read_mcp_document(&doc, &Reading::default())?;
            Catalog {
                entries,
                problems,
                ..Catalog::default()
            }
        }
    };
    if catalog.name.is_empty() {
        catalog.name = name.to_owned();
    }
    // What an import has noted counts in the person's own folder only: no text from elsewhere vouches for itself.
    if matches!(origin, Origin::Catalog(_)) {
        if !catalog.origin.is_foreign() {
            catalog.origin = origin.clone();
        }
        let whole = catalog.origin.clone();
        for entry in &mut catalog.entries {
            if !entry.origin.is_foreign() {
                entry.origin = whole.clone();
            }
            entry.is_approved &= entry.origin.is_foreign();
        }
    } else {
        catalog.give(origin);
        for entry in &mut catalog.entries {
            entry.is_approved = false;
        }
    }
    Ok(catalog)
}

/// The form of a text.
pub fn recognise_catalog(text: &str, source: &str) -> Result<Form, Problem> {
    form_of(&document(text, source)?)
}

/// JSON where the first sign says so: as YAML it would lose its comments and get other messages.
fn document<'t>(text: &'t str, source: &'t str) -> Result<Document<'t>, Problem> {
    let start = text.trim_start_matches('\u{feff}').trim_start();
    match start.starts_with(['{', '[']) || start.starts_with("//") || start.starts_with("/*") {
        true => Document::json(text, source),
        false => Document::yaml(text, source),
    }
}

fn form_of(doc: &Document<'_>) -> Result<Form, Problem> {
    let root = &doc.root;
    let has = |key: &str| root.get(key).is_some();
    let is_table = |key: &str| root.get(key).is_some_and(|node| node.table().is_some());
    let is_list = |key: &str| root.get(key).is_some_and(|node| node.list().is_some());
    let looks_like_server = |node: &Node| {
        let node = node.get("server").unwrap_or(node);
        node.get("name").is_some()
            && (node.get("packages").is_some() || node.get("remotes").is_some())
    };
    let is_nothing = |key: &str| {
        root.get(key)
            .is_none_or(|node| matches!(node.value, Value::Null))
    };
    if has("catalog") && (is_table("servers") || is_nothing("servers")) {
        return Ok(Form::Own);
    }
    if has("registry") {
        return Ok(Form::DockerCatalog);
    }
    let first = match &root.value {
        Value::List(items) => items.first(),
        _ => None,
    };
    if docker_artifact::is_catalog(root) {
        return Ok(Form::DockerArtifact);
    }
    if is_list("servers") || looks_like_server(root) || first.is_some_and(looks_like_server) {
        return Ok(Form::ServerJson);
    }
    if has("name") && (has("about") || has("meta") || has("image") || has("remote")) {
        return Ok(Form::DockerServer);
    }
    let applications = [
        "mcpServers",
        "servers",
        "context_servers",
        "amp.mcpServers",
        "mcp",
    ];
    if applications.iter().any(|key| has(key)) {
        return Ok(Form::McpServers);
    }
    Err(doc.error(root.start, "this is no catalog of servers").hint(
        "a catalog has `catalog:` and `servers:`, or is Docker's (`registry:`, server.yaml), a server.json or `mcpServers`",
    ))
}
