//! Names as clients see them: whose tool is which, for as long as the conversation lasts.

use super::harness::check;

/// One gateway, one client, and what it must see: the names of its tools.
async fn sees(servers: &str, names: &[&str]) {
    let items: Vec<String> = names
        .iter()
        .map(|name| format!(r#"{{"name":"{name}", ...}}"#))
        .collect();
    check(&format!(
        r#"
        {servers}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = {{"tools":[{}]}}
        "#,
        items.join(",")
    ))
    .await;
}

#[tokio::test(start_paused = true)]
async fn tools_keep_their_names_while_those_are_unique() {
    sees(
        r#"
        server b {"tools":["read","Read"]}
        server a {"tools":["write"]}
        "#,
        &["read", "Read", "write"],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn clashing_names_are_prefixed_in_configuration_order() {
    sees(
        r#"
        server b {"tools":["read","only"]}
        server a {"tools":["read"]}
        "#,
        &["b__read", "only", "a__read"],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn names_of_the_gateway_cannot_be_taken() {
    sees(
        r#"server a {"tools":["mcp-find","mcp-add","mcp-exec","code-mode","code-mode-x","mcp-other"]}"#,
        &["a__mcp-find", "a__mcp-add", "a__mcp-exec", "a__code-mode", "a__code-mode-x", "mcp-other"],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn names_that_clients_refuse_are_repaired() {
    sees(
        r#"server my.server {"tools":["files.read","a b","a/b","résumé","xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"]}"#,
        &["files_read", "my_server__a_b", "my_server__a_b_2", "r_sum__*", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx_*"],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_repaired_name_leads_to_the_tool_by_its_own() {
    check(
        r#"
        server a {"tools":["files.read","日本"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"files_read"}
        server a <- #$1 tools/call {"name":"files.read"}
        server a -> #$1 = {}
        client 1 <- #1 = {}
        client 1 -> #2 tools/call {"name":"a__files.read"}
        server a <- #$2 tools/call {"name":"files.read"}
        server a -> #$2 = {}
        client 1 <- #2 = {}
        client 1 -> #3 tools/call {"name":"a__files_read"}
        server a <- #$3 tools/call {"name":"files.read"}
        server a -> #$3 = {}
        client 1 <- #3 = {}
        client 1 -> #4 tools/list
        client 1 <- #4 = {"tools":[*,{"name":$name, ...}]}
        client 1 -> #5 tools/call {"name":$name}
        server a <- #$5 tools/call {"name":"日本"}
        server a -> #$5 = {}
        client 1 <- #5 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn server_and_tool_always_resolve() {
    check(
        r#"
        server a {"tools":["read","own"]}
        server b {"tools":["read"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"a__own"}
        server a <- #$1 tools/call {"name":"own"}
        server a -> #$1 = {}
        client 1 <- #1 = {}
        client 1 -> #2 tools/call {"name":"b__read"}
        server b <- #$2 tools/call {"name":"read"}
        server b -> #$2 = {}
        client 1 <- #2 = {}
        client 1 -> #3 tools/call {"name":"c__read"}
        client 1 <- #3 ! -32602 *
        client 1 -> #4 tools/call {"name":"a__nothing"}
        client 1 <- #4 ! -32602 *
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_offered_does_not_resolve_either() {
    check(
        r#"
        server a {"tools":["read","delete"],"exclude":["delete"]}
        server b {"tools":["list","drop"],"only":["list"]}
        gateway {"tools":["a:read","a:delete","b:*"]}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = {"tools":[{"name":"read", ...},{"name":"list", ...}]}
        client 1 -> #2 tools/call {"name":"delete"}
        client 1 <- #2 ! -32602 *
        client 1 -> #3 tools/call {"name":"a__delete"}
        client 1 <- #3 ! -32602 *
        client 1 -> #4 tools/call {"name":"b__drop"}
        client 1 <- #4 ! -32602 *
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_tool_is_answered_with_the_nearest_names() {
    check(
        r#"
        server a {"tools":["get-weather","get-sum","echo"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"get-weathr"}
        client 1 <- #1 ! -32602 "unknown tool \"get-weathr\"; did you mean get-weather?"
        client 1 -> #2 tools/call {"name":"nothing like it"}
        client 1 <- #2 ! -32602 "unknown tool \"nothing like it\""
        client 1 -> #3 tools/call {"arguments":{}}
        client 1 <- #3 ! -32602 "*name*missing*"
        client 1 -> #4 tools/call {"name":7}
        client 1 <- #4 ! -32602 "*name*"
        client 1 -> #5 tools/call [1]
        client 1 <- #5 ! -32602 *
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_given_name_stays_and_the_newcomer_is_prefixed() {
    check(
        r#"
        server a {"tools":["read"]}
        server b {"tools":["write"]}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = {"tools":[{"name":"read", ...},{"name":"write", ...}]}
        server b has {"tools":["write","read"]}
        server b -> notifications/tools/list_changed
        client 1 <- notifications/tools/list_changed
        client 1 -> #2 tools/list
        client 1 <- #2 = {"tools":[{"name":"read", ...},{"name":"write", ...},{"name":"b__read", ...}]}
        // Its rival goes: it keeps its name.
        server a has {"tools":["other"]}
        server a -> notifications/tools/list_changed
        client 1 <- notifications/tools/list_changed
        client 1 -> #3 tools/list
        client 1 <- #3 = {"tools":[{"name":"other", ...},{"name":"write", ...},{"name":"b__read", ...}]}
        // And the rival finds its own when it comes back.
        server a has {"tools":["read"]}
        server a -> notifications/tools/list_changed
        client 1 <- notifications/tools/list_changed
        client 1 -> #4 tools/list
        client 1 <- #4 = {"tools":[{"name":"read", ...},{"name":"write", ...},{"name":"b__read", ...}]}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_name_of_a_tool_that_went_away_is_not_given_to_another() {
    check(
        r#"
        server a {"tools":["read","keep"]}
        server b {"tools":["write"]}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = *
        server a has {"tools":["keep"]}
        server a -> notifications/tools/list_changed
        client 1 <- notifications/tools/list_changed
        client 1 -> #2 tools/list
        client 1 <- #2 = *
        server b has {"tools":["write","read"]}
        server b -> notifications/tools/list_changed
        client 1 <- notifications/tools/list_changed
        // What the client knows as `read` was a's, and may be again.
        client 1 -> #3 tools/list
        client 1 <- #3 = {"tools":[{"name":"keep", ...},{"name":"write", ...},{"name":"b__read", ...}]}
        server a has {"tools":["keep","read"]}
        server a -> notifications/tools/list_changed
        client 1 <- notifications/tools/list_changed
        client 1 -> #4 tools/list
        client 1 <- #4 = {"tools":[{"name":"keep", ...},{"name":"read", ...},{"name":"write", ...},{"name":"b__read", ...}]}
        client 1 -> #5 tools/call {"name":"read"}
        server a <- #$id tools/call {"name":"read"}
        server a -> #$id = {}
        client 1 <- #5 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_starts_late_does_not_rename_tools_that_are_known() {
    check(
        r#"
        server a {"tools":["read"],"launch":"held"}
        server b {"tools":["read"]}
        client 1 hello
        client 1 -> #1 tools/list
        advance 5s
        client 1 <- #1 = {"tools":[{"name":"read", ...}]}
        server a starts
        client 1 <- notifications/tools/list_changed
        client 1 -> #2 tools/list
        client 1 <- #2 = {"tools":[{"name":"a__read", ...},{"name":"read", ...}]}
        client 1 -> #3 tools/call {"name":"read"}
        server b <- #$id tools/call {"name":"read"}
        server b -> #$id = {}
        client 1 <- #3 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn another_conversation_has_names_of_its_own() {
    check(
        r#"
        server a {"tools":["read"],"launch":"held"}
        server b {"tools":["read"]}
        client 1 hello
        client 1 -> #1 tools/list
        advance 5s
        client 1 <- #1 = {"tools":[{"name":"read", ...}]}
        server a starts
        client 1 <- notifications/tools/list_changed
        client 2 hello
        client 2 -> #1 tools/list
        client 2 <- #1 = {"tools":[{"name":"a__read", ...},{"name":"b__read", ...}]}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_server_alone_keeps_its_names() {
    check(
        r#"
        server a {"tools":["read"]}
        server b {"tools":["read"]}
        client 1 opens http only b
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = {"tools":[{"name":"read", ...}]}
        client 1 -> #2 tools/call {"name":"read"}
        server b <- #$id tools/call {"name":"read"}
        server b -> #$id = {}
        client 1 <- #2 = {}
        client 1 -> #3 tools/call {"name":"a__read"}
        client 1 <- #3 ! -32602 *
        server a launches 0
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_calls_while_servers_start_does_not_decide_about_their_names() {
    check(
        r#"
        server a {"tools":["x"]}
        server b {"tools":["x"],"launch":"held"}
        client 1 hello
        client 1 -> #1 tools/list
        server b is held
        // `a` has listed, `b` has not, and a call looks for its server.
        client 1 -> #2 tools/call {"name":"a__x"}
        server a <- #$2 tools/call {"name":"x"}
        server a -> #$2 = {}
        client 1 <- #2 = {}
        server b starts
        client 1 <- #1 = {"tools":[{"name":"a__x", ...},{"name":"b__x", ...}]}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_name_that_was_told_stays_though_other_servers_were_still_starting() {
    check(
        r#"
        gateway {"list_wait":5}
        server a {"tools":["x"]}
        server b {"tools":["x"],"launch":"held"}
        client 1 hello
        client 1 -> #1 tools/list
        advance 6s
        client 1 <- #1 = {"tools":[{"name":"x", ...}]}
        server b starts
        client 1 <- notifications/tools/list_changed
        client 1 -> #2 tools/list
        client 1 <- #2 = {"tools":[{"name":"x", ...},{"name":"b__x", ...}]}
        client 1 -> #3 tools/call {"name":"x"}
        server a <- #$3 tools/call {"name":"x"}
        server a -> #$3 = {}
        client 1 <- #3 = {}
        "#,
    )
    .await;
}
