//! The record of calls: one line for each on disk, for whoever asks later who did what. Owns the thread that writes it, so that
//! no call waits for a disk. Appends only; what was written is never changed. Several gateways share the files. Next:
//! `records/journal.rs` for the files, `records/line.rs` for what is in them, `records/read.rs` for reading.

mod journal;
mod line;
mod read;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use config::Settings;
use gateway::{Arguments, CallRecord, Recorder, StartRecord};

use crate::limits::{LOG_FLUSH, RECORD_ARGUMENTS_MAX, RECORD_WAITING_MAX};
use crate::log::{Log, Notice};
use crate::queue::Queue;
use crate::surroundings::Surroundings;

pub(crate) use journal::{Follower, Journal, open_all};
pub(crate) use read::{Entry, Status, Wanted, backwards};

/// What is written.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are calls: a box for each would cost more than the room"
)]
enum Record {
    Call(CallRecord),
    Start(jiff::Timestamp, StartRecord),
    /// Everything before it has been written once this is answered.
    Flush(SyncSender<()>),
}

/// See the module. Dropping it writes what is queued.
pub(crate) struct Records {
    queue: Arc<Queue<Record>>,
    waiting: Arc<AtomicUsize>,
    writer: Option<JoinHandle<()>>,
}

/// What is in a line beside the facts of its call.
struct Style {
    /// The process that wrote it.
    gateway: String,
    /// Whether the arguments are there, beside their digest.
    arguments: bool,
}

impl Records {
    /// Starts the writer; none where the settings want no records. `gateway`: what this process is called among others.
    /// `log` is told when the disk fails.
    pub(crate) fn start(
        here: &Surroundings,
        settings: &Settings,
        gateway: &str,
        log: Option<Arc<Log>>,
    ) -> std::io::Result<Option<Self>> {
        if !settings.records {
            return Ok(None);
        }
        let journal = Journal::new(
            here.dirs.records(),
            settings.records_bytes_max,
            settings.records_files_max,
        );
        let style = Style {
            gateway: gateway.to_owned(),
            arguments: settings.records_arguments,
        };
        let queue = Arc::new(Queue::default());
        let waiting = Arc::new(AtomicUsize::new(0));
        let writer = std::thread::Builder::new().name("call-record".into());
        let writer = writer.spawn({
            let (queue, waiting) = (Arc::clone(&queue), Arc::clone(&waiting));
            move || write(&queue, &waiting, journal, &style, log.as_deref())
        })?;
        queue.attend(writer.thread().clone());
        Ok(Some(Self {
            queue,
            waiting,
            writer: Some(writer),
        }))
    }

    /// Waits until everything that was taken is written, but not for a disk that has stopped.
    pub(crate) fn flush(&self) {
        let (done, written) = sync_channel(1);
        if self.queue.put(Record::Flush(done)) {
            self.queue.hurry();
            let _ = written.recv_timeout(LOG_FLUSH);
        }
    }
}

impl Recorder for Records {
    fn call(&self, mut record: CallRecord) {
        // Whether somebody is there is asked all the time, and tells nothing.
        if record.method == wire::method::PING {
            return;
        }
        let bytes = record.arguments.as_ref().map_or(0, Arguments::bytes);
        let waiting = self.waiting.fetch_add(bytes, Ordering::Relaxed);
        if bytes > 0 && waiting + bytes > RECORD_WAITING_MAX {
            self.waiting.fetch_sub(bytes, Ordering::Relaxed);
            record.arguments = record.arguments.map(Arguments::digested);
        }
        let bytes = record.arguments.as_ref().map_or(0, Arguments::bytes);
        if !self.queue.put(Record::Call(record)) {
            self.waiting.fetch_sub(bytes, Ordering::Relaxed);
        }
    }

    fn start(&self, record: StartRecord) {
        self.queue
            .put(Record::Start(jiff::Timestamp::now(), record));
    }

    fn arguments_max(&self) -> Option<usize> {
        Some(RECORD_ARGUMENTS_MAX)
    }
}

impl Drop for Records {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

/// Writes until the queue is closed and empty: all that is there in one piece.
fn write(
    queue: &Queue<Record>,
    waiting: &AtomicUsize,
    mut journal: Journal,
    style: &Style,
    log: Option<&Log>,
) {
    let mut told = 0;
    let mut text = String::new();
    while let Some(records) = queue.take() {
        text.clear();
        let mut flushes = Vec::new();
        for record in records {
            match record {
                Record::Call(record) => {
                    let bytes = record.arguments.as_ref().map_or(0, Arguments::bytes);
                    waiting.fetch_sub(bytes, Ordering::Relaxed);
                    line::call(&record, style, &mut text);
                }
                Record::Start(at, record) => line::start(at, &record, style, &mut text),
                Record::Flush(done) => flushes.push(done),
            }
        }
        let lost = queue.dropped();
        if lost > told {
            line::loss(lost - told, style, &mut text);
            told = lost;
        }
        let had_failed = journal.has_failed();
        if !text.is_empty()
            && let Err(error) = journal.append(text.as_bytes())
            && let Some(log) = log.filter(|_| !had_failed)
        {
            log.notice(Notice {
                is_warning: true,
                target: "records",
                message: format!(
                    "calls are not recorded: {}: {error}",
                    journal.folder().display()
                ),
                hint: Some(
                    "make room, or mend its rights; `records = false` goes without".to_owned(),
                ),
                members: Vec::new(),
            });
        }
        for done in flushes {
            let _ = done.try_send(());
        }
    }
}

/// Tells each record to two recorders.
pub(crate) struct Both(pub(crate) Arc<dyn Recorder>, pub(crate) Arc<dyn Recorder>);

impl Recorder for Both {
    fn call(&self, record: CallRecord) {
        self.1.call(record.clone());
        self.0.call(CallRecord {
            arguments: None,
            ..record
        });
    }

    fn start(&self, record: StartRecord) {
        self.1.start(record.clone());
        self.0.start(record);
    }

    fn arguments_max(&self) -> Option<usize> {
        self.1.arguments_max()
    }

    fn odd(&self, server: &str, what: &str, hint: &str) {
        self.0.odd(server, what, hint);
    }

    fn preparing(&self, server: &str, what: &str) {
        self.0.preparing(server, what);
    }
}

#[cfg(test)]
mod tests;
