//! What a server said that it offers: its tools, prompts, resources and templates, each item as the bytes
//! that came. Parsed once per change; repaired where clients would choke, with the reason kept.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use wire::{Edits, Era, Object};

use crate::annotation::{self, Mirrored};
use crate::cleaning;

/// The four kinds of lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    Tools,
    Prompts,
    Resources,
    Templates,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] =
        [Self::Tools, Self::Prompts, Self::Resources, Self::Templates];

    /// The method that lists it.
    pub(crate) fn method(self) -> &'static str {
        match self {
            Self::Tools => wire::method::TOOLS_LIST,
            Self::Prompts => wire::method::PROMPTS_LIST,
            Self::Resources => wire::method::RESOURCES_LIST,
            Self::Templates => wire::method::RESOURCES_TEMPLATES_LIST,
        }
    }

    /// The member of the result that holds it.
    pub(crate) fn member(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Prompts => "prompts",
            Self::Resources => "resources",
            Self::Templates => "resourceTemplates",
        }
    }

    /// The member of an item that names it.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Tools | Self::Prompts => "name",
            Self::Resources => "uri",
            Self::Templates => "uriTemplate",
        }
    }

    /// The capability that a server with such a list declares.
    pub(crate) fn capability(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Prompts => "prompts",
            Self::Resources | Self::Templates => "resources",
        }
    }

    /// The notification that tells of its change.
    pub(crate) fn changed(self) -> &'static str {
        match self {
            Self::Tools => wire::method::TOOLS_LIST_CHANGED,
            Self::Prompts => wire::method::PROMPTS_LIST_CHANGED,
            Self::Resources | Self::Templates => wire::method::RESOURCES_LIST_CHANGED,
        }
    }
}

/// One tool, prompt, resource or template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Item {
    /// Its own name, or URI.
    pub(crate) key: Box<str>,
    /// Its definition, as it came (or repaired).
    pub(crate) raw: Box<str>,
    /// Arguments that travel in headers too.
    pub(crate) mirrored: Vec<Mirrored>,
}

/// Everything one server offers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Lists {
    pub(crate) tools: Vec<Item>,
    pub(crate) prompts: Vec<Item>,
    pub(crate) resources: Vec<Item>,
    pub(crate) templates: Vec<Item>,
    /// Whether it was listed in the stateless era.
    pub(crate) is_stateless: bool,
    /// `capabilities`, raw JSON.
    pub(crate) capabilities: Box<str>,
    /// `instructions`, decoded.
    pub(crate) instructions: Option<Box<str>>,
    /// What was left out, and why, and what is odd.
    pub(crate) problems: Vec<String>,
    /// The shortest `ttlMs` of its lists; none where it gave none.
    pub(crate) ttl_ms: Option<u64>,
    /// Whether each of its lists may be shared between callers.
    pub(crate) is_public: bool,
}

impl Lists {
    /// One of the lists.
    pub(crate) fn of(&self, kind: Kind) -> &[Item] {
        match kind {
            Kind::Tools => &self.tools,
            Kind::Prompts => &self.prompts,
            Kind::Resources => &self.resources,
            Kind::Templates => &self.templates,
        }
    }

    /// In which era it was listed.
    pub(crate) fn era(&self) -> Era {
        match self.is_stateless {
            true => Era::Stateless,
            false => Era::Handshake,
        }
    }

    /// Replaces one of the lists.
    pub(crate) fn set(&mut self, kind: Kind, items: Vec<Item>) {
        match kind {
            Kind::Tools => self.tools = items,
            Kind::Prompts => self.prompts = items,
            Kind::Resources => self.resources = items,
            Kind::Templates => self.templates = items,
        }
    }

    /// Whether the server declared this capability.
    pub(crate) fn has_capability(&self, name: &str) -> bool {
        Object::parse(&self.capabilities)
            .is_ok_and(|all| matches!(all.get(name), Ok(Some(value)) if value != "null"))
    }

    /// A member of a declared capability, where it is `true`.
    pub(crate) fn has_ability(&self, capability: &str, ability: &str) -> bool {
        Object::parse(&self.capabilities)
            .ok()
            .and_then(|all| {
                all.object(capability)
                    .ok()
                    .flatten()?
                    .bool(ability)
                    .ok()
                    .flatten()
            })
            .unwrap_or(false)
    }
}

/// Reads the items of one page. What cannot be offered is left out with its reason in `problems`.
pub(crate) fn read_items(
    kind: Kind,
    elements: &[&str],
    seen: &mut HashSet<Box<str>>,
    problems: &mut Vec<String>,
) -> Vec<Item> {
    let mut items = Vec::with_capacity(elements.len());
    for raw in elements {
        match read_item(kind, raw) {
            Ok(mut item) if seen.insert(item.key.clone()) => {
                let mut notes = Vec::new();
                if let Some(clean) = cleaning::cleaned(&item.raw, &mut notes) {
                    item.raw = clean;
                }
                let key = &item.key;
                let note = |note| format!("{}: {key:?}: {note}", kind.member());
                problems.extend(notes.into_iter().map(note));
                items.push(item);
            }
            Ok(item) => problems.push(format!(
                "{}: {:?} is listed twice; the first one counts",
                kind.member(),
                item.key
            )),
            Err(problem) => problems.push(format!("{}: {problem}", kind.member())),
        }
    }
    items
}

fn read_item(kind: Kind, raw: &str) -> Result<Item, String> {
    let object = Object::parse(raw).map_err(|e| format!("an item was left out: {e}"))?;
    let key = object
        .string(kind.key())
        .map_err(|e| format!("an item was left out: {e}"))?
        .ok_or_else(|| format!("an item without {:?} was left out", kind.key()))?;
    if key.is_empty() {
        return Err(format!(
            "an item with an empty {:?} was left out",
            kind.key()
        ));
    }
    let mut item = Item {
        key: key.into(),
        raw: raw.into(),
        mirrored: Vec::new(),
    };
    if kind == Kind::Tools {
        repair_schema(&object, &mut item)?;
    }
    Ok(item)
}

/// Clients take tools only with an `inputSchema` of type object: a missing one, or a missing type, is put in;
/// a tool with another type is left out.
fn repair_schema(tool: &Object<'_>, item: &mut Item) -> Result<(), String> {
    let left_out = |why: &str| format!("tool {:?} was left out: {why}", item.key);
    let schema = tool
        .get("inputSchema")
        .map_err(|e| left_out(&e.to_string()))?;
    let Some(schema) = schema.filter(|raw| *raw != "null") else {
        item.raw = edited(tool, |edits| {
            edits.set(tool, "inputSchema", r#"{"type":"object"}"#);
        });
        return Ok(());
    };
    let object = Object::parse(schema).map_err(|e| left_out(&format!("inputSchema: {e}")))?;
    match object
        .get("type")
        .map_err(|e| left_out(&format!("inputSchema: {e}")))?
    {
        Some(r#""object""#) => {}
        Some(other) => {
            return Err(left_out(&format!(
                "its inputSchema is of type {other}, not object"
            )));
        }
        None => item.raw = edited(tool, |edits| edits.set(&object, "type", r#""object""#)),
    }
    // Only schemas that speak of headers at all are worth a full parse.
    if schema.contains("x-mcp-header") {
        let value: Value =
            serde_json::from_str(schema).map_err(|e| left_out(&format!("inputSchema: {e}")))?;
        item.mirrored = annotation::mirrored(&value).map_err(|e| left_out(&e))?;
    }
    Ok(())
}

fn edited<'a>(tool: &Object<'a>, edit: impl FnOnce(&mut Edits<'a>)) -> Box<str> {
    let mut edits = Edits::new(tool.raw());
    edit(&mut edits);
    String::from_utf8(edits.apply().to_vec())
        .expect("edits of text give text")
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: Kind, elements: &[&str]) -> (Vec<Item>, Vec<String>) {
        let mut problems = Vec::new();
        let items = read_items(kind, elements, &mut HashSet::new(), &mut problems);
        (items, problems)
    }

    #[test]
    fn items_keep_their_bytes() {
        let raw = r#"{ "name":"a", "inputSchema":{"type":"object"}, "x-new":1e400 }"#;
        let (items, problems) = read(Kind::Tools, &[raw]);
        assert_eq!(&*items[0].raw, raw);
        assert!(problems.is_empty());
    }

    #[test]
    fn one_odd_tool_does_not_cost_the_others() {
        let (items, problems) = read(
            Kind::Tools,
            &[
                "7",
                r#"{"inputSchema":{"type":"object"}}"#,
                r#"{"name":"string","inputSchema":{"type":"string"}}"#,
                r#"{"name":"good","inputSchema":{"type":"object"}}"#,
                r#"{"name":"good","inputSchema":{"type":"object"}}"#,
            ],
        );
        assert_eq!(items.len(), 1);
        assert_eq!(problems.len(), 4);
        assert!(problems[2].contains("of type \"string\""), "{problems:?}");
    }

    #[test]
    fn schemas_are_repaired_in_a_copy() {
        let (items, _) = read(
            Kind::Tools,
            &[
                r#"{"name":"a"}"#,
                r#"{"name":"b","inputSchema":{"properties":{}}}"#,
            ],
        );
        let schema = |n: usize| {
            serde_json::from_str::<Value>(&items[n].raw).unwrap()["inputSchema"]["type"].clone()
        };
        assert_eq!(schema(0), "object");
        assert_eq!(schema(1), "object");
    }
}
