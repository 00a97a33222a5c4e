//! The MCP echo server that stands behind everything the benchmark measures.
//!
//! Owns the meaning of its few messages, in one era at a time. The two ways to reach it are in `bin/echo.rs`.
//! It costs as little as it can: what is measured is what stands in front of it.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// The revision of the handshake era that the echo server and the load generator speak.
pub const VERSION: &str = "2025-11-25";
/// That of the stateless era.
pub const STATELESS_VERSION: &str = "2026-07-28";

/// How a party speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Era {
    /// A conversation that begins with `initialize`.
    Handshake,
    /// Requests that say everything for themselves.
    Stateless,
}

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

/// Answers one message in the only era that the server speaks.
#[must_use]
pub fn answer(era: Era, message: &[u8]) -> Answer {
    let Ok(Message { id, method, params }) = serde_json::from_slice(message) else {
        return Answer::Nonsense;
    };
    let Some(id) = id else { return Answer::Nothing };
    let kind = match era {
        Era::Handshake => "",
        Era::Stateless => r#""resultType":"complete","#,
    };
    let reply =
        |result: &str| format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{{kind}{result}}}}}"#);
    match method.as_ref() {
        "initialize" if era == Era::Handshake => Answer::Initialized(reply(&format!(
            r#""protocolVersion":"{VERSION}","capabilities":{{"tools":{{}}}},"serverInfo":{{"name":"echo","version":"1"}}"#
        ))),
        "server/discover" if era == Era::Stateless => Answer::Reply(reply(&format!(
            r#""supportedVersions":["{STATELESS_VERSION}"],"capabilities":{{"tools":{{}}}},"ttlMs":60000,"cacheScope":"public""#
        ))),
        "tools/call" => {
            let call = params.and_then(|raw| serde_json::from_str::<Call<'_>>(raw.get()).ok());
            let text = call
                .as_ref()
                .map_or(r#""""#, |call| call.arguments.text.get());
            Answer::Reply(reply(&format!(
                r#""content":[{{"type":"text","text":{text}}}]"#
            )))
        }
        "tools/list" => Answer::Reply(reply(
            r#""tools":[{"name":"echo","description":"Says what it is told.","inputSchema":{"type":"object","properties":{"text":{"type":"string"}},"required":["text"]}}]"#,
        )),
        "ping" if era == Era::Handshake => Answer::Reply(reply("")),
        other => {
            let why = serde_json::Value::from(format!("the echo server has no method {other:?}"));
            Answer::Reply(format!(
                r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32601,"message":{why}}}}}"#
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Era, answer};

    #[test]
    fn a_call_is_echoed_under_its_id() {
        let call = br#"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"echo","arguments":{"text":"h\u0069"}}}"#;
        for (era, result) in [
            (
                Era::Handshake,
                r#"{"content":[{"type":"text","text":"h\u0069"}]}"#,
            ),
            (
                Era::Stateless,
                r#"{"resultType":"complete","content":[{"type":"text","text":"h\u0069"}]}"#,
            ),
        ] {
            let Answer::Reply(reply) = answer(era, call) else {
                panic!("no reply")
            };
            assert_eq!(
                reply,
                format!(r#"{{"jsonrpc":"2.0","id":"a","result":{result}}}"#)
            );
        }
    }

    #[test]
    fn what_belongs_to_the_other_era_is_refused_by_a_message() {
        for (era, method) in [
            (Era::Stateless, "initialize"),
            (Era::Handshake, "server/discover"),
        ] {
            let call = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}"}}"#);
            let Answer::Reply(reply) = answer(era, call.as_bytes()) else {
                panic!("no reply")
            };
            let reply: serde_json::Value = serde_json::from_str(&reply).unwrap();
            assert_eq!(reply["error"]["code"], -32601);
        }
    }

    #[test]
    fn notifications_and_nonsense_have_no_reply() {
        assert!(matches!(
            answer(
                Era::Handshake,
                br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#
            ),
            Answer::Nothing
        ));
        assert!(matches!(answer(Era::Handshake, b"["), Answer::Nonsense));
    }
}
