//! A profile: a named, saved choice of servers, each with a snapshot of its entry, so that it works when no catalog has it any
//! more. Owns what is chosen, and how a choice becomes an entry to be used. Holds no secret: only references to some.
//! Next: `read/profile.rs` and `write/profile.rs`, its file.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{Entry, Problem, ServerName};

/// A named, saved choice of servers.
#[derive(Debug, Clone, Default)]
pub struct Profile {
    /// Its name, which is that of its file.
    pub name: String,
    /// A name for people.
    pub title: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Its servers in their order, each name once.
    pub servers: Vec<ProfileServer>,
    /// What was wrong with the file.
    pub problems: Vec<Problem>,
}

/// A server of a profile.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfileServer {
    /// Its entry as it was when it was chosen; where it came from stands in its origin.
    pub entry: Entry,
    /// What it is configured with, over what is set for all conversations.
    pub config: Map<String, Value>,
    /// Where the person takes its secrets from, by the names of these: `env:NAME`, `file:PATH` and the like.
    pub secrets: BTreeMap<String, String>,
    /// Only these tools; `None`: all, empty: none. `*` stands for any characters, case does not matter.
    pub tools: Option<Vec<String>>,
    /// Never these tools.
    pub exclude_tools: Vec<String>,
    /// Line and column in the file, from 1; 0 where there is none.
    pub at: (usize, usize),
}

impl Profile {
    /// One without servers.
    pub fn new(name: &ServerName) -> Self {
        Self {
            name: name.to_string(),
            ..Self::default()
        }
    }

    /// The server of a name.
    pub fn get(&self, name: &str) -> Option<&ProfileServer> {
        self.servers.iter().find(|server| server.entry.name == name)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut ProfileServer> {
        let mut servers = self.servers.iter_mut();
        servers.find(|server| server.entry.name == name)
    }

    /// The names of its servers.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.servers.iter().map(|server| server.entry.name.as_str())
    }
}

impl ProfileServer {
    /// All tools of an entry, with nothing set.
    pub fn new(entry: Entry) -> Self {
        Self {
            entry,
            config: Map::new(),
            secrets: BTreeMap::new(),
            tools: None,
            exclude_tools: Vec::new(),
            at: (0, 0),
        }
    }

    /// The entry with the choice of tools and the person's references; its templates are not filled in yet. Its
    /// [mark](Entry::mark) is that of the snapshot, so an approval of one is an approval of the other.
    pub fn entry_in_use(&self) -> Entry {
        Entry {
            tools: self.tools.clone(),
            exclude_tools: self.exclude_tools.clone(),
            references: self.secrets.clone(),
            ..self.entry.clone()
        }
    }

    /// Lets a tool be offered, or every tool (`None`).
    pub fn enable(&mut self, tool: Option<&str>) {
        let Some(tool) = tool else {
            (self.tools, self.exclude_tools) = (None, Vec::new());
            return;
        };
        let is_other = |known: &String| !known.eq_ignore_ascii_case(tool);
        self.exclude_tools.retain(is_other);
        if let Some(tools) = &mut self.tools
            && tools.iter().all(is_other)
        {
            tools.push(tool.to_owned());
        }
    }

    /// Keeps a tool from being offered, or every tool (`None`).
    pub fn disable(&mut self, tool: Option<&str>) {
        let Some(tool) = tool else {
            (self.tools, self.exclude_tools) = (Some(Vec::new()), Vec::new());
            return;
        };
        let is_other = |known: &String| !known.eq_ignore_ascii_case(tool);
        if let Some(tools) = &mut self.tools {
            tools.retain(is_other);
        }
        // A pattern may still mean it.
        if self.offers(tool) {
            self.exclude_tools.push(tool.to_owned());
        }
    }

    /// Whether a tool is offered.
    pub fn offers(&self, tool: &str) -> bool {
        self.entry_in_use().allows_tool(tool)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Launch;

    fn server() -> ProfileServer {
        let name = ServerName::new("a").unwrap();
        ProfileServer::new(Entry::command(name, "x", [""; 0]))
    }

    #[test]
    fn tools_are_enabled_and_disabled_one_by_one_and_all_at_once() {
        let mut server = server();
        assert!(server.offers("read"));
        server.disable(Some("read"));
        assert!(!server.offers("Read") && server.offers("write"));
        server.enable(Some("READ"));
        assert_eq!((&server.tools, server.exclude_tools.len()), (&None, 0));
        server.disable(None);
        assert!(!server.offers("read"));
        server.enable(Some("read"));
        assert_eq!(server.tools, Some(vec!["read".to_owned()]));
        server.enable(Some("Read"));
        assert_eq!(server.tools, Some(vec!["read".to_owned()]));
        server.disable(Some("read"));
        assert_eq!(server.tools, Some(vec![]));
        // One that a pattern lets through.
        server.tools = Some(vec!["re*".into()]);
        server.disable(Some("read"));
        assert!(!server.offers("read") && server.offers("rest"));
        server.enable(None);
        assert!(server.offers("read") && server.offers("anything"));
    }

    #[test]
    fn what_the_person_sets_is_not_what_was_approved() {
        let mut server = server();
        server.secrets.insert("a.t".into(), "env:T".into());
        server.tools = Some(vec!["x".into()]);
        let used = server.entry_in_use();
        assert_eq!(used.references["a.t"], "env:T");
        assert_eq!(used.mark(), server.entry.mark());
        assert!(matches!(used.launch, Launch::Command { .. }));
        assert!(used.allows_tool("x") && !used.allows_tool("y"));
    }
}
