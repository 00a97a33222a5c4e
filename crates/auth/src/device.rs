//! A sign-in on another machine (RFC 8628): the person enters a code there, and we ask until they have. Owns the pace.

use std::time::Duration;

use fetch::Client;
use secrets::Secret;
use serde::Deserialize;
use tokio::time::{Instant, sleep};
use zeroize::Zeroizing;

use crate::discover::Found;
use crate::error::said;
use crate::limits::{DEVICE_PAUSE, DEVICE_PAUSE_MAX, DEVICE_TIME_MAX};
use crate::register::Registered;
use crate::token::{Tokens, post, refused, tokens};
use crate::{AuthError, Party, Scopes};

/// How this way of getting tokens is called.
pub(crate) const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// See the module.
pub struct DeviceSignIn {
    pub(crate) party: Party,
    pub(crate) found: Found,
    pub(crate) client: Registered,
    pub(crate) scopes: Scopes,
    code: Secret,
    user_code: String,
    url: String,
    life: Duration,
    pause: Duration,
}

#[derive(Deserialize)]
struct Answer {
    device_code: Zeroizing<String>,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: Option<String>,
    expires_in: Option<u64>,
    interval: Option<u64>,
}

impl DeviceSignIn {
    pub(crate) async fn begin(
        http: &Client,
        party: Party,
        found: Found,
        client: Registered,
        scopes: Scopes,
    ) -> Result<Self, AuthError> {
        const DOING: &str = "to begin a sign-in on another machine";
        let endpoint = found.server.device_authorization_endpoint.as_deref();
        let endpoint = endpoint.ok_or_else(|| {
            found.server.unusable(
                "knows no sign-in on another machine; --no-browser prints an address instead",
            )
        })?;
        let asked = scopes.to_string();
        let mut parameters = vec![("resource", &*found.resource)];
        if !asked.is_empty() {
            parameters.push(("scope", &asked));
        }
        let (status, body) = post(http, (endpoint, found.trust), &client, &parameters).await?;
        if !matches!(status, 200..=299) {
            return Err(refused(DOING, status, &body));
        }
        let unusable = || AuthError::Answer {
            doing: DOING,
            why: "it has no code for the person".to_owned(),
        };
        let answer: Answer = serde_json::from_slice(&body).map_err(|_| unusable())?;
        let url = answer
            .verification_uri_complete
            .unwrap_or(answer.verification_uri);
        let is_page = url.starts_with("https://") || url.starts_with("http://");
        if !is_page {
            return Err(unusable());
        }
        let seconds = |given: Option<u64>, or: Duration| given.map_or(or, Duration::from_secs);
        Ok(Self {
            code: Secret::new(&answer.device_code).map_err(|_| unusable())?,
            user_code: said(&answer.user_code),
            url: said(&url),
            life: seconds(answer.expires_in, DEVICE_TIME_MAX).min(DEVICE_TIME_MAX),
            pause: seconds(answer.interval, DEVICE_PAUSE)
                .clamp(Duration::from_secs(1), DEVICE_PAUSE_MAX),
            party,
            found,
            client,
            scopes,
        })
    }

    /// What the person enters.
    pub fn user_code(&self) -> &str {
        &self.user_code
    }

    /// Where.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Asks until they have, or do not want to, or it is too late.
    pub(crate) async fn tokens(&self, http: &Client) -> Result<Tokens, AuthError> {
        let endpoint = (self.found.server.token_endpoint()?, self.found.trust);
        let parameters = [
            ("grant_type", GRANT),
            ("device_code", self.code.reveal()),
            ("resource", &*self.found.resource),
        ];
        let until = Instant::now() + self.life;
        let mut pause = self.pause;
        while Instant::now() + pause < until {
            sleep(pause).await;
            match tokens(http, endpoint, &self.client, "to give a token", &parameters).await {
                Err(AuthError::Refused { code, said, .. }) => match code.as_str() {
                    "authorization_pending" => {}
                    "slow_down" => pause = (pause + DEVICE_PAUSE).min(DEVICE_PAUSE_MAX),
                    "access_denied" => return Err(AuthError::Declined(said)),
                    _ => {
                        return Err(AuthError::Refused {
                            doing: "the sign-in",
                            code,
                            said,
                        });
                    }
                },
                // The network comes and goes; a person is still typing.
                Err(AuthError::Fetch(_)) => pause = (pause * 2).min(DEVICE_PAUSE_MAX),
                outcome => return outcome,
            }
        }
        Err(AuthError::Late(self.life.as_secs()))
    }
}
