//! Calls that run a script: what its inner calls ask of a stateless client, it hears of in the answer to the outer one. The
//! script goes on meanwhile with what it has to do, and waits with its clock standing still.

use std::sync::Arc;

use tokio::time::Instant;
use wire::Object;

use super::{On, Retry, asking, look_again, refused, taken, wait};
use crate::call::Call;
use crate::error::Fault;
use crate::front::Caller;
use crate::limits::GATHER_WAIT;
use crate::outbox::lock;
use crate::script::Outer;
use crate::slot::Step;

/// What is reported as asking.
const WHO: &str = "code-mode";

/// Tells the client what is asked, with the answer to its request, and lets the script wait. None if nothing is open any
/// more.
pub(crate) fn park(call: &mut Call, outer: &Arc<Outer>) -> Option<Step> {
    let questions = outer.questions();
    let requests = questions
        .requests()
        .filter(|_| !call.handle.slot.is_over())?;
    let since = questions.asked_since();
    if since.is_some_and(|since| Instant::now() - since < GATHER_WAIT) {
        look_again(&call.handle);
        return None;
    }
    match asking(call, &requests, WHO) {
        Ok((number, answer)) => {
            wait(call, number, On::Script(outer.clone()), since, true);
            Some(Step::Done(Ok(answer)))
        }
        Err(fault) => Some(Step::Done(Err(fault))),
    }
}

/// Goes on with the script that a state stands for: its questions get their answers, and this request will get its result.
///
/// # Errors
/// The state is none of this caller's, of another request, used or expired.
pub(crate) fn resume(call: &mut Call, retry: &Retry) -> Result<(), Fault> {
    let Some((number, parked)) = taken(call, retry)? else {
        return Err(refused(
            "belongs to no script; make the call again without it",
        ));
    };
    let On::Script(outer) = parked.on else {
        return Err(refused(
            "belongs to no script; make the call again without it",
        ));
    };
    call.parked = Some(number);
    call.script = Some(outer.clone());
    call.goes_on(parked.handle);
    let responses = retry.responses.as_deref().map(Object::parse);
    outer.goes_on(call, responses.and_then(Result::ok).as_ref());
    Ok(())
}

impl super::Parking {
    /// Takes back the call that this state stands for: nobody will answer for it.
    pub(crate) fn forget(&self, state: &str, caller: &Caller) {
        let Some(ticket) = self.seal.open(state, caller) else {
            return;
        };
        let parked = lock(&self.inner).take(ticket.parked);
        if let Some(parked) = parked {
            parked.handle.cancel(Some("the script has ended"));
        }
    }
}
