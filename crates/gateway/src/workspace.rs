//! The set of servers in use in one conversation, and what the conversation sees of them.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};

use wire::Era;

use crate::asks::{Asks, Side};
use crate::chosen::Chosen;
use crate::front::Caller;
use crate::listen::Listen;
use crate::lists::{Kind, Lists};
use crate::outbox::lock;
use crate::server::Server;
use crate::session::Session;
use crate::sign_in::Holder;
use crate::upstream::Upstream;
use crate::view::View;

/// See the module.
pub(crate) struct Workspace {
    pub(crate) id: u64,
    pub(crate) caller: Caller,
    /// The handshake-era conversation it belongs to, if any.
    session: OnceLock<Weak<Session>>,
    /// Upstreams that it has used.
    upstreams: Mutex<Vec<Arc<Upstream>>>,
    views: Mutex<Vec<Seen>>,
    /// Its `subscriptions/listen` streams.
    listens: Mutex<Vec<Arc<Listen>>>,
    /// The lists that its client holds, a bit each.
    given: AtomicU8,
    /// What it made of the configured servers.
    pub(crate) chosen: Mutex<Chosen>,
    /// By what it is named from outside, once it is.
    pub(crate) handle: OnceLock<Arc<str>>,
    /// Where its client works, where that is not where we do.
    pub(crate) folder: OnceLock<PathBuf>,
    /// When it was last named so, in milliseconds on the gateway's clock.
    pub(crate) last_named: AtomicU64,
}

/// A view and what it is a view of.
struct Seen {
    era: Era,
    asks: Asks,
    only: Option<Arc<str>>,
    is_endpoint: bool,
    generation: u64,
    view: Arc<View>,
}

impl Workspace {
    pub(crate) fn new(id: u64, caller: Caller) -> Self {
        Self {
            id,
            caller,
            session: OnceLock::new(),
            upstreams: Mutex::default(),
            views: Mutex::default(),
            listens: Mutex::default(),
            given: AtomicU8::new(0),
            chosen: Mutex::default(),
            handle: OnceLock::new(),
            folder: OnceLock::new(),
            last_named: AtomicU64::new(0),
        }
    }

    pub(crate) fn set_session(&self, session: &Arc<Session>) {
        // Set once, right after both are made.
        let _ = self.session.set(Arc::downgrade(session));
    }

    pub(crate) fn session(&self) -> Option<Arc<Session>> {
        self.session.get()?.upgrade()
    }

    // === upstreams ===

    /// The upstream that calls of this side use for this server, if there is one.
    pub(crate) fn upstream(
        &self,
        server: &Server,
        side: &Side<'_>,
        holder: Option<&Holder>,
    ) -> Option<Arc<Upstream>> {
        let asks = match side.era {
            Era::Handshake => Asks::NONE,
            Era::Stateless => side.asks_of(server),
        };
        lock(&self.upstreams)
            .iter()
            .find(|up| {
                std::ptr::eq(&*up.server, server)
                    && up.key.clients == side.era
                    && up.key.holder.as_ref() == holder
                    && (up.key.asks == asks || up.era() == Era::Stateless)
            })
            .cloned()
    }

    /// How many upstreams it has to a server for clients of this era.
    pub(crate) fn upstreams_of(&self, server: &Server, era: Era) -> usize {
        let upstreams = lock(&self.upstreams);
        let of_server =
            |up: &&Arc<Upstream>| std::ptr::eq(&*up.server, server) && up.key.clients == era;
        upstreams.iter().filter(of_server).count()
    }

    /// Notes that it uses this upstream.
    pub(crate) fn attach(&self, upstream: &Arc<Upstream>) {
        let mut upstreams = lock(&self.upstreams);
        if !upstreams.iter().any(|known| known.id == upstream.id) {
            upstreams.push(upstream.clone());
        }
    }

    pub(crate) fn detach(&self, upstream: &Upstream) {
        lock(&self.upstreams).retain(|known| known.id != upstream.id);
    }

    pub(crate) fn upstreams(&self) -> Vec<Arc<Upstream>> {
        lock(&self.upstreams).clone()
    }

    // === views ===

    /// The view from this side, and whether it is of this generation.
    pub(crate) fn view(&self, side: &Side<'_>, generation: u64) -> (Option<Arc<View>>, bool) {
        let views = lock(&self.views);
        match views.iter().find(|seen| seen.is_from(side)) {
            Some(seen) => (Some(seen.view.clone()), seen.generation == generation),
            None => (None, false),
        }
    }

    /// The view from this side from now on, which was made after `before`. False where another one has come meanwhile: names
    /// that it gave would be lost.
    pub(crate) fn set_view(
        &self,
        side: &Side<'_>,
        generation: u64,
        before: Option<&Arc<View>>,
        view: &Arc<View>,
    ) -> bool {
        let mut views = lock(&self.views);
        let current = views.iter().find(|seen| seen.is_from(side));
        if current.map(|seen| Arc::as_ptr(&seen.view)) != before.map(Arc::as_ptr) {
            return false;
        }
        views.retain(|seen| !seen.is_from(side));
        views.reserve_exact(1);
        views.push(Seen {
            era: side.era,
            asks: side.asks,
            only: side.only.cloned(),
            is_endpoint: side.is_endpoint,
            generation,
            view: view.clone(),
        });
        true
    }

    /// What is still listed for clients of this era in the place of a server's own lists.
    pub(crate) fn provisional(&self, server: &Arc<Server>, era: Era) -> Option<Arc<Lists>> {
        let views = lock(&self.views);
        let mut views = views.iter().filter(|seen| seen.era == era);
        let part = views.find_map(|seen| seen.view.provisional(server))?;
        part.lists.clone().filter(|_| part.is_listed)
    }

    // === who is to hear of changes ===

    pub(crate) fn add_listen(&self, listen: &Arc<Listen>, max: usize) -> bool {
        let mut listens = lock(&self.listens);
        let fits = listens.len() < max;
        if fits {
            listens.push(listen.clone());
        }
        fits
    }

    pub(crate) fn remove_listen(&self, number: u64) -> Option<Arc<Listen>> {
        let mut listens = lock(&self.listens);
        let at = listens.iter().position(|listen| listen.number == number)?;
        Some(listens.swap_remove(at))
    }

    pub(crate) fn listens(&self) -> Vec<Arc<Listen>> {
        lock(&self.listens).clone()
    }

    /// The client is being given a list, for as long as what this returns is kept; from then on it holds one.
    pub(crate) fn giving(&self, kind: Kind, era: Era) -> Giving<'_> {
        let bit = given_bit(kind, era);
        // What changes meanwhile will be in the answer. Stateless clients of one caller are many: it is in one's answer only.
        if era == Era::Handshake {
            self.given.fetch_and(!bit, Ordering::Relaxed);
        }
        Giving {
            workspace: self,
            bit,
        }
    }

    /// Whether the client holds such a list, so that a first change of it is news.
    pub(crate) fn was_given(&self, kind: Kind, era: Era) -> bool {
        self.given.load(Ordering::Relaxed) & given_bit(kind, era) != 0
    }

    /// Tells the conversation that a list changed.
    pub(crate) fn list_changed(&self, kind: Kind, era: Era) {
        match era {
            Era::Handshake => {
                if let Some(session) = self.session().filter(|session| session.hello().is_some()) {
                    session.tell(wire::build::notification(kind.changed(), None));
                }
            }
            Era::Stateless => {
                for listen in self.listens() {
                    listen.list_changed(kind);
                }
            }
        }
    }
}

impl Seen {
    fn is_from(&self, side: &Side<'_>) -> bool {
        self.era == side.era
            && self.asks == side.asks
            && self.is_endpoint == side.is_endpoint
            && self.only.as_ref() == side.only
    }
}

/// See [`Workspace::giving`].
pub(crate) struct Giving<'a> {
    workspace: &'a Workspace,
    bit: u8,
}

impl Drop for Giving<'_> {
    fn drop(&mut self) {
        self.workspace.given.fetch_or(self.bit, Ordering::Relaxed);
    }
}

fn given_bit(kind: Kind, era: Era) -> u8 {
    let bit = match kind {
        Kind::Tools => 1,
        Kind::Prompts => 2,
        Kind::Resources => 4,
        Kind::Templates => 8,
    };
    match era {
        Era::Handshake => bit,
        Era::Stateless => bit << 4,
    }
}
