//! Does this URI belong to that URI template (RFC 6570)? Only as much as routing needs: literals must match,
//! each expression takes whatever lies between them.

/// Whether `uri` could have been made from `template`.
pub(crate) fn matches(template: &str, uri: &str) -> bool {
    let mut rest = uri;
    let mut template = template;
    let mut after_expression = false;
    loop {
        let (literal, tail) = match template.find('{') {
            Some(open) => (&template[..open], Some(&template[open..])),
            None => (template, None),
        };
        let Some(next) = take_literal(rest, literal, after_expression, tail.is_none()) else {
            return false;
        };
        rest = next;
        let Some(tail) = tail else {
            return true;
        };
        let Some(close) = tail.find('}') else {
            return false;
        };
        template = &tail[close + 1..];
        after_expression = true;
        if template.is_empty() {
            return true;
        }
    }
}

/// What follows `literal` in `rest`: at its beginning, or anywhere after an expression; at the very end if it
/// is the last part.
fn take_literal<'a>(
    rest: &'a str,
    literal: &str,
    anywhere: bool,
    is_last: bool,
) -> Option<&'a str> {
    match (anywhere, is_last) {
        (false, false) => rest.strip_prefix(literal),
        (false, true) => (rest == literal).then_some(""),
        (true, true) => rest.ends_with(literal).then_some(""),
        (true, false) => rest.find(literal).map(|at| &rest[at + literal.len()..]),
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn routing_needs_only_this_much() {
        for (template, uri, expected) in [
            ("greeting://{name}", "greeting://Alice", true),
            ("greeting://{name}", "greetings://Alice", false),
            (
                "test://template/{id}/data",
                "test://template/123/data",
                true,
            ),
            (
                "test://template/{id}/data",
                "test://template/123/date",
                false,
            ),
            ("file:///{+path}", "file:///a/b/c", true),
            ("a://b", "a://b", true),
            ("a://b", "a://bc", false),
            ("x://{a}/y/{b}", "x://1/y/2", true),
            ("x://{a", "x://1", false),
        ] {
            assert_eq!(matches(template, uri), expected, "{template} {uri}");
        }
    }
}
