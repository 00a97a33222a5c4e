//! What stands between a server and a call, and who is asked for it: the person by a form where the client can show one, else
//! the reply names the next step.

use std::sync::Arc;

use portolan_gateway::{Admission, Permit};

use super::bridge_down::play;
use super::harness::{World, check};

/// A server that wants a folder, which only a person may give, and a city, which anybody may.
const RAIN: &str = r#"
    server rain {"catalog":true,"tools":["x"],"env":[["CITY","{{rain.city}}"]],"volumes":["{{rain.dir}}:/d"],
        "config":{"type":"object","properties":{"city":{"type":"string","minLength":2,"description":"Where."},"dir":{"type":"string","title":"Folder"}},"required":["city","dir"]}}
"#;

#[tokio::test(start_paused = true)]
async fn the_person_is_asked_by_a_form_and_what_they_say_is_used() {
    check(&format!(
        r#"
        {RAIN}
        client 1 hello {{"elicitation":{{}}}}
        client 1 -> #1 tools/call {{"name":"mcp-add","arguments":{{"name":"rain","config":{{"city":"Rome"}}}}}}
        client 1 <- #$q elicitation/create {{"mode":"form","message":"What should rain be configured with?","requestedSchema":{{"type":"object","properties":{{"dir":{{"type":"string","title":"Folder"}}}},"required":["dir"]}}}}
        server rain launches 0
        client 1 -> #$q = {{"action":"accept","content":{{"dir":"/home/ann"}}}}
        client 1 <- #1 = {{"structuredContent":{{"server":"rain","state":"active", ...}}, ...}}
        client 1 <- notifications/tools/list_changed
        server rain ran "rain CITY=Rome"
        // What they said stays, whatever the model sets; and the model cannot set it.
        client 1 -> #2 tools/call {{"name":"mcp-config-set","arguments":{{"server":"rain","config":{{"city":"Oslo"}}}}}}
        client 1 <- #2 = {{"structuredContent":{{"server":"rain","old":{{"city":"Rome","dir":"/home/ann"}},"new":{{"city":"Oslo","dir":"/home/ann"}}}}, ...}}
        server rain ran "rain CITY=Oslo"
        client 1 -> #3 tools/call {{"name":"mcp-config-set","arguments":{{"server":"rain","key":"dir","value":"/"}}}}
        client 1 <- #3 = {{"content":*,"structuredContent":{{"server":"rain","state":"needs-config","next":"portolan config set rain.dir VALUE"}},"isError":true}}
        "#
    ))
    .await;
}

#[tokio::test(start_paused = true)]
async fn whoever_says_no_is_not_asked_again() {
    for action in ["decline", "cancel"] {
        check(&format!(
            r#"
            {RAIN}
            server storm {{"catalog":true,"unboxed":true,"tools":["y"]}}
            client 1 hello {{"elicitation":{{"form":{{}}}}}}
            client 1 -> #1 tools/call {{"name":"mcp-add","arguments":{{"name":"rain"}}}}
            client 1 <- #$q elicitation/create {{"requestedSchema":{{"properties":{{"city":{{"type":"string","minLength":2,"description":"Where."}},"dir":*}}, ...}}, ...}}
            client 1 -> #$q = {{"action":"{action}"}}
            client 1 <- #1 = {{"content":[{{"type":"text","text":"the user declined to add rain; ask them why"}}],"isError":true}}
            client 1 -> #2 tools/call {{"name":"mcp-add","arguments":{{"name":"storm"}}}}
            client 1 <- #$p elicitation/create {{"message":"Allow the server storm to be started? *.","requestedSchema":{{"type":"object","properties":{{}}}}, ...}}
            client 1 -> #$p = {{"action":"{action}"}}
            client 1 <- #2 = {{"content":[{{"type":"text","text":"the user declined to add storm; ask them why"}}],"isError":true}}
            server rain launches 0
            server storm launches 0
            client 1 -> #3 tools/list
            client 1 <- #3 = {{"tools":[*,*,*,*,*]}}
            "#
        ))
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_none_add_nothing() {
    for (answer, told) in [
        (
            r#"= {"action":"accept","content":{"city":"x","dir":"/d"}}"#,
            "*city*",
        ),
        (
            r#"= {"action":"accept","content":{"city":"Rome"}}"#,
            "*`dir` is not configured*",
        ),
        (
            r#"= {"action":"accept","content":{"city":"Rome","dir":7}}"#,
            "*dir*",
        ),
        (r#"= {"action":"accept","content":[1]}"#, "*broken*"),
        (r#"= {"action":"shrug"}"#, "*broken*"),
        (r#"= {}"#, "*broken*"),
        (
            r#"! -32603 "no window""#,
            "rain was not added (needs-config): *; the client could not ask the user: no window. Next: *",
        ),
    ] {
        check(&format!(
            r#"
            {RAIN}
            client 1 hello {{"elicitation":{{}}}}
            client 1 -> #1 tools/call {{"name":"mcp-add","arguments":{{"name":"rain"}}}}
            client 1 <- #$q elicitation/create *
            client 1 -> #$q {answer}
            client 1 <- #1 = {{"content":[{{"type":"text","text":"{told}"}}],"isError":true, ...}}
            server rain launches 0
            "#
        ))
        .await;
    }
    check(&format!(
        r#"
        {RAIN}
        client 1 hello {{"elicitation":{{}}}}
        client 1 -> #1 tools/call {{"name":"mcp-add","arguments":{{"name":"rain"}}}}
        client 1 <- #$q elicitation/create *
        advance 601s
        client 1 <- notifications/cancelled {{"requestId":$q, ...}}
        client 1 <- #1 = {{"content":[{{"type":"text","text":"rain was not added (needs-config): *; nobody answered in time. Next: *"}}],"isError":true, ...}}
        client 1 -> #$q = {{"action":"accept","content":{{"city":"Rome","dir":"/d"}}}}
        client 1 hears nothing
        server rain launches 0
        "#
    ))
    .await;
}

#[tokio::test(start_paused = true)]
async fn approval_is_asked_for_once_and_kept() {
    check(
        r#"
        server storm {"catalog":true,"unboxed":true,"tools":["y"]}
        server far {"catalog":true,"from":"https://h.example/c.yaml","tools":["z"]}
        client 1 hello {"elicitation":{}}
        client 1 -> #1 tools/call {"name":"mcp-add","arguments":{"name":"storm"}}
        client 1 <- #$q elicitation/create *
        client 1 -> #$q = {"action":"accept","content":{}}
        client 1 <- #1 = {"structuredContent":{"state":"active", ...}, ...}
        client 1 <- notifications/tools/list_changed
        person has approved storm
        client 2 hello
        client 2 -> #1 tools/call {"name":"mcp-add","arguments":{"name":"storm"}}
        client 2 <- #1 = {"structuredContent":{"state":"active", ...}, ...}
        client 2 <- notifications/tools/list_changed
        client 1 -> #2 tools/call {"name":"mcp-add","arguments":{"name":"far"}}
        client 1 <- #$p elicitation/create {"message":"Allow the server far to be started? *h.example*", ...}
        person cannot approve the disk is full
        client 1 -> #$p = {"action":"accept"}
        client 1 <- #2 = {"content":[{"type":"text","text":"the approval could not be kept: *the disk is full"}],"isError":true}
        server far launches 0
        "#,
    )
    .await;
}

/// Everybody is somebody else than the person who runs the gateway.
struct Guests;

impl Admission for Guests {
    fn enter(&self, _: &str) -> Result<Option<Permit>, &'static str> {
        Ok(None)
    }

    fn is_guest(&self, _: &str) -> bool {
        true
    }
}

#[tokio::test(start_paused = true)]
async fn a_guest_agrees_to_nothing_for_the_person() {
    let mut world = World::default().with(|options| options.admission = Some(Arc::new(Guests)));
    world
        .run(&format!(
            r#"
            {RAIN}
            server storm {{"catalog":true,"unboxed":true,"tools":["y"]}}
            server gauge {{"catalog":true,"secrets":["gauge.token"],"env":[["T","${{GAUGE_TOKEN}}"]],"tools":["z"]}}
            client 1 hello {{"elicitation":{{"form":{{}},"url":{{}}}}}}
            client 1 -> #1 tools/call {{"name":"mcp-add","arguments":{{"name":"storm"}}}}
            client 1 <- #1 = {{"structuredContent":{{"state":"needs-approval","next":"ask whoever runs the gateway to run: portolan server enable storm", ...}},"isError":true, ...}}
            client 1 -> #2 tools/call {{"name":"mcp-add","arguments":{{"name":"gauge"}}}}
            client 1 <- #2 = {{"structuredContent":{{"state":"needs-secrets","next":"ask whoever runs the gateway to run: portolan secret set gauge.token", ...}},"isError":true, ...}}
            client 1 -> #3 tools/call {{"name":"mcp-add","arguments":{{"name":"rain","config":{{"city":"Rome"}}}}}}
            client 1 <- #3 = {{"structuredContent":{{"state":"needs-config", ...}},"isError":true, ...}}
            client 1 hears nothing
            server storm launches 0
            server gauge launches 0
            server rain launches 0
            person approves storm
            client 1 -> #4 tools/call {{"name":"mcp-add","arguments":{{"name":"storm","activate":false}}}}
            client 1 <- #4 = {{"structuredContent":{{"state":"active", ...}}, ...}}
            "#
        ))
        .await;
    world.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_cannot_be_asked_gets_the_next_step() {
    check(&format!(
        r#"
        {RAIN}
        server storm {{"catalog":true,"unboxed":true,"tools":["y"]}}
        server gauge {{"catalog":true,"secrets":["gauge.token"],"env":[["T","${{GAUGE_TOKEN}}"]],"tools":["z"]}}
        server hail {{"catalog":true,"refused":"no engine here"}}
        server cloud {{"catalog":true,"oauth":true}}
        client 1 hello
        client 1 -> #1 tools/call {{"name":"mcp-add","arguments":{{"name":"rain","config":{{"city":"Rome"}}}}}}
        client 1 <- #1 = {{"content":[{{"type":"text","text":"rain was not added (needs-config): `dir` is not configured*portolan config set rain.*"}}],"structuredContent":{{"server":"rain","state":"needs-config","tools":[],"next":"*"}},"isError":true}}
        client 1 -> #2 tools/call {{"name":"mcp-add","arguments":{{"name":"storm"}}}}
        client 1 <- #2 = {{"content":*,"structuredContent":{{"server":"storm","state":"needs-approval","tools":[],"next":"ask the user to run: portolan server enable storm"}},"isError":true}}
        client 1 -> #3 tools/call {{"name":"mcp-add","arguments":{{"name":"gauge"}}}}
        client 1 <- #3 = {{"content":[{{"type":"text","text":"gauge was not added (needs-secrets): the secret gauge.token is not set*"}}],"structuredContent":{{"server":"gauge","state":"needs-secrets","tools":[],"next":"ask the user to run: portolan secret set gauge.token"}},"isError":true}}
        client 1 -> #4 tools/call {{"name":"mcp-add","arguments":{{"name":"hail"}}}}
        client 1 <- #4 = {{"content":[{{"type":"text","text":"hail was not added (unavailable): no engine here*"}}],"structuredContent":{{"state":"unavailable", ...}},"isError":true}}
        client 1 -> #5 tools/call {{"name":"mcp-add","arguments":{{"name":"cloud"}}}}
        client 1 <- #5 = {{"content":[{{"type":"text","text":"cloud was not added (needs-auth): it wants the user to sign in. Next: use another server: nobody can sign in to it here"}}],"structuredContent":{{"state":"needs-auth", ...}},"isError":true}}
        client 1 -> #6 tools/call {{"name":"mcp-exec","arguments":{{"name":"y","server":"storm"}}}}
        client 1 <- #6 = {{"content":[{{"type":"text","text":"storm is not ready (needs-approval): add it with mcp-add first, which says what it needs"}}],"isError":true}}
        client 1 hears nothing
        person approves storm
        person keeps gauge.token hunter2
        person sets rain {{"dir":"/home/ann"}}
        client 1 -> #7 tools/call {{"name":"mcp-add","arguments":{{"name":"storm","activate":false}}}}
        client 1 <- #7 = {{"structuredContent":{{"state":"active", ...}}, ...}}
        client 1 -> #8 tools/call {{"name":"mcp-add","arguments":{{"name":"gauge","activate":false}}}}
        client 1 <- #8 = {{"structuredContent":{{"state":"active", ...}}, ...}}
        server gauge ran "gauge T=hunter2 GAUGE_TOKEN=hunter2"
        client 1 -> #9 tools/call {{"name":"mcp-add","arguments":{{"name":"rain","config":{{"city":"Rome"}},"activate":false}}}}
        client 1 <- #9 = {{"structuredContent":{{"state":"active", ...}}, ...}}
        server rain ran "rain CITY=Rome"
        "#
    ))
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_model_may_not_set_what_leads_to_the_machine_of_the_person() {
    for (server, config) in [
        (r#""volumes":["{{a.k}}:/d"]"#, r#"{"k":"/"}"#),
        (r#""volumes":["{{a.k|volume|into}}"]"#, r#"{"k":["/etc"]}"#),
        (r#""headers":[["X","{{a.k}}"]],"http":true"#, r#"{"k":"v"}"#),
        (r#""args":["--x={{a.k}}"]"#, r#"{"k":"v"}"#),
        (r#""hosts":["{{a.k}}"]"#, r#"{"k":"evil.example"}"#),
        (
            r#""env":[["API_URL","{{a.k}}"]]"#,
            r#"{"k":"https://evil.example"}"#,
        ),
        (
            r#""env":[["LD_PRELOAD","{{a.k}}"]]"#,
            r#"{"k":"/tmp/x.so"}"#,
        ),
    ] {
        for (tool, arguments) in [
            ("mcp-add", format!(r#"{{"name":"a","config":{config}}}"#)),
            (
                "mcp-add",
                format!(r#"{{"name":"a","config":{}}}"#, wire::quote(config)),
            ),
            (
                "mcp-config-set",
                format!(r#"{{"server":"a","config":{config}}}"#),
            ),
            (
                "mcp-config-set",
                r#"{"server":"a","key":"k","value":"v"}"#.to_owned(),
            ),
        ] {
            check(&format!(
                r#"
                server a {{"catalog":true,"tools":["x"],{server},"config":{{"type":"object","properties":{{"k":{{}}}}}}}}
                client 1 hello
                client 1 -> #1 tools/call {{"name":"{tool}","arguments":{arguments}}}
                client 1 <- #1 = {{"content":[{{"type":"text","text":"only the user may set `k` of a*"}}],"structuredContent":{{"server":"a","state":"needs-config","next":"portolan config set a.k VALUE"}},"isError":true}}
                server a launches 0
                "#
            ))
            .await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn stateless_clients_are_asked_in_the_answer() {
    play(&format!(
        r#"
        {RAIN}
        caller ann -> #1 tools/call {{"name":"mcp-add","arguments":{{"name":"rain","config":{{"city":"Rome"}}}},~able~}}
        caller ann <- 200 #1 = {{"resultType":"input_required","inputRequests":{{"config":{{"method":"elicitation/create","params":{{"mode":"form","message":"What should rain be configured with?","requestedSchema":{{"type":"object","properties":{{"dir":*}},"required":["dir"]}}}}}}}},"requestState":$s,"_meta":{{"io.modelcontextprotocol/serverInfo":{{"name":"portolan", ...}}}}}}
        // Made up, somebody else's, of another request, or none at all.
        caller ann -> #2 tools/call {{"name":"mcp-add","arguments":{{"name":"rain","config":{{"city":"Rome"}}}},"inputResponses":{{"config":{{"action":"accept","content":{{"dir":"/"}}}}}},"requestState":"forged",~able~}}
        caller ann <- 200 #2 = {{"content":[{{"type":"text","text":"requestState was not issued here*"}}],"isError":true, ...}}
        caller bob -> #2 tools/call {{"name":"mcp-add","arguments":{{"name":"rain","config":{{"city":"Rome"}}}},"inputResponses":{{"config":{{"action":"accept","content":{{"dir":"/"}}}}}},"requestState":$s,~able~}}
        caller bob <- 200 #2 = {{"content":[{{"type":"text","text":"requestState was not issued here, or not to this caller*"}}],"isError":true, ...}}
        caller ann -> #3 tools/call {{"name":"mcp-add","arguments":{{"name":"rain","config":{{"city":"Oslo"}}}},"inputResponses":{{"config":{{"action":"accept","content":{{"dir":"/"}}}}}},"requestState":$s,~able~}}
        caller ann <- 200 #3 = {{"content":[{{"type":"text","text":"requestState belongs to another request*"}}],"isError":true, ...}}
        caller ann -> #4 tools/call {{"name":"mcp-add","arguments":{{"name":"rain","config":{{"city":"Rome"}}}},"inputResponses":{{"config":{{"action":"accept","content":{{"dir":"/"}}}}}},~able~}}
        caller ann <- 200 #4 = {{"isError":true, ...}}
        caller ann -> #5 tools/call {{"name":"mcp-add","arguments":{{"name":"rain","config":{{"city":"Rome"}}}},"inputResponses":{{"config":{{"action":"decline"}}}},"requestState":$s,~able~}}
        caller ann <- 200 #5 = {{"content":[{{"type":"text","text":"the user declined to add rain; ask them why"}}],"isError":true, ...}}
        server rain launches 0
        caller ann -> #6 tools/call {{"name":"mcp-add","arguments":{{"name":"rain","config":{{"city":"Rome"}}}},"inputResponses":{{"config":{{"action":"accept","content":{{"dir":"/home/ann"}}}}}},"requestState":$s,~able~}}
        caller ann <- 200 #6 = {{"resultType":"complete","structuredContent":{{"workspace":"w-*","server":"rain","state":"active", ...}}, ...}}
        server rain ran "rain CITY=Rome"
        // Who cannot be asked is told.
        caller ann ~> #7 tools/call {{"name":"mcp-add","arguments":{{"name":"rain","config":{{"city":"Rome"}}}}}}
        caller ann <- 200 #7 = {{"structuredContent":{{"state":"needs-config", ...}},"isError":true, ...}}
        "#
    ))
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_a_stateless_client_was_asked_expires() {
    play(
        r#"
        server storm {"catalog":true,"unboxed":true,"tools":["y"]}
        caller ann -> #1 tools/call {"name":"mcp-add","arguments":{"name":"storm"},~able~}
        caller ann <- #1 = {"resultType":"input_required","inputRequests":{"approval":*},"requestState":$s, ...}
        advance 601s
        caller ann -> #2 tools/call {"name":"mcp-add","arguments":{"name":"storm"},"inputResponses":{"approval":{"action":"accept"}},"requestState":$s,~able~}
        caller ann <- 200 #2 = {"content":[{"type":"text","text":"requestState has expired*"}],"isError":true, ...}
        server storm launches 0
        caller ann -> #3 tools/call {"name":"mcp-add","arguments":{"name":"storm"},~able~}
        caller ann <- #3 = {"resultType":"input_required","requestState":$t, ...}
        caller ann -> #4 tools/call {"name":"mcp-add","arguments":{"name":"storm"},"inputResponses":{"approval":{"action":"accept"}},"requestState":$t,~able~}
        caller ann <- 200 #4 = {"structuredContent":{"state":"active", ...}, ...}
        person has approved storm
        "#,
    )
    .await;
}
