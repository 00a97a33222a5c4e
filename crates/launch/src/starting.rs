//! Where programs are started: beside what serves.
//!
//! Starting a program takes milliseconds in which the system copies, maps and links. Owns the threads that wait for
//! that, so many at a time, and no runtime does.

use std::io;
use std::sync::Arc;
use std::thread;

use tokio::sync::{Semaphore, oneshot};

use crate::LaunchError;
use crate::limits::STARTS_AT_ONCE;

/// The starts of one launcher.
#[derive(Debug)]
pub(crate) struct Starts(Arc<Semaphore>);

impl Default for Starts {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(STARTS_AT_ONCE)))
    }
}

impl Starts {
    /// Does the work, which starts something, on a thread of its own. Whoever stops waiting undoes it by dropping what
    /// comes of it.
    pub(crate) async fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, LaunchError> {
        let failed = |why: &str| LaunchError::Pipes(io::Error::other(why.to_owned()));
        let turn = self.0.clone().acquire_owned().await;
        let (tell, told) = oneshot::channel();
        thread::Builder::new()
            .name("start".to_owned())
            .spawn(move || {
                // Nobody may wait any more.
                let _ = tell.send(work());
                drop(turn);
            })
            .map_err(LaunchError::Pipes)?;
        told.await
            .map_err(|_| failed("the thread that starts programs has ended"))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc};
    use std::time::Duration;

    use tokio::task::JoinSet;

    use super::*;

    #[tokio::test]
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
