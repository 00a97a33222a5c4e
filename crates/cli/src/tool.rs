//! A tool as the commands see it: its definition as it came, and the few members that people read.

use serde_json::Value;
use wire::Object;

use crate::error::{Failure, Kind};
use crate::ui::{Label, Table};

/// A tool of the list.
#[derive(Clone, Debug)]
pub(crate) struct Tool {
    /// The name to call it by.
    pub(crate) name: String,
    /// The server it belongs to, where that is known.
    pub(crate) server: Option<String>,
    pub(crate) title: String,
    pub(crate) description: String,
    /// The whole definition, as it came.
    pub(crate) raw: String,
}

impl Tool {
    /// Reads a definition.
    pub(crate) fn parse(raw: &str) -> Option<Self> {
        let object = Object::parse(raw).ok()?;
        let text = |name: &str| {
            object
                .string(name)
                .ok()
                .flatten()
                .map(std::borrow::Cow::into_owned)
        };
        Some(Self {
            name: text("name")?,
            server: None,
            title: text("title").unwrap_or_default(),
            description: text("description").unwrap_or_default(),
            raw: raw.to_owned(),
        })
    }

    /// The first line of what it says about itself.
    fn summary(&self) -> &str {
        let text = if self.description.is_empty() {
            &self.title
        } else {
            &self.description
        };
        text.trim().lines().next().unwrap_or_default()
    }

    /// What it takes.
    pub(crate) fn schema(&self) -> Value {
        let object = Object::parse(&self.raw).ok();
        let schema = object.and_then(|o| o.get("inputSchema").ok().flatten());
        schema
            .and_then(|raw| serde_json::from_str(raw).ok())
            .unwrap_or_default()
    }

    /// What its author promises about it, in words.
    pub(crate) fn traits(&self) -> Vec<&'static str> {
        let object = Object::parse(&self.raw).ok();
        let Some(notes) = object.and_then(|o| o.object("annotations").ok().flatten()) else {
            return Vec::new();
        };
        let says = |name: &str| notes.bool(name).ok().flatten();
        let mut words = Vec::new();
        if says("readOnlyHint") == Some(true) {
            words.push("only reads");
        } else {
            if says("destructiveHint") == Some(true) {
                words.push("may destroy");
            }
            if says("idempotentHint") == Some(true) {
                words.push("may be repeated");
            }
        }
        if says("openWorldHint") == Some(true) {
            words.push("reaches outside");
        }
        words
    }
}

/// The tool of this name; also `server:tool`.
pub(crate) fn find<'a>(tools: &'a [Tool], name: &str) -> Result<&'a Tool, Failure> {
    if let Some(tool) = tools.iter().find(|tool| tool.name == name) {
        return Ok(tool);
    }
    let names = || tools.iter().map(|t| t.name.as_str());
    let Some((server, own)) = name.split_once(':') else {
        return Err(missing("tool", name, names()));
    };
    let prefixed = format!("{server}__{own}");
    let mut of_server = tools
        .iter()
        .filter(|t| t.server.as_deref() == Some(server))
        .peekable();
    if of_server.peek().is_none() {
        let servers = tools.iter().filter_map(|t| t.server.as_deref());
        return Err(missing("server", server, servers));
    }
    of_server
        .find(|tool| tool.name == own || tool.name == prefixed)
        .ok_or_else(|| missing("tool", name, names()))
}

fn missing<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Failure {
    Failure::new(Kind::NotFound, format!("there is no {what} `{name}`"))
        .hints_from(did_you_mean(name, known))
        .hint("`portolan tools ls` shows them all")
}

/// A hint with the known name that is nearest.
pub(crate) fn did_you_mean<'a>(
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    catalog::suggest(name, known).map(|near| format!("did you mean `{near}`?"))
}

/// One line per tool.
pub(crate) fn table(tools: &[Tool]) -> Table {
    let mut table = Table::new(&["tool", "server", "description"]);
    for tool in tools {
        table.row([
            (Label::Name, tool.name.clone()),
            (Label::Dim, tool.server.clone().unwrap_or_default()),
            (Label::Plain, tool.summary().to_owned()),
        ]);
    }
    table
}

/// The definitions, with the server each belongs to.
pub(crate) fn to_json(tools: &[Tool]) -> String {
    let all: Vec<String> = tools
        .iter()
        .map(|tool| {
            let server = tool
                .server
                .as_ref()
                .map_or_else(|| "null".into(), |s| wire::quote(s));
            format!(r#"{{"server":{server},"tool":{}}}"#, tool.raw)
        })
        .collect();
    format!(r#"{{"tools":[{}]}}"#, all.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tools() -> Vec<Tool> {
        let raw = |name: &str| {
            format!(
                r#"{{"name":"{name}","annotations":{{"readOnlyHint":true}},"inputSchema":{{}}}}"#
            )
        };
        let mut tools: Vec<Tool> = ["echo", "fs__read", "get-sum"]
            .iter()
            .map(|n| Tool::parse(&raw(n)).unwrap())
            .collect();
        tools[1].server = Some("fs".into());
        tools
    }

    #[test]
    fn tools_are_found_by_either_name() {
        assert_eq!(find(&tools(), "echo").unwrap().name, "echo");
        assert_eq!(find(&tools(), "fs:read").unwrap().name, "fs__read");
        let said = |name| find(&tools(), name).unwrap_err().message().to_owned();
        assert_eq!(said("fs:raed"), "there is no tool `fs:raed`");
        assert_eq!(said("git:read"), "there is no server `git`");
    }

    #[test]
    fn a_near_name_is_offered() {
        let failure = find(&tools(), "get_sum").unwrap_err();
        assert_eq!(
            (failure.kind(), failure.hints()[0].as_str()),
            (Kind::NotFound, "did you mean `get-sum`?")
        );
    }

    #[test]
    fn definitions_keep_their_bytes() {
        assert!(
            to_json(&tools()[..1])
                .contains(r#"{"server":null,"tool":{"name":"echo","annotations""#)
        );
        assert_eq!(tools()[0].traits(), ["only reads"]);
    }
}
