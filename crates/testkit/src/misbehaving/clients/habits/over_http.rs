//! Client habits in what HTTP has around a message: headers, sessions, and no HTTP at all.

use serde_json::json;

use super::Deeds;
use crate::misbehaving::clients::{Deed, Tongue};

pub(super) fn wrong_headers(tongue: &Tongue) -> Deeds {
    let call = || tongue.call(1, "echo", json!({"text": "x"}));
    let with = |headers: &[(&'static str, &'static str)]| Deed::With(headers.to_vec(), call());
    const VERSION: (&str, &str) = ("mcp-protocol-version", "2026-07-28");
    vec![
        with(&[]),
        with(&[VERSION]),
        with(&[VERSION, ("mcp-method", "tools/list"), ("mcp-name", "echo")]),
        with(&[VERSION, ("mcp-method", "tools/call"), ("mcp-name", "add")]),
        with(&[
            VERSION,
            ("mcp-method", "tools/call"),
            ("mcp-name", "=?base64?!!!?="),
        ]),
        with(&[
            VERSION,
            ("mcp-method", "tools/call"),
            ("mcp-name", "echo"),
            ("mcp-name", "add"),
        ]),
        with(&[
            ("mcp-protocol-version", "1999-12-31"),
            ("mcp-method", "tools/call"),
            ("mcp-name", "echo"),
        ]),
        with(&[("accept", "text/html"), ("content-type", "text/plain")]),
    ]
}

pub(super) fn sessions(tongue: &Tongue) -> Deeds {
    let ids = [
        "1",
        "",
        "00000000000000000000000000000000",
        "../../x",
        "hello",
    ];
    let mut deeds = Vec::new();
    for id in ids {
        let session = ("mcp-session-id", id);
        deeds.push(Deed::With(
            vec![session],
            tongue.call(1, "echo", json!({"text": "x"})),
        ));
        for method in ["GET", "DELETE", "PUT", "OPTIONS"] {
            let head = format!(
                "{method} /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\nmcp-session-id: {id}\r\nlast-event-id: 7\r\nconnection: close\r\n\r\n"
            );
            deeds.push(Deed::Raw(head.into_bytes()));
        }
    }
    deeds
}

pub(super) fn no_http(_: &Tongue) -> Deeds {
    let all: [&[u8]; 6] = [
        b"\r\n\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n",
        b"POST /mcp HTTP/9.9\r\n\r\n", b"POST /mcp HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\nfffffffffffffffff\r\n",
    ];
    all.into_iter()
        .map(|bytes| Deed::Raw(bytes.to_vec()))
        .collect()
}

pub(super) fn slow_head(_: &Tongue) -> Deeds {
    vec![Deed::Trickle(
        "POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\nx-slow: very",
    )]
}

pub(super) fn endless_head(_: &Tongue) -> Deeds {
    let mut head = b"POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\n".to_vec();
    for n in 0..10_000 {
        head.extend(format!("x-field-{n}: {}\r\n", "x".repeat(1000)).into_bytes());
    }
    vec![Deed::Raw(head)]
}
