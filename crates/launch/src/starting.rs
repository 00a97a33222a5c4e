//! Where programs are started: beside what serves.
//!
//! Starting a program takes milliseconds in which the system copies, maps and links. Owns the threads that wait for
//! that, and how many of them may keep processors busy: half of these, so that calls to servers that run find one
//! that is free. Who takes long only waits for something, and does not hold up the others, up to a number.

use std::io;
use std::sync::Arc;
use std::thread;

use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

use crate::LaunchError;
use crate::limits::{START_BUSY, STARTS_AT_ONCE};

/// The starts of one launcher.
#[derive(Debug)]
pub(crate) struct Starts {
    all: Arc<Semaphore>,
    busy: Arc<Semaphore>,
}

impl Default for Starts {
    fn default() -> Self {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        Self::busy_at_once((processors / 2).clamp(1, STARTS_AT_ONCE))
    }
}

impl Starts {
    fn busy_at_once(busy: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(STARTS_AT_ONCE)),
            busy: Arc::new(Semaphore::new(busy)),
        }
    }

    /// Does the work, which starts something, on a thread of its own. Whoever stops waiting undoes it by dropping what
    /// comes of it.
    pub(crate) async fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, LaunchError> {
        let failed = |why: &str| LaunchError::Pipes(io::Error::other(why.to_owned()));
        let turn = self.all.clone().acquire_owned().await;
        let busy = self.busy.acquire().await;
        let (tell, mut told) = oneshot::channel();
        thread::Builder::new()
            .name("start".to_owned())
            .spawn(move || {
                // Nobody may wait any more.
                let _ = tell.send(work());
                drop(turn);
            })
            .map_err(LaunchError::Pipes)?;
        let soon = timeout(START_BUSY, &mut told).await;
        drop(busy);
        let done = match soon {
            Ok(done) => done,
            Err(_) => told.await,
        };
        done.map_err(|_| failed("the thread that starts programs has ended"))
    }
}

#[cfg(test)]
mod tests {
    use std::future::{Future as _, poll_fn};
    use std::sync::{Mutex, mpsc};
    use std::task::Poll;
    use std::time::Duration;

    use tokio::task::{JoinSet, spawn_blocking};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_next_starts_once_one_has_started_or_takes_long() {
        let starts = Arc::new(Starts::busy_at_once(1));
        let (go_on, goes_on) = mpsc::sync_channel::<()>(1);
        // While it runs, time stands still.
        let (let_time_go, time_goes) = mpsc::sync_channel::<()>(1);
        let clock = spawn_blocking(move || time_goes.recv());
        let slow = tokio::spawn({
            let starts = starts.clone();
            async move { starts.apart(move || goes_on.recv()).await }
        });
        tokio::task::yield_now().await;
        let mut next = Box::pin(starts.apart(|| "next"));
        let waits = poll_fn(|cx| Poll::Ready(next.as_mut().poll(cx).is_pending())).await;
        assert!(waits);
        assert_eq!(starts.busy.available_permits(), 0);
        let_time_go.send(()).unwrap();
        clock.await.unwrap().unwrap();
        assert_eq!(next.await.unwrap(), "next");
        go_on.send(()).unwrap();
        slow.await.unwrap().unwrap().unwrap();
        assert_eq!(starts.busy.available_permits(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_start_at_a_time_and_then_the_next() {
        let starts = Arc::new(Starts::default());
        let (began, begins) = mpsc::sync_channel(STARTS_AT_ONCE + 1);
        let (go_on, goes_on) = mpsc::sync_channel::<()>(STARTS_AT_ONCE + 1);
        let goes_on = Arc::new(Mutex::new(goes_on));
        let mut all = JoinSet::new();
        for _ in 0..=STARTS_AT_ONCE {
            let (starts, began, goes_on) = (starts.clone(), began.clone(), goes_on.clone());
            all.spawn(async move {
                let work = move || {
                    began.send(()).unwrap();
                    goes_on.lock().unwrap().recv().unwrap();
                };
                starts.apart(work).await.unwrap();
            });
        }
        let watching = thread::spawn(move || {
            for _ in 0..STARTS_AT_ONCE {
                begins.recv().unwrap();
            }
            let early = begins.recv_timeout(Duration::from_millis(50)).is_ok();
            for _ in 0..=STARTS_AT_ONCE {
                go_on.send(()).unwrap();
            }
            begins.recv().unwrap();
            early
        });
        all.join_all().await;
        assert!(!watching.join().unwrap());
    }

    #[tokio::test]
    async fn work_that_panics_is_an_error() {
        let done = Starts::default().apart(|| panic!("on purpose")).await;
        assert!(done.unwrap_err().to_string().contains("has ended"));
    }
}
