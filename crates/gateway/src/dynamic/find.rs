//! `mcp-find`: servers for a request in natural language, in as few words as tell which to take.

use catalog::Entry;
use serde_json::{Map, Value, json};

use super::arguments::Arguments;
use super::errand::Errand;
use super::reply::Reply;
use super::standing::{Standing, State, config_of};
use crate::limits::FOUND_MAX;

/// How many are shown unless more are asked for.
const LIMIT: usize = 10;
/// Less than so much of the best score is not worth a model's time.
const WORTH: f32 = 0.45;
/// How many are shown whatever their score.
const AT_LEAST: usize = 3;
/// Characters of a description in the text, and in the structure.
const TEXT_CHARS: usize = 70;
const FACT_CHARS: usize = 110;
/// Tools named of a server in the text, and in the structure.
const TEXT_TOOLS: usize = 2;
const FACT_TOOLS: usize = 4;
/// How many come with the schema of what is to be configured.
const SCHEMAS: usize = 3;
/// How many near names are told where nothing was found.
const NEAR: usize = 3;

pub(super) async fn find(errand: &Errand, arguments: &Arguments) -> Reply {
    match found(errand, arguments).await {
        Ok(reply) | Err(reply) => reply,
    }
}

async fn found(errand: &Errand, arguments: &Arguments) -> Result<Reply, Reply> {
    let query = arguments.text("query")?;
    if !query.chars().any(char::is_alphanumeric) {
        return Err(arguments.wrong(
            "query",
            "says nothing: write what is to be done, or a filter such as type:remote",
        ));
    }
    let limit = match arguments.number("limit")? {
        None | Some(..=0) => LIMIT,
        Some(limit) => (limit as usize).min(FOUND_MAX),
    };
    let configured = errand.core.servers();
    let catalogs = errand.directory.open(&configured).await;
    let found = errand.directory.search(query, limit);
    let best = found.hits.first().map_or(0.0, |hit| hit.score);
    let asked_for_more = arguments.number("limit")?.is_some();
    let worth = |(at, hit): &(usize, search::Hit)| {
        asked_for_more || *at < AT_LEAST || hit.score >= WORTH * best
    };
    let hits = found.hits.into_iter().enumerate().filter(worth);
    let (mut lines, mut servers, mut schemas) = (Vec::new(), Vec::new(), 0);
    for (_, hit) in hits {
        let active = errand.core.server_in(&errand.workspace, &hit.name);
        let configured = || configured.iter().find(|server| *server.name == *hit.name);
        let Some(entry) = active
            .as_ref()
            .map(|server| &server.entry)
            .or_else(|| Some(&configured()?.entry))
            .or_else(|| catalogs.get(&hit.name))
        else {
            continue;
        };
        let is_closed = || errand.core.closed_entry(&errand.side(), entry).is_some();
        let standing = match active {
            Some(_) if !is_closed() => None,
            _ => Some(Standing::of(errand, entry, &config_of(errand, entry))),
        };
        let mut hit = Shown {
            entry,
            state: standing.as_ref().map_or(State::Active, Standing::state),
            standing,
            score: hit.score,
            tools: hit
                .tools
                .into_iter()
                .filter(|tool| errand.core.may_name(&errand.side(), entry, tool))
                .collect(),
            schema: None,
        };
        if hit.state == State::NeedsConfig && schemas < SCHEMAS {
            schemas += 1;
            hit.schema = entry.about.config.as_ref().map(shortened_schema);
        }
        lines.push(hit.line());
        servers.push(hit.facts());
    }
    let total = found.total_matches;
    if servers.is_empty() {
        let near = catalogs.nearest(query, NEAR);
        let hint = match near.is_empty() {
            true => "try other words for what is to be done".to_owned(),
            false => format!("near names: {}", near.join(", ")),
        };
        return Ok(Reply::new(
            format!("no server matches; {hint}"),
            json!({"total_matches": 0, "servers": []}),
        ));
    }
    if total > servers.len() {
        lines.push(format!("({} more)", total - servers.len()));
    }
    Ok(Reply::new(
        lines.join("\n"),
        json!({"total_matches": total, "servers": servers}),
    ))
}

struct Shown<'a> {
    entry: &'a Entry,
    state: State,
    standing: Option<Standing>,
    score: f32,
    tools: Vec<String>,
    schema: Option<Value>,
}

impl Shown<'_> {
    fn line(&self) -> String {
        let tools: Vec<&str> = self
            .tools
            .iter()
            .take(TEXT_TOOLS)
            .map(String::as_str)
            .collect();
        let tools = match tools.is_empty() {
            true => String::new(),
            false => format!(" [{}]", tools.join(", ")),
        };
        let about = self.entry.description.as_deref().unwrap_or_default();
        format!(
            "{} ({}): {}{tools}",
            self.entry.name,
            self.state.word(),
            cut(about, TEXT_CHARS)
        )
    }

    fn facts(&self) -> Value {
        let entry = self.entry;
        let about = entry.description.as_deref().unwrap_or_default();
        let tools: Vec<&String> = self.tools.iter().take(FACT_TOOLS).collect();
        let mut facts = json!({
            "name": entry.name.as_str(),
            "title": entry.title.as_deref().unwrap_or(entry.name.as_str()),
            "description": cut(about, FACT_CHARS),
            "type": entry.kind(),
            "state": self.state.word(),
            "trust": entry.origin.trust(),
            "score": (f64::from(self.score) * 100.0).round() / 100.0,
            "tools": tools,
        });
        let more = facts.as_object_mut().expect("an object was written");
        if let (State::NeedsSecrets, Some(standing)) = (self.state, &self.standing) {
            more.insert("required_secrets".into(), json!(standing.secrets));
        }
        if let Some(schema) = &self.schema {
            more.insert("config_schema".into(), schema.clone());
        }
        facts
    }
}

/// The schema without what costs more than it tells.
pub(super) fn shortened_schema(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => {
            let kept = members
                .iter()
                // What is called so as a property is a schema, too.
                .filter(|(name, value)| {
                    value.is_object()
                        || !matches!(name.as_str(), "title" | "$schema" | "examples")
                });
            let shortened = kept.map(|(name, value)| {
                let value = match (name.as_str(), value) {
                    ("description", Value::String(text)) => json!(cut(text, TEXT_CHARS)),
                    (_, value) => shortened_schema(value),
                };
                (name.clone(), value)
            });
            Value::Object(shortened.collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(shortened_schema).collect()),
        other => other.clone(),
    }
}

/// The first sentence, or as much of it as fits.
pub(super) fn cut(text: &str, chars: usize) -> String {
    let text = text.trim();
    let sentence = text.split_once(". ").map_or(text, |(first, _)| first);
    let line = sentence.lines().next().unwrap_or_default();
    let line = line.trim_end_matches('.');
    match line.char_indices().nth(chars) {
        None => line.to_owned(),
        Some((at, _)) => {
            let whole = &line[..at];
            let words = whole.rsplit_once(' ').map_or(whole, |(words, _)| words);
            format!("{words}…")
        }
    }
}
