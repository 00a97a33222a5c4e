//! What clients wish to hear of without asking each time: log messages from a level on, and changes of resources. Counted
//! here, and asked of the server by the means of its era.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use wire::Era;

use super::{Live, Upstream};
use crate::bridge::Inquiry;
use crate::limits::{LIST_TIMEOUT, SUBSCRIBES_AT_ONCE};
use crate::outbox::lock;
use crate::session::LEVELS;

impl Upstream {
    // === log level ===

    /// A conversation wishes for log messages from this level on. On a shared server the chattiest wish counts, and
    /// who has none leaves the choice to the server; each conversation drops what it does not want.
    pub(crate) fn wish_level(self: &Arc<Self>, wish: u8) {
        let sessions = self
            .workspaces()
            .into_iter()
            .filter_map(|workspace| workspace.session());
        let lowest = sessions
            .map(|session| session.level())
            .min()
            .unwrap_or(wish);
        if lowest > 0 || wish == 0 {
            self.set_level(LEVELS[usize::from(lowest)]);
        }
    }

    /// Asks the server for log messages from this level on, now and after each restart.
    fn set_level(self: &Arc<Self>, level: &'static str) {
        if lock(&self.level).replace(level) == Some(level) {
            return;
        }
        if let Some(live) = self.current() {
            let upstream = self.clone();
            tokio::spawn(async move { upstream.send_level(&live).await });
        }
    }

    /// A server of sessions has one log level for all calls: it is lowered to what this one wants to hear.
    pub(super) async fn listen_for(self: &Arc<Self>, live: &Arc<Live>, inquiry: &Inquiry) {
        let Some(wish) = inquiry.level() else { return };
        let is_lower = {
            let mut level = lock(&self.level);
            let now = level.and_then(crate::session::level_index);
            let is_lower = now.is_none_or(|now| wish < now);
            if is_lower {
                *level = Some(LEVELS[usize::from(wish)]);
            }
            is_lower
        };
        if is_lower {
            self.send_level(live).await;
        }
    }

    pub(super) async fn send_level(self: &Arc<Self>, live: &Arc<Live>) {
        let level = *lock(&self.level);
        let can_log = live
            .hello()
            .is_some_and(|hello| hello.capabilities.contains("\"logging\""));
        if let (Some(level), true, Era::Handshake) = (level, can_log, live.era()) {
            let params = format!(r#"{{"level":"{level}"}}"#);
            // A server that refuses just goes on logging as it likes.
            let _ = self
                .ask(
                    live,
                    wire::method::LOGGING_SET_LEVEL,
                    Some(&params),
                    LIST_TIMEOUT,
                )
                .await;
        }
    }

    // === resource subscriptions ===

    /// Counts a subscription; true if the server has to be asked for it.
    pub(crate) fn subscribe(&self, uri: &str) -> bool {
        let mut subscribed = lock(&self.subscribed);
        let (count, is_agreed) = subscribed.entry(uri.into()).or_default();
        *count += 1;
        !*is_agreed
    }

    /// The server has agreed to a subscription.
    pub(crate) fn subscribed(&self, uri: &str) {
        if let Some((_, is_agreed)) = lock(&self.subscribed).get_mut(uri) {
            *is_agreed = true;
        }
    }

    /// Counts one less; true if it was the last one and the server has agreed to it.
    pub(crate) fn unsubscribe(&self, uri: &str) -> bool {
        let mut subscribed = lock(&self.subscribed);
        let Some((count, is_agreed)) = subscribed.get_mut(uri) else {
            return false;
        };
        *count -= 1;
        let (is_last, is_agreed) = (*count == 0, *is_agreed);
        if is_last {
            subscribed.remove(uri);
        }
        is_last && is_agreed
    }

    /// Clients want to hear of these resources and tasks, by the server's own names.
    pub(crate) fn want(&self, uris: &[Box<str>], tasks: &[Box<str>]) {
        let mut is_new = false;
        {
            let mut subscribed = lock(&self.subscribed);
            for uri in uris {
                let (count, _) = subscribed.entry(uri.clone()).or_default();
                *count += 1;
                is_new |= *count == 1;
            }
        }
        self.watch.add(tasks, is_new);
    }

    /// Waits until the server has been asked to tell of everything wanted so far, or will not be.
    pub(crate) async fn wanted(self: &Arc<Self>, uris: &[Box<str>], wait: Duration) {
        let Some(live) = self.current() else { return };
        match live.era() {
            Era::Stateless => self.watch.settled(wait).await,
            Era::Handshake => {
                let asked = self.ask_to_tell(&live, uris);
                let _ = tokio::time::timeout(wait, asked).await;
            }
        }
    }

    /// They do not want to any more.
    pub(crate) fn unwant(self: &Arc<Self>, uris: &[Box<str>], tasks: &[Box<str>]) {
        self.watch.remove(tasks);
        for uri in uris {
            self.unwanted(uri);
        }
    }

    /// One less wants to hear of a resource; the server is told if nobody does any more.
    pub(crate) fn unwanted(&self, uri: &str) {
        if !self.unsubscribe(uri) {
            return;
        }
        // A listen stream is not narrowed; what comes too much is dropped.
        if let (Some(live), Ok(core)) = (self.current(), self.core())
            && live.era() == Era::Handshake
        {
            let params = format!(r#"{{"uri":{}}}"#, wire::quote(uri));
            // Its answer interests nobody.
            live.send(wire::build::request(
                &core.next_id().to_string(),
                wire::method::RESOURCES_UNSUBSCRIBE,
                Some(&params),
            ));
        }
    }

    /// Asks a server of the handshake era to tell of these resources, as far as it has not agreed to.
    async fn ask_to_tell(self: &Arc<Self>, live: &Arc<Live>, uris: &[Box<str>]) {
        let is_open = |uri: &&str| {
            let subscribed = lock(&self.subscribed);
            subscribed
                .get(*uri)
                .is_some_and(|(_, is_agreed)| !is_agreed)
        };
        let mut open: Vec<&str> = uris.iter().map(|uri| &**uri).filter(is_open).collect();
        open.sort();
        futures_util::stream::iter(open)
            .for_each_concurrent(SUBSCRIBES_AT_ONCE, |uri| async move {
                let params = format!(r#"{{"uri":{}}}"#, wire::quote(uri));
                let asked = wire::method::RESOURCES_SUBSCRIBE;
                let answer = self.ask(live, asked, Some(&params), LIST_TIMEOUT).await;
                // A resource that is gone stays quiet.
                if answer.is_ok_and(|frame| frame.result().is_some()) {
                    self.subscribed(uri);
                }
            })
            .await;
    }
}
