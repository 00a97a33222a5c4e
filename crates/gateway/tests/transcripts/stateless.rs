//! The era without conversations: each request says for itself who asks and how, in its body and in its headers.

use super::harness::check;

const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;

#[tokio::test(start_paused = true)]
async fn a_call_passes_with_its_meta_and_its_status() {
    check(&format!(
        r#"
        server a {{"tools":["x"],"era":"stateless"}}
        caller ann -> {{"jsonrpc":"2.0","id":"q","method":"tools/call","params":{{{META},"name":"x","arguments":{{"n":1.0}}}}}}
        server a <= {{"jsonrpc":"2.0","id":$id,"method":"tools/call","params":{{{META},"name":"x","arguments":{{"n":1.0}}}}}}
        server a -> {{"jsonrpc":"2.0","id":$id,"result":{{"resultType":"complete","content":[], "x":1e0}}}}
        caller ann <= 200 {{"jsonrpc":"2.0","id":"q","result":{{"resultType":"complete","content":[], "x":1e0}}}}
        caller ann ~> #2 tools/call {{"name":"x"}}
        server a <- #$2 tools/call *
        server a -> #$2 ! -32602 "bad"
        caller ann <- 200 #2 ! -32602 "bad"
        caller ann ~> #3 tools/call {{"name":"x"}}
        server a <- #$3 tools/call *
        server a -> #$3 ! -32021 "lacks" {{"requiredCapabilities":{{"sampling":{{}}}}}}
        caller ann <- 400 #3 ! -32021 "lacks" {{"requiredCapabilities":{{"sampling":{{}}}}}}
        "#
    ))
    .await;
}

#[tokio::test(start_paused = true)]
async fn questions_travel_inside_results_and_their_answers_inside_requests() {
    check(
        r#"
        server a {"tools":["ask"],"era":"stateless"}
        caller ann ~> #1 tools/call {"name":"ask"}
        server a <- #$1 tools/call *
        server a -> #$1 = {"resultType":"input_required","inputRequests":{"k":{"method":"elicitation/create","params":{}}},"requestState":"s\u0041"}
        caller ann <- #1 = {"resultType":"input_required","inputRequests":{"k":{"method":"elicitation/create","params":{}}},"requestState":"sA"}
        caller ann ~> #2 tools/call {"name":"ask","inputResponses":{"k":{"action":"accept"}},"requestState":"sA"}
        server a <- #$2 tools/call {"name":"ask","inputResponses":{"k":{"action":"accept"}},"requestState":"sA","_meta":*}
        server a -> #$2 = {"resultType":"complete","content":[]}
        caller ann <- #2 = {"resultType":"complete","content":[]}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn meta_is_not_optional() {
    for (params, message) in [
        ("{}", "*protocolVersion*"),
        (r#"{"_meta":null}"#, "*protocolVersion*"),
        (r#"{"_meta":7}"#, "*_meta*"),
        (r#"{"_meta":{}}"#, "*protocolVersion*"),
        (
            r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":7}}"#,
            "*_meta*",
        ),
        (
            r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}"#,
            "*clientCapabilities*",
        ),
        (
            r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":[]}}"#,
            "*_meta*",
        ),
        ("[]", "*"),
    ] {
        check(&format!(
            r#"
            server a {{"tools":["x"],"era":"stateless"}}
            caller ann -> #1 tools/list {params}
            caller ann <- 400 #1 ! -32602 "{message}"
            server a launches 0
            "#
        ))
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn versions_that_we_do_not_speak_are_told_which_we_do() {
    for version in ["2025-11-25", "2027-01-01", "", "x\\\"y"] {
        check(&format!(
            r#"
            caller ann -> #1 tools/list {{"_meta":{{"io.modelcontextprotocol/protocolVersion":"{version}","io.modelcontextprotocol/clientCapabilities":{{}}}}}}
            caller ann <- 400 #1 ! -32022 * {{"supported":["2026-07-28"],"requested":"{version}"}}
            "#
        ))
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn headers_must_say_what_the_body_says() {
    for (headers, message) in [
        (r#"{"version":null}"#, "*MCP-Protocol-Version is missing*"),
        (
            r#"{"version":"2025-11-25"}"#,
            "*MCP-Protocol-Version*2025-11-25*",
        ),
        (r#"{"method":null}"#, "*Mcp-Method is missing*"),
        (r#"{"method":"tools/list"}"#, "*Mcp-Method*tools/list*"),
        (r#"{"name":null}"#, "*Mcp-Name is missing*"),
        (r#"{"name":"y"}"#, "*Mcp-Name*y*"),
        (r#"{"name":"X"}"#, "*Mcp-Name*X*"),
        (r#"{"name":"=?base64?!!?="}"#, "*Mcp-Name*encoded*"),
    ] {
        check(&format!(
            r#"
            server a {{"tools":["x"],"era":"stateless"}}
            caller ann headers {headers}
            caller ann ~> #1 tools/call {{"name":"x"}}
            caller ann <- 400 #1 ! -32020 "{message}"
            server a launches 0
            "#
        ))
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn names_outside_of_ascii_travel_encoded() {
    check(
        r#"
        server a {"tools":["größe"],"resources":["x://ü"],"era":"stateless"}
        caller ann headers {"name":"=?base64?eDovL8O8?="}
        caller ann ~> #1 resources/read {"uri":"x://ü"}
        server a <- #$1 resources/read *
        server a -> #$1 = {}
        caller ann <- #1 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn arguments_that_travel_in_headers_must_agree() {
    const SERVER: &str = r#"server a {"era":"stateless","tools":[{"name":"x","inputSchema":{"type":"object","properties":{
        "region":{"type":"string","x-mcp-header":"Region"},"deep":{"type":"object","properties":{"n":{"type":"integer","x-mcp-header":"N"}}}}}}]}"#;
    for (headers, arguments, message) in [
        (r#"{"region":"eu"}"#, r#"{"region":"us"}"#, "*Region*eu*us*"),
        ("{}", r#"{"region":"us"}"#, "*Region is missing*"),
        (
            r#"{"region":"eu"}"#,
            r#"{"region":null}"#,
            "*Region*argument is not*",
        ),
        (r#"{"region":"eu"}"#, "{}", "*Region*argument is not*"),
        (
            r#"{"region":"us","n":"1.0"}"#,
            r#"{"region":"us","deep":{"n":1}}"#,
            "*N*1.0*",
        ),
        (
            r#"{"region":"=?base64?x?="}"#,
            r#"{"region":"us"}"#,
            "*encoded*",
        ),
    ] {
        check(&format!(
            r#"
            {SERVER}
            caller ann headers {headers}
            caller ann ~> #1 tools/call {{"name":"x","arguments":{arguments}}}
            caller ann <- 400 #1 ! -32020 "{message}"
            "#
        ))
        .await;
    }
    check(&format!(
        r#"
        {SERVER}
        caller ann headers {{"REGION":"=?base64?w7w=?=","n":"7"}}
        caller ann ~> #1 tools/call {{"name":"x","arguments":{{"region":"ü","deep":{{"n":7}}}}}}
        server a <- #$1 tools/call *
        server a -> #$1 = {{}}
        caller ann <- #1 = {{}}
        // Read by us and by the server: it must not be there twice, at any depth.
        caller ann headers {{"region":"us"}}
        caller ann ~> #2 tools/call {{"name":"x","arguments":{{"region":"us","region":"eu"}}}}
        caller ann <- 400 #2 ! -32602 "*region*"
        caller ann ~> #3 tools/call {{"name":"x","arguments":{{"deep":{{"n":1,"n":2}}}}}}
        caller ann <- 400 #3 ! -32602 "*n*"
        "#
    ))
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_tool_with_a_bad_header_annotation_is_left_out() {
    check(
        r#"
        server a {"era":"stateless","tools":["good",{"name":"bad","inputSchema":{"type":"object","properties":{"x":{"type":"number","x-mcp-header":"X"}}}}]}
        caller ann ~> #1 tools/list
        caller ann <- #1 = {"tools":[{"name":"good", ...}], ...}
        server a is {"reason":"*\"bad\"*x-mcp-header*", ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn discover_tells_what_all_servers_can() {
    check(
        r###"
        server a {"era":"stateless","tools":["x"],"instructions":"Use x.","capabilities":{"extensions":{"e":{}},"logging":{}}}
        server b {"era":"stateless","prompts":["p"],"resources":["r://1"],"capabilities":{"completions":{}}}
        caller ann ~> #1 server/discover
        caller ann <- 200 #1 = {"resultType":"complete","supportedVersions":["2026-07-28"],"instructions":"## a\nUse x.",
            "capabilities":{"tools":{"listChanged":true},"prompts":{"listChanged":true},"resources":{"subscribe":true,"listChanged":true},"completions":{},"logging":{},"extensions":{"e":{}}},
            "ttlMs":0,"cacheScope":"private","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"portolan", ...}}}
        "###,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn discover_waits_for_unseen_servers_only_so_long_and_promises_little() {
    check(
        r#"
        server a {"era":"stateless","prompts":["p"],"launch":"held","ttl_ms":60000,"cache_scope":"public"}
        server b {"era":"stateless","tools":["y"],"ttl_ms":60000,"cache_scope":"public"}
        caller ann ~> #1 server/discover
        caller ann hears nothing
        advance 5s
        caller ann <- #1 = {"capabilities":{"tools":{"listChanged":true}},"ttlMs":0,"cacheScope":"private", ...}
        server a starts
        caller ann ~> #2 server/discover
        caller ann <- #2 = {"capabilities":{"tools":{"listChanged":true},"prompts":{"listChanged":true}},"ttlMs":60000,"cacheScope":"public", ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn lists_have_the_shortest_time_and_the_narrowest_scope() {
    check(
        r#"
        server a {"era":"stateless","tools":["x"],"ttl_ms":60000,"cache_scope":"public"}
        server b {"era":"stateless","tools":["y"],"ttl_ms":5000,"cache_scope":"private"}
        caller ann ~> #1 tools/list
        caller ann <- 200 #1 = {"resultType":"complete","tools":[{"name":"x", ...},{"name":"y", ...}],"ttlMs":5000,"cacheScope":"private","_meta":{"io.modelcontextprotocol/serverInfo":*}}
        caller ann ~> #2 prompts/list
        caller ann <- #2 = {"resultType":"complete","prompts":[],"ttlMs":5000,"cacheScope":"private","_meta":*}
        caller ann ~> #3 resources/templates/list
        caller ann <- #3 = {"resultType":"complete","resourceTemplates":[], ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn methods_that_were_removed_are_unknown() {
    for method in [
        "initialize",
        "ping",
        "logging/setLevel",
        "resources/subscribe",
        "resources/unsubscribe",
        "tasks/list",
        "tasks/result",
    ] {
        check(&format!(
            r#"
            server a {{"era":"stateless","tools":["x"]}}
            caller ann ~> #1 {method} {{"uri":"x://","level":"info","taskId":"t"}}
            caller ann <- 404 #1 ! -32601 "*{method}*"
            server a launches 0
            "#
        ))
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn faults_have_their_codes_and_statuses() {
    check(
        r#"
        server a {"era":"stateless","tools":["x"],"resources":["x://1"],"auto":true}
        server b {"era":"stateless","resources":["y://1"]}
        caller ann ~> #1 tools/call {"name":"nothing"}
        caller ann <- 200 #1 ! -32602 "unknown tool*"
        caller ann ~> #2 resources/read {"uri":"z://1"}
        caller ann <- 200 #2 ! -32602 "*z://1*" {"uri":"z://1"}
        caller ann ~> #3 nonsense/method
        caller ann <- 404 #3 ! -32601 *
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn on_stdio_both_eras_use_one_door() {
    check(
        r#"
        server new {"era":"stateless","tools":["n"]}
        client 1 opens
        client 1 ~> #1 server/discover
        client 1 <- #1 = {"resultType":"complete","supportedVersions":["2026-07-28"], ...}
        client 1 ~> #2 tools/call {"name":"n","_meta":{"progressToken":"t"}}
        server new <- #$2 tools/call *
        server new -> notifications/progress {"progressToken":$2,"progress":1}
        client 1 <- notifications/progress {"progressToken":"t","progress":1}
        client 1 -> notifications/cancelled {"requestId":2}
        server new <- notifications/cancelled {"requestId":$2}
        client 1 <- silence
        client 1 -> #3 tools/list
        client 1 <- #3 ! -32600 "*before initialize*"
        client 1 ~> #4 ping
        client 1 <- 404 #4 ! -32601 *
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn callers_share_no_server_by_default() {
    check(
        r#"
        server a {"era":"stateless","tools":["x"]}
        caller ann ~> #1 tools/call {"name":"x"}
        server a <- #$1 tools/call *
        caller bob ~> #1 tools/call {"name":"x"}
        server a.2 <- #$2 tools/call *
        server a.2 -> #$2 = {"for":"bob"}
        caller bob <- #1 = {"for":"bob"}
        server a -> #$1 = {"for":"ann"}
        caller ann <- #1 = {"for":"ann"}
        // The same caller needs no second one, and its ids need not differ.
        caller ann ~> #2 tools/call {"name":"x"}
        caller ann.again ~> #2 tools/call {"name":"x"}
        server a <- #$3 tools/call *
        server a <- #$4 tools/call *
        server a -> #$4 = {"n":2}
        caller ann.again <- #2 = {"n":2}
        server a -> #$3 = {"n":1}
        caller ann <- #2 = {"n":1}
        server a launches 2
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_list_that_cannot_be_read_once_more_is_as_it_was() {
    check(
        r#"
        server a {"era":"stateless","tools":["x"],"by_hand":["subscriptions/listen"]}
        caller ann ~> #1 tools/list
        server a <- #$l subscriptions/listen *
        server a -> #$l ! -32601 "no"
        caller ann <- #1 = {"tools":[{"name":"x", ...}], ...}
        server a has {"era":"stateless","tools":["x"],"by_hand":["tools/list"]}
        caller ann ~> #2 tools/list
        server a <- #$t tools/list *
        server a -> #$t ! -32000 "busy"
        caller ann <- #2 = {"tools":[{"name":"x", ...}], ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_wants_credentials_is_not_taken_for_an_old_one() {
    check(
        r#"
        server a {"era":"stateless","tools":["x"],"http":true,"by_hand":["server/discover"]}
        caller ann ~> #1 tools/list
        server a <- #$d server/discover *
        server a on $d status 401 no
        caller ann <- #1 = {"tools":[], ...}
        server a is {"state":"failed","reason":"*HTTP status 401*credentials*", ...}
        advance 1m
        server a has {"era":"stateless","tools":["x"],"http":true}
        caller ann ~> #2 tools/list
        caller ann <- #2 = {"tools":[], ...}
        server a is {"state":"ready", ...}
        caller ann ~> #3 tools/call {"name":"x"}
        server a <- #$c tools/call {"name":"x", ...}
        server a -> #$c = {"content":[]}
        caller ann <- #3 = {"content":[], ...}
        "#,
    )
    .await;
}
