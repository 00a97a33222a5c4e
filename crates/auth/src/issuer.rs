//! Whoever gives tokens to callers of ours: the other side of OAuth, where we are the server that wants tokens (RFC 9068, RFC
//! 9728). Owns that a token is from exactly this issuer, for exactly us, signed with a key that the issuer has now, and good at
//! this time. Keys are fetched when they are needed and looked at again from time to time; whatever strangers send, they are
//! fetched no more often than [`limits`](crate::limits) say. A token whose signature was good is remembered by its digest.

mod jwt;
mod keys;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use aws_lc_rs::digest::{SHA256, digest};
use fetch::{Client, Limits, Trust};
use tokio::sync::Mutex as Turn;

use crate::accounts::now_s;
use crate::discover::{authorization_server, lead};
use crate::limits::{
    ANSWER_BYTES_MAX, AUDIENCES_MAX, CLOCK_SKEW_S, KEYS_AGAIN_S, KEYS_FRESH_S, KEYS_LIFE_S,
    KEYS_PAUSE_S, REQUEST_TIME, SUBJECT_BYTES_MAX, TOKENS_SEEN_MAX,
};
use crate::{AuthError, Scopes};
use jwt::Jwt;
use keys::{Keys, Unsigned};

/// See the module. Clones are the same issuer.
#[derive(Clone)]
pub struct Issuer(Arc<Inner>);

struct Inner {
    http: Client,
    name: String,
    known: RwLock<Known>,
    /// Whoever fetches keys.
    turn: Turn<()>,
    seen: Mutex<HashMap<[u8; 32], Seen>>,
    now_s: Box<dyn Fn() -> u64 + Send + Sync>,
}

#[derive(Default)]
struct Known {
    keys: Option<Arc<Keys>>,
    /// Which keys these are: what was signed with others is looked at anew.
    generation: u64,
    fetched_s: u64,
    tried_s: Option<u64>,
    why: Option<String>,
}

struct Seen {
    generation: u64,
    identity: Arc<Identity>,
}

/// For whom a token speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Their name with the issuer, and the issuer: `SUBJECT at ISSUER`.
    pub caller: Arc<str>,
    /// What the token is good for, with spaces between.
    pub scopes: Arc<str>,
    /// When it ends, in seconds since 1970.
    pub expires_s: u64,
    audiences: Vec<String>,
    from_s: u64,
}

/// Why a token is not taken. Never has anything of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Not what tokens of an issuer look like.
    #[error("it is no JSON web token")]
    Form,
    /// Signed in a way that proves nothing here.
    #[error("its algorithm is not one of those with a public key")]
    Algorithm,
    /// A token for something else.
    #[error("it is no access token that can be read here")]
    Kind,
    /// From somebody else.
    #[error("it is not from the issuer that this gateway trusts")]
    Issuer,
    /// No such key.
    #[error("it is signed with a key that its issuer does not have")]
    Key,
    /// Somebody has changed it.
    #[error("its signature is wrong")]
    Signature,
    /// For somebody else.
    #[error("it is for another audience than this gateway")]
    Audience,
    /// Over.
    #[error("it has expired")]
    Expired,
    /// Not begun.
    #[error("it is not good yet")]
    Early,
    /// Good only with a proof that cannot be given here.
    #[error("it is bound to a key of its holder, which this gateway cannot check")]
    Bound,
    /// For nobody.
    #[error("it names nobody")]
    Subject,
    /// [`Issuer::fetch_keys`] first, and then once more.
    #[error("the keys of its issuer have to be fetched first")]
    KeysWanted,
    /// Nobody can tell now.
    #[error("the keys of its issuer cannot be had: {0}")]
    Unavailable(String),
}

impl Issuer {
    /// The one of this name, which is its address, letter by letter.
    pub fn new(name: &str) -> Self {
        let limits = Limits {
            body_bytes: ANSWER_BYTES_MAX,
            time: REQUEST_TIME,
            ..Limits::default()
        };
        Self::over(Client::new(limits), name, now_s)
    }

    pub(crate) fn over(
        http: Client,
        name: &str,
        now_s: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Inner {
            http,
            name: name.to_owned(),
            known: RwLock::default(),
            turn: Turn::default(),
            seen: Mutex::default(),
            now_s: Box::new(now_s),
        }))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// For whom a token speaks, if it is for one of these audiences.
    ///
    /// # Errors
    /// Why it is not taken. [`Unfit::KeysWanted`] comes only once.
    pub fn check(&self, token: &str, audiences: &[&str]) -> Result<Arc<Identity>, Unfit> {
        let mark = mark(token);
        let identity = match self.seen(&mark) {
            Some(identity) => identity,
            None => {
                let (identity, generation) = self.read(token)?;
                let identity = Arc::new(identity);
                self.remember(mark, generation, &identity);
                identity
            }
        };
        identity.fits(audiences, (self.0.now_s)())?;
        Ok(identity)
    }

    /// Fetches the keys, unless somebody just did.
    pub async fn fetch_keys(&self) {
        let _turn = self.0.turn.lock().await;
        if !self.may_fetch() {
            return;
        }
        let fetched = self.fetch().await;
        let now_s = (self.0.now_s)();
        let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
        known.tried_s = Some(now_s);
        match fetched {
            Ok(keys) => {
                known.keys = Some(Arc::new(keys));
                known.generation += 1;
                known.fetched_s = now_s;
                known.why = None;
            }
            Err(error) => known.why = Some(error.to_string()),
        }
    }

    /// Has them fetched where they are old, or were never had. To be called now and then; why they cannot be had, if so.
    pub async fn tend(&self) -> Option<String> {
        let is_old = {
            let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
            let age = (self.0.now_s)().saturating_sub(known.fetched_s);
            known.keys.is_none() || age >= KEYS_FRESH_S
        };
        if !is_old || !self.may_fetch() {
            return None;
        }
        self.fetch_keys().await;
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        known.why.clone()
    }

    async fn fetch(&self) -> Result<Keys, AuthError> {
        let Inner { http, name, .. } = &*self.0;
        let (server, is_public) = authorization_server(http, name, Trust::Person).await?;
        let trust = lead(Trust::Person, is_public);
        let at = server.jwks_uri.as_deref();
        let at = at.ok_or_else(|| server.unusable("does not say where its keys are (jwks_uri)"))?;
        let document = http.get(at, trust).await?;
        let keys = Keys::read(&document.body).filter(|keys| !keys.is_empty());
        keys.ok_or_else(|| server.unusable("has no key that tokens can be checked with"))
    }

    fn may_fetch(&self) -> bool {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        let pause = match known.why {
            Some(_) => KEYS_AGAIN_S,
            None => KEYS_PAUSE_S,
        };
        let now_s = (self.0.now_s)();
        known
            .tried_s
            .is_none_or(|tried| now_s.saturating_sub(tried) >= pause)
    }

    fn keys(&self) -> Result<(Arc<Keys>, u64), Unfit> {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        let age = (self.0.now_s)().saturating_sub(known.fetched_s);
        match &known.keys {
            Some(keys) if age < KEYS_LIFE_S => Ok((keys.clone(), known.generation)),
            _ => {
                let why = known.why.clone();
                drop(known);
                Err(match self.may_fetch() {
                    true => Unfit::KeysWanted,
                    false => Unfit::Unavailable(why.unwrap_or_default()),
                })
            }
        }
    }

    /// What a token says, and by which keys it is known to say it.
    fn read(&self, token: &str) -> Result<(Identity, u64), Unfit> {
        let jwt = Jwt::parse(token)?;
        // Tokens of others have nothing fetched.
        if jwt.claims.iss.as_deref() != Some(self.name()) {
            return Err(Unfit::Issuer);
        }
        let (keys, generation) = self.keys()?;
        let with = (jwt.algorithm, jwt.key.as_deref());
        match keys.verify(with, jwt.signed, &jwt.signature) {
            Ok(()) => Ok((Identity::of(jwt, self.name())?, generation)),
            Err(Unsigned::Wrong) => Err(Unfit::Signature),
            Err(Unsigned::Unknown) if self.may_fetch() => Err(Unfit::KeysWanted),
            Err(Unsigned::Unknown) => Err(Unfit::Key),
        }
    }

    fn seen(&self, mark: &[u8; 32]) -> Option<Arc<Identity>> {
        let (_, generation) = self.keys().ok()?;
        let seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let known = seen
            .get(mark)
            .filter(|seen| seen.generation == generation)?;
        Some(known.identity.clone())
    }

    fn remember(&self, mark: [u8; 32], generation: u64, identity: &Arc<Identity>) {
        let now_s = (self.0.now_s)();
        let mut seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= TOKENS_SEEN_MAX {
            let is_good =
                |seen: &Seen| seen.generation == generation && seen.identity.expires_s > now_s;
            seen.retain(|_, seen| is_good(seen));
        }
        // Whoever has so many of them pays for the look at each.
        if seen.len() < TOKENS_SEEN_MAX {
            let identity = identity.clone();
            seen.insert(
                mark,
                Seen {
                    generation,
                    identity,
                },
            );
        }
    }
}

#[cfg(test)]
impl Issuer {
    /// As if so many tokens had been good, whose end is near.
    pub(crate) fn fill(&self, count: usize) {
        let (_, generation) = self.keys().unwrap();
        let identity = Identity {
            caller: "".into(),
            scopes: "".into(),
            expires_s: (self.0.now_s)() + 100,
            audiences: Vec::new(),
            from_s: 0,
        };
        for number in 0..count {
            self.remember(
                mark(&number.to_string()),
                generation,
                &Arc::new(identity.clone()),
            );
        }
    }

    pub(crate) fn remembered(&self) -> usize {
        self.0.seen.lock().unwrap().len()
    }
}

impl Identity {
    fn of(jwt: Jwt<'_>, issuer: &str) -> Result<Self, Unfit> {
        let claims = jwt.claims;
        if claims.cnf.is_some() {
            return Err(Unfit::Bound);
        }
        let is_name = |name: &String| {
            let is_seen = |byte: u8| matches!(byte, 0x20..=0x7e);
            !name.trim().is_empty() && name.len() <= SUBJECT_BYTES_MAX && name.bytes().all(is_seen)
        };
        if claims.aud.len() > AUDIENCES_MAX {
            return Err(Unfit::Form);
        }
        let said = claims.scope.as_deref().unwrap_or_default();
        let others = claims.scp.iter().flat_map(|scopes| scopes.split(' '));
        let subject = claims.sub.filter(is_name).ok_or(Unfit::Subject)?;
        let scopes = Scopes::of(said.split(' ').chain(others));
        Ok(Self {
            caller: format!("{subject} at {issuer}").into(),
            scopes: scopes.to_string().into(),
            // What never ends is no token for a door.
            expires_s: claims.exp.ok_or(Unfit::Form)?,
            audiences: claims.aud,
            from_s: claims.nbf.unwrap_or(0),
        })
    }

    /// From when on it is refused by our clock.
    pub fn ends_s(&self) -> u64 {
        self.expires_s.saturating_add(CLOCK_SKEW_S)
    }

    fn fits(&self, audiences: &[&str], now_s: u64) -> Result<(), Unfit> {
        if now_s >= self.ends_s() {
            return Err(Unfit::Expired);
        }
        if self.from_s > now_s.saturating_add(CLOCK_SKEW_S) {
            return Err(Unfit::Early);
        }
        match self.audiences.iter().any(|one| audiences.contains(&&**one)) {
            true => Ok(()),
            false => Err(Unfit::Audience),
        }
    }
}

fn mark(token: &str) -> [u8; 32] {
    let sum = digest(&SHA256, token.as_bytes());
    let mut mark = [0; 32];
    mark.copy_from_slice(sum.as_ref());
    mark
}
