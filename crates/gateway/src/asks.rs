//! What a client can be asked: said once in the handshake era, with each request in the stateless one. And with that the
//! side from which a call sees the servers.

use std::sync::Arc;

use wire::{Era, Object, method};

use crate::server::Server;
use crate::workspace::Workspace;

/// What a client can be asked, reduced to what makes a difference to a server: there are few of these, so that upstreams
/// can be pooled by them, whatever clients write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Asks(u8);

const ROOTS: u8 = 1;
const SAMPLING: u8 = 1 << 1;
const SAMPLING_TOOLS: u8 = 1 << 2;
const SAMPLING_CONTEXT: u8 = 1 << 3;
const FORM: u8 = 1 << 4;
const URL: u8 = 1 << 5;

impl Asks {
    /// Nothing.
    pub(crate) const NONE: Self = Self(0);

    /// Reads a capabilities object; nonsense counts as nothing.
    pub(crate) fn read(capabilities: &Object<'_>) -> Self {
        let has = |object: &Object<'_>, name: &str| {
            let value = object.get(name).ok().flatten();
            value.is_some_and(|value| value != "null" && value != "false")
        };
        let within = |name: &str, member: &str| {
            let object = capabilities.object(name).ok().flatten();
            object.is_some_and(|object| has(&object, member))
        };
        let mut bits = 0;
        let mut set = |bit: u8, on: bool| bits |= if on { bit } else { 0 };
        set(ROOTS, has(capabilities, "roots"));
        if has(capabilities, "sampling") {
            set(SAMPLING, true);
            set(SAMPLING_TOOLS, within("sampling", "tools"));
            set(SAMPLING_CONTEXT, within("sampling", "context"));
        }
        if has(capabilities, "elicitation") {
            let by_url = within("elicitation", "url");
            set(URL, by_url);
            // Before there were URLs, forms went without saying.
            set(FORM, within("elicitation", "form") || !by_url);
        }
        Self(bits)
    }

    /// As a handshake declares it.
    pub(crate) fn declared(self) -> String {
        let part = |bit: u8, text: &str| {
            if self.has(bit) {
                text.to_owned()
            } else {
                String::new()
            }
        };
        let object = |parts: &[String]| {
            let parts: Vec<&str> = parts
                .iter()
                .map(String::as_str)
                .filter(|part| !part.is_empty())
                .collect();
            format!("{{{}}}", parts.join(","))
        };
        let sampling = object(&[
            part(SAMPLING_TOOLS, r#""tools":{}"#),
            part(SAMPLING_CONTEXT, r#""context":{}"#),
        ]);
        let elicitation = object(&[part(FORM, r#""form":{}"#), part(URL, r#""url":{}"#)]);
        object(&[
            part(ROOTS, r#""roots":{}"#),
            part(SAMPLING, &format!(r#""sampling":{sampling}"#)),
            part(FORM | URL, &format!(r#""elicitation":{elicitation}"#)),
        ])
    }

    /// Whether it can be asked anything.
    pub(crate) fn anything(self) -> bool {
        self != Self::NONE
    }

    /// Whether it has folders to tell of.
    pub(crate) fn roots(self) -> bool {
        self.has(ROOTS)
    }

    /// Whether its person can be sent to a URL.
    pub(crate) fn url(self) -> bool {
        self.has(URL)
    }

    /// What is missing for a question; none if it can be asked.
    pub(crate) fn missing(self, asked: &str, params: &Object<'_>) -> Option<&'static str> {
        let by_url = || params.string("mode").ok().flatten().as_deref() == Some("url");
        let (name, has) = match asked {
            method::SAMPLING_CREATE_MESSAGE => ("sampling", self.has(SAMPLING)),
            method::ELICITATION_CREATE if by_url() => ("elicitation by URL", self.url()),
            method::ELICITATION_CREATE => ("elicitation", self.has(FORM)),
            method::ROOTS_LIST => ("roots", self.roots()),
            _ => return None,
        };
        (!has).then_some(name)
    }

    pub(crate) fn bits(self) -> u8 {
        self.0
    }

    pub(crate) fn of_bits(bits: u8) -> Self {
        Self(bits)
    }

    fn has(self, bits: u8) -> bool {
        self.0 & bits != 0
    }
}

/// Whether clients know how to be asked for this at all.
pub(crate) fn can_be_asked(asked: &str) -> bool {
    matches!(
        asked,
        method::ELICITATION_CREATE | method::SAMPLING_CREATE_MESSAGE | method::ROOTS_LIST
    )
}

/// The capabilities object that has what [`Asks::missing`] names, raw JSON.
pub(crate) fn required(missing: &str) -> &'static str {
    match missing {
        "sampling" => r#"{"sampling":{}}"#,
        "elicitation by URL" => r#"{"elicitation":{"url":{}}}"#,
        "elicitation" => r#"{"elicitation":{"form":{}}}"#,
        _ => r#"{"roots":{}}"#,
    }
}

/// The capabilities of a client of the handshake era.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Capabilities {
    /// As it wrote them.
    pub(crate) raw: Box<str>,
    pub(crate) asks: Asks,
}

impl Capabilities {
    /// Reads what can be read; nonsense counts as nothing.
    pub(crate) fn read(raw: Option<&str>) -> Self {
        match raw.and_then(|raw| Object::parse(raw).ok()) {
            Some(object) => Self {
                raw: object.raw().into(),
                asks: Asks::read(&object),
            },
            None => Self {
                raw: "{}".into(),
                asks: Asks::NONE,
            },
        }
    }
}

/// From where servers are seen: the workspace and era of a call, and what its client can be asked.
#[derive(Clone, Copy)]
pub(crate) struct Side<'a> {
    pub(crate) workspace: &'a Arc<Workspace>,
    pub(crate) era: Era,
    /// Only this server.
    pub(crate) only: Option<&'a Arc<str>>,
    /// The endpoint is the workspace's own, so that its lists may follow what is added, in the stateless era too.
    pub(crate) is_endpoint: bool,
    /// For the stateless era, where it is said with each request.
    pub(crate) asks: Asks,
}

impl Side<'_> {
    /// What a server is to be told once of what its clients can be asked; nothing where it is told with each request, or
    /// where the conversation as a whole says so.
    pub(crate) fn asks_of(&self, server: &Server) -> Asks {
        match server.eras.wire(self.era) {
            Some(Era::Stateless) => Asks::NONE,
            _ => self.asks,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(capabilities: &str) -> Asks {
        Asks::read(&Object::parse(capabilities).unwrap())
    }

    #[test]
    fn what_means_the_same_is_the_same() {
        for (written, declared) in [
            ("{}", "{}"),
            (r#"{"elicitation":null,"sampling":false,"x":{}}"#, "{}"),
            (r#"{"elicitation":{}}"#, r#"{"elicitation":{"form":{}}}"#),
            (
                r#"{"elicitation":{"url":{},"form":{}},"roots":{"listChanged":true}}"#,
                r#"{"roots":{},"elicitation":{"form":{},"url":{}}}"#,
            ),
            (
                r#"{"elicitation":{"url":{}}}"#,
                r#"{"elicitation":{"url":{}}}"#,
            ),
            (
                r#"{"sampling":{"tools":{},"new":1}}"#,
                r#"{"sampling":{"tools":{}}}"#,
            ),
        ] {
            let asks = asks(written);
            assert_eq!(asks.declared(), declared);
            assert_eq!(Asks::read(&Object::parse(declared).unwrap()), asks);
        }
    }

    #[test]
    fn questions_need_their_capability() {
        let none = Object::empty();
        let url = Object::parse(r#"{"mode":"url"}"#).unwrap();
        let form = asks(r#"{"elicitation":{}}"#);
        assert_eq!(form.missing(method::ELICITATION_CREATE, &none), None);
        assert_eq!(
            form.missing(method::ELICITATION_CREATE, &url),
            Some("elicitation by URL")
        );
        assert_eq!(form.missing(method::ROOTS_LIST, &none), Some("roots"));
        assert_eq!(form.missing("something/new", &none), None);
    }
}
