//! Blocks that are no commands: what they show of our configuration is read without a complaint, by what reads it.

use config::Env;
use serde_json::Value;

use super::super::home::Home;
use super::markdown::{Block, Page, pages};
use super::parser;

/// The blocks of a page in a language.
pub(super) fn of(page: &str, language: &str) -> Vec<String> {
    let mut blocks = Page::read(page).blocks;
    blocks.retain(|block| block.language == language);
    blocks.into_iter().map(|block| block.text).collect()
}

#[test]
fn every_block_is_what_it_shows() {
    for page in pages() {
        for block in &page.blocks {
            let place = format!("{}:{}", page.name, block.line);
            match &*block.language {
                // Each of these has a test of its own: `guides` has one for each page, and `scripts` runs scripts.
                "sh" | "js" => {}
                // Drawings.
                "text" => {}
                "toml" => settings(&place, block),
                "json" if block.text.contains("mcpServers") => {
                    settings(&place, block);
                    of_ourselves(&place, &block.text);
                }
                // What interceptors are told and say: `guides/interceptors.rs` has it said to a gateway.
                "json" => assert!(page.name.ends_with("/interceptors.md"), "{place}"),
                "yaml" => yaml(&place, block),
                other => panic!("{place}: who plays `{other}`?"),
            }
        }
    }
}

/// A file of settings or servers. Conditions alone are each a rule's.
fn settings(place: &str, block: &Block) {
    let is_condition = |line: &str| line.starts_with("when = '");
    if block.text.lines().all(is_condition) {
        for line in block.text.lines() {
            let rule = format!("[[policy.rules]]\ntool = \"*\"\ndecision = \"deny\"\n{line}\n");
            reads(&format!("{place}: {line}"), &rule);
        }
    } else if block.text.starts_with("[auth.rights]") {
        let whole = format!(
            "[auth]\nissuer = \"https://id.example.com\"\n{}",
            block.text
        );
        reads(place, &whole);
    } else {
        reads(place, &block.text);
    }
}

#[track_caller]
fn reads(place: &str, text: &str) {
    let env = Env::of([
        ("DOCS_TOKEN", "x"),
        ("NOTES_KEY", "x"),
        ("HOME", "/home/me"),
    ]);
    // What stands beside the file in which it would be.
    let home = Home::new();
    home.write("docker-policy.json", r#"{"rules": []}"#);
    let file = home.path("config.toml");
    let loaded = config::load_text(text, &file.display().to_string(), &env);
    assert!(
        loaded.problems.is_empty(),
        "{place}: {:#?}",
        loaded.problems
    );
}

/// Where the command is ours, its arguments are understood.
fn of_ourselves(place: &str, text: &str) {
    // Comments and the like are not in these.
    let whole: Value = serde_json::from_str(text).expect(place);
    for server in whole["mcpServers"].as_object().unwrap().values() {
        if server["command"] == "portolan" {
            let words = server["args"].as_array().unwrap().iter();
            let words: Vec<&str> = words.map(|word| word.as_str().unwrap()).collect();
            parser::understands(place, &format!("portolan {}", words.join(" ")));
        }
    }
}

/// A catalog, a profile, or a part of one.
fn yaml(place: &str, block: &Block) {
    let home = Home::new();
    let (file, words): (_, &[&str]) = if block.text.starts_with("catalog: ") {
        ("c.yaml", &["catalog", "validate", "c.yaml"])
    } else {
        ("portolan/profiles/work.yaml", &["profile", "show", "work"])
    };
    let text = match block.text.starts_with("secrets: ") || block.text.starts_with("# ") {
        true => {
            let inner: String = block
                .text
                .lines()
                .map(|line| format!("    {line}\n"))
                .collect();
            format!(
                "profile: work\nservers:\n  notes:\n{inner}    entry: {{image: acme/notes, secrets: [{{env: TOKEN, name: github.token}}]}}\n"
            )
        }
        false => block.text.clone(),
    };
    home.write(file, &text);
    let done = home.run(words);
    let is_quiet = !done.stderr.contains("warning") && !done.stderr.contains("error");
    assert!(done.code == Some(0) && is_quiet, "{place}: {done:#?}");
}
