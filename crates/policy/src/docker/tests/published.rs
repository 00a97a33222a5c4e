//! Docker's own examples, unchanged (`published/README.md`): what its page says of each is what comes of it here.

use super::*;

fn named(name: &str) -> ServerFacts {
    container(name, "docker.io/mcp/something")
}

fn image(source: &str) -> ServerFacts {
    container("any", source)
}

fn remote(transport: &str) -> ServerFacts {
    ServerFacts {
        kind: "remote".into(),
        transport: transport.into(),
        ..container("far", "https://mcp.example.com/mcp")
    }
}

/// One that a person named, out of no catalog.
fn local(server: ServerFacts) -> ServerFacts {
    ServerFacts {
        catalog: "own".into(),
        ..server
    }
}

#[test]
fn block_a_specific_server() {
    let policy = policy(include_str!("../published/block-server.json"));
    assert!(!loads(&policy, &named("untrusted-server")));
    assert!(loads(&policy, &named("github-official")) && loads(&policy, &remote("sse")));
    let denied = policy
        .decide(&facts(&named("untrusted-server"), Asked::Load))
        .rule
        .cloned();
    assert_eq!(
        denied.and_then(|rule| rule.reason).as_deref(),
        Some("This server is not approved for organizational use")
    );
}

#[test]
fn default_deny_with_allowlist() {
    let policy = policy(include_str!("../published/allowlist.json"));
    assert!(
        loads(&policy, &image("mcp/fetch:1"))
            && loads(&policy, &image("docker.io/mcp/fetch@sha256:ab"))
    );
    let elsewhere = |name| container(name, "ghcr.io/org/server:latest");
    assert!(
        loads(&policy, &elsewhere("github-official")) && loads(&policy, &elsewhere("filesystem"))
    );
    assert!(!loads(&policy, &elsewhere("other")) && !loads(&policy, &remote("streamable")));
    // An image of one's own is none from the registry, whatever it is called.
    assert!(!loads(&policy, &local(image("docker.io/mcp/fetch"))));
}

#[test]
fn block_specific_tools() {
    let policy = policy(include_str!("../published/block-tools.json"));
    for (server, tool, is_allowed) in [
        ("github-official", "create_repository", false),
        ("github-official", "delete_repository", false),
        ("github-official", "get_me", true),
        ("filesystem", "write_file", false),
        ("filesystem", "delete_file", false),
        ("filesystem", "read_file", true),
        ("another", "write_file", true),
    ] {
        let server = named(server);
        assert!(loads(&policy, &server));
        assert_eq!(
            calls(&policy, &server, tool),
            is_allowed,
            "{} {tool}",
            server.name
        );
    }
}

#[test]
fn block_servers_from_specific_registries() {
    let policy = policy(include_str!("../published/block-registries.json"));
    assert!(!loads(&policy, &image("ghcr.io/org/server:latest")));
    assert!(loads(&policy, &image("docker.io/mcp/github:1.2.3")) && loads(&policy, &remote("sse")));
    assert!(!loads(&policy, &local(image("docker.io/mcp/github:1.2.3"))));
}

#[test]
fn filter_by_transport_mechanism() {
    let policy = policy(include_str!("../published/transports.json"));
    assert!(!loads(&policy, &remote("sse")) && !loads(&policy, &remote("streamable")));
    let local = ServerFacts {
        transport: "sse".into(),
        ..named("x")
    };
    assert!(!loads(&policy, &local) && loads(&policy, &named("x")));
}

#[test]
fn combined_policy_for_production() {
    let policy = policy(include_str!("../published/production.json"));
    assert!(loads(&policy, &image("mcp/fetch")));
    assert!(loads(
        &policy,
        &image("internal-registry.company.com/mcp/x:2")
    ));
    for server in [
        image("ghcr.io/mcp/x"),
        remote("streamable"),
        local(image("mcp/fetch")),
    ] {
        assert!(!loads(&policy, &server), "{server:?}");
    }
    let official = image("mcp/fetch");
    for tool in ["delete_all", "remove_x", "destroy_world"] {
        let ruling = policy.decide(&facts(&official, call(tool))).rule.cloned();
        assert_eq!(
            ruling.map(|rule| rule.name).as_deref(),
            Some("docker 3"),
            "{tool}"
        );
    }
    // As the page says further down: where the default denies, calls need a rule of their own.
    assert!(!calls(&policy, &official, "fetch"));
}

#[test]
fn the_settings_file_of_administrators() {
    let policy = policy(include_str!("../published/admin-settings.json"));
    assert!(loads(&policy, &named("approved-server")) && !loads(&policy, &named("other")));
}

#[test]
fn with_default_deny_both_actions_need_a_rule() {
    let policy = policy(include_str!("../published/load-and-invoke.json"));
    let github = named("github-official");
    assert!(loads(&policy, &github) && calls(&policy, &github, "get_me"));
    assert!(!loads(&policy, &named("other")) && !calls(&policy, &named("other"), "get_me"));
}
