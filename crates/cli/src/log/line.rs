//! What a record looks like. The JSON is written as text at once: there may be thousands of lines a second.

use std::fmt::Write;

use gateway::{CallRecord, Decided, Outcome, StartRecord};
use jiff::Timestamp;

use super::Notice;
use crate::content::bytes;
use crate::ui::{Label, Line, Stream};

/// A call, as one line.
pub(super) fn call(record: &CallRecord, stream: Stream, out: &mut String) {
    if stream.terminal {
        out.push_str(&call_text(record).render(stream));
    } else {
        call_json(record, out);
    }
    out.push('\n');
}

/// A start.
pub(super) fn start(at: Timestamp, record: &StartRecord, stream: Stream, out: &mut String) {
    if stream.terminal {
        out.push_str(&start_text(at, record).render(stream));
    } else {
        start_json(at, record, out);
    }
    out.push('\n');
}

/// A notice; for people its hint has a line of its own, as everywhere.
pub(super) fn notice(at: Timestamp, notice: &Notice, stream: Stream, out: &mut String) {
    if !stream.terminal {
        let line = Members::begin(at, !notice.is_warning, notice.target, out)
            .text("message", &notice.message)
            .maybe("hint", notice.hint.as_deref());
        let members = notice.members.iter();
        members
            .fold(line, |line, (name, value)| line.number(name, value))
            .end();
        out.push('\n');
        return;
    }
    let label = match notice.is_warning {
        true => Label::Warning,
        false => Label::Name,
    };
    let line = clock(at)
        .put(label, format!("{} ", notice.target))
        .text(notice.message.clone());
    out.push_str(&line.render(stream));
    out.push('\n');
    if let Some(hint) = &notice.hint {
        let line = Line::new()
            .put(Label::Hint, "  hint:")
            .text(format!(" {hint}"));
        out.push_str(&line.render(stream));
        out.push('\n');
    }
}

/// That records were lost.
pub(super) fn loss(count: u64, stream: Stream, out: &mut String) {
    let (records, were) = match count {
        1 => ("record", "was"),
        _ => ("records", "were"),
    };
    let message = format!("{count} call {records} {were} dropped: stderr is read too slowly");
    if stream.terminal {
        let line = Line::new()
            .put(Label::Warning, "warning:")
            .text(format!(" {message}"));
        out.push_str(&line.render(stream));
    } else {
        Members::begin(Timestamp::now(), false, "log", out)
            .text("message", &message)
            .number("dropped", count)
            .end();
    }
    out.push('\n');
}

fn call_text(record: &CallRecord) -> Line {
    let at = Timestamp::try_from(record.at).unwrap_or_default();
    let then = |text: Option<&str>| text.map_or_else(String::new, |text| format!("{text} "));
    let line = clock(at)
        .put(Label::Name, then(record.server.as_deref()))
        .text(then(record.name.as_deref()))
        .put(Label::Dim, then(Some(&record.method)))
        .text(then(Some(&millis(record.took.as_secs_f64() * 1e3))));
    let line = match record.outcome {
        Outcome::Ok => line.put(Label::Good, "ok "),
        Outcome::ToolError => line.put(Label::Warning, "tool error "),
        other => line.put(Label::Bad, format!("failed: {other} ")),
    };
    // What is as it should be needs no reason.
    let rule = record.rule.as_ref();
    let rule = rule.filter(|_| record.decision != Decided::Allow);
    let line = line.text(rule.map_or_else(String::new, |rule| format!("by rule {rule:?} ")));
    let parent = record
        .parent
        .map_or_else(String::new, |parent| format!(" of #{parent}"));
    line.put(
        Label::Dim,
        format!("{} #{}{parent}", bytes(record.bytes_out), record.id),
    )
}

fn call_json(record: &CallRecord, out: &mut String) {
    let at = Timestamp::try_from(record.at).unwrap_or_default();
    let is_ok = record.outcome == Outcome::Ok;
    Members::begin(at, is_ok, "call", out)
        .number("call_id", record.id)
        .maybe_number("parent_id", record.parent)
        .maybe("trace_id", record.trace.as_deref())
        .text("span_id", &format!("{:016x}", record.span))
        .maybe("client", record.client.as_deref())
        .text("caller", &record.caller)
        .maybe("server", record.server.as_deref())
        .maybe("name", record.name.as_deref())
        .text("method", &record.method)
        .number("ms", milliseconds(record.took))
        .text("outcome", &record.outcome.to_string())
        .maybe("rule", record.rule.as_deref())
        .number("bytes_in", record.bytes_in)
        .number("bytes_out", record.bytes_out)
        .end();
}

fn start_text(at: Timestamp, record: &StartRecord) -> Line {
    let line = clock(at).put(Label::Name, format!("{} ", record.server));
    let took = millis(record.took.as_secs_f64() * 1e3);
    match &record.failure {
        None => line
            .put(Label::Good, "started ")
            .put(Label::Dim, format!("in {took}")),
        Some(why) => line
            .put(Label::Bad, "does not work: ")
            .text(why.split_whitespace().collect::<Vec<_>>().join(" ")),
    }
}

fn start_json(at: Timestamp, record: &StartRecord, out: &mut String) {
    let is_ok = record.failure.is_none();
    Members::begin(at, is_ok, "server", out)
        .text("server", &record.server)
        .number("ms", milliseconds(record.took))
        .text("message", if is_ok { "started" } else { "does not work" })
        .maybe("error", record.failure.as_deref())
        .end();
}

fn clock(at: Timestamp) -> Line {
    Line::new().put(Label::Dim, format!("{} ", at.strftime("%H:%M:%S%.3f")))
}

/// Milliseconds with three digits of them.
pub(crate) fn milliseconds(took: std::time::Duration) -> f64 {
    (took.as_secs_f64() * 1e6).round() / 1e3
}

/// Milliseconds with the digits that matter.
pub(crate) fn millis(ms: f64) -> String {
    match ms {
        ms if ms < 10.0 => format!("{ms:.1} ms"),
        ms if ms < 1_000.0 => format!("{ms:.0} ms"),
        ms => format!("{:.1} s", ms / 1_000.0),
    }
}

/// The members of one JSON line, in the order in which people look for them.
pub(crate) struct Members<'a>(&'a mut String);

impl<'a> Members<'a> {
    fn begin(at: Timestamp, is_ok: bool, target: &str, out: &'a mut String) -> Self {
        let level = if is_ok { "info" } else { "warn" };
        // Writing to a string cannot fail.
        let _ = write!(
            out,
            r#"{{"timestamp":"{at:.3}","level":"{level}","target":"{target}""#
        );
        Self(out)
    }

    /// Members that follow what is written already.
    pub(crate) fn after(out: &'a mut String) -> Self {
        Self(out)
    }

    /// A member that is a text.
    pub(crate) fn text(self, name: &str, text: &str) -> Self {
        let is_plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
        let _ = match text.bytes().all(is_plain) {
            true => write!(self.0, r#","{name}":"{text}""#),
            false => write!(self.0, r#","{name}":{}"#, wire::quote(text)),
        };
        self
    }

    /// The same, where there is one.
    pub(crate) fn maybe(self, name: &str, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.text(name, text),
            None => self,
        }
    }

    /// A member that is JSON as it is displayed: a number, a list.
    pub(crate) fn number(self, name: &str, number: impl std::fmt::Display) -> Self {
        let _ = write!(self.0, r#","{name}":{number}"#);
        self
    }

    /// The same, where there is one.
    pub(crate) fn maybe_number(self, name: &str, number: Option<u64>) -> Self {
        match number {
            Some(number) => self.number(name, number),
            None => self,
        }
    }

    /// A member that is JSON already, where there is one.
    pub(crate) fn maybe_json(self, name: &str, raw: Option<&str>) -> Self {
        match raw {
            Some(raw) => self.number(name, raw),
            None => self,
        }
    }

    /// Nothing more.
    pub(crate) fn end(self) {
        self.0.push('}');
    }
}
