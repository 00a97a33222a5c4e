//! What a gateway costs before and between calls: start times, memory at rest and per session.

use std::io;
use std::io::Write;
use std::path::Path;
use std::process::{ChildStdin, ChildStdout};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::args::Options;
use crate::http::{Connection, Endpoint, Session, initialize};
use crate::load::runtime;
use crate::process::{Running, pause};
use crate::results::{Memory, MemoryOf, Start};
use crate::stdio::reply_to;
use crate::subjects::{Bench, HttpSubject, PORTOLAN};

/// The number of configured servers that a start must not depend on.
const MANY: usize = 200;
/// Sessions opened before the first weighing, so that what is allocated once is not counted per session.
const WARM_SESSIONS: usize = 64;
/// How long a process gets to settle before it is weighed.
const SETTLE: Duration = Duration::from_millis(500);
const LISTEN_WAIT: Duration = Duration::from_secs(20);

/// Spawn to the answer to `initialize`, with one and with many configured servers.
pub(crate) fn starts(bench: &Bench, options: &Options) -> io::Result<Vec<Start>> {
    let mut starts = Vec::new();
    for servers in [1, MANY] {
        let config = bench.config_with_commands(servers, 0)?;
        let mut note = |what: &str, ms: Vec<f64>| {
            starts.push(Start {
                subject: PORTOLAN.into(),
                what: what.into(),
                servers,
                ms,
            });
        };
        let over_stdio: io::Result<_> = (0..options.starts())
            .map(|_| stdio_start(bench, &config))
            .collect();
        note("initialize answered over stdio", over_stdio?);
        let over_http: io::Result<_> = (0..options.starts())
            .map(|_| http_start(bench, &config))
            .collect();
        note("initialize answered over HTTP", over_http?);
        let (first, again) = first_lists(bench, &config, servers)?;
        note("first tools/list ever, every server started", vec![first]);
        note("first tools/list of the next process", vec![again]);
    }
    Ok(starts)
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

fn http_start(bench: &Bench, config: &Path) -> io::Result<f64> {
    let port = crate::subjects::free_port()?;
    let endpoint = bench.endpoint(port, "/mcp");
    let command = bench.gateway_command(
        config,
        &["--transport", "streaming", "--port", &port.to_string()],
    );
    let home = bench.home("start")?;
    let environment = [
        ("PORTOLAN_HOME", home.as_str()),
        ("MCP_GATEWAY_AUTH_TOKEN", &bench.token),
    ];
    let runtime = runtime()?;
    let started = Instant::now();
    let mut process = Running::start(&command, &environment, None)?;
    runtime.block_on(async {
        let mut connection = loop {
            match Connection::open(&endpoint).await {
                Ok(connection) => break connection,
                Err(error) if started.elapsed() > LISTEN_WAIT => return Err(error),
                Err(_) => process.check()?,
            }
            pause(Duration::from_micros(200));
        };
        connection.ask(&endpoint, None, &initialize()).await?;
        Ok(milliseconds(started))
    })
}

/// The first list with an empty home, and that of a second process with what the first one learnt.
fn first_lists(bench: &Bench, config: &Path, servers: usize) -> io::Result<(f64, f64)> {
    let home = format!("lists-{servers}");
    let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}});
    let one = || {
        let (_process, mut input, mut output) = open(bench, config, &home)?;
        let mut held = Vec::new();
        let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        input.write_all(format!("{}\n{initialized}\n", initialize()).as_bytes())?;
        reply_to(&mut output, &mut held, &initialize()["id"])?;
        let asked = Instant::now();
        input.write_all(format!("{list}\n").as_bytes())?;
        let reply = reply_to(&mut output, &mut held, &list["id"])?;
        let ms = milliseconds(asked);
        match reply["result"]["tools"].as_array().map(Vec::len) {
            Some(tools) if tools == servers => Ok(ms),
            tools => Err(io::Error::other(format!(
                "{servers} servers, but {tools:?} tools in the list"
            ))),
        }
    };
    Ok((one()?, one()?))
}

/// Resident memory at rest, and what each idle session adds, alone, with a connection, with a stream.
pub(crate) fn memory(
    bench: &Bench,
    upstream: &Endpoint,
    options: &Options,
) -> io::Result<Vec<Memory>> {
    let config = bench.config_with_url(upstream)?;
    let mut memory = Vec::new();
    let mut note = |what, bytes| {
        memory.push(Memory {
            subject: PORTOLAN.into(),
            what,
            bytes,
        });
    };
    let kinds = [
        MemoryOf::Session,
        MemoryOf::UsedSession,
        MemoryOf::SessionWithConnection,
        MemoryOf::SessionWithStream,
    ];
    for (index, what) in kinds.into_iter().enumerate() {
        let subject = bench.portolan(&config, "memory")?;
        pause(SETTLE);
        if index == 0 {
            note(MemoryOf::Rest, weigh(&subject));
        }
        note(what, per_session(&subject, what, options.sessions())?);
    }
    Ok(memory)
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
