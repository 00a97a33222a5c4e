//! A raw HTTP/1.1 server on a port of its own that answers nothing by itself: each request waits for its script.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// One request, and the way to answer it. Dropping it closes the connection.
pub(crate) struct Exchange {
    pub(crate) method: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
    parts: mpsc::Sender<Part>,
    pub(crate) is_stream: bool,
    gone: Arc<AtomicBool>,
}

enum Part {
    Whole(Vec<u8>),
    Piece(Vec<u8>),
    End,
}

impl Exchange {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// Answers with a whole body.
    pub(crate) fn answer(&self, status: u16, headers: &[(&str, &str)], kind: &str, body: &[u8]) {
        let mut text = format!(
            "HTTP/1.1 {status} As Scripted\r\nContent-Length: {}\r\n",
            body.len()
        );
        if !body.is_empty() {
            text += &format!("Content-Type: {kind}\r\n");
        }
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        text += "\r\n";
        self.put(Part::Whole([text.as_bytes(), body].concat()));
    }

    /// Begins a stream on which nothing comes yet.
    pub(crate) fn begin(&mut self) {
        let head = self.head();
        self.put(Part::Piece(head.into()));
    }

    /// The head of a stream, once.
    fn head(&mut self) -> &'static str {
        match std::mem::replace(&mut self.is_stream, true) {
            true => "",
            false => {
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
            }
        }
    }

    /// Adds an event to a stream, which begins with it.
    pub(crate) fn event(&mut self, id: Option<&str>, retry: Option<u64>, data: &str) {
        let mut text = self.head().to_owned();
        if let Some(id) = id {
            text += &format!("id: {id}\n");
        }
        if let Some(retry) = retry {
            text += &format!("retry: {retry}\n");
        }
        text += &format!("data: {data}\n\n");
        self.put(Part::Piece(text.into_bytes()));
    }

    /// The first event of HTTP+SSE: where to send messages.
    pub(crate) fn endpoint(&mut self, path: &str) {
        self.begin();
        self.put(Part::Piece(
            format!("event: endpoint\ndata: {path}\n\n").into_bytes(),
        ));
    }

    /// Closes the connection.
    pub(crate) fn end(&self) {
        self.put(Part::End);
    }

    /// Whether the other side has closed the connection.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    fn put(&self, part: Part) {
        // A connection that is gone takes nothing more; the script sees that where it matters.
        drop(self.parts.try_send(part));
    }
}

/// Takes connections for as long as the runtime lives.
pub(crate) async fn serve(listener: TcpListener, take: impl Fn(Exchange) + Clone + Send + 'static) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(connection(stream, take.clone()));
    }
}

async fn connection(mut stream: TcpStream, take: impl Fn(Exchange)) {
    let mut buffer = Vec::new();
    while let Some((method, headers, body)) = read_request(&mut stream, &mut buffer).await {
        let (parts, mut script) = mpsc::channel(4096);
        let gone = Arc::new(AtomicBool::new(false));
        take(Exchange {
            method,
            headers,
            body,
            parts,
            is_stream: false,
            gone: gone.clone(),
        });
        loop {
            let part = tokio::select! {
                part = script.recv() => part,
                () = closed(&stream) => {
                    gone.store(true, Ordering::Relaxed);
                    return;
                }
            };
            match part {
                None | Some(Part::End) => return,
                Some(Part::Whole(bytes)) => {
                    let _ = stream.write_all(&bytes).await;
                    break;
                }
                Some(Part::Piece(bytes)) => {
                    let _ = stream.write_all(&bytes).await;
                }
            }
        }
    }
}

async fn closed(stream: &TcpStream) {
    if let Ok(1) = stream.peek(&mut [0]).await {
        // The next request, which waits for its turn.
        std::future::pending::<()>().await;
    }
}

type Request = (String, Vec<(String, String)>, Bytes);

async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Request> {
    let head = loop {
        match buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            Some(at) => break at + 4,
            None if stream.read_buf(buffer).await.ok()? == 0 => return None,
            None => {}
        }
    };
    let text = String::from_utf8(buffer[..head].to_vec()).expect("heads are text");
    let mut lines = text.lines();
    let method = lines.next()?.split(' ').next()?.to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.map_or(0, |(_, value)| value.parse().expect("a length is a number"));
    while buffer.len() < head + length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    let body = Bytes::copy_from_slice(&buffer[head..head + length]);
    buffer.drain(..head + length);
    Some((method, headers, body))
}
