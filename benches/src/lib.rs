//! The MCP echo server that stands behind everything the benchmark measures.
//!
//! Owns the meaning of its few messages (handshake era). The two ways to reach it are in `bin/echo.rs`.
//! It costs as little as it can: what is measured is what stands in front of it.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// The revision spoken by the echo server and by the load generator.
pub const VERSION: &str = "2025-11-25";

/// What a message to the echo server leads to.
#[derive(Debug)]
pub enum Answer {
    /// The reply to `initialize`: over HTTP it travels with a session id.
    Initialized(String),
    /// Any other reply.
    Reply(String),
    /// A notification: nothing to say.
    Nothing,
    /// Not a message.
    Nonsense,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Call<'a> {
    #[serde(borrow)]
    arguments: Arguments<'a>,
}

#[derive(Deserialize)]
struct Arguments<'a> {
    #[serde(borrow)]
    text: &'a RawValue,
}

/// Answers one message.
#[must_use]
pub fn answer(message: &[u8]) -> Answer {
    let Ok(Message { id, method, params }) = serde_json::from_slice(message) else {
        return Answer::Nonsense;
    };
    let Some(id) = id else { return Answer::Nothing };
    let reply = |result: &str| format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#);
    match method.as_ref() {
        "initialize" => Answer::Initialized(reply(&format!(
            r#"{{"protocolVersion":"{VERSION}","capabilities":{{"tools":{{}}}},"serverInfo":{{"name":"echo","version":"1"}}}}"#
        ))),
        "tools/call" => {
            let call = params.and_then(|raw| serde_json::from_str::<Call<'_>>(raw.get()).ok());
            let text = call
                .as_ref()
                .map_or(r#""""#, |call| call.arguments.text.get());
            Answer::Reply(reply(&format!(
                r#"{{"content":[{{"type":"text","text":{text}}}]}}"#
            )))
        }
        "tools/list" => Answer::Reply(reply(
            r#"{"tools":[{"name":"echo","description":"Says what it is told.","inputSchema":{"type":"object","properties":{"text":{"type":"string"}},"required":["text"]}}]}"#,
        )),
        "ping" => Answer::Reply(reply("{}")),
        other => Answer::Reply(format!(
            r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32601,"message":"the echo server has no method {other:?}"}}}}"#
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, answer};

    #[test]
    fn a_call_is_echoed_under_its_id() {
        let call = br#"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"echo","arguments":{"text":"h\u0069"}}}"#;
        let Answer::Reply(reply) = answer(call) else {
            panic!("no reply")
        };
        assert_eq!(
            reply,
            r#"{"jsonrpc":"2.0","id":"a","result":{"content":[{"type":"text","text":"h\u0069"}]}}"#
        );
    }

    #[test]
    fn notifications_and_nonsense_have_no_reply() {
        assert!(matches!(
            answer(br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#),
            Answer::Nothing
        ));
        assert!(matches!(answer(b"["), Answer::Nonsense));
    }
}
