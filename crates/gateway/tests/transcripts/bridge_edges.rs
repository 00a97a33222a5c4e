//! The bridge where things come at the wrong moment, in the wrong size, or from the wrong server.

use super::bridge_down::{ABLE, play};
use super::harness::check;

#[tokio::test(start_paused = true)]
async fn a_question_that_fits_into_no_answer_ends_the_call() {
    let deep = format!("{}{}", "[".repeat(125), "]".repeat(125));
    play(
        &r#"
        server a {"tools":["ask"]}
        caller ann -> #1 tools/call {"name":"ask",~able~}
        server a <- #$1 tools/call *
        server a -> #"q" elicitation/create {"x":~deep~}
        caller ann <- #1 = {"isError":true,"content":[{"type":"text","text":"*do not fit into an answer*"}], ...}
        server a <- notifications/cancelled {"requestId":$1, ...}
        server a <- #"q" ! -32603 *
        "#
        .replace("~deep~", &deep),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_question_on_the_standing_stream_is_about_the_only_call() {
    play(
        r#"
        server a {"http":true,"sessions":true,"tools":["x"],"by_hand":["GET"]}
        caller ann -> #1 tools/call {"name":"x",~able~}
        server a <- GET
        server a on GET begins
        advance 1s
        server a <- #$1 tools/call *
        server a on $1 begins
        server a on GET event e2 - #"r" elicitation/create {"message":"?"}
        caller ann <- #1 = {"inputRequests":*,"requestState":$s, ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_question_on_the_standing_stream_is_about_none_of_two_calls() {
    play(
        r#"
        server a {"http":true,"sessions":true,"tools":["x"],"by_hand":["GET"]}
        caller ann -> #1 tools/call {"name":"x",~able~}
        server a <- GET
        server a on GET begins
        advance 1s
        server a <- #$1 tools/call *
        server a on $1 begins
        caller ann -> #2 tools/call {"name":"x",~able~}
        server a <- #$2 tools/call *
        server a on $2 begins
        server a on GET event e2 - #"r" elicitation/create {"message":"about 2"}
        server a <- #"r" ! -32601 "no client can be told*"
        caller ann hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_two_greetings_under_way_the_newer_era_wins() {
    play(
        r#"
        server a {"http":true,"tools":["x"],"by_hand":["server/discover","initialize","GET"]}
        caller ann ~> #1 tools/call {"name":"x"}
        server a <- #$d server/discover *
        advance 1s
        server a <- #$i initialize *
        server a -> #$i = {"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"a","version":"1"}}
        server a <- GET
        server a -> #$d = {"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}}
        server a <- #$e server/discover *
        server a -> #$e = {"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}}
        server a <- #$1 tools/call *
        server a -> #$1 = {"n":1}
        caller ann <- #1 = {"n":1}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn why_a_server_refused_to_start_is_not_lost() {
    play(
        r#"
        server a {"tools":["x"],"by_hand":["server/discover","initialize"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$i initialize *
        server a -> #$i ! -32603 "API key missing"
        server a <- #$d server/discover *
        advance 6s
        client 1 <- #1 ! *
        server a is {"state":"failed","reason":"*API key missing*", ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_server_that_dies_of_the_wrong_greeting_is_greeted_otherwise() {
    play(
        r#"
        server a {"tools":["x"],"by_hand":["server/discover","initialize"]}
        caller ann ~> #1 tools/call {"name":"x"}
        server a <- #$d server/discover *
        advance 1s
        server a <- #$i initialize *
        server a has {"tools":["x"]}
        server a dies
        server a.2 <- #$1 tools/call *
        server a.2 -> #$1 = {"n":1}
        caller ann <- #1 = {"n":1, ...}
        server a launches 2
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_keeps_its_era_when_the_server_has_another_one_by_now() {
    play(
        r#"
        server a {"tools":["x"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$1 tools/call *
        server a -> #$1 = {"n":1}
        client 1 <- #1 = {"n":1}
        server a has {"tools":["x"],"era":"stateless"}
        client 2 hello
        client 2 -> #1 tools/call {"name":"x"}
        server a.2 <- #$2 tools/call *
        server a.2 -> #$2 = {"n":2}
        client 2 <- #1 = {"n":2}
        client 1 -> #2 tools/call {"name":"x"}
        server a.1 <- #$3 tools/call {"name":"x"}
        server a.1 -> #$3 = {"n":3}
        client 1 <- #2 = {"n":3}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn only_calls_that_may_be_answered_with_questions_are() {
    play(
        r#"
        server a {"tools":["x"],"prompts":["p"]}
        caller ann -> #1 tools/list {~able~}
        caller ann <- #1 = *
        server a -> #"r" roots/list
        caller ann -> #2 completion/complete {"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"n","value":"v"},~able~}
        server a <- #$2 completion/complete *
        server a -> #$2 = {}
        caller ann <- #2 = {"resultType":"complete", ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn headers_made_anew_hold_for_the_next_round_too() {
    let old = r#"{"era":"stateless","http":true,"tools":[{"name":"x","inputSchema":{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}}}}]}"#;
    let new = old.replace("Region", "Zone");
    check(
        &r#"
        server a ~old~
        client 1 hello {"elicitation":{}}
        client 1 -> #1 tools/list
        client 1 <- #1 = {"tools":[{"name":"x", ...}]}
        server a has ~new~
        client 1 -> #2 tools/call {"name":"x","arguments":{"region":"eu"}}
        server a <- #$2 tools/call *
        server a replies 400 #$2 ! -32020 "Mcp-Param-Zone is missing"
        client 1 <- notifications/tools/list_changed
        server a <- #$3 tools/call *
        server a -> #$3 = {"resultType":"input_required","inputRequests":{"k":{"method":"elicitation/create","params":{"message":"?"}}},"requestState":"s"}
        client 1 <- #$q elicitation/create *
        client 1 -> #$q = {"action":"accept","content":{}}
        server a <- #$4 tools/call *
        server a heard {"mcp-param-region":null,"mcp-param-zone":"eu"}
        server a -> #$4 = {"resultType":"complete","n":1}
        client 1 <- #2 = {"n":1}
        "#
        .replace("~old~", old)
        .replace("~new~", &new),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_the_version_that_it_speaks_is_asked_once_more() {
    play(
        r#"
        server a {"http":true,"tools":["x"],"era":"stateless","by_hand":["server/discover"]}
        caller ann ~> #1 tools/call {"name":"x"}
        server a <- #$d server/discover *
        server a replies 400 #$d ! -32022 "unsupported" {"supported":["2026-07-28"]}
        server a <- #$e server/discover *
        server a -> #$e = {"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}}
        server a <- #$1 tools/call *
        server a -> #$1 = {"resultType":"complete","n":1}
        caller ann <- #1 = {"n":1, ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_wants_credentials_says_nothing_of_its_era() {
    play(
        r#"
        server a {"http":true,"tools":["x"],"era":"stateless","by_hand":["server/discover","initialize"]}
        caller ann ~> #1 tools/call {"name":"x"}
        server a <- #$d server/discover *
        server a replies 401 #$d ! -32001 "Unauthorized"
        caller ann <- #1 ! -32602 *
        server a is {"reason":"*401*Unauthorized*", ...}
        gateway restarts a
        caller ann ~> #2 tools/call {"name":"x"}
        server a <- #$e server/discover *
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_has_its_answer_asks_nothing_any_more() {
    play(
        r#"
        server a {"tools":["x"]}
        caller ann -> #1 tools/call {"name":"x",~able~}
        server a <- #$1 tools/call *
        server a -> #"q" elicitation/create {"message":"1"}
        caller ann <- #1 = {"inputRequests":{"q1":*},"requestState":$s, ...}
        // The server asks more, and does not wait for any of it.
        server a -> #"r" elicitation/create {"message":"2"}
        server a -> #$1 = {"n":1}
        // Another call has the turn; who comes back can be asked nothing now.
        caller ann -> #2 tools/call {"name":"x",~able~}
        server a <- #$2 tools/call *
        caller ann ~> #3 tools/call {"name":"x","inputResponses":{},"requestState":$s}
        caller ann <- 200 #3 = {"n":1, ...}
        server a <- #"q" ! -32603 *
        server a <- #"r" ! -32603 *
        server a -> #$2 = {"n":2}
        caller ann <- #2 = {"n":2, ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_turn_is_not_lent_where_another_caller_can_come() {
    // Folders would keep them apart.
    let asks = ABLE.replace(r#","roots":{}"#, "");
    play(
        &r#"
        server a {"tools":["x"],"share":"all"}
        caller ann -> #1 tools/call {"name":"x",~asks~}
        server a <- #$1 tools/call *
        server a -> #"q" elicitation/create {"message":"ann?"}
        caller ann <- #1 = {"inputRequests":{"q1":*},"requestState":$s, ...}
        // So far nobody but ann was there; what is asked late must not find who comes then.
        caller bob -> #1 tools/call {"name":"x",~asks~}
        server a hears nothing
        server a -> #"late" elicitation/create {"message":"ann again?"}
        caller bob hears nothing
        caller ann -> #2 tools/call {"name":"x","inputResponses":{"q1":{"action":"accept"}},"requestState":$s,~asks~}
        server a <- #"q" = {"action":"accept"}
        caller ann <- #2 = {"inputRequests":{"q2":{"method":"elicitation/create","params":{"message":"ann again?"}}},"requestState":$t, ...}
        caller ann -> #3 tools/call {"name":"x","inputResponses":{"q2":{"action":"accept"}},"requestState":$t,~asks~}
        server a <- #"late" = {"action":"accept"}
        server a -> #$1 = {"n":1}
        caller ann <- #3 = {"n":1, ...}
        server a <- #$2 tools/call *
        server a -> #$2 = {"n":2}
        caller bob <- #1 = {"n":2, ...}
        "#
        .replace("~asks~", &asks),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_does_not_come_back_blocks_nobody_for_long() {
    let asks = ABLE.replace(r#","roots":{}"#, "");
    play(
        &r#"
        server a {"tools":["x"],"share":"all"}
        caller bob -> #1 tools/call {"name":"x",~asks~}
        server a <- #$b tools/call *
        server a -> #$b = {"n":0}
        caller bob <- #1 = {"n":0, ...}
        caller ann -> #1 tools/call {"name":"x",~asks~}
        server a <- #$1 tools/call *
        server a -> #"q" elicitation/create {"message":"?"}
        caller ann <- #1 = {"requestState":$s, ...}
        // A late question must not find another caller: the turn is kept, but not for long.
        caller bob -> #2 tools/call {"name":"x",~asks~}
        advance 50s
        server a hears nothing
        advance 15s
        server a <- notifications/cancelled {"requestId":$1, ...}
        server a <- #"q" ! -32603 *
        server a <- #$2 tools/call *
        server a -> #$2 = {"n":2}
        caller bob <- #2 = {"n":2, ...}
        "#
        .replace("~asks~", &asks),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn only_what_is_declared_is_asked() {
    let by_url = ABLE.replace(
        r#""elicitation":{},"sampling":{},"roots":{}"#,
        r#""elicitation":{"url":{}}"#,
    );
    play(
        &r#"
        server a {"tools":["x"]}
        caller ann -> #1 tools/call {"name":"x",~url~}
        server a <- #$1 tools/call *
        server a -> #"form" elicitation/create {"message":"a form","requestedSchema":{"type":"object"}}
        server a <- #"form" ! -32601 "the client does not support elicitation"
        server a -> #"new" vendor/unknown {"a":1}
        server a <- #"new" ! -32601 "*vendor/unknown*"
        server a -> #$1 = {"n":1}
        caller ann <- #1 = {"n":1, ...}
        "#
        .replace("~url~", &by_url),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn asking_and_taking_back_for_ever_fills_nothing() {
    let mut script = String::from(
        r#"
        server a {"tools":["x"]}
        caller ann -> #1 tools/call {"name":"x",~able~}
        server a <- #$1 tools/call *
        server a -> #"first" elicitation/create {"message":"?"}
        caller ann <- #1 = {"requestState":$s, ...}
        "#,
    );
    for n in 0..50 {
        script += &format!(
            "server a -> #\"q{n}\" roots/list\nserver a -> notifications/cancelled {{\"requestId\":\"q{n}\"}}\n"
        );
    }
    script += r#"
        caller ann -> #2 tools/call {"name":"x","inputResponses":{"q1":{"action":"accept"}},"requestState":$s,~able~}
        server a <- #"first" = {"action":"accept"}
        server a -> #$1 = {"n":1}
        caller ann <- #2 = {"n":1, ...}
        "#;
    play(&script).await;
}

#[tokio::test(start_paused = true)]
async fn ever_other_capabilities_do_not_start_ever_other_servers() {
    let mut script = String::from(r#"server a {"tools":["x"]}"#);
    let sets = [
        "{}",
        r#"{"roots":{}}"#,
        r#"{"sampling":{}}"#,
        r#"{"sampling":{"tools":{}}}"#,
        r#"{"sampling":{"context":{}}}"#,
        r#"{"elicitation":{}}"#,
        r#"{"elicitation":{"url":{}}}"#,
        r#"{"roots":{},"sampling":{}}"#,
        r#"{"roots":{},"elicitation":{}}"#,
        r#"{"sampling":{},"elicitation":{}}"#,
    ];
    for (n, set) in sets.iter().enumerate() {
        let (id, conn) = (n + 1, if n < 8 { n + 1 } else { 1 });
        script += &format!(
            r#"
            caller ann -> #{id} tools/call {{"name":"x","_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{set}}}}}
            server a.{conn} <- #${id} tools/call *
            server a.{conn} -> #${id} = {{"n":1}}
            caller ann <- #{id} = {{"n":1, ...}}"#
        );
    }
    script += "\nserver a launches 8\n";
    play(&script).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_fails_for_a_question_that_could_not_be_asked_says_what_is_needed() {
    play(
        r#"
        server a {"tools":["x"]}
        caller ann ~> #1 tools/call {"name":"x"}
        server a <- #$1 tools/call *
        server a -> #"q" sampling/createMessage {}
        server a <- #"q" ! -32601 "the client does not support sampling"
        server a -> #$1 ! -32603 "no model"
        caller ann <- 400 #1 ! -32021 "no model" {"requiredCapabilities":{"sampling":{}}}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn logs_on_the_standing_stream_are_heard_with_the_call_that_wants_them() {
    play(
        r#"
        server a {"http":true,"sessions":true,"tools":["x"],"by_hand":["GET"],"capabilities":{"logging":{}},"yes":["logging/setLevel"]}
        caller ann ~> #1 tools/call {"name":"x","_meta":{"io.modelcontextprotocol/logLevel":"info"}}
        server a <- GET
        server a on GET begins
        advance 1s
        server a <- #$1 tools/call *
        server a on GET event e1 - notifications/message {"level":"debug","data":1}
        server a on GET event e2 - notifications/message {"level":"info","data":2}
        caller ann <- notifications/message {"level":"info","data":2}
        server a -> #$1 = {"n":1}
        caller ann <- #1 = {"n":1, ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_under_an_id_of_the_servers_own_is_one() {
    play(
        r#"
        server a {"http":true,"tools":["x"],"by_hand":["server/discover"]}
        caller ann ~> #1 tools/call {"name":"x"}
        server a <- #$d server/discover *
        server a on $d status 400 {"jsonrpc":"2.0","id":"server-error","error":{"code":-32600,"message":"Missing session ID"}}
        server a <- #$1 tools/call {"name":"x"}
        server a -> #$1 = {"n":1}
        caller ann <- #1 = {"n":1, ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_an_old_server_calls_the_kind_of_its_result_is_not_the_kind() {
    for kind in [
        r#""resultType":7"#,
        r#""resultType":null"#,
        r#""resultType":"task""#,
        r#""resultType":"complete","resultType":"complete""#,
        r#""resultType":"input_required","inputRequests":{"k":{"method":"roots/list"}}"#,
    ] {
        let script = r#"
            server a {"tools":["x"]}
            caller ann ~> #1 tools/call {"name":"x"}
            server a <- #$1 tools/call *
            server a -> #$1 = {"n":1,~kind~}
            caller ann <- #1 = {"n":1,"resultType":"complete", ...}
        "#;
        play(&script.replace("~kind~", kind)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn codes_of_the_other_era_do_not_cross_however_they_are_written() {
    for code in ["-32002.0", "-32002e0", "-3.2002E4"] {
        let script = r#"
            server a {"tools":["x"]}
            caller ann ~> #1 tools/call {"name":"x"}
            server a <- #$1 tools/call *
            server a -> #$1 ! ~code~ "gone"
            caller ann <- 200 #1 ! -32602 "gone"
        "#;
        play(&script.replace("~code~", code)).await;
    }
    play(
        r#"
        server a {"prompts":["p"],"era":"stateless"}
        client 1 hello
        client 1 -> #1 prompts/get {"name":"p"}
        server a <- #$1 prompts/get *
        server a -> #$1 ! -32021.0 "lacks"
        client 1 <- #1 ! -32603 "the server refused the request: lacks"
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_question_about_a_call_that_was_taken_back_finds_no_other_caller() {
    let asks = ABLE.replace(r#","roots":{}"#, "");
    play(
        &r#"
        server a {"http":true,"sessions":true,"share":"all","tools":["x"],"by_hand":["GET"]}
        caller ann -> #1 tools/call {"name":"x",~asks~}
        server a <- GET
        server a on GET begins
        advance 1s
        server a <- #$1 tools/call *
        caller ann drops #1
        server a <- notifications/cancelled *
        caller bob -> #2 tools/call {"name":"x",~asks~}
        server a <- #$2 tools/call *
        server a on GET event e1 - #"q" elicitation/create {"message":"about ann's call"}
        server a <- #"q" ! -32601 "no client can be told*"
        server a -> #$2 = {"n":2}
        caller bob <- #2 = {"n":2, ...}
        "#
        .replace("~asks~", &asks),
    )
    .await;
}
