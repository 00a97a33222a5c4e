//! A call of ours that waits for the person before it can become another (`mcp-exec`). It does so in a task of its own, since
//! only there the person can be asked by a request; then it is made again as a request of its own, which passes the pipeline
//! from the beginning, so that no rule is passed by. What that one says is what this one says.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use catalog::Entry;
use wire::{Frame, build, code, quote};

use super::errand::Errand;
use super::{Done, Work, credentials};
use crate::call::Call;
use crate::calls::CallHandle;
use crate::core::Core;
use crate::front::{Event, Origin, Reply};
use crate::pipeline;
use crate::session::Session;
use crate::slot::Step;

/// The call once more, when the person has given these credentials.
pub(super) fn with_credentials(
    call: &Call,
    errand: Errand,
    entry: Box<Entry>,
    names: Vec<String>,
) -> Work {
    let frame = call.frame.clone();
    let origin = Origin {
        caller: call.workspace.caller.clone(),
        scopes: call.scopes.clone(),
        session: call.session.clone(),
        headers: None,
        only: None,
        workspace: None,
    };
    Box::pin(async move {
        if let Err(stop) = credentials::ask(&errand, &entry, &names).await {
            return Done::Result(stop.raw(errand.era));
        }
        let id = quote(&format!("portolan-{}", errand.core.next_id()));
        let again = match Frame::parse(frame.with_id(&id)) {
            Ok(again) => again,
            Err(error) => return Done::Answer(broken(&error.to_string())),
        };
        let again = Again {
            session: origin.session.clone(),
            id,
            work: Box::pin(answered(errand.core, origin, again, errand.handle)),
        };
        Done::Answer(again.await)
    })
}

/// What the request says on its way is said by the call that it stands for.
async fn answered(core: Arc<Core>, origin: Origin, frame: Frame, handle: Arc<CallHandle>) -> Bytes {
    let mut events = match request(&core, &origin, frame).await {
        Reply::Done(answer) => return answer.frame,
        Reply::Stream(events) => events,
    };
    while let Some(event) = events.next().await {
        match event {
            Event::Message(message) => drop(handle.slot.message(message)),
            Event::Retry(ms) => drop(handle.slot.put(Step::Retry(ms))),
            Event::Answer(answer) => return answer.frame,
        }
    }
    broken("the call ended without an answer")
}

/// The pipeline leads here, and from here to the pipeline: one of the two needs a type without an end.
fn request<'a>(
    core: &'a Arc<Core>,
    origin: &'a Origin,
    frame: Frame,
) -> Pin<Box<dyn Future<Output = Reply> + Send + 'a>> {
    Box::pin(pipeline::request(core, origin, frame))
}

fn broken(why: &str) -> Bytes {
    build::error(Some("0"), code::INTERNAL_ERROR, why, None)
}

/// The request, which is taken back with the call that it stands for.
struct Again {
    session: Option<Arc<Session>>,
    id: String,
    work: Pin<Box<dyn Future<Output = Bytes> + Send>>,
}

impl Future for Again {
    type Output = Bytes;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Bytes> {
        self.work.as_mut().poll(cx)
    }
}

impl Drop for Again {
    fn drop(&mut self) {
        let call = self
            .session
            .as_ref()
            .and_then(|session| session.call(&self.id));
        if let Some(call) = call {
            call.cancel(Some("the client has taken it back"));
        }
    }
}
