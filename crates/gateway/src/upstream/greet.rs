//! How a server is greeted: in the era of its clients if it speaks that one, else in the other, and what is learnt by it.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use wire::{Era, Frame, Object, Version, method, quote};

use super::start::stateless_params;
use super::{Hello, Link, Live, Upstream, reading};
use crate::eras::other;
use crate::error::Fault;
use crate::limits::{PROBE_WAIT, STANDING_WAIT};

/// How HTTP servers refuse a message that they do not understand.
const ERA_STATUSES: [&str; 5] = [
    "HTTP status 400",
    "HTTP status 404",
    "HTTP status 405",
    "HTTP status 406",
    "HTTP status 415",
];

/// How those answer that do not speak streamable HTTP at all.
const NO_POST: &str = "HTTP status 405";

/// How a greeting went.
pub(super) enum Greeting {
    /// The server speaks this era.
    Spoken,
    /// It does not, and says so in these words.
    OtherEra(String),
    /// It is to be started anew and greeted in this era alone: having been asked in both, it has got lost.
    Again(Era),
}

impl Upstream {
    /// Greets it in the era of its clients, or in the other if it does not speak that one. Both sides of the bridge
    /// look the same from here on: what differs is done per call.
    pub(super) async fn greet(
        self: &Arc<Self>,
        live: &Arc<Live>,
        era: Option<Era>,
    ) -> Result<Greeting, Fault> {
        if let Some(era) = era {
            return self.greet_in(era, live).await;
        }
        let clients = self.key.clients;
        let first = match self.core()?.wire_era(&self.server, clients) {
            None if clients == Era::Stateless => None,
            known => Some(known.unwrap_or(clients)),
        };
        let greeted = match first {
            None => self.probe(live).await?,
            Some(era) => self.greet_in(era, live).await?,
        };
        let (Greeting::OtherEra(reason), Some(first)) = (&greeted, first) else {
            return Ok(greeted);
        };
        if live.is_dead() {
            return Ok(Greeting::OtherEra(reason.clone()));
        }
        let second = self.greet_in(other(first), live).await?;
        match &second {
            Greeting::Spoken => {
                self.learn(first, false);
                Ok(second)
            }
            _ => Ok(greeted),
        }
    }

    async fn greet_in(self: &Arc<Self>, era: Era, live: &Arc<Live>) -> Result<Greeting, Fault> {
        match era {
            Era::Handshake => self.initialize(live).await,
            Era::Stateless => self.discover(live).await,
        }
    }

    /// Greets a server of which nothing is known on behalf of stateless clients. Old servers may stay silent on a method
    /// that they do not know, and new ones may be slow to start: after a short wait both greetings are under way.
    async fn probe(self: &Arc<Self>, live: &Arc<Live>) -> Result<Greeting, Fault> {
        let mut discover = pin!(self.discover(live));
        let is_pipe = matches!(live.link, Link::Pipe(_));
        let discovered = tokio::time::timeout(PROBE_WAIT, &mut discover).await;
        let initialize = self.initialize(live);
        match discovered {
            Ok(greeted) => match greeted? {
                // It did not survive being asked in the wrong era.
                Greeting::OtherEra(_) if live.is_dead() => Ok(Greeting::Again(Era::Handshake)),
                Greeting::OtherEra(_) => self.is_old(initialize.await?),
                greeted => Ok(greeted),
            },
            Err(_silent) => {
                let mut initialize = pin!(initialize);
                // On a pipe a handshake counts for all that follows, even if it comes too late.
                let late = |greeted| match greeted {
                    Greeting::Spoken if is_pipe => Greeting::Again(Era::Stateless),
                    greeted => greeted,
                };
                tokio::select! {
                    greeted = &mut discover => match greeted? {
                        Greeting::OtherEra(_) => self.is_old(initialize.await?),
                        greeted => Ok(late(greeted)),
                    },
                    greeted = &mut initialize => match greeted? {
                        Greeting::OtherEra(_) => Ok(late(discover.await?)),
                        greeted => self.is_old(greeted),
                    },
                }
            }
        }
    }

    /// What was greeted by a handshake, having been silent on the other greeting or refused it.
    fn is_old(&self, greeted: Greeting) -> Result<Greeting, Fault> {
        if let Greeting::Spoken = greeted {
            self.learn(Era::Stateless, false);
        }
        Ok(greeted)
    }

    pub(super) fn learn(&self, era: Era, speaks: bool) {
        if let Some(core) = self.core_if_up() {
            core.learn_era(&self.server, era, speaks);
        }
    }

    /// The handshake of 2024-11-05 to 2025-11-25.
    pub(super) async fn initialize(self: &Arc<Self>, live: &Arc<Live>) -> Result<Greeting, Fault> {
        let params = format!(
            r#"{{"protocolVersion":"{}","capabilities":{},"clientInfo":{}}}"#,
            Version::LATEST_HANDSHAKE.as_str(),
            self.capabilities,
            crate::about::info()
        );
        let frame = match self.greeting(live, method::INITIALIZE, &params).await? {
            Ok(frame) => frame,
            Err(reason) => return Ok(Greeting::OtherEra(reason)),
        };
        let result = Object::parse(frame.result().unwrap_or_default())
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
        Ok(Greeting::Spoken)
    }

    /// `server/discover` of 2026-07-28.
    async fn discover(self: &Arc<Self>, live: &Arc<Live>) -> Result<Greeting, Fault> {
        let version = Version::LATEST;
        let params = stateless_params("");
        let frame = match self
            .greeting(live, method::SERVER_DISCOVER, &params)
            .await?
        {
            Ok(frame) => frame,
            Err(reason) => return Ok(Greeting::OtherEra(reason)),
        };
        let result = Object::parse(frame.result().unwrap_or_default()).map_err(|e| {
            self.unavailable(format!("its answer to server/discover is broken: {e}"))
        })?;
        let speaks = result
            .get("supportedVersions")
            .ok()
            .flatten()
            .unwrap_or_default();
        if !speaks.contains(&quote(version.as_str())) {
            let reason = format!("it speaks {speaks}, none of which is known here");
            return Ok(Greeting::OtherEra(reason));
        }
        self.heard(live, version, &result);
        Ok(Greeting::Spoken)
    }

    /// The answer to a greeting that went well; else why it is that the server does not know the greeting.
    async fn greeting(
        self: &Arc<Self>,
        live: &Arc<Live>,
        asked: &str,
        params: &str,
    ) -> Result<Result<Frame, String>, Fault> {
        // The deadline is that of the whole start.
        let wait = Duration::from_secs(24 * 3600);
        match self.ask(live, asked, Some(params), wait).await {
            Ok(frame) if frame.result().is_some() => Ok(Ok(frame)),
            Ok(frame) => {
                let error = frame.error_object().ok().flatten();
                let message = error.and_then(|error| error.string("message").ok().flatten());
                let message = message.unwrap_or_default();
                Ok(Err(format!("it refused to start: {message}")))
            }
            // HTTP servers that do not know a message refuse it without a JSON-RPC body. Who wants credentials or has
            // too much to do says nothing of its era.
            Err(Fault::Unavailable { reason, .. })
                if ERA_STATUSES.iter().any(|status| reason.contains(status))
                    && !(asked == method::INITIALIZE && reason.contains(NO_POST)) =>
            {
                Ok(Err(reason))
            }
            Err(Fault::Died { reason, .. })
                if live.is_dead()
                    && self.server.eras.speaks(Era::Stateless).is_none()
                    && asked == method::SERVER_DISCOVER =>
            {
                Ok(Err(reason))
            }
            Err(fault) => Err(fault),
        }
    }

    fn heard(&self, live: &Live, version: Version, result: &Object<'_>) {
        let raw = |name: &str| {
            let value = result.get(name).ok().flatten();
            value.filter(|value| value.starts_with('{'))
        };
        let meta = result.object("_meta").ok().flatten();
        let info = match version.era() {
            Era::Handshake => raw("serverInfo"),
            Era::Stateless => meta.and_then(|meta| meta.get(wire::meta::SERVER_INFO).ok()?),
        };
        let hello = Hello {
            version,
            info: info.map(Into::into),
            capabilities: raw("capabilities").unwrap_or("{}").into(),
            instructions: result.string("instructions").ok().flatten().map(Into::into),
        };
        self.server.declared(&hello.capabilities);
        // Heard once more when a session is re-opened; what was said first stands.
        let _ = live.hello.set(hello);
        self.learn(version.era(), true);
    }
}
