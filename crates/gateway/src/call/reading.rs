//! What can be read of a message without knowing more of its call.

use std::borrow::Cow;

use wire::{Frame, Object, method};

use crate::front::Door;
use crate::record::Outcome;
use crate::session::Session;

/// On a door that speaks both eras, a request says by its `_meta` that it is of the stateless one.
pub(super) fn speaks_stateless(session: &Session, frame: &Frame) -> bool {
    if session.door == Door::Http || session.hello().is_some() {
        return false;
    }
    let meta = frame
        .params()
        .and_then(|params| Object::parse(params).ok()?.object("_meta").ok()?);
    meta.is_some_and(|meta| matches!(meta.get(wire::meta::PROTOCOL_VERSION), Ok(Some(_))))
}

/// The method without a copy, where it is one of those that are called all the time.
pub(crate) fn well_known(name: &str) -> Cow<'static, str> {
    const OFTEN: [&str; 6] = [
        method::TOOLS_CALL,
        method::TOOLS_LIST,
        method::RESOURCES_READ,
        method::PROMPTS_GET,
        method::INITIALIZE,
        method::PING,
    ];
    match OFTEN.into_iter().find(|known| *known == name) {
        Some(known) => Cow::Borrowed(known),
        None => Cow::Owned(name.to_owned()),
    }
}

/// The code of the error that it is.
pub(super) fn error_code(frame: &Frame) -> Option<i64> {
    wire::code::read(Object::parse(frame.error()?).ok()?.get("code").ok()??)
}

/// How its call ended.
pub(super) fn outcome_of(frame: &Frame) -> Outcome {
    if frame.error().is_some() {
        return Outcome::Error(error_code(frame).unwrap_or_default());
    }
    // Results are large and seldom failures: a quick look first.
    match says_error(frame.bytes()) {
        true => told(frame.result_object().ok().flatten()),
        false => Outcome::Ok,
    }
}

/// The same of a result that is ours.
pub(super) fn outcome_of_result(result: &str) -> Outcome {
    match says_error(result.as_bytes()) {
        true => told(Object::parse(result).ok()),
        false => Outcome::Ok,
    }
}

fn says_error(bytes: &[u8]) -> bool {
    memchr::memmem::find(bytes, b"\"isError\"").is_some()
}

fn told(result: Option<Object<'_>>) -> Outcome {
    match result.and_then(|result| result.bool("isError").ok()?) {
        Some(true) => Outcome::ToolError,
        _ => Outcome::Ok,
    }
}
