//! A catalog that is fetched while everything else goes on. Owns the thread that fetches it, how long anybody waits for that, and
//! what stands in where it fails: the copy that was kept of the last time.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use catalog::{Catalog, Problem};
use config::Dirs;
use fetch::{Client, Pulled, Trust};

/// What a mistake is about.
const FLAG: &str = "--catalog";

/// See the module. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Pending {
    dirs: Dirs,
    url: Arc<str>,
    state: Arc<State>,
}

/// Why there is nothing, and what to do about it.
type Why = (String, &'static str);

#[derive(Default)]
struct State {
    /// What came of it, or why nothing did.
    done: Mutex<Option<Result<Catalog, Why>>>,
    changed: Condvar,
}

impl Pending {
    /// Begins; nobody waits for that. The thread ends with what it fetches, which has an end, or with the process.
    pub(super) fn begin(dirs: &Dirs, url: &str) -> Self {
        let pending = Self {
            dirs: dirs.clone(),
            url: url.into(),
            state: Arc::default(),
        };
        let working = pending.clone();
        let started = std::thread::Builder::new()
            .name("catalog-fetch".into())
            .spawn(move || {
                let done = working.fetch();
                working.set(done);
            });
        if let Err(error) = started {
            let why = format!("the thread that fetches it does not start: {error}");
            pending.set(Err((why, "try again")));
        }
        pending
    }

    /// The catalog: as it was fetched, or else as it was the last time, with a problem that says so. Waits at most so long.
    pub(super) fn wait(&self, limit: Duration) -> Catalog {
        let done = self.state.done.lock();
        let waited = self.state.changed.wait_timeout_while(
            done.unwrap_or_else(PoisonError::into_inner),
            limit,
            |done| done.is_none(),
        );
        let (done, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let (why, hint) = match &*done {
            Some(Ok(catalog)) => return catalog.clone(),
            Some(Err(failure)) => failure.clone(),
            None => {
                let (url, after) = (self.shown(), limit.as_secs_f32());
                let why = format!("cannot fetch {url}: it is not here after {after} s");
                (why, "once it has come, it is known from then on")
            }
        };
        drop(done);
        self.last(&why, hint)
    }

    fn fetch(&self) -> Result<Catalog, Why> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(2)
            .build()
            .map_err(|error| (error.to_string(), "try again"))?;
        let pulled = runtime.block_on(fetch::pull(&Client::default(), &self.url, Trust::Person));
        // A look-up of a name that hangs is nothing to wait for.
        runtime.shutdown_background();
        let Pulled { mut catalog, text } = pulled.map_err(|error| {
            let hint = error.hint();
            (error.to_string(), hint)
        })?;
        if catalog.entries.is_empty() {
            let told = catalog.problems.first().map(ToString::to_string);
            let none = || format!("there are no servers in {}", self.shown());
            return Err((told.unwrap_or_else(none), "check the address"));
        }
        if let Err(error) = config::keep_fetched(&self.dirs, &self.url, &text) {
            let message = format!("no copy of {} is kept: {error}", self.shown());
            catalog.problems.push(Problem::warning(FLAG, message));
        }
        Ok(catalog)
    }

    fn set(&self, done: Result<Catalog, Why>) {
        let mut place = self
            .state
            .done
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *place = Some(done);
        drop(place);
        self.state.changed.notify_all();
    }

    /// The copy, or a catalog without servers.
    fn last(&self, why: &str, hint: &str) -> Catalog {
        let copy = config::fetched(&self.dirs, &self.url);
        let at = copy.as_ref().map(|copy| age(copy.at));
        // Of no text there is a catalog too, with the name and the origin that it would have.
        let text = copy.map_or_else(|| "catalog: none".to_owned(), |copy| copy.text);
        let mut catalog = fetch::read_pulled(&self.url, &text);
        let problem = match at {
            Some(age) => Problem::warning(FLAG, format!("{why}; the copy from {age} is used")),
            None => Problem::error(
                FLAG,
                format!("{why}; there is no copy of it, so its servers are missing"),
            ),
        };
        catalog.problems.insert(0, problem.hint(hint));
        catalog
    }

    fn shown(&self) -> String {
        catalog::shown_url(&self.url)
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Pending").field(&self.shown()).finish()
    }
}

fn age(at: SystemTime) -> String {
    let minutes = at.elapsed().unwrap_or_default().as_secs() / 60;
    match minutes {
        0 => "just now".to_owned(),
        1..120 => format!("{minutes} min ago"),
        120..2_880 => format!("{} h ago", minutes / 60),
        _ => format!("{} days ago", minutes / 1_440),
    }
}

#[cfg(test)]
mod tests;
