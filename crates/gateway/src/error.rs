//! What can go wrong with a request, and the one table that gives each fault its JSON-RPC code and HTTP status.
//! Faults of a `tools/call` that the model can act on become results with `isError`; see `Fault::answer`.

use std::sync::Arc;

use bytes::Bytes;
use wire::{Era, build, code, quote};

use crate::front::Answer;
use crate::phase::Denial;

/// Why a request was not answered by a server.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Fault {
    /// No such tool, prompt or task.
    #[error("unknown {kind} {name:?}{}", did_you_mean(nearest))]
    Unknown {
        /// `tool`, `prompt`, `task`, ….
        kind: &'static str,
        /// What was asked for.
        name: String,
        /// Names that look like it.
        nearest: Vec<String>,
    },
    /// No server offers this URI.
    #[error(
        "resource not found: {0:?} is offered by no server; `resources/list` and `resources/templates/list` tell what is"
    )]
    UnknownResource(String),
    /// The method exists in no server, or not in this era.
    #[error("method not found: {0}")]
    UnknownMethod(String),
    /// The parameters are not what the method takes.
    #[error("invalid params: {0}")]
    Params(String),
    /// The message breaks the protocol.
    #[error("invalid request: {0}")]
    Invalid(String),
    /// The request needs an extension that the client did not declare in it.
    #[error("the request does not declare the extension {0:?}, which its method belongs to")]
    NotDeclared(&'static str),
    /// A header disagrees with the body.
    #[error("header mismatch: {0}")]
    Header(String),
    /// The protocol version asked for is not spoken here.
    #[error("unsupported protocol version {0:?}")]
    Version(String),
    /// The server cannot be used now.
    #[error("server {server:?} is unavailable: {reason}")]
    Unavailable {
        /// Its name.
        server: Arc<str>,
        /// Why, and what to do.
        reason: String,
    },
    /// The server wants the person to sign in.
    #[error(
        "server {server:?} wants the user to sign in: {reason}. Ask them to run: {}",
        crate::sign_in::command(server, holder.as_deref())
    )]
    SignIn {
        /// Its name.
        server: Arc<str>,
        /// The caller whose account it is about; none: the person's.
        holder: Option<Arc<str>>,
        /// Why, or why an attempt came to nothing.
        reason: String,
        /// What it said.
        challenge: Arc<auth::Challenge>,
    },
    /// As many servers run already as may.
    #[error(
        "server {server:?} is not started: {}; stop one (`portolan server stop NAME`) or raise servers_max",
        no_room(*.max)
    )]
    NoRoom {
        /// Its name.
        server: Arc<str>,
        /// How many may run.
        max: usize,
    },
    /// The server ended or lost its connection in the middle of the call.
    #[error("server {server:?} ended during the call: {reason}")]
    Died {
        /// Its name.
        server: Arc<str>,
        /// What it said last.
        reason: String,
    },
    /// No answer in time.
    #[error(
        "server {server:?} did not answer within {after_s} s; raise call_timeout_s for it if it needs longer"
    )]
    TimedOut {
        /// Its name.
        server: Arc<str>,
        /// The limit.
        after_s: u64,
    },
    /// The server turned out to speak another era than the request was written for.
    #[error("server {server:?} has changed the era of its protocol; call again")]
    OtherEra {
        /// Its name.
        server: Arc<str>,
        /// That other era.
        speaks: Era,
    },
    /// Another server has taken its place before the request was sent.
    #[error("server {server:?} is being replaced; call again")]
    Replaced {
        /// Its name.
        server: Arc<str>,
    },
    /// What the server of the other era wants cannot be had from this client.
    #[error("server {server:?} cannot go on with the call: {why}")]
    Crossing {
        /// Its name.
        server: Arc<str>,
        /// What it wants.
        why: String,
    },
    /// A rule or an interceptor refused the call.
    #[error("denied: {}", .0.reason)]
    Denied(Denial),
    /// The caller's token is not good for it; one that has these scopes would be.
    #[error("denied: {}", .0.reason)]
    Lacks(Denial, Box<str>),
    /// A limit of the gateway is reached.
    #[error("too many {0}; wait for some to end")]
    Busy(&'static str),
    /// The client took the request back.
    #[error("the request was cancelled")]
    Cancelled,
    /// The gateway is going down.
    #[error("the gateway is shutting down")]
    ShuttingDown,
}

fn no_room(max: usize) -> String {
    match max {
        1 => "1 server runs already, as many as `servers_max` allows, and it is in use".to_owned(),
        max => format!(
            "{max} servers run already, as many as `servers_max` allows, and each is in use"
        ),
    }
}

fn did_you_mean(names: &[String]) -> String {
    match names {
        [] => String::new(),
        names => format!("; did you mean {}?", names.join(" or ")),
    }
}

/// Codes of our own lie outside the range that JSON-RPC reserves.
const UNAVAILABLE: i64 = -31001;
const TIMED_OUT: i64 = -31002;
const BUSY: i64 = -31003;
const CANCELLED: i64 = -31004;
const CROSSING: i64 = -31005;
const DENIED: i64 = -31006;
const SIGN_IN: i64 = -31007;

impl Fault {
    /// The JSON-RPC code.
    pub fn code(&self) -> i64 {
        match self {
            Self::Unknown { .. } | Self::Params(_) => code::INVALID_PARAMS,
            Self::UnknownResource(_) => code::RESOURCE_NOT_FOUND,
            Self::UnknownMethod(_) => code::METHOD_NOT_FOUND,
            Self::Invalid(_) => code::INVALID_REQUEST,
            Self::NotDeclared(_) => code::MISSING_CAPABILITY,
            Self::Header(_) => code::HEADER_MISMATCH,
            Self::Version(_) => code::UNSUPPORTED_VERSION,
            Self::Unavailable { .. }
            | Self::NoRoom { .. }
            | Self::Died { .. }
            | Self::Replaced { .. }
            | Self::ShuttingDown => UNAVAILABLE,
            Self::SignIn { .. } => SIGN_IN,
            Self::TimedOut { .. } => TIMED_OUT,
            Self::Busy(_) => BUSY,
            Self::Cancelled => CANCELLED,
            Self::OtherEra { .. } | Self::Crossing { .. } => CROSSING,
            Self::Denied(_) | Self::Lacks(..) => DENIED,
        }
    }

    /// A short stable word for records and metrics (`error.type`).
    pub fn tag(&self) -> &'static str {
        match self {
            Self::Unknown { .. } | Self::UnknownResource(_) => "unknown_name",
            Self::UnknownMethod(_) => "method_not_found",
            Self::Params(_) => "invalid_params",
            Self::Invalid(_) => "invalid_request",
            Self::NotDeclared(_) => "missing_capability",
            Self::Header(_) => "header_mismatch",
            Self::Version(_) => "unsupported_version",
            Self::Unavailable { .. } | Self::Replaced { .. } | Self::ShuttingDown => "unavailable",
            Self::SignIn { .. } => "needs_auth",
            Self::NoRoom { .. } => "no_room",
            Self::Died { .. } => "died",
            Self::TimedOut { .. } => "timeout",
            Self::Busy(_) => "busy",
            Self::Cancelled => "cancelled",
            Self::OtherEra { .. } => "other_era",
            Self::Crossing { .. } => "crossing",
            Self::Denied(_) => "denied",
            Self::Lacks(..) => "insufficient_scope",
        }
    }

    /// Whether a model can do something about it: then a tool call answers with a result that says so.
    fn is_for_the_model(&self) -> bool {
        matches!(
            self,
            Self::Unavailable { .. }
                | Self::SignIn { .. }
                | Self::NoRoom { .. }
                | Self::Died { .. }
                | Self::Replaced { .. }
                | Self::TimedOut { .. }
                | Self::OtherEra { .. }
                | Self::Crossing { .. }
                | Self::Denied(_)
                | Self::Lacks(..)
                | Self::Busy(_)
        )
    }

    /// The response to a request that failed this way.
    pub(crate) fn answer(&self, id: &str, era: Era, is_tool_call: bool) -> Answer {
        let answer = self.said(id, era, is_tool_call);
        match self {
            // What a client does about it, it does by the status.
            Self::Lacks(_, scopes) => Answer {
                status: 403,
                lacks: Some(scopes.clone()),
                ..answer
            },
            _ => answer,
        }
    }

    fn said(&self, id: &str, era: Era, is_tool_call: bool) -> Answer {
        if is_tool_call && self.is_for_the_model() {
            let text = quote(&self.to_string());
            let kind = match era {
                Era::Handshake => "",
                Era::Stateless => r#""resultType":"complete","#,
            };
            let result =
                format!(r#"{{{kind}"content":[{{"type":"text","text":{text}}}],"isError":true}}"#);
            return Answer::new(build::result(id, &result), 200);
        }
        let code = match (self, era) {
            (Self::UnknownResource(_), Era::Stateless) => code::INVALID_PARAMS,
            _ => self.code(),
        };
        let data = self.data();
        let frame = build::error(Some(id), code, &self.to_string(), data.as_deref());
        let status = match era {
            Era::Handshake => 200,
            Era::Stateless if matches!(self, Self::Params(_)) => 400,
            Era::Stateless => code::http_status(code),
        };
        Answer::new(frame, status)
    }

    fn data(&self) -> Option<String> {
        match self {
            Self::Version(requested) => Some(format!(
                r#"{{"supported":["{}"],"requested":{}}}"#,
                wire::Version::LATEST.as_str(),
                quote(requested)
            )),
            Self::NotDeclared(extension) => Some(format!(
                r#"{{"requiredCapabilities":{{"extensions":{{{}:{{}}}}}}}}"#,
                quote(extension)
            )),
            Self::UnknownResource(uri) => Some(format!(r#"{{"uri":{}}}"#, quote(uri))),
            _ => None,
        }
    }
}

/// An empty answer: the client wants none.
pub(crate) fn silence() -> Answer {
    Answer::new(Bytes::new(), 202)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_is_not_many() {
        let told = |max| {
            let server = "b".into();
            Fault::NoRoom { server, max }.to_string()
        };
        assert!(told(1).contains(": 1 server runs already, as many"));
        assert!(told(2).contains(": 2 servers run already, as many"));
    }
}
