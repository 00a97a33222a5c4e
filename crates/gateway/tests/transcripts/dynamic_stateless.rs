//! Our tools before stateless clients: handles instead of lists that change, and endpoints of workspaces.

use portolan_gateway::limits::WORKSPACES_PER_CALLER_MAX;

use super::harness::{World, check};

#[tokio::test(start_paused = true)]
async fn a_handle_stands_for_what_was_added() {
    check(
        r#"
        server own {"tools":["o"]}
        server a {"catalog":true,"tools":["x"]}
        caller ann ~> #1 tools/list
        caller ann <- #1 = {"tools":[*,*,*,*,*,{"name":"o", ...}], ...}
        caller ann ~> #2 tools/call {"name":"mcp-add","arguments":{"name":"a"}}
        caller ann <- 200 #2 = {"resultType":"complete","content":[{"type":"text","text":"a is active with 1 tool: x\nCall them by mcp-exec with workspace \"w-*\". Definitions: [*]"}],
            "structuredContent":{"workspace":$w,"server":"a","state":"active","tools":[{"name":"x","inputSchema":{"type":"object"}}]},"_meta":*}
        recorded tools/list - - ok
        recorded tools/call - mcp-add ok
        // Nothing that others see is different.
        caller ann ~> #3 tools/list
        caller ann <- #3 = {"tools":[*,*,*,*,*,{"name":"o", ...}], ...}
        caller ann ~> #4 tools/call {"name":"x"}
        caller ann <- #4 ! -32602 "unknown tool*"
        caller ann ~> #5 tools/call {"name":"mcp-exec","arguments":{"name":"x"}}
        caller ann <- #5 = {"isError":true, ...}
        caller ann ~> #6 tools/call {"name":"mcp-exec","arguments":{"name":"x","workspace":$w}}
        server a <- #$6 tools/call {"name":"x","arguments":{}}
        server a -> #$6 = {"content":[]}
        caller ann <- 200 #6 = {"content":[],"resultType":"complete","_meta":*}
        // A second one in the same workspace; without it, in a new one.
        caller ann ~> #7 tools/call {"name":"mcp-add","arguments":{"name":"a","workspace":$w}}
        caller ann <- #7 = {"structuredContent":{"workspace":$w, ...}, ...}
        caller ann ~> #8 tools/call {"name":"mcp-add","arguments":{"name":"a"}}
        caller ann <- #8 = {"structuredContent":{"workspace":$v, ...}, ...}
        server a launches 2
        caller ann ~> #9 tools/call {"name":"mcp-remove","arguments":{"name":"a"}}
        caller ann <- #9 = {"content":[{"type":"text","text":"say from which `workspace`*"}],"isError":true, ...}
        caller ann ~> #10 tools/call {"name":"mcp-remove","arguments":{"name":"a","workspace":$w}}
        caller ann <- #10 = {"structuredContent":{"server":"a","removed":true}, ...}
        advance 1s
        server a.1 ends
        caller ann ~> #11 tools/call {"name":"mcp-exec","arguments":{"name":"x","workspace":$w}}
        caller ann <- #11 = {"isError":true, ...}
        caller ann ~> #12 tools/call {"name":"mcp-exec","arguments":{"name":"x","workspace":$v}}
        server a.2 <- #$12 tools/call *
        server a.2 -> #$12 = {"content":[]}
        caller ann <- 200 #12 = {"content":[], ...}
        caller ann ~> #13 tools/call {"name":"mcp-config-set","arguments":{"server":"a","config":{}}}
        caller ann <- #13 = {"content":[{"type":"text","text":"say in which `workspace`*"}],"isError":true, ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn handles_of_others_and_old_ones_are_unknown_alike() {
    for (tool, arguments) in [
        ("mcp-find", r#""query":"a""#),
        ("mcp-add", r#""name":"a""#),
        ("mcp-config-set", r#""server":"a","config":{}"#),
        ("mcp-remove", r#""name":"a""#),
        ("mcp-exec", r#""name":"x""#),
    ] {
        check(&format!(
            r#"
            gateway {{"session_idle":60}}
            server a {{"catalog":true,"tools":["x"]}}
            caller ann ~> #1 tools/call {{"name":"mcp-add","arguments":{{"name":"a"}}}}
            caller ann <- #1 = {{"structuredContent":{{"workspace":$w, ...}}, ...}}
            caller bob ~> #1 tools/call {{"name":"{tool}","arguments":{{{arguments},"workspace":$w}}}}
            caller bob <- 200 #1 = {{"content":[{{"type":"text","text":"there is no such workspace: it has expired, or belongs to somebody else; mcp-add without `workspace` makes a new one"}}],"isError":true, ...}}
            caller ann ~> #2 tools/call {{"name":"{tool}","arguments":{{{arguments},"workspace":"w-forged"}}}}
            caller ann <- 200 #2 = {{"content":[{{"type":"text","text":"there is no such workspace*"}}],"isError":true, ...}}
            advance 50s
            caller ann ~> #3 tools/call {{"name":"mcp-find","arguments":{{"query":"a","workspace":$w}}}}
            caller ann <- #3 = {{"structuredContent":{{"servers":[{{"state":"active", ...}}], ...}}, ...}}
            advance 50s
            server a hears nothing
            advance 20s
            server a ends
            caller ann ~> #4 tools/call {{"name":"{tool}","arguments":{{{arguments},"workspace":$w}}}}
            caller ann <- 200 #4 = {{"content":[{{"type":"text","text":"there is no such workspace*"}}],"isError":true, ...}}
            server a launches 1
            "#
        ))
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_workspace_with_a_call_under_way_is_not_idle() {
    check(
        r#"
        gateway {"session_idle":60}
        server a {"catalog":true,"tools":["x"]}
        caller ann ~> #1 tools/call {"name":"mcp-add","arguments":{"name":"a"}}
        caller ann <- #1 = {"structuredContent":{"workspace":$w, ...}, ...}
        caller ann ~> #2 tools/call {"name":"mcp-exec","arguments":{"name":"x","workspace":$w}}
        server a <- #$2 tools/call *
        advance 90s
        server a -> #$2 = {"content":[]}
        caller ann <- #2 = {"content":[], ...}
        advance 90s
        server a ends
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_endpoint_of_a_workspace_has_native_tools_and_tells_of_changes() {
    check(
        r#"
        server own {"tools":["o"]}
        server a {"catalog":true,"tools":["x"]}
        server b {"catalog":true,"tools":["y"]}
        caller ann ~> #1 tools/call {"name":"mcp-add","arguments":{"name":"a"}}
        caller ann <- #1 = {"structuredContent":{"workspace":$w, ...}, ...}
        caller ann.e enters $w
        caller ann.e ~> #1 tools/list
        caller ann.e <- #1 = {"tools":[*,*,*,*,*,{"name":"o", ...},{"name":"x", ...}], ...}
        caller ann.e ~> #2 tools/call {"name":"x"}
        server a <- #$2 tools/call {"name":"x"}
        server a -> #$2 = {"content":[]}
        caller ann.e <- 200 #2 = {"content":[], ...}
        caller ann.l enters $w
        caller ann.l ~> #7 subscriptions/listen {"notifications":{"toolsListChanged":true}}
        caller ann.l <- notifications/subscriptions/acknowledged *
        caller ann.o ~> #8 subscriptions/listen {"notifications":{"toolsListChanged":true}}
        caller ann.o <- notifications/subscriptions/acknowledged *
        // Added there.
        caller ann.e ~> #3 tools/call {"name":"mcp-add","arguments":{"name":"b"}}
        caller ann.e <- #3 = {"content":[{"type":"text","text":"b is active with 1 tool: y"}],"structuredContent":{"workspace":$w,"tools":[{"name":"y", ...}], ...}, ...}
        caller ann.l <- notifications/tools/list_changed *
        caller ann.e ~> #4 tools/list
        caller ann.e <- #4 = {"tools":[*,*,*,*,*,{"name":"o", ...},{"name":"x", ...},{"name":"y", ...}], ...}
        // Removed from elsewhere by its handle.
        caller ann ~> #5 tools/call {"name":"mcp-remove","arguments":{"name":"b","workspace":$w}}
        caller ann <- #5 = {"structuredContent":{"removed":true, ...}, ...}
        caller ann.l <- notifications/tools/list_changed *
        caller ann.e ~> #6 tools/list
        caller ann.e <- #6 = {"tools":[*,*,*,*,*,{"name":"o", ...},{"name":"x", ...}], ...}
        // Another workspace is not this one's to name, and who sees no workspace hears nothing.
        caller ann ~> #7 tools/call {"name":"mcp-add","arguments":{"name":"b"}}
        caller ann <- #7 = {"structuredContent":{"workspace":$v, ...}, ...}
        caller ann.e ~> #7 tools/call {"name":"mcp-exec","arguments":{"name":"y","workspace":$v}}
        caller ann.e <- #7 = {"content":[{"type":"text","text":"this conversation has a workspace of its own; leave `workspace` out"}],"isError":true, ...}
        caller ann.o hears nothing
        caller ann.l hears nothing
        caller ann ~> #9 tools/list
        caller ann <- #9 = {"tools":[*,*,*,*,*,{"name":"o", ...}], ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn on_stdio_the_process_has_a_workspace_and_its_list_is_constant() {
    check(
        r#"
        server a {"catalog":true,"tools":["x"]}
        client 1 opens
        client 1 ~> #1 tools/list
        client 1 <- #1 = {"tools":[*,*,*,*,*], ...}
        client 1 ~> #2 tools/call {"name":"mcp-add","arguments":{"name":"a"}}
        client 1 <- #2 = {"content":[{"type":"text","text":"a is active with 1 tool: x\nCall them by mcp-exec*"}],"structuredContent":{"workspace":$w, ...}, ...}
        client 1 ~> #3 tools/list
        client 1 <- #3 = {"tools":[*,*,*,*,*], ...}
        client 1 ~> #4 tools/call {"name":"mcp-exec","arguments":{"name":"x"}}
        server a <- #$4 tools/call *
        server a -> #$4 = {"content":[]}
        client 1 <- #4 = {"content":[], ...}
        client 1 ~> #5 tools/call {"name":"mcp-exec","arguments":{"name":"x","workspace":$w}}
        server a <- #$5 tools/call *
        server a -> #$5 = {"content":[]}
        client 1 <- #5 = {"content":[], ...}
        client 1 ~> #6 tools/call {"name":"mcp-remove","arguments":{"name":"a"}}
        client 1 <- #6 = {"structuredContent":{"removed":true, ...}, ...}
        advance 1s
        server a ends
        client 1 hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_tool_called_without_a_workspace_leaves_nothing_for_other_clients() {
    check(
        r#"
        server a {"catalog":true,"tools":["x"]}
        caller ann ~> #1 tools/call {"name":"mcp-exec","arguments":{"name":"x","server":"a"}}
        server a <- #$1 tools/call {"name":"x","arguments":{}}
        server a -> #$1 = {"content":[]}
        caller ann <- #1 = {"content":[], ...}
        recorded tools/call a x ok
        caller ann ~> #2 tools/call {"name":"x"}
        caller ann <- #2 ! -32602 "unknown tool*"
        caller ann ~> #3 tools/call {"name":"mcp-exec","arguments":{"name":"x"}}
        caller ann <- #3 = {"isError":true, ...}
        caller ann ~> #4 tools/call {"name":"mcp-find","arguments":{"query":"a"}}
        caller ann <- #4 = {"structuredContent":{"servers":[{"name":"a","state":"ready", ...}], ...}, ...}
        // Kept for the next call of this kind, for as long as servers are kept.
        caller ann ~> #5 tools/call {"name":"mcp-exec","arguments":{"name":"x","server":"a"}}
        server a <- #$5 tools/call *
        server a -> #$5 = {"content":[]}
        caller ann <- #5 = {"content":[], ...}
        caller bob ~> #5 tools/call {"name":"mcp-exec","arguments":{"name":"x","server":"a"}}
        server a.2 <- #$6 tools/call *
        server a.2 -> #$6 = {"content":[]}
        caller bob <- #5 = {"content":[], ...}
        advance 16m
        server a.1 ends
        server a.2 ends
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn many_servers_called_without_a_workspace_give_way_to_each_other() {
    use portolan_gateway::limits::ADDED_MAX;
    let mut world = World::default();
    for n in 0..=ADDED_MAX {
        world
            .run(&format!(
                r#"server s{n} {{"catalog":true,"tools":["t{n}"]}}"#
            ))
            .await;
    }
    for n in 0..=ADDED_MAX {
        world
            .run(&format!(
                r#"
                caller ann ~> #{n} tools/call {{"name":"mcp-exec","arguments":{{"name":"t{n}","server":"s{n}"}}}}
                server s{n} <- #$of{n} tools/call *
                server s{n} -> #$of{n} = {{"content":[]}}
                caller ann <- #{n} = {{"content":[], ...}}
                "#
            ))
            .await;
    }
    world.run("advance 1s\nserver s0 ends").await;
    world.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_caller_has_only_so_many_workspaces() {
    let mut world = World::default();
    world.run(r#"server a {"tools":["x"],"share":"all"}"#).await;
    world
        .run(r#"server b {"catalog":true,"tools":["y"]}"#)
        .await;
    for n in 0..WORKSPACES_PER_CALLER_MAX {
        world
            .run(&format!(
                r#"
                caller ann ~> #{n} tools/call {{"name":"mcp-add","arguments":{{"name":"a"}}}}
                caller ann <- #{n} = {{"structuredContent":{{"workspace":"w-*", ...}}, ...}}
                "#
            ))
            .await;
    }
    world
        .run(
            r#"
            caller ann ~> #"more" tools/call {"name":"mcp-add","arguments":{"name":"b"}}
            caller ann <- #"more" = {"content":[{"type":"text","text":"*workspaces*"}],"isError":true, ...}
            advance 1s
            server b ends
            caller bob ~> #"more" tools/call {"name":"mcp-add","arguments":{"name":"a"}}
            caller bob <- #"more" = {"structuredContent":{"workspace":"w-*", ...}, ...}
            // Conversations are as many as they are.
            client 1 opens http as ann
            client 1 hello
            client 1 -> #1 tools/call {"name":"mcp-add","arguments":{"name":"b"}}
            client 1 <- #1 = {"structuredContent":{"workspace":"w-*", ...}, ...}
            client 1 <- notifications/tools/list_changed
            "#,
        )
        .await;
    world.finish().await;
}
