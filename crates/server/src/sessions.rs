//! What the HTTP door keeps of sessions: their resumable streams, from the first time one is needed until the
//! session ends. Owns the task that moves a session's outbox into its standalone stream. Whether a session is
//! alive is the gateway's to say; here is only a weak reference to it.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::ready;

use gateway::front::Session;
use transport::resume::{STANDALONE, Streams};

/// The streams of all sessions. Sharded: it is one of the few things that workers share.
#[derive(Default)]
pub(crate) struct Sessions {
    shards: [Mutex<Shard>; 16],
}

#[derive(Default)]
struct Shard {
    kept: HashMap<Box<str>, Kept>,
    /// At this size what belongs to ended sessions is thrown out.
    sweep_at: usize,
}

struct Kept {
    session: Weak<Session>,
    streams: Streams,
    is_listened: bool,
}

impl Sessions {
    /// The streams of a session.
    pub(crate) fn streams(&self, session: &Arc<Session>) -> Streams {
        self.shard(session.id()).of(session).streams.clone()
    }

    /// The streams of a session that somebody listens to: from now on what belongs to no call is among them.
    pub(crate) fn listened(self: &Arc<Self>, session: &Arc<Session>) -> Streams {
        let (streams, is_first) = {
            let mut shard = self.shard(session.id());
            let kept = shard.of(session);
            (
                kept.streams.clone(),
                !std::mem::replace(&mut kept.is_listened, true),
            )
        };
        if is_first {
            tokio::spawn(move_outbox(self.clone(), session.clone(), streams.clone()));
        }
        streams
    }

    /// Lets go of a session that has ended. Whoever still listens to its standalone stream comes to the end of it.
    pub(crate) fn forget(&self, session: &Session) {
        let kept = self.shard(session.id()).kept.remove(session.id());
        if let Some(kept) = kept {
            // A new reader displaces the one that is there, and goes at once.
            drop(kept.streams.attach(STANDALONE));
        }
    }

    fn shard(&self, id: &str) -> MutexGuard<'_, Shard> {
        // Ids are random up to their last letter.
        let last = id.bytes().last().map_or(0, usize::from);
        let shard = &self.shards[last % self.shards.len()];
        // Nothing under this lock can panic half way through a change.
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    fn of(&mut self, session: &Arc<Session>) -> &mut Kept {
        if self.kept.len() >= self.sweep_at && !self.kept.contains_key(session.id()) {
            self.kept.retain(|_, kept| kept.session.strong_count() > 0);
            self.sweep_at = (self.kept.len() * 2).max(64);
        }
        self.kept
            .entry(session.id().into())
            .or_insert_with(|| Kept {
                session: Arc::downgrade(session),
                streams: Streams::new(),
                is_listened: false,
            })
    }
}

/// Runs until the session is closed.
async fn move_outbox(sessions: Arc<Sessions>, session: Arc<Session>, streams: Streams) {
    let moved = poll_fn(|cx| {
        loop {
            ready!(streams.poll_room(STANDALONE, cx));
            match ready!(session.poll_outbox(cx)) {
                Some(message) => drop(streams.push(STANDALONE, &message, None)),
                None => return std::task::Poll::Ready(()),
            }
        }
    });
    moved.await;
    sessions.forget(&session);
}
