//! Entries in our own form.

use super::*;
use crate::document::Document;

/// Keys in our own form are never silently ignored.
#[test]
fn unknown_keys_of_our_own_form_are_told() {
    let text = r#"{"a": {"command": "x", "icon": "i", "calltimeout": 3}}"#;
    let doc = Document::json(text, "config.toml").unwrap();
    let reading = Reading {
        own: true,
        ..Reading::default()
    };
    let (entries, problems) = read_servers(&doc, &doc.root, &reading);
    assert_eq!(entries.len(), 1);
    let hints: Vec<_> = problems
        .iter()
        .filter_map(|problem| problem.hint.as_deref())
        .collect();
    assert!(
        hints[0].starts_with("there are: type, command, args"),
        "{hints:?}"
    );
    assert_eq!(hints[1], "did you mean `call_timeout_s`?");
}

/// Those of a sign-in neither; an application's file may say more there than concerns us.
#[test]
fn unknown_keys_of_a_sign_in_are_told() {
    let text =
        r#"{"a": {"url": "https://h", "oauth": {"client_secre": "env:X", "callbackPort": 1}}}"#;
    let doc = Document::json(text, "f").unwrap();
    let told = |own| {
        let reading = Reading {
            own,
            ..Reading::default()
        };
        let (entries, problems) = read_servers(&doc, &doc.root, &reading);
        assert_eq!(entries.len(), 1);
        let told = problems.into_iter();
        told.map(|problem| format!("{} ({})", problem.message, problem.hint.unwrap_or_default()))
            .collect::<Vec<_>>()
    };
    let theirs = told(false);
    assert!(
        theirs.len() == 1 && theirs[0].contains("did you mean `client_secret`?"),
        "{theirs:?}"
    );
    let ours = told(true);
    assert!(
        ours.len() == 2 && ours[1].contains("`callbackPort` is no key of `oauth`"),
        "{ours:?}"
    );
}

/// What belongs to the other kind of server is told where it is our own form, and never called unknown.
#[test]
fn keys_of_the_other_kind() {
    let text = r#"{"a": {"command": "x", "headers": {}}, "b": {"url": "https://h", "env": {}}}"#;
    let doc = Document::json(text, "f").unwrap();
    let mut reading = Reading {
        own: true,
        ..Reading::default()
    };
    let (entries, problems) = read_servers(&doc, &doc.root, &reading);
    assert_eq!(entries.len(), 2);
    let messages: Vec<_> = problems
        .iter()
        .map(|problem| problem.message.as_str())
        .collect();
    assert_eq!(
        messages,
        [
            "server `a`: `headers` has no effect on a command",
            "server `b`: `env` has no effect on a remote server"
        ]
    );
    reading.own = false;
    assert_eq!(read_servers(&doc, &doc.root, &reading).1, []);
}

/// Every key that we name is one that we read.
#[test]
fn the_list_of_keys_is_what_is_read() {
    for key in KEYS.iter().chain(OLDER_KEYS) {
        let text = format!(r#"{{"a": {{"command": "x", "{key}": null}}}}"#);
        let doc = Document::json(&text, "f").unwrap();
        let reading = Reading {
            own: true,
            ..Reading::default()
        };
        let (_, problems) = read_servers(&doc, &doc.root, &reading);
        let ignored = problems
            .iter()
            .any(|problem| problem.message.contains("ignored"));
        assert!(!ignored, "{key}: {problems:?}");
    }
}

#[test]
fn an_image_is_a_container() {
    let text = r#"{"mcpServers": {"a": {"image": "acme/x:1", "args": ["-v"], "env": {"A": "b"}, "user": 7,
        "read_only": false, "volumes": ["v:/data"], "network": ["a.example"]},
        "b": {"image": "-x"}, "c": {"image": "x", "command": "y"}}}"#;
    let (entries, problems) = crate::read_mcp_servers(text, "f.json").unwrap();
    let [entry] = &*entries else {
        panic!("{entries:?}");
    };
    assert_eq!(
        entry.launch,
        Launch::Container {
            image: "acme/x:1".into(),
            command: vec!["-v".into()],
            env: vec![("A".into(), "b".into())],
            user: Some("7".into()),
            extra_hosts: Vec::new(),
            is_writable: true,
        }
    );
    assert_eq!(entry.volumes, ["v:/data"]);
    assert_eq!(
        entry.network,
        crate::Network::Hosts(vec!["a.example".into()])
    );
    let told: Vec<_> = problems.iter().map(|problem| &*problem.message).collect();
    assert_eq!(
        told,
        [
            "server `b`: `image` is no name of an image",
            "server `c`: there is both `image` and `command`"
        ]
    );
}
