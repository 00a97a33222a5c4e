//! In which era a request over HTTP was made, and what its headers say. Owns the decision; the gateway
//! compares headers with bodies. A session, once asked for, is found in `mcp/session.rs`.

use std::sync::{Arc, LazyLock};

use gateway::front::StatelessHeaders;
use http::HeaderMap;
use memchr::memmem::Finder;
use wire::{Era, Frame, Version, meta};

use crate::respond::VERSION;

static KEY: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(meta::PROTOCOL_VERSION));

const METHOD: &str = "mcp-method";
const NAME: &str = "mcp-name";
const PARAM: &str = "mcp-param-";

/// Whether the version header names the stateless era: its revision, or one that is younger than any we know.
pub(super) fn says_stateless(headers: &HeaderMap) -> bool {
    headers
        .get(VERSION)
        .is_some_and(|version| is_stateless_version(version.as_bytes()))
}

/// Whether a message was sent in the stateless era: by its header, or by the version in its `_meta`.
pub(super) fn is_stateless(headers: &HeaderMap, frame: &Frame) -> bool {
    says_stateless(headers) || has_version(frame)
}

/// What the `Mcp-*` headers say.
pub(super) fn stateless_headers(headers: &HeaderMap) -> Arc<StatelessHeaders> {
    let params = headers.keys().filter_map(|name| {
        let param = name.as_str().strip_prefix(PARAM)?;
        Some((param.to_owned(), text(headers, name.as_str())?))
    });
    Arc::new(StatelessHeaders {
        version: text(headers, VERSION.as_str()),
        method: text(headers, METHOD),
        name: text(headers, NAME),
        params: params.collect(),
    })
}

/// A header's value. Several become a list, as HTTP has it, which then fits no body that a header could mean.
fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut values = headers
        .get_all(name)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()));
    let first = values.next()?.into_owned();
    Some(values.fold(first, |list, value| format!("{list}, {value}")))
}

fn is_stateless_version(version: &[u8]) -> bool {
    let Ok(version) = std::str::from_utf8(version) else {
        return false;
    };
    match Version::parse(version) {
        Some(version) => version.era() == Era::Stateless,
        None => is_date(version) && version > Version::LATEST_HANDSHAKE.as_str(),
    }
}

fn is_date(text: &str) -> bool {
    let digits =
        |part: &str, len| part.len() == len && part.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = text.split('-');
    let ymd = [parts.next(), parts.next(), parts.next(), parts.next()];
    matches!(ymd, [Some(y), Some(m), Some(d), None] if digits(y, 4) && digits(m, 2) && digits(d, 2))
}

/// Reading `_meta` costs a pass over the parameters, and hardly any message of a session has the key: so
/// its bytes are looked for first. Who spells the key with escapes is not recognised, and asked for a session.
fn has_version(frame: &Frame) -> bool {
    if KEY.find(frame.bytes()).is_none() {
        return false;
    }
    let Ok(params) = frame.params_object() else {
        return false;
    };
    let Ok(Some(meta)) = params.object("_meta") else {
        return false;
    };
    matches!(meta.get(meta::PROTOCOL_VERSION), Ok(Some(_)) | Err(_))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderValue;

    use super::*;

    fn frame(params: &str) -> Frame {
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#);
        Frame::parse(Bytes::from(text)).unwrap()
    }

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn the_header_decides_by_its_date() {
        for version in ["2026-07-28", "2026-07-29", "2027-01-01", "9999-99-99"] {
            assert!(
                says_stateless(&headers(&[("mcp-protocol-version", version)])),
                "{version}"
            );
        }
        for version in [
            "2025-11-25",
            "2024-11-05",
            "2025-11-26x",
            "draft",
            "",
            "2026",
            "1900-01-01",
            "2026-7-28",
        ] {
            assert!(
                !says_stateless(&headers(&[("mcp-protocol-version", version)])),
                "{version}"
            );
        }
        assert!(!says_stateless(&HeaderMap::new()));
    }

    #[test]
    fn so_does_the_version_in_meta_and_nowhere_else() {
        let none = HeaderMap::new();
        let with = r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":"1900-01-01"}}"#;
        assert!(is_stateless(&none, &frame(with)));
        assert!(is_stateless(
            &headers(&[("mcp-protocol-version", "2025-11-25")]),
            &frame(with)
        ));
        for without in [
            "{}",
            r#"{"_meta":{"progressToken":1}}"#,
            r#"{"arguments":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#,
            r#"{"_meta":"io.modelcontextprotocol/protocolVersion"}"#,
            r#"["io.modelcontextprotocol/protocolVersion"]"#,
        ] {
            assert!(!is_stateless(&none, &frame(without)), "{without}");
        }
    }

    #[test]
    fn headers_are_taken_as_they_are() {
        let read = stateless_headers(&headers(&[
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "tools/call"),
            ("mcp-name", "=?base64?eA==?="),
            ("mcp-param-region", "eu"),
            ("mcp-param-twice", "a"),
            ("mcp-param-twice", "b"),
        ]));
        assert_eq!(read.version.as_deref(), Some("2026-07-28"));
        assert_eq!(read.method.as_deref(), Some("tools/call"));
        assert_eq!(read.name.as_deref(), Some("=?base64?eA==?="));
        let pairs: Vec<_> = read
            .params
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(pairs, [("region", "eu"), ("twice", "a, b")]);
    }
}
