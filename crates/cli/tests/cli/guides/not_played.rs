//! The command lines that no test can play, each with the reason. They are understood all the same: the check at the end goes
//! as far as it can without doing what they say.

use super::markdown::{Page, pages, root};
use super::{parser, shell};

/// Page, line, reason.
const NOT_PLAYED: &[(&str, &str, &str)] = &[
    (
        "README.md",
        "cargo run --release -- demo",
        "builds everything anew; the guide `start` plays what it runs",
    ),
    (
        "README.md",
        "cargo install --path crates/cli",
        "builds everything anew, into the home of who runs the tests",
    ),
    (
        "docs/guide/tokens.md",
        "cargo run --release -p portolan-benches --bin token-bench",
        "builds everything anew",
    ),
    (
        "docs/guide/shared.md",
        "systemctl --user enable --now portolan",
        "needs a systemd of the person's; tests/packaging/run reads the unit with systemd's own tools",
    ),
    (
        "docs/guide/sign-in.md",
        "portolan oauth authorize linear",
        SIGN_IN,
    ),
    (
        "docs/guide/sign-in.md",
        "portolan oauth revoke linear",
        SIGN_IN,
    ),
    (
        "docs/guide/callers.md",
        "portolan oauth authorize linear --caller ann",
        SIGN_IN,
    ),
    (
        "docs/guide/callers.md",
        "portolan oauth revoke linear --caller ann",
        SIGN_IN,
    ),
];

const SIGN_IN: &str = "needs somebody who signs in, in a browser: tests/sign-in plays it with a real identity provider";

pub(super) fn is_not_played(page: &str, line: &str) -> bool {
    NOT_PLAYED
        .iter()
        .any(|(of, not, _)| (*of, *not) == (page, line))
}

#[test]
fn what_is_not_played_stands_in_the_guides_and_is_understood() {
    let pages = pages();
    for (name, line, why) in NOT_PLAYED {
        let page = pages.iter().find(|page| page.name == *name).expect(name);
        assert!(has(page, line), "{name} does not have it: {line}");
        assert!(why.len() > 20, "{line}");
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[0] {
            "portolan" => parser::understands(&format!("{name}: {line}"), line),
            "cargo" => builds(&words[1..]),
            _ => {}
        }
    }
}

fn has(page: &Page, line: &str) -> bool {
    let blocks = page.blocks.iter().filter(|block| block.language == "sh");
    let mut lines = blocks.flat_map(shell::commands);
    lines.any(|piece| piece.text == line)
}

/// What a line for cargo names is there, and we understand what is run.
fn builds(words: &[&str]) {
    let after = |flag| {
        let at = words.iter().position(|word| *word == flag)?;
        Some(words[at + 1])
    };
    if let Some(path) = after("--path") {
        let manifest = root().join(path).join("Cargo.toml");
        let text = std::fs::read_to_string(manifest).unwrap();
        assert!(text.contains("\nname = \"portolan\""), "{words:?}");
    }
    if let Some(package) = after("-p") {
        let folder = package.strip_prefix("portolan-").unwrap();
        let manifest = root().join(folder).join("Cargo.toml");
        let text = std::fs::read_to_string(manifest).unwrap();
        assert!(text.contains(&format!("name = \"{package}\"")), "{words:?}");
        let bin = after("--bin").unwrap();
        let file = root().join(folder).join(format!("src/bin/{bin}.rs"));
        assert!(
            file.exists() || text.contains(&format!("name = \"{bin}\"")),
            "{words:?}"
        );
    }
    if let Some(at) = words.iter().position(|word| *word == "--") {
        let line = format!("portolan {}", words[at + 1..].join(" "));
        parser::understands(&line, &line);
    }
}
