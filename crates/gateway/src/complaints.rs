//! What a server does wrong without going down: counted, and told to whoever looks at its state. Calls learn of it only
//! as an answer that did not come.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::Fault;
use crate::outbox::lock;

/// See the module.
#[derive(Default)]
pub(crate) struct Complaints {
    unreadable: AtomicU64,
    too_long: AtomicU64,
    strange_ids: AtomicU64,
    /// How often it was ended because it hung.
    hung: AtomicU64,
    /// Why its last call failed, if it did.
    call: Mutex<Option<String>>,
}

impl Complaints {
    /// What it sent is no message.
    pub(crate) fn unreadable(&self) {
        self.unreadable.fetch_add(1, Ordering::Relaxed);
    }

    /// A message was longer than what is read.
    pub(crate) fn too_long(&self) {
        self.too_long.fetch_add(1, Ordering::Relaxed);
    }

    /// It answered with an id that cannot be one of ours.
    pub(crate) fn strange_id(&self) {
        self.strange_ids.fetch_add(1, Ordering::Relaxed);
    }

    /// It was ended because it did not answer when nobody else asked anything.
    pub(crate) fn hung(&self) {
        self.hung.fetch_add(1, Ordering::Relaxed);
    }

    /// One of its calls was answered, or it has begun anew: what was wrong with a call before is over.
    pub(crate) fn call_answered(&self) {
        lock(&self.call).take();
    }

    /// One of its calls was not answered by it.
    pub(crate) fn call_failed(&self, fault: &Fault) {
        let why = match fault {
            Fault::Unavailable { reason, .. } => reason.clone(),
            Fault::NoRoom { .. } => fault.to_string(),
            Fault::TimedOut { after_s, .. } => format!("no answer within {after_s} s"),
            // Deaths are the breaker's business, the rest is not the server's.
            _ => return,
        };
        *lock(&self.call) = Some(why);
    }

    /// All of it, for people.
    pub(crate) fn reasons(&self) -> Vec<String> {
        let call = lock(&self.call).clone();
        let mut reasons: Vec<String> = call
            .map(|why| format!("its last call failed: {why}"))
            .into_iter()
            .collect();
        for (count, what) in [
            (&self.unreadable, "that could not be read"),
            (&self.too_long, "that were too long"),
            (&self.strange_ids, "that answer ids we never use"),
        ] {
            match count.load(Ordering::Relaxed) {
                0 => {}
                count => reasons.push(format!("messages {what}: {count}")),
            }
        }
        match self.hung.load(Ordering::Relaxed) {
            0 => {}
            times => reasons.push(format!(
                "ended {times} times because it did not answer a ping; the next call starts it again"
            )),
        }
        reasons
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_counted_and_a_good_call_takes_back_a_bad_one() {
        let complaints = Complaints::default();
        assert!(complaints.reasons().is_empty());
        complaints.too_long();
        complaints.too_long();
        complaints.call_failed(&Fault::TimedOut {
            server: "a".into(),
            after_s: 2,
        });
        complaints.call_failed(&Fault::Cancelled);
        assert_eq!(
            complaints.reasons(),
            [
                "its last call failed: no answer within 2 s",
                "messages that were too long: 2"
            ]
        );
        complaints.call_answered();
        assert_eq!(complaints.reasons().len(), 1);
    }
}
