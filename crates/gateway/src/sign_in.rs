//! The token with which requests to a server go out, where it wants one. Owns when it is renewed: ahead of time beside the
//! calls, at its end and at a refusal before them; and which page leads the person to a sign-in that nothing else replaces. What
//! a client presents never comes here. How tokens are got and kept is `auth`'s matter. Next: `dynamic/sign_in.rs`, which
//! sends people to the page.

mod passes;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwapOption;
use auth::{Accounts, AuthError, Challenge, Party, SignIn, Token};
use catalog::{Entry, Launch};
use transport::client::Response;
use url::Url;

use crate::error::Fault;
use crate::limits::VISIT_LIFE;
use crate::outbox::lock;
use crate::secrecy::Secrecy;
use crate::visit::{Away, Page, Pages, Unfinished, Visit};
pub(crate) use passes::{Holder, Passes};

/// Signs in to servers.
#[derive(Clone)]
pub struct SignIns {
    /// What the person and their callers have signed in to.
    pub accounts: Accounts,
    /// Which server an entry is to them.
    pub party: Arc<dyn Fn(&Entry) -> Party + Send + Sync>,
    /// Shows the person where to sign in; none: a command does.
    pub pages: Option<Arc<dyn Pages>>,
}

/// The way in to one server with one account.
pub(crate) struct Pass {
    entry: Entry,
    sign_ins: SignIns,
    party: Party,
    /// The caller whose account it is; none: the person's.
    holder: Option<Arc<str>>,
    /// What it may not say to anybody.
    secrecy: Arc<Secrecy>,
    token: ArcSwapOption<Token>,
    is_used: AtomicBool,
    is_renewing: AtomicBool,
    /// The page that is open for it.
    page: Mutex<Option<Shown>>,
    /// That somebody has to sign in, as was found out last.
    unsigned: Mutex<Option<Fault>>,
}

/// A page, for whoever wants to lead the person there.
#[derive(Clone)]
pub(crate) struct Shown {
    pub(crate) visit: Arc<Visit>,
    pub(crate) url: Arc<str>,
    challenge: Challenge,
}

impl Pass {
    /// `holder`: the caller whose account it is; none: the person.
    fn new(
        entry: &Entry,
        sign_ins: &SignIns,
        secrecy: &Arc<Secrecy>,
        holder: Option<Arc<str>>,
    ) -> Self {
        Self {
            party: Party {
                holder: holder.as_deref().map(str::to_owned),
                ..(sign_ins.party)(entry)
            },
            holder,
            entry: entry.clone(),
            sign_ins: sign_ins.clone(),
            secrecy: secrecy.clone(),
            token: ArcSwapOption::empty(),
            is_used: AtomicBool::new(false),
            is_renewing: AtomicBool::new(false),
            page: Mutex::default(),
            unsigned: Mutex::default(),
        }
    }

    /// Whether it is the way of a caller with an account of their own.
    pub(crate) fn is_of_caller(&self) -> bool {
        self.holder.is_some()
    }

    /// Whether a token has been shown: what the server says depends on whose that is.
    pub(crate) fn is_used(&self) -> bool {
        self.is_used.load(Ordering::Relaxed)
    }

    /// Looks for a token that is kept; what was given up meanwhile is forgotten. Reads a small file.
    pub(crate) fn load(&self) {
        let kept = self.sign_ins.accounts.token(&self.party);
        if let Ok(Some(token)) = kept {
            self.put(token);
            return;
        }
        if kept.is_ok() {
            self.token.store(None);
        }
        if self.sign_ins.accounts.has(&self.party) {
            self.is_used.store(true, Ordering::Relaxed);
        }
    }

    /// Whether there is a token: without one, calls cost no more than this look.
    pub(crate) fn has_token(&self) -> bool {
        self.token.load().is_some()
    }

    /// The token for a request, if there is one.
    pub(crate) async fn token(self: &Arc<Self>) -> Result<Option<Arc<Token>>, Fault> {
        let Some(token) = self.token.load_full() else {
            return Ok(None);
        };
        let now_s = now_s();
        if token.expires_s.is_some_and(|expires| now_s >= expires) {
            return self.renewed(None, &Challenge::default()).await.map(Some);
        }
        let is_due = token.renew_s.is_some_and(|renew| now_s >= renew);
        if is_due && !self.is_renewing.swap(true, Ordering::Relaxed) {
            let pass = self.clone();
            // Nobody waits for it: the old one is still good.
            tokio::spawn(async move {
                let _ = pass.renewed(None, &Challenge::default()).await;
                pass.is_renewing.store(false, Ordering::Relaxed);
            });
        }
        Ok(Some(token))
    }

    /// A token in the place of this one, where the reply of the server is that it wants another. `None`: it does not.
    pub(crate) async fn refused(
        self: &Arc<Self>,
        used: Option<&Arc<Token>>,
        response: &Response,
        is_last: bool,
    ) -> Option<Result<Arc<Token>, Fault>> {
        if !matches!(response.status, 401 | 403) {
            return None;
        }
        let fields = response.headers.get_all("www-authenticate");
        let challenge = Challenge::read(fields.iter().filter_map(|field| field.to_str().ok()));
        if response.status != 401 && !challenge.wants_more() {
            return None;
        }
        if is_last {
            let error = AuthError::StillRefused(challenge.scopes.to_string());
            return Some(Err(self.fault(&error, &challenge)));
        }
        Some(self.renewed(used, &challenge).await)
    }

    /// A token in the place of this one.
    pub(crate) async fn renewed(
        &self,
        used: Option<&Arc<Token>>,
        challenge: &Challenge,
    ) -> Result<Arc<Token>, Fault> {
        let (accounts, bearer) = (&self.sign_ins.accounts, used.map(|token| &token.bearer));
        match accounts.renew(&self.party, bearer, challenge).await {
            Ok(token) => Ok(self.put(token)),
            Err(error) => {
                let fault = self.fault(&error, challenge);
                if error.is_for_person() {
                    // Rights that one call lacks do not end those that the others have.
                    if !challenge.wants_more() {
                        self.token.store(None);
                    }
                    *lock(&self.unsigned) = Some(fault.clone());
                }
                Err(fault)
            }
        }
    }

    /// The entry, with a token among its headers.
    pub(crate) fn stamped(&self, token: Option<&Token>) -> Entry {
        let mut entry = self.entry.clone();
        if let (Launch::Remote { headers, .. }, Some(token)) = (&mut entry.launch, token) {
            headers.push(("Authorization".into(), token.bearer.reveal().into()));
        }
        entry
    }

    fn put(&self, token: Token) -> Arc<Token> {
        self.is_used.store(true, Ordering::Relaxed);
        *lock(&self.unsigned) = None;
        self.secrecy.learn(&token.access);
        let token = Arc::new(token);
        self.token.store(Some(token.clone()));
        token
    }

    fn fault(&self, error: &AuthError, challenge: &Challenge) -> Fault {
        let server: Arc<str> = self.entry.name.as_str().into();
        match error.is_for_person() {
            true => Fault::SignIn {
                server,
                holder: self.holder.clone(),
                reason: error.to_string(),
                challenge: Arc::new(challenge.clone()),
            },
            false => Fault::Unavailable {
                server,
                reason: format!("its sign-in fails: {error}"),
            },
        }
    }

    /// That somebody has to sign in, if that is so.
    pub(crate) fn unsigned(&self) -> Option<Fault> {
        lock(&self.unsigned).clone()
    }

    // === the page ===

    /// Whether there is somebody who shows one.
    pub(crate) fn has_pages(&self) -> bool {
        self.sign_ins.pages.is_some()
    }

    /// The page that was shown last, even if it is over.
    pub(crate) fn shown(&self) -> Option<Shown> {
        lock(&self.page).clone()
    }

    /// A page that leads the person to the sign-in. Whoever asks for the same meanwhile gets the same.
    pub(crate) async fn show(&self, challenge: &Challenge) -> Result<Shown, String> {
        let is_it = |shown: &Shown| shown.visit.is_open() && shown.challenge == *challenge;
        if let Some(shown) = self.shown().filter(is_it) {
            return Ok(shown);
        }
        let pages = self.sign_ins.pages.as_ref().ok_or("there are no pages")?;
        let page = Page {
            server: self.entry.name.to_string(),
            title: self.entry.title.clone(),
            origin: self.entry.origin.to_string(),
            holder: self.holder.as_deref().map(str::to_owned),
            ..Page::default()
        };
        let visit = Arc::new(Visit::away(page, VISIT_LIFE));
        let place = pages.show(visit.clone())?;
        // Without a way there is nothing to see on it.
        let mut unless = Unless(Some(&visit));
        let begun = self
            .sign_ins
            .accounts
            .begin(&self.party, challenge, &place.callback);
        let sign_in = begun.await.map_err(|error| error.to_string())?;
        visit.lead(Away::of(self.sign_ins.accounts.clone(), sign_in));
        unless.0 = None;
        drop(unless);
        let shown = Shown {
            visit,
            url: place.page.into(),
            challenge: challenge.clone(),
        };
        *lock(&self.page) = Some(shown.clone());
        Ok(shown)
    }

    /// Where the person signs in, in words.
    pub(crate) fn with_whom(shown: &Shown) -> String {
        // As browsers write it: what else an address can hold is no part of who somebody is.
        let issuer = shown
            .visit
            .way()
            .and_then(|way| Url::parse(&way.issuer).ok());
        issuer.map_or_else(String::new, |url| url.origin().ascii_serialization())
    }
}

/// A visit that is over unless all goes well.
struct Unless<'a>(Option<&'a Visit>);

impl Drop for Unless<'_> {
    fn drop(&mut self) {
        if let Some(visit) = self.0 {
            visit.withdraw();
        }
    }
}

impl Away {
    /// The way of a sign-in.
    pub fn of(accounts: Accounts, sign_in: SignIn) -> Self {
        let (url, issuer) = (sign_in.url().to_owned(), sign_in.issuer().to_owned());
        let scopes = sign_in.scopes().iter().map(str::to_owned).collect();
        let sign_in = Arc::new(Mutex::new(Some(sign_in)));
        let asked = sign_in.clone();
        Self {
            url,
            issuer,
            scopes,
            is_answered_by: Box::new(move |query| {
                let sign_in = lock(&asked);
                sign_in.as_ref().is_some_and(|it| it.is_answered_by(query))
            }),
            finish: Box::new(move |query| {
                let (accounts, sign_in) = (accounts.clone(), lock(&sign_in).take());
                Box::pin(async move {
                    // What was taken is used up, whatever comes of it.
                    let sign_in =
                        sign_in.ok_or(Unfinished::Failed(AuthError::State.to_string()))?;
                    let finished = accounts.finish(sign_in, &query).await;
                    finished.map_err(|error| match error.is_declined() {
                        true => Unfinished::Declined(error.to_string()),
                        false => Unfinished::Failed(error.to_string()),
                    })
                })
            }),
        }
    }
}

/// Whether signing in could be what an entry lacks.
pub(crate) fn is_possible(entry: &Entry) -> bool {
    let is_given = |headers: &[(String, String)]| {
        let mut names = headers.iter().map(|(name, _)| name);
        names.any(|name| name.eq_ignore_ascii_case("authorization"))
    };
    matches!(&entry.launch, Launch::Remote { headers, .. } if !is_given(headers))
}

/// The way in by the command line, for a caller or for the person.
pub(crate) fn command(server: &str, holder: Option<&str>) -> String {
    let holder = holder.map_or_else(String::new, |holder| match holder.contains(' ') {
        true => format!(" --caller '{holder}'"),
        false => format!(" --caller {holder}"),
    });
    format!("portolan oauth authorize {server}{holder}")
}

fn now_s() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
