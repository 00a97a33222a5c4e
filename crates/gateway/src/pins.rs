//! What each tool looked like when it was first seen, so that one that changes silently is noticed: its name stays, and it may do
//! something else by now. Owns what is compared (what a model or a client reads of a tool), and what follows. Kept in the store,
//! under what the server is started from; a server that is somebody else's now has pins of its own. Without a store it lasts as
//! long as the process. `docs/guide/guards.md` says it for people.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_lc_rs::digest::{SHA256, digest};
use catalog::Entry;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::StoreHandle;

use crate::error::Fault;
use crate::limits::{PIN_BYTES_MAX, PINS_MAX};
use crate::lists::Lists;
use crate::outbox::lock;
use crate::phase::Denial;
use crate::server::Server;

/// What becomes of a tool whose definition changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pin {
    /// Nothing is compared.
    #[default]
    Off,
    /// It is told.
    Warn,
    /// It is told, and the tool is neither listed nor called until the person has agreed.
    Hold,
}

/// The pins of one server, by tool.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pins {
    /// By the server's own names.
    pub tools: BTreeMap<String, Pinned>,
}

/// One tool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pinned {
    /// Its definition as it was first seen, or agreed to: the members that are compared.
    pub definition: Value,
    /// Another one that was seen since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<Value>,
}

/// What is compared of a definition.
const MEMBERS: [&str; 6] = [
    "name",
    "title",
    "description",
    "inputSchema",
    "outputSchema",
    "annotations",
];

impl Pins {
    /// Reads what the store keeps.
    pub fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// What the store keeps.
    pub fn written(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Agrees to what a tool is now. False: it is what it was, or unknown.
    pub fn approve(&mut self, tool: &str) -> bool {
        let pinned = self.tools.get_mut(tool);
        match pinned.and_then(|pinned| Some((pinned.changed.take()?, pinned))) {
            Some((changed, pinned)) => {
                pinned.definition = changed;
                true
            }
            None => false,
        }
    }

    /// How many tools are others than they were.
    pub fn held(&self) -> usize {
        self.tools
            .values()
            .filter(|one| one.changed.is_some())
            .count()
    }

    /// Takes in what is listed now; the names of tools that are others than they were. The second is whether there is
    /// something new to keep.
    fn compare(&mut self, lists: &Lists) -> (Vec<String>, bool) {
        let (mut news, mut is_other) = (Vec::new(), false);
        for item in &lists.tools {
            let Some(seen) = compared(&item.raw) else {
                continue;
            };
            let has_room = self.tools.len() < PINS_MAX;
            match self.tools.get_mut(&*item.key) {
                None if has_room => {
                    let pinned = Pinned {
                        definition: seen,
                        changed: None,
                    };
                    self.tools.insert(item.key.to_string(), pinned);
                    is_other = true;
                }
                None => {}
                Some(pinned) if pinned.definition == seen => {
                    is_other |= pinned.changed.take().is_some();
                }
                Some(pinned) if pinned.changed.as_ref() == Some(&seen) => {}
                Some(pinned) => {
                    pinned.changed = Some(seen);
                    news.push(item.key.to_string());
                    is_other = true;
                }
            }
        }
        (news, is_other)
    }
}

/// The members of a definition that are compared; of a very large one the digest.
fn compared(raw: &str) -> Option<Value> {
    let mut all: Map<String, Value> = serde_json::from_str(raw).ok()?;
    all.retain(|name, _| MEMBERS.contains(&name.as_str()));
    let value = Value::Object(all);
    let text = value.to_string();
    if text.len() <= PIN_BYTES_MAX {
        return Some(value);
    }
    let sum = digest(&SHA256, text.as_bytes());
    let hex: String = sum
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Some(Value::String(format!("sha256:{hex}")))
}

/// Under what the store keeps the pins of an entry's server.
pub fn pins_key(entry: &Entry) -> String {
    let facts = crate::rules::server_facts(entry);
    let sum = digest(&SHA256, facts.source.as_bytes());
    let hex: String = sum.as_ref()[..12]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("pins/{}/{hex}", facts.name)
}

/// The pins of all servers, as far as this process knows them.
pub(crate) struct AllPins {
    mode: Pin,
    /// Where they outlive the process.
    store: Option<StoreHandle>,
    known: Mutex<HashMap<Box<str>, Pins>>,
    /// Whether any tool that this process knows of is another one than it was.
    has_changed: AtomicBool,
}

impl AllPins {
    pub(crate) fn new(mode: Pin, store: Option<StoreHandle>) -> Self {
        Self {
            mode,
            store,
            known: Mutex::default(),
            has_changed: AtomicBool::new(false),
        }
    }

    /// Takes in what a server lists; what is to be told of it, one line for each tool that has changed just now.
    pub(crate) fn seen(&self, server: &Server, lists: &Lists) -> Vec<String> {
        if self.mode == Pin::Off || lists.tools.is_empty() {
            return Vec::new();
        }
        let key = &server.pins;
        let mut known = lock(&self.known);
        // What another process has agreed to or seen meanwhile counts.
        let kept = load(key, self.store.as_ref()).or_else(|| known.remove(key));
        let mut pins = kept.unwrap_or_default();
        let (news, is_other) = pins.compare(lists);
        if is_other && let Some(store) = &self.store {
            // What cannot be kept is seen anew by the next process.
            let _ = store.with(|store| store.meta_put(key, &pins.written()));
        }
        if pins.held() > 0 {
            self.has_changed.store(true, Ordering::Relaxed);
        }
        known.insert(key.clone(), pins);
        let end = match self.mode {
            Pin::Hold => ", and is held back",
            _ => "",
        };
        let told = news.iter().map(|tool| {
            format!("tool {tool:?} has another definition than when it was first seen{end}")
        });
        told.collect()
    }

    /// Whether definitions are compared.
    pub(crate) fn compares(&self) -> bool {
        self.mode != Pin::Off
    }

    /// Whether tools are held back at all.
    pub(crate) fn holds(&self) -> bool {
        self.mode == Pin::Hold
    }

    /// Whether it is worth asking what the person has agreed to meanwhile.
    pub(crate) fn holds_any(&self) -> bool {
        self.holds() && self.has_changed.load(Ordering::Relaxed)
    }

    /// Whether a tool is held back.
    pub(crate) fn is_held(&self, server: &Server, tool: &str) -> bool {
        if !self.holds() {
            return false;
        }
        let mut known = lock(&self.known);
        if !known.contains_key(&server.pins) {
            let pins = load(&server.pins, self.store.as_ref()).unwrap_or_default();
            if pins.held() > 0 {
                self.has_changed.store(true, Ordering::Relaxed);
            }
            known.insert(server.pins.clone(), pins);
        }
        let pinned = known
            .get(&server.pins)
            .and_then(|pins| pins.tools.get(tool));
        pinned.is_some_and(|pinned| pinned.changed.is_some())
    }

    /// Whether a tool may be called. Asks the store once more before it says no: the person may have agreed elsewhere.
    pub(crate) fn check(&self, server: &Server, tool: &str) -> Result<(), Fault> {
        if !self.is_held(server, tool) {
            return Ok(());
        }
        self.refresh(server);
        if !self.is_held(server, tool) {
            return Ok(());
        }
        let name = &server.name;
        Err(Fault::Denied(Denial {
            rule: Some("pin".into()),
            reason: format!(
                "the definition of {tool:?} has changed since it was first seen; the person who runs the gateway can look at it with `portolan tools pins {name}` and agree with `portolan tools approve {name} {tool}`"
            ),
        }))
    }

    /// Reads again what the store has of a server. True: less is held back than before.
    pub(crate) fn refresh(&self, server: &Server) -> bool {
        let mut known = lock(&self.known);
        let before = known.get(&server.pins).map_or(0, Pins::held);
        if before == 0 {
            return false;
        }
        let Some(now) = load(&server.pins, self.store.as_ref()) else {
            return false;
        };
        let is_less = now.held() < before;
        known.insert(server.pins.clone(), now);
        is_less
    }
}

fn load(key: &str, store: Option<&StoreHandle>) -> Option<Pins> {
    let text = store?.with(|store| store.meta_get(key)).ok()??;
    Pins::read(&text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lists::Item;

    fn lists(tools: &[(&str, &str)]) -> Lists {
        let item = |(key, rest): &(&str, &str)| Item {
            key: (*key).into(),
            raw: format!(r#"{{"name":"{key}"{rest}}}"#).into(),
            mirrored: Vec::new(),
        };
        Lists {
            tools: tools.iter().map(item).collect(),
            ..Lists::default()
        }
    }

    #[test]
    fn what_is_first_seen_is_what_counts_until_somebody_agrees() {
        let mut pins = Pins::default();
        assert_eq!(
            pins.compare(&lists(&[("a", r#","description":"x""#)])),
            (vec![], true)
        );
        // Order, and what nobody reads, make no difference.
        let same = lists(&[("a", r#","_meta":{"v":2},"description":"x""#)]);
        assert_eq!(pins.compare(&same), (vec![], false));
        let other = lists(&[("a", r#","description":"y""#), ("b", "")]);
        assert_eq!(pins.compare(&other), (vec!["a".to_owned()], true));
        // It is told once.
        assert_eq!(pins.compare(&other), (vec![], false));
        // What is again as it was needs nobody.
        assert_eq!(pins.compare(&same), (vec![], true));
        assert!(!pins.approve("a"));
        pins.compare(&other);
        assert!(pins.approve("a") && !pins.approve("b") && !pins.approve("c"));
        assert_eq!(pins.compare(&other), (vec![], false));
        assert_eq!(Pins::read(&pins.written()), Some(pins));
    }

    #[test]
    fn what_is_very_large_is_compared_all_the_same() {
        let large = |end: &str| {
            let text = "x".repeat(PIN_BYTES_MAX);
            lists(&[("a", &format!(r#","description":"{text}{end}""#))])
        };
        let mut pins = Pins::default();
        pins.compare(&large("1"));
        assert!(pins.written().len() < 1_000);
        assert_eq!(pins.compare(&large("2")).0, ["a"]);
    }

    #[test]
    fn there_is_an_end_to_what_is_kept() {
        let names: Vec<String> = (0..PINS_MAX + 3).map(|n| format!("t{n}")).collect();
        let tools: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
        let mut pins = Pins::default();
        pins.compare(&lists(&tools));
        assert_eq!(pins.tools.len(), PINS_MAX);
    }
}
