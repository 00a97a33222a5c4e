//! From a server to whoever gives tokens for it: its own description first (RFC 9728: where its refusal says, else at its
//! well-known places), then that of the authorization server (RFC 8414, else OpenID Connect). Owns how far each may lead: what
//! lies at a public address leads to public addresses only, whoever named it.

use fetch::{Client, Document, FetchError, Trust, Why};
use serde::de::DeserializeOwned;
use url::{Host, Url};

use crate::error::said;
use crate::metadata::{ResourceMetadata, ServerMetadata};
use crate::{AuthError, Challenge, Party, Scopes};

/// What was found.
#[derive(Debug)]
pub(crate) struct Found {
    /// What tokens are for.
    pub(crate) resource: String,
    /// What the server takes.
    pub(crate) scopes: Scopes,
    /// Whoever gives them.
    pub(crate) server: ServerMetadata,
    /// How far that one is trusted: whether it may lie in a network of the person.
    pub(crate) trust: Trust,
}

pub(crate) async fn discover(
    http: &Client,
    party: &Party,
    challenge: &Challenge,
) -> Result<Found, AuthError> {
    let asked = Url::parse(&party.url)
        .map_err(|_| AuthError::NotDescribed("its address is no URL".to_owned()))?;
    let described = describe(http, party, &asked, challenge).await?;
    let Some((description, is_public)) = described else {
        // Before 2025-06-18 a server was its own authorization server, at its root.
        let issuer = asked.origin().ascii_serialization();
        let (server, is_public) = authorization_server(http, &issuer, party.trust).await?;
        return Ok(Found {
            resource: canonical(&asked),
            scopes: Scopes::default(),
            server,
            trust: lead(party.trust, is_public),
        });
    };
    let resource = match &description.resource {
        Some(said_resource) if is_of(said_resource, &asked) => said_resource.clone(),
        other => {
            return Err(AuthError::OtherResource {
                said: said(other.as_deref().unwrap_or("nothing")),
                asked: said(&canonical(&asked)),
            });
        }
    };
    let issuer = issuer(party, &description)?;
    let trust = lead(party.trust, is_public);
    let (server, is_public) = authorization_server(http, issuer, trust).await?;
    Ok(Found {
        resource,
        scopes: Scopes::of(description.scopes_supported.iter().map(String::as_str)),
        server,
        trust: lead(trust, is_public),
    })
}

/// Whether these are among those that the server names now; `None`: it does not say.
pub(crate) async fn still_names(
    http: &Client,
    party: &Party,
    challenge: &Challenge,
    issuer: &str,
) -> Option<bool> {
    let asked = Url::parse(&party.url).ok()?;
    let (description, _) = describe(http, party, &asked, challenge).await.ok()??;
    let mut servers = description.authorization_servers.iter();
    Some(servers.any(|server| server == issuer))
}

/// Which of those that the server names.
fn issuer<'a>(party: &Party, description: &'a ResourceMetadata) -> Result<&'a str, AuthError> {
    let servers = &description.authorization_servers;
    let configured = party
        .client
        .as_ref()
        .and_then(|client| client.issuer.as_ref());
    match (configured, servers.first()) {
        (_, None) => Err(AuthError::NotDescribed(
            "its description names no authorization server".to_owned(),
        )),
        (None, Some(first)) => Ok(first),
        (Some(configured), Some(_)) => servers
            .iter()
            .find(|server| *server == configured)
            .map(String::as_str)
            .ok_or_else(|| AuthError::OtherProvider {
                configured: said(configured),
                found: said(&servers.join(", ")),
            }),
    }
}

/// What a server says of itself, and whether it said so at a public address; nothing: it has no description.
async fn describe(
    http: &Client,
    party: &Party,
    asked: &Url,
    challenge: &Challenge,
) -> Result<Option<(ResourceMetadata, bool)>, AuthError> {
    let mut failure = None;
    let mut places = Vec::new();
    if let Some(text) = &challenge.resource_metadata {
        // What the server names elsewhere is nobody's wish, unless it is near itself.
        let is_own = Url::parse(text).is_ok_and(|url| url.origin() == asked.origin());
        let trust = match is_own || is_near(asked) {
            true => party.trust,
            false => Trust::Outside,
        };
        places.push((text.clone(), trust));
    }
    const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";
    let path = asked.path().trim_end_matches('/');
    for path in [format!("{WELL_KNOWN}{path}"), WELL_KNOWN.to_owned()] {
        let text = at(asked, &path);
        if !places.iter().any(|(known, _)| *known == text) {
            places.push((text, party.trust));
        }
    }
    for (text, trust) in places {
        match read::<ResourceMetadata>(http, &text, trust).await {
            Ok(Some(found)) => return Ok(Some(found)),
            Ok(None) => {}
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    match failure {
        Some(error) => Err(error.into()),
        None => Ok(None),
    }
}

/// The description of an issuer, and whether it lay at a public address.
pub(crate) async fn authorization_server(
    http: &Client,
    issuer: &str,
    trust: Trust,
) -> Result<(ServerMetadata, bool), AuthError> {
    let no_url = || AuthError::NotDescribed(format!("{} is no URL", said(issuer)));
    let url = Url::parse(issuer).map_err(|_| no_url())?;
    let path = url.path().trim_end_matches('/');
    let mut places = vec![
        at(
            &url,
            &format!("/.well-known/oauth-authorization-server{path}"),
        ),
        at(&url, &format!("/.well-known/openid-configuration{path}")),
    ];
    if !path.is_empty() {
        places.push(at(
            &url,
            &format!("{path}/.well-known/openid-configuration"),
        ));
    }
    let mut failure = None;
    for place in places {
        match read::<ServerMetadata>(http, &place, trust).await {
            Ok(Some((server, is_public))) => return Ok((server.check(issuer)?, is_public)),
            Ok(None) => {}
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    Err(failure.map_or_else(
        || AuthError::NotDescribed(format!("{} has no metadata", said(issuer))),
        AuthError::from,
    ))
}

/// A JSON document of a known form and whether it lay at a public address; nothing: there is none.
async fn read<T: DeserializeOwned>(
    http: &Client,
    url: &str,
    trust: Trust,
) -> Result<Option<(T, bool)>, FetchError> {
    match http.get(url, trust).await {
        Ok(Document {
            body, is_public, ..
        }) => Ok(serde_json::from_slice(&body)
            .ok()
            .map(|found| (found, is_public))),
        Err(FetchError {
            why: Why::Status(400..500),
            ..
        }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Where what lies there may lead to.
pub(crate) fn lead(trust: Trust, is_public: bool) -> Trust {
    match is_public {
        true => Trust::Outside,
        false => trust,
    }
}

/// Whether an address is written as one of this machine or its network.
fn is_near(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_private(),
        Some(Host::Ipv6(address)) => address.is_loopback() || address.is_unique_local(),
        None => false,
    }
}

/// Another path at the same origin.
fn at(url: &Url, path: &str) -> String {
    format!("{}{path}", url.origin().ascii_serialization())
}

/// Whether a description is of this server: its address, or one above it at the same origin.
fn is_of(resource: &str, asked: &Url) -> bool {
    let Ok(said) = Url::parse(resource) else {
        return false;
    };
    let (above, path) = (said.path().trim_end_matches('/'), asked.path());
    let is_above = path
        .strip_prefix(above)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    said.origin() == asked.origin() && said.fragment().is_none() && is_above
}

/// The name of a server where it does not give itself one: its address without query, fragment and the slash at the end.
fn canonical(url: &Url) -> String {
    let path = url.path().trim_end_matches('/');
    format!("{}{path}", url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_of_a_server_or_of_what_is_above_it() {
        let asked = Url::parse("https://h.example/a/mcp?x=1").unwrap();
        for (said, is) in [
            ("https://h.example/a/mcp", true),
            ("https://h.example/a/mcp/", true),
            ("https://h.example/a", true),
            ("https://h.example", true),
            ("https://H.example:443/", true),
            ("https://h.example/a/m", false),
            ("https://h.example/b", false),
            ("http://h.example/a/mcp", false),
            ("https://h.example:8443/a/mcp", false),
            ("https://evil.example/a/mcp", false),
            ("https://h.example/a/mcp#x", false),
            ("h.example", false),
        ] {
            assert_eq!(is_of(said, &asked), is, "{said}");
        }
        assert_eq!(canonical(&asked), "https://h.example/a/mcp");
        assert_eq!(
            canonical(&Url::parse("http://h:81/").unwrap()),
            "http://h:81"
        );
    }

    #[test]
    fn near_is_what_is_written_so() {
        for (url, is) in [
            ("http://localhost:1/x", true),
            ("http://a.localhost/", true),
            ("http://127.0.0.1/", true),
            ("http://192.168.1.4/", true),
            ("http://[::1]/", true),
            ("https://localhost.example/", false),
            ("https://8.8.8.8/", false),
        ] {
            assert_eq!(is_near(&Url::parse(url).unwrap()), is, "{url}");
        }
    }
}
