//! The accounts of a person, and those of callers of theirs: for each of them one for each name of a server. Owns that a token reaches the server that it is for and no other,
//! that it is renewed before its end and when the server refuses it, and that of all processes one does that: whoever waited
//! finds what the other got. Next: `accounts/renewal.rs`, `accounts/keeping.rs`.

mod keeping;
mod renewal;

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use fetch::{Client, Limits, Sending, Trust};
use secrets::{Passphrase, Secret, Store};
use tokio::sync::Mutex as Turn;
use zeroize::Zeroizing;

use crate::discover::{Found, discover};
use crate::grant::{self, Grant};
use crate::limits::{ANSWER_BYTES_MAX, REQUEST_TIME};
use crate::register::{Registered, Registration, known, register};
use crate::token::{Tokens, post, tokens};
use crate::{AuthError, Challenge, DeviceSignIn, Flow, Party, Scopes, SignIn};
use keeping::{ACCOUNT, CLIENT, account, key, secret_name, whose};

/// See the module. Clones are the same accounts.
#[derive(Clone)]
pub struct Accounts(Arc<Inner>);

/// What accounts are made with.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// A folder of their own, open to its owner alone. It is made when something is first kept.
    pub folder: PathBuf,
    /// What opens the key of that folder, where a passphrase locks it.
    pub passphrase: Passphrase,
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
    /// The caller whose it is; none: the person's.
    pub holder: Option<String>,
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
            store: Store::in_folder(&options.folder).opened_by(options.passphrase.clone()),
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
                holder: grant.holder,
                url: grant.url,
                issuer: grant.issuer,
                scopes: grant.scopes,
                expires_s: grant.expires_s,
            }));
        }
        all.sort_by(|a, b| (&a.name, &a.holder).cmp(&(&b.name, &b.holder)));
        Ok(all)
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
    pub async fn revoke(&self, name: &str, holder: Option<&str>) -> Result<Revoked, AuthError> {
        let key = key(name, holder);
        let unknown = || AuthError::Unknown(name.to_owned());
        let kept = self.0.store.get(&account(&key)?)?.ok_or_else(unknown)?;
        let _turn = self.turn(&key).await;
        let _lock = self.lock(&key).await?;
        let grant = Grant::read(&kept);
        self.0.store.remove(&[account(&key)?])?;
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
        let key = whose(party);
        let _turn = self.turn(&key).await;
        let _lock = self.lock(&key).await?;
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
            holder: party.holder.clone(),
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

fn bearer(access: &Secret) -> Option<Secret> {
    Secret::new(&Zeroizing::new(format!("Bearer {}", access.reveal()))).ok()
}

/// By the clock of this machine, in seconds since 1970.
pub(crate) fn now_s() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
