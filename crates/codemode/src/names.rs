//! What servers and tools are called in a script.
//!
//! Owns the way from any name to an identifier, and back from what a script wrote to the tool that is meant: by
//! identifier, by the exact name, or by the same letters in another spelling (`createIssue` for `create-issue`) where
//! only one tool can be meant. What nobody is called is an error that names the nearest.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

/// The servers that a script sees, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// Each is a namespace.
    pub servers: Vec<ServerNames>,
}

/// One server and its tools.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerNames {
    /// As everybody else knows it.
    pub name: String,
    /// As a script writes it.
    pub ident: String,
    /// Its tools, in order.
    pub tools: Vec<ToolName>,
}

/// One tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolName {
    /// As its server calls it.
    pub name: String,
    /// As a script writes it.
    pub ident: String,
}

/// Words that cannot be the name of a variable, or that a script expects to be something else.
const TAKEN: &[&str] = &[
    "Array",
    "ArrayBuffer",
    "BigInt",
    "Boolean",
    "Date",
    "Error",
    "Function",
    "Infinity",
    "Intl",
    "JSON",
    "Map",
    "Math",
    "NaN",
    "Number",
    "Object",
    "Promise",
    "Proxy",
    "Reflect",
    "RegExp",
    "Set",
    "String",
    "Symbol",
    "ToolError",
    "LimitError",
    "WeakMap",
    "WeakSet",
    "args",
    "arguments",
    "async",
    "await",
    "break",
    "case",
    "catch",
    "class",
    "clearTimeout",
    "console",
    "const",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "enum",
    "eval",
    "export",
    "exports",
    "extends",
    "false",
    "finally",
    "for",
    "function",
    "globalThis",
    "if",
    "implements",
    "import",
    "in",
    "instanceof",
    "interface",
    "let",
    "module",
    "new",
    "null",
    "of",
    "package",
    "parseFloat",
    "parseInt",
    "performance",
    "private",
    "protected",
    "public",
    "return",
    "setTimeout",
    "sleep",
    "static",
    "structuredClone",
    "super",
    "switch",
    "this",
    "throw",
    "tools",
    "true",
    "try",
    "typeof",
    "undefined",
    "var",
    "void",
    "while",
    "with",
    "yield",
];

impl Names {
    /// The names of these servers with their tools.
    pub fn new<'a, T>(servers: impl IntoIterator<Item = (&'a str, T)>) -> Self
    where
        T: IntoIterator<Item = &'a str>,
    {
        let mut used = HashSet::new();
        let servers = servers
            .into_iter()
            .map(|(name, tools)| {
                let mut used_tools = HashSet::new();
                ServerNames {
                    name: name.into(),
                    ident: unique(identifier(name), &mut used),
                    tools: tools
                        .into_iter()
                        .map(|name| ToolName {
                            name: name.into(),
                            // A word of the language may follow a dot.
                            ident: unique(plain_identifier(name), &mut used_tools),
                        })
                        .collect(),
                }
            })
            .collect();
        Self { servers }
    }

    /// The server that is meant.
    ///
    /// # Errors
    /// If there is none: a message that names the nearest.
    pub fn server(&self, written: &str) -> Result<usize, String> {
        let names = || {
            self.servers
                .iter()
                .map(|server| (server.ident.as_str(), server.name.as_str()))
        };
        meant(written, names()).ok_or_else(|| {
            let all: Vec<_> = names().map(|(ident, _)| ident).collect();
            format!(
                "there is no server \"{}\"{}",
                shortened(written),
                nearest(written, &all, "the servers are")
            )
        })
    }

    /// The tool of this server that is meant.
    ///
    /// # Errors
    /// If there is none: a message that names the nearest.
    pub fn tool(&self, server: usize, written: &str) -> Result<usize, String> {
        let Some(server) = self.servers.get(server) else {
            return Err("there is no such server".into());
        };
        let names = || {
            server
                .tools
                .iter()
                .map(|tool| (tool.ident.as_str(), tool.name.as_str()))
        };
        meant(written, names()).ok_or_else(|| {
            let all: Vec<_> = names().map(|(ident, _)| ident).collect();
            format!(
                "{} has no tool \"{}\"{}",
                server.ident,
                shortened(written),
                nearest(written, &all, "its tools are")
            )
        })
    }

    /// The tool that `server.tool` means.
    ///
    /// # Errors
    /// If there is none: a message that names the nearest.
    pub fn path(&self, written: &str) -> Result<(usize, usize), String> {
        // Names of servers may hold dots themselves.
        for (at, _) in written.match_indices('.') {
            if let Ok(server) = self.server(&written[..at]) {
                return self
                    .tool(server, &written[at + 1..])
                    .map(|tool| (server, tool));
            }
        }
        // A tool without its server, as long as only one server has it.
        let mut found = self
            .servers
            .iter()
            .enumerate()
            .filter_map(|(at, _)| self.tool(at, written).ok().map(|tool| (at, tool)));
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(one),
            (Some(_), Some(_)) => Err(format!(
                "several servers have a tool \"{}\": write \"server.{0}\"",
                shortened(written)
            )),
            (None, _) => match written.split_once('.') {
                Some((server, _)) => Err(self.server(server).err().unwrap_or_default()),
                None => Err(format!(
                    "there is no tool \"{}\": write \"server.tool\", or search with tools.search(\"…\")",
                    shortened(written)
                )),
            },
        }
    }

    /// `server.tool`, as a script writes it.
    #[must_use]
    pub fn label(&self, server: usize, tool: usize) -> String {
        match self.servers.get(server) {
            Some(found) => match found.tools.get(tool) {
                Some(tool) => format!("{}.{}", found.ident, tool.ident),
                None => found.ident.clone(),
            },
            None => "tool".into(),
        }
    }
}

fn meant<'a>(
    written: &str,
    names: impl Iterator<Item = (&'a str, &'a str)> + Clone,
) -> Option<usize> {
    let by =
        |is: &dyn Fn(&str, &str) -> bool| names.clone().position(|(ident, name)| is(ident, name));
    if let Some(at) = by(&|ident, _| ident == written).or_else(|| by(&|_, name| name == written)) {
        return Some(at);
    }
    let letters = letters(written);
    if letters.is_empty() {
        return None;
    }
    let mut same = names
        .enumerate()
        .filter(|(_, (_, name))| self::letters(name) == letters);
    match (same.next(), same.next()) {
        (Some((at, _)), None) => Some(at),
        _ => None,
    }
}

/// A name without its spelling: `createIssue`, `create_issue` and `create-issue` are one.
fn letters(name: &str) -> String {
    name.chars()
        .filter(|letter| letter.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// The end of a message: what was probably meant, or what there is.
fn nearest(written: &str, names: &[&str], what: &str) -> String {
    const LISTED: usize = 12;
    if names.is_empty() {
        return format!(": {what} none");
    }
    // Who writes a long name writes it on purpose; comparing it would only take time.
    let near = (written.len() <= 100)
        .then(|| {
            names
                .iter()
                .map(|name| {
                    (
                        strsim::jaro_winkler(&letters(written), &letters(name)),
                        name,
                    )
                })
                .max_by(|a, b| a.0.total_cmp(&b.0))
        })
        .flatten();
    if let Some((likeness, name)) = near
        && likeness >= 0.85
    {
        return format!(": did you mean {name}?");
    }
    let mut list = names[..names.len().min(LISTED)].join(", ");
    if names.len() > LISTED {
        list.push_str(&format!(", and {} more", names.len() - LISTED));
    }
    format!(": {what} {list}")
}

/// As it may stand in a message.
fn shortened(written: &str) -> String {
    const SHOWN: usize = 60;
    if written.chars().count() <= SHOWN {
        return written.escape_debug().to_string();
    }
    let mut shown: String = written.chars().take(SHOWN).collect();
    shown.push('…');
    shown.escape_debug().to_string()
}

/// An identifier that can be a variable.
fn identifier(name: &str) -> String {
    let mut ident = plain_identifier(name);
    if TAKEN.contains(&ident.as_str()) {
        ident.push('_');
    }
    ident
}

/// An identifier that can follow a dot.
fn plain_identifier(name: &str) -> String {
    let mut ident: String = name
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '_'
            }
        })
        .collect();
    if ident.is_empty() || ident.starts_with(|first: char| first.is_ascii_digit()) {
        ident.insert(0, '_');
    }
    ident
}

fn unique(ident: String, used: &mut HashSet<String>) -> String {
    let mut candidate = ident.clone();
    let mut number = 2;
    while !used.insert(candidate.clone()) {
        candidate = format!("{ident}_{number}");
        number += 1;
    }
    candidate
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        Names::new([
            ("github", vec!["create-issue", "list_issues", "delete"]),
            ("io.example/time-server", vec!["now"]),
            ("JSON", vec!["now", "a.b", "a-b", "7zip", ""]),
        ])
    }

    #[test]
    fn every_name_becomes_an_identifier_of_its_own() {
        let names = names();
        let idents: Vec<_> = names
            .servers
            .iter()
            .map(|server| server.ident.as_str())
            .collect();
        assert_eq!(idents, ["github", "io_example_time_server", "JSON_"]);
        let tools: Vec<_> = names.servers[2]
            .tools
            .iter()
            .map(|tool| tool.ident.as_str())
            .collect();
        assert_eq!(tools, ["now", "a_b", "a_b_2", "_7zip", "_"]);
        assert_eq!(names.servers[0].tools[2].ident, "delete");
    }

    #[test]
    fn a_tool_is_found_in_any_spelling_that_means_one() {
        let names = names();
        for written in ["create_issue", "create-issue", "createIssue", "CreateIssue"] {
            assert_eq!(names.tool(0, written), Ok(0), "{written}");
        }
        assert_eq!(names.tool(2, "a-b"), Ok(2));
        assert!(names.tool(2, "ab").is_err(), "two could be meant");
    }

    #[test]
    fn what_is_not_there_is_answered_with_the_nearest() {
        let names = names();
        assert_eq!(
            names.tool(0, "create_isue").unwrap_err(),
            "github has no tool \"create_isue\": did you mean create_issue?"
        );
        assert_eq!(
            names.tool(0, "zzz").unwrap_err(),
            "github has no tool \"zzz\": its tools are create_issue, list_issues, delete"
        );
        assert_eq!(
            names.server("githb").unwrap_err(),
            "there is no server \"githb\": did you mean github?"
        );
    }

    #[test]
    fn a_path_may_have_dots_in_the_server_and_lack_the_server() {
        let names = names();
        assert_eq!(names.path("github.create-issue"), Ok((0, 0)));
        assert_eq!(names.path("io.example/time-server.now"), Ok((1, 0)));
        assert_eq!(names.path("list_issues"), Ok((0, 1)));
        assert_eq!(
            names.path("now").unwrap_err(),
            "several servers have a tool \"now\": write \"server.now\""
        );
    }

    #[test]
    fn a_name_of_any_length_makes_a_short_message() {
        assert!(names().server(&"x".repeat(1 << 20)).unwrap_err().len() < 300);
    }
}
