//! A container from its creation to its end.
//!
//! Owns the order of the requests: created, attached, waited for, started, and only then sent what makes a server of it.
//! Refuses to leave a container behind: whatever fails on the way, or whoever stops waiting, it is removed; and when the
//! engine is lost it is remembered, to be removed when that is back.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use transport::multiplexed::Sorter;
use transport::{Pipe, stdio};

use super::api::{Api, ApiError, Opened, Request};
use crate::exit::ExitReason;
use crate::limits::{
    CONTAINER_GONE, CONTAINER_LAST_WORD, CONTAINER_ORDERS_MAX, CONTAINERS_LOST_MAX, ENGINE_ANSWER,
    ENGINE_START, ONE_SHOT_BYTES_MAX, STDERR_READ_BYTES,
};
use crate::one_shot::Ran;
use crate::process::Hold;
use crate::stderr::Tail;

/// Those that could not be removed because their engine was gone.
#[derive(Debug, Default)]
pub(super) struct Lost(Mutex<Vec<String>>);

impl Lost {
    fn add(&self, id: &str) {
        let mut lost = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lost.len() < CONTAINERS_LOST_MAX {
            lost.push(id.to_owned());
        }
    }

    /// Removes them in a task of its own, if there are any: their engine answers again.
    pub(super) fn remove_soon(self: &Arc<Self>, api: &Api) {
        let lost = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if lost.is_empty() {
            return;
        }
        let (own, api) = (self.clone(), api.clone());
        tokio::spawn(async move {
            for id in lost {
                if !remove(&api, &id).await {
                    own.add(&id);
                }
            }
        });
    }
}

/// Removes a container, and says whether it is gone.
pub(super) async fn remove(api: &Api, id: &str) -> bool {
    let path = format!("/containers/{id}?force=1&v=1");
    let request = Request {
        method: "DELETE",
        path: &path,
        body: None,
    };
    match api.call(request, ENGINE_START).await {
        Ok(_) => true,
        // It is gone, or somebody else removes it.
        Err(error) => matches!(error.status(), 404 | 409),
    }
}

/// A container that was created. Removed when dropped, unless it is running and watched.
pub(super) struct Created {
    api: Api,
    id: String,
    lost: Arc<Lost>,
    is_watched: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Made {
    id: String,
}

impl Created {
    pub(super) async fn new(
        api: &Api,
        name: String,
        body: Value,
        lost: &Arc<Lost>,
    ) -> Result<Self, ApiError> {
        let (api, lost) = (api.clone(), lost.clone());
        // A task, so that it is not given up half-way: one that was created without our hearing of it would stay.
        let creating = tokio::spawn(Self::create(api, name, body, lost));
        let created = creating.await.map_err(std::io::Error::other);
        created.map_err(ApiError::Gone)?
    }

    async fn create(
        api: Api,
        name: String,
        body: Value,
        lost: Arc<Lost>,
    ) -> Result<Self, ApiError> {
        let path = format!("/containers/create?name={name}");
        let request = Request {
            method: "POST",
            path: &path,
            body: Some(&body),
        };
        let reply = api.call(request, ENGINE_START).await?;
        let made: Made = serde_json::from_slice(&reply).map_err(|error| api.garbage(error))?;
        if made.id.is_empty() || !made.id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(api.garbage("it does not say which container it created"));
        }
        Ok(Self {
            api,
            id: made.id,
            lost,
            is_watched: false,
        })
    }

    /// Attaches to it and starts it. Nothing runs in it yet but `enter`, which waits.
    pub(super) async fn start(self) -> Result<Started, ApiError> {
        let attached = self
            .open("attach?stream=1&stdin=1&stdout=1&stderr=1")
            .await?;
        let ended = self.open("wait?condition=removed").await?;
        let path = format!("/containers/{}/start", self.id);
        self.api.call(post(&path), ENGINE_START).await?;
        let (stream, received) = attached.into_stream();
        Ok(Started {
            created: self,
            stream,
            received,
            ended,
        })
    }

    async fn open(&self, what: &str) -> Result<Opened, ApiError> {
        let path = format!("/containers/{}/{what}", self.id);
        let opened = timeout(ENGINE_START, self.api.open(post(&path))).await;
        opened.unwrap_or(Err(ApiError::Slow(ENGINE_START)))
    }
}

fn post(path: &str) -> Request<'_> {
    Request {
        method: "POST",
        path,
        body: None,
    }
}

impl Drop for Created {
    fn drop(&mut self) {
        if self.is_watched {
            return;
        }
        let (api, id, lost) = (self.api.clone(), self.id.clone(), self.lost.clone());
        // Without a runtime we are ending ourselves; who starts next removes it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if !remove(&api, &id).await {
                    lost.add(&id);
                }
            });
        }
    }
}

/// A container in which `enter` waits.
pub(super) struct Started {
    created: Created,
    stream: UnixStream,
    /// What came with the answer to the attachment.
    received: Vec<u8>,
    ended: Opened,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inspected {
    state: State,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct State {
    #[serde(default)]
    pid: u32,
}

impl Started {
    /// The number that its first process has on the engine's machine.
    pub(super) async fn pid(&self) -> Result<u32, ApiError> {
        let path = format!("/containers/{}/json", self.created.id);
        let inspected: Inspected = self.created.api.get(&path, ENGINE_ANSWER).await?;
        Ok(inspected.state.pid)
    }

    /// Makes a server of it, and watches it from now on.
    pub(super) async fn enter(
        mut self,
        message: &[u8],
        pid: u32,
        tail: &Arc<Tail>,
    ) -> Result<Running, ApiError> {
        let sent = timeout(ENGINE_START, self.stream.write_all(message)).await;
        sent.map_err(|_| ApiError::Slow(ENGINE_START))?
            .map_err(ApiError::Gone)?;
        let heard = tail.clone();
        let sorter = Sorter::new(Box::new(move |bytes| heard.push(bytes)));
        let socket = self.stream.into_std().map_err(ApiError::Gone)?;
        let pipe = stdio::attached(socket.into(), self.received, sorter)
            .map_err(|error| self.created.api.garbage(error))?;
        let (order, orders) = mpsc::channel(CONTAINER_ORDERS_MAX);
        let (tell, exited) = watch::channel(None);
        self.created.is_watched = true;
        let watched = Watched {
            api: self.created.api.clone(),
            id: self.created.id.clone(),
            lost: self.created.lost.clone(),
            tail: tail.clone(),
            is_over: false,
            is_paused: false,
        };
        let ended = self.ended;
        tokio::spawn(async move {
            let reason = watched.until_the_end(ended, orders).await;
            tell.send_replace(Some(reason));
        });
        Ok(Running {
            pipe,
            hold: Arc::new(Reins { pid, order }),
            exited,
        })
    }
}

impl Started {
    /// Runs a program that is told nothing more to its end, and keeps what it writes. Ends it when dropped.
    pub(super) async fn run(mut self, message: &[u8], tail: Arc<Tail>) -> Result<Ran, ApiError> {
        let sent = timeout(ENGINE_START, async {
            self.stream.write_all(message).await?;
            self.stream.shutdown().await
        });
        // What ended before it was told tells more by its end.
        let _ = sent.await.map_err(|_| ApiError::Slow(ENGINE_START))?;
        let heard = tail.clone();
        let mut sorter = Sorter::new(Box::new(move |bytes| heard.push(bytes)));
        let (mut stdout, mut is_cut) = (Vec::new(), false);
        let mut received = std::mem::take(&mut self.received);
        loop {
            let there = sorter
                .sort(&mut received)
                .map_err(|error| self.created.api.garbage(error))?;
            let room = ONE_SHOT_BYTES_MAX - stdout.len();
            // What is too much is read all the same: who writes must not wait for ever.
            is_cut |= there > room;
            stdout.extend_from_slice(&received[..there.min(room)]);
            received.resize(STDERR_READ_BYTES, 0);
            match self.stream.read(&mut received).await {
                Ok(0) => break,
                Ok(read) => received.truncate(read),
                Err(error) => return Err(ApiError::Gone(error)),
            }
        }
        let said = timeout(CONTAINER_GONE, self.ended.whole()).await;
        let said = said.map_err(|_| ApiError::Slow(CONTAINER_GONE))??;
        let Status { status_code } =
            serde_json::from_slice(&said).map_err(|error| self.created.api.garbage(error))?;
        // It is gone: the engine has removed it.
        self.created.is_watched = true;
        let exit = ExitReason::Code(i32::try_from(status_code).unwrap_or(-1));
        if exit == ExitReason::Code(137) {
            tail.note(KILLED);
        }
        Ok(Ran {
            stdout,
            is_cut,
            tail,
            exit,
        })
    }
}

/// What is said of an end that nobody here has ordered.
const KILLED: &str =
    "the server was killed from outside, most likely because it used more memory than its limit";

/// A server in its container.
pub(super) struct Running {
    pub(super) pipe: Pipe,
    pub(super) hold: Arc<dyn Hold>,
    pub(super) exited: watch::Receiver<Option<ExitReason>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Term,
    Kill,
    Pause,
    Unpause,
}

struct Reins {
    pid: u32,
    order: mpsc::Sender<Order>,
}

impl Hold for Reins {
    fn pid(&self) -> u32 {
        self.pid
    }

    fn term(&self) {
        // When so many wait already, this one is among them.
        let _ = self.order.try_send(Order::Term);
    }

    fn kill(&self) {
        let _ = self.order.try_send(Order::Kill);
    }

    fn freeze(&self) {
        let _ = self.order.try_send(Order::Pause);
    }

    fn thaw(&self) {
        let _ = self.order.try_send(Order::Unpause);
    }
}

struct Watched {
    api: Api,
    id: String,
    lost: Arc<Lost>,
    tail: Arc<Tail>,
    is_over: bool,
    is_paused: bool,
}

/// With the runtime we end too, and nobody will be there to wait.
impl Drop for Watched {
    fn drop(&mut self) {
        if !self.is_over {
            let path = format!("/containers/{}/kill?signal=SIGKILL", self.id);
            // The engine removes it then by itself; if not, whoever starts next does.
            let _ = self.api.tell(&post(&path), CONTAINER_LAST_WORD);
        }
    }
}

/// What the engine says of an end.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Status {
    status_code: i64,
}

impl Watched {
    /// Carries orders out until it is gone.
    async fn until_the_end(
        mut self,
        ended: Opened,
        mut orders: mpsc::Receiver<Order>,
    ) -> ExitReason {
        let mut ended = Box::pin(ended.whole());
        let mut was_killed = false;
        let said = loop {
            let order = tokio::select! {
                said = &mut ended => break said,
                order = orders.recv() => order,
            };
            match order {
                Some(Order::Term) => {
                    self.set_paused(false).await;
                    self.ask("kill?signal=SIGTERM").await;
                    continue;
                }
                Some(Order::Pause) => {
                    self.set_paused(true).await;
                    continue;
                }
                Some(Order::Unpause) => {
                    self.set_paused(false).await;
                    continue;
                }
                Some(Order::Kill) | None => {}
            }
            was_killed = true;
            if !remove(&self.api, &self.id).await {
                self.lost.add(&self.id);
            }
            // Whoever gave the order waits; what the engine still says is worth a moment.
            break match timeout(CONTAINER_GONE, &mut ended).await {
                Ok(said) => said,
                Err(_) => Err(ApiError::Slow(CONTAINER_GONE)),
            };
        };
        self.is_over = true;
        let status = said.and_then(|said| {
            serde_json::from_slice::<Status>(&said).map_err(|error| self.api.garbage(error))
        });
        match status {
            Ok(Status { status_code }) => {
                let code = i32::try_from(status_code).unwrap_or(-1);
                if code == 137 && !was_killed {
                    self.tail.note(KILLED);
                }
                match (code, was_killed) {
                    (137, true) => ExitReason::Signal(9),
                    _ => ExitReason::Code(code),
                }
            }
            Err(_) if was_killed => ExitReason::Signal(9),
            Err(error) => {
                self.tail.note(&format!(
                    "the container was lost: {error}; it is started again as soon as the engine answers"
                ));
                // Whoever waits for the end has waited long enough.
                self.lost.add(&self.id);
                self.lost.remove_soon(&self.api);
                ExitReason::EngineGone
            }
        }
    }

    async fn set_paused(&mut self, is_paused: bool) {
        if std::mem::replace(&mut self.is_paused, is_paused) != is_paused {
            self.ask(if is_paused { "pause" } else { "unpause" }).await;
        }
    }

    /// It may have ended meanwhile; if not, what is not done is told by what comes next.
    async fn ask(&self, what: &str) {
        let path = format!("/containers/{}/{what}", self.id);
        let _ = self.api.call(post(&path), ENGINE_ANSWER).await;
    }
}
