//! What conversations see: views, made of what servers have listed or are known to list.
//! Read `view.rs` for what a view is.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use futures_util::future::join_all;
use wire::Era;

use super::Core;
use crate::asks::Side;
use crate::call::Call;
use crate::dynamic;
use crate::front::Caller;
use crate::limits::{REPLACED_MAX, VIEWS_MAX};
use crate::lists::Lists;
use crate::outbox::lock;
use crate::server::Server;
use crate::upstream::Upstream;
use crate::view::{Own, Part, View};
use crate::workspace::Workspace;

/// The kind under which lists are persisted.
const STORED_LISTS: &str = "lists";
/// The kind under which it is persisted which eras a server speaks.
const STORED_ERAS: &str = "eras";

/// A view, and the one that it was made after.
pub(super) struct Shared {
    before: Option<Weak<View>>,
    view: Weak<View>,
}

/// What is looked for in a view, once it was.
pub(crate) enum Wanted<'a> {
    /// Something of this server.
    Of(&'a Arc<Server>),
    /// What nobody is known to have.
    Unknown,
    /// Nothing that a server could have.
    Nothing,
}

impl Core {
    /// Some list changed: views made so far are looked at again.
    pub(crate) fn changed(&self) {
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// Keeps the first lists of a started server for conversations to come; what was known before.
    pub(crate) fn learn(&self, upstream: &Upstream, lists: &Arc<Lists>) -> Option<Arc<Lists>> {
        let caller = upstream
            .workspaces()
            .first()
            .map_or_else(|| Caller("".into()), |w| w.caller.clone());
        let before = self.learnt(&upstream.server, lists.era(), &caller);
        self.note_pins(&upstream.server, lists);
        if before
            .as_ref()
            .is_some_and(|before| Arc::ptr_eq(before, lists))
        {
            return before;
        }
        let key = upstream.server.learn(lists.era(), &caller, lists.clone());
        let is_everybodys = !upstream.server.is_signed_in();
        if let Some(directory) = self.directory.as_ref().filter(|_| is_everybodys) {
            directory.learnt(&upstream.server.entry, lists);
        }
        if let Some(store) = &self.store
            && before.as_ref() != Some(lists)
            && let Ok(text) = serde_json::to_vec(&**lists)
        {
            // A full queue loses it; it is learnt again then.
            let _ = store.put(&key, STORED_LISTS, text);
        }
        before
    }

    pub(super) fn learnt(&self, server: &Server, era: Era, caller: &Caller) -> Option<Arc<Lists>> {
        server.learnt(era, caller, |key| {
            let text = self.store.as_ref()?.get(key, STORED_LISTS).ok()??;
            serde_json::from_slice(&text).ok().map(Arc::new)
        })
    }

    /// In which era this server is spoken to on behalf of clients of that one; none while that is not known.
    pub(crate) fn wire_era(&self, server: &Server, clients: Era) -> Option<Era> {
        server.eras.load(|| {
            let store = self.store.as_ref()?;
            store.get(&server.eras_key(), STORED_ERAS).ok()?
        });
        server.eras.wire(clients)
    }

    /// A greeting showed whether a server speaks this era; what is only concluded holds for this process.
    pub(crate) fn learn_era(&self, server: &Server, era: Era, speaks: bool, is_said: bool) {
        let news = server.eras.learn(era, speaks).filter(|_| is_said);
        if let (Some(text), Some(store)) = (news, &self.store) {
            // A full queue loses it; it is learnt again then.
            let _ = store.put(&server.eras_key(), STORED_ERAS, text);
        }
    }

    /// What is seen from this side now.
    pub(crate) fn view(&self, side: &Side<'_>) -> Arc<View> {
        self.look(side, false)
    }

    /// The same for somebody who is told the names of it: they stay.
    pub(crate) fn binding_view(&self, side: &Side<'_>) -> Arc<View> {
        self.look(side, true)
    }

    fn look(&self, side: &Side<'_>, binds: bool) -> Arc<View> {
        let will_do = |view: &View| view.is_binding || !binds;
        loop {
            let generation = self.generation.load(Ordering::Acquire);
            let (before, is_fresh) = side.workspace.view(side, generation);
            if let (Some(view), true) = (&before, is_fresh)
                && will_do(view)
            {
                return view.clone();
            }
            let (parts, own) = (self.parts(side, before.as_deref()), self.own(side));
            let view = match &before {
                Some(view) if will_do(view) && view.own.is(&own) && same(&view.parts, &parts) => {
                    view.clone()
                }
                _ => self.shared_view(side, parts, own, binds, before.as_ref()),
            };
            // Else another thread was faster: this one goes on from there.
            if side
                .workspace
                .set_view(side, generation, before.as_ref(), &view)
            {
                return view;
            }
        }
    }

    /// Whether what a server offers is listed in a workspace for clients of this era: one that is only being added is not.
    pub(crate) fn lists_in(&self, workspace: &Workspace, server: &Arc<Server>, era: Era) -> bool {
        let chosen = lock(&workspace.chosen);
        if let Some(added) = chosen.get(&server.name) {
            let follows = era == Era::Handshake || workspace.session().is_none();
            return Arc::ptr_eq(&added.server, server) && added.is_listed && follows;
        }
        let is_hidden = chosen.hides(&server.name);
        drop(chosen);
        let configured = self.server(&server.name);
        !is_hidden && configured.is_some_and(|configured| Arc::ptr_eq(&configured, server))
    }

    /// Where a server has taken the place of another one and not said yet what it offers, that is what the other one offered: it
    /// mostly is the same, and who calls it waits for the new one.
    fn parts(&self, side: &Side<'_>, before: Option<&View>) -> Vec<Part> {
        let is_wanted = |server: &Arc<Server>| side.only.is_none_or(|only| *only == server.name);
        let servers = self.servers.load();
        let chosen = lock(&side.workspace.chosen);
        let configured = servers
            .iter()
            .filter(|server| !server.entry.disabled && !chosen.hides(&server.name))
            // Configured since it was added: what was added stays.
            .filter(|server| chosen.get(&server.name).is_none())
            .map(|server| (server.clone(), true));
        let follows = follows(side);
        let added = chosen
            .added()
            .iter()
            .map(|added| (added.server.clone(), added.is_listed && follows));
        let wanted: Vec<(Arc<Server>, bool)> = configured
            .chain(added)
            .filter(|(server, _)| is_wanted(server))
            .collect();
        drop(chosen);
        wanted
            .into_iter()
            .filter(|(server, _)| self.closed(side, &server.facts).is_none())
            .map(|(server, is_listed)| {
                let wire = self.wire_era(&server, side.era);
                let own = self
                    .attached(side, &server)
                    .or_else(|| self.started_by_others(side, &server))
                    .and_then(|upstream| upstream.lists());
                let learnt = |wire: Era| self.learnt(&server, wire, &side.workspace.caller);
                let known = own.or_else(|| wire.and_then(learnt));
                let former = || before.and_then(|view| view.lists_of(&server.name));
                let is_known = known.is_some();
                let lists = known.or_else(former);
                let is_provisional = lists.is_some() && !is_known;
                // One that does not start offers nothing, but says so when it is called.
                let is_listed = is_listed && !(is_provisional && server.failure().is_some());
                let hidden = self.hidden(side, &server, lists.as_ref());
                Part {
                    server,
                    lists,
                    is_provisional,
                    is_listed,
                    hidden,
                }
            })
            .collect()
    }

    /// Our own tools as they are listed there: one server alone is shown as it is.
    fn own(&self, side: &Side<'_>) -> Own {
        let has_menu = self.directory.is_some() && side.only.is_none();
        Own {
            has_menu,
            scripts: match has_menu && follows(side) {
                true => lock(&side.workspace.chosen).scripts().to_vec(),
                false => Vec::new(),
            },
        }
    }

    /// A view of these parts after that one, made only once for all conversations that come the same way.
    fn shared_view(
        &self,
        side: &Side<'_>,
        parts: Vec<Part>,
        own: Own,
        binds: bool,
        before: Option<&Arc<View>>,
    ) -> Arc<View> {
        let era = side.era;
        let is_same = |shared: &Shared| match (&shared.before, before) {
            (None, None) => true,
            (Some(a), Some(b)) => std::ptr::eq(a.as_ptr(), Arc::as_ptr(b)),
            _ => false,
        };
        let found = {
            let mut views = lock(&self.views);
            views.retain(|shared| shared.view.strong_count() > 0);
            let mut candidates = views
                .iter()
                .filter(|shared| is_same(shared))
                .filter_map(|shared| shared.view.upgrade());
            let fits = |view: &Arc<View>| view.era == era && (view.is_binding || !binds);
            candidates.find(|view| fits(view) && view.own.is(&own) && same(&view.parts, &parts))
        };
        if let Some(view) = found {
            return view;
        }
        let menu = own
            .has_menu
            .then(|| dynamic::menu_of(self, side, &parts, &own.scripts));
        let view = Arc::new(View::new(
            era,
            parts,
            own,
            menu.as_ref(),
            (self.settings.tool_name_prefix, binds),
            before.map(|view| &**view),
        ));
        let mut views = lock(&self.views);
        if views.len() < VIEWS_MAX {
            views.push(Shared {
                before: before.map(Arc::downgrade),
                view: Arc::downgrade(&view),
            });
        }
        view
    }

    /// Starts every server of a conversation that begins, where that is wanted. Waits for none of them.
    pub(crate) fn prewarm(self: &Arc<Self>, call: &Call) {
        if !self.settings.prewarm {
            return;
        }
        let side = call.side();
        for part in &self.view(&side).parts {
            if part.server.barred().is_none() {
                let upstream = self.upstream(&side, &part.server);
                tokio::spawn(async move { drop(upstream.listed().await) });
            }
        }
    }

    /// What is found in a view. Names that are not known yet may belong to servers that are still starting, and those that are
    /// known to one that is being replaced: these are waited for. `look` is told whether all there is to see is in the view.
    pub(crate) async fn found<T>(
        self: &Arc<Self>,
        side: &Side<'_>,
        look: impl Fn(&View, bool) -> T,
        wanted: impl Fn(&T) -> Wanted<'_>,
    ) -> T {
        let mut servers = self.servers();
        let mut view = self.view(side);
        let mut is_all = view.is_complete();
        let mut found = look(&view, is_all);
        for _ in 0..REPLACED_MAX {
            match wanted(&found) {
                _ if is_all => break,
                Wanted::Of(server) if view.provisional(server).is_some() => {
                    let server = server.clone();
                    Box::pin(self.lists_of(side, &server)).await;
                }
                Wanted::Unknown => Box::pin(self.first_lists(side)).await,
                Wanted::Of(_) | Wanted::Nothing => break,
            }
            view = self.view(side);
            found = look(&view, true);
            // Those that were waited for may have been replaced meanwhile; what took their place has not been waited for.
            let now = self.servers();
            is_all = view.is_complete() || Arc::ptr_eq(&servers, &now);
            servers = now;
        }
        found
    }

    /// Waits for the lists of one server, within limits; starts it if need be.
    async fn lists_of(self: &Arc<Self>, side: &Side<'_>, server: &Arc<Server>) {
        let upstream = self.upstream(side, server);
        // Who calls it hears why it does not start.
        let _ = tokio::time::timeout(self.settings.list_wait, upstream.listed()).await;
    }

    /// Starts the servers whose lists are not known and waits for them, within limits. Servers that failed before are
    /// tried again without waiting.
    pub(crate) async fn first_lists(self: &Arc<Self>, side: &Side<'_>) {
        self.join(side);
        let view = self.view(side);
        if view.is_complete() {
            return;
        }
        let unknown = view
            .parts
            .iter()
            .filter(|part| !part.is_known() && part.server.barred().is_none());
        let (tried, fresh): (Vec<&Part>, Vec<&Part>) =
            unknown.partition(|part| part.server.failure().is_some());
        for part in tried {
            let upstream = self.upstream(side, &part.server);
            tokio::spawn(async move { drop(upstream.listed().await) });
        }
        let waits: Vec<_> = fresh
            .into_iter()
            .map(|part| {
                let upstream = self.upstream(side, &part.server);
                tokio::spawn(async move { upstream.listed().await })
            })
            .collect();
        // Who is late is seen by the next list; the client is told of the change.
        let _ = tokio::time::timeout(self.settings.list_wait, join_all(waits)).await;
    }
}

/// Whether a list shows what other requests did: where it must not, it does not.
fn follows(side: &Side<'_>) -> bool {
    side.era == Era::Handshake || side.is_endpoint
}

fn same(a: &[Part], b: &[Part]) -> bool {
    let same_lists = |a: &Option<Arc<Lists>>, b: &Option<Arc<Lists>>| match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        _ => false,
    };
    a.len() == b.len()
        && a.iter().zip(b).all(|(a, b)| {
            a.is_listed == b.is_listed
                && a.is_provisional == b.is_provisional
                && a.hidden == b.hidden
                && Arc::ptr_eq(&a.server, &b.server)
                && same_lists(&a.lists, &b.lists)
        })
}
