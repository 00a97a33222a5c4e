//! Load over HTTP: two threads, a connection for each call in flight, every reply checked.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use portolan_benches::Era;
use tokio::time::timeout;

use crate::calls::{Call, Load, Sample};
use crate::http::{Connection, Endpoint, Session};

const THREADS: usize = 2;
/// After so many errors a connection gives up: the row is void anyway.
const ERRORS_MAX: u64 = 20;
/// How long a load may take beyond its time before what is missing counts as lost.
const GRACE: Duration = Duration::from_secs(10);

/// Loads an endpoint as clients of this era, in a session of its own.
pub(crate) fn over_http(era: Era, endpoint: &Endpoint, load: Load) -> io::Result<Sample> {
    let runtime = runtime()?;
    let (session, tool) = runtime.block_on(async {
        let mut connection = Connection::open(endpoint).await?;
        let session = connection.begin_in(era, endpoint).await?;
        let tool = connection.tool(endpoint, &session).await?;
        io::Result::Ok((session, tool))
    })?;
    let started = Instant::now();
    let mut sample = Sample::default();
    thread::scope(|scope| {
        let (session, tool) = (&session, tool.as_str());
        let threads: Vec<_> = (0..THREADS.min(load.in_flight))
            .map(|index| scope.spawn(move || work(endpoint, session, tool, load, started, index)))
            .collect();
        for thread in threads {
            match thread.join() {
                Ok(Ok(part)) => sample.join(part),
                Ok(Err(_)) | Err(_) => sample.errors += 1,
            }
        }
    });
    runtime.block_on(async {
        let mut connection = Connection::open(endpoint).await?;
        connection.end(endpoint, &session).await
    })?;
    Ok(sample)
}

/// A runtime as every thread of the load generator has one.
pub(crate) fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

fn work(
    endpoint: &Endpoint,
    session: &Session,
    tool: &str,
    load: Load,
    started: Instant,
    thread: usize,
) -> io::Result<Sample> {
    let deadline = load.warm_up + load.length + GRACE;
    runtime()?.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for connection in (thread..load.in_flight).step_by(THREADS) {
            let call = Call::new(session.era, tool, load.payload, |length| {
                endpoint.head(Some(session), "tools/call", Some(tool), length)
            });
            let task = one_connection(endpoint.clone(), call, connection, load, started);
            tasks.spawn(async move { timeout(deadline, task).await });
        }
        let mut sample = Sample::default();
        while let Some(task) = tasks.join_next().await {
            match task {
                Ok(Ok(part)) => sample.join(part),
                Ok(Err(_)) | Err(_) => sample.errors += 1,
            }
        }
        Ok(sample)
    })
}

async fn one_connection(
    endpoint: Endpoint,
    mut call: Call,
    index: usize,
    load: Load,
    started: Instant,
) -> Sample {
    let mut sample = Sample::default();
    let (from, until) = (started + load.warm_up, started + load.warm_up + load.length);
    let mut connection = None;
    // No id is used twice in a session.
    let mut number = index as u64;
    let mut last = Instant::now();
    while last < until && sample.errors < ERRORS_MAX {
        number += load.in_flight as u64;
        let sent = last;
        let answered = attempt(&endpoint, &mut connection, &mut call, number).await;
        last = Instant::now();
        match answered {
            Ok(answered) if answered == Some(number) => {
                sample.all_calls += 1;
                if sent >= from {
                    sample.calls += 1;
                    sample
                        .latencies_ns
                        .push(u32::try_from((last - sent).as_nanos()).unwrap_or(u32::MAX));
                }
            }
            Ok(_) => sample.errors += 1,
            Err(_) => {
                sample.errors += 1;
                connection = None;
            }
        }
    }
    sample.seconds = (last - from.min(last)).as_secs_f64();
    sample
}

async fn attempt(
    endpoint: &Endpoint,
    connection: &mut Option<Connection>,
    call: &mut Call,
    number: u64,
) -> io::Result<Option<u64>> {
    let open = match connection {
        Some(open) => open,
        None => connection.insert(Connection::open(endpoint).await?),
    };
    let reply = open.exchange(call.number(number)).await?;
    Ok(if reply.status == 200 {
        call.answered(&reply.body)
    } else {
        None
    })
}
