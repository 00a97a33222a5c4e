//! What must hold for every message, tried on many.
#![expect(
    clippy::unwrap_used,
    reason = "a failed unwrap is a failed test, in its helpers too"
)]

use std::collections::BTreeMap;

use bytes::Bytes;
use portolan_wire::{
    Edits, Frame, Kind, Object, ObjectError, build, elements, from_header, header_value, quote,
    strict,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;
use serde_json::value::RawValue;

/// White space between tokens, mostly none.
fn blank() -> impl Strategy<Value = &'static str> {
    select(vec!["", "", "", " ", "\n", "\t ", "\r\n"])
}

/// A string literal, spelt plainly or with needless escapes.
fn literal() -> impl Strategy<Value = String> {
    let escaped = |text: String| {
        let units: String = text
            .encode_utf16()
            .map(|unit| format!("\\u{unit:04x}"))
            .collect();
        format!("\"{units}\"")
    };
    prop_oneof![
        4 => "[a-z{}\\[\\],:\"\\\\ é\u{1F600}\n]{0,8}".prop_map(|text| quote(&text)),
        1 => "[a-zé\u{1F600}]{0,4}".prop_map(escaped),
        1 => "[a-z/]{0,4}".prop_map(|text| quote(&text).replace('/', "\\/")),
    ]
}

/// Any JSON value as text; with unique names unless `twice`.
fn json(twice: bool) -> impl Strategy<Value = String> {
    let numbers = select(vec![
        "0",
        "-0",
        "7",
        "-12",
        "1.50",
        "2E5",
        "1e-7",
        "123456789012345678901234567890",
    ]);
    let leaf = prop_oneof![
        literal(),
        numbers.prop_map(str::to_owned),
        select(vec!["null", "true", "false"]).prop_map(str::to_owned),
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            (vec((blank(), inner.clone(), blank()), 0..6), blank()).prop_map(|(items, empty)| {
                let items: Vec<_> = items
                    .into_iter()
                    .map(|(a, value, b)| format!("{a}{value}{b}"))
                    .collect();
                if items.is_empty() {
                    format!("[{empty}]")
                } else {
                    format!("[{}]", items.join(","))
                }
            }),
            members(inner, twice).prop_map(|members| object_of(&members, "")),
        ]
    })
}

type Members = Vec<(String, &'static str, String)>;

fn members(values: impl Strategy<Value = String>, twice: bool) -> impl Strategy<Value = Members> {
    vec((literal(), blank(), values), 0..6).prop_map(move |mut members| {
        if !twice {
            let mut seen = std::collections::BTreeSet::new();
            members.retain(|(name, ..)| seen.insert(decoded(name)));
        }
        members
    })
}

fn object_of(members: &Members, blank: &str) -> String {
    let members: Vec<_> = members
        .iter()
        .map(|(name, b, value)| format!("{blank}{name}{b}:{b}{value}{b}"))
        .collect();
    format!("{{{}{blank}}}", members.join(","))
}

fn decoded(literal: &str) -> String {
    serde_json::from_str(literal).unwrap()
}

/// Whether no object in the text repeats a name, found out the slow way.
fn has_unique_names(raw: &str) -> bool {
    if let Ok(object) = Object::parse(raw) {
        let mut names: Vec<_> = object.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        names.windows(2).all(|pair| pair[0] != pair[1])
            && object.iter().all(|(_, value)| has_unique_names(value))
    } else if let Ok(elements) = elements(raw) {
        elements.into_iter().all(has_unique_names)
    } else {
        true
    }
}

#[derive(Clone, Debug)]
enum Change {
    Set(String, String),
    Remove(String),
    SetInner(String, String, String),
    RemoveInner(String, String),
}

fn change() -> impl Strategy<Value = Change> {
    let name = || select(vec!["a", "b", "c", "d\"", "é"]).prop_map(str::to_owned);
    let value = || select(vec!["1", "[]", "\"new\"", "null"]).prop_map(str::to_owned);
    prop_oneof![
        (name(), value()).prop_map(|(name, value)| Change::Set(name, value)),
        name().prop_map(Change::Remove),
        (name(), name(), value())
            .prop_map(|(outer, name, value)| Change::SetInner(outer, name, value)),
        (name(), name()).prop_map(|(outer, name)| Change::RemoveInner(outer, name)),
    ]
}

/// An object whose members are often the ones that [`change`] changes, and often objects themselves.
fn editable() -> impl Strategy<Value = String> {
    let name = || select(vec!["a", "b", "c", "d\"", "é", "z"]).prop_map(quote);
    let inner = vec((name(), blank(), json(false)), 0..5)
        .prop_map(unique)
        .prop_map(|members| object_of(&members, " "));
    let value = prop_oneof![inner, json(false)];
    (
        vec((name(), blank(), value), 0..6).prop_map(unique),
        blank(),
    )
        .prop_map(|(members, b)| object_of(&members, b))
}

fn unique(members: Members) -> Members {
    members
        .into_iter()
        .map(|(name, b, value)| (name, (b, value)))
        .collect::<BTreeMap<_, _>>()
        .into_iter()
        .map(|(name, (b, value))| (name, b, value))
        .collect()
}

/// The changes made the plain way: inner ones first, since whatever happens to the outer value beats them.
fn reference(text: &str, changes: &[Change]) -> Value {
    let mut whole: Value = serde_json::from_str(text).unwrap();
    let parse = |value: &String| serde_json::from_str::<Value>(value).unwrap();
    for change in changes {
        match change {
            Change::SetInner(outer, name, value) => {
                if let Some(Value::Object(inner)) = whole.get_mut(outer) {
                    inner.insert(name.clone(), parse(value));
                }
            }
            Change::RemoveInner(outer, name) => {
                if let Some(Value::Object(inner)) = whole.get_mut(outer) {
                    inner.remove(name);
                }
            }
            Change::Set(..) | Change::Remove(_) => {}
        }
    }
    let members = whole.as_object_mut().unwrap();
    for change in changes {
        match change {
            Change::Set(name, value) => drop(members.insert(name.clone(), parse(value))),
            Change::Remove(name) => drop(members.remove(name)),
            Change::SetInner(..) | Change::RemoveInner(..) => {}
        }
    }
    whole
}

fn edited(text: &str, changes: &[Change]) -> Bytes {
    let object = Object::parse(text).unwrap();
    let inner = |name: &str| object.object(name).ok().flatten();
    let mut edits = Edits::new(text);
    for change in changes {
        match change {
            Change::Set(name, value) => edits.set(&object, name, value.clone()),
            Change::Remove(name) => edits.remove(&object, name),
            Change::SetInner(outer, name, value) => {
                inner(outer)
                    .into_iter()
                    .for_each(|inner| edits.set(&inner, name, value.clone()));
            }
            Change::RemoveInner(outer, name) => {
                inner(outer)
                    .into_iter()
                    .for_each(|inner| edits.remove(&inner, name));
            }
        }
    }
    edits.apply()
}

proptest! {
    #[test]
    fn objects_agree_with_serde_json(text in json(true)) {
        match serde_json::from_str::<BTreeMap<String, &RawValue>>(&text) {
            Ok(theirs) => {
                // Of duplicates their map keeps the last, and so does ours.
                let object = Object::parse(&text).unwrap();
                let ours: BTreeMap<_, _> = object.iter().map(|(name, value)| (name.to_owned(), value)).collect();
                prop_assert_eq!(ours, theirs.into_iter().map(|(name, raw)| (name, raw.get())).collect());
            }
            Err(_) => prop_assert_eq!(Object::parse(&text).unwrap_err(), ObjectError::NotAnObject),
        }
    }

    #[test]
    fn arrays_agree_with_serde_json(text in json(true)) {
        match serde_json::from_str::<Vec<&RawValue>>(&text) {
            Ok(theirs) => prop_assert_eq!(elements(&text).unwrap(), theirs.into_iter().map(RawValue::get).collect::<Vec<_>>()),
            Err(_) => prop_assert_eq!(elements(&text).unwrap_err(), ObjectError::NotAnArray),
        }
    }

    #[test]
    fn strict_means_unique_names_everywhere(text in json(true)) {
        prop_assert_eq!(strict(&text).is_ok(), has_unique_names(&text));
    }

    #[test]
    fn strict_accepts_what_is_unique(text in json(false)) {
        prop_assert_eq!(strict(&text), Ok(()));
    }

    #[test]
    fn another_id_changes_the_id_only(
        before in members(json(true), false), after in members(json(true), false), b in blank(),
        old in prop_oneof![literal(), any::<i64>().prop_map(|id| id.to_string())], new in any::<u64>(),
        params in json(true).prop_filter("params are structured", |text| text.starts_with(['{', '['])),
    ) {
        let others = |members: &Members| -> String {
            let read = ["jsonrpc", "id", "method", "params", "result", "error"];
            members.iter().filter(|(name, ..)| !read.contains(&&*decoded(name)))
                .map(|(name, b, value)| format!("{b}{name}:{value}{b},")).collect()
        };
        let head = format!("{{{}{b}\"id\"{b}:{b}", others(&before));
        let tail = format!("{b},{}\"method\":\"x\",\"params\":{params}{b},\"jsonrpc\":\"2.0\"}}", others(&after));
        let frame = Frame::parse(Bytes::from(format!("{b}{head}{old}{tail}{b}"))).unwrap();
        prop_assert_eq!((frame.kind(), frame.id(), frame.params()), (Kind::Request, Some(&*old), Some(&*params)));
        prop_assert_eq!(frame.bytes(), &format!("{head}{old}{tail}"));
        prop_assert_eq!(frame.with_id(&new.to_string()), format!("{head}{new}{tail}"));
    }

    #[test]
    fn edits_do_what_the_plain_way_does(text in editable(), changes in vec(change(), 0..8)) {
        let out = edited(&text, &changes);
        prop_assert_eq!(serde_json::from_slice::<Value>(&out).unwrap(), reference(&text, &changes));
    }

    #[test]
    fn edits_leave_the_rest_alone(text in editable(), changes in vec(change(), 0..8)) {
        let out = edited(&text, &changes);
        let after = Object::parse(std::str::from_utf8(&out).unwrap()).unwrap();
        let before = Object::parse(&text).unwrap();
        let touched = |name: &str| changes.iter().any(|change| match change {
            Change::Set(outer, _) | Change::Remove(outer) | Change::SetInner(outer, ..) | Change::RemoveInner(outer, _) => outer == name,
        });
        for (name, value) in before.iter().filter(|(name, _)| !touched(name)) {
            prop_assert_eq!(after.get(name), Ok(Some(value)));
        }
        if changes.is_empty() {
            prop_assert_eq!(out, text);
        }
    }

    #[test]
    fn header_values_travel(text in any::<String>()) {
        let value = header_value(&text);
        prop_assert!(value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && value.trim() == value);
        prop_assert_eq!(from_header(&value), Some(text));
    }

    #[test]
    fn plain_header_values_travel(text in "(=\\?base64\\?)?[ -~]{0,6}(\\?=)?") {
        prop_assert_eq!(from_header(&header_value(&text)), Some(text));
    }

    #[test]
    fn what_we_build_is_what_we_read(method in any::<String>(), message in any::<String>(), code in any::<i64>(), id in any::<u64>()) {
        let id = id.to_string();
        let request = Frame::parse(build::request(&id, &method, Some("{}"))).unwrap();
        prop_assert_eq!((request.kind(), request.id(), request.method()), (Kind::Request, Some(&*id), &*method));
        let error = Frame::parse(build::error(Some(&id), code, &message, None)).unwrap();
        let error = error.error_object().unwrap().unwrap();
        prop_assert_eq!(error.get("code"), Ok(Some(&*code.to_string())));
        prop_assert_eq!(error.string("message").unwrap().unwrap(), message);
    }

    #[test]
    fn bytes_never_make_it_panic(bytes in vec(any::<u8>(), 0..64), text in "[{}\\[\\],:\"\\\\a0 ]{0,32}") {
        for bytes in [Bytes::from(bytes), Bytes::from(text)] {
            let is_json = serde_json::from_slice::<&RawValue>(&bytes).is_ok();
            if Frame::parse(bytes.clone()).is_ok() {
                prop_assert!(is_json);
            }
            if let Ok(text) = std::str::from_utf8(&bytes) {
                prop_assert_eq!(Object::parse(text).is_ok() || elements(text).is_ok(), is_json && text.trim_start().starts_with(['{', '[']));
            }
        }
    }
}
