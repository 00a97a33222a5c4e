//! How a connection begins: launched, greeted (see `greet`), listed.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use auth::Challenge;
use catalog::{Entry, Launch, RemoteKind};
use launch::{LaunchError, Launched};
use tokio::time::Instant;
use transport::client::Endpoint;
use wire::{Era, Version, method, quote};

use super::greet::Greeting;
use super::{Link, Live, State, Upstream, http, pipe};
use crate::core::{Core, Ending};
use crate::error::Fault;
use crate::limits::STARTS_MAX;
use crate::outbox::lock;
use crate::sign_in::Pass;

impl Upstream {
    /// Runs in a task of its own, so that a caller who gives up does not undo the start for the others.
    pub(super) async fn start(self: Arc<Self>, ending: Option<Ending>) {
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
                // From now on whoever stops it sees to its end.
                drop(ending);
                self.turned.notify_waiters();
                self.send_level(&live).await;
                self.resubscribe(&live).await;
                if let Err(fault) = self.first_lists(&live).await {
                    self.server.unsigned(fault.to_string());
                    self.end_unsigned(fault);
                    self.lists_nothing(&core);
                    live.end(&self.server).await;
                }
            }
            Err(_) if self.is_given_up() => {
                let mut state = lock(&self.state);
                if !matches!(*state, State::Closed) {
                    *state = State::Idle;
                }
                drop(state);
                self.turned.notify_waiters();
            }
            Err(fault @ Fault::NoRoom { .. }) => {
                // Not its fault: it is tried again as soon as somebody wants it.
                core.note_start(&self.server, began.elapsed(), Some(&fault.to_string()));
                let mut state = lock(&self.state);
                if !matches!(*state, State::Closed) {
                    *state = State::Failed(fault);
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
                match &fault {
                    Fault::SignIn { .. } => self.server.unsigned(reason),
                    _ => self.server.failed(reason),
                }
                let mut state = lock(&self.state);
                if !matches!(*state, State::Closed) {
                    *state = State::Failed(fault);
                }
                drop(state);
                self.lists_nothing(&core);
                self.turned.notify_waiters();
            }
        }
    }

    /// What has begun is of no use until somebody signs in.
    fn end_unsigned(&self, fault: Fault) {
        let mut state = lock(&self.state);
        if !matches!(*state, State::Closed) {
            *state = State::Failed(fault);
        }
        self.live.store(None);
        drop(state);
        self.turned.notify_waiters();
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
        self.prepared(&core).await?;
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
            Err(fault @ Fault::SignIn { .. }) => Err(fault),
            Err(fault) if can_fall_back && !self.is_given_up() => {
                self.begun(true, deadline, timeout).await.map_err(|_| fault)
            }
            outcome => outcome,
        }
    }

    /// Fetches what has to be there first. That may take far longer than a start, and has a limit of its own.
    async fn prepared(&self, core: &Core) -> Result<(), Fault> {
        let (server, entry) = (&self.server, self.placed());
        if core.launcher.is_prepared(&entry) {
            return Ok(());
        }
        let tell = |what: &str| {
            server.set_preparing(Some(what));
            core.recorder.preparing(&server.name, what);
        };
        let prepared = tokio::select! {
            prepared = core.launcher.prepare(&entry, &tell) => {
                prepared.map_err(|error| self.unavailable(error.to_string()))
            }
            () = self.given_up() => Err(Fault::ShuttingDown),
        };
        server.set_preparing(None);
        prepared
    }

    /// Launched and greeted, or ended again.
    async fn begun(
        self: &Arc<Self>,
        as_sse: bool,
        deadline: Instant,
        timeout: Duration,
    ) -> Result<Arc<Live>, Fault> {
        // HTTP+SSE is older than the stateless era.
        let mut era = as_sse.then_some(Era::Handshake);
        for _ in 0..STARTS_MAX {
            // Who asked something on an earlier connection waits no more.
            self.inquiries.forget_all();
            let launched = tokio::select! {
                launched = tokio::time::timeout_at(deadline, self.launch(as_sse)) => launched,
                () = self.given_up() => return Err(Fault::ShuttingDown),
            };
            let live = launched.map_err(|_| self.too_slow(timeout))??;
            let greeted = tokio::select! {
                greeted = tokio::time::timeout_at(deadline, self.greet(&live, era)) => {
                    greeted.unwrap_or_else(|_| Err(self.too_slow(timeout)))
                }
                () = self.given_up() => Err(Fault::ShuttingDown),
            };
            match greeted {
                Ok(Greeting::Spoken) => {
                    if era == Some(Era::Handshake) {
                        self.learn(Era::Stateless, false, as_sse);
                    }
                    return Ok(live);
                }
                Ok(Greeting::OtherEra(refusal)) => {
                    let fault = self.unavailable(refusal.reason);
                    return Err(self.explained(&live, fault).await);
                }
                Ok(Greeting::Again(only)) => {
                    live.end(&self.server).await;
                    era = Some(only);
                }
                Err(fault) => {
                    // It may have become another one that lets the greeting of old times run into the void.
                    self.server.eras.doubt();
                    return Err(self.explained(&live, fault).await);
                }
            }
        }
        Err(self.unavailable("it ends when it is greeted".to_owned()))
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

    /// The entry as it is started: a server of one conversation alone runs where its client works.
    fn placed(&self) -> Cow<'_, Entry> {
        let folder = match self.key.is_shared() {
            true => None,
            false => self
                .workspaces()
                .iter()
                .find_map(|w| w.folder.get().cloned()),
        };
        let entry = &self.server.entry;
        match folder {
            None => Cow::Borrowed(entry),
            Some(_) => Cow::Owned(Entry {
                base: folder,
                ..entry.clone()
            }),
        }
    }

    /// The way in with the account that it is for.
    pub(super) fn pass(&self) -> Option<Arc<Pass>> {
        let passes = self.server.passes.as_ref()?;
        Some(passes.pass(self.key.holder.as_ref()))
    }

    async fn launch(self: &Arc<Self>, as_sse: bool) -> Result<Arc<Live>, Fault> {
        let core = self.core()?;
        let placed = self.placed();
        let entry = &*placed;
        let secrecy = &self.server.secrecy;
        secrecy
            .check()
            .map_err(|error| self.unavailable(error.to_string()))?;
        let place = core.place(&self.server).await?;
        let launched = match (as_sse, self.pass()) {
            (true, Some(pass)) => self.launch_signed(&core, &pass).await?,
            (true, None) => core.launcher.launch_sse(entry).await,
            (false, _) => core.launcher.launch(entry).await,
        };
        let launched =
            launched.map_err(|error| self.unavailable(secrecy.mask_text(error.to_string())))?;
        let call_timeout = entry
            .call_timeout_s
            .map_or(core.settings.call_timeout, Duration::from_secs);
        let process = launched.process.map(Arc::new);
        if let Some(process) = &process {
            self.server.logs.begin(process.stderr_log());
        }
        match launched.link {
            launch::Link::Pipe(pipe) => {
                let link = pipe::PipeLink::new(pipe.sink);
                let live = Live::new(Link::Pipe(link), process, &self.server, call_timeout);
                let reader = pipe::read(Arc::downgrade(self), Arc::downgrade(&live), pipe.source);
                live.keep_task(&tokio::spawn(reader));
                live.keep_place(place);
                Ok(live)
            }
            launch::Link::Http(endpoint) => Ok(self.over_http(endpoint, call_timeout)),
        }
    }

    /// Over HTTP+SSE the headers are those of the whole connection, the token among them; one that has ended meanwhile ends
    /// it, and the next one begins with another.
    async fn launch_signed(
        &self,
        core: &Core,
        pass: &Arc<Pass>,
    ) -> Result<Result<Launched, LaunchError>, Fault> {
        pass.load();
        let mut token = pass.token().await?;
        let mut launched = core
            .launcher
            .launch_sse(&pass.stamped(token.as_deref()))
            .await;
        let is_refused = |launched: &Result<Launched, LaunchError>| {
            let error = launched.as_ref().err();
            error.is_some_and(|error| error.to_string().contains("status 401"))
        };
        if is_refused(&launched) {
            token = Some(pass.renewed(token.as_ref(), &Challenge::default()).await?);
            launched = core
                .launcher
                .launch_sse(&pass.stamped(token.as_deref()))
                .await;
        }
        Ok(launched)
    }

    fn over_http(&self, endpoint: Endpoint, call_timeout: Duration) -> Arc<Live> {
        let pass = self.pass();
        if let Some(pass) = &pass {
            pass.load();
        }
        let link = http::HttpLink::new(&self.server, pass, endpoint, call_timeout);
        Live::new(Link::Http(link), None, &self.server, call_timeout)
    }

    /// A new handshake on a connection whose session the server forgot.
    pub(super) async fn greet_again(self: &Arc<Self>, live: &Arc<Live>) -> Result<(), Fault> {
        if let Greeting::OtherEra(refusal) = Box::pin(self.initialize(live)).await? {
            return Err(self.unavailable(refusal.reason));
        }
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
        if live.era() == Era::Stateless {
            return; // the listen stream asks for them
        }
        let uris: Vec<Box<str>> = lock(&self.subscribed).keys().cloned().collect();
        for uri in uris {
            let params = format!(r#"{{"uri":{}}}"#, quote(&uri));
            // A resource that is gone stays quiet.
            let answer = self
                .ask(
                    live,
                    method::RESOURCES_SUBSCRIBE,
                    Some(&params),
                    crate::limits::LIST_TIMEOUT,
                )
                .await;
            if answer.is_ok_and(|frame| frame.result().is_some()) {
                self.subscribed(&uri);
            }
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
