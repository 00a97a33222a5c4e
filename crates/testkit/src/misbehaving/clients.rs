//! Clients that break every promise. One habit is one list of deeds ([`Deed`]), which [`http`] and [`stdio`] play
//! against a gateway in front of the fixture; whatever the gateway answers, it must go on serving everybody else.

mod habits;
mod http;
mod stdio;

use std::time::Duration;

use serde_json::{Value, json};

pub use self::habits::CLIENT_HABITS;
pub use self::http::play as play_http;
pub use self::stdio::play as play_stdio;
use super::Over;

/// How long an answer is waited for before the client goes on.
const PATIENCE: Duration = Duration::from_secs(3);

/// One way for a client to misbehave.
#[derive(Clone, Copy, Debug)]
pub struct ClientHabit {
    /// How it is asked for.
    pub name: &'static str,
    /// What it does, in one line.
    pub doc: &'static str,
    /// The transports on which it can be done.
    pub over: Over,
    deeds: fn(&Tongue) -> Vec<Deed>,
}

/// The client habit of this name.
#[must_use]
pub fn client_habit(name: &str) -> Option<&'static ClientHabit> {
    CLIENT_HABITS.iter().find(|habit| habit.name == name)
}

/// The era in which a client speaks.
#[derive(Clone, Copy, Debug)]
pub struct Tongue {
    /// Whether it is the stateless one.
    pub is_stateless: bool,
}

/// What a client does, one after the other. What is sent over HTTP goes out on a connection of its own each time.
#[derive(Clone, Debug)]
enum Deed {
    /// Sends a message and goes on, without reading what it is answered.
    Send(Value),
    /// Sends a message, and reads its answer.
    Ask(Value),
    /// Sends bytes in the place of a message, and reads the answer.
    Bytes(Vec<u8>),
    /// Sends the beginning of a message that was to be so long, and stops.
    Part(Vec<u8>, usize),
    /// Makes so many messages, and sends them without reading.
    Many(usize, fn(&Tongue, usize) -> Value),
    /// Calls, and gives each question that comes so many answers.
    Answer(Value, usize),
    /// Opens the stream of the session.
    Listen,
    /// Closes everything that is open.
    Leave,
    /// HTTP alone: bytes in the place of a request.
    Raw(Vec<u8>),
    /// HTTP alone: these bytes, one at a time.
    Trickle(&'static str),
    /// HTTP alone: a message with these headers in the place of its own.
    With(Vec<(&'static str, &'static str)>, Value),
}

impl Tongue {
    /// A request in this era.
    fn request(self, id: impl Into<Value>, method: &str, mut params: Value) -> Value {
        if self.is_stateless {
            params["_meta"] = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}},
                "io.modelcontextprotocol/clientInfo": {"name": "portolan-misbehaving-client", "version": "1"}});
        }
        json!({"jsonrpc": "2.0", "id": id.into(), "method": method, "params": params})
    }

    fn call(self, id: impl Into<Value>, tool: &str, arguments: Value) -> Value {
        let params = json!({"name": tool, "arguments": arguments});
        self.request(id, "tools/call", params)
    }

    /// The greeting that a conversation begins with; none in the stateless era.
    fn greeting(self) -> Option<Value> {
        let params = json!({"protocolVersion": "2025-11-25", "capabilities": {"elicitation": {"form": {}}, "sampling": {}},
            "clientInfo": {"name": "portolan-misbehaving-client", "version": "1"}});
        (!self.is_stateless).then(|| self.request("hello", "initialize", params))
    }

    /// The headers that go with a message.
    fn headers(self, message: &Value) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        if !self.is_stateless {
            return vec![("mcp-protocol-version".to_owned(), "2025-11-25".to_owned())];
        }
        let params = &message["params"];
        let name = [&params["name"], &params["uri"], &params["taskId"]];
        let name = name.into_iter().find(|name| name.is_string());
        let mut headers = vec![
            ("mcp-protocol-version".to_owned(), "2026-07-28".to_owned()),
            ("mcp-method".to_owned(), text(&message["method"])),
        ];
        headers.extend(name.map(|name| ("mcp-name".to_owned(), text(name))));
        headers
    }
}

fn notification(method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "method": method, "params": params})
}

/// The answer to a question, if a message is one.
fn answer_to(message: &Value) -> Option<Value> {
    let id = message.get("id")?;
    message.get("method")?;
    Some(
        json!({"jsonrpc": "2.0", "id": id, "result": {"action": "accept", "content": {"username": "x", "email": "x@example.org"}}}),
    )
}
