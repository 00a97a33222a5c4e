//! The rules of `rules.txt`, read. The file is part of the program: a mistake in it is found by the tests.

use std::ops::Range;

use super::{Finding, is_word};

/// One line of the file.
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) prefixes: Vec<&'static str>,
    /// For each byte whether it may follow.
    follows: [bool; 256],
    pub(super) min: usize,
    pub(super) max: usize,
}

/// All of them.
pub(super) fn read() -> Vec<Rule> {
    let lines = include_str!("rules.txt").lines();
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| rule(line).expect("a line of rules.txt"))
        .collect()
}

fn rule(line: &'static str) -> Option<Rule> {
    let mut parts = line.split(" : ").map(str::trim);
    let (name, prefixes, characters, lengths) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let mut follows = [false; 256];
    for character in characters.bytes() {
        let all: &[u8] = match character {
            b'a' => b"abcdefghijklmnopqrstuvwxyz",
            b'A' if characters.contains("ABCDEF") => b"A",
            b'A' => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            b'0' => b"0123456789",
            b'x' => b"0123456789abcdef",
            other => &[other],
        };
        for byte in all {
            follows[usize::from(*byte)] = true;
        }
    }
    let (min, max) = match lengths.split_once('-') {
        Some((min, max)) => (min.parse().ok()?, max.parse().ok()?),
        None => match lengths.strip_suffix('+') {
            Some(min) => (min.parse().ok()?, 4_096),
            None => (lengths.parse().ok()?, lengths.parse().ok()?),
        },
    };
    Some(Rule {
        name,
        prefixes: prefixes.split_whitespace().collect(),
        follows,
        min,
        max,
    })
}

impl Rule {
    /// The token that begins with this prefix, if one does.
    pub(super) fn token(&self, text: &[u8], prefix: Range<usize>) -> Option<Finding> {
        // In a longer word it is by chance. An escape before it is no letter.
        if prefix.start > 0 && is_word(text[prefix.start - 1]) && !ends_escape(text, prefix.start) {
            return None;
        }
        let rest = &text[prefix.end..];
        let may_follow = |byte: &&u8| self.follows[usize::from(**byte)];
        let length = rest
            .iter()
            .take(self.max + 1)
            .take_while(may_follow)
            .count();
        if length < self.min || length > self.max {
            return None;
        }
        let value = &rest[..length];
        // Words, and what stands in documentation.
        let is_varied = value.windows(2).filter(|pair| pair[0] != pair[1]).count() * 2 > length;
        let is_example = memchr::memmem::find(value, b"EXAMPLE").is_some();
        let has_letters_and_digits = value.iter().any(u8::is_ascii_alphabetic)
            && (value.iter().any(u8::is_ascii_digit) || !self.follows[usize::from(b'0')]);
        (is_varied && !is_example && has_letters_and_digits).then_some(Finding {
            rule: self.name,
            at: prefix.start..prefix.end + length,
        })
    }

    /// Something that it finds, for tests.
    #[cfg(test)]
    pub(super) fn sample(&self, prefix: &str) -> String {
        let all: Vec<char> = (0..=255u8)
            .filter(|byte| self.follows[usize::from(*byte)])
            .filter(u8::is_ascii_alphanumeric)
            .map(char::from)
            .collect();
        let value = (0..self.min).map(|at| all[(at * 7 + 3) % all.len()]);
        prefix.chars().chain(value).collect()
    }
}

/// Whether what stands before is the letter of an escape, as the n of `\n`.
fn ends_escape(text: &[u8], at: usize) -> bool {
    let before = &text[..at];
    let Some((letter, before)) = before.split_last() else {
        return false;
    };
    let slashes = before
        .iter()
        .rev()
        .take_while(|byte| **byte == b'\\')
        .count();
    slashes % 2 == 1 && b"bfnrt".contains(letter)
}
