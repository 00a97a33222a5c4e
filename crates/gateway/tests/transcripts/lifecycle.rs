//! How servers begin, fail, fall silent, die, rest and end; and what their clients notice of it.

use super::harness::{World, check};

// === starting ===

#[tokio::test(start_paused = true)]
async fn a_server_that_never_starts_is_given_up_with_the_reason() {
    check(
        r#"
        server a {"tools":["x"],"launch":"held","start_timeout_s":30}
        client 1 hello
        client 1 -> #1 tools/list
        advance 5s
        client 1 <- #1 = {"tools":[]}
        server a is {"state":"starting","upstreams":0, ...}
        advance 26s
        server a is {"state":"failed","reason":"*did not start within 30 s*start_timeout_s*", ...}
        client 1 -> #2 tools/list
        client 1 <- #2 = {"tools":[]}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_handshake_is_given_up_too() {
    check(
        r#"
        server a {"tools":["x"],"by_hand":["initialize"]}
        gateway {"start_timeout":30}
        client 1 hello
        client 1 -> #1 tools/call {"name":"a__x"}
        server a <- #$i initialize *
        advance 31s
        client 1 <- #1 ! -32602 *
        server a ends
        server a is {"state":"failed","reason":"*did not start within 30 s*", ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_start_that_fails_is_told_with_its_reason_and_tried_again_later() {
    check(
        r#"
        server a {"tools":["x"],"launch":"held"}
        server b {"tools":["y"]}
        client 1 hello
        client 1 -> #1 tools/list
        server a fails "no-such-command"
        client 1 <- #1 = {"tools":[{"name":"y", ...}]}
        server a is {"state":"failed","reason":"*no-such-command*not found*servers.json*", ...}
        // Not at once.
        client 1 -> #2 tools/list
        client 1 <- #2 = {"tools":[{"name":"y", ...}]}
        server a launches 1
        advance 1s
        // The list does not wait for it a second time.
        client 1 -> #3 tools/list
        client 1 <- #3 = {"tools":[{"name":"y", ...}]}
        server a launches 2
        server a starts
        client 1 <- notifications/tools/list_changed
        server a is {"state":"ready","reason":null, ...}
        client 1 -> #4 tools/list
        client 1 <- #4 = {"tools":[{"name":"x", ...},{"name":"y", ...}]}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_wait_grows_with_each_failure_and_calls_are_told() {
    check(
        r#"
        server a {"tools":["x"]}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = *
        gateway restarts a
        server a ends
        server a has {"tools":["x"],"launch":"held"}
        client 1 -> #2 tools/call {"name":"x"}
        server a fails "broken"
        client 1 <- #2 = {"isError":true,"content":[{"type":"text","text":"server \"a\" is unavailable: *broken*"}]}
        client 1 -> #3 tools/call {"name":"x"}
        client 1 <- #3 = {"isError":true,"content":[{"type":"text","text":"*broken*next try in 1 s*"}]}
        server a launches 2
        advance 500ms
        client 1 -> #4 tools/call {"name":"x"}
        server a fails "still broken"
        client 1 <- #4 = {"isError":true, ...}
        advance 500ms
        client 1 -> #5 tools/call {"name":"x"}
        client 1 <- #5 = {"isError":true,"content":[{"type":"text","text":"*still broken*failed 2 times in a row*"}]}
        server a launches 3
        advance 600ms
        client 1 -> #6 tools/call {"name":"x"}
        server a starts
        server a.2 <- #$6 tools/call *
        server a.2 -> #$6 = {}
        client 1 <- #6 = {}
        server a is {"state":"ready","reason":null, ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn servers_start_in_parallel_and_the_first_list_waits_only_so_long() {
    check(
        r#"
        server a {"tools":["x"],"launch":"held"}
        server b {"tools":["y"],"launch":"held"}
        server c {"tools":["z"]}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 -> #2 prompts/list
        server a launches 1
        server b launches 1
        advance 3s
        server b starts
        client 1 hears nothing
        advance 1900ms
        client 1 hears nothing
        advance 100ms
        client 1 <- #1 = {"tools":[{"name":"y", ...},{"name":"z", ...}]}
        client 1 <- #2 = {"prompts":[]}
        server a starts
        client 1 <- notifications/tools/list_changed
        client 1 hears nothing
        client 1 -> #3 tools/list
        client 1 <- #3 = {"tools":[{"name":"x", ...},{"name":"y", ...},{"name":"z", ...}]}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_servers_that_are_still_starting() {
    check(
        r#"
        server a {"tools":["x"],"launch":"held"}
        server b {"tools":["y"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"y"}
        client 1 -> #2 tools/call {"name":"x"}
        client 1 -> #3 tools/call {"name":"nothing"}
        server a starts
        server b <- #$1 tools/call *
        server b -> #$1 = {}
        client 1 <- #1 = {}
        server a <- #$2 tools/call *
        server a -> #$2 = {}
        client 1 <- #2 = {}
        client 1 <- #3 ! -32602 *
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn many_calls_start_a_server_once() {
    check(
        r#"
        server a {"tools":["x"],"launch":"held"}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x","arguments":1}
        client 1 -> #2 tools/call {"name":"x","arguments":2}
        client 1 -> #3 tools/list
        server a launches 1
        server a starts
        server a launches 1
        server a <- #$1 tools/call {"name":"x","arguments":1}
        server a <- #$2 tools/call {"name":"x","arguments":2}
        client 1 <- #3 = *
        server a -> #$1 = {}
        server a -> #$2 = {}
        client 1 <- #1 = {}
        client 1 <- #2 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_start_ends_with_the_client_that_wanted_it() {
    check(
        r#"
        server a {"tools":["x"],"launch":"held"}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        client 1 closes
        client 1 <- silence
        server a is {"state":"idle","upstreams":0, ...}
        server a is not being started
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_start_that_nobody_wants_any_more_is_given_up_at_once() {
    check(
        r#"
        server a {"tools":["x"],"by_hand":["initialize"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$1 initialize *
        client 1 closes
        client 1 <- silence
        client 1 <- end
        server a ends
        client 2 hello
        client 2 -> #1 tools/call {"name":"x"}
        server a.2 <- #$2 initialize *
        gateway stops a
        server a.2 ends
        client 2 <- #1 ! -32602 *
        server a is {"state":"stopped","reason":"it was stopped*", ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_begins_a_start_that_hangs_anew() {
    check(
        r#"
        server a {"tools":["x"],"by_hand":["initialize"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$1 initialize *
        server a has {"tools":["x"]}
        gateway restarts a
        server a ends
        // The call that waited goes to the new one.
        server a.2 <- #$2 tools/call *
        server a.2 -> #$2 = {}
        client 1 <- #1 = {}
        server a is {"state":"ready","reason":null,"upstreams":1, ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_disabled_server_does_not_exist_for_clients() {
    check(
        r#"
        server a {"tools":["x"],"disabled":true}
        server b {"tools":["x"]}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = {"tools":[{"name":"x", ...}]}
        client 1 -> #2 tools/call {"name":"a__x"}
        client 1 <- #2 ! -32602 *
        server a launches 0
        server a is {"state":"disabled","reason":"*disabled in servers.json*", ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_is_refused_is_told() {
    check(
        r#"
        server a {"tools":["x"],"by_hand":["initialize"]}
        client 1 hello
        client 1 -> #1 tools/list
        server a <- #$i initialize *
        server a -> #$i ! -32000 "no licence"
        client 1 <- #1 = {"tools":[]}
        server a ends
        server a is {"state":"failed","reason":"*no licence*", ...}
        "#,
    )
    .await;
    check(
        r#"
        server a {"tools":["x"],"version":"1999-01-01"}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = {"tools":[]}
        server a ends
        server a is {"state":"failed","reason":"*1999-01-01*", ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_of_any_handshake_revision_is_used() {
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        check(&format!(
            r#"
            server a {{"tools":["x"],"version":"{version}"}}
            client 1 hello
            client 1 -> #1 tools/list
            client 1 <- #1 = {{"tools":[{{"name":"x", ...}}]}}
            server a is {{"state":"ready","versions":["{version}"], ...}}
            "#
        ))
        .await;
    }
}

// === silence ===

#[tokio::test(start_paused = true)]
async fn a_silent_call_ends_by_its_time_and_the_server_is_told() {
    check(
        r#"
        server a {"tools":["x"],"prompts":["p"],"call_timeout_s":30}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$1 tools/call *
        client 1 -> #2 prompts/get {"name":"p"}
        server a <- #$2 prompts/get *
        advance 29s
        client 1 hears nothing
        advance 2s
        client 1 <- #1 = {"isError":true,"content":[{"type":"text","text":"*\"a\" did not answer within 30 s*call_timeout_s*"}]}
        client 1 <- #2 ! -31002 "*30 s*"
        server a <- notifications/cancelled {"requestId":*,"reason":"no answer in time"}
        server a <- notifications/cancelled {"requestId":*, ...}
        server a -> #$1 = {}
        client 1 hears nothing
        // It is not dead: the next call goes to the same one.
        client 1 -> #3 tools/call {"name":"x"}
        server a <- #$3 tools/call *
        server a -> #$3 = {}
        client 1 <- #3 = {}
        server a launches 1
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_reports_progress_lives_longer_but_not_for_ever() {
    let progress = r#"
        advance 25s
        server a -> notifications/progress {"progressToken":$1,"progress":1}
        client 1 <- notifications/progress *
    "#;
    check(&format!(
        r#"
        server a {{"tools":["x"],"call_timeout_s":30}}
        client 1 hello
        client 1 -> #1 tools/call {{"name":"x","_meta":{{"progressToken":1}}}}
        server a <- #$1 tools/call *
        {}
        server a -> #$1 = {{}}
        client 1 <- #1 = {{}}
        "#,
        progress.repeat(5)
    ))
    .await;
    check(&format!(
        r#"
        server a {{"tools":["x"],"call_timeout_s":14400}}
        client 1 hello
        client 1 -> #1 tools/call {{"name":"x","_meta":{{"progressToken":1}}}}
        server a <- #$1 tools/call *
        {}
        advance 50m
        client 1 hears nothing
        advance 20m
        client 1 <- #1 = {{"isError":true, ...}}
        server a <- notifications/cancelled *
        "#,
        progress.replace("25s", "1h").repeat(5)
    ))
    .await;
}

// === death ===

#[tokio::test(start_paused = true)]
async fn a_death_during_a_call_answers_it_once_and_the_next_call_starts_it_again() {
    check(
        r#"
        server a {"tools":["x"],"prompts":["p"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$1 tools/call *
        client 1 -> #2 prompts/get {"name":"p"}
        server a <- #$2 prompts/get *
        advance 11s
        server a dies
        client 1 <- #1 = {"isError":true,"content":[{"type":"text","text":"server \"a\" ended during the call: it closed its output"}]}
        client 1 <- #2 ! -31001 "*ended during the call*"
        server a is {"state":"idle","reason":null,"upstreams":0, ...}
        client 1 -> #3 tools/call {"name":"x"}
        server a.2 <- #$3 tools/call *
        server a.2 -> #$3 = {}
        client 1 <- #3 = {}
        client 1 hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_death_right_after_the_start_is_a_failure_to_start() {
    check(
        r#"
        server a {"tools":["x"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$1 tools/call *
        server a dies
        client 1 <- #1 = {"isError":true, ...}
        server a is {"state":"failed","reason":"it closed its output*next try*", ...}
        client 1 -> #2 tools/call {"name":"x"}
        client 1 <- #2 = {"isError":true,"content":[{"type":"text","text":"*unavailable: it closed its output*"}]}
        server a launches 1
        advance 500ms
        client 1 -> #3 tools/call {"name":"x"}
        server a.2 <- #$3 tools/call *
        server a.2 -> #$3 = {}
        client 1 <- #3 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn dying_right_after_each_start_again_and_again_makes_the_wait_grow() {
    check(
        r#"
        server a {"tools":["x"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$1 tools/call *
        server a dies
        client 1 <- #1 = *
        advance 500ms
        client 1 -> #2 tools/call {"name":"x"}
        server a.2 <- #$2 tools/call *
        server a.2 dies
        client 1 <- #2 = *
        advance 500ms
        client 1 -> #3 tools/call {"name":"x"}
        client 1 <- #3 = {"isError":true,"content":[{"type":"text","text":"*failed 2 times in a row*"}]}
        server a launches 2
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_death_between_calls_is_not_noticed_by_clients() {
    check(
        r#"
        server a {"tools":["x"]}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = *
        advance 60s
        server a dies
        client 1 hears nothing
        client 1 -> #2 tools/list
        client 1 <- #2 = {"tools":[{"name":"x", ...}]}
        server a launches 1
        client 1 -> #3 tools/call {"name":"x"}
        server a.2 <- #$3 tools/call *
        server a.2 -> #$3 = {}
        client 1 <- #3 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_clients_dying_server_is_not_anothers() {
    check(
        r#"
        server a {"tools":["x"]}
        client 1 hello
        client 2 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$1 tools/call *
        client 2 -> #1 tools/call {"name":"x"}
        server a.2 <- #$2 tools/call *
        advance 11s
        server a dies
        client 1 <- #1 = {"isError":true, ...}
        client 2 hears nothing
        server a.2 -> #$2 = {}
        client 2 <- #1 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_death_during_the_first_reading_of_lists_does_not_hold_up_the_client() {
    check(
        r#"
        server a {"tools":["x"],"by_hand":["tools/list"]}
        client 1 hello
        client 1 -> #1 tools/list
        server a <- #$l tools/list {}
        server a dies
        client 1 <- #1 = {"tools":[]}
        "#,
    )
    .await;
}

// === rest and end ===

#[tokio::test(start_paused = true)]
async fn an_idle_server_is_stopped_and_started_by_the_next_call() {
    check(
        r#"
        server a {"tools":["x"]}
        server b {"tools":["y"],"idle_timeout_s":0}
        gateway {"idle_timeout":60}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = *
        advance 58s
        server a is {"state":"ready", ...}
        advance 5s
        server a ends
        server a is {"state":"idle","reason":null,"tools":1, ...}
        server b is {"state":"ready", ...}
        client 1 -> #2 tools/list
        client 1 <- #2 = {"tools":[{"name":"x", ...},{"name":"y", ...}]}
        client 1 -> #3 tools/call {"name":"x"}
        server a.2 <- #$3 tools/call *
        server a.2 -> #$3 = {}
        client 1 <- #3 = {}
        client 1 hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_works_is_not_idle() {
    check(
        r#"
        server a {"tools":["x"],"idle_timeout_s":60}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$1 tools/call *
        advance 4m
        server a -> #$1 = {}
        client 1 <- #1 = {}
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
async fn people_stop_and_restart_servers() {
    check(
        r#"
        server a {"tools":["x"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$1 tools/call *
        gateway stops a
        server a ends
        client 1 <- #1 = {"isError":true,"content":[{"type":"text","text":"*it was stopped*"}]}
        server a is {"state":"stopped","reason":"*portolan server restart a*", ...}
        client 1 -> #2 tools/call {"name":"x"}
        client 1 <- #2 = {"isError":true,"content":[{"type":"text","text":"*portolan server restart a*"}]}
        client 1 -> #3 tools/list
        client 1 <- #3 = {"tools":[{"name":"x", ...}]}
        server a launches 1
        gateway restarts a
        server a is {"state":"idle","reason":null, ...}
        client 1 -> #4 tools/call {"name":"x"}
        server a.2 <- #$4 tools/call *
        server a.2 -> #$4 = {}
        client 1 <- #4 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_takes_its_servers_along() {
    check(
        r#"
        server a {"tools":["x"]}
        server b {"tools":["y"],"share":"caller"}
        client 1 hello
        client 2 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$1 tools/call *
        client 1 -> #2 tools/call {"name":"y"}
        server b <- #$2 tools/call *
        client 2 -> #1 tools/call {"name":"x"}
        server a.2 <- #$3 tools/call *
        client 1 closes
        client 1 <- silence
        client 1 <- silence
        client 1 <- end
        server a <- notifications/cancelled *
        server a ends
        server b <- notifications/cancelled *
        server a.2 -> #$3 = {}
        client 2 <- #1 = {}
        server b is {"state":"ready", ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn shutting_down_lets_calls_finish_and_takes_no_new_ones() {
    check(
        r#"
        server a {"tools":["x"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$1 tools/call *
        gateway shuts down 30s
        client 1 -> #2 tools/call {"name":"x"}
        client 1 <- #2 ! -31001 "*shutting down*"
        caller ann ~> #1 tools/list
        caller ann <- #1 ! -31001 *
        client 2 cannot open
        advance 10s
        gateway is not down
        server a -> #$1 = {"n":1}
        client 1 <- #1 = {"n":1}
        advance 1s
        server a ends
        client 1 <- end
        gateway is down
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_does_not_finish_in_time_is_cut_off() {
    check(
        r#"
        server a {"tools":["x"]}
        client 1 opens http
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$1 tools/call *
        caller ann ~> #1 subscriptions/listen {"notifications":{}}
        caller ann <- notifications/subscriptions/acknowledged *
        gateway shuts down 5s
        caller ann <- #1 = *
        advance 4s
        gateway is not down
        advance 2s
        server a <- notifications/cancelled *
        server a ends
        client 1 <- #1 ! -31004 *
        client 1 <- end
        gateway is down
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn whatever_happened_to_calls_none_is_counted_for_ever() {
    let mut world = World::default();
    world
        .run(
            r#"
            server a {"tools":["x"],"call_timeout_s":30}
            server b {"era":"stateless","tools":["y"]}
            client 1 hello
            client 2 opens http
            client 2 hello
            client 1 -> #1 tools/call {"name":"x"}
            server a <- #$1 tools/call *
            client 1 -> notifications/cancelled {"requestId":1}
            server a <- notifications/cancelled *
            client 1 <- silence
            client 1 -> #2 tools/call {"name":"x"}
            server a <- #$2 tools/call *
            advance 31s
            client 1 <- #2 = *
            server a <- notifications/cancelled *
            client 2 -> #3 tools/call {"name":"x"}
            server a.2 <- #$3 tools/call *
            client 2 drops #3
            caller ann ~> #4 tools/call {"name":"y"}
            server b.2 <- #$4 tools/call *
            caller ann drops #4
            server b.2 <- notifications/cancelled *
            caller ann ~> #5 subscriptions/listen {"notifications":{}}
            caller ann <- notifications/subscriptions/acknowledged *
            caller ann drops #5
            client 1 -> #6 tools/call {"name":"x"}
            server a <- #$6 tools/call *
            server a dies
            client 1 <- #6 = *
            client 1 -> #7 tools/call {"name":"z"}
            client 1 <- #7 ! -32602 *
            client 1 -> #8 tools/call {"name":"x"}
            server a.4 <- #$8 tools/call *
            client 1 closes
            client 1 <- silence
            client 1 <- end
            server a.4 <- notifications/cancelled *
            "#,
        )
        .await;
    let metrics = world.gateway().metrics();
    assert!(metrics.contains("\nportolan_sessions 1\n"), "{metrics}");
    world
        .run(
            r#"
            gateway shuts down 60s
            advance 1s
            gateway is down
            client 2 <- end
            server a.2 ends
            server a.4 ends
            "#,
        )
        .await;
    let metrics = world.gateway().metrics();
    assert!(metrics.contains("\nportolan_sessions 0\n"), "{metrics}");
    assert!(metrics.contains("\nportolan_upstreams 0\n"), "{metrics}");
    world.finish().await;
}

// === conversations ===

#[tokio::test(start_paused = true)]
async fn a_conversation_over_http_that_nobody_uses_ends() {
    check(
        r#"
        server a {"tools":["x"]}
        gateway {"session_idle":600,"idle_timeout":0}
        client 1 opens http
        client 1 hello
        client 2 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$1 tools/call *
        // One that waits for an answer is used.
        advance 290s
        server a -> #$1 = {}
        client 1 <- #1 = {}
        advance 500s
        client 1 -> #2 ping
        client 1 <- #2 = {}
        advance 590s
        client 1 -> #3 ping
        client 1 <- #3 = {}
        advance 610s
        client 1 <- end
        server a ends
        client 1 -> #4 ping
        client 1 <- gone
        // On stdio the process says when it ends.
        client 2 -> #4 ping
        client 2 <- #4 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_conversation_does_not_exist() {
    let mut world = World::default();
    world.run("client 1 opens http as ann").await;
    let session = world.client("client 1").session.clone().unwrap();
    let gateway = world.gateway();
    let caller = |name: &str| portolan_gateway::front::Caller(name.into());
    assert!(gateway.session(session.id(), &caller("ann")).is_some());
    assert!(gateway.session(session.id(), &caller("bob")).is_none());
    assert!(gateway.session("nonsense", &caller("ann")).is_none());
    assert!(session.id().len() >= 32, "{}", session.id());
    gateway.close(&session);
    gateway.close(&session);
    assert!(gateway.session(session.id(), &caller("ann")).is_none());
    world.finish().await;
}

#[tokio::test(start_paused = true)]
async fn after_the_end_nothing_is_started() {
    let mut world = World::default();
    world
        .run(
            r#"
            server a {"era":"stateless","tools":["x"],"launch":"held"}
            server b {"era":"stateless","resources":["r://1"]}
            caller ann ~> #1 resources/list
            advance 5s
            caller ann <- #1 = {"resources":[{"uri":"r://1", ...}], ...}
            server b launches 1
            // This one needs another connection to b, but looks for a first.
            caller bob ~> #2 subscriptions/listen {"notifications":{"resourceSubscriptions":["r://1"]}}
            gateway shuts down 0s
            advance 10s
            gateway is down
            caller bob <- notifications/subscriptions/acknowledged *
            caller bob <- #2 = *
            server b launches 1
            server b ends
            "#,
        )
        .await;
    let metrics = world.gateway().metrics();
    assert!(metrics.contains("\nportolan_upstreams 0\n"), "{metrics}");
    world.finish().await;
}
