//! Every command line of the README and of `docs/guide`, as it stands there: each page has a test that plays its blocks in
//! their order, in one home, by a shell. Read `guides/play.rs` for how, and `guides/not_played.rs` for what cannot be played.
//! A line that is new in a page is played, too; so what this module holds beside that is what has to be there before.

mod blocks;
mod callers;
mod catalogs;
mod clients;
mod code_mode;
mod docker;
mod dynamic;
mod guards;
mod http;
mod interceptors;
mod isolation;
mod markdown;
mod not_played;
mod observe;
mod parser;
mod play;
mod policy;
mod profiles;
mod readme;
mod secrets;
mod servers;
mod shared;
mod shell;
mod sign_in;
mod spans;
mod stand_ins;
mod start;
mod words;

use std::path::Path;

/// A page whose lines nobody plays is found, be it new.
#[test]
fn every_page_with_commands_is_played() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/guides");
    for page in markdown::pages() {
        let lines = page.blocks.iter().filter(|block| block.language == "sh");
        let lines = lines.flat_map(shell::commands);
        let left = lines.filter(|line| !not_played::is_not_played(&page.name, &line.text));
        if left.count() == 0 {
            continue;
        }
        let stem = Path::new(&page.name).file_stem().unwrap();
        let stem = stem.to_str().unwrap().to_lowercase().replace('-', "_");
        let file = folder.join(format!("{stem}.rs"));
        let test = std::fs::read_to_string(file).unwrap_or_default();
        let opens = format!("Guide::open(\"{}\")", page.name);
        let is_played = test.contains("#[test]") && test.contains(&opens);
        assert!(is_played, "guides/{stem}.rs does not play {}", page.name);
    }
}
