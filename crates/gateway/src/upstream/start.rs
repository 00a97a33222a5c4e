//! How a connection begins: launched, greeted in the era of its key, listed.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use catalog::{Launch, RemoteKind};
use tokio::time::Instant;
use transport::client::Endpoint;
use wire::{Era, Frame, Kind, Object, Version, code, method, quote};

use super::{Hello, Link, Live, State, Upstream, http, pipe, reading};
use crate::error::Fault;
use crate::limits::{PROBE_TIMEOUT, STANDING_WAIT};
use crate::outbox::lock;

/// How HTTP servers refuse a message that they do not understand.
const ERA_STATUSES: [&str; 5] = [
    "HTTP status 400",
    "HTTP status 404",
    "HTTP status 405",
    "HTTP status 406",
    "HTTP status 415",
];

/// The eras, for people.
const HANDSHAKE: &str = "the handshake protocols (up to 2025-11-25)";
const STATELESS: &str = "the stateless protocol (2026-07-28)";

impl Upstream {
    /// Runs in a task of its own, so that a caller who gives up does not undo the start for the others.
    pub(super) async fn start(self: Arc<Self>) {
        let began = std::time::Instant::now();
        let outcome = self.open().await;
        let Ok(core) = self.core() else { return };
        match outcome {
            Ok(live) => {
                self.touch(core.now_ms());
                if !self.install(&live) {
                    live.end(&self.server).await;
                    self.turned.notify_waiters();
                    return;
                }
                self.server.started();
                core.note_start(&self.server, began.elapsed(), None);
                self.turned.notify_waiters();
                self.send_level(&live).await;
                self.resubscribe(&live).await;
                self.first_lists(&live).await;
            }
            Err(_) if self.is_given_up() => {
                let mut state = lock(&self.state);
                if !matches!(*state, State::Closed) {
                    *state = State::Idle;
                }
                drop(state);
                self.turned.notify_waiters();
            }
            Err(fault) => {
                let reason = match &fault {
                    Fault::Unavailable { reason, .. } | Fault::Died { reason, .. } => {
                        reason.clone()
                    }
                    other => other.to_string(),
                };
                core.note_start(&self.server, began.elapsed(), Some(&reason));
                if !matches!(fault, Fault::OtherEra { .. }) {
                    self.server.failed(reason);
                }
                let mut state = lock(&self.state);
                if !matches!(*state, State::Closed) {
                    *state = State::Failed(fault);
                }
                drop(state);
                self.turned.notify_waiters();
            }
        }
    }

    /// Puts a started connection to use; false if it was closed or stopped meanwhile.
    fn install(&self, live: &Arc<Live>) -> bool {
        let mut state = lock(&self.state);
        if matches!(*state, State::Closed) {
            return false;
        }
        if self.server.is_stopped() || self.is_unwanted.load(Ordering::Relaxed) {
            *state = State::Idle;
            return false;
        }
        *state = State::Ready;
        self.live.store(Some(live.clone()));
        true
    }

    async fn open(self: &Arc<Self>) -> Result<Arc<Live>, Fault> {
        let entry = &self.server.entry;
        let core = self.core()?;
        let timeout = entry
            .start_timeout_s
            .map_or(core.settings.start_timeout, Duration::from_secs);
        let deadline = Instant::now() + timeout;
        let is_sse = matches!(
            entry.launch,
            Launch::Remote {
                kind: RemoteKind::Sse,
                ..
            }
        );
        let can_fall_back = matches!(
            entry.launch,
            Launch::Remote {
                kind: RemoteKind::Auto,
                ..
            }
        );
        match self.begun(is_sse, deadline, timeout).await {
            // Servers of 2024-11-05 know only HTTP+SSE; when that fails too, the first reason says more.
            Err(fault)
                if can_fall_back
                    && self.key.era == Era::Handshake
                    && !matches!(fault, Fault::OtherEra { .. })
                    && !self.is_given_up() =>
            {
                self.begun(true, deadline, timeout).await.map_err(|_| fault)
            }
            outcome => outcome,
        }
    }

    /// Launched and greeted, or ended again.
    async fn begun(
        self: &Arc<Self>,
        as_sse: bool,
        deadline: Instant,
        timeout: Duration,
    ) -> Result<Arc<Live>, Fault> {
        let launched = tokio::select! {
            launched = tokio::time::timeout_at(deadline, self.launch(as_sse)) => launched,
            () = self.given_up() => return Err(Fault::ShuttingDown),
        };
        let live = launched.map_err(|_| self.too_slow(timeout))??;
        let greeted = tokio::select! {
            greeted = tokio::time::timeout_at(deadline, self.greet(&live)) => {
                greeted.unwrap_or_else(|_| Err(self.too_slow(timeout)))
            }
            () = self.given_up() => Err(Fault::ShuttingDown),
        };
        match greeted {
            Ok(()) => Ok(live),
            Err(fault) => Err(self.explained(&live, fault).await),
        }
    }

    /// Ready once nobody wants the start any more.
    async fn given_up(&self) {
        loop {
            let turned = self.turned.notified();
            tokio::pin!(turned);
            turned.as_mut().enable();
            if self.is_given_up() {
                return;
            }
            turned.await;
        }
    }

    fn is_given_up(&self) -> bool {
        matches!(*lock(&self.state), State::Closed)
            || self.is_unwanted.load(Ordering::Relaxed)
            || self.server.is_stopped()
    }

    fn too_slow(&self, timeout: Duration) -> Fault {
        let seconds = timeout.as_secs();
        self.unavailable(format!(
            "it did not start within {seconds} s; raise start_timeout_s for it if it needs longer"
        ))
    }

    pub(super) fn unavailable(&self, reason: String) -> Fault {
        Fault::Unavailable {
            server: self.server.name.clone(),
            reason,
        }
    }

    /// The fault with what the server wrote while failing; ends the server.
    async fn explained(&self, live: &Arc<Live>, fault: Fault) -> Fault {
        live.end(&self.server).await;
        let words = self.server.last_words();
        match fault {
            Fault::Unavailable { server, reason } | Fault::Died { server, reason }
                if !words.is_empty() && !reason.contains("last words") =>
            {
                let last = words[words.len().saturating_sub(5)..].join("\n  ");
                Fault::Unavailable {
                    server,
                    reason: format!("{reason}; its last words on stderr:\n  {last}"),
                }
            }
            Fault::Died { server, reason } => Fault::Unavailable { server, reason },
            other => other,
        }
    }

    async fn launch(self: &Arc<Self>, as_sse: bool) -> Result<Arc<Live>, Fault> {
        let core = self.core()?;
        let entry = &self.server.entry;
        let launched = if as_sse {
            core.launcher.launch_sse(entry).await
        } else {
            core.launcher.launch(entry).await
        };
        let launched = launched.map_err(|error| self.unavailable(error.to_string()))?;
        let call_timeout = entry
            .call_timeout_s
            .map_or(core.settings.call_timeout, Duration::from_secs);
        let process = launched.process.map(Arc::new);
        match launched.link {
            launch::Link::Pipe(pipe) => {
                let link = pipe::PipeLink::new(pipe.sink);
                let live = Live::new(Link::Pipe(link), process, &self.server, call_timeout);
                let reader = pipe::read(Arc::downgrade(self), Arc::downgrade(&live), pipe.source);
                live.keep_task(&tokio::spawn(reader));
                Ok(live)
            }
            launch::Link::Http(endpoint) => Ok(self.over_http(endpoint, call_timeout)),
        }
    }

    fn over_http(&self, endpoint: Endpoint, call_timeout: Duration) -> Arc<Live> {
        let link = http::HttpLink::new(
            self.server.name.clone(),
            endpoint,
            self.key.era,
            call_timeout,
        );
        Live::new(Link::Http(link), None, &self.server, call_timeout)
    }

    async fn greet(self: &Arc<Self>, live: &Arc<Live>) -> Result<(), Fault> {
        match self.key.era {
            Era::Handshake => self.initialize(live).await,
            Era::Stateless => self.discover(live).await,
        }
    }

    /// The handshake of 2024-11-05 to 2025-11-25.
    pub(super) async fn initialize(self: &Arc<Self>, live: &Arc<Live>) -> Result<(), Fault> {
        let params = format!(
            r#"{{"protocolVersion":"{}","capabilities":{},"clientInfo":{}}}"#,
            Version::LATEST_HANDSHAKE.as_str(),
            self.capabilities,
            crate::about::info()
        );
        let frame = self
            .ask(
                live,
                method::INITIALIZE,
                Some(&params),
                Duration::from_secs(24 * 3600),
            )
            .await?;
        let Some(result) = frame.result() else {
            return Err(self.not_spoken(&frame));
        };
        let result = Object::parse(result)
            .map_err(|e| self.unavailable(format!("its answer to initialize is broken: {e}")))?;
        let offered = result
            .string("protocolVersion")
            .ok()
            .flatten()
            .unwrap_or_default();
        let version = Version::parse(&offered).filter(|version| version.era() == Era::Handshake);
        let version = version.ok_or_else(|| {
            self.unavailable(format!(
                "it wants protocol version {offered:?}, which is not known here"
            ))
        })?;
        if let Link::Http(http) = &live.link {
            http.set_version(version);
        }
        self.heard(live, version, &result);
        match &live.link {
            Link::Pipe(_) => live.send(wire::build::notification(method::INITIALIZED, None)),
            // In order: the first request must not overtake it.
            Link::Http(http) => {
                http.post_message(wire::build::notification(method::INITIALIZED, None))
                    .await;
                let standing = reading::standing(Arc::downgrade(self), Arc::downgrade(live));
                live.keep_task(&tokio::spawn(standing));
                // Servers lose what they ask on a stream that is not open yet. Some open it with its first message
                // only; for those nothing is gained by waiting longer.
                let _ = tokio::time::timeout(STANDING_WAIT, http.standing_tried.notified()).await;
            }
        }
        Ok(())
    }

    /// `server/discover` of 2026-07-28.
    async fn discover(self: &Arc<Self>, live: &Arc<Live>) -> Result<(), Fault> {
        let version = Version::LATEST;
        if let Link::Http(http) = &live.link {
            http.set_version(version);
        }
        let params = stateless_params("");
        let frame = match self
            .ask(live, method::SERVER_DISCOVER, Some(&params), PROBE_TIMEOUT)
            .await
        {
            // Old servers may stay silent on a method that they do not know, new ones may be slow to start: that is
            // a failure, which is tried again ever more seldom, and no verdict.
            Err(Fault::TimedOut { after_s, .. }) => {
                return Err(self.unavailable(format!(
                    "it did not answer server/discover within {after_s} s; it may speak only {HANDSHAKE}"
                )));
            }
            // An old HTTP server refuses what is not `initialize` without a JSON-RPC body. One that wants credentials
            // or has too much to do says nothing of its era.
            Err(Fault::Unavailable { reason, .. })
                if ERA_STATUSES.iter().any(|status| reason.contains(status)) =>
            {
                return Err(self.other_era());
            }
            other => other?,
        };
        let Some(result) = frame.result() else {
            return Err(self.not_spoken(&frame));
        };
        let result = Object::parse(result).map_err(|e| {
            self.unavailable(format!("its answer to server/discover is broken: {e}"))
        })?;
        let speaks = result
            .get("supportedVersions")
            .ok()
            .flatten()
            .unwrap_or_default();
        if !speaks.contains(&quote(version.as_str())) {
            return Err(self.other_era());
        }
        self.heard(live, version, &result);
        Ok(())
    }

    fn heard(&self, live: &Live, version: Version, result: &Object<'_>) {
        let hello = Hello {
            version,
            capabilities: result
                .get("capabilities")
                .ok()
                .flatten()
                .filter(|c| c.starts_with('{'))
                .unwrap_or("{}")
                .into(),
            instructions: result.string("instructions").ok().flatten().map(Into::into),
        };
        self.server.declared(&hello.capabilities);
        // Heard once more when a session is re-opened; what was said first stands.
        let _ = live.hello.set(hello);
        self.server.set_refuses(self.key.era, false);
    }

    /// The server answered the greeting with an error.
    fn not_spoken(&self, frame: &Frame) -> Fault {
        debug_assert!(frame.kind() == Kind::Error);
        let error = frame.error_object().ok().flatten();
        let message = error
            .as_ref()
            .and_then(|e| e.string("message").ok().flatten())
            .unwrap_or_default();
        let number = error
            .as_ref()
            .and_then(|e| e.get("code").ok().flatten())
            .and_then(|code| code.parse::<i64>().ok());
        let says_other_era = match self.key.era {
            Era::Handshake => {
                matches!(
                    number,
                    Some(
                        code::METHOD_NOT_FOUND
                            | code::UNSUPPORTED_VERSION
                            | code::INVALID_PARAMS
                            | code::HEADER_MISMATCH
                    )
                )
            }
            // Whatever an old server answers to an unknown first message, it is not the new protocol.
            Era::Stateless => true,
        };
        if says_other_era {
            self.other_era()
        } else {
            self.unavailable(format!("it refused to start: {message}"))
        }
    }

    fn other_era(&self) -> Fault {
        self.server.set_refuses(self.key.era, true);
        let (speaks, wanted) = match self.key.era {
            Era::Handshake => (STATELESS, HANDSHAKE),
            Era::Stateless => (HANDSHAKE, STATELESS),
        };
        Fault::OtherEra {
            server: self.server.name.clone(),
            speaks,
            wanted,
        }
    }

    /// A new handshake on a connection whose session the server forgot.
    pub(super) async fn greet_again(self: &Arc<Self>, live: &Arc<Live>) -> Result<(), Fault> {
        Box::pin(self.initialize(live)).await?;
        let (upstream, live) = (self.clone(), live.clone());
        tokio::spawn(async move {
            upstream.send_level(&live).await;
            upstream.resubscribe(&live).await;
            // It may be another release of the server that answers now.
            upstream.recheck();
        });
        Ok(())
    }

    /// Tells a fresh server which resources are wanted.
    async fn resubscribe(self: &Arc<Self>, live: &Arc<Live>) {
        let uris: Vec<Box<str>> = lock(&self.subscribed).keys().cloned().collect();
        for uri in uris {
            let params = format!(r#"{{"uri":{}}}"#, quote(&uri));
            // A resource that is gone stays quiet.
            let _ = self
                .ask(
                    live,
                    method::RESOURCES_SUBSCRIBE,
                    Some(&params),
                    crate::limits::LIST_TIMEOUT,
                )
                .await;
        }
    }
}

/// The parameters of a stateless request of our own; `members` go before `_meta`.
pub(super) fn stateless_params(members: &str) -> String {
    let comma = if members.is_empty() { "" } else { "," };
    format!(
        r#"{{{members}{comma}"_meta":{{"{}":"{}","{}":{},"{}":{{}}}}}}"#,
        wire::meta::PROTOCOL_VERSION,
        Version::LATEST.as_str(),
        wire::meta::CLIENT_INFO,
        crate::about::info(),
        wire::meta::CLIENT_CAPABILITIES,
    )
}
