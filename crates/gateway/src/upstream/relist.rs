//! Reading a server's lists: all of them after the start, single ones when it says that they changed.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;
use wire::{Era, Frame, Object, elements, quote};

use super::start::stateless_params;
use super::{Live, Upstream};
use crate::core::Core;
use crate::error::Fault;
use crate::limits::{
    BRIDGED_TTL_MS, LIST_BYTES_MAX, LIST_ITEMS_MAX, LIST_PAGES_MAX, LIST_TIMEOUT, PINS_FRESH,
    RELIST_STEP, RELISTS_AT_ONCE,
};
use crate::lists::{Kind, Lists, read_items};
use crate::outbox::lock;
use crate::workspace::Workspace;

/// One list, read to its last page.
#[derive(Default)]
struct Read {
    items: Vec<crate::lists::Item>,
    problems: Vec<String>,
    ttl_ms: Option<u64>,
    is_public: bool,
}

/// How often lists are read again: at once as long as changes are rare, in measured steps when they do not end.
#[derive(Default)]
pub(super) struct Pace {
    /// When the next reading would be due if all since the last quiet time were in step.
    due: Mutex<Option<Instant>>,
}

impl Pace {
    /// How long to wait before the next reading, which is counted.
    fn rest(&self) -> Duration {
        let now = Instant::now();
        let mut due = lock(&self.due);
        let step = due.map_or(now, |due| due.max(now));
        *due = Some(step + RELIST_STEP);
        (step - now).saturating_sub(RELIST_STEP * RELISTS_AT_ONCE)
    }
}

impl Upstream {
    /// The lists of a server that has just started. Conversations that have seen other ones are told.
    ///
    /// # Errors
    /// It lets everybody in and shows nothing before somebody has signed in.
    pub(super) async fn first_lists(self: &Arc<Self>, live: &Arc<Live>) -> Result<(), Fault> {
        let Ok(core) = self.core() else { return Ok(()) };
        let before = self.lists();
        let lists = self.read_all(live, before.as_deref()).await;
        if self.current().is_none() {
            return Ok(());
        }
        let pass = self.pass().filter(|_| !lists.problems.is_empty());
        if let Some(fault) = pass.and_then(|pass| pass.unsigned()) {
            return Err(fault);
        }
        // Lists that are what they were stay the same object: views made of them need not be made anew.
        let lists = match before.clone().filter(|before| **before == lists) {
            Some(same) => same,
            None => Arc::new(lists),
        };
        let clients = self.key.clients;
        // Looked at while nobody can see the new ones.
        let seen: Vec<(Arc<Workspace>, Option<Arc<Lists>>)> = self
            .workspaces()
            .into_iter()
            .map(|workspace| {
                let former = workspace.provisional(&self.server, clients);
                (workspace, former)
            })
            .collect();
        self.lists.store(Some(lists.clone()));
        let learnt = core.learn(self, &lists);
        core.changed();
        // Not before: who waited for them would look at a view without them.
        self.is_listed.store(true, Ordering::Release);
        self.turned.notify_waiters();
        let known = before.or(learnt);
        // Who has not listed yet will see them anyway.
        let sees = |w: &Arc<Workspace>| core.lists_in(w, &self.server, clients);
        for (workspace, former) in seen.into_iter().filter(|(w, _)| sees(w)) {
            let known = former.as_ref().or(known.as_ref());
            let known = |kind: Kind| known.map_or(&[][..], |known| known.of(kind));
            let mut news: Vec<Kind> = Kind::ALL.into_iter().collect();
            news.retain(|kind| known(*kind) != lists.of(*kind));
            news.retain(|kind| workspace.was_given(*kind, clients));
            for kind in once(&news) {
                workspace.list_changed(kind, clients);
            }
        }
        self.watch_lists(live);
        self.read_stale();
        Ok(())
    }

    /// It will not list anything: conversations that still see what the server had that was here before it see that no more.
    pub(super) fn lists_nothing(&self, core: &Core) {
        if self.lists.load().is_some() {
            return;
        }
        let clients = self.key.clients;
        let seen: Vec<(Arc<Workspace>, Arc<Lists>)> = self
            .workspaces()
            .into_iter()
            .filter_map(|workspace| {
                let former = workspace.provisional(&self.server, clients)?;
                Some((workspace, former))
            })
            .collect();
        core.changed();
        for (workspace, former) in seen {
            let mut gone: Vec<Kind> = Kind::ALL.into_iter().collect();
            gone.retain(|kind| !former.of(*kind).is_empty());
            gone.retain(|kind| workspace.was_given(*kind, clients));
            for kind in once(&gone) {
                workspace.list_changed(kind, clients);
            }
        }
    }

    /// The server says that these lists changed: they are read again, and its clients told.
    pub(crate) fn relist(self: &Arc<Self>, kinds: &[Kind]) {
        let bits = kinds.iter().fold(0, |bits, kind| bits | stale_bit(*kind));
        self.stale.fetch_or(bits | bits << HEARD, Ordering::AcqRel);
        self.read_stale();
    }

    /// Changes may have been missed: all lists are read again, and its clients told of those that are others now.
    pub(super) fn recheck(self: &Arc<Self>) {
        self.stale.fetch_or((1 << HEARD) - 1, Ordering::AcqRel);
        self.read_stale();
    }

    /// Reads what is stale. Changes that come meanwhile cause one more reading; one that follows too soon on others waits.
    fn read_stale(self: &Arc<Self>) {
        // While the first reading is under way, what it may have missed waits for its end.
        if self.stale.load(Ordering::Acquire) == 0
            || self.lists.load().is_none()
            || self.relisting.swap(true, Ordering::AcqRel)
        {
            return;
        }
        let upstream = self.clone();
        tokio::spawn(async move {
            while upstream.stale.load(Ordering::Acquire) != 0 {
                let rest = upstream.pace.rest();
                if !rest.is_zero() {
                    tokio::time::sleep(rest).await;
                }
                let stale = upstream.stale.swap(0, Ordering::AcqRel);
                upstream.relist_now(stale).await;
            }
            upstream.relisting.store(false, Ordering::Release);
            upstream.read_stale();
        });
    }

    async fn relist_now(self: &Arc<Self>, stale: u8) {
        let Ok(_turn) = self.relist_turn.acquire().await else {
            return;
        };
        let (Some(live), Some(before), Ok(core)) = (self.current(), self.lists(), self.core())
        else {
            return;
        };
        let mut lists = Lists::clone(&before);
        let mut changed = Vec::new();
        let is_stale =
            |kind: &Kind| stale & stale_bit(*kind) != 0 && before.has_capability(kind.capability());
        for kind in Kind::ALL.into_iter().filter(is_stale) {
            let read = self.read_list(&live, kind).await;
            lists
                .problems
                .retain(|problem| !is_about(problem, kind.member()));
            match read {
                Ok(read) => {
                    let was_heard = stale & (stale_bit(kind) << HEARD) != 0;
                    if was_heard || read.items != before.of(kind) {
                        changed.push(kind);
                    }
                    lists.set(kind, read.items);
                    lists.problems.extend(read.problems);
                }
                // The old list stays.
                Err(fault) => lists.problems.push(format!("{}: {fault}", kind.member())),
            }
        }
        if lists == *before && changed.is_empty() {
            return;
        }
        core.note_pins(&self.server, &lists);
        self.lists.store(Some(Arc::new(lists)));
        core.changed();
        let clients = self.key.clients;
        let sees = |w: &Arc<Workspace>| core.lists_in(w, &self.server, clients);
        for workspace in self.workspaces().into_iter().filter(sees) {
            for kind in once(&changed) {
                workspace.list_changed(kind, clients);
            }
        }
    }

    /// Reads the tools once more, for what a server demands of calls is in their schemas.
    pub(crate) async fn reread_tools(self: &Arc<Self>) {
        self.relist_now(stale_bit(Kind::Tools)).await;
    }

    /// Has the tools read again where that was long ago, since a server may change them and say nothing: a call is about one of
    /// them. With `waits`, what was not read yet or is old is waited for.
    pub(crate) async fn look_again(self: &Arc<Self>, waits: bool) {
        if waits && self.lists().is_none() {
            // Why it does not start is told to the call itself.
            let _ = self.listed().await;
        }
        let (Some(_), Ok(core)) = (self.lists(), self.core()) else {
            return;
        };
        let now = core.now_ms();
        let read = self.tools_read_ms.load(Ordering::Relaxed);
        if self.current().is_none() || Duration::from_millis(now.saturating_sub(read)) < PINS_FRESH
        {
            return;
        }
        self.tools_read_ms.store(now, Ordering::Relaxed);
        if waits {
            return self.reread_tools().await;
        }
        let tools = stale_bit(Kind::Tools);
        self.stale.fetch_or(tools, Ordering::AcqRel);
        self.read_stale();
    }

    /// Reads the lists once more if they are older than the server allows and nothing tells of their changes.
    pub(crate) async fn freshen(self: &Arc<Self>) {
        let Some(lists) = self.lists() else { return };
        let age = self.core().map_or(0, |core| {
            core.now_ms().saturating_sub(self.watch.listed_at_ms())
        });
        let Some(live) = self.current() else { return };
        let tells = |capability: &str| {
            !lists.has_capability(capability) || lists.has_ability(capability, "listChanged")
        };
        let tells_all =
            self.watch.is_open() && ["tools", "prompts", "resources"].into_iter().all(tells);
        if live.era() == Era::Stateless && !tells_all && age >= lists.ttl_ms.unwrap_or(0) {
            let fresh = self.read_all(&live, Some(&lists)).await;
            if fresh != *lists
                && let Ok(core) = self.core()
            {
                core.note_pins(&self.server, &fresh);
                self.lists.store(Some(Arc::new(fresh)));
                core.changed();
            }
        }
    }

    /// All lists. One that cannot be read is as it was before.
    async fn read_all(self: &Arc<Self>, live: &Arc<Live>, before: Option<&Lists>) -> Lists {
        let hello = live.hello();
        let mut lists = Lists {
            capabilities: hello.map_or("{}".into(), |hello| hello.capabilities.clone()),
            instructions: hello.and_then(|hello| hello.instructions.clone()),
            is_stateless: live.era() == Era::Stateless,
            is_public: true,
            ..Lists::default()
        };
        if let Ok(core) = self.core() {
            self.watch.set_listed_at_ms(core.now_ms());
            self.tools_read_ms.store(core.now_ms(), Ordering::Relaxed);
        }
        let declared = Kind::ALL.map(|kind| lists.has_capability(kind.capability()));
        let read = |kind: Kind, declared: bool| async move {
            if declared {
                Some(self.read_list(live, kind).await)
            } else {
                None
            }
        };
        let [tools, prompts, resources, templates] = declared;
        let (tools, prompts, resources, templates) = tokio::join!(
            read(Kind::Tools, tools),
            read(Kind::Prompts, prompts),
            read(Kind::Resources, resources),
            read(Kind::Templates, templates)
        );
        for (kind, outcome) in Kind::ALL
            .into_iter()
            .zip([tools, prompts, resources, templates])
        {
            match outcome {
                None => {}
                Some(Ok(read)) => {
                    lists.set(kind, read.items);
                    lists.problems.extend(read.problems);
                    lists.ttl_ms = match (lists.ttl_ms, read.ttl_ms) {
                        (Some(a), Some(b)) => Some(a.min(b)),
                        (a, b) => a.or(b),
                    };
                    lists.is_public &= read.is_public;
                }
                // Servers that declare resources often have no templates method.
                Some(Err(Fault::UnknownMethod(_))) if kind == Kind::Templates => {}
                Some(Err(fault)) => {
                    lists.set(
                        kind,
                        before.map_or(Vec::new(), |lists| lists.of(kind).to_vec()),
                    );
                    lists.problems.push(format!("{}: {fault}", kind.member()));
                }
            }
        }
        let tells = |capability: &str| {
            !lists.has_capability(capability) || lists.has_ability(capability, "listChanged")
        };
        if !lists.is_stateless && ["tools", "prompts", "resources"].into_iter().all(tells) {
            lists.ttl_ms = Some(BRIDGED_TTL_MS);
        }
        lists
    }

    async fn read_list(self: &Arc<Self>, live: &Arc<Live>, kind: Kind) -> Result<Read, Fault> {
        let mut read = Read {
            is_public: true,
            ..Read::default()
        };
        let mut seen = HashSet::new();
        let mut cursors = HashSet::new();
        let mut cursor: Option<String> = None;
        let mut bytes = 0;
        for _ in 0..LIST_PAGES_MAX {
            let members = cursor.as_deref().map_or(String::new(), |cursor| {
                format!(r#""cursor":{}"#, quote(cursor))
            });
            let params = match live.era() {
                Era::Handshake => format!("{{{members}}}"),
                Era::Stateless => stateless_params(&members),
            };
            let frame = self
                .ask(live, kind.method(), Some(&params), LIST_TIMEOUT)
                .await?;
            bytes += frame.bytes().len();
            let result = self.page(kind, &frame)?;
            let items = result.get(kind.member()).ok().flatten().unwrap_or("[]");
            let items = elements(items)
                .map_err(|e| self.unavailable(format!("its {} are broken: {e}", kind.member())))?;
            read.items
                .extend(read_items(kind, &items, &mut seen, &mut read.problems));
            read.is_public &=
                result.string("cacheScope").ok().flatten().as_deref() == Some("public");
            read.ttl_ms = result.u64("ttlMs").ok().flatten();
            cursor = result
                .string("nextCursor")
                .ok()
                .flatten()
                .map(std::borrow::Cow::into_owned);
            if read.items.len() > LIST_ITEMS_MAX {
                break;
            }
            match &cursor {
                None => return Ok(read),
                Some(next) if !cursors.insert(next.clone()) => {
                    read.problems.push(format!(
                        "{}: the same cursor came twice; the rest was not read",
                        kind.member()
                    ));
                    return Ok(read);
                }
                Some(_) if bytes > LIST_BYTES_MAX => break,
                Some(_) => {}
            }
        }
        read.items.truncate(LIST_ITEMS_MAX);
        read.problems.push(format!(
            "{}: there are more than we read ({})",
            kind.member(),
            read.items.len()
        ));
        Ok(read)
    }

    fn page<'a>(&self, kind: Kind, frame: &'a Frame) -> Result<Object<'a>, Fault> {
        let Some(result) = frame.result() else {
            let error = frame.error_object().ok().flatten();
            let number = error.as_ref().and_then(|e| e.get("code").ok().flatten());
            if number == Some("-32601") {
                return Err(Fault::UnknownMethod(kind.method().to_owned()));
            }
            let message = error
                .as_ref()
                .and_then(|e| e.string("message").ok().flatten())
                .unwrap_or_default();
            return Err(self.unavailable(format!(
                "it answered {} with an error: {message}",
                kind.method()
            )));
        };
        Object::parse(result).map_err(|e| {
            self.unavailable(format!("its answer to {} is broken: {e}", kind.method()))
        })
    }
}

/// The kinds, resources and templates counted as one: they share a notification.
fn once(kinds: &[Kind]) -> Vec<Kind> {
    let mut once: Vec<Kind> = Vec::new();
    for kind in kinds {
        if !once.iter().any(|known| known.changed() == kind.changed()) {
            once.push(*kind);
        }
    }
    once
}

/// In `Upstream::stale`, how far left of a list's bit stands the one that says that its server told of the change.
const HEARD: u8 = 4;

fn stale_bit(kind: Kind) -> u8 {
    match kind {
        Kind::Tools => 1,
        Kind::Prompts => 2,
        Kind::Resources => 4,
        Kind::Templates => 8,
    }
}

fn is_about(problem: &str, member: &str) -> bool {
    problem
        .strip_prefix(member)
        .is_some_and(|rest| rest.starts_with(':'))
}
