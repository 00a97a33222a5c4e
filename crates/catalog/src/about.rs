//! What a catalog tells of a server beyond how it starts: what it is for, what it needs, what it offers. Owns nothing that
//! runs. Held behind an `Arc`, so that an entry is cheap to copy. Next: `entry`.

use std::sync::Arc;

use serde_json::Value;

/// What a catalog tells of a server. An entry out of a file of an application has an empty one.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct About {
    /// Words to find it by, lower-case.
    pub tags: Vec<String>,
    /// The version of the server, as its publisher counts.
    pub version: Option<String>,
    /// What can be configured, as a JSON Schema of type object; `None`: nothing.
    pub config: Option<Value>,
    /// The credentials it takes.
    pub secrets: Vec<SecretSpec>,
    /// Signing in instead of a credential.
    pub oauth: Option<OAuth>,
    /// The tools it is known to offer; what it really offers is learnt when it has run. Empty: nothing is known.
    pub tools: Vec<KnownTool>,
    /// The address of a picture.
    pub icon: Option<String>,
    /// Where its source is.
    pub repository: Option<String>,
    /// Where it is explained.
    pub website: Option<String>,
    /// What a person must have or do before it is of use, in one sentence.
    pub requirement: Option<String>,
}

/// Whether the address of an icon is one that can be shown: what is fetched from it is public, and nothing runs.
pub fn is_icon(address: &str) -> bool {
    address.starts_with("https://") || address.starts_with("data:image/")
}

/// A credential that a server takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretSpec {
    /// Under which name it is stored, such as `github.personal_access_token`.
    pub name: String,
    /// The variable that it is given in. `${ENV}` stands for it in headers, arguments, the URL and other variables.
    pub env: String,
    /// What it is.
    pub description: Option<String>,
    /// What one looks like.
    pub example: Option<String>,
    /// Where a person gets one.
    pub url: Option<String>,
    /// Whether the server is of no use without it.
    pub required: bool,
    /// Where the catalog says to take it from: `env:NAME`, `file:PATH` or `cmd:…`. Needs approval.
    pub from: Option<String>,
}

/// Signing in to a server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OAuth {
    /// Who is signed in with, where it is not the server itself.
    pub provider: Option<String>,
    /// The secret that the token stands for, if it can be given as one.
    pub secret: Option<String>,
    /// What is asked for, where the server does not say.
    pub scopes: Vec<String>,
    /// How we are known to whoever gives tokens, if we were registered there by hand.
    pub client_id: Option<String>,
    /// Where that client's secret is: `store:NAME`, `env:NAME`, `file:PATH` and the like, never the secret itself.
    pub client_secret: Option<String>,
    /// With whom that client is registered; none: with whomever the server names.
    pub issuer: Option<String>,
    /// The client signs in for itself, and nobody is asked.
    pub is_client_flow: bool,
}

/// A tool that a server is known to offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownTool {
    /// Its name.
    pub name: Box<str>,
    /// What it does; may be empty.
    pub description: Box<str>,
    /// The schema of its arguments, as JSON text.
    pub input_schema: Option<Arc<str>>,
}
