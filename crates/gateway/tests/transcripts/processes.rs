//! Servers that are real processes, as far as only those can show it: what they say while they die.

use std::sync::Arc;

use catalog::{Entry, ServerName};
use launch::ProcessLauncher;

use super::harness::World;

/// A gateway before one shell script.
async fn check(script: &str, transcript: &str) -> World {
    let name = ServerName::new("a").unwrap();
    let entry = Entry::command(name, "sh", ["-c", script]);
    let mut world = World::real().with(|options| {
        options.entries = vec![entry];
        options.launcher = Arc::new(ProcessLauncher::new(launch::Options::inherited()));
    });
    world.run(transcript).await;
    world
}

#[tokio::test]
async fn the_last_words_of_a_server_that_dies_at_its_start_are_told() {
    let mut world = check(
        "echo 'no such option: --frobnicate' >&2; exit 3",
        r#"
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = {"tools":[]}
        server a is {"state":"failed","reason":"exited with code 3; its last words on stderr:\n  no such option: --frobnicate*","pids":[],"upstreams":0, ...}
        "#,
    )
    .await;
    assert_eq!(
        world.gateway().logs("a", 10).unwrap(),
        ["no such option: --frobnicate"]
    );
    assert!(world.gateway().logs("b", 10).is_none());
    world.finish().await;
}

#[tokio::test]
async fn the_last_words_of_a_server_that_dies_during_a_call_are_in_the_answer() {
    let server = r#"
        read init; echo '{"jsonrpc":"2.0","id":'$(echo "$init" | sed 's/.*"id":\([0-9]*\).*/\1/')',"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"a","version":"1"}}}'
        read initialized
        read list; echo '{"jsonrpc":"2.0","id":'$(echo "$list" | sed 's/.*"id":\([0-9]*\).*/\1/')',"result":{"tools":[{"name":"x","inputSchema":{"type":"object"}}]}}'
        read call; echo 'out of memory' >&2; kill -9 $$
    "#;
    let world = check(
        server,
        r#"
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        client 1 <- #1 = {"isError":true,"content":[{"type":"text","text":"server \"a\" ended during the call: was ended by SIGKILL; its last words on stderr:\n  out of memory"}]}
        "#,
    )
    .await;
    world.finish().await;
}

#[tokio::test]
async fn a_server_that_talks_nonsense_does_not_start() {
    let world = check(
        "echo 'Listening on port 3000'; sleep 0; cat > /dev/null; exit 0",
        r#"
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        gateway stops a
        server a is {"state":"stopped","pids":[], ...}
        client 1 <- #1 ! -32602 *
        "#,
    )
    .await;
    world.finish().await;
}
