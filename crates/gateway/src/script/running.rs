//! How many scripts run: each is a process, so there is a limit for all of them and one for each caller.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::front::Caller;
use crate::limits::{SCRIPTS_MAX, SCRIPTS_PER_CALLER_MAX};
use crate::outbox::lock;

/// See the module.
#[derive(Default)]
pub(crate) struct Running(Mutex<HashMap<Caller, usize>>);

/// One of them, until it is dropped.
pub(crate) struct Turn<'a> {
    running: &'a Running,
    caller: &'a Caller,
}

impl Running {
    /// Lets one more begin; none if there are too many.
    pub(crate) fn begin<'a>(&'a self, caller: &'a Caller) -> Option<Turn<'a>> {
        let mut running = lock(&self.0);
        let own = running.get(caller).copied().unwrap_or_default();
        if own >= SCRIPTS_PER_CALLER_MAX || running.values().sum::<usize>() >= SCRIPTS_MAX {
            return None;
        }
        running.insert(caller.clone(), own + 1);
        Some(Turn {
            running: self,
            caller,
        })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut running = lock(&self.running.0);
        if let Some(own) = running.get_mut(self.caller) {
            *own -= 1;
            if *own == 0 {
                running.remove(self.caller);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_so_many_of_each_and_of_all() {
        let running = Running::default();
        let callers: Vec<Caller> = (0..=SCRIPTS_MAX / SCRIPTS_PER_CALLER_MAX)
            .map(|n| Caller(n.to_string().into()))
            .collect();
        let turns: Vec<_> = callers
            .iter()
            .flat_map(|caller| (0..=SCRIPTS_PER_CALLER_MAX).map(|_| running.begin(caller)))
            .collect();
        let begun = turns.iter().flatten().count();
        assert_eq!(begun, SCRIPTS_MAX);
        assert!(turns[SCRIPTS_PER_CALLER_MAX].is_none(), "one caller's");
        drop(turns);
        assert!(running.begin(&callers[0]).is_some());
        assert_eq!(lock(&running.0).len(), 0);
    }
}
