//! A script in words and signs, as far as finding types needs them.

use std::ops::Range;

/// A word, a sign, or what is written out: text, a number, a regular expression, a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Of the script, in bytes.
    pub(super) range: Range<usize>,
    /// It is the first of its line.
    pub(super) begins_line: bool,
    /// Where the bracket is that closes this one.
    pub(super) closes: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    Literal,
    Sign,
}

/// Signs of several letters that must not be taken for their parts.
const SIGNS: &[&str] = &[
    "...", "===", "!==", "=>", "==", "!=", "&&", "||", "??", "?.", "++", "--", "+=", "-=", "*=",
    "/=",
];

/// Words after which a slash begins a regular expression.
const BEFORE_REGEX: &[&str] = &[
    "return", "typeof", "case", "in", "of", "delete", "void", "throw", "new", "else", "await",
    "yield",
];

/// The tokens; none if brackets or texts do not close. What stands in a template is part of it: types there stay.
pub(super) fn tokens(script: &str) -> Option<Vec<Token>> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut open: Vec<(usize, u8)> = Vec::new();
    let bytes = script.as_bytes();
    let (mut at, mut begins_line) = (0, true);
    while at < bytes.len() {
        let rest = &script[at..];
        let letter = rest.chars().next()?;
        if letter == '\n' {
            begins_line = true;
        }
        if letter.is_whitespace() {
            at += letter.len_utf8();
            continue;
        }
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        }
        if rest.starts_with("/*") {
            let length = rest.find("*/")? + 2;
            begins_line |= rest[..length].contains('\n');
            at += length;
            continue;
        }
        let (kind, length) = match letter {
            '"' | '\'' => (Kind::Literal, quoted(rest, bytes[at])?),
            '`' => (Kind::Literal, template(rest, 0)?),
            '0'..='9' => (Kind::Literal, word(rest, true)),
            '/' if begins_regex(script, &tokens) => (Kind::Literal, regex(rest)?),
            _ if is_of_word(letter) => (Kind::Word, word(rest, false)),
            _ => {
                let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
                (
                    Kind::Sign,
                    sign.map_or(letter.len_utf8(), |sign| sign.len()),
                )
            }
        };
        match (kind, bytes[at]) {
            (Kind::Sign, bracket @ (b'(' | b'[' | b'{')) => open.push((tokens.len(), bracket)),
            (Kind::Sign, bracket @ (b')' | b']' | b'}')) => {
                let (opened, by) = open.pop()?;
                if !matches!((by, bracket), (b'(', b')') | (b'[', b']') | (b'{', b'}')) {
                    return None;
                }
                tokens[opened].closes = Some(tokens.len());
            }
            _ => {}
        }
        tokens.push(Token {
            kind,
            range: at..at + length,
            begins_line,
            closes: None,
        });
        begins_line = false;
        at += length;
    }
    open.is_empty().then_some(tokens)
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '$' | '#' | '@')
}

fn word(rest: &str, is_number: bool) -> usize {
    let is_of = |letter: char| is_of_word(letter) || (is_number && letter == '.');
    rest.find(|letter| !is_of(letter)).unwrap_or(rest.len())
}

/// How long what is quoted is, which ends on its line.
fn quoted(rest: &str, quote: u8) -> Option<usize> {
    let mut letters = rest.bytes().enumerate().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            b'\\' => drop(letters.next()),
            b'\n' => return None,
            _ if letter == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// Templates in templates, at most.
const TEMPLATES_MAX: usize = 16;

fn template(rest: &str, depth: usize) -> Option<usize> {
    let bytes = rest.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'`' => return Some(at + 1),
            b'$' if bytes.get(at + 1) == Some(&b'{') => at = substitution(rest, at + 2, depth)?,
            _ => at += 1,
        }
    }
    None
}

/// After the bracket that ends a substitution.
fn substitution(rest: &str, mut at: usize, depth: usize) -> Option<usize> {
    if depth > TEMPLATES_MAX {
        return None;
    }
    let bytes = rest.as_bytes();
    let mut open = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'{' => open += 1,
            b'}' => open -= 1,
            quote @ (b'"' | b'\'') => at += quoted(&rest[at..], quote)? - 1,
            b'`' => at += template(&rest[at..], depth + 1)? - 1,
            _ => {}
        }
        at += 1;
        if open == 0 {
            return Some(at);
        }
    }
    None
}

fn begins_regex(script: &str, tokens: &[Token]) -> bool {
    let Some(before) = tokens.last() else {
        return true;
    };
    let text = &script[before.range.clone()];
    match before.kind {
        Kind::Literal => false,
        Kind::Word => BEFORE_REGEX.contains(&text),
        Kind::Sign => !matches!(text, ")" | "]" | "}" | "++" | "--"),
    }
}

fn regex(rest: &str) -> Option<usize> {
    let mut is_class = false;
    let mut letters = rest.bytes().enumerate().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            b'\\' => drop(letters.next()),
            b'\n' => return None,
            b'[' => is_class = true,
            b']' => is_class = false,
            b'/' if !is_class => return Some(at + 1 + word(&rest[at + 1..], false)),
            _ => {}
        }
    }
    None
}
