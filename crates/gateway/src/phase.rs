//! The seams of the pipeline: who decides over a call, and who may see and change it. The phases themselves are
//! listed in `pipeline.rs`.

use bytes::Bytes;
use transport::BoxFuture;

/// What a rule can know of a call.
#[derive(Debug)]
pub struct Facts<'a> {
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

/// What a rule says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Go on.
    Allow,
    /// Do not; the reason is for the client.
    Deny(String),
}

/// Has a say over each call. Pure: facts in, decision out.
pub trait Decider: Send + Sync {
    /// Decides.
    fn decide(&self, facts: &Facts<'_>) -> Decision;
}

/// Without rules everything is allowed.
#[derive(Debug)]
pub struct AllowAll;

impl Decider for AllowAll {
    fn decide(&self, _: &Facts<'_>) -> Decision {
        Decision::Allow
    }
}

/// Sees, and may change or answer, each call that goes to a server.
pub trait Interceptor: Send + Sync {
    /// The request before it leaves: `Ok` goes on with these bytes, `Err` refuses with a reason for the client.
    fn before<'a>(
        &'a self,
        facts: &'a Facts<'a>,
        request: Bytes,
    ) -> BoxFuture<'a, Result<Bytes, String>>;
    /// The answer on its way back.
    fn after(&self, method: &str, server: &str, answer: Bytes) -> Bytes;
}
