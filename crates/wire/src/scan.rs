//! Steps over JSON that is known to be JSON: where a string, a value, a member ends.
//!
//! Owns: the one walk that objects, arrays and the strict check share. Refuses: to validate (serde_json has done that
//! before) and to descend. Text that is no JSON makes these functions answer `None` or nonsense, never panic or loop.

/// The place after the string literal that begins at `start`. Text that is full of escapes has few quotes among them, so these
/// are looked for, and whether one is escaped is told from the backslashes before it.
pub(crate) fn string_end(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        at += memchr::memchr(b'"', text.get(at..)?)?;
        let before = text[start + 1..at].iter().rev();
        let backslashes = before.take_while(|byte| **byte == b'\\').count();
        at += 1;
        if backslashes.is_multiple_of(2) {
            return Some(at);
        }
    }
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
