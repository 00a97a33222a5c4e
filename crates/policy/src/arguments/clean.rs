//! Whether there is one way to read a value, told from its text: nothing is built, so that this costs a fraction of reading it.

use std::borrow::Cow;

use wire::{Object, elements_of_json};

use super::twice_in;
use crate::limits::{ARGUMENT_VALUES_MAX, CLEAN_DEPTH_MAX};

/// How many values a value holds, itself counted, if there is one way to read it. Says nothing where it does not know.
pub(super) fn values(raw: &str) -> Option<usize> {
    let mut left = ARGUMENT_VALUES_MAX;
    within(raw, 1, &mut left)?;
    Some(ARGUMENT_VALUES_MAX - left)
}

fn within(raw: &str, depth: usize, left: &mut usize) -> Option<()> {
    *left = left.checked_sub(1)?;
    match raw.as_bytes().first()? {
        b'"' => is_text(raw).then_some(()),
        b't' | b'f' | b'n' => Some(()),
        _ if depth >= CLEAN_DEPTH_MAX && raw.starts_with(['{', '[']) => None,
        b'{' => {
            let object = Object::of_json(raw).ok()?;
            if twice_in(&object).is_some() {
                return None;
            }
            let mut members = object.iter();
            members.try_for_each(|(_, raw)| within(raw, depth + 1, left))
        }
        b'[' => {
            let elements = elements_of_json(raw).ok()?;
            let mut elements = elements.into_iter();
            elements.try_for_each(|raw| within(raw, depth + 1, left))
        }
        _ => is_number(raw).then_some(()),
    }
}

/// In text that is known to be JSON, nothing but half a surrogate pair keeps a literal from saying something.
fn is_text(literal: &str) -> bool {
    let has_surrogates = ["\\ud", "\\uD"].iter().any(|begin| literal.contains(begin));
    !has_surrogates || text(literal).is_some()
}

/// Not one that is too large to be read.
fn is_number(raw: &str) -> bool {
    raw.parse::<i64>().is_ok() || serde_json::from_str::<f64>(raw).is_ok()
}

/// What a literal says that is a text.
pub(crate) fn text(literal: &str) -> Option<Cow<'_, str>> {
    let inside = literal.strip_prefix('"')?.strip_suffix('"')?;
    match inside.contains('\\') {
        false => Some(Cow::Borrowed(inside)),
        true => serde_json::from_str(literal).ok().map(Cow::Owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_nothing_twice_is_clean() {
        for (raw, count) in [
            (r#""a\nb""#, Some(1)),
            ("1", Some(1)),
            ("-1.5e3", Some(1)),
            ("null", Some(1)),
            (r#"{"a":[1,{"b":"\ud83d\ude00"}],"c":{}}"#, Some(6)),
            (r#"{"a":1,"\u0061":2}"#, None),
            (r#"[{"a":1},{"b":{"c":1,"c":1}}]"#, None),
            (r#"["\ud83d"]"#, None),
            ("1e999", None),
        ] {
            assert_eq!(values(raw), count, "{raw}");
        }
    }

    #[test]
    fn what_is_large_or_deep_is_left_to_the_interpreter() {
        let deep = |n| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(values(&deep(CLEAN_DEPTH_MAX - 1)).is_some());
        assert_eq!(values(&deep(CLEAN_DEPTH_MAX)), None);
        let many = |n: usize| format!("[{}1]", "1,".repeat(n - 1));
        assert!(values(&many(ARGUMENT_VALUES_MAX - 1)).is_some());
        assert_eq!(values(&many(ARGUMENT_VALUES_MAX)), None);
    }
}
