//! `initialize`: whatever the client says of itself, once, at once, and before everything else.

use super::harness::check;

#[tokio::test(start_paused = true)]
async fn initialize_waits_for_no_server_and_declares_list_changes() {
    check(
        r#"
        server a {"tools":["x"],"launch":"held"}
        client 1 opens
        client 1 -> #1 initialize {"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}
        client 1 <- #1 = {"protocolVersion":"2025-11-25","serverInfo":{"name":"portolan","title":"Portolan","version":*},
            "capabilities":{"tools":{"listChanged":true},"prompts":{"listChanged":true},"resources":{"subscribe":true,"listChanged":true},"completions":{},"logging":{}}}
        server a launches 0
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_revision_is_the_clients_where_we_know_it() {
    for (asked, got) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("1.0", "2025-11-25"),
        ("", "2025-11-25"),
    ] {
        check(&format!(
            r#"
            client 1 opens
            client 1 -> #1 initialize {{"protocolVersion":"{asked}","capabilities":{{}},"clientInfo":{{"name":"t","version":"1"}}}}
            client 1 <- #1 = {{"protocolVersion":"{got}", ...}}
            "#
        ))
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn nonsense_is_answered() {
    for params in [
        "",
        "{}",
        "[]",
        r#"{"protocolVersion":7,"capabilities":[],"clientInfo":"me"}"#,
        r#"{"protocolVersion":null,"capabilities":null,"clientInfo":null}"#,
        r#"{"protocolVersion":{},"capabilities":{"sampling":7,"roots":false},"clientInfo":{"name":7,"version":[]}}"#,
        r#"{"capabilities":{"elicitation":{},"elicitation":{}},"clientInfo":{"name":"\u0000\u001b[31m","version":"x"}}"#,
    ] {
        check(&format!(
            r#"
            server a {{"tools":["x"]}}
            client 1 opens
            client 1 -> #1 initialize {params}
            client 1 <- #1 = {{"protocolVersion":"2025-11-25", ...}}
            client 1 -> #2 tools/call {{"name":"x"}}
            server a <- #$id tools/call *
            server a -> #$id = {{}}
            client 1 <- #2 = {{}}
            "#
        ))
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn it_comes_once() {
    check(
        r#"
        client 1 hello {"sampling":{}} 2025-06-18
        client 1 -> #1 initialize {"protocolVersion":"2024-11-05","capabilities":{},"clientInfo":{"name":"t","version":"1"}}
        client 1 <- #1 ! -32600 "*initialized already*"
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn nothing_but_ping_comes_before_it() {
    check(
        r#"
        server a {"tools":["x"]}
        client 1 opens
        client 1 -> #1 ping
        client 1 <- #1 = {}
        client 1 -> #2 tools/list
        client 1 <- #2 ! -32600 "*tools/list came before initialize*"
        client 1 -> #3 tools/call {"name":"x"}
        client 1 <- #3 ! -32600 *
        client 1 -> #4 nonsense
        client 1 <- #4 ! -32600 *
        client 1 -> notifications/initialized
        client 1 -> notifications/roots/list_changed
        client 1 -> #9 = {}
        server a launches 0
        client 1 hello
        client 1 -> #5 tools/list
        client 1 <- #5 = *
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn methods_of_the_other_era_are_unknown() {
    check(
        r#"
        server a {"tools":["x"]}
        client 1 hello
        client 1 -> #1 server/discover
        client 1 <- #1 ! -32601 *
        client 1 -> #2 subscriptions/listen {"notifications":{}}
        client 1 <- #2 ! -32601 *
        client 1 -> #3 tasks/update {"taskId":"x"}
        client 1 <- #3 ! -32601 *
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn instructions_of_all_servers_are_merged_once_they_are_known() {
    check(
        r###"
        server a {"tools":["x"],"instructions":"Use x."}
        server b {"tools":["y"],"instructions":"  "}
        server c {"tools":["z"],"instructions":" Use \"z\".\n"}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = *
        client 2 opens
        client 2 -> #1 initialize {}
        client 2 <- #1 = {"instructions":"## a\nUse x.\n\n## c\nUse \"z\".", ...}
        client 3 opens only a
        client 3 -> #1 initialize {}
        client 3 <- #1 = {"instructions":"Use x.", ...}
        "###,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn long_instructions_are_shortened() {
    let long = "é".repeat(9_000);
    let (of_many, alone) = ("é".repeat(2_000), "é".repeat(8_000));
    check(&format!(
        r###"
        server a {{"tools":["x"],"instructions":"{long}"}}
        server b {{"tools":["y"],"instructions":"short"}}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = *
        client 2 opens
        client 2 -> #1 initialize {{}}
        client 2 <- #1 = {{"instructions":"## a\n{of_many}…\n\n## b\nshort", ...}}
        client 3 opens only a
        client 3 -> #1 initialize {{}}
        client 3 <- #1 = {{"instructions":"{alone}…", ...}}
        "###
    ))
    .await;
}

#[tokio::test(start_paused = true)]
async fn capabilities_that_we_only_relay_are_united() {
    check(
        r#"
        server a {"tools":["x"],"capabilities":{"tasks":{"list":{}},"experimental":{"one":{"n":1.0}},"extensions":{"e/1":{}}}}
        server b {"tools":["y"],"capabilities":{"experimental":{"one":{"n":2},"two":{}},"extensions":{"e/2":{"x":[]}}}}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = *
        client 2 opens
        client 2 -> #1 initialize {}
        client 2 <- #1 = {"capabilities":{"tasks":{"list":{}},"experimental":{"one":{"n":1.0},"two":{}},"extensions":{"e/1":{},"e/2":{"x":[]}}, ...}, ...}
        "#,
    )
    .await;
}
