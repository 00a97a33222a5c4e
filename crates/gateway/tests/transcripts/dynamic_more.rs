//! `find-tools` and the prompt `mcp-discover`.

use portolan_gateway::Features;

use super::harness::World;

async fn play(features: Features, script: &str) {
    let mut world = World::default().with(move |options| options.features = features);
    world.run(script).await;
    world.finish().await;
}

const FIND_TOOLS: Features = Features {
    find_tools: true,
    profile_tools: false,
    registry_import: false,
    discover_prompt: false,
};

const DISCOVER: Features = Features {
    discover_prompt: true,
    find_tools: false,
    profile_tools: false,
    registry_import: false,
};

#[tokio::test(start_paused = true)]
async fn tools_of_the_conversation_and_of_the_catalog_with_their_schemas() {
    play(
        FIND_TOOLS,
        r#"
        server own {"env":[["KEY","k"]],"tools":[{"name":"open_issue","description":"Opens an issue in a tracker. Slowly.","inputSchema":{"type":"object","properties":{"title":{"type":"string","title":"T"}},"required":["title"]}}]}
        server cat {"catalog":true,"tools":["x"],"known":[{"name":"close_issue","description":"Closes an issue in a tracker","input_schema":{"type":"object","properties":{"n":{"type":"integer"}}}},{"name":"sing","description":"Sings"}]}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = {"tools":[*,*,*,*,*,{"name":"find-tools","description":*,"inputSchema":{"properties":{"prompt":*,"workspace":*},"required":["prompt"], ...},"annotations":*},{"name":"open_issue", ...}]}
        client 1 -> #2 tools/call {"name":"find-tools","arguments":{"prompt":"open an issue in the tracker"}}
        client 1 <- #2 = {"content":[{"type":"text","text":"open_issue of own (active): Opens an issue in a tracker\nclose_issue of cat (ready): Closes an issue in a tracker\nCall one by mcp-exec*"}],
            "structuredContent":{"tools":[
                {"name":"open_issue","server":"own","state":"active","description":"Opens an issue in a tracker","inputSchema":{"type":"object","properties":{"title":{"type":"string"}},"required":["title"]}},
                {"name":"close_issue","server":"cat","state":"ready","description":"Closes an issue in a tracker","inputSchema":{"type":"object","properties":{"n":{"type":"integer"}}}}
            ]}}
        client 1 -> #3 tools/call {"name":"find-tools","arguments":{"prompt":"zzzz qqqq"}}
        client 1 <- #3 = {"content":[{"type":"text","text":"no known tool matches*mcp-find*"}],"structuredContent":{"tools":[]}}
        client 1 -> #4 tools/call {"name":"find-tools","arguments":{"prompt":"?!"}}
        client 1 <- #4 = {"content":[{"type":"text","text":"find-tools: \"prompt\" says nothing*"}],"isError":true}
        client 1 -> #5 tools/call {"name":"find-tools","arguments":{"query":"x"}}
        client 1 <- #5 = {"content":[{"type":"text","text":"find-tools takes no argument \"query\"*"}],"isError":true}
        caller ann ~> #6 tools/call {"name":"find-tools","arguments":{"prompt":"sing"}}
        caller ann <- 200 #6 = {"resultType":"complete","content":*,"structuredContent":{"tools":[{"name":"sing","server":"cat","state":"ready","description":"Sings"}]},"_meta":*}
        server cat launches 0
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_one_caller_s_credentials_show_is_not_found_by_another() {
    play(
        FIND_TOOLS,
        r#"
        server a {"catalog":true,"http":true,"secrets":["a.token"],"headers":[["X","${A_TOKEN}"]],"tools":[{"name":"peel","description":"Peels bananas"}]}
        person keeps a.token hunter2
        client 1 opens http as ann
        client 1 hello
        client 1 -> #1 tools/call {"name":"mcp-add","arguments":{"name":"a"}}
        client 1 <- #1 = {"structuredContent":{"state":"active", ...}, ...}
        client 1 <- notifications/tools/list_changed
        client 1 -> #2 tools/call {"name":"find-tools","arguments":{"prompt":"peel a banana"}}
        client 1 <- #2 = {"content":*,"structuredContent":{"tools":[{"name":"peel","server":"a","state":"active", ...}]}}
        client 2 opens http as bob
        client 2 hello
        client 2 -> #1 tools/call {"name":"find-tools","arguments":{"prompt":"peel a banana"}}
        client 2 <- #1 = {"content":*,"structuredContent":{"tools":[]}}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn schemas_that_are_too_large_are_left_out() {
    let large = "x".repeat(1_700);
    let middle = "y".repeat(1_500);
    let tool = |name: &str, text: &str| {
        format!(
            r#"{{"name":"{name}","description":"Paints a wall","inputSchema":{{"type":"object","properties":{{"{text}":{{"type":"string"}}}}}}}}"#
        )
    };
    play(
        FIND_TOOLS,
        &format!(
            r#"
            server other {{"catalog":true}}
            server own {{"tools":[{},{},{},{},{}]}}
            client 1 hello
            client 1 -> #1 tools/list
            client 1 <- #1 = {{"tools":*}}
            client 1 -> #2 tools/call {{"name":"find-tools","arguments":{{"prompt":"paint a wall"}}}}
            client 1 <- #2 = {{"content":*,"structuredContent":{{"tools":[{{"name":"t1","server":*,"state":*,"description":*}},{{"name":"t2","inputSchema":*, ...}},{{"name":"t3","inputSchema":*, ...}},{{"name":"t4","server":*,"state":*,"description":*}},{{"name":"t5","inputSchema":*, ...}}]}}}}
            "#,
            tool("t1", &large),
            tool("t2", &middle),
            tool("t3", &middle),
            tool("t4", &middle),
            tool("t5", "z"),
        ),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_prompt_is_listed_and_given_in_both_eras() {
    play(
        DISCOVER,
        r#"
        server a {"catalog":true,"tools":["x"]}
        client 1 hello
        client 1 -> #1 prompts/list
        client 1 <- #1 = {"prompts":[{"name":"mcp-discover","title":*,"description":*}]}
        client 1 -> #2 prompts/get {"name":"mcp-discover"}
        client 1 <- #2 = {"description":*,"messages":[{"role":"user","content":{"type":"text","text":"*mcp-find*mcp-add*mcp-exec*mcp-remove*"}}]}
        recorded initialize - - ok
        recorded prompts/list - - ok
        recorded prompts/get - mcp-discover ok
        caller ann ~> #1 server/discover
        caller ann <- 200 #1 = {"capabilities":{"tools":*,"prompts":{"listChanged":true}}, ...}
        caller ann ~> #2 prompts/list
        caller ann <- 200 #2 = {"prompts":[{"name":"mcp-discover", ...}], ...}
        caller ann ~> #3 prompts/get {"name":"mcp-discover"}
        caller ann <- 200 #3 = {"resultType":"complete","description":*,"messages":[*],"_meta":*}
        client 1 -> #3 prompts/get {"name":"mcp-discovr"}
        client 1 <- #3 ! -32602 *
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_prompt_is_off_by_default() {
    super::harness::check(
        r#"
        server a {"catalog":true,"tools":["x"]}
        client 1 hello
        client 1 -> #1 prompts/list
        client 1 <- #1 = {"prompts":[]}
        client 1 -> #2 prompts/get {"name":"mcp-discover"}
        client 1 <- #2 ! -32602 *
        caller ann ~> #1 server/discover
        caller ann <- 200 #1 = {"capabilities":{"tools":*}, ...}
        "#,
    )
    .await;
}
