//! What becomes of servers that nobody uses, and how many may run and be called at once.

use super::harness::check;

// === pings ===

#[tokio::test(start_paused = true)]
async fn a_quiet_server_is_asked_whether_it_is_there_and_ended_if_not() {
    check(
        r#"
        server a {"tools":["x"],"by_hand":["ping"],"process":true}
        gateway {"ping_after":60,"idle_timeout":0}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$1 tools/call *
        // Not while anybody waits for it.
        advance 59s
        server a hears nothing
        server a -> #$1 = {}
        client 1 <- #1 = {}
        advance 50s
        server a hears nothing
        advance 11s
        server a <- #$2 ping
        server a -> #$2 = {}
        advance 50s
        server a hears nothing
        advance 11s
        server a <- #$3 ping
        advance 6s
        server a is {"state":"ready","reason":null, ...}
        advance 5s
        server a <- notifications/cancelled *
        server a ends
        server a is {"state":"idle","reason":"*did not answer a ping*", ...}
        client 1 -> #2 tools/call {"name":"x"}
        server a.2 <- #$4 tools/call *
        server a.2 -> #$4 = {}
        client 1 <- #2 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_error_is_an_answer_too() {
    check(
        r#"
        server a {"tools":["x"],"by_hand":["ping"]}
        gateway {"ping_after":60,"idle_timeout":0}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = *
        advance 61s
        server a <- #$1 ping
        server a -> #$1 ! -32601 "what?"
        advance 60s
        server a <- #$2 ping
        server a -> #$2 ! -32601 "what?"
        advance 20s
        server a is {"state":"ready","reason":null, ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_pings_is_left_alone() {
    check(
        r#"
        server a {"tools":["x"],"by_hand":["ping"]}
        gateway {"ping_after":60,"idle_timeout":0}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = *
        advance 61s
        server a <- #$1 ping
        advance 11s
        server a <- notifications/cancelled *
        server a is {"state":"ready","reason":"*does not answer pings*", ...}
        advance 600s
        server a hears nothing
        client 1 -> #2 tools/call {"name":"x"}
        server a <- #$2 tools/call *
        server a -> #$2 = {}
        client 1 <- #2 = {}
        server a launches 1
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_is_at_work_need_not_answer_pings() {
    check(
        r#"
        server a {"tools":["x"],"by_hand":["ping"]}
        gateway {"ping_after":60,"idle_timeout":0}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = *
        advance 61s
        server a <- #$1 ping
        server a -> #$1 = {}
        advance 60s
        server a <- #$2 ping
        client 1 -> #2 tools/call {"name":"x"}
        server a <- #$3 tools/call *
        advance 11s
        server a <- notifications/cancelled *
        server a -> #$3 = {}
        client 1 <- #2 = {}
        server a is {"state":"ready","reason":null, ...}
        server a launches 1
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_stateless_era_has_no_pings() {
    check(
        r#"
        server a {"era":"stateless","tools":["x"]}
        gateway {"ping_after":60,"idle_timeout":0}
        caller ann ~> #1 tools/list
        caller ann <- #1 = {"tools":[{"name":"x", ...}], ...}
        advance 600s
        server a hears nothing
        server a is {"state":"ready","reason":null, ...}
        "#,
    )
    .await;
}

// === freezing ===

#[tokio::test(start_paused = true)]
async fn an_unused_server_is_frozen_thawed_by_a_call_and_stopped_in_the_end() {
    check(
        r#"
        server a {"tools":["x"],"yes":["ping"],"process":true}
        gateway {"ping_after":10,"freeze_after":60,"idle_timeout":600}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = *
        advance 61s
        server a felt freeze
        server a is {"state":"frozen","upstreams":1, ...}
        // It is not asked anything.
        advance 120s
        server a felt
        client 1 -> #2 tools/call {"name":"x"}
        server a felt thaw
        server a <- #$1 tools/call *
        server a is {"state":"ready", ...}
        advance 100s
        server a felt
        server a -> #$1 = {}
        client 1 <- #2 = {}
        advance 61s
        server a felt freeze
        advance 560s
        server a ends
        server a felt thaw kill
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_changes_keeps_a_server_awake() {
    check(
        r#"
        server a {"resources":["r://1"],"capabilities":{"resources":{"subscribe":true}},"yes":["resources/subscribe"],"process":true}
        gateway {"freeze_after":60}
        client 1 hello
        client 1 -> #1 resources/list
        client 1 <- #1 = *
        client 1 -> #2 resources/subscribe {"uri":"r://1"}
        client 1 <- #2 = {}
        advance 2000s
        server a felt
        server a is {"state":"ready", ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_frozen_server_hears_what_its_client_says() {
    check(
        r#"
        server a {"tools":["x"],"process":true}
        gateway {"freeze_after":60}
        client 1 hello {"roots":{"listChanged":true}}
        client 1 -> #1 tools/list
        client 1 <- #1 = *
        advance 61s
        server a felt freeze
        client 1 -> notifications/roots/list_changed
        server a felt thaw
        server a <- notifications/roots/list_changed
        "#,
    )
    .await;
}

// === how many ===

#[tokio::test(start_paused = true)]
async fn the_least_used_server_makes_place_for_another() {
    check(
        r#"
        server a {"tools":["x"]}
        server b {"tools":["y"]}
        server c {"tools":["z"]}
        gateway {"servers_max":2,"idle_timeout":0}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$1 tools/call *
        server a -> #$1 = {}
        client 1 <- #1 = {}
        advance 3s
        server a is {"state":"ready", ...}
        client 1 -> #2 tools/call {"name":"y"}
        server b <- #$2 tools/call *
        // In use: it stays.
        advance 3s
        client 1 -> #3 tools/call {"name":"z"}
        server a ends
        server c <- #$3 tools/call *
        // Nobody can go.
        client 1 -> #4 tools/call {"name":"x"}
        client 1 <- #4 = {"isError":true,"content":[{"type":"text","text":"server \"a\" is not started: 2 servers run already, as many as `servers_max` allows, and each is in use*"}]}
        server a launches 1
        server c -> #$3 = {}
        client 1 <- #3 = {}
        // At once, for it was not its fault.
        client 1 -> #5 tools/call {"name":"x"}
        server c ends
        server a.2 <- #$5 tools/call *
        server a.2 -> #$5 = {}
        server b -> #$2 = {}
        client 1 <- #5 = {}
        client 1 <- #2 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_goes_by_itself_leaves_its_place() {
    check(
        r#"
        server a {"tools":["x"]}
        server b {"tools":["y"]}
        gateway {"servers_max":1,"list_wait":0.1}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$1 tools/call *
        server a dies
        client 1 <- #1 = {"isError":true, ...}
        client 1 -> #2 tools/call {"name":"b__y"}
        server b <- #$2 tools/call *
        server b -> #$2 = {}
        client 1 <- #2 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn calls_beyond_the_limit_of_a_server_wait_their_turn() {
    check(
        r#"
        server a {"tools":["x"],"calls_at_once":2}
        server b {"tools":["y"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x","arguments":1}
        client 1 -> #2 tools/call {"name":"x","arguments":2}
        client 1 -> #3 tools/call {"name":"x","arguments":3}
        client 1 -> #4 tools/call {"name":"x","arguments":4}
        server a <- #$1 tools/call {"name":"x","arguments":1}
        server a <- #$2 tools/call {"name":"x","arguments":2}
        server a hears nothing
        // Others are not held up.
        client 1 -> #5 tools/call {"name":"y"}
        server b <- #$5 tools/call *
        server b -> #$5 = {}
        client 1 <- #5 = {}
        // Who is taken back leaves its place; who waits and is taken back never comes.
        client 1 -> notifications/cancelled {"requestId":3}
        client 1 <- silence
        server a hears nothing
        client 1 -> notifications/cancelled {"requestId":1}
        client 1 <- silence
        server a <- notifications/cancelled *
        server a <- #$4 tools/call {"name":"x","arguments":4}
        server a -> #$2 = {}
        server a -> #$4 = {}
        client 1 <- #2 = {}
        client 1 <- #4 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn not_more_of_them_wait_than_a_limit() {
    let max = portolan_gateway::limits::LANE_WAITERS_MAX;
    let mut world = super::harness::World::default();
    world
        .run(
            r#"
            server a {"tools":["x"]}
            gateway {"calls_at_once":1,"in_flight_max":1000}
            client 1 hello
            client 1 -> #"first" tools/call {"name":"x"}
            server a <- #$first tools/call *
            "#,
        )
        .await;
    for n in 0..max {
        let line = format!("client 1 -> #{n} tools/call {{\"name\":\"x\"}}");
        world.run(&line).await;
    }
    world
        .run(
            r#"
            client 1 -> #"more" tools/call {"name":"x"}
            client 1 <- #"more" = {"isError":true,"content":[{"type":"text","text":"too many calls wait for this server*"}]}
            client 1 closes
            client 1 <- end
            "#,
        )
        .await;
    world.heard_by_server("a");
    world.heard_by_client("client 1");
    world.finish().await;
}

// === prewarming ===

#[tokio::test(start_paused = true)]
async fn servers_start_with_a_conversation_where_that_is_wanted() {
    check(
        r#"
        server a {"tools":["x"],"launch":"held"}
        server b {"tools":["y"]}
        server c {"tools":["z"],"disabled":true}
        gateway {"prewarm":true}
        client 1 hello
        server a launches 1
        server b launches 1
        server c launches 0
        server b is {"state":"ready", ...}
        server a starts
        server a is {"state":"ready", ...}
        client 1 -> #1 tools/list
        client 1 <- #1 = {"tools":[{"name":"x", ...},{"name":"y", ...}]}
        server a launches 1
        "#,
    )
    .await;
}
