//! Log messages: the level that servers are asked for, and who hears what.

use super::harness::check;

#[tokio::test(start_paused = true)]
async fn the_level_is_passed_on_to_servers_that_can_log() {
    check(
        r#"
        server a {"tools":["x"],"capabilities":{"logging":{}}}
        server b {"tools":["y"]}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = *
        client 1 -> #2 logging/setLevel {"level":"warning"}
        client 1 <- #2 = {}
        server a <- #$l logging/setLevel {"level":"warning"}
        server a -> #$l = {}
        server b hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_level_is_told_to_a_server_that_starts_later_or_again() {
    check(
        r#"
        server a {"tools":["x"],"capabilities":{"logging":{}}}
        client 1 hello
        client 1 -> #1 logging/setLevel {"level":"error"}
        client 1 <- #1 = {}
        client 1 -> #2 tools/call {"name":"x"}
        server a <- #$l logging/setLevel {"level":"error"}
        server a -> #$l = {}
        server a <- #$id tools/call *
        server a -> #$id = {}
        client 1 <- #2 = {}
        gateway restarts a
        server a ends
        client 1 -> #3 tools/call {"name":"x"}
        server a.2 <- #$m logging/setLevel {"level":"error"}
        server a.2 -> #$m = {}
        server a.2 <- #$again tools/call *
        server a.2 -> #$again = {}
        client 1 <- #3 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_answer_setlevel_does_not_hold_up_calls() {
    check(
        r#"
        server a {"tools":["x"],"capabilities":{"logging":{}}}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$id tools/call *
        client 1 -> #2 logging/setLevel {"level":"error"}
        client 1 <- #2 = {}
        server a <- #$l logging/setLevel {"level":"error"}
        server a -> #$id = {}
        client 1 <- #1 = {}
        advance 20s
        server a <- notifications/cancelled {"requestId":$l, ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn nonsense_levels_are_refused() {
    check(
        r#"
        server a {"tools":["x"]}
        client 1 hello
        client 1 -> #1 logging/setLevel {"level":"loud"}
        client 1 <- #1 ! -32602 "*emergency*"
        client 1 -> #2 logging/setLevel {"level":3}
        client 1 <- #2 ! -32602 *
        client 1 -> #3 logging/setLevel
        client 1 <- #3 ! -32602 *
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_log_message_goes_with_its_call_else_to_the_conversation() {
    check(
        r#"
        server a {"tools":["x"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$id tools/call *
        server a -> notifications/message {"level":"info","data":"in the call"}
        client 1 <- notifications/message {"level":"info","data":"in the call"}
        server a -> #$id = {}
        client 1 <- #1 = {}
        server a -> notifications/message {"level":"info","data":"alone"}
        client 1 <- notifications/message {"level":"info","data":"alone"}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn messages_below_the_level_are_not_delivered() {
    check(
        r#"
        server a {"tools":["x"]}
        client 1 hello
        client 1 -> #1 logging/setLevel {"level":"warning"}
        client 1 <- #1 = {}
        client 1 -> #2 tools/call {"name":"x"}
        server a <- #$id tools/call *
        server a -> notifications/message {"level":"info","data":"too little, in a call"}
        server a -> notifications/message {"level":"warning","data":"enough"}
        client 1 <- notifications/message {"level":"warning","data":"enough"}
        server a -> #$id = {}
        client 1 <- #2 = {}
        server a -> notifications/message {"level":"notice","data":"too little"}
        server a -> notifications/message {"level":"emergency","data":"more"}
        client 1 <- notifications/message {"level":"emergency","data":"more"}
        // What has no level that we know is for the client to judge.
        server a -> notifications/message {"level":"loud","data":"?"}
        client 1 <- notifications/message {"level":"loud","data":"?"}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn on_a_shared_server_the_chattiest_wish_counts_and_each_hears_its_own() {
    check(
        r#"
        server a {"tools":["x"],"share":"all","capabilities":{"logging":{}}}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = *
        client 1 -> #2 logging/setLevel {"level":"info"}
        client 1 <- #2 = {}
        server a <- #$one logging/setLevel {"level":"info"}
        server a -> #$one = {}
        client 2 hello
        client 2 -> #1 logging/setLevel {"level":"error"}
        client 2 <- #1 = {}
        // It joins without making it quieter for the other one.
        client 2 -> #2 tools/call {"name":"x"}
        server a <- #$id tools/call *
        server a -> #$id = {}
        client 2 <- #2 = {}
        server a -> notifications/message {"level":"info","data":1}
        client 1 <- notifications/message {"level":"info","data":1}
        server a -> notifications/message {"level":"error","data":2}
        client 1 <- notifications/message {"level":"error","data":2}
        client 2 <- notifications/message {"level":"error","data":2}
        client 1 -> #3 logging/setLevel {"level":"alert"}
        client 1 <- #3 = {}
        server a <- #$two logging/setLevel {"level":"error"}
        server a -> #$two ! -32601 "never mind"
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_has_no_wish_leaves_the_level_to_the_server() {
    check(
        r#"
        server a {"tools":["x"],"share":"all","capabilities":{"logging":{}}}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = *
        client 2 hello
        client 2 -> #1 tools/call {"name":"x"}
        server a <- #$id tools/call *
        server a -> #$id = {}
        client 2 <- #1 = {}
        client 2 -> #2 logging/setLevel {"level":"error"}
        client 2 <- #2 = {}
        server a hears nothing
        server a -> notifications/message {"level":"info","data":1}
        client 1 <- notifications/message {"level":"info","data":1}
        client 2 hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_log_message_during_our_own_requests_is_not_lost() {
    check(
        r#"
        server a {"tools":["x"],"by_hand":["tools/list"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$list tools/list {}
        server a -> notifications/message {"level":"info","data":"reading"}
        client 1 <- notifications/message {"level":"info","data":"reading"}
        server a -> #$list = {"tools":[{"name":"x","inputSchema":{"type":"object"}}]}
        server a <- #$id tools/call *
        server a -> #$id = {}
        client 1 <- #1 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stateless_caller_hears_the_log_of_its_call() {
    check(
        r#"
        server a {"tools":["x"],"era":"stateless"}
        caller ann ~> #1 tools/call {"name":"x","_meta":{"io.modelcontextprotocol/logLevel":"info"}}
        server a <- #$id tools/call *
        server a -> notifications/message {"level":"info","data":1}
        caller ann <- notifications/message {"level":"info","data":1}
        server a -> #$id = {}
        caller ann <- #1 = {}
        server a -> notifications/message {"level":"info","data":2}
        caller ann hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stateless_client_hears_no_log_that_it_did_not_ask_for() {
    check(
        r#"
        server a {"tools":["x"],"era":"stateless"}
        client 1 opens
        client 1 ~> #1 tools/call {"name":"x"}
        server a <- #$one tools/call *
        client 1 ~> #2 tools/call {"name":"x"}
        server a <- #$two tools/call *
        server a -> notifications/message {"level":"error","data":1}
        client 1 hears nothing
        server a -> #$one = {}
        client 1 <- #1 = {}
        server a -> #$two = {}
        client 1 <- #2 = {}
        server a -> notifications/message {"level":"error","data":2}
        client 1 hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn between_callers_nobody_guesses_whose_log_it_is() {
    check(
        r#"
        server a {"tools":["x"],"era":"stateless","share":"all"}
        caller ann ~> #1 tools/call {"name":"x","_meta":{"io.modelcontextprotocol/logLevel":"info"}}
        server a <- #$one tools/call *
        server a -> notifications/message {"level":"info","data":"ann's, surely"}
        caller ann <- notifications/message {"level":"info","data":"ann's, surely"}
        caller ann drops #1
        server a <- notifications/cancelled {"requestId":$one, ...}
        caller bob ~> #2 tools/call {"name":"x","_meta":{"io.modelcontextprotocol/logLevel":"info"}}
        server a <- #$two tools/call *
        // It goes on with what was taken back.
        server a -> notifications/message {"level":"info","data":"ann's still"}
        caller bob hears nothing
        server a -> #$two = {}
        caller bob <- #2 = {}
        "#,
    )
    .await;
}
