//! The forms that a value takes on its way: as it is, in base64 at any place of a longer text, percent-encoded, escaped in
//! JSON. Most values are letters and digits, for which all but base64 are one.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

/// What RFC 3986 calls unreserved stays.
const STRICT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');
/// What JavaScript's `encodeURIComponent` leaves.
const COMPONENT: &AsciiSet = &STRICT
    .remove(b'!')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');
/// What browsers encode in a query (WHATWG URL).
const QUERY: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'\'');
/// `application/x-www-form-urlencoded`, but for the space.
const FORM: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*')
    .remove(b' ');

/// How JSON is escaped beyond what it must be.
#[derive(Clone, Copy)]
struct Escapes {
    /// All but ASCII, as Python does.
    unicode: bool,
    /// `<`, `>`, `&` and the two line separators, as Go does.
    html: bool,
    /// `/`, as PHP does.
    slash: bool,
}

const JSON: [Escapes; 5] = [
    escapes(false, false, false),
    escapes(true, false, false),
    escapes(false, true, false),
    escapes(false, false, true),
    escapes(true, false, true),
];

const fn escapes(unicode: bool, html: bool, slash: bool) -> Escapes {
    Escapes {
        unicode,
        html,
        slash,
    }
}

/// All forms of a value, each once.
pub(super) fn of(value: &str) -> BTreeSet<String> {
    let mut forms = BTreeSet::from([value.to_owned()]);
    base64(value.as_bytes(), &mut forms);
    percent(value, &mut forms);
    // Twice, because what a tool answers is often JSON in a string of JSON.
    for inner in JSON {
        let once = json(value, inner);
        for outer in JSON {
            forms.insert(json(&once, outer));
        }
        forms.insert(once);
    }
    forms
}

/// Three bytes are four characters, so in a longer text a value has one of three forms, less the characters at its ends
/// that hold bits of its neighbours.
fn base64(value: &[u8], forms: &mut BTreeSet<String>) {
    for engine in [STANDARD, URL_SAFE] {
        for before in 0..3 {
            let padded = Zeroizing::new([&[0; 3][..before], value].concat());
            let text = Zeroizing::new(engine.encode(&*padded));
            let (first, last) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
            forms.insert(text[first..last].to_owned());
            if before == 0 {
                forms.insert(text.trim_end_matches('=').to_owned());
                forms.insert((*text).clone());
            }
        }
    }
}

fn percent(value: &str, forms: &mut BTreeSet<String>) {
    let plus = utf8_percent_encode(value, FORM).to_string();
    let all = [
        utf8_percent_encode(value, STRICT).to_string(),
        utf8_percent_encode(value, COMPONENT).to_string(),
        utf8_percent_encode(value, QUERY).to_string(),
        plus.replace(' ', "+"),
    ];
    for form in all {
        forms.insert(lower_case(&form));
        forms.insert(form);
    }
}

/// `%C3` as `%c3`.
fn lower_case(form: &str) -> String {
    let mut digits = 0;
    let lower = form.chars().map(|c| {
        if c == '%' {
            digits = 2;
            return c;
        }
        if digits == 0 {
            return c;
        }
        digits -= 1;
        c.to_ascii_lowercase()
    });
    lower.collect()
}

fn json(value: &str, escapes: Escapes) -> String {
    let mut out = String::with_capacity(value.len() + 16);
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '/' if escapes.slash => out.push_str("\\/"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' if escapes.html => unit(&mut out, c),
            c if c < ' ' || (escapes.unicode && !c.is_ascii()) => unit(&mut out, c),
            c => out.push(c),
        }
    }
    out
}

/// As `\uXXXX`, in lower case as everybody writes it; two of them beyond 16 bits.
fn unit(out: &mut String, c: char) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        out.push_str(&format!("\\u{unit:04x}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_digits_have_one_form_beside_base64() {
        let forms = of("abcDEF123");
        assert_eq!(forms.len(), 4, "{forms:?}"); // nine bytes need no padding
        assert!(forms.contains("abcDEF123") && forms.contains("YWJjREVGMTIz"));
    }

    #[test]
    fn every_way_to_write_it_is_known() {
        let forms = of("a\"b/c d\n<é🦀>+");
        for form in [
            "a%22b%2Fc%20d%0A%3C%C3%A9%F0%9F%A6%80%3E%2B",
            "a%22b%2fc%20d%0a%3c%c3%a9%f0%9f%a6%80%3e%2b",
            "a%22b/c%20d%0A%3C%C3%A9%F0%9F%A6%80%3E+",
            "a%22b%2Fc+d%0A%3C%C3%A9%F0%9F%A6%80%3E%2B",
            "a\\\"b/c d\\n<é🦀>+",
            "a\\\"b/c d\\n<\\u00e9\\ud83e\\udd80>+",
            "a\\\"b/c d\\n\\u003cé🦀\\u003e+",
            "a\\\"b\\/c d\\n<\\u00e9\\ud83e\\udd80>+",
            "a\\\\\\\"b/c d\\\\n<é🦀>+",
            "a\\\\\\\"b/c d\\\\n\\\\u003cé🦀\\\\u003e+",
        ] {
            assert!(forms.contains(form), "{form}");
        }
    }
}
