//! A client in this process: what `tools …` and `--dry-run` speak to the gateway with. It has no
//! capabilities, so servers have nothing to ask it; what they ask nevertheless is declined.
//! Refuses to know more of MCP than requests, lists and results.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use gateway::front::{Answer, Caller, Door, Event, Gateway, Origin, Reply, Session};
use gateway::{CallRecord, Fault, Outcome, Recorder, StartRecord};
use wire::{Frame, Kind as FrameKind, Object, Version, method};

use crate::content;
use crate::error::{Failure, Kind};
use crate::limits::LIST_PAGES_MAX;
use crate::tool::Tool;
use crate::ui::Ui;

/// The gateway's own reason why the last request failed. A model is told of it by a result of the tool; people
/// should not mistake it for one.
#[derive(Debug, Default)]
pub(crate) struct LastFault(Mutex<Option<&'static str>>);

impl LastFault {
    fn replace(&self, tag: Option<&'static str>) -> Option<&'static str> {
        std::mem::replace(
            &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner),
            tag,
        )
    }
}

impl Recorder for LastFault {
    fn call(&self, record: CallRecord) {
        if let Outcome::Fault(tag) = record.outcome {
            self.replace(Some(tag));
        }
    }

    fn start(&self, _: StartRecord) {}
}

/// A conversation with a gateway in this process.
pub(crate) struct Local {
    gateway: Gateway,
    fault: Arc<LastFault>,
    session: Arc<Session>,
    origin: Origin,
    requests: u64,
}

impl Local {
    /// Opens a conversation and shakes hands.
    pub(crate) async fn open(gateway: &Gateway, fault: &Arc<LastFault>) -> Result<Self, Failure> {
        let caller = Caller(Arc::from("cli"));
        let session = gateway.open(caller.clone(), Door::Stdio).map_err(|e| {
            Failure::new(Kind::Failed, "the gateway takes no more clients").because(&e)
        })?;
        let origin = Origin {
            caller,
            scopes: None,
            session: Some(Arc::clone(&session)),
            headers: None,
            only: None,
            workspace: None,
        };
        let mut local = Self {
            gateway: gateway.clone(),
            fault: Arc::clone(fault),
            session,
            origin,
            requests: 0,
        };
        let params = format!(
            r#"{{"protocolVersion":"{}","capabilities":{{}},"clientInfo":{{"name":"portolan-cli","version":"{}"}}}}"#,
            Version::LATEST_HANDSHAKE.as_str(),
            env!("CARGO_PKG_VERSION")
        );
        local
            .request(method::INITIALIZE, Some(&params), |_| {})
            .await?;
        local.notify(method::INITIALIZED)?;
        Ok(local)
    }

    /// The raw result of a request. `heard` gets every message that belongs to it.
    pub(crate) async fn request(
        &mut self,
        method: &str,
        params: Option<&str>,
        mut heard: impl FnMut(&Frame),
    ) -> Result<String, Failure> {
        self.requests += 1;
        self.fault.replace(None);
        let bytes = wire::build::request(&self.requests.to_string(), method, params);
        let frame =
            Frame::parse(bytes).map_err(|e| Failure::internal("the request is malformed", e))?;
        let answer = {
            let mut reply = pin!(self.gateway.request(&self.origin, frame));
            poll_fn(|cx| {
                self.drain(cx);
                reply.as_mut().poll(cx)
            })
            .await
        };
        let answer = match answer {
            Reply::Done(answer) => answer,
            Reply::Stream(mut events) => loop {
                let event = poll_fn(|cx| {
                    self.drain(cx);
                    events.poll_next(cx)
                });
                match event.await {
                    Some(Event::Answer(answer)) => break answer,
                    Some(Event::Message(bytes)) => {
                        if let Some(frame) = self.decline(bytes) {
                            heard(&frame);
                        }
                    }
                    Some(Event::Retry(_)) => {}
                    None => {
                        return Err(Failure::new(
                            Kind::Failed,
                            format!("`{method}` was not answered"),
                        ));
                    }
                }
            },
        };
        let result = result(method, &answer)?;
        match self.fault.replace(None) {
            Some(tag) if content::is_error(&result) => {
                Err(Failure::new(kind_of_tag(tag), content::human(&result)))
            }
            _ => Ok(result),
        }
    }

    /// The tools, each with the server it belongs to.
    pub(crate) async fn tools(&mut self, ui: &Ui) -> Result<Vec<Tool>, Failure> {
        ui.passing("servers are starting");
        let all = self.list(method::TOOLS_LIST, "tools").await;
        ui.passing("");
        let all = all?;
        let mut tools: Vec<Tool> = all.iter().filter_map(|raw| Tool::parse(raw)).collect();
        let servers = self.gateway.servers();
        // Those that failed just now would only be started once more.
        for server in servers.iter().filter(|s| s.state != "failed") {
            // Under its own names: a tool is the server's if it is called that, or that behind a prefix.
            self.origin.only = Some(Arc::from(server.name.as_str()));
            let own = self.list(method::TOOLS_LIST, "tools").await;
            self.origin.only = None;
            let own: Vec<Tool> = own
                .unwrap_or_default()
                .iter()
                .filter_map(|raw| Tool::parse(raw))
                .collect();
            for name in own.iter().map(|tool| tool.name.as_str()) {
                let prefixed = format!("{}__{name}", server.name);
                let found = tools.iter().position(|t| t.name == prefixed);
                let found = found.or_else(|| {
                    tools
                        .iter()
                        .position(|t| t.name == name && t.server.is_none())
                });
                if let Some(at) = found {
                    tools[at].server = Some(server.name.clone());
                }
            }
        }
        Ok(tools)
    }

    /// All elements of a list, over all its pages, raw.
    pub(crate) async fn list(
        &mut self,
        method: &str,
        member: &str,
    ) -> Result<Vec<String>, Failure> {
        let mut all = Vec::new();
        let mut params = None;
        for _ in 0..LIST_PAGES_MAX {
            let result = self.request(method, params.as_deref(), |_| {}).await?;
            let odd = |e| Failure::internal(format!("the answer to `{method}` is malformed"), e);
            let page = Object::parse(&result).map_err(odd)?;
            let items = page.get(member).map_err(odd)?.unwrap_or("[]");
            all.extend(
                wire::elements(items)
                    .map_err(odd)?
                    .into_iter()
                    .map(str::to_owned),
            );
            match page.string("nextCursor").map_err(odd)? {
                Some(cursor) => params = Some(format!(r#"{{"cursor":{}}}"#, wire::quote(&cursor))),
                None => break,
            }
        }
        Ok(all)
    }

    fn notify(&self, method: &str) -> Result<(), Failure> {
        let frame = Frame::parse(wire::build::notification(method, None))
            .map_err(|e| Failure::internal("the notification is malformed", e))?;
        self.gateway.notification(&self.origin, frame);
        Ok(())
    }

    /// Reads what belongs to no request, so that nothing piles up.
    fn drain(&self, cx: &mut Context<'_>) {
        while let Poll::Ready(Some(bytes)) = self.session.poll_outbox(cx) {
            let _ = self.decline(bytes);
        }
    }

    /// Answers a question with a no; everything else comes back.
    fn decline(&self, bytes: Bytes) -> Option<Frame> {
        let frame = Frame::parse(bytes).ok()?;
        if frame.kind() != FrameKind::Request {
            return Some(frame);
        }
        let answer = match (frame.id(), frame.method()) {
            (Some(id), method::PING) => wire::build::result(id, "{}"),
            (id, method) => {
                let message = format!("this client does not support {method}");
                wire::build::error(id, wire::code::METHOD_NOT_FOUND, &message, None)
            }
        };
        if let Ok(answer) = Frame::parse(answer) {
            self.gateway.response(&self.origin, answer);
        }
        None
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.gateway.close(&self.session);
    }
}

fn result(method: &str, answer: &Answer) -> Result<String, Failure> {
    let frame = Frame::parse(answer.frame.clone())
        .map_err(|e| Failure::internal(format!("the answer to `{method}` is malformed"), e))?;
    if let Some(result) = frame.result() {
        return Ok(result.to_owned());
    }
    Err(refused(&frame))
}

/// A JSON-RPC error as people see it.
fn refused(frame: &Frame) -> Failure {
    let error = frame.error().and_then(|raw| Object::parse(raw).ok());
    let code = error
        .as_ref()
        .and_then(|e| e.get("code").ok()??.parse().ok());
    let message = error
        .as_ref()
        .and_then(|e| e.string("message").ok().flatten());
    let message = message.map_or_else(
        || "the request was refused".to_owned(),
        std::borrow::Cow::into_owned,
    );
    Failure::new(code.map_or(Kind::Failed, kind), message)
}

/// The gateway's own reasons have exit codes of their own.
fn kind(code: i64) -> Kind {
    let fault = faults().find(|(fault, _)| fault.code() == code);
    fault.map_or(Kind::Failed, |(_, kind)| kind)
}

/// The same by the word that stands in records.
fn kind_of_tag(tag: &str) -> Kind {
    let fault = faults().find(|(fault, _)| fault.tag() == tag);
    fault.map_or(Kind::Failed, |(_, kind)| kind)
}

fn faults() -> impl Iterator<Item = (Fault, Kind)> {
    let (server, reason) = (Arc::<str>::from(""), String::new());
    [
        (
            Fault::Unavailable {
                server: server.clone(),
                reason: reason.clone(),
            },
            Kind::NotRunning,
        ),
        (
            Fault::Died {
                server: server.clone(),
                reason,
            },
            Kind::NotRunning,
        ),
        (
            Fault::OtherEra {
                server: server.clone(),
                speaks: wire::Era::Handshake,
            },
            Kind::NotRunning,
        ),
        (Fault::TimedOut { server, after_s: 0 }, Kind::Timeout),
        (
            Fault::Denied(gateway::Denial {
                rule: None,
                reason: String::new(),
            }),
            Kind::Denied,
        ),
    ]
    .into_iter()
}
