//! One line of the record: the facts of a call as JSON, in the order in which people look for them. `docs/guide/observe.md`
//! has the members; they are a promise.

use std::fmt::Write as _;

use gateway::{CallRecord, StartRecord};
use jiff::Timestamp;

use super::Style;
use crate::limits::{RECORD_ARGUMENTS_KEPT_MAX, RECORD_NAME_MAX};
use crate::log::{Members, milliseconds};

/// A call.
pub(super) fn call(record: &CallRecord, style: &Style, out: &mut String) {
    let at = Timestamp::try_from(record.at).unwrap_or_default();
    let (digest, arguments) = match &record.arguments {
        None => (None, None),
        Some(arguments) => {
            let digest = hex(&arguments.digest());
            let text = style.arguments.then(|| arguments.masked());
            (Some(digest), text.flatten())
        }
    };
    let is_whole = |text: &String| text.len() <= RECORD_ARGUMENTS_KEPT_MAX;
    let cut = arguments.as_ref().filter(|text| !is_whole(text));
    let cut = cut.map(|text| shortened(text, RECORD_ARGUMENTS_KEPT_MAX).to_owned());
    begin(at, "call", out)
        .text("id", &format!("{:016x}", record.span))
        .text("gateway", &style.gateway)
        .number("call", record.id)
        .maybe_number("parent", record.parent)
        .text("caller", &record.caller)
        .maybe("client", record.client.as_deref())
        .text("method", &record.method)
        .maybe("server", record.server.as_deref())
        .maybe(
            "name",
            record
                .name
                .as_deref()
                .map(|name| shortened(name, RECORD_NAME_MAX)),
        )
        .text("decision", record.decision.as_str())
        .maybe("rule", record.rule.as_deref())
        .text("outcome", &record.outcome.to_string())
        .number("ms", milliseconds(record.took))
        .number("bytes_in", record.bytes_in)
        .number("bytes_out", record.bytes_out)
        .maybe("digest", digest.as_deref())
        .maybe("trace", record.trace.as_deref())
        .maybe_json("arguments", arguments.filter(is_whole).as_deref())
        .maybe("arguments_cut", cut.as_deref())
        .end();
    out.push('\n');
}

/// A start of a server.
pub(super) fn start(at: Timestamp, record: &StartRecord, style: &Style, out: &mut String) {
    begin(at, "start", out)
        .text("gateway", &style.gateway)
        .text("server", &record.server)
        .text(
            "outcome",
            if record.failure.is_none() {
                "ok"
            } else {
                "failed"
            },
        )
        .number("ms", milliseconds(record.took))
        .maybe("error", record.failure.as_deref())
        .end();
    out.push('\n');
}

/// Lines that are missing.
pub(super) fn loss(count: u64, style: &Style, out: &mut String) {
    begin(Timestamp::now(), "lost", out)
        .text("gateway", &style.gateway)
        .number("lines", count)
        .end();
    out.push('\n');
}

fn begin<'a>(at: Timestamp, kind: &str, out: &'a mut String) -> Members<'a> {
    // Writing to a string cannot fail.
    let _ = write!(out, r#"{{"at":"{at:.6}","kind":"{kind}""#);
    Members::after(out)
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let digits = digits.map(|digit| char::from(DIGITS[usize::from(digit)]));
    "sha256:".chars().chain(digits).collect()
}

/// At most so many bytes of it, and whole characters.
fn shortened(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}
