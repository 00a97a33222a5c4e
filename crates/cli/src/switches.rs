//! `--flag=true` and `--flag=false`: Docker's commands take them for every flag that switches something on, and files that start
//! its gateway are full of them. The parser knows such flags as there or not there, so they are put that way before it.

use std::collections::BTreeSet;
use std::ffi::OsString;

use clap::{ArgAction, Command};

/// The same words without these values.
pub(crate) fn plain(words: Vec<OsString>, root: &Command) -> Vec<OsString> {
    let Some(first) = words.iter().position(|word| switch(word).is_some()) else {
        return words;
    };
    let (mut switches, mut valued) = (BTreeSet::new(), BTreeSet::new());
    names(root, &mut switches, &mut valued);
    let is_switch = |name: &str| switches.contains(name) && !valued.contains(name);
    let mut plain = Vec::with_capacity(words.len());
    let mut words = words.into_iter().enumerate();
    for (at, word) in words.by_ref() {
        if word == "--" {
            plain.push(word);
            break;
        }
        let is_value = plain.last().is_some_and(|before| before == "--gateway-arg");
        let said = switch(&word).filter(|(name, _)| at >= first && !is_value && is_switch(name));
        match said {
            Some((name, true)) => plain.push(format!("--{name}").into()),
            Some((_, false)) => {}
            None => plain.push(word),
        }
    }
    plain.extend(words.map(|(_, word)| word));
    plain
}

/// `--NAME=true`, or `=false`.
fn switch(word: &OsString) -> Option<(&str, bool)> {
    let (name, value) = word.to_str()?.strip_prefix("--")?.split_once('=')?;
    match value {
        "true" => Some((name, true)),
        "false" => Some((name, false)),
        _ => None,
    }
}

/// The flags of all commands: those that switch, those that take a value.
fn names<'a>(
    command: &'a Command,
    switches: &mut BTreeSet<&'a str>,
    valued: &mut BTreeSet<&'a str>,
) {
    for arg in command.get_arguments() {
        if let Some(name) = arg.get_long() {
            match arg.get_action() {
                ArgAction::SetTrue => switches.insert(name),
                _ => valued.insert(name),
            };
        }
    }
    for below in command.get_subcommands() {
        names(below, switches, valued);
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    fn said(words: &str) -> String {
        let words = words.split(' ').map(OsString::from).collect();
        let words = plain(words, &Cli::command());
        words.join(" ".as_ref()).into_string().unwrap()
    }

    #[test]
    fn switches_are_there_or_not_there() {
        for (words, meant) in [
            (
                "p gateway run --dry-run=true --block-network=false",
                "p gateway run --dry-run",
            ),
            (
                "p gateway run --watch=false --log-calls=true",
                "p gateway run --watch=false --log-calls=true",
            ),
            (
                "p tools ls --gateway-arg --dry-run=true",
                "p tools ls --gateway-arg --dry-run=true",
            ),
            ("p x --nothing=true", "p x --nothing=true"),
            ("p x -- --dry-run=true", "p x -- --dry-run=true"),
        ] {
            assert_eq!(said(words), meant);
        }
    }
}
