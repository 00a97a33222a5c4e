//! Under which name we are known to an authorization server, in this order: as it was arranged by hand, by a document of ours
//! (a client id that is a URL), by registering ourselves (RFC 7591). What one server gave is never shown to another: it is kept
//! by issuer.

use fetch::{Client, Sending};
use secrets::Secret;
use serde::{Deserialize, Serialize};
use serde_json::json;
use zeroize::Zeroizing;

use crate::discover::Found;
use crate::grant::kept;
use crate::token::refused;
use crate::{AuthError, Flow, Party};

/// A client of one authorization server.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Registered {
    pub(crate) id: String,
    #[serde(with = "kept")]
    pub(crate) secret: Option<Secret>,
    pub(crate) method: Method,
}

/// How a client shows who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Method {
    None,
    ClientSecretBasic,
    ClientSecretPost,
}

/// What we registered ourselves as, kept by issuer.
#[derive(Serialize, Deserialize)]
pub(crate) struct Registration {
    pub(crate) issuer: String,
    pub(crate) redirect: String,
    pub(crate) client: Registered,
    /// When its secret ends.
    pub(crate) expires_s: Option<u64>,
}

/// Without asking anybody, if that is possible.
pub(crate) fn known(
    party: &Party,
    found: &Found,
    document: Option<&str>,
    flow: Flow,
) -> Option<Registered> {
    let server = &found.server;
    if let Some(own) = &party.client {
        return Some(Registered {
            id: own.id.clone(),
            secret: own.secret.clone(),
            method: method(
                own.secret.is_some(),
                &server.token_endpoint_auth_methods_supported,
            ),
        });
    }
    let document = document.filter(|_| flow == Flow::Person);
    let document = document.filter(|_| server.client_id_metadata_document_supported)?;
    Some(Registered {
        id: document.to_owned(),
        secret: None,
        method: Method::None,
    })
}

/// Registers us with a server.
pub(crate) async fn register(
    http: &Client,
    found: &Found,
    redirect: &str,
    scopes: &str,
) -> Result<Registration, AuthError> {
    const DOING: &str = "to register us";
    let server = &found.server;
    let issuer = &server.issuer;
    let endpoint = server.registration_endpoint.as_deref();
    let endpoint = endpoint.ok_or_else(|| AuthError::NoClient(crate::error::said(issuer)))?;
    let methods = &server.token_endpoint_auth_methods_supported;
    // A program on a person's machine keeps no secret that others have not, and needs none; who insists gets one.
    let wanted = match methods {
        Some(methods) if !methods.iter().any(|method| method == "none") => {
            method(true, &server.token_endpoint_auth_methods_supported)
        }
        _ => Method::None,
    };
    let mut grants = vec!["authorization_code", "refresh_token"];
    if server.device_authorization_endpoint.is_some() {
        grants.push(crate::device::GRANT);
    }
    let mut document = json!({
        "client_name": "Portolan",
        "software_id": "portolan",
        "software_version": env!("CARGO_PKG_VERSION"),
        "redirect_uris": [redirect],
        "application_type": "native",
        "grant_types": grants,
        "response_types": ["code"],
        "token_endpoint_auth_method": wanted,
    });
    if !scopes.is_empty() {
        document["scope"] = json!(scopes);
    }
    let document = document.to_string();
    let sending = Sending {
        media_type: "application/json",
        body: document.as_bytes(),
        authorization: None,
    };
    let reply = http.post(endpoint, found.trust, &sending).await?;
    let body = Zeroizing::new(reply.body);
    if !matches!(reply.status, 200..=299) {
        return Err(refused(DOING, reply.status, &body));
    }
    let unusable = |why: String| AuthError::Answer { doing: DOING, why };
    let answer: Answer =
        serde_json::from_slice(&body).map_err(|error| unusable(error.to_string()))?;
    let secret = answer.client_secret.as_ref().map(|text| Secret::new(text));
    let secret = secret
        .transpose()
        .map_err(|error| unusable(format!("its client secret: {error}")))?;
    let given = answer.token_endpoint_auth_method.as_deref();
    let method = match (given, secret.is_some()) {
        (_, false) | (Some("none"), true) => Method::None,
        (Some("client_secret_basic"), true) => Method::ClientSecretBasic,
        (Some("client_secret_post"), true) => Method::ClientSecretPost,
        (_, true) => method(true, methods),
    };
    Ok(Registration {
        issuer: issuer.clone(),
        redirect: redirect.to_owned(),
        client: Registered {
            id: answer.client_id,
            secret,
            method,
        },
        expires_s: answer.client_secret_expires_at.filter(|at| *at > 0),
    })
}

#[derive(Deserialize)]
struct Answer {
    client_id: String,
    client_secret: Option<Zeroizing<String>>,
    client_secret_expires_at: Option<u64>,
    token_endpoint_auth_method: Option<String>,
}

/// The best that a server takes; one that does not say takes basic (RFC 8414).
fn method(has_secret: bool, methods: &Option<Vec<String>>) -> Method {
    let takes = |name: &str| {
        let all = methods.as_ref();
        all.is_some_and(|all| all.iter().any(|method| method == name))
    };
    match has_secret {
        false => Method::None,
        true if takes("client_secret_post") && !takes("client_secret_basic") => {
            Method::ClientSecretPost
        }
        true => Method::ClientSecretBasic,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_method_that_is_taken() {
        let all = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(method(true, &None), Method::ClientSecretBasic);
        assert_eq!(method(false, &None), Method::None);
        let both = all(&["client_secret_post", "client_secret_basic"]);
        assert_eq!(method(true, &both), Method::ClientSecretBasic);
        assert_eq!(
            method(true, &all(&["client_secret_post"])),
            Method::ClientSecretPost
        );
        assert_eq!(
            method(true, &all(&["private_key_jwt"])),
            Method::ClientSecretBasic
        );
    }
}
