//! `mcp-exec`: any tool of a workspace by its name. The call goes on as one of that tool, through the same pipeline; what the
//! server answers is the answer, whatever it is.

use std::sync::Arc;

use catalog::Entry;
use serde_json::Value;
use wire::{Era, Object, quote};

use super::add::{entry_of, lacks, put_to_use, unknown};
use super::arguments::Arguments;
use super::ask::Stop;
use super::credentials;
use super::errand::Errand;
use super::reply::Reply;
use super::standing::{Standing, State, config_of};
use crate::core::Wanted;
use crate::limits::REPLACED_MAX;
use crate::lists::Kind;
use crate::naming;
use crate::outbox::lock;
use crate::server::Server;
use crate::view::{Target, View};

/// A tool that is to be called in the place of ours.
pub(crate) struct Exec {
    pub(crate) target: Target,
    /// Raw JSON.
    pub(crate) arguments: String,
    /// The parameters that the tool's own call would have.
    pub(crate) params: String,
    /// What the request answers was asked by the gateway itself, and is nothing for the tool.
    pub(crate) has_answered: bool,
}

/// Names of required arguments that are told.
const TOLD: usize = 8;

/// What becomes of a call of `mcp-exec`.
pub(super) enum Prepared {
    Ready(Box<Exec>),
    /// First the person has to give these credentials of a server.
    Waits(Box<Entry>, Vec<String>),
}

pub(super) async fn prepare(errand: &mut Errand, arguments: &Arguments) -> Result<Prepared, Stop> {
    let name = arguments.name("name")?;
    let inner = arguments
        .raw_object("arguments")?
        .unwrap_or_else(|| "{}".to_owned());
    if naming::is_reserved(name) {
        let own = format!("{name} is one of the gateway's own tools: call it directly");
        return Err(Reply::error(own).into());
    }
    let server = arguments.text_if_any("server")?.map(str::trim);
    if let Some(server) = server.filter(|_| errand.is_nameless)
        && errand.core.server_in(&errand.workspace, server).is_none()
    {
        // What one client calls by the way is nothing that others of its caller see.
        errand.workspace = errand.core.aside(&errand.workspace.caller);
    }
    let errand = &*errand;
    let target = match server {
        Some(server) => {
            let server = match server_for(errand, server, true).await? {
                Found::Here(server) => server,
                Found::Wants(entry, names) => return Ok(Prepared::Waits(entry, names)),
            };
            let view = errand.core.view(&errand.side());
            match view.current_server(&server) {
                // It has just been replaced; the call waits for what takes its place.
                Some(now) => Target {
                    server: now,
                    own: name.into(),
                    mirrored: Arc::new([]),
                },
                None => of_server(&view, &server, name)?,
            }
        }
        None => {
            let look = |view: &View, _| anywhere(view, name);
            let found = errand.core.found(&errand.side(), look, wanted).await;
            found.map_err(|reply| kept_away(errand, name, reply))?
        }
    };
    let view = errand.core.view(&errand.side());
    if let Some(schema) = schema_of(&view, &target) {
        lacking(name, &schema, &inner)?;
    }
    let params = format!(r#"{{"name":{},"arguments":{inner}}}"#, quote(&target.own));
    let state = errand.state.as_deref().unwrap_or_default();
    let parking = &errand.core.parking;
    let opened = parking.opens(state, &errand.workspace.caller, errand.digest);
    Ok(Prepared::Ready(Box::new(Exec {
        target,
        arguments: inner,
        params,
        has_answered: opened.is_ok(),
    })))
}

enum Found {
    Here(Arc<Server>),
    /// It lacks these credentials, and the client is to be asked by a request.
    Wants(Box<Entry>, Vec<String>),
}

/// Nobody has the tool: that may be for a rule.
fn kept_away(errand: &Errand, name: &str, reply: Reply) -> Reply {
    match errand.core.closed_tool(&errand.side(), name) {
        Some(denial) => Reply::error(format!("denied: {}", denial.reason)),
        None => reply,
    }
}

/// A server of the workspace; one that is ready is put into it, without being listed.
pub(super) async fn ready_server(errand: &Errand, name: &str) -> Result<Arc<Server>, Reply> {
    match server_for(errand, name, false).await {
        Ok(Found::Here(server)) => Ok(server),
        Ok(Found::Wants(..)) | Err(Stop::Open(_)) => Err(Reply::error(format!(
            "{name} is not ready: add it with mcp-add first, which says what it needs"
        ))),
        Err(Stop::Reply(reply)) => Err(reply),
    }
}

/// The same; where `may_ask` is set, the person may be asked for credentials that it lacks.
async fn server_for(errand: &Errand, name: &str, may_ask: bool) -> Result<Found, Stop> {
    let mut replaced = 0;
    while let Some(server) = errand.core.server_in(&errand.workspace, name) {
        if let Some(denial) = errand.core.closed(&errand.side(), &server.facts) {
            return Err(Reply::error(format!("denied: {}", denial.reason)).into());
        }
        let upstream = errand.core.upstream(&errand.side(), &server);
        match upstream.listed().await {
            Ok(()) => return Ok(Found::Here(server)),
            // Another one has taken its place: that one is waited for.
            Err(_) if server.is_gone() && replaced < REPLACED_MAX => replaced += 1,
            Err(fault) => return Err(Reply::error(format!("{name}: {fault}")).into()),
        }
    }
    let configured = errand.core.servers();
    if lock(&errand.workspace.chosen).hides(name) {
        let removed = format!("{name} was removed from this conversation; mcp-add brings it back");
        return Err(Reply::error(removed).into());
    }
    let catalogs = errand.directory.open(&configured).await;
    let Some(entry) = entry_of(&catalogs, &configured, name) else {
        return Err(unknown(&catalogs, &configured, name).into());
    };
    let config = config_of(errand, entry);
    let mut standing = Standing::of(errand, entry, &config);
    if may_ask
        && let Some(names) = standing.wants_alone()
        && credentials::can_ask(errand)
    {
        if errand.session.is_some() && errand.era == Era::Handshake {
            return Ok(Found::Wants(Box::new(entry.clone()), names));
        }
        credentials::ask(errand, entry, &names).await?;
        standing = Standing::of(errand, entry, &config);
    }
    match standing.state() {
        State::Ready => {
            let server = put_to_use(errand, entry, &config, false).await?;
            Ok(Found::Here(server))
        }
        State::Blocked => {
            let lines = standing.blocked.into_iter().collect();
            Err(lacks(errand, entry, State::Blocked, lines).into())
        }
        State::Unavailable => {
            let why = standing.unavailable.into_iter().collect();
            Err(lacks(errand, entry, State::Unavailable, why).into())
        }
        state => Err(Reply::error(format!(
            "{name} is not ready ({}): add it with mcp-add first, which says what it needs",
            state.word()
        ))
        .into()),
    }
}

fn of_server(view: &View, server: &Arc<Server>, name: &str) -> Result<Target, Reply> {
    let tools = view.tools_of(server);
    let is_meant = |(exposed, item): &&(Box<str>, std::borrow::Cow<'_, crate::lists::Item>)| {
        *item.key == *name || **exposed == *name
    };
    match tools.iter().find(is_meant) {
        Some((_, item)) => Ok(Target {
            server: server.clone(),
            own: item.key.clone(),
            mirrored: item.mirrored.clone().into(),
        }),
        None => {
            let near = naming::nearest(name, tools.iter().map(|(_, item)| &*item.key));
            let hint = match near.is_empty() {
                false => format!("did you mean {}?", near.join(" or ")),
                true => {
                    let names: Vec<&str> = tools.iter().map(|(_, item)| &*item.key).collect();
                    format!("it has: {}", names[..names.len().min(20)].join(", "))
                }
            };
            Err(Reply::error(format!(
                "{} has no tool {name:?}; {hint}",
                server.name
            )))
        }
    }
}

fn wanted(found: &Result<Target, Reply>) -> Wanted<'_> {
    match found {
        Ok(target) => Wanted::Of(&target.server),
        Err(_) => Wanted::Unknown,
    }
}

/// By its name here, by `server__tool`, or by its own name where only one server has such a tool.
fn anywhere(view: &View, name: &str) -> Result<Target, Reply> {
    if let Some(target) = view.target(Kind::Tools, name) {
        return Ok(target.clone());
    }
    if let Some(target) = view.qualified(Kind::Tools, name) {
        return Ok(target);
    }
    let namesakes = view.namesakes(name);
    match &namesakes[..] {
        [(_, target)] => Ok(target.clone()),
        [] => {
            let near = naming::nearest(name, view.names(Kind::Tools));
            let hint = match near.is_empty() {
                false => format!("did you mean {}?", near.join(" or ")),
                true => "mcp-find finds servers that have one; name one with `server`".to_owned(),
            };
            Err(Reply::error(format!(
                "no server of this workspace has a tool {name:?}; {hint}"
            )))
        }
        several => {
            let names: Vec<&str> = several.iter().map(|(exposed, _)| &**exposed).collect();
            Err(Reply::error(format!(
                "several servers have a tool {name:?}: call {}",
                names.join(" or ")
            )))
        }
    }
}

fn schema_of(view: &View, target: &Target) -> Option<Value> {
    let tools = view.tools_of(&target.server);
    let (_, item) = tools.iter().find(|(_, item)| item.key == target.own)?;
    let schema = Object::parse(&item.raw).ok()?.get("inputSchema").ok()??;
    serde_json::from_str(schema).ok()
}

/// Refuses a call that lacks what the tool requires: the server would say so too, in more words and a second later.
fn lacking(name: &str, schema: &Value, arguments: &str) -> Result<(), Reply> {
    let Ok(arguments) = Object::parse(arguments) else {
        return Ok(());
    };
    let required = schema.get("required").and_then(Value::as_array);
    let lacking: Vec<&str> = required
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .filter(|key| matches!(arguments.get(key), Ok(None)))
        .collect();
    if lacking.is_empty() {
        return Ok(());
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    let wants: Vec<String> = properties
        .into_iter()
        .flatten()
        .take(TOLD)
        .map(|(key, property)| {
            let kind = property
                .get("type")
                .and_then(Value::as_str)
                .unwrap_or("any");
            let is_required = required.is_some_and(|all| all.iter().any(|one| one == key));
            format!("{key}{}: {kind}", if is_required { "" } else { "?" })
        })
        .collect();
    Err(Reply::error(format!(
        "{name}: missing {}; it takes {{{}}}",
        lacking.join(", "),
        wants.join(", ")
    )))
}
