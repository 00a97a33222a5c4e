//! Idle connections, per thread.
//!
//! What a call touches stays on its thread, so the pool is a thread-local: no lock, and a connection is polled by the
//! runtime that opened it. Last in, first out: the connections in use are few and warm, the others age and go.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

use super::body::BodyReader;
use super::conn::Conn;
use super::endpoint::Origin;
use crate::limits::{
    IDLE_MAX, IDLE_PER_ORIGIN_MAX, IDLE_PER_THREAD_MAX, IDLE_SWEEP, LINGER_BYTES_MAX, LINGER_MAX,
};

thread_local! {
    static POOL: RefCell<Pool> = RefCell::default();
}

#[derive(Default)]
struct Pool {
    /// By the address of the origin, which the connections keep alive. Oldest first.
    idle: HashMap<*const Origin, VecDeque<Idle>>,
    count: usize,
    /// The sweeper is running.
    swept: bool,
}

struct Idle {
    conn: Box<Conn>,
    since: Instant,
    /// The end of a reply that nobody wants any more but that should come any moment.
    rest: Option<BodyReader>,
}

/// A connection that should still work.
pub(super) fn take(origin: &Arc<Origin>) -> Option<Box<Conn>> {
    POOL.with_borrow_mut(|pool| pool.take(Arc::as_ptr(origin)))
}

/// Keeps a connection whose reply was read to its end.
pub(super) fn put(conn: Box<Conn>) {
    if !conn.spent && conn.inbox.is_empty() {
        keep(Idle {
            conn,
            since: Instant::now(),
            rest: None,
        });
    }
}

/// Keeps a connection whose reply should end soon: whoever takes it next finds out.
pub(super) fn put_unfinished(conn: Box<Conn>, rest: BodyReader) {
    if !conn.spent {
        keep(Idle {
            conn,
            since: Instant::now(),
            rest: Some(rest),
        });
    }
}

/// Keeps a connection whose reply has ended although nobody has read so far.
pub(super) fn put_if_ended(conn: Box<Conn>, rest: BodyReader) {
    let mut idle = Idle {
        conn,
        since: Instant::now(),
        rest: Some(rest),
    };
    if !idle.conn.spent && idle.poll_usable() == Poll::Ready(true) {
        keep(idle);
    }
}

fn keep(mut idle: Idle) {
    idle.conn.settle();
    // The pool of a thread that is ending is gone.
    let first = POOL
        .try_with(|pool| pool.borrow_mut().put(idle))
        .unwrap_or(false);
    if first {
        let sweeper = Sweeper;
        // Outside a runtime nobody could use the connection again: then the sweeper ends here, and it with it.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(sweep_idle_connections(sweeper));
        }
    }
}

impl Pool {
    fn take(&mut self, origin: *const Origin) -> Option<Box<Conn>> {
        let idle = self.idle.get_mut(&origin)?;
        let mut lingering = VecDeque::new();
        let mut found = None;
        while let Some(mut last) = idle.pop_back() {
            self.count -= 1;
            match last.poll_usable() {
                Poll::Ready(true) => {
                    found = Some(last.conn);
                    break;
                }
                Poll::Ready(false) => {}
                Poll::Pending => lingering.push_front(last),
            }
        }
        self.count += lingering.len();
        idle.append(&mut lingering);
        if idle.is_empty() {
            self.idle.remove(&origin);
        }
        found
    }

    /// Says whether somebody has to start the sweeper.
    fn put(&mut self, idle: Idle) -> bool {
        let origin = Arc::as_ptr(&idle.conn.slot.origin);
        let same = self.idle.entry(origin).or_default();
        same.push_back(idle);
        self.count += 1;
        if same.len() > IDLE_PER_ORIGIN_MAX {
            same.pop_front();
            self.count -= 1;
        }
        if self.count > IDLE_PER_THREAD_MAX {
            self.drop_oldest();
        }
        !std::mem::replace(&mut self.swept, true)
    }

    /// The newest is the most likely to be used next, whoever's it is.
    fn drop_oldest(&mut self) {
        let oldest = self.idle.values_mut().filter(|idle| !idle.is_empty());
        if let Some(oldest) = oldest.min_by_key(|idle| idle.front().map(|first| first.since)) {
            oldest.pop_front();
            self.count -= 1;
        }
    }

    fn sweep(&mut self) {
        self.idle.retain(|_, idle| {
            idle.retain_mut(|idle| idle.poll_usable() != Poll::Ready(false));
            !idle.is_empty()
        });
        self.count = self.idle.values().map(VecDeque::len).sum();
    }
}

impl Idle {
    /// `Pending`: not yet.
    fn poll_usable(&mut self) -> Poll<bool> {
        let age = self.since.elapsed();
        let Some(rest) = &mut self.rest else {
            return Poll::Ready(age < IDLE_MAX && self.conn.is_quiet());
        };
        if age >= LINGER_MAX {
            return Poll::Ready(false);
        }
        let mut cx = Context::from_waker(Waker::noop());
        while let Poll::Ready(piece) = rest.poll_piece(&mut self.conn, &mut cx) {
            match piece {
                Ok(Some(_)) if rest.bytes() <= LINGER_BYTES_MAX => {}
                Ok(Some(_)) | Err(_) => return Poll::Ready(false),
                Ok(None) => {
                    self.rest = None;
                    return Poll::Ready(!self.conn.spent && self.conn.is_quiet());
                }
            }
        }
        Poll::Pending
    }
}

/// Closes what was idle for too long. One per thread, for as long as its pool is not empty.
async fn sweep_idle_connections(_running: Sweeper) {
    loop {
        sleep(IDLE_SWEEP).await;
        let empty = POOL.with_borrow_mut(|pool| {
            pool.sweep();
            pool.count == 0
        });
        if empty {
            return;
        }
    }
}

/// Says, however the sweeper ends, that there is none; with its runtime all idle connections end.
struct Sweeper;

impl Drop for Sweeper {
    fn drop(&mut self) {
        let _ = POOL.try_with(|pool| std::mem::take(&mut *pool.borrow_mut()));
    }
}
