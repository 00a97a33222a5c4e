//! Blocks that are no commands: what they show of our configuration is read without a complaint, by what reads it.

use config::Env;

use super::super::home::Home;
use super::markdown::{Block, Page, pages};

/// The first block of a page in a language.
pub(super) fn first(page: &str, language: &str) -> String {
    let blocks = Page::read(page).blocks;
    let mut of = blocks
        .into_iter()
        .filter(|block| block.language == language);
    of.next().expect(page).text
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
                "json" if block.text.contains("mcpServers") => settings(&place, block),
                "json" => said(&place, block),
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

/// What an interceptor is told, or says: JSON, one document or one on each line.
fn said(place: &str, block: &Block) {
    let documents = serde_json::Deserializer::from_str(&block.text).into_iter();
    let documents: Result<Vec<serde_json::Value>, _> = documents.collect();
    let documents = documents.unwrap_or_else(|error| panic!("{place}: {error}"));
    assert!(!documents.is_empty(), "{place}");
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
