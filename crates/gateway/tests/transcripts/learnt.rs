//! What is learnt of a server outlives it, its conversation and the process: for whom, and until when.

use super::harness::{World, check};

fn with_memory(store: &store::StoreHandle) -> World {
    let store = store.clone();
    World::default().with(|options| options.store = Some(store))
}

fn memory() -> store::StoreHandle {
    store::StoreHandle::start(store::Store::memory().unwrap()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn persisted_lists_answer_at_once_and_are_corrected() {
    let store = memory();
    let mut first = with_memory(&store);
    first
        .run(
            r#"
            server a {"tools":["x"],"prompts":["p"],"instructions":"Use x.","capabilities":{"tasks":{}}}
            client 1 hello
            client 1 -> #1 tools/list
            client 1 <- #1 = {"tools":[{"name":"x", ...}]}
            "#,
        )
        .await;
    first.finish().await;
    let mut second = with_memory(&store);
    second
        .run(
            r#"
            server a {"tools":["x","y"],"prompts":["p"],"launch":"held"}
            client 1 opens
            client 1 -> #0 initialize {"protocolVersion":"2025-11-25"}
            client 1 <- #0 = {"instructions":"Use x.","capabilities":{"tasks":{}, ...}, ...}
            client 1 -> #1 tools/list
            client 1 <- #1 = {"tools":[{"name":"x", ...}]}
            client 1 -> #2 prompts/list
            client 1 <- #2 = {"prompts":[{"name":"p"}]}
            client 1 -> #3 tools/call {"name":"x"}
            server a starts
            client 1 <- notifications/tools/list_changed
            server a <- #$3 tools/call *
            server a -> #$3 = {}
            client 1 <- #3 = {}
            client 1 hears nothing
            client 1 -> #4 tools/list
            client 1 <- #4 = {"tools":[{"name":"x", ...},{"name":"y", ...}]}
            "#,
        )
        .await;
    second.finish().await;
    let mut third = with_memory(&store);
    third
        .run(
            r#"
            server a {"tools":["y"],"launch":"held"}
            client 1 hello
            client 1 -> #1 tools/list
            client 1 <- #1 = {"tools":[{"name":"x", ...},{"name":"y", ...}]}
            server a launches 0
            "#,
        )
        .await;
    third.finish().await;
}

#[tokio::test(start_paused = true)]
async fn another_entry_of_the_same_name_has_learnt_nothing() {
    let store = memory();
    let mut first = with_memory(&store);
    first
        .run(
            r#"
            server a {"tools":["x"]}
            client 1 hello
            client 1 -> #1 tools/list
            client 1 <- #1 = *
            "#,
        )
        .await;
    first.finish().await;
    let mut second = with_memory(&store);
    second
        .run(
            r#"
            server a {"tools":["y"],"env":[["A","b"]]}
            client 1 hello
            client 1 -> #1 tools/list
            client 1 <- #1 = {"tools":[{"name":"y", ...}]}
            "#,
        )
        .await;
    second.finish().await;
}

#[tokio::test(start_paused = true)]
async fn damaged_persisted_lists_are_read_again() {
    let store = memory();
    let mut first = with_memory(&store);
    first
        .run(
            r#"
            server a {"tools":["x"]}
            client 1 hello
            client 1 -> #1 tools/list
            client 1 <- #1 = *
            "#,
        )
        .await;
    first.finish().await;
    store.flush().unwrap();
    for (key, _) in store.with(|store| store.learnt_all("lists")).unwrap() {
        assert!(store.put(&key, "lists", b"{\"tools\":7".to_vec()));
    }
    let mut second = with_memory(&store);
    second
        .run(
            r#"
            server a {"tools":["x"]}
            client 1 hello
            client 1 -> #1 tools/list
            client 1 <- #1 = {"tools":[{"name":"x", ...}]}
            "#,
        )
        .await;
    second.finish().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_server_with_credentials_lists_is_for_its_caller_only() {
    check(
        r#"
        server a {"tools":["x"],"env":[["TOKEN","t"]]}
        server b {"tools":["y"]}
        client 1 opens http as ann
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = *
        client 2 opens http as ann
        client 2 hello
        client 2 -> #1 tools/list
        client 2 <- #1 = {"tools":[{"name":"x", ...},{"name":"y", ...}]}
        server a launches 1
        client 3 opens http as bob
        client 3 hello
        client 3 -> #1 tools/list
        client 3 <- #1 = {"tools":[{"name":"x", ...},{"name":"y", ...}]}
        server a launches 2
        server b launches 1
        "#,
    )
    .await;
}
