//! What messages are made of: values of every shape, from words that mean something to the bridge.

use arbitrary::Arbitrary;
use wire::quote;

/// Any JSON.
#[derive(Arbitrary, Debug)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(i16),
    /// Numbers that not every reader takes for what they are.
    OddNumber(OddNumber),
    Text(Word),
    List(Vec<Self>),
    Object(Vec<(Word, Self)>),
}

#[derive(Arbitrary, Debug)]
pub(crate) enum OddNumber {
    Huge,
    Fraction,
    Exponent,
    MinusZero,
}

/// Member names and texts.
#[derive(Arbitrary, Debug)]
pub(crate) enum Word {
    ResultType,
    EscapedResultType,
    InputRequired,
    Complete,
    Task,
    InputRequests,
    RequestState,
    StructuredContent,
    Content,
    TtlMs,
    CacheScope,
    Meta,
    ServerInfo,
    SubscriptionId,
    ProgressToken,
    ElicitationId,
    Mode,
    Url,
    Elicitations,
    Method,
    Params,
    Uri,
    TaskId,
    Text,
    IsError,
    /// The key of a first question.
    Q1,
    Own(String),
}

/// An error code: the known ones, and others.
#[derive(Arbitrary, Debug)]
pub(crate) enum Code {
    NotFound,
    UrlElicitation,
    HeaderMismatch,
    MissingCapability,
    UnsupportedVersion,
    InvalidParams,
    MethodNotFound,
    /// The same numbers, written otherwise.
    Written(Spelling, u8),
    Other(i32),
    Odd(Json),
}

#[derive(Arbitrary, Debug)]
pub(crate) enum Spelling {
    Fraction,
    Exponent,
}

impl Json {
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(bool) => bool.to_string(),
            Self::Number(number) => number.to_string(),
            Self::OddNumber(number) => match number {
                OddNumber::Huge => "100000000000000000000000".to_owned(),
                OddNumber::Fraction => "1.0".to_owned(),
                OddNumber::Exponent => "1e2".to_owned(),
                OddNumber::MinusZero => "-0".to_owned(),
            },
            Self::Text(word) => word.literal(),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(Self::text).collect();
                format!("[{}]", items.join(","))
            }
            Self::Object(members) => crate::object(crate::members(members)),
        }
    }
}

impl Word {
    /// As JSON.
    pub(crate) fn literal(&self) -> String {
        let word = match self {
            Self::ResultType => "resultType",
            Self::EscapedResultType => return r#""result\u0054ype""#.to_owned(),
            Self::InputRequired => "input_required",
            Self::Complete => "complete",
            Self::Task => "task",
            Self::InputRequests => "inputRequests",
            Self::RequestState => "requestState",
            Self::StructuredContent => "structuredContent",
            Self::Content => "content",
            Self::TtlMs => "ttlMs",
            Self::CacheScope => "cacheScope",
            Self::Meta => "_meta",
            Self::ServerInfo => wire::meta::SERVER_INFO,
            Self::SubscriptionId => wire::meta::SUBSCRIPTION_ID,
            Self::ProgressToken => wire::meta::PROGRESS_TOKEN,
            Self::ElicitationId => "elicitationId",
            Self::Mode => "mode",
            Self::Url => "url",
            Self::Elicitations => "elicitations",
            Self::Method => "method",
            Self::Params => "params",
            Self::Uri => "uri",
            Self::TaskId => "taskId",
            Self::Text => "text",
            Self::IsError => "isError",
            Self::Q1 => "q1",
            // The marks of callers are ours alone.
            Self::Own(text) => return quote(&text.replace('@', "")),
        };
        quote(word)
    }
}

impl Code {
    pub(crate) fn text(&self) -> String {
        use wire::code;
        let known = [
            code::RESOURCE_NOT_FOUND,
            code::URL_ELICITATION_REQUIRED,
            code::HEADER_MISMATCH,
            code::MISSING_CAPABILITY,
            code::UNSUPPORTED_VERSION,
        ];
        match self {
            Self::NotFound => code::RESOURCE_NOT_FOUND.to_string(),
            Self::UrlElicitation => code::URL_ELICITATION_REQUIRED.to_string(),
            Self::HeaderMismatch => code::HEADER_MISMATCH.to_string(),
            Self::MissingCapability => code::MISSING_CAPABILITY.to_string(),
            Self::UnsupportedVersion => code::UNSUPPORTED_VERSION.to_string(),
            Self::InvalidParams => code::INVALID_PARAMS.to_string(),
            Self::MethodNotFound => code::METHOD_NOT_FOUND.to_string(),
            Self::Written(spelling, at) => {
                let code = crate::choose(&known, *at).expect("there are some");
                match spelling {
                    Spelling::Fraction => format!("{code}.0"),
                    Spelling::Exponent => format!("{code}E0"),
                }
            }
            Self::Other(code) => code.to_string(),
            Self::Odd(json) => json.text(),
        }
    }
}
