//! Plays client habits over HTTP, with requests written by hand.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{ClientHabit, Deed, PATIENCE, Tongue, answer_to};

/// Between two bytes of what comes byte by byte.
const TRICKLE: Duration = Duration::from_millis(20);
/// So many messages are sent with few connections, and so many on each.
const MANY: usize = 1000;
const PER_CONNECTION: usize = 50;
/// What is read of an answer.
const READ_MAX: u64 = 1 << 20;

/// A client and what it has open.
struct Client {
    address: SocketAddr,
    tongue: Tongue,
    session: Option<String>,
    open: Vec<TcpStream>,
}

/// Does all that the habit does; the statuses of the answers that were read, 0 where there was none.
///
/// # Errors
///
/// When the gateway takes no connections, or does not take part in a greeting.
pub async fn play(
    habit: &ClientHabit,
    address: SocketAddr,
    tongue: Tongue,
) -> io::Result<Vec<u16>> {
    let mut client = Client {
        address,
        tongue,
        session: None,
        open: Vec::new(),
    };
    if let Some(greeting) = tongue.greeting() {
        let reply = client
            .ask(greeting.to_string().as_bytes(), &tongue.headers(&greeting))
            .await?;
        let id = reply
            .lines()
            .find_map(|line| line.strip_prefix("mcp-session-id: "));
        let id = id.ok_or_else(|| io::Error::other("the greeting gave no session"))?;
        client.session = Some(id.to_owned());
    }
    let mut statuses = Vec::new();
    for deed in (habit.deeds)(&tongue) {
        if let Some(reply) = client.play(deed).await? {
            let status = reply
                .split(' ')
                .nth(1)
                .and_then(|status| status.parse().ok());
            statuses.push(status.unwrap_or(0));
        }
    }
    Ok(statuses)
}

impl Client {
    async fn play(&mut self, deed: Deed) -> io::Result<Option<String>> {
        match deed {
            Deed::Send(message) => self.send(&message).await?,
            Deed::Many(count, make) => {
                for n in 0..count {
                    let message = make(&self.tongue, n);
                    let sent = match self.open.last() {
                        // Thousands follow one another, so that it is not connecting that takes the time.
                        Some(_) if count >= MANY && n % PER_CONNECTION != 0 => {
                            self.send_on(&message).await
                        }
                        _ => self.send(&message).await,
                    };
                    // A gateway that has had enough says so, and takes the next one or not.
                    if sent.is_err() {
                        break;
                    }
                }
            }
            Deed::Ask(message) => {
                let headers = self.headers(&message);
                return Ok(Some(
                    self.ask(message.to_string().as_bytes(), &headers).await?,
                ));
            }
            Deed::Bytes(bytes) => {
                let headers = self.headers(&Value::Null);
                return Ok(Some(self.ask(&bytes, &headers).await?));
            }
            Deed::With(headers, message) => {
                let owned: Vec<(String, String)> = headers
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect();
                return Ok(Some(
                    self.ask(message.to_string().as_bytes(), &owned).await?,
                ));
            }
            Deed::Part(bytes, length) => {
                let head = head(&self.headers(&Value::Null), length, "keep-alive");
                let mut stream = self.connect().await?;
                stream.write_all(head.as_bytes()).await?;
                stream.write_all(&bytes).await?;
                self.open.push(stream);
            }
            Deed::Answer(message, times) => self.answer(&message, times).await?,
            Deed::Listen => {
                let session = self.session.as_deref().unwrap_or_default();
                let get = format!(
                    "GET /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\nmcp-session-id: {session}\r\n\r\n"
                );
                let mut stream = self.connect().await?;
                stream.write_all(get.as_bytes()).await?;
                self.open.push(stream);
            }
            Deed::Leave => self.open.clear(),
            Deed::Raw(bytes) => {
                let mut stream = self.connect().await?;
                // Being cut off in the middle is an answer too.
                let _ = stream.write_all(&bytes).await;
                return Ok(Some(read(&mut stream).await));
            }
            Deed::Trickle(text) => {
                let mut stream = self.connect().await?;
                for byte in text.bytes() {
                    stream.write_all(&[byte]).await?;
                    tokio::time::sleep(TRICKLE).await;
                }
                self.open.push(stream);
            }
        }
        Ok(None)
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        TcpStream::connect(self.address).await
    }

    fn headers(&self, message: &Value) -> Vec<(String, String)> {
        let mut headers = self.tongue.headers(message);
        headers.extend(
            self.session
                .clone()
                .map(|id| ("mcp-session-id".to_owned(), id)),
        );
        headers
    }

    /// Sends and keeps the connection, unread.
    async fn send(&mut self, message: &Value) -> io::Result<()> {
        let body = message.to_string();
        let mut stream = self.connect().await?;
        stream
            .write_all(head(&self.headers(message), body.len(), "keep-alive").as_bytes())
            .await?;
        stream.write_all(body.as_bytes()).await?;
        // More than some hundred open connections prove nothing new, and a process may not have many more.
        if self.open.len() >= 400 {
            self.open.remove(0);
        }
        self.open.push(stream);
        Ok(())
    }

    /// Sends on the connection that was opened last.
    async fn send_on(&mut self, message: &Value) -> io::Result<()> {
        let body = message.to_string();
        let head = head(&self.headers(message), body.len(), "keep-alive");
        match self.open.last_mut() {
            Some(stream) => stream.write_all((head + &body).as_bytes()).await,
            None => Ok(()),
        }
    }

    async fn ask(&self, body: &[u8], headers: &[(String, String)]) -> io::Result<String> {
        let mut stream = self.connect().await?;
        stream
            .write_all(head(headers, body.len(), "close").as_bytes())
            .await?;
        let _ = stream.write_all(body).await;
        Ok(read(&mut stream).await)
    }

    /// Calls, reads until a question comes or something ends, and answers it.
    async fn answer(&mut self, message: &Value, times: usize) -> io::Result<()> {
        let body = message.to_string();
        let mut stream = self.connect().await?;
        stream
            .write_all(head(&self.headers(message), body.len(), "close").as_bytes())
            .await?;
        stream.write_all(body.as_bytes()).await?;
        let mut heard = String::new();
        let mut some = vec![0; 4096];
        while let Ok(Ok(length @ 1..)) =
            tokio::time::timeout(PATIENCE, stream.read(&mut some)).await
        {
            heard.push_str(&String::from_utf8_lossy(&some[..length]));
            let lines = heard.lines().filter_map(|line| {
                serde_json::from_str(line.strip_prefix("data:").unwrap_or(line).trim()).ok()
            });
            let messages: Vec<Value> = lines.collect();
            let again: Vec<Value> = messages
                .iter()
                .filter_map(|heard| self.reply(message, heard))
                .collect();
            for answer in &again {
                for _ in 0..times {
                    self.ask(answer.to_string().as_bytes(), &self.headers(answer))
                        .await?;
                }
            }
            if !again.is_empty() {
                break;
            }
        }
        Ok(())
    }

    /// What answers a question: a message, or in the stateless era the call once more.
    fn reply(&self, call: &Value, heard: &Value) -> Option<Value> {
        if !self.tongue.is_stateless {
            return answer_to(heard);
        }
        let state = heard["result"].get("requestState")?;
        let questions = heard["result"]["inputRequests"].as_object()?;
        let mut again = call.clone();
        again["params"]["requestState"] = state.clone();
        for key in questions.keys() {
            again["params"]["inputResponses"][key]["action"] = "accept".into();
        }
        Some(again)
    }
}

fn head(headers: &[(String, String)], length: usize, connection: &str) -> String {
    let mut head = format!(
        "POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: {connection}\r\ncontent-length: {length}\r\n"
    );
    let defaults = [
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
    ];
    for (name, value) in defaults {
        if !headers.iter().any(|(given, _)| given == name) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head + "\r\n"
}

/// What comes until the end of the connection, or of patience.
async fn read(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut limited = stream.take(READ_MAX);
    let _ = tokio::time::timeout(PATIENCE, limited.read_to_end(&mut bytes)).await;
    String::from_utf8_lossy(&bytes).into_owned()
}
