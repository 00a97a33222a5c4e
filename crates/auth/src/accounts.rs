//! The accounts of a person: one for each name of a server. Owns that a token reaches the server that it is for and no other,
//! that it is renewed before its end and when the server refuses it, and that of all processes one does that: whoever waited
//! finds what the other got.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use fetch::{Client, Limits, Sending, Trust};
use secrets::{Secret, SecretName, Store};
use tokio::sync::Mutex as Turn;
use zeroize::Zeroizing;

use crate::discover::{Found, discover, still_names};
use crate::grant::{self, Grant};
use crate::limits::{ANSWER_BYTES_MAX, LOCK_WAIT, REQUEST_TIME};
use crate::lock::{Lock, lock};
use crate::register::{Registered, Registration, known, register};
use crate::token::{Tokens, post, tokens};
use crate::{AuthError, Challenge, DeviceSignIn, Flow, Party, Scopes, SignIn, proof};

/// See the module. Clones are the same accounts.
#[derive(Clone)]
pub struct Accounts(Arc<Inner>);

/// What accounts are made with.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// A folder of their own, open to its owner alone. It is made when something is first kept.
    pub folder: PathBuf,
    /// The address of a document that describes us, for servers that take such a one for a client id.
    pub document: Option<String>,
}

struct Inner {
    http: Client,
    store: Store,
    options: Options,
    /// Whoever renews an account in this process.
    turns: Mutex<HashMap<String, Arc<Turn<()>>>>,
    now_s: fn() -> u64,
}

/// A token that is good now.
#[derive(Debug, Clone)]
pub struct Token {
    /// The token itself.
    pub access: Secret,
    /// What is sent as `Authorization`.
    pub bearer: Secret,
    /// From when on it should be renewed, in seconds since 1970; none: when the server refuses it.
    pub renew_s: Option<u64>,
    /// When it ends.
    pub expires_s: Option<u64>,
}

/// What may be shown of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The server.
    pub name: String,
    /// Its address.
    pub url: String,
    /// Who gave the token.
    pub issuer: String,
    /// What was asked for.
    pub scopes: Scopes,
    /// When the token ends, in seconds since 1970.
    pub expires_s: Option<u64>,
    /// Whether it can be used now.
    pub is_good: bool,
    /// Whether a new one can be had without the person.
    pub is_renewable: bool,
}

/// What became of an account that was given up.
#[derive(Debug)]
pub enum Revoked {
    /// Its server was told.
    Everywhere,
    /// Its server takes no such message.
    HereOnly,
    /// Its server could not be told.
    Untold(AuthError),
}

impl Accounts {
    /// These accounts.
    pub fn new(options: Options) -> Self {
        let limits = Limits {
            body_bytes: ANSWER_BYTES_MAX,
            time: REQUEST_TIME,
            ..Limits::default()
        };
        Self::over(Client::new(limits), options, now_s)
    }

    pub(crate) fn over(http: Client, options: Options, now_s: fn() -> u64) -> Self {
        Self(Arc::new(Inner {
            http,
            store: Store::in_folder(&options.folder),
            options,
            turns: Mutex::default(),
            now_s,
        }))
    }

    /// The token that is kept for a server, if it is good. Reads a small file.
    ///
    /// # Errors
    /// What is kept cannot be read.
    pub fn token(&self, party: &Party) -> Result<Option<Token>, AuthError> {
        let grant = self.grant(party)?;
        Ok(grant.and_then(|grant| grant.token(self.now_s())))
    }

    /// Whether somebody has signed in to a server, or nobody needs to. Reads a small file.
    pub fn has(&self, party: &Party) -> bool {
        let is_own = party
            .client
            .as_ref()
            .is_some_and(|client| client.flow == Flow::Client);
        let is_usable =
            |grant: Grant| grant.refresh.is_some() || grant.access(self.now_s()).is_some();
        is_own
            || self
                .grant(party)
                .is_ok_and(|grant| grant.is_some_and(is_usable))
    }

    /// All of them, by name.
    ///
    /// # Errors
    /// What is kept cannot be read.
    pub fn list(&self) -> Result<Vec<Account>, AuthError> {
        let mut all = Vec::new();
        for name in self.0.store.names()? {
            if !name.as_str().starts_with(ACCOUNT) {
                continue;
            }
            let grant = self.0.store.get(&name)?.and_then(|kept| Grant::read(&kept));
            all.extend(grant.map(|grant| Account {
                is_good: grant.access(self.now_s()).is_some(),
                is_renewable: grant.refresh.is_some() || grant.flow() == Flow::Client,
                name: grant.name,
                url: grant.url,
                issuer: grant.issuer,
                scopes: grant.scopes,
                expires_s: grant.expires_s,
            }));
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

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
        let _turn = self.turn(&party.name).await;
        let _lock = self.lock(&party.name).await?;
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

    /// What a server says to somebody without a token.
    ///
    /// # Errors
    /// It cannot be reached.
    pub async fn challenge(&self, party: &Party) -> Result<Challenge, AuthError> {
        let sending = Sending {
            media_type: "application/json",
            body: br#"{"jsonrpc":"2.0","id":0,"method":"ping"}"#,
            authorization: None,
        };
        let reply = self.0.http.post(&party.url, party.trust, &sending).await?;
        Ok(Challenge::read(reply.challenges.iter().map(String::as_str)))
    }

    /// Begins a sign-in; the browser is to come back to `redirect`.
    ///
    /// # Errors
    /// The server cannot be signed in to.
    pub async fn begin(
        &self,
        party: &Party,
        challenge: &Challenge,
        redirect: &str,
    ) -> Result<SignIn, AuthError> {
        let (found, scopes) = self.prepare(party, challenge).await?;
        // What cannot come to a good end registers nobody.
        found.server.authorization(found.trust == Trust::Person)?;
        found.server.token_endpoint()?;
        let client = self.client(party, &found, redirect, &scopes).await?;
        SignIn::new(party.clone(), found, client, scopes, redirect)
    }

    /// Ends one, with the query that the browser came back with.
    ///
    /// # Errors
    /// It is not the answer to it, a refusal, or no token comes of it.
    pub async fn finish(&self, sign_in: SignIn, query: &str) -> Result<(), AuthError> {
        let code = sign_in.code(query)?;
        let server = &sign_in.found.server;
        let parameters = [
            ("grant_type", "authorization_code"),
            ("code", &*code),
            ("redirect_uri", &*sign_in.redirect),
            ("code_verifier", sign_in.verifier.reveal()),
            ("resource", &*sign_in.found.resource),
        ];
        let given = tokens(
            &self.0.http,
            (server.token_endpoint()?, sign_in.found.trust),
            &sign_in.client,
            "to give a token",
            &parameters,
        )
        .await?;
        let SignIn {
            party,
            found,
            client,
            scopes,
            ..
        } = sign_in;
        self.signed_in(&party, found, client, scopes, given)
            .await
            .map(drop)
    }

    /// Begins a sign-in on another machine.
    ///
    /// # Errors
    /// The server cannot be signed in to that way.
    pub async fn begin_device(
        &self,
        party: &Party,
        challenge: &Challenge,
    ) -> Result<DeviceSignIn, AuthError> {
        let (found, scopes) = self.prepare(party, challenge).await?;
        found.server.token_endpoint()?;
        // Nobody comes back to it.
        let redirect = "http://127.0.0.1/oauth/callback";
        let client = self.client(party, &found, redirect, &scopes).await?;
        DeviceSignIn::begin(&self.0.http, party.clone(), found, client, scopes).await
    }

    /// Waits until the person has signed in there.
    ///
    /// # Errors
    /// They do not want to, or do not come in time.
    pub async fn finish_device(&self, device: DeviceSignIn) -> Result<(), AuthError> {
        let given = device.tokens(&self.0.http).await?;
        let DeviceSignIn {
            party,
            found,
            client,
            scopes,
            ..
        } = device;
        self.signed_in(&party, found, client, scopes, given)
            .await
            .map(drop)
    }

    /// Gives an account up, here and at its server.
    ///
    /// # Errors
    /// There is none, or what is kept cannot be changed.
    pub async fn revoke(&self, name: &str) -> Result<Revoked, AuthError> {
        let unknown = || AuthError::Unknown(name.to_owned());
        let kept = self.0.store.get(&account(name)?)?.ok_or_else(unknown)?;
        let _turn = self.turn(name).await;
        let _lock = self.lock(name).await?;
        let grant = Grant::read(&kept);
        self.0.store.remove(&[account(name)?])?;
        let Some(grant) = grant else {
            return Ok(Revoked::HereOnly);
        };
        let Some(endpoint) = grant.revocation_endpoint.as_deref() else {
            return Ok(Revoked::HereOnly);
        };
        let all = [
            ("refresh_token", &grant.refresh),
            ("access_token", &grant.access),
        ];
        for (kind, token) in all {
            let Some(token) = token else { continue };
            let parameters = [("token", token.reveal()), ("token_type_hint", kind)];
            let at = (endpoint, grant.trust());
            match post(&self.0.http, at, &grant.client, &parameters).await {
                Ok((200..=299, _)) => {}
                Ok((status, body)) => {
                    let why = crate::token::refused("to take the token back", status, &body);
                    return Ok(Revoked::Untold(why));
                }
                Err(error) => return Ok(Revoked::Untold(error)),
            }
        }
        Ok(Revoked::Everywhere)
    }

    // === on the way to a token ===

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

    /// Who gives tokens, and what to ask for.
    async fn prepare(
        &self,
        party: &Party,
        challenge: &Challenge,
    ) -> Result<(Found, Scopes), AuthError> {
        let found = discover(&self.0.http, party, challenge).await?;
        let wanted = [&challenge.scopes, &party.scopes, &found.scopes];
        let wanted = wanted.into_iter().find(|scopes| !scopes.is_empty());
        let mut scopes = wanted.cloned().unwrap_or_default();
        // More rights than before, not others.
        if let Some(grant) = self
            .grant(party)?
            .filter(|grant| grant.issuer == found.server.issuer)
            && challenge.wants_more()
        {
            scopes = grant.scopes.with(&scopes);
        }
        let is_person = party
            .client
            .as_ref()
            .is_none_or(|client| client.flow == Flow::Person);
        let offered = found.server.scopes_supported.iter();
        if is_person && offered.clone().any(|scope| scope == "offline_access") {
            scopes.add("offline_access");
        }
        Ok((found, scopes))
    }

    async fn client(
        &self,
        party: &Party,
        found: &Found,
        redirect: &str,
        scopes: &Scopes,
    ) -> Result<Registered, AuthError> {
        let document = self.0.options.document.as_deref();
        if let Some(client) = known(party, found, document, Flow::Person) {
            return Ok(client);
        }
        let issuer = &found.server.issuer;
        let name = secret_name(CLIENT, issuer)?;
        let kept = self.0.store.get(&name)?;
        let kept = kept.and_then(|kept| serde_json::from_str::<Registration>(kept.reveal()).ok());
        let is_good = |known: &Registration| {
            known.issuer == *issuer
                && known.redirect == redirect
                && known.expires_s.is_none_or(|expires| expires > self.now_s())
        };
        if let Some(known) = kept.filter(is_good) {
            return Ok(known.client);
        }
        let registration = register(&self.0.http, found, redirect, &scopes.to_string()).await?;
        self.make_folder()?;
        self.0.store.set(&name, &grant::write(&registration)?)?;
        Ok(registration.client)
    }

    async fn signed_in(
        &self,
        party: &Party,
        found: Found,
        client: Registered,
        scopes: Scopes,
        given: Tokens,
    ) -> Result<(), AuthError> {
        let grant = self.new_grant(party, found, client, scopes, given)?;
        let _turn = self.turn(&party.name).await;
        let _lock = self.lock(&party.name).await?;
        self.keep(&grant)
    }

    fn new_grant(
        &self,
        party: &Party,
        found: Found,
        client: Registered,
        scopes: Scopes,
        given: Tokens,
    ) -> Result<Grant, AuthError> {
        let flow = party
            .client
            .as_ref()
            .map_or(Flow::Person, |client| client.flow);
        let mut grant = Grant {
            name: party.name.clone(),
            url: party.url.clone(),
            resource: found.resource,
            token_endpoint: found.server.token_endpoint()?.to_owned(),
            revocation_endpoint: found.server.revocation_endpoint,
            issuer: found.server.issuer,
            may_be_near: found.trust == Trust::Person,
            client,
            is_of_client: flow == Flow::Client,
            scopes: match &given.scopes {
                // Whoever gives more than was asked for says so.
                Some(granted) => scopes.with(granted),
                None => scopes,
            },
            access: None,
            refresh: None,
            obtained_s: 0,
            expires_s: None,
        };
        grant.take(given, self.now_s());
        Ok(grant)
    }

    // === what is kept ===

    /// What is kept for a server: for one of this name at this address.
    fn grant(&self, party: &Party) -> Result<Option<Grant>, AuthError> {
        let kept = self.0.store.get(&account(&party.name)?)?;
        let grant = kept.as_ref().and_then(Grant::read);
        Ok(grant.filter(|grant| grant.name == party.name && grant.url == party.url))
    }

    /// Only under the lock.
    fn keep(&self, grant: &Grant) -> Result<(), AuthError> {
        self.make_folder()?;
        self.0.store.set(&account(&grant.name)?, &grant.write()?)?;
        Ok(())
    }

    fn forget(&self, party: &Party) -> Result<(), AuthError> {
        Ok(self.0.store.remove(&[account(&party.name)?])?)
    }

    async fn turn(&self, name: &str) -> tokio::sync::OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.0.turns.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            turns.entry(name.to_owned()).or_default().clone()
        };
        turn.lock_owned().await
    }

    async fn lock(&self, name: &str) -> Result<Lock, AuthError> {
        self.make_folder()?;
        let file = format!("{}.lock", proof::mark(name));
        lock(self.0.options.folder.join(file), LOCK_WAIT).await
    }

    fn make_folder(&self) -> Result<(), AuthError> {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(&self.0.options.folder)
            .map_err(AuthError::Disk)
    }

    fn now_s(&self) -> u64 {
        (self.0.now_s)()
    }
}

impl Grant {
    fn token(&self, now_s: u64) -> Option<Token> {
        let access = self.access(now_s)?;
        Some(Token {
            access: access.clone(),
            bearer: bearer(access)?,
            renew_s: self.renew_s(),
            expires_s: self.expires_s,
        })
    }

    fn is_shown_as(&self, shown: &Secret) -> bool {
        let access = self.access.as_ref().and_then(bearer);
        access.is_none_or(|bearer| bearer == *shown)
    }
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts")
            .field("options", &self.0.options)
            .finish_non_exhaustive()
    }
}

/// What names in the store begin with.
const ACCOUNT: &str = "account.";
const CLIENT: &str = "client.";

fn account(name: &str) -> Result<SecretName, AuthError> {
    secret_name(ACCOUNT, name)
}

fn secret_name(kind: &str, text: &str) -> Result<SecretName, AuthError> {
    let name = SecretName::new(&format!("{kind}{}", proof::mark(text)));
    name.map_err(|error| AuthError::Disk(std::io::Error::other(error)))
}

fn bearer(access: &Secret) -> Option<Secret> {
    Secret::new(&Zeroizing::new(format!("Bearer {}", access.reveal()))).ok()
}

fn now_s() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
