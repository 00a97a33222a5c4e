//! The seams of the pipeline: who decides over a call, and who may see and change it. The phases themselves are
//! listed in `pipeline.rs`; `rules.rs` decides by the rules of a configuration.

use bytes::Bytes;
use policy::{Facts, Remember};
use transport::BoxFuture;

/// What follows from the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Go on.
    Allow,
    /// Do not.
    Deny(Denial),
    /// Ask the person first.
    Ask(Question),
}

/// Why something is denied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// The rule, for records; none where no rule applied.
    pub rule: Option<Box<str>>,
    /// For the client.
    pub reason: String,
}

/// What a person is to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The rule, for records and for the person.
    pub rule: Box<str>,
    /// Why it asks.
    pub reason: Option<String>,
    /// For how long at most the answer holds.
    pub remember: Remember,
    /// Changes when the rule does: answers that were kept belong to it.
    pub mark: Box<str>,
}

/// Has a say over what is listed, used and called. Pure: facts in, decision out.
pub trait Decider: Send + Sync {
    /// Whether it ever says anything but yes. What it says must not change without [`Gateway::rules_changed`].
    ///
    /// [`Gateway::rules_changed`]: crate::front::Gateway::rules_changed
    fn is_needed(&self) -> bool {
        true
    }

    /// Whether it wants to know what servers say of their tools.
    fn wants_hints(&self) -> bool {
        false
    }

    /// Decides over a call, or something like it.
    fn decide(&self, facts: &Facts<'_>) -> Decision;

    /// Why nothing can come of it, if so: then it is not even listed. The facts have no arguments and no time.
    fn closed(&self, facts: &Facts<'_>) -> Option<Denial> {
        let _ = facts;
        None
    }
}

/// Without rules everything is allowed.
#[derive(Debug)]
pub struct AllowAll;

impl Decider for AllowAll {
    fn is_needed(&self) -> bool {
        false
    }

    fn decide(&self, _: &Facts<'_>) -> Decision {
        Decision::Allow
    }
}

/// What an interceptor can know of a call.
#[derive(Debug)]
pub struct CallFacts<'a> {
    /// Who calls.
    pub caller: &'a str,
    /// The JSON-RPC method.
    pub method: &'a str,
    /// The server that would answer.
    pub server: &'a str,
    /// The tool, prompt or URI, by the server's own name.
    pub name: &'a str,
    /// `params`, raw JSON.
    pub params: &'a str,
}

/// Sees, and may change or answer, each call that goes to a server.
pub trait Interceptor: Send + Sync {
    /// The request before it leaves: `Ok` goes on with these bytes, `Err` refuses with a reason for the client.
    fn before<'a>(
        &'a self,
        facts: &'a CallFacts<'a>,
        request: Bytes,
    ) -> BoxFuture<'a, Result<Bytes, String>>;
    /// The answer on its way back.
    fn after(&self, method: &str, server: &str, answer: Bytes) -> Bytes;
}
