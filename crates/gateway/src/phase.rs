//! The seams of the pipeline: who decides over a call, and who may see and change it. The phases themselves are
//! listed in `pipeline.rs`; `rules.rs` decides by the rules of a configuration.

use std::sync::Arc;

use policy::{Facts, Remember};
use transport::BoxFuture;

/// What follows from the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Go on.
    Allow,
    /// Go on: this rule says so.
    AllowedBy(Box<str>),
    /// Do not.
    Deny(Denial),
    /// Do not, unless the caller comes with a token that is good for this, with spaces between.
    Lacks(Denial, Box<str>),
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

/// Says how much a caller may have under way.
pub trait Admission: Send + Sync {
    /// Lets in one more request; what comes back is dropped when it ends.
    ///
    /// # Errors
    /// There are too many of this.
    fn enter(&self, caller: &str) -> Result<Option<Permit>, &'static str>;

    /// Whether a caller is somebody else than the person who runs the gateway: then nothing is asked of them that only that
    /// person can say.
    fn is_guest(&self, caller: &str) -> bool {
        let _ = caller;
        false
    }

    /// With whose accounts at servers the calls of a caller are made.
    fn accounts(&self, caller: &str) -> Whose {
        match self.is_guest(caller) {
            true => Whose::Own(0),
            false => Whose::Person,
        }
    }
}

/// With whose accounts calls are made. Of callers who have had one name after the other each has another number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Those of the person who runs the gateway.
    Person,
    /// The caller's own, and no others.
    Own(u64),
    /// The caller's own, and the person's where the caller has none.
    OwnOrPerson(u64),
}

/// Somebody's right to have one request under way.
pub type Permit = Box<dyn std::any::Any + Send + Sync>;

/// What an interceptor can know of a call, on its way there and back.
#[derive(Debug, Clone)]
pub struct CallFacts {
    /// Its id in records.
    pub id: u64,
    /// Who calls.
    pub caller: Arc<str>,
    /// The client's `name/version`, as it calls itself.
    pub client: Option<String>,
    /// Whether the client is of the stateless era.
    pub is_stateless: bool,
    /// The server that would answer.
    pub server: Arc<str>,
    /// The tool, by the server's own name.
    pub name: Box<str>,
    /// The tool, as the client called it.
    pub called: Box<str>,
    /// The arguments as they leave, raw JSON.
    pub arguments: String,
}

/// On which way an interceptor stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Between the client and the server.
    Before,
    /// Between the server and the client.
    After,
}

/// What an interceptor says. What it could not say it says as one of these: whoever implements it knows whether a failure
/// lets calls pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Allow,
    /// Go on with these arguments, a raw JSON object; on the way back, with this result.
    Rewrite(String),
    /// This is the result, a raw JSON object: the server is not asked, or what it said is replaced.
    Answer(String),
    /// The client gets this reason.
    Refuse(String),
}

/// Sees, and may change or answer, calls of tools of servers.
pub trait Interceptor: Send + Sync {
    /// What messages and records call it.
    fn name(&self) -> &str;

    /// On which way it stands.
    fn when(&self) -> When;

    /// Whether it wants to see calls of this tool, by its server's own name.
    fn wants(&self, server: &str, tool: &str) -> bool;

    /// Sees a call, on its way back with what the server said: `{"result":…}` or `{"error":…}`. Dropped when the client takes
    /// the call back. It has an end of its own: nobody else limits it.
    fn see<'a>(&'a self, facts: &'a CallFacts, response: Option<&'a str>)
    -> BoxFuture<'a, Verdict>;
}
