//! A rule that asks: the person is shown what is about to be called, and what they answer holds as long as they say. Who cannot
//! be asked is told the command with which the person allows it.

use std::future::Future;
use std::pin::Pin;

use policy::Remember;
use serde_json::{Value, json};
use wire::{Edits, Frame, method};

use super::ask::{Answer, Asked, Question as Form, Stop, ask, can_ask};
use super::errand::Errand;
use crate::bridge::request_digest;
use crate::call::Call;
use crate::consents::Key;
use crate::error::Fault;
use crate::limits::SHOWN_ARGUMENTS_CHARS_MAX;
use crate::phase::{Denial, Question};
use crate::routed::Plan;
use crate::upstream::may_ask;

/// What the person said, if they have been asked.
pub(crate) enum Consent {
    /// Yes.
    Given,
    /// The call's result are the questions, raw JSON.
    Asked(String),
    /// They are being asked; the call waits.
    Asking(Pin<Box<dyn Future<Output = Result<(), Fault>> + Send>>),
}

const KEY: &str = "allow";
const ANSWER: &str = "answer";

/// Finds out whether a call may go on that a rule wants the person to be asked about. What the client brings as an answer to
/// us does not go on to the server.
pub(crate) async fn consent(
    call: &mut Call,
    plan: &mut Plan,
    question: &Question,
) -> Result<Consent, Fault> {
    let server = &plan.target.server.name;
    let asked = call.frame.method();
    let key = Key::new(
        &question.mark,
        &call.workspace.caller.0,
        server,
        (asked, &plan.target.own),
    );
    let core = &call.core;
    let store = core.store();
    if question.remember > Remember::Once && core.consents.has(call.workspace.id, &key, store) {
        return Ok(Consent::Given);
    }
    if !may_ask(asked) {
        return Err(unasked(call, plan, question));
    }
    let params = call.params()?;
    let digest = request_digest(asked, &params);
    let state = params.string("requestState").ok().flatten();
    let is_ours = state.as_ref().is_some_and(|state| {
        let opened = core.parking.opens(state, &call.workspace.caller, digest);
        opened.is_ok()
    });
    let caller = &call.workspace.caller.0;
    let again = |state: &str| core.consents.comes_again(caller, &digest, state);
    // It comes again, with what its server asked for: the person has said yes to it. Or it is made once more by us.
    if !is_ours && (call.allowed == Some(digest) || state.as_deref().is_some_and(again)) {
        call.allowed = Some(digest);
        return Ok(Consent::Given);
    }
    let mut errand = Errand::of_call(call, digest);
    if !is_ours {
        (errand.responses, errand.state) = (None, None);
    }
    let form = form(call, plan, question);
    let settle = Settle {
        question: question.clone(),
        key,
        what: format!("{} {server} {}", question.rule, plan.target.own),
    };
    if !can_ask(&errand) {
        return Err(unasked(call, plan, question));
    }
    if call.era == wire::Era::Handshake {
        return Ok(Consent::Asking(Box::pin(async move {
            match ask(&errand, &[form]).await {
                Ok(asked) => settle.settle(&errand, asked),
                Err(Stop::Reply(reply)) => Err(settle.denied(reply.text())),
                Err(Stop::Open(_)) => Err(settle.denied("the client cannot be asked")),
            }
        })));
    }
    match ask(&errand, &[form]).await {
        Ok(asked) => settle.settle(&errand, asked)?,
        Err(Stop::Reply(reply)) => return Err(settle.denied(reply.text())),
        Err(Stop::Open(open)) => return Ok(Consent::Asked(open.raw())),
    }
    strip(plan);
    call.allowed = Some(digest);
    Ok(Consent::Given)
}

/// What becomes of the answers.
struct Settle {
    question: Question,
    key: Key,
    what: String,
}

impl Settle {
    fn settle(self, errand: &Errand, asked: Asked) -> Result<(), Fault> {
        let answers = match asked {
            Asked::Answers(answers) => answers,
            Asked::Failed(why) => return Err(self.denied(&why)),
        };
        let Some(Answer::Given(given)) = answers.into_iter().next() else {
            return Err(self.denied("the user said no; ask them why"));
        };
        let word = given.get(ANSWER).and_then(Value::as_str).unwrap_or("once");
        // More than the rule offers is not on offer.
        let held = Remember::parse(word).map(|held| held.min(self.question.remember));
        let consents = &errand.core.consents;
        match held {
            None => return Err(self.denied("the answer of the client is none of those offered")),
            Some(Remember::Once) => {}
            Some(Remember::Workspace) => consents.give(errand.workspace.id, self.key),
            Some(Remember::Always) => {
                // What cannot be kept holds as long as it can.
                let kept = consents.keep(&self.key, &self.what, errand.core.store());
                if kept.is_err() {
                    consents.give(errand.workspace.id, self.key);
                }
            }
        }
        Ok(())
    }

    fn denied(&self, why: &str) -> Fault {
        denied(&self.question, why)
    }
}

fn denied(question: &Question, why: &str) -> Fault {
    Fault::Denied(Denial {
        rule: Some(question.rule.clone()),
        reason: format!("rule {:?} asks the user first: {why}", question.rule),
    })
}

/// Nobody can be asked now.
fn unasked(call: &Call, plan: &Plan, question: &Question) -> Fault {
    let Some(kind) = kind(call.frame.method()) else {
        return denied(question, "this is nothing that they can be asked about");
    };
    if question.remember == Remember::Once {
        return denied(
            question,
            "this client cannot show them a question, and the rule wants one for each call",
        );
    }
    let caller = &*call.workspace.caller.0;
    denied(
        question,
        &format!(
            "this client cannot show them a question. Ask them to run: portolan policy allow {} {}{kind} --caller {}",
            word(&plan.target.server.name),
            word(&plan.target.own),
            word(caller),
        ),
    )
}

/// How `policy allow` is told what the name names.
fn kind(asked: &str) -> Option<&'static str> {
    match asked {
        method::TOOLS_CALL => Some(""),
        method::PROMPTS_GET => Some(" --prompt"),
        method::RESOURCES_READ => Some(" --resource"),
        _ => None,
    }
}

/// A text as one word of a shell.
fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@".contains(c);
    match !text.is_empty() && !text.starts_with('-') && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

fn form(call: &Call, plan: &Plan, question: &Question) -> Form {
    let (server, own) = (&plan.target.server.name, &plan.target.own);
    let what = match call.frame.method() {
        method::PROMPTS_GET => format!("the prompt {own} of {server}"),
        method::RESOURCES_READ => format!("the resource {own} of {server}"),
        _ => format!("the tool {own} of {server}"),
    };
    let frame = Frame::parse(plan.out.frame.clone()).ok();
    let params = frame.as_ref().and_then(|frame| frame.params_object().ok());
    let arguments = params.and_then(|params| params.get("arguments").ok().flatten().map(shown));
    let arguments = arguments.map_or_else(String::new, |text| format!(" with {text}"));
    let why = match &question.reason {
        Some(reason) => format!("{reason} (rule {:?})", question.rule),
        None => format!("rule {:?} wants you to be asked", question.rule),
    };
    let offered: Vec<&str> = [Remember::Once, Remember::Workspace, Remember::Always]
        .into_iter()
        .filter(|held| *held <= question.remember)
        .map(Remember::as_str)
        .collect();
    let properties = match &offered[..] {
        [_] => json!({}),
        offered => json!({
            ANSWER: {
                "type": "string",
                "title": "Allow it",
                "description": "once, for this workspace (conversation), or always",
                "enum": offered,
                "default": "once",
            }
        }),
    };
    Form {
        key: KEY,
        message: format!("Allow {what} to be used{arguments}? {why}."),
        schema: json!({"type": "object", "properties": properties}),
    }
}

/// Arguments for a person: short, and without what could hide something.
fn shown(arguments: &str) -> String {
    let clean = |c: &char| {
        !c.is_control()
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let text: String = arguments.chars().filter(clean).collect();
    match text.char_indices().nth(SHOWN_ARGUMENTS_CHARS_MAX) {
        None => text,
        Some((at, _)) => {
            let more = text.chars().count() - SHOWN_ARGUMENTS_CHARS_MAX;
            format!("{}… ({more} characters more)", &text[..at])
        }
    }
}

/// Takes out what the client answered to us.
pub(super) fn strip(plan: &mut Plan) {
    plan.retry = None;
    let Ok(frame) = Frame::parse(plan.out.frame.clone()) else {
        return;
    };
    let Ok(params) = frame.params_object() else {
        return;
    };
    let mut edits: Edits<'_> = frame.edit();
    edits.remove(&params, "requestState");
    edits.remove(&params, "inputResponses");
    plan.out.frame = edits.apply();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_safe_to_paste() {
        assert_eq!(word("delete_repo"), "delete_repo");
        assert_eq!(word("a b'; rm"), r"'a b'\''; rm'");
        assert_eq!(word("-x"), "'-x'");
        assert_eq!(word(""), "''");
    }

    #[test]
    fn what_a_person_sees_is_short_and_hides_nothing() {
        assert_eq!(shown("{\"a\":\"x\u{202e}y\n\"}"), "{\"a\":\"xy\"}");
        let long = shown(&"x".repeat(SHOWN_ARGUMENTS_CHARS_MAX + 5));
        assert!(long.ends_with("… (5 characters more)"), "{long}");
    }
}
