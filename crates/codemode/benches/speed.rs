//! What a script costs: `cargo bench -p portolan-codemode`, with `-- --program target/release/portolan` in workers of the
//! shipped program. Prints medians and best times of many rounds; what is
//! slower than the best is mostly the machine.
#![expect(clippy::print_stdout, reason = "the numbers are what this is for")]

use std::io;
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use gateway::scripts::{BoxFuture, Call, CallError, Calls, Script, Tool};
use launch::OwnProcess;
use launch::nursery::{self, Nursery};
use portolan_codemode::worker::Ready;
use portolan_codemode::{CodeMode, Limits, Outcome, Process, Start};
use serde_json::json;
use serde_json::value::RawValue;

struct Worker(OwnProcess);

impl Process for Worker {
    fn end(&mut self) -> Option<i32> {
        self.0.end()
    }
}

/// Calls that take no time.
struct Instantly {
    tool: Arc<Tool>,
    result: Box<RawValue>,
}

impl Calls for Instantly {
    fn tools(&self) -> Vec<Arc<Tool>> {
        vec![self.tool.clone()]
    }

    fn call(&self, _: Call) -> BoxFuture<'_, Result<Box<RawValue>, CallError>> {
        let result = self.result.clone();
        Box::pin(async move { Ok(result) })
    }

    fn search(&self, _: &str, _: usize) -> Vec<usize> {
        Vec::new()
    }
}

/// By which this program is a worker.
const WORKER: &str = "__worker";

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(WORKER) {
        return nursery::main(Ready::new, Ready::run);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(measure()),
        Err(error) => println!("no runtime: {error}"),
    }
    ExitCode::SUCCESS
}

async fn measure() {
    let tool = Tool {
        server: "s".into(),
        name: "t".into(),
        origin: "1".into(),
        description: String::new(),
        input: Arc::new(
            json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}),
        ),
        output: None,
    };
    let result =
        json!({"content": [{"type": "text", "text": "{\"n\": 1, \"name\": \"x\"}"}]}).to_string();
    let Ok(result) = RawValue::from_string(result) else {
        return;
    };
    let calls = Instantly {
        tool: Arc::new(tool),
        result,
    };
    let limits = Limits {
        calls: 10_000,
        ..Limits::default()
    };
    // The shipped program, or this one.
    let program = std::env::args().skip_while(|arg| arg != "--program").nth(1);
    let workers = || match &program {
        Some(program) => Nursery::new(program, &["__script"]),
        None => Nursery::new("/proc/self/exe", &[WORKER]),
    };
    let pids = Arc::new(Mutex::new(Vec::new()));
    let (started, nursery) = (pids.clone(), workers());
    let start = move |channel: OwnedFd| -> io::Result<Box<dyn Process>> {
        let process = nursery.copy(&channel)?;
        if let Ok(mut pids) = started.lock() {
            pids.push(process.pid());
        }
        Ok(Box::new(Worker(process)))
    };
    let start = Arc::new(start);

    rounds(
        "the very first worker, script without a call",
        20,
        async || {
            let nursery = workers();
            let start = move |channel: OwnedFd| -> io::Result<Box<dyn Process>> {
                Ok(Box::new(Worker(nursery.copy(&channel)?)))
            };
            let first = CodeMode::new(Arc::new(start), limits.clone(), 0);
            run(&first, "return 1", &calls).await
        },
    )
    .await;
    let cold = CodeMode::new(start.clone(), limits.clone(), 0);
    rounds("cold worker, script without a call", 100, async || {
        run(&cold, "return 1", &calls).await
    })
    .await;

    let warm = CodeMode::new(start.clone(), limits.clone(), 4);
    let ready = async || {
        warm.warm();
        while warm.waiting() < 4 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        // Waiting, and confined.
        tokio::time::sleep(Duration::from_millis(30)).await;
    };
    for (name, script) in [
        ("warm worker, script without a call", "return 1"),
        (
            "warm worker, script with one call",
            "return await s.t({ n: 1 })",
        ),
    ] {
        let mut times = Vec::new();
        for _ in 0..100 {
            ready().await;
            times.push(run(&warm, script, &calls).await);
        }
        print(name, times);
    }
    ready().await;
    println!("memory of waiting workers: {}", memory(&pids));
    let original = pids.lock().ok().and_then(|pids| original_of(pids.last()?));
    let original = Mutex::new(original.into_iter().collect());
    println!("memory of what they are copies of: {}", memory(&original));

    for (name, script, count) in [
        (
            "1,000 calls, one after the other",
            "for (let n = 0; n < 1000; n++) await s.t({ n })",
            1_000.0,
        ),
        (
            "1,000 calls, side by side",
            "await Promise.all(Array.from({ length: 1000 }, (_, n) => s.t({ n })))",
            1_000.0,
        ),
    ] {
        let mut times = Vec::new();
        for _ in 0..20 {
            ready().await;
            times.push(run(&warm, script, &calls).await);
        }
        let best = times.iter().min().map_or(0.0, Duration::as_secs_f64);
        let median = median(&mut times);
        println!(
            "{name}: {:.0} calls/s (best {:.0})",
            count / median,
            count / best
        );
    }
    contained(start, &calls).await;
}

/// How long after its deadline a script is ended that never ends by itself, eight at a time.
async fn contained(start: Arc<dyn Start>, calls: &Instantly) {
    const WALL: Duration = Duration::from_secs(1);
    let limits = Limits {
        wall: WALL,
        ..Limits::default()
    };
    let mode = CodeMode::new(start, limits, 8);
    for (name, script) in [
        ("a loop", "while (true) {}"),
        (
            "a regular expression",
            "/^(a+)+$/.test('a'.repeat(40) + 'b')",
        ),
        (
            "a long built-in",
            "new Array(2e6).fill(0).map((_, n) => -n).sort(); while (true) new Array(1e6).fill(0).sort()",
        ),
        (
            "a wait",
            "await new Promise(() => setTimeout(() => {}, 1e6))",
        ),
    ] {
        let mut over = Vec::new();
        for _ in 0..2 {
            mode.warm();
            while mode.waiting() < 8 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            let runs = (0..8).map(|_| async {
                let began = Instant::now();
                let script = Script {
                    text: script,
                    args: None,
                    owner: "bench",
                };
                mode.run(script, calls).await;
                began.elapsed().saturating_sub(WALL)
            });
            over.extend(futures_util::future::join_all(runs).await);
        }
        let most = over.iter().max().map_or(0.0, Duration::as_secs_f64);
        println!(
            "{name}, 8 at a time: ended {:.1} ms after the deadline (most {:.1} ms)",
            median(&mut over) * 1e3,
            most * 1e3
        );
    }
}

async fn rounds(name: &str, count: usize, mut round: impl AsyncFnMut() -> Duration) {
    let mut times = Vec::new();
    for _ in 0..count {
        times.push(round().await);
    }
    print(name, times);
}

fn print(name: &str, mut times: Vec<Duration>) {
    let best = times.iter().min().map_or(0.0, Duration::as_secs_f64);
    println!(
        "{name}: median {:.3} ms, best {:.3} ms",
        median(&mut times) * 1e3,
        best * 1e3
    );
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times
        .get(times.len() / 2)
        .map_or(0.0, Duration::as_secs_f64)
}

async fn run(mode: &CodeMode, text: &str, calls: &Instantly) -> Duration {
    let script = Script {
        text,
        args: None,
        owner: "bench",
    };
    let began = Instant::now();
    let outcome: Outcome = mode.run(script, calls).await;
    let took = began.elapsed();
    if !outcome.ok {
        println!("{}", outcome.text());
    }
    took
}

/// The process that this one is a copy of: it leads their group.
fn original_of(pid: &u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(')')
        .next()?
        .split_whitespace()
        .nth(2)?
        .parse()
        .ok()
}

/// Of the youngest workers, as the system counts it.
fn memory(pids: &Mutex<Vec<u32>>) -> String {
    let pids = pids.lock().map(|pids| pids.clone()).unwrap_or_default();
    let smaps = pids.iter().rev().filter_map(|pid| {
        std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))
            .ok()
            .filter(|text| !text.is_empty())
    });
    let lines = smaps.take(4).map(|text| {
        let of = |what: &str| {
            let line = text
                .lines()
                .find(|line| line.starts_with(what))
                .unwrap_or_default();
            line.split_whitespace().nth(1).unwrap_or("?").to_owned()
        };
        format!(
            "private dirty {} kB, proportional {} kB, resident {} kB",
            of("Private_Dirty"),
            of("Pss:"),
            of("Rss")
        )
    });
    lines.collect::<Vec<_>>().join("; ")
}
