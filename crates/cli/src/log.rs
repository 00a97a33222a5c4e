//! One line on stderr for every call: for people on a terminal, as JSON otherwise. Owns the thread that
//! writes, so that no call ever waits for a terminal. What the writer cannot keep up with is counted, and the
//! number is told. The way to the thread is `queue.rs`, what a line looks like is in `log/line.rs`.

mod line;

use std::fs::File;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use config::{LogFormat, Settings};
use gateway::{CallRecord, Recorder, StartRecord};

use crate::limits::LOG_FLUSH;
use crate::queue::Queue;
use crate::ui::{Stream, write_err};

pub(crate) use line::{Members, millis, milliseconds};

/// What is told.
#[derive(Debug)]
enum Record {
    Call(CallRecord),
    Start(jiff::Timestamp, StartRecord),
    Notice(jiff::Timestamp, Notice),
    /// Everything before it has been written once this is answered.
    Flush(SyncSender<()>),
}

/// What the gateway has to say of itself while it runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Notice {
    /// Whether somebody has to mend something.
    pub(crate) is_warning: bool,
    /// Which part of the gateway speaks, in one word.
    pub(crate) target: &'static str,
    /// One line.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
    /// The same facts for programs.
    pub(crate) members: Vec<(&'static str, serde_json::Value)>,
}

/// Which records are told.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    calls: bool,
    starts: bool,
}

/// The log. Dropping it writes what is queued.
pub(crate) struct Log {
    queue: Arc<Queue<Record>>,
    wanted: Wanted,
    writer: Option<JoinHandle<()>>,
}

impl Log {
    /// Starts the writer, to a file if there is one. `is_verbose`: servers that start are told too, not only those that fail to.
    pub(crate) fn start(
        stream: Stream,
        settings: &Settings,
        is_verbose: bool,
        file: Option<File>,
    ) -> std::io::Result<Self> {
        let stream = Stream {
            terminal: stream.terminal && file.is_none(),
            ..stream
        };
        let write: Box<dyn Fn(&str) + Send> = match file {
            // When it is full there is nobody left to tell.
            Some(file) => Box::new(move |text| drop((&file).write_all(text.as_bytes()))),
            None => Box::new(write_err),
        };
        let terminal = match settings.log_format {
            LogFormat::Auto => stream.terminal,
            LogFormat::Text => true,
            LogFormat::Json => false,
        };
        let stream = Stream { terminal, ..stream };
        let queue = Arc::new(Queue::default());
        let records = Arc::clone(&queue);
        let writer = std::thread::Builder::new()
            .name("call-log".into())
            .spawn(move || self::write(&records, stream, write))?;
        queue.attend(writer.thread().clone());
        let wanted = Wanted {
            calls: settings.log_calls || is_verbose,
            starts: is_verbose,
        };
        Ok(Self {
            queue,
            wanted,
            writer: Some(writer),
        })
    }

    /// A notice as programs read it; for those who cannot wait for the writer.
    pub(crate) fn json(notice: &Notice) -> String {
        let mut text = String::new();
        let pipe = Stream {
            terminal: false,
            colour: false,
            columns: None,
        };
        line::notice(jiff::Timestamp::now(), notice, pipe, &mut text);
        text
    }

    /// Tells something that is neither a call nor a start.
    pub(crate) fn notice(&self, notice: Notice) {
        self.queue
            .put(Record::Notice(jiff::Timestamp::now(), notice));
    }

    /// Waits until everything that was taken is written, but not for a reader that has stopped reading.
    pub(crate) fn flush(&self) {
        let (done, written) = sync_channel(1);
        if self.queue.put(Record::Flush(done)) {
            self.queue.hurry();
            let _ = written.recv_timeout(LOG_FLUSH);
        }
    }
}

impl Recorder for Log {
    fn call(&self, record: CallRecord) {
        if self.wanted.calls {
            self.queue.put(Record::Call(record));
        }
    }

    fn start(&self, record: StartRecord) {
        if self.wanted.starts || record.failure.is_some() {
            self.queue
                .put(Record::Start(jiff::Timestamp::now(), record));
        }
    }

    fn odd(&self, server: &str, what: &str, hint: &str) {
        self.notice(Notice {
            is_warning: true,
            target: "server",
            message: format!("{server}: {what}"),
            hint: Some(hint.to_owned()),
            members: vec![("server", server.into())],
        });
    }

    fn preparing(&self, server: &str, what: &str) {
        if self.wanted.starts {
            self.notice(Notice {
                is_warning: false,
                target: "server",
                message: format!("{server}: {what}"),
                hint: None,
                members: vec![("server", server.into())],
            });
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

/// Writes until the queue is closed and empty: all that is there in one piece.
fn write(queue: &Queue<Record>, stream: Stream, write: impl Fn(&str)) {
    let mut told = 0;
    let mut text = String::new();
    while let Some(records) = queue.take() {
        text.clear();
        let mut waiting = Vec::new();
        for record in records {
            match record {
                Record::Call(record) => line::call(&record, stream, &mut text),
                Record::Start(at, record) => line::start(at, &record, stream, &mut text),
                Record::Notice(at, notice) => line::notice(at, &notice, stream, &mut text),
                Record::Flush(done) => waiting.push(done),
            }
        }
        let lost = queue.dropped();
        if lost > told {
            line::loss(lost - told, stream, &mut text);
            told = lost;
        }
        if !text.is_empty() {
            write(&text);
        }
        for done in waiting {
            let _ = done.try_send(());
        }
    }
}

#[cfg(test)]
mod tests;
