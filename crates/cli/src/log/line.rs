//! What a record looks like.

use gateway::{CallRecord, Outcome, StartRecord};
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::content::bytes;
use crate::ui::{Label, Line, Stream};

/// A call, as one line without its end.
pub(super) fn call(record: &CallRecord, stream: Stream) -> String {
    if stream.terminal {
        call_text(record).render(stream)
    } else {
        call_json(record).to_string()
    }
}

/// A start.
pub(super) fn start(at: Timestamp, record: &StartRecord, stream: Stream) -> String {
    if stream.terminal {
        start_text(at, record).render(stream)
    } else {
        start_json(at, record).to_string()
    }
}

/// That records were lost.
pub(super) fn loss(count: u64, stream: Stream) -> String {
    let message = format!("{count} call records were dropped: stderr is read too slowly");
    if stream.terminal {
        return Line::new()
            .put(Label::Warning, "warning:")
            .text(format!(" {message}"))
            .render(stream);
    }
    serde_json::json!({"level": "warn", "target": "log", "message": message, "dropped": count})
        .to_string()
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
    line.put(
        Label::Dim,
        format!("{} #{}", bytes(record.bytes_out), record.id),
    )
}

fn call_json(record: &CallRecord) -> Value {
    let is_ok = record.outcome == Outcome::Ok;
    let mut line = head(
        Timestamp::try_from(record.at).unwrap_or_default(),
        is_ok,
        "call",
    );
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            line.insert(name.to_owned(), value);
        }
    };
    put("call_id", record.id.into());
    put("trace_id", record.trace.as_deref().into());
    put("span_id", format!("{:016x}", record.span).into());
    put("client", record.client.as_deref().into());
    put("caller", (*record.caller).into());
    put("server", record.server.as_deref().into());
    put("name", record.name.as_deref().into());
    put("method", (*record.method).into());
    put("ms", milliseconds(record.took));
    put("outcome", record.outcome.to_string().into());
    put("bytes_in", record.bytes_in.into());
    put("bytes_out", record.bytes_out.into());
    Value::Object(line)
}

fn start_text(at: Timestamp, record: &StartRecord) -> Line {
    let line = clock(at).put(Label::Name, format!("{} ", record.server));
    let took = millis(record.took.as_secs_f64() * 1e3);
    match &record.failure {
        None => line
            .put(Label::Good, "started ")
            .put(Label::Dim, format!("in {took}")),
        Some(why) => line.put(Label::Bad, "does not work: ").text(why.clone()),
    }
}

fn start_json(at: Timestamp, record: &StartRecord) -> Value {
    let mut line = head(at, record.failure.is_none(), "server");
    line.insert("server".into(), (*record.server).into());
    line.insert("ms".into(), milliseconds(record.took));
    let message = if record.failure.is_none() {
        "started"
    } else {
        "does not work"
    };
    line.insert("message".into(), message.into());
    if let Some(why) = &record.failure {
        line.insert("error".into(), why.as_str().into());
    }
    Value::Object(line)
}

fn head(at: Timestamp, is_ok: bool, target: &str) -> Map<String, Value> {
    let level = if is_ok { "info" } else { "warn" };
    let members = [
        ("timestamp", format!("{at:.3}")),
        ("level", level.into()),
        ("target", target.into()),
    ];
    members
        .map(|(name, value)| (name.to_owned(), Value::from(value)))
        .into_iter()
        .collect()
}

fn clock(at: Timestamp) -> Line {
    Line::new().put(Label::Dim, format!("{} ", at.strftime("%H:%M:%S%.3f")))
}

fn milliseconds(took: std::time::Duration) -> Value {
    ((took.as_secs_f64() * 1e6).round() / 1e3).into()
}

/// Milliseconds with the digits that matter.
pub(crate) fn millis(ms: f64) -> String {
    match ms {
        ms if ms < 10.0 => format!("{ms:.1} ms"),
        ms if ms < 1_000.0 => format!("{ms:.0} ms"),
        ms => format!("{:.1} s", ms / 1_000.0),
    }
}
