//! Fills in a template. Refuses nothing: what is not there is reported, what was filled in is never read as a template
//! again, so that no value can name a secret.

use serde_json::{Map, Value};

use super::{Expression, Filter, Part, Template};
use crate::Secret;

/// What templates are filled in with.
pub(crate) struct Values<'a> {
    /// The configuration, checked.
    pub(crate) config: &'a Map<String, Value>,
    /// The value of a secret by its variable.
    pub(crate) secret: &'a dyn Fn(&str) -> Option<Secret>,
}

/// A template that was filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Filled {
    /// Something it needs is not there: what it stands in is left out.
    Nothing,
    /// One value.
    One(String),
    /// The items of a list.
    Many(Vec<String>),
}

/// What a key stands for on its way through the filters.
enum Found {
    Nothing,
    Text(String),
    List(Vec<String>),
}

impl Template {
    pub(crate) fn fill(&self, values: &Values<'_>) -> Filled {
        if let [Part::Config(expression)] = self.parts.as_slice()
            && expression.spreads()
        {
            return match expression.value(values) {
                Found::Nothing => Filled::Many(Vec::new()),
                Found::Text(text) => Filled::Many(vec![text]),
                Found::List(items) => Filled::Many(items),
            };
        }
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Config(expression) => match expression.value(values) {
                    Found::Nothing => return Filled::Nothing,
                    Found::Text(text) => out.push_str(&text),
                    Found::List(items) => out.push_str(&items.join(",")),
                },
                Part::Secret(name) => match (values.secret)(name) {
                    Some(secret) => out.push_str(secret.reveal()),
                    None => return Filled::Nothing,
                },
            }
        }
        Filled::One(out)
    }
}

impl Expression {
    fn value(&self, values: &Values<'_>) -> Found {
        let found = find(values.config, &self.key).map_or(Found::Nothing, Found::of);
        self.filters
            .iter()
            .fold(found, |found, filter| filter.apply(found))
    }
}

impl Filter {
    fn apply(&self, found: Found) -> Found {
        match self {
            Self::Volume => found.each(|path| match path.contains(':') {
                true => path,
                false => format!("{path}:{path}"),
            }),
            Self::VolumeTarget => found.each(target),
            Self::MountAs(target) => found.each(|path| format!("{path}:{target}")),
            Self::Into => found,
            Self::First => found.pick(<[String]>::first),
            Self::Last => found.pick(<[String]>::last),
            Self::Or(other) if found.is_empty() => match serde_json::from_str::<Value>(other) {
                Ok(list @ Value::Array(_)) => Found::of(&list),
                _ => Found::Text(other.clone()),
            },
            Self::Or(_) => found,
        }
    }
}

impl Found {
    fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Nothing,
            Value::Array(items) => Self::List(items.iter().map(text_of).collect()),
            value => Self::Text(text_of(value)),
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Nothing => true,
            Self::Text(text) => text.is_empty(),
            Self::List(items) => items.is_empty(),
        }
    }

    /// A path that is no path mounts nothing.
    fn each(self, change: impl Fn(String) -> String) -> Self {
        match self {
            Self::Text(text) if text.is_empty() => Self::Nothing,
            Self::Text(text) => Self::Text(change(text)),
            Self::List(items) => Self::List(
                items
                    .into_iter()
                    .filter(|item| !item.is_empty())
                    .map(change)
                    .collect(),
            ),
            Self::Nothing => Self::Nothing,
        }
    }

    fn pick(self, which: fn(&[String]) -> Option<&String>) -> Self {
        match self {
            Self::List(items) => which(&items).cloned().map_or(Self::Nothing, Self::Text),
            other => other,
        }
    }
}

/// The value of a key whose steps are separated by dots; a key that itself has dots is found too.
pub(crate) fn find<'a>(config: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    if let Some(value) = config.get(key) {
        return Some(value);
    }
    key.match_indices('.').find_map(|(at, _)| {
        let deeper = config.get(&key[..at])?.as_object()?;
        find(deeper, &key[at + 1..])
    })
}

/// The part of a volume that the server sees.
fn target(volume: String) -> String {
    let mut pieces: Vec<&str> = volume.split(':').collect();
    if pieces.len() > 1 && matches!(pieces.last(), Some(&"ro" | &"rw")) {
        pieces.pop();
    }
    match pieces.last() {
        Some(last) => (*last).to_owned(),
        None => volume,
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
