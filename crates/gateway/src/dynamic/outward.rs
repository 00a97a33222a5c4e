//! A host that a server wanted to reach in an earlier call: the person is asked whether it may, before the next one goes out.
//! Whatever they say, the call goes on; a server may do without.

use serde_json::{Value, json};

use super::ask::{Answer, Asked, Question, Stop, ask, can_ask};
use super::consent::{Consent, strip};
use super::errand::Errand;
use crate::bridge::request_digest;
use crate::call::Call;
use crate::error::Fault;
use crate::routed::Plan;
use crate::server::Server;
use crate::upstream::{Upstream, may_ask};

const KEY: &str = "reach";
const ANSWER: &str = "answer";

/// The host that the client of a call is to be asked about first, if there is one and it can be asked.
pub(crate) fn wish(call: &Call, plan: &Plan) -> Option<String> {
    let server = &plan.target.server;
    let core = &call.core;
    let host = core.wishes.first(call.workspace.id, &server.name)?;
    let errand = Errand::of_call(call, [0; 32]);
    let is_asked = may_ask(call.frame.method())
        && can_ask(&errand)
        && !errand.is_guest()
        && !core.launcher.is_denied(&server.entry, &host);
    if !is_asked {
        core.wishes.settle(call.workspace.id, &server.name, &host);
    }
    is_asked.then_some(host)
}

/// Asks whether a server may reach a host.
pub(crate) async fn reach(call: &Call, plan: &mut Plan, host: String) -> Result<Consent, Fault> {
    let params = call.params()?;
    let digest = request_digest(call.frame.method(), &params);
    let mut errand = Errand::of_call(call, digest);
    let state = errand.state.clone().unwrap_or_default();
    let is_ours = (call.core.parking)
        .opens(&state, &call.workspace.caller, digest)
        .is_ok();
    if !is_ours {
        (errand.responses, errand.state) = (None, None);
    }
    let settle = Settle {
        server: plan.target.server.clone(),
        upstream: call.core.upstream(&call.side(), &plan.target.server),
        host,
    };
    let form = settle.form();
    if call.era == wire::Era::Handshake {
        return Ok(Consent::Asking(Box::pin(async move {
            if let Ok(asked) = ask(&errand, &[form]).await {
                settle.settle(&errand, asked);
            }
            Ok(())
        })));
    }
    match ask(&errand, &[form]).await {
        Ok(asked) => settle.settle(&errand, asked),
        Err(Stop::Reply(_)) => settle.settle(&errand, Asked::Answers(Vec::new())),
        Err(Stop::Open(open)) => return Ok(Consent::Asked(open.raw())),
    }
    if is_ours {
        strip(plan);
    }
    Ok(Consent::Given)
}

/// What becomes of the answer.
struct Settle {
    server: std::sync::Arc<Server>,
    upstream: std::sync::Arc<Upstream>,
    host: String,
}

impl Settle {
    fn form(&self) -> Question {
        let (server, host) = (&self.server.name, &self.host);
        Question {
            key: KEY,
            message: format!(
                "May {server} reach {host}? It wanted to, and was kept from it. Once is until it is stopped."
            ),
            schema: json!({
                "type": "object",
                "properties": {
                    ANSWER: {
                        "type": "string",
                        "title": "Let it",
                        "enum": ["once", "always", "never"],
                        "default": "once",
                    }
                },
                "required": [ANSWER],
            }),
        }
    }

    fn settle(&self, errand: &Errand, asked: Asked) {
        let core = &errand.core;
        core.wishes
            .settle(errand.workspace.id, &self.server.name, &self.host);
        let Asked::Answers(answers) = asked else {
            return;
        };
        let Some(Answer::Given(given)) = answers.into_iter().next() else {
            return;
        };
        let word = given.get(ANSWER).and_then(Value::as_str);
        let decide = |is_allowed| {
            // What cannot be kept holds as long as the server runs.
            let _ = core
                .launcher
                .decide(&self.server.entry, &self.host, is_allowed);
        };
        match word {
            Some("always") => decide(true),
            Some("never") => return decide(false),
            Some("once") => {}
            _ => return,
        }
        if let Some(live) = self.upstream.current() {
            live.allow(&self.host);
        }
    }
}
