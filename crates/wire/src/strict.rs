//! The check for rules that read inside `arguments`: no object, at any depth, may say the same name twice.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::limits::{DEPTH_MAX, MEMBERS_MAX};
use crate::object::{ObjectError, half_a_pair, validate};
use crate::scan::string_end;
use crate::text::{trim, unquote};

/// Refuses a text in which any object has two members of the same name, however they are spelt.
///
/// # Errors
/// If there is such an object, the text is not JSON, nests deeper than [`DEPTH_MAX`], or has more than [`MEMBERS_MAX`]
/// members in an object and those around it.
pub fn strict(raw: &str) -> Result<(), ObjectError> {
    let raw = trim(raw);
    validate(raw)?;
    let bytes = raw.as_bytes();
    let mut open: Vec<Option<Names<'_>>> = Vec::new();
    let mut held = 0;
    let mut is_name_next = false;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let end = string_end(bytes, at).ok_or_else(half_a_pair)?;
                if is_name_next && let Some(Some(names)) = open.last_mut() {
                    let name = raw.get(at..end).and_then(unquote).ok_or_else(half_a_pair)?;
                    names.add(name)?;
                    held += 1;
                    if held > MEMBERS_MAX {
                        return Err(ObjectError::TooMany);
                    }
                    is_name_next = false;
                }
                at = end;
                continue;
            }
            b'{' | b'[' => {
                if open.len() == DEPTH_MAX {
                    return Err(ObjectError::TooDeep);
                }
                is_name_next = byte == b'{';
                open.push(is_name_next.then(Names::default));
            }
            b'}' | b']' => held -= open.pop().flatten().map_or(0, |names| names.len()),
            b',' => is_name_next = matches!(open.last(), Some(Some(_))),
            _ => {}
        }
        at += 1;
    }
    Ok(())
}

/// The names one object has used so far. Most have few, for which a list is quicker than a set.
#[derive(Default)]
struct Names<'a> {
    few: Vec<Cow<'a, str>>,
    many: HashSet<Cow<'a, str>>,
}

impl<'a> Names<'a> {
    const FEW: usize = 16;

    fn len(&self) -> usize {
        self.few.len() + self.many.len()
    }

    fn add(&mut self, name: Cow<'a, str>) -> Result<(), ObjectError> {
        if self.few.contains(&name) || self.many.contains(&name) {
            return Err(ObjectError::Duplicate(name.into_owned()));
        }
        if self.few.len() < Self::FEW {
            self.few.push(name);
        } else {
            self.many.insert(name);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_names_pass() {
        for text in [
            r#"{"a":1,"b":{"a":1},"c":[{"a":1},{"a":2}],"d":"a"}"#,
            "[]",
            "1",
            "\"a\"",
            r#"{"a":1e999}"#,
            "{}",
        ] {
            assert_eq!(strict(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn the_same_name_twice_does_not() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"[[{"x":{"a":1,"b":[{}],"a":2}}]]"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"a":{},"b":"a","a":[]}"#,
            r#"{ "a" : [1, 2, {"b":1}] , "a" : null }"#,
        ] {
            assert_eq!(
                strict(text),
                Err(ObjectError::Duplicate("a".to_owned())),
                "{text}"
            );
        }
    }

    #[test]
    fn wide_objects_are_watched_too() {
        let members = |count: usize| {
            (0..count)
                .map(|n| format!("\"k{n}\":{n}"))
                .collect::<Vec<_>>()
                .join(",")
        };
        assert_eq!(strict(&format!("{{{}}}", members(1000))), Ok(()));
        for again in ["k3", "k20", "k999"] {
            let text = format!("{{{},\"{again}\":0}}", members(1000));
            assert_eq!(strict(&text), Err(ObjectError::Duplicate(again.to_owned())));
        }
    }

    #[test]
    fn names_have_a_limit_while_they_are_held() {
        let members = |count: usize| {
            (0..count)
                .map(|n| format!("\"{n}\":0"))
                .collect::<Vec<_>>()
                .join(",")
        };
        let half = members(MEMBERS_MAX / 2);
        assert_eq!(strict(&format!("{{{}}}", members(MEMBERS_MAX))), Ok(()));
        assert_eq!(
            strict(&format!("{{{}}}", members(MEMBERS_MAX + 1))),
            Err(ObjectError::TooMany)
        );
        assert_eq!(
            strict(&format!("[{{{half}}},{{{half}}},{{{half}}}]")),
            Ok(())
        );
        assert_eq!(
            strict(&format!("{{{half},\"in\":{{{half}}}}}")),
            Err(ObjectError::TooMany)
        );
    }

    #[test]
    fn depth_and_validity_are_checked() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert_eq!(strict(&nested(DEPTH_MAX)), Ok(()));
        assert_eq!(strict(&nested(DEPTH_MAX + 1)), Err(ObjectError::TooDeep));
        assert!(matches!(strict("{\"a\":1"), Err(ObjectError::Invalid(_))));
        assert!(matches!(
            strict(r#"{"\udc00":1}"#),
            Err(ObjectError::Invalid(_))
        ));
    }
}
