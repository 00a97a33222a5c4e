//! What a gateway costs before and between calls: start times, memory at rest and per session.

use std::io;
use std::io::Write;
use std::path::Path;
use std::process::{ChildStdin, ChildStdout};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::args::Options;
use crate::http::{Connection, Endpoint, Session, initialize};
use crate::load::runtime;
use crate::process::{Running, pause};
use crate::results::{Memory, MemoryOf, Results, Start};
use crate::stdio::reply_to;
use crate::subjects::{Bench, HttpSubject, PORTOLAN};

/// The number of configured servers that a start must not depend on.
const MANY: usize = 200;
/// Sessions opened before the first weighing, so that what is allocated once is not counted per session.
const WARM_SESSIONS: usize = 64;
/// How long a process gets to settle before it is weighed.
const SETTLE: Duration = Duration::from_millis(500);
const LISTEN_WAIT: Duration = Duration::from_secs(20);

/// A way to start a gateway over HTTP that may not listen yet.
pub(crate) type Spawn<'a> = dyn Fn() -> io::Result<HttpSubject> + 'a;

/// Portolan: spawn to the answer to `initialize`, with one and with many configured servers.
pub(crate) fn own_starts(
    bench: &Bench,
    options: &Options,
    results: &mut Results,
) -> io::Result<()> {
    for servers in [1, MANY] {
        let config = bench.config_with_commands(servers, 0)?;
        let spawn = || bench.portolan(&config, "start");
        let times = |one: &dyn Fn() -> io::Result<f64>| {
            (0..options.starts())
                .map(|_| one())
                .collect::<io::Result<Vec<f64>>>()
        };
        let mut note = |what: &str, times: io::Result<Vec<f64>>| match times {
            Ok(ms) => results.start.push(Start {
                subject: PORTOLAN.into(),
                what: what.into(),
                servers,
                ms,
            }),
            Err(error) => results
                .missing
                .push(format!("{what}, {servers} servers: {error}")),
        };
        note(
            "initialize answered over stdio",
            times(&|| stdio_start(bench, &config)),
        );
        note(
            "initialize answered over HTTP",
            times(&|| http_start(&spawn)),
        );
        let home = format!("lists-{servers}");
        let list = || first_list(bench, &config, &home, servers).map(|ms| vec![ms]);
        note("first tools/list ever, every server started", list());
        note("first tools/list of the next process", list());
    }
    Ok(())
}

/// Another gateway: spawn to the answer to `initialize` over HTTP.
pub(crate) fn start(spawn: &Spawn<'_>, options: &Options) -> io::Result<Start> {
    let subject = spawn()?.name;
    let ms: io::Result<_> = (0..options.starts()).map(|_| http_start(spawn)).collect();
    Ok(Start {
        subject,
        what: "initialize answered over HTTP".into(),
        servers: 1,
        ms: ms?,
    })
}

fn open(
    bench: &Bench,
    config: &Path,
    home: &str,
) -> io::Result<(Running, ChildStdin, ChildStdout)> {
    Running::with_stdio(&bench.portolan_stdio(config, home)?, &[])
}

fn stdio_start(bench: &Bench, config: &Path) -> io::Result<f64> {
    let started = Instant::now();
    let (_process, mut input, mut output) = open(bench, config, "start")?;
    input.write_all(format!("{}\n", initialize()).as_bytes())?;
    reply_to(&mut output, &mut Vec::new(), &initialize()["id"])?;
    Ok(milliseconds(started))
}

fn http_start(spawn: &Spawn<'_>) -> io::Result<f64> {
    let runtime = runtime()?;
    let started = Instant::now();
    let mut subject = spawn()?;
    runtime.block_on(async {
        let mut connection = loop {
            match Connection::open(&subject.endpoint).await {
                Ok(connection) => break connection,
                Err(error) if started.elapsed() > LISTEN_WAIT => return Err(error),
                Err(_) => subject.check()?,
            }
            pause(Duration::from_micros(200));
        };
        connection
            .ask(&subject.endpoint, None, &initialize())
            .await?;
        Ok(milliseconds(started))
    })
}

/// The first list of a process. With an empty home it is the first ever.
fn first_list(bench: &Bench, config: &Path, home: &str, servers: usize) -> io::Result<f64> {
    let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}});
    let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let (_process, mut input, mut output) = open(bench, config, home)?;
    let mut held = Vec::new();
    input.write_all(format!("{}\n{initialized}\n", initialize()).as_bytes())?;
    reply_to(&mut output, &mut held, &initialize()["id"])?;
    let asked = Instant::now();
    input.write_all(format!("{list}\n").as_bytes())?;
    let reply = reply_to(&mut output, &mut held, &list["id"])?;
    let ms = milliseconds(asked);
    let tools = reply["result"]["tools"].as_array().into_iter().flatten();
    // Beside the gateway's own, each server has one.
    let theirs = |tool: &&Value| {
        let name = tool["name"].as_str().unwrap_or_default();
        name != "code-mode" && !name.starts_with("mcp-")
    };
    match tools.filter(theirs).count() {
        all if all == servers => Ok(ms),
        some => Err(io::Error::other(format!(
            "{some} tools in the list, of {servers} servers"
        ))),
    }
}

/// Resident memory at rest, and what each idle session adds: alone, used, with a connection, with a stream.
pub(crate) fn memory(spawn: &Spawn<'_>, options: &Options, results: &mut Results) {
    let kinds = [
        MemoryOf::Session,
        MemoryOf::UsedSession,
        MemoryOf::SessionWithConnection,
        MemoryOf::SessionWithStream,
    ];
    for (index, what) in kinds.into_iter().enumerate() {
        let subject = match spawn().and_then(HttpSubject::listening) {
            Ok(subject) => subject,
            Err(error) => return results.missing.push(format!("memory: {error}")),
        };
        pause(SETTLE);
        let mut note = |what, bytes| {
            let subject = subject.name.clone();
            results.memory.push(Memory {
                subject,
                what,
                bytes,
            });
        };
        if index == 0 {
            note(MemoryOf::Rest, weigh(&subject));
        }
        match per_session(&subject, what, options.sessions()) {
            Ok(bytes) => note(what, bytes),
            Err(error) => {
                results
                    .missing
                    .push(format!("memory of {}, {what:?}: {error}", subject.name));
            }
        }
    }
}

fn per_session(subject: &HttpSubject, what: MemoryOf, count: usize) -> io::Result<f64> {
    runtime()?.block_on(async {
        let endpoint = &subject.endpoint;
        let mut kept = Vec::new();
        let mut shared = Connection::open(endpoint).await?;
        for _ in 0..WARM_SESSIONS {
            open_one(endpoint, what, &mut shared, &mut kept).await?;
        }
        tokio::time::sleep(SETTLE).await;
        let before = weigh(subject);
        for _ in 0..count {
            open_one(endpoint, what, &mut shared, &mut kept).await?;
        }
        tokio::time::sleep(SETTLE).await;
        Ok((weigh(subject) - before) / count as f64)
    })
}

async fn open_one(
    endpoint: &Endpoint,
    what: MemoryOf,
    shared: &mut Connection,
    kept: &mut Vec<Connection>,
) -> io::Result<()> {
    match what {
        MemoryOf::Rest => {}
        MemoryOf::Session => {
            shared.begin(endpoint).await?;
        }
        MemoryOf::UsedSession => {
            let session: Session = shared.begin(endpoint).await?;
            shared.tool(endpoint, &session).await?;
        }
        MemoryOf::SessionWithConnection | MemoryOf::SessionWithStream => {
            let mut own = Connection::open(endpoint).await?;
            let session = own.begin(endpoint).await?;
            if what == MemoryOf::SessionWithStream {
                own.listen(endpoint, &session).await?;
            }
            kept.push(own);
        }
    }
    Ok(())
}

fn weigh(subject: &HttpSubject) -> f64 {
    subject.process.as_ref().map_or(0, Running::memory) as f64
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}
