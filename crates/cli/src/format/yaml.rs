//! JSON text as block YAML. Numbers stay as they are written; a string is plain only where no YAML reader
//! could take it for something else, and in the JSON form, which YAML shares, everywhere else.

use wire::{Object, elements};

use super::Unprintable;
use crate::limits::JSON_DEPTH_MAX;

/// JSON text as YAML.
pub(crate) fn render(raw: &str) -> Result<String, Unprintable> {
    let mut out = String::with_capacity(raw.len());
    node(raw.trim(), 0, false, &mut out)?;
    Ok(out)
}

/// Writes a value and the end of its line. `inline`: the line has already begun with `- `, and the first
/// member stays on it; the others are at `depth`.
fn node(raw: &str, depth: usize, inline: bool, out: &mut String) -> Result<(), Unprintable> {
    if depth > JSON_DEPTH_MAX * 2 {
        return Err(Unprintable::Deep);
    }
    let mut inline = inline;
    let mut begin = |out: &mut String| {
        if !std::mem::take(&mut inline) {
            out.extend(std::iter::repeat_n("  ", depth));
        }
    };
    if raw.starts_with('{') {
        let object = Object::parse(raw)?;
        let mut empty = true;
        for (key, value) in object.iter() {
            begin(out);
            out.push_str(&scalar_text(key));
            out.push(':');
            child(value, depth, out)?;
            empty = false;
        }
        if empty {
            begin(out);
            out.push_str("{}\n");
        }
    } else if raw.starts_with('[') {
        let items = elements(raw)?;
        if items.is_empty() {
            begin(out);
            out.push_str("[]\n");
        }
        for item in items {
            begin(out);
            out.push_str("- ");
            node(item, depth + 1, true, out)?;
        }
    } else {
        begin(out);
        scalar(raw, depth, out)?;
    }
    Ok(())
}

/// The value of a member: behind the colon, or on the lines below.
fn child(raw: &str, depth: usize, out: &mut String) -> Result<(), Unprintable> {
    let filled = |raw: &str| -> Result<bool, Unprintable> {
        Ok(match raw.as_bytes().first() {
            Some(b'{') => Object::parse(raw)?.iter().next().is_some(),
            Some(b'[') => !elements(raw)?.is_empty(),
            _ => false,
        })
    };
    if filled(raw)? {
        out.push('\n');
        node(raw, depth + 1, false, out)
    } else if raw.starts_with(['{', '[']) {
        out.push_str(if raw.starts_with('{') {
            " {}\n"
        } else {
            " []\n"
        });
        Ok(())
    } else {
        out.push(' ');
        scalar(raw, depth + 1, out)
    }
}

fn scalar(raw: &str, depth: usize, out: &mut String) -> Result<(), Unprintable> {
    if !raw.starts_with('"') {
        out.push_str(raw);
        out.push('\n');
        return Ok(());
    }
    let text: String = serde_json::from_str(raw)?;
    if !is_block(&text) {
        out.push_str(&scalar_text(&text));
        out.push('\n');
        return Ok(());
    }
    out.push_str(if text.ends_with('\n') { "|\n" } else { "|-\n" });
    for line in text.lines() {
        if !line.is_empty() {
            out.extend(std::iter::repeat_n("  ", depth.max(1)));
            out.push_str(line);
        }
        out.push('\n');
    }
    Ok(())
}

/// Whether a text of several lines can be a literal block as it is.
fn is_block(text: &str) -> bool {
    text.trim_end_matches('\n').contains('\n')
        && !text.ends_with("\n\n")
        && !text.starts_with([' ', '\t', '\n'])
        && text.lines().all(|line| !line.ends_with([' ', '\t']))
        && text.chars().all(|c| c == '\n' || is_printable(c))
}

fn scalar_text(text: &str) -> String {
    if is_plain(text) {
        text.to_owned()
    } else {
        quoted(text)
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if is_printable(c) => out.push(c),
            c => {
                let code = u32::from(c);
                let escape = if code > 0xffff {
                    format!("\\U{code:08x}")
                } else {
                    format!("\\u{code:04x}")
                };
                out.push_str(&escape);
            }
        }
    }
    out.push('"');
    out
}

fn is_printable(c: char) -> bool {
    !c.is_control()
        && !matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
}

/// Words that begin with a letter and hold nothing that YAML reads anything into.
fn is_plain(text: &str) -> bool {
    let word = |c: char| {
        c.is_ascii_alphanumeric()
            || matches!(c, ' ' | '_' | '-' | '.' | '/' | ',' | '(' | ')' | '+')
    };
    let reserved = [
        "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf",
    ];
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && !text.ends_with(' ')
        && text.chars().all(word)
        && !reserved.iter().any(|r| text.eq_ignore_ascii_case(r))
}
