//! JSON text in the small: white space, string literals, lines.

use std::borrow::Cow;

use bytes::Bytes;

/// The JSON string literal that says `text`.
#[must_use]
pub fn quote(text: &str) -> String {
    let mut literal = Vec::with_capacity(text.len() + 2);
    serde_json::to_writer(&mut literal, text).expect("a string can be written into a vector");
    String::from_utf8(literal).expect("JSON written from text is text")
}

/// The same message on one line, for transports that end a message with a newline. A line break in valid JSON can only
/// stand between tokens, so a space in its place changes nothing; a message without one is returned as it is.
#[must_use]
pub fn one_line(json: &Bytes) -> Bytes {
    if memchr::memchr2(b'\n', b'\r', json).is_none() {
        return json.clone();
    }
    let flat: Vec<u8> = json
        .iter()
        .map(|&byte| {
            if matches!(byte, b'\n' | b'\r') {
                b' '
            } else {
                byte
            }
        })
        .collect();
    Bytes::from(flat)
}

/// What JSON calls white space; Unicode's other kinds are errors there.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r'])
}

/// What a string literal says. `None` if it is not one, or holds half a surrogate pair.
pub(crate) fn unquote(literal: &str) -> Option<Cow<'_, str>> {
    let inside = literal.strip_prefix('"')?.strip_suffix('"')?;
    if memchr::memchr(b'\\', inside.as_bytes()).is_none() {
        let is_plain = inside.bytes().all(|byte| byte >= b' ' && byte != b'"');
        return is_plain.then_some(Cow::Borrowed(inside));
    }
    serde_json::from_str(literal).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_json_needs_quoted() {
        assert_eq!(quote("plain"), "\"plain\"");
        assert_eq!(quote("a\"b\\c\nd\u{1}é/"), "\"a\\\"b\\\\c\\nd\\u0001é/\"");
        assert_eq!(quote(""), "\"\"");
    }

    #[test]
    fn unquotes_what_was_quoted() {
        for text in ["", "plain", "a\"b\\c\nd\u{1}é/", "\u{1F600}"] {
            assert_eq!(unquote(&quote(text)).as_deref(), Some(text));
        }
        assert!(matches!(unquote("\"plain\""), Some(Cow::Borrowed("plain"))));
        assert_eq!(unquote("\"\\u00e9\\/\"").as_deref(), Some("é/"));
    }

    #[test]
    fn what_is_no_literal_says_nothing() {
        for bad in [
            "",
            "\"",
            "plain",
            "\"a",
            "a\"",
            "\"a\"b\"",
            "\"a\nb\"",
            "\"\\x\"",
            "\"\\ud800\"",
            "\"a\" ",
            "\"\\\"",
        ] {
            assert_eq!(unquote(bad), None, "{bad}");
        }
    }

    #[test]
    fn messages_become_one_line() {
        let flat = Bytes::from_static(b"{\"a\":\"\\n\"}");
        let same = one_line(&flat);
        assert_eq!(same.as_ptr(), flat.as_ptr());
        let spread = Bytes::from_static(b"{\r\n\t\"a\": 1\n}");
        assert_eq!(one_line(&spread), Bytes::from_static(b"{  \t\"a\": 1 }"));
    }

    #[test]
    fn trims_json_white_space_only() {
        assert_eq!(trim(" \t\r\n{} \n"), "{}");
        assert_eq!(trim("\u{a0}{}"), "\u{a0}{}");
    }
}
