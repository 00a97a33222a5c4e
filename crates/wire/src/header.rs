//! Values of the `Mcp-Name` and `Mcp-Param-*` headers of the stateless era.
//!
//! Owns: the one rule by which any text becomes a header value (`=?base64?…?=` where it could not travel as it is).
//! Refuses: to guess at a damaged value.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const OPEN: &str = "=?base64?";
const CLOSE: &str = "?=";

/// The header value that says `text`.
#[must_use]
pub fn header_value(text: &str) -> String {
    if travels_plain(text) {
        text.to_owned()
    } else {
        format!("{OPEN}{}{CLOSE}", STANDARD.encode(text))
    }
}

/// What a header value says; `None` if it is marked as encoded and cannot be decoded, or holds what no header may hold.
#[must_use]
pub fn from_header(value: &str) -> Option<String> {
    if let Some(encoded) = value
        .strip_prefix(OPEN)
        .and_then(|rest| rest.strip_suffix(CLOSE))
    {
        return String::from_utf8(STANDARD.decode(encoded).ok()?).ok();
    }
    value
        .bytes()
        .all(is_visible_or_blank)
        .then(|| value.to_owned())
}

fn travels_plain(text: &str) -> bool {
    let looks_encoded = text.starts_with(OPEN) && text.ends_with(CLOSE);
    let has_blank_edge = text.starts_with(' ') || text.ends_with(' ');
    !looks_encoded && !has_blank_edge && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

fn is_visible_or_blank(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_stays_plain() {
        for text in [
            "",
            "echo",
            "two words",
            "file:///a?b=c#d",
            "=?base64?",
            "?=",
            "a=?base64?eA==?=",
        ] {
            assert_eq!(header_value(text), text);
            assert_eq!(from_header(text).as_deref(), Some(text));
        }
    }

    #[test]
    fn the_rest_is_encoded() {
        assert_eq!(
            header_value("Hello, 世界"),
            "=?base64?SGVsbG8sIOS4lueVjA==?="
        );
        assert_eq!(header_value(" padded "), "=?base64?IHBhZGRlZCA=?=");
        assert_eq!(header_value("line1\nline2"), "=?base64?bGluZTEKbGluZTI=?=");
        assert_eq!(
            header_value("=?base64?literal?="),
            "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="
        );
        assert_eq!(header_value("tab\tinside"), "=?base64?dGFiCWluc2lkZQ==?=");
        assert!(header_value("\u{7f}").starts_with(OPEN));
    }

    #[test]
    fn encoded_values_are_decoded() {
        assert_eq!(
            from_header("=?base64?SGVsbG8sIOS4lueVjA==?=").as_deref(),
            Some("Hello, 世界")
        );
        assert_eq!(from_header("=?base64??=").as_deref(), Some(""));
        assert_eq!(
            from_header("=?BASE64?eA==?=").as_deref(),
            Some("=?BASE64?eA==?=")
        );
    }

    #[test]
    fn damaged_values_say_nothing() {
        for bad in [
            "=?base64?%%%?=",
            "=?base64?eA?=",
            "=?base64?/w==?=",
            "=?base64?eA== ?=",
            "a\nb",
            "a\u{0}",
            "é",
        ] {
            assert_eq!(from_header(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn overlapping_marks_are_plain_to_read_and_encoded_to_write() {
        assert_eq!(from_header("=?base64?=").as_deref(), Some("=?base64?="));
        assert!(header_value("=?base64?=").starts_with("=?base64?PT"));
    }
}
