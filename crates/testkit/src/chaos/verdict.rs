//! What must be true of a run.

use super::Round;
use super::load::{Tally, percentile_ms};

/// How much slower than alone the slowest sound calls may be.
const SLOWER: f64 = 2.0;
/// File descriptors that the gateway may hold more than when it had just begun: what it opens at first use, and then keeps
/// (the file of records, the namespace of users of its boxes, what waits for processes).
pub(super) const SPARE_DESCRIPTORS: usize = 16;
/// Rounds until everything that is kept for reuse is there.
const WARMING: usize = 4;
/// What of memory is not growth.
const SPARE_SHARE: f64 = 0.1;
const SPARE_KB: u64 = 4 << 10;
/// Something that must not grow.
struct Count {
    name: &'static str,
    of: fn(&Round) -> u64,
    /// Which of several rounds says how much there is.
    among: fn(&mut dyn Iterator<Item = u64>) -> Option<u64>,
    /// How much more of it is not growth.
    spare: u64,
}
const COUNTS: [Count; 3] = [
    Count {
        name: "processes",
        of: |round| round.processes as u64,
        among: |rounds| rounds.max(),
        spare: 8,
    },
    Count {
        name: "file descriptors",
        of: |round| round.descriptors as u64,
        among: |rounds| rounds.max(),
        spare: 32,
    },
    // A round may end while a line of the longest kind is being read, or not: what stays is in the least.
    Count {
        name: "kB of memory",
        of: |round| round.memory_kb,
        among: |rounds| rounds.min(),
        spare: SPARE_KB,
    },
];
/// How many of many complaints are told.
const TOLD: usize = 10;

/// What was found wrong.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) wrong: Vec<String>,
    /// The slowest sound calls of the rounds together, against the quiet phase.
    pub(super) ratio: f64,
    /// Alone and in the rounds: through the gateway, and without it.
    pub(super) p99_ms: [f64; 2],
    pub(super) control_ms: [f64; 2],
}

impl Verdict {
    pub(super) fn wrong(&mut self, what: String) {
        self.wrong.push(what);
    }

    /// Each call was answered exactly once, and sound servers answered right.
    pub(super) fn answered(&mut self, tally: &Tally) {
        for (all, what) in [
            (&tally.wrong, "calls not answered exactly once"),
            (
                &tally.unsound,
                "calls to sound servers without their answer",
            ),
        ] {
            if !all.is_empty() {
                let some = &all[..all.len().min(TOLD)];
                self.wrong(format!(
                    "{} {what}:\n    {}",
                    all.len(),
                    some.join("\n    ")
                ));
            }
        }
    }

    /// Nothing grows from round to round.
    pub(super) fn steady(&mut self, rounds: &[Round]) {
        if rounds.len() < 2 * WARMING {
            return;
        }
        let (first, last) = (&rounds[1..=WARMING], &rounds[rounds.len() - 3..]);
        for Count {
            name: what,
            of,
            among,
            spare,
        } in COUNTS
        {
            let there = |rounds: &[Round]| among(&mut rounds.iter().map(of)).unwrap_or(0);
            let (before, after) = (there(first), there(last));
            let allowed = before + spare.max((before as f64 * SPARE_SHARE) as u64);
            if after > allowed {
                self.wrong(format!(
                    "{what} grow: {before} in the first rounds, {after} in the last"
                ));
            }
        }
    }

    /// Sound servers answer as fast as they do alone, or nearly so.
    pub(super) fn undisturbed(&mut self, quiet: &Tally, rounds: &[Round]) {
        let (mut sound, mut control) = (Vec::new(), Vec::new());
        for round in rounds {
            sound.extend(&round.tally.sound);
            control.extend(&round.tally.control);
        }
        sound.sort();
        control.sort();
        let p99 = |of: &[_]| percentile_ms(of, 990);
        self.p99_ms = [p99(&quiet.sound), p99(&sound)];
        self.control_ms = [p99(&quiet.control), p99(&control)];
        self.ratio = self.p99_ms[1] / self.p99_ms[0];
        if self.ratio > SLOWER {
            // What the same load does to a server without a gateway is the machine's doing; told, not forgiven.
            let machine = self.control_ms[1] / self.control_ms[0];
            let ratio = self.ratio;
            self.wrong(format!(
                "the p99 of sound servers is {ratio:.2} times that of the quiet phase, and {machine:.2} times without the gateway"
            ));
        }
    }

    /// With every server stopped, the gateway holds what it held at first.
    pub(super) fn closed(&mut self, at_rest: usize, left: usize) {
        if left > at_rest + SPARE_DESCRIPTORS {
            self.wrong(format!("the gateway holds {left} file descriptors with nothing to do; it began with {at_rest}"));
        }
    }
}
