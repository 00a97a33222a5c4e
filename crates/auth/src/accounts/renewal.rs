//! A token in the place of another. Owns who gets it: of all that want one at once, in whatever process, the first, and the
//! others find it.

use secrets::Secret;

use super::keeping::whose;
use super::{Accounts, Token};
use crate::discover::still_names;
use crate::register::known;
use crate::token::tokens;
use crate::{AuthError, Challenge, Flow, Party};

impl Accounts {
    /// A token in the place of one that is about to end, or that the server refused with this challenge. Whoever asks first
    /// gets it, everybody else, in any process, what they got.
    ///
    /// # Errors
    /// [`AuthError::is_for_person`]: somebody has to sign in. Everything else may be different the next time.
    pub async fn renew(
        &self,
        party: &Party,
        refused: Option<&Secret>,
        challenge: &Challenge,
    ) -> Result<Token, AuthError> {
        // Without an account there is nothing to take turns over, and nothing is made on the disk.
        let signs_itself = |party: &Party| {
            let client = party.client.as_ref();
            client.is_some_and(|client| client.flow == Flow::Client)
        };
        if !signs_itself(party) && self.grant(party)?.is_none() {
            return Err(AuthError::NeedsPerson("it wants the user to sign in"));
        }
        let key = whose(party);
        let _turn = self.turn(&key).await;
        let _lock = self.lock(&key).await?;
        let grant = self.grant(party)?;
        let Some(mut grant) = grant else {
            return self.first(party, challenge).await;
        };
        let is_refused = refused.is_some_and(|bearer| grant.is_shown_as(bearer));
        if challenge.wants_more() && is_refused {
            return match grant.scopes.cover(&challenge.scopes) {
                true => Err(AuthError::StillRefused(challenge.scopes.to_string())),
                false if grant.flow() == Flow::Client => self.first(party, challenge).await,
                false => Err(AuthError::NeedsPerson(
                    "it wants more rights than the user has given",
                )),
            };
        }
        let now_s = self.now_s();
        let is_due = grant.renew_s().is_some_and(|renew| now_s >= renew);
        if !is_refused
            && !is_due
            && let Some(token) = grant.token(now_s)
        {
            return Ok(token);
        }
        // A server may have moved to somebody else, who is not shown what this one gave.
        let moved = is_refused
            && still_names(&self.0.http, party, challenge, &grant.issuer).await == Some(false);
        if moved {
            self.forget(party)?;
            return Err(AuthError::NeedsPerson(
                "it has moved to another authorization server, and the user has to sign in there",
            ));
        }
        if grant.flow() == Flow::Client {
            return self.first(party, challenge).await;
        }
        let Some(refresh) = grant.refresh.clone() else {
            return Err(AuthError::NeedsPerson(
                "the user's sign-in has ended and cannot be renewed",
            ));
        };
        let parameters = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh.reveal()),
            ("resource", &*grant.resource),
        ];
        let endpoint = (&*grant.token_endpoint, grant.trust());
        let given = tokens(
            &self.0.http,
            endpoint,
            &grant.client,
            "to renew the token",
            &parameters,
        )
        .await;
        match given {
            Ok(given) => {
                grant.take(given, self.now_s());
                self.keep(&grant)?;
                grant
                    .token(self.now_s())
                    .ok_or(AuthError::NeedsPerson("its tokens end at once"))
            }
            Err(AuthError::Refused { code, .. })
                if matches!(
                    code.as_str(),
                    "invalid_grant" | "invalid_client" | "unauthorized_client"
                ) =>
            {
                // It will not be taken again; who it was from is still worth knowing.
                grant.refresh = None;
                if is_refused {
                    grant.access = None;
                }
                self.keep(&grant)?;
                Err(AuthError::NeedsPerson(
                    "the user's sign-in has ended, its server says",
                ))
            }
            // As long as the old one is good, nothing is lost.
            Err(error) => match grant.token(now_s).filter(|_| !is_refused) {
                Some(token) => Ok(token),
                None => Err(error),
            },
        }
    }

    /// A token where there was none: only who signs in for itself can have one.
    async fn first(&self, party: &Party, challenge: &Challenge) -> Result<Token, AuthError> {
        let own = party
            .client
            .as_ref()
            .filter(|client| client.flow == Flow::Client);
        if own.is_none() {
            return Err(AuthError::NeedsPerson("it wants the user to sign in"));
        }
        let (found, scopes) = self.prepare(party, challenge).await?;
        let client = known(party, &found, None, Flow::Client);
        let client = client.ok_or_else(|| AuthError::NoClient(found.server.issuer.clone()))?;
        let asked = scopes.to_string();
        let mut parameters = vec![
            ("grant_type", "client_credentials"),
            ("resource", &*found.resource),
        ];
        if !asked.is_empty() {
            parameters.push(("scope", &asked));
        }
        let endpoint = (found.server.token_endpoint()?, found.trust);
        let given = tokens(
            &self.0.http,
            endpoint,
            &client,
            "to give a token",
            &parameters,
        )
        .await?;
        let grant = self.new_grant(party, found, client, scopes, given)?;
        self.keep(&grant)?;
        grant
            .token(self.now_s())
            .ok_or(AuthError::NeedsPerson("its tokens end at once"))
    }
}
