//! Whether the program knows a command line, found out without doing it: the shell hands the line to a `portolan` that adds
//! `--help`. Its parser has then read all that stands before: commands, flags and their values.

use super::super::home::{BINARY, Done, Home};
use super::stand_ins;

/// What is played where nothing shall be done. Arguments that are left out do not matter to it.
const ASKS_FOR_HELP: &str = "#!/bin/sh\nexec BINARY \"$@\" --help\n";

/// The same as Docker starts us: the first word is ours.
const ASKS_AS_DOCKER: &str = "#!/bin/sh\nshift\nexec BINARY \"$@\" --help\n";

/// Fails, with `place`, if a line names a command, flag or value that there is not.
#[track_caller]
pub(super) fn understands(place: &str, line: &str) {
    let home = Home::new();
    for (name, text) in [("portolan", ASKS_FOR_HELP), ("docker", ASKS_AS_DOCKER)] {
        let text = text.replace("BINARY", BINARY);
        stand_ins::program(&home, name, &text);
    }
    // What is read from in lines such as `portolan secret set NAME < FILE`.
    home.write("FILE", "");
    let done = Done::of(&stand_ins::shell(&home, line).output().unwrap());
    assert!(
        done.code == Some(0) && done.stdout.contains("Usage:"),
        "{place}\n{done:#?}"
    );
}

#[test]
fn what_there_is_not_is_not_understood() {
    understands("", "portolan tools call NAME x=1 --config FILE");
    understands("", "docker mcp catalog ls --format json");
    for line in [
        "portolan tool call",
        "portolan tools call --nonsense",
        "portolan tools ls --format odd",
        "portolan catalog server nonsense x",
        "docker mcp nonsense",
    ] {
        let seen = std::panic::catch_unwind(|| understands("", line));
        assert!(seen.is_err(), "{line}");
    }
}
