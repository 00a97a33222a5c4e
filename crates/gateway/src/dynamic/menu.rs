//! Our tools as a model sees them: names, descriptions and schemas, as few tokens as do the job. The names are the
//! contract; no schema has `oneOf`, `anyOf` or `allOf` at its top, which some model APIs refuse.

use super::discover;
use crate::lists::Kind;
use crate::options::Features;

/// A tool of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    Find,
    Add,
    ConfigSet,
    Remove,
    Exec,
    CreateProfile,
    ActivateProfile,
    FindTools,
    RegistryImport,
    Code,
    /// One that takes scripts, made by `code-mode`.
    Script,
}

impl Tool {
    const ALL: [Self; 10] = [
        Self::Find,
        Self::Add,
        Self::ConfigSet,
        Self::Remove,
        Self::Exec,
        Self::CreateProfile,
        Self::ActivateProfile,
        Self::FindTools,
        Self::RegistryImport,
        Self::Code,
    ];

    /// The tool of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Find => "mcp-find",
            Self::Add => "mcp-add",
            Self::ConfigSet => "mcp-config-set",
            Self::Remove => "mcp-remove",
            Self::Exec => "mcp-exec",
            Self::CreateProfile => "mcp-create-profile",
            Self::ActivateProfile => "mcp-activate-profile",
            Self::FindTools => "find-tools",
            Self::RegistryImport => "mcp-registry-import",
            Self::Code => "code-mode",
            Self::Script => "code-mode-…",
        }
    }

    /// The arguments that it takes.
    pub(super) fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Find => &["query", "limit", "workspace"],
            Self::Add => &["name", "config", "activate", "workspace"],
            Self::ConfigSet => &["server", "config", "key", "value", "workspace"],
            Self::Remove => &["name", "workspace"],
            Self::Exec => &["name", "arguments", "server", "workspace"],
            Self::CreateProfile | Self::ActivateProfile => &["name", "workspace"],
            Self::FindTools => &["prompt", "workspace"],
            Self::RegistryImport => &["url", "workspace"],
            Self::Code => &["servers", "name", "code", "workspace"],
            Self::Script => &["script"],
        }
    }

    /// Whether it is there with these features.
    pub(crate) fn is_on(self, features: Features) -> bool {
        match self {
            Self::CreateProfile | Self::ActivateProfile => features.profile_tools,
            Self::FindTools => features.find_tools,
            Self::RegistryImport => features.registry_import,
            _ => true,
        }
    }
}

/// What the gateway itself offers: definitions with commas between them.
#[derive(Clone, Default)]
pub(crate) struct Menu {
    tools: String,
    prompts: String,
}

impl Menu {
    pub(crate) fn new(features: Features) -> Self {
        let mut tools = TOOLS.to_owned();
        let more = [
            (features.profile_tools, PROFILE_TOOLS),
            (features.find_tools, FIND_TOOLS),
            (features.registry_import, REGISTRY_IMPORT),
        ];
        for (_, definitions) in more.into_iter().filter(|(is_on, _)| *is_on) {
            tools.push(',');
            tools.push_str(definitions);
        }
        let prompts = match features.discover_prompt {
            true => discover::DEFINITION,
            false => "",
        };
        Self {
            tools,
            prompts: prompts.to_owned(),
        }
    }

    /// One more tool, after the others.
    pub(super) fn add(&mut self, definition: &str) {
        self.tools.push(',');
        self.tools.push_str(definition);
    }

    /// Those of a list, if there are any.
    pub(crate) fn of(&self, kind: Kind) -> Option<&str> {
        let items = match kind {
            Kind::Tools => &self.tools,
            Kind::Prompts => &self.prompts,
            Kind::Resources | Kind::Templates => return None,
        };
        (!items.is_empty()).then_some(items)
    }
}

/// Definitions of those that are always there, in the order in which they are listed.
const TOOLS: &str = concat!(
    r#"{"name":"mcp-find","description":"Search the catalog for MCP servers by what you need done, in any language (\"create GitHub issues\"). Use it whenever your tools do not cover a task, before saying that you cannot. One need per query: split a task that takes several servers. Each hit has its best-matching tools and its state: ready and active can be used now, for needs-… mcp-add asks or says what is missing. Filters: type:remote, tag:database.","inputSchema":{"type":"object","properties":{"query":{"type":"string","description":"What is to be done, and the product if one is meant"},"limit":{"type":"integer","default":10},"workspace":{"type":"string"}},"required":["query"]},"annotations":{"readOnlyHint":true,"openWorldHint":false}},"#,
    r#"{"name":"mcp-add","description":"Make a server of mcp-find usable in this conversation. Returns its tools and a workspace; call the tools natively once they are listed, else at once by mcp-exec. What is missing is asked of the user, or next says what they must do.","inputSchema":{"type":"object","properties":{"name":{"type":"string"},"config":{"type":"object","description":"Values for its config_schema"},"activate":{"type":"boolean","default":true,"description":"false: do not list its tools, only mcp-exec calls them"},"workspace":{"type":"string","description":"As returned by mcp-add; omit for the conversation's own or a new one"}},"required":["name"]},"annotations":{"destructiveHint":false}},"#,
    r#"{"name":"mcp-config-set","description":"Configure a server: a whole config, or one key and value. Applies at once.","inputSchema":{"type":"object","properties":{"server":{"type":"string"},"config":{"type":"object"},"key":{"type":"string"},"value":{},"workspace":{"type":"string"}},"required":["server"]},"annotations":{"destructiveHint":false,"idempotentHint":true}},"#,
    r#"{"name":"mcp-remove","description":"Remove a server from this conversation and stop it.","inputSchema":{"type":"object","properties":{"name":{"type":"string"},"workspace":{"type":"string"}},"required":["name"]},"annotations":{"destructiveHint":false,"idempotentHint":true}},"#,
    r#"{"name":"mcp-exec","description":"Call any tool of this conversation by name, with arguments by the schema that mcp-add returned. With server also one of a ready server that was not added.","inputSchema":{"type":"object","properties":{"name":{"type":"string"},"arguments":{"type":"object"},"server":{"type":"string"},"workspace":{"type":"string"}},"required":["name"]}}"#
);

/// Those of `profile-tools`.
const PROFILE_TOOLS: &str = concat!(
    r#"{"name":"mcp-create-profile","description":"Save the servers of this conversation under a name, with their configuration but no secrets, to have them again in others. Adds to a profile of that name.","inputSchema":{"type":"object","properties":{"name":{"type":"string"},"workspace":{"type":"string"}},"required":["name"]},"annotations":{"destructiveHint":false,"idempotentHint":true}},"#,
    r#"{"name":"mcp-activate-profile","description":"Add all servers of a saved profile to this conversation.","inputSchema":{"type":"object","properties":{"name":{"type":"string"},"workspace":{"type":"string"}},"required":["name"]},"annotations":{"destructiveHint":false,"idempotentHint":true}}"#
);

/// That of `find-tools`.
const FIND_TOOLS: &str = r#"{"name":"find-tools","description":"Search single tools, of this conversation and of the catalog, by what is to be done. Returns their schemas: mcp-exec with server calls those of servers that are active or ready.","inputSchema":{"type":"object","properties":{"prompt":{"type":"string","description":"What is to be done"},"workspace":{"type":"string"}},"required":["prompt"]},"annotations":{"readOnlyHint":true,"openWorldHint":false}}"#;

/// That of `registry-import`.
const REGISTRY_IMPORT: &str = r#"{"name":"mcp-registry-import","description":"Make the servers of a catalog or registry at an https:// address findable by mcp-find. Each waits for the user's approval.","inputSchema":{"type":"object","properties":{"url":{"type":"string"},"workspace":{"type":"string"}},"required":["url"]},"annotations":{"destructiveHint":false,"idempotentHint":true,"openWorldHint":true}}"#;
/// That of `code-mode`, which is listed after them where something runs scripts.
pub(super) const CODE: &str = r#"{"name":"code-mode","description":"Run JavaScript that calls many tools at once and returns only what is needed: the body of an async function. const {items} = await github.list_issues({…}); return items.length. Results are values; await tools.search(what) and await tools.describe(\"server.tool\") tell what there is. With name in place of code: make a tool code-mode-<name> that takes {script} and shows the tools of these servers.","inputSchema":{"type":"object","properties":{"code":{"type":"string"},"servers":{"type":"array","items":{"type":"string"},"description":"Active or ready ones; all of this conversation if left out"},"name":{"type":"string"},"workspace":{"type":"string"}}}}"#;

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::naming;

    const ALL_ON: Features = Features {
        profile_tools: true,
        find_tools: true,
        registry_import: true,
        discover_prompt: true,
    };

    fn listed(features: Features) -> Vec<Value> {
        let menu = Menu::new(features);
        serde_json::from_str(&format!("[{}]", menu.of(Kind::Tools).unwrap())).unwrap()
    }

    #[test]
    fn what_is_off_is_not_there() {
        let features = Features::default();
        let names: Vec<&str> = Tool::ALL
            .into_iter()
            .filter(|tool| *tool != Tool::Code && tool.is_on(features))
            .map(Tool::name)
            .collect();
        let listed = listed(features);
        let listed: Vec<&str> = listed
            .iter()
            .filter_map(|tool| tool["name"].as_str())
            .collect();
        assert_eq!(names, listed);
        assert_eq!(names.len(), 5);
        assert_eq!(Menu::new(features).of(Kind::Prompts), None);
        let prompts = Menu::new(ALL_ON);
        let prompt: Value = serde_json::from_str(prompts.of(Kind::Prompts).unwrap()).unwrap();
        assert!(naming::is_reserved(prompt["name"].as_str().unwrap()));
    }

    #[test]
    fn every_tool_is_listed_once_with_the_arguments_that_it_takes() {
        let mut listed = listed(ALL_ON);
        listed.push(serde_json::from_str(CODE).unwrap());
        assert_eq!(listed.len(), Tool::ALL.len());
        for (tool, listed) in Tool::ALL.into_iter().zip(listed) {
            assert_eq!(listed["name"], tool.name());
            assert!(naming::is_reserved(tool.name()));
            let schema = listed["inputSchema"].as_object().unwrap();
            let names: Vec<&str> = schema["properties"]
                .as_object()
                .unwrap()
                .keys()
                .map(String::as_str)
                .collect();
            let mut taken = tool.arguments().to_vec();
            taken.sort_unstable();
            let mut names = names;
            names.sort_unstable();
            assert_eq!(names, taken);
            for combinator in ["oneOf", "anyOf", "allOf"] {
                assert!(!schema.contains_key(combinator));
            }
        }
    }
}
