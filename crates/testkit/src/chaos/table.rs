//! A run as people and programs read it.

use serde_json::json;

use super::load::{Tally, percentile_ms};
use super::verdict::Verdict;
use super::{Options, Report, Round};

/// A round that has just ended, in one line.
pub(super) fn progress(number: usize, round: &Round) -> String {
    format!(
        "round {number}: {:.1} s, {} kills",
        round.took.as_secs_f64(),
        round.kills
    )
}

/// The whole run.
pub(super) fn report(
    options: &Options,
    servers: &[String],
    quiet: &Tally,
    rounds: &[Round],
    descriptors_left: usize,
    verdict: Verdict,
) -> Report {
    let mut text = String::from(
        "round  calls   own  other  failed  cancelled  wrong  kills  sound p50  p99 ms  left out  processes  fds  MB RSS\n",
    );
    text.push_str(&line(
        "quiet",
        quiet,
        ["-".into(), "-".into(), "-".into(), "-".into()],
    ));
    for (index, round) in rounds.iter().enumerate() {
        let rest = [
            round.kills.to_string(),
            round.processes.to_string(),
            round.descriptors.to_string(),
            format!("{:.1}", round.memory_kb as f64 / 1024.0),
        ];
        text.push_str(&line(&(index + 1).to_string(), &round.tally, rest));
    }
    let ([before, after], [control_before, control_after]) = (verdict.p99_ms, verdict.control_ms);
    text.push_str(&format!(
        "\np99 of sound servers: {after:.2} ms in the rounds, {before:.2} ms alone, ratio {:.2}\n\
         p99 of one without the gateway: {control_after:.2} ms in the rounds, {control_before:.2} ms alone\n\
         file descriptors of the gateway with every server stopped: {descriptors_left}\n",
        verdict.ratio
    ));
    for wrong in &verdict.wrong {
        text.push_str(&format!("WRONG: {wrong}\n"));
    }
    if verdict.wrong.is_empty() {
        text.push_str("every call was answered exactly once, nothing grew, nothing is left\n");
    }
    let rows: Vec<_> = rounds
        .iter()
        .map(|round| {
            json!({"calls": round.tally.calls, "own": round.tally.own, "results": round.tally.results,
                "failures": round.tally.failures, "cancelled": round.tally.cancelled,
                "wrong": round.tally.wrong.len(), "kills": round.kills,
                "sound_p50_ms": percentile_ms(&round.tally.sound, 500), "sound_p99_ms": percentile_ms(&round.tally.sound, 990),
                "processes": round.processes, "descriptors": round.descriptors, "rss_kb": round.memory_kb,
                "seconds": round.took.as_secs_f64()})
        })
        .collect();
    let json = json!({"seed": options.seed, "servers": servers, "rounds": rows, "quiet_p99_ms": before,
        "p99_ms": after, "ratio": verdict.ratio, "descriptors_left": descriptors_left, "wrong": verdict.wrong});
    Report {
        text,
        json,
        wrong: verdict.wrong,
    }
}

fn line(name: &str, tally: &Tally, [kills, processes, descriptors, memory]: [String; 4]) -> String {
    format!(
        "{name:>5}  {:>5}  {:>4}  {:>5}  {:>6}  {:>9}  {:>5}  {kills:>5}  {:>9.2}  {:>6.2}  {:>8}  {processes:>9}  {descriptors:>3}  {memory:>6}\n",
        tally.calls,
        tally.own,
        tally.results,
        tally.failures,
        tally.cancelled,
        tally.wrong.len(),
        percentile_ms(&tally.sound, 500),
        percentile_ms(&tally.sound, 990),
        tally.left_out,
    )
}
