//! Which of the forms that `--config` accepts a file has, by its content.

use catalog::Problem;
use catalog::document::position;

/// A form of configuration file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON, comments allowed: the `mcpServers` form of AI applications.
    McpServers,
    /// JSON of Docker's rules, or of its settings for administrators.
    DockerPolicy,
    /// TOML: our own `config.toml`.
    Toml,
    /// A catalog in YAML: ours (`servers:`), or Docker's (`registry:`).
    Catalog,
    /// YAML of what servers are configured with, a table for each: Docker's `config.yaml`.
    ServerConfig,
}

/// Recognises a file by the first thing in it that is no comment. Empty files are TOML.
pub fn recognise(text: &str) -> Format {
    let Some((_, line)) = first_line(text) else {
        return Format::Toml;
    };
    if line.starts_with('{') || (line.starts_with('[') && !is_toml_header(line)) {
        match is_docker_policy(text) {
            true => Format::DockerPolicy,
            false => Format::McpServers,
        }
    } else if is_yaml(line) {
        let is_of_catalogs =
            |line: &str| line.starts_with("registry:") || line.starts_with("servers:");
        match text.lines().any(is_of_catalogs) {
            true => Format::Catalog,
            false => Format::ServerConfig,
        }
    } else {
        Format::Toml
    }
}

/// Whether it is an object with rules, or with a text of them, and no servers.
fn is_docker_policy(text: &str) -> bool {
    let has = |name: &str| text.contains(&format!("\"{name}\""));
    if has("mcpServers") || has("servers") {
        return false;
    }
    let Ok(serde_json::Value::Object(members)) =
        serde_json::from_str(text.trim_start_matches('\u{feff}'))
    else {
        return has("rules") && has("default");
    };
    members.contains_key("mcpPolicy")
        || members
            .get("rules")
            .is_some_and(serde_json::Value::is_array)
}

/// That catalogs are named by another flag.
pub(crate) fn is_catalog(text: &str, source: &str) -> Problem {
    let at = first_line(text).map_or(0, |(at, _)| at);
    Problem::error(source, "this is a catalog, which --config does not read")
        .at(position(text, at))
        .hint("name it with --catalog: agents find its servers there")
}

/// The first line with something in it that is neither a comment of JSON, TOML or YAML nor a mark of YAML's.
fn first_line(text: &str) -> Option<(usize, &str)> {
    let mut at = text.len() - text.trim_start_matches('\u{feff}').len();
    loop {
        let rest = &text[at..];
        let line = rest.trim_start();
        at += rest.len() - line.len();
        if line.is_empty() {
            return None;
        } else if line.starts_with("/*") {
            at += line.find("*/")? + 2;
        } else if line.starts_with("//") || line.starts_with('#') {
            at += line.find('\n')?;
        } else {
            return Some((at, line.lines().next().unwrap_or(line).trim_end()));
        }
    }
}

/// `[name]` or `[[name]]`, in contrast to a list.
fn is_toml_header(line: &str) -> bool {
    let inner = line.trim_start_matches('[');
    let is_bare = |c: char| c.is_ascii_alphanumeric() || "_-.\"' ".contains(c);
    inner.split_once(']').is_some_and(|(name, rest)| {
        !name.trim().is_empty() && name.chars().all(is_bare) && !rest.trim_start().starts_with(',')
    })
}

/// `name:` followed by a space or nothing, a document mark, or an item of a list.
fn is_yaml(line: &str) -> bool {
    if line == "---"
        || line.starts_with("--- ")
        || line.starts_with("%YAML")
        || line.starts_with("- ")
    {
        return true;
    }
    line.split_once(':').is_some_and(|(name, rest)| {
        !name.is_empty()
            && !name.contains(['=', '[', '{'])
            && (rest.is_empty() || rest.starts_with(' '))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_content() {
        for (text, format) in [
            ("", Format::Toml),
            ("# only a comment", Format::Toml),
            ("{}", Format::McpServers),
            (
                "\u{feff}\n// hi\n/* [x] */ { \"mcpServers\": {} }",
                Format::McpServers,
            ),
            ("[]", Format::McpServers),
            (
                "{\"default\": \"deny\", \"rules\": []}",
                Format::DockerPolicy,
            ),
            (
                "{\"default\": \"deny\", \"rules\": [}",
                Format::DockerPolicy,
            ),
            ("{\"mcpPolicy\": {\"value\": \"{}\"}}", Format::DockerPolicy),
            ("{\"mcpServers\": {\"rules\": {}}}", Format::McpServers),
            ("[1, 2]", Format::McpServers),
            ("[gateway]\nport = 1", Format::Toml),
            ("# c\n[servers.\"a b\"]", Format::Toml),
            ("[[mcp_servers]]", Format::Toml),
            ("key = \"a: b\"", Format::Toml),
            ("nonsense", Format::Toml),
            ("github:\n  token: x", Format::ServerConfig),
            (
                "# note\n---\nversion: 3\nname: docker-mcp\nregistry:\n  a:\n",
                Format::Catalog,
            ),
            ("registry:\n  a: {}", Format::Catalog),
            ("mcpServers:\n  - name: x", Format::ServerConfig),
            ("catalog: mine\nservers:\n  a: {}", Format::Catalog),
        ] {
            assert_eq!(recognise(text), format, "{text:?}");
        }
    }

    #[test]
    fn catalogs_are_refused_with_the_line() {
        let text = "# c\n\nregistry:\n  a: {}";
        let problem = is_catalog(text, "c.yaml");
        assert_eq!((problem.line, problem.column), (3, 1));
        assert!(problem.hint.unwrap().contains("--catalog"));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "[ -~\\n\\[\\]{}:#/*é\u{feff}]{0,80}") {
            recognise(&text);
            is_catalog(&text, "f");
        }
    }
}
