//! A page of the gateway's own that the person visits in a browser, for what must pass neither the client nor the model: what is
//! on it, what becomes of it, and who shows it. On some the person enters something; others lead away, to a sign-in that their
//! browser comes back from. Owns that a visit ends once. Refuses to know how a page looks and which
//! address it has: that is for whoever implements [`Pages`]. Next: `dynamic/credentials.rs`, which sends people there.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use secrets::Secret;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use transport::BoxFuture;

use crate::outbox::lock;

/// Shows the person pages.
pub trait Pages: Send + Sync {
    /// Makes the page of a visit reachable for the person of this machine, until the visit is over. Its address must be
    /// impossible to guess, and lead nowhere once the visit is over.
    ///
    /// # Errors
    /// Why it cannot be shown.
    fn show(&self, visit: Arc<Visit>) -> Result<Place, String>;
}

/// Where a page is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its address.
    pub page: String,
    /// Where a browser comes back to that a page has led away.
    pub callback: String,
}

/// Where a page leads, and what becomes of it when the browser comes back.
pub struct Away {
    /// The address.
    pub url: String,
    /// Whose it is.
    pub issuer: String,
    /// What is asked for there.
    pub scopes: Vec<String>,
    /// Whether this is the query of an answer to it.
    pub is_answered_by: Box<dyn Fn(&str) -> bool + Send + Sync>,
    /// Makes something of that query.
    pub finish: Finish,
}

/// See [`Away::finish`].
pub type Finish = Box<dyn Fn(String) -> BoxFuture<'static, Result<(), Unfinished>> + Send + Sync>;

/// Why nothing came of an answer; the visit is over all the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfinished {
    /// The person, or somebody for them, said no.
    #[error("{0}")]
    Declined(String),
    /// It went wrong.
    #[error("{0}")]
    Failed(String),
}

/// What is on a page. Texts are as catalogs have them: whoever shows them takes them for hostile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The server that it is about, by its name.
    pub server: String,
    /// The same for people, if it has such a name.
    pub title: Option<String>,
    /// Where the server's entry comes from, in words.
    pub origin: String,
    /// The caller whose account comes of a sign-in; none: that of the person who runs the gateway.
    pub holder: Option<String>,
    /// Where what is given will be kept, in words.
    pub kept_in: String,
    /// What is asked for.
    pub fields: Vec<Field>,
}

/// One value that is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field {
    /// Under which it is kept.
    pub name: String,
    /// What it is.
    pub about: Option<String>,
    /// What one looks like.
    pub example: Option<String>,
    /// Where a person gets one.
    pub url: Option<String>,
}

/// How a visit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// What was asked for is kept.
    Given,
    /// The person does not want to.
    Declined,
    /// Nobody came in time.
    Expired,
    /// Nobody waits for it any more.
    Withdrawn,
    /// The browser came back, and it went wrong; see [`Visit::failure`].
    Failed,
}

/// Why nothing was kept. Never has a value in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ungiven {
    /// The visit is over, or the values of another answer are being kept just now.
    #[error("the visit is over")]
    Over,
    /// It could not be kept; the visit goes on.
    #[error("{0}")]
    Failed(String),
}

/// See the module.
pub struct Visit {
    page: Page,
    kind: Kind,
    until: Instant,
    state: watch::Sender<State>,
    failure: Mutex<Option<String>>,
}

enum Kind {
    /// The person enters something.
    Entered(Keep),
    /// They are led away, as soon as it is known where to.
    Away(OnceLock<Away>),
}

type Keep = Box<dyn Fn(&[Secret]) -> Result<(), String> + Send + Sync>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// What was given is being kept.
    Keeping,
    Over(End),
}

impl Visit {
    /// `keep` gets one value for each field, and may wait for a disk.
    pub fn new(
        page: Page,
        life: Duration,
        keep: impl Fn(&[Secret]) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        Self::of(page, Kind::Entered(Box::new(keep)), life)
    }

    /// One that leads the person away; where to is said by [`lead`](Self::lead).
    pub fn away(page: Page, life: Duration) -> Self {
        Self::of(page, Kind::Away(OnceLock::new()), life)
    }

    fn of(page: Page, kind: Kind, life: Duration) -> Self {
        Self {
            page,
            kind,
            until: Instant::now() + life,
            state: watch::Sender::new(State::Open),
            failure: Mutex::default(),
        }
    }

    /// Where it leads, once.
    pub fn lead(&self, away: Away) {
        if let Kind::Away(way) = &self.kind {
            let _is_known = way.set(away);
        }
    }

    /// Where it leads, if it leads away and that is known.
    pub fn way(&self) -> Option<&Away> {
        match &self.kind {
            Kind::Away(way) => way.get(),
            Kind::Entered(_) => None,
        }
    }

    /// Whether it leads away.
    pub fn leads_away(&self) -> bool {
        matches!(self.kind, Kind::Away(_))
    }

    /// Why it failed.
    pub fn failure(&self) -> Option<String> {
        lock(&self.failure).clone()
    }

    /// The browser comes back with this query. Only the first time counts.
    ///
    /// # Errors
    /// Why nothing comes of it; `None`: it is over, or was never led there.
    pub async fn come_back(&self, query: String) -> Result<(), Option<Unfinished>> {
        let way = self.way().ok_or(None)?;
        if !self.turn(State::Open, State::Keeping) {
            return Err(None);
        }
        let keeping = Keeping(self);
        let finished = (way.finish)(query).await;
        let end = match &finished {
            Ok(()) => End::Given,
            Err(Unfinished::Declined(_)) => End::Declined,
            Err(Unfinished::Failed(why)) => {
                *lock(&self.failure) = Some(why.clone());
                End::Failed
            }
        };
        self.turn(State::Keeping, State::Over(end));
        drop(keeping);
        finished.map_err(Some)
    }

    /// What is on the page.
    pub fn page(&self) -> &Page {
        &self.page
    }

    /// Whether it goes on.
    pub fn is_open(&self) -> bool {
        self.ended().is_none()
    }

    /// The person gives a value for each field. Only the first answer that is kept counts. Waits for a disk.
    ///
    /// # Errors
    /// Why nothing was kept.
    pub fn give(&self, values: &[Secret]) -> Result<(), Ungiven> {
        if !self.turn(State::Open, State::Keeping) {
            return Err(Ungiven::Over);
        }
        // Whatever comes of it, the visit goes on unless it is kept.
        let _keeping = Keeping(self);
        match (&self.kind, values.len() == self.page.fields.len()) {
            (Kind::Entered(keep), true) => keep(values).map_err(Ungiven::Failed)?,
            _ => return Err(Ungiven::Failed("a value is missing".to_owned())),
        }
        self.turn(State::Keeping, State::Over(End::Given));
        Ok(())
    }

    /// The person does not want to. False: it was over already.
    pub fn decline(&self) -> bool {
        self.turn(State::Open, State::Over(End::Declined))
    }

    /// Nobody waits for it any more.
    pub fn withdraw(&self) {
        self.turn(State::Open, State::Over(End::Withdrawn));
    }

    /// Waits for its end.
    pub async fn over(&self) -> End {
        let mut state = self.state.subscribe();
        let over = state.wait_for(|state| matches!(state, State::Over(_)));
        let life = sleep_until(self.until);
        let late = tokio::select! {
            // The sender is ours: it outlives this.
            _over = over => false,
            () = life => true,
        };
        if late && !self.turn(State::Open, State::Over(End::Expired)) {
            // A disk has the last word.
            let _over = state
                .wait_for(|state| !matches!(state, State::Keeping))
                .await;
            self.turn(State::Open, State::Over(End::Expired));
        }
        self.ended().unwrap_or(End::Expired)
    }

    /// How it ended, if it did.
    pub fn ended(&self) -> Option<End> {
        match *self.state.borrow() {
            State::Over(end) => Some(end),
            State::Open if self.until <= Instant::now() => Some(End::Expired),
            State::Open | State::Keeping => None,
        }
    }

    /// From one state to another; false if it is in a third.
    fn turn(&self, from: State, to: State) -> bool {
        let is_late = from == State::Open && self.until <= Instant::now();
        if is_late && to != State::Over(End::Expired) {
            return false;
        }
        self.state.send_if_modified(|state| {
            let is_it = *state == from;
            if is_it {
                *state = to;
            }
            is_it
        })
    }
}

/// Something is being kept.
struct Keeping<'a>(&'a Visit);

impl Drop for Keeping<'_> {
    fn drop(&mut self) {
        self.0.turn(State::Keeping, State::Open);
    }
}

#[cfg(test)]
mod tests;
