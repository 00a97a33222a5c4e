//! `mcp-find`: what is found, in which state, and what is no request at all.

use super::harness::check;

const SERVERS: &str = r#"
    server weather {"catalog":true,"tools":["forecast"],"description":"Forecasts of rain and wind for any city. Free.","tags":["meteo"]}
    server gauge {"catalog":true,"http":true,"secrets":["gauge.token"],"description":"Weather and rain gauges.","headers":[["X","${GAUGE_TOKEN}"]]}
    server rain {"catalog":true,"description":"Rain radar.","config":{"type":"object","title":"T","properties":{"city":{"type":"string","title":"City","description":"Where. It is long."}},"required":["city"]}}
    server storm {"catalog":true,"unboxed":true,"description":"Storm and rain warnings."}
    server hail {"catalog":true,"refused":"no engine here","description":"Hail and rain."}
    server cloud {"catalog":true,"oauth":true,"description":"Clouds and rain."}
"#;

#[tokio::test(start_paused = true)]
async fn each_hit_says_what_stands_between_it_and_a_call() {
    for (name, state, more) in [
        ("weather", "ready", r#""type":"command","trust":"catalog""#),
        (
            "gauge",
            "needs-secrets",
            r#""type":"remote","required_secrets":["gauge.token"]"#,
        ),
        (
            "rain",
            "needs-config",
            r#""config_schema":{"type":"object","properties":{"city":{"type":"string","description":"Where"}},"required":["city"]}"#,
        ),
        ("storm", "needs-approval", r#""title":"storm""#),
        ("hail", "unavailable", r#""description":"Hail and rain""#),
        ("cloud", "needs-auth", r#""tools":[]"#),
        ("own", "active", r#""trust":"own""#),
    ] {
        check(&format!(
            r#"
            {SERVERS}
            server own {{"tools":["x"],"description":"Rain of the person."}}
            client 1 hello
            client 1 -> #1 tools/call {{"name":"mcp-find","arguments":{{"query":"{name}","limit":1}}}}
            client 1 <- #1 = {{"content":[{{"type":"text","text":"{name} ({state}): *"}}],"structuredContent":{{"total_matches":*,"servers":[{{"name":"{name}","state":"{state}","score":*,{more}, ...}}]}}}}
            recorded initialize - - ok
            recorded tools/call - mcp-find ok
            "#
        ))
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn requests_may_be_anything_and_filters_narrow() {
    check(&format!(
        r#"
        {SERVERS}
        client 1 hello
        client 1 -> #1 tools/call {{"name":"mcp-find","arguments":{{"query":"rain type:remote"}}}}
        client 1 <- #1 = {{"content":*,"structuredContent":{{"total_matches":1,"servers":[{{"name":"gauge", ...}}]}}}}
        client 1 -> #2 tools/call {{"name":"mcp-find","arguments":{{"query":"rain tag:meteo"}}}}
        client 1 <- #2 = {{"content":*,"structuredContent":{{"total_matches":1,"servers":[{{"name":"weather", ...}}]}}}}
        client 1 -> #3 tools/call {{"name":"mcp-find","arguments":{{"query":""}}}}
        client 1 <- #3 = {{"content":[{{"type":"text","text":"mcp-find: \"query\" says nothing: write what is to be done, or a filter such as type:remote"}}],"isError":true}}
        client 1 -> #4 tools/call {{"name":"mcp-find","arguments":{{"query":"{long}"}}}}
        client 1 <- #4 = {{"content":*,"structuredContent":{{"total_matches":*,"servers":*}}}}
        client 1 -> #5 tools/call {{"name":"mcp-find","arguments":{{"query":"天気予報"}}}}
        client 1 <- #5 = {{"content":*,"structuredContent":{{"total_matches":*,"servers":*}}}}
        client 1 -> #6 tools/call {{"name":"mcp-find","arguments":{{"query":"\u0000\u0007\u001b[31m\u202e \ufffe"}}}}
        client 1 <- #6 = {{"content":*,"structuredContent":{{"total_matches":*,"servers":*}}}}
        client 1 -> #7 tools/call {{"name":"mcp-find","arguments":{{"query":"wether"}}}}
        client 1 <- #7 = {{"content":*,"structuredContent":{{"servers":[{{"name":"weather", ...}}, ...], ...}}}}
        client 1 -> #8 tools/call {{"name":"mcp-find","arguments":{{"query":"zzqqxx"}}}}
        client 1 <- #8 = {{"content":[{{"type":"text","text":"no server matches; try other words for what is to be done"}}],"structuredContent":{{"total_matches":0,"servers":[]}}}}
        "#,
        long = "rain in the city ".repeat(600)
    ))
    .await;
}

#[tokio::test(start_paused = true)]
async fn limits_are_taken_as_they_are_meant() {
    let many: String = (0..60)
        .map(|n| format!("server rain{n} {{\"catalog\":true,\"description\":\"Rain.\"}}\n"))
        .collect();
    for (limit, shown) in [
        ("1", 1),
        ("2.0", 2),
        ("0", 10),
        ("-3", 10),
        ("1e30", 50),
        ("null", 10),
    ] {
        check(&format!(
            r#"
            {many}
            client 1 hello
            client 1 -> #1 tools/call {{"name":"mcp-find","arguments":{{"query":"rain","limit":{limit}}}}}
            client 1 <- #1 = {{"content":*,"structuredContent":{{"total_matches":60,"servers":[{}]}}}}
            "#,
            vec!["*"; shown].join(",")
        ))
        .await;
    }
    check(&format!(
        r#"
        {many}
        client 1 hello
        client 1 -> #1 tools/call {{"name":"mcp-find","arguments":{{"query":"rain","limit":1000}}}}
        client 1 <- #1 = {{"content":[{{"type":"text","text":"*(10 more)"}}],"structuredContent":{{"total_matches":60,"servers":[{}]}}}}
        "#,
        vec!["*"; 50].join(",")
    ))
    .await;
}

#[tokio::test(start_paused = true)]
async fn wrong_arguments_of_any_tool_are_said_to_be_wrong() {
    for (tool, arguments, told) in [
        ("mcp-find", "{}", r#"mcp-find: \"query\" is missing"#),
        (
            "mcp-find",
            r#"{"query":7}"#,
            r#"mcp-find: \"query\" must be a string"#,
        ),
        (
            "mcp-find",
            r#"{"query":"x","limit":"y"}"#,
            r#"mcp-find: \"limit\" must be a whole number"#,
        ),
        (
            "mcp-find",
            r#"{"query":"x","limit":2.5}"#,
            r#"mcp-find: \"limit\" must be a whole number"#,
        ),
        (
            "mcp-find",
            r#"{"query":"x","limt":1}"#,
            r#"mcp-find takes no argument \"limt\"; did you mean \"limit\"?"#,
        ),
        (
            "mcp-find",
            r#"{"query":"x","frobnicate":1}"#,
            r#"mcp-find takes no argument \"frobnicate\"; it takes: query, limit, workspace"#,
        ),
        (
            "mcp-find",
            r#"{"query":"x","query":"y"}"#,
            "mcp-find: arguments: *query*",
        ),
        ("mcp-find", r#""rain""#, "mcp-find*object*"),
        (
            "mcp-find",
            r#"{"query":"x","workspace":"w-forged"}"#,
            "this conversation has a workspace of its own; leave `workspace` out",
        ),
        (
            "mcp-add",
            r#"{"name":" "}"#,
            r#"mcp-add: \"name\" is empty"#,
        ),
        (
            "mcp-add",
            r#"{"name":"weather","config":"no json"}"#,
            r#"mcp-add: \"config\" must be an object"#,
        ),
        (
            "mcp-add",
            r#"{"name":"weather","config":[1]}"#,
            r#"mcp-add: \"config\" must be an object"#,
        ),
        (
            "mcp-add",
            r#"{"name":"weather","activate":"yes"}"#,
            r#"mcp-add: \"activate\" must be true or false"#,
        ),
        (
            "mcp-config-set",
            r#"{"server":"rain"}"#,
            "give `config`, or `key` and `value`",
        ),
        (
            "mcp-config-set",
            r#"{"server":"rain","config":{},"key":"city"}"#,
            "give either `config` or `key` and `value`",
        ),
        (
            "mcp-config-set",
            r#"{"server":"rain","key":"city"}"#,
            r#"mcp-config-set: \"value\" is missing"#,
        ),
        ("mcp-remove", "null", r#"mcp-remove: \"name\" is missing"#),
        (
            "mcp-exec",
            r#"{"name":"forecast","arguments":7}"#,
            r#"mcp-exec: \"arguments\" must be an object"#,
        ),
        (
            "mcp-exec",
            r#"{"name":"mcp-add"}"#,
            "mcp-add is one of the gateway's own tools: call it directly",
        ),
    ] {
        check(&format!(
            r#"
            {SERVERS}
            client 1 hello
            client 1 -> #1 tools/call {{"name":"{tool}","arguments":{arguments}}}
            client 1 <- #1 = {{"content":[{{"type":"text","text":"{told}"}}],"isError":true}}
            "#
        ))
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_server_has_told_is_found_by_others_too_unless_it_took_a_credential() {
    check(
        r#"
        server a {"catalog":true,"tools":[{"name":"crystallography","description":"Diffraction of x-rays.","inputSchema":{"type":"object"}}]}
        server b {"catalog":true,"tools":[{"name":"ornithology","description":"Birds.","inputSchema":{"type":"object"}}],"secrets":["b.token"],"env":[["T","${B_TOKEN}"]]}
        person keeps b.token hunter2
        client 1 hello
        client 2 hello
        client 1 -> #1 tools/call {"name":"mcp-add","arguments":{"name":"a"}}
        client 1 <- #1 = {"structuredContent":{"state":"active", ...}, ...}
        client 1 <- notifications/tools/list_changed
        client 1 -> #2 tools/call {"name":"mcp-add","arguments":{"name":"b"}}
        client 1 <- #2 = {"structuredContent":{"state":"active", ...}, ...}
        client 1 <- notifications/tools/list_changed
        client 2 -> #1 tools/call {"name":"mcp-find","arguments":{"query":"crystallography"}}
        client 2 <- #1 = {"content":*,"structuredContent":{"servers":[{"name":"a","state":"ready","tools":["crystallography"], ...}], ...}}
        client 2 -> #2 tools/call {"name":"mcp-find","arguments":{"query":"ornithology"}}
        client 2 <- #2 = {"content":*,"structuredContent":{"total_matches":0,"servers":[]}}
        client 1 -> #3 tools/call {"name":"mcp-find","arguments":{"query":"crystallography"}}
        client 1 <- #3 = {"content":*,"structuredContent":{"servers":[{"name":"a","state":"active", ...}], ...}}
        "#,
    )
    .await;
}
