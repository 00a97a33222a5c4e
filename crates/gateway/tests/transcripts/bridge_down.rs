//! Stateless clients before servers of the handshake era: what these ask by requests, the client hears of in answers.

use super::harness::check;

/// `_meta` of a request whose client can be asked everything.
pub(super) const ABLE: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{},"sampling":{},"roots":{}}}"#;

/// A client that can be asked says so in each request: `~able~` stands for that.
pub(super) async fn play(script: &str) {
    check(&script.replace("~able~", ABLE)).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_leaves_the_hop_behind_and_comes_back_complete() {
    play(
        r#"
        server a {"tools":["x"]}
        caller ann ~> #1 tools/call {"name":"x","arguments":{"n":1.0},"_meta":{"progressToken":"t","own":1}}
        server a <- #$1 tools/call {"name":"x","arguments":{"n":1.0},"_meta":{"progressToken":$1,"own":1}}
        server a -> notifications/progress {"progressToken":$1,"progress":1}
        caller ann <- notifications/progress {"progressToken":"t","progress":1}
        server a -> #$1 = {"content":[],"x":1}
        caller ann <- 200 #1 = {"content":[],"x":1,"resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"a","version":"1"}}}
        caller ann ~> #2 tools/call {"name":"x"}
        server a <= {"jsonrpc":"2.0","id":$id,"method":"tools/call","params":{"name":"x"}}
        server a -> #$id ! -32602 "bad"
        caller ann <- 200 #2 ! -32602 "bad"
        server a is {"versions":["2025-11-25"], ...}
        server a launches 1
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn lists_and_discovery_are_those_of_the_clients_era() {
    play(
        r#"
        server a {"tools":["x",{"name":"slow","execution":{"taskSupport":"required"},"inputSchema":{"type":"object"}}],
            "prompts":["p"],"resources":["r://1"],"capabilities":{"logging":{},"tasks":{"list":{}}}}
        caller ann ~> #1 server/discover
        caller ann <- #1 = {"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":*,"prompts":*,"resources":*,"logging":{}},"ttlMs":5000,"cacheScope":"private","_meta":*}
        caller ann ~> #2 tools/list
        caller ann <- #2 = {"resultType":"complete","tools":[{"name":"x", ...}],"ttlMs":5000,"cacheScope":"private","_meta":*}
        caller ann ~> #3 tools/call {"name":"slow"}
        caller ann <- #3 ! -32602 *
        server a is {"reason":"*slow*task*", ...}
        caller ann ~> #4 resources/read {"uri":"r://1"}
        server a <- #$4 resources/read {"uri":"r://1"}
        server a -> #$4 = {"contents":[]}
        caller ann <- #4 = {"contents":[],"resultType":"complete","ttlMs":0,"cacheScope":"private","_meta":*}
        caller ann ~> #5 resources/read {"uri":"r://1"}
        server a <- #$5 resources/read *
        server a -> #$5 ! -32002 "gone" {"uri":"r://1"}
        caller ann <- 200 #5 ! -32602 "gone" {"uri":"r://1"}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_question_parks_the_call_until_the_same_request_brings_the_answer() {
    play(
        r#"
        server a {"tools":["ask"],"by_hand":["initialize"]}
        caller ann -> #1 tools/call {"name":"ask","arguments":{"b":1,"a":2},~able~}
        server a <- #$i initialize {"protocolVersion":"2025-11-25","capabilities":{"roots":{},"sampling":{},"elicitation":{"form":{}}},"clientInfo":*}
        server a -> #$i = {"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"a","version":"1"}}
        server a <- #$1 tools/call {"name":"ask","arguments":{"b":1,"a":2}}
        server a -> #"e" elicitation/create {"message":"who?","requestedSchema":{"type":"object"}}
        caller ann <- 200 #1 = {"resultType":"input_required","inputRequests":{"q1":{"method":"elicitation/create","params":{"message":"who?","requestedSchema":{"type":"object"}}}},"requestState":$state,"_meta":*}
        caller ann -> #2 tools/call {"name":"ask","arguments":{"a":2,"b":1},"inputResponses":{"q1":{"action":"accept","content":{"name":"Ann"}}},"requestState":$state,~able~}
        server a <- #"e" = {"action":"accept","content":{"name":"Ann"}}
        server a -> #$1 = {"content":[]}
        caller ann <- #2 = {"content":[],"resultType":"complete","_meta":*}
        server a launches 1
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn several_questions_several_rounds_and_what_comes_between() {
    play(
        r#"
        server a {"tools":["ask"]}
        caller ann -> #1 tools/call {"name":"ask","_meta":{"progressToken":1,"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{},"sampling":{},"roots":{}}}}
        server a <- #$1 tools/call *
        server a -> #1 elicitation/create {"message":"1"}
        caller ann <- #1 = {"inputRequests":{"q1":*},"requestState":$s1, ...}
        // Heard while the client thinks.
        server a -> #2 sampling/createMessage {"messages":[]}
        server a -> notifications/progress {"progressToken":$1,"progress":1}
        // Of two questions one is answered: the other is asked again.
        caller ann -> #2 tools/call {"name":"ask","inputResponses":{"q1":{"action":"decline"},"q9":{}},"requestState":$s1,"_meta":{"progressToken":"two","io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{},"sampling":{},"roots":{}}}}
        server a <- #1 = {"action":"decline"}
        caller ann <- notifications/progress {"progressToken":"two","progress":1}
        caller ann <- #2 = {"inputRequests":{"q2":{"method":"sampling/createMessage","params":{"messages":[]}}},"requestState":$s2, ...}
        caller ann -> #3 tools/call {"name":"ask","inputResponses":{"q2":7},"requestState":$s2,~able~}
        // No token, no progress.
        caller ann <- #3 = {"inputRequests":{"q2":*},"requestState":$s3, ...}
        caller ann -> #4 tools/call {"name":"ask","inputResponses":{"q2":{"role":"assistant"}},"requestState":$s3,"_meta":{"progressToken":"four","io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{},"sampling":{},"roots":{}}}}
        server a <- #2 = {"role":"assistant"}
        server a -> notifications/progress {"progressToken":$1,"progress":2}
        caller ann <- notifications/progress {"progressToken":"four","progress":2}
        server a -> #$1 = {"content":[]}
        caller ann <- #4 = {"resultType":"complete", ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_state_opens_once_for_its_caller_and_its_request() {
    play(
        r#"
        server a {"tools":["ask","other"],"prompts":["ask"]}
        caller ann -> #1 tools/call {"name":"ask",~able~}
        server a <- #$1 tools/call *
        server a -> #1 roots/list
        caller ann <- #1 = {"inputRequests":{"q1":{"method":"roots/list","params":{}}},"requestState":$s, ...}
        caller bob -> #1 tools/call {"name":"ask","inputResponses":{"q1":{"roots":[]}},"requestState":$s,~able~}
        caller bob <- 400 #1 ! -32602 "*requestState was not issued here*"
        caller ann -> #2 tools/call {"name":"other","inputResponses":{"q1":{"roots":[]}},"requestState":$s,~able~}
        caller ann <- 400 #2 ! -32602 "*requestState belongs to another request*"
        caller ann -> #3 prompts/get {"name":"ask","inputResponses":{"q1":{"roots":[]}},"requestState":$s,~able~}
        caller ann <- 400 #3 ! -32602 "*requestState belongs to another request*"
        caller ann -> #4 tools/call {"name":"ask","inputResponses":{"q1":{"roots":[]}},"requestState":"forged",~able~}
        caller ann <- 400 #4 ! -32602 "*requestState was not issued here*"
        caller ann -> #5 tools/call {"name":"ask","inputResponses":{"q1":{"roots":[]}},"requestState":$s,~able~}
        server a <- #1 = {"roots":[]}
        caller ann -> #6 tools/call {"name":"ask","inputResponses":{"q1":{"roots":[]}},"requestState":$s,~able~}
        caller ann <- 400 #6 ! -32602 "*requestState was used already*"
        server a -> #$1 = {"content":[]}
        caller ann <- #5 = {"resultType":"complete", ...}
        caller ann -> #7 tools/call {"name":"ask","requestState":7,~able~}
        caller ann <- 400 #7 ! -32602 "*requestState*"
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_does_not_come_back_loses_the_call() {
    play(
        r#"
        server a {"tools":["ask"]}
        caller ann -> #1 tools/call {"name":"ask",~able~}
        server a <- #$1 tools/call *
        server a -> #"q" elicitation/create {"message":"?"}
        caller ann <- #1 = {"inputRequests":*,"requestState":$s, ...}
        advance 602s
        server a <- notifications/cancelled {"requestId":$1,"reason":"the client did not answer in time"}
        server a <- #"q" ! -32603 "the client did not answer"
        caller ann -> #2 tools/call {"name":"ask","inputResponses":{"q1":{}},"requestState":$s,~able~}
        caller ann <- 400 #2 ! -32602 "*requestState has expired*"
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn questions_need_what_the_client_declares_with_the_call() {
    play(
        r#"
        server a {"tools":["ask"]}
        caller ann ~> #1 tools/call {"name":"ask"}
        server a <- #$1 tools/call *
        server a -> #1 elicitation/create {"message":"?"}
        server a <- #1 ! -32601 "the client does not support elicitation"
        server a -> #$1 = {"content":[]}
        caller ann <- #1 = {"content":[], ...}
        // Who can be asked gets a connection that says so.
        caller ann -> #2 tools/call {"name":"ask",~able~}
        server a.2 <- #$2 tools/call *
        server a.2 -> #1 elicitation/create {"message":"?","mode":"url","url":"https://x"}
        server a.2 <- #1 ! -32601 "the client does not support elicitation by URL"
        server a.2 -> #2 elicitation/create {"message":"?"}
        caller ann <- #2 = {"inputRequests":*,"requestState":$s, ...}
        // And who takes that back is not asked.
        caller ann ~> #3 tools/call {"name":"ask","inputResponses":{},"requestState":$s}
        server a.2 <- #2 ! -32601 "*any more*"
        server a.2 -> #$2 = {"content":[]}
        caller ann <- #3 = {"content":[], ...}
        server a launches 2
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn folders_that_are_asked_for_before_any_call_come_with_the_first() {
    play(
        r#"
        server a {"tools":["x"]}
        caller ann -> #1 tools/list {~able~}
        caller ann <- #1 = {"tools":[{"name":"x", ...}], ...}
        server a -> #"r" roots/list
        server a -> #"e" elicitation/create {"message":"?"}
        server a <- #"e" ! -32601 "no client can be told*"
        caller ann -> #2 tools/call {"name":"x",~able~}
        server a <- #$2 tools/call *
        caller ann <- #2 = {"inputRequests":{"q1":{"method":"roots/list","params":{}}},"requestState":$s, ...}
        server a -> #$2 = {"content":[]}
        caller ann -> #3 tools/call {"name":"x","inputResponses":{"q1":{"roots":[]}},"requestState":$s,~able~}
        server a <- #"r" = {"roots":[]}
        caller ann <- #3 = {"content":[], ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_caller_at_a_time_where_nothing_tells_whose_a_question_is() {
    play(
        r#"
        server a {"tools":["ask"]}
        caller ann -> #1 tools/call {"name":"ask",~able~}
        server a <- #$1 tools/call *
        caller ann -> #2 tools/call {"name":"ask",~able~}
        server a hears nothing
        server a -> #1 elicitation/create {"message":"?"}
        caller ann <- #1 = {"inputRequests":*,"requestState":$s, ...}
        // While the person thinks, the next call has its turn, and what is asked is about that one.
        server a <- #$2 tools/call *
        server a -> #2 elicitation/create {"message":"two?"}
        caller ann <- #2 = {"inputRequests":{"q1":{"method":"elicitation/create","params":{"message":"two?"}}},"requestState":$s2, ...}
        caller ann -> #4 tools/call {"name":"ask","inputResponses":{"q1":{"action":"decline"}},"requestState":$s2,~able~}
        server a <- #2 = {"action":"decline"}
        // The answer waits until it is the turn of its call again.
        caller ann -> #3 tools/call {"name":"ask","inputResponses":{"q1":{"action":"accept"}},"requestState":$s,~able~}
        server a hears nothing
        server a -> #$2 = {"n":2}
        caller ann <- #4 = {"n":2, ...}
        server a <- #1 = {"action":"accept"}
        server a -> #$1 = {"n":1}
        caller ann <- #3 = {"n":1, ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_question_that_is_taken_back_is_not_asked_again() {
    play(
        r#"
        server a {"tools":["ask"]}
        caller ann -> #1 tools/call {"name":"ask",~able~}
        server a <- #$1 tools/call *
        server a -> #"q" elicitation/create {"message":"?"}
        caller ann <- #1 = {"inputRequests":*,"requestState":$s, ...}
        server a -> notifications/cancelled {"requestId":"q"}
        server a -> #$1 = {"n":1}
        caller ann -> #2 tools/call {"name":"ask","inputResponses":{"q1":{"action":"accept"}},"requestState":$s,~able~}
        caller ann <- #2 = {"n":1, ...}
        server a hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn going_away_takes_the_call_back_and_a_parked_one_only_by_its_time() {
    play(
        r#"
        server a {"tools":["ask"]}
        caller ann -> #1 tools/call {"name":"ask",~able~}
        server a <- #$1 tools/call *
        caller ann drops #1
        server a <- notifications/cancelled {"requestId":$1, ...}
        client 1 opens
        client 1 -> #1 tools/call {"name":"ask",~able~}
        server a.2 <- #$2 tools/call *
        server a.2 -> #"q" elicitation/create {"message":"?"}
        client 1 <- #1 = {"requestState":$s, ...}
        client 1 -> notifications/cancelled {"requestId":1}
        server a.2 hears nothing
        client 1 closes
        server a.2 <- notifications/cancelled {"requestId":$2,"reason":"the client has gone"}
        server a.2 <- #"q" ! -32603 "the client did not answer"
        server a.2 ends
        client 1 <- end
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn urls_that_must_be_visited_first_become_questions() {
    play(
        r#"
        server a {"tools":["x"]}
        caller ann -> #1 tools/call {"name":"x","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{"url":{}}}}}
        server a <- #$1 tools/call {"name":"x"}
        server a -> #$1 ! -32042 "sign in" {"elicitations":[{"mode":"url","url":"https://x","message":"m","elicitationId":"7"}]}
        caller ann <- #1 = {"resultType":"input_required","inputRequests":{"q1":{"method":"elicitation/create","params":{"mode":"url","url":"https://x","message":"m"}}},"requestState":$s,"_meta":*}
        caller ann -> #2 tools/call {"name":"x","inputResponses":{"q1":{"action":"accept"}},"requestState":$s,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{"url":{}}}}}
        server a <- #$2 tools/call {"name":"x"}
        server a -> #$2 = {"n":1}
        caller ann <- #2 = {"n":1, ...}
        caller ann ~> #3 tools/call {"name":"x"}
        server a.2 <- #$3 tools/call {"name":"x"}
        server a.2 -> #$3 ! -32042 "sign in" {"elicitations":[]}
        caller ann <- 400 #3 ! -32021 "sign in" {"requiredCapabilities":{"elicitation":{"url":{}}}}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn listening_is_fed_by_subscriptions_that_are_counted() {
    play(
        r#"
        server a {"tools":["x"],"resources":["r://1","r://2"],"by_hand":["resources/subscribe"],"yes":["resources/unsubscribe"]}
        caller ann ~> #1 subscriptions/listen {"notifications":{"toolsListChanged":true,"resourceSubscriptions":["r://1","r://1","x://unknown"]}}
        server a <- #$s resources/subscribe {"uri":"r://1"}
        server a -> #$s = {}
        caller ann hears nothing
        server a <- #$u resources/subscribe {"uri":"x://unknown"}
        server a -> #$u ! -32602 "no"
        caller ann <- notifications/subscriptions/acknowledged {"notifications":{"toolsListChanged":true,"resourceSubscriptions":["r://1","x://unknown"]}, ...}
        caller ann.two ~> #1 subscriptions/listen {"notifications":{"resourceSubscriptions":["r://1"]}}
        caller ann.two <- notifications/subscriptions/acknowledged *
        server a -> notifications/resources/updated {"uri":"r://1"}
        caller ann <- notifications/resources/updated {"uri":"r://1","_meta":{"io.modelcontextprotocol/subscriptionId":1}}
        caller ann.two <- notifications/resources/updated {"uri":"r://1", ...}
        server a has {"tools":["y"],"resources":["r://1","r://2"]}
        server a -> notifications/tools/list_changed
        caller ann <- notifications/tools/list_changed {"_meta":{"io.modelcontextprotocol/subscriptionId":1}}
        caller ann drops #1
        server a hears nothing
        caller ann.two drops #1
        server a <- #$v resources/unsubscribe {"uri":"r://1"}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_cannot_tell_of_a_resource_is_not_listened_to_for_it() {
    play(
        r#"
        server a {"tools":["x"],"resources":["r://1"],"capabilities":{"resources":{"listChanged":true}}}
        caller ann ~> #1 subscriptions/listen {"notifications":{"resourcesListChanged":true,"resourceSubscriptions":["r://1"]}}
        caller ann <- notifications/subscriptions/acknowledged {"notifications":{"resourcesListChanged":true}, ...}
        server a hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn logs_are_asked_for_per_call_and_heard_with_it() {
    play(
        r#"
        server a {"tools":["x"],"capabilities":{"logging":{}}}
        caller ann ~> #1 tools/call {"name":"x","_meta":{"io.modelcontextprotocol/logLevel":"info"}}
        server a <- #$l logging/setLevel {"level":"info"}
        server a -> #$l = {}
        server a <- #$1 tools/call {"name":"x"}
        server a -> notifications/message {"level":"debug","data":1}
        server a -> notifications/message {"level":"info","data":2}
        caller ann <- notifications/message {"level":"info","data":2}
        server a -> #$1 = {}
        caller ann <- #1 = {"resultType":"complete", ...}
        // Nothing is asked of the server that it does already, and nothing told to who did not ask.
        caller ann ~> #2 tools/call {"name":"x"}
        server a <- #$2 tools/call {"name":"x"}
        server a -> notifications/message {"level":"error","data":3}
        server a -> #$2 = {}
        caller ann <- #2 = {"resultType":"complete", ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_only_the_other_era_knows_does_not_cross() {
    play(
        r#"
        server a {"tools":["x"],"capabilities":{"tasks":{"list":{}},"extensions":{"a":{},"io.modelcontextprotocol/tasks":{}}}}
        caller ann ~> #1 tools/call {"name":"x"}
        server a <- #$1 tools/call *
        server a -> notifications/tasks/status {"taskId":"t","status":"working"}
        server a -> notifications/elicitation/complete {"elicitationId":"7"}
        server a -> notifications/something/new {"n":1}
        caller ann <- notifications/something/new {"n":1}
        server a -> #$1 = {}
        caller ann <- #1 = {"resultType":"complete", ...}
        caller ann ~> #2 server/discover
        caller ann <- #2 = {"capabilities":{"tools":*,"extensions":{"a":{}}}, ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_greeted_in_both_eras_after_a_second() {
    play(
        r#"
        server a {"tools":["x"],"auto":false}
        caller ann ~> #1 tools/call {"name":"x"}
        server a <- #$d server/discover *
        server a hears nothing
        advance 1s
        server a <- #$i initialize {"capabilities":{}, ...}
        server a -> #$i = {"protocolVersion":"2024-11-05","capabilities":{"tools":{}},"serverInfo":{"name":"a","version":"1"}}
        server a <- notifications/initialized
        server a <- #$l tools/list {}
        server a -> #$l = {"tools":[{"name":"x","inputSchema":{"type":"object"}}]}
        server a <- #$1 tools/call {"name":"x"}
        server a -> #$1 = {"n":1}
        caller ann <- #1 = {"n":1, ...}
        server a launches 1
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_new_server_that_was_greeted_in_both_eras_is_started_anew() {
    play(
        r#"
        server a {"tools":["x"],"era":"stateless","by_hand":["server/discover"]}
        caller ann ~> #1 tools/call {"name":"x"}
        server a <- #$d server/discover *
        advance 1s
        server a -> #$d = {"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}}
        server a.1 ends
        server a.2 <- #$e server/discover *
        server a.2 -> #$e = {"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}}
        server a.2 <- #$1 tools/call *
        server a.2 -> #$1 = {"n":1}
        caller ann <- #1 = {"n":1}
        server a launches 2
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_dies_of_the_wrong_greeting_is_greeted_otherwise() {
    play(
        r#"
        server a {"tools":["x"],"by_hand":["server/discover"]}
        caller ann ~> #1 tools/call {"name":"x"}
        server a <- #$d server/discover *
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
async fn each_request_says_anew_what_it_wants_to_hear() {
    let able = ABLE.replace(
        r#""_meta":{"#,
        r#""_meta":{"io.modelcontextprotocol/logLevel":"info","#,
    );
    play(
        &r#"
        server a {"tools":["ask"]}
        caller ann -> #1 tools/call {"name":"ask",~loud~}
        server a <- #$1 tools/call *
        server a -> notifications/message {"level":"info","data":1}
        caller ann <- notifications/message {"level":"info","data":1}
        server a -> #"q" roots/list {}
        caller ann <- #1 = {"resultType":"input_required","requestState":$s, ...}
        caller ann -> #2 tools/call {"name":"ask","inputResponses":{"q1":{"roots":[]}},"requestState":$s,~able~}
        server a <- #"q" = {"roots":[]}
        server a -> notifications/message {"level":"error","data":2}
        caller ann hears nothing
        server a -> #$1 = {"content":[]}
        caller ann <- #2 = {"content":[], ...}
        "#
        .replace("~loud~", &able),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn only_answers_that_may_ask_do() {
    play(
        r#"
        server a {"prompts":["p"],"capabilities":{"completions":{}}}
        caller ann -> #1 completion/complete {"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"x","value":""},~able~}
        server a <- #$1 completion/complete *
        server a -> #"q" sampling/createMessage {}
        server a <- #"q" ! -32601 "*no client can be told*"
        server a -> #$1 = {"completion":{"values":[]}}
        caller ann <- #1 = {"completion":{"values":[]}, ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_taken_back_before_its_log_level_was_set_is_not_sent() {
    play(
        r#"
        server a {"tools":["x"],"capabilities":{"logging":{}}}
        client 1 opens
        client 1 ~> #1 tools/call {"name":"x","_meta":{"io.modelcontextprotocol/logLevel":"info"}}
        server a <- #$l logging/setLevel {"level":"info"}
        client 1 -> notifications/cancelled {"requestId":1}
        client 1 <- silence
        server a -> #$l = {}
        server a hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_has_lent_its_turn_is_in_nobodys_way() {
    play(
        r#"
        server a {"tools":["ask"]}
        caller ann -> #1 tools/call {"name":"ask",~able~}
        server a <- #$1 tools/call *
        server a -> #"q" elicitation/create {"message":"?"}
        caller ann <- #1 = {"requestState":$s, ...}
        caller ann -> #2 tools/call {"name":"ask",~able~}
        server a <- #$2 tools/call *
        caller ann -> #3 tools/call {"name":"ask",~able~}
        // One works, one waits, and the person still thinks.
        advance 120s
        server a hears nothing
        server a -> #$2 = {"n":2}
        caller ann <- #2 = {"n":2, ...}
        server a <- #$3 tools/call *
        server a -> #$3 = {"n":3}
        caller ann <- #3 = {"n":3, ...}
        caller ann -> #4 tools/call {"name":"ask","inputResponses":{"q1":{"action":"accept"}},"requestState":$s,~able~}
        server a <- #"q" = {"action":"accept"}
        server a -> #$1 = {"n":1}
        caller ann <- #4 = {"n":1, ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_at_once_is_asked_in_one_answer() {
    play(
        r#"
        server a {"tools":["ask"]}
        caller ann -> #1 tools/call {"name":"ask",~able~}
        server a <- #$1 tools/call *
        server a -> #"a" elicitation/create {"message":"?"}
        advance 1ms
        caller ann hears nothing
        server a -> #"b" roots/list
        caller ann <- #1 = {"inputRequests":{"q1":{"method":"elicitation/create", ...},"q2":{"method":"roots/list", ...}},"requestState":$s, ...}
        "#,
    )
    .await;
}
