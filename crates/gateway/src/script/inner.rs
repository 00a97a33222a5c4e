//! One call of a script: the same pipeline as for a direct one, and once more where its server answers with questions.

use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;

use serde_json::value::RawValue;
use wire::{Era, Frame, Object, build, method, quote};

use super::Outer;
use crate::call::Call;
use crate::dynamic::Exec;
use crate::front::{Answer, Event, Reply};
use crate::limits::{ROUND_WAIT_MAX, ROUNDS_MAX};
use crate::pipeline;
use crate::scripts::{self, CallError, Waits};
use crate::view::Target;

/// What a call that its server answered with questions is made again with, each raw JSON.
struct Brought {
    responses: Option<String>,
    state: Option<String>,
}

/// A result that is questions.
struct Wish {
    /// `inputRequests`, raw JSON, if anything is asked.
    requests: Option<String>,
    /// `requestState`, raw JSON.
    state: Option<String>,
}

/// Calls the tool; what the server answers, whatever it is.
pub(super) async fn call(
    outer: &Outer,
    target: &Target,
    call: scripts::Call,
) -> Result<Box<RawValue>, CallError> {
    let mut brought = None;
    for round in 0..ROUNDS_MAX {
        let inner = made(outer, target, call.arguments.get(), brought.as_ref())?;
        let answer = attempt(outer, inner, &call.waits).await;
        let result = result_of(answer)?;
        let wish = match outer.era {
            Era::Stateless => wish_of(&result),
            Era::Handshake => None,
        };
        match wish {
            Some(wish) => brought = Some(answers(outer, wish, round, &call.waits).await?),
            None => {
                return RawValue::from_string(result).map_err(|error| broken(&error.to_string()));
            }
        }
    }
    Err(CallError::new(format!(
        "{} asked more than {ROUNDS_MAX} times",
        target.server.name
    )))
}

/// The request as a client would have made it.
fn made(
    outer: &Outer,
    target: &Target,
    arguments: &str,
    brought: Option<&Brought>,
) -> Result<Call, CallError> {
    let params = format!(
        r#"{{"name":{},"arguments":{arguments}}}"#,
        quote(&target.own)
    );
    let mut request = params.clone();
    request.pop();
    let mut add = |name: &str, value: Option<&String>| {
        if let Some(value) = value {
            request.push_str(&format!(r#","{name}":{value}"#));
        }
    };
    add("_meta", super::lock(&outer.said).meta.as_ref());
    if let Some(brought) = brought {
        add("inputResponses", brought.responses.as_ref());
        add("requestState", brought.state.as_ref());
    }
    request.push('}');
    let id = outer.core.next_id().to_string();
    let frame = Frame::parse(build::request(&id, method::TOOLS_CALL, Some(&request)));
    let frame = frame.map_err(|error| CallError::new(format!("it cannot be sent: {error}")))?;
    let exec = Exec {
        target: target.clone(),
        arguments: arguments.to_owned(),
        params,
        has_answered: false,
    };
    Ok(Call::inner(outer, frame, exec))
}

/// Passes the pipeline. What the server says meanwhile goes to the client; while it asks the person, the clock stands still.
async fn attempt(outer: &Outer, inner: Call, waits: &Waits) -> Answer {
    let handle = inner.handle.clone();
    let mut work = pin!(async {
        let mut events = match pipeline::inner(inner).await {
            Reply::Done(answer) => return answer,
            Reply::Stream(events) => events,
        };
        loop {
            match events.next().await {
                Some(Event::Answer(answer)) => return answer,
                Some(Event::Message(message)) => outer.forward(message),
                Some(Event::Retry(_)) => {}
                None => return crate::error::silence(),
            }
        }
    });
    let mut person = None;
    poll_fn(|cx| {
        let polled = work.as_mut().poll(cx);
        if polled.is_pending() {
            match handle.asks_now(cx) {
                true if person.is_none() => person = Some(waits.person()),
                true => {}
                false => person = None,
            }
        }
        polled
    })
    .await
}

fn result_of(answer: Answer) -> Result<String, CallError> {
    let frame = match answer.frame.is_empty() {
        true => return Err(CallError::new("the call was taken back")),
        false => Frame::parse(answer.frame).map_err(|error| broken(&error.to_string()))?,
    };
    if let Some(result) = frame.result() {
        return Ok(result.to_owned());
    }
    let error = frame.error_object().ok().flatten();
    let message = error.and_then(|error| Some(error.string("message").ok()??.into_owned()));
    Err(CallError::new(message.unwrap_or_else(|| {
        "the call failed without a word".to_owned()
    })))
}

fn broken(why: &str) -> CallError {
    CallError::new(format!("the answer of the server is broken: {why}"))
}

/// What is asked, if the result is questions (2026-07-28, "multi round-trip requests").
fn wish_of(result: &str) -> Option<Wish> {
    let result = Object::parse(result).ok()?;
    let kind = result.string("resultType").ok().flatten();
    if kind.as_deref() != Some("input_required") {
        return None;
    }
    let raw = |name: &str| result.get(name).ok().flatten().map(str::to_owned);
    Some(Wish {
        requests: raw("inputRequests").filter(|requests| requests != "{}"),
        state: raw("requestState"),
    })
}

/// What the person says to it.
async fn answers(
    outer: &Outer,
    wish: Wish,
    round: u32,
    waits: &Waits,
) -> Result<Brought, CallError> {
    let Wish { requests, state } = wish;
    let parked = Parked {
        outer,
        state: state.as_deref(),
    };
    let responses = match requests {
        Some(requests) => {
            let _person = waits.person();
            // How long the client may take is the outer call's affair, which ends this.
            let answered = outer.questions.ask(&outer.handle, &requests).await;
            Some(answered.map_err(CallError::new)?)
        }
        None => {
            // It only wants time.
            let wait = Duration::from_millis(250 * 2u64.pow(round.min(8)));
            tokio::time::sleep(wait.min(ROUND_WAIT_MAX)).await;
            None
        }
    };
    std::mem::forget(parked);
    Ok(Brought { responses, state })
}

/// A call that waits at its server for what the client answers: nobody will, if this is dropped.
struct Parked<'a> {
    outer: &'a Outer,
    state: Option<&'a str>,
}

impl Drop for Parked<'_> {
    fn drop(&mut self) {
        let state = self
            .state
            .and_then(|raw| serde_json::from_str::<String>(raw).ok());
        if let Some(state) = state {
            let (parking, caller) = (&self.outer.core.parking, &self.outer.workspace.caller);
            parking.forget(&state, caller);
        }
    }
}
