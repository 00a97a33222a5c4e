//! `mcp-create-profile` and `mcp-activate-profile`: what is saved, what is activated, and what neither may do.

use portolan_gateway::Features;
use serde_json::{Value, json};

use super::harness::World;

/// Plays it with the tools switched on; `~menu~` are all that there are then.
async fn play(script: &str) -> World {
    let mut world = World::default().with(|options| {
        options.features = Features {
            profile_tools: true,
            ..Features::default()
        };
    });
    world.run(&script.replace("~menu~", "*,*,*,*,*,*,*")).await;
    world
}

#[tokio::test(start_paused = true)]
async fn without_the_feature_nothing_answers_to_their_names() {
    for tool in [
        "mcp-create-profile",
        "mcp-activate-profile",
        "find-tools",
        "mcp-registry-import",
    ] {
        super::harness::check(&format!(
            r#"
            server a {{"catalog":true,"tools":["x"]}}
            client 1 hello
            client 1 -> #1 tools/list
            client 1 <- #1 = {{"tools":[*,*,*,*,*]}}
            client 1 -> #2 tools/call {{"name":"{tool}","arguments":{{"name":"dev","prompt":"x","url":"https://h/c"}}}}
            client 1 <- #2 ! -32602 "unknown tool*"
            client 1 -> #3 tools/call {{"name":"mcp-exec","arguments":{{"name":"{tool}"}}}}
            client 1 <- #3 = {{"isError":true, ...}}
            "#
        ))
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn no_server_takes_their_names_whether_they_are_on_or_off() {
    let script = r#"
        server a {"tools":["mcp-create-profile","mcp-activate-profile","find-tools","mcp-registry-import","mcp-discover"],"prompts":["mcp-discover"]}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = {"tools":[{"name":"a__mcp-create-profile", ...},{"name":"a__mcp-activate-profile", ...},{"name":"a__find-tools", ...},{"name":"a__mcp-registry-import", ...},{"name":"a__mcp-discover", ...}]}
        client 1 -> #2 prompts/list
        client 1 <- #2 = {"prompts":[{"name":"a__mcp-discover", ...}]}
        "#;
    super::harness::check(script).await;
    play(script).await.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_conversation_is_saved_and_had_again_in_another() {
    let mut world = play(
        r#"
        server a {"catalog":true,"tools":["x"],"args":["{{unit}}"],"config":{"type":"object","properties":{"unit":{"type":"string"}}}}
        server b {"catalog":true,"tools":["y"],"env":[["LEVEL","{{level}}"]],"config":{"type":"object","properties":{"level":{"type":"string"},"password":{"type":"string"}}}}
        server own {"tools":["o"]}
        person sets a {"unit":"m"}
        client 1 hello
        client 1 -> #1 tools/call {"name":"mcp-create-profile","arguments":{"name":"dev"}}
        client 1 <- #1 = {"content":[{"type":"text","text":"the profile was not saved: there is nothing to save"}],"isError":true}
        client 1 -> #2 tools/call {"name":"mcp-add","arguments":{"name":"a"}}
        client 1 <- #2 = {"structuredContent":{"state":"active", ...}, ...}
        client 1 <- notifications/tools/list_changed
        client 1 -> #3 tools/call {"name":"mcp-add","arguments":{"name":"b","config":{"level":"high","password":"hunter2"}}}
        client 1 <- #3 = {"structuredContent":{"state":"active", ...}, ...}
        client 1 <- notifications/tools/list_changed
        server b ran "b LEVEL=high"
        client 1 -> #4 tools/call {"name":"mcp-create-profile","arguments":{"name":"dev"}}
        client 1 <- #4 = {"content":[{"type":"text","text":"profile dev now is with 2 servers: a, b\nnot in it: b.password (it is called as a credential is)\nnot in it: own (it is there anyway, by servers.json)\nNext: mcp-activate-profile in another conversation, or the user runs: portolan gateway run --profile dev"}],
            "structuredContent":{"profile":"dev","servers":["a","b"],"left_out":[{"name":"b.password","why":"it is called as a credential is"},{"name":"own","why":"it is there anyway, by servers.json"}],"next":"mcp-activate-profile*"}}
        client 2 hello
        client 2 -> #1 tools/call {"name":"mcp-activate-profile","arguments":{"name":"dev"}}
        client 2 <- #1 = {"content":[{"type":"text","text":"2 of 2 servers of profile dev are active\na (active): x\nb (active): y"}],
            "structuredContent":{"profile":"dev","servers":[{"name":"a","state":"active","tools":["x"]},{"name":"b","state":"active","tools":["y"]}],"workspace":"w-*"}}
        client 2 <- notifications/tools/list_changed
        client 2 <- notifications/tools/list_changed
        server a ran "a m"
        server b ran "b LEVEL=high"
        client 2 -> #2 tools/list
        client 2 <- #2 = {"tools":[~menu~,{"name":"o", ...},{"name":"x", ...},{"name":"y", ...}]}
        client 2 -> #3 tools/call {"name":"y"}
        server b.2 <- #$3 tools/call {"name":"y"}
        server b.2 -> #$3 = {"n":1}
        client 2 <- #3 = {"n":1}
        // A second time nothing is different.
        client 2 -> #4 tools/call {"name":"mcp-activate-profile","arguments":{"name":"dev"}}
        client 2 <- #4 = {"structuredContent":{"servers":[{"state":"active", ...},{"state":"active", ...}], ...}, ...}
        client 2 hears nothing
        client 1 hears nothing
        server a launches 2
        server b launches 2
        // What was activated is removed as what was added is.
        client 2 -> #5 tools/call {"name":"mcp-remove","arguments":{"name":"a"}}
        client 2 <- #5 = {"structuredContent":{"removed":true, ...}, ...}
        client 2 <- notifications/tools/list_changed
        client 2 <- notifications/prompts/list_changed
        client 2 <- notifications/resources/list_changed
        advance 1s
        server a.2 ends
        "#,
    )
    .await;
    let saved = world.person.saved("dev").unwrap();
    let config = |name: &str| Value::Object(saved.get(name).unwrap().config.clone());
    // What the person has set for all conversations is not repeated; a credential is in no file.
    assert_eq!(
        (config("a"), config("b")),
        (json!({}), json!({"level": "high"}))
    );
    let text = catalog::write_profile(&saved).unwrap();
    assert!(
        !text.contains("hunter2") && text.contains("{{unit}}"),
        "{text}"
    );
    world.run("client 1 hears nothing").await;
    world.finish().await;
}

#[tokio::test(start_paused = true)]
async fn what_only_the_person_sets_is_not_saved_for_them() {
    let world = play(
        r#"
        server a {"catalog":true,"tools":["x"],"args":["{{folder}}"],"config":{"type":"object","properties":{"folder":{"type":"string"},"unit":{"type":"string"}},"required":["folder"]}}
        client 1 hello {"elicitation":{}}
        client 1 -> #1 tools/call {"name":"mcp-add","arguments":{"name":"a","config":{"unit":"m"}}}
        client 1 <- #$q elicitation/create *
        client 1 -> #$q = {"action":"accept","content":{"folder":"/home/me"}}
        client 1 <- #1 = {"structuredContent":{"state":"active", ...}, ...}
        client 1 <- notifications/tools/list_changed
        server a ran "a /home/me"
        client 1 -> #2 tools/call {"name":"mcp-create-profile","arguments":{"name":"dev"}}
        client 1 <- #2 = {"structuredContent":{"servers":["a"],"left_out":[{"name":"a.folder","why":"only the user sets it"}], ...}, ...}
        // So it is asked for again, by the command that keeps it.
        client 2 hello
        client 2 -> #1 tools/call {"name":"mcp-activate-profile","arguments":{"name":"dev"}}
        client 2 <- #1 = {"content":[{"type":"text","text":"0 of 1 server of profile dev is active\na (needs-config): `folder` is not configured. Next: ask the user to run: portolan profile config dev --set a.KEY=VALUE"}],
            "structuredContent":{"profile":"dev","servers":[{"name":"a","state":"needs-config","tools":[],"why":*,"next":*}]},"isError":true}
        person configures dev a {"folder":"/mnt"}
        client 2 -> #2 tools/call {"name":"mcp-activate-profile","arguments":{"name":"dev"}}
        client 2 <- #2 = {"structuredContent":{"servers":[{"state":"active", ...}], ...}, ...}
        client 2 <- notifications/tools/list_changed
        server a ran "a /mnt"
        "#,
    )
    .await;
    let saved = world.person.saved("dev").unwrap();
    assert!(saved.get("a").is_some());
    world.finish().await;
}

#[tokio::test(start_paused = true)]
async fn what_stands_in_the_way_is_told_and_the_others_are_active() {
    play(
        r#"
        server other {"catalog":true,"tools":["z"]}
        server ok {"profile":"dev","tools":["x"]}
        server key {"profile":"dev","secrets":["key.token"],"tools":["y"]}
        server box {"profile":"dev","unboxed":true,"tools":["y"]}
        server far {"profile":"dev","from":"https://evil.example/c","tools":["y"]}
        server gone {"profile":"dev","refused":"no engine here"}
        server set {"profile":"dev","config":{"type":"object","properties":{"n":{"type":"integer"}}}}
        person configures dev set {"n":"many"}
        client 1 hello {"elicitation":{}}
        client 1 -> #1 tools/call {"name":"mcp-activate-profile","arguments":{"name":"dev"}}
        client 1 <- #1 = {"content":*,"structuredContent":{"profile":"dev","workspace":"w-*","servers":[
            {"name":"ok","state":"active","tools":["x"]},
            {"name":"key","state":"needs-secrets","tools":[],"why":"the secret key.token is not set","next":"ask the user to run: portolan secret set key.token"},
            {"name":"box","state":"needs-approval","tools":[],"why":*,"next":"ask the user to run: portolan server enable box --profile dev"},
            {"name":"far","state":"needs-approval","tools":[],"why":"*evil.example*","next":"ask the user to run: portolan server enable far --profile dev"},
            {"name":"gone","state":"unavailable","tools":[],"why":"no engine here","next":"use another server"},
            {"name":"set","state":"needs-config","tools":[],"why":"`n`*","next":"*portolan profile config dev --set set.KEY=VALUE"}
        ]},"isError":true}
        client 1 <- notifications/tools/list_changed
        server key launches 0
        server box launches 0
        server far launches 0
        person approves box
        person keeps key.token hunter2
        client 1 -> #2 tools/call {"name":"mcp-activate-profile","arguments":{"name":"dev"}}
        client 1 <- #2 = {"isError":true,"structuredContent":{"servers":[{"state":"active", ...},{"state":"active", ...},{"state":"active", ...},{"state":"needs-approval", ...},{"state":"unavailable", ...},{"state":"needs-config", ...}], ...}, ...}
        client 1 <- notifications/tools/list_changed
        client 1 <- notifications/tools/list_changed
        server key ran "key KEY_TOKEN=hunter2"
        // By another way it is the entry of the profile, too.
        client 1 -> #3 tools/call {"name":"mcp-config-set","arguments":{"server":"ok","config":{"x":1}}}
        client 1 <- #3 = {"content":[{"type":"text","text":"ok was not configured*no configuration*"}],"isError":true, ...}
        "#,
    )
    .await
    .finish()
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_that_does_not_start_leaves_the_others_and_nothing_behind() {
    play(
        r#"
        server other {"catalog":true,"tools":["z"]}
        server a {"profile":"dev","tools":["x"],"launch":"held"}
        server b {"profile":"dev","tools":["y"],"launch":"held"}
        client 1 hello
        client 1 -> #1 tools/call {"name":"mcp-activate-profile","arguments":{"name":"dev"}}
        // Both are being started at once.
        server a is held
        server b is held
        server b starts
        server a fails "no licence"
        client 1 <- #1 = {"content":[{"type":"text","text":"1 of 2 servers*a (unavailable): a does not start: *no licence*b (active): y"}],"isError":true,"structuredContent":{"servers":[{"name":"a","state":"unavailable", ...},{"name":"b","state":"active","tools":["y"]}], ...}}
        client 1 <- notifications/tools/list_changed
        client 1 -> #2 tools/list
        client 1 <- #2 = {"tools":[~menu~,{"name":"y", ...}]}
        "#,
    )
    .await
    .finish()
    .await;
}

#[tokio::test(start_paused = true)]
async fn stateless_clients_get_a_workspace_and_the_way_to_the_definitions() {
    play(
        r#"
        server other {"catalog":true,"tools":["z"]}
        server a {"profile":"dev","tools":["x"]}
        server b {"profile":"dev","tools":["y"]}
        caller ann ~> #1 tools/call {"name":"mcp-activate-profile","arguments":{"name":"dev"}}
        caller ann <- 200 #1 = {"resultType":"complete","content":[{"type":"text","text":"2 of 2 servers of profile dev are active\na (active): x\nb (active): y\nCall their tools by mcp-exec with workspace \"w-*\"; mcp-add with the name of a server*"}],
            "structuredContent":{"profile":"dev","workspace":$w,"servers":[{"name":"a","state":"active","tools":["x"]},{"name":"b","state":"active","tools":["y"]}]},"_meta":*}
        caller ann ~> #2 tools/call {"name":"mcp-exec","arguments":{"name":"y","workspace":$w}}
        server b <- #$2 tools/call {"name":"y","arguments":{}}
        server b -> #$2 = {"content":[]}
        caller ann <- 200 #2 = {"content":[],"resultType":"complete","_meta":*}
        caller ann ~> #3 tools/call {"name":"mcp-add","arguments":{"name":"a","workspace":$w}}
        caller ann <- #3 = {"structuredContent":{"tools":[{"name":"x", ...}], ...}, ...}
        caller ann ~> #4 tools/list
        caller ann <- #4 = {"tools":[~menu~], ...}
        caller ann ~> #5 tools/call {"name":"mcp-create-profile","arguments":{"name":"two"}}
        caller ann <- #5 = {"content":[{"type":"text","text":"say whose servers*"}],"isError":true, ...}
        caller ann ~> #6 tools/call {"name":"mcp-create-profile","arguments":{"name":"two","workspace":$w}}
        caller ann <- #6 = {"structuredContent":{"profile":"two","servers":["a","b"], ...}, ...}
        caller bob ~> #1 tools/call {"name":"mcp-create-profile","arguments":{"name":"mine","workspace":$w}}
        caller bob <- #1 = {"content":[{"type":"text","text":"there is no such workspace*"}],"isError":true, ...}
        "#,
    )
    .await
    .finish()
    .await;
}

#[tokio::test(start_paused = true)]
async fn names_that_are_none_and_files_that_cannot_be_written() {
    play(
        r#"
        server a {"catalog":true,"tools":["x"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"mcp-activate-profile","arguments":{"name":"none"}}
        client 1 <- #1 = {"content":[{"type":"text","text":"there is no profile `none`"}],"isError":true}
        client 1 -> #2 tools/call {"name":"mcp-activate-profile","arguments":{}}
        client 1 <- #2 = {"content":[{"type":"text","text":"mcp-activate-profile: \"name\" is missing"}],"isError":true}
        client 1 -> #3 tools/call {"name":"mcp-create-profile","arguments":{"name":" "}}
        client 1 <- #3 = {"content":[{"type":"text","text":"mcp-create-profile: \"name\" is empty"}],"isError":true}
        client 1 -> #4 tools/call {"name":"mcp-create-profile","arguments":{"nam":"x"}}
        client 1 <- #4 = {"content":[{"type":"text","text":"mcp-create-profile takes no argument \"nam\"; did you mean \"name\"?"}],"isError":true}
        client 1 -> #5 tools/call {"name":"mcp-create-profile","arguments":{"name":"full"}}
        client 1 <- #5 = {"content":[{"type":"text","text":"this conversation has no server to save; mcp-find and mcp-add bring some"}],"isError":true}
        client 1 -> #6 tools/call {"name":"mcp-add","arguments":{"name":"a"}}
        client 1 <- #6 = {"structuredContent":{"state":"active", ...}, ...}
        client 1 <- notifications/tools/list_changed
        client 1 -> #7 tools/call {"name":"mcp-create-profile","arguments":{"name":"full"}}
        client 1 <- #7 = {"content":[{"type":"text","text":"the profile was not saved: the disk is full"}],"isError":true}
        "#,
    )
    .await
    .finish()
    .await;
}
