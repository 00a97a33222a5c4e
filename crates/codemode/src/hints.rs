//! What to change, for the mistakes that models make.
//!
//! Owns a table from what went wrong to one sentence. An error without an entry stands for itself.

use crate::names::Names;
use crate::protocol::Failed;

/// Globals of other systems, and what there is instead.
const ELSEWHERE: &[(&[&str], &str)] = &[
    (
        &[
            "fetch",
            "XMLHttpRequest",
            "axios",
            "WebSocket",
            "http",
            "https",
        ],
        "there is no network: call a tool; await tools.search(\"…\") finds one",
    ),
    (
        &["require", "fs", "path", "Deno", "Bun"],
        "there are no modules and no files: call a tool; await tools.search(\"…\") finds one",
    ),
    (
        &["process", "__dirname", "__filename"],
        "there is no process or environment: values for the script are in args",
    ),
    (
        &["Buffer", "TextEncoder", "TextDecoder"],
        "there is no Buffer: use strings, Uint8Array, atob and btoa",
    ),
    (
        &["crypto"],
        "there is no crypto: Math.random() gives numbers that are not secret",
    ),
    (
        &["setInterval", "setImmediate", "requestAnimationFrame"],
        "use a loop with await sleep(ms)",
    ),
    (
        &["window", "document", "self"],
        "this is no browser: there is only globalThis",
    ),
    (
        &[
            "mcp",
            "server",
            "servers",
            "client",
            "callTool",
            "call_tool",
            "session",
            "functions",
        ],
        "call tools as server.tool({…}), or by exact names with tools.call(\"server\", \"tool\", {…})",
    ),
];

/// What to do about this failure, if there is something to say.
pub(crate) fn hint(failed: &Failed, source: Option<&str>, names: &Names) -> Option<String> {
    if let Some(hint) = &failed.hint {
        return Some(hint.clone());
    }
    let message = failed.message.as_str();
    match failed.kind.as_str() {
        "syntax" => syntax(message, source),
        "memory" => Some("work on less at a time: filter each result as it comes, and keep only what is needed".into()),
        "time" => Some("do less in one script, look for a loop that does not end, or run calls side by side with Promise.all".into()),
        "stuck" => Some("a promise that the script made itself is never resolved: look at new Promise(…)".into()),
        _ if failed.name == "ReferenceError" => reference(message, names),
        _ if failed.name == "TypeError" => type_error(message, source),
        _ if failed.name == "SyntaxError" && message.contains("JSON") || source.is_some_and(|line| line.contains("JSON.parse")) => {
            Some("a call gives values, not JSON text: text that is JSON is parsed already, and other text is a string".into())
        }
        _ if message.contains("call stack") || message.contains("stack overflow") => Some("a recursion does not end".into()),
        _ => None,
    }
}

fn reference(message: &str, names: &Names) -> Option<String> {
    let name = message.strip_suffix(" is not defined")?.trim_matches('\'');
    for (globals, instead) in ELSEWHERE {
        if globals.contains(&name) {
            return Some((*instead).into());
        }
    }
    match names.server(name) {
        Ok(at) => Some(format!(
            "the server is written {}",
            names.servers.get(at)?.ident
        )),
        // Only if a tool or server seems to be meant.
        Err(_) => match names.path(name) {
            Ok((server, tool)) => Some(format!(
                "tools stand in their server's namespace: {}({{…}})",
                names.label(server, tool)
            )),
            Err(_) => {
                let missing = names.server(name).err()?;
                Some(
                    missing
                        .split_once(": ")
                        .map_or(missing.clone(), |(_, rest)| rest.to_owned()),
                )
            }
        },
    }
}

fn type_error(message: &str, source: Option<&str>) -> Option<String> {
    let source = source.unwrap_or_default();
    let reads_nothing = message.contains("of undefined") || message.contains("of null");
    if (reads_nothing || message.contains("not a function") || message.contains("not iterable"))
        && [
            ".content",
            ".structuredContent",
            ".isError",
            ".result",
            ".text",
        ]
        .iter()
        .any(|part| source.contains(part))
    {
        return Some(
            "a call gives the tool's value itself, not {content: […]}: use it directly".into(),
        );
    }
    if reads_nothing {
        return Some("the value has another shape: await tools.describe(\"server.tool\") says what is known of it, or return it once to look at it".into());
    }
    if message.contains("not iterable") || message.contains("not a function") {
        return Some("is the value what it is taken for? await is needed before calls, and a tool may give an object that holds the array".into());
    }
    None
}

fn syntax(message: &str, source: Option<&str>) -> Option<String> {
    let line = source.unwrap_or_default().trim_start();
    if line.starts_with("import ") || message.contains("import") {
        return Some(
            "there are no modules: servers are globals already, as in await server.tool({…})"
                .into(),
        );
    }
    if line.starts_with("export ") {
        return Some(
            "there are no modules: write the statements themselves, and return the result".into(),
        );
    }
    if is_typescript(line) {
        return Some("this is TypeScript that is more than types: write plain JavaScript".into());
    }
    if line.starts_with("def ") || line.starts_with("print(") || line.starts_with("elif ") {
        return Some("the script is JavaScript, not Python".into());
    }
    if message.contains("await") || line.contains("await ") {
        return Some("await stands at the top level or in a function that is async: write async before the function around it".into());
    }
    None
}

fn is_typescript(line: &str) -> bool {
    line.starts_with("interface ")
        || line.starts_with("type ")
        || line.starts_with("enum ")
        || [
            ": string",
            ": number",
            ": boolean",
            ": any",
            "[]:",
            " as any",
            " as string",
            "<string>",
            "Record<",
        ]
        .iter()
        .any(|part| line.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint_of(kind: &str, name: &str, message: &str, source: &str) -> String {
        let names = Names::new([("github", vec!["create-issue"]), ("slack", vec!["post"])]);
        let failed = Failed {
            kind: kind.into(),
            name: name.into(),
            message: message.into(),
            ..Failed::default()
        };
        hint(&failed, Some(source), &names).unwrap_or_default()
    }

    #[test]
    fn what_is_not_there_has_a_substitute() {
        let of = |name: &str| {
            hint_of(
                "thrown",
                "ReferenceError",
                &format!("{name} is not defined"),
                "",
            )
        };
        assert!(of("fetch").contains("no network"));
        assert!(of("require").contains("no modules"));
        assert_eq!(of("githb"), "did you mean github?");
        assert_eq!(
            of("create_issue"),
            "tools stand in their server's namespace: github.create_issue({…})"
        );
        assert_eq!(of("whatever"), "the servers are github, slack");
    }

    #[test]
    fn habits_of_the_protocol_are_known() {
        let hint = hint_of(
            "thrown",
            "TypeError",
            "cannot read property '0' of undefined",
            "const t = r.content[0].text",
        );
        assert!(hint.contains("the tool's value itself"), "{hint}");
    }

    #[test]
    fn other_languages_are_named() {
        assert!(
            hint_of(
                "syntax",
                "SyntaxError",
                "expecting ';'",
                "const a: string = 'x'"
            )
            .contains("TypeScript")
        );
        assert!(hint_of("syntax", "SyntaxError", "x", "def main():").contains("Python"));
        assert!(hint_of("syntax", "SyntaxError", "x", "import x from 'y'").contains("no modules"));
    }

    #[test]
    fn an_error_with_its_own_hint_keeps_it() {
        let failed = Failed {
            hint: Some("this".into()),
            ..Failed::default()
        };
        assert_eq!(
            hint(&failed, None, &Names::default()).as_deref(),
            Some("this")
        );
    }
}
