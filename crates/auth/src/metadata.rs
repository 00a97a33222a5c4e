//! What servers say of themselves: protected resources (RFC 9728) and authorization servers (RFC 8414, OpenID Connect). Owns
//! what of it is needed, and what may not be missing.

use serde::Deserialize;
use url::Url;

use crate::AuthError;
use crate::error::said;

/// A server that wants tokens.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ResourceMetadata {
    pub(crate) resource: Option<String>,
    #[serde(default)]
    pub(crate) authorization_servers: Vec<String>,
    #[serde(default)]
    pub(crate) scopes_supported: Vec<String>,
}

/// A server that gives tokens.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct ServerMetadata {
    pub(crate) issuer: String,
    pub(crate) authorization_endpoint: Option<String>,
    pub(crate) token_endpoint: Option<String>,
    pub(crate) jwks_uri: Option<String>,
    pub(crate) registration_endpoint: Option<String>,
    pub(crate) revocation_endpoint: Option<String>,
    pub(crate) device_authorization_endpoint: Option<String>,
    #[serde(default)]
    pub(crate) scopes_supported: Vec<String>,
    pub(crate) response_types_supported: Option<Vec<String>>,
    pub(crate) token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) code_challenge_methods_supported: Vec<String>,
    #[serde(default)]
    pub(crate) authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    pub(crate) client_id_metadata_document_supported: bool,
}

impl ServerMetadata {
    /// That it is the one that was asked.
    pub(crate) fn check(self, asked: &str) -> Result<Self, AuthError> {
        match self.issuer == asked {
            true => Ok(self),
            false => Err(AuthError::OtherIssuer {
                said: said(&self.issuer),
                asked: said(asked),
            }),
        }
    }

    /// Where a person signs in, if they can do so safely. `is_near`: it may be http.
    pub(crate) fn authorization(&self, is_near: bool) -> Result<Url, AuthError> {
        let text = self.authorization_endpoint.as_deref();
        let text = text.ok_or_else(|| self.unusable("has no page to sign in"))?;
        let types = self.response_types_supported.as_ref();
        if types.is_some_and(|types| !types.iter().any(|kind| kind == "code")) {
            return Err(self.unusable("gives no codes"));
        }
        let methods = &self.code_challenge_methods_supported;
        if !methods.iter().any(|method| method == "S256") {
            return Err(AuthError::NoProof(said(&self.issuer)));
        }
        // A browser is led there: only what is a web page, and not in the clear from afar.
        let url = Url::parse(text).map_err(|_| self.unusable("has no page to sign in"))?;
        let is_good = match url.scheme() {
            "https" => true,
            "http" => is_near,
            _ => false,
        };
        match is_good && url.username().is_empty() && url.password().is_none() {
            true => Ok(url),
            false => Err(self.unusable("has a page to sign in that is not https")),
        }
    }

    pub(crate) fn token_endpoint(&self) -> Result<&str, AuthError> {
        let endpoint = self.token_endpoint.as_deref();
        endpoint.ok_or_else(|| self.unusable("has no token endpoint"))
    }

    pub(crate) fn unusable(&self, what: &'static str) -> AuthError {
        AuthError::Unusable {
            issuer: said(&self.issuer),
            what,
        }
    }
}
