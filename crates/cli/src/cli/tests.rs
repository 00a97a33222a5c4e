//! The whole help text is a promise, kept in `tests/cli-reference.md`.

use std::fmt::Write;

use clap::CommandFactory;

use super::*;

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn the_reference_is_what_the_help_says() {
    let mut text = String::from(
        "# Command line reference\n\nGenerated: `UPDATE_REFERENCE=1 cargo test -p portolan reference`.\n",
    );
    let mut root = Cli::command().term_width(100);
    root.build();
    describe(&mut root, &mut text);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli-reference.md");
    #[expect(
        clippy::disallowed_methods,
        reason = "a switch of this test, not of the product"
    )]
    let update = std::env::var_os("UPDATE_REFERENCE").is_some();
    if update {
        std::fs::write(path, &text).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        text == expected,
        "the help text changed: run with UPDATE_REFERENCE=1 and look at the difference"
    );
}

/// The other half, that each is played by the test it names, is in `tests/cli/docker_lines.rs`.
#[test]
fn every_line_of_dockers_is_understood() {
    let guide = include_str!("../../../../docs/guide/docker.md");
    let rows = guide.lines().filter_map(|line| {
        let row = line.strip_prefix("| `docker mcp ")?;
        row.split_once("` |").map(|(line, _)| line)
    });
    let mut count = 0;
    for line in rows {
        // As a shell has it: only whole words are quoted in these lines.
        let mut words = vec!["portolan".to_owned()];
        for (at, piece) in line.split('\'').enumerate() {
            match at % 2 {
                0 => words.extend(piece.split_whitespace().map(str::to_owned)),
                _ => words.push(piece.to_owned()),
            }
        }
        let parsed = Cli::try_parse_from(words).map_err(|error| error.kind());
        let is_understood =
            parsed.is_ok() || matches!(parsed, Err(clap::error::ErrorKind::DisplayHelp));
        assert!(is_understood, "{line}: {parsed:?}");
        count += 1;
    }
    assert!(count > 100, "{count} lines");
}

fn describe(command: &mut clap::Command, text: &mut String) {
    let name = command.get_bin_name().unwrap_or("portolan").to_owned();
    let help = command.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    write!(
        text,
        "\n## {name}\n\n```\n{}\n```\n",
        help.join("\n").trim_end()
    )
    .unwrap();
    for sub in command.get_subcommands_mut().filter(|c| !c.is_hide_set()) {
        describe(sub, text);
    }
}
