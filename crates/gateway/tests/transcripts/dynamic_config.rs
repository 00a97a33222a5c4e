//! `mcp-config-set`: checked, masked, applied to the server that runs.

use super::harness::check;

const A: &str = r#"
    server a {"catalog":true,"tools":["x"],"env":[["LEVEL","{{a.level}}"],["MODE","{{a.mode}}"]],
        "config":{"type":"object","properties":{"level":{"type":"integer","maximum":9},"mode":{"enum":["fast","safe"]},"api_token":{"type":"string"}}}}
"#;

#[tokio::test(start_paused = true)]
async fn it_is_applied_to_the_running_server_and_calls_under_way_end() {
    check(&format!(
        r#"
        {A}
        client 1 hello
        client 1 -> #1 tools/call {{"name":"mcp-add","arguments":{{"name":"a","config":{{"level":1,"mode":"fast"}}}}}}
        client 1 <- #1 = {{"structuredContent":{{"state":"active", ...}}, ...}}
        client 1 <- notifications/tools/list_changed
        server a ran "a LEVEL=1 MODE=fast"
        client 1 -> #2 tools/call {{"name":"x"}}
        server a.1 <- #$2 tools/call *
        client 1 -> #3 tools/call {{"name":"mcp-config-set","arguments":{{"server":"a","key":"level","value":2}}}}
        client 1 <- #3 = {{"content":[{{"type":"text","text":"a is configured and applied to the running server\nold: {{\"level\":1,\"mode\":\"fast\"}}\nnew: {{\"level\":2,\"mode\":\"fast\"}}"}}],"structuredContent":{{"server":"a","old":{{"level":1,"mode":"fast"}},"new":{{"level":2,"mode":"fast"}}}}}}
        client 1 hears nothing
        server a ran "a LEVEL=2 MODE=fast"
        client 1 -> #4 tools/list
        client 1 <- #4 = {{"tools":[*,*,*,*,*,{{"name":"x", ...}}]}}
        client 1 -> #5 tools/call {{"name":"x"}}
        server a.2 <- #$5 tools/call *
        server a.2 -> #$5 = {{"n":5}}
        client 1 <- #5 = {{"n":5}}
        server a.1 -> #$2 = {{"n":2}}
        client 1 <- #2 = {{"n":2}}
        advance 1s
        server a.1 ends
        // A whole configuration takes the place of what was there.
        client 1 -> #6 tools/call {{"name":"mcp-config-set","arguments":{{"server":"a","config":{{"mode":"safe","api_token":"hunter2"}}}}}}
        client 1 <- #6 = {{"structuredContent":{{"server":"a","old":{{"level":2,"mode":"fast"}},"new":{{"mode":"safe","api_token":"***"}}}}, ...}}
        client 1 hears nothing
        server a ran "a MODE=safe"
        advance 1s
        server a.2 ends
        // Lists are told of when they are others, and only those.
        server a has {{"tools":["x","z"]}}
        client 1 -> #7 tools/call {{"name":"mcp-config-set","arguments":{{"server":"a","config":{{"mode":"fast"}}}}}}
        client 1 <- #7 = {{"structuredContent":*, ...}}
        client 1 <- notifications/tools/list_changed
        client 1 -> #8 tools/call {{"name":"mcp-add","arguments":{{"name":"a","config":{{"mode":"fast"}},"activate":false}}}}
        client 1 <- #8 = {{"structuredContent":{{"state":"active", ...}}, ...}}
        client 1 <- notifications/tools/list_changed
        client 1 -> #9 tools/list
        client 1 <- #9 = {{"tools":[*,*,*,*,*]}}
        server a launches 4
        "#
    ))
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_the_schema_is_refused_field_by_field() {
    for (given, told) in [
        (
            r#""config":{"level":"high"}"#,
            "a was not configured: `level`: *integer*",
        ),
        (
            r#""config":{"level":10}"#,
            "a was not configured: `level`: *9*",
        ),
        (
            r#""config":{"mode":"slow"}"#,
            "a was not configured: `mode`: *",
        ),
        (r#""config":{"lvel":1}"#, "a was not configured: `lvel`*"),
        (
            r#""key":"level","value":null"#,
            "a was not configured: `level`*",
        ),
        (
            r#""key":"level.deep","value":1"#,
            "a was not configured: `level`*",
        ),
        (r#""key":"","value":1"#, "a was not configured: *"),
    ] {
        check(&format!(
            r#"
            {A}
            client 1 hello
            client 1 -> #1 tools/call {{"name":"mcp-add","arguments":{{"name":"a","config":{{"level":1}},"activate":false}}}}
            client 1 <- #1 = {{"structuredContent":{{"state":"active", ...}}, ...}}
            client 1 -> #2 tools/call {{"name":"mcp-config-set","arguments":{{"server":"a",{given}}}}}
            client 1 <- #2 = {{"content":[{{"type":"text","text":"{told}"}}],"structuredContent":{{"server":"a","old":{{"level":1}},"problems":*}},"isError":true}}
            client 1 -> #3 tools/call {{"name":"mcp-exec","arguments":{{"name":"x"}}}}
            server a <- #$3 tools/call *
            server a -> #$3 = {{}}
            client 1 <- #3 = {{}}
            server a launches 1
            "#
        ))
        .await;
    }
    check(&format!(
        r#"
        {A}
        client 1 hello
        client 1 -> #1 tools/call {{"name":"mcp-add","arguments":{{"name":"a","config":{{"level":"high"}}}}}}
        client 1 <- #1 = {{"content":[{{"type":"text","text":"a was not added (needs-config): `level`: *"}}],"structuredContent":{{"state":"needs-config", ...}},"isError":true}}
        server a launches 0
        "#
    ))
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_can_be_configured_key_by_key_before_it_is_added() {
    check(
        r#"
        server a {"catalog":true,"tools":["x"],"env":[["ONE","{{a.one}}"],["TWO","{{a.two}}"]],
            "config":{"type":"object","properties":{"one":{"type":"string"},"two":{"type":"string"}},"required":["one","two"]}}
        client 1 hello
        client 1 -> #1 tools/call {"name":"mcp-config-set","arguments":{"server":"a","key":"one","value":"1"}}
        client 1 <- #1 = {"content":[{"type":"text","text":"a is configured for when it is added; still missing: `two` is not configured*"}],"structuredContent":{"server":"a","old":{},"new":{"one":"1"}}}
        client 1 -> #2 tools/call {"name":"mcp-config-set","arguments":{"server":"a","key":"two","value":"2"}}
        client 1 <- #2 = {"structuredContent":{"server":"a","old":{"one":"1"},"new":{"one":"1","two":"2"}}, ...}
        server a launches 0
        client 1 -> #3 tools/call {"name":"mcp-add","arguments":{"name":"a"}}
        client 1 <- #3 = {"structuredContent":{"state":"active", ...}, ...}
        client 1 <- notifications/tools/list_changed
        server a ran "a ONE=1 TWO=2"
        // Nobody else's.
        client 2 hello
        client 2 -> #1 tools/call {"name":"mcp-add","arguments":{"name":"a"}}
        client 2 <- #1 = {"structuredContent":{"state":"needs-config", ...},"isError":true, ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_configuration_with_which_it_does_not_start_is_not_kept() {
    check(&format!(
        r#"
        {A}
        client 1 hello
        client 1 -> #1 tools/call {{"name":"mcp-add","arguments":{{"name":"a","config":{{"level":1}}}}}}
        client 1 <- #1 = {{"structuredContent":{{"state":"active", ...}}, ...}}
        client 1 <- notifications/tools/list_changed
        server a has {{"catalog":true,"tools":["x"],"launch":"held"}}
        client 1 -> #2 tools/call {{"name":"mcp-config-set","arguments":{{"server":"a","config":{{"level":2}}}}}}
        server a is held
        // Until it runs, nothing is different.
        client 1 -> #3 tools/list
        client 1 <- #3 = {{"tools":[*,*,*,*,*,{{"name":"x", ...}}]}}
        client 1 -> #4 tools/call {{"name":"x"}}
        server a.1 <- #$4 tools/call *
        server a fails "quux"
        client 1 <- #2 = {{"content":[{{"type":"text","text":"a does not start: *quux*"}}],"isError":true}}
        server a.1 -> #$4 = {{"n":4}}
        client 1 <- #4 = {{"n":4}}
        client 1 hears nothing
        client 1 -> #5 tools/call {{"name":"mcp-config-set","arguments":{{"server":"a","config":{{"level":"x"}}}}}}
        client 1 <- #5 = {{"structuredContent":{{"old":{{"level":1}}, ...}},"isError":true, ...}}
        "#
    ))
    .await;
}
