//! Whoever comes in by a token of their own, as a door sees them: what it asks of those who know them ([`Callers`]), and what it
//! says to those whom it does not let in (RFC 6750, RFC 9728). Owns how a refusal is written. Whose a token is, and what it is
//! good for, is the business of whoever implements the trait.

use std::sync::Arc;

use bytes::Bytes;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, Method, Response, StatusCode};
use transport::BoxFuture;

use crate::body::Body;
use crate::guard::Refusal;
use crate::respond;

/// Where this server is described (RFC 9728); the path of what is described follows.
pub(crate) const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// Knows callers by their tokens.
pub trait Callers: Send + Sync {
    /// Whose token this is. `at` is the path of what they want to use.
    ///
    /// # Errors
    /// Nobody's, or one that is worth nothing.
    fn admit(&self, token: &str, at: &str) -> Result<Admitted, Unadmitted>;

    /// Whether what let somebody of this name in still does.
    fn holds(&self, caller: &str, lease: &Lease) -> bool;

    /// What is told of us to whoever has no token for what lies at this path; nothing: there is no issuer to send them to.
    fn resource(&self, at: &str) -> Option<Resource> {
        let _ = at;
        None
    }
}

/// Somebody who comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// What rules and records call them.
    pub name: Arc<str>,
    /// What their token is good for, with spaces between, where that is said.
    pub scopes: Option<Arc<str>>,
    /// What lets them in, to be looked at again while they listen; nothing: the gateway's own token, which does not end.
    pub lease: Option<Lease>,
}

/// What lets somebody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// Which of all callers that have had the name.
    pub generation: u64,
    /// When the token ends, in seconds since 1970.
    pub until_s: Option<u64>,
}

/// Why nobody comes in by a token.
pub enum Unadmitted {
    /// It is nobody's.
    Unknown,
    /// It was somebody's.
    Expired,
    /// It is worth nothing here, for this reason.
    Unfit(String),
    /// It has to be good for all of this, with spaces between.
    Lacks(String),
    /// Nobody can tell now, for this reason.
    Unavailable(String),
    /// To be asked again after this.
    Wait(BoxFuture<'static, ()>),
}

/// What is told of us to who wants to come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// The address of its description.
    pub metadata: String,
    /// What a token has to be good for at the least, with spaces between.
    pub scopes: String,
    /// The description, JSON.
    pub document: Bytes,
}

/// The path of what a request wants to use, as descriptions have it: sessions and workspaces of one endpoint are one thing.
pub(crate) fn resource_path(path: &str) -> &str {
    match path {
        "/sse" | "/messages" => "/sse",
        _ if path.starts_with("/s/") => path,
        _ => "/mcp",
    }
}

/// The path that a description is asked for; none if nothing is described there.
pub(crate) fn described(path: &str) -> Option<&str> {
    let of = path.strip_prefix(WELL_KNOWN)?;
    let is_server = || {
        let name = of
            .strip_prefix("/s/")
            .and_then(|rest| rest.strip_suffix("/mcp"));
        name.is_some_and(|name| !name.is_empty() && !name.contains('/'))
    };
    match of {
        "" | "/" => Some("/mcp"),
        "/mcp" | "/mcp/" | "/sse" => Some(resource_path(of)),
        _ if ["/mcp/w/", "/mcp/p/"]
            .iter()
            .any(|path| of.starts_with(path))
            || is_server() =>
        {
            Some(resource_path(of))
        }
        _ => None,
    }
}

/// The answer to who asks for a description.
pub(crate) fn description(method: &Method, resource: &Resource) -> Response<Body> {
    match *method {
        Method::GET => respond::json(StatusCode::OK, resource.document.clone()),
        _ => respond::wrong_method("GET", "descriptions are read with GET"),
    }
}

/// Says with a refusal what would open the door.
pub(crate) fn challenge(
    response: &mut Response<Body>,
    refusal: &Refusal,
    resource: Option<&Resource>,
) {
    let error = match refusal {
        Refusal::TokenMissing => None,
        Refusal::TokenWrong | Refusal::TokenExpired | Refusal::TokenUnfit(_) => {
            Some("invalid_token")
        }
        Refusal::Lacks(_) => Some("insufficient_scope"),
        _ => return,
    };
    let lacking = match refusal {
        Refusal::Lacks(scopes) => Some(scopes.as_str()),
        _ => None,
    };
    let says = error.map(|_| refusal.to_string());
    say(response, error, says.as_deref(), (lacking, resource));
}

/// Says what a token would have to be good for.
pub(crate) fn more(response: &mut Response<Body>, scopes: &str, resource: Option<&Resource>) {
    let says = "the token is not good for this";
    say(
        response,
        Some("insufficient_scope"),
        Some(says),
        (Some(scopes), resource),
    );
}

fn say(
    response: &mut Response<Body>,
    error: Option<&str>,
    says: Option<&str>,
    (scopes, resource): (Option<&str>, Option<&Resource>),
) {
    let scopes = scopes.or(resource.map(|resource| resource.scopes.as_str()));
    let parts = [
        ("error", error),
        ("error_description", says),
        ("scope", scopes.filter(|scopes| !scopes.is_empty())),
        (
            "resource_metadata",
            resource.map(|resource| resource.metadata.as_str()),
        ),
    ];
    let mut field = "Bearer".to_owned();
    let mut separator = ' ';
    for (name, value) in parts {
        let Some(value) = value else { continue };
        // What would end the value early, or is no text of a header, is left out.
        let is_said = |c: &char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
        let value: String = value.chars().filter(is_said).collect();
        field.push(separator);
        field.push_str(&format!("{name}=\"{value}\""));
        separator = ',';
    }
    if let Ok(value) = HeaderValue::from_str(&field) {
        response.headers_mut().insert(WWW_AUTHENTICATE, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource() -> Resource {
        Resource {
            metadata: "https://h/.well-known/oauth-protected-resource/mcp".into(),
            scopes: "a b".into(),
            document: Bytes::from_static(b"{}"),
        }
    }

    fn field(refusal: &Refusal, resource: Option<&Resource>) -> String {
        let mut response = respond::empty(StatusCode::UNAUTHORIZED);
        challenge(&mut response, refusal, resource);
        let value = response.headers().get(WWW_AUTHENTICATE);
        value.map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_refusal_says_what_would_open_the_door() {
        let resource = resource();
        let place =
            r#"scope="a b",resource_metadata="https://h/.well-known/oauth-protected-resource/mcp""#;
        assert_eq!(field(&Refusal::TokenMissing, None), "Bearer");
        assert_eq!(
            field(&Refusal::TokenMissing, Some(&resource)),
            format!("Bearer {place}")
        );
        let wrong = field(&Refusal::TokenWrong, Some(&resource));
        assert!(
            wrong.starts_with(r#"Bearer error="invalid_token","#) && wrong.ends_with(place),
            "{wrong}"
        );
        let lacks = field(&Refusal::Lacks("a b c".into()), Some(&resource));
        assert!(
            lacks.contains(r#"error="insufficient_scope""#) && lacks.contains(r#"scope="a b c""#),
            "{lacks}"
        );
        assert_eq!(field(&Refusal::HostMissing, Some(&resource)), "");
    }

    #[test]
    fn nothing_breaks_out_of_a_value() {
        let refusal = Refusal::TokenUnfit("x\", scope=\"y\r\nSet-Cookie: z\u{e9}\\".into());
        let said = field(&refusal, None);
        assert!(
            !said.contains('\n') && said.matches('"').count() == 4,
            "{said}"
        );
    }

    #[test]
    fn descriptions_lie_beside_what_they_describe() {
        for (path, of) in [
            ("", Some("/mcp")),
            ("/mcp", Some("/mcp")),
            ("/mcp/w/w-1", Some("/mcp")),
            ("/s/time/mcp", Some("/s/time/mcp")),
            ("/sse", Some("/sse")),
            ("/s//mcp", None),
            ("/s/a/b/mcp", None),
            ("/else", None),
            ("x", None),
        ] {
            assert_eq!(described(&format!("{WELL_KNOWN}{path}")), of, "{path}");
        }
        assert_eq!(described("/mcp"), None);
        for (path, of) in [
            ("/mcp/", "/mcp"),
            ("/messages", "/sse"),
            ("/s/a/mcp", "/s/a/mcp"),
        ] {
            assert_eq!(resource_path(path), of, "{path}");
        }
    }
}
