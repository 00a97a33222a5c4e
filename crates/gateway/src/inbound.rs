//! What clients send that is no request: notifications, and answers to questions of servers.

use std::sync::Arc;

use wire::{Era, Frame, method, quote};

use crate::core::Core;
use crate::front::Origin;

/// Takes a notification to where it belongs. What belongs nowhere is dropped, as the protocol wants it.
pub(crate) fn notification(core: &Arc<Core>, from: &Origin, frame: &Frame) {
    let Some(session) = &from.session else { return };
    let params = frame.params_object().ok();
    match frame.method() {
        method::INITIALIZED => {}
        method::CANCELLED => {
            let Some(params) = params else { return };
            let Ok(Some(id)) = params.get("requestId") else {
                return;
            };
            let reason = params.string("reason").ok().flatten();
            if let Some(call) = session.call(id) {
                call.cancel(reason.as_deref());
            }
        }
        method::PROGRESS => {
            let token = params
                .as_ref()
                .and_then(|params| params.u64("progressToken").ok().flatten());
            let raw = params
                .as_ref()
                .and_then(|params| params.get("progressToken").ok().flatten());
            if let (Some(token), Some(raw)) = (token, raw)
                && let Some((reply, original)) = session.progress_of(token)
            {
                let mut edits = frame.edit();
                edits.replace(raw, &*original);
                reply.notify(edits.apply());
            }
        }
        // Folders, and whatever is newer than we are, concern every server of the conversation. Task ids are ours.
        method::TASKS_STATUS => task_status(core, from, frame),
        _ => {
            for upstream in session
                .workspace
                .upstreams()
                .iter()
                .filter(|up| up.era() == Era::Handshake)
            {
                if let Some(live) = upstream.current() {
                    live.send(frame.bytes().clone());
                }
            }
        }
    }
}

/// The client reports on a task of its own; the server that asked for it knows its id.
fn task_status(core: &Arc<Core>, from: &Origin, frame: &Frame) {
    let Some(session) = &from.session else { return };
    let params = frame.params_object().ok();
    let Some(params) = params else { return };
    let (Ok(Some(raw)), Ok(Some(id))) = (params.get("taskId"), params.string("taskId")) else {
        return;
    };
    for upstream in session.workspace.upstreams() {
        let Some(live) = upstream
            .current()
            .filter(|live| live.era() == Era::Handshake)
        else {
            continue;
        };
        match core.tasks.open(&id, &session.caller) {
            Some((server, own)) if *server == *upstream.server.name => {
                let mut edits = frame.edit();
                edits.replace(raw, quote(&own));
                live.send(edits.apply());
            }
            Some(_) => {}
            None => live.send(frame.bytes().clone()),
        }
    }
}

/// Takes an answer to the server that asked. Answers to what nobody asked are dropped.
pub(crate) fn response(core: &Core, from: &Origin, frame: &Frame) {
    let Some(session) = &from.session else { return };
    let id = frame.id().and_then(|id| id.parse::<u64>().ok());
    if let Some(reply) = id.and_then(|id| session.answered(id))
        && let Ok(frame) = Frame::parse(core.tasks.opened_answer(frame, &session.caller))
    {
        reply.answer(&frame);
    }
}
