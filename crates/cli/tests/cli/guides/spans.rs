//! Code spans that begin with a command of ours, in sentences and tables, are ones that there are.

use super::markdown::pages;
use super::parser;

/// Words that begin a command without the program's name before it, as tables have them.
const GROUPS: &[&str] = &[
    "caller", "calls", "catalog", "client", "config", "feature", "gateway", "oauth", "policy",
    "profile", "secret", "server", "template", "tools",
];

/// The command line of a span, if it is one. Brackets are around what may be left out, and `…` is not said.
fn command(span: &str) -> Option<String> {
    let mut words = span.split(' ');
    let (first, second) = (words.next()?, words.next()?);
    let is_named = ["portolan", "docker"].contains(&first);
    let is_ours = GROUPS.contains(&first) && second.starts_with(|c: char| c.is_ascii_lowercase());
    if !is_named && !is_ours || first == "docker" && second != "mcp" {
        return None;
    }
    let line = span
        .replace(" … ", " ")
        .replace('…', "x")
        .replace(['[', ']'], "");
    Some(match is_named {
        true => line,
        false => format!("portolan {line}"),
    })
}

#[test]
fn every_command_that_is_named_is_one() {
    let mut count = 0;
    for page in pages() {
        for span in &page.spans {
            let Some(line) = command(&span.text) else {
                continue;
            };
            // The rows of the table of Docker's lines are played, each by the test that it names.
            if page.name.ends_with("/docker.md") && span.text.starts_with("docker ") {
                continue;
            }
            parser::understands(
                &format!("{}:{}: `{}`", page.name, span.line, span.text),
                &line,
            );
            count += 1;
        }
    }
    assert!(count > 80, "{count} spans");
}
