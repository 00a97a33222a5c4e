//! Lists: what is read of servers that are odd about theirs, and how ours are given out.

use super::harness::check;

#[tokio::test(start_paused = true)]
async fn all_pages_of_a_server_are_read() {
    check(
        r#"
        server a {"tools":["a","b","c","d","e"],"prompts":["p","q"],"page":2}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = {"tools":[{"name":"a", ...},{"name":"b", ...},{"name":"c", ...},{"name":"d", ...},{"name":"e", ...}]}
        client 1 -> #2 prompts/list {}
        client 1 <- #2 = {"prompts":[{"name":"p"},{"name":"q"}]}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_cursor_that_comes_twice_ends_the_reading() {
    check(
        r#"
        server a {"tools":["a","b"],"page":1,"cursors":"loop"}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = {"tools":[{"name":"a", ...}]}
        server a is {"state":"ready","reason":"*the same cursor came twice*", ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn pages_without_end_are_read_to_a_limit() {
    check(
        r#"
        server a {"tools":["a","b"],"page":1,"cursors":"endless"}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = {"tools":[{"name":"a", ...},{"name":"b", ...}]}
        server a is {"state":"ready","tools":2,"reason":"*more than we read*", ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn items_beyond_the_limit_are_left_out() {
    check(
        r#"
        server a {"many_tools":20500,"page":5000}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = {"tools":[{"name":"t0", ...}, ...],"nextCursor":*}
        server a is {"state":"ready","tools":20000,"reason":"*more than we read (20000)*", ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn our_own_lists_have_pages() {
    check(
        r#"
        server a {"many_tools":1500}
        server b {"tools":["last"],"prompts":["p"]}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = {"tools":[{"name":"t0", ...}, ...],"nextCursor":$next}
        client 1 -> #2 tools/list {"cursor":$next}
        client 1 <- #2 = {"tools":[{"name":"t1000", ...}, ...]}
        client 1 -> #3 tools/list {"cursor":"nonsense"}
        client 1 <- #3 ! -32602 "*cursor*"
        client 1 -> #4 tools/list {"cursor":7}
        client 1 <- #4 ! -32602 *
        // The list has become shorter meanwhile.
        client 1 -> #5 prompts/list {"cursor":$next}
        client 1 <- #5 = {"prompts":[]}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn tools_with_bad_schemas_are_repaired_or_left_out_with_a_reason() {
    check(
        r#"
        server a {"tools":[{"name":"none"},{"name":"null","inputSchema":null},{"name":"untyped","inputSchema":{"properties":{"x":{}}}},
            {"name":"string","inputSchema":{"type":"string"}},{"name":"array","inputSchema":[]},{"inputSchema":{"type":"object"}},{"name":"","inputSchema":{"type":"object"}},
            {"name":"good","inputSchema":{"type":"object","anyOf":[{}]}},{"name":"good","inputSchema":{"type":"object"}},{"name":7}]}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = {"tools":[{"name":"none","inputSchema":{"type":"object"}},{"name":"null","inputSchema":{"type":"object"}},
            {"name":"untyped","inputSchema":{"properties":{"x":{}},"type":"object"}},{"name":"good","inputSchema":{"type":"object","anyOf":[{}]}}]}
        server a is {"state":"ready","tools":4,"reason":"*\"string\" was left out*\"array\" was left out*without \"name\"*empty \"name\"*\"good\" is listed twice*", ...}
        // What is left out cannot be called.
        client 1 -> #2 tools/call {"name":"string"}
        client 1 <- #2 ! -32602 *
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_broken_list_does_not_cost_the_others() {
    check(
        r#"
        server a {"tools":["x"],"prompts":["p"],"resources":["r://1"],"by_hand":["prompts/list","resources/list"]}
        server b {"tools":["y"]}
        client 1 hello
        client 1 -> #1 tools/list
        server a <- #$p prompts/list {}
        server a <- #$r resources/list {}
        server a -> #$r ! -32603 "disk on fire"
        server a -> #$p = {"prompts":"none"}
        client 1 <- #1 = {"tools":[{"name":"x", ...},{"name":"y", ...}]}
        server a is {"state":"ready","reason":"*prompts*broken*disk on fire*", ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_without_templates_has_its_resources_and_no_problem() {
    check(
        r#"
        server a {"resources":["r://1"],"by_hand":["resources/templates/list"]}
        client 1 hello
        client 1 -> #1 resources/list
        server a <- #$t resources/templates/list {}
        server a -> #$t ! -32601 "method not found"
        client 1 <- #1 = {"resources":[{"uri":"r://1", ...}]}
        client 1 -> #2 resources/templates/list
        client 1 <- #2 = {"resourceTemplates":[]}
        server a is {"state":"ready","reason":null, ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn lists_that_were_not_declared_are_not_read() {
    check(
        r#"
        server a {"capabilities":{"tools":{}},"by_hand":["tools/list","prompts/list","resources/list"]}
        client 1 hello
        client 1 -> #1 prompts/list
        server a <- #$l tools/list {}
        server a -> #$l = {"tools":[]}
        client 1 <- #1 = {"prompts":[]}
        client 1 -> #2 resources/list
        client 1 <- #2 = {"resources":[]}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_list_is_given_up() {
    check(
        r#"
        server a {"tools":["x"],"prompts":["p"],"by_hand":["prompts/list"]}
        client 1 hello
        client 1 -> #1 tools/list
        server a <- #$p prompts/list {}
        advance 5s
        client 1 <- #1 = {"tools":[]}
        advance 15s
        server a <- notifications/cancelled {"requestId":$p, ...}
        client 1 <- notifications/tools/list_changed
        client 1 -> #2 tools/list
        client 1 <- #2 = {"tools":[{"name":"x", ...}]}
        server a is {"state":"ready","reason":"*prompts*20 s*", ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_gateway_without_servers_has_empty_lists() {
    check(
        r#"
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <= {"jsonrpc":"2.0","id":1,"result":{"tools":[]}}
        client 1 -> #2 prompts/list
        client 1 <= {"jsonrpc":"2.0","id":2,"result":{"prompts":[]}}
        client 1 -> #3 tools/call {"name":"x"}
        client 1 <- #3 ! -32602 *
        client 1 -> #4 resources/read {"uri":"x://"}
        client 1 <- #4 ! -32002 * *
        "#,
    )
    .await;
}
