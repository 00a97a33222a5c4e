//! The prompt `mcp-discover`: how an agent gets from a task to the servers for it. It names only tools that there are.

use serde_json::json;
use wire::{Era, meta, method, quote};

use crate::about;
use crate::call::Call;
use crate::options::Features;

/// Its name.
const NAME: &str = "mcp-discover";

/// As it is listed.
pub(super) const DEFINITION: &str = r#"{"name":"mcp-discover","title":"Find servers for this task","description":"How to find, add and use the MCP servers that the task at hand needs"}"#;

/// Whether a `prompts/get` asks for it.
pub(crate) fn is_asked(call: &Call) -> bool {
    let is_on = call
        .core
        .directory
        .as_ref()
        .is_some_and(|directory| directory.features().discover_prompt);
    let name = || call.params().ok()?.string("name").ok()?;
    is_on
        && call.only.is_none()
        && call.frame.method() == method::PROMPTS_GET
        && name().is_some_and(|name| name == NAME)
}

/// The result, raw JSON.
pub(crate) fn result(call: &mut Call) -> String {
    call.name = Some(NAME.into());
    let features = call.core.directory.as_ref().map(|d| d.features());
    let message = json!([{
        "role": "user",
        "content": {"type": "text", "text": text(features.unwrap_or_default())},
    }]);
    let result = format!(
        r#""description":"How to find, add and use the MCP servers that the task at hand needs","messages":{message}"#
    );
    match call.era {
        Era::Handshake => format!("{{{result}}}"),
        Era::Stateless => format!(
            r#"{{"resultType":"complete",{result},"_meta":{{{}:{}}}}}"#,
            quote(meta::SERVER_INFO),
            about::info()
        ),
    }
}

fn text(features: Features) -> String {
    let mut steps = vec![
        "Name what the task needs done, one need at a time: read a page, query a database, open an issue. What the tools at hand can do needs nothing more.",
        "For every other need call mcp-find, in plain words and with the product where one is meant. Compare descriptions and tools of the first hits; of two that fit take the one whose state is active or ready.",
    ];
    if features.find_tools {
        steps.push(
            "Where one single tool is enough, find-tools finds it with its schema, and mcp-exec with `server` calls it at once.",
        );
    }
    if features.profile_tools {
        steps.push(
            "If the user names a saved profile, mcp-activate-profile brings all its servers at once.",
        );
    }
    steps.extend([
        "Call mcp-add for each server that you chose. If it says what is missing, do what `next` says: most of it only the user can give, by a form or by a command that they run. Never ask them for a password, a token or a key in this conversation.",
        "Use the tools: natively where they are listed now, else by mcp-exec with the workspace that mcp-add returned.",
        "Remove what the task needs no longer with mcp-remove, and tell the user which servers you used.",
    ]);
    if features.profile_tools {
        steps.push(
            "If they will want the same servers again, offer to save them with mcp-create-profile.",
        );
    }
    let steps: Vec<String> = (1..)
        .zip(steps)
        .map(|(number, step)| format!("{number}. {step}"))
        .collect();
    format!(
        "Find the MCP servers that the task of this conversation needs, and use them. If no task has been named yet, ask for it first.\n\n{}",
        steps.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamic::menu::Tool;

    #[test]
    fn it_names_only_tools_that_there_are() {
        for bits in 0..4 {
            let features = Features {
                profile_tools: bits & 1 > 0,
                find_tools: bits & 2 > 0,
                registry_import: false,
                discover_prompt: true,
            };
            let text = text(features);
            let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
            for word in text.split(|c| !is_part(c)) {
                let is_tool = word.starts_with("mcp-") || word == "find-tools";
                if is_tool {
                    let tool = Tool::named(word).unwrap_or_else(|| panic!("{word}"));
                    assert!(tool.is_on(features), "{word}");
                }
            }
            assert!(
                text.contains("\n5. ") && text.len() < 2_400,
                "{}",
                text.len()
            );
        }
    }
}
