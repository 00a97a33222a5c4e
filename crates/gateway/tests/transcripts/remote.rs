//! Servers behind HTTP: sessions, streams, headers, and what is done when these break.

use super::harness::check;

// === the handshake era ===

#[tokio::test(start_paused = true)]
async fn calls_have_the_session_and_the_revision_in_their_headers() {
    check(
        r#"
        server a {"http":true,"sessions":true,"tools":["x"],"version":"2025-06-18","by_hand":["notifications/initialized","tools/list"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- notifications/initialized
        server a heard {"mcp-session-id":"s1","mcp-protocol-version":"2025-06-18","content-type":"application/json","accept":"*text/event-stream*"}
        server a <- #$l tools/list {}
        server a -> #$l = {"tools":[{"name":"x","inputSchema":{"type":"object"}}]}
        server a <- #$1 tools/call {"name":"x"}
        server a heard {"mcp-session-id":"s1","mcp-protocol-version":"2025-06-18","mcp-method":null,"mcp-name":null}
        server a -> {"jsonrpc":"2.0","id":$1,"result":{"x":1e0}}
        client 1 <= {"jsonrpc":"2.0","id":1,"result":{"x":1e0}}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn older_servers_get_no_header_that_they_do_not_know() {
    check(
        r#"
        server a {"http":true,"tools":["x"],"version":"2025-03-26","by_hand":["initialize"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$i initialize *
        server a heard {"mcp-session-id":null,"mcp-protocol-version":null}
        server a -> #$i = {"protocolVersion":"2025-03-26","capabilities":{"tools":{}},"serverInfo":{"name":"a","version":"1"}}
        server a <- #$1 tools/call {"name":"x"}
        server a heard {"mcp-session-id":null,"mcp-protocol-version":null}
        server a -> #$1 = {}
        client 1 <- #1 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_streamed_answer_is_relayed_as_a_stream() {
    check(
        r#"
        server a {"http":true,"tools":["x"]}
        client 1 hello {"sampling":{}}
        client 1 -> #1 tools/call {"name":"x","_meta":{"progressToken":"t"}}
        server a <- #$1 tools/call {"name":"x","_meta":{"progressToken":$1}}
        server a on $1 -> notifications/progress {"progressToken":$1,"progress":1}
        client 1 <- notifications/progress {"progressToken":"t","progress":1}
        server a on $1 -> notifications/message {"level":"info","data":1}
        client 1 <- notifications/message {"level":"info","data":1}
        server a on $1 -> #"q" sampling/createMessage {}
        client 1 <- #$q sampling/createMessage {}
        client 1 -> #$q = {"role":"assistant"}
        server a <- #"q" = {"role":"assistant"}
        server a -> #$1 = {"n":1}
        client 1 <- #1 = {"n":1}
        // One with nothing but the answer needs no more than that.
        client 1 -> #2 tools/call {"name":"x"}
        server a <- #$2 tools/call *
        server a on $2 begins
        server a -> #$2 = {"n":2}
        client 1 <- #2 = {"n":2}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_stands_on_one_calls_stream_belongs_to_that_call() {
    check(
        r#"
        server a {"http":true,"tools":["x"],"share":"all"}
        client 1 hello {"sampling":{}}
        client 2 hello {"sampling":{}}
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$1 tools/call *
        client 2 -> #1 tools/call {"name":"x"}
        server a <- #$2 tools/call *
        server a on $2 -> #7 sampling/createMessage {"for":2}
        client 2 <- #$q sampling/createMessage {"for":2}
        server a on $1 -> #7 sampling/createMessage {"for":1}
        client 1 <- #$r sampling/createMessage {"for":1}
        client 1 -> #$r = {"by":1}
        server a <- #7 = {"by":1}
        client 2 -> #$q = {"by":2}
        server a <- #7 = {"by":2}
        // An answer to another call on this stream is none.
        server a on $1 -> #$2 = {"wrong":"stream"}
        server a -> #$2 = {"n":2}
        client 2 <- #1 = {"n":2}
        server a -> #$1 = {"n":1}
        client 1 <- #1 = {"n":1}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_comes_with_a_request_of_our_own_is_for_the_conversation() {
    check(
        r#"
        server a {"http":true,"tools":["x"],"by_hand":["tools/list","initialize"]}
        client 1 hello {"roots":{}}
        client 1 -> #1 tools/list
        server a <- #$i initialize *
        server a on $i -> notifications/message {"level":"info","data":"hello"}
        client 1 <- notifications/message {"level":"info","data":"hello"}
        server a -> #$i = {"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"a","version":"1"}}
        server a <- #$l tools/list {}
        server a on $l -> #"r" roots/list
        client 1 <- #$r roots/list
        client 1 -> #$r = {"roots":[]}
        server a <- #"r" = {"roots":[]}
        server a -> #$l = {"tools":[]}
        client 1 <- #1 = {"tools":[]}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_session_is_opened_again_once_and_the_call_repeated_once() {
    check(
        r#"
        server a {"http":true,"sessions":true,"tools":["x"],"by_hand":["initialize"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$i initialize *
        server a gives #$i = {"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"a","version":"1"}}
        server a <- #$1 tools/call *
        server a -> #$1 = {}
        client 1 <- #1 = {}
        server a forgets
        client 1 -> #2 tools/call {"name":"x"}
        client 1 -> #3 tools/call {"name":"x"}
        server a <- #$j initialize *
        server a heard {"mcp-session-id":null}
        server a gives #$j = {"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"a","version":"1"}}
        server a <- #$2 tools/call *
        server a heard {"mcp-session-id":"s2"}
        server a <- #$3 tools/call *
        server a heard {"mcp-session-id":"s2"}
        server a -> #$2 = {"n":2}
        server a -> #$3 = {"n":3}
        client 1 <- #2 = *
        client 1 <- #3 = *
        server a launches 1
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_loses_each_session_is_not_asked_for_ever() {
    check(
        r#"
        server a {"http":true,"sessions":true,"tools":["x"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$1 tools/call *
        server a on $1 status 404 session?
        server a <- #$2 tools/call *
        server a on $2 status 404 what session?
        client 1 <- #1 = {"isError":true,"content":[{"type":"text","text":"*HTTP status 404*"}]}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn after_a_lost_session_levels_and_subscriptions_are_asked_for_again() {
    check(
        r#"
        server a {"http":true,"sessions":true,"resources":["r://1"],"capabilities":{"logging":{}}}
        client 1 hello
        client 1 -> #1 resources/subscribe {"uri":"r://1"}
        server a <- #$1 resources/subscribe *
        server a -> #$1 = {}
        client 1 <- #1 = {}
        client 1 -> #2 logging/setLevel {"level":"error"}
        client 1 <- #2 = {}
        server a <- #$2 logging/setLevel {"level":"error"}
        server a -> #$2 = {}
        server a forgets
        client 1 -> #3 resources/read {"uri":"r://1"}
        server a <- #$3 resources/read *
        server a -> #$3 = {}
        client 1 <- #3 = {}
        server a <- #$4 logging/setLevel {"level":"error"}
        server a -> #$4 = {}
        server a <- #$5 resources/subscribe {"uri":"r://1"}
        server a -> #$5 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_standing_stream_brings_what_belongs_to_no_call() {
    check(
        r#"
        server a {"http":true,"sessions":true,"tools":["x"],"by_hand":["GET"]}
        client 1 hello {"roots":{}}
        client 1 -> #1 tools/list
        server a <- GET
        // A server that opens the stream with its first message only is not waited for.
        advance 1s
        client 1 <- #1 = *
        server a heard {"mcp-session-id":"s1","last-event-id":null,"accept":"*text/event-stream*"}
        server a has {"tools":["x","y"],"sessions":true,"by_hand":["GET"]}
        server a on GET event e1 - notifications/tools/list_changed
        client 1 <- notifications/tools/list_changed
        server a on GET event e2 - #"r" roots/list
        client 1 <- #$r roots/list
        client 1 -> #$r = {"roots":[]}
        server a <- #"r" = {"roots":[]}
        // It is read on from where it broke.
        server a on GET ends
        advance 1s
        server a <- GET
        server a heard {"mcp-session-id":"s1","last-event-id":"e2"}
        server a on GET -> notifications/message {"level":"info","data":1}
        client 1 <- notifications/message {"level":"info","data":1}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_call_does_not_overtake_the_opening_of_the_standing_stream() {
    check(
        r#"
        server a {"http":true,"tools":["x"],"by_hand":["GET"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- GET
        client 1 hears nothing
        server a on GET status 405
        server a <- #$1 tools/call *
        server a -> #$1 = {}
        client 1 <- #1 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn progress_on_the_standing_stream_finds_its_call() {
    check(
        r#"
        server a {"http":true,"tools":["x"],"by_hand":["GET"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x","_meta":{"progressToken":"t"}}
        server a <- GET
        advance 1s
        server a <- #$1 tools/call *
        server a on GET -> notifications/progress {"progressToken":$1,"progress":1}
        server a on $1 begins
        client 1 <- notifications/progress {"progressToken":"t","progress":1}
        server a -> #$1 = {}
        client 1 <- #1 = {}
        server a on GET -> notifications/progress {"progressToken":$1,"progress":2}
        client 1 hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_event_ids_is_not_resumed() {
    check(
        r#"
        server a {"http":true,"tools":["x"],"by_hand":["GET"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x","_meta":{"progressToken":1}}
        server a <- GET
        server a on GET status 405
        server a <- #$1 tools/call *
        server a on $1 -> notifications/progress {"progressToken":$1,"progress":1}
        client 1 <- notifications/progress *
        server a on $1 ends
        client 1 <- #1 = {"isError":true,"content":[{"type":"text","text":"*closed the stream before the answer*"}]}
        // The call is not sent again by itself.
        advance 60s
        server a hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_resumption_that_is_refused_ends_the_call() {
    check(
        r#"
        server a {"http":true,"tools":["x"],"by_hand":["GET"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- GET
        server a on GET status 405
        server a <- #$1 tools/call *
        server a on $1 event e7 200 notifications/message {"level":"info","data":1}
        client 1 <- notifications/message *
        server a on $1 ends
        client 1 <- retry 200
        advance 100ms
        server a hears nothing
        advance 100ms
        server a <- GET
        server a heard {"last-event-id":"e7"}
        server a on GET status 405
        client 1 <- #1 = {"isError":true, ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn sessions_are_deleted_in_the_end() {
    check(
        r#"
        server a {"http":true,"sessions":true,"share":"workspace","tools":["x"],"by_hand":["DELETE"]}
        server b {"http":true,"share":"workspace","tools":["y"],"by_hand":["DELETE"]}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = *
        client 1 closes
        server a <- DELETE
        server a heard {"mcp-session-id":"s1","mcp-protocol-version":"2025-11-25"}
        server a on DELETE status 405
        server b hears nothing
        client 1 <- end
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn odd_answers_are_told_for_what_they_are() {
    for (answer, reason) in [
        (
            "status 401 no",
            "*HTTP status 401: no; it wants credentials*headers*",
        ),
        ("status 500 <html>\u{1F4A5}", "*HTTP status 500: <html>*"),
        ("status 200 hello", "*HTTP status 200: hello*"),
        ("status 200", "*accepted the request without answering it*"),
        ("status 202", "*accepted the request without answering it*"),
        (
            r#"status 200 {"jsonrpc":"2.0","id":99999,"result":{}}"#,
            "*no answer to the request*",
        ),
        (
            r#"status 200 {"jsonrpc":"2.0","method":"x"}"#,
            "*no answer to the request*",
        ),
    ] {
        check(&format!(
            r#"
            server a {{"http":true,"tools":["x"]}}
            client 1 hello
            client 1 -> #1 tools/call {{"name":"x"}}
            server a <- #$1 tools/call *
            server a on $1 {answer}
            client 1 <- #1 = {{"isError":true,"content":[{{"type":"text","text":"{reason}"}}]}}
            client 1 -> #2 tools/call {{"name":"x"}}
            server a <- #$2 tools/call *
            server a -> #$2 = {{}}
            client 1 <- #2 = {{}}
            "#
        ))
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_during_a_call_ends_it() {
    check(
        r#"
        server a {"http":true,"tools":["x"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$1 tools/call *
        advance 2s
        server a on $1 ends
        client 1 <- #1 = {"isError":true,"content":[{"type":"text","text":"server \"a\" is unavailable: *"}]}
        server a hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_error_that_names_no_request_answers_the_one_it_came_with() {
    check(
        r#"
        server a {"http":true,"tools":["x"]}
        client 1 hello
        client 1 -> #"q" tools/call {"name":"x"}
        server a <- #$1 tools/call *
        server a on $1 status 400 {"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"Bad Request"}}
        client 1 <- #"q" ! -32000 "Bad Request"
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_not_there_is_told() {
    check(
        r#"
        server a {"http":true,"is_away":true,"tools":["x"]}
        server b {"tools":["y"]}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = {"tools":[{"name":"y", ...}]}
        server a is {"kind":"remote","state":"failed","reason":"*refused*", ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_come_is_a_silent_call() {
    check(
        r#"
        server a {"http":true,"tools":["x"],"call_timeout_s":30}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$1 tools/call *
        advance 29s
        client 1 hears nothing
        advance 2s
        client 1 <- #1 = {"isError":true,"content":[{"type":"text","text":"*within 30 s*"}]}
        server a on $1 gone
        server a <- notifications/cancelled {"requestId":$1, ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_only_knows_the_old_transport_is_reached_by_it() {
    check(
        r#"
        server a {"http":true,"kind":"auto","auto":false}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$i initialize *
        server a on $i status 405
        server a <- GET
        server a on GET endpoint /messages?session=7
        server a <- #$j initialize *
        server a on $j status 202 Accepted
        server a on GET -> #$j = {"protocolVersion":"2024-11-05","capabilities":{"tools":{}},"serverInfo":{"name":"a","version":"1"}}
        server a <- notifications/initialized
        server a <- #$l tools/list {}
        server a on $l status 202 Accepted
        server a on GET -> #$l = {"tools":[{"name":"x","inputSchema":{"type":"object"}}]}
        server a <- #$1 tools/call {"name":"x"}
        server a on $1 status 202 Accepted
        server a on GET -> notifications/message {"level":"info","data":1}
        client 1 <- notifications/message {"level":"info","data":1}
        server a on GET -> #$1 = {"n":1}
        client 1 <- #1 = {"n":1}
        "#,
    )
    .await;
}

// === the stateless era ===

const STATELESS: &str = r#"{"http":true,"era":"stateless","resources":["r://ü"],"tools":[{"name":"x","inputSchema":{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"},"n":{"type":"integer","x-mcp-header":"N"}}}}]}"#;

#[tokio::test(start_paused = true)]
async fn headers_of_the_stateless_era_say_what_the_body_says() {
    check(&format!(
        r#"
        server other {{"era":"stateless","tools":["x"]}}
        server a {STATELESS}
        caller ann headers {{"region":"=?base64?w7w=?="}}
        caller ann ~> #1 tools/call {{"name":"a__x","arguments":{{"region":"ü","n":null}}}}
        server a <- #$1 tools/call {{"name":"x", ...}}
        server a heard {{"mcp-protocol-version":"2026-07-28","mcp-method":"tools/call","mcp-name":"x","mcp-param-region":"=?base64?w7w=?=","mcp-param-n":null,"mcp-session-id":null}}
        server a -> #$1 = {{"resultType":"complete"}}
        caller ann <- 200 #1 = {{"resultType":"complete"}}
        caller ann ~> #2 resources/read {{"uri":"r://ü"}}
        server a <- #$2 resources/read *
        server a heard {{"mcp-method":"resources/read","mcp-name":"=?base64?cjovL8O8?="}}
        server a -> #$2 = {{}}
        caller ann <- #2 = {{}}
        "#
    ))
    .await;
}

#[tokio::test(start_paused = true)]
async fn errors_keep_the_status_that_they_came_with() {
    check(&format!(
        r#"
        server a {STATELESS}
        caller ann ~> #1 tools/call {{"name":"x"}}
        server a <- #$1 tools/call *
        server a replies 400 #$1 ! -32602 "bad"
        caller ann <- 400 #1 ! -32602 "bad"
        caller ann ~> #2 tools/call {{"name":"x"}}
        server a <- #$2 tools/call *
        server a replies 404 #$2 ! -32601 "none"
        caller ann <- 404 #2 ! -32601 "none"
        caller ann ~> #3 tools/call {{"name":"x"}}
        server a <- #$3 tools/call *
        server a replies 503 #$3 ! -32603 "busy"
        caller ann <- 200 #3 ! -32603 "busy"
        "#
    ))
    .await;
}

#[tokio::test(start_paused = true)]
async fn leaving_closes_the_stream_at_the_server_and_says_nothing() {
    check(&format!(
        r#"
        server a {STATELESS}
        caller ann ~> #1 tools/call {{"name":"x"}}
        server a <- #$1 tools/call *
        caller ann drops #1
        server a on $1 gone
        caller ann ~> #2 tools/call {{"name":"x","_meta":{{"progressToken":1}}}}
        server a <- #$2 tools/call *
        server a on $2 -> notifications/progress {{"progressToken":$2,"progress":1}}
        caller ann <- notifications/progress *
        caller ann drops #2
        server a on $2 gone
        server a hears nothing
        "#
    ))
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_broken_stream_of_the_stateless_era_is_not_resumed() {
    check(&format!(
        r#"
        server a {STATELESS}
        caller ann ~> #1 tools/call {{"name":"x"}}
        server a <- #$1 tools/call *
        server a on $1 event e1 100 notifications/message {{"level":"info","data":1}}
        server a on $1 ends
        caller ann <- #1 = {{"isError":true,"resultType":"complete", ...}}
        advance 60s
        server a hears nothing
        "#
    ))
    .await;
}

#[tokio::test(start_paused = true)]
async fn log_messages_are_for_requests_that_asked_for_them() {
    check(&format!(
        r#"
        server a {STATELESS}
        caller ann ~> #1 tools/call {{"name":"x","_meta":{{"io.modelcontextprotocol/logLevel":"warning"}}}}
        server a <- #$1 tools/call *
        server a on $1 -> notifications/message {{"level":"info","data":1}}
        server a on $1 -> notifications/message {{"level":"error","data":2}}
        caller ann <- notifications/message {{"level":"error","data":2}}
        server a -> #$1 = {{}}
        caller ann <- #1 = {{}}
        caller ann ~> #2 tools/call {{"name":"x"}}
        server a <- #$2 tools/call *
        server a on $2 -> notifications/message {{"level":"error","data":3}}
        server a -> #$2 = {{}}
        caller ann <- #2 = {{}}
        "#
    ))
    .await;
}

#[tokio::test(start_paused = true)]
async fn changes_come_by_the_listen_stream() {
    check(&format!(
        r#"
        server a {STATELESS}
        caller ann ~> #1 subscriptions/listen {{"notifications":{{"toolsListChanged":true}}}}
        caller ann <- notifications/subscriptions/acknowledged *
        server a has {}
        server a on listen -> notifications/tools/list_changed {{"_meta":{{"io.modelcontextprotocol/subscriptionId":1}}}}
        caller ann <- notifications/tools/list_changed {{"_meta":{{"io.modelcontextprotocol/subscriptionId":1}}}}
        caller ann ~> #2 tools/list
        caller ann <- #2 = {{"tools":[{{"name":"y", ...}}], ...}}
        "#,
        STATELESS.replace(r#""name":"x""#, r#""name":"y""#)
    ))
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_listen_stream_of_a_server_that_is_stopped_ends() {
    check(&format!(
        r#"
        server a {STATELESS}
        caller ann ~> #1 tools/list
        caller ann <- #1 = {{"tools":[{{"name":"x", ...}}], ...}}
        gateway stops a
        server a on listen gone
        "#
    ))
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_list_that_nothing_tells_of_is_read_again_when_its_time_is_over() {
    check(
        r#"
        server a {"http":true,"era":"stateless","tools":["x"],"ttl_ms":60000,"capabilities":{"tools":{}}}
        caller ann ~> #1 tools/list
        caller ann <- #1 = {"tools":[{"name":"x", ...}],"ttlMs":60000, ...}
        server a has {"http":true,"era":"stateless","tools":["y"],"ttl_ms":60000,"capabilities":{"tools":{}}}
        advance 30s
        caller ann ~> #2 tools/list
        caller ann <- #2 = {"tools":[{"name":"x", ...}], ...}
        advance 40s
        caller ann ~> #3 tools/list
        caller ann <- #3 = {"tools":[{"name":"y", ...}], ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn servers_of_the_other_era_are_found_out_over_http() {
    check(
        r#"
        server old {"http":true,"tools":["o"],"sessions":true,"by_hand":["server/discover"]}
        server new {"http":true,"era":"stateless","tools":["n"]}
        caller ann ~> #1 tools/list
        server old <- #$d server/discover *
        server old on $d status 400 Bad Request: no session
        caller ann <- #1 = {"tools":[{"name":"o", ...},{"name":"n", ...}], ...}
        server old is {"versions":["2025-11-25"], ...}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = {"tools":[{"name":"o", ...},{"name":"n", ...}]}
        "#,
    )
    .await;
}
