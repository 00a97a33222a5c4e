//! `portolan oauth` as far as it needs no provider; the rest is played by `tests/sign-in`.

use super::home::Home;

#[test]
fn nothing_is_signed_in_to_at_first() {
    let home = Home::new();
    let done = home.run(&["oauth", "ls"]);
    assert!(done.stderr.contains("Nothing is signed in to"), "{done:#?}");
    let listing = home.run(&["oauth", "ls", "--format", "json"]).json();
    assert_eq!(listing["accounts"].as_array().map(Vec::len), Some(0));
    let said = home.run(&["oauth", "revoke", "cloud"]).failed(3);
    assert!(said.contains("there is no account of \"cloud\""), "{said}");
    assert!(
        !home.path("portolan/state").exists(),
        "looking makes nothing"
    );
}

#[test]
fn what_cannot_be_signed_in_to_is_said_with_the_reason() {
    let home = Home::new();
    let file = home.write(
        "s.json",
        r#"{"mcpServers": {
            "local": {"command": "true"},
            "cloud": {"url": "https://127.0.0.1:1/mcp", "oauth": {"client_id": "c", "client_secret": "store:cloud.client"}},
            "gone": {"url": "http://127.0.0.1:1/mcp"}
        }}"#,
    );
    let authorize = |name: &str, code| {
        let words = ["oauth", "authorize", name, "--config", &file];
        home.run(&words).failed(code)
    };
    let said = authorize("clod", 3);
    assert!(
        said.contains("there is no server `clod`") && said.contains("`cloud`"),
        "{said}"
    );
    let said = authorize("local", 2);
    assert!(said.contains("no remote server"), "{said}");
    let said = authorize("cloud", 6);
    assert!(said.contains("portolan secret set cloud.client"), "{said}");
    let said = authorize("gone", 1);
    assert!(said.contains("cannot be connected to"), "{said}");
}
