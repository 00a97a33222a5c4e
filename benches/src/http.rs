//! The load generator's HTTP/1.1 client, and a session over it.
//!
//! One connection per call in flight, one write per call, keep-alive. Understands what MCP endpoints reply with:
//! bodies by length or in chunks, JSON or an event stream of one reply. Refuses TLS and HTTP/2.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use portolan_benches::{Era, STATELESS_VERSION, VERSION};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const HEADERS_MAX: usize = 64;
const READ_BYTES: usize = 64 * 1024;
/// A reply that takes longer is an error.
const REPLY_WAIT: Duration = Duration::from_secs(20);

/// An MCP endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub address: SocketAddr,
    pub path: String,
    pub token: String,
}

impl Endpoint {
    /// Everything before the body of a POST with this method, and this name where the method takes one.
    pub(crate) fn head(
        &self,
        session: Option<&Session>,
        asked: &str,
        name: Option<&str>,
        length: usize,
    ) -> Vec<u8> {
        let Self {
            address,
            path,
            token,
        } = self;
        let session = session
            .map(|session| session.headers() + &session.repeated(asked, name))
            .unwrap_or_default();
        format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
             accept: application/json, text/event-stream\r\ncontent-type: application/json\r\n\
             {session}content-length: {length}\r\n\r\n"
        )
        .into_bytes()
    }

    fn bodiless(&self, method: &str, accept: &str, session: &Session) -> Vec<u8> {
        let Self {
            address,
            path,
            token,
        } = self;
        let session = session.headers();
        format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\naccept: {accept}\r\n{session}\r\n")
            .into_bytes()
    }
}

/// What `initialize` brought, or what stands for it in the stateless era.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub era: Era,
    id: Option<String>,
    version: String,
}

impl Session {
    fn stateless() -> Self {
        Self {
            era: Era::Stateless,
            id: None,
            version: STATELESS_VERSION.into(),
        }
    }

    /// What a stateless request repeats of its body.
    fn repeated(&self, asked: &str, name: Option<&str>) -> String {
        match (self.era, name) {
            (Era::Handshake, _) => String::new(),
            (Era::Stateless, None) => format!("mcp-method: {asked}\r\n"),
            (Era::Stateless, Some(name)) => format!("mcp-method: {asked}\r\nmcp-name: {name}\r\n"),
        }
    }

    fn headers(&self) -> String {
        let id = self
            .id
            .as_ref()
            .map(|id| format!("mcp-session-id: {id}\r\n"))
            .unwrap_or_default();
        format!("mcp-protocol-version: {}\r\n{id}", self.version)
    }
}

/// The `initialize` request of the load generator.
pub(crate) fn initialize() -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": VERSION, "capabilities": {}, "clientInfo": {"name": "portolan-benches", "version": "1"}}})
}

/// What a stateless request says of itself.
pub(crate) fn stateless_meta() -> Value {
    json!({"io.modelcontextprotocol/protocolVersion": STATELESS_VERSION, "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "portolan-benches", "version": "1"}})
}

/// The name under which a list of tools has the echo server's one.
pub(crate) fn echo_tool(reply: &Value) -> Option<&str> {
    let tools = reply["result"]["tools"].as_array()?;
    tools
        .iter()
        .filter_map(|tool| tool["name"].as_str())
        .find(|name| name.ends_with("echo"))
}

/// One keep-alive connection.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: BytesMut,
}

pub(crate) struct Reply {
    pub status: u16,
    session: Option<String>,
    pub body: BytesMut,
}

/// The parts of a reply's head that are needed.
#[derive(Default)]
struct Head {
    bytes: usize,
    status: u16,
    length: Option<usize>,
    chunked: bool,
    session: Option<String>,
}

impl Connection {
    pub(crate) async fn open(endpoint: &Endpoint) -> io::Result<Self> {
        let stream = TcpStream::connect(endpoint.address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: BytesMut::with_capacity(READ_BYTES),
        })
    }

    /// Sends one whole request, reads its whole reply.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> io::Result<Reply> {
        self.stream.write_all(request).await?;
        let head = self.head().await?;
        let body = if head.chunked {
            self.chunks().await?
        } else {
            self.exactly(head.length.unwrap_or(0)).await?
        };
        Ok(Reply {
            status: head.status,
            session: head.session,
            body,
        })
    }

    async fn head(&mut self) -> io::Result<Head> {
        loop {
            if let Some(head) = parse_head(&self.buffer)? {
                self.buffer.advance(head.bytes);
                return Ok(head);
            }
            self.fill().await?;
        }
    }

    async fn exactly(&mut self, count: usize) -> io::Result<BytesMut> {
        self.buffer.reserve(count.saturating_sub(self.buffer.len()));
        while self.buffer.len() < count {
            self.fill().await?;
        }
        Ok(self.buffer.split_to(count))
    }

    async fn chunks(&mut self) -> io::Result<BytesMut> {
        let mut body = BytesMut::new();
        loop {
            let line = loop {
                if let Some(end) = memchr::memmem::find(&self.buffer, b"\r\n") {
                    break self.buffer.split_to(end + 2);
                }
                self.fill().await?;
            };
            let size = std::str::from_utf8(&line[..line.len() - 2]).ok();
            let size = size.and_then(|text| text.split(';').next());
            let size = size.and_then(|text| usize::from_str_radix(text.trim(), 16).ok());
            let size = size.ok_or_else(|| io::Error::other("a chunk without a size"))?;
            let chunk = self.exactly(size + 2).await?;
            if size == 0 {
                return Ok(body);
            }
            body.extend_from_slice(&chunk[..size]);
        }
    }

    async fn fill(&mut self) -> io::Result<()> {
        self.buffer.reserve(READ_BYTES / 4);
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    /// Sends a message and reads the reply as JSON, out of an event stream if it comes as one.
    pub(crate) async fn ask(
        &mut self,
        endpoint: &Endpoint,
        session: Option<&Session>,
        message: &Value,
    ) -> io::Result<(Reply, Value)> {
        let body = message.to_string();
        let asked = message["method"].as_str().unwrap_or_default();
        let mut request = endpoint.head(session, asked, None, body.len());
        request.extend_from_slice(body.as_bytes());
        let reply = timeout(REPLY_WAIT, self.exchange(&request)).await??;
        let id = &message["id"];
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        let json = std::iter::once(text.as_str())
            .chain(text.lines().filter_map(|line| line.strip_prefix("data:")))
            .filter_map(|text| serde_json::from_str::<Value>(text).ok())
            .find(|value| value["id"] == *id)
            .unwrap_or_default();
        Ok((reply, json))
    }

    /// Opens a session, as a client of this era does: in the stateless one there is nothing to open.
    pub(crate) async fn begin_in(&mut self, era: Era, endpoint: &Endpoint) -> io::Result<Session> {
        match era {
            Era::Handshake => self.begin(endpoint).await,
            Era::Stateless => Ok(Session::stateless()),
        }
    }

    /// Opens a session by a handshake.
    pub(crate) async fn begin(&mut self, endpoint: &Endpoint) -> io::Result<Session> {
        let (reply, json) = self.ask(endpoint, None, &initialize()).await?;
        let Some(version) = json["result"]["protocolVersion"].as_str() else {
            return Err(io::Error::other(format!(
                "initialize is answered with {} {json}",
                reply.status
            )));
        };
        let session = Session {
            era: Era::Handshake,
            id: reply.session,
            version: version.into(),
        };
        let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        self.ask(endpoint, Some(&session), &initialized).await?;
        Ok(session)
    }

    /// The name of the echo tool, after whatever start of servers the first list waits for.
    pub(crate) async fn tool(
        &mut self,
        endpoint: &Endpoint,
        session: &Session,
    ) -> io::Result<String> {
        let params = match session.era {
            Era::Handshake => json!({}),
            Era::Stateless => json!({"_meta": stateless_meta()}),
        };
        let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": params});
        let (reply, json) = self.ask(endpoint, Some(session), &list).await?;
        let error =
            || io::Error::other(format!("tools/list holds no echo: {} {json}", reply.status));
        echo_tool(&json).map(Into::into).ok_or_else(error)
    }

    /// Opens the session's GET stream, which stays open with the connection.
    pub(crate) async fn listen(
        &mut self,
        endpoint: &Endpoint,
        session: &Session,
    ) -> io::Result<()> {
        self.stream
            .write_all(&endpoint.bodiless("GET", "text/event-stream", session))
            .await?;
        let head = timeout(REPLY_WAIT, self.head()).await??;
        if head.status == 200 {
            Ok(())
        } else {
            Err(io::Error::other(format!(
                "GET is answered with {}",
                head.status
            )))
        }
    }

    /// Ends the session, if it is one.
    pub(crate) async fn end(&mut self, endpoint: &Endpoint, session: &Session) -> io::Result<()> {
        if session.era == Era::Stateless {
            return Ok(());
        }
        timeout(
            REPLY_WAIT,
            self.exchange(&endpoint.bodiless("DELETE", "*/*", session)),
        )
        .await??;
        Ok(())
    }
}

fn parse_head(buffer: &[u8]) -> io::Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(bytes) = response.parse(buffer).map_err(io::Error::other)?
    else {
        return Ok(None);
    };
    let mut head = Head {
        bytes,
        status: response.code.unwrap_or(0),
        ..Head::default()
    };
    for header in response.headers.iter() {
        let value = || std::str::from_utf8(header.value).unwrap_or_default();
        if header.name.eq_ignore_ascii_case("content-length") {
            head.length = value().parse().ok();
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            head.chunked = value().eq_ignore_ascii_case("chunked");
        } else if header.name.eq_ignore_ascii_case("mcp-session-id") {
            head.session = Some(value().into());
        }
    }
    Ok(Some(head))
}
