//! Tasks that end with something.

use std::sync::Mutex;

use tokio::task::{AbortHandle, JoinHandle};

use crate::outbox::lock;

/// The tasks of one connection, ended when this is dropped.
#[derive(Default)]
pub(super) struct KeptTasks(Mutex<Vec<AbortHandle>>);

impl KeptTasks {
    /// Adds one, and lets go of those that have ended by themselves: a handle holds the memory of its task, and a server
    /// that forgets its sessions causes one task for each.
    pub(super) fn keep(&self, task: &JoinHandle<()>) {
        let mut tasks = lock(&self.0);
        tasks.retain(|task| !task.is_finished());
        tasks.push(task.abort_handle());
    }

    /// Ends them all.
    pub(super) fn end(&self) {
        for task in lock(&self.0).drain(..) {
            task.abort();
        }
    }
}

impl Drop for KeptTasks {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_has_ended_is_not_kept_and_the_rest_ends_with_it() {
        let kept = KeptTasks::default();
        for _ in 0..10 {
            let task = tokio::spawn(async {});
            kept.keep(&task);
            task.await.expect("it ends by itself");
        }
        let task = tokio::spawn(std::future::pending());
        kept.keep(&task);
        assert_eq!(lock(&kept.0).len(), 1);

        drop(kept);
        assert!(task.await.is_err_and(|error| error.is_cancelled()));
    }
}
