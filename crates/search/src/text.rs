//! From text to words: normalised, split at cases and scripts.
//!
//! Owns what a word is. Scripts that are written without spaces give pairs of characters instead of words. Stemming is in
//! `stem`, what words mean is in `lexicon`.

use unicode_normalization::UnicodeNormalization;

use crate::limits;

/// Cuts at a character, not in one.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// A run of letters and digits as it was written, with the parts that its capitals tell apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    /// Lower case, without accents.
    pub whole: String,
    /// `list`, `all`, `items` of `listAllItems`; empty if there is but one.
    pub parts: Vec<String>,
}

/// The words of a text, in order.
pub(crate) fn words(text: &str) -> Vec<Word> {
    if text.is_ascii() {
        let mut words: Vec<Word> = Vec::new();
        each_ascii(text, |word, is_part| match words.last_mut() {
            Some(last) if is_part => last.parts.push(word.to_owned()),
            _ => words.push(Word {
                whole: word.to_owned(),
                parts: Vec::new(),
            }),
        });
        return words;
    }
    any_words(text)
}

/// Every word of a text, each followed by its parts.
pub(crate) fn each(text: &str, mut found: impl FnMut(&str)) {
    if text.is_ascii() {
        return each_ascii(text, |word, _| found(word));
    }
    for word in any_words(text) {
        found(&word.whole);
        word.parts.iter().for_each(|part| found(part));
    }
}

/// What [`any_words`] does, for most texts: with whether a word is part of the one before.
fn each_ascii(text: &str, mut found: impl FnMut(&str, bool)) {
    let mut run = String::with_capacity(limits::WORD_CHARS_MAX);
    let mut lower = String::with_capacity(limits::WORD_CHARS_MAX);
    let mut rest = text.as_bytes();
    while let Some(start) = rest.iter().position(u8::is_ascii_alphanumeric) {
        rest = &rest[start..];
        let in_word = |at: usize| rest[at].is_ascii_alphanumeric() || rest[at] == b'\'';
        let end = (1..rest.len())
            .find(|at| !in_word(*at))
            .unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        let apostrophe = word.iter().position(|byte| *byte == b'\'').unwrap_or(end);
        let word = match &word[apostrophe..] {
            [_] | [_, b's' | b'S'] => &word[..apostrophe],
            _ => word,
        };
        run.clear();
        run.extend(
            word.iter()
                .filter(|byte| **byte != b'\'')
                .take(limits::WORD_CHARS_MAX)
                .map(|byte| char::from(*byte)),
        );
        lower.clear();
        lower.push_str(&run);
        lower.make_ascii_lowercase();
        found(&lower, false);
        let bytes = run.as_bytes();
        let mut part = 0;
        for at in 1..bytes.len() {
            let next_is_small = bytes.get(at + 1).is_some_and(u8::is_ascii_lowercase);
            let capital_after_capital = bytes[at - 1].is_ascii_uppercase() && next_is_small;
            if bytes[at].is_ascii_uppercase()
                && (bytes[at - 1].is_ascii_lowercase() || capital_after_capital)
            {
                found(&lower[part..at], true);
                part = at;
            }
        }
        if part > 0 {
            found(&lower[part..], true);
        }
    }
}

fn any_words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut run: Vec<char> = Vec::new();
    let mut joined: Vec<char> = Vec::new();
    let mut previous = Class::Space;
    for character in text.nfkc() {
        let class = classify(character, previous);
        if class == Class::Space {
            if !(matches!(character, '\'' | '\u{2019}') && previous == Class::Letter) {
                flush(&mut run, &mut words);
                flush_joined(&mut joined, &mut words);
                previous = Class::Space;
            } else {
                run.push('\'');
            }
            continue;
        }
        if class == Class::Joined {
            flush(&mut run, &mut words);
            joined.push(character);
        } else {
            flush_joined(&mut joined, &mut words);
            run.push(character);
        }
        previous = class;
    }
    flush(&mut run, &mut words);
    flush_joined(&mut joined, &mut words);
    words
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Space,
    Letter,
    /// Of a script that is written without spaces, or whose words carry particles.
    Joined,
}

fn classify(character: char, previous: Class) -> Class {
    if character.is_ascii() {
        return if character.is_ascii_alphanumeric() {
            Class::Letter
        } else {
            Class::Space
        };
    }
    match character {
        // Combining marks and the marks of long vowels belong to what they follow.
        '\u{0300}'..='\u{036f}' => previous,
        '\u{3005}' | '\u{30fc}' => Class::Joined,
        '\u{0e00}'..='\u{0eff}' // Thai, Lao
        | '\u{1000}'..='\u{109f}' // Burmese
        | '\u{1780}'..='\u{17ff}' // Khmer
        | '\u{3040}'..='\u{30ff}' // kana
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{1100}'..='\u{11ff}'
        | '\u{ac00}'..='\u{d7a3}' // Hangul
        | '\u{20000}'..='\u{3ffff}'
            if !is_punctuation(character) =>
        {
            Class::Joined
        }
        _ if character.is_alphanumeric() => Class::Letter,
        _ => Class::Space,
    }
}

/// Punctuation among the scripts that are written without spaces; their marks of vowels and tones are part of words.
fn is_punctuation(character: char) -> bool {
    matches!(character, '\u{30fb}' | '\u{0e4f}' | '\u{0e5a}' | '\u{0e5b}' | '\u{104a}'..='\u{104f}' | '\u{17d4}'..='\u{17da}')
}

fn flush(run: &mut Vec<char>, words: &mut Vec<Word>) {
    let end = run.iter().position(|c| *c == '\'').map_or(run.len(), |at| {
        // The 's of a genitive says nothing; any other apostrophe is left out.
        if matches!(run[at + 1..], ['s' | 'S'] | []) {
            at
        } else {
            run.len()
        }
    });
    let kept: Vec<char> = run[..end]
        .iter()
        .copied()
        .filter(|c| *c != '\'')
        .take(limits::WORD_CHARS_MAX)
        .collect();
    run.clear();
    if kept.is_empty() {
        return;
    }
    let parts = parts(&kept);
    let whole = plain(&kept);
    if whole.is_empty() {
        return;
    }
    words.push(Word { whole, parts });
}

/// Pairs of neighbouring characters; a character that stands alone is a word.
fn flush_joined(joined: &mut Vec<char>, words: &mut Vec<Word>) {
    let mut push = |characters: &[char]| {
        words.push(Word {
            whole: characters.iter().flat_map(|c| c.to_lowercase()).collect(),
            parts: Vec::new(),
        });
    };
    if joined.len() == 1 {
        push(joined);
    }
    for pair in joined.windows(2) {
        push(pair);
    }
    joined.clear();
}

/// Where a small letter is followed by a capital, and before the last of several capitals that a small one follows.
fn parts(run: &[char]) -> Vec<String> {
    let mut parts = Vec::new();
    let mut start = 0;
    for at in 1..run.len() {
        let (before, here) = (run[at - 1], run[at]);
        let next_is_small = run.get(at + 1).is_some_and(|c| c.is_lowercase());
        if here.is_uppercase() && (before.is_lowercase() || before.is_uppercase() && next_is_small)
        {
            parts.push(plain(&run[start..at]));
            start = at;
        }
    }
    if start == 0 {
        return Vec::new();
    }
    parts.push(plain(&run[start..]));
    parts.retain(|part| !part.is_empty());
    parts
}

/// Lower case, without the accents of alphabets.
fn plain(run: &[char]) -> String {
    run.iter()
        .flat_map(|c| c.to_lowercase())
        .nfd()
        .filter(|c| !matches!(c, '\u{0300}'..='\u{036f}'))
        .nfc()
        .collect()
}

#[cfg(test)]
mod tests;
