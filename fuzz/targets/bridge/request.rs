//! What the clients say.

use arbitrary::Arbitrary;
use gateway::front::StatelessHeaders;
use wire::{Era, Frame, meta, method, quote};

use crate::words::{Code, Json, Word};
use crate::{members, object};

/// A request that is made up.
#[derive(Arbitrary, Debug)]
pub(crate) struct Request {
    pub(crate) client: u8,
    pub(crate) what: What,
    pub(crate) made_up: Vec<(Word, Json)>,
    pub(crate) head: Head,
    pub(crate) state: Option<Json>,
    pub(crate) responses: Option<Json>,
}

/// What each request has.
#[derive(Arbitrary, Debug)]
pub(crate) struct Head {
    pub(crate) id: Id,
    pub(crate) abilities: Abilities,
    pub(crate) token: Option<Json>,
    pub(crate) level: Option<u8>,
    pub(crate) meta: Vec<(Word, Json)>,
}

#[derive(Arbitrary, Debug)]
pub(crate) enum Id {
    Next,
    Text,
    /// Perhaps one that is in use.
    Number(u8),
}

#[derive(Arbitrary, Debug)]
pub(crate) enum What {
    Tool(Json),
    Mirrored(Json),
    Prompt,
    Resource,
    List(u8),
    Discover,
    Listen,
    Subscribe,
    Level,
    Unknown(Word),
}

/// What a client can be asked.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) struct Abilities(pub(crate) u8);

/// A request that brings a state.
#[derive(Arbitrary, Debug)]
pub(crate) struct Retry {
    pub(crate) nth: u8,
    /// Not by whom it was given to.
    pub(crate) by: Option<u8>,
    pub(crate) head: Head,
    /// With the abilities of the request that it repeats.
    pub(crate) is_able: bool,
    pub(crate) spoilt: Option<(u8, u8)>,
    pub(crate) responses: Vec<Option<Json>>,
    pub(crate) more: Vec<(Word, Json)>,
    /// For a request that it was not given for.
    pub(crate) of: Option<u8>,
}

/// The answer of a client to a question.
#[derive(Arbitrary, Debug)]
pub(crate) enum Reply {
    Good,
    Result(Json),
    Error(Code),
}

/// What a client says beside requests and answers.
#[derive(Arbitrary, Debug)]
pub(crate) enum Told {
    Cancelled(u8),
    Progress(Json),
    RootsChanged,
    Answer(Json),
}

impl Request {
    /// The method, and the parameters but for what every request has.
    pub(crate) fn made(&self) -> (String, Vec<(String, String)>) {
        let one = |name: &str, value: String| vec![(quote(name), value)];
        let named = |name: &str, arguments: &Json| {
            vec![
                (quote("name"), quote(name)),
                (quote("arguments"), arguments.text()),
            ]
        };
        let uri = || one("uri", quote("r://1"));
        let (asked, mut body) = match &self.what {
            What::Tool(arguments) => (method::TOOLS_CALL, named("x", arguments)),
            What::Mirrored(region) => {
                let arguments = Json::Object(Vec::new());
                let mut body = named("m", &arguments);
                body[1].1 = object(one("region", region.text()));
                (method::TOOLS_CALL, body)
            }
            What::Prompt => (method::PROMPTS_GET, one("name", quote("p"))),
            What::Resource => (method::RESOURCES_READ, uri()),
            What::List(at) => {
                let lists = [
                    method::TOOLS_LIST,
                    method::PROMPTS_LIST,
                    method::RESOURCES_LIST,
                ];
                (lists[usize::from(*at) % 3], Vec::new())
            }
            What::Discover => (method::SERVER_DISCOVER, Vec::new()),
            What::Listen => (
                method::SUBSCRIPTIONS_LISTEN,
                one(
                    "notifications",
                    r#"{"toolsListChanged":true,"resourceSubscriptions":["r://1"]}"#.to_owned(),
                ),
            ),
            What::Subscribe => (method::RESOURCES_SUBSCRIBE, uri()),
            What::Level => (method::LOGGING_SET_LEVEL, one("level", quote("info"))),
            What::Unknown(word) => {
                let asked: String = serde_json::from_str(&word.literal()).expect("a string");
                return (asked, members(&self.made_up));
            }
        };
        body.extend(members(&self.made_up));
        (asked.to_owned(), body)
    }
}

impl Head {
    pub(crate) fn meta(&self, era: Era, mark: &str, abilities: Abilities) -> Vec<(String, String)> {
        let mut all = members(&self.meta);
        // There is one token, or none.
        all.retain(|(name, _)| *name != quote(meta::PROGRESS_TOKEN));
        all.push((quote("mark"), quote(mark)));
        all.extend(
            self.token
                .iter()
                .map(|token| (quote(meta::PROGRESS_TOKEN), token.text())),
        );
        if era == Era::Stateless {
            let level = self
                .level
                .map(|at| ["debug", "info", "error", "nonsense"][usize::from(at) % 4]);
            all.extend(level.map(|level| (quote(meta::LOG_LEVEL), quote(level))));
            all.push((quote(meta::PROTOCOL_VERSION), quote("2026-07-28")));
            all.push((quote(meta::CLIENT_CAPABILITIES), abilities.declared()));
        }
        all
    }
}

impl Abilities {
    pub(crate) fn form(self) -> bool {
        self.0 & 1 != 0
    }

    pub(crate) fn url(self) -> bool {
        self.0 & 2 != 0
    }

    pub(crate) fn sampling(self) -> bool {
        self.0 & 4 != 0
    }

    pub(crate) fn roots(self) -> bool {
        self.0 & 8 != 0
    }

    pub(crate) fn declared(self) -> String {
        let modes = [(self.form(), "form"), (self.url(), "url")];
        let empty =
            |(is_there, name): (bool, &str)| is_there.then(|| (quote(name), "{}".to_owned()));
        let modes: Vec<_> = modes.into_iter().filter_map(empty).collect();
        let elicitation = (!modes.is_empty()).then(|| (quote("elicitation"), object(modes)));
        let plain = [(self.sampling(), "sampling"), (self.roots(), "roots")]
            .into_iter()
            .filter_map(empty);
        object(elicitation.into_iter().chain(plain))
    }
}

/// What a stateless request over HTTP repeats in its headers.
pub(crate) fn headers(frame: &Frame) -> StatelessHeaders {
    let params = frame.params_object().ok();
    let text = |name: &str| {
        params
            .as_ref()?
            .string(name)
            .ok()?
            .map(|name| wire::header_value(&name))
    };
    StatelessHeaders {
        version: Some("2026-07-28".to_owned()),
        method: Some(frame.method().to_owned()),
        name: text("name").or_else(|| text("uri")),
        params: Vec::new(),
    }
}
