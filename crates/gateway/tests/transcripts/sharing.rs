//! Who shares a running server with whom, and what happens when the configuration changes.

use catalog::{Entry, ServerName};

use super::harness::{World, check};

#[tokio::test(start_paused = true)]
async fn a_local_server_belongs_to_one_conversation() {
    check(
        r#"
        server a {"tools":["x"]}
        client 1 opens http as ann
        client 1 hello
        client 2 opens http as ann
        client 2 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a.1 <- #$1 tools/call *
        client 2 -> #1 tools/call {"name":"x"}
        server a.2 <- #$2 tools/call *
        server a.1 -> #$1 = {"n":1}
        client 1 <- #1 = {"n":1}
        server a.2 -> #$2 = {"n":2}
        client 2 <- #1 = {"n":2}
        server a is {"upstreams":2,"calls":2,"errors":0, ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_that_is_shared_by_caller_is_not_anothers() {
    check(
        r#"
        server a {"tools":["x"],"share":"caller"}
        client 1 opens http as ann
        client 1 hello
        client 2 opens http as ann
        client 2 hello
        client 3 opens http as bob
        client 3 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a.1 <- #$1 tools/call *
        client 2 -> #1 tools/call {"name":"x"}
        server a.1 <- #$2 tools/call *
        client 3 -> #1 tools/call {"name":"x"}
        server a.2 <- #$3 tools/call *
        server a.1 -> #$1 = {}
        client 1 <- #1 = {}
        server a.1 -> #$2 = {}
        client 2 <- #1 = {}
        server a.2 -> #$3 = {}
        client 3 <- #1 = {}
        server a launches 2
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_a_handshake_freezes_is_shared_only_by_its_like() {
    check(
        r#"
        server a {"tools":["x"],"share":"all"}
        client 1 hello {"sampling":{}}
        client 2 hello {"elicitation":{}}
        client 3 hello {"sampling":{}}
        // Folders belong to one conversation.
        client 4 hello {"roots":{}}
        client 5 hello {"roots":{}}
        client 1 -> #1 tools/call {"name":"x"}
        server a.1 <- #$1 tools/call *
        server a.1 -> #$1 = {}
        client 1 <- #1 = {}
        client 2 -> #1 tools/call {"name":"x"}
        server a.2 <- #$2 tools/call *
        server a.2 -> #$2 = {}
        client 2 <- #1 = {}
        client 3 -> #1 tools/call {"name":"x"}
        server a.1 <- #$3 tools/call *
        server a.1 -> #$3 = {}
        client 3 <- #1 = {}
        client 4 -> #1 tools/call {"name":"x"}
        server a.3 <- #$4 tools/call *
        server a.3 -> #$4 = {}
        client 4 <- #1 = {}
        client 5 -> #1 tools/call {"name":"x"}
        server a.4 <- #$5 tools/call *
        server a.4 -> #$5 = {}
        client 5 <- #1 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_leaves_a_shared_server_leaves_it_to_the_others() {
    check(
        r#"
        server a {"tools":["x"],"share":"all","idle_timeout_s":60}
        client 1 hello
        client 2 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$1 tools/call *
        client 2 -> #1 tools/call {"name":"x"}
        server a <- #$2 tools/call *
        client 1 closes
        client 1 <- silence
        client 1 <- end
        server a <- notifications/cancelled {"requestId":$1, ...}
        server a -> #$2 = {}
        client 2 <- #1 = {}
        client 2 closes
        client 2 <- end
        server a is {"state":"ready", ...}
        advance 62s
        server a ends
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn other_entries_take_the_place_of_those_that_were_there() {
    let mut world = World::default();
    world
        .run(
            r#"
            server a {"tools":["x"]}
            server b {"tools":["y"]}
            server c {"tools":["z"]}
            client 1 hello
            client 2 opens
            client 1 -> #1 tools/list
            client 1 <- #1 = {"tools":[{"name":"x", ...},{"name":"y", ...},{"name":"z", ...}]}
            client 1 -> #2 tools/call {"name":"y"}
            server b <- #$2 tools/call *
            "#,
        )
        .await;
    let entry = |name: &str| Entry {
        source: "servers.json".to_owned(),
        ..Entry::command(ServerName::new(name).unwrap(), name, [""; 0])
    };
    // `a` stays, `b` is gone, `c` is another one.
    let other = Entry {
        title: Some("Other".to_owned()),
        ..entry("c")
    };
    let reloaded = world.gateway().reload(vec![entry("a"), other.clone()]);
    assert_eq!(
        (reloaded.added, reloaded.changed, reloaded.removed),
        (vec![], vec!["c".to_owned()], vec!["b".to_owned()])
    );
    world
        .run(
            r#"
            client 1 <- notifications/tools/list_changed
            client 1 <- notifications/prompts/list_changed
            client 1 <- notifications/resources/list_changed
            client 2 hears nothing
            client 1 -> #3 tools/list
            client 1 <- #3 = {"tools":[{"name":"x", ...},{"name":"z", ...}]}
            client 1 -> #4 tools/call {"name":"y"}
            client 1 <- #4 ! -32602 *
            // A call under way may end.
            server b -> #$2 = {"n":1}
            client 1 <- #2 = {"n":1}
            advance 1s
            server b ends
            server c ends
            client 1 -> #5 tools/call {"name":"z"}
            server c.2 <- #$5 tools/call *
            server c.2 -> #$5 = {}
            client 1 <- #5 = {}
            server a launches 1
            "#,
        )
        .await;
    assert!(world.gateway().reload(vec![entry("a"), other]).is_empty());
    assert!(!world.gateway().has_server("b") && world.gateway().has_server("c"));
    world.run("client 1 hears nothing").await;
    world.finish().await;
}

#[tokio::test(start_paused = true)]
async fn who_subscribed_to_a_resource_hears_of_it_from_the_server_in_its_place() {
    let mut world = World::default();
    world
        .run(
            r#"
            server a {"resources":["x://1","x://2"]}
            client 1 hello
            client 2 opens
            client 1 -> #1 resources/list
            client 1 <- #1 = *
            client 1 -> #2 resources/subscribe {"uri":"x://1"}
            server a <- #$2 resources/subscribe {"uri":"x://1"}
            server a -> #$2 = {}
            client 1 <- #2 = {}
            caller ann ~> #7 subscriptions/listen {"notifications":{"resourceSubscriptions":["x://2"]}}
            server a.2 <- #$l resources/subscribe {"uri":"x://2"}
            server a.2 -> #$l = {}
            caller ann <- notifications/subscriptions/acknowledged *
            "#,
        )
        .await;
    let other = Entry {
        source: "servers.json".to_owned(),
        title: Some("Other".to_owned()),
        ..Entry::command(ServerName::new("a").unwrap(), "a", [""; 0])
    };
    world.gateway().reload(vec![other]);
    world
        .run(
            r#"
            client 1 <- notifications/tools/list_changed
            client 1 <- notifications/prompts/list_changed
            client 1 <- notifications/resources/list_changed
            server a.3 <- #$3 resources/subscribe {"uri":"x://1"}
            server a.3 -> #$3 = {}
            client 1 <- notifications/resources/list_changed
            server a.4 <- #$4 resources/subscribe {"uri":"x://2"}
            server a.4 -> #$4 = {}
            server a.3 -> notifications/resources/updated {"uri":"x://1"}
            client 1 <- notifications/resources/updated {"uri":"x://1"}
            server a.4 -> notifications/resources/updated {"uri":"x://2"}
            caller ann <- notifications/resources/updated {"uri":"x://2","_meta":*}
            client 2 hears nothing
            // And it can be taken back.
            client 1 -> #3 resources/unsubscribe {"uri":"x://1"}
            server a.3 <- #$u resources/unsubscribe {"uri":"x://1"}
            server a.3 -> #$u = {}
            client 1 <- #3 = {}
            caller ann drops #7
            server a.4 <- #$v resources/unsubscribe {"uri":"x://2"}
            server a.4 -> #$v = {}
            advance 1s
            server a ends
            server a.2 ends
            "#,
        )
        .await;
    world.finish().await;
}
