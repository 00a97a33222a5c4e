//! `find-tools`: single tools for a request in natural language, with what is needed to call them. Looks at what the servers of
//! this workspace offer, and at the catalog by the index that `mcp-find` asks.

use std::collections::HashMap;
use std::sync::Arc;

use catalog::{Catalogs, Entry};
use search::{Index, ToolHit};
use serde_json::{Value, json};
use wire::Object;

use super::arguments::Arguments;
use super::directory::{description, document};
use super::errand::Errand;
use super::find::{cut, shortened_schema};
use super::reply::Reply;
use super::standing::{Standing, State, config_of};
use crate::server::Server;
use crate::view::View;

/// The most tools of a reply.
const LIMIT: usize = 5;
/// Candidates of the catalog that are looked at: some are of servers of the workspace, or of none that there is.
const CANDIDATES: usize = 20;
/// From which share of the request on a tool of this workspace, which can be called as it is, comes before those of the catalog.
const COVERED: f32 = 0.6;
/// Characters of a description.
const CHARS: usize = 110;
/// Characters of one schema, and of all of them: about a thousand tokens.
const SCHEMA_CHARS: usize = 1_600;
const SCHEMAS_CHARS: usize = 4_000;

pub(super) async fn find(errand: &Errand, arguments: &Arguments) -> Reply {
    match found(errand, arguments).await {
        Ok(reply) | Err(reply) => reply,
    }
}

async fn found(errand: &Errand, arguments: &Arguments) -> Result<Reply, Reply> {
    let prompt = arguments.text("prompt")?;
    if !prompt.chars().any(char::is_alphanumeric) {
        return Err(arguments.wrong("prompt", "says nothing: write what is to be done"));
    }
    let configured = errand.core.servers();
    let catalogs = errand.directory.open(&configured).await;
    let view = errand.core.binding_view(&errand.side());
    let (mut hits, active) = (Vec::new(), own(&view, prompt));
    let (near, far): (Vec<ToolHit>, Vec<ToolHit>) =
        active.into_iter().partition(|hit| hit.covered >= COVERED);
    hits.extend(near);
    let is_known = |name: &str| view.parts.iter().any(|part| *part.server.name == *name);
    let rest = errand.directory.search_tools(prompt, CANDIDATES);
    // What a server of the workspace really offers is looked up there.
    hits.extend(rest.into_iter().filter(|hit| !is_known(&hit.server)));
    hits.extend(far);
    let mut schemas = SCHEMAS_CHARS;
    let mut states: HashMap<String, State> = HashMap::new();
    let (mut lines, mut tools) = (Vec::new(), Vec::new());
    for hit in hits {
        if tools.len() == LIMIT {
            break;
        }
        let Some(found) = Found::of(&view, &catalogs, &configured, &hit) else {
            continue;
        };
        let state = *states
            .entry(hit.server.clone())
            .or_insert_with(|| found.state(errand));
        lines.push(format!(
            "{} of {} ({}): {}",
            found.name,
            hit.server,
            state.word(),
            found.description
        ));
        tools.push(found.facts(&hit, state, &mut schemas));
    }
    if tools.is_empty() {
        return Ok(Reply::new(
            "no known tool matches; mcp-find finds servers whose tools are not known yet",
            json!({"tools": []}),
        ));
    }
    lines.push(
        "Call one by mcp-exec with its name and server; for needs-… mcp-add says what is missing."
            .to_owned(),
    );
    Ok(Reply::new(lines.join("\n"), json!({"tools": tools})))
}

/// The tools of this workspace that match. It has an index of its own: what its servers offer may depend on whose credentials
/// they have, and is nobody else's.
fn own(view: &View, prompt: &str) -> Vec<ToolHit> {
    let known = view.parts.iter().filter_map(|part| {
        let lists = part.lists.as_ref()?;
        Some(document(&part.server.entry, Some(lists)))
    });
    Index::build(known).search_tools(prompt, LIMIT, |_| true)
}

/// A tool, and where it is to be had.
struct Found<'a> {
    entry: &'a Entry,
    is_active: bool,
    /// As it is called here.
    name: String,
    description: String,
    schema: Option<Value>,
}

impl<'a> Found<'a> {
    fn of(
        view: &'a View,
        catalogs: &'a Catalogs,
        configured: &'a [Arc<Server>],
        hit: &ToolHit,
    ) -> Option<Self> {
        let part = view
            .parts
            .iter()
            .find(|part| *part.server.name == *hit.server);
        if let Some(part) = part {
            let tools = view.tools_of(&part.server);
            let (name, item) = tools.iter().find(|(_, item)| *item.key == *hit.tool)?;
            let schema = Object::parse(&item.raw)
                .ok()
                .and_then(|tool| serde_json::from_str(tool.get("inputSchema").ok()??).ok());
            return Some(Self {
                entry: &part.server.entry,
                is_active: true,
                name: name.to_string(),
                description: cut(&description(&item.raw), CHARS),
                schema,
            });
        }
        let own = || configured.iter().find(|server| *server.name == *hit.server);
        let entry = catalogs
            .get(&hit.server)
            .or_else(|| own().map(|server| &server.entry))?;
        if !entry.allows_tool(&hit.tool) {
            return None;
        }
        let known = entry
            .about
            .tools
            .iter()
            .find(|tool| *tool.name == *hit.tool);
        let schema = known.and_then(|tool| tool.input_schema.as_deref());
        let about = known.map_or("", |tool| &*tool.description);
        Some(Self {
            entry,
            is_active: false,
            name: hit.tool.clone(),
            description: cut(about, CHARS),
            schema: schema.and_then(|schema| serde_json::from_str(schema).ok()),
        })
    }

    fn state(&self, errand: &Errand) -> State {
        match self.is_active {
            true => State::Active,
            false => Standing::of(errand, self.entry, &config_of(errand, self.entry)).state(),
        }
    }

    fn facts(&self, hit: &ToolHit, state: State, schemas: &mut usize) -> Value {
        let mut facts = json!({
            "name": self.name,
            "server": hit.server,
            "state": state.word(),
            "description": self.description,
        });
        let schema = self.schema.as_ref().map(shortened_schema);
        let schema = schema.filter(|schema| {
            let chars = schema.to_string().len();
            chars <= SCHEMA_CHARS.min(*schemas)
        });
        if let (Some(schema), Some(facts)) = (schema, facts.as_object_mut()) {
            *schemas -= schema.to_string().len();
            facts.insert("inputSchema".into(), schema);
        }
        facts
    }
}
