//! Messages in short: `#7 tools/call {…}` is a request, `#7 = {…}` a result, `#7 ! -32602 "…"` an error, a method
//! without `#` a notification. What begins with `{` or `[` is taken as it is.

use std::time::Duration;

use super::pattern::string_length;

/// The message as JSON; marks of patterns stay.
pub(crate) fn expand(short: &str) -> String {
    let short = short.trim();
    if short.starts_with(['{', '[']) {
        return short.to_owned();
    }
    let Some(rest) = short.strip_prefix('#') else {
        return format!(r#"{{"jsonrpc":"2.0",{}}}"#, called(short));
    };
    let end = match rest.starts_with('"') {
        true => string_length(rest),
        false => rest.find(' ').unwrap_or(rest.len()),
    };
    let (id, rest) = (&rest[..end], rest[end..].trim());
    let body = match rest.split_at(rest.len().min(1)) {
        ("=", result) => format!(r#""result":{}"#, result.trim()),
        ("!", error) => format!(r#""error":{}"#, error_object(error.trim())),
        _ => called(rest),
    };
    format!(r#"{{"jsonrpc":"2.0","id":{id},{body}}}"#)
}

fn called(text: &str) -> String {
    match text.split_once(' ') {
        Some((method, params)) => format!(r#""method":"{method}","params":{}"#, params.trim()),
        None => format!(r#""method":"{text}""#),
    }
}

/// `CODE "message"` and, if there is some, data.
fn error_object(text: &str) -> String {
    if text.starts_with('{') || text == "*" {
        return text.to_owned();
    }
    let (code, rest) = text.split_once(' ').unwrap_or((text, "*"));
    let rest = rest.trim();
    let end = if rest.starts_with('"') {
        string_length(rest)
    } else {
        1
    };
    let (message, data) = (&rest[..end], rest[end..].trim());
    let data = if data.is_empty() {
        String::new()
    } else {
        format!(r#","data":{data}"#)
    };
    format!(r#"{{"code":{code},"message":{message}{data}}}"#)
}

/// The request with what every stateless one says of itself in `_meta`.
pub(crate) fn with_meta(message: &str) -> String {
    const META: &str = r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}"#;
    if let Some(at) = message.find(r#""_meta":{"#) {
        let at = at + r#""_meta":{"#.len();
        let comma = if message[at..].starts_with('}') {
            ""
        } else {
            ","
        };
        return format!("{}{META}{comma}{}", &message[..at], &message[at..]);
    }
    let open = message
        .trim_end()
        .strip_suffix('}')
        .expect("a message ends with a brace");
    match open.strip_suffix('}') {
        Some(params) if open.contains(r#""params":{"#) => {
            let comma = if params.ends_with('{') { "" } else { "," };
            format!(r#"{params}{comma}"_meta":{{{META}}}}}}}"#)
        }
        _ => format!(r#"{open},"params":{{"_meta":{{{META}}}}}}}"#),
    }
}

/// The lines of a script: what begins like JSON belongs to the line before, what begins with `//` is a comment.
pub(super) fn lines(script: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in script
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("//"))
    {
        match lines.last_mut() {
            Some(last) if line.starts_with(['{', '}', '[', ']', '"']) => last.push_str(line),
            _ => lines.push(line.to_owned()),
        }
    }
    lines
}

/// `5s`, `100ms`, `10m`, `6h`.
pub(super) fn duration(text: &str) -> Duration {
    let end = text
        .find(|letter: char| letter.is_ascii_alphabetic())
        .expect("a time has a unit");
    let number: u64 = text[..end].parse().expect("a time has a number");
    match &text[end..] {
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        "m" => Duration::from_secs(60 * number),
        "h" => Duration::from_secs(3600 * number),
        other => panic!("nobody counts in {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(short: &str, long: &str) {
        assert_eq!(expand(short), long);
    }

    #[test]
    fn short_forms_have_long_ones() {
        check("ping", r#"{"jsonrpc":"2.0","method":"ping"}"#);
        check("#7 ping", r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#);
        check(
            r#"#"a b" x {"y":1}"#,
            r#"{"jsonrpc":"2.0","id":"a b","method":"x","params":{"y":1}}"#,
        );
        check("#$x = {}", r#"{"jsonrpc":"2.0","id":$x,"result":{}}"#);
        check(
            r#"#1 ! -3 "no" [4]"#,
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":-3,"message":"no","data":[4]}}"#,
        );
    }

    #[test]
    fn stateless_requests_say_who_they_are() {
        for short in [
            "#1 x",
            "#1 x {}",
            r#"#1 x {"a":{}}"#,
            r#"#1 x {"_meta":{},"a":1}"#,
            r#"#1 x {"_meta":{"b":2}}"#,
        ] {
            let message: serde_json::Value =
                serde_json::from_str(&with_meta(&expand(short))).unwrap();
            let meta = &message["params"]["_meta"];
            assert_eq!(
                meta["io.modelcontextprotocol/protocolVersion"], "2026-07-28",
                "{message}"
            );
        }
    }
}
