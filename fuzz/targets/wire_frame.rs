//! Any bytes as a message: what is accepted says what serde_json says it says, and every refusal can be answered.
#![no_main]

use std::collections::BTreeMap;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;
use wire::{Frame, Id, Kind, Object, batch, elements, from_header, header_value, one_line, strict};

fuzz_target!(|data: &[u8]| {
    let bytes = Bytes::copy_from_slice(data);
    match Frame::parse(bytes.clone()) {
        Ok(frame) => accepted(data, &frame),
        Err(error) => {
            let reply = Frame::parse(error.reply()).expect("a refusal is a message");
            assert_eq!(reply.kind(), Kind::Error);
            assert_eq!(reply.to_id(), error.id);
            assert!(matches!(
                error.code(),
                wire::code::PARSE_ERROR | wire::code::INVALID_REQUEST
            ));
            if error.code() == wire::code::INVALID_REQUEST {
                assert!(std::str::from_utf8(data).is_ok());
            }
        }
    }
    if let Ok(Some(parts)) = batch(&bytes) {
        let theirs: Vec<&RawValue> = serde_json::from_slice(data).expect("a batch is an array");
        assert!(
            parts
                .iter()
                .eq(theirs.iter().map(|part| part.get().as_bytes()))
        );
        parts.into_iter().for_each(|part| drop(Frame::parse(part)));
    }
    if let Ok(text) = std::str::from_utf8(data) {
        values(text);
    }
});

fn accepted(data: &[u8], frame: &Frame) {
    assert_eq!(frame.bytes().as_ref(), data.trim_ascii());
    let theirs: BTreeMap<String, &RawValue> =
        serde_json::from_slice(data).expect("a message is an object");
    let their = |name: &str| theirs.get(name).map(|raw| raw.get());
    assert_eq!(frame.id(), their("id").filter(|id| *id != "null"));
    let is_call = matches!(frame.kind(), Kind::Request | Kind::Notification);
    assert_eq!(
        frame.params(),
        their("params").filter(|params| is_call && *params != "null")
    );
    assert_eq!(frame.result(), their("result"));
    assert_eq!(frame.error(), their("error"));
    let method: Option<String> =
        their("method").map(|method| serde_json::from_str(method).expect("a method is text"));
    assert_eq!(frame.method(), method.unwrap_or_default());

    let other = Frame::parse(frame.with_id("90210")).expect("another id is still a message");
    assert_eq!(other.kind(), frame.kind());
    assert_eq!(other.id(), their("id").map(|_| "90210"));
    assert_eq!(
        (other.method(), other.params()),
        (frame.method(), frame.params())
    );
    assert_eq!(
        (other.result(), other.error()),
        (frame.result(), frame.error())
    );

    let flat = Frame::parse(one_line(frame.bytes())).expect("line breaks mean nothing");
    assert!(!flat.bytes().contains(&b'\n') && !flat.bytes().contains(&b'\r'));
    assert_eq!(
        (flat.kind(), flat.id(), flat.method()),
        (frame.kind(), frame.id(), frame.method())
    );

    assert_eq!(frame.edit().apply(), frame.bytes());
    let _ = (
        frame.params_object(),
        frame.result_object(),
        frame.error_object(),
    );
}

fn values(text: &str) {
    match (
        Object::parse(text),
        serde_json::from_str::<BTreeMap<String, &RawValue>>(text),
    ) {
        (Ok(object), Ok(theirs)) => {
            // Of duplicates the last one is left, in ours as in theirs.
            let ours: BTreeMap<_, _> = object.iter().collect();
            assert!(
                ours.into_iter()
                    .eq(theirs.iter().map(|(name, raw)| (&**name, raw.get())))
            );
            for (name, _) in object.iter() {
                let _ = (
                    object.get(name),
                    object.string(name),
                    object.u64(name),
                    object.bool(name),
                );
                let _ = (object.object(name), object.array(name));
            }
        }
        (Err(_), Err(_)) => {}
        (ours, theirs) => panic!("one of us is wrong: {ours:?} {theirs:?}"),
    }
    match (elements(text), serde_json::from_str::<Vec<&RawValue>>(text)) {
        (Ok(ours), Ok(theirs)) => assert!(ours.into_iter().eq(theirs.iter().map(|raw| raw.get()))),
        (Err(_), Err(_)) => {}
        (ours, theirs) => panic!("one of us is wrong: {ours:?} {theirs:?}"),
    }
    if strict(text).is_ok() {
        assert!(has_unique_names(text));
    }
    if let Ok(id) = Id::parse(text) {
        assert_eq!(Id::parse(id.as_json()).as_ref(), Ok(&id));
    }
    assert_eq!(from_header(&header_value(text)).as_deref(), Some(text));
    let _ = from_header(text);
}

fn has_unique_names(raw: &str) -> bool {
    if let Ok(object) = Object::parse(raw) {
        let names: BTreeMap<_, _> = object.iter().collect();
        names.len() == object.len() && names.into_values().all(has_unique_names)
    } else {
        elements(raw)
            .unwrap_or_default()
            .into_iter()
            .all(has_unique_names)
    }
}
