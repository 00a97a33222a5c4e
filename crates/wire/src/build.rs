//! New messages, where we speak for ourselves. What passes through is never rebuilt: see `frame.rs` and `edit.rs`.
//!
//! Arguments named `…_raw`, `id`, `params` and `data` are JSON text and are copied as they are; the caller vouches for
//! them.

use bytes::Bytes;

use crate::text::quote;

/// A request.
#[must_use]
pub fn request(id: &str, method: &str, params: Option<&str>) -> Bytes {
    let method = quote(method);
    match params {
        Some(params) => join(&[
            r#"{"jsonrpc":"2.0","id":"#,
            id,
            r#","method":"#,
            &method,
            r#","params":"#,
            params,
            "}",
        ]),
        None => join(&[
            r#"{"jsonrpc":"2.0","id":"#,
            id,
            r#","method":"#,
            &method,
            "}",
        ]),
    }
}

/// A notification.
#[must_use]
pub fn notification(method: &str, params: Option<&str>) -> Bytes {
    let method = quote(method);
    match params {
        Some(params) => join(&[
            r#"{"jsonrpc":"2.0","method":"#,
            &method,
            r#","params":"#,
            params,
            "}",
        ]),
        None => join(&[r#"{"jsonrpc":"2.0","method":"#, &method, "}"]),
    }
}

/// The answer to a request that went well.
#[must_use]
pub fn result(id: &str, result_raw: &str) -> Bytes {
    join(&[
        r#"{"jsonrpc":"2.0","id":"#,
        id,
        r#","result":"#,
        result_raw,
        "}",
    ])
}

/// The answer to a request that did not. Without an id (the request's could not be read) it says `null`, as JSON-RPC
/// wants it.
#[must_use]
pub fn error(id: Option<&str>, code: i64, message: &str, data: Option<&str>) -> Bytes {
    let (id, code, message) = (id.unwrap_or("null"), code.to_string(), quote(message));
    let head = [
        r#"{"jsonrpc":"2.0","id":"#,
        id,
        r#","error":{"code":"#,
        &code,
        r#","message":"#,
        &message,
    ];
    match data {
        Some(data) => join(&[&head.concat(), r#","data":"#, data, "}}"]),
        None => join(&[&head.concat(), "}}"]),
    }
}

fn join(parts: &[&str]) -> Bytes {
    Bytes::from(parts.concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Frame, Kind};

    #[test]
    fn requests() {
        assert_eq!(
            request("7", "ping", None),
            r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#
        );
        let frame = Frame::parse(request("\"a\"", "tools/call", Some(r#"{"name":"x"}"#))).unwrap();
        assert_eq!(
            (frame.kind(), frame.id(), frame.method()),
            (Kind::Request, Some("\"a\""), "tools/call")
        );
        assert_eq!(frame.params(), Some(r#"{"name":"x"}"#));
    }

    #[test]
    fn notifications() {
        assert_eq!(
            notification("x\"y", None),
            r#"{"jsonrpc":"2.0","method":"x\"y"}"#
        );
        let frame = Frame::parse(notification("notifications/progress", Some("{}"))).unwrap();
        assert_eq!(
            (frame.kind(), frame.id(), frame.params()),
            (Kind::Notification, None, Some("{}"))
        );
    }

    #[test]
    fn answers() {
        let frame = Frame::parse(result("1", "{}")).unwrap();
        assert_eq!(
            (frame.kind(), frame.result(), frame.error()),
            (Kind::Result, Some("{}"), None)
        );
        let frame = Frame::parse(error(Some("1"), -32601, "no \"x\" here", None)).unwrap();
        assert_eq!(
            frame.error(),
            Some(r#"{"code":-32601,"message":"no \"x\" here"}"#)
        );
        let frame = Frame::parse(error(None, 1, "m", Some("[1]"))).unwrap();
        assert_eq!(
            (frame.id(), frame.error()),
            (None, Some(r#"{"code":1,"message":"m","data":[1]}"#))
        );
    }
}
