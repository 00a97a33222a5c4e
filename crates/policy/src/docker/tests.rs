//! The shapes of the documentation, and what goes wrong with them.

mod published;

use super::*;
use crate::facts::{Asked, Era, Facts, Hints, ServerFacts};
use crate::policy::{Outlook, Policy};

fn policy(text: &str) -> Policy {
    let read = read_docker(text, "policy.json").unwrap();
    Policy::new(read.default, read.rules).unwrap()
}

fn container(name: &str, image: &str) -> ServerFacts {
    ServerFacts {
        name: name.into(),
        kind: "container".into(),
        source: crate::full_image(image),
        catalog: "docker".into(),
        transport: "stdio".into(),
    }
}

fn facts<'a>(server: &'a ServerFacts, asked: Asked<'a>) -> Facts<'a> {
    Facts {
        caller: "me",
        scopes: None,
        client: None,
        server,
        asked,
        era: Era::Handshake,
        now_s: None,
    }
}

fn call(name: &str) -> Asked<'_> {
    Asked::Tool {
        name,
        hints: Hints::default(),
        arguments: Some("{}"),
    }
}

fn loads(policy: &Policy, server: &ServerFacts) -> bool {
    policy.outlook(&facts(server, Asked::Load)) == Outlook::Open
}

fn calls(policy: &Policy, server: &ServerFacts, tool: &str) -> bool {
    policy.decide(&facts(server, call(tool))).decision == Decision::Allow
}

#[test]
fn a_server_is_blocked_by_its_name() {
    let policy = policy(
        r#"{"version":1,"default":"allow","rules":[{"action":"load","server":"bad","allow":false,"reason":"not approved"}]}"#,
    );
    assert!(!loads(&policy, &container("bad", "x/y")));
    assert!(loads(&policy, &container("good", "x/y")));
}

#[test]
fn with_default_deny_load_and_invoke_are_allowed_apart() {
    let only_load = policy(
        r#"{"default":"deny","rules":[{"action":"load","serverType":"registry","serverSource":"docker.io/mcp/*","allow":true}]}"#,
    );
    let server = container("github", "mcp/github:1.2.3");
    assert!(loads(&only_load, &server) && !calls(&only_load, &server, "x"));
    assert!(!loads(
        &only_load,
        &container("other", "ghcr.io/mcp/github")
    ));
    let only_invoke = policy(
        r#"{"default":"deny","rules":[{"action":"invoke","server":"github","allow":true}]}"#,
    );
    assert!(!loads(&only_invoke, &server) && calls(&only_invoke, &server, "x"));
}

#[test]
fn tools_are_blocked_by_patterns_and_remote_servers_by_their_kind() {
    let policy = policy(
        r#"{"version":1,"default":"allow","rules":[
            {"action":"invoke","tools":["delete_*","remove_*"],"deny":true},
            {"action":"load","transport":"sse","allow":false},
            {"action":"load","serverType":"image","allow":false}]}"#,
    );
    let server = container("github", "mcp/github");
    assert!(!calls(&policy, &server, "delete_repo") && calls(&policy, &server, "get_repo"));
    let sse = ServerFacts {
        kind: "remote".into(),
        transport: "sse".into(),
        ..container("r", "https://h/sse")
    };
    assert!(!loads(&policy, &sse));
    let own = ServerFacts {
        catalog: "own".into(),
        ..container("mine", "mine")
    };
    assert!(!loads(&policy, &own) && loads(&policy, &server));
}

#[test]
fn the_settings_file_of_administrators_is_read() {
    let policy = policy(
        r#"{"configurationFileVersion":2,"mcpPolicy":{"locked":true,"value":"{\"version\":1,\"default\":\"deny\",\"rules\":[{\"action\":\"load\",\"server\":\"ok\",\"allow\":true}]}"}}"#,
    );
    assert!(loads(&policy, &container("ok", "x")) && !loads(&policy, &container("no", "x")));
}

#[test]
fn what_is_not_known_is_refused() {
    for (text, message, line) in [
        ("{", "EOF while parsing", 1),
        (r#"{"default":"maybe"}"#, "unknown variant", 1),
        (
            "{\"rules\":[{\n\"allow\":true,\"when\":\"x\"}]}",
            "unknown field `when`",
            2,
        ),
        (r#"{"rules":[{"server":"x"}]}"#, "rule 1: says neither", 0),
        (r#"{"rules":[{"allow":true,"deny":true}]}"#, "contradict", 0),
        (
            r#"{"rules":[{"allow":true,"tools":[]}]}"#,
            "`tools` is empty",
            0,
        ),
        (
            r#"{"rules":[{"allow":true,"action":"x"}]}"#,
            "unknown variant",
            1,
        ),
        (r#"{"version":2}"#, "only 1 is known", 0),
        (
            r#"{"mcpPolicy":{"value":"{\"x\":1}"}}"#,
            "the text of `mcpPolicy`: unknown field `x`",
            0,
        ),
    ] {
        let error = read_docker(text, "f").unwrap_err();
        assert!(error.message.contains(message), "{text}: {error:?}");
        assert_eq!(error.line, line, "{text}: {error:?}");
    }
    assert!(read_docker(&" ".repeat(DOCKER_BYTES_MAX + 1), "f").is_err());
}
