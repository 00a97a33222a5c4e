//! `portolan-echo`: the echo server over streamable HTTP (`--port`) or stdio (`--stdio`).
//!
//! Over HTTP two current-thread runtimes take connections in turn; over stdio one thread reads what has come and
//! writes each reply by itself, as servers do. Refuses everything that is not a POST of one message, like a server without a stream of its own.

use std::convert::Infallible;
use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use clap::Parser;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use portolan_benches::{Answer, Era, answer};
use tokio::sync::mpsc;

const THREADS: usize = 2;
/// Connections that wait for a runtime to take them.
const WAITING_MAX: usize = 1024;
const READ_BYTES: usize = 256 * 1024;
const SESSION: &str = "mcp-session-id";

#[derive(Parser)]
#[command(about = "An MCP server with one tool, which says what it is told")]
struct Options {
    /// Speak over stdin and stdout
    #[arg(long)]
    stdio: bool,
    /// Listen on this port of 127.0.0.1; 0 takes a free one. The first line of output names it
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Compute for so many microseconds per message, as a server with something to do
    #[arg(long, default_value_t = 0)]
    work_us: u64,
    /// Reply with an event stream of one event
    #[arg(long)]
    sse: bool,
    /// Over HTTP, speak the stateless era and no other
    #[arg(long)]
    stateless: bool,
}

/// How messages over HTTP are answered.
#[derive(Clone, Copy)]
struct Manner {
    era: Era,
    sse: bool,
}

fn main() -> io::Result<()> {
    let options = Options::parse();
    if options.stdio {
        stdio(Duration::from_micros(options.work_us))
    } else {
        let era = if options.stateless {
            Era::Stateless
        } else {
            Era::Handshake
        };
        let sse = options.sse;
        serve(options.port, Manner { era, sse })
    }
}

fn stdio(work: Duration) -> io::Result<()> {
    let input = io::stdin().as_fd().try_clone_to_owned()?;
    let mut output = std::fs::File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let (mut buffer, mut held) = (vec![0; READ_BYTES], Vec::new());
    loop {
        let count = rustix::io::read(&input, &mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        held.extend_from_slice(&buffer[..count]);
        let mut done = 0;
        // Only what is new can hold the end of the line.
        let mut from = held.len() - count;
        while let Some(end) = memchr::memchr(b'\n', &held[from..]).map(|at| from + at) {
            if let Answer::Initialized(mut reply) | Answer::Reply(mut reply) =
                answer(Era::Handshake, &held[done..end])
            {
                reply.push('\n');
                busy(work);
                output.write_all(reply.as_bytes())?;
            }
            done = end + 1;
            from = done;
        }
        held.drain(..done);
    }
}

fn busy(work: Duration) {
    let started = Instant::now();
    while started.elapsed() < work {
        std::hint::spin_loop();
    }
}

fn serve(port: u16, manner: Manner) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    writeln!(io::stdout(), "{}", listener.local_addr()?)?;
    let mut runtimes = Vec::new();
    for _ in 0..THREADS {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()?;
        thread::spawn(move || runtime.block_on(take(receiver, manner)));
        runtimes.push(sender);
    }
    for (connection, runtime) in listener.incoming().zip(runtimes.iter().cycle()) {
        let connection = connection?;
        connection.set_nodelay(true)?;
        connection.set_nonblocking(true)?;
        if runtime.blocking_send(connection).is_err() {
            break;
        }
    }
    Ok(())
}

async fn take(mut connections: mpsc::Receiver<TcpStream>, manner: Manner) {
    while let Some(connection) = connections.recv().await {
        let Ok(connection) = tokio::net::TcpStream::from_std(connection) else {
            continue;
        };
        tokio::spawn(async move {
            let service = service_fn(|request| reply(request, manner));
            // A client that leaves is no business of the others.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(connection), service)
                .await;
        });
    }
}

async fn reply(
    request: Request<Incoming>,
    Manner { era, sse }: Manner,
) -> Result<Response<Full<Bytes>>, Infallible> {
    static SESSIONS: AtomicU64 = AtomicU64::new(1);
    let (parts, body) = request.into_parts();
    if parts.method != Method::POST {
        let status = if parts.method == Method::DELETE {
            StatusCode::NO_CONTENT
        } else {
            StatusCode::METHOD_NOT_ALLOWED
        };
        let mut response = empty(status);
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("POST, DELETE"));
        return Ok(response);
    }
    let Ok(body) = body.collect().await else {
        return Ok(empty(StatusCode::BAD_REQUEST));
    };
    Ok(match answer(era, &body.to_bytes()) {
        Answer::Initialized(text) => {
            let mut response = message(text, sse);
            let id = format!("echo-{}", SESSIONS.fetch_add(1, Ordering::Relaxed));
            if let Ok(id) = HeaderValue::from_str(&id) {
                response.headers_mut().insert(SESSION, id);
            }
            response
        }
        Answer::Reply(_) if era == Era::Handshake && !parts.headers.contains_key(SESSION) => {
            empty(StatusCode::BAD_REQUEST)
        }
        Answer::Reply(text) => message(text, sse),
        Answer::Nothing => empty(StatusCode::ACCEPTED),
        Answer::Nonsense => empty(StatusCode::BAD_REQUEST),
    })
}

fn message(text: String, sse: bool) -> Response<Full<Bytes>> {
    let (body, kind) = if sse {
        (
            format!("event: message\ndata: {text}\n\n"),
            "text/event-stream",
        )
    } else {
        (text, "application/json")
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
