//! `tasks/list` (2025-11-25): the tasks of all servers that the conversation uses.

use std::sync::Arc;

use wire::{Era, Frame, elements, method, quote};

use crate::call::Call;
use crate::error::Fault;
use crate::limits::{LIST_ITEMS_MAX, LIST_PAGES_MAX, LIST_TIMEOUT};
use crate::upstream::Upstream;

/// A server that does not tell its tasks does not keep us from those of the others.
pub(super) async fn tasks(call: &Call) -> Result<String, Fault> {
    let mut tasks: Vec<String> = Vec::new();
    let mut knows_tasks = false;
    for upstream in call.workspace.upstreams().iter().filter(|upstream| {
        upstream.key.clients == Era::Handshake && upstream.era() == Era::Handshake
    }) {
        if !upstream
            .lists()
            .is_some_and(|lists| lists.has_capability("tasks"))
        {
            continue;
        }
        knows_tasks = true;
        // What was read before it failed counts.
        let _ = read(call, upstream, &mut tasks).await;
    }
    if !knows_tasks {
        return Err(Fault::UnknownMethod(method::TASKS_LIST.to_owned()));
    }
    Ok(format!(r#"{{"tasks":[{}]}}"#, tasks.join(",")))
}

async fn read(call: &Call, upstream: &Arc<Upstream>, tasks: &mut Vec<String>) -> Result<(), Fault> {
    let live = upstream.ready().await?;
    let mut cursor: Option<String> = None;
    for _ in 0..LIST_PAGES_MAX {
        let params = cursor
            .as_deref()
            .map_or("{}".to_owned(), |c| format!(r#"{{"cursor":{}}}"#, quote(c)));
        let frame = upstream
            .ask(&live, method::TASKS_LIST, Some(&params), LIST_TIMEOUT)
            .await?;
        let Ok(Some(result)) = frame.result_object() else {
            break;
        };
        for task in elements(result.get("tasks").ok().flatten().unwrap_or("[]")).unwrap_or_default()
        {
            tasks.push(sealed(call, &upstream.server, task));
        }
        cursor = result
            .string("nextCursor")
            .ok()
            .flatten()
            .map(std::borrow::Cow::into_owned);
        if cursor.is_none() || tasks.len() >= LIST_ITEMS_MAX {
            break;
        }
    }
    Ok(())
}

/// One task with its id sealed.
fn sealed(call: &Call, server: &crate::server::Server, task: &str) -> String {
    let whole = wire::build::result("0", task);
    let Ok(frame) = Frame::parse(whole) else {
        return task.to_owned();
    };
    let sealed = call
        .core
        .tasks
        .sealed(&frame, server, &call.workspace.caller);
    Frame::parse(sealed)
        .ok()
        .and_then(|frame| Some(frame.result()?.to_owned()))
        .unwrap_or_else(|| task.to_owned())
}
