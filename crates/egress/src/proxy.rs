//! The way out behind sockets that somebody hands over: an HTTP proxy, addresses that stand for hosts, and who tells of
//! these (`resolver`). Owns the decision about each request, and tells of it.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::Limits;
use crate::address::is_public;
use crate::allow::{AllowError, AllowList, Target, Way};
use crate::limits::ADDRESSES_MAX;
use crate::names::Names;
use crate::relay::relay;
use crate::request::{self, Bad, Request};
use crate::resolver;

const ESTABLISHED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";

/// What was decided about one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// `host:port` as it was asked for; `host` where its address was asked for; empty where nothing could be made of the
    /// request.
    pub target: String,
    /// What came of it.
    pub verdict: Verdict,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Let through.
    Allowed,
    /// No rule names it.
    NotListed,
    /// A rule names it, and it leads to an address that only a rule with an address opens.
    NotPublic(IpAddr),
    /// It could not be looked up or reached; why.
    Unreachable(String),
    /// No request that a proxy gets.
    Malformed,
    /// There are too many connections already.
    Busy,
}

/// Whoever wants to know.
pub trait Recorder: Send + Sync {
    /// Called for each request, before it is answered. Must not block.
    fn decided(&self, decision: &Decision);
}

/// What is handed over, all of it in the network of the box.
#[derive(Debug)]
pub struct Doors {
    /// Where the proxy is.
    pub proxy: std::net::TcpListener,
    /// Where addresses of names are asked for.
    pub names: Option<std::net::UdpSocket>,
    /// The network whose addresses stand for names: all of them lead to the box itself.
    pub network: Ipv4Addr,
    /// Where programs that know no proxy connect to, on every address: which one says which host, the port is its own.
    pub forwards: Vec<std::net::TcpListener>,
}

/// A proxy that runs. Dropping it closes the doors and every connection.
#[derive(Debug)]
pub struct Proxy {
    tasks: Vec<JoinHandle<()>>,
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    allowed: RwLock<AllowList>,
    names: Mutex<Names>,
    recorder: Arc<dyn Recorder>,
    limits: Limits,
    turns: Arc<Semaphore>,
}

/// How somebody came in.
#[derive(Clone, Copy)]
enum Door {
    Proxy,
    Forward,
}

impl Proxy {
    /// Serves on the runtime that this is called on.
    ///
    /// # Errors
    /// The runtime cannot wait for one of the doors.
    pub fn serve(
        doors: impl Into<Doors>,
        allowed: AllowList,
        recorder: Arc<dyn Recorder>,
        limits: Limits,
    ) -> io::Result<Self> {
        let doors = doors.into();
        let shared = Arc::new(Shared {
            allowed: RwLock::new(allowed),
            names: Mutex::new(Names::new(doors.network)),
            recorder,
            limits,
            turns: Arc::new(Semaphore::new(limits.connections)),
        });
        let mut proxy = Self {
            tasks: Vec::new(),
            shared: shared.clone(),
        };
        let forwards = doors.forwards.into_iter().map(|one| (one, Door::Forward));
        for (listener, door) in forwards.chain([(doors.proxy, Door::Proxy)]) {
            listener.set_nonblocking(true)?;
            let listener = TcpListener::from_std(listener)?;
            let task = tokio::spawn(accept(listener, door, shared.clone()));
            proxy.tasks.push(task);
        }
        if let Some(socket) = doors.names {
            socket.set_nonblocking(true)?;
            let socket = UdpSocket::from_std(socket)?;
            proxy
                .tasks
                .push(tokio::spawn(resolver::serve(socket, shared)));
        }
        Ok(proxy)
    }

    /// Lets through what these rules name too, from now on.
    ///
    /// # Errors
    /// There are too many.
    pub fn allow(&self, more: AllowList) -> Result<(), AllowError> {
        let mut allowed = self.shared.allowed.write();
        allowed.as_mut().map_or_else(
            |poisoned| poisoned.get_mut().extend(more.clone()),
            |allowed| allowed.extend(more.clone()),
        )
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl From<std::net::TcpListener> for Doors {
    fn from(proxy: std::net::TcpListener) -> Self {
        Self {
            proxy,
            names: None,
            network: Ipv4Addr::LOCALHOST,
            forwards: Vec::new(),
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

async fn accept(listener: TcpListener, door: Door, shared: Arc<Shared>) {
    let mut open = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = open.join_next() => continue,
        };
        let Ok((client, _)) = accepted else {
            // No descriptors, most likely: whoever holds them has to let go first.
            tokio::time::sleep(shared.limits.head_wait / 100).await;
            continue;
        };
        let Ok(turn) = Arc::clone(&shared.turns).try_acquire_owned() else {
            shared.tell(String::new(), Verdict::Busy);
            if matches!(door, Door::Proxy) {
                let answer = answer(
                    503,
                    "too many connections",
                    "portolan: too many connections at once\n",
                );
                let _ = client.try_write(answer.as_bytes());
            }
            continue;
        };
        let shared = shared.clone();
        open.spawn(async move {
            match door {
                Door::Proxy => shared.connection(client).await,
                Door::Forward => shared.forward(client).await,
            }
            drop(turn);
        });
    }
}

impl Shared {
    pub(crate) fn tell(&self, target: String, verdict: Verdict) {
        self.recorder.decided(&Decision { target, verdict });
    }

    /// Whether a host is listed with some port.
    pub(crate) fn lists(&self, host: &str) -> bool {
        let allowed = self.allowed.read().unwrap_or_else(PoisonError::into_inner);
        allowed.lists(host)
    }

    /// The address that stands for a host in the box; `None`: there are too many.
    pub(crate) fn address(&self, host: &str) -> Option<Ipv4Addr> {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.address(host)
    }

    fn way(&self, target: &Target) -> Option<Way> {
        let allowed = self.allowed.read().unwrap_or_else(PoisonError::into_inner);
        allowed.way(target)
    }

    /// Somebody connects to an address that stands for a host.
    async fn forward(&self, client: TcpStream) {
        let Ok(address) = client.local_addr() else {
            return;
        };
        let host = {
            let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
            names.host(address.ip()).map(str::to_owned)
        };
        // Nobody has been told of this address: there is nobody there.
        let Some(host) = host else { return };
        let target = Target {
            host,
            port: address.port(),
        };
        match self.reach(&target).await {
            Ok(server) => {
                self.tell(target.to_string(), Verdict::Allowed);
                relay(client, server, self.limits.idle).await;
            }
            Err(verdict) => self.tell(target.to_string(), verdict),
        }
    }

    async fn connection(&self, mut client: TcpStream) {
        let Ok(read) = timeout(self.limits.head_wait, self.head(&mut client)).await else {
            return self
                .refuse(client, 408, String::new(), Verdict::Malformed)
                .await;
        };
        let (request, behind) = match read {
            Ok(read) => read,
            Err(Some(status)) => {
                return self
                    .refuse(client, status, String::new(), Verdict::Malformed)
                    .await;
            }
            Err(None) => return,
        };
        let target = request.target.to_string();
        let mut server = match self.reach(&request.target).await {
            Ok(server) => server,
            Err(verdict) => {
                let status = match verdict {
                    Verdict::Unreachable(_) => 502,
                    _ => 403,
                };
                return self.refuse(client, status, target, verdict).await;
            }
        };
        self.tell(target, Verdict::Allowed);
        let begun = async {
            match &request.head {
                Some(head) => server.write_all(head).await,
                None => client.write_all(ESTABLISHED).await,
            }?;
            server.write_all(&behind).await
        };
        if matches!(timeout(self.limits.connect_wait, begun).await, Ok(Ok(()))) {
            relay(client, server, self.limits.idle).await;
        }
    }

    /// The request and what came behind its head; or the status that says what is wrong, if anybody is there to hear it.
    async fn head(&self, client: &mut TcpStream) -> Result<(Request, Vec<u8>), Option<u16>> {
        let mut bytes = Vec::with_capacity(1024);
        loop {
            let left = self.limits.head_bytes.saturating_sub(bytes.len());
            if left == 0 {
                return Err(Some(431));
            }
            let read = (&mut *client).take(left as u64).read_buf(&mut bytes).await;
            match read {
                Ok(0) | Err(_) => return Err(None),
                Ok(_) => {}
            }
            match request::read(&bytes) {
                None => {}
                Some(Ok((request, length))) => return Ok((request, bytes.split_off(length))),
                Some(Err(Bad::Malformed)) => return Err(Some(400)),
                Some(Err(Bad::Scheme)) => return Err(Some(501)),
            }
        }
    }

    /// A connection to where a target leads, if it may be reached.
    async fn reach(&self, target: &Target) -> Result<TcpStream, Verdict> {
        let way = self.way(target).ok_or(Verdict::NotListed)?;
        let reached = async {
            let addresses = match way {
                Way::Mapped(address) => vec![address],
                Way::Looked => looked_up(target).await?,
            };
            let mut last = None;
            for address in addresses {
                match TcpStream::connect(address).await {
                    Ok(server) => return Ok(server),
                    Err(error) => last = Some(error),
                }
            }
            Err(Verdict::Unreachable(last.map_or_else(
                || "the name has no address".to_owned(),
                |error| error.to_string(),
            )))
        };
        timeout(self.limits.connect_wait, reached)
            .await
            .unwrap_or_else(|_| Err(Verdict::Unreachable("it takes too long".to_owned())))
    }

    async fn refuse(&self, mut client: TcpStream, status: u16, target: String, verdict: Verdict) {
        let (reason, body) = words(status, &target, &verdict);
        self.tell(target, verdict);
        let answer = answer(status, &reason, &body);
        let said = async {
            client.write_all(answer.as_bytes()).await?;
            client.shutdown().await
        };
        let _ = timeout(self.limits.head_wait, said).await;
    }
}

/// The public addresses of a name. One that is not public spoils the name: it is not what its rule was written for.
async fn looked_up(target: &Target) -> Result<Vec<SocketAddr>, Verdict> {
    let addresses: Vec<SocketAddr> = match target.address() {
        Some(address) => vec![SocketAddr::new(address, target.port)],
        None => tokio::net::lookup_host((target.host.as_str(), target.port))
            .await
            .map_err(|error| Verdict::Unreachable(error.to_string()))?
            .take(ADDRESSES_MAX)
            .collect(),
    };
    match addresses.iter().find(|address| !is_public(address.ip())) {
        Some(address) => Err(Verdict::NotPublic(address.ip())),
        None => Ok(addresses),
    }
}

/// What is said to the server. Many programs show the reason of a tunnel that was refused and nothing else of the answer.
fn words(status: u16, target: &str, verdict: &Verdict) -> (String, String) {
    let reason = match (status, verdict) {
        (408, _) => "request takes too long".to_owned(),
        (431, _) => "request head is too large".to_owned(),
        (501, _) => "only http and tunnels".to_owned(),
        (_, verdict) => verdict.to_string(),
    };
    let body = match target {
        "" => format!("portolan: {reason}\n"),
        target => format!("portolan: {target}: {reason}\n"),
    };
    (reason, body)
}

fn answer(status: u16, reason: &str, body: &str) -> String {
    // One line, whatever the system had to say.
    let reason: String = reason
        .chars()
        .map(|c| if c.is_ascii_graphic() { c } else { ' ' })
        .collect();
    format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allowed => f.write_str("allowed"),
            Self::NotListed => f.write_str("not in the list of hosts that this server may reach"),
            Self::NotPublic(address) => write!(f, "leads to {address}, which is not public"),
            Self::Unreachable(why) => write!(f, "cannot be reached: {why}"),
            Self::Malformed => f.write_str("no request for a proxy"),
            Self::Busy => f.write_str("too many connections"),
        }
    }
}

#[cfg(test)]
mod tests;
