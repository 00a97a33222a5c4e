//! `{{key|filter}}` and `${SECRET}` in the values of entries. Owns their grammar: what was written is checked when the
//! catalog is read, so that an unknown filter is a message with a position and no surprise at a start. Next:
//! `template/render.rs`, which fills them in.

mod render;
#[cfg(test)]
mod tests;

pub(crate) use render::{Filled, Values, find};

/// A value of an entry, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    /// `{{key|filter|…}}`.
    Config(Expression),
    /// `${NAME}` of a secret of the entry.
    Secret(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Expression {
    /// The key in the configuration, steps separated by dots, without the name of the server.
    key: String,
    filters: Vec<Filter>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Filter {
    /// A path as `path:path`.
    Volume,
    /// Of `source:target` the target; a path alone is its own target.
    VolumeTarget,
    /// A list as several items.
    Into,
    /// The first of a list.
    First,
    /// The last of a list.
    Last,
    /// Instead of nothing.
    Or(String),
    /// A path as `path:target`, with what follows the target.
    MountAs(String),
}

/// The filters there are, as messages name them.
const FILTERS: &str = "`volume`, `volume-target`, `into`, `first`, `last`, `or:…` and `mount_as:…`";

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// `{{` without `}}`.
    #[error("`{{{{` has no `}}}}`")]
    Open,
    /// Nothing, or something else than a key, between the braces.
    #[error("`{0}` is no key of a configuration")]
    Key(String),
    /// A filter that does not exist.
    #[error("there is no filter `{0}`; there are {FILTERS}")]
    Filter(String),
    /// A filter that lacks its argument.
    #[error("the filter `{0}` needs something after a colon")]
    Argument(String),
    /// `into` beside other text.
    #[error("`into` makes several items of a list, so nothing else can stand beside it")]
    Into,
}

impl Template {
    /// Takes a text apart; `server` is a name that keys may begin with, `secrets` are the variables that `${…}` may
    /// stand for: any other `$` is text. An error comes with the byte it is at.
    pub(crate) fn parse(
        text: &str,
        server: &str,
        secrets: &dyn Fn(&str) -> bool,
    ) -> Result<Self, (TemplateError, usize)> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find("{{") {
            literal(&rest[..at], secrets, &mut parts);
            let offset = text.len() - rest.len() + at;
            let inner = &rest[at + 2..];
            let end = inner.find("}}").ok_or((TemplateError::Open, offset))?;
            let expression =
                Expression::parse(&inner[..end], server).map_err(|error| (error, offset))?;
            parts.push(Part::Config(expression));
            rest = &inner[end + 2..];
        }
        literal(rest, secrets, &mut parts);
        if parts.len() > 1 {
            let spreads = |part: &Part| matches!(part, Part::Config(e) if e.spreads());
            if parts.iter().any(spreads) {
                return Err((TemplateError::Into, 0));
            }
        }
        Ok(Self { parts })
    }

    /// The text without the name of the server in its keys, so that an entry may be renamed.
    pub(crate) fn canonical(&self) -> String {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Config(expression) => expression.canonical(),
                Part::Secret(name) => format!("${{{name}}}"),
            })
            .collect()
    }

    /// The keys of the configuration that it needs.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Config(expression) => Some(expression.key.as_str()),
            _ => None,
        })
    }

    /// What its author wrote, in its order.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = Piece<'_>> {
        self.parts.iter().map(|part| match part {
            Part::Text(text) => Piece::Text(text),
            Part::Config(expression) => Piece::Value(expression.stand_ins().collect()),
            Part::Secret(_) => Piece::Value(Vec::new()),
        })
    }
}

/// What an author wrote.
pub(crate) enum Piece<'t> {
    /// As it is.
    Text(&'t str),
    /// A value that comes from elsewhere, and what stands in for it: `[]` is nothing at all.
    Value(Vec<&'t str>),
}

impl Expression {
    /// What stands in for it where it is not set.
    fn stand_ins(&self) -> impl Iterator<Item = &str> {
        self.filters.iter().filter_map(|filter| match filter {
            Filter::Or(text) => Some(text.as_str()),
            _ => None,
        })
    }

    fn parse(inner: &str, server: &str) -> Result<Self, TemplateError> {
        let mut pieces = inner.split('|').map(str::trim);
        let written = pieces.next().unwrap_or_default();
        let own = |key: &str| {
            key.strip_prefix(server)
                .and_then(|key| key.strip_prefix('.'))
                .filter(|_| !server.is_empty())
                .map(str::to_owned)
        };
        let key = own(written).unwrap_or_else(|| written.to_owned());
        let is_key = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        if key.is_empty() || !key.chars().all(is_key) || key.split('.').any(str::is_empty) {
            return Err(TemplateError::Key(short(inner)));
        }
        let filters = pieces.map(Filter::parse).collect::<Result<_, _>>()?;
        Ok(Self { key, filters })
    }

    fn spreads(&self) -> bool {
        self.filters.contains(&Filter::Into)
    }

    fn canonical(&self) -> String {
        let mut out = format!("{{{{{}", self.key);
        for filter in &self.filters {
            out.push('|');
            out.push_str(&filter.written());
        }
        out + "}}"
    }
}

impl Filter {
    fn parse(text: &str) -> Result<Self, TemplateError> {
        let (name, argument) = match text.split_once(':') {
            Some((name, argument)) => (name.trim(), Some(argument.trim())),
            None => (text, None),
        };
        Ok(match (name, argument) {
            ("volume", None) => Self::Volume,
            ("volume-target", None) => Self::VolumeTarget,
            ("into", None) => Self::Into,
            ("first", None) => Self::First,
            ("last", None) => Self::Last,
            ("or", Some(other)) => Self::Or(other.to_owned()),
            ("mount_as", Some(target)) if !target.is_empty() => Self::MountAs(target.to_owned()),
            ("or" | "mount_as", _) => return Err(TemplateError::Argument(name.to_owned())),
            _ => return Err(TemplateError::Filter(short(text))),
        })
    }

    fn written(&self) -> String {
        match self {
            Self::Volume => "volume".to_owned(),
            Self::VolumeTarget => "volume-target".to_owned(),
            Self::Into => "into".to_owned(),
            Self::First => "first".to_owned(),
            Self::Last => "last".to_owned(),
            Self::Or(other) => format!("or:{other}"),
            Self::MountAs(target) => format!("mount_as:{target}"),
        }
    }
}

/// Text in which secrets may be named.
fn literal(text: &str, secrets: &dyn Fn(&str) -> bool, parts: &mut Vec<Part>) {
    let mut start = 0;
    let mut from = 0;
    while let Some(at) = text[from..].find("${").map(|at| from + at) {
        let Some(end) = text[at..].find('}').map(|end| at + end) else {
            break;
        };
        let name = &text[at + 2..end];
        if secrets(name) {
            if at > start {
                parts.push(Part::Text(text[start..at].to_owned()));
            }
            parts.push(Part::Secret(name.to_owned()));
            start = end + 1;
            from = start;
        } else {
            from = at + 2;
        }
    }
    if start < text.len() {
        parts.push(Part::Text(text[start..].to_owned()));
    }
}

/// As much of a text as a message can hold.
fn short(text: &str) -> String {
    text.chars().take(60).collect()
}
