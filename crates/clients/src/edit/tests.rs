use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::entry::Door;
use crate::table::{clients, find};

fn members(client: &Client) -> Members {
    let door = Door::Stdio {
        command: "/opt/my tools/portolan".into(),
        args: vec![
            "gateway".into(),
            "run".into(),
            "--profile".into(),
            "it's".into(),
        ],
    };
    client.entry("portolan", &door).unwrap()
}

/// The text with our entry, after which it is taken out again and must be what it was.
fn there_and_back(client: &str, before: &str) -> String {
    let client = find(client).unwrap();
    let splice = connect(before, client, "portolan", &members(client), "f").unwrap();
    let after = splice.apply(before);
    assert!(entry(&after, client, "portolan", "f").unwrap().is_some());
    let undo = disconnect(&after, client, "portolan", Some(&splice), "f")
        .unwrap()
        .unwrap();
    assert_eq!(undo.apply(&after), before);
    // Without a memory everything of others is still there.
    let alone = disconnect(&after, client, "portolan", None, "f")
        .unwrap()
        .unwrap();
    let alone = alone.apply(&after);
    assert_eq!(entry(&alone, client, "portolan", "f").unwrap(), None);
    let tree = |text: &str| {
        let mut tree = read(text, client, "f").unwrap();
        tree::remove(&mut tree, client, "portolan");
        tree::pruned(&tree, client)
    };
    assert_eq!(tree(&alone), tree(before));
    after
}

#[test]
fn json_is_edited_behind_the_brace() {
    let after = there_and_back(
        "cursor",
        "{\r\n    // mine\r\n    \"mcpServers\": { // all of them\r\n        \"a\": {\"url\": \"x\"}, // last\r\n    },\r\n}\r\n",
    );
    assert_eq!(
        after,
        "{\r\n    // mine\r\n    \"mcpServers\": { // all of them\r\n        \"portolan\": {\r\n            \"command\": \"/opt/my tools/portolan\",\r\n            \"args\": [\"gateway\", \"run\", \"--profile\", \"it's\"]\r\n        },\r\n        \"a\": {\"url\": \"x\"}, // last\r\n    },\r\n}\r\n"
    );
    let after = there_and_back("cursor", "{ \"mcpServers\": {\"a\":{}} }");
    assert_eq!(
        after,
        "{ \"mcpServers\": {\"portolan\": { \"command\": \"/opt/my tools/portolan\", \"args\": [\"gateway\", \"run\", \"--profile\", \"it's\"] }, \"a\":{}} }"
    );
}

#[test]
fn every_shape_of_json_is_restored() {
    for text in [
        "",
        "\n",
        "{}",
        "{}\n",
        "{ }",
        "{\n}\n",
        "\u{feff}{}",
        "// only a comment\n",
        "{\"mcpServers\": {}}",
        "{\"mcpServers\": null}",
        "{\"mcpServers\": {\n}}",
        "{\"mcpServers\": { /* none */ }}",
        "{\n\t\"theme\": \"dark\",\n\t\"mcpServers\": {\n\t\t\"a\": {}\n\t}\n}",
        "{\"a\": [1, 2, {\"b\": null}], \"mcpServers\": {\"x\": {\"command\": \"y\"}}}",
        "{\n  \"mcpServers\": {\"first\": 1},\n  \"mcpServers\": {\n    \"a\": {}\n  }\n}",
        "{\n  \"mcpServers\": {\n    \"portolan\": {\"command\": \"older\"},\n    \"b\": {}\n  }\n}\n",
    ] {
        there_and_back("cursor", text);
    }
    there_and_back(
        "amp",
        "{\n  \"amp.url\": 1,\n  \"amp.mcpServers\": {\n    \"a\": {}\n  }\n}\n",
    );
    there_and_back(
        "zed",
        "// Zed settings\n{\n  \"theme\": \"One\", // nice\n}\n",
    );
}

#[test]
fn every_shape_of_toml_is_restored() {
    for text in [
        "",
        "model = \"x\" # mine\n",
        "model = \"x\"",
        "model = \"x\"\r\n\r\n[mcp_servers.a]\r\ncommand = 'b'\r\n",
        "[mcp_servers.a]\ncommand = 'b'\n\n[mcp_servers.a.env]\nX = '1'\n# end\n",
        "[mcp_servers]\n[tools]\nweb = true\n",
    ] {
        there_and_back("codex", text);
        there_and_back("vibe", &text.replace("mcp_servers", "others"));
    }
    there_and_back("vibe", "[[mcp_servers]]\nname = 'a'\ntransport = 'stdio'\n");
    let after = there_and_back("codex", "a = 1\n");
    assert_eq!(
        after,
        "a = 1\n\n[mcp_servers.portolan]\ncommand = \"/opt/my tools/portolan\"\nargs = [\"gateway\", \"run\", \"--profile\", \"it's\"]\n"
    );
}

#[test]
fn every_shape_of_yaml_is_restored() {
    for text in [
        "",
        "# mine\n",
        "GOOSE_MODEL: x\n",
        "GOOSE_MODEL: x",
        "extensions: {}\n",
        "extensions: {} # none yet\nother: 1\n",
        "extensions:\nother: 1\n",
        "extensions:\n    # first\n    developer:\n        enabled: true\n\n    # second\n    memory: {enabled: false}\nother: 1 # x\n",
        "extensions:\r\n  developer:\r\n    enabled: true\r\n",
        "a: |\n  extensions:\n  text\nextensions:\n  b:\n    c: 1\n",
    ] {
        there_and_back("goose", text);
    }
    for text in [
        "name: x\nmcpServers: []\n",
        "name: x\nmcpServers:\n- name: a\n  command: b\n",
        "name: x\nmcpServers:\n  - name: a\n    args:\n      - 1\n  # last\n  - command: c\n    name: d\nmodels: []\n",
    ] {
        there_and_back("continue", text);
    }
    let after = there_and_back(
        "goose",
        "extensions:\n    developer:\n        enabled: true\n",
    );
    assert!(
        after.starts_with("extensions:\n    portolan:\n      type: \"stdio\"\n"),
        "{after}"
    );
}

#[test]
fn a_file_with_a_mistake_is_refused_with_its_place() {
    for (name, text, at) in [
        ("cursor", "{\n  \"mcpServers\": {,}\n}", (2, 18)),
        ("codex", "a = \n", (1, 5)),
        ("goose", "a: [1\nb: 2\n", (2, 2)),
    ] {
        let client = find(name).unwrap();
        let error = connect(text, client, "portolan", &members(client), "f").unwrap_err();
        let EditError::Broken(problem) = error else {
            panic!("{name}: {error:?}")
        };
        assert_eq!((problem.line, problem.column), at, "{name}: {problem}");
    }
}

#[test]
fn what_cannot_be_edited_is_told_with_the_lines_to_add() {
    let refused = |name: &str, text: &str| {
        let client = find(name).unwrap();
        connect(text, client, "portolan", &members(client), "f").unwrap_err()
    };
    let EditError::Unsafe { by_hand } = refused("goose", "extensions: {a: {enabled: true}}\n")
    else {
        panic!()
    };
    assert!(
        by_hand.starts_with("extensions:\n  portolan:\n"),
        "{by_hand}"
    );
    assert!(matches!(
        refused("codex", "mcp_servers = { a = { command = 'b' } }\n"),
        EditError::Unsafe { .. }
    ));
    assert_eq!(
        refused("cursor", "{\"mcpServers\": []}"),
        EditError::NotServers("mcpServers".into())
    );
    assert_eq!(
        refused("cursor", "{\"mcpServers\": 7}"),
        EditError::NotServers("mcpServers".into())
    );
    assert!(matches!(refused("cursor", "[]"), EditError::Broken(_)));
}

#[test]
fn what_was_changed_around_our_entry_stays() {
    let client = find("zed").unwrap();
    let before = "{\n  \"context_servers\": {\n    \"a\": {}\n  }\n}\n";
    let splice = connect(before, client, "portolan", &members(client), "f").unwrap();
    let changed = splice
        .apply(before)
        .replace("\"a\": {}", "\"b\": {} // new")
        .replace("{\n  \"con", "{\n  \"x\": 1,\n  \"con");
    let undo = disconnect(&changed, client, "portolan", Some(&splice), "f")
        .unwrap()
        .unwrap();
    assert_eq!(
        undo.apply(&changed),
        "{\n  \"x\": 1,\n  \"context_servers\": {\n    \"b\": {} // new\n  }\n}\n"
    );
    // Written anew by the application, in its own way.
    let anew = serde_json::to_string(&read(&changed, client, "f").unwrap()).unwrap();
    let gone = disconnect(&anew, client, "portolan", Some(&splice), "f")
        .unwrap()
        .unwrap();
    assert_eq!(
        read(&gone.apply(&anew), client, "f").unwrap(),
        json!({"x": 1, "context_servers": {"b": {}}})
    );
}

/// A settings file as JSON, laid out at random.
fn json_text(key: String) -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("1".to_owned()),
        Just("null".to_owned()),
        "\"[a-z ]{0,4}\"",
        Just("[ 1,2 ]".to_owned())
    ];
    let gap = prop_oneof![
        Just(""),
        Just(" "),
        Just("\n"),
        Just("\n  "),
        Just(" /* c */ "),
        Just(" // c\n"),
        Just("\r\n\t")
    ];
    let pairs = prop::collection::vec(("[a-c]{1,2}", leaf, gap.clone(), gap.clone()), 0..4);
    let table = (pairs, gap.clone(), any::<bool>()).prop_map(|(pairs, gap, comma)| {
        let count = pairs.len();
        let mut text = String::from("{");
        for (at, (name, value, before, after)) in pairs.into_iter().enumerate() {
            let end = if at + 1 < count || comma { "," } else { "" };
            text += &format!("{before}\"{name}{at}\":{value}{after}{end}");
        }
        text + gap + "}"
    });
    (table.clone(), table, gap, 0..3).prop_map(move |(around, servers, gap, how)| match how {
        0 => around,
        1 => format!("{{{gap}\"{key}\"{gap}: {servers}{gap}}}{gap}"),
        _ => {
            let inner = around.trim_start_matches('{');
            match inner.trim_start().starts_with(['"']) {
                true => format!("{{\"{key}\": {servers},{inner}"),
                false => format!("{{\"{key}\": {servers}}}"),
            }
        }
    })
}

fn lines(key: &'static str, list: bool) -> impl Strategy<Value = String> {
    let child = match list {
        true => prop_oneof![
            Just("- name: a\n  x: 1\n"),
            Just("- x: [1]\n  name: \"b\"\n\n"),
            Just("# c\n- name: c\n")
        ],
        false => prop_oneof![
            Just("a:\n  x: 1\n"),
            Just("'b': {}\n\n"),
            Just("# c\nc: {x: 1} # d\n")
        ],
    };
    let indent = prop_oneof![Just("  "), Just("    ")];
    (
        prop::collection::vec(child, 0..4),
        indent,
        "(m: 1\n)?(# x\n)?",
        "(z: [1]\n)?(# end)?",
        any::<bool>(),
    )
        .prop_map(move |(children, indent, before, after, crlf)| {
            let mut text = format!("{before}{key}:\n");
            for (at, child) in children.iter().enumerate() {
                for line in child.lines() {
                    let line = line
                        .replace("name: ", &format!("name: n{at}"))
                        .replace("a:", &format!("a{at}:"));
                    let line = line
                        .replace("'b'", &format!("'b{at}'"))
                        .replace("c:", &format!("c{at}:"));
                    text += &if line.is_empty() {
                        "\n".into()
                    } else {
                        format!("{indent}{line}\n")
                    };
                }
            }
            text += &after;
            if crlf {
                text.replace('\n', "\r\n")
            } else {
                text
            }
        })
}

proptest! {
    #[test]
    fn any_json_comes_back_byte_for_byte(at in 0..clients().len(), text in json_text("KEY".into())) {
        let client = &clients()[at];
        if client.format == Some(Form::Json) {
            there_and_back(&client.id, &text.replace("KEY", &client.key[0]));
        }
    }

    #[test]
    fn any_yaml_comes_back_byte_for_byte(map in lines("extensions", false), list in lines("mcpServers", true)) {
        there_and_back("goose", &map);
        there_and_back("continue", &list);
    }

    #[test]
    fn any_toml_comes_back_byte_for_byte(
        top in "(a = 1 # x\n){0,1}(\n){0,2}",
        tables in prop::collection::vec("(# c\n)?\\[mcp_servers\\.[a-f]{3}[0-9]{4}\\]\n(command = 'x'\n)?(\n){0,2}", 0..3),
        end in "(\\[z\\]\n)?(y = 1)?",
        crlf in any::<bool>(),
    ) {
        let text = format!("{top}{}{end}", tables.concat());
        let text = if crlf { text.replace('\n', "\r\n") } else { text };
        if read(&text, find("codex").unwrap(), "f").is_ok() {
            there_and_back("codex", &text);
        }
    }

    #[test]
    fn nothing_makes_it_panic(at in 0..clients().len(), text in "[ -~\n{}\\[\\]\":,é]{0,80}") {
        let client = &clients()[at];
        if client.format.is_some()
            && let Ok(splice) = connect(&text, client, "portolan", &members(client), "f")
        {
            let after = splice.apply(&text);
            let undo = disconnect(&after, client, "portolan", Some(&splice), "f").unwrap().unwrap();
            prop_assert_eq!(undo.apply(&after), text);
        }
    }
}
