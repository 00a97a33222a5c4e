//! Guesses: a value behind a name that tells (`password: …`, `"api_key":"…"`, `Bearer …`), or the password in an address. What is
//! short, a word, a placeholder, a reference or an id is none.

use std::ops::Range;

use super::Finding;

/// What a name says of its value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    /// A value that somebody chose.
    Chosen,
    /// A value that was made.
    Made,
    /// A value that follows without a sign between.
    Bearer,
    /// An address may begin here that holds a password.
    Address,
}

/// Words, in lower case.
pub(super) const NAMES: [(&str, Name); 17] = [
    ("password", Name::Chosen),
    ("passwd", Name::Chosen),
    ("passphrase", Name::Chosen),
    ("api_key", Name::Made),
    ("apikey", Name::Made),
    ("api-key", Name::Made),
    ("access_key", Name::Made),
    ("accesskey", Name::Made),
    ("private_key", Name::Made),
    ("client_secret", Name::Made),
    ("clientsecret", Name::Made),
    ("secret_key", Name::Made),
    ("auth_token", Name::Made),
    ("access_token", Name::Made),
    ("refresh_token", Name::Made),
    ("bearer ", Name::Bearer),
    ("://", Name::Address),
];

/// The least length of a value.
const MADE_MIN: usize = 20;
const CHOSEN_MIN: usize = 12;
/// The longest that is looked at.
const VALUE_MAX: usize = 512;

/// The value that belongs to a name, if it looks like a credential.
pub(super) fn value(text: &[u8], name: Range<usize>, kind: Name) -> Option<Finding> {
    match kind {
        Name::Address => password(text, name.end),
        Name::Bearer => named(text, name.end, Name::Made),
        Name::Chosen | Name::Made => named(text, sign(text, name.end)?, kind),
    }
}

/// Behind the `=` or `:` that must come next; the name may have an end of its own (`api_key_prod`), and quotes.
fn sign(text: &[u8], at: usize) -> Option<usize> {
    let rest = &text[at..text.len().min(at + 24)];
    let is_rest_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let name = rest
        .iter()
        .take(12)
        .take_while(|byte| is_rest_of_name(byte))
        .count();
    let gap = rest[name..]
        .iter()
        .take(4)
        .take_while(|byte| b" \"'\\".contains(byte))
        .count();
    let sign = rest.get(name + gap)?;
    matches!(sign, b':' | b'=').then_some(at + name + gap + 1)
}

fn named(text: &[u8], at: usize, kind: Name) -> Option<Finding> {
    let rest = &text[at..text.len().min(at + VALUE_MAX)];
    let skipped = rest
        .iter()
        .take(6)
        .take_while(|byte| b" \"'\\".contains(byte))
        .count();
    let is_value = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=_-.~!@#$%^&*".contains(byte);
    let length = rest[skipped..]
        .iter()
        .take_while(|byte| is_value(byte))
        .count();
    let value = &rest[skipped..skipped + length];
    // What it ends with may belong to the sentence.
    let value = match value.iter().rposition(|byte| !b".!".contains(byte)) {
        Some(last) => &value[..=last],
        None => return None,
    };
    let start = at + skipped;
    let min = match kind {
        Name::Chosen => CHOSEN_MIN,
        _ => MADE_MIN,
    };
    (value.len() >= min && looks_made(value)).then_some(Finding {
        rule: "named-value",
        at: start..start + value.len(),
    })
}

/// `user:password@host` behind `://`.
fn password(text: &[u8], at: usize) -> Option<Finding> {
    let rest = &text[at..text.len().min(at + 256)];
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || b"/\"'\\<>?#,;)]}".contains(byte);
    let end = rest.iter().position(is_end).unwrap_or(rest.len());
    let at_sign = rest[..end].iter().rposition(|byte| *byte == b'@')?;
    let colon = rest[..at_sign].iter().position(|byte| *byte == b':')?;
    let value = &rest[colon + 1..at_sign];
    let start = at + colon + 1;
    (value.len() >= 8 && looks_made(value)).then_some(Finding {
        rule: "url-password",
        at: start..start + value.len(),
    })
}

/// Whether it looks random: letters and digits, no id, no placeholder, and hardly anything twice.
fn looks_made(value: &[u8]) -> bool {
    let count = |is: fn(&u8) -> bool| value.iter().filter(|byte| is(byte)).count();
    let (letters, digits) = (count(u8::is_ascii_alphabetic), count(u8::is_ascii_digit));
    if letters < 3 || digits < 2 || is_id(value) {
        return false;
    }
    let lower = value.to_ascii_lowercase();
    const NONE: [&[u8]; 12] = [
        b"example",
        b"placeholder",
        b"changeme",
        b"your",
        b"xxxx",
        b"dummy",
        b"sample",
        b"redacted",
        b"$",
        b"****",
        b"1234567",
        b"abcdefg",
    ];
    if NONE
        .iter()
        .any(|word| memchr::memmem::find(&lower, word).is_some())
    {
        return false;
    }
    // The most that so many characters can have is the logarithm of their number.
    let least = (value.len() as f64).log2().min(4.3) * 0.76;
    entropy(value) >= least
}

/// Bits for each character.
fn entropy(value: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    for byte in value {
        counts[usize::from(*byte)] += 1;
    }
    let all = value.len() as f64;
    let share = |count: &u32| f64::from(*count) / all;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| -share(count) * share(count).log2())
        .sum()
}

/// UUIDs name things.
fn is_id(value: &[u8]) -> bool {
    value.len() == 36
        && [8, 13, 18, 23].iter().all(|at| value[*at] == b'-')
        && value
            .iter()
            .all(|byte| byte.is_ascii_hexdigit() || *byte == b'-')
}
