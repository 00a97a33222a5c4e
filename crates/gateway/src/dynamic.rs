//! The gateway's own tools: the agent finds servers, adds them to its conversation, configures them, calls their tools and
//! removes them. Read `menu` for what a model is told of them, `errand` for what carries one out, then a tool a file.
//!
//! Refuses: what only a person may decide (see `standing`), which is asked of the person or named as a command. Every reply
//! is readable text with the same facts as structure; what went wrong is a reply too, and says what to do next.

mod add;
mod again;
mod arguments;
mod ask;
mod code;
mod config;
mod consent;
mod credentials;
mod directory;
pub(crate) mod discover;
mod errand;
mod exec;
mod fetched;
mod find;
mod find_tools;
mod import;
mod menu;
mod outward;
mod profile;
mod registry_import;
mod remove;
mod reply;
mod sign_in;
mod standing;
mod visits;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use wire::{Frame, build};

pub(crate) use code::menu_of;
pub(crate) use consent::{Consent, consent};
pub(crate) use directory::Directory;
pub(crate) use exec::Exec;
pub(crate) use import::import;
pub use import::{Imported, Refused};
pub(crate) use outward::{reach, wish};
pub use registry_import::enable_command;

use crate::call::Call;
use crate::calls::CallHandle;
use crate::error::Fault;
use crate::method::Route;
use crate::routed;
use arguments::Arguments;
use ask::Open;
use errand::Errand;
use exec::Prepared;
pub(crate) use menu::{Menu, Tool};
use reply::Reply;
pub(crate) use sign_in::{SigningIn, prepare as prepare_sign_in, sign_in};

/// Something that is being done for a call.
pub(crate) type Work = Pin<Box<dyn Future<Output = Done> + Send>>;

/// What that comes to.
pub(crate) enum Done {
    /// The call's result, raw JSON.
    Result(String),
    /// The answer to another request, which took the call's place.
    Answer(Bytes),
}

/// Which of our tools a `tools/call` asks for, if it is one of ours.
pub(crate) fn asked(call: &Call) -> Option<Tool> {
    let directory = call.core.directory.as_ref()?;
    if call.only.is_some() {
        return None;
    }
    let params = call.frame.params_object().ok()?;
    let name = params.string("name").ok()??;
    let is_script = name.starts_with(code::PREFIX) && call.core.scripts.is_some();
    Tool::named(&name)
        .filter(|tool| *tool != Tool::Code || call.core.scripts.is_some())
        .filter(|tool| tool.is_on(directory.features()))
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
                Ok(Prepared::Waits(entry, names)) => Ok(Route::Own(again::with_credentials(
                    call, errand, entry, names,
                ))),
                Ok(Prepared::Ready(exec)) => {
                    call.workspace = errand.workspace;
                    call.exec = Some(exec);
                    let plan = routed::plan(call).await?;
                    Ok(Route::Server(Box::new(plan)))
                }
                Err(stop) => Ok(Route::Here(stop.raw(call.era))),
            };
        }
        Tool::Find => Box::pin(async move {
            let reply = find::find(&errand, &arguments).await;
            Done::Result(reply.raw(errand.era))
        }),
        Tool::Add => Box::pin(async move {
            let era = errand.era;
            let outcome = add::add(errand, &arguments).await;
            Done::Result(outcome.map_or_else(Open::raw, |reply| reply.raw(era)))
        }),
        Tool::ConfigSet => Box::pin(async move {
            let reply = config::set(&errand, &arguments).await;
            Done::Result(reply.raw(errand.era))
        }),
        Tool::Remove => Box::pin(async move {
            let reply = remove::remove(&errand, &arguments).await;
            Done::Result(reply.raw(errand.era))
        }),
        Tool::CreateProfile => Box::pin(async move {
            let reply = profile::create(&errand, &arguments).await;
            Done::Result(reply.raw(errand.era))
        }),
        Tool::ActivateProfile => Box::pin(async move {
            let era = errand.era;
            let reply = profile::activate(errand, &arguments).await;
            Done::Result(reply.raw(era))
        }),
        Tool::FindTools => Box::pin(async move {
            let reply = find_tools::find(&errand, &arguments).await;
            Done::Result(reply.raw(errand.era))
        }),
        Tool::RegistryImport => Box::pin(async move {
            let reply = registry_import::registry_import(&errand, &arguments).await;
            Done::Result(reply.raw(errand.era))
        }),
    };
    Ok(Route::Own(work))
}

/// Does the work in a task of its own: what it asks of the person goes out while it waits.
pub(crate) fn carry_out(handle: Arc<CallHandle>, id: &str, work: Work) {
    let id = id.to_owned();
    tokio::spawn(async move {
        let bytes = match handle.unless_over(work).await {
            Some(Done::Result(result)) => build::result(&id, &result),
            Some(Done::Answer(answer)) => answer,
            None => return,
        };
        let frame = Frame::parse(bytes);
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
