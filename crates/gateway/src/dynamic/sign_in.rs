//! A call whose server wants the person to sign in. They are led to a page of the gateway, and from there to whoever gives
//! tokens; the call goes on when they come back. A client that is asked by requests is told when that is done; one that is
//! asked by answers makes the call again (2025-11-25 and 2026-07-28, elicitation in URL mode). Who cannot be led there is told
//! the command.

use std::sync::Arc;

use auth::Challenge;
use serde_json::{Value, json};
use transport::BoxFuture;
use wire::{Era, build, method, quote};

use super::ask::{Answer, Stop, answer, brought, open};
use super::consent::strip;
use super::errand::Errand;
use crate::bridge::{request_digest, rounds};
use crate::call::Call;
use crate::core::Core;
use crate::error::Fault;
use crate::limits::VISIT_WAIT;
use crate::routed::Plan;
use crate::server::Server;
use crate::session::Session;
use crate::sign_in::{Pass, Shown};
use crate::upstream::may_ask;
use crate::visit::End;
use crate::workspace::Workspace;

const KEY: &str = "sign-in";

/// What becomes of a call whose server wants somebody to sign in.
pub(crate) enum SigningIn {
    /// Somebody has.
    Done,
    /// The call's result is the question, raw JSON.
    Asked(String),
    /// They are led there; the call waits.
    Asking(BoxFuture<'static, Result<(), Fault>>),
}

/// Has the person sign in so that a call can go on. `fault`: how it was refused.
pub(crate) async fn sign_in(call: &Call, plan: &Plan, fault: Fault) -> Result<SigningIn, Fault> {
    let Some((pass, challenge)) = of(&call.core, &call.workspace, &plan.target.server, &fault)
    else {
        return Err(fault);
    };
    let asked = call.frame.method();
    let params = call.params()?;
    let mut errand = Errand::of_call(call, request_digest(asked, &params));
    if !is_ours(call, &errand) {
        (errand.responses, errand.state) = (None, None);
    }
    if !can_ask(&errand, &pass) || !may_ask(asked) {
        return Err(fault);
    }
    match errand.era {
        Era::Handshake => Ok(SigningIn::Asking(Box::pin(async move {
            match lead(&errand, &pass, &challenge).await {
                Ok(()) => Ok(()),
                Err(Stop::Reply(reply)) => Err(refused(&fault, reply.text())),
                Err(Stop::Open(_)) => Err(fault),
            }
        }))),
        Era::Stateless => match lead(&errand, &pass, &challenge).await {
            Ok(()) => Ok(SigningIn::Done),
            Err(Stop::Reply(reply)) => Err(refused(&fault, reply.text())),
            Err(Stop::Open(open)) => Ok(SigningIn::Asked(open.raw())),
        },
    }
}

/// Takes out what the client brings as an answer to our question: it is nothing for the server.
pub(crate) fn prepare(call: &Call, plan: &mut Plan) {
    if call.era != Era::Stateless {
        return;
    }
    let Ok(params) = call.params() else { return };
    if !matches!(params.get("requestState"), Ok(Some(_))) {
        return;
    }
    let errand = Errand::of_call(call, request_digest(call.frame.method(), &params));
    if is_ours(call, &errand) {
        strip(plan);
    }
}

fn is_ours(call: &Call, errand: &Errand) -> bool {
    let state = errand.state.as_deref().unwrap_or_default();
    let caller = &call.workspace.caller;
    call.core
        .parking
        .opens(state, caller, errand.digest)
        .is_ok()
}

/// The way in to a server that wants somebody to sign in.
pub(super) fn of(
    core: &Core,
    workspace: &Workspace,
    server: &Server,
    fault: &Fault,
) -> Option<(Arc<Pass>, Challenge)> {
    let (Fault::SignIn { challenge, .. }, Some(passes)) = (fault, &server.passes) else {
        return None;
    };
    let holder = core.holder(server, &workspace.caller);
    let pass = passes.pass(holder.as_ref());
    Some((pass, Challenge::clone(challenge)))
}

/// Whether whoever asks can be led to a page: what comes of it is their own account, or the person's own.
pub(super) fn can_ask(errand: &Errand, pass: &Pass) -> bool {
    errand.asks.url() && pass.has_pages() && (pass.is_of_caller() || !errand.is_guest())
}

/// Has the person sign in; only if [`can_ask`].
///
/// # Errors
/// They did not: a reply that says why, or the question.
pub(super) async fn lead(
    errand: &Errand,
    pass: &Arc<Pass>,
    challenge: &Challenge,
) -> Result<(), Stop> {
    let shown = match (&errand.session, errand.era) {
        (Some(session), Era::Handshake) => led(errand, session, pass, challenge).await?,
        _ => led_again(errand, pass, challenge).await?,
    };
    let why = match shown.visit.ended() {
        Some(End::Given) => return Ok(()),
        Some(End::Declined) => "the user did not want to sign in; ask them why".to_owned(),
        Some(End::Failed) => shown.visit.failure().unwrap_or_default(),
        _ => "nobody signed in in time; make the call again for a new link".to_owned(),
    };
    Err(reply(why))
}

/// The call waits, and the page stays for as long as it lives: whoever signs in later has signed in, too.
async fn led(
    errand: &Errand,
    session: &Arc<Session>,
    pass: &Arc<Pass>,
    challenge: &Challenge,
) -> Result<Shown, Stop> {
    let shown = pass.show(challenge).await.map_err(reply)?;
    let number = format!("page-{}", errand.core.next_id());
    let mut params = question(&shown);
    params["elicitationId"] = json!(number);
    let asked = rounds::ask(session, &errand.handle, &[(KEY, params.to_string())]);
    tokio::select! {
        biased;
        // Whoever follows the link without telling the client so, has followed it all the same.
        _over = shown.visit.over() => asked.settle(KEY),
        answers = asked.answers() => match answers {
            Ok(answers) => match answer(&answers, KEY)? {
                Answer::Given(_) => drop(shown.visit.over().await),
                Answer::Declined => {
                    return Err(reply("the user did not want to sign in; ask them why".to_owned()));
                }
            },
            Err(why) => return Err(reply(why)),
        },
    }
    let params = format!(r#"{{"elicitationId":{}}}"#, quote(&number));
    let message = build::notification(method::ELICITATION_COMPLETE, Some(&params));
    session.tell_with(Some(&errand.handle), message);
    Ok(shown)
}

/// The page waits; calls come and go.
async fn led_again(
    errand: &Errand,
    pass: &Arc<Pass>,
    challenge: &Challenge,
) -> Result<Shown, Stop> {
    let responses = brought(errand, &[(KEY, String::new())])?;
    // One that has led to a token before this request was refused has led to one that does not help.
    let shown = pass
        .shown()
        .filter(|shown| shown.visit.ended() != Some(End::Given));
    let shown = match (responses, shown) {
        (Some(responses), Some(shown)) => {
            if let Answer::Declined = answer(&responses, KEY)? {
                return Err(reply(
                    "the user did not want to sign in; ask them why".to_owned(),
                ));
            }
            if tokio::time::timeout(VISIT_WAIT, shown.visit.over())
                .await
                .is_ok()
            {
                return Ok(shown);
            }
            shown
        }
        _ => pass.show(challenge).await.map_err(reply)?,
    };
    Err(open(errand, &[(KEY, question(&shown).to_string())]))
}

fn question(shown: &Shown) -> Value {
    let server = &shown.visit.page().server;
    json!({
        "mode": "url",
        "message": format!(
            "{server} wants you to sign in at {}. A page of the gateway on its machine leads there; what comes of it is kept there{}.",
            Pass::with_whom(shown),
            shown.visit.page().holder.as_ref().map_or_else(String::new, |holder| format!(", for the caller {holder} alone")),
        ),
        "url": &*shown.url,
    })
}

fn reply(why: String) -> Stop {
    super::reply::Reply::error(why).into()
}

/// The same fault, with what came of the attempt.
fn refused(fault: &Fault, why: &str) -> Fault {
    match fault {
        Fault::SignIn {
            server,
            holder,
            challenge,
            ..
        } => Fault::SignIn {
            server: server.clone(),
            holder: holder.clone(),
            reason: why.to_owned(),
            challenge: challenge.clone(),
        },
        other => other.clone(),
    }
}
