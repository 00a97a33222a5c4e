//! A stateless server that answers a call with questions, before a client of the handshake era: the client is asked by
//! requests, and the call is made again with its answers. Also a call that is made again because its headers were made
//! from an old schema.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;
use wire::{Era, Frame, Object, build, code, meta, method, quote};

use super::{Crossing, Way};
use crate::asks::can_be_asked;
use crate::call::Call;
use crate::calls::CallHandle;
use crate::core::Core;
use crate::error::Fault;
use crate::labels;
use crate::limits::{QUESTIONS_MAX, ROUND_WAIT_MAX, ROUNDS_MAX};
use crate::outbox::lock;
use crate::routed;
use crate::session::Session;
use crate::upstream::{Outgoing, ReplyTo, Upstream};

type Outcome = Result<(Frame, u16), Fault>;

/// The questions of one answer, and what became of them.
#[derive(Default)]
pub(crate) struct Round {
    inner: Mutex<Inner>,
    turned: Notify,
    /// The gateway asks for itself: it wants to know why a form was not shown.
    is_own: bool,
}

#[derive(Default)]
struct Inner {
    /// What each key asks for.
    open: HashMap<Box<str>, String>,
    answers: Vec<String>,
    failed: Option<String>,
}

impl Round {
    /// The client answered a question.
    pub(crate) fn answer(&self, key: &str, frame: &Frame) {
        let mut inner = lock(&self.inner);
        let Some(asked) = inner.open.remove(key) else {
            return;
        };
        match frame.result() {
            Some(result) => inner.answers.push(format!("{}:{result}", quote(key))),
            // A form that the client would not show was not filled in.
            None if asked == method::ELICITATION_CREATE && !self.is_own => {
                inner
                    .answers
                    .push(format!(r#"{}:{{"action":"cancel"}}"#, quote(key)));
            }
            None => {
                let error = frame.error_object().ok().flatten();
                let message = error.and_then(|error| error.string("message").ok().flatten());
                let message = message.unwrap_or_default();
                inner.failed = Some(match self.is_own {
                    true => format!("the client could not ask the user: {message}"),
                    false => format!("the client refused {asked}: {message}"),
                });
            }
        }
        drop(inner);
        self.turned.notify_waiters();
    }

    /// What was asked for by this has come to pass some other way.
    fn settle(&self, key: &str) {
        let mut inner = lock(&self.inner);
        if inner.open.remove(key).is_some() {
            let answer = format!(r#"{}:{{"action":"accept"}}"#, quote(key));
            inner.answers.push(answer);
        }
        drop(inner);
        self.turned.notify_waiters();
    }

    /// There will be no answer.
    pub(crate) fn refuse(&self, key: &str, why: &str) {
        let mut inner = lock(&self.inner);
        let asked = inner.open.remove(key).unwrap_or_default();
        inner.failed = Some(format!("{asked}: {why}"));
        drop(inner);
        self.turned.notify_waiters();
    }

    /// `inputResponses`, once everything is answered.
    async fn answers(&self) -> Result<String, String> {
        loop {
            let turned = self.turned.notified();
            tokio::pin!(turned);
            turned.as_mut().enable();
            {
                let inner = lock(&self.inner);
                if let Some(why) = &inner.failed {
                    return Err(why.clone());
                }
                if inner.open.is_empty() {
                    return Ok(format!("{{{}}}", inner.answers.join(",")));
                }
            }
            turned.await;
        }
    }
}

/// What a server asks for with its answer.
struct Wish {
    /// Key, method and parameters.
    requests: Vec<(Box<str>, String, String)>,
    /// `requestState`, raw JSON.
    state: Option<String>,
}

/// What goes on in the next round.
enum Next {
    Ask(Wish),
    /// The tool has another schema than was thought.
    Refresh,
}

/// What an answer of a stateless server means for its client; none if the call goes on.
pub(super) fn next(call: &mut Call, frame: Frame, status: u16) -> Option<Outcome> {
    let Some(next) = wanted(call, &frame) else {
        return Some(Ok((frame, status)));
    };
    let crossing = call.crossing.as_mut()?;
    let Crossing { upstream, way } = &mut **crossing;
    let Way::ToStateless {
        out,
        rounds,
        is_refreshed,
    } = way
    else {
        return None;
    };
    let next = match next {
        Err(why) => {
            return Some(Err(Fault::Crossing {
                server: upstream.server.name.clone(),
                why,
            }));
        }
        Ok(next) => next,
    };
    match next {
        Next::Refresh => *is_refreshed = true,
        Next::Ask(_) => *rounds += 1,
    }
    if *rounds > ROUNDS_MAX {
        return Some(Err(Fault::Crossing {
            server: upstream.server.name.clone(),
            why: format!("it answered with questions {ROUNDS_MAX} times"),
        }));
    }
    let again = Again {
        core: call.core.clone(),
        session: call.session.clone(),
        upstream: upstream.clone(),
        out: (**out).clone(),
        rounds: *rounds,
    };
    let handle = CallHandle::new();
    call.goes_on(handle.clone());
    tokio::spawn(async move {
        let outcome = match next {
            Next::Refresh => again.refresh(&handle, frame, status).await,
            Next::Ask(wish) => again.ask(&handle, wish).await,
        };
        if let Some(outcome) = outcome {
            handle.slot.finish(outcome);
        }
    });
    None
}

/// What an answer wants, if it is not the last word; an error if nobody can give it that.
fn wanted(call: &Call, frame: &Frame) -> Option<Result<Next, String>> {
    let crossing = call.crossing.as_ref()?;
    let Way::ToStateless { is_refreshed, .. } = &crossing.way else {
        return None;
    };
    if let Ok(Some(error)) = frame.error_object() {
        let number = code::read(error.get("code").ok().flatten()?)?;
        let is_old = number == code::HEADER_MISMATCH && call.frame.method() == method::TOOLS_CALL;
        return (is_old && !is_refreshed).then_some(Ok(Next::Refresh));
    }
    // A stateless client reads for itself what kind of result it is.
    let session = call
        .session
        .as_ref()
        .filter(|_| call.era == Era::Handshake)?;
    let result = frame.result_object().ok().flatten()?;
    match result.string("resultType").ok().flatten().as_deref() {
        None | Some("complete") => None,
        Some("input_required") => {
            Some(read(call, session, &crossing.upstream, &result).map(Next::Ask))
        }
        Some(other) => Some(Err(format!(
            "its answer is of the kind {other:?}, which this client does not know"
        ))),
    }
}

/// What is asked; an error if the client cannot be asked that.
fn read(
    call: &Call,
    session: &Session,
    upstream: &Upstream,
    result: &Object<'_>,
) -> Result<Wish, String> {
    let bad = |e: wire::ObjectError| format!("its questions are broken: {e}");
    let state = result.get("requestState").map_err(bad)?;
    let mut requests = Vec::new();
    let asked = result.object("inputRequests").map_err(bad)?;
    let none = Object::empty();
    for (key, value) in asked.as_ref().unwrap_or(&none).iter() {
        let question = Object::parse(value).map_err(bad)?;
        let asked = question.string("method").map_err(bad)?.unwrap_or_default();
        let params = question.object("params").map_err(bad)?;
        let asks = session.capabilities().map(|known| known.asks);
        let missing = asks
            .unwrap_or_default()
            .missing(&asked, params.as_ref().unwrap_or(&none));
        match missing {
            Some(missing) => {
                return Err(format!(
                    "it needs {missing}, which the client does not have"
                ));
            }
            None if !can_be_asked(&asked) => {
                return Err(format!("it asks for {asked:?}, which is unknown"));
            }
            None => {}
        }
        let params = params.map_or("{}".to_owned(), |params| {
            labels::params(&call.core, &upstream.server, &asked, &params)
        });
        requests.push((key.into(), asked.into_owned(), params));
    }
    if requests.len() > QUESTIONS_MAX {
        return Err(format!("it asks more than {QUESTIONS_MAX} things at once"));
    }
    if requests.is_empty() && state.is_none() {
        return Err("it wants to be asked again, but does not say with what".to_owned());
    }
    Ok(Wish {
        requests,
        state: state.map(str::to_owned),
    })
}

/// A call that is made again.
struct Again {
    core: Arc<Core>,
    session: Option<Arc<Session>>,
    upstream: Arc<Upstream>,
    out: Outgoing,
    rounds: u32,
}

impl Again {
    /// Asks the client, and makes the call again with the answers.
    async fn ask(&self, handle: &Arc<CallHandle>, wish: Wish) -> Option<Outcome> {
        let session = self.session.as_ref()?;
        let responses = if wish.requests.is_empty() {
            // It only wants time.
            let wait = Duration::from_millis(250 * 2u64.pow(self.rounds.min(8)));
            handle
                .unless_over(tokio::time::sleep(wait.min(ROUND_WAIT_MAX)))
                .await?;
            None
        } else {
            let round = Arc::new(Round::default());
            for (key, asked, _) in &wish.requests {
                lock(&round.inner).open.insert(key.clone(), asked.clone());
            }
            for (key, asked, params) in &wish.requests {
                put(session, handle, &round, key, asked, params);
            }
            let answers = handle.unless_over(round.answers()).await;
            // What is still open, if anything, interests nobody any more.
            session.drop_round(&round);
            match answers? {
                Ok(answers) => Some(answers),
                Err(why) => {
                    return Some(Err(Fault::Crossing {
                        server: self.upstream.server.name.clone(),
                        why,
                    }));
                }
            }
        };
        let members = [("inputResponses", responses), ("requestState", wish.state)];
        let Some(mut out) = self.written(&members) else {
            return Some(Err(self.unwritable()));
        };
        // The tool may have another schema than when the call was first made.
        out.params = self.headers().unwrap_or(out.params);
        self.upstream.call(handle, out).await
    }

    /// Reads the tools again, and makes the call again with the headers that it needs now. If these are the same, the
    /// server's refusal stands.
    async fn refresh(
        &self,
        handle: &Arc<CallHandle>,
        refusal: Frame,
        status: u16,
    ) -> Option<Outcome> {
        handle.unless_over(self.upstream.reread_tools()).await?;
        let params = self.headers().filter(|headers| *headers != self.out.params);
        let Some(params) = params else {
            return Some(Ok((refusal, status)));
        };
        let Some(mut out) = self.written(&[]) else {
            return Some(Err(self.unwritable()));
        };
        out.params = params;
        self.upstream.call(handle, out).await
    }

    /// The `Mcp-Param-*` headers by what is known of the tool now.
    fn headers(&self) -> Option<Vec<(String, String)>> {
        if self.out.method != method::TOOLS_CALL {
            return None;
        }
        let lists = self.upstream.lists()?;
        let name = self.out.name.as_deref()?;
        let tool = lists.tools.iter().find(|tool| *tool.key == *name)?;
        let frame = Frame::parse(self.out.frame.clone()).ok()?;
        let params = frame.params_object().ok()?;
        routed::headers(&params, &tool.mirrored, None).ok()
    }

    fn unwritable(&self) -> Fault {
        Fault::Crossing {
            server: self.upstream.server.name.clone(),
            why: "the call with its answers is no message any more".to_owned(),
        }
    }

    /// The request once more, under another id and with these members.
    fn written(&self, members: &[(&str, Option<String>)]) -> Option<Outgoing> {
        let frame = Frame::parse(self.out.frame.clone()).ok()?;
        let params = frame.params_object().ok()?;
        let id = self.core.next_id();
        let mut edits = frame.edit();
        edits.replace(frame.id()?, id.to_string());
        let meta = params.object("_meta").ok().flatten();
        if self.out.progress.is_some()
            && let Some(token) = meta.and_then(|meta| meta.get(meta::PROGRESS_TOKEN).ok()?)
        {
            edits.replace(token, id.to_string());
        }
        for (name, value) in members {
            if let Some(value) = value {
                edits.set(&params, name, value.clone());
            }
        }
        Some(Outgoing {
            id,
            frame: edits.apply(),
            ..self.out.clone()
        })
    }
}

/// Questions of the gateway's own, which are taken back when this is dropped.
pub(crate) struct Asked<'a> {
    session: &'a Arc<Session>,
    round: Arc<Round>,
}

/// Asks a client something of the gateway's own while a call waits: keys, and parameters of `elicitation/create`.
pub(crate) fn ask<'a>(
    session: &'a Arc<Session>,
    handle: &Arc<CallHandle>,
    questions: &[(&str, String)],
) -> Asked<'a> {
    let asked = method::ELICITATION_CREATE;
    let round = Arc::new(Round {
        is_own: true,
        ..Round::default()
    });
    for (key, _) in questions {
        lock(&round.inner)
            .open
            .insert((*key).into(), asked.to_owned());
    }
    for (key, params) in questions {
        put(session, handle, &round, key, asked, params);
    }
    Asked { session, round }
}

impl Asked<'_> {
    /// `inputResponses`, once everything is answered.
    ///
    /// # Errors
    /// Why there will be no answer.
    pub(crate) async fn answers(&self) -> Result<String, String> {
        self.round.answers().await
    }

    /// What was asked for has come to pass; the client need not answer this any more.
    pub(crate) fn settle(&self, key: &str) {
        self.round.settle(key);
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.session.drop_round(&self.round);
    }
}

/// Asks the client one of the questions of a round.
fn put(
    session: &Arc<Session>,
    handle: &Arc<CallHandle>,
    round: &Arc<Round>,
    key: &str,
    asked: &str,
    params: &str,
) {
    let reply = ReplyTo::Round(round.clone(), key.into());
    let Some(number) = session.ask(reply, None, Some(handle)) else {
        return round.refuse(key, "the client has too many unanswered questions");
    };
    let number = number.to_string();
    let message = build::request(&number, asked, Some(&visited(params, &number)));
    session.tell_with(Some(handle), message);
}

/// In the handshake era a visit to a URL has a number.
fn visited(params: &str, number: &str) -> String {
    let by_url = |object: &Object<'_>| {
        object.string("mode").ok().flatten().as_deref() == Some("url")
            && matches!(object.get("elicitationId"), Ok(None))
    };
    match Object::parse(params) {
        Ok(object) if by_url(&object) => {
            let mut edits = wire::Edits::new(params);
            edits.set(&object, "elicitationId", quote(&format!("visit-{number}")));
            String::from_utf8_lossy(&edits.apply()).into_owned()
        }
        _ => params.to_owned(),
    }
}
