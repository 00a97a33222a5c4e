//! The six members of a JSON-RPC message that we read, and the rules about them.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Kind;
use super::error::FrameError;
use crate::id::{self, Id};
use crate::limits::METHOD_BYTES_MAX;
use crate::text::unquote;

/// The members as they stand in the text.
#[derive(Default)]
pub(super) struct Envelope<'a> {
    jsonrpc: Option<&'a str>,
    id: Option<&'a str>,
    method: Option<&'a str>,
    params: Option<&'a str>,
    result: Option<&'a str>,
    error: Option<&'a str>,
    /// The first of them that came a second time.
    twice: Option<&'static str>,
}

/// What an envelope turns out to be.
pub(super) struct Verdict<'a> {
    pub(super) kind: Kind,
    pub(super) id: Option<&'a str>,
    pub(super) method: Option<Cow<'a, str>>,
    pub(super) body: Option<&'a str>,
}

impl<'a> Envelope<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self, FrameError> {
        serde_json::from_str(text)
            .map_err(|error| FrameError::parse(format!("not valid JSON: {error}")))
    }

    /// The id to answer a refused message with.
    pub(super) fn readable_id(&self) -> Option<Id> {
        Id::parse(self.id.filter(|_| self.twice != Some("id"))?).ok()
    }

    pub(super) fn judge(&self) -> Result<Verdict<'a>, Cow<'static, str>> {
        if let Some(name) = self.twice {
            return Err(format!("member `{name}` occurs more than once; send it once").into());
        }
        if self.jsonrpc.and_then(unquote).as_deref() != Some("2.0") {
            return Err("`jsonrpc` must be \"2.0\"".into());
        }
        match (self.method, self.result, self.error) {
            (Some(method), None, None) => self.judge_call(method),
            (Some(_), _, _) => {
                Err("a message with `method` cannot have `result` or `error`".into())
            }
            (None, Some(result), None) => self.judge_answer(Kind::Result, result),
            (None, None, Some(error)) => self.judge_answer(Kind::Error, error),
            (None, Some(_), Some(_)) => {
                Err("an answer has either `result` or `error`, not both".into())
            }
            (None, None, None) => Err("a message needs `method`, `result` or `error`".into()),
        }
    }

    fn judge_call(&self, method: &'a str) -> Result<Verdict<'a>, Cow<'static, str>> {
        if method.len() > METHOD_BYTES_MAX {
            return Err(format!("`method` may have at most {METHOD_BYTES_MAX} bytes").into());
        }
        let method = unquote(method).ok_or("`method` must be a string")?;
        let body = match self.params {
            None | Some("null") => None,
            Some(params) if params.starts_with(['{', '[']) => Some(params),
            Some(_) => return Err("`params` must be an object".into()),
        };
        let kind = if self.id.is_some() {
            Kind::Request
        } else {
            Kind::Notification
        };
        Ok(Verdict {
            kind,
            id: self.checked_id()?,
            method: Some(method),
            body,
        })
    }

    fn judge_answer(&self, kind: Kind, body: &'a str) -> Result<Verdict<'a>, Cow<'static, str>> {
        let id = match self.id {
            // The request could not be read, so nobody knows its id.
            None | Some("null") if kind == Kind::Error => self.id,
            None => return Err("a result needs the `id` of its request".into()),
            Some(_) => self.checked_id()?,
        };
        if kind == Kind::Error && !body.starts_with('{') {
            return Err("`error` must be an object".into());
        }
        Ok(Verdict {
            kind,
            id,
            method: None,
            body: Some(body),
        })
    }

    fn checked_id(&self) -> Result<Option<&'a str>, Cow<'static, str>> {
        match self.id.map(id::check) {
            Some(Err(error)) => Err(format!("`id`: {error}").into()),
            _ => Ok(self.id),
        }
    }
}

impl<'de> Deserialize<'de> for Envelope<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Envelope<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON-RPC message")
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut members: A,
            ) -> Result<Envelope<'de>, A::Error> {
                let mut envelope = Envelope::default();
                while let Some(name) = members.next_key::<Name>()? {
                    let (slot, name) = match name {
                        Name::Jsonrpc => (&mut envelope.jsonrpc, "jsonrpc"),
                        Name::Id => (&mut envelope.id, "id"),
                        Name::Method => (&mut envelope.method, "method"),
                        Name::Params => (&mut envelope.params, "params"),
                        Name::Result => (&mut envelope.result, "result"),
                        Name::Error => (&mut envelope.error, "error"),
                        Name::Other => {
                            members.next_value::<IgnoredAny>()?;
                            continue;
                        }
                    };
                    let value = members.next_value::<&RawValue>()?.get();
                    if slot.replace(value).is_some() {
                        envelope.twice.get_or_insert(name);
                    }
                }
                Ok(envelope)
            }
        }

        deserializer.deserialize_map(Members)
    }
}

/// The name of a member, whether spelt with escapes or without.
enum Name {
    Jsonrpc,
    Id,
    Method,
    Params,
    Result,
    Error,
    Other,
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;

        impl Visitor<'_> for Names {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a member")
            }

            fn visit_str<E>(self, name: &str) -> Result<Name, E> {
                Ok(match name {
                    "jsonrpc" => Name::Jsonrpc,
                    "id" => Name::Id,
                    "method" => Name::Method,
                    "params" => Name::Params,
                    "result" => Name::Result,
                    "error" => Name::Error,
                    _ => Name::Other,
                })
            }
        }

        deserializer.deserialize_str(Names)
    }
}
