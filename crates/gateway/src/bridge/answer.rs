//! An answer as it comes back from a server of the other era: results get or lose what one era demands and the other
//! does not know, errors get the codes that the client's era has for them.

use bytes::Bytes;
use wire::{Edits, Era, Frame, Kind, Object, build, code, meta, method, quote};

/// What shape an answer is to have.
pub(crate) struct Shape<'a> {
    /// The client's era.
    pub(crate) client: Era,
    /// The method of the request.
    pub(crate) asked: &'a str,
    /// The client's id of it, raw JSON.
    pub(crate) id: &'a str,
    /// It is the bridge that answers, with questions.
    pub(crate) asks_back: bool,
    /// `serverInfo` of the server, raw JSON.
    pub(crate) server_info: Option<&'a str>,
}

/// The answer as the client's era has it, under the client's id.
pub(crate) fn answered(frame: &Frame, shape: &Shape<'_>) -> Bytes {
    match (frame.kind(), shape.client) {
        (Kind::Result, Era::Stateless) => to_stateless(frame, shape),
        (Kind::Result, Era::Handshake) => to_handshake(frame, shape),
        (_, Era::Stateless) => error_to_stateless(frame, shape),
        (_, Era::Handshake) => error_to_handshake(frame, shape),
    }
}

/// `resultType` and the other members that every result of the stateless era has.
fn to_stateless(frame: &Frame, shape: &Shape<'_>) -> Bytes {
    let Ok(Some(result)) = frame.result_object() else {
        return not_an_object(shape);
    };
    let mut edits = under(frame, shape);
    // What a server of the handshake era calls by this name is not it.
    let is_known = || matches!(result.get("resultType"), Ok(Some(r#""complete""#)));
    if !shape.asks_back && !is_known() {
        edits.set(&result, "resultType", r#""complete""#);
    }
    if shape.asked == method::RESOURCES_READ {
        // Nothing is known of how long it lasts, nor for whom else it holds.
        for (name, value) in [("ttlMs", "0"), ("cacheScope", r#""private""#)] {
            if matches!(result.get(name), Ok(None)) {
                edits.set(&result, name, value);
            }
        }
    }
    if let Some(info) = shape.server_info {
        match result.object("_meta") {
            Ok(Some(meta)) => {
                if matches!(meta.get(meta::SERVER_INFO), Ok(None)) {
                    edits.set(&meta, meta::SERVER_INFO, info.to_owned());
                }
            }
            Ok(None) => {
                let meta = format!(r#"{{"{}":{info}}}"#, meta::SERVER_INFO);
                edits.set(&result, "_meta", meta);
            }
            Err(_) => {}
        }
    }
    edits.apply()
}

/// Without what old validators stumble over.
fn to_handshake(frame: &Frame, shape: &Shape<'_>) -> Bytes {
    let Ok(Some(result)) = frame.result_object() else {
        return not_an_object(shape);
    };
    let mut edits = under(frame, shape);
    for name in ["resultType", "ttlMs", "cacheScope"] {
        edits.remove(&result, name);
    }
    if shape.asked == method::TOOLS_CALL {
        match result.get("structuredContent") {
            Ok(Some(structured)) if !structured.starts_with('{') => {
                edits.remove(&result, "structuredContent");
                let content = result.get("content");
                if !content.is_ok_and(|content| content.is_some_and(|content| content.len() > 2)) {
                    let text = format!(r#"[{{"type":"text","text":{}}}]"#, quote(structured));
                    edits.set(&result, "content", text);
                }
            }
            // Of two, the client could take either.
            Err(_) => edits.remove(&result, "structuredContent"),
            Ok(_) => {}
        }
    }
    edits.apply()
}

/// Codes that only the handshake era has.
fn error_to_stateless(frame: &Frame, shape: &Shape<'_>) -> Bytes {
    let Some((error, raw, number)) = read(frame) else {
        return frame.with_id(shape.id);
    };
    let mut edits = under(frame, shape);
    match number {
        code::RESOURCE_NOT_FOUND => edits.replace(raw, code::INVALID_PARAMS.to_string()),
        // It could not become a question: the client did not say that it can be sent to URLs.
        code::URL_ELICITATION_REQUIRED => {
            edits.replace(raw, code::MISSING_CAPABILITY.to_string());
            edits.set(
                &error,
                "data",
                r#"{"requiredCapabilities":{"elicitation":{"url":{}}}}"#,
            );
        }
        _ => {}
    }
    edits.apply()
}

/// Codes that only the stateless era has: what went wrong between us and the server is told in words.
fn error_to_handshake(frame: &Frame, shape: &Shape<'_>) -> Bytes {
    let Some((error, raw, number)) = read(frame) else {
        return frame.with_id(shape.id);
    };
    let is_of_the_hop = matches!(
        number,
        code::HEADER_MISMATCH | code::MISSING_CAPABILITY | code::UNSUPPORTED_VERSION
    );
    if is_of_the_hop {
        let text = error.string("message").ok().flatten().unwrap_or_default();
        let text = quote(&format!("the server refused the request: {text}"));
        if shape.asked == method::TOOLS_CALL {
            let result =
                format!(r#"{{"content":[{{"type":"text","text":{text}}}],"isError":true}}"#);
            return build::result(shape.id, &result);
        }
        let mut edits = under(frame, shape);
        edits.replace(raw, code::INTERNAL_ERROR.to_string());
        edits.set(&error, "message", text);
        edits.remove(&error, "data");
        return edits.apply();
    }
    let mut edits = under(frame, shape);
    let names_a_uri = || {
        let data = error.object("data").ok().flatten();
        data.is_some_and(|data| matches!(data.get("uri"), Ok(Some(_))))
    };
    if number == code::INVALID_PARAMS && shape.asked == method::RESOURCES_READ && names_a_uri() {
        edits.replace(raw, code::RESOURCE_NOT_FOUND.to_string());
    }
    edits.apply()
}

/// An error, where its code stands, and the code.
fn read(frame: &Frame) -> Option<(Object<'_>, &str, i64)> {
    let error = frame.error_object().ok()??;
    let raw = error.get("code").ok()??;
    Some((error, raw, code::read(raw)?))
}

fn under<'a>(frame: &'a Frame, shape: &Shape<'_>) -> Edits<'a> {
    let mut edits = frame.edit();
    if let Some(id) = frame.id() {
        edits.replace(id, shape.id.to_owned());
    }
    edits
}

fn not_an_object(shape: &Shape<'_>) -> Bytes {
    let why = "the server answered with a result that is no object";
    build::error(Some(shape.id), code::INTERNAL_ERROR, why, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(client: Era, asked: &str, came: &str, goes: &str) {
        let frame = Frame::parse(Bytes::copy_from_slice(came.as_bytes())).unwrap();
        let shape = Shape {
            client,
            asked,
            id: "\"a\"",
            asks_back: false,
            server_info: Some(r#"{"name":"s"}"#),
        };
        assert_eq!(answered(&frame, &shape), goes);
    }

    #[test]
    fn results_get_what_the_stateless_era_demands() {
        check(
            Era::Stateless,
            "tools/call",
            r#"{"jsonrpc":"2.0","id":7,"result":{"content":[], "x":1e0}}"#,
            r#"{"jsonrpc":"2.0","id":"a","result":{"content":[], "x":1e0,"resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s"}}}}"#,
        );
        check(
            Era::Stateless,
            "resources/read",
            r#"{"jsonrpc":"2.0","id":7,"result":{"_meta":{"y":1}}}"#,
            r#"{"jsonrpc":"2.0","id":"a","result":{"_meta":{"y":1,"io.modelcontextprotocol/serverInfo":{"name":"s"}},"resultType":"complete","ttlMs":0,"cacheScope":"private"}}"#,
        );
    }

    #[test]
    fn results_lose_what_the_handshake_era_does_not_know() {
        check(
            Era::Handshake,
            "tools/call",
            r#"{"jsonrpc":"2.0","id":7,"result":{"resultType":"complete","content":[],"structuredContent":[1],"ttlMs":1}}"#,
            r#"{"jsonrpc":"2.0","id":"a","result":{"content":[{"type":"text","text":"[1]"}]}}"#,
        );
        check(
            Era::Handshake,
            "tools/call",
            r#"{"jsonrpc":"2.0","id":7,"result":{"content":[{"x":1}],"structuredContent":{"a":1}}}"#,
            r#"{"jsonrpc":"2.0","id":"a","result":{"content":[{"x":1}],"structuredContent":{"a":1}}}"#,
        );
    }

    #[test]
    fn errors_get_the_codes_of_the_clients_era() {
        let error =
            |id: &str, error: &str| format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#);
        for (client, asked, came, goes) in [
            (
                Era::Stateless,
                "resources/read",
                r#"{"code":-32002,"message":"m","data":{"uri":"u"}}"#,
                r#"{"code":-32602,"message":"m","data":{"uri":"u"}}"#,
            ),
            (
                Era::Stateless,
                "tools/call",
                r#"{"code":-32042,"message":"m","data":{"elicitations":[]}}"#,
                r#"{"code":-32021,"message":"m","data":{"requiredCapabilities":{"elicitation":{"url":{}}}}}"#,
            ),
            (
                Era::Handshake,
                "resources/read",
                r#"{"code":-32602,"message":"m","data":{"uri":"u"}}"#,
                r#"{"code":-32002,"message":"m","data":{"uri":"u"}}"#,
            ),
            (
                Era::Handshake,
                "prompts/get",
                r#"{"code":-32021,"message":"m","data":{}}"#,
                r#"{"code":-32603,"message":"the server refused the request: m"}"#,
            ),
            (
                Era::Handshake,
                "tools/call",
                r#"{"code":5,"message":"m"}"#,
                r#"{"code":5,"message":"m"}"#,
            ),
        ] {
            check(client, asked, &error("7", came), &error("\"a\"", goes));
        }
        check(
            Era::Handshake,
            "tools/call",
            &error("7", r#"{"code":-32020,"message":"m"}"#),
            r#"{"jsonrpc":"2.0","id":"a","result":{"content":[{"type":"text","text":"the server refused the request: m"}],"isError":true}}"#,
        );
    }
}
