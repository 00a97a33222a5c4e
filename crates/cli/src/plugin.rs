//! The binary as a plugin of the `docker` command, installed as `docker-mcp`. Owns what Docker asks of its plugins: facts about
//! them, and that a plugin understands the command line that it was called from. Read `plugin/parent.rs` for how it ends with the
//! `docker` that called it, `command/docker_plugin.rs` for how it gets there.
//! Source: <https://docs.docker.com/engine/extend/cli_plugins/>

#[cfg(unix)]
pub(crate) mod parent;

use std::ffi::OsString;
use std::path::Path;

/// What the file is called that makes us `docker mcp`.
pub(crate) const FILE_NAME: &str = "docker-mcp";

/// The first word of Docker's question what a plugin is.
const METADATA: &str = "docker-cli-plugin-metadata";

/// Docker's own flags that stand before the name of a plugin and take a value.
const FLAGS_WITH_VALUE: [&str; 10] = [
    "--config",
    "--context",
    "-c",
    "--host",
    "-H",
    "--log-level",
    "-l",
    "--tlscacert",
    "--tlscert",
    "--tlskey",
];

/// What to do with the words of this process.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Called {
    /// As `portolan`.
    Directly(Vec<OsString>),
    /// As `docker mcp`, with the words that are ours. The first is the program's name.
    ByDocker(Vec<OsString>),
    /// To say what we are.
    Metadata,
}

/// Tells by the name of the program.
pub(crate) fn called(words: impl Iterator<Item = OsString>) -> Called {
    let words: Vec<OsString> = words.collect();
    let name = words.first().map(Path::new).and_then(Path::file_stem);
    if name.is_none_or(|name| name != FILE_NAME) {
        return Called::Directly(words);
    }
    if words.get(1).is_some_and(|word| word == METADATA) {
        return Called::Metadata;
    }
    Called::ByDocker(ours(words))
}

/// Leaves out Docker's own flags, and the name that it knows us by.
fn ours(words: Vec<OsString>) -> Vec<OsString> {
    let mut words = words.into_iter();
    let mut ours: Vec<OsString> = words.next().into_iter().collect();
    while let Some(word) = words.next() {
        let text = word.to_str().unwrap_or_default();
        if text == "mcp" {
            break;
        }
        // Somebody started the plugin by hand.
        if !text.starts_with('-') || matches!(text, "--help" | "-h" | "--version") {
            ours.push(word);
            break;
        }
        if FLAGS_WITH_VALUE.contains(&text) {
            words.next();
        }
    }
    ours.extend(words);
    ours
}

/// The answer to Docker's question.
pub(crate) fn metadata() -> String {
    let facts = serde_json::json!({
        "SchemaVersion": "0.1.0",
        "Vendor": "Portolan",
        "Version": concat!("v", env!("CARGO_PKG_VERSION")),
        "ShortDescription": "MCP servers for AI applications, through one gateway",
    });
    format!("{facts}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_docker(words: &str) -> String {
        match called(words.split(' ').map(OsString::from)) {
            Called::ByDocker(words) => words.join(" ".as_ref()).into_string().unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_name_of_the_program_tells() {
        let words = ["/usr/bin/portolan", "mcp", "ls"].map(OsString::from);
        assert_eq!(
            called(words.clone().into_iter()),
            Called::Directly(words.to_vec())
        );
        let words = ["/x/docker-mcp", METADATA].map(OsString::from);
        assert_eq!(called(words.into_iter()), Called::Metadata);
        assert_eq!(called(std::iter::empty()), Called::Directly(Vec::new()));
    }

    #[test]
    fn what_is_dockers_is_left_out() {
        let p = "/x/docker-mcp";
        let same = |words: &str, ours: &str| {
            assert_eq!(by_docker(&format!("{p} {words}")), format!("{p} {ours}"));
        };
        same("mcp gateway run --host h", "gateway run --host h");
        same("--debug mcp feature ls", "feature ls");
        same("--context mcp -l debug mcp server ls", "server ls");
        same("--config=/d mcp --config x", "--config x");
        same("-H unix:///s --tlskey k mcp mcp", "mcp");
        same("gateway run", "gateway run");
        same("--help", "--help");
    }

    #[test]
    fn docker_is_told_what_it_must_know() {
        let facts: serde_json::Value = serde_json::from_str(&metadata()).unwrap();
        assert_eq!(facts["SchemaVersion"], "0.1.0");
        for name in ["Vendor", "ShortDescription", "Version"] {
            assert!(facts[name].as_str().is_some_and(|text| !text.is_empty()));
        }
    }
}
