use super::*;

fn picked(text: &str) -> Result<Vec<Value>, String> {
    let value = json!({
        "title": "Ours",
        "servers": [
            {"name": "a", "type": "container", "tools": ["x", "y"], "on": true},
            {"name": "b-c", "type": "remote", "tools": [], "on": false},
        ],
    });
    Query::parse(text)?.pick(&value)
}

#[test]
fn what_people_ask_for_is_picked() {
    for (text, wanted) in [
        (".title", json!(["Ours"])),
        (".servers[].name", json!(["a", "b-c"])),
        (".servers | length", json!([2])),
        (".servers[0].tools[-1]", json!(["y"])),
        (".servers[] | .name", json!(["a", "b-c"])),
        (".[\"title\"]", json!(["Ours"])),
        (".\"title\" | length", json!([4])),
        ("keys", json!([["servers", "title"]])),
        (
            ".servers[] | select(.type == \"remote\") | .name",
            json!(["b-c"]),
        ),
        (
            ".servers[] | select(.type != \"remote\").name",
            json!(["a"]),
        ),
        (".servers[] | select(.on) | .name", json!(["a"])),
        (
            ".servers[] | select(.tools | length == 2) | .name",
            json!(["a"]),
        ),
        (
            ".servers[] | select(.tools[] == \"y\") | .name",
            json!(["a"]),
        ),
        (".nothing.at.all", json!([null])),
        (".servers[7]", json!([null])),
    ] {
        assert_eq!(picked(text).map(Value::Array), Ok(wanted), "{text}");
    }
    let all = picked(".").unwrap();
    assert_eq!(all[0]["title"], "Ours");
}

#[test]
fn what_is_not_understood_names_the_line_that_does_it() {
    for text in [
        "",
        "|",
        ".a |",
        ".servers[",
        ".servers[x]",
        "to_entries",
        ".a + 1",
        "select(.a == )",
        "select(.a == \"x)",
        "select(.a == 1",
        ".servers[] as $x | $x",
    ] {
        let why = picked(text).unwrap_err();
        assert!(
            why.ends_with(&format!("--format json | yq '{text}'")),
            "{why}"
        );
    }
    for (text, why) in [
        (".title.x", "there is no `.x` of a text"),
        (".title[]", "there is no `[]` of a text"),
        (".title | keys", "there are no keys of a text"),
        (".servers[0].on | length", "a yes or no has no length"),
    ] {
        assert_eq!(picked(text), Err(why.to_owned()));
    }
}

#[test]
fn nesting_and_length_have_an_end() {
    use crate::limits::{QUERY_BYTES_MAX, QUERY_DEPTH_MAX};
    let nested = |depth: usize| format!("{}.{}", "select(".repeat(depth), ")".repeat(depth));
    assert!(picked(&nested(QUERY_DEPTH_MAX)).is_ok());
    assert!(picked(&nested(QUERY_DEPTH_MAX + 1)).is_err());
    let long = |bytes: usize| format!(".{}", "a".repeat(bytes - 1));
    assert!(picked(&long(QUERY_BYTES_MAX)).is_ok());
    assert!(picked(&long(QUERY_BYTES_MAX + 1)).is_err());
}
