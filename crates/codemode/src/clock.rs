//! The time of a script, which stands still while a person is waited for.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::limits::PERSON_WAIT_MAX;

/// Counts down from the wall time of a script.
#[derive(Debug)]
pub(crate) struct Clock {
    state: Mutex<State>,
    changed: Notify,
    /// For whoever must hear that it began to stand still, or to go on.
    turned: Notify,
}

#[derive(Debug)]
struct State {
    /// When the time is over, if nobody is waited for.
    deadline: Instant,
    /// Since when people are waited for, and by how many calls.
    paused: Option<(Instant, usize)>,
    /// However long people take.
    last: Instant,
}

impl Clock {
    pub(crate) fn start(wall: Duration) -> Self {
        let deadline = Instant::now() + wall;
        Self {
            state: Mutex::new(State {
                deadline,
                paused: None,
                last: deadline + PERSON_WAIT_MAX,
            }),
            changed: Notify::new(),
            turned: Notify::new(),
        }
    }

    /// The time that is left, if people answer at once.
    #[cfg(test)]
    fn left(&self) -> Duration {
        let state = self.lock();
        let now = state.paused.map_or_else(Instant::now, |(since, _)| since);
        state.deadline.saturating_duration_since(now)
    }

    /// The time after which it is over if nothing changes.
    pub(crate) fn until(&self) -> Duration {
        let state = self.lock();
        let until = if state.paused.is_some() {
            state.last
        } else {
            state.deadline
        };
        until.saturating_duration_since(Instant::now())
    }

    /// Waits until it has begun to stand still, or to go on, since this was last asked.
    pub(crate) async fn turned(&self) {
        self.turned.notified().await;
    }

    /// Waits until `grace` after the time is over.
    pub(crate) async fn over(&self, grace: Duration) {
        loop {
            let changed = self.changed.notified();
            let until = {
                let state = self.lock();
                if state.paused.is_some() {
                    state.last
                } else {
                    state.deadline + grace
                }
            };
            tokio::select! {
                () = tokio::time::sleep_until(until) => return,
                () = changed => {}
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl gateway::scripts::Clock for Clock {
    fn pause(&self) {
        {
            let mut state = self.lock();
            let (since, waiting) = state.paused.unwrap_or_else(|| (Instant::now(), 0));
            state.paused = Some((since, waiting + 1));
        }
        self.changed.notify_one();
        self.turned.notify_one();
    }

    fn resume(&self) {
        {
            let mut state = self.lock();
            state.paused = match state.paused {
                Some((since, 0 | 1)) => {
                    state.deadline = (state.deadline + since.elapsed()).min(state.last);
                    None
                }
                Some((since, waiting)) => Some((since, waiting - 1)),
                None => None,
            };
        }
        self.changed.notify_one();
        self.turned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use gateway::scripts::Clock as _;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_stands_still_while_anybody_waits() {
        let clock = Clock::start(Duration::from_secs(10));
        tokio::time::advance(Duration::from_secs(4)).await;
        clock.pause();
        clock.pause();
        tokio::time::advance(Duration::from_secs(100)).await;
        clock.resume();
        tokio::time::advance(Duration::from_secs(100)).await;
        assert_eq!(clock.left(), Duration::from_secs(6));
        clock.resume();
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(clock.left(), Duration::from_secs(5));
        let before = Instant::now();
        clock.over(Duration::ZERO).await;
        assert_eq!(before.elapsed().as_secs(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_person_who_never_answers_ends_it_too() {
        let clock = Clock::start(Duration::from_secs(10));
        clock.pause();
        let before = Instant::now();
        clock.over(Duration::ZERO).await;
        assert_eq!(before.elapsed(), PERSON_WAIT_MAX + Duration::from_secs(10));
    }
}
