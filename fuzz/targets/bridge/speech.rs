//! What the server says: to calls, to clients that it asks, and unasked.

use arbitrary::Arbitrary;
use wire::{build, method, quote};

use crate::server::Pending;
use crate::words::{Code, Json, Word};
use crate::{members, object};

/// How a call is answered.
#[derive(Arbitrary, Debug)]
pub(crate) enum Answer {
    Plain,
    Result(Vec<(Word, Json)>),
    Structured(Json),
    Kind(Json),
    Questions {
        asked: Vec<(Word, Question)>,
        odd: Option<Json>,
        state: Option<Json>,
    },
    Error(Code, Option<Json>),
    /// An error about a resource.
    Uri(Code),
    /// URLs that must be visited first.
    Visits(Code, Vec<Vec<(Word, Json)>>),
    NoObject(Json),
    /// Under an id that nobody used, and the call stays unanswered.
    Stray(Json),
    /// The same twice.
    Twice,
}

/// What a client is asked.
#[derive(Arbitrary, Debug)]
pub(crate) struct Question {
    what: Asked,
    made_up: Vec<(Word, Json)>,
}

#[derive(Arbitrary, Debug)]
enum Asked {
    Form,
    Url,
    Sampling,
    Roots,
    Ping,
    Unknown(Word),
}

/// What a server says unasked.
#[derive(Arbitrary, Debug)]
pub(crate) enum Said {
    /// With the token of a call, or with another one.
    Progress(Option<Json>),
    Log(u8),
    ListChanged,
    Updated,
    VisitEnded,
    TaskStatus,
    Acknowledged,
    Unknown(Vec<(Word, Json)>),
}

impl Answer {
    /// The message, with the mark of the call's caller in it.
    pub(crate) fn made(&self, call: &Pending) -> String {
        let (id, mark) = (&*call.id, quote(&call.mark));
        let result = |more: Vec<(String, String)>| {
            let own = [(quote("mark"), mark.clone())];
            let object = object(own.into_iter().chain(more));
            format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{object}}}"#)
        };
        let error = |code: &Code, data: Option<String>| {
            let data = data.map_or(String::new(), |data| format!(r#","data":{data}"#));
            let code = code.text();
            format!(
                r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":{mark}{data}}}}}"#
            )
        };
        let one = |name: &str, value: String| vec![(quote(name), value)];
        match self {
            Self::Plain | Self::Twice => result(Vec::new()),
            Self::Result(made_up) => result(members(made_up)),
            Self::Structured(json) => result(one("structuredContent", json.text())),
            Self::Kind(json) => result(one("resultType", json.text())),
            Self::Questions { asked, odd, state } => {
                let questions = asked.iter().map(|(key, question)| {
                    let method = quote(&question.method());
                    let params = question.params(&call.mark);
                    (
                        key.literal(),
                        format!(r#"{{"method":{method},"params":{params}}}"#),
                    )
                });
                let requests = odd.as_ref().map_or_else(|| object(questions), Json::text);
                let mut all = one("resultType", quote("input_required"));
                all.extend(one("inputRequests", requests));
                all.extend(
                    state
                        .iter()
                        .flat_map(|state| one("requestState", state.text())),
                );
                result(all)
            }
            Self::Error(code, data) => error(code, data.as_ref().map(Json::text)),
            Self::Uri(code) => error(code, Some(r#"{"uri":"r://1"}"#.to_owned())),
            Self::Visits(code, visits) => {
                let visits: Vec<String> = visits
                    .iter()
                    .map(|made_up| object(members(made_up)))
                    .collect();
                error(
                    code,
                    Some(format!(r#"{{"elicitations":[{}]}}"#, visits.join(","))),
                )
            }
            Self::NoObject(json) => {
                format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{}}}"#, json.text())
            }
            Self::Stray(other) => {
                format!(
                    r#"{{"jsonrpc":"2.0","id":{},"result":{{"mark":{mark}}}}}"#,
                    other.text()
                )
            }
        }
    }
}

impl Question {
    pub(crate) fn method(&self) -> String {
        match &self.what {
            Asked::Form | Asked::Url => method::ELICITATION_CREATE.to_owned(),
            Asked::Sampling => method::SAMPLING_CREATE_MESSAGE.to_owned(),
            Asked::Roots => method::ROOTS_LIST.to_owned(),
            Asked::Ping => method::PING.to_owned(),
            Asked::Unknown(word) => {
                serde_json::from_str(&word.literal()).expect("a word is a string")
            }
        }
    }

    pub(crate) fn params(&self, mark: &str) -> String {
        let mode = matches!(self.what, Asked::Url).then(|| (quote("mode"), quote("url")));
        let mark = (quote("message"), quote(mark));
        object(members(&self.made_up).into_iter().chain(mode).chain([mark]))
    }
}

impl Said {
    pub(crate) fn made(&self, mark: &str, token: &str) -> Vec<u8> {
        let mark = quote(mark);
        let (method, params) = match self {
            Self::Progress(odd) => {
                let token = odd.as_ref().map_or_else(|| token.to_owned(), Json::text);
                (
                    method::PROGRESS,
                    format!(r#"{{"progressToken":{token},"progress":1,"message":{mark}}}"#),
                )
            }
            Self::Log(level) => {
                let level = ["debug", "info", "error", "nonsense"][usize::from(*level) % 4];
                (
                    method::MESSAGE,
                    format!(r#"{{"level":"{level}","data":{mark}}}"#),
                )
            }
            Self::ListChanged => (method::TOOLS_LIST_CHANGED, "{}".to_owned()),
            Self::Updated => (method::RESOURCES_UPDATED, r#"{"uri":"r://1"}"#.to_owned()),
            Self::VisitEnded => (
                method::ELICITATION_COMPLETE,
                format!(r#"{{"elicitationId":{mark}}}"#),
            ),
            Self::TaskStatus => (method::TASKS_STATUS, format!(r#"{{"taskId":{mark}}}"#)),
            Self::Acknowledged => (method::SUBSCRIPTIONS_ACKNOWLEDGED, "{}".to_owned()),
            Self::Unknown(made_up) => {
                let mark = [(quote("mark"), mark)];
                (
                    "notifications/something/new",
                    object(mark.into_iter().chain(members(made_up))),
                )
            }
        };
        build::notification(method, Some(&params)).to_vec()
    }
}
