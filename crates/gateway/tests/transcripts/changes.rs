//! List changes: read again once, told once, to the conversations that they concern.

use portolan_gateway::limits::RELISTS_AT_ONCE;

use super::harness::check;

#[tokio::test(start_paused = true)]
async fn a_newly_added_tool_is_listed_and_callable() {
    check(
        r#"
        server a {"tools":["add"]}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = {"tools":[{"name":"add", ...}]}
        server a has {"tools":["add","multiply"]}
        server a -> notifications/tools/list_changed
        client 1 <- notifications/tools/list_changed
        client 1 -> #2 tools/list
        client 1 <- #2 = {"tools":[{"name":"add", ...},{"name":"multiply", ...}]}
        client 1 -> #3 tools/call {"name":"multiply"}
        server a <- #$id tools/call {"name":"multiply"}
        server a -> #$id = {}
        client 1 <- #3 = {}
        server a has {"tools":["multiply"]}
        server a -> notifications/tools/list_changed
        client 1 <- notifications/tools/list_changed
        client 1 -> #4 tools/call {"name":"add"}
        client 1 <- #4 ! -32602 "unknown tool \"add\""
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn prompts_resources_and_templates_change_too() {
    check(
        r#"
        server a {"prompts":["p"],"resources":["x://1"],"templates":["t://{n}"]}
        client 1 hello
        client 1 -> #1 prompts/list
        client 1 <- #1 = *
        server a has {"prompts":["p","q"],"resources":["x://2"],"templates":["u://{n}"]}
        server a -> notifications/prompts/list_changed
        client 1 <- notifications/prompts/list_changed
        client 1 -> #2 prompts/list
        client 1 <- #2 = {"prompts":[{"name":"p"},{"name":"q"}]}
        server a -> notifications/resources/list_changed
        client 1 <- notifications/resources/list_changed
        client 1 -> #3 resources/list
        client 1 <- #3 = {"resources":[{"uri":"x://2", ...}]}
        client 1 -> #4 resources/templates/list
        client 1 <- #4 = {"resourceTemplates":[{"uriTemplate":"u://{n}", ...}]}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_client_is_told_when_the_new_list_is_there_and_not_before() {
    check(
        r#"
        server a {"tools":["add"]}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = *
        server a has {"tools":["add"],"by_hand":["tools/list"]}
        server a -> notifications/tools/list_changed
        server a <- #$l tools/list {}
        client 1 hears nothing
        // More changes while the list is being read: read once more, not five times.
        server a -> notifications/tools/list_changed
        server a -> notifications/tools/list_changed
        server a -> notifications/tools/list_changed
        server a -> #$l = {"tools":[{"name":"one","inputSchema":{"type":"object"}}]}
        client 1 <- notifications/tools/list_changed
        server a <- #$m tools/list {}
        server a -> #$m = {"tools":[{"name":"two","inputSchema":{"type":"object"}}]}
        client 1 <- notifications/tools/list_changed
        server a hears nothing
        client 1 -> #2 tools/list
        client 1 <- #2 = {"tools":[{"name":"two", ...}]}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_change_during_the_first_reading_is_not_missed() {
    check(
        r#"
        server a {"tools":["old"],"by_hand":["tools/list"]}
        client 1 hello
        client 1 -> #1 tools/list
        server a <- #$l tools/list {}
        server a -> notifications/tools/list_changed
        server a -> #$l = {"tools":[]}
        client 1 <- #1 = {"tools":[]}
        server a <- #$m tools/list {}
        server a -> #$m = {"tools":[{"name":"new","inputSchema":{"type":"object"}}]}
        client 1 <- notifications/tools/list_changed
        client 1 -> #2 tools/list
        client 1 <- #2 = {"tools":[{"name":"new", ...}]}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn two_kinds_that_change_at_once_are_both_read() {
    check(
        r#"
        server a {"tools":["x"],"prompts":["p"],"by_hand":[]}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = *
        server a has {"tools":["x","y"],"prompts":["p","q"],"by_hand":["tools/list"]}
        server a -> notifications/tools/list_changed
        server a <- #$l tools/list {}
        server a -> notifications/prompts/list_changed
        server a has {"tools":["x","y"],"prompts":["p","q"]}
        server a -> #$l = {"tools":[]}
        client 1 <- notifications/tools/list_changed
        client 1 <- notifications/prompts/list_changed
        client 1 hears nothing
        client 1 -> #2 prompts/list
        client 1 <- #2 = {"prompts":[{"name":"p"},{"name":"q"}]}
        client 1 hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn only_clients_of_that_upstream_are_told() {
    check(
        r#"
        server a {"tools":["x"]}
        client 1 hello
        client 2 hello
        client 3 opens
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$1 tools/call *
        server a -> #$1 = {}
        client 1 <- #1 = {}
        client 2 -> #1 tools/call {"name":"x"}
        server a.2 <- #$2 tools/call *
        server a.2 -> #$2 = {}
        client 2 <- #1 = {}
        server a has {"tools":["x","y"]}
        server a.2 -> notifications/tools/list_changed
        client 2 <- notifications/tools/list_changed
        client 1 hears nothing
        client 1 -> #2 tools/list
        client 1 <- #2 = {"tools":[{"name":"x", ...}]}
        client 2 -> #2 tools/list
        client 2 <- #2 = {"tools":[{"name":"x", ...},{"name":"y", ...}]}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn all_clients_of_a_shared_upstream_are_told_even_those_that_only_listed() {
    check(
        r#"
        server a {"tools":["x"],"share":"all"}
        client 1 hello
        client 2 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = *
        client 2 -> #1 tools/list
        client 2 <- #1 = {"tools":[{"name":"x", ...}]}
        server a has {"tools":["x","y"]}
        server a -> notifications/tools/list_changed
        client 1 <- notifications/tools/list_changed
        client 2 <- notifications/tools/list_changed
        client 2 -> #2 tools/list
        client 2 <- #2 = {"tools":[{"name":"x", ...},{"name":"y", ...}]}
        // And who comes later sees what is there now.
        client 3 hello
        client 3 -> #1 tools/list
        client 3 <- #1 = {"tools":[{"name":"x", ...},{"name":"y", ...}]}
        server a launches 1
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_list_that_cannot_be_read_again_stays_and_says_why() {
    check(
        r#"
        server a {"tools":["x"]}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = *
        server a has {"tools":["x"],"by_hand":["tools/list"]}
        server a -> notifications/tools/list_changed
        server a <- #$l tools/list {}
        server a -> #$l ! -32000 "out of order"
        client 1 hears nothing
        client 1 -> #2 tools/list
        client 1 <- #2 = {"tools":[{"name":"x", ...}]}
        server a is {"state":"ready","reason":"*out of order*", ...}
        // The reason goes with the next good list.
        server a has {"tools":["x"]}
        server a -> notifications/tools/list_changed
        client 1 <- notifications/tools/list_changed
        server a is {"state":"ready","reason":null, ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_with_the_same_lists_is_no_news_and_with_others_it_is() {
    check(
        r#"
        server a {"tools":["x"],"prompts":["p"]}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = *
        client 1 -> #2 prompts/list
        client 1 <- #2 = *
        gateway restarts a
        server a ends
        client 1 -> #3 tools/call {"name":"x"}
        server a.2 <- #$3 tools/call *
        server a.2 -> #$3 = {}
        client 1 <- #3 = {}
        client 1 hears nothing
        server a has {"tools":["x","y"],"prompts":["p"]}
        gateway restarts a
        server a.2 ends
        client 1 -> #4 tools/call {"name":"x"}
        server a.3 <- #$4 tools/call *
        client 1 <- notifications/tools/list_changed
        server a.3 -> #$4 = {}
        client 1 <- #4 = {}
        client 1 hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_list_that_the_server_does_not_have_is_not_read_again() {
    check(
        r#"
        server a {"tools":["x"]}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = *
        server a -> notifications/prompts/list_changed
        server a hears nothing
        client 1 hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_forgot_its_session_may_offer_something_else_now() {
    check(
        r#"
        server a {"tools":["x"],"http":true,"sessions":true}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = *
        server a has {"tools":["x","y"],"http":true,"sessions":true}
        server a forgets
        client 1 -> #2 tools/call {"name":"x"}
        server a <- #$c tools/call {"name":"x"}
        server a -> #$c = {}
        client 1 <- #2 = {}
        client 1 <- notifications/tools/list_changed
        client 1 -> #3 tools/list
        client 1 <- #3 = {"tools":[{"name":"x", ...},{"name":"y", ...}]}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_changes_all_the_time_is_read_in_steps() {
    let change = "
        server a -> notifications/tools/list_changed
        server a <- #$l* tools/list {}
        server a -> #$l* = {\"tools\":[]}
        client 1 <- notifications/tools/list_changed
        ";
    let at_once: String = (0..=RELISTS_AT_ONCE)
        .map(|n| change.replace('*', &n.to_string()))
        .collect();
    let after = change.replace('*', "after");
    check(&format!(
        r#"
        server a {{"tools":["x"]}}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = *
        server a has {{"tools":["x"],"by_hand":["tools/list"]}}
        {at_once}
        // Further changes are read together, and later.
        server a -> notifications/tools/list_changed
        server a -> notifications/tools/list_changed
        server a hears nothing
        advance 999ms
        server a hears nothing
        advance 2ms
        server a <- #$next tools/list {{}}
        server a -> #$next = {{"tools":[{{"name":"y","inputSchema":{{"type":"object"}}}}]}}
        client 1 <- notifications/tools/list_changed
        server a hears nothing
        // After a time without changes it is as before.
        advance 60s
        {after}
        client 1 hears nothing
        "#
    ))
    .await;
}
