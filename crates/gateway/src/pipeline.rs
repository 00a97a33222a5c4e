//! What every request goes through, in this order. Direct calls, `mcp-exec` and inner calls of code mode alike.
//!
//! 1. *admit*: limits of the conversation and of the gateway; the id is not in use.
//! 2. *identify*: who speaks, in which era; for the stateless one, do headers and body agree?
//! 3. *resolve*: which server, by which name there; or the gateway itself.
//! 4. *authorize*: rules decide over the facts. What they want the person to be asked is asked after 5, of the call as it leaves.
//! 5. *intercept*: interceptors see the request and may change it.
//! 6. *dispatch*: to the upstream of the isolation key, started if need be.
//! 7. *intercept back*: interceptors see the answer; the client's own id is put back.
//! 8. *record*: log, metrics, trace; once, whatever happened.

use std::future::poll_fn;
use std::sync::Arc;

use policy::{Asked, Facts, Hints};
use transport::BoxFuture;
use wire::{Frame, Object, method as methods};

use crate::bridge::{self, Crossing, Resumed};
use crate::call::Call;
use crate::calls::CallHandle;
use crate::core::{Core, rules};
use crate::dynamic::{self, Consent, SigningIn};
use crate::error::Fault;
use crate::front::{Answer, Events, Origin, Reply};
use crate::identify;
use crate::intercept::{self, Before};
use crate::limits::{REPLACED_MAX, SIGN_INS_MAX};
use crate::method::{self, Route, subscriptions};
use crate::phase::{Decision, Question};
use crate::record::Decided;
use crate::routed::{self, Plan};
use crate::scanning;
use crate::slot::Step;
use crate::upstream::Upstream;

type Outcome = Result<(Frame, u16), Fault>;

/// Answers a request. See the module.
pub(crate) async fn request(core: &Arc<Core>, from: &Origin, frame: Frame) -> Reply {
    let mut call = match Call::admit(core, from, frame) {
        Ok(call) => call,
        Err(answer) => return Reply::Done(answer),
    };
    if let Err(fault) = identify::check(&mut call) {
        return Reply::Done(call.finish(Err(fault)));
    }
    routed(call).await
}

/// Answers a call that a script makes: its client was admitted and identified with the outer one.
pub(crate) fn inner(call: Call) -> BoxFuture<'static, Reply> {
    Box::pin(routed(call))
}

/// From phase 3 on.
async fn routed(mut call: Call) -> Reply {
    let handle = call.handle.clone();
    // Once more where a server, as it is started, turns out to have changed its era.
    let mut is_last = false;
    // And where another server takes its place, in a reload, before anything was sent.
    let mut replaced = 0;
    loop {
        let plan = match handle.unless_over(resolve(&mut call)).await {
            Some(Ok(Route::Server(plan))) => plan,
            Some(Ok(Route::Here(result))) => return Reply::Done(call.finish_here(&result)),
            Some(Ok(Route::Own(work))) => {
                dynamic::carry_out(handle, call.raw_id(), work);
                return next(call, None).await;
            }
            Some(Ok(Route::Resumed)) => return next(call, None).await,
            Some(Ok(Route::Known(plan, result))) => {
                let consented = match authorize(&mut call, &plan) {
                    Ok(None) => Ok(Consent::Given),
                    Ok(Some(question)) => {
                        let mut plan = plan;
                        dynamic::consent(&mut call, &mut plan, &question).await
                    }
                    Err(fault) => Err(fault),
                };
                return Reply::Done(match consented {
                    Ok(Consent::Given) => call.finish_here(result),
                    // Only what may ask its client is asked about, and that is none of it.
                    Ok(Consent::Asked(_) | Consent::Asking(_)) => call.finish_here("{}"),
                    Err(fault) => call.finish(Err(fault)),
                });
            }
            Some(Ok(Route::Stream)) => return Reply::Stream(Events::new(call)),
            Some(Err(Fault::Replaced { .. })) if replaced < REPLACED_MAX => {
                replaced += 1;
                continue;
            }
            Some(Err(fault)) => return Reply::Done(call.finish(Err(fault))),
            None => return next(call, None).await,
        };
        let question = match authorize(&mut call, &plan) {
            Ok(question) => question,
            Err(fault) => return Reply::Done(call.finish(Err(fault))),
        };
        let (plan, question) = match intercept::is_seen(&call) {
            false => (plan, question),
            true => match handle
                .unless_over(Box::pin(intercept::before(&mut call, plan)))
                .await
            {
                Some(Ok(Before::Go(plan))) => (plan, question),
                // The rules decide over what leaves.
                Some(Ok(Before::Rewritten(plan))) => match authorize(&mut call, &plan) {
                    Ok(question) => (plan, question),
                    Err(fault) => return Reply::Done(call.finish(Err(fault))),
                },
                Some(Ok(Before::Answered(result))) => {
                    return Reply::Done(call.finish_answered(&result));
                }
                Some(Err(fault)) => return Reply::Done(call.finish(Err(fault))),
                None => return next(call, None).await,
            },
        };
        if let Err(fault) = scanning::request(&call, &plan) {
            return Reply::Done(call.finish(Err(fault)));
        }
        let wish = question
            .is_none()
            .then(|| dynamic::wish(&call, &plan))
            .flatten();
        let plan = match question {
            None if wish.is_some() => match Box::pin(ask_reach(&mut call, plan, wish)).await {
                Ok(Some(plan)) => *plan,
                Ok(None) => return next(call, None).await,
                Err(answer) => return Reply::Done(answer),
            },
            None => *plan,
            Some(question) => match Box::pin(ask_person(&mut call, plan, &question)).await {
                Ok(Some(plan)) => *plan,
                Ok(None) => return next(call, None).await,
                Err(answer) => return Reply::Done(answer),
            },
        };
        let outcome = match plan.target.server.passes.is_some() {
            false => dispatch(&mut call, plan).await,
            true => match Box::pin(signed(&mut call, plan)).await {
                Ok(outcome) => outcome,
                Err(answer) => return Reply::Done(answer),
            },
        };
        match outcome {
            Some(Err(Fault::OtherEra { speaks, .. })) if !is_last => {
                is_last = true;
                call.speaks = Some(speaks);
            }
            Some(Err(Fault::Replaced { .. })) if replaced < REPLACED_MAX => replaced += 1,
            outcome => return next(call, outcome).await,
        }
        if let Some(asked) = call.subscribing.take() {
            subscriptions::subscribed(&call, &asked, false);
        }
    }
}

/// Phase 3; of a call that interceptors have rewritten only where it goes.
async fn resolve(call: &mut Call) -> Result<Route, Fault> {
    match call.facts.is_some() && call.exec.is_some() {
        false => method::resolve(call).await,
        true => {
            let plan = routed::plan(call).await?;
            Ok(Route::Server(Box::new(plan)))
        }
    }
}

/// Asks the person whether the call may leave. `None`: they are being asked, and it leaves once they agree; an error is the
/// call's answer.
async fn ask_person(
    call: &mut Call,
    mut plan: Box<Plan>,
    question: &Question,
) -> Result<Option<Box<Plan>>, Answer> {
    let consent = dynamic::consent(call, &mut plan, question).await;
    asked(call, plan, consent)
}

/// Asks the person whether a server may reach what it wanted to reach before; the same comes of it.
async fn ask_reach(
    call: &mut Call,
    mut plan: Box<Plan>,
    host: Option<String>,
) -> Result<Option<Box<Plan>>, Answer> {
    let consent = dynamic::reach(call, &mut plan, host.unwrap_or_default()).await;
    asked(call, plan, consent)
}

fn asked(
    call: &mut Call,
    plan: Box<Plan>,
    consent: Result<Consent, Fault>,
) -> Result<Option<Box<Plan>>, Answer> {
    match consent {
        Ok(Consent::Given) => Ok(Some(plan)),
        Ok(Consent::Asked(result)) => Err(call.finish_here(&result)),
        Ok(Consent::Asking(answered)) => {
            let upstream = call.core.upstream(&call.side(), &plan.target.server);
            call.bridged = (plan.out.era != call.era).then(|| upstream.clone());
            call.crossing = Crossing::new(call, &upstream, &plan.out);
            dispatch_after(call.handle.clone(), upstream, *plan, answered);
            Ok(None)
        }
        Err(fault) => Err(call.finish(Err(fault))),
    }
}

/// Phase 6 for a server that may want the person to sign in. An error is the call's answer: the question.
async fn signed(call: &mut Call, mut plan: Plan) -> Result<Option<Outcome>, Answer> {
    dynamic::prepare_sign_in(call, &mut plan);
    let again = plan.clone();
    for _ in 0..SIGN_INS_MAX {
        let fault = match dispatch(call, plan).await {
            Some(Err(fault @ Fault::SignIn { .. })) => fault,
            outcome => return Ok(outcome),
        };
        match dynamic::sign_in(call, &again, fault).await {
            Ok(SigningIn::Done) => plan = again.clone(),
            Ok(SigningIn::Asked(result)) => return Err(call.finish_here(&result)),
            Ok(SigningIn::Asking(answered)) => {
                let upstream = call.core.upstream(&call.side(), &again.target.server);
                dispatch_after(call.handle.clone(), upstream, again, answered);
                return Ok(None);
            }
            Err(fault) => return Ok(Some(Err(fault))),
        }
    }
    Ok(dispatch(call, plan).await)
}

/// Phase 6 in a task of its own: what the person is asked goes out while the call waits.
fn dispatch_after(
    handle: Arc<CallHandle>,
    upstream: Arc<Upstream>,
    plan: Plan,
    answered: impl Future<Output = Result<(), Fault>> + Send + 'static,
) {
    tokio::spawn(async move {
        match handle.unless_over(answered).await {
            None => {}
            Some(Err(fault)) => handle.slot.finish(Err(fault)),
            Some(Ok(())) => {
                if let Some(outcome) = upstream.call(&handle, plan.out).await {
                    handle.slot.finish(outcome);
                }
            }
        }
    });
}

/// Phase 6. `Some` is what the server answered at once.
async fn dispatch(call: &mut Call, plan: Plan) -> Option<Outcome> {
    let server = &plan.target.server;
    let upstream = match call.core.attached(&call.side(), server) {
        Some(known) => known,
        None => {
            let new = call.core.upstream(&call.side(), server);
            if call.core.has_left(server, &call.workspace) {
                return Some(Err(Fault::Unavailable {
                    server: server.name.clone(),
                    reason: "it is no longer in this conversation; mcp-add brings it back"
                        .to_owned(),
                }));
            }
            new
        }
    };
    if call.frame.method() == methods::TOOLS_CALL && call.core.pins.compares() {
        upstream.look_again(call.core.pins.holds()).await;
        if let Err(fault) = call.core.pins.check(server, &plan.target.own) {
            return Some(Err(fault));
        }
    }
    (call.bridged, call.crossing) = (None, None);
    if plan.out.era != call.era || !plan.out.params.is_empty() {
        call.bridged = (plan.out.era != call.era).then(|| upstream.clone());
        if let Some(retry) = &plan.retry {
            match bridge::resume(call, retry) {
                Ok(Resumed::Waiting) => {
                    let delivered = Box::pin(bridge::deliver(call, retry)).await;
                    return delivered.and_then(Result::err).map(Err);
                }
                Ok(Resumed::Anew) => {}
                Err(fault) => return Some(Err(fault)),
            }
        }
        call.crossing = Crossing::new(call, &upstream, &plan.out);
    }
    upstream.call(&call.handle, plan.out).await
}

/// Waits for the first thing to come from the server: mostly the answer.
async fn next(mut call: Call, outcome: Option<Outcome>) -> Reply {
    if let Some(outcome) = outcome
        && let Some(Step::Done(outcome)) = call.read(Step::Done(outcome))
    {
        return Reply::Done(call.finish(outcome));
    }
    match poll_fn(|cx| call.poll_step(cx)).await {
        Step::Done(outcome) => Reply::Done(call.finish(outcome)),
        step => Reply::Stream(Events::beginning_with(call, step)),
    }
}

/// Phase 4. `Some` is what the person is to be asked first.
fn authorize(call: &mut Call, plan: &Plan) -> Result<Option<Question>, Fault> {
    if call.frame.method() == methods::TOOLS_CALL {
        let target = &plan.target;
        call.core.pins.check(&target.server, &target.own)?;
    }
    if !call.core.decider.is_needed() {
        return Ok(None);
    }
    match decided(call, plan)? {
        Decision::Allow => {}
        Decision::AllowedBy(rule) => call.rule = Some(rule),
        Decision::Deny(denial) => return Err(Fault::Denied(denial)),
        Decision::Lacks(denial, scopes) => return Err(Fault::Lacks(denial, scopes)),
        Decision::Ask(question) => {
            call.rule = Some(question.rule.clone());
            call.decision = Decided::Ask;
            return Ok(Some(question));
        }
    }
    Ok(None)
}

fn decided(call: &Call, plan: &Plan) -> Result<Decision, Fault> {
    let name = &*plan.target.own;
    let raw = match &call.exec {
        Some(exec) => &exec.params,
        None => call.frame.params().unwrap_or("{}"),
    };
    let asked = match call.frame.method() {
        methods::TOOLS_CALL => Asked::Tool {
            name,
            hints: match call.core.decider.wants_hints() {
                true => call.core.view(&call.side()).hints_of(&plan.target),
                false => Hints::default(),
            },
            arguments: Some(arguments(raw)?),
        },
        methods::PROMPTS_GET => Asked::Prompt(name),
        methods::RESOURCES_READ | methods::RESOURCES_SUBSCRIBE => Asked::Resource(name),
        methods::COMPLETION_COMPLETE => completed(raw, name),
        _ => Asked::Other,
    };
    let client = client(call);
    Ok(call.core.decider.decide(&Facts {
        caller: &call.workspace.caller.0,
        scopes: call.scopes.as_deref(),
        client: client.as_deref(),
        server: &plan.target.server.facts,
        asked,
        era: rules::era(call.era),
        now_s: now_s(),
    }))
}

/// The arguments of a call, raw JSON, of its parameters: part of a frame, or made of parts of one.
pub(crate) fn arguments(params: &str) -> Result<&str, Fault> {
    let bad = |e: wire::ObjectError| Fault::Params(e.to_string());
    let params = Object::of_json(params).map_err(bad)?;
    let found = params.get("arguments").map_err(bad)?;
    Ok(found.filter(|raw| *raw != "null").unwrap_or("{}"))
}

/// Whoever completes a value of a prompt or template asks about that.
fn completed<'a>(params: &str, name: &'a str) -> Asked<'a> {
    let reference = Object::parse(params)
        .ok()
        .and_then(|params| params.object("ref").ok()?);
    let kind = reference.and_then(|reference| Some(reference.string("type").ok()??.into_owned()));
    match kind.as_deref() {
        Some("ref/prompt") => Asked::Prompt(name),
        _ => Asked::Resource(name),
    }
}

/// `name/version`, as the client calls itself: in its handshake, or with each request.
pub(crate) fn client(call: &Call) -> Option<String> {
    let hello = call.session.as_ref().and_then(|session| session.hello());
    if let Some(hello) = hello {
        return Some(hello.client.to_string());
    }
    let params = call.frame.params_object().ok()?;
    let meta = params.object("_meta").ok()??;
    let info = meta.object(wire::meta::CLIENT_INFO).ok()??;
    let of = |member: &str| Some(info.string(member).ok()??.into_owned());
    Some(format!(
        "{}/{}",
        of("name")?,
        of("version").unwrap_or_default()
    ))
}

fn now_s() -> Option<i64> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.ok()?.as_secs()).ok()
}
