//! The tools that one script sees, and where each leads. What is read of a list is kept as long as the list is, because
//! scripts are many and lists change seldom.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};

use serde_json::{Value, json};
use wire::{Era, Object};

use crate::annotation::Mirrored;
use crate::front::Caller;
use crate::limits::SCRIPT_SCOPES_MAX;
use crate::lists::{Item, Lists};
use crate::outbox::lock;
use crate::scripts::Tool;
use crate::view::{Part, Target};

/// See the module.
pub(crate) struct Scope {
    tools: Vec<(Arc<Tool>, Target)>,
    /// From a tool, by its address, to its place.
    places: HashMap<usize, usize>,
}

impl Scope {
    /// The tools of these parts of a view of clients of this era.
    pub(crate) fn new<'a>(
        seen: &Seen,
        parts: impl IntoIterator<Item = &'a Part>,
        era: Era,
        caller: &Caller,
    ) -> Self {
        let mut tools = Vec::new();
        for part in parts {
            let of_part = seen.of(part, era, caller);
            tools.extend(of_part.iter().map(|(tool, mirrored)| {
                let target = Target {
                    server: part.server.clone(),
                    own: tool.name.as_str().into(),
                    mirrored: mirrored.clone(),
                };
                (tool.clone(), target)
            }));
        }
        let place = |(at, (tool, _)): (usize, &(Arc<Tool>, Target))| (address(tool), at);
        let places = tools.iter().enumerate().map(place).collect();
        Self { tools, places }
    }

    pub(crate) fn tools(&self) -> Vec<Arc<Tool>> {
        self.tools.iter().map(|(tool, _)| tool.clone()).collect()
    }

    /// Where a tool of these leads.
    pub(super) fn target(&self, tool: &Arc<Tool>) -> Option<&Target> {
        let at = self.places.get(&address(tool))?;
        Some(&self.tools[*at].1)
    }
}

fn address(tool: &Arc<Tool>) -> usize {
    Arc::as_ptr(tool).addr()
}

type Tools = Arc<[(Arc<Tool>, Arc<[Mirrored]>)]>;

/// What was read of lists.
#[derive(Default)]
pub(crate) struct Seen(Mutex<HashMap<Key, (Weak<Lists>, Tools)>>);

/// A list, by its address, and for whom it was read.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    lists: usize,
    era: Era,
    origin: String,
}

impl Seen {
    fn of(&self, part: &Part, era: Era, caller: &Caller) -> Tools {
        let Some(lists) = &part.lists else {
            return Arc::new([]);
        };
        let origin = part.server.origin(caller);
        let key = Key {
            lists: Arc::as_ptr(lists).addr(),
            era,
            origin: origin.clone(),
        };
        // Held weakly, an address is not given to another list.
        if let Some((_, tools)) = lock(&self.0).get(&key) {
            return tools.clone();
        }
        let items = part.tools(era);
        let read = items.iter().map(|item| {
            let tool = read(&part.server.name, &origin, item);
            (Arc::new(tool), item.mirrored.clone().into())
        });
        let tools: Tools = read.collect();
        let mut seen = lock(&self.0);
        seen.retain(|_, (lists, _)| lists.strong_count() > 0);
        if seen.len() >= SCRIPT_SCOPES_MAX {
            seen.clear();
        }
        seen.insert(key, (Arc::downgrade(lists), tools.clone()));
        tools
    }
}

fn read(server: &str, origin: &str, item: &Item) -> Tool {
    let object = Object::parse(&item.raw).unwrap_or_else(|_| Object::empty());
    let schema = |name: &str| -> Option<Value> {
        serde_json::from_str(object.get(name).ok().flatten()?).ok()
    };
    let description = object.string("description").ok().flatten();
    Tool {
        server: server.to_owned(),
        name: item.key.to_string(),
        origin: origin.to_owned(),
        description: description.map_or_else(String::new, std::borrow::Cow::into_owned),
        input: Arc::new(schema("inputSchema").unwrap_or_else(|| json!({"type": "object"}))),
        output: schema("outputSchema").map(Arc::new),
    }
}

#[cfg(test)]
mod tests {
    use catalog::{Entry, ServerName};

    use super::*;
    use crate::server::Server;
    use crate::telemetry::Telemetry;

    #[test]
    fn what_is_kept_goes_with_its_list_and_has_a_limit() {
        let entry = Entry::command(ServerName::new("a").unwrap(), "x", [""; 0]);
        let server = Server::new(entry, None, None, Telemetry::new(None).of_server("a"), 0);
        let mut part = Part {
            server: Arc::new(server),
            lists: None,
            is_provisional: false,
            is_listed: true,
            hidden: None,
        };
        let item = Item {
            key: "t".into(),
            raw: r#"{"name":"t","description":"d","inputSchema":{"type":"object"}}"#.into(),
            mirrored: Vec::new(),
        };
        let (seen, caller) = (Seen::default(), Caller("c".into()));
        let mut of = |lists: &Arc<Lists>| {
            part.lists = Some(lists.clone());
            seen.of(&part, Era::Handshake, &caller)
        };
        let list = || {
            Arc::new(Lists {
                tools: vec![item.clone()],
                ..Lists::default()
            })
        };
        let lists: Vec<Arc<Lists>> = (0..=SCRIPT_SCOPES_MAX).map(|_| list()).collect();
        let first = of(&lists[0]);
        assert_eq!((&*first[0].0.name, &*first[0].0.description), ("t", "d"));
        assert!(Arc::ptr_eq(&first, &of(&lists[0])), "read once");
        for lists in &lists {
            of(lists);
        }
        assert_eq!(lock(&seen.0).len(), 1, "all gave way to the one too many");
        of(&lists[0]);
        assert_eq!(lock(&seen.0).len(), 2);
        drop(lists);
        of(&list());
        assert_eq!(lock(&seen.0).len(), 1, "the others are gone");
    }
}
