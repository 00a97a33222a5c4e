//! The sound answers of a small server: one tool, `echo`, in both eras.

use serde_json::{Value, json};

use super::{Asked, Step};
use crate::fixture::Era;

const STATELESS: &str = "2026-07-28";

/// What a server without habits does.
pub(super) fn steps(asked: &Asked) -> Vec<Step> {
    match asked.method() {
        _ if !asked.is_request() => Vec::new(),
        "subscriptions/listen" => vec![Step::Say(acknowledged(asked)), Step::Never],
        _ => vec![Step::Say(answer(asked))],
    }
}

/// The sound answer.
pub(super) fn answer(asked: &Asked) -> Value {
    let speaks = asked.era == Era::Both || (asked.era == Era::Stateless) == asked.is_stateless();
    match asked.method() {
        "initialize" if asked.era == Era::Stateless => error(
            asked,
            -32022,
            json!({"supported": [STATELESS], "requested": asked.message["params"]["protocolVersion"]}),
        ),
        "initialize" => result(
            asked,
            json!({"protocolVersion": asked.message["params"]["protocolVersion"],
                "capabilities": capabilities(), "serverInfo": info()}),
        ),
        "ping" => result(asked, json!({})),
        _ if !speaks => error(asked, -32601, Value::Null),
        "server/discover" => result(
            asked,
            json!({"supportedVersions": [STATELESS], "capabilities": capabilities(), "ttlMs": 60_000,
                "cacheScope": "private"}),
        ),
        "tools/list" => tools(asked, json!([echo()])),
        "tools/call" => said(
            asked,
            asked.message["params"]["arguments"]["text"]
                .as_str()
                .unwrap_or("nothing"),
        ),
        _ => error(asked, -32601, Value::Null),
    }
}

/// An answer with this result, and what the era of the question wants beside it.
pub(super) fn result(asked: &Asked, mut result: Value) -> Value {
    if asked.is_stateless() && result.is_object() {
        result["resultType"] = json!("complete");
        result["_meta"] = json!({"io.modelcontextprotocol/serverInfo": info()});
    }
    json!({"jsonrpc": "2.0", "id": asked.id(), "result": result})
}

/// An answer with this list of tools.
pub(super) fn tools(asked: &Asked, tools: Value) -> Value {
    let mut list = json!({"tools": tools});
    if asked.is_stateless() {
        list["ttlMs"] = json!(60_000);
        list["cacheScope"] = json!("private");
    }
    result(asked, list)
}

/// An answer to a call with this text.
pub(super) fn said(asked: &Asked, text: &str) -> Value {
    result(asked, json!({"content": [{"type": "text", "text": text}]}))
}

/// The one tool.
pub(super) fn echo() -> Value {
    json!({"name": "echo", "description": "Says what it is told", "inputSchema": {
        "type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}})
}

/// What a stream of changes begins with.
pub(super) fn acknowledged(asked: &Asked) -> Value {
    json!({"jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged", "params": {
        "notifications": {"toolsListChanged": true},
        "_meta": {"io.modelcontextprotocol/subscriptionId": asked.id()}}})
}

fn error(asked: &Asked, code: i64, data: Value) -> Value {
    let mut error = json!({"code": code, "message": "not here"});
    if !data.is_null() {
        error["data"] = data;
    }
    json!({"jsonrpc": "2.0", "id": asked.id(), "error": error})
}

fn capabilities() -> Value {
    json!({"tools": {"listChanged": true}})
}

fn info() -> Value {
    json!({"name": "portolan-misbehaving", "version": "1"})
}
