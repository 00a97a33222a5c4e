//! Any changes to any object: the result is what a plain list of members would be.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use wire::{Edits, Object, quote};

#[derive(Arbitrary, Debug)]
struct Input {
    members: Vec<(Name, Blank, Value)>,
    changes: Vec<Change>,
}

/// Few names, so that they meet; two of them are one name in two spellings.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Name {
    A,
    EscapedA,
    B,
    Quote,
    Empty,
    Accent,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Blank {
    None,
    Space,
    Lines,
}

#[derive(Arbitrary, Debug)]
enum Value {
    Null,
    Number(i32),
    Text(String),
    List(Vec<u8>),
    Object(Vec<(Name, Blank, u8)>),
}

#[derive(Arbitrary, Debug)]
enum Change {
    Set(Name, Value),
    Remove(Name),
    SetInner(Name, Name, Value),
    RemoveInner(Name, Name),
}

/// The reference: names decoded, values as text, an inner object taken apart once it has been changed.
type Model = Vec<(&'static str, Held)>;

enum Held {
    Text(String),
    Object(Vec<(&'static str, String)>),
}

fuzz_target!(|input: Input| {
    let text = object_text(
        input
            .members
            .iter()
            .map(|(name, blank, value)| (*name, *blank, value.text())),
    );
    let out = edited(&text, &input.changes);
    let out = std::str::from_utf8(&out).expect("text in, text out");
    let object = Object::parse(out).expect("an object in, an object out");
    let expected = reference(&input);
    assert_eq!(object.len(), expected.len(), "{text} became {out}");
    for ((name, value), (expected_name, expected)) in object.iter().zip(expected) {
        assert_eq!(name, expected_name, "{text} became {out}");
        match expected {
            Held::Text(expected) => assert_eq!(value, expected, "{text} became {out}"),
            Held::Object(expected) => {
                let inner = Object::parse(value).expect("an object in, an object out");
                assert!(
                    inner
                        .iter()
                        .eq(expected.iter().map(|(name, value)| (*name, &**value))),
                    "{text} became {out}"
                );
            }
        }
    }
});

fn edited(text: &str, changes: &[Change]) -> bytes::Bytes {
    let object = Object::parse(text).expect("it was made from members");
    let inner = |name: &Name| object.object(name.decoded()).ok().flatten();
    let mut edits = Edits::new(text);
    assert!(edits.is_empty());
    for change in changes {
        match change {
            Change::Set(name, value) => edits.set(&object, name.decoded(), value.text()),
            Change::Remove(name) => edits.remove(&object, name.decoded()),
            Change::SetInner(outer, name, value) => {
                inner(outer)
                    .into_iter()
                    .for_each(|inner| edits.set(&inner, name.decoded(), value.text()));
            }
            Change::RemoveInner(outer, name) => {
                inner(outer)
                    .into_iter()
                    .for_each(|inner| edits.remove(&inner, name.decoded()));
            }
        }
    }
    edits.apply()
}

/// Inner changes first: whatever happens to the outer value beats them.
fn reference(input: &Input) -> Model {
    let mut members: Model = input
        .members
        .iter()
        .map(|(name, _, value)| (name.decoded(), value.held()))
        .collect();
    for name in [Name::A, Name::B, Name::Quote, Name::Empty, Name::Accent].map(Name::decoded) {
        let mut same = members.iter_mut().filter(|(known, _)| *known == name);
        // A name that is there twice cannot be read, so nobody edits below it.
        let (Some((_, Held::Object(inner))), None) = (same.next(), same.next()) else {
            continue;
        };
        let changes = input.changes.iter().filter_map(|change| match change {
            Change::SetInner(outer, inner, value) if outer.decoded() == name => {
                Some((inner.decoded(), Some(value.text())))
            }
            Change::RemoveInner(outer, inner) if outer.decoded() == name => {
                Some((inner.decoded(), None))
            }
            _ => None,
        });
        change_members(inner, changes);
    }
    let changes = input.changes.iter().filter_map(|change| match change {
        Change::Set(name, value) => Some((name.decoded(), Some(Held::Text(value.text())))),
        Change::Remove(name) => Some((name.decoded(), None)),
        _ => None,
    });
    change_members(&mut members, changes);
    members
}

/// Sets (`Some`) and removals (`None`) in a plain list. A member that goes and comes back keeps its place, because the
/// two together are a replacement; one that was added and goes is forgotten.
fn change_members<T>(
    members: &mut Vec<(&'static str, T)>,
    changes: impl Iterator<Item = (&'static str, Option<T>)>,
) {
    let mut slots: Vec<(&str, Option<T>)> = members
        .drain(..)
        .map(|(name, value)| (name, Some(value)))
        .collect();
    let own = slots.len();
    for (name, value) in changes {
        let first = slots.iter().position(|(known, _)| *known == name);
        for (_, slot) in slots.iter_mut().filter(|(known, _)| *known == name) {
            *slot = None;
        }
        match first {
            Some(first) if value.is_none() && first >= own => drop(slots.remove(first)),
            Some(first) => slots[first].1 = value,
            None if value.is_some() => slots.push((name, value)),
            None => {}
        }
    }
    members.extend(
        slots
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?))),
    );
}

fn object_text(members: impl Iterator<Item = (Name, Blank, String)>) -> String {
    let members: Vec<String> = members
        .map(|(name, blank, value)| {
            let (name, blank) = (name.literal(), blank.text());
            format!("{blank}{name}{blank}:{blank}{value}{blank}")
        })
        .collect();
    format!("{{{}}}", members.join(","))
}

impl Name {
    fn decoded(self) -> &'static str {
        match self {
            Self::A | Self::EscapedA => "a",
            Self::B => "b",
            Self::Quote => "\"}",
            Self::Empty => "",
            Self::Accent => "é",
        }
    }

    fn literal(self) -> String {
        match self {
            Self::EscapedA => "\"\\u0061\"".to_owned(),
            other => quote(other.decoded()),
        }
    }
}

impl Blank {
    fn text(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Space => " ",
            Self::Lines => "\r\n\t",
        }
    }
}

impl Value {
    fn text(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => quote(text),
            Self::List(items) => format!("{items:?}"),
            Self::Object(members) => object_text(
                members
                    .iter()
                    .map(|(name, blank, value)| (*name, *blank, value.to_string())),
            ),
        }
    }

    fn held(&self) -> Held {
        match self {
            Self::Object(members) => Held::Object(
                members
                    .iter()
                    .map(|(name, _, value)| (name.decoded(), value.to_string()))
                    .collect(),
            ),
            other => Held::Text(other.text()),
        }
    }
}
