//! Steps over JSON that is known to be JSON: where a string, a value, a member ends.
//!
//! Owns: the one walk that objects, arrays and the strict check share. Refuses: to validate (serde_json has done that
//! before) and to descend. Text that is no JSON makes these functions answer `None` or nonsense, never panic or loop.

/// The place after the string literal that begins at `start`: after the first quote that no backslash takes for itself.
pub(crate) fn string_end(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    // Up to here nothing can be skipped.
    let mut tried = 0;
    loop {
        at += memchr::memchr(b'"', text.get(at..)?)?;
        let before = text[start + 1..at].iter().rev();
        let backslashes = before.take_while(|byte| **byte == b'\\').count();
        at += 1;
        if backslashes.is_multiple_of(2) {
            return Some(at);
        }
        // Where there is one quote with a backslash, there are many: code, JSON in JSON.
        if at >= tried {
            at = escaped_end(text, at);
            tried = at + CHUNK;
        }
    }
}

/// What is looked at in one step.
const CHUNK: usize = 128;
/// How many bytes before a quote are looked at. With more backslashes it counts as one that ends the string.
const BEFORE: usize = 4;

/// The beginning of the first chunk from `at` on in which a quote may be that ends the string; at most a chunk before the end.
fn escaped_end(text: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = at
        .checked_sub(BEFORE)
        .and_then(|from| text.get(from..at + CHUNK))
    {
        if may_end::<2>(chunk) && may_end::<BEFORE>(chunk) {
            break;
        }
        at += CHUNK;
    }
    at
}

/// Whether in a chunk there is a quote after an even number of backslashes, of which no more than `SEEN` are looked at. Every
/// byte is looked at in the same way, which the compiler makes one step for many bytes of.
fn may_end<const SEEN: usize>(chunk: &[u8]) -> bool {
    let (quotes, back) = (&chunk[BEFORE..], |n: usize| &chunk[BEFORE - n..]);
    let (one, two, three, four) = (back(1), back(2), back(3), back(4));
    let mut found = false;
    for at in 0..CHUNK {
        let is = |bytes: &[u8]| bytes[at] == b'\\';
        let is_even = match SEEN {
            2 => !is(one) | is(two),
            _ => !is(one) | (is(two) & (!is(three) | is(four))),
        };
        found |= (quotes[at] == b'"') & is_even;
    }
    found
}

/// The place after the value that begins at `start`.
pub(crate) fn value_end(text: &[u8], start: usize) -> Option<usize> {
    match text.get(start)? {
        b'"' => string_end(text, start),
        b'{' | b'[' => container_end(text, start),
        _ => {
            let is_end =
                |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r');
            let rest = &text[start..];
            Some(start + rest.iter().position(is_end).unwrap_or(rest.len()))
        }
    }
}

/// The first place from `at` on that is not white space.
pub(crate) fn blank_end(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

fn container_end(text: &[u8], start: usize) -> Option<usize> {
    let mut open = 0_usize;
    let mut at = start;
    loop {
        match text.get(at)? {
            b'"' => {
                at = string_end(text, at)?;
                continue;
            }
            b'{' | b'[' => open += 1,
            b'}' | b']' => {
                open -= 1;
                if open == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
}

/// The items of an object or array, one after the other: what stands between the brackets and the commas.
pub(crate) struct Items<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Items<'a> {
    /// The items of the container that `text` is.
    pub(crate) fn of(text: &'a str) -> Self {
        Self {
            text,
            at: blank_end(text.as_bytes(), 1),
        }
    }

    /// Whether the closing bracket comes next.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.text.as_bytes().get(self.at), None | Some(b'}' | b']'))
    }

    /// What is not looked at yet.
    pub(crate) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The literal of the next member's name, colon swallowed.
    pub(crate) fn name(&mut self) -> Option<&'a str> {
        let bytes = self.text.as_bytes();
        let end = string_end(bytes, self.at)?;
        let name = self.text.get(self.at..end)?;
        let colon = blank_end(bytes, end);
        self.at = blank_end(bytes, colon + 1);
        Some(name)
    }

    /// The next value, comma swallowed.
    pub(crate) fn value(&mut self) -> Option<&'a str> {
        let bytes = self.text.as_bytes();
        let end = value_end(bytes, self.at)?;
        let value = self
            .text
            .get(self.at..end)
            .filter(|value| !value.is_empty())?;
        self.at = blank_end(bytes, end);
        if bytes.get(self.at) == Some(&b',') {
            self.at = blank_end(bytes, self.at + 1);
        }
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn strings_end_at_their_quote() {
        assert_eq!(string_end(br#""ab",1"#, 0), Some(4));
        assert_eq!(string_end(br#""a\"b\\",1"#, 0), Some(8));
        assert_eq!(string_end(br#""\\\"\\\\",1"#, 0), Some(10));
        assert_eq!(string_end(br#""""#, 0), Some(2));
        for bad in [r#"""#, r#""\"#, r#""\""#, r#""a"#] {
            assert_eq!(string_end(bad.as_bytes(), 0), None, "{bad}");
        }
    }

    #[test]
    fn long_strings_full_of_quotes_end_at_theirs() {
        for part in [
            r#"\""#,
            r#"\\"#,
            r#"a\"b"#,
            r#"\\\""#,
            r#"\\\\\""#,
            r#"\\\\\\\""#,
            "x",
        ] {
            for times in [0, 1, 2, 20, 63, 100, 500] {
                for (before, last) in [
                    ("", ""),
                    ("x", ""),
                    ("", r"\\"),
                    ("{}", r"\\\\"),
                    ("{}", "y"),
                ] {
                    let literal = format!("\"{}{last}\"", part.repeat(times));
                    let text = format!("{before}{literal},\"z\":[\"{}\"]", "w".repeat(300));
                    let end = before.len() + literal.len();
                    assert_eq!(
                        string_end(text.as_bytes(), before.len()),
                        Some(end),
                        "{text}"
                    );
                    let open = &text.as_bytes()[..end - 1];
                    assert_eq!(string_end(open, before.len()), None, "{text}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_slow_way(parts in prop::collection::vec("[\\\\]{0,9}[\"ab]?", 0..200), start in 0_usize..6) {
            let text = format!("{}\"{}", "{".repeat(start), parts.concat());
            let (mut slow, mut is_escaped) = (None, false);
            for (at, byte) in text.bytes().enumerate().skip(start + 1) {
                match byte {
                    _ if is_escaped => is_escaped = false,
                    b'\\' => is_escaped = true,
                    b'"' => {
                        slow = Some(at + 1);
                        break;
                    }
                    _ => {}
                }
            }
            prop_assert_eq!(string_end(text.as_bytes(), start), slow);
        }
    }

    #[test]
    fn values_end_where_they_end() {
        for value in [
            "1",
            "-1.5e3",
            "null",
            "\"a]\"",
            "[1,[2],{\"a\":\"}\"}]",
            "{}",
            "{ \"a\" : [ ] }",
        ] {
            for after in ["", ",", "}", " ", "]\n"] {
                let text = format!("{value}{after}");
                assert_eq!(value_end(text.as_bytes(), 0), Some(value.len()), "{text}");
            }
        }
        assert_eq!(value_end(b"[[]", 0), None);
        assert_eq!(value_end(b"", 0), None);
    }

    #[test]
    fn items_are_listed() {
        let mut items = Items::of("[ 1 ,\"a\", [2,3] ]");
        let mut seen = Vec::new();
        while !items.is_over() {
            seen.push(items.value().unwrap());
        }
        assert_eq!(seen, ["1", "\"a\"", "[2,3]"]);
        assert!(Items::of("[ ]").is_over());
    }
}
