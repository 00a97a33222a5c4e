//! The results as Markdown: aligned, so that they read well in a terminal too.

use std::fmt::Write;

use crate::WORK_US;
use crate::bridge::PAIRS;
use crate::results::{Memory, MemoryOf, Results, Round, Row, added, beside, find, median};
use crate::subjects::{BLIND, DIRECT, NGINX, PORTOLAN};

/// Every table of a run.
pub(crate) fn render(results: &Results) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{}; {} rounds of {} s in turn, medians; ratios are medians of each round's own.\n",
        results.machine, results.rounds, results.seconds
    );
    if !results.http.is_empty() {
        let _ = writeln!(out, "### Streamable HTTP\n\n{}", http(&results.http));
    }
    if !results.stdio.is_empty() {
        let _ = writeln!(out, "### stdio\n\n{}", stdio(&results.stdio));
    }
    if !results.stdio_busy.is_empty() {
        let _ = writeln!(
            out,
            "### stdio, a server that computes for {WORK_US} µs per call\n\n{}",
            stdio(&results.stdio_busy)
        );
    }
    if !results.bridge.is_empty() {
        let _ = writeln!(
            out,
            "### Between the eras, streamable HTTP\n\n{}",
            bridge(&results.bridge)
        );
    }
    let rest = rest(results);
    if !rest.is_empty() {
        let _ = writeln!(
            out,
            "### At rest\n\n{}",
            aligned(&["", "", "measured"], &rest)
        );
    }
    let budgets = budgets(results);
    if !budgets.is_empty() {
        let _ = writeln!(
            out,
            "### Budgets\n\n{}",
            aligned(&["budget", "at", "measured", ""], &budgets)
        );
    }
    for missing in &results.missing {
        let _ = writeln!(out, "Not measured: {missing}");
    }
    out
}

fn http(rows: &[Row]) -> String {
    let heads = [
        "payload",
        "in flight",
        "through",
        "calls/s",
        "× nginx",
        "× direct",
        "p50 µs",
        "p99 µs",
        "p50 × nginx",
        "CPU µs/call",
        "errors",
    ];
    let lines: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let versus = |name: &str, of: fn(&Round) -> f64| {
                beside(rows, row, name).map_or(String::new(), |other| {
                    format!("{:.2}", row.ratio(other, of))
                })
            };
            let mut line = common(row);
            line.insert(4, versus(NGINX, |round| round.calls_per_s));
            line.insert(5, versus(DIRECT, |round| round.calls_per_s));
            line.insert(8, versus(NGINX, |round| round.p50_us));
            line
        })
        .collect();
    aligned(&heads, &lines)
}

fn stdio(rows: &[Row]) -> String {
    let heads = [
        "payload",
        "in flight",
        "through",
        "calls/s",
        "× blind",
        "× direct",
        "p50 µs",
        "p99 µs",
        "added × blind's",
        "CPU µs/call",
        "errors",
    ];
    let lines: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let versus = |name: &str| {
                let ratio =
                    |other: &Row| format!("{:.2}", row.ratio(other, |round| round.calls_per_s));
                beside(rows, row, name).map_or(String::new(), ratio)
            };
            let over = match (beside(rows, row, DIRECT), beside(rows, row, BLIND)) {
                (Some(direct), Some(blind)) if row.subject != DIRECT && row.in_flight == 1 => {
                    format!("{:.2}", added(row, direct, blind))
                }
                _ => String::new(),
            };
            let mut line = common(row);
            line.insert(4, versus(BLIND));
            line.insert(5, versus(DIRECT));
            line.insert(8, over);
            line
        })
        .collect();
    aligned(&heads, &lines)
}

fn bridge(rows: &[Row]) -> String {
    let heads = [
        "payload",
        "in flight",
        "client → server",
        "calls/s",
        "p50 µs",
        "p99 µs",
        "CPU µs/call",
        "bridge: CPU µs",
        "bridge: p50 µs",
        "errors",
    ];
    let lines: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let more = |of: fn(&Round) -> f64| {
                unbridged(rows, row)
                    .map_or(String::new(), |other| format!("{:.1}", row.more(other, of)))
            };
            let mut line = common(row);
            line.insert(7, more(Round::cpu_us));
            line.insert(8, more(|round| round.p50_us));
            line
        })
        .collect();
    aligned(&heads, &lines)
}

/// The row of the same client before a server of its own era; none for such a row itself.
fn unbridged<'a>(rows: &'a [Row], row: &Row) -> Option<&'a Row> {
    let [same, _] = PAIRS.iter().find(|[_, other]| *other == row.subject)?;
    beside(rows, row, same)
}

/// The columns that the tables have in common.
fn common(row: &Row) -> Vec<String> {
    let has_cpu = row.rounds.iter().any(|round| round.cpu_user_us.is_some());
    let cpu = if has_cpu {
        let user = row.median(|round| round.cpu_user_us.unwrap_or(f64::NAN));
        let system = row.median(|round| round.cpu_system_us.unwrap_or(f64::NAN));
        format!("{user:.0}+{system:.0}")
    } else {
        String::new()
    };
    vec![
        size(row.payload_bytes),
        row.in_flight.to_string(),
        row.subject.clone(),
        thousands(row.median(|round| round.calls_per_s)),
        format!("{:.0}", row.median(|round| round.p50_us)),
        format!("{:.0}", row.median(|round| round.p99_us)),
        cpu,
        row.errors().to_string(),
    ]
}

fn rest(results: &Results) -> Vec<Vec<String>> {
    let starts = results.start.iter().map(|start| {
        let plural = if start.servers == 1 { "" } else { "s" };
        vec![
            start.subject.clone(),
            format!(
                "{}, {} configured server{plural}",
                start.what, start.servers
            ),
            format!("{:.1} ms", median(start.ms.clone())),
        ]
    });
    let memory = results.memory.iter().map(|memory| {
        let what = match memory.what {
            MemoryOf::Rest => "memory at rest",
            MemoryOf::Session => "per idle session",
            MemoryOf::UsedSession => "per idle session that has listed its tools",
            MemoryOf::SessionWithConnection => "per idle session with an open connection",
            MemoryOf::SessionWithStream => "per idle session with an open stream",
        };
        vec![memory.subject.clone(), what.into(), bytes(memory.bytes)]
    });
    starts.chain(memory).collect()
}

/// The budgets that this benchmark can judge.
fn budgets(results: &Results) -> Vec<Vec<String>> {
    const SMALL: usize = 100;
    let mut lines = Vec::new();
    let mut judge = |what: &str, budget: String, measured: String, met: bool| {
        lines.push(vec![
            what.into(),
            budget,
            measured,
            if met { "met" } else { "NOT met" }.into(),
        ]);
    };
    let row = |rows, subject, in_flight| find(rows, subject, SMALL, in_flight);
    if let (Some(own), Some(nginx)) = (
        row(&results.http, PORTOLAN, 16),
        row(&results.http, NGINX, 16),
    ) {
        let ratio = own.ratio(nginx, |round| round.calls_per_s);
        judge(
            "HTTP, 16 in flight: calls/s × nginx",
            "≥ 0.90".into(),
            format!("{ratio:.2}"),
            ratio >= 0.9,
        );
    }
    if let (Some(own), Some(nginx)) = (
        row(&results.http, PORTOLAN, 1),
        row(&results.http, NGINX, 1),
    ) {
        let ratio = own.ratio(nginx, |round| round.p50_us);
        judge(
            "HTTP, 1 in flight: p50 × nginx",
            "≤ 1.25".into(),
            format!("{ratio:.2}"),
            ratio <= 1.25,
        );
    }
    let stdio = &results.stdio;
    if let (Some(own), Some(direct), Some(blind)) = (
        row(stdio, PORTOLAN, 1),
        row(stdio, DIRECT, 1),
        row(stdio, BLIND, 1),
    ) {
        let ratio = added(own, direct, blind);
        judge(
            "stdio, 1 in flight: added p50 × blind's",
            "≤ 1.30".into(),
            format!("{ratio:.2}"),
            ratio <= 1.3,
        );
    }
    for (rows, what) in [(stdio, "light"), (&results.stdio_busy, "busy")] {
        if let (Some(own), Some(direct)) = (row(rows, PORTOLAN, 16), row(rows, DIRECT, 16)) {
            let ratio = own.ratio(direct, |round| round.calls_per_s);
            let what = format!("stdio, 16 in flight, {what} server: calls/s × direct");
            judge(&what, "≥ 0.80".into(), format!("{ratio:.2}"), ratio >= 0.8);
        }
    }
    for row in &results.bridge {
        if let Some(same) = unbridged(&results.bridge, row) {
            let more = row.more(same, Round::cpu_us);
            let (subject, in_flight) = (&row.subject, row.in_flight);
            judge(
                &format!("{subject}, {in_flight} in flight: CPU of the bridge per call"),
                "≤ 15 µs".into(),
                format!("{more:.1} µs"),
                more <= 15.0,
            );
        }
    }
    for start in results
        .start
        .iter()
        .filter(|start| start.subject == PORTOLAN && start.what.starts_with("initialize"))
    {
        let ms = median(start.ms.clone());
        let what = format!("{}, {} configured", start.what, start.servers);
        judge(&what, "< 20 ms".into(), format!("{ms:.1} ms"), ms < 20.0);
    }
    for Memory {
        what, bytes: found, ..
    } in results.memory.iter().filter(|of| of.subject == PORTOLAN)
    {
        let (what, budget) = match what {
            MemoryOf::Rest => ("memory at rest", 20e6),
            MemoryOf::Session => ("session state", 1e3),
            MemoryOf::UsedSession => continue,
            MemoryOf::SessionWithConnection => ("session with an idle connection", 16e3),
            MemoryOf::SessionWithStream => ("session with an open stream", 32e3),
        };
        judge(
            what,
            format!("≤ {}", bytes(budget)),
            bytes(*found),
            *found <= budget,
        );
    }
    lines
}

fn aligned(heads: &[&str], lines: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = lines
            .iter()
            .filter_map(|line| line.get(column))
            .map(|cell| cell.chars().count());
        cells
            .chain([heads[column].chars().count(), 3])
            .max()
            .unwrap_or(3)
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let is_number = |column: usize| {
        let mut cells = lines
            .iter()
            .filter_map(|line| line.get(column))
            .filter(|cell| !cell.is_empty());
        cells.all(|cell| cell.starts_with(|first: char| first.is_ascii_digit() || first == '-'))
    };
    let numbers: Vec<bool> = (0..heads.len()).map(is_number).collect();
    let mut out = String::new();
    let mut push = |cells: &mut dyn Iterator<Item = &str>| {
        for ((cell, width), number) in cells.zip(&widths).zip(&numbers) {
            let gap = " ".repeat(width - cell.chars().count());
            let _ = if *number {
                write!(out, "| {gap}{cell} ")
            } else {
                write!(out, "| {cell}{gap} ")
            };
        }
        out.push_str("|\n");
    };
    push(&mut heads.iter().copied());
    let rules: Vec<String> = widths
        .iter()
        .zip(&numbers)
        .map(|(width, number)| {
            if *number {
                format!("{}:", "-".repeat(width - 1))
            } else {
                "-".repeat(*width)
            }
        })
        .collect();
    push(&mut rules.iter().map(String::as_str));
    for line in lines {
        push(&mut line.iter().map(String::as_str));
    }
    out
}

fn thousands(value: f64) -> String {
    if value >= 10_000.0 {
        format!("{:.1}k", value / 1e3)
    } else {
        format!("{value:.0}")
    }
}

fn size(bytes: usize) -> String {
    if bytes >= 1000 {
        format!("{} kB", bytes / 1000)
    } else {
        format!("{bytes} B")
    }
}

fn bytes(value: f64) -> String {
    match value {
        big if big >= 1e6 => format!("{:.1} MB", big / 1e6),
        middle if middle >= 1e3 => format!("{:.1} kB", middle / 1e3),
        small => format!("{small:.0} B"),
    }
}
