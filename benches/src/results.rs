//! What a run found: every round kept, medians and ratios drawn from them.
//!
//! A ratio is taken round by round between neighbours in time, and its median kept: absolute numbers drift with the
//! machine, neighbours drift together.

use serde::Serialize;

use crate::calls::Sample;
use crate::process::Cpu;

/// The whole of a run, as it is written to the JSON file.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Results {
    pub machine: String,
    pub rounds: usize,
    pub seconds: f64,
    pub http: Vec<Row>,
    pub stdio: Vec<Row>,
    /// The same before a server that has something to do.
    pub stdio_busy: Vec<Row>,
    /// Between clients and servers of both eras.
    pub bridge: Vec<Row>,
    pub start: Vec<Start>,
    pub memory: Vec<Memory>,
    /// What could not be measured, and why.
    pub missing: Vec<String>,
}

/// One subject under one load.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub subject: String,
    pub payload_bytes: usize,
    pub in_flight: usize,
    pub rounds: Vec<Round>,
}

/// One round of it.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Round {
    pub calls_per_s: f64,
    pub p50_us: f64,
    pub p99_us: f64,
    /// CPU time of the relay's process per call; none for what has no relay.
    pub cpu_user_us: Option<f64>,
    pub cpu_system_us: Option<f64>,
    pub errors: u64,
}

/// Times of one way to start, in milliseconds.
#[derive(Debug, Serialize)]
pub(crate) struct Start {
    pub subject: String,
    pub what: String,
    pub servers: usize,
    pub ms: Vec<f64>,
}

/// Memory of one kind, in bytes.
#[derive(Debug, Serialize)]
pub(crate) struct Memory {
    pub subject: String,
    pub what: MemoryOf,
    pub bytes: f64,
}

/// What the memory is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MemoryOf {
    Rest,
    Session,
    UsedSession,
    SessionWithConnection,
    SessionWithStream,
}

impl Results {
    /// Every row of calls.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &Row> {
        let stdio = self.stdio.iter().chain(&self.stdio_busy);
        self.http.iter().chain(stdio).chain(&self.bridge)
    }
}

impl Round {
    /// CPU time per call, whatever it was spent on.
    pub(crate) fn cpu_us(&self) -> f64 {
        let user = self.cpu_user_us.unwrap_or(f64::NAN);
        user + self.cpu_system_us.unwrap_or(f64::NAN)
    }

    pub(crate) fn new(mut sample: Sample, cpu: Option<(Cpu, Cpu)>) -> Self {
        sample.latencies_ns.sort_unstable();
        let at = |part: f64| {
            let index = (sample.latencies_ns.len() as f64 * part) as usize;
            sample
                .latencies_ns
                .get(index)
                .or(sample.latencies_ns.last())
                .map_or(0.0, |ns| f64::from(*ns) / 1e3)
        };
        let per_call =
            |before: f64, after: f64| (after - before) / (sample.all_calls.max(1) as f64);
        Self {
            calls_per_s: sample.calls as f64 / sample.seconds.max(1e-9),
            p50_us: at(0.5),
            p99_us: at(0.99),
            cpu_user_us: cpu.map(|(before, after)| per_call(before.user_us, after.user_us)),
            cpu_system_us: cpu.map(|(before, after)| per_call(before.system_us, after.system_us)),
            errors: sample.errors,
        }
    }
}

impl Row {
    /// The median of one number over the rounds.
    pub(crate) fn median(&self, of: impl Fn(&Round) -> f64) -> f64 {
        median(self.rounds.iter().map(of).collect())
    }

    /// The median of this row's number over another's, round by round.
    pub(crate) fn ratio(&self, other: &Self, of: impl Fn(&Round) -> f64) -> f64 {
        median(
            self.rounds
                .iter()
                .zip(&other.rounds)
                .map(|(own, other)| of(own) / of(other))
                .collect(),
        )
    }

    /// The median of what this row's number has more than another's, round by round.
    pub(crate) fn more(&self, other: &Self, of: impl Fn(&Round) -> f64) -> f64 {
        let rounds = self.rounds.iter().zip(&other.rounds);
        median(rounds.map(|(own, other)| of(own) - of(other)).collect())
    }

    pub(crate) fn errors(&self) -> u64 {
        self.rounds.iter().map(|round| round.errors).sum()
    }
}

/// The row of a subject under the same load as another row.
pub(crate) fn beside<'a>(rows: &'a [Row], row: &Row, subject: &str) -> Option<&'a Row> {
    find(rows, subject, row.payload_bytes, row.in_flight)
}

pub(crate) fn find<'a>(
    rows: &'a [Row],
    subject: &str,
    payload_bytes: usize,
    in_flight: usize,
) -> Option<&'a Row> {
    rows.iter().find(|row| {
        row.subject == subject && row.payload_bytes == payload_bytes && row.in_flight == in_flight
    })
}

/// What `row` adds to the p50 of `direct`, over what `blind` adds, round by round.
pub(crate) fn added(row: &Row, direct: &Row, blind: &Row) -> f64 {
    let rounds = row.rounds.iter().zip(&direct.rounds).zip(&blind.rounds);
    median(
        rounds
            .map(|((own, direct), blind)| {
                (own.p50_us - direct.p50_us) / (blind.p50_us - direct.p50_us)
            })
            .collect(),
    )
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.retain(|value| value.is_finite());
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => values[odd / 2],
        even => f64::midpoint(values[even / 2 - 1], values[even / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::{Round, Row, median};

    #[test]
    fn the_median_of_nothing_is_not_a_number() {
        assert!(median(Vec::new()).is_nan());
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, f64::NAN, 3.0]), 2.5);
    }

    #[test]
    fn ratios_are_taken_between_neighbours() {
        let row = |speeds: [f64; 3]| Row {
            subject: String::new(),
            payload_bytes: 1,
            in_flight: 1,
            rounds: speeds
                .map(|calls_per_s| Round {
                    calls_per_s,
                    ..Round::default()
                })
                .into(),
        };
        let (fast, slow) = (row([20.0, 200.0, 30.0]), row([10.0, 100.0, 10.0]));
        assert_eq!(fast.ratio(&slow, |round| round.calls_per_s), 2.0);
        assert_eq!(fast.more(&slow, |round| round.calls_per_s), 20.0);
    }
}
