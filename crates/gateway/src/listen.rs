//! One client's `subscriptions/listen` stream (2026-07-28): ended at the gateway, fed by the listen streams of all
//! upstreams and by our own changes.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use wire::{Frame, Object, build, meta, method, quote};

use crate::calls::CallHandle;
use crate::lists::Kind;
use crate::naming;
use crate::outbox::lock;
use crate::upstream::Upstream;

/// See the module.
pub(crate) struct Listen {
    pub(crate) number: u64,
    /// The client's id of the request, raw JSON: the subscription id of every message.
    id: Box<str>,
    pub(crate) handle: Arc<CallHandle>,
    wants: Wants,
    /// Nothing is sent before the acknowledgement.
    acknowledged: AtomicBool,
    /// What it asked of which upstream, to be taken back in the end.
    asked: Mutex<Vec<Asked>>,
}

/// What a client wants to hear of, by the names that it knows.
#[derive(Default, Debug)]
pub(crate) struct Wants {
    pub(crate) tools: bool,
    pub(crate) prompts: bool,
    pub(crate) resources: bool,
    pub(crate) uris: HashSet<Box<str>>,
    pub(crate) tasks: HashSet<Box<str>>,
}

/// Resources and tasks of one upstream, by its own names.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) uris: Vec<Box<str>>,
    /// What the client calls these resources.
    pub(crate) names: Vec<Box<str>>,
    pub(crate) tasks: Vec<Box<str>>,
}

impl Wants {
    /// Reads `params.notifications`.
    ///
    /// # Errors
    /// It is no object, or a member is of the wrong type.
    pub(crate) fn read(params: &Object<'_>) -> Result<Self, String> {
        let wanted = params
            .object("notifications")
            .map_err(|e| format!("notifications: {e}"))?;
        let wanted = wanted.ok_or("notifications is missing: say what to listen to")?;
        let flag = |name: &str| {
            wanted
                .bool(name)
                .map(Option::unwrap_or_default)
                .map_err(|e| format!("notifications.{name}: {e}"))
        };
        let names = |name: &str| -> Result<HashSet<Box<str>>, String> {
            let raw = wanted
                .get(name)
                .map_err(|e| format!("notifications.{name}: {e}"))?;
            let raw = raw.filter(|raw| *raw != "null").unwrap_or("[]");
            let names: Vec<Box<str>> = serde_json::from_str(raw)
                .map_err(|_| format!("notifications.{name} is no list of strings"))?;
            Ok(names.into_iter().collect())
        };
        Ok(Self {
            tools: flag("toolsListChanged")?,
            prompts: flag("promptsListChanged")?,
            resources: flag("resourcesListChanged")?,
            uris: names("resourceSubscriptions")?,
            tasks: names("taskIds")?,
        })
    }

    /// As a client reads it.
    fn write(&self) -> String {
        let mut members = Vec::new();
        for (name, on) in [
            ("toolsListChanged", self.tools),
            ("promptsListChanged", self.prompts),
            ("resourcesListChanged", self.resources),
        ] {
            if on {
                members.push(format!(r#""{name}":true"#));
            }
        }
        for (name, names) in [
            ("resourceSubscriptions", &self.uris),
            ("taskIds", &self.tasks),
        ] {
            if !names.is_empty() {
                let mut quoted: Vec<String> = names.iter().map(|name| quote(name)).collect();
                quoted.sort();
                members.push(format!(r#""{name}":[{}]"#, quoted.join(",")));
            }
        }
        format!("{{{}}}", members.join(","))
    }
}

impl Listen {
    pub(crate) fn new(
        number: u64,
        id: &str,
        handle: Arc<CallHandle>,
        wants: Wants,
        asked: Vec<Asked>,
    ) -> Self {
        Self {
            number,
            id: id.into(),
            handle,
            wants,
            acknowledged: AtomicBool::new(false),
            asked: Mutex::new(asked),
        }
    }

    /// What it asks of which upstream.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        lock(&self.asked).clone()
    }

    /// Asks of the upstream that `successor` gives what it asked of one whose server is gone; what that is. Tasks end with
    /// their server.
    pub(crate) fn moves(
        &self,
        is_gone: impl Fn(&Upstream) -> bool,
        successor: impl Fn(&Upstream) -> Arc<Upstream>,
    ) -> Vec<Asked> {
        let mut asked = lock(&self.asked);
        let gone = asked.iter_mut().filter(|one| is_gone(&one.upstream));
        gone.map(|one| {
            one.upstream = successor(&one.upstream);
            one.tasks.clear();
            one.clone()
        })
        .collect()
    }

    /// Tells the client what it will hear of; only then messages follow.
    pub(crate) fn acknowledge(&self) {
        let params = format!(
            r#"{{"notifications":{},"_meta":{}}}"#,
            self.wants.write(),
            self.stamp()
        );
        self.handle.slot.message(build::notification(
            method::SUBSCRIPTIONS_ACKNOWLEDGED,
            Some(&params),
        ));
        self.acknowledged.store(true, Ordering::Release);
    }

    fn stamp(&self) -> String {
        format!(r#"{{"{}":{}}}"#, meta::SUBSCRIPTION_ID, self.id)
    }

    /// A list changed.
    pub(crate) fn list_changed(&self, kind: Kind) {
        let wants = match kind {
            Kind::Tools => self.wants.tools,
            Kind::Prompts => self.wants.prompts,
            Kind::Resources | Kind::Templates => self.wants.resources,
        };
        if wants {
            self.send(build::notification(
                kind.changed(),
                Some(&format!(r#"{{"_meta":{}}}"#, self.stamp())),
            ));
        }
    }

    /// Ends the stream in good order: with an ordinary result.
    pub(crate) fn end(&self) {
        let result = format!(r#"{{"resultType":"complete","_meta":{}}}"#, self.stamp());
        if let Ok(frame) = Frame::parse(build::result(&self.id, &result)) {
            self.handle.slot.finish(Ok((frame, 200)));
        }
    }

    /// What the client calls this resource of an upstream, if it wants to hear of it or of what it is a part of.
    pub(crate) fn wants_uri(&self, upstream: u64, uri: &str) -> Option<String> {
        let asked = lock(&self.asked);
        let of_upstream = asked.iter().filter(|one| one.upstream.id == upstream);
        of_upstream
            .flat_map(|one| one.uris.iter().zip(&one.names))
            .find_map(|(own, name)| naming::within(uri, own, name))
    }

    pub(crate) fn wants_task(&self, task: &str) -> bool {
        self.wants.tasks.contains(task)
    }

    /// Passes on a notification, stamped for this stream.
    pub(crate) fn tell(&self, notification: &Bytes) {
        let Ok(frame) = Frame::parse(notification.clone()) else {
            return;
        };
        let Some(params) = frame.params_object().ok() else {
            return;
        };
        let mut edits = frame.edit();
        match params.object("_meta") {
            Ok(Some(object)) => edits.set(&object, meta::SUBSCRIPTION_ID, &*self.id),
            _ => edits.set(&params, "_meta", self.stamp()),
        }
        self.send(edits.apply());
    }

    fn send(&self, message: Bytes) {
        if self.acknowledged.load(Ordering::Acquire) {
            self.handle.slot.message(message);
        }
    }
}
