//! Credentials that a server lacks: the person is led to a page, and what they enter there reaches the server, and nobody else.

use super::harness::check;

/// A server that wants two.
const GAUGE: &str = r#"
    server gauge {"catalog":true,"secrets":["gauge.token","gauge.user"],"env":[["T","${GAUGE_TOKEN}"]],"tools":["z"]}
"#;
const LED: &str = r#"elicitation/create {"mode":"url","message":"gauge needs credentials. *","url":$u,"elicitationId":$e}"#;

/// `~able~`: a stateless request whose client can be led to pages and shown forms.
async fn play(script: &str) {
    let able = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{"url":{},"form":{}}}}"#;
    let script = script
        .replace("~able~", able)
        .replace("~gauge~", GAUGE)
        .replace("~led~", LED);
    check(&script).await;
}

#[tokio::test(start_paused = true)]
async fn the_call_goes_on_when_the_person_has_entered_them() {
    play(
        r#"
        ~gauge~
        client 1 hello {"elicitation":{"url":{}}}
        client 1 -> #1 tools/call {"name":"mcp-add","arguments":{"name":"gauge"}}
        client 1 <- #$q ~led~
        person sees $u {"server":"gauge","title":null,"origin":"the catalog `mine`","kept_in":"a drawer","fields":[{"name":"gauge.token", ...},{"name":"gauge.user", ...}]}
        client 1 -> #$q = {"action":"accept"}
        client 1 hears nothing
        // What cannot be kept was not given.
        person cannot keep the disk is full
        person fails $u a value is missing
        person can again
        server gauge launches 0
        person fills $u hunter2,ann
        client 1 <- notifications/elicitation/complete {"elicitationId":$e}
        client 1 <- #1 = {"content":[{"type":"text","text":"gauge is active with 1 tool: z"}],"structuredContent":{"server":"gauge","state":"active", ...}}
        client 1 <- notifications/tools/list_changed
        person misses $u
        server gauge ran "gauge T=hunter2 GAUGE_TOKEN=hunter2 GAUGE_USER=ann"
        // They are there for everybody from now on.
        client 2 hello
        client 2 -> #1 tools/call {"name":"mcp-add","arguments":{"name":"gauge","activate":false}}
        client 2 <- #1 = {"structuredContent":{"state":"active", ...}, ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn whoever_follows_the_link_by_hand_has_followed_it() {
    play(
        r#"
        ~gauge~
        client 1 hello {"elicitation":{"url":{}}}
        client 1 -> #1 tools/call {"name":"mcp-add","arguments":{"name":"gauge","activate":false}}
        client 1 <- #$q ~led~
        person fills $u hunter2,ann
        client 1 <- notifications/elicitation/complete {"elicitationId":$e}
        client 1 <- notifications/cancelled {"requestId":$q, ...}
        client 1 <- #1 = {"structuredContent":{"state":"active", ...}, ...}
        client 1 -> #$q = {"action":"cancel"}
        client 1 hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn every_other_end_has_its_reply() {
    for (how, told) in [
        (
            r#"client 1 -> #$q = {"action":"decline"}"#,
            "the user declined to give gauge its credentials; ask them why",
        ),
        (
            r#"client 1 -> #$q = {"action":"cancel"}"#,
            "the user declined to give gauge its credentials; ask them why",
        ),
        (
            r#"client 1 -> #$q = {"action":"accept"}
            person refuses $u
            client 1 <- notifications/elicitation/complete {"elicitationId":$e}"#,
            "the user declined to give gauge its credentials; ask them why",
        ),
        (
            r#"client 1 -> #$q = {"action":"accept"}
            advance 601s"#,
            "gauge was not added (needs-secrets): the secret gauge.token is not set; the secret gauge.user is not set; nobody filled in the page in time; make the call again for a new link. Next: ask the user to run: portolan secret set gauge.token",
        ),
        (
            r#"client 1 -> #$q ! -32603 "no browser""#,
            "gauge was not added (needs-secrets): *; the client could not ask the user: no browser. Next: *",
        ),
        (r#"client 1 -> #$q = {"action":"shrug"}"#, "*broken*"),
    ] {
        play(&format!(
            r#"
            ~gauge~
            client 1 hello {{"elicitation":{{"url":{{}}}}}}
            client 1 -> #1 tools/call {{"name":"mcp-add","arguments":{{"name":"gauge"}}}}
            client 1 <- #$q ~led~
            {how}
            client 1 <- #1 = {{"content":[{{"type":"text","text":"{told}"}}],"isError":true, ...}}
            person misses $u
            server gauge launches 0
            client 1 hears nothing
            "#
        ))
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_ends_takes_its_page_with_it() {
    play(
        r#"
        ~gauge~
        client 1 hello {"elicitation":{"url":{}}}
        client 1 -> #1 tools/call {"name":"mcp-add","arguments":{"name":"gauge"}}
        client 1 <- #$q ~led~
        client 1 -> notifications/cancelled {"requestId":1}
        client 1 <- silence
        client 1 <- notifications/cancelled {"requestId":$q, ...}
        person misses $u
        client 1 -> #2 tools/call {"name":"mcp-exec","arguments":{"name":"z","server":"gauge"}}
        client 1 <- #$p elicitation/create {"url":$v, ...}
        client 1 closes
        client 1 <- silence
        person misses $v
        server gauge launches 0
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_cannot_be_led_there_gets_the_command() {
    for client in [
        r#"client 1 hello {"elicitation":{}}"#,
        r#"client 1 hello {"elicitation":{"form":{}}}"#,
        r#"client 1 hello {"elicitation":{"url":{}}}
           person cannot open a page"#,
    ] {
        play(&format!(
            r#"
            ~gauge~
            {client}
            client 1 -> #1 tools/call {{"name":"mcp-add","arguments":{{"name":"gauge"}}}}
            client 1 <- #1 = {{"structuredContent":{{"server":"gauge","state":"needs-secrets","tools":[],"next":"ask the user to run: portolan secret set gauge.token"}},"isError":true, ...}}
            client 1 hears nothing
            "#
        ))
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn first_the_page_then_the_form() {
    play(
        r#"
        server hail {"catalog":true,"unboxed":true,"secrets":["hail.key"],"env":[["CITY","{{hail.city}}"]],"tools":["z"],
            "config":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}}
        client 1 hello {"elicitation":{"url":{},"form":{}}}
        client 1 -> #1 tools/call {"name":"mcp-add","arguments":{"name":"hail","activate":false}}
        client 1 <- #$q elicitation/create {"mode":"url","url":$u, ...}
        client 1 -> #$q = {"action":"accept"}
        person fills $u k1
        client 1 <- notifications/elicitation/complete *
        client 1 <- #$p elicitation/create {"mode":"form","message":"What should hail be configured with?", ...}
        client 1 <- #$r elicitation/create {"mode":"form","message":"Allow the server hail *", ...}
        client 1 -> #$p = {"action":"accept","content":{"city":"Rome"}}
        client 1 -> #$r = {"action":"accept"}
        client 1 <- #1 = {"structuredContent":{"state":"active", ...}, ...}
        server hail ran "hail CITY=Rome HAIL_KEY=k1"
        // Where the form cannot follow, the page is not shown.
        server rain {"catalog":true}
        client 2 hello {"elicitation":{"url":{}}}
        client 2 -> #1 tools/call {"name":"mcp-exec","arguments":{"name":"z","server":"hail"}}
        client 2 <- #1 = {"isError":true, ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_credential_may_stand_for_signing_in() {
    play(
        r#"
        server cloud {"catalog":true,"oauth":true,"secrets":["cloud.token"],"tools":["z"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"mcp-add","arguments":{"name":"cloud"}}
        client 1 <- #1 = {"structuredContent":{"server":"cloud","state":"needs-auth","tools":[],"next":"ask the user to run: portolan secret set cloud.token"},"isError":true, ...}
        client 2 hello {"elicitation":{"url":{}}}
        client 2 -> #1 tools/call {"name":"mcp-add","arguments":{"name":"cloud","activate":false}}
        client 2 <- #$q elicitation/create {"mode":"url","url":$u, ...}
        client 2 -> #$q = {"action":"accept"}
        person fills $u t1
        client 2 <- notifications/elicitation/complete *
        client 2 <- #1 = {"structuredContent":{"state":"active", ...}, ...}
        server cloud ran "cloud CLOUD_TOKEN=t1"
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_tool_is_called_once_its_server_has_what_it_needs() {
    play(
        r#"
        ~gauge~
        client 1 opens http
        client 1 hello {"elicitation":{"url":{},"form":{}}}
        client 1 -> #1 tools/call {"name":"mcp-exec","arguments":{"name":"z","server":"gauge","arguments":{"a":1.0}},"_meta":{"progressToken":"t"}}
        client 1 <- #$q ~led~
        client 1 -> #$q = {"action":"accept"}
        server gauge launches 0
        person fills $u hunter2,ann
        client 1 <- notifications/elicitation/complete {"elicitationId":$e}
        server gauge <- #$1 tools/call {"name":"z","arguments":{"a":1.0},"_meta":{"progressToken":$1}}
        server gauge -> notifications/progress {"progressToken":$1,"progress":1}
        client 1 <- notifications/progress {"progressToken":"t","progress":1}
        server gauge -> #"x" elicitation/create {"message":"?"}
        client 1 <- #$r elicitation/create {"message":"?"}
        client 1 -> #$r = {"action":"decline"}
        server gauge <- #"x" = {"action":"decline"}
        server gauge -> #$1 = {"content":[],"own":1}
        client 1 <- #1 = {"content":[],"own":1}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_was_waited_for_is_taken_back_as_any_other() {
    play(
        r#"
        ~gauge~
        client 1 hello {"elicitation":{"url":{}}}
        client 1 -> #1 tools/call {"name":"mcp-exec","arguments":{"name":"z","server":"gauge"}}
        client 1 <- #$q ~led~
        client 1 -> #$q = {"action":"accept"}
        person fills $u hunter2,ann
        client 1 <- notifications/elicitation/complete *
        server gauge <- #$1 tools/call *
        client 1 -> notifications/cancelled {"requestId":1}
        client 1 <- silence
        server gauge <- notifications/cancelled {"requestId":$1, ...}
        // Refused, and unknown: the replies are those of the call itself.
        client 1 -> #2 tools/call {"name":"mcp-exec","arguments":{"name":"y","server":"gauge"}}
        client 1 <- #2 = {"content":[{"type":"text","text":"gauge has no tool \"y\"*"}],"isError":true}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn stateless_clients_come_back_when_it_is_done() {
    play(
        r#"
        ~gauge~
        caller ann -> #1 tools/call {"name":"mcp-add","arguments":{"name":"gauge"},~able~}
        caller ann <- 200 #1 = {"resultType":"input_required","inputRequests":{"credentials":{"method":"elicitation/create","params":{"mode":"url","message":"gauge needs credentials. *","url":$u}}},"requestState":$s,"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"portolan", ...}}}
        // The same request is led to the same page, somebody else's to another.
        caller ann -> #2 tools/call {"name":"mcp-add","arguments":{"name":"gauge"},~able~}
        caller ann <- #2 = {"inputRequests":{"credentials":{"params":{"url":$u, ...}, ...}}, ...}
        caller bob -> #1 tools/call {"name":"mcp-add","arguments":{"name":"gauge"},~able~}
        caller bob <- #1 = {"inputRequests":{"credentials":{"params":{"url":$v, ...}, ...}},"requestState":$b, ...}
        // Too early: the call waits for a moment, then leads there once more.
        caller ann -> #3 tools/call {"name":"mcp-add","arguments":{"name":"gauge"},"inputResponses":{"credentials":{"action":"accept"}},"requestState":$s,~able~}
        caller ann hears nothing
        advance 26s
        caller ann <- 200 #3 = {"inputRequests":{"credentials":{"params":{"url":$u, ...}, ...}},"requestState":$s2, ...}
        caller ann -> #4 tools/call {"name":"mcp-add","arguments":{"name":"gauge"},"inputResponses":{"credentials":{"action":"accept"}},"requestState":$s2,~able~}
        server gauge launches 0
        person fills $u hunter2,ann
        caller ann <- 200 #4 = {"resultType":"complete","structuredContent":{"workspace":"w-*","server":"gauge","state":"active", ...}, ...}
        server gauge ran "gauge T=hunter2 GAUGE_TOKEN=hunter2 GAUGE_USER=ann"
        // Whoever waited for the same finds it there.
        caller bob -> #2 tools/call {"name":"mcp-add","arguments":{"name":"gauge"},"inputResponses":{"credentials":{"action":"accept"}},"requestState":$b,~able~}
        caller bob <- 200 #2 = {"structuredContent":{"state":"active", ...}, ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stateless_client_hears_how_else_it_ended() {
    let declined = "the user declined to give gauge its credentials; ask them why";
    let late = "gauge was not added (needs-secrets): *nobody filled in the page in time; make the call again for a new link. Next: *";
    for (how, answer, told) in [
        ("", "decline", declined),
        ("", "cancel", declined),
        ("person refuses $u", "accept", declined),
        ("advance 599s", "accept", late),
        ("", "shrug", "*broken*"),
    ] {
        play(&format!(
            r#"
            ~gauge~
            caller ann -> #1 tools/call {{"name":"mcp-exec","arguments":{{"name":"z","server":"gauge"}},~able~}}
            caller ann <- #1 = {{"resultType":"input_required","inputRequests":{{"credentials":{{"params":{{"url":$u, ...}}, ...}}}},"requestState":$s, ...}}
            {how}
            caller ann -> #2 tools/call {{"name":"mcp-exec","arguments":{{"name":"z","server":"gauge"}},"inputResponses":{{"credentials":{{"action":"{answer}"}}}},"requestState":$s,~able~}}
            advance 2s
            caller ann <- 200 #2 = {{"content":[{{"type":"text","text":"{told}"}}],"isError":true, ...}}
            server gauge launches 0
            // The next one gets a new page.
            caller ann -> #3 tools/call {{"name":"mcp-exec","arguments":{{"name":"z","server":"gauge"}},~able~}}
            caller ann <- #3 = {{"inputRequests":{{"credentials":{{"params":{{"url":$v, ...}}, ...}}}},"requestState":$t, ...}}
            person fills $v hunter2,ann
            caller ann -> #4 tools/call {{"name":"mcp-exec","arguments":{{"name":"z","server":"gauge"}},"inputResponses":{{"credentials":{{"action":"accept"}}}},"requestState":$t,~able~}}
            server gauge <- #$1 tools/call *
            server gauge -> #$1 = {{"content":[]}}
            caller ann <- 200 #4 = {{"content":[], ...}}
            "#
        ))
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stateless_client_sees_the_page_first_and_the_form_then() {
    play(
        r#"
        server hail {"catalog":true,"secrets":["hail.key"],"env":[["CITY","{{hail.city}}"]],"tools":["z"],
            "config":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}}
        caller ann -> #1 tools/call {"name":"mcp-add","arguments":{"name":"hail"},~able~}
        caller ann <- #1 = {"inputRequests":{"credentials":{"params":{"url":$u, ...}, ...}},"requestState":$s, ...}
        person fills $u k1
        caller ann -> #2 tools/call {"name":"mcp-add","arguments":{"name":"hail"},"inputResponses":{"credentials":{"action":"accept"}},"requestState":$s,~able~}
        caller ann <- #2 = {"resultType":"input_required","inputRequests":{"config":*},"requestState":$t, ...}
        caller ann -> #3 tools/call {"name":"mcp-add","arguments":{"name":"hail"},"inputResponses":{"config":{"action":"accept","content":{"city":"Rome"}}},"requestState":$t,~able~}
        caller ann <- #3 = {"structuredContent":{"state":"active", ...}, ...}
        server hail ran "hail CITY=Rome HAIL_KEY=k1"
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_answered_to_the_gateway_is_nothing_for_the_tool() {
    play(
        r#"
        server far {"catalog":true,"era":"stateless","secrets":["far.key"],"tools":["z"]}
        caller ann -> #1 tools/call {"name":"mcp-exec","arguments":{"name":"z","server":"far"},~able~}
        caller ann <- #1 = {"inputRequests":{"credentials":{"params":{"url":$u, ...}, ...}},"requestState":$s, ...}
        person fills $u k1
        caller ann -> #2 tools/call {"name":"mcp-exec","arguments":{"name":"z","server":"far"},"inputResponses":{"credentials":{"action":"accept"}},"requestState":$s,~able~}
        server far <- #$1 tools/call {"name":"z","arguments":{},"_meta":*}
        server far -> #$1 = {"resultType":"input_required","inputRequests":{"q":{"method":"elicitation/create","params":{"message":"?"}}},"requestState":"own"}
        caller ann <- #2 = {"inputRequests":{"q":*},"requestState":"own", ...}
        // What it asks itself is its own affair.
        caller ann -> #3 tools/call {"name":"mcp-exec","arguments":{"name":"z","server":"far"},"inputResponses":{"q":{"action":"decline"}},"requestState":"own",~able~}
        server far <- #$2 tools/call {"name":"z","arguments":{},"inputResponses":{"q":{"action":"decline"}},"requestState":"own","_meta":*}
        server far -> #$2 = {"resultType":"complete","content":[]}
        caller ann <- #3 = {"resultType":"complete","content":[], ...}
        "#,
    )
    .await;
}
