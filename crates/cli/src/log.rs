//! One line on stderr for every call: for people on a terminal, as JSON otherwise. Owns the queue and the
//! thread that writes, so that no call ever waits for a terminal. What does not fit into the queue is
//! counted, and the number is told. What a line looks like is in `log/line.rs`.

mod line;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use config::{LogFormat, Settings};
use gateway::{CallRecord, Recorder, StartRecord};

use crate::limits::{LOG_FLUSH, LOG_RECORDS_MAX};
use crate::ui::{Stream, write_err};

pub(crate) use line::millis;

/// What is told.
#[derive(Clone, Debug)]
enum Record {
    Call(CallRecord),
    Start(jiff::Timestamp, StartRecord),
    /// Everything before it has been written once this is answered.
    Flush(SyncSender<()>),
}

/// Which records are told.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    calls: bool,
    starts: bool,
}

/// The writer. Dropping it writes what is queued.
pub(crate) struct Log {
    queue: Option<SyncSender<Record>>,
    dropped: Arc<AtomicU64>,
    wanted: Wanted,
    writer: Option<JoinHandle<()>>,
}

impl Log {
    /// Starts the writer. `is_verbose`: servers that start are told too, not only those that fail to.
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
        let wanted = Wanted {
            calls: settings.log_calls || is_verbose,
            starts: is_verbose,
        };
        Ok(Self {
            queue: Some(queue),
            dropped,
            wanted,
            writer: Some(writer),
        })
    }

    /// Waits until everything that was taken is written, but not for a reader that has stopped reading.
    pub(crate) fn flush(&self) {
        let (done, written) = sync_channel(1);
        if let Some(queue) = &self.queue
            && queue.try_send(Record::Flush(done)).is_ok()
        {
            let _ = written.recv_timeout(LOG_FLUSH);
        }
    }

    fn take(&self, record: Record) {
        let Some(queue) = &self.queue else { return };
        if let Err(TrySendError::Full(_)) = queue.try_send(record) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Recorder for Log {
    fn call(&self, record: CallRecord) {
        if self.wanted.calls {
            self.take(Record::Call(record));
        }
    }

    fn start(&self, record: StartRecord) {
        if self.wanted.starts || record.failure.is_some() {
            self.take(Record::Start(jiff::Timestamp::now(), record));
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
fn drain(records: &Receiver<Record>, dropped: &AtomicU64, stream: Stream, write: impl Fn(&str)) {
    let mut told = 0;
    while let Ok(first) = records.recv() {
        let mut text = String::new();
        let mut waiting = Vec::new();
        for record in std::iter::once(first).chain(records.try_iter().take(256)) {
            match record {
                Record::Call(record) => text.push_str(&line::call(&record, stream)),
                Record::Start(at, record) => text.push_str(&line::start(at, &record, stream)),
                Record::Flush(done) => {
                    waiting.push(done);
                    continue;
                }
            }
            text.push('\n');
        }
        let lost = dropped.load(Ordering::Relaxed);
        if lost > told {
            text.push_str(&line::loss(lost - told, stream));
            text.push('\n');
            told = lost;
        }
        write(&text);
        for done in waiting {
            let _ = done.try_send(());
        }
    }
}

#[cfg(test)]
mod tests;
