//! How deep a text nests, told before anybody parses it.
//!
//! Refuses: to judge whether the text is JSON; the parser does that right after.

use crate::scan::string_end;

/// Whether no more than `levels` arrays and objects are ever open at once.
pub(crate) fn is_within(text: &[u8], levels: usize) -> bool {
    // Most messages do not have that many brackets at all, and counting is much cheaper than matching.
    if memchr::memchr2_iter(b'{', b'[', text).nth(levels).is_none() {
        return true;
    }
    let mut open = 0_usize;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => match string_end(text, at) {
                Some(end) => {
                    at = end;
                    continue;
                }
                None => return true,
            },
            b'{' | b'[' => {
                open += 1;
                if open > levels {
                    return false;
                }
            }
            b'}' | b']' => open = open.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize) -> Vec<u8> {
        [vec![b'['; levels], vec![b']'; levels]].concat()
    }

    #[test]
    fn the_limit_itself_is_allowed() {
        for levels in [1, 2, 128] {
            assert!(is_within(&nested(levels), levels));
            assert!(!is_within(&nested(levels + 1), levels));
        }
    }

    #[test]
    fn siblings_are_not_depth() {
        let wide = format!("[{}{{}}]", "{},[],".repeat(1000));
        assert!(is_within(wide.as_bytes(), 2));
        assert!(!is_within(wide.as_bytes(), 1));
    }

    #[test]
    fn brackets_in_strings_are_not_depth() {
        let text = format!("[\"{}\"]", "[{".repeat(1000));
        assert!(is_within(text.as_bytes(), 1));
        let text = format!("[\"\\\\\\\"{}\",[]]", "[{".repeat(1000));
        assert!(is_within(text.as_bytes(), 2));
        assert!(!is_within(text.as_bytes(), 1));
    }

    #[test]
    fn nonsense_does_no_harm() {
        for text in ["", "\"", "\"\\", "]]]]", "[\"\\", "{\"", "\\\"", "]["] {
            assert!(is_within(text.as_bytes(), 1), "{text}");
        }
    }
}
