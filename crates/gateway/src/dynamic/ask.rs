//! Asking the person: by a form that the client shows, in either era. A client that is asked by requests is asked while the
//! call waits; one that is asked by answers makes the call again with what the person said.

use serde_json::{Map, Value, json};
use wire::{Object, method, quote};

use super::errand::Errand;
use super::reply::Reply;
use crate::bridge::rounds;
use crate::limits::PERSON_WAIT;

/// One form.
pub(super) struct Question {
    pub(super) key: &'static str,
    pub(super) message: String,
    /// A flat JSON Schema of type object.
    pub(super) schema: Value,
}

/// What the person did with it.
#[derive(Debug)]
pub(super) enum Answer {
    Given(Map<String, Value>),
    Declined,
}

/// Why there is no reply yet, or no other than this.
pub(super) enum Stop {
    Reply(Reply),
    Open(Open),
}

impl From<Reply> for Stop {
    fn from(reply: Reply) -> Self {
        Self::Reply(reply)
    }
}

/// The call's result are questions.
pub(super) struct Open(String);

impl Open {
    pub(super) fn raw(self) -> String {
        self.0
    }
}

/// Asks everything at once; the answers in the order of the questions. `None`: the client cannot be asked.
pub(super) async fn ask(
    errand: &Errand,
    questions: &[Question],
) -> Result<Option<Vec<Answer>>, Stop> {
    if errand
        .asks
        .missing(method::ELICITATION_CREATE, &Object::empty())
        .is_some()
    {
        return Ok(None);
    }
    let requests: Vec<(&str, String)> = questions
        .iter()
        .map(|question| {
            let params = json!({
                "mode": "form",
                "message": question.message,
                "requestedSchema": question.schema,
            });
            (question.key, params.to_string())
        })
        .collect();
    let responses = match (&errand.session, errand.era) {
        (Some(session), wire::Era::Handshake) => {
            let asked = rounds::ask(session, &errand.handle, &requests);
            match tokio::time::timeout(PERSON_WAIT, asked).await {
                Ok(Ok(responses)) => responses,
                Ok(Err(why)) => return Err(Reply::error(why).into()),
                Err(_) => return Err(Reply::error("nobody answered in time; try again").into()),
            }
        }
        _ => responses_of(errand, &requests)?,
    };
    let wrong = || {
        Stop::from(Reply::error(
            "the answers of the client are broken; try again",
        ))
    };
    let responses = Object::parse(&responses).map_err(|_| wrong())?;
    let mut answers = Vec::new();
    for question in questions {
        let response = responses.object(question.key).map_err(|_| wrong())?;
        let response = response.ok_or_else(wrong)?;
        let action = response.string("action").ok().flatten();
        let content = response.get("content").ok().flatten().unwrap_or("{}");
        answers.push(match action.as_deref() {
            Some("accept") => {
                let content = serde_json::from_str(content).map_err(|_| wrong())?;
                Answer::Given(content)
            }
            Some("decline" | "cancel") => Answer::Declined,
            _ => return Err(wrong()),
        });
    }
    Ok(Some(answers))
}

/// What the client brings with this request; else the request ends with the questions.
fn responses_of(errand: &Errand, requests: &[(&str, String)]) -> Result<String, Stop> {
    if let Some(responses) = &errand.responses {
        let caller = &errand.workspace.caller;
        let state = errand.state.as_deref().unwrap_or_default();
        return match errand.core.parking.opens(state, caller, errand.digest) {
            Ok(()) => Ok(responses.clone()),
            Err(why) => Err(Reply::error(format!("requestState {why}")).into()),
        };
    }
    let state = errand
        .core
        .parking
        .seal_for(&errand.workspace.caller, errand.digest)
        .map_err(|fault| Reply::error(fault.to_string()))?;
    let asked: Vec<String> = requests
        .iter()
        .map(|(key, params)| {
            format!(
                r#"{}:{{"method":"{}","params":{params}}}"#,
                quote(key),
                method::ELICITATION_CREATE
            )
        })
        .collect();
    Err(Stop::Open(Open(format!(
        r#"{{"resultType":"input_required","inputRequests":{{{}}},"requestState":{}}}"#,
        asked.join(","),
        quote(&state)
    ))))
}
