//! The shape of values: keys and types, never what they hold.
//!
//! Owns what is learnt from real results where a tool does not declare its own. Keys that are data (ids, addresses,
//! paths) are no keys: an object that looks like a table of them is a `Record`, so that nothing of a result can be
//! read from its shape.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::limits::{SHAPE_DEPTH_MAX, SHAPE_ITEMS_MAX, SHAPE_KEYS_MAX};

/// What values of one kind have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shape {
    #[serde(default, skip_serializing_if = "Scalars::is_empty")]
    scalars: Scalars,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    items: Option<Box<Self>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    object: Option<Members>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Scalars {
    string: bool,
    number: bool,
    boolean: bool,
    null: bool,
    /// Deeper than is looked.
    any: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Members {
    Named(BTreeMap<String, Member>),
    Table(Box<Shape>),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Member {
    shape: Shape,
    /// In every object so far.
    always: bool,
}

impl Scalars {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Shape {
    /// The shape of one value.
    #[must_use]
    pub(crate) fn of(value: &Value) -> Self {
        Self::at(value, 0)
    }

    fn at(value: &Value, depth: usize) -> Self {
        let mut shape = Self::default();
        match value {
            _ if depth > SHAPE_DEPTH_MAX => shape.scalars.any = true,
            Value::Null => shape.scalars.null = true,
            Value::Bool(_) => shape.scalars.boolean = true,
            Value::Number(_) => shape.scalars.number = true,
            Value::String(_) => shape.scalars.string = true,
            Value::Array(items) => {
                let mut item = Self::default();
                for one in items.iter().take(SHAPE_ITEMS_MAX) {
                    item.merge(Self::at(one, depth + 1));
                }
                shape.items = Some(Box::new(item));
            }
            Value::Object(members) => {
                let named = members
                    .iter()
                    .take(SHAPE_KEYS_MAX + 1)
                    .map(|(key, value)| {
                        let shape = Self::at(value, depth + 1);
                        (
                            key.clone(),
                            Member {
                                shape,
                                always: true,
                            },
                        )
                    })
                    .collect();
                shape.object = Some(Members::Named(named).settled());
            }
        }
        shape
    }

    /// Takes in another value's.
    pub(crate) fn merge(&mut self, other: Self) {
        let (mine, theirs) = (&mut self.scalars, other.scalars);
        mine.string |= theirs.string;
        mine.number |= theirs.number;
        mine.boolean |= theirs.boolean;
        mine.null |= theirs.null;
        mine.any |= theirs.any;
        self.items = match (self.items.take(), other.items) {
            (Some(mut mine), Some(theirs)) => {
                mine.merge(*theirs);
                Some(mine)
            }
            (mine, theirs) => mine.or(theirs),
        };
        self.object = match (self.object.take(), other.object) {
            (Some(mine), Some(theirs)) => Some(mine.merged(theirs)),
            (mine, theirs) => mine.or(theirs),
        };
    }

    /// As a TypeScript type of about so many bytes.
    #[must_use]
    pub(crate) fn typescript(&self, max: usize) -> String {
        let mut left = max;
        self.render(&mut left)
    }

    fn render(&self, left: &mut usize) -> String {
        *left = left.saturating_sub(6);
        if self.scalars.any || *left == 0 {
            return "any".into();
        }
        let mut types = Vec::new();
        match &self.object {
            Some(Members::Named(members)) if members.is_empty() => types.push("{}".into()),
            Some(Members::Named(members)) => {
                let mut shown = Vec::new();
                for (key, member) in members {
                    if *left == 0 {
                        shown.push(format!("/* {} more */", members.len() - shown.len()));
                        break;
                    }
                    *left = left.saturating_sub(key.len());
                    let mark = if member.always { "" } else { "?" };
                    shown.push(format!("{key}{mark}: {}", member.shape.render(left)));
                }
                types.push(format!("{{{}}}", shown.join(", ")));
            }
            Some(Members::Table(shape)) => {
                types.push(format!("Record<string, {}>", shape.render(left)));
            }
            None => {}
        }
        if let Some(items) = &self.items {
            let item = items.render(left);
            let union = !item.starts_with('{') && item.contains(" | ") || item.ends_with("| null");
            types.push(if union {
                format!("({item})[]")
            } else {
                format!("{item}[]")
            });
        }
        for (has, name) in [
            (self.scalars.string, "string"),
            (self.scalars.number, "number"),
            (self.scalars.boolean, "boolean"),
            (self.scalars.null, "null"),
        ] {
            if has {
                types.push(name.into());
            }
        }
        // An array that was always empty has items of no known type.
        if types.is_empty() {
            "any".into()
        } else {
            types.join(" | ")
        }
    }
}

impl Members {
    /// A table if its keys are data.
    fn settled(self) -> Self {
        let Self::Named(members) = self else {
            return self;
        };
        if members.len() <= SHAPE_KEYS_MAX && members.keys().all(|key| is_word(key)) {
            return Self::Named(members);
        }
        let mut shape = Shape::default();
        for member in members.into_values() {
            shape.merge(member.shape);
        }
        Self::Table(Box::new(shape))
    }

    fn merged(self, other: Self) -> Self {
        match (self, other) {
            (Self::Named(mut mine), Self::Named(mut theirs)) => {
                for (key, member) in &mut mine {
                    member.always &= theirs.get(key).is_some_and(|other| other.always);
                }
                for (key, member) in &mut mine {
                    if let Some(other) = theirs.remove(key) {
                        member.shape.merge(other.shape);
                    }
                }
                mine.extend(theirs.into_iter().map(|(key, member)| {
                    (
                        key,
                        Member {
                            always: false,
                            ..member
                        },
                    )
                }));
                Self::Named(mine).settled()
            }
            (mine, theirs) => {
                let mut shape = Shape::default();
                for members in [mine, theirs] {
                    match members {
                        Self::Table(table) => shape.merge(*table),
                        Self::Named(members) => {
                            for member in members.into_values() {
                                shape.merge(member.shape);
                            }
                        }
                    }
                }
                Self::Table(Box::new(shape))
            }
        }
    }
}

/// Whether a key is a word of the tool's, rather than somebody's id, address or path.
fn is_word(key: &str) -> bool {
    let digits = key.chars().filter(char::is_ascii_digit).count();
    !key.is_empty()
        && key.len() <= 40
        && digits <= 3
        && !key.starts_with(|first: char| first.is_ascii_digit())
        && key
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_' || letter == '$')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn shape(values: &[Value]) -> String {
        let mut shape = Shape::default();
        for (index, value) in values.iter().enumerate() {
            if index == 0 {
                shape = Shape::of(value);
            } else {
                shape.merge(Shape::of(value));
            }
        }
        shape.typescript(2_000)
    }

    #[test]
    fn keys_and_types_and_no_values() {
        assert_eq!(
            shape(&[json!({"name": "Ada", "age": 36, "tags": ["x", null], "deep": {"on": true}})]),
            "{age: number, deep: {on: boolean}, name: string, tags: (string | null)[]}"
        );
    }

    #[test]
    fn what_is_not_always_there_is_optional() {
        assert_eq!(
            shape(&[json!({"a": 1}), json!({"a": "x", "b": 1})]),
            "{a: string | number, b?: number}"
        );
        assert_eq!(shape(&[json!([{"a": 1}, {}])]), "{a?: number}[]");
        assert_eq!(shape(&[json!({"a": 1}), json!(null)]), "{a: number} | null");
    }

    #[test]
    fn keys_that_are_data_are_not_shown() {
        assert_eq!(
            shape(&[json!({"ada@example.com": 1, "bob@example.com": 2})]),
            "Record<string, number>"
        );
        assert_eq!(
            shape(&[json!({"a81f3c20": {"n": 1}})]),
            "Record<string, {n: number}>"
        );
        let many: serde_json::Map<_, _> = (0..100)
            .map(|at| {
                (
                    format!("k{}", "x".repeat(at % 30)) + &"y".repeat(at / 30),
                    json!(1),
                )
            })
            .collect();
        assert_eq!(shape(&[Value::Object(many)]), "Record<string, number>");
        assert_eq!(
            shape(&[json!({"a": 1}), json!({"b@c": 1})]),
            "Record<string, number>"
        );
    }

    #[test]
    fn nothing_known_is_any() {
        assert_eq!(shape(&[json!([])]), "any[]");
        assert_eq!(shape(&[json!({})]), "{}");
        let mut deep = json!(1);
        for _ in 0..50 {
            deep = json!([deep]);
        }
        assert_eq!(shape(&[deep]), "any[][][][][][][]");
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::from),
            "secret[0-9]{4}".prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 100, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map("[a-z@/.0-9]{1,12}", inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_value_shows_and_order_does_not_matter(some in prop::collection::vec(values(), 1..5)) {
            let forward = shape(&some);
            prop_assert!(!forward.contains("secret"));
            let mut backward = some.clone();
            backward.reverse();
            prop_assert_eq!(forward, shape(&backward));
        }

        #[test]
        fn a_value_seen_twice_teaches_nothing_new(value in values()) {
            prop_assert_eq!(shape(std::slice::from_ref(&value)), shape(&[value.clone(), value]));
        }
    }
}
