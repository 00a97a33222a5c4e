//! The client before servers of this machine, over a net in which some of them have public addresses.

mod artifacts;
mod documents;
mod guard;
mod images;
mod pulled;

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::net::{BoxFuture, Net, Stream};
use crate::{Client, Limits};

/// An address of the public Internet; nobody is asked there.
const PUBLIC: &str = "93.184.215.14";

/// What a server does once it has read the head of a request.
#[derive(Clone)]
pub(crate) enum Step {
    /// Sends this and closes.
    Say(String),
    /// The same with bytes.
    Raw(&'static [u8]),
    /// Sends this, and then the second text for ever.
    Endless(&'static str, String),
    /// Sends this, and then nothing.
    Hold(&'static str),
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl Server {
    /// Answers by path with query; other paths are not found.
    pub(crate) async fn start<const N: usize>(steps: [(&str, Step); N]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let steps: HashMap<String, Step> = steps
            .into_iter()
            .map(|(path, step)| (path.to_owned(), step))
            .collect();
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let (mut tasks, seen) = (JoinSet::new(), heads.clone());
        tasks.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                open.spawn(answer(stream, steps.clone(), seen.clone()));
            }
        });
        Self {
            address,
            heads,
            _tasks: tasks,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn answer(
    mut stream: TcpStream,
    steps: HashMap<String, Step>,
    heads: Arc<Mutex<Vec<String>>>,
) {
    let mut head = Vec::new();
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let end = head
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap()
        + 4;
    let text = String::from_utf8_lossy(&head[..end]).to_lowercase();
    let length = text.split("content-length: ").nth(1);
    let length = length.map_or(0, |rest| rest.lines().next().unwrap().parse().unwrap());
    while head.len() < end + length {
        if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let head = String::from_utf8(head).unwrap();
    let path = head.split(' ').nth(1).unwrap().to_owned();
    heads.lock().unwrap().push(head);
    let missing = Step::Say("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".into());
    match steps.get(&path).cloned().unwrap_or(missing) {
        Step::Say(text) => {
            let _ = stream.write_all(text.as_bytes()).await;
        }
        Step::Raw(bytes) => {
            let _ = stream.write_all(bytes).await;
        }
        Step::Endless(start, piece) => {
            let _ = stream.write_all(start.as_bytes()).await;
            while stream.write_all(piece.as_bytes()).await.is_ok() {}
        }
        Step::Hold(start) => {
            let _ = stream.write_all(start.as_bytes()).await;
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    }
}

/// A document.
pub(crate) fn document(body: &str) -> Step {
    Step::Say(format!(
        "HTTP/1.1 200 OK\r\nContent-Type: Application/YAML; charset=utf-8\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ))
}

/// A redirect.
pub(crate) fn moved(location: &str) -> Step {
    Step::Say(format!(
        "HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    ))
}

/// A net with names of its own, in which everything that is not of this machine ends at one server. TLS is left out:
/// that is `transport`'s, and tested there.
#[derive(Default)]
pub(crate) struct Fake {
    /// The addresses of a name, one answer after the other; the last one stays.
    names: Mutex<HashMap<String, Vec<Vec<IpAddr>>>>,
    server: Option<SocketAddr>,
    connected: Mutex<Vec<SocketAddr>>,
    secured: Mutex<Vec<String>>,
}

impl Fake {
    pub(crate) fn new(server: &Server, names: &[(&str, &[&[&str]])]) -> Arc<Self> {
        let parse = |one: &&str| one.parse().unwrap();
        let names = names.iter().map(|(name, answers)| {
            let answers = answers.iter().map(|all| all.iter().map(parse).collect());
            ((*name).to_owned(), answers.collect())
        });
        Arc::new(Self {
            names: Mutex::new(names.collect()),
            server: Some(server.address),
            ..Self::default()
        })
    }

    pub(crate) fn client(self: &Arc<Self>) -> Client {
        self.client_with(Limits::default())
    }

    pub(crate) fn client_with(self: &Arc<Self>, limits: Limits) -> Client {
        Client::over(self.clone(), limits)
    }

    pub(crate) fn connected(&self) -> Vec<SocketAddr> {
        self.connected.lock().unwrap().clone()
    }
}

impl Net for Fake {
    fn look_up<'a>(
        &'a self,
        name: &'a str,
        port: u16,
    ) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        let mut names = self.names.lock().unwrap();
        let found = match names.get_mut(name) {
            Some(answers) if answers.len() > 1 => Ok(answers.remove(0)),
            Some(answers) => Ok(answers[0].clone()),
            None => Err(io::Error::other("no such name")),
        };
        Box::pin(async move {
            let to = |ip: IpAddr| SocketAddr::new(ip, port);
            Ok(found?.into_iter().map(to).collect())
        })
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<TcpStream>> {
        self.connected.lock().unwrap().push(address);
        let real = match address.ip().is_loopback() {
            true => Some(address),
            false => self.server,
        };
        Box::pin(async move { TcpStream::connect(real.unwrap()).await })
    }

    fn secure(
        &self,
        stream: TcpStream,
        name: ServerName<'static>,
    ) -> BoxFuture<'_, io::Result<Box<dyn Stream>>> {
        self.secured
            .lock()
            .unwrap()
            .push(name.to_str().into_owned());
        Box::pin(async move { Ok(Box::new(stream) as Box<dyn Stream>) })
    }
}

/// Short enough to be reached.
pub(crate) fn short(body_bytes: usize) -> Limits {
    Limits {
        body_bytes,
        time: Duration::from_millis(300),
        connect_time: Duration::from_millis(200),
    }
}
