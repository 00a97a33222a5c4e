//! Plays habits over streamable HTTP, on sockets and with bytes written by hand: a proper HTTP library would not let a
//! header stall.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use super::stdio::long;
use super::{Act, Asked, Habit, Step};
use crate::fixture::Era;

/// A request that has no business with us is cut off here.
const BODY_BYTES_MAX: usize = 32 << 20;

/// One HTTP request.
#[derive(Debug)]
pub(super) struct Exchange<'a> {
    pub(super) method: &'a str,
    /// The path as it stands in the first line.
    pub(super) path: &'a str,
    pub(super) asked: &'a Asked,
    /// Where this server listens.
    pub(super) port: u16,
}

/// What is done on the socket, one after the other.
#[derive(Clone, Debug)]
pub(super) enum Move {
    /// These bytes.
    Bytes(Vec<u8>),
    /// These bytes for ever, with a pause after each.
    Again(Duration, Vec<u8>),
    /// Nothing, for ever.
    Stall,
    /// The connection ends.
    Close,
}

/// What the connections of one process share.
struct Shared {
    /// None: the one that the path names.
    habit: Option<&'static Habit>,
    era: Era,
    port: u16,
    messages: AtomicU64,
    sessions: AtomicU64,
}

struct Request {
    method: String,
    path: String,
    body: Vec<u8>,
}

/// Serves a habit at every path, or every habit at the path of its name, until the future is dropped.
///
/// # Errors
///
/// When the listener fails as a whole.
pub async fn serve(
    habit: Option<&'static Habit>,
    era: Era,
    listener: TcpListener,
) -> io::Result<()> {
    let port = listener.local_addr()?.port();
    let shared = Arc::new(Shared {
        habit,
        era,
        port,
        messages: AtomicU64::new(0),
        sessions: AtomicU64::new(0),
    });
    // Another address of this machine, where those arrive who follow a redirect. Not every system has it.
    if let Ok(elsewhere) = TcpListener::bind(("127.0.0.2", port)).await {
        tokio::spawn(accept(elsewhere, shared.clone()));
    }
    accept(listener, shared).await
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        let shared = shared.clone();
        tokio::spawn(async move {
            // A client that vanishes is its own affair.
            let _ = converse(stream, &shared).await;
        });
    }
}

async fn converse(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (input, mut output) = stream.into_split();
    let mut input = BufReader::new(input);
    while let Some(request) = read(&mut input).await? {
        // Once the client has left, what would go on for ever ends.
        tokio::select! {
            goes_on = answer(&request, shared, &mut output) => if !goes_on? { return Ok(()) },
            _ = input.fill_buf() => return Ok(()),
        }
    }
    Ok(())
}

/// Reads a request; none at the end of the connection.
async fn read(input: &mut BufReader<OwnedReadHalf>) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if input.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let mut words = line.split(' ').map(str::to_owned);
    let (method, path) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let mut length = 0;
    loop {
        let mut field = String::new();
        if input.read_line(&mut field).await? == 0 || field.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = field.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    if length > BODY_BYTES_MAX {
        return Ok(None);
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body).await?;
    Ok(Some(Request { method, path, body }))
}

/// Answers one request; whether the connection can be used on.
async fn answer(
    request: &Request,
    shared: &Shared,
    output: &mut OwnedWriteHalf,
) -> io::Result<bool> {
    let n = shared.messages.fetch_add(1, Ordering::Relaxed);
    let message: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let era = shared.era;
    let asked = Asked { message, era, n };
    let named = request.path.trim_start_matches('/');
    let named = named.split('?').next().unwrap_or_default();
    let Some(habit) = shared.habit.or_else(|| super::habit(named)) else {
        return plain(output, 404, "", b"no such habit").await;
    };
    if let Act::Replies(replies) = habit.act {
        let exchange = Exchange {
            method: &request.method,
            path: &request.path,
            asked: &asked,
            port: shared.port,
        };
        if let Some(moves) = replies(&exchange) {
            return play_moves(&moves, output).await;
        }
    }
    match (&*request.method, era) {
        ("GET", Era::Handshake | Era::Both) => {
            let steps = habit.steps(&asked);
            if steps.is_empty() {
                return plain(output, 405, "", &[]).await;
            }
            stream(&steps, &asked, output).await
        }
        ("POST", _) if asked.is_request() => {
            let steps = habit.steps(&asked);
            match &steps[..] {
                [Step::Say(answer)] => {
                    let mut fields = String::from("content-type: application/json\r\n");
                    if asked.method() == "initialize" {
                        let session = shared.sessions.fetch_add(1, Ordering::Relaxed);
                        fields.push_str(&format!("mcp-session-id: session-{session}\r\n"));
                    }
                    plain(output, 200, &fields, answer.to_string().as_bytes()).await
                }
                _ => stream(&steps, &asked, output).await,
            }
        }
        ("POST", _) => plain(output, 202, "", &[]).await,
        ("DELETE", _) => plain(output, 200, "", &[]).await,
        _ => plain(output, 405, "", &[]).await,
    }
}

/// A whole reply.
pub(super) fn reply(status: u16, fields: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!(
        "HTTP/1.1 {status} Whatever\r\n{fields}content-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// The head of a stream of events.
pub(super) const EVENTS: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

/// One chunk of a body.
pub(super) fn chunk(bytes: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend_from_slice(bytes);
    chunk.extend_from_slice(b"\r\n");
    chunk
}

async fn plain(
    output: &mut OwnedWriteHalf,
    status: u16,
    fields: &str,
    body: &[u8],
) -> io::Result<bool> {
    output.write_all(&reply(status, fields, body)).await?;
    Ok(true)
}

async fn play_moves(moves: &[Move], output: &mut OwnedWriteHalf) -> io::Result<bool> {
    for step in moves {
        match step {
            Move::Bytes(bytes) => output.write_all(bytes).await?,
            Move::Again(pause, bytes) => loop {
                output.write_all(bytes).await?;
                tokio::time::sleep(*pause).await;
            },
            Move::Stall => std::future::pending().await,
            Move::Close => return Ok(false),
        }
    }
    Ok(true)
}

/// The steps of a message as events; those that concern a process end the stream.
async fn stream(steps: &[Step], asked: &Asked, output: &mut OwnedWriteHalf) -> io::Result<bool> {
    output.write_all(EVENTS.as_bytes()).await?;
    for step in steps {
        match step {
            Step::Say(message) => event(output, message.to_string().as_bytes()).await?,
            Step::Bytes(bytes) => event(output, bytes).await?,
            Step::Long(length) => {
                output.write_all(&chunk(b"data: ")).await?;
                for piece in long(asked, *length) {
                    output.write_all(&chunk(&piece)).await?;
                }
                output.write_all(&chunk(b"\n\n")).await?;
            }
            Step::Wait(pause) => tokio::time::sleep(*pause).await,
            Step::Again(pause, times, messages) => {
                for _ in 0..*times {
                    for message in messages {
                        event(output, message.to_string().as_bytes()).await?;
                    }
                    tokio::time::sleep(*pause).await;
                }
            }
            Step::Never => std::future::pending().await,
            _ => return Ok(false),
        }
    }
    output.write_all(&chunk(b"")).await?;
    Ok(true)
}

async fn event(output: &mut OwnedWriteHalf, data: &[u8]) -> io::Result<()> {
    let mut event = b"data: ".to_vec();
    event.extend_from_slice(data);
    event.extend_from_slice(b"\n\n");
    output.write_all(&chunk(&event)).await
}
