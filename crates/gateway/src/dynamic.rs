//! The gateway's own tools: the agent finds servers, adds them to its conversation, configures them, calls their tools and
//! removes them. Read `menu` for what a model is told of them, `errand` for what carries one out, then a tool a file.
//!
//! Refuses: what only a person may decide (see `standing`), which is asked of the person or named as a command. Every reply
//! is readable text with the same facts as structure; what went wrong is a reply too, and says what to do next.

mod add;
mod arguments;
mod ask;
mod code;
mod config;
mod directory;
mod errand;
mod exec;
mod find;
mod menu;
mod remove;
mod reply;
mod standing;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use wire::{Era, Frame, build};

pub(crate) use code::menu_of;
pub(crate) use directory::Directory;
pub(crate) use exec::Exec;

use crate::call::Call;
use crate::calls::CallHandle;
use crate::error::Fault;
use crate::method::Route;
use crate::routed;
use arguments::Arguments;
use errand::Errand;
pub(crate) use menu::Tool;
use reply::Reply;

/// Something that is being done for a call; what it comes to is the call's result, raw JSON.
pub(crate) type Work = Pin<Box<dyn Future<Output = String> + Send>>;

/// Which of our tools a `tools/call` asks for, if it is one of ours.
pub(crate) fn asked(call: &Call) -> Option<Tool> {
    if call.core.directory.is_none() || call.only.is_some() {
        return None;
    }
    let params = call.frame.params_object().ok()?;
    let name = params.string("name").ok()??;
    let is_script = name.starts_with(code::PREFIX) && call.core.scripts.is_some();
    Tool::named(&name)
        .filter(|tool| *tool != Tool::Code || call.core.scripts.is_some())
        .or(is_script.then_some(Tool::Script))
}

/// What becomes of a call of one of our tools.
pub(crate) async fn resolve(call: &mut Call, tool: Tool) -> Result<Route, Fault> {
    call.name = Some(tool.name().into());
    let begun = begin(call, tool);
    let (mut errand, arguments) = match begun {
        Ok(begun) => begun,
        Err(reply) => return Ok(Route::Here(reply.raw(call.era))),
    };
    let takes_script = || {
        let name = arguments.text_if_any("name").ok().flatten();
        name.is_some_and(|name| name.trim().starts_with(code::PREFIX))
    };
    let work: Work = match tool {
        Tool::Code | Tool::Script => return code::resolve(call, tool, errand, arguments),
        Tool::Exec if takes_script() => return code::resolve(call, tool, errand, arguments),
        Tool::Exec => {
            return match exec::prepare(&mut errand, &arguments).await {
                Ok(exec) => {
                    call.workspace = errand.workspace;
                    call.exec = Some(Box::new(exec));
                    let plan = routed::plan(call).await?;
                    Ok(Route::Server(Box::new(plan)))
                }
                Err(reply) => Ok(Route::Here(reply.raw(call.era))),
            };
        }
        Tool::Find => {
            Box::pin(async move { find::find(&errand, &arguments).await.raw(errand.era) })
        }
        Tool::Add => Box::pin(async move {
            let era = errand.era;
            said(add::add(errand, &arguments).await, era)
        }),
        Tool::ConfigSet => {
            Box::pin(async move { config::set(&errand, &arguments).await.raw(errand.era) })
        }
        Tool::Remove => {
            Box::pin(async move { remove::remove(&errand, &arguments).await.raw(errand.era) })
        }
    };
    Ok(Route::Own(work))
}

/// Does the work in a task of its own: what it asks of the person goes out while it waits.
pub(crate) fn carry_out(handle: Arc<CallHandle>, id: &str, work: Work) {
    let id = id.to_owned();
    tokio::spawn(async move {
        let Some(result) = handle.unless_over(work).await else {
            return;
        };
        let frame = Frame::parse(build::result(&id, &result));
        let outcome = frame.map(|frame| (frame, 200));
        handle.slot.finish(outcome.map_err(|error| {
            Fault::Invalid(format!("the answer is too large or broken: {error}"))
        }));
    });
}

fn begin(call: &Call, tool: Tool) -> Result<(Errand, Arguments), Reply> {
    let arguments = Arguments::read(call, tool)?;
    let errand = Errand::new(call, tool, &arguments)?;
    Ok((errand, arguments))
}

/// A reply, or questions in its place.
fn said(outcome: Result<Reply, ask::Open>, era: Era) -> String {
    match outcome {
        Ok(reply) => reply.raw(era),
        Err(open) => open.raw(),
    }
}
