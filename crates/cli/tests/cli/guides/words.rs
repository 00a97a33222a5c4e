//! Flags, variables and settings that sentences and tables name are ones that there are.

use config::Env;

use super::markdown::{Piece, pages, root};

/// Flags of other programs than ours.
const OF_OTHERS: &[&str] = &[
    "--corpus", // token-bench
    "--peer",   // the benchmarks
    "--python", // uv
];

/// Where a line `KEY = VALUE` may stand; the test wants one that takes it.
const PLACES: &[&str] = &[
    "[gateway]\nLINE\n",
    "[servers.x]\ncommand = \"x\"\nLINE\n",
    "[servers.x]\nimage = \"x\"\nLINE\n",
    "[servers.x]\nurl = \"https://x.example\"\noauth = {client_id = \"x\", LINE}\n",
    "[[policy.rules]]\ntool = \"x\"\ndecision = \"deny\"\nLINE\n",
    "[auth]\nissuer = \"https://id.example.com\"\nLINE\n",
];

fn spans() -> impl Iterator<Item = (String, Piece)> {
    pages().into_iter().flat_map(|page| {
        let name = page.name;
        let spans = page.spans.into_iter();
        spans.map(move |span| (format!("{name}:{}: {}", span.line, span.text), span))
    })
}

#[test]
fn flags_are_ones_that_there_are() {
    let reference = root().join("crates/cli/tests/cli-reference.md");
    let reference = std::fs::read_to_string(reference).unwrap();
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    let known: Vec<&str> = reference.split(|letter| !is_part(letter)).collect();
    let mut count = 0;
    for (place, span) in spans().filter(|(_, span)| span.text.starts_with("--")) {
        for word in span.text.split(' ').filter(|word| word.starts_with("--")) {
            let end = word.find(|letter| !is_part(letter)).unwrap_or(word.len());
            let flag = &word[..end];
            assert!(
                known.contains(&flag) || OF_OTHERS.contains(&flag),
                "{place}"
            );
            count += 1;
        }
    }
    assert!(count > 80, "{count}");
}

#[test]
fn variables_are_ones_that_there_are() {
    let mut count = 0;
    let is_ours = |text: &str| text.starts_with("PORTOLAN_") || text.starts_with("MCP_GATEWAY_");
    for (place, span) in spans().filter(|(_, span)| is_ours(&span.text)) {
        let name = span.text.split('=').next().unwrap();
        let mut known = config::env::VARIABLES.iter();
        assert!(known.any(|known| known.name == name), "{place}");
        count += 1;
    }
    assert!(count > 8, "{count}");
}

#[test]
fn settings_with_a_value_are_taken_somewhere() {
    let mut count = 0;
    for (place, span) in spans() {
        let key = span.text.split_once(" = ").map_or("", |(key, _)| key);
        if key.is_empty() || !key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
            continue;
        }
        let is_taken = PLACES.iter().any(|around| {
            let text = around.replace("LINE", &span.text);
            let loaded = config::load_text(&text, "x.toml", &Env::of::<&str, &str>([]));
            loaded.problems.is_empty()
        });
        assert!(is_taken, "{place}");
        count += 1;
    }
    assert!(count > 15, "{count}");
}
