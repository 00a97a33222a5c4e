//! Phases 5 and 7: interceptors see calls of tools on their way to a server, and the answers on their way back. Owns the order,
//! what follows from their verdicts, and that a client which takes its call back takes it back from them too. Refuses to let
//! what they changed pass by the rules: those decide again. What an interceptor is, others know (`phase::Interceptor`).

use std::pin::Pin;
use std::sync::{Arc, Mutex};

use wire::{Era, Frame, Kind, Object, build, method};

use crate::call::Call;
use crate::dynamic::Exec;
use crate::error::Fault;
use crate::phase::{CallFacts, Denial, Interceptor, Verdict, When};
use crate::pipeline;
use crate::routed::{self, Plan};
use crate::slot::Step;

type Outcome = Result<(Frame, u16), Fault>;

/// The rest of phase 7 of one call. Never locked: it is only owned, and calls are shared.
pub(crate) type Returning = Mutex<Pin<Box<dyn Future<Output = Outcome> + Send>>>;

/// What became of a request.
pub(crate) enum Before {
    /// It leaves.
    Go(Box<Plan>),
    /// It leaves otherwise than it came.
    Rewritten(Box<Plan>),
    /// This is its result, raw JSON.
    Answered(String),
}

/// Whether anybody could want to see the request.
pub(crate) fn is_seen(call: &Call) -> bool {
    !call.core.interceptors.is_empty()
        && call.facts.is_none()
        && call.frame.method() == method::TOOLS_CALL
}

/// Phase 5.
pub(crate) async fn before(call: &mut Call, plan: Box<Plan>) -> Result<Before, Fault> {
    let mut facts = facts(call, &plan)?;
    let mut is_rewritten = false;
    for interceptor in wanting(call, &facts, When::Before) {
        match interceptor.see(&facts, None).await {
            Verdict::Allow => {}
            Verdict::Rewrite(arguments) => {
                let read = Object::parse(&arguments).and_then(|_| wire::strict(&arguments));
                if let Err(error) = read {
                    let said = format!("what it made of the arguments is no JSON object: {error}");
                    return Err(refused(&*interceptor, said));
                }
                facts.arguments = arguments;
                is_rewritten = true;
            }
            Verdict::Answer(result) => {
                call.facts = Some(Arc::new(facts));
                return match Object::parse(&result) {
                    Ok(_) => Ok(Before::Answered(complete(
                        result,
                        call.era == Era::Stateless,
                    ))),
                    Err(error) => Err(refused(
                        &*interceptor,
                        format!("its result is none: {error}"),
                    )),
                };
            }
            Verdict::Refuse(reason) => return Err(refused(&*interceptor, reason)),
        }
    }
    let facts = call.facts.insert(Arc::new(facts)).clone();
    if !is_rewritten {
        return Ok(Before::Go(plan));
    }
    // The request is written anew, as that of a tool which is called in the place of another.
    let name = wire::quote(&plan.target.own);
    let has_answered = call.exec.as_ref().is_some_and(|exec| exec.has_answered);
    call.exec = Some(Box::new(Exec {
        params: format!(r#"{{"name":{name},"arguments":{}}}"#, facts.arguments),
        arguments: facts.arguments.clone(),
        target: plan.target,
        has_answered,
    }));
    let name = call.name.take();
    let plan = routed::plan(call).await?;
    call.name = name;
    Ok(Before::Rewritten(Box::new(plan)))
}

/// Phase 7, if anybody wants to see this answer: the call goes on with what comes out of it.
pub(crate) fn after(call: &mut Call, (frame, status): (Frame, u16)) -> Option<Step> {
    let seen = call.facts.clone().filter(|_| !is_interim(call, &frame));
    let Some(facts) = seen else {
        return Some(Step::Done(Ok((frame, status))));
    };
    let wanting = wanting(call, &facts, When::After);
    if wanting.is_empty() {
        return Some(Step::Done(Ok((frame, status))));
    }
    call.returning = Some(Mutex::new(Box::pin(back(wanting, facts, frame, status))));
    None
}

async fn back(
    wanting: Vec<Arc<dyn Interceptor>>,
    facts: Arc<CallFacts>,
    mut frame: Frame,
    status: u16,
) -> Outcome {
    for interceptor in wanting {
        let response = match (frame.result(), frame.error()) {
            (Some(result), _) => format!(r#"{{"result":{result}}}"#),
            (None, error) => format!(r#"{{"error":{}}}"#, error.unwrap_or("null")),
        };
        let result = match interceptor.see(&facts, Some(&response)).await {
            Verdict::Allow => continue,
            Verdict::Answer(result) | Verdict::Rewrite(result) => result,
            Verdict::Refuse(reason) => return Err(refused(&*interceptor, reason)),
        };
        let was_typed = frame
            .result_object()
            .ok()
            .flatten()
            .is_some_and(|result| matches!(result.get("resultType"), Ok(Some(_))));
        let id = frame.id().unwrap_or("null");
        let made = build::result(id, &complete(result, was_typed));
        frame = match Frame::parse(made) {
            Ok(made) if made.result_object().is_ok_and(|result| result.is_some()) => made,
            _ => {
                return Err(refused(
                    &*interceptor,
                    "its result is no JSON object".to_owned(),
                ));
            }
        };
    }
    Ok((frame, status))
}

/// Whether it is no answer, but a question.
fn is_interim(call: &Call, frame: &Frame) -> bool {
    let kind = || {
        let result = frame.result_object().ok().flatten()?;
        Some(result.string("resultType").ok()??.into_owned())
    };
    call.asks_back
        || (frame.kind() == Kind::Result && kind().is_some_and(|kind| kind != "complete"))
}

fn wanting(call: &Call, facts: &CallFacts, when: When) -> Vec<Arc<dyn Interceptor>> {
    let all = call.core.interceptors.iter();
    let wanting = all.filter(|one| one.when() == when && one.wants(&facts.server, &facts.name));
    wanting.cloned().collect()
}

fn facts(call: &Call, plan: &Plan) -> Result<CallFacts, Fault> {
    let raw = match &call.exec {
        Some(exec) => &exec.params,
        None => call.frame.params().unwrap_or("{}"),
    };
    Ok(CallFacts {
        id: call.span,
        caller: call.workspace.caller.0.clone(),
        client: pipeline::client(call),
        is_stateless: call.era == Era::Stateless,
        server: plan.target.server.name.clone(),
        name: plan.target.own.clone(),
        called: call.name.clone().unwrap_or_else(|| plan.target.own.clone()),
        arguments: pipeline::arguments(raw)?.to_owned(),
    })
}

fn refused(interceptor: &dyn Interceptor, reason: String) -> Fault {
    Fault::Denied(Denial {
        rule: Some(interceptor.name().into()),
        reason,
    })
}

/// A result as the stateless era has it.
fn complete(result: String, is_stateless: bool) -> String {
    let has = |object: &Object<'_>| matches!(object.get("resultType"), Ok(Some(_)));
    match Object::parse(&result) {
        Ok(object) if is_stateless && !has(&object) => {
            let rest = object.raw().trim_start_matches('{').trim_start();
            let comma = if rest.starts_with('}') { "" } else { "," };
            format!(r#"{{"resultType":"complete"{comma}{rest}"#)
        }
        _ => result,
    }
}
