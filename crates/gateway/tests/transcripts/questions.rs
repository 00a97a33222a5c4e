//! What servers ask: which client hears it, under which number, and where its answer goes.

use super::harness::check;

#[tokio::test(start_paused = true)]
async fn sampling_elicitation_and_roots_reach_the_client_of_the_call() {
    for (method, capabilities) in [
        ("sampling/createMessage", r#"{"sampling":{}}"#),
        (
            "elicitation/create",
            r#"{"elicitation":{"form":{},"url":{}}}"#,
        ),
        ("roots/list", r#"{"roots":{"listChanged":true}}"#),
    ] {
        check(&format!(
            r#"
            server a {{"tools":["ask"]}}
            client 1 hello {capabilities}
            client 1 -> #1 tools/call {{"name":"ask"}}
            server a <- #$id tools/call {{"name":"ask"}}
            server a -> #1 {method} {{"x":1}}
            client 1 <- #$q {method} {{"x":1}}
            client 1 -> #$q = {{"y":2}}
            server a <- #1 = {{"y":2}}
            server a -> #$id = {{}}
            client 1 <- #1 = {{}}
            "#
        ))
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_handshake_declares_what_the_client_can() {
    check(
        r#"
        server a {"tools":["ask"],"auto":false}
        client 1 hello {"sampling":{"tools":{}},"x/y":{"z":1}}
        client 1 -> #1 tools/call {"name":"ask"}
        server a <- #$i initialize {"protocolVersion":"2025-11-25","capabilities":{"sampling":{"tools":{}},"x/y":{"z":1}},"clientInfo":{"name":"portolan", ...}}
        server a -> #$i = {"protocolVersion":"2024-11-05","capabilities":{"tools":{}},"serverInfo":{"name":"a","version":"1"}}
        server a <- notifications/initialized
        server a <- #$l tools/list {}
        server a -> #$l = {"tools":[{"name":"ask","inputSchema":{"type":"object"}}]}
        server a <- #$id tools/call {"name":"ask"}
        server a -> #$id = {}
        client 1 <- #1 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn questions_of_several_servers_have_numbers_of_their_own() {
    check(
        r#"
        server a {"tools":["ask"]}
        server b {"tools":["beg"]}
        client 1 hello {"sampling":{}}
        client 1 -> #1 tools/call {"name":"ask"}
        client 1 -> #2 tools/call {"name":"beg"}
        server a <- #$one tools/call *
        server b <- #$two tools/call *
        server a -> #5 sampling/createMessage {"from":"a"}
        server b -> #5 sampling/createMessage {"from":"b"}
        server b -> #"5" sampling/createMessage {"from":"b again"}
        client 1 <- #$qa sampling/createMessage {"from":"a"}
        client 1 <- #$qb sampling/createMessage {"from":"b"}
        client 1 <- #$qc sampling/createMessage {"from":"b again"}
        client 1 -> #$qb = {"to":"b"}
        server b <- #5 = {"to":"b"}
        client 1 -> #$qa ! -1 "no"
        server a <- #5 ! -1 "no"
        client 1 -> #$qc = {"to":"c"}
        server b <- #"5" = {"to":"c"}
        server a -> #$one = {}
        server b -> #$two = {}
        client 1 <- #1 = {}
        client 1 <- #2 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn two_clients_of_one_server_are_asked_each_for_its_own() {
    check(
        r#"
        server a {"tools":["ask"]}
        client 1 hello {"sampling":{}}
        client 2 hello {"sampling":{}}
        client 1 -> #1 tools/call {"name":"ask"}
        client 2 -> #1 tools/call {"name":"ask"}
        server a <- #$one tools/call *
        server a.2 <- #$two tools/call *
        server a.2 -> #1 sampling/createMessage {"for":2}
        client 2 <- #$q2 sampling/createMessage {"for":2}
        client 1 hears nothing
        server a -> #1 sampling/createMessage {"for":1}
        client 1 <- #$q1 sampling/createMessage {"for":1}
        client 1 -> #$q1 = {"by":1}
        server a <- #1 = {"by":1}
        client 2 -> #$q2 = {"by":2}
        server a.2 <- #1 = {"by":2}
        server a -> #$one = {}
        server a.2 -> #$two = {}
        client 1 <- #1 = {}
        client 2 <- #1 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn on_a_shared_server_calls_that_can_be_asked_take_turns() {
    check(
        r#"
        server a {"tools":["ask"],"share":"all"}
        client 1 hello {"sampling":{}}
        client 2 hello {"sampling":{}}
        client 1 -> #1 tools/call {"name":"ask","arguments":1}
        client 2 -> #1 tools/call {"name":"ask","arguments":2}
        server a launches 1
        server a <- #$one tools/call {"name":"ask","arguments":1}
        server a hears nothing
        server a -> #1 sampling/createMessage {"for":1}
        client 1 <- #$q sampling/createMessage {"for":1}
        client 1 -> #$q = {}
        server a <- #1 = {}
        server a -> #$one = {}
        client 1 <- #1 = {}
        server a <- #$two tools/call {"name":"ask","arguments":2}
        server a -> #2 sampling/createMessage {"for":2}
        client 2 <- #$r sampling/createMessage {"for":2}
        client 2 -> #$r = {}
        server a <- #2 = {}
        server a -> #$two = {}
        client 2 <- #1 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_turn_ends_with_its_call_however_that_ends() {
    check(
        r#"
        server a {"tools":["ask"],"share":"all","call_timeout_s":30}
        client 1 hello {"sampling":{}}
        client 2 hello {"sampling":{}}
        client 3 hello {"sampling":{}}
        client 1 -> #1 tools/call {"name":"ask","arguments":1}
        client 2 -> #1 tools/call {"name":"ask","arguments":2}
        client 3 -> #1 tools/call {"name":"ask","arguments":3}
        server a <- #$one tools/call {"name":"ask","arguments":1}
        // One that has not had its turn is not sent when it is taken back.
        client 2 -> notifications/cancelled {"requestId":1}
        client 2 <- silence
        client 1 -> notifications/cancelled {"requestId":1}
        server a <- notifications/cancelled {"requestId":$one}
        client 1 <- silence
        // What the server still asks must not be taken for the next call's.
        advance 3s
        server a <- #$three tools/call {"name":"ask","arguments":3}
        client 2 -> #2 tools/call {"name":"ask","arguments":4}
        advance 31s
        server a <- notifications/cancelled {"requestId":$three,"reason":"no answer in time"}
        client 3 <- #1 = {"isError":true, ...}
        server a <- #$four tools/call {"name":"ask","arguments":4}
        server a -> #$four = {}
        client 2 <- #2 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_cannot_be_asked_is_not_asked() {
    for (method, capability, others) in [
        (
            "sampling/createMessage",
            "sampling",
            r#"{"roots":{},"elicitation":{}}"#,
        ),
        (
            "elicitation/create",
            "elicitation",
            r#"{"roots":{},"sampling":{}}"#,
        ),
        (
            "roots/list",
            "roots",
            r#"{"sampling":{},"elicitation":null}"#,
        ),
        ("roots/list", "roots", "{}"),
    ] {
        check(&format!(
            r#"
            server a {{"tools":["ask"]}}
            client 1 hello {others}
            client 1 -> #1 tools/call {{"name":"ask"}}
            server a <- #$id tools/call {{"name":"ask"}}
            server a -> #"q" {method} {{}}
            server a <- #"q" ! -32601 "*does not support {capability}*"
            client 1 hears nothing
            server a -> #$id = {{}}
            client 1 <- #1 = {{}}
            "#
        ))
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_gateway_answers_pings_itself() {
    check(
        r#"
        server a {"tools":["ask"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"ask"}
        server a <- #$id tools/call {"name":"ask"}
        server a -> #"p" ping
        server a <- #"p" = {}
        server a -> #$id = {}
        client 1 <- #1 = {}
        server a -> #2 ping {}
        server a <- #2 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_question_beside_calls_goes_to_the_only_client() {
    check(
        r#"
        server a {"tools":["ask"]}
        client 1 hello {"roots":{},"sampling":{}}
        client 1 -> #1 tools/list
        client 1 <- #1 = *
        server a -> #1 roots/list
        client 1 <- #$q roots/list
        client 1 -> #$q = {"roots":[]}
        server a <- #1 = {"roots":[]}
        // Two calls: it may be about either, and the client is the same.
        client 1 -> #2 tools/call {"name":"ask"}
        client 1 -> #3 tools/call {"name":"ask"}
        server a <- #$two tools/call *
        server a <- #$three tools/call *
        server a -> #2 sampling/createMessage {}
        client 1 <- #$r sampling/createMessage {}
        client 1 -> #$r = {}
        server a <- #2 = {}
        server a -> #$two = {}
        server a -> #$three = {}
        client 1 <- #2 = {}
        client 1 <- #3 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_question_right_after_the_handshake_is_not_lost_among_our_own_requests() {
    check(
        r#"
        server a {"tools":["ask"],"by_hand":["tools/list"]}
        client 1 hello {"roots":{}}
        client 1 -> #1 tools/call {"name":"ask"}
        server a <- #$list tools/list {}
        server a -> #1 roots/list
        client 1 <- #$q roots/list
        client 1 -> #$q = {"roots":[]}
        server a <- #1 = {"roots":[]}
        server a -> #$list = {"tools":[{"name":"ask","inputSchema":{"type":"object"}}]}
        server a <- #$id tools/call *
        server a -> #$id = {}
        client 1 <- #1 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_question_that_could_be_for_anybody_is_for_nobody() {
    check(
        r#"
        server a {"tools":["ask"],"share":"all"}
        client 1 hello {"sampling":{}}
        client 2 hello {"sampling":{}}
        client 1 -> #1 tools/list
        client 1 <- #1 = *
        client 2 -> #1 tools/call {"name":"ask"}
        server a <- #$id tools/call *
        server a -> #$id = {}
        client 2 <- #1 = {}
        client 1 -> #2 tools/call {"name":"ask"}
        server a <- #$two tools/call *
        server a -> #$two = {}
        client 1 <- #2 = {}
        server a -> #1 sampling/createMessage {}
        server a <- #1 ! -32601 "*no client*"
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_can_take_its_question_back() {
    check(
        r#"
        server a {"tools":["ask"]}
        client 1 hello {"sampling":{}}
        client 1 -> #1 tools/call {"name":"ask"}
        server a <- #$id tools/call {"name":"ask"}
        server a -> #"q" sampling/createMessage {}
        client 1 <- #$q sampling/createMessage {}
        server a -> notifications/cancelled {"requestId":"q","reason":"never mind"}
        client 1 <- notifications/cancelled {"requestId":$q,"reason":"never mind"}
        // The late answer goes nowhere.
        client 1 -> #$q = {}
        server a hears nothing
        // Neither does taking back what was never asked.
        server a -> notifications/cancelled {"requestId":"other"}
        server a -> notifications/cancelled {"requestId":$q}
        client 1 hears nothing
        server a -> #$id = {}
        client 1 <- #1 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_question_and_its_withdrawal_travel_with_the_answer_of_their_call() {
    check(
        r#"
        server a {"tools":["ask"]}
        // Nobody reads what belongs to no call.
        client 1 opens http unread
        client 1 hello {"sampling":{}}
        client 1 -> #1 tools/call {"name":"ask"}
        server a <- #$id tools/call {"name":"ask"}
        server a -> #"q" sampling/createMessage {}
        client 1 <- #$q sampling/createMessage {}
        server a -> notifications/cancelled {"requestId":"q"}
        client 1 <- notifications/cancelled {"requestId":$q}
        server a -> #"r" sampling/createMessage {}
        client 1 <- #$r sampling/createMessage {}
        server a dies
        client 1 <- notifications/cancelled {"requestId":$r, ...}
        client 1 <- #1 = {"isError":true, ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_question_to_a_client_that_lost_the_stream_of_its_call_goes_the_other_way() {
    check(
        r#"
        server a {"tools":["ask"]}
        client 1 opens http
        client 1 hello {"sampling":{}}
        client 1 -> #1 tools/call {"name":"ask"}
        server a <- #$id tools/call {"name":"ask"}
        client 1 drops #1
        server a -> #"q" sampling/createMessage {}
        client 1 <- #$q sampling/createMessage {}
        client 1 -> #$q = {}
        server a <- #"q" = {}
        server a -> #$id = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_answers_no_question_any_more() {
    check(
        r#"
        server a {"tools":["ask"],"share":"all"}
        client 1 hello {"sampling":{}}
        client 1 -> #1 tools/call {"name":"ask"}
        server a <- #$id tools/call {"name":"ask"}
        server a -> #"q" sampling/createMessage {}
        client 1 <- #$q sampling/createMessage {}
        client 1 closes
        server a <- #"q" ! -32603 "*client has gone*"
        server a <- notifications/cancelled {"requestId":$id, ...}
        client 1 <- silence
        client 1 <- end
        client 1 -> #$q = {}
        server a hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_question_is_not_open_for_ever() {
    check(
        r#"
        server a {"tools":["ask"],"call_timeout_s":10000}
        client 1 hello {"elicitation":{}}
        client 1 -> #1 tools/call {"name":"ask"}
        server a <- #$id tools/call {"name":"ask"}
        server a -> #"q" elicitation/create {}
        client 1 <- #$q elicitation/create {}
        advance 590s
        server a hears nothing
        advance 20s
        server a <- #"q" ! -32603 "*in time*"
        client 1 <- notifications/cancelled {"requestId":$q, ...}
        client 1 -> #$q = {}
        server a hears nothing
        server a -> #$id = {}
        client 1 <- #1 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn questions_of_a_server_that_died_are_taken_back() {
    check(
        r#"
        server a {"tools":["ask"]}
        client 1 hello {"elicitation":{}}
        client 1 -> #1 tools/call {"name":"ask"}
        server a <- #$id tools/call {"name":"ask"}
        server a -> #"q" elicitation/create {}
        client 1 <- #$q elicitation/create {}
        server a dies
        client 1 <- notifications/cancelled {"requestId":$q, ...}
        client 1 <- #1 = {"isError":true, ...}
        client 1 -> #$q = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn answers_to_what_nobody_asked_are_dropped() {
    check(
        r#"
        server a {"tools":["ask"]}
        client 1 hello {"sampling":{}}
        client 2 hello {"sampling":{}}
        client 1 -> #1 tools/call {"name":"ask"}
        server a <- #$id tools/call {"name":"ask"}
        server a -> #"q" sampling/createMessage {}
        client 1 <- #$q sampling/createMessage {}
        // Somebody else cannot answer it.
        client 2 -> #$q = {}
        client 1 -> #999 = {}
        client 1 -> #"q" = {}
        client 1 -> {"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"?"}}
        server a hears nothing
        client 1 -> #$q = {"n":1}
        client 1 -> #$q = {"n":2}
        server a <- #"q" = {"n":1}
        server a -> #$id = {}
        client 1 <- #1 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_client_reports_progress_on_a_question() {
    check(
        r#"
        server a {"tools":["ask"]}
        client 1 hello {"sampling":{}}
        client 1 -> #1 tools/call {"name":"ask"}
        server a <- #$id tools/call {"name":"ask"}
        server a -> #"q" sampling/createMessage {"_meta":{"progressToken":"mine"}}
        client 1 <- #$q sampling/createMessage {"_meta":{"progressToken":$q}}
        client 1 -> notifications/progress {"progressToken":$q,"progress":0.5}
        server a <- notifications/progress {"progressToken":"mine","progress":0.5}
        client 1 -> notifications/progress {"progressToken":"mine","progress":0.6}
        client 1 -> notifications/progress {"progressToken":12345,"progress":0.6}
        client 1 -> #$q = {}
        server a <- #"q" = {}
        client 1 -> notifications/progress {"progressToken":$q,"progress":1}
        server a hears nothing
        server a -> #$id = {}
        client 1 <- #1 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn new_roots_and_unknown_notifications_reach_the_clients_servers() {
    check(
        r#"
        server a {"tools":["x"]}
        server b {"tools":["y"]}
        client 1 hello {"roots":{"listChanged":true}}
        client 1 -> #1 tools/list
        client 1 <- #1 = *
        client 1 -> notifications/roots/list_changed
        server a <- notifications/roots/list_changed
        server b <- notifications/roots/list_changed
        client 1 -> notifications/vendor/x {"n":1}
        server a <- notifications/vendor/x {"n":1}
        server b <- notifications/vendor/x {"n":1}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_of_the_stateless_era_must_not_ask() {
    check(
        r#"
        server a {"tools":["ask"],"era":"stateless"}
        caller ann ~> #1 tools/call {"name":"ask"}
        server a <- #$id tools/call *
        server a -> #"q" sampling/createMessage {}
        server a <- #"q" ! -32600 "*input_required*"
        server a -> #$id = {}
        caller ann <- #1 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_call_does_not_run_out_of_time_while_the_person_thinks() {
    check(
        r#"
        server a {"tools":["x"],"call_timeout_s":5}
        client 1 hello {"elicitation":{}}
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$id tools/call {"name":"x"}
        server a -> #"q" elicitation/create {"message":"?"}
        client 1 <- #$q elicitation/create *
        advance 60s
        client 1 -> #$q = {"action":"accept"}
        server a <- #"q" = {"action":"accept"}
        advance 4s
        client 1 hears nothing
        advance 3s
        server a <- notifications/cancelled {"requestId":$id, ...}
        client 1 <- #1 = {"isError":true, ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_streamed_call_does_not_either() {
    check(
        r#"
        server a {"tools":["x"],"http":true,"call_timeout_s":5}
        client 1 hello {"elicitation":{}}
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$id tools/call {"name":"x"}
        server a on $id -> #"q" elicitation/create {"message":"?"}
        client 1 <- #$q elicitation/create *
        advance 60s
        client 1 -> #$q = {"action":"accept"}
        server a <- #"q" = {"action":"accept"}
        advance 4s
        server a -> #$id = {"content":[]}
        client 1 <- #1 = {"content":[]}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_question_about_the_call_of_one_caller_does_not_go_to_another() {
    check(
        r#"
        server a {"tools":["ask"],"share":"all"}
        client 1 opens http as ann
        client 1 hello {"sampling":{}}
        client 2 opens http as bob
        client 2 hello {"sampling":{}}
        client 2 -> #1 tools/list
        client 2 <- #1 = *
        client 1 -> #1 tools/call {"name":"ask"}
        server a <- #$one tools/call *
        client 1 closes
        client 1 <- #1 ! *
        client 1 <- end
        server a <- notifications/cancelled {"requestId":$one, ...}
        // It has not read that yet.
        server a -> #"q" sampling/createMessage {"for":"ann"}
        server a <- #"q" ! -32601 "*no client*"
        client 2 hears nothing
        "#,
    )
    .await;
}
