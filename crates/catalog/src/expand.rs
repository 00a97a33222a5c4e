//! `${VAR}` in values, as AI applications expand it. Pure: whoever calls says what the variables are.

use crate::limits::{EXPAND_DEPTH_MAX, EXPANDED_BYTES_MAX};

/// What variables there are.
pub type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Why a value could not be expanded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpandError {
    /// The variable does not exist.
    #[error("the variable `{0}` is not set")]
    Unknown(String),
    /// `${input:…}` and other things that only one application can do.
    #[error("`${{{0}}}` is something that only the application itself can fill in")]
    Foreign(String),
    /// Defaults inside defaults without end.
    #[error("`${{…}}` is nested deeper than {EXPAND_DEPTH_MAX}")]
    TooDeep,
    /// The value grew beyond all measure.
    #[error("the value is longer than {EXPANDED_BYTES_MAX} bytes once its variables are filled in")]
    TooLong,
}

impl ExpandError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Unknown(name) => format!("set {name}, or write a default: ${{{name}:-…}}"),
            Self::Foreign(_) => "use an environment variable instead: ${NAME}".to_owned(),
            Self::TooDeep | Self::TooLong => "write the value itself".to_owned(),
        }
    }
}

/// Fills in `${VAR}`, `${env:VAR}` and `${VAR:-default}` (used where the variable is unset or empty; it may itself hold
/// variables). `$${` stands for `${`. Any other use of `$` stays as it is, shell expressions such as `${x%.*}` included.
pub fn expand(text: &str, lookup: &Lookup<'_>) -> Result<String, ExpandError> {
    let mut out = String::with_capacity(text.len());
    fill(text, lookup, EXPAND_DEPTH_MAX, &mut out)?;
    Ok(out)
}

fn fill(
    text: &str,
    lookup: &Lookup<'_>,
    depth: usize,
    out: &mut String,
) -> Result<(), ExpandError> {
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, braced) = rest.split_at(at);
        if let Some(before) = before.strip_suffix('$') {
            out.push_str(before);
            out.push_str("${");
            rest = &braced[2..];
            continue;
        }
        out.push_str(before);
        let Some(end) = closing(&braced[2..]) else {
            rest = braced;
            break;
        };
        let inner = &braced[2..2 + end];
        rest = &braced[2 + end + 1..];
        match Variable::parse(inner) {
            Some(Variable { name, default }) => {
                match (
                    lookup(name).filter(|value| !value.is_empty() || default.is_none()),
                    default,
                ) {
                    (Some(value), _) => out.push_str(&value),
                    (None, Some(default)) => {
                        fill(
                            default,
                            lookup,
                            depth.checked_sub(1).ok_or(ExpandError::TooDeep)?,
                            out,
                        )?;
                    }
                    (None, None) => return Err(ExpandError::Unknown(name.to_owned())),
                }
            }
            None if is_foreign(inner) => return Err(ExpandError::Foreign(inner.to_owned())),
            None => {
                out.push_str("${");
                out.push_str(inner);
                out.push('}');
            }
        }
        if out.len() > EXPANDED_BYTES_MAX {
            return Err(ExpandError::TooLong);
        }
    }
    out.push_str(rest);
    if out.len() > EXPANDED_BYTES_MAX {
        return Err(ExpandError::TooLong);
    }
    Ok(())
}

/// Where the brace closes that was opened just before this text.
fn closing(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => open += 1,
            b'}' if open == 0 => return Some(at),
            b'}' => open -= 1,
            _ => {}
        }
    }
    None
}

struct Variable<'a> {
    name: &'a str,
    default: Option<&'a str>,
}

impl<'a> Variable<'a> {
    fn parse(inner: &'a str) -> Option<Self> {
        let inner = inner.strip_prefix("env:").unwrap_or(inner);
        let (name, default) = match inner.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inner, None),
        };
        let mut bytes = name.bytes();
        let first = bytes.next()?;
        let is_name = (first.is_ascii_alphabetic() || first == b'_')
            && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_');
        is_name.then_some(Self { name, default })
    }
}

/// `input:token`, `command:…`, `config:…`: a word, a colon and something.
fn is_foreign(inner: &str) -> bool {
    ["input:", "command:", "config:", "env:", "prompt:"]
        .iter()
        .any(|word| inner.starts_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vars(name: &str) -> Option<String> {
        match name {
            "HOME" => Some("/home/me".into()),
            "EMPTY" => Some(String::new()),
            "DOLLAR" => Some("${HOME}".into()),
            _ => None,
        }
    }

    fn expanded(text: &str) -> Result<String, ExpandError> {
        expand(text, &vars)
    }

    #[test]
    fn the_three_forms() {
        assert_eq!(
            expanded("${HOME}/x ${env:HOME}").unwrap(),
            "/home/me/x /home/me"
        );
        assert_eq!(expanded("${NO:-a b}${HOME:-no}").unwrap(), "a b/home/me");
        assert_eq!(expanded("${EMPTY}|${EMPTY:-d}|${NO:-}").unwrap(), "|d|");
        assert_eq!(expanded("${NO:-${NOT:-${HOME}}}!").unwrap(), "/home/me!");
        assert_eq!(expanded("${NO:-{\"a\":{}}}").unwrap(), "{\"a\":{}}");
    }

    #[test]
    fn what_a_variable_holds_is_not_expanded_again() {
        assert_eq!(expanded("${DOLLAR}").unwrap(), "${HOME}");
    }

    #[test]
    fn everything_else_stays() {
        for text in [
            "$HOME", "a$", "$$", "${", "${HOME", "${x%.*}", "${1}", "${}", "é${ }",
        ] {
            assert_eq!(expanded(text).unwrap(), text);
        }
        assert_eq!(expanded("$${HOME}").unwrap(), "${HOME}");
    }

    #[test]
    fn unknown_and_foreign_variables_are_refused() {
        assert_eq!(expanded("a${NO}"), Err(ExpandError::Unknown("NO".into())));
        assert_eq!(
            expanded("${workspaceFolder}"),
            Err(ExpandError::Unknown("workspaceFolder".into()))
        );
        assert_eq!(
            expanded("${input:key}"),
            Err(ExpandError::Foreign("input:key".into()))
        );
        assert!(ExpandError::Unknown("NO".into()).hint().contains("${NO:-"));
    }

    #[test]
    fn depth_and_length_are_bounded() {
        let nested = |n: usize| format!("{}x{}", "${N:-".repeat(n), "}".repeat(n));
        assert_eq!(expanded(&nested(EXPAND_DEPTH_MAX)).unwrap(), "x");
        assert_eq!(
            expanded(&nested(EXPAND_DEPTH_MAX + 1)),
            Err(ExpandError::TooDeep)
        );
        let much = |_: &str| Some("x".repeat(EXPANDED_BYTES_MAX / 2));
        assert_eq!(expand("${A}${A}${A}", &much), Err(ExpandError::TooLong));
    }

    proptest::proptest! {
        #[test]
        fn never_panics_and_text_without_dollars_stays(text in "[ -~é]{0,64}") {
            let _ = expanded(&text);
            let plain = text.replace('$', "");
            proptest::prop_assert_eq!(expanded(&plain).unwrap(), plain);
        }
    }
}
