//! A client that shows every byte: no pool, no retries, no leniency.

use std::collections::VecDeque;
use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// One connection.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    /// What came as chunks and was not read yet.
    text: Vec<u8>,
    is_chunked: bool,
}

/// A whole reply.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: String,
}

/// One server-sent event.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) retry: Option<String>,
    pub(crate) data: String,
}

impl Reply {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    }
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let stream = BufReader::new(TcpStream::connect(address).await.unwrap());
        Self {
            stream,
            text: Vec::new(),
            is_chunked: false,
        }
    }

    pub(crate) async fn write(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// Writes a request. `Host` and `Content-Length` are added unless given.
    pub(crate) async fn send(&mut self, line: &str, fields: &[(&str, &str)], body: &str) {
        let mut text = format!("{line} HTTP/1.1\r\n");
        let has = |name: &str| {
            fields
                .iter()
                .any(|(field, _)| field.eq_ignore_ascii_case(name))
        };
        if !has("host") {
            text.push_str("Host: localhost\r\n");
        }
        if !body.is_empty() && !has("content-length") {
            text.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        for (name, value) in fields {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        self.write(&format!("{text}\r\n{body}")).await;
    }

    /// Reads status and fields; the body is what follows.
    pub(crate) async fn head(&mut self) -> Reply {
        let status = self.line().await;
        let status = status
            .split(' ')
            .nth(1)
            .unwrap_or_else(|| panic!("no status in {status:?}"))
            .parse()
            .unwrap();
        let mut fields = Vec::new();
        loop {
            let line = self.line().await;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let reply = Reply {
            status,
            fields,
            body: String::new(),
        };
        self.is_chunked = reply.field("transfer-encoding") == Some("chunked");
        reply
    }

    /// Reads a whole reply.
    pub(crate) async fn reply(&mut self) -> Reply {
        let mut reply = self.head().await;
        if self.is_chunked {
            while self.chunk().await {}
            reply.body = String::from_utf8(std::mem::take(&mut self.text)).unwrap();
        } else {
            let length = reply
                .field("content-length")
                .unwrap_or("0")
                .parse()
                .unwrap();
            let mut body = vec![0; length];
            self.stream.read_exact(&mut body).await.unwrap();
            reply.body = String::from_utf8(body).unwrap();
        }
        reply
    }

    pub(crate) async fn request(
        &mut self,
        line: &str,
        fields: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        self.send(line, fields, body).await;
        self.reply().await
    }

    /// The status of a reply, if there is one: the other side may close instead.
    pub(crate) async fn try_request(&mut self, line: &str) -> Option<u16> {
        let text = format!("{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        self.stream.write_all(text.as_bytes()).await.ok()?;
        self.rest().await.split(' ').nth(1)?.parse().ok()
    }

    /// The next event; none at the end of the stream. Comments are passed over.
    pub(crate) async fn event(&mut self) -> Option<Event> {
        loop {
            while !self.text.windows(2).any(|two| two == b"\n\n") {
                if !self.chunk().await {
                    assert!(self.text.is_empty(), "the stream ended within an event");
                    return None;
                }
            }
            let end = self.text.windows(2).position(|two| two == b"\n\n").unwrap();
            let text: Vec<u8> = self.text.drain(..end + 2).collect();
            let mut event = Event::default();
            let mut is_comment = true;
            for line in String::from_utf8(text)
                .unwrap()
                .lines()
                .filter(|line| !line.is_empty() && !line.starts_with(':'))
            {
                is_comment = false;
                let (field, value) = line.split_once(": ").unwrap();
                let value = value.to_owned();
                match field {
                    "id" => event.id = Some(value),
                    "event" => event.name = Some(value),
                    "retry" => event.retry = Some(value),
                    "data" => event.data.push_str(&value),
                    _ => panic!("unknown field {field}"),
                }
            }
            if !is_comment {
                return Some(event);
            }
        }
    }

    /// The next event that says this; others may come before it.
    pub(crate) async fn event_with(&mut self, text: &str) -> Event {
        loop {
            let event = self.event().await.expect("the stream ended");
            if event.data.contains(text) {
                return event;
            }
        }
    }

    /// Every byte until the other side closes.
    pub(crate) async fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        // A reset is an end as well.
        let _reset = self.stream.read_to_end(&mut rest).await;
        String::from_utf8(rest).unwrap()
    }

    /// A chunk of a stream as it came: what a keep-alive comment looks like.
    pub(crate) async fn raw_chunk(&mut self) -> String {
        assert!(self.chunk().await, "the stream ended");
        String::from_utf8(std::mem::take(&mut self.text)).unwrap()
    }

    async fn chunk(&mut self) -> bool {
        let size = usize::from_str_radix(&self.line().await, 16).unwrap();
        let mut data = vec![0; size + 2];
        self.stream.read_exact(&mut data).await.unwrap();
        data.truncate(size);
        self.text.extend(data);
        size > 0
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).await.unwrap();
        assert!(
            line.ends_with("\r\n"),
            "the connection ended within a line: {line:?}"
        );
        line.truncate(line.len() - 2);
        line
    }
}

/// The ids and data of events, to compare.
pub(crate) async fn data(connection: &mut Connection, count: usize) -> VecDeque<String> {
    let mut all = VecDeque::new();
    for _ in 0..count {
        all.push_back(connection.event().await.unwrap().data);
    }
    all
}
