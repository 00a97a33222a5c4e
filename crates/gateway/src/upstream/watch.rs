//! Our own `subscriptions/listen` towards a server of the stateless era: one stream per upstream, opened again with
//! a wider filter when a client wants more, and after each break.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use wire::{Era, Frame, build, meta, method, quote};

use super::start::stateless_params;
use super::{Behalf, Live, Outgoing, Upstream};
use crate::calls::CallHandle;
use crate::limits::RETRY_WAIT_MAX;
use crate::lists::Lists;
use crate::outbox::lock;
use crate::slot::Step;

/// See the module.
#[derive(Default)]
pub(crate) struct Watch {
    wants: Mutex<Wants>,
    /// Told of new wishes, of acknowledgements and of the end.
    turned: Notify,
    is_running: AtomicBool,
    is_open: AtomicBool,
    is_stopped: AtomicBool,
    listed_at_ms: AtomicU64,
}

#[derive(Default)]
struct Wants {
    tasks: HashMap<Box<str>, usize>,
    /// Counts changes of these, and of the resources that are wanted.
    version: u64,
    /// The version that the server has acknowledged, or that asks nothing of it.
    settled: Option<u64>,
    /// The version that is being asked for.
    asked: u64,
    /// Our id of the request that asks for it.
    request: u64,
}

impl Watch {
    /// Whether a stream is open, so that changes are heard of.
    pub(crate) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    /// Whether a client wants to hear of single tasks.
    pub(crate) fn is_wanted(&self) -> bool {
        !lock(&self.wants).tasks.is_empty()
    }

    /// Adds tasks, by the server's own names, or takes note of new resources (see `Upstream::want`).
    pub(crate) fn add(&self, tasks: &[Box<str>], has_new_resources: bool) {
        let mut wants = lock(&self.wants);
        let mut is_new = has_new_resources;
        for task in tasks {
            is_new |= bump(&mut wants.tasks, task);
        }
        if is_new {
            wants.version += 1;
            drop(wants);
            self.turned.notify_waiters();
        }
    }

    /// Takes them back. The stream is not narrowed for that; what comes too much is dropped.
    pub(crate) fn remove(&self, tasks: &[Box<str>]) {
        let mut wants = lock(&self.wants);
        for task in tasks {
            drop_one(&mut wants.tasks, task);
        }
    }

    /// The server acknowledged a stream; which one, it says by the id of the request.
    pub(crate) fn acknowledged_by(&self, frame: &Frame) {
        let id = || {
            let params = frame.params_object().ok()?;
            let meta = params.object("_meta").ok()??;
            meta.u64(meta::SUBSCRIPTION_ID).ok()?
        };
        let request = lock(&self.wants).request;
        if id().is_none_or(|id| id == request) {
            self.acknowledged();
        } else {
            self.is_open.store(true, Ordering::Relaxed);
        }
    }

    /// The connection has ended: so does the stream over it, which nothing else would tell.
    pub(crate) fn hang_up(&self) {
        self.turned.notify_waiters();
    }

    /// The stream that was asked for last is open.
    fn acknowledged(&self) {
        self.is_open.store(true, Ordering::Relaxed);
        self.settle();
    }

    fn settle(&self) {
        let mut wants = lock(&self.wants);
        wants.settled = Some(wants.asked);
        drop(wants);
        self.turned.notify_waiters();
    }

    /// Waits until everything wanted so far is being listened to, or will not be.
    pub(crate) async fn settled(&self, wait: Duration) {
        let settled = async {
            loop {
                let turned = self.turned.notified();
                tokio::pin!(turned);
                turned.as_mut().enable();
                let is_settled = {
                    let wants = lock(&self.wants);
                    wants.settled == Some(wants.version)
                };
                if is_settled || !self.is_running.load(Ordering::Relaxed) {
                    return;
                }
                turned.await;
            }
        };
        // Later than that, the client is told what it asked for, and hears of changes once the server listens.
        let _ = tokio::time::timeout(wait, settled).await;
    }

    /// Waits for a wish beyond what was asked for; false if the watch is over.
    async fn wished(&self) -> bool {
        loop {
            let turned = self.turned.notified();
            tokio::pin!(turned);
            turned.as_mut().enable();
            if self.is_stopped.load(Ordering::Relaxed) {
                return false;
            }
            {
                let wants = lock(&self.wants);
                if wants.version > wants.asked {
                    return true;
                }
            }
            turned.await;
        }
    }

    pub(crate) fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
        self.turned.notify_waiters();
    }

    pub(crate) fn listed_at_ms(&self) -> u64 {
        self.listed_at_ms.load(Ordering::Relaxed)
    }

    pub(crate) fn set_listed_at_ms(&self, now_ms: u64) {
        self.listed_at_ms.store(now_ms, Ordering::Relaxed);
    }

    /// The filter to ask for; none if nothing of it is to be had.
    fn filter(&self, lists: &Lists, resources: impl FnOnce() -> Vec<Box<str>>) -> Option<String> {
        let mut wants = lock(&self.wants);
        wants.asked = wants.version;
        let uris = resources();
        let mut members = Vec::new();
        for (capability, member) in [
            ("tools", "toolsListChanged"),
            ("prompts", "promptsListChanged"),
            ("resources", "resourcesListChanged"),
        ] {
            if lists.has_ability(capability, "listChanged") {
                members.push(format!(r#""{member}":true"#));
            }
        }
        for (member, wanted) in [
            ("resourceSubscriptions", uris),
            ("taskIds", wants.tasks.keys().cloned().collect()),
        ] {
            if !wanted.is_empty() {
                let mut names: Vec<String> = wanted.iter().map(|name| quote(name)).collect();
                names.sort();
                members.push(format!(r#""{member}":[{}]"#, names.join(",")));
            }
        }
        (!members.is_empty()).then(|| members.join(","))
    }
}

fn bump(counts: &mut HashMap<Box<str>, usize>, name: &str) -> bool {
    let count = counts.entry(name.into()).or_default();
    *count += 1;
    *count == 1
}

fn drop_one(counts: &mut HashMap<Box<str>, usize>, name: &str) {
    if let Some(count) = counts.get_mut(name) {
        *count -= 1;
        if *count == 0 {
            counts.remove(name);
        }
    }
}

impl Upstream {
    /// Whether this is the connection in use.
    fn uses(&self, live: &Weak<Live>) -> bool {
        self.live
            .load()
            .as_ref()
            .is_some_and(|now| std::ptr::eq(Arc::as_ptr(now), live.as_ptr()))
    }

    /// Keeps a listen stream open for as long as this connection lives.
    pub(super) fn watch_lists(self: &Arc<Self>, live: &Arc<Live>) {
        if live.era() != Era::Stateless || self.watch.is_running.swap(true, Ordering::AcqRel) {
            return;
        }
        let (upstream, live) = (Arc::downgrade(self), Arc::downgrade(live));
        tokio::spawn(async move {
            keep_watching(&upstream, &live).await;
            if let Some(upstream) = upstream.upgrade() {
                upstream.watch.is_open.store(false, Ordering::Relaxed);
                upstream.watch.is_running.store(false, Ordering::Release);
                upstream.watch.turned.notify_waiters();
                // Another connection that began before this was over found it running still.
                if let Some(now) = upstream.current()
                    && !std::ptr::eq(live.as_ptr(), Arc::as_ptr(&now))
                {
                    upstream.watch_lists(&now);
                }
            }
        });
    }
}

/// How one stream ended.
enum End {
    /// A wider one is wanted.
    Wider,
    /// The server ended it, or the connection broke.
    Broken,
    /// The server has no such method.
    Refused,
    Stopped,
}

async fn keep_watching(upstream: &Weak<Upstream>, live: &Weak<Live>) {
    let mut old: Option<Arc<CallHandle>> = None;
    let mut failures = 0;
    loop {
        let (Some(up), Some(connection)) = (upstream.upgrade(), live.upgrade()) else {
            break;
        };
        let (Some(lists), Ok(core)) = (up.lists(), up.core()) else {
            break;
        };
        let resources = || lock(&up.subscribed).keys().cloned().collect();
        let Some(filter) = up.watch.filter(&lists, resources) else {
            // Nothing to listen to yet; a later wish may change that.
            up.watch.settle();
            if up.watch.wished().await {
                continue;
            }
            break;
        };
        let id = core.next_id();
        drop(core);
        let handle = CallHandle::new();
        let params = stateless_params(&format!(r#""notifications":{{{filter}}}"#));
        let out = Outgoing {
            id,
            era: Era::Stateless,
            frame: build::request(&id.to_string(), method::SUBSCRIPTIONS_LISTEN, Some(&params)),
            method: method::SUBSCRIPTIONS_LISTEN.into(),
            name: None,
            params: Vec::new(),
            progress: None,
            behalf: Behalf::Gateway,
        };
        let asked = {
            let mut wants = lock(&up.watch.wants);
            wants.request = id;
            wants.asked
        };
        let began = Instant::now();
        let opened = connection.call(&up, &handle, out).await;
        drop(connection);
        let end = match opened {
            Some(Ok((frame, _))) if frame.error().is_some() => End::Refused,
            Some(_) => End::Broken,
            None => {
                // Nothing is missed between the two: the new stream is asked for before the old one ends.
                if let Some(old) = old.take() {
                    up.watch.settled(RETRY_WAIT_MAX).await;
                    old.cancel(None);
                }
                follow(&up, live, &handle, asked).await
            }
        };
        match end {
            End::Wider => {
                failures = 0;
                old = Some(handle);
            }
            End::Refused => break,
            End::Stopped => {
                handle.cancel(None);
                break;
            }
            End::Broken => {
                // Proxies end long streams as a matter of course.
                if began.elapsed() >= RETRY_WAIT_MAX {
                    failures = 0;
                }
                failures += 1;
                up.watch.is_open.store(false, Ordering::Relaxed);
                lock(&up.watch.wants).settled = None;
                drop(up);
                if failures > crate::limits::RESUMES_MAX {
                    break;
                }
                tokio::time::sleep(
                    Duration::from_millis(250 * 2u64.pow(failures)).min(RETRY_WAIT_MAX),
                )
                .await;
                // What changed meanwhile was not heard of.
                if let Some(up) = upstream.upgrade() {
                    up.recheck();
                }
            }
        }
    }
    if let Some(old) = old {
        old.cancel(None);
    }
}

/// Reads one stream until it ends, a wider one is wanted, or its connection is not the upstream's any more. Its messages
/// act by themselves (see `incoming`).
async fn follow(
    up: &Arc<Upstream>,
    live: &Weak<Live>,
    handle: &Arc<CallHandle>,
    asked: u64,
) -> End {
    loop {
        let turned = up.watch.turned.notified();
        tokio::pin!(turned);
        turned.as_mut().enable();
        if up.watch.is_stopped.load(Ordering::Relaxed) || !up.uses(live) {
            return End::Stopped;
        }
        if lock(&up.watch.wants).version > asked {
            return End::Wider;
        }
        tokio::select! {
            step = handle.slot.next() => match step {
                Step::Done(Ok((frame, _))) if frame.error().is_some() => return End::Refused,
                Step::Done(_) => return End::Broken,
                Step::Message(_) | Step::Retry(_) | Step::Asked => {}
            },
            () = turned => {}
        }
    }
}
