//! `subscriptions/listen`: acknowledged once, filtered, stamped, ended.

use super::harness::check;

#[tokio::test(start_paused = true)]
async fn the_acknowledgement_says_what_will_be_heard() {
    check(
        r#"
        server a {"era":"stateless","tools":["x"],"resources":["r://1"]}
        server b {"era":"stateless","resources":["s://1"]}
        caller ann ~> #"l" subscriptions/listen {"notifications":{"toolsListChanged":true,"promptsListChanged":false,"resourceSubscriptions":["r://1","nobody://has"],"taskIds":["forged"]}}
        caller ann <- notifications/subscriptions/acknowledged {"notifications":{"toolsListChanged":true,"resourceSubscriptions":["r://1"]},"_meta":{"io.modelcontextprotocol/subscriptionId":"l"}}
        caller ann hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn only_what_was_asked_for_is_heard_and_stamped() {
    check(
        r#"
        server a {"era":"stateless","tools":["x"],"prompts":["p"],"resources":["r://1","r://2"]}
        caller ann ~> #7 subscriptions/listen {"notifications":{"toolsListChanged":true,"resourceSubscriptions":["r://1"]}}
        caller ann <- notifications/subscriptions/acknowledged *
        caller ann.two ~> #8 subscriptions/listen {"notifications":{"promptsListChanged":true}}
        caller ann.two <- notifications/subscriptions/acknowledged *
        server a has {"era":"stateless","tools":["y"],"prompts":["q"],"resources":["r://1","r://2"]}
        server a -> notifications/tools/list_changed {"_meta":{"io.modelcontextprotocol/subscriptionId":1}}
        caller ann <- notifications/tools/list_changed {"_meta":{"io.modelcontextprotocol/subscriptionId":7}}
        server a -> notifications/prompts/list_changed
        caller ann.two <- notifications/prompts/list_changed {"_meta":{"io.modelcontextprotocol/subscriptionId":8}}
        server a -> notifications/resources/updated {"uri":"r://1","_meta":{"io.modelcontextprotocol/subscriptionId":1,"x":1.0}}
        caller ann <- notifications/resources/updated {"uri":"r://1","_meta":{"io.modelcontextprotocol/subscriptionId":7,"x":1.0}}
        server a -> notifications/resources/updated {"uri":"r://2"}
        caller ann hears nothing
        caller ann.two hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_server_is_listened_to_with_what_clients_want() {
    check(
        r#"
        server a {"era":"stateless","tools":["x"],"resources":["r://1","r://2"],"by_hand":["subscriptions/listen"]}
        caller ann ~> #1 subscriptions/listen {"notifications":{"resourceSubscriptions":["r://1"]}}
        server a <- #$one subscriptions/listen {"notifications":{"toolsListChanged":true,"resourcesListChanged":true, ...},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28", ...}}
        server a -> notifications/subscriptions/acknowledged {"notifications":{},"_meta":{"io.modelcontextprotocol/subscriptionId":$one}}
        server a <- #$two subscriptions/listen {"notifications":{"toolsListChanged":true,"resourcesListChanged":true,"resourceSubscriptions":["r://1"]},"_meta":*}
        caller ann hears nothing
        server a -> notifications/subscriptions/acknowledged {"notifications":{},"_meta":{"io.modelcontextprotocol/subscriptionId":$two}}
        server a <- notifications/cancelled {"requestId":$one}
        caller ann <- notifications/subscriptions/acknowledged *
        // Nothing new for the server in a second wish for the same.
        caller ann.two ~> #1 subscriptions/listen {"notifications":{"resourceSubscriptions":["r://1"]}}
        caller ann.two <- notifications/subscriptions/acknowledged *
        server a hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_acknowledge_delays_the_client_only_so_long() {
    check(
        r#"
        server a {"era":"stateless","tools":["x"],"by_hand":["subscriptions/listen"]}
        caller ann ~> #1 subscriptions/listen {"notifications":{"toolsListChanged":true}}
        server a <- #$one subscriptions/listen *
        advance 4s
        caller ann hears nothing
        advance 7s
        caller ann <- notifications/subscriptions/acknowledged {"notifications":{"toolsListChanged":true}, ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_without_the_method_is_fine() {
    check(
        r#"
        server a {"era":"stateless","tools":["x"],"by_hand":["subscriptions/listen"]}
        caller ann ~> #1 subscriptions/listen {"notifications":{"toolsListChanged":true}}
        server a <- #$one subscriptions/listen *
        server a -> #$one ! -32601 "method not found"
        caller ann <- notifications/subscriptions/acknowledged *
        // It is not asked again and again.
        advance 60s
        server a hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn nonsense_is_refused() {
    check(
        r#"
        caller ann ~> #1 subscriptions/listen
        caller ann <- 400 #1 ! -32602 "*notifications*"
        caller ann ~> #2 subscriptions/listen {"notifications":[]}
        caller ann <- 400 #2 ! -32602 "*notifications*"
        caller ann ~> #3 subscriptions/listen {"notifications":{"toolsListChanged":"yes"}}
        caller ann <- 400 #3 ! -32602 "*toolsListChanged*"
        caller ann ~> #4 subscriptions/listen {"notifications":{"resourceSubscriptions":[7]}}
        caller ann <- 400 #4 ! -32602 "*resourceSubscriptions*"
        caller ann ~> #5 subscriptions/listen {"notifications":{}}
        caller ann <- notifications/subscriptions/acknowledged {"notifications":{}, ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_its_client_leaves_takes_its_wishes_along() {
    check(
        r#"
        server a {"era":"stateless","resources":["r://1"],"idle_timeout_s":60}
        caller ann ~> #1 subscriptions/listen {"notifications":{"resourceSubscriptions":["r://1"]}}
        caller ann <- notifications/subscriptions/acknowledged *
        // Wanted, so not idle.
        advance 10m
        server a -> notifications/resources/updated {"uri":"r://1"}
        caller ann <- notifications/resources/updated *
        caller ann drops #1
        advance 2m
        server a ends
        caller ann hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn on_stdio_a_stream_ends_with_its_cancellation() {
    check(
        r#"
        server a {"era":"stateless","tools":["x"]}
        client 1 opens
        client 1 ~> #1 subscriptions/listen {"notifications":{"toolsListChanged":true}}
        client 1 <- notifications/subscriptions/acknowledged *
        server a -> notifications/tools/list_changed
        client 1 <- notifications/tools/list_changed *
        client 1 -> notifications/cancelled {"requestId":1}
        client 1 <- silence
        server a -> notifications/tools/list_changed
        client 1 hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_end_of_its_conversation_ends_a_stream() {
    check(
        r#"
        server a {"era":"stateless","tools":["x"]}
        client 1 opens
        client 1 ~> #1 subscriptions/listen {"notifications":{"toolsListChanged":true}}
        client 1 <- notifications/subscriptions/acknowledged *
        client 1 closes
        client 1 <- silence
        client 1 <- end
        server a ends
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_gateway_ends_streams_with_a_result() {
    check(
        r#"
        server a {"era":"stateless","tools":["x"]}
        caller ann ~> #"l" subscriptions/listen {"notifications":{"toolsListChanged":true}}
        caller ann <- notifications/subscriptions/acknowledged *
        gateway shuts down 60s
        caller ann <- 200 #"l" = {"resultType":"complete","_meta":{"io.modelcontextprotocol/subscriptionId":"l"}}
        advance 1s
        server a ends
        gateway is down
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn hours_of_silence_change_nothing() {
    check(
        r#"
        server a {"era":"stateless","tools":["x"],"by_hand":["subscriptions/listen"]}
        gateway {"idle_timeout":0}
        caller ann ~> #1 subscriptions/listen {"notifications":{"toolsListChanged":true}}
        server a <- #$one subscriptions/listen *
        server a -> notifications/subscriptions/acknowledged {"notifications":{}}
        caller ann <- notifications/subscriptions/acknowledged *
        advance 20h
        server a hears nothing
        caller ann hears nothing
        server a -> notifications/tools/list_changed
        caller ann <- notifications/tools/list_changed *
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_broken_stream_is_opened_again_and_what_was_missed_is_told() {
    check(
        r#"
        server a {"era":"stateless","tools":["x"],"prompts":["p"],"by_hand":["subscriptions/listen"]}
        caller ann ~> #1 subscriptions/listen {"notifications":{"toolsListChanged":true,"promptsListChanged":true}}
        server a <- #$one subscriptions/listen *
        server a -> notifications/subscriptions/acknowledged {"notifications":{}}
        caller ann <- notifications/subscriptions/acknowledged *
        server a has {"era":"stateless","tools":["y"],"prompts":["p"],"by_hand":["subscriptions/listen"]}
        server a -> #$one = {"resultType":"complete"}
        advance 1s
        caller ann <- notifications/tools/list_changed *
        server a <- #$two subscriptions/listen *
        server a -> notifications/subscriptions/acknowledged {"notifications":{}}
        server a -> notifications/prompts/list_changed
        caller ann <- notifications/prompts/list_changed *
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn many_breaks_over_time_are_not_a_reason_to_give_up() {
    let again = r#"
        server a -> #$before = {"resultType":"complete"}
        advance 60s
        server a <- #$after subscriptions/listen *
        server a -> notifications/subscriptions/acknowledged {"notifications":{}}
    "#;
    let many: String = (0..12)
        .map(|n| {
            again
                .replace("before", &format!("l{n}"))
                .replace("after", &format!("l{}", n + 1))
        })
        .collect();
    check(&format!(
        r#"
        server a {{"era":"stateless","tools":["x"],"by_hand":["subscriptions/listen"]}}
        gateway {{"idle_timeout":0}}
        caller ann ~> #1 subscriptions/listen {{"notifications":{{"toolsListChanged":true}}}}
        server a <- #$l0 subscriptions/listen *
        server a -> notifications/subscriptions/acknowledged {{"notifications":{{}}}}
        caller ann <- notifications/subscriptions/acknowledged *
        {many}
        "#
    ))
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_was_started_again_is_listened_to_again() {
    check(
        r#"
        server a {"era":"stateless","tools":["x"],"resources":["r://1"]}
        caller ann ~> #1 subscriptions/listen {"notifications":{"toolsListChanged":true,"resourceSubscriptions":["r://1"]}}
        caller ann <- notifications/subscriptions/acknowledged *
        advance 60s
        server a has {"era":"stateless","tools":["x"],"resources":["r://1"],"by_hand":["subscriptions/listen"]}
        server a dies
        caller ann ~> #2 tools/call {"name":"x"}
        server a.2 <- #$call tools/call *
        server a.2 -> #$call = {}
        caller ann <- #2 = {}
        advance 60s
        server a.2 <- #$l subscriptions/listen {"notifications":{"toolsListChanged":true,"resourcesListChanged":true,"resourceSubscriptions":["r://1"]}, ...}
        server a.2 -> notifications/subscriptions/acknowledged {"notifications":{}}
        server a.2 -> notifications/resources/updated {"uri":"r://1"}
        caller ann <- notifications/resources/updated *
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn resources_under_another_name_are_heard_of_under_it() {
    check(
        r#"
        server a {"era":"stateless","resources":["r://1"],"templates":["t://{n}"]}
        server b {"era":"stateless","resources":["r://1"],"templates":["t://{n}"]}
        caller ann ~> #1 subscriptions/listen {"notifications":{"resourceSubscriptions":["b+r://1","b+t://7","r://1"]}}
        caller ann <- notifications/subscriptions/acknowledged {"notifications":{"resourceSubscriptions":["b+r://1","b+t://7","r://1"]}, ...}
        server b -> notifications/resources/updated {"uri":"r://1"}
        caller ann <- notifications/resources/updated {"uri":"b+r://1","_meta":*}
        server b -> notifications/resources/updated {"uri":"t://7"}
        caller ann <- notifications/resources/updated {"uri":"b+t://7","_meta":*}
        server a -> notifications/resources/updated {"uri":"r://1"}
        caller ann <- notifications/resources/updated {"uri":"r://1","_meta":*}
        server a -> notifications/resources/updated {"uri":"t://7"}
        caller ann hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn late_servers_are_news_for_who_listens() {
    check(
        r#"
        server a {"era":"stateless","tools":["x"],"launch":"held"}
        server b {"era":"stateless","tools":["y"]}
        caller ann ~> #1 tools/list
        advance 5s
        caller ann <- #1 = {"tools":[{"name":"y", ...}],"ttlMs":0, ...}
        caller ann ~> #2 subscriptions/listen {"notifications":{"toolsListChanged":true,"promptsListChanged":true}}
        advance 15s
        caller ann <- notifications/subscriptions/acknowledged *
        server a starts
        caller ann <- notifications/tools/list_changed *
        caller ann ~> #3 tools/list
        caller ann <- #3 = {"tools":[{"name":"x", ...},{"name":"y", ...}], ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_opens_only_after_the_end_of_the_gateway_ends_at_once() {
    check(
        r#"
        server a {"era":"stateless","tools":["x"],"launch":"held"}
        caller ann ~> #1 subscriptions/listen {"notifications":{}}
        gateway shuts down 0s
        advance 1s
        gateway is down
        advance 5s
        caller ann <- notifications/subscriptions/acknowledged *
        caller ann <- #1 = {"resultType":"complete", ...}
        "#,
    )
    .await;
}
