//! Habits in time, and of the process: silence, slowness, crashes, deafness.

use std::time::Duration;

use crate::misbehaving::{Asked, Step, sound};

type Steps = Option<Vec<Step>>;

fn during(is_time: bool, steps: impl FnOnce() -> Vec<Step>) -> Steps {
    is_time.then(steps)
}

/// The sound answer after these steps.
fn after(steps: Vec<Step>, asked: &Asked) -> Vec<Step> {
    let mut all = steps;
    all.extend(sound::steps(asked));
    all
}

pub(super) fn silent(asked: &Asked) -> Steps {
    // Without a request there is no stream to be silent on.
    during(asked.is_request(), || vec![Step::Never])
}

pub(super) fn silent_in_calls(asked: &Asked) -> Steps {
    during(asked.is_call(), || vec![Step::Never])
}

pub(super) fn silent_in_lists(asked: &Asked) -> Steps {
    during(asked.is_list(), || vec![Step::Never])
}

pub(super) fn slow(asked: &Asked) -> Steps {
    let wait = vec![Step::Wait(Duration::from_millis(300))];
    during(asked.is_call(), || after(wait, asked))
}

pub(super) fn slow_to_start(asked: &Asked) -> Steps {
    let wait = vec![Step::Wait(Duration::from_secs(3))];
    during(asked.is_greeting(), || after(wait, asked))
}

pub(super) fn crashes_at_start(asked: &Asked) -> Steps {
    during(asked.is_start(), || vec![Step::Exit(3, "")])
}

pub(super) fn crashes_in_lists(asked: &Asked) -> Steps {
    during(asked.is_list(), || vec![Step::Exit(4, "")])
}

pub(super) fn crashes_in_calls(asked: &Asked) -> Steps {
    during(asked.is_call(), || {
        vec![Step::Exit(
            5,
            r#"{"jsonrpc":"2.0","result":{"content":[{"ty"#,
        )]
    })
}

pub(super) fn closes_stdout(asked: &Asked) -> Steps {
    during(asked.is_call(), || vec![Step::CloseOutput])
}

pub(super) fn reads_nothing(asked: &Asked) -> Steps {
    during(asked.is_call(), || after(vec![Step::StopReading], asked))
}

pub(super) fn deaf(asked: &Asked) -> Steps {
    during(asked.is_start(), || vec![Step::BeDeaf])
}

pub(super) fn forks(asked: &Asked) -> Steps {
    let is_time = asked.is_start() || (asked.is_call() && asked.n.is_multiple_of(10));
    during(is_time, || after(vec![Step::Fork], asked))
}

pub(super) fn chatty_on_stderr(asked: &Asked) -> Steps {
    during(asked.is_start(), || vec![Step::Complain])
}
