//! The programs of `cmd:` references, run where whoever asks may be a runtime, and not twice for what one action starts: such a
//! program may want a key touched.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use launch::ProgramRunner;
use secrets::{RunError, Runner};
use zeroize::Zeroizing;

use crate::launchers;
use crate::limits::{COMMAND_KEPT, COMMANDS_KEPT_MAX};

/// See the module.
pub(crate) struct Programs {
    runner: Arc<dyn Runner>,
    kept: Mutex<HashMap<Vec<String>, Told>>,
}

/// What a program told, and when.
type Told = (Instant, Zeroizing<Vec<u8>>);

impl Programs {
    pub(crate) fn new() -> Self {
        let runner = ProgramRunner::new(launch::Options {
            guard: launchers::own_program(),
            ..launch::Options::inherited()
        });
        Self::over(Arc::new(runner))
    }

    fn over(runner: Arc<dyn Runner>) -> Self {
        Self {
            runner,
            kept: Mutex::default(),
        }
    }

    /// What a program told a moment ago.
    fn known(&self, words: &[String]) -> Option<Zeroizing<Vec<u8>>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, (since, _)| since.elapsed() < COMMAND_KEPT);
        kept.get(words).map(|(_, told)| told.clone())
    }
}

impl Runner for Programs {
    fn run(
        &self,
        words: &[String],
        deadline: Duration,
        bytes_max: usize,
    ) -> Result<Zeroizing<Vec<u8>>, RunError> {
        if let Some(told) = self.known(words) {
            return Ok(told);
        }
        let (runner, all) = (self.runner.clone(), words.to_vec());
        let thread = std::thread::Builder::new().name("secret".into());
        let running = thread.spawn(move || runner.run(&all, deadline, bytes_max));
        let told = running.map_err(RunError::Start)?.join();
        let broken = |_| RunError::Start(std::io::Error::other("running it broke down"));
        let told = told.map_err(broken)??;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < COMMANDS_KEPT_MAX {
            kept.insert(words.to_vec(), (Instant::now(), told.clone()));
        }
        Ok(told)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Says how often it was asked.
    struct Counting(AtomicUsize);

    impl Runner for Counting {
        fn run(
            &self,
            words: &[String],
            _: Duration,
            _: usize,
        ) -> Result<Zeroizing<Vec<u8>>, RunError> {
            let times = self.0.fetch_add(1, Ordering::Relaxed) + 1;
            match words[0].as_str() {
                "fails" => Err(RunError::TooMuch(1)),
                _ => Ok(Zeroizing::new(times.to_string().into_bytes())),
            }
        }
    }

    #[test]
    fn one_action_runs_a_program_once_and_a_failure_is_tried_again() {
        let programs = Programs::over(Arc::new(Counting(AtomicUsize::new(0))));
        let run = |word: &str| {
            let told = programs.run(&[word.to_owned()], Duration::ZERO, 9);
            told.map(|told| String::from_utf8(told.to_vec()).unwrap())
                .ok()
        };
        assert_eq!(
            (run("a"), run("a"), run("b")),
            (Some("1".into()), Some("1".into()), Some("2".into()))
        );
        assert_eq!(
            (run("fails"), run("fails"), run("c")),
            (None, None, Some("5".into()))
        );
    }

    #[test]
    fn what_is_remembered_has_an_end() {
        let programs = Programs::over(Arc::new(Counting(AtomicUsize::new(0))));
        for number in 0..COMMANDS_KEPT_MAX + 3 {
            programs
                .run(&[number.to_string()], Duration::ZERO, 9)
                .unwrap();
        }
        assert_eq!(programs.kept.lock().unwrap().len(), COMMANDS_KEPT_MAX);
    }
}
