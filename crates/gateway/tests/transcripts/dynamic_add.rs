//! `mcp-add`, `mcp-remove` in conversations of the handshake: native tools, and nothing left over.

use catalog::{Entry, ServerName};

use super::harness::{World, check};

/// `~menu~` are our own tools; `~changed~` is what a client hears when a server comes or goes.
async fn play(script: &str) {
    check(&script.replace("~menu~", "*,*,*,*,*")).await;
}

#[tokio::test(start_paused = true)]
async fn an_added_server_has_native_tools_until_it_is_removed() {
    play(
        r#"
        server a {"catalog":true,"tools":["x"],"prompts":["p"],"resources":["r://1"]}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = {"tools":[~menu~]}
        client 1 -> #2 tools/call {"name":"mcp-add","arguments":{"name":"a"}}
        client 1 <- #2 = {"content":[{"type":"text","text":"a is active with 1 tool: x"}],"structuredContent":{"workspace":"w-*","server":"a","state":"active","tools":[{"name":"x","inputSchema":{"type":"object"}}]}}
        client 1 <- notifications/tools/list_changed
        client 1 <- notifications/prompts/list_changed
        client 1 <- notifications/resources/list_changed
        recorded initialize - - ok
        recorded tools/list - - ok
        recorded tools/call - mcp-add ok
        client 1 -> #3 tools/list
        client 1 <- #3 = {"tools":[~menu~,{"name":"x", ...}]}
        client 1 -> #4 tools/call {"name":"x","arguments":{"n":1.0}}
        server a <- #$4 tools/call {"name":"x","arguments":{"n":1.0}}
        server a -> #$4 = {"content":[]}
        client 1 <- #4 = {"content":[]}
        recorded tools/list - - ok
        recorded tools/call a x ok
        client 1 -> #5 resources/read {"uri":"r://1"}
        server a <- #$5 resources/read *
        server a -> #$5 = {"contents":[]}
        client 1 <- #5 = {"contents":[]}
        client 1 -> #6 tools/call {"name":"mcp-remove","arguments":{"name":"a"}}
        client 1 <- #6 = {"content":[{"type":"text","text":"a is removed from this conversation"}],"structuredContent":{"server":"a","removed":true}}
        client 1 <- notifications/tools/list_changed
        client 1 <- notifications/prompts/list_changed
        client 1 <- notifications/resources/list_changed
        server a ends
        client 1 -> #7 tools/list
        client 1 <- #7 = {"tools":[~menu~]}
        client 1 -> #8 tools/call {"name":"x"}
        client 1 <- #8 ! -32602 "unknown tool*"
        client 1 -> #9 tools/call {"name":"mcp-remove","arguments":{"name":"a"}}
        client 1 <- #9 = {"content":[{"type":"text","text":"\"a\" is not in this workspace; it has none"}],"isError":true}
        server a launches 1
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn two_clients_never_see_each_others_servers() {
    play(
        r#"
        server a {"catalog":true,"tools":["x"]}
        client 1 opens http as ann
        client 1 hello
        client 2 opens http as ann
        client 2 hello
        client 1 -> #1 tools/call {"name":"mcp-add","arguments":{"name":"a"}}
        client 1 <- #1 = {"structuredContent":{"workspace":$w, ...}, ...}
        client 1 <- notifications/tools/list_changed
        client 2 hears nothing
        client 2 -> #1 tools/list
        client 2 <- #1 = {"tools":[~menu~]}
        client 2 -> #2 tools/call {"name":"x"}
        client 2 <- #2 ! -32602 "unknown tool*"
        client 2 -> #3 tools/call {"name":"mcp-exec","arguments":{"name":"x"}}
        client 2 <- #3 = {"content":[{"type":"text","text":"no server of this workspace has a tool \"x\"*"}],"isError":true}
        client 2 -> #4 tools/call {"name":"mcp-remove","arguments":{"name":"a"}}
        client 2 <- #4 = {"isError":true, ...}
        // Not even by the handle of the other.
        client 2 -> #5 tools/call {"name":"mcp-exec","arguments":{"name":"x","workspace":$w}}
        client 2 <- #5 = {"isError":true, ...}
        caller bob ~> #1 tools/call {"name":"mcp-exec","arguments":{"name":"x","workspace":$w}}
        caller bob <- 200 #1 = {"content":[{"type":"text","text":"there is no such workspace*"}],"isError":true, ...}
        // Both have it: one process each, and who leaves takes only its own.
        client 2 -> #6 tools/call {"name":"mcp-add","arguments":{"name":"a"}}
        client 2 <- #6 = {"structuredContent":{"state":"active", ...}, ...}
        client 2 <- notifications/tools/list_changed
        client 1 hears nothing
        client 2 -> #7 tools/call {"name":"x"}
        server a.2 <- #$7 tools/call *
        client 1 closes
        client 1 <- end
        advance 1s
        server a.1 ends
        server a.2 -> #$7 = {"n":2}
        client 2 <- #7 = {"n":2}
        client 2 closes
        client 2 <- end
        advance 1s
        server a.2 ends
        server a launches 2
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn adding_twice_changes_nothing_but_what_is_listed() {
    play(
        r#"
        server a {"catalog":true,"tools":["x"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"mcp-add","arguments":{"name":"a","activate":false}}
        client 1 <- #1 = {"structuredContent":{"workspace":$w,"tools":[{"name":"x", ...}], ...}, ...}
        client 1 hears nothing
        client 1 -> #2 tools/list
        client 1 <- #2 = {"tools":[~menu~]}
        client 1 -> #3 tools/call {"name":"mcp-exec","arguments":{"name":"x"}}
        server a <- #$3 tools/call {"name":"x","arguments":{}}
        // Under way while it becomes listed.
        client 1 -> #4 tools/call {"name":"mcp-add","arguments":{"name":"a"}}
        client 1 <- #4 = {"structuredContent":{"workspace":$w,"state":"active", ...}, ...}
        client 1 <- notifications/tools/list_changed
        client 1 -> #5 tools/list
        client 1 <- #5 = {"tools":[~menu~,{"name":"x", ...}]}
        client 1 -> #6 tools/call {"name":"mcp-add","arguments":{"name":"a"}}
        client 1 <- #6 = {"content":[{"type":"text","text":"a is active (it had been added before) with 1 tool: x"}],"structuredContent":{"workspace":$w, ...}}
        client 1 hears nothing
        advance 2s
        server a -> #$3 = {"n":3}
        client 1 <- #3 = {"n":3}
        client 1 -> #7 tools/call {"name":"x"}
        server a <- #$7 tools/call *
        server a -> #$7 = {"n":7}
        client 1 <- #7 = {"n":7}
        server a launches 1
        client 1 -> #8 tools/call {"name":"mcp-remove","arguments":{"name":"a"}}
        client 1 <- #8 = {"structuredContent":{"removed":true, ...}, ...}
        client 1 <- notifications/tools/list_changed
        client 1 <- notifications/prompts/list_changed
        client 1 <- notifications/resources/list_changed
        advance 1s
        server a ends
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn changes_of_added_servers_are_told_to_those_who_list_them() {
    play(
        r#"
        server a {"catalog":true,"tools":["x"]}
        client 1 hello
        client 2 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = {"tools":[~menu~]}
        client 2 -> #1 tools/list
        client 2 <- #1 = {"tools":[~menu~]}
        client 1 -> #2 tools/call {"name":"mcp-add","arguments":{"name":"a"}}
        client 1 <- #2 = {"structuredContent":{"state":"active", ...}, ...}
        client 1 <- notifications/tools/list_changed
        client 2 -> #2 tools/call {"name":"mcp-exec","arguments":{"name":"x","server":"a"}}
        server a.2 <- #$2 tools/call *
        server a.2 -> #$2 = {}
        client 2 <- #2 = {}
        client 2 hears nothing
        server a has {"catalog":true,"tools":["y"]}
        server a.1 -> notifications/tools/list_changed
        server a.2 -> notifications/tools/list_changed
        client 1 <- notifications/tools/list_changed
        client 1 -> #3 tools/list
        client 1 <- #3 = {"tools":[~menu~,{"name":"y", ...}]}
        client 1 hears nothing
        client 2 hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn unknown_names_are_told_the_nearest() {
    play(
        r#"
        server github {"catalog":true,"tools":["x"]}
        server gitlab {"tools":["y"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"mcp-add","arguments":{"name":"githbu"}}
        client 1 <- #1 = {"content":[{"type":"text","text":"there is no server \"githbu\"; did you mean *github?"}],"isError":true}
        client 1 -> #2 tools/call {"name":"mcp-add","arguments":{"name":"gitlav"}}
        client 1 <- #2 = {"content":[{"type":"text","text":"there is no server \"gitlav\"; did you mean gitlab*"}],"isError":true}
        client 1 -> #3 tools/call {"name":"mcp-add","arguments":{"name":"天気"}}
        client 1 <- #3 = {"content":[{"type":"text","text":"there is no server \"天気\"; mcp-find tells which there are"}],"isError":true}
        client 1 -> #4 tools/call {"name":"mcp-remove","arguments":{"name":"gitlib"}}
        client 1 <- #4 = {"content":[{"type":"text","text":"\"gitlib\" is not in this workspace; did you mean gitlab?"}],"isError":true}
        client 1 -> #5 tools/call {"name":"mcp-remove","arguments":{"name":"other"}}
        client 1 <- #5 = {"content":[{"type":"text","text":"\"other\" is not in this workspace; it has: gitlab"}],"isError":true}
        client 1 -> #6 tools/call {"name":"mcp-config-set","arguments":{"server":"githup","config":{}}}
        client 1 <- #6 = {"content":[{"type":"text","text":"there is no server \"githup\"; did you mean *github*"}],"isError":true}
        server github launches 0
        server gitlab launches 0
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn configured_servers_can_be_hidden_and_shown_and_are_not_configured_by_agents() {
    play(
        r#"
        server own {"tools":["x"]}
        server a {"catalog":true,"tools":["y"]}
        client 1 hello
        client 2 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = {"tools":[~menu~,{"name":"x", ...}]}
        client 1 -> #2 tools/call {"name":"mcp-remove","arguments":{"name":"own"}}
        client 1 <- #2 = {"structuredContent":{"server":"own","removed":true}, ...}
        client 1 <- notifications/tools/list_changed
        client 1 <- notifications/prompts/list_changed
        client 1 <- notifications/resources/list_changed
        server own ends
        client 1 -> #3 tools/list
        client 1 <- #3 = {"tools":[~menu~]}
        client 1 -> #4 tools/call {"name":"x"}
        client 1 <- #4 ! -32602 *
        client 1 -> #5 tools/call {"name":"mcp-exec","arguments":{"name":"x","server":"own"}}
        client 1 <- #5 = {"content":[{"type":"text","text":"own was removed from this conversation; mcp-add brings it back"}],"isError":true}
        client 1 -> #6 tools/call {"name":"mcp-find","arguments":{"query":"own"}}
        client 1 <- #6 = {"structuredContent":{"servers":[{"name":"own","state":"ready", ...}, ...], ...}, ...}
        client 2 -> #1 tools/call {"name":"x"}
        server own.2 <- #$1 tools/call *
        server own.2 -> #$1 = {"n":1}
        client 2 <- #1 = {"n":1}
        client 1 -> #7 tools/call {"name":"mcp-add","arguments":{"name":"own","config":{"a":1}}}
        client 1 <- #7 = {"content":[{"type":"text","text":"own is configured in a file of the user, which only they change"}],"isError":true}
        client 1 -> #8 tools/call {"name":"mcp-config-set","arguments":{"server":"own","config":{"a":1}}}
        client 1 <- #8 = {"content":[{"type":"text","text":"own is configured in a file of the user, which only they change"}],"isError":true}
        client 1 -> #9 tools/call {"name":"mcp-add","arguments":{"name":"own"}}
        client 1 <- #9 = {"content":[{"type":"text","text":"own is active (it is one of the configured servers) with 1 tool: x"}], ...}
        client 1 <- notifications/tools/list_changed
        client 1 <- notifications/prompts/list_changed
        client 1 <- notifications/resources/list_changed
        client 1 -> #10 tools/list
        client 1 <- #10 = {"tools":[~menu~,{"name":"x", ...}]}
        server own launches 3
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn only_the_newcomers_names_give_way() {
    play(
        r#"
        server own {"tools":["x"]}
        server a {"catalog":true,"tools":["x","mcp-find","code-mode-z","y"]}
        server b {"catalog":true,"tools":["y","x"]}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = {"tools":[~menu~,{"name":"x", ...}]}
        client 1 -> #2 tools/call {"name":"mcp-add","arguments":{"name":"a"}}
        client 1 <- #2 = {"structuredContent":{"tools":[{"name":"a__x", ...},{"name":"a__mcp-find", ...},{"name":"a__code-mode-z", ...},{"name":"y", ...}], ...}, ...}
        client 1 <- notifications/tools/list_changed
        client 1 -> #3 tools/call {"name":"mcp-add","arguments":{"name":"b"}}
        client 1 <- #3 = {"structuredContent":{"tools":[{"name":"b__y", ...},{"name":"b__x", ...}], ...}, ...}
        client 1 <- notifications/tools/list_changed
        client 1 -> #4 tools/list
        client 1 <- #4 = {"tools":[{"name":"mcp-find","description":"Search*", ...},*,*,*,*,{"name":"x", ...},{"name":"a__x", ...},{"name":"a__mcp-find", ...},{"name":"a__code-mode-z", ...},{"name":"y", ...},{"name":"b__y", ...},{"name":"b__x", ...}]}
        client 1 -> #5 tools/call {"name":"x"}
        server own <- #$5 tools/call *
        server own -> #$5 = {"of":"own"}
        client 1 <- #5 = {"of":"own"}
        client 1 -> #6 tools/call {"name":"mcp-exec","arguments":{"name":"b__x"}}
        server b <- #$6 tools/call {"name":"x","arguments":{}}
        server b -> #$6 = {"of":"b"}
        client 1 <- #6 = {"of":"b"}
        client 1 -> #7 tools/call {"name":"mcp-exec","arguments":{"name":"x","server":"a"}}
        server a <- #$7 tools/call {"name":"x","arguments":{}}
        server a -> #$7 = {"of":"a"}
        client 1 <- #7 = {"of":"a"}
        client 1 -> #8 tools/call {"name":"a__mcp-find"}
        server a <- #$8 tools/call {"name":"mcp-find"}
        server a -> #$8 = {"of":"a"}
        client 1 <- #8 = {"of":"a"}
        client 1 -> #9 tools/call {"name":"mcp-remove","arguments":{"name":"own"}}
        client 1 <- #9 = {"structuredContent":{"removed":true, ...}, ...}
        client 1 <- notifications/tools/list_changed
        client 1 <- notifications/prompts/list_changed
        client 1 <- notifications/resources/list_changed
        // What has lost its name in the meantime is called by one of those that are left.
        client 1 -> #10 tools/call {"name":"mcp-exec","arguments":{"name":"x"}}
        client 1 <- #10 = {"content":[{"type":"text","text":"several servers have a tool \"x\": call a__x or b__x"}],"isError":true}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_does_not_start_leaves_everything_as_it_was() {
    play(
        r#"
        server a {"catalog":true,"tools":["x"],"launch":"held","config":{"type":"object","properties":{"n":{"type":"integer"}}}}
        client 1 hello
        client 1 -> #1 tools/call {"name":"mcp-config-set","arguments":{"server":"a","config":{"n":1}}}
        client 1 <- #1 = {"structuredContent":{"server":"a","old":{},"new":{"n":1}}, ...}
        client 1 -> #2 tools/call {"name":"mcp-add","arguments":{"name":"a"}}
        server a fails "quux"
        client 1 <- #2 = {"content":[{"type":"text","text":"a does not start: *quux*"}],"isError":true}
        recorded initialize - - ok
        recorded tools/call - mcp-config-set ok
        recorded tools/call - mcp-add tool_error
        client 1 hears nothing
        client 1 -> #3 tools/list
        client 1 <- #3 = {"tools":[~menu~]}
        // What was set before is still there.
        client 1 -> #4 tools/call {"name":"mcp-config-set","arguments":{"server":"a","config":{"n":2}}}
        client 1 <- #4 = {"structuredContent":{"server":"a","old":{"n":1},"new":{"n":2}}, ...}
        client 1 -> #5 tools/call {"name":"mcp-remove","arguments":{"name":"a"}}
        client 1 <- #5 = {"isError":true, ...}
        // Taken back while it starts: nothing comes of it either.
        advance 1m
        client 1 -> #6 tools/call {"name":"mcp-add","arguments":{"name":"a"}}
        server a is held
        client 1 -> notifications/cancelled {"requestId":6}
        client 1 <- silence
        server a is not being started
        client 1 -> #7 tools/list
        client 1 <- #7 = {"tools":[~menu~]}
        client 1 hears nothing
        client 1 -> #8 tools/call {"name":"mcp-exec","arguments":{"name":"x","server":"a"}}
        server a is held
        client 1 -> notifications/cancelled {"requestId":8}
        client 1 <- silence
        server a is not being started
        // Nor if the client goes away.
        client 1 -> #9 tools/call {"name":"mcp-add","arguments":{"name":"a"}}
        server a is held
        client 1 closes
        client 1 <- silence
        client 1 <- end
        server a is not being started
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_shared_server_stops_with_the_last_of_those_who_share_it() {
    play(
        r#"
        server a {"catalog":true,"tools":["x"],"share":"caller"}
        client 1 opens http as ann
        client 1 hello
        client 2 opens http as ann
        client 2 hello
        client 3 opens http as bob
        client 3 hello
        client 1 -> #1 tools/call {"name":"mcp-exec","arguments":{"name":"x","server":"a"}}
        server a.1 <- #$1 tools/call *
        server a.1 -> #$1 = {}
        client 1 <- #1 = {}
        client 2 -> #1 tools/call {"name":"mcp-exec","arguments":{"name":"x","server":"a"}}
        server a.1 <- #$2 tools/call *
        server a.1 -> #$2 = {}
        client 2 <- #1 = {}
        client 3 -> #1 tools/call {"name":"mcp-exec","arguments":{"name":"x","server":"a"}}
        server a.2 <- #$3 tools/call *
        server a.2 -> #$3 = {}
        client 3 <- #1 = {}
        client 3 closes
        client 3 <- end
        advance 1s
        server a.2 ends
        client 1 closes
        client 1 <- end
        advance 1s
        client 2 -> #2 tools/call {"name":"mcp-exec","arguments":{"name":"x"}}
        server a.1 <- #$4 tools/call *
        server a.1 -> #$4 = {}
        client 2 <- #2 = {}
        client 2 closes
        client 2 <- end
        advance 1s
        server a.1 ends
        server a launches 2
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_same_server_added_twice_at_once_is_one() {
    play(
        r#"
        server a {"catalog":true,"tools":["x"],"launch":"held"}
        client 1 hello
        client 1 -> #1 tools/call {"name":"mcp-add","arguments":{"name":"a"}}
        client 1 -> #2 tools/call {"name":"mcp-add","arguments":{"name":"a","activate":false}}
        client 1 -> #3 tools/call {"name":"mcp-exec","arguments":{"name":"x","server":"a"}}
        server a is held
        client 1 hears nothing
        server a starts
        client 1 <- #1 = {"structuredContent":{"state":"active", ...}, ...}
        client 1 <- notifications/tools/list_changed
        client 1 <- #2 = {"structuredContent":{"state":"active", ...}, ...}
        server a <- #$3 tools/call *
        advance 1s
        server a -> #$3 = {}
        client 1 <- #3 = {}
        client 1 -> #4 tools/call {"name":"mcp-remove","arguments":{"name":"a"}}
        client 1 <- #4 = {"structuredContent":{"removed":true, ...}, ...}
        client 1 <- notifications/tools/list_changed
        client 1 <- notifications/prompts/list_changed
        client 1 <- notifications/resources/list_changed
        advance 1s
        server a ends
        // And if it does not start, it is in nobody's way.
        client 1 -> #5 tools/call {"name":"mcp-add","arguments":{"name":"a"}}
        client 1 -> #6 tools/call {"name":"mcp-add","arguments":{"name":"a"}}
        server a fails "quux"
        client 1 <- #5 = {"isError":true, ...}
        client 1 <- #6 = {"isError":true, ...}
        client 1 -> #7 tools/call {"name":"mcp-remove","arguments":{"name":"a"}}
        client 1 <- #7 = {"content":[{"type":"text","text":"\"a\" is not in this workspace; it has none"}],"isError":true}
        server a launches 2
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_the_person_has_switched_off_is_not_switched_on() {
    play(
        r#"
        server off {"tools":["x"],"disabled":true}
        server a {"catalog":true,"tools":["y"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"mcp-find","arguments":{"query":"off"}}
        client 1 <- #1 = {"structuredContent":{"servers":[{"name":"off","state":"unavailable", ...}, ...], ...}, ...}
        client 1 -> #2 tools/call {"name":"mcp-add","arguments":{"name":"off"}}
        client 1 <- #2 = {"content":[{"type":"text","text":"off was not added (unavailable): it is disabled in servers.json*"}],"structuredContent":{"state":"unavailable", ...},"isError":true}
        client 1 -> #3 tools/call {"name":"mcp-exec","arguments":{"name":"x","server":"off"}}
        client 1 <- #3 = {"content":[{"type":"text","text":"off was not added (unavailable): it is disabled in servers.json*"}],"isError":true, ...}
        server off launches 0
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_workspace_has_only_so_many_servers() {
    use portolan_gateway::limits::ADDED_MAX;
    let mut world = World::default();
    for n in 0..=ADDED_MAX {
        world
            .run(&format!(
                r#"server s{n} {{"catalog":true,"tools":["t{n}"]}}"#
            ))
            .await;
    }
    world.run("client 1 hello").await;
    for n in 0..ADDED_MAX {
        world
            .run(&format!(
                r#"
                client 1 -> #{n} tools/call {{"name":"mcp-add","arguments":{{"name":"s{n}","activate":false}}}}
                client 1 <- #{n} = {{"structuredContent":{{"state":"active", ...}}, ...}}
                "#
            ))
            .await;
    }
    world
        .run(&format!(
            r#"
            client 1 -> #"more" tools/call {{"name":"mcp-add","arguments":{{"name":"s{ADDED_MAX}"}}}}
            client 1 <- #"more" = {{"content":[{{"type":"text","text":"this workspace has {ADDED_MAX} servers, which is the most; remove some with mcp-remove"}}],"isError":true}}
            client 1 -> #"less" tools/call {{"name":"mcp-remove","arguments":{{"name":"s0"}}}}
            client 1 <- #"less" = {{"structuredContent":{{"removed":true, ...}}, ...}}
            client 1 <- notifications/tools/list_changed
            client 1 <- notifications/prompts/list_changed
            client 1 <- notifications/resources/list_changed
            client 1 -> #"again" tools/call {{"name":"mcp-add","arguments":{{"name":"s{ADDED_MAX}"}}}}
            client 1 <- #"again" = {{"structuredContent":{{"state":"active", ...}}, ...}}
            client 1 <- notifications/tools/list_changed
            "#
        ))
        .await;
    world.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_configured_after_it_was_added_is_there_once() {
    let mut world = World::default();
    world
        .run(
            r#"
            server a {"catalog":true,"tools":["x"]}
            client 1 hello
            client 2 hello
            client 1 -> #1 tools/call {"name":"mcp-add","arguments":{"name":"a"}}
            client 1 <- #1 = {"structuredContent":{"state":"active", ...}, ...}
            client 1 <- notifications/tools/list_changed
            "#,
        )
        .await;
    let entry = Entry::command(ServerName::new("a").unwrap(), "a", [""; 0]);
    world.gateway().reload(vec![entry]);
    world
        .run(
            r#"
            client 1 <- notifications/tools/list_changed
            client 1 <- notifications/prompts/list_changed
            client 1 <- notifications/resources/list_changed
            client 2 <- notifications/tools/list_changed
            client 2 <- notifications/prompts/list_changed
            client 2 <- notifications/resources/list_changed
            client 1 -> #2 tools/list
            client 1 <- #2 = {"tools":[*,*,*,*,*,{"name":"x", ...}]}
            client 2 -> #2 tools/list
            client 2 <- #2 = {"tools":[*,*,*,*,*,{"name":"x", ...}]}
            server a launches 2
            "#,
        )
        .await;
    world.finish().await;
}

#[tokio::test(start_paused = true)]
async fn without_catalogs_there_are_no_tools_of_ours_and_their_names_stay_reserved() {
    play(
        r#"
        server a {"tools":["mcp-find","x"]}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = {"tools":[{"name":"a__mcp-find", ...},{"name":"x", ...}]}
        client 1 -> #2 tools/call {"name":"mcp-add","arguments":{"name":"a"}}
        client 1 <- #2 ! -32602 "unknown tool*"
        "#,
    )
    .await;
}

#[tokio::test]
async fn the_last_words_of_a_server_that_crashes_at_its_start_are_in_the_reply() {
    use std::sync::Arc;

    use launch::ProcessLauncher;

    let name = ServerName::new("a").unwrap();
    let mut broken = Entry::command(name, "sh", ["-c", "echo 'no such option' >&2; exit 3"]);
    broken.source = "mine".to_owned();
    let mut world = World::real().with(move |options| {
        options.launcher = Arc::new(ProcessLauncher::new(launch::Options::inherited()));
        let catalog = catalog::Catalog {
            entries: vec![broken],
            ..catalog::Catalog::default()
        };
        let catalogs = catalog::Catalogs::merge([catalog]);
        options.dynamic = Some(portolan_gateway::Dynamic {
            catalogs: Arc::new(move || catalogs.clone()),
            person: Arc::new(super::harness::Somebody::default()),
            pull: None,
        });
    });
    world
        .run(
            r#"
            client 1 hello
            client 1 -> #1 tools/call {"name":"mcp-add","arguments":{"name":"a"}}
            client 1 <- #1 = {"content":[{"type":"text","text":"a does not start: *exited with code 3; its last words on stderr:\n  no such option*"}],"isError":true}
            client 1 -> #2 tools/list
            client 1 <- #2 = {"tools":[*,*,*,*,*]}
            "#,
        )
        .await;
    world.finish().await;
}
