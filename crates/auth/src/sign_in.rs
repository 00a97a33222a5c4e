//! A sign-in through a person's browser: where it leads, and what the browser has to come back with. Owns that an answer is to
//! this very question: its state, its issuer (RFC 9207), and that both count once.

use secrets::Secret;
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use crate::discover::Found;
use crate::error::said;
use crate::limits::QUERY_BYTES_MAX;
use crate::register::Registered;
use crate::{AuthError, Party, Scopes, proof};

/// See the module. It is used up by what finishes it ([`crate::Accounts::finish`]).
pub struct SignIn {
    pub(crate) party: Party,
    pub(crate) found: Found,
    pub(crate) client: Registered,
    pub(crate) scopes: Scopes,
    pub(crate) redirect: String,
    pub(crate) verifier: Secret,
    state: Secret,
    url: Url,
}

impl SignIn {
    pub(crate) fn new(
        party: Party,
        found: Found,
        client: Registered,
        scopes: Scopes,
        redirect: &str,
    ) -> Result<Self, AuthError> {
        let is_near = found.trust == fetch::Trust::Person;
        let mut url = found.server.authorization(is_near)?;
        let (verifier, state) = (proof::random()?, proof::random()?);
        {
            let mut query = url.query_pairs_mut();
            query
                .append_pair("response_type", "code")
                .append_pair("client_id", &client.id)
                .append_pair("redirect_uri", redirect)
                .append_pair("state", state.reveal())
                .append_pair("code_challenge", &proof::challenge(&verifier))
                .append_pair("code_challenge_method", "S256")
                .append_pair("resource", &found.resource);
            if !scopes.is_empty() {
                query.append_pair("scope", &scopes.to_string());
            }
            // Without being asked again a person has not agreed to somebody who comes back without them (OpenID Connect, 11).
            if scopes.has("offline_access") {
                query.append_pair("prompt", "consent");
            }
        }
        url.set_fragment(None);
        Ok(Self {
            party,
            found,
            client,
            scopes,
            redirect: redirect.to_owned(),
            verifier,
            state,
            url,
        })
    }

    /// Where the person signs in.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// With whom.
    pub fn issuer(&self) -> &str {
        &self.found.server.issuer
    }

    /// What is asked for.
    pub fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    /// Whether this is the query of an answer to it, whatever that says.
    pub fn is_answered_by(&self, query: &str) -> bool {
        Back::read(query).is_ok_and(|back| self.has_state(&back))
    }

    /// The code of an answer.
    pub(crate) fn code(&self, query: &str) -> Result<Zeroizing<String>, AuthError> {
        let back = Back::read(query)?;
        if !self.has_state(&back) {
            return Err(AuthError::State);
        }
        let server = &self.found.server;
        // Before anything else of it is looked at: what somebody else says is not shown.
        match &back.iss {
            Some(iss) if **iss != server.issuer => return Err(AuthError::Mixed),
            None if server.authorization_response_iss_parameter_supported => {
                return Err(AuthError::Mixed);
            }
            _ => {}
        }
        if let Some(error) = back.error {
            let more = back.description.map(|more| format!(", {}", said(&more)));
            return Err(AuthError::Declined(format!(
                "{}{}",
                said(&error),
                more.unwrap_or_default()
            )));
        }
        back.code
            .filter(|code| !code.is_empty())
            .ok_or(AuthError::NoCode)
    }

    fn has_state(&self, back: &Back) -> bool {
        let state = back.state.as_ref();
        state.is_some_and(|state| self.state.matches(state))
    }
}

/// What a browser comes back with.
#[derive(Default)]
struct Back {
    code: Option<Zeroizing<String>>,
    state: Option<Zeroizing<String>>,
    iss: Option<Zeroizing<String>>,
    error: Option<Zeroizing<String>>,
    description: Option<Zeroizing<String>>,
}

impl Back {
    /// One value each: of two, nobody knows who wrote which.
    fn read(query: &str) -> Result<Self, AuthError> {
        if query.len() > QUERY_BYTES_MAX {
            return Err(AuthError::NoCode);
        }
        let mut back = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let place = match &*name {
                "code" => &mut back.code,
                "state" => &mut back.state,
                "iss" => &mut back.iss,
                "error" => &mut back.error,
                "error_description" => &mut back.description,
                _ => continue,
            };
            if place.replace(Zeroizing::new(value.into_owned())).is_some() {
                return Err(AuthError::NoCode);
            }
        }
        Ok(back)
    }
}
