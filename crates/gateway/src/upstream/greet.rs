//! How a server is greeted: in the era of its clients if it speaks that one, else in the other, and what is learnt by it.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use wire::{Era, Frame, Object, Version, code, method, quote};

use super::start::stateless_params;
use super::{Hello, Link, Live, Upstream, reading};
use crate::cleaning;
use crate::eras::other;
use crate::error::Fault;
use crate::limits::{PROBE_WAIT, SECOND_GREETING_WAIT, STANDING_WAIT};

/// How HTTP servers refuse a message that they do not understand. Who wants credentials or has too much to do says
/// nothing of its era.
const ERA_STATUSES: [u16; 5] = [400, 404, NO_POST, 406, 415];

/// How those answer that do not speak streamable HTTP at all.
const NO_POST: u16 = 405;

/// How a greeting went.
pub(super) enum Greeting {
    /// The server speaks this era.
    Spoken,
    /// It does not, and says so.
    OtherEra(Refusal),
    /// It is to be started anew and greeted in this era alone: having been asked in both, it has got lost.
    Again(Era),
}

/// How a server refuses a greeting.
pub(super) struct Refusal {
    pub(super) reason: String,
    /// It is the greeting itself that it does not know, not something in it that it does not like.
    is_of_era: bool,
    /// It names the stateless version among those that it supports.
    offers_it: bool,
}

/// The codes with which a server refuses a greeting that it does not know.
const ERA_CODES: [i64; 5] = [
    code::METHOD_NOT_FOUND,
    code::INVALID_PARAMS,
    code::INVALID_REQUEST,
    code::UNSUPPORTED_VERSION,
    code::HEADER_MISMATCH,
];

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
        let known = self.core()?.wire_era(&self.server, clients);
        let known = known.filter(|_| !self.server.eras.is_doubted());
        let first = match known {
            None if clients == Era::Stateless => return self.probe(live).await,
            known => known.unwrap_or(clients),
        };
        let greeted = self.greet_in(first, live).await?;
        let Greeting::OtherEra(refusal) = &greeted else {
            return Ok(greeted);
        };
        // It is up, so that it does not take long to answer. What it said first tells more than what it says now.
        let second = self.greet_in(other(first), live);
        match tokio::time::timeout(SECOND_GREETING_WAIT, second).await {
            Ok(Ok(Greeting::Spoken)) => {
                self.learn(first, false, true);
                Ok(Greeting::Spoken)
            }
            // Some say that they do not speak an era, and end.
            _ if live.is_dead() && refusal.is_of_era => {
                self.learn(first, false, true);
                Ok(Greeting::Again(other(first)))
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
        let mut initialize = pin!(self.initialize(live));
        if let Ok(greeted) = tokio::time::timeout(PROBE_WAIT, &mut discover).await {
            return match greeted? {
                // It did not survive being asked in the wrong era.
                Greeting::OtherEra(_) if live.is_dead() => Ok(Greeting::Again(Era::Handshake)),
                Greeting::OtherEra(_) => self.old(initialize.await?, true),
                greeted => Ok(greeted),
            };
        }
        let (is_discovered, greeted) = tokio::select! {
            biased;
            greeted = &mut discover => (true, greeted),
            greeted = &mut initialize => (false, greeted),
        };
        let greeted = match greeted {
            _ if live.is_dead() => return Ok(Greeting::Again(Era::Handshake)),
            Ok(Greeting::OtherEra(_)) if is_discovered => {
                let greeted = initialize.await;
                return match live.is_dead() {
                    true => Ok(Greeting::Again(Era::Handshake)),
                    false => self.old(greeted?, true),
                };
            }
            Ok(Greeting::OtherEra(_)) => discover.await?,
            Ok(greeted) if !is_discovered => return self.old(greeted, false),
            greeted => greeted?,
        };
        // A handshake counts for all that follows on a pipe, even if it comes too late.
        let is_lost = matches!(live.link, Link::Pipe(_)) || live.era() != Era::Stateless;
        Ok(match greeted {
            Greeting::Spoken if is_lost => Greeting::Again(Era::Stateless),
            greeted => greeted,
        })
    }

    /// What was greeted by a handshake, having refused the other greeting or been silent on it.
    fn old(&self, greeted: Greeting, is_said: bool) -> Result<Greeting, Fault> {
        if let Greeting::Spoken = greeted {
            self.learn(Era::Stateless, false, is_said);
        }
        Ok(greeted)
    }

    /// Remembers whether the server speaks an era; beyond this process only what it has said itself.
    pub(super) fn learn(&self, era: Era, speaks: bool, is_said: bool) {
        if let Some(core) = self.core_if_up() {
            core.learn_era(&self.server, era, speaks, is_said);
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
            Err(refusal) => return Ok(Greeting::OtherEra(refusal)),
        };
        let result = Object::parse(frame.result().unwrap_or_default())
            .map_err(|e| self.unavailable(format!("its answer to initialize is broken: {e}")))?;
        let offered = result
            .string("protocolVersion")
            .ok()
            .flatten()
            .unwrap_or_default();
        let version = Version::parse(&offered);
        if version.is_some_and(|version| version.era() == Era::Stateless) {
            return Ok(Greeting::OtherEra(Refusal {
                reason: format!("it answers initialize with protocol version {offered:?}"),
                is_of_era: true,
                offers_it: false,
            }));
        }
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
        let mut greeted = self
            .greeting(live, method::SERVER_DISCOVER, &params)
            .await?;
        // It speaks this very version, and says so in refusing it: the specification has it asked once more.
        if greeted.as_ref().is_err_and(|refusal| refusal.offers_it) {
            greeted = self
                .greeting(live, method::SERVER_DISCOVER, &params)
                .await?;
        }
        let frame = match greeted {
            Ok(frame) => frame,
            Err(refusal) => return Ok(Greeting::OtherEra(refusal)),
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
            return Ok(Greeting::OtherEra(Refusal {
                reason: format!("it speaks {speaks}, none of which is known here"),
                is_of_era: true,
                offers_it: false,
            }));
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
    ) -> Result<Result<Frame, Refusal>, Fault> {
        // The deadline is that of the whole start.
        let wait = Duration::from_secs(24 * 3600);
        match self.ask_for_all(live, asked, Some(params), wait).await {
            Ok((frame, _)) if frame.result().is_some() => Ok(Ok(frame)),
            Ok((frame, status)) => {
                let error = frame.error_object().ok().flatten();
                let number = error.as_ref().and_then(|error| error.get("code").ok()?);
                let number = number.and_then(code::read);
                let message = error
                    .as_ref()
                    .and_then(|error| error.string("message").ok()?)
                    .unwrap_or_default();
                if matches!(status, 0 | 200) || ERA_STATUSES.contains(&status) {
                    return Ok(Err(Refusal {
                        reason: format!("it refused to start: {message}"),
                        is_of_era: number.is_some_and(|number| ERA_CODES.contains(&number)),
                        offers_it: number == Some(code::UNSUPPORTED_VERSION)
                            && supports(error.as_ref(), Version::LATEST),
                    }));
                }
                Err(self.unavailable(format!("it answered with HTTP status {status}: {message}")))
            }
            // Without a JSON-RPC body.
            Err(Fault::Unavailable { reason, .. })
                if status_in(&reason).is_some_and(|status| {
                    ERA_STATUSES.contains(&status)
                        && !(asked == method::INITIALIZE && status == NO_POST)
                }) =>
            {
                Ok(Err(Refusal {
                    reason,
                    is_of_era: true,
                    offers_it: false,
                }))
            }
            Err(Fault::Died { reason, .. })
                if live.is_dead() && asked == method::SERVER_DISCOVER =>
            {
                Ok(Err(Refusal {
                    reason,
                    is_of_era: false,
                    offers_it: false,
                }))
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
            instructions: result
                .string("instructions")
                .ok()
                .flatten()
                .map(|text| cleaning::plain(&text).into()),
        };
        self.server.declared(&hello.capabilities);
        // Heard once more when a session is re-opened; what was said first stands.
        let _ = live.hello.set(hello);
        self.server.eras.trust();
        self.learn(version.era(), true, true);
    }
}

/// Whether an error names a version among those that its server supports.
fn supports(error: Option<&Object<'_>>, version: Version) -> bool {
    let data = error.and_then(|error| error.object("data").ok()?);
    let supported = data.as_ref().and_then(|data| data.get("supported").ok()?);
    supported.is_some_and(|list| list.contains(&quote(version.as_str())))
}

/// The HTTP status with which a server refused a message, by the words of `http`.
fn status_in(reason: &str) -> Option<u16> {
    let rest = reason.strip_prefix("it answered with HTTP status ")?;
    rest.get(..3)?.parse().ok()
}
