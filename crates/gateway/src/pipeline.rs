//! What every request goes through, in this order. Direct calls, `mcp-exec` and inner calls of code mode alike.
//!
//! 1. *admit*: limits of the conversation and of the gateway; the id is not in use.
//! 2. *identify*: who speaks, in which era; for the stateless one, do headers and body agree?
//! 3. *resolve*: which server, by which name there; or the gateway itself.
//! 4. *authorize*: rules decide over the facts.
//! 5. *intercept*: interceptors see the request and may change it.
//! 6. *dispatch*: to the upstream of the isolation key, started if need be.
//! 7. *intercept back*: interceptors see the answer; the client's own id is put back.
//! 8. *record*: log, metrics, trace; once, whatever happened.

use std::future::poll_fn;
use std::sync::Arc;

use transport::BoxFuture;
use wire::Frame;

use crate::bridge::{self, Crossing, Resumed};
use crate::call::Call;
use crate::core::Core;
use crate::dynamic;
use crate::error::Fault;
use crate::front::{Events, Origin, Reply};
use crate::identify;
use crate::method::{self, Route, subscriptions};
use crate::phase::{Decision, Facts};
use crate::routed::Plan;
use crate::slot::Step;

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
    loop {
        let plan = match handle.unless_over(method::resolve(&mut call)).await {
            Some(Ok(Route::Server(plan))) => plan,
            Some(Ok(Route::Here(result))) => return Reply::Done(call.finish_here(&result)),
            Some(Ok(Route::Own(work))) => {
                dynamic::carry_out(handle, call.raw_id(), work);
                return next(call, None).await;
            }
            Some(Ok(Route::Resumed)) => return next(call, None).await,
            Some(Ok(Route::Known(plan, result))) => {
                return Reply::Done(match authorize(&call, *plan) {
                    Ok(_) => call.finish_here(result),
                    Err(fault) => call.finish(Err(fault)),
                });
            }
            Some(Ok(Route::Stream)) => return Reply::Stream(Events::new(call)),
            Some(Err(fault)) => return Reply::Done(call.finish(Err(fault))),
            None => return next(call, None).await,
        };
        let plan = match authorize(&call, *plan) {
            Ok(plan) => plan,
            Err(fault) => return Reply::Done(call.finish(Err(fault))),
        };
        let plan = match call.core.interceptors.is_empty() {
            true => plan,
            false => match handle.unless_over(Box::pin(intercept(&call, plan))).await {
                Some(Ok(plan)) => plan,
                Some(Err(fault)) => return Reply::Done(call.finish(Err(fault))),
                None => return next(call, None).await,
            },
        };
        match dispatch(&mut call, plan).await {
            Some(Err(Fault::OtherEra { speaks, .. })) if !is_last => {
                is_last = true;
                call.speaks = Some(speaks);
                if let Some(asked) = call.subscribing.take() {
                    subscriptions::subscribed(&call, &asked, false);
                }
            }
            outcome => return next(call, outcome).await,
        }
    }
}

/// Phase 6. `Some` is what the server answered at once.
async fn dispatch(call: &mut Call, plan: Plan) -> Option<Outcome> {
    let upstream = call.core.upstream(&call.side(), &plan.target.server);
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
        && let Some(Step::Done(outcome)) = bridge::read(&mut call, Step::Done(outcome))
    {
        return Reply::Done(call.finish(outcome));
    }
    match poll_fn(|cx| call.poll_step(cx)).await {
        Step::Done(outcome) => Reply::Done(call.finish(outcome)),
        step => Reply::Stream(Events::beginning_with(call, step)),
    }
}

/// Phase 4.
fn authorize(call: &Call, plan: Plan) -> Result<Plan, Fault> {
    match call.core.decider.decide(&facts(call, &plan)) {
        Decision::Allow => Ok(plan),
        Decision::Deny(reason) => Err(Fault::Denied(reason)),
    }
}

/// Phase 5.
async fn intercept(call: &Call, mut plan: Plan) -> Result<Plan, Fault> {
    for interceptor in &call.core.interceptors {
        let request = plan.out.frame.clone();
        plan.out.frame = interceptor
            .before(&facts(call, &plan), request)
            .await
            .map_err(Fault::Denied)?;
    }
    Ok(plan)
}

fn facts<'a>(call: &'a Call, plan: &'a Plan) -> Facts<'a> {
    Facts {
        caller: &call.workspace.caller.0,
        method: call.frame.method(),
        server: &plan.target.server.name,
        name: &plan.target.own,
        params: match &call.exec {
            Some(exec) => &exec.params,
            None => call.frame.params().unwrap_or("{}"),
        },
    }
}
