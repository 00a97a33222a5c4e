//! A loopback server without an opinion.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::sleep;

/// What a server does next on a connection. After the last step it closes.
pub(crate) enum Step {
    /// Reads one whole request and remembers it.
    Request,
    /// Reads only so much.
    Bytes(usize),
    /// Sends a text at once.
    Send(String),
    /// Sends a text in pieces of so many bytes, and lets the client see each.
    Pieces(String, usize),
    /// Waits until somebody calls [`Server::go_on`].
    Wait,
    /// Waits until the client has closed the connection.
    Closed,
    /// Closes in a way that the client sees as a reset.
    Reset,
}

impl Step {
    pub(crate) fn send(text: impl Into<String>) -> Self {
        Self::Send(text.into())
    }

    /// A reply with a length.
    pub(crate) fn reply(body: &str) -> Self {
        Self::send(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ))
    }
}

pub(crate) struct Server {
    address: std::net::SocketAddr,
    seen: Arc<Mutex<Vec<(usize, String)>>>,
    go_on: Arc<Notify>,
    closed: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

impl Server {
    /// One script per connection, in the order in which they come; further ones are not accepted.
    pub(crate) async fn start(scripts: Vec<Vec<Step>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, go_on) = (Arc::<Mutex<_>>::default(), Arc::<Notify>::default());
        let (closing, closed) = watch::channel(0);
        let task = tokio::spawn(serve(
            listener,
            scripts,
            seen.clone(),
            go_on.clone(),
            closing,
        ));
        Self {
            address,
            seen,
            go_on,
            closed,
            task,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// All requests so far: the number of their connection, and their text.
    pub(crate) fn seen(&self) -> Vec<(usize, String)> {
        self.seen.lock().unwrap().clone()
    }

    /// The connection that each request so far came on.
    pub(crate) fn used(&self) -> Vec<usize> {
        self.seen()
            .into_iter()
            .map(|(connection, _)| connection)
            .collect()
    }

    pub(crate) fn go_on(&self) {
        self.go_on.notify_one();
    }

    /// [`Self::go_on`], after a while.
    pub(crate) fn go_on_after(&self, time: Duration) {
        let go_on = self.go_on.clone();
        tokio::spawn(async move {
            sleep(time).await;
            go_on.notify_one();
        });
    }

    /// How many connections were closed by their clients so far.
    pub(crate) fn closed_so_far(&self) -> usize {
        *self.closed.borrow()
    }

    /// Waits until so many connections were closed by their clients, where the script waited for it.
    pub(crate) async fn closed(&mut self, count: usize) {
        self.closed
            .wait_for(|closed| *closed >= count)
            .await
            .unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    listener: TcpListener,
    scripts: Vec<Vec<Step>>,
    seen: Arc<Mutex<Vec<(usize, String)>>>,
    go_on: Arc<Notify>,
    closing: watch::Sender<usize>,
) {
    let mut connections = tokio::task::JoinSet::new();
    for (number, steps) in scripts.into_iter().enumerate() {
        let (stream, _) = listener.accept().await.unwrap();
        let (seen, go_on, closing) = (seen.clone(), go_on.clone(), closing.clone());
        connections.spawn(async move {
            stream.set_nodelay(true).unwrap();
            let mut stream = stream;
            for step in steps {
                match step {
                    Step::Request => {
                        let Some(request) = request(&mut stream).await else {
                            return;
                        };
                        seen.lock().unwrap().push((number, request));
                    }
                    Step::Closed => {
                        let _ = stream.read_to_end(&mut Vec::new()).await;
                        closing.send_modify(|closed| *closed += 1);
                    }
                    Step::Wait => go_on.notified().await,
                    Step::Reset => stream.set_zero_linger().unwrap(),
                    step => act(&mut stream, step).await,
                }
            }
        });
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn act(stream: &mut TcpStream, step: Step) {
    match step {
        Step::Bytes(count) => {
            stream.read_exact(&mut vec![0; count]).await.unwrap();
        }
        Step::Send(text) => stream.write_all(text.as_bytes()).await.unwrap(),
        Step::Pieces(text, length) => {
            for piece in text.as_bytes().chunks(length) {
                // A client that has given up is part of some scripts.
                if stream.write_all(piece).await.is_err() {
                    return;
                }
                for _ in 0..3 {
                    yield_now().await;
                }
            }
        }
        Step::Request | Step::Closed | Step::Wait | Step::Reset => {
            unreachable!("done by the caller")
        }
    }
}

/// One request, head and body; `None` if the client closed instead.
async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut text = Vec::new();
    loop {
        if let Some(end) = text.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&text[..end]).to_ascii_lowercase();
            let length = head
                .split("\r\n")
                .find_map(|line| line.strip_prefix("content-length: "));
            if text.len() >= end + 4 + length.map_or(0, |length| length.parse().unwrap()) {
                return Some(String::from_utf8_lossy(&text).into_owned());
            }
        }
        let mut piece = vec![0; 64 << 10];
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => text.extend_from_slice(&piece[..read]),
        }
    }
}
