//! What a message should look like: JSON in which `*` stands for any value (in a string: for any text), `...` for any
//! further members or elements, and `$name` for a value that is kept under that name, or must be the one kept.

use std::collections::BTreeMap;

use serde_json::Value;

const ANY: &str = "\u{1}*";
const REST: &str = "\u{1}...";
const NAME: &str = "\u{1}$";

/// Values by name.
pub(crate) type Kept = BTreeMap<String, Value>;

/// The pattern as JSON with marks in it.
pub(crate) fn parse(text: &str) -> Value {
    let marked = rewrite(text, |mark, in_object| match (mark, in_object) {
        ("...", true) => r#""\u0001...":0"#.to_owned(),
        (mark, _) => format!(r#""\u0001{mark}""#),
    });
    serde_json::from_str(&marked).unwrap_or_else(|error| panic!("not a pattern: {error}: {text}"))
}

/// The text with every kept value in place of its name.
pub(crate) fn fill(text: &str, kept: &Kept) -> String {
    rewrite(text, |mark, _| match mark.strip_prefix('$') {
        Some(name) => kept
            .get(name)
            .unwrap_or_else(|| panic!("nothing is kept as ${name}"))
            .to_string(),
        None => mark.to_owned(),
    })
}

/// Replaces `*`, `...` and `$name` outside of strings.
fn rewrite(text: &str, mut with: impl FnMut(&str, bool) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut stack = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '"' => string_length(rest),
            '*' => 1,
            '.' if rest.starts_with("...") => 3,
            '$' => 1 + name_length(&rest[1..]),
            other => other.len_utf8(),
        };
        let part = &rest[..taken];
        match first {
            '{' | '[' => stack.push(first),
            '}' | ']' => drop(stack.pop()),
            _ => {}
        }
        match part {
            "*" | "..." => out.push_str(&with(part, stack.last() == Some(&'{'))),
            _ if first == '$' => out.push_str(&with(part, false)),
            _ => out.push_str(part),
        }
        rest = &rest[taken..];
    }
    out
}

/// The bytes of the JSON string at the beginning of `text`.
pub(crate) fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    panic!("a string without its end: {text}")
}

fn name_length(text: &str) -> usize {
    text.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .unwrap_or(text.len())
}

/// Whether a value is what a pattern says; else where they differ. Values are kept only if it is.
pub(crate) fn compare(pattern: &Value, got: &Value, kept: &mut Kept) -> Result<(), Vec<String>> {
    let (mut trial, mut differences) = (kept.clone(), Vec::new());
    walk("", pattern, got, &mut trial, &mut differences);
    if differences.is_empty() {
        *kept = trial;
        return Ok(());
    }
    Err(differences)
}

fn walk(path: &str, pattern: &Value, got: &Value, kept: &mut Kept, out: &mut Vec<String>) {
    match (pattern, got) {
        (Value::String(mark), _) if mark == ANY => {}
        (Value::String(mark), _) if mark.starts_with(NAME) => {
            let name = &mark[NAME.len()..];
            let known = kept.entry(name.to_owned()).or_insert_with(|| got.clone());
            if known != got {
                out.push(format!("{path}: ${name} is {known}, got {got}"));
            }
        }
        (Value::String(glob), Value::String(text)) if glob.contains('*') => {
            if !fits(glob, text) {
                out.push(format!("{path}: expected {pattern}, got {got}"));
            }
        }
        (Value::Object(wanted), Value::Object(members)) => {
            for (name, value) in wanted.iter().filter(|(name, _)| *name != REST) {
                match members.get(name) {
                    Some(member) => walk(&format!("{path}.{name}"), value, member, kept, out),
                    None => out.push(format!("{path}.{name}: is missing")),
                }
            }
            let surplus = members
                .iter()
                .filter(|(name, _)| !wanted.contains_key(*name));
            if !wanted.contains_key(REST) {
                out.extend(
                    surplus.map(|(name, value)| format!("{path}.{name}: not expected, is {value}")),
                );
            }
        }
        (Value::Array(wanted), Value::Array(items)) => {
            let open = wanted.last().is_some_and(|last| last == REST);
            let wanted = &wanted[..wanted.len() - usize::from(open)];
            if wanted.len() > items.len() || (!open && wanted.len() < items.len()) {
                out.push(format!(
                    "{path}: expected {} elements, got {got}",
                    wanted.len()
                ));
                return;
            }
            for (at, (value, item)) in wanted.iter().zip(items).enumerate() {
                walk(&format!("{path}[{at}]"), value, item, kept, out);
            }
        }
        _ if pattern == got => {}
        _ => out.push(format!("{path}: expected {pattern}, got {got}")),
    }
}

/// Whether a text is of this form, `*` standing for anything.
fn fits(glob: &str, text: &str) -> bool {
    let mut parts = glob.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Whether a text is, byte for byte, this one; names stand for the JSON of what is kept, or for a number or string to
/// be kept.
pub(crate) fn compare_exactly(wanted: &str, got: &str, kept: &mut Kept) -> Result<(), String> {
    let mut trial = kept.clone();
    let (mut wanted_rest, mut got_rest) = (wanted, got);
    let differ = |wanted: &str, got: &str| {
        format!("from here on expected {wanted}\n                    got {got}")
    };
    while !wanted_rest.is_empty() {
        let literal = wanted_rest
            .match_indices('$')
            .map(|(at, _)| at)
            .find(|at| !wanted_rest[..*at].ends_with('"'));
        let literal = literal.unwrap_or(wanted_rest.len());
        if literal > 0 {
            let same = wanted_rest
                .bytes()
                .zip(got_rest.bytes())
                .take(literal)
                .take_while(|(a, b)| a == b)
                .count();
            if same < literal {
                let at = (0..=same)
                    .rev()
                    .find(|at| got_rest.is_char_boundary(*at))
                    .unwrap_or(0);
                return Err(differ(
                    wanted_rest.get(at..).unwrap_or_default(),
                    &got_rest[at..],
                ));
            }
            (wanted_rest, got_rest) = (&wanted_rest[literal..], &got_rest[literal..]);
            continue;
        }
        let length = name_length(&wanted_rest[1..]);
        let name = &wanted_rest[1..=length];
        let token = if got_rest.starts_with('"') {
            string_length(got_rest)
        } else {
            got_rest
                .find(|letter: char| !letter.is_ascii_digit())
                .unwrap_or(got_rest.len())
        };
        let value: Value =
            serde_json::from_str(&got_rest[..token]).map_err(|_| differ(wanted_rest, got_rest))?;
        if *trial
            .entry(name.to_owned())
            .or_insert_with(|| value.clone())
            != value
        {
            return Err(format!("${name} is {}, got {value}", trial[name]));
        }
        (wanted_rest, got_rest) = (&wanted_rest[1 + length..], &got_rest[token..]);
    }
    if !got_rest.is_empty() {
        return Err(differ("the end", got_rest));
    }
    *kept = trial;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, got: &str, differences: usize) {
        let got = serde_json::from_str(got).unwrap();
        let found = compare(&parse(pattern), &got, &mut Kept::new());
        assert_eq!(
            found.err().unwrap_or_default().len(),
            differences,
            "{pattern} {got}"
        );
    }

    #[test]
    fn patterns_say_what_they_mean() {
        check(r#"{"a":*,"b":"x*z"}"#, r#"{"a":[1],"b":"xyz"}"#, 0);
        check(r#"{"a":1}"#, r#"{"a":2,"b":3}"#, 2);
        check(r#"{"a":1, ...}"#, r#"{"a":1,"b":3}"#, 0);
        check("[1, ...]", "[1,2]", 0);
        check("[1]", "[1,2]", 1);
        check("[$x,$x]", "[7,7]", 0);
        check("[$x,$x]", "[7,8]", 1);
    }

    #[test]
    fn exactly_is_exactly() {
        let mut kept = Kept::new();
        assert!(compare_exactly(r#"{"a": 1e2,"b":$n}"#, r#"{"a": 1e2,"b":17}"#, &mut kept).is_ok());
        assert_eq!(kept["n"], 17);
        assert!(compare_exactly(r#"{"a":1e2}"#, r#"{"a":100}"#, &mut kept).is_err());
        assert!(compare_exactly("[$n]", "[18]", &mut kept).is_err());
    }
}
