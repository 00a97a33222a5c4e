//! Clients of both eras over streamable HTTP that look closely at what comes back: exactly one answer, and their own.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

/// How long a call that was taken back may take to end.
const ENDS_WITHIN: Duration = Duration::from_secs(10);

/// Who calls.
#[derive(Clone, Debug)]
pub(super) enum Client {
    /// With this session.
    Handshake(String),
    Stateless,
}

/// One call.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// Unique in the run; also the text that is to come back.
    pub(super) id: String,
    pub(super) tool: String,
    /// After this time the client takes it back.
    pub(super) patience: Duration,
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// The text that was sent.
    Own,
    /// Another result.
    Result,
    /// A result that says that something is wrong, or an error.
    Failure,
    /// It was taken back, and ended.
    Cancelled,
    /// No answer, several, or somebody else's.
    Wrong(String),
}

/// One connection at a time to the gateway, opened when it is needed.
pub(super) struct Connection {
    address: SocketAddr,
    sender: Option<SendRequest<Full<Bytes>>>,
}

#[derive(Default)]
struct Reply {
    session: Option<String>,
    messages: Vec<Value>,
    /// The last event's id, and when to come back with it for what is missing.
    last_event: Option<String>,
    retry: Duration,
}

impl Reply {
    fn answers(&self) -> Vec<&Value> {
        let answers = self.messages.iter();
        answers
            .filter(|message| message.get("method").is_none())
            .collect()
    }

    /// Reads a body, which is one message, or a stream of events.
    fn read(&mut self, body: &[u8]) {
        if let Ok(message) = serde_json::from_slice(body) {
            self.messages.push(message);
            return;
        }
        for line in String::from_utf8_lossy(body).lines() {
            let (field, value) = line.split_once(':').unwrap_or_default();
            let value = value.trim();
            match field {
                "data" => self
                    .messages
                    .extend(serde_json::from_str::<Value>(value).ok()),
                "id" => self.last_event = Some(value.to_owned()),
                "retry" => self.retry = value.parse().map_or(self.retry, Duration::from_millis),
                _ => {}
            }
        }
    }
}

impl Connection {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            sender: None,
        }
    }

    /// A new client of the handshake era.
    pub(super) async fn shake_hands(&mut self) -> io::Result<Client> {
        let params = json!({"protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "portolan-chaos", "version": "1"}});
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params});
        let reply = self.exchange("POST", None, Some(&message)).await?;
        let session = reply
            .session
            .ok_or_else(|| io::Error::other("a session without an id"))?;
        let client = Client::Handshake(session);
        let message = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        self.exchange("POST", Some(&client), Some(&message)).await?;
        Ok(client)
    }

    /// Ends a session.
    pub(super) async fn leave(&mut self, client: &Client) -> io::Result<()> {
        if let Client::Handshake(_) = client {
            self.exchange("DELETE", Some(client), None).await?;
        }
        Ok(())
    }

    /// The names of all tools.
    pub(super) async fn tools(&mut self, client: &Client) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        let mut cursor = Value::Null;
        loop {
            let mut params = json!({});
            if !cursor.is_null() {
                params["cursor"] = cursor;
            }
            let message = client.request("list", "tools/list", params);
            let reply = self.exchange("POST", Some(client), Some(&message)).await?;
            let answer = reply
                .messages
                .into_iter()
                .find(|message| message["id"] == "list");
            let Some(mut result) = answer.map(|mut answer| answer["result"].take()) else {
                return Err(io::Error::other("the list was not answered"));
            };
            let tools = result["tools"].as_array().into_iter().flatten();
            names.extend(tools.filter_map(|tool| tool["name"].as_str().map(str::to_owned)));
            cursor = result["nextCursor"].take();
            if cursor.is_null() {
                return Ok(names);
            }
        }
    }

    /// Makes a call, and takes it back when it lasts too long.
    pub(super) async fn call(&mut self, client: &Client, call: &Call) -> Heard {
        let params = json!({"name": call.tool, "arguments": {"text": call.id}});
        let message = client.request(&call.id, "tools/call", params);
        let address = self.address;
        let mut asking = pin!(self.followed(client, &message));
        if let Ok(reply) = tokio::time::timeout(call.patience, &mut asking).await {
            return judge(call, reply, false);
        }
        if let Client::Stateless = client {
            // Dropping the exchange closes its connection, which is how a call is taken back.
            return Heard::Cancelled;
        }
        let message = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": call.id}});
        let told = Self::new(address)
            .exchange("POST", Some(client), Some(&message))
            .await;
        match (told, tokio::time::timeout(ENDS_WITHIN, asking).await) {
            (Err(error), _) => Heard::Wrong(format!("{}: cannot be cancelled: {error}", call.tool)),
            (_, Ok(reply)) => judge(call, reply, true),
            (_, Err(_)) => Heard::Wrong(format!("{}: was cancelled and goes on", call.tool)),
        }
    }

    /// A request and all that answers it: a stream that ends before the answer is gone on with where it ended.
    async fn followed(&mut self, client: &Client, message: &Value) -> io::Result<Reply> {
        let mut reply = self.exchange("POST", Some(client), Some(message)).await?;
        while matches!(client, Client::Handshake(_)) && reply.answers().is_empty() {
            let Some(last) = reply.last_event.take() else {
                break;
            };
            tokio::time::sleep(reply.retry).await;
            let more = self.send("GET", Some(client), None, Some(&last)).await?;
            reply.messages.extend(more.messages);
            reply.last_event = more.last_event;
        }
        Ok(reply)
    }

    async fn exchange(
        &mut self,
        method: &str,
        client: Option<&Client>,
        message: Option<&Value>,
    ) -> io::Result<Reply> {
        self.send(method, client, message, None).await
    }

    async fn send(
        &mut self,
        method: &str,
        client: Option<&Client>,
        message: Option<&Value>,
        last_event: Option<&str>,
    ) -> io::Result<Reply> {
        // Not put back until the reply was read to its end: whoever drops the exchange closes the connection.
        let mut sender = match self.sender.take().filter(|sender| !sender.is_closed()) {
            Some(sender) => sender,
            None => connect(self.address).await?,
        };
        let mut request = Request::builder()
            .method(method)
            .uri("/mcp")
            .header("host", self.address.to_string())
            .header("accept", "application/json, text/event-stream");
        if let Some(message) = message {
            request = request.header("content-type", "application/json");
            for (name, value) in client
                .map(|client| client.headers(message))
                .unwrap_or_default()
            {
                request = request.header(name, value);
            }
        } else if let Some(Client::Handshake(session)) = client {
            request = request.header("mcp-session-id", session);
            request = request.header("mcp-protocol-version", "2025-11-25");
        }
        if let Some(last_event) = last_event {
            request = request.header("last-event-id", last_event);
        }
        let body = message.map(Value::to_string).unwrap_or_default();
        let request = request
            .body(Full::new(Bytes::from(body)))
            .map_err(io::Error::other)?;
        sender.ready().await.map_err(io::Error::other)?;
        let response = sender
            .send_request(request)
            .await
            .map_err(io::Error::other)?;
        let session = response.headers().get("mcp-session-id");
        let session = session.and_then(|id| id.to_str().ok()).map(str::to_owned);
        let body = response
            .into_body()
            .collect()
            .await
            .map_err(io::Error::other)?;
        self.sender = Some(sender);
        let mut reply = Reply {
            session,
            ..Reply::default()
        };
        reply.read(&body.to_bytes());
        Ok(reply)
    }
}

async fn connect(address: SocketAddr) -> io::Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    tokio::spawn(async move {
        // How it ended is seen by the one who sent.
        let _ = connection.await;
    });
    Ok(sender)
}

impl Client {
    fn request(&self, id: &str, method: &str, mut params: Value) -> Value {
        if let Self::Stateless = self {
            params["_meta"] = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/clientInfo": {"name": "portolan-chaos", "version": "1"}});
        }
        json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
    }

    fn headers(&self, message: &Value) -> Vec<(&'static str, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match self {
            Self::Handshake(session) => vec![
                ("mcp-session-id", session.clone()),
                ("mcp-protocol-version", "2025-11-25".to_owned()),
            ],
            Self::Stateless => {
                let mut headers = vec![
                    ("mcp-protocol-version", "2026-07-28".to_owned()),
                    ("mcp-method", text(&message["method"])),
                ];
                if message["method"] == "tools/call" {
                    headers.push(("mcp-name", text(&message["params"]["name"])));
                }
                headers
            }
        }
    }
}

fn judge(call: &Call, reply: io::Result<Reply>, was_cancelled: bool) -> Heard {
    let wrong = |what: String| Heard::Wrong(format!("{}: {what}", call.tool));
    let reply = match reply {
        Ok(reply) => reply,
        Err(error) => return wrong(format!("no reply: {error}")),
    };
    let answers = reply.answers();
    let answer = match answers[..] {
        [answer] => answer,
        [] if was_cancelled => return Heard::Cancelled,
        _ => return wrong(format!("{} answers: {:?}", answers.len(), reply.messages)),
    };
    if answer["id"] != call.id.as_str() {
        return wrong(format!("an answer with the id {}", answer["id"]));
    }
    let text = answer["result"]["content"][0]["text"].as_str();
    let is_failure = answer["result"]["isError"] == true || answer.get("error").is_some();
    match text {
        Some(text) if text == call.id => Heard::Own,
        Some(text) if text.starts_with(super::load::CALL) => wrong(format!("the answer of {text}")),
        _ if was_cancelled => Heard::Cancelled,
        _ if is_failure => Heard::Failure,
        _ => Heard::Result,
    }
}
