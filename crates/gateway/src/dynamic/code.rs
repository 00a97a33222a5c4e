//! `code-mode`: a script over the tools of servers, run at once, or by a tool that is made for scripts over these servers.
//! Read `script.rs` for how a script runs.

use std::sync::Arc;

use serde_json::{Value, json};
use wire::{Era, quote};

use super::Done;
use super::arguments::Arguments;
use super::errand::Errand;
use super::exec::ready_server;
use super::menu::{CODE, Menu, Tool};
use super::reply::Reply;
use crate::asks::Side;
use crate::bridge;
use crate::call::Call;
use crate::chosen::ScriptTool;
use crate::core::Core;
use crate::error::Fault;
use crate::limits::{SCRIPT_MENU_BYTES, SCRIPT_TOOLS_MAX};
use crate::lists::Kind;
use crate::method::Route;
use crate::naming::{self, NAME_MAX};
use crate::outbox::lock;
use crate::routed;
use crate::script::{self, Outer, Scope};
use crate::scripts::Engine;
use crate::view::Part;
use crate::workspace::Workspace;

/// What the names of tools that take scripts begin with.
pub(super) const PREFIX: &str = "code-mode-";

/// The definitions of our own tools as they are listed from this side, with commas between them.
pub(crate) fn menu_of(
    core: &Core,
    side: &Side<'_>,
    parts: &[Part],
    scripts: &[Arc<ScriptTool>],
) -> Menu {
    let mut menu = core
        .directory
        .as_ref()
        .map(|directory| directory.menu().clone())
        .unwrap_or_default();
    if let Some(engine) = &core.scripts {
        for definition in std::iter::once(CODE.to_owned()).chain(
            scripts
                .iter()
                .map(|script| definition(core, &**engine, side, parts, script)),
        ) {
            menu.add(&definition);
        }
    }
    menu
}

/// A tool that takes scripts, as it is listed.
fn definition(
    core: &Core,
    engine: &dyn Engine,
    side: &Side<'_>,
    parts: &[Part],
    script: &ScriptTool,
) -> String {
    let caller = &side.workspace.caller;
    let scope = Scope::new(
        &core.seen,
        of_servers(parts, &script.servers),
        side.era,
        caller,
    );
    let menu = engine.menu(scope.tools(), SCRIPT_MENU_BYTES);
    let description = format!(
        "Run JavaScript over these tools: the body of an async function, with await and return; each call gives its result as a value. await tools.describe(\"server.tool\") tells more of one.\n{menu}"
    );
    json!({
        "name": script.name,
        "description": description,
        "inputSchema": {
            "type": "object",
            "properties": {"script": {"type": "string"}},
            "required": ["script"],
        },
    })
    .to_string()
}

fn of_servers<'a>(parts: &'a [Part], servers: &'a [Box<str>]) -> impl Iterator<Item = &'a Part> {
    let is_meant = |part: &&Part| servers.iter().any(|name| **name == *part.server.name);
    parts.iter().filter(is_meant)
}

/// What becomes of a call of `code-mode`, of a tool that was made by it, or of `mcp-exec` with such a tool.
pub(super) fn resolve(
    call: &mut Call,
    tool: Tool,
    errand: Errand,
    arguments: Arguments,
) -> Result<Route, Fault> {
    let Some(engine) = call.core.scripts.clone() else {
        let reply = Reply::error("scripts are switched off");
        return Ok(Route::Here(reply.raw(call.era)));
    };
    if call.era == Era::Stateless
        && let Some(retry) = routed::retry_of(call, &call.params()?)?
    {
        bridge::resume_script(call, &retry)?;
        return Ok(Route::Resumed);
    }
    let wanted = match wanted(call, tool, &errand, &arguments) {
        Ok(wanted) => wanted,
        Err(reply) => return Ok(Route::Here(refused(reply).raw(call.era))),
    };
    let era = call.era;
    Ok(Route::Own(match wanted {
        Wanted::Tool { name, servers } => {
            engine.warm();
            Box::pin(async move {
                let made = make(errand, name, servers).await;
                Done::Result(made.unwrap_or_else(refused).raw(era))
            })
        }
        Wanted::Run { text, over } => {
            let workspace = match &over {
                Over::Named(servers) => whose(&errand, servers),
                Over::All | Over::Tool(_) => errand.workspace.clone(),
            };
            let outer = Outer::of(call, &workspace, errand.is_nameless);
            let errand = Errand {
                workspace,
                ..errand
            };
            Box::pin(async move {
                let ran = run(&*engine, &errand, &outer, &text, &over).await;
                Done::Result(ran.unwrap_or_else(refused).raw(era))
            })
        }
    }))
}

enum Wanted {
    /// A tool is to be made.
    Tool { name: String, servers: Vec<String> },
    /// A script is to be run.
    Run { text: String, over: Over },
}

/// Whose tools a script calls.
enum Over {
    /// Those of all servers of the workspace.
    All,
    /// Those of these servers, put to use if they are ready.
    Named(Vec<String>),
    /// Those that are left of the servers of a tool.
    Tool(Arc<ScriptTool>),
}

fn wanted(
    call: &mut Call,
    tool: Tool,
    errand: &Errand,
    arguments: &Arguments,
) -> Result<Wanted, Reply> {
    match tool {
        Tool::Exec => {
            let name = arguments.name("name")?;
            let inner = arguments.object("arguments")?.unwrap_or_default();
            let text = match (inner.get("script"), inner.len()) {
                (Some(Value::String(text)), 1) => text.clone(),
                _ => return Err(Reply::error(format!("{name} takes {{script: string}}"))),
            };
            let over = Over::Tool(made_before(errand, name)?);
            call.name = Some(name.into());
            Ok(Wanted::Run { text, over })
        }
        Tool::Script => {
            let name = call.params().ok().and_then(|params| {
                let name = params.string("name").ok()??;
                Some(name.into_owned())
            });
            let name = name.unwrap_or_default();
            let over = Over::Tool(made_before(errand, &name)?);
            call.name = Some(name.into());
            let text = arguments.text("script")?.to_owned();
            Ok(Wanted::Run { text, over })
        }
        _ => {
            let (name, code) = (
                arguments.text_if_any("name")?,
                arguments.text_if_any("code")?,
            );
            let servers = arguments.names("servers")?;
            match (name, code) {
                (Some(_), Some(_)) => Err(Reply::error(
                    "code-mode: `code` runs a script at once, `name` makes a tool for scripts: give one of them",
                )),
                (None, None) => Err(Reply::error(
                    "code-mode: give `code`, the script to run; or `name` and `servers`, to make a tool for scripts over these servers",
                )),
                (Some(_), None) if servers.is_empty() => Err(Reply::error(
                    "code-mode: say over which `servers` the scripts of the tool run",
                )),
                (Some(name), None) => Ok(Wanted::Tool {
                    name: tool_name(name)?,
                    servers,
                }),
                (None, Some(code)) => Ok(Wanted::Run {
                    text: code.to_owned(),
                    over: match servers.is_empty() {
                        true => Over::All,
                        false => Over::Named(servers),
                    },
                }),
            }
        }
    }
}

/// The whole name of a tool that is called so.
fn tool_name(name: &str) -> Result<String, Reply> {
    let name = name.trim();
    let whole = format!("{PREFIX}{}", name.strip_prefix(PREFIX).unwrap_or(name));
    match whole.len() > PREFIX.len() && *naming::legal(&whole) == *whole {
        true => Ok(whole),
        false => Err(Reply::error(format!(
            "code-mode: a name has letters, digits, - and _, and at most {} of them",
            NAME_MAX - PREFIX.len()
        ))),
    }
}

fn made_before(errand: &Errand, name: &str) -> Result<Arc<ScriptTool>, Reply> {
    let chosen = lock(&errand.workspace.chosen);
    if let Some(script) = chosen.script(name) {
        return Ok(script.clone());
    }
    let names = chosen.scripts().iter().map(|script| &*script.name);
    let near = naming::nearest(name, names);
    let hint = match near.first() {
        Some(near) => format!("did you mean {near}?"),
        None if errand.is_nameless => "name the workspace that code-mode returned".to_owned(),
        None => "code-mode with `servers` and `name` makes it".to_owned(),
    };
    Err(Reply::error(format!(
        "there is no tool {name:?} here; {hint}"
    )))
}

/// In which workspace a script over these servers runs: what one client uses by the way is nothing that others of its caller
/// see.
fn whose(errand: &Errand, servers: &[String]) -> Arc<Workspace> {
    let core = &errand.core;
    let is_here = |name: &String| core.server_in(&errand.workspace, name).is_some();
    match errand.is_nameless && !servers.iter().all(is_here) {
        true => core.aside(&errand.workspace.caller),
        false => errand.workspace.clone(),
    }
}

/// Makes a tool for scripts over these servers.
async fn make(mut errand: Errand, name: String, servers: Vec<String>) -> Result<Reply, Reply> {
    let is_fresh = errand.is_nameless;
    if is_fresh {
        // Nobody can name it before something is in it.
        let (id, caller) = (errand.core.next_id(), errand.workspace.caller.clone());
        errand.workspace = Arc::new(Workspace::new(id, caller));
    }
    let made = made(&errand, &name, &servers).await;
    if is_fresh && errand.workspace.handle.get().is_none() {
        errand.core.leave(&errand.workspace);
    }
    made
}

async fn made(errand: &Errand, name: &str, servers: &[String]) -> Result<Reply, Reply> {
    let mut names: Vec<Box<str>> = Vec::new();
    for server in servers {
        let server = ready_server(errand, server).await?;
        if !names.iter().any(|known| **known == *server.name) {
            names.push((&*server.name).into());
        }
    }
    let script = ScriptTool {
        name: name.into(),
        servers: names,
    };
    if !lock(&errand.workspace.chosen).put_script(script, SCRIPT_TOOLS_MAX) {
        return Err(Reply::error(format!(
            "this workspace has {SCRIPT_TOOLS_MAX} tools for scripts, which is the most; remove some with mcp-remove"
        )));
    }
    errand.tell(&[Kind::Tools]);
    let core = &errand.core;
    let handle = core.handle_of(&errand.workspace);
    let handle = handle.map_err(|fault| Reply::error(fault.to_string()))?;
    let view = core.view(&errand.side());
    let script = lock(&errand.workspace.chosen).script(name).cloned();
    let (Some(script), Some(engine)) = (script, &core.scripts) else {
        return Err(Reply::error(format!("{name} was removed meanwhile")));
    };
    let definition = definition(core, &**engine, &errand.side(), &view.parts, &script);
    let is_listed = errand.era == Era::Handshake || errand.is_endpoint;
    let text = match is_listed {
        true => format!("{name} is ready: it takes {{script}}"),
        false => format!(
            "{name} is ready. Call it by mcp-exec with workspace {handle:?} and arguments {{script}}. Definition: {definition}"
        ),
    };
    let facts = format!(
        r#"{{"ok":true,"result":{},"logs":[],"calls":[],"workspace":{},"tools":[{definition}]}}"#,
        quote(name),
        quote(&handle)
    );
    Ok(Reply::of_raw(text, facts))
}

/// Runs a script.
async fn run(
    engine: &dyn Engine,
    errand: &Errand,
    outer: &Outer,
    text: &str,
    over: &Over,
) -> Result<Reply, Reply> {
    let core = &errand.core;
    let Some(_turn) = core.running.begin(&errand.workspace.caller) else {
        return Err(Reply::error(
            "too many scripts are running; try again when some have ended",
        ));
    };
    let servers: Option<Vec<Box<str>>> = match over {
        Over::All => None,
        Over::Named(servers) => {
            let mut names = Vec::new();
            for name in servers {
                names.push((&*ready_server(errand, name).await?.name).into());
            }
            Some(names)
        }
        Over::Tool(script) => Some(script.servers.clone()),
    };
    if !core.view(&errand.side()).is_complete() {
        core.first_lists(&errand.side()).await;
    }
    let view = core.view(&errand.side());
    let caller = &errand.workspace.caller;
    let scope = match &servers {
        None => Scope::new(&core.seen, &view.parts, errand.era, caller),
        Some(servers) => {
            let parts: Vec<&Part> = of_servers(&view.parts, servers).collect();
            if parts.is_empty() && !servers.is_empty() {
                return Err(Reply::error(format!(
                    "{} is not in this workspace any more; mcp-add brings it back",
                    servers.join(", ")
                )));
            }
            Scope::new(&core.seen, parts, errand.era, caller)
        }
    };
    let ran = script::run(engine, outer, scope, text).await;
    Ok(Reply::ran(ran))
}

/// In the shape that the reply of a script has.
fn refused(reply: Reply) -> Reply {
    let error = json!({"kind": "call", "message": reply.text()});
    reply.with(json!({"ok": false, "result": null, "logs": [], "calls": [], "error": error}))
}
