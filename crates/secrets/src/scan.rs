//! Finding what looks like a credential, whosever it is. Owns the rules: prefixes that issuers give their tokens, as data in
//! `scan/rules.txt`; keys in PEM and tokens in JWT form; and guesses, which are values that stand behind a telling name and look
//! random. Works on bytes as they are on the wire, JSON included, in one pass. Refuses to guess where a hit would break things
//! (cursors, ids, placeholders): false alarms are what such scanners are hated for. Known values are `mask`'s.

mod guess;
mod rules;

use std::ops::Range;
use std::sync::LazyLock;

use crate::MASK;
use crate::limits::{PEM_BYTES_MAX, SCAN_FOUND_MAX};
use crate::words::Words;
use rules::Rule;

/// How much is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// What has the form of a credential.
    Sure,
    /// That, and values that stand behind a telling name and look random.
    Guess,
}

/// Something that looks like a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule that found it.
    pub rule: &'static str,
    /// Where it stands.
    pub at: Range<usize>,
}

/// What a word begins.
#[derive(Clone, Copy)]
enum Begin {
    Token(usize),
    Pem,
    Jwt,
    Name(guess::Name),
}

struct Scanner {
    words: Words<{ 64 << 10 }>,
    /// For each word.
    begins: Vec<(&'static str, Begin)>,
    rules: Vec<Rule>,
}

static SCANNER: LazyLock<Scanner> = LazyLock::new(Scanner::new);

/// What looks like a credential in a text, in its order, without overlaps; at most [`SCAN_FOUND_MAX`] of them.
pub fn scan(text: &[u8], depth: Depth) -> Vec<Finding> {
    SCANNER.scan(text, depth)
}

/// The text with a mask in the place of each finding.
pub fn without(text: &[u8], findings: &[Finding]) -> Vec<u8> {
    let mut masked = Vec::with_capacity(text.len());
    let mut done = 0;
    for finding in findings {
        masked.extend_from_slice(&text[done..finding.at.start]);
        masked.extend_from_slice(MASK.as_bytes());
        done = finding.at.end;
    }
    masked.extend_from_slice(&text[done..]);
    masked
}

/// The names of all rules.
pub fn rules() -> impl Iterator<Item = &'static str> {
    let own = ["private-key", "jwt", "named-value", "url-password"];
    SCANNER.rules.iter().map(|rule| rule.name).chain(own)
}

impl Scanner {
    fn new() -> Self {
        let rules = rules::read();
        let mut begins: Vec<(&'static str, Begin)> = Vec::new();
        for (at, rule) in rules.iter().enumerate() {
            begins.extend(
                rule.prefixes
                    .iter()
                    .map(|prefix| (*prefix, Begin::Token(at))),
            );
        }
        begins.push(("-----BEGIN ", Begin::Pem));
        begins.push(("eyJ", Begin::Jwt));
        begins.extend(guess::NAMES.map(|(word, name)| (word, Begin::Name(name))));
        Self {
            words: Words::new(begins.iter().map(|(word, _)| word.as_bytes())),
            begins,
            rules,
        }
    }

    fn scan(&self, text: &[u8], depth: Depth) -> Vec<Finding> {
        let mut found: Vec<Finding> = Vec::new();
        self.words.each(text, |number, start| {
            let (word, begin) = self.begins[number];
            let place = start..start + word.len();
            let is_exact = || &text[place.clone()] == word.as_bytes();
            found.extend(match begin {
                Begin::Token(at) if is_exact() => self.rules[at].token(text, place),
                Begin::Pem if is_exact() => pem(text, start),
                Begin::Jwt if is_exact() => jwt(text, start),
                Begin::Name(name) if depth == Depth::Guess => guess::value(text, place, name),
                _ => None,
            });
            found.len() < SCAN_FOUND_MAX
        });
        apart(found)
    }
}

/// In the order of the text; those that overlap as one, which has the name of the first.
fn apart(mut found: Vec<Finding>) -> Vec<Finding> {
    found.sort_by_key(|finding| (finding.at.start, std::cmp::Reverse(finding.at.end)));
    found.dedup_by(|next, last| {
        let is_within = next.at.start < last.at.end;
        if is_within {
            last.at.end = last.at.end.max(next.at.end);
        }
        is_within
    });
    found
}

/// A private key in PEM form, in one line or many, also where its line breaks are escaped.
fn pem(text: &[u8], start: usize) -> Option<Finding> {
    let end_of_text = text.len().min(start + PEM_BYTES_MAX);
    let block = &text[start..end_of_text];
    let label = &block[..block.len().min(60)];
    let marker = b"PRIVATE KEY";
    memchr::memmem::find(label, marker)?;
    let tail = b"-----END ";
    let end = match memchr::memmem::find(block, tail) {
        Some(at) => {
            let after = &block[at + tail.len()..];
            let dashes = memchr::memmem::find(after, b"-----").filter(|dashes| *dashes < 60);
            at + tail.len() + dashes.map_or(0, |dashes| dashes + 5)
        }
        // Cut off: as far as it goes on like one.
        None => {
            let is_key = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=-: \n\r\\".contains(byte);
            let end = block
                .iter()
                .position(|byte| !is_key(byte))
                .unwrap_or(block.len());
            // Half an escape is none.
            block[..end]
                .iter()
                .rposition(|byte| *byte != b'\\')
                .map_or(0, |last| last + 1)
        }
    };
    // The label alone is no key.
    (end > 100).then_some(Finding {
        rule: "private-key",
        at: start..start + end,
    })
}

/// Three parts of base64, the first two of which are JSON objects.
fn jwt(text: &[u8], start: usize) -> Option<Finding> {
    if start > 0 && is_word(text[start - 1]) {
        return None;
    }
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let mut at = start;
    for number in 0..3 {
        let length = text[at..].iter().take_while(|byte| is_part(**byte)).count();
        if length < 16 || (number == 1 && !text[at..].starts_with(b"eyJ")) {
            return None;
        }
        at += length;
        if number < 2 {
            if text.get(at) != Some(&b'.') {
                return None;
            }
            at += 1;
        }
    }
    Some(Finding {
        rule: "jwt",
        at: start..at,
    })
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests;
