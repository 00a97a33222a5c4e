//! Asking the person: by a form that the client shows, in either era. A client that is asked by requests is asked while the
//! call waits; one that is asked by answers makes the call again with what the person said. Pages, which the client only
//! leads to, are in `credentials.rs`; both put their questions by what is here.

use serde_json::{Map, Value, json};
use wire::{Era, Object, meta, method, quote};

use super::errand::Errand;
use super::reply::Reply;
use crate::about;
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

/// What came of asking.
pub(super) enum Asked {
    /// In the order of the questions.
    Answers(Vec<Answer>),
    /// The client did not ask: why.
    Failed(String),
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

impl Stop {
    /// The result of the call.
    pub(super) fn raw(self, era: Era) -> String {
        match self {
            Self::Reply(reply) => reply.raw(era),
            Self::Open(open) => open.raw(),
        }
    }
}

/// The call's result are questions.
pub(super) struct Open(String);

impl Open {
    pub(super) fn raw(self) -> String {
        self.0
    }
}

/// Whether the client can show forms.
pub(super) fn can_ask(errand: &Errand) -> bool {
    let form = errand
        .asks
        .missing(method::ELICITATION_CREATE, &Object::empty());
    form.is_none()
}

/// Asks everything at once; only if [`can_ask`].
pub(super) async fn ask(errand: &Errand, questions: &[Question]) -> Result<Asked, Stop> {
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
        (Some(session), Era::Handshake) => {
            let asked = rounds::ask(session, &errand.handle, &requests);
            match tokio::time::timeout(PERSON_WAIT, asked.answers()).await {
                Ok(Ok(responses)) => responses,
                Ok(Err(why)) => return Ok(Asked::Failed(why)),
                Err(_) => return Ok(Asked::Failed("nobody answered in time".to_owned())),
            }
        }
        _ => match brought(errand, &requests)? {
            Some(responses) => responses,
            None => return Err(open(errand, &requests)),
        },
    };
    let answers = questions
        .iter()
        .map(|question| answer(&responses, question.key));
    Ok(Asked::Answers(answers.collect::<Result<_, _>>()?))
}

/// What the person did with the question of this key; `responses`: raw JSON.
pub(super) fn answer(responses: &str, key: &str) -> Result<Answer, Reply> {
    let wrong = || Reply::error("the answers of the client are broken; try again");
    let responses = Object::parse(responses).map_err(|_| wrong())?;
    let response = responses.object(key).map_err(|_| wrong())?;
    let response = response.ok_or_else(wrong)?;
    let action = response.string("action").ok().flatten();
    match action.as_deref() {
        Some("accept") => {
            let content = response.get("content").ok().flatten().unwrap_or("{}");
            let content = serde_json::from_str(content).map_err(|_| wrong())?;
            Ok(Answer::Given(content))
        }
        Some("decline" | "cancel") => Ok(Answer::Declined),
        _ => Err(wrong()),
    }
}

/// `inputResponses` of a client that is asked by answers, if it brings any for one of these questions.
pub(super) fn brought(
    errand: &Errand,
    requests: &[(&str, String)],
) -> Result<Option<String>, Reply> {
    let Some(responses) = &errand.responses else {
        return Ok(None);
    };
    let caller = &errand.workspace.caller;
    let state = errand.state.as_deref().unwrap_or_default();
    errand
        .core
        .parking
        .opens(state, caller, errand.digest)
        .map_err(|why| Reply::error(format!("requestState {why}")))?;
    let has_any = Object::parse(responses).map_or(true, |object| {
        requests
            .iter()
            .any(|(key, _)| matches!(object.get(key), Ok(Some(_)) | Err(_)))
    });
    // What it was asked before this may be settled by now.
    Ok(has_any.then(|| responses.clone()))
}

/// Ends the request with these questions.
pub(super) fn open(errand: &Errand, requests: &[(&str, String)]) -> Stop {
    let sealed = errand
        .core
        .parking
        .seal_for(&errand.workspace.caller, errand.digest);
    let state = match sealed {
        Ok(state) => state,
        Err(fault) => return Reply::error(fault.to_string()).into(),
    };
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
    Stop::Open(Open(format!(
        r#"{{"resultType":"input_required","inputRequests":{{{}}},"requestState":{},"_meta":{{{}:{}}}}}"#,
        asked.join(","),
        quote(&state),
        quote(meta::SERVER_INFO),
        about::info()
    )))
}
