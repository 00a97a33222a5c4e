//! Clients of the handshake era before stateless servers: what these ask in answers, the client is asked by requests.

use super::harness::check;

#[tokio::test(start_paused = true)]
async fn a_call_says_for_itself_what_the_session_said_once() {
    check(
        r#"
        server a {"tools":["x"],"era":"stateless"}
        client 1 hello {"sampling":{},"tasks":{"list":{}}}
        client 1 -> #1 tools/call {"name":"x","arguments":{"n":1.0},"task":{"ttl":1},"_meta":{"progressToken":"t"}}
        server a <- #$1 tools/call {"name":"x","arguments":{"n":1.0},"_meta":{"progressToken":$1,
            "io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"tester","version":"1"},
            "io.modelcontextprotocol/clientCapabilities":{"sampling":{}},"io.modelcontextprotocol/logLevel":"info"}}
        server a -> notifications/progress {"progressToken":$1,"progress":1}
        client 1 <- notifications/progress {"progressToken":"t","progress":1}
        server a -> #$1 = {"resultType":"complete","content":[],"x":1}
        client 1 <- #1 = {"content":[],"x":1}
        client 1 -> #2 logging/setLevel {"level":"error"}
        client 1 <- #2 = {}
        client 1 -> #3 tools/call {"name":"x"}
        server a <- #$3 tools/call {"name":"x","_meta":{"io.modelcontextprotocol/logLevel":"error", ...}}
        server a -> notifications/message {"level":"error","data":1}
        client 1 <- notifications/message {"level":"error","data":1}
        server a -> #$3 ! -32602 "bad"
        client 1 <- #3 ! -32602 "bad"
        server a is {"versions":["2026-07-28"], ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn lists_are_those_of_the_clients_era() {
    check(
        r#"
        server a {"era":"stateless","ttl_ms":1000,"prompts":["p"],"resources":["r://1"],
            "tools":[{"name":"x","inputSchema":{"type":"object"},"outputSchema":{"type":"array"}}],
            "capabilities":{"extensions":{"a":{},"io.modelcontextprotocol/tasks":{}}}}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = {"tools":[{"name":"x","inputSchema":{"type":"object"}}]}
        client 1 -> #2 tools/call {"name":"x"}
        server a <- #$2 tools/call *
        server a -> #$2 = {"resultType":"complete","content":[],"structuredContent":[1,2]}
        client 1 <- #2 = {"content":[{"type":"text","text":"[1,2]"}]}
        client 1 -> #3 resources/read {"uri":"r://1"}
        server a <- #$3 resources/read {"uri":"r://1","_meta":*}
        server a -> #$3 = {"resultType":"complete","contents":[],"ttlMs":5,"cacheScope":"public"}
        client 1 <- #3 = {"contents":[]}
        client 1 -> #4 resources/read {"uri":"r://1"}
        server a <- #$4 resources/read *
        server a -> #$4 ! -32602 "gone" {"uri":"r://1"}
        client 1 <- #4 ! -32002 "gone" {"uri":"r://1"}
        client 1 -> #5 prompts/get {"name":"p"}
        server a <- #$5 prompts/get *
        server a -> #$5 ! -32021 "lacks" {"requiredCapabilities":{"sampling":{}}}
        client 1 <- #5 ! -32603 "the server refused the request: lacks"
        client 2 hello
        client 2 -> #1 ping
        client 2 <- #1 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn questions_become_requests_and_their_answers_another_call() {
    check(
        r#"
        server a {"tools":["ask"],"era":"stateless"}
        client 1 hello {"elicitation":{"url":{},"form":{}},"sampling":{},"roots":{}}
        client 1 -> #1 tools/call {"name":"ask","arguments":{"a":1},"_meta":{"progressToken":"t"}}
        server a <- #$1 tools/call {"name":"ask","arguments":{"a":1},"_meta":*}
        server a -> #$1 = {"resultType":"input_required","inputRequests":{"who":{"method":"elicitation/create","params":{"message":"?"}},
            "visit":{"method":"elicitation/create","params":{"mode":"url","url":"https://x","message":"?"}}},"requestState":"s\u00e9"}
        client 1 <- #$a elicitation/create {"message":"?"}
        client 1 <- #$b elicitation/create {"mode":"url","url":"https://x","message":"?","elicitationId":*}
        client 1 -> #$a = {"action":"accept","content":{"name":"Ann"}}
        server a hears nothing
        client 1 -> #$b ! -1 "not now"
        server a <- #$2 tools/call {"name":"ask","arguments":{"a":1},"inputResponses":{"who":{"action":"accept","content":{"name":"Ann"}},"visit":{"action":"cancel"}},"requestState":"sé","_meta":{"progressToken":$2, ...}}
        server a -> notifications/progress {"progressToken":$2,"progress":1}
        client 1 <- notifications/progress {"progressToken":"t","progress":1}
        server a -> #$2 = {"resultType":"input_required","inputRequests":{"r":{"method":"roots/list"}}}
        client 1 <- #$c roots/list {}
        client 1 -> #$c = {"roots":[]}
        server a <- #$3 tools/call {"name":"ask","arguments":{"a":1},"inputResponses":{"r":{"roots":[]}},"_meta":*}
        server a -> #$3 = {"resultType":"complete","content":[]}
        client 1 <- #1 = {"content":[]}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_only_wants_time_is_asked_again_ever_later() {
    check(
        r#"
        server a {"tools":["x"],"era":"stateless"}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$1 tools/call *
        server a -> #$1 = {"resultType":"input_required","requestState":"a"}
        server a hears nothing
        advance 500ms
        server a <- #$2 tools/call {"name":"x","requestState":"a","_meta":*}
        server a -> #$2 = {"resultType":"input_required","requestState":"b"}
        advance 500ms
        server a hears nothing
        advance 500ms
        server a <- #$3 tools/call {"name":"x","requestState":"b","_meta":*}
        server a -> #$3 = {"resultType":"complete","n":1}
        client 1 <- #1 = {"n":1}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_the_client_cannot_be_asked_ends_the_call() {
    for (asked, why) in [
        (r#"{"k":{"method":"roots/list"}}"#, "it needs roots"),
        (r#"{"k":{"method":"tools/call"}}"#, "unknown"),
        (r#"{"k":7}"#, "broken"),
        ("{}", "does not say with what"),
    ] {
        check(&format!(
            r#"
            server a {{"tools":["ask"],"era":"stateless"}}
            client 1 hello {{"sampling":{{}}}}
            client 1 -> #1 tools/call {{"name":"ask"}}
            server a <- #$1 tools/call *
            server a -> #$1 = {{"resultType":"input_required","inputRequests":{asked}}}
            client 1 <- #1 = {{"content":[{{"type":"text","text":"*{why}*"}}],"isError":true}}
            "#
        ))
        .await;
    }
    check(
        r#"
        server a {"tools":["ask"],"era":"stateless"}
        client 1 hello {"sampling":{}}
        client 1 -> #1 tools/call {"name":"ask"}
        server a <- #$1 tools/call *
        server a -> #$1 = {"resultType":"task","taskId":"t"}
        client 1 <- #1 = {"content":[{"type":"text","text":"*\"task\"*"}],"isError":true}
        client 1 -> #2 tools/call {"name":"ask"}
        server a <- #$2 tools/call *
        server a -> #$2 = {"resultType":"input_required","inputRequests":{"k":{"method":"sampling/createMessage","params":{}}}}
        client 1 <- #$q sampling/createMessage {}
        client 1 -> #$q ! -1 "the user said no"
        client 1 <- #2 = {"content":[{"type":"text","text":"*the user said no*"}],"isError":true}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn rounds_without_end_have_one() {
    let round = |n: usize| {
        format!(
            r#"
            server a <- #${n} tools/call *
            server a -> #${n} = {{"resultType":"input_required","inputRequests":{{"k":{{"method":"roots/list"}}}}}}
            "#
        )
    };
    let mut script = String::from(
        r#"
        server a {"tools":["ask"],"era":"stateless"}
        client 1 hello {"roots":{}}
        client 1 -> #1 tools/call {"name":"ask"}
        "#,
    );
    for n in 0..32 {
        script += &round(n);
        script +=
            &format!("client 1 <- #$q{n} roots/list {{}}\nclient 1 -> #$q{n} = {{\"roots\":[]}}\n");
    }
    script += &round(32);
    script +=
        r#"client 1 <- #1 = {"content":[{"type":"text","text":"*32 times*"}],"isError":true}"#;
    check(&script).await;
}

#[tokio::test(start_paused = true)]
async fn taking_a_call_back_takes_its_questions_back() {
    check(
        r#"
        server a {"tools":["ask"],"era":"stateless"}
        client 1 hello {"roots":{}}
        client 1 -> #1 tools/call {"name":"ask"}
        server a <- #$1 tools/call *
        server a -> #$1 = {"resultType":"input_required","inputRequests":{"k":{"method":"roots/list"}}}
        client 1 <- #$q roots/list {}
        client 1 -> notifications/cancelled {"requestId":1}
        client 1 <- notifications/cancelled {"requestId":$q, ...}
        client 1 <- silence
        client 1 -> #$q = {"roots":[]}
        server a hears nothing
        client 1 -> #2 tools/call {"name":"ask"}
        server a <- #$2 tools/call *
        server a -> #$2 = {"resultType":"input_required","inputRequests":{"k":{"method":"roots/list"}}}
        client 1 <- #$r roots/list {}
        client 1 -> #$r = {"roots":[]}
        server a <- #$3 tools/call *
        client 1 -> notifications/cancelled {"requestId":2}
        server a <- notifications/cancelled {"requestId":$3}
        client 1 <- silence
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn nobody_answers_in_time() {
    check(
        r#"
        server a {"tools":["ask"],"era":"stateless"}
        client 1 hello {"roots":{}}
        client 1 -> #1 tools/call {"name":"ask"}
        server a <- #$1 tools/call *
        server a -> #$1 = {"resultType":"input_required","inputRequests":{"k":{"method":"roots/list"}}}
        client 1 <- #$q roots/list {}
        advance 602s
        client 1 <- notifications/cancelled {"requestId":$q, ...}
        client 1 <- #1 = {"content":[{"type":"text","text":"*nobody answered in time*"}],"isError":true}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn subscriptions_are_fed_by_listening() {
    check(
        r#"
        server a {"tools":["x"],"resources":["r://1"],"era":"stateless","by_hand":["subscriptions/listen"]}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = {"tools":[{"name":"x", ...}]}
        server a <- #$one subscriptions/listen {"notifications":{"toolsListChanged":true,"resourcesListChanged":true},"_meta":*}
        server a -> notifications/subscriptions/acknowledged {"notifications":{},"_meta":{"io.modelcontextprotocol/subscriptionId":$one}}
        client 1 -> #2 resources/subscribe {"uri":"r://1"}
        server a <- #$two subscriptions/listen {"notifications":{"toolsListChanged":true,"resourcesListChanged":true,"resourceSubscriptions":["r://1"]},"_meta":*}
        server a -> notifications/subscriptions/acknowledged {"notifications":{},"_meta":{"io.modelcontextprotocol/subscriptionId":$two}}
        server a <- notifications/cancelled {"requestId":$one}
        client 1 <- #2 = {}
        server a -> notifications/resources/updated {"uri":"r://1","_meta":{"io.modelcontextprotocol/subscriptionId":$two}}
        client 1 <- notifications/resources/updated {"uri":"r://1","_meta":{}}
        server a has {"tools":["y"],"resources":["r://1"],"era":"stateless"}
        server a -> notifications/tools/list_changed {"_meta":{"io.modelcontextprotocol/subscriptionId":$two}}
        client 1 <- notifications/tools/list_changed
        client 1 -> #3 resources/unsubscribe {"uri":"r://1"}
        client 1 <- #3 = {}
        server a -> notifications/resources/updated {"uri":"r://1","_meta":{"io.modelcontextprotocol/subscriptionId":$two}}
        client 1 hears nothing
        "#,
    )
    .await;
}

const MIRRORING: &str = r#"{"era":"stateless","http":true,"tools":[{"name":"x","inputSchema":{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}}}}]}"#;

#[tokio::test(start_paused = true)]
async fn headers_are_made_from_the_request() {
    check(&format!(
        r#"
        server a {MIRRORING}
        client 1 hello
        client 1 -> #1 tools/call {{"name":"x","arguments":{{"region":"eu"}}}}
        server a <- #$1 tools/call *
        server a heard {{"mcp-protocol-version":"2026-07-28","mcp-method":"tools/call","mcp-name":"x","mcp-param-region":"eu"}}
        server a -> #$1 = {{"resultType":"complete","n":1}}
        client 1 <- #1 = {{"n":1}}
        "#
    ))
    .await;
}

#[tokio::test(start_paused = true)]
async fn headers_of_an_old_schema_are_made_anew_once() {
    let new = MIRRORING.replace("Region", "Zone");
    check(&format!(
        r#"
        server a {MIRRORING}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = {{"tools":[{{"name":"x", ...}}]}}
        server a has {new}
        client 1 -> #2 tools/call {{"name":"x","arguments":{{"region":"eu"}}}}
        server a <- #$2 tools/call *
        server a heard {{"mcp-param-region":"eu"}}
        server a replies 400 #$2 ! -32020 "Mcp-Param-Zone is missing"
        client 1 <- notifications/tools/list_changed
        server a <- #$3 tools/call {{"name":"x","arguments":{{"region":"eu"}},"_meta":*}}
        server a heard {{"mcp-param-region":null,"mcp-param-zone":"eu"}}
        server a -> #$3 = {{"resultType":"complete","n":1}}
        client 1 <- #2 = {{"n":1}}
        client 1 -> #4 tools/call {{"name":"x","arguments":{{"region":"eu"}}}}
        server a <- #$4 tools/call *
        server a replies 400 #$4 ! -32020 "no"
        client 1 <- #4 = {{"content":[{{"type":"text","text":"the server refused the request: no"}}],"isError":true}}
        "#
    ))
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_request_without_parameters_gets_some() {
    check(
        r#"
        server a {"tools":["x"],"era":"stateless"}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = *
        client 1 -> #2 something/new
        server a <- #$2 something/new {"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28", ...}}
        server a -> #$2 = {"resultType":"complete","n":1}
        client 1 <- #2 = {"n":1}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_changes_its_era_is_found_out_when_it_starts() {
    check(
        r#"
        server a {"tools":["x"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$1 tools/call {"name":"x"}
        server a -> #$1 = {"n":1}
        client 1 <- #1 = {"n":1}
        server a has {"tools":["x"],"era":"stateless"}
        gateway restarts a
        client 1 -> #2 tools/call {"name":"x"}
        server a.2 <- #$2 tools/call {"name":"x","_meta":*}
        server a.2 -> #$2 = {"resultType":"complete","n":2}
        client 1 <- #2 = {"n":2}
        server a launches 2
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_the_handshake_and_ends_is_greeted_otherwise() {
    check(
        r#"
        server a {"tools":["x"],"era":"stateless","by_hand":["initialize","server/discover"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$i initialize *
        server a -> #$i ! -32022 "unsupported" {"supported":["2026-07-28"]}
        server a <- #$d server/discover *
        server a has {"tools":["x"],"era":"stateless"}
        server a dies
        server a.2 <- #$1 tools/call *
        server a.2 -> #$1 = {"resultType":"complete","n":1}
        client 1 <- #1 = {"n":1}
        server a launches 2
        // The next one does not ask again.
        client 2 hello
        client 2 -> #1 tools/call {"name":"x"}
        server a.3 <- #$2 tools/call *
        server a.3 -> #$2 = {"resultType":"complete","n":2}
        client 2 <- #1 = {"n":2}
        server a launches 3
        "#,
    )
    .await;
}
