//! What must hold of everything that a client hears.

use wire::{Era, Frame, Kind, Object, code, method};

use crate::client::Heard;

/// What tells the callers apart. Nothing else has an `@` in it.
pub(crate) const MARKS: [&str; 2] = ["@a", "@b"];

/// The caller whom a text is about, if it is about one.
pub(crate) fn mark_in(text: &str) -> Option<&'static str> {
    MARKS.into_iter().find(|mark| text.contains(mark))
}

/// No text is about two callers.
pub(crate) fn one_mark(text: &str) {
    let count = MARKS.iter().filter(|mark| text.contains(**mark)).count();
    assert!(count < 2, "of two callers: {text}");
}

/// A text that came to this caller.
pub(crate) fn own(mark: &str, text: &str) {
    one_mark(text);
    assert!(
        mark_in(text).is_none_or(|other| other == mark),
        "of another caller: {text}"
    );
}

/// An answer to this request.
pub(crate) fn answer(era: Era, heard: &Heard, frame: &Frame) {
    let text = String::from_utf8_lossy(frame.bytes());
    own(heard.mark, &text);
    assert_eq!(frame.id(), Some(&*heard.id), "another id: {text}");
    match (frame.kind(), era) {
        (Kind::Result, Era::Stateless) => stateless_result(heard, &result(frame), &text),
        (Kind::Result, Era::Handshake) => handshake_result(heard, &result(frame), &text),
        (Kind::Error, Era::Stateless) => {
            let other = [code::RESOURCE_NOT_FOUND, code::URL_ELICITATION_REQUIRED];
            has_no_code(frame, &other, &text);
        }
        (Kind::Error, Era::Handshake) => {
            let other = [
                code::HEADER_MISMATCH,
                code::MISSING_CAPABILITY,
                code::UNSUPPORTED_VERSION,
            ];
            has_no_code(frame, &other, &text);
        }
        _ => panic!("no answer: {text}"),
    }
}

fn result(frame: &Frame) -> Object<'_> {
    let object = frame.result_object().expect("a result can be read");
    object.expect("a result has an object")
}

fn stateless_result(heard: &Heard, result: &Object<'_>, text: &str) {
    let kind = result
        .string("resultType")
        .unwrap_or_else(|error| panic!("{error}: {text}"));
    let kind = kind.unwrap_or_else(|| panic!("no resultType: {text}"));
    if kind != "input_required" {
        return;
    }
    let requests = result
        .object("inputRequests")
        .expect("an object")
        .expect("there");
    assert!(!requests.is_empty(), "no question: {text}");
    assert!(
        matches!(result.string("requestState"), Ok(Some(_))),
        "no state: {text}"
    );
    for (_, question) in requests.iter() {
        let question = Object::parse(question).expect("a question is an object");
        let asked = question.string("method").expect("a string").expect("there");
        let params = question
            .object("params")
            .expect("an object")
            .expect("there");
        let by_url = params.string("mode").ok().flatten().as_deref() == Some("url");
        let declared = match &*asked {
            method::ELICITATION_CREATE if by_url => heard.abilities.url(),
            method::ELICITATION_CREATE => heard.abilities.form(),
            method::SAMPLING_CREATE_MESSAGE => heard.abilities.sampling(),
            method::ROOTS_LIST => heard.abilities.roots(),
            _ => panic!("nobody can be asked for {asked}: {text}"),
        };
        assert!(
            declared,
            "{:?} is asked for {asked}: {text}",
            heard.abilities
        );
    }
}

fn handshake_result(heard: &Heard, result: &Object<'_>, text: &str) {
    for (name, value) in result.iter() {
        assert!(
            !["resultType", "ttlMs", "cacheScope"].contains(&name),
            "{name}: {text}"
        );
        if name == "structuredContent" && heard.method == method::TOOLS_CALL {
            assert!(value.starts_with('{'), "{name} is no object: {text}");
        }
    }
}

/// However the code is written.
fn has_no_code(frame: &Frame, codes: &[i64], text: &str) {
    let error: serde_json::Value =
        serde_json::from_str(frame.error().unwrap_or_default()).expect("an error is JSON");
    let found = error["code"].as_f64();
    assert!(
        !codes.iter().any(|code| found == Some(*code as f64)),
        "a code of the other era: {text}"
    );
}

/// A message that came with a request, or with none.
pub(crate) fn message(era: Era, mark: &str, token: Option<&str>, frame: &Frame) {
    let text = String::from_utf8_lossy(frame.bytes());
    own(mark, &text);
    match (frame.kind(), era) {
        (Kind::Request, Era::Handshake) => {
            let can_be = [
                method::ELICITATION_CREATE,
                method::SAMPLING_CREATE_MESSAGE,
                method::ROOTS_LIST,
            ];
            assert!(can_be.contains(&frame.method()), "asked for {text}");
        }
        (Kind::Notification, _) if frame.method() == method::PROGRESS => {
            let params = frame.params_object().expect("params are an object");
            let told = params.get("progressToken").expect("once");
            assert_eq!(told, token, "progress of another call: {text}");
        }
        (Kind::Notification, _) => {}
        _ => panic!("not to be said to a client: {text}"),
    }
}
