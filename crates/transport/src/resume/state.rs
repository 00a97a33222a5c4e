//! What is kept, for how long, and who is woken. Every function is one short step under the lock; wakers are handed
//! out so that they are woken after it.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use tokio::time::Instant;

use super::{STANDALONE, TooManyStreams};
use crate::limits::{
    STREAM_BYTES_MAX, STREAM_EVENTS_MAX, STREAM_FINISHED_KEPT, STREAM_UNREAD_BYTES_MAX,
    STREAMS_FINISHED_BYTES_MAX, STREAMS_FINISHED_MAX, STREAMS_OPEN_MAX,
};

#[derive(Debug, Default)]
pub(super) struct State {
    /// In order of their numbers, stream 0 (once used) first.
    streams: Vec<Stream>,
    last: u64,
}

#[derive(Debug)]
struct Stream {
    id: u64,
    /// The latest events, oldest first, without gaps.
    ring: VecDeque<Kept>,
    bytes: usize,
    /// The number that the next event gets; the first is 1, so that 0 means "before all".
    next: u64,
    /// The first event that no reader has taken, and what it and those after it hold.
    unread: u64,
    unread_bytes: usize,
    /// Which reader is the current one, and whether it is attached.
    generation: u64,
    attached: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
    finished: Option<Instant>,
}

/// One event of the ring.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) seq: u64,
    pub(super) data: Bytes,
    pub(super) retry: Option<u64>,
}

/// Whom to wake once the lock is gone: reader and writer.
pub(super) type Wakers = [Option<Waker>; 2];

impl State {
    pub(super) fn open(&mut self) -> Result<u64, TooManyStreams> {
        self.forget();
        let open = self
            .streams
            .iter()
            .filter(|stream| stream.id != STANDALONE && stream.finished.is_none())
            .count();
        if open >= STREAMS_OPEN_MAX {
            return Err(TooManyStreams {
                limit: STREAMS_OPEN_MAX,
            });
        }
        self.last += 1;
        self.streams.push(Stream::new(self.last));
        Ok(self.last)
    }

    pub(super) fn push(
        &mut self,
        id: u64,
        data: Bytes,
        retry: Option<u64>,
    ) -> Option<(u64, Option<Waker>)> {
        let stream = self.stream(id)?;
        if stream.finished.is_some() {
            return None;
        }
        let seq = stream.push(data, retry);
        Some((seq, stream.reader.take()))
    }

    pub(super) fn finish(&mut self, id: u64) -> Wakers {
        // The standalone stream lasts as long as the session.
        let wakers = match self.stream(id) {
            Some(stream) if id != STANDALONE && stream.finished.is_none() => {
                stream.finished = Some(Instant::now());
                [stream.reader.take(), stream.writer.take()]
            }
            _ => [None, None],
        };
        self.forget();
        wakers
    }

    pub(super) fn poll_room(&mut self, id: u64, cx: &Context<'_>) -> Poll<()> {
        let Some(stream) = self.stream(id) else {
            return Poll::Ready(());
        };
        if stream.finished.is_some() || !stream.attached || stream.has_room() {
            return Poll::Ready(());
        }
        stream.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    /// The reader's number and how many events it will not see.
    pub(super) fn attach(&mut self, id: u64, after: Option<u64>) -> Option<(u64, u64, Wakers)> {
        self.forget();
        let stream = self.stream(id)?;
        let want = match after {
            // An id that we never gave out is not ours, however it looks.
            Some(seq) if seq >= stream.next => return None,
            Some(seq) => seq + 1,
            None => stream.unread,
        };
        let oldest = stream.ring.front().map_or(stream.next, |kept| kept.seq);
        stream.unread = want.max(oldest);
        stream.unread_bytes = stream
            .ring
            .iter()
            .filter(|kept| kept.seq >= want)
            .map(|kept| kept.data.len())
            .sum();
        stream.generation += 1;
        stream.attached = true;
        let missed = stream.unread - want;
        Some((
            stream.generation,
            missed,
            [stream.reader.take(), stream.writer.take()],
        ))
    }

    pub(super) fn poll_next(
        &mut self,
        id: u64,
        generation: u64,
        cx: &Context<'_>,
    ) -> (Poll<Option<Kept>>, Option<Waker>) {
        let Some(stream) = self.current(id, generation) else {
            return (Poll::Ready(None), None);
        };
        if let Some(kept) = stream.take_unread() {
            return (Poll::Ready(Some(kept)), stream.writer.take());
        }
        if stream.finished.is_some() {
            return (Poll::Ready(None), None);
        }
        stream.reader = Some(cx.waker().clone());
        (Poll::Pending, None)
    }

    pub(super) fn detach(&mut self, id: u64, generation: u64) -> Option<Waker> {
        let stream = self.current(id, generation)?;
        stream.attached = false;
        stream.reader = None;
        stream.writer.take()
    }

    fn stream(&mut self, id: u64) -> Option<&mut Stream> {
        match self.streams.binary_search_by_key(&id, |stream| stream.id) {
            Ok(at) => Some(&mut self.streams[at]),
            Err(at) if id == STANDALONE => {
                self.streams.insert(at, Stream::new(STANDALONE));
                Some(&mut self.streams[at])
            }
            Err(_) => None,
        }
    }

    fn current(&mut self, id: u64, generation: u64) -> Option<&mut Stream> {
        self.stream(id)
            .filter(|stream| stream.generation == generation)
    }

    /// Lets finished streams go that are too old, too many or too large. One that is being read stays, and the newest
    /// does whatever its size: its client may be on its way back.
    fn forget(&mut self) {
        if self.streams.iter().all(|stream| stream.finished.is_none()) {
            return;
        }
        let now = Instant::now();
        let (mut count, mut bytes) = (0, 0);
        let mut index = self.streams.len();
        while index > 0 {
            index -= 1;
            let stream = &self.streams[index];
            let Some(finished) = stream.finished else {
                continue;
            };
            if stream.attached {
                continue;
            }
            count += 1;
            bytes += stream.bytes;
            let old = now.saturating_duration_since(finished) >= STREAM_FINISHED_KEPT;
            let crowd =
                count > STREAMS_FINISHED_MAX || (count > 1 && bytes > STREAMS_FINISHED_BYTES_MAX);
            if old || crowd {
                bytes -= stream.bytes;
                count -= 1;
                self.streams.remove(index);
            }
        }
    }
}

impl Stream {
    fn new(id: u64) -> Self {
        Self {
            id,
            ring: VecDeque::new(),
            bytes: 0,
            next: 1,
            unread: 1,
            unread_bytes: 0,
            generation: 0,
            attached: false,
            reader: None,
            writer: None,
            finished: None,
        }
    }

    fn push(&mut self, data: Bytes, retry: Option<u64>) -> u64 {
        let seq = self.next;
        self.next += 1;
        self.bytes += data.len();
        self.unread_bytes += data.len();
        self.ring.push_back(Kept { seq, data, retry });
        while self.ring.len() > 1 && self.is_over() {
            self.drop_oldest();
        }
        seq
    }

    /// Whether the oldest event has to go. One that an attached reader is about to take may stay longer.
    fn is_over(&self) -> bool {
        let oldest_is_read = self.ring.front().is_some_and(|kept| kept.seq < self.unread);
        if self.attached && !oldest_is_read {
            self.ring.len() > 2 * STREAM_EVENTS_MAX || self.bytes > STREAM_UNREAD_BYTES_MAX
        } else {
            self.ring.len() > STREAM_EVENTS_MAX || self.bytes > STREAM_BYTES_MAX
        }
    }

    fn drop_oldest(&mut self) {
        let Some(oldest) = self.ring.pop_front() else {
            return;
        };
        self.bytes -= oldest.data.len();
        if oldest.seq >= self.unread {
            self.unread = oldest.seq + 1;
            self.unread_bytes -= oldest.data.len();
        }
    }

    fn take_unread(&mut self) -> Option<Kept> {
        let oldest = self.ring.front()?.seq;
        let at = usize::try_from(self.unread.checked_sub(oldest)?).ok()?;
        let kept = self.ring.get(at)?.clone();
        self.unread += 1;
        self.unread_bytes -= kept.data.len();
        Some(kept)
    }

    fn has_room(&self) -> bool {
        let unread = self.next - self.unread;
        unread < STREAM_EVENTS_MAX as u64 / 2 && self.unread_bytes < STREAM_BYTES_MAX / 2
    }
}
