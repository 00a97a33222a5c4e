//! Calls: their ids, their progress, and how they are taken back.

use super::harness::{World, check};

#[tokio::test(start_paused = true)]
async fn a_call_goes_to_its_server_and_the_answer_comes_back() {
    check(
        r#"
        server a {"tools":["echo"]}
        client 1 hello
        client 1 -> #7 tools/call {"name":"echo","arguments":{"text":"hi"}}
        server a <- #$id tools/call {"name":"echo","arguments":{"text":"hi"}}
        server a -> #$id = {"content":[{"type":"text","text":"hi"}]}
        client 1 <- 200 #7 = {"content":[{"type":"text","text":"hi"}]}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn ids_of_every_shape_come_back() {
    for id in [
        "0",
        "-1",
        "9223372036854775807",
        "123456789012345678901234567890",
        r#""""#,
        r#""7""#,
        r#""ü \"\\""#,
        r#""\u0000""#,
    ] {
        check(&format!(
            r#"
            server a {{"tools":["echo"]}}
            client 1 hello
            client 1 -> {{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"echo"}}}}
            server a <- #$id tools/call {{"name":"echo"}}
            server a -> #$id = {{}}
            client 1 <= {{"jsonrpc":"2.0","id":{id},"result":{{}}}}
            client 1 -> {{"jsonrpc":"2.0","id":{id},"method":"ping"}}
            client 1 <= {{"jsonrpc":"2.0","id":{id},"result":{{}}}}
            "#
        ))
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn clients_with_the_same_ids_and_tokens_are_not_mixed() {
    check(
        r#"
        server a {"tools":["echo"],"share":"all"}
        client 1 hello
        client 2 hello
        client 1 -> #1 tools/call {"name":"echo","arguments":{"n":1},"_meta":{"progressToken":"t"}}
        client 2 -> #1 tools/call {"name":"echo","arguments":{"n":2},"_meta":{"progressToken":"t"}}
        server a launches 1
        server a <- #$one tools/call {"name":"echo","arguments":{"n":1},"_meta":{"progressToken":$one}}
        server a <- #$two tools/call {"name":"echo","arguments":{"n":2},"_meta":{"progressToken":$two}}
        server a -> notifications/progress {"progressToken":$two,"progress":2}
        client 2 <- notifications/progress {"progressToken":"t","progress":2}
        server a -> notifications/progress {"progressToken":$one,"progress":1}
        client 1 <- notifications/progress {"progressToken":"t","progress":1}
        server a -> #$two = {"n":2}
        client 2 <- #1 = {"n":2}
        client 1 hears nothing
        server a -> #$one = {"n":1}
        client 1 <- #1 = {"n":1}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn progress_has_the_clients_token_whatever_its_type() {
    for token in ["7", r#""t""#, r#""7""#, "0"] {
        check(&format!(
            r#"
            server a {{"tools":["echo"]}}
            client 1 hello
            client 1 -> #1 tools/call {{"name":"echo","_meta":{{"progressToken":{token}}}}}
            server a <- #$id tools/call {{"name":"echo","_meta":{{"progressToken":$id}}}}
            server a -> notifications/progress {{"progressToken":$id,"progress":1}}
            client 1 <- notifications/progress {{"progressToken":{token},"progress":1}}
            server a -> #$id = {{}}
            client 1 <- #1 = {{}}
            "#
        ))
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn progress_that_nobody_can_want_is_dropped() {
    check(
        r#"
        server a {"tools":["echo"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"echo","_meta":{"progressToken":"t"}}
        server a <- #$id tools/call *
        server a -> notifications/progress {"progressToken":999999,"progress":1}
        server a -> notifications/progress {"progressToken":"t","progress":1}
        server a -> notifications/progress {"progress":1}
        client 1 hears nothing
        server a -> #$id = {}
        client 1 <- #1 = {}
        // After the answer.
        server a -> notifications/progress {"progressToken":$id,"progress":1}
        client 1 hears nothing
        // Of a call that did not ask for it.
        client 1 -> #2 tools/call {"name":"echo","_meta":{"progressToken":null}}
        server a <- #$two tools/call {"name":"echo","_meta":{"progressToken":null}}
        server a -> notifications/progress {"progressToken":$two,"progress":1}
        server a -> #$two = {}
        client 1 <- #2 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_id_can_be_used_again_but_not_at_the_same_time() {
    check(
        r#"
        server a {"tools":["echo"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"echo"}
        server a <- #$id tools/call {"name":"echo"}
        client 1 -> #1 tools/call {"name":"echo"}
        client 1 <- #1 ! -32600 "*id 1 is under way*"
        client 1 -> #"1" ping
        client 1 <- #"1" = {}
        server a -> #$id = {"n":1}
        client 1 <- #1 = {"n":1}
        client 1 -> #1 tools/call {"name":"echo"}
        server a <- #$again tools/call {"name":"echo"}
        server a -> #$again = {"n":2}
        client 1 <- #1 = {"n":2}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_is_cancelled_at_its_server_and_its_late_answer_dropped() {
    check(
        r#"
        server a {"tools":["echo"]}
        client 1 hello
        client 1 -> #"x" tools/call {"name":"echo"}
        server a <- #$id tools/call {"name":"echo"}
        client 1 -> notifications/cancelled {"requestId":"x","reason":"too \"slow\""}
        server a <- notifications/cancelled {"requestId":$id,"reason":"too \"slow\""}
        client 1 <- silence
        server a -> #$id = {}
        client 1 hears nothing
        // Its id is free again.
        client 1 -> #"x" tools/call {"name":"echo"}
        server a <- #$two tools/call {"name":"echo"}
        server a -> #$two = {}
        client 1 <- #"x" = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_over_http_still_ends_its_exchange() {
    check(
        r#"
        server a {"tools":["echo"]}
        client 1 opens http
        client 1 hello
        client 1 -> #1 tools/call {"name":"echo"}
        server a <- #$id tools/call {"name":"echo"}
        client 1 -> notifications/cancelled {"requestId":1}
        server a <- notifications/cancelled {"requestId":$id}
        client 1 <- #1 ! -31004 "*cancelled*"
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn cancelling_what_is_not_under_way_does_nothing() {
    check(
        r#"
        server a {"tools":["echo"],"share":"all"}
        client 1 hello
        client 2 hello
        client 1 -> #1 tools/call {"name":"echo"}
        server a <- #$id tools/call {"name":"echo"}
        client 1 -> notifications/cancelled {"requestId":"1"}
        client 1 -> notifications/cancelled {"requestId":$id}
        client 1 -> notifications/cancelled {}
        client 1 -> notifications/cancelled
        // Somebody else's call with that id.
        client 2 -> notifications/cancelled {"requestId":1}
        server a hears nothing
        server a -> #$id = {}
        client 1 <- #1 = {}
        client 1 -> notifications/cancelled {"requestId":1}
        server a hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_cancelled_while_its_server_starts_is_never_sent() {
    check(
        r#"
        server a {"tools":["echo"],"launch":"held"}
        client 1 hello
        client 1 -> #1 tools/call {"name":"echo"}
        client 1 -> notifications/cancelled {"requestId":1}
        client 1 <- silence
        advance 6s
        server a starts
        server a hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_known_call_that_is_cancelled_while_its_server_starts_is_never_sent() {
    check(
        r#"
        server a {"tools":["echo"]}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = *
        gateway stops a
        server a ends
        server a has {"tools":["echo"],"launch":"held"}
        gateway restarts a
        client 1 -> #2 tools/call {"name":"echo"}
        client 1 -> notifications/cancelled {"requestId":2}
        client 1 <- silence
        server a starts
        client 1 hears nothing
        server a hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stateless_caller_that_goes_away_cancels_its_call() {
    check(
        r#"
        server a {"tools":["echo"],"era":"stateless"}
        caller ann ~> #1 tools/call {"name":"echo"}
        server a <- #$id tools/call {"name":"echo", ...}
        caller ann drops #1
        server a <- notifications/cancelled {"requestId":$id,"reason":"the client has gone"}
        server a -> #$id = {}
        // The same once the answer has become a stream.
        caller ann ~> #2 tools/call {"name":"echo","_meta":{"progressToken":1}}
        server a <- #$two tools/call {"name":"echo", ...}
        server a -> notifications/progress {"progressToken":$two,"progress":1}
        caller ann <- notifications/progress {"progressToken":1,"progress":1}
        caller ann drops #2
        server a <- notifications/cancelled {"requestId":$two, ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_handshake_client_that_goes_away_does_not_cancel() {
    check(
        r#"
        server a {"tools":["echo"]}
        client 1 opens http
        client 1 hello
        client 1 -> #1 tools/call {"name":"echo"}
        server a <- #$id tools/call {"name":"echo"}
        client 1 drops #1
        server a hears nothing
        server a -> #$id = {}
        // The id is free.
        client 1 -> #1 tools/call {"name":"echo"}
        server a <- #$two tools/call {"name":"echo"}
        server a -> #$two = {}
        client 1 <- #1 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn answers_that_nobody_waits_for_are_dropped() {
    check(
        r#"
        server a {"tools":["echo"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"echo"}
        server a <- #$id tools/call {"name":"echo"}
        server a -> #99999 = {"no":"such"}
        server a -> #"1" = {"a":"string"}
        server a -> {"jsonrpc":"2.0","error":{"code":-32700,"message":"what?"}}
        client 1 hears nothing
        server a -> #$id = {"n":1}
        server a -> #$id = {"n":2}
        client 1 <- #1 = {"n":1}
        client 1 hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_no_message_costs_a_server_nothing_but_that_line() {
    check(
        r#"
        server a {"tools":["echo"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"echo"}
        server a <- #$id tools/call {"name":"echo"}
        server a -> [1,2]
        server a -> {"jsonrpc":"1.0","id":$id,"result":{}}
        server a -> {"jsonrpc":"2.0","id":$id,"result":{},"error":{"code":1,"message":""}}
        server a -> {"jsonrpc":"2.0","id":$id,"id":7,"result":{}}
        client 1 hears nothing
        server a -> #$id = {}
        client 1 <- #1 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn many_calls_are_answered_in_any_order() {
    check(
        r#"
        server a {"tools":["echo"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"echo","arguments":1}
        client 1 -> #2 tools/call {"name":"echo","arguments":2}
        client 1 -> #3 tools/call {"name":"echo","arguments":3}
        server a <- #$one tools/call {"name":"echo","arguments":1}
        server a <- #$two tools/call {"name":"echo","arguments":2}
        server a <- #$three tools/call {"name":"echo","arguments":3}
        server a -> #$three = {"n":3}
        client 1 <- #3 = {"n":3}
        server a -> #$one ! {"code":1,"message":"one"}
        client 1 <- #1 ! 1 "one"
        server a -> #$two = {"n":2}
        client 1 <- #2 = {"n":2}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_method_goes_to_the_only_server_and_to_none_of_several() {
    check(
        r#"
        server a {"tools":["echo"]}
        client 1 hello
        client 1 -> {"jsonrpc":"2.0","id":1,"method":"skills/list","params":{"name":"x", "n":1.0}}
        server a <= {"jsonrpc":"2.0","id":$id,"method":"skills/list","params":{"name":"x", "n":1.0}}
        server a -> #$id = {"skills":[]}
        client 1 <- #1 = {"skills":[]}
        "#,
    )
    .await;
    check(
        r#"
        server a {"tools":["echo"]}
        server b {"tools":["add"]}
        client 1 hello
        client 1 -> #1 skills/list
        client 1 <- #1 ! -32601 "*skills/list*"
        client 1 opens only b
        client 1 hello
        client 1 -> #2 skills/list
        server b.2 <- #$id skills/list
        server b.2 -> #$id = {}
        client 1 <- #2 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_call_can_be_taken_back_before_the_first_event_of_its_stream() {
    check(
        r#"
        server a {"tools":["x"],"http":true}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$id tools/call {"name":"x"}
        server a on $id begins
        client 1 -> notifications/cancelled {"requestId":1}
        server a <- notifications/cancelled {"requestId":$id}
        server a on $id gone
        client 1 <- silence
        client 1 -> #1 ping
        client 1 <- #1 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_says_nothing_ends_with_its_time() {
    for begins in ["server a on $id begins", "server a on $id event 1 - "] {
        check(&format!(
            r#"
            server a {{"tools":["x"],"http":true,"call_timeout_s":5}}
            client 1 hello
            client 1 -> #1 tools/call {{"name":"x"}}
            server a <- #$id tools/call {{"name":"x"}}
            {begins}
            advance 4s
            client 1 hears nothing
            advance 2s
            server a <- notifications/cancelled {{"requestId":$id, ...}}
            server a on $id gone
            client 1 <- #1 = {{"isError":true,"content":[{{"type":"text","text":"*within 5 s*"}}]}}
            "#
        ))
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_call_over_a_stream_keeps_its_server() {
    check(
        r#"
        server a {"tools":["x"],"http":true,"sessions":true,"idle_timeout_s":5}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$id tools/call {"name":"x"}
        server a on $id event 1 -
        advance 60s
        server a -> #$id = {"content":[]}
        client 1 <- #1 = {"content":[]}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_breaks_off_often_but_goes_on_is_resumed() {
    let mut script = String::from(
        r#"
        server a {"tools":["x"],"http":true,"by_hand":["GET"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- GET
        server a on GET status 405
        server a <- #$id tools/call {"name":"x"}
        server a on $id event 0 0
        server a on $id ends
        client 1 <- retry 0
        "#,
    );
    for n in 1..20 {
        script += &format!(
            r#"
            advance 1s
            server a <- GET
            server a heard {{"last-event-id":"{}"}}
            server a on GET event {n} 0
            server a on GET ends
            client 1 <- retry 0
            "#,
            n - 1
        );
    }
    script += r#"
        advance 1s
        server a <- GET
        server a on GET -> #$id = {"content":[]}
        client 1 <- #1 = {"content":[]}
        "#;
    check(&script).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_was_stopped_while_it_started_stays_stopped() {
    check(
        r#"
        server a {"tools":["x"],"launch":"held"}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        gateway stops a
        server a is not being started
        server a is {"state":"stopped","upstreams":0, ...}
        client 1 <- #1 ! -32602 *
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_comes_after_the_end_starts_nothing() {
    check(
        r#"
        server a {"tools":["x"]}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = *
        client 1 closes
        server a ends
        client 1 -> #2 tools/call {"name":"x"}
        client 1 <- #2 ! -32600 "*has ended"
        client 1 <- end
        server a launches 1
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_shared_server_that_nobody_needs_any_more_is_forgotten() {
    let mut world = World::default();
    world
        .run(
            r#"
            server a {"tools":["x"],"share":"caller","idle_timeout_s":5}
            "#,
        )
        .await;
    // The capabilities are part of what calls must share, and clients write what they like there.
    for n in 1..4 {
        world
            .run(&format!(
                r#"
                client {n} hello {{"sampling":{{"n":{n}}}}}
                client {n} -> #1 tools/call {{"name":"x"}}
                server a.{n} <- #$id{n} tools/call *
                server a.{n} -> #$id{n} = {{}}
                client {n} <- #1 = {{}}
                client {n} closes
                client {n} <- end
                "#
            ))
            .await;
    }
    let upstreams = |world: &mut World| {
        let metrics = world.gateway().metrics();
        let mut lines = metrics.lines();
        lines
            .find_map(|line| line.strip_prefix("portolan_upstreams "))
            .unwrap()
            .to_owned()
    };
    assert_eq!(upstreams(&mut world), "3");
    world
        .run(
            r#"
            advance 10s
            server a.1 ends
            server a.3 ends
            advance 2s
            "#,
        )
        .await;
    assert_eq!(upstreams(&mut world), "0");
    world.finish().await;
}
