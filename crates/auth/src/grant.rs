//! What is kept of a sign-in: the tokens, and with them everything that it takes to renew them without asking anybody again.
//! Owns how it is written. It is written into the sealed store and nowhere else.

use fetch::Trust;
use secrets::Secret;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::limits::{CLOCK_BACK_S, LIFE_S_MAX, RENEW_AHEAD_S};
use crate::register::Registered;
use crate::token::Tokens;
use crate::{AuthError, Flow, Scopes};

/// See the module.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Grant {
    /// The server's name.
    pub(crate) name: String,
    /// The caller whose account it is; none: the person's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) holder: Option<String>,
    /// Its address: the token is shown to no other.
    pub(crate) url: String,
    /// What the token is for, in the words of the server.
    pub(crate) resource: String,
    pub(crate) issuer: String,
    pub(crate) token_endpoint: String,
    #[serde(default)]
    pub(crate) revocation_endpoint: Option<String>,
    /// Whether whoever gives tokens may lie in a network of the person.
    pub(crate) may_be_near: bool,
    pub(crate) client: Registered,
    #[serde(default)]
    pub(crate) is_of_client: bool,
    /// What was asked for.
    pub(crate) scopes: Scopes,
    #[serde(with = "kept")]
    pub(crate) access: Option<Secret>,
    #[serde(with = "kept")]
    pub(crate) refresh: Option<Secret>,
    /// By our clock, in seconds.
    pub(crate) obtained_s: u64,
    #[serde(default)]
    pub(crate) expires_s: Option<u64>,
}

impl Grant {
    /// With these tokens. What the server does not give anew stays.
    pub(crate) fn take(&mut self, tokens: Tokens, now_s: u64) {
        self.access = Some(tokens.access);
        self.refresh = tokens.refresh.or(self.refresh.take());
        self.obtained_s = now_s;
        let life = tokens.life_s.filter(|life| *life > 0);
        self.expires_s = life.map(|life| now_s.saturating_add(life.min(LIFE_S_MAX)));
    }

    /// The token, as long as it is good by our clock.
    pub(crate) fn access(&self, now_s: u64) -> Option<&Secret> {
        let is_over = self.expires_s.is_some_and(|expires| now_s >= expires);
        self.access
            .as_ref()
            .filter(|_| !is_over && !self.is_from_later(now_s))
    }

    /// From when on it is to be renewed.
    pub(crate) fn renew_s(&self) -> Option<u64> {
        let expires = self.expires_s?;
        let life = expires.saturating_sub(self.obtained_s);
        Some(expires - (life / 10).clamp(u64::from(life > 1), RENEW_AHEAD_S))
    }

    /// A clock that has gone back says nothing about when something ends.
    fn is_from_later(&self, now_s: u64) -> bool {
        self.expires_s.is_some() && self.obtained_s > now_s.saturating_add(CLOCK_BACK_S)
    }

    pub(crate) fn trust(&self) -> Trust {
        match self.may_be_near {
            true => Trust::Person,
            false => Trust::Outside,
        }
    }

    pub(crate) fn flow(&self) -> Flow {
        match self.is_of_client {
            true => Flow::Client,
            false => Flow::Person,
        }
    }

    pub(crate) fn write(&self) -> Result<Secret, AuthError> {
        write(self)
    }

    pub(crate) fn read(secret: &Secret) -> Option<Self> {
        serde_json::from_str(secret.reveal()).ok()
    }
}

/// As the store keeps it.
pub(crate) fn write<T: Serialize>(value: &T) -> Result<Secret, AuthError> {
    let unkept = |why: String| AuthError::Answer {
        doing: "give a token",
        why,
    };
    // What grows leaves copies behind; most fits into this.
    let mut text = Zeroizing::new(Vec::with_capacity(16 << 10));
    serde_json::to_writer(&mut *text, value).map_err(|error| unkept(error.to_string()))?;
    Secret::from_bytes(&text).map_err(|error| unkept(error.to_string()))
}

/// Secrets in what is kept.
pub(crate) mod kept {
    use secrets::Secret;
    use serde::{Deserialize, Deserializer, Serialize as _, Serializer};
    use zeroize::Zeroizing;

    pub(crate) fn serialize<S: Serializer>(
        secret: &Option<Secret>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        secret.as_ref().map(Secret::reveal).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Secret>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?.map(Zeroizing::new);
        let secret = text.map(|text| Secret::new(&text)).transpose();
        secret.map_err(serde::de::Error::custom)
    }
}
