//! One line on stderr for every call: for people on a terminal, as JSON otherwise. Owns the queue and the
//! thread that writes, so that no call ever waits for a terminal. What does not fit into the queue is
//! counted, and the number is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use config::{LogFormat, Settings};
use jiff::Timestamp;

use crate::limits::LOG_RECORDS_MAX;
use crate::ui::{Label, Line, Stream, write_err};

/// What is told of one call.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// When it ended.
    pub(crate) time: Timestamp,
    /// Its id.
    pub(crate) call: String,
    /// The server it went to, where it came that far.
    pub(crate) server: Option<String>,
    /// The tool, prompt or resource.
    pub(crate) name: Option<String>,
    /// The method.
    pub(crate) method: String,
    /// How long it took.
    pub(crate) ms: f64,
    /// Why it failed, if it did.
    pub(crate) error: Option<String>,
    /// Bytes of the answer.
    pub(crate) bytes: u64,
    /// The trace it belongs to.
    pub(crate) trace: Option<String>,
    /// Our span in it.
    pub(crate) span: String,
}

/// What the queue carries; made into lines by the writer, not on the call path.
enum Told {
    Call(gateway::CallRecord),
    Start(gateway::StartRecord),
}

impl From<gateway::CallRecord> for Record {
    fn from(call: gateway::CallRecord) -> Self {
        Self {
            time: Timestamp::try_from(call.at).unwrap_or(Timestamp::UNIX_EPOCH),
            call: call.id.to_string(),
            server: call.server.map(|server| server.to_string()),
            name: call.name.map(String::from),
            method: call.method.into(),
            ms: call.took.as_secs_f64() * 1_000.0,
            error: (call.outcome != gateway::Outcome::Ok).then(|| call.outcome.to_string()),
            bytes: call.bytes_out as u64,
            trace: call.trace.map(String::from),
            span: format!("{:016x}", call.span),
        }
    }
}

/// The writer. Dropping it writes what is queued.
pub(crate) struct Log {
    queue: Option<SyncSender<Told>>,
    is_verbose: bool,
    logs_calls: bool,
    dropped: Arc<AtomicU64>,
    writer: Option<JoinHandle<()>>,
}

impl Log {
    /// Starts the writer. `is_verbose`: starts of servers are told too.
    pub(crate) fn start(
        stream: Stream,
        settings: &Settings,
        is_verbose: bool,
    ) -> std::io::Result<Self> {
        let terminal = match settings.log_format {
            LogFormat::Auto => stream.terminal,
            LogFormat::Text => true,
            LogFormat::Json => false,
        };
        let stream = Stream { terminal, ..stream };
        let (queue, records) = sync_channel(LOG_RECORDS_MAX);
        let dropped = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&dropped);
        let writer = std::thread::Builder::new()
            .name("call-log".into())
            .spawn(move || drain(&records, &count, stream, write_err))?;
        Ok(Self {
            queue: Some(queue),
            is_verbose,
            logs_calls: settings.log_calls,
            dropped,
            writer: Some(writer),
        })
    }

    /// Takes a record, never waits.
    fn take(&self, told: Told) {
        let Some(queue) = &self.queue else { return };
        if let Err(TrySendError::Full(_)) = queue.try_send(told) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl gateway::Recorder for Log {
    fn call(&self, record: gateway::CallRecord) {
        if self.logs_calls {
            self.take(Told::Call(record));
        }
    }

    fn start(&self, record: gateway::StartRecord) {
        if self.is_verbose || record.failure.is_some() {
            self.take(Told::Start(record));
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

/// Writes until the last sender is gone: all that is there in one piece.
fn drain(records: &Receiver<Told>, dropped: &AtomicU64, stream: Stream, write: impl Fn(&str)) {
    let mut told = 0;
    while let Ok(first) = records.recv() {
        let mut text = String::new();
        for record in std::iter::once(first).chain(records.try_iter().take(256)) {
            text.push_str(&match record {
                Told::Call(call) => line(&call.into(), stream),
                Told::Start(start) => started(&start, stream),
            });
            text.push('\n');
        }
        let lost = dropped.load(Ordering::Relaxed);
        if lost > told {
            text.push_str(&loss(lost - told, stream));
            text.push('\n');
            told = lost;
        }
        write(&text);
    }
}

fn line(record: &Record, stream: Stream) -> String {
    if stream.terminal {
        human(record, stream)
    } else {
        json(record)
    }
}

fn started(start: &gateway::StartRecord, stream: Stream) -> String {
    let ms = start.took.as_secs_f64() * 1_000.0;
    if !stream.terminal {
        let level = if start.failure.is_some() { "warn" } else { "info" };
        return serde_json::json!({
            "timestamp": format!("{:.3}", Timestamp::now()),
            "level": level,
            "target": "server",
            "message": if start.failure.is_some() { "did not start" } else { "started" },
            "server": &*start.server,
            "ms": (ms * 1_000.0).round() / 1_000.0,
            "error": start.failure,
        })
        .to_string();
    }
    let line = Line::new()
        .put(Label::Dim, format!("{} ", Timestamp::now().strftime("%H:%M:%S%.3f")))
        .put(Label::Name, format!("{} ", start.server));
    match &start.failure {
        None => line.text(format!("started in {}", millis(ms))),
        Some(reason) => line.put(Label::Bad, "did not start: ").text(reason.clone()),
    }
    .render(stream)
}

fn human(record: &Record, stream: Stream) -> String {
    let what = match &record.name {
        Some(name) => format!("{name} "),
        None => String::new(),
    };
    let server = record
        .server
        .as_ref()
        .map_or_else(String::new, |s| format!("{s} "));
    let line = Line::new()
        .put(
            Label::Dim,
            format!("{} ", record.time.strftime("%H:%M:%S%.3f")),
        )
        .put(Label::Name, server)
        .text(what)
        .put(Label::Dim, format!("{} ", record.method))
        .text(format!("{} ", millis(record.ms)));
    let line = match &record.error {
        None => line
            .put(Label::Good, "ok ")
            .put(Label::Dim, crate::content::bytes(record.bytes as usize)),
        Some(error) => line.put(Label::Bad, "failed ").text(error.clone()),
    };
    line.put(Label::Dim, format!(" {}", record.call))
        .render(stream)
}

fn json(record: &Record) -> String {
    let mut line = serde_json::Map::new();
    let mut put = |name: &str, value: serde_json::Value| {
        if !value.is_null() {
            line.insert(name.to_owned(), value);
        }
    };
    put("timestamp", format!("{:.3}", record.time).into());
    put(
        "level",
        if record.error.is_some() {
            "warn"
        } else {
            "info"
        }
        .into(),
    );
    put("target", "call".into());
    put("call_id", record.call.clone().into());
    put("trace_id", record.trace.clone().into());
    put("span_id", record.span.clone().into());
    put("server", record.server.clone().into());
    put("name", record.name.clone().into());
    put("method", record.method.clone().into());
    put("ms", ((record.ms * 1_000.0).round() / 1_000.0).into());
    put("ok", record.error.is_none().into());
    put("error", record.error.clone().into());
    put("bytes", record.bytes.into());
    serde_json::Value::Object(line).to_string()
}

fn loss(count: u64, stream: Stream) -> String {
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

/// Milliseconds with the digits that matter.
pub(crate) fn millis(ms: f64) -> String {
    match ms {
        ms if ms < 10.0 => format!("{ms:.1} ms"),
        ms if ms < 1_000.0 => format!("{ms:.0} ms"),
        ms => format!("{:.1} s", ms / 1_000.0),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    const PIPE: Stream = Stream {
        terminal: false,
        colour: false,
        columns: None,
    };
    const TERMINAL: Stream = Stream {
        terminal: true,
        colour: false,
        columns: None,
    };

    fn record() -> Record {
        Record {
            time: "2026-11-21T08:34:10.12Z".parse().unwrap(),
            call: "c7".into(),
            server: Some("time".into()),
            name: Some("get_current_time".into()),
            method: "tools/call".into(),
            ms: 2.12345,
            error: None,
            bytes: 1_234,
            trace: None,
            span: "00000000000000aa".into(),
        }
    }

    fn told() -> gateway::CallRecord {
        gateway::CallRecord {
            id: 7,
            at: std::time::SystemTime::UNIX_EPOCH,
            caller: "local".into(),
            client: None,
            method: "tools/call".into(),
            server: None,
            name: None,
            took: std::time::Duration::from_millis(2),
            outcome: gateway::Outcome::ToolError,
            bytes_in: 1,
            bytes_out: 2,
            trace: None,
            span: 170,
        }
    }

    #[test]
    fn the_reason_of_a_failed_call_is_told() {
        let record = Record::from(told());
        assert_eq!(record.error.as_deref(), Some("tool_error"));
        assert_eq!(record.span, "00000000000000aa");
    }

    #[test]
    fn people_read_a_line() {
        assert_eq!(
            line(&record(), TERMINAL),
            "08:34:10.120 time get_current_time tools/call 2.1 ms ok 1 kB c7"
        );
        let failed = Record {
            error: Some("it\u{1b}[0m died".into()),
            server: None,
            name: None,
            ..record()
        };
        assert_eq!(
            line(&failed, TERMINAL),
            "08:34:10.120 tools/call 2.1 ms failed it\\u{1b}[0m died c7"
        );
    }

    #[test]
    fn programs_read_json() {
        let value: serde_json::Value = serde_json::from_str(&line(&record(), PIPE)).unwrap();
        assert_eq!(value["timestamp"], "2026-11-21T08:34:10.120Z");
        assert_eq!(
            (&value["ms"], &value["ok"], &value["bytes"]),
            (&2.123.into(), &true.into(), &1_234.into())
        );
        assert!(value.get("error").is_none());
    }

    #[test]
    fn a_full_queue_drops_and_tells() {
        let (queue, records) = sync_channel(2);
        let dropped = Arc::new(AtomicU64::new(0));
        let mut log = Log {
            queue: Some(queue),
            is_verbose: false,
            logs_calls: true,
            dropped: Arc::clone(&dropped),
            writer: None,
        };
        for _ in 0..5 {
            gateway::Recorder::call(&log, told());
        }
        log.queue = None;
        let written = RefCell::new(String::new());
        drain(&records, &dropped, PIPE, |text| {
            written.borrow_mut().push_str(text)
        });
        let written = written.into_inner();
        assert_eq!(written.lines().count(), 3);
        assert!(written.contains("\"dropped\":3"), "{written}");
    }
}
