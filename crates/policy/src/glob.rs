//! Patterns for names: `*` stands for any characters, `?` for one; letters of ASCII match whatever their case. Takes a time
//! that grows with pattern times text, never faster.

/// Whether a whole text is what the pattern says.
pub fn matches(pattern: &str, text: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // The last star, and how much of the text it stands for by now.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(b'?') => {
                t += width(text[t]);
                p += 1;
            }
            Some(byte) if byte.eq_ignore_ascii_case(&text[t]) => {
                t += 1;
                p += 1;
            }
            _ => {
                let Some((at, taken)) = star else {
                    return false;
                };
                (p, t) = (at + 1, taken + 1);
                star = Some((at, taken + 1));
            }
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// Bytes of the character that begins with this one.
fn width(first: u8) -> usize {
    match first {
        0xF0.. => 4,
        0xE0.. => 3,
        0xC0.. => 2,
        _ => 1,
    }
}

/// Whether every text that the second pattern matches is matched by the first. Says no where it does not know.
pub(crate) fn covers(wide: &str, narrow: &str) -> bool {
    // A pattern is a text of its own language: what stands for one character there is met by a star, and a star only by one.
    let may_differ = narrow.contains('?') || (wide.contains('?') && narrow.contains('*'));
    wide == "*" || (!may_differ && matches(wide, narrow)) || wide.eq_ignore_ascii_case(narrow)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, text) in [
            ("*", ""),
            ("a", "A"),
            ("delete_*", "delete_repo"),
            ("*_repo", "delete_repo"),
            ("d*e_*o", "delete_repo"),
            ("docker.io/mcp/*", "docker.io/mcp/github:1.2.3"),
            ("?x", "éx"),
            ("**", "abc"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("", "a"),
            ("a", ""),
            ("a", "ab"),
            ("delete_*", "undelete_repo"),
            ("?", ""),
            ("a?", "a"),
            ("*b", "abc"),
        ] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_cost_little() {
        let pattern = "*a".repeat(200) + "b";
        assert!(!matches(&pattern, &"a".repeat(100_000)));
    }

    #[test]
    fn a_wider_pattern_covers_a_narrower_one() {
        for (wide, narrow) in [("*", "x?"), ("a*", "ab*"), ("a*", "abc"), ("A", "a")] {
            assert!(covers(wide, narrow), "{wide} {narrow}");
        }
        for (wide, narrow) in [("a", "a*"), ("ab*", "a*"), ("?", "*"), ("a?", "a*")] {
            assert!(!covers(wide, narrow), "{wide} {narrow}");
        }
    }

    /// By trying everything.
    fn slow(pattern: &[char], text: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['*', rest @ ..] => (0..=text.len()).any(|n| slow(rest, &text[n..])),
            ['?', rest @ ..] => !text.is_empty() && slow(rest, &text[1..]),
            [c, rest @ ..] => {
                text.first().is_some_and(|t| t.eq_ignore_ascii_case(c)) && slow(rest, &text[1..])
            }
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_slow_way(pattern in "[abé*?]{0,8}", text in "[abAé]{0,8}") {
            let chars = |s: &str| s.chars().collect::<Vec<_>>();
            prop_assert_eq!(matches(&pattern, &text), slow(&chars(&pattern), &chars(&text)));
        }

        #[test]
        fn what_is_covered_is_matched(wide in "[ab*?]{0,4}", narrow in "[ab*?]{0,4}", text in "[ab]{0,6}") {
            if covers(&wide, &narrow) && matches(&narrow, &text) {
                prop_assert!(matches(&wide, &text), "{} {} {}", wide, narrow, text);
            }
        }
    }
}
