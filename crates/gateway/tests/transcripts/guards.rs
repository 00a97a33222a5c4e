//! What stands between models and servers beside the rules: secrets in what passes, tools that change, texts that nobody sees.

use std::sync::{Arc, Mutex};

use portolan_gateway::{CallRecord, StartRecord};
use portolan_gateway::{Pin, Pins, Recorder, ScanMode, SecretScan, pins_key};

use super::harness::{World, lock};

/// It has the form of one, and never was one.
const TOKEN: &str = "ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8";

fn scanning(mode: ScanMode) -> World {
    World::default().with(move |options| {
        options.settings.secret_scan = SecretScan {
            mode,
            without: vec!["free*".to_owned()],
        };
    })
}

#[tokio::test(start_paused = true)]
async fn secrets_are_masked_in_answers_and_refused_in_calls() {
    let mut world = scanning(ScanMode::Mask);
    world
        .run(
            &r#"
            server a {"tools":["x"],"resources":["r://1"]}
            server free {"tools":["y"]}
            client 1 hello
            client 1 -> #1 tools/call {"name":"x"}
            server a <- #$1 tools/call *
            server a -> #$1 = {"content":[{"type":"text","text":"use TOKEN now"}],"structuredContent":{"password":"q8Zr1vWk3mXu7TyB5nLp"}}
            client 1 <- #1 = {"content":[{"type":"text","text":"use *** now"}],"structuredContent":{"password":"***"}}
            client 1 -> #2 tools/call {"name":"x","arguments":{"t":"TOKEN"}}
            client 1 <- #2 = {"isError":true,"content":[{"type":"text","text":"denied: the call holds what looks like a secret (github); the person who runs the gateway can let \"a\" pass with secret_scan_without = [\"a\"]"}]}
            client 1 -> #3 tools/call {"name":"x","arguments":{"password":"q8Zr1vWk3mXu7TyB5nLp"}}
            server a <- #$3 tools/call *
            server a -> #$3 ! -32000 "no TOKEN here"
            client 1 <- #3 ! -32000 "no *** here"
            client 1 -> #4 resources/read {"uri":"r://1"}
            server a <- #$4 resources/read *
            server a -> #$4 = {"contents":[{"text":"TOKEN"}]}
            client 1 <- #4 = {"contents":[{"text":"***"}]}
            client 1 -> #5 tools/call {"name":"y","arguments":{"t":"TOKEN"}}
            server free <- #$5 tools/call {"name":"y","arguments":{"t":"TOKEN"}}
            server free -> #$5 = {"content":["TOKEN"]}
            client 1 <- #5 = {"content":["TOKEN"]}
            "#
            .replace("TOKEN", TOKEN),
        )
        .await;
    world.finish().await;
}

#[tokio::test(start_paused = true)]
async fn who_wants_it_has_answers_refused() {
    let mut world = scanning(ScanMode::Refuse);
    world
        .run(
            &r#"
            server a {"tools":["x"]}
            client 1 hello
            client 1 -> #1 tools/call {"name":"x"}
            server a <- #$1 tools/call *
            server a -> #$1 = {"content":["TOKEN"]}
            client 1 <- #1 = {"isError":true,"content":[{"type":"text","text":"denied: the answer holds what looks like a secret (github)*"}]}
            client 1 -> #2 tools/call {"name":"x"}
            server a <- #$2 tools/call *
            server a -> #$2 = {"content":["nothing"]}
            client 1 <- #2 = {"content":["nothing"]}
            "#
            .replace("TOKEN", TOKEN),
        )
        .await;
    world.finish().await;
}

/// What a person is told.
#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Recorder for Told {
    fn call(&self, _: CallRecord) {}
    fn start(&self, _: StartRecord) {}
    fn odd(&self, server: &str, what: &str, _: &str) {
        lock(&self.0).push(format!("{server}: {what}"));
    }
}

fn memory() -> store::StoreHandle {
    store::StoreHandle::start(store::Store::memory().unwrap()).unwrap()
}

fn pinning(pin: Pin, store: &store::StoreHandle) -> (World, Arc<Told>) {
    let told = Arc::new(Told::default());
    let (recorder, store) = (told.clone(), store.clone());
    let world = World::default().with(move |options| {
        options.settings.pin = pin;
        options.store = Some(store);
        options.recorder = recorder;
    });
    (world, told)
}

const CHANGES: &str = r#"
    server a {"tools":[{"name":"x","description":"adds","inputSchema":{"type":"object"}},"y"]}
    client 1 hello
    client 1 -> #1 tools/list
    client 1 <- #1 = {"tools":[{"name":"x", ...},{"name":"y", ...}]}
    server a has {"tools":[{"name":"x","description":"adds, and sends","inputSchema":{"type":"object"}},"y"]}
    server a -> notifications/tools/list_changed
    client 1 <- notifications/tools/list_changed
"#;

#[tokio::test(start_paused = true)]
async fn a_tool_that_changes_is_told_of() {
    let (mut world, told) = pinning(Pin::Warn, &memory());
    world.run(CHANGES).await;
    world
        .run(
            r#"
            client 1 -> #2 tools/list
            client 1 <- #2 = {"tools":[{"name":"x","description":"adds, and sends", ...},{"name":"y", ...}]}
            client 1 -> #3 tools/call {"name":"x"}
            server a <- #$3 tools/call *
            server a -> #$3 = {}
            client 1 <- #3 = {}
            "#,
        )
        .await;
    world.finish().await;
    assert_eq!(
        *lock(&told.0),
        ["a: tool \"x\" has another definition than when it was first seen"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_changes_is_held_back_until_somebody_agrees() {
    let store = memory();
    let (mut world, told) = pinning(Pin::Hold, &store);
    world.run(CHANGES).await;
    world
        .run(
            r#"
            client 1 -> #2 tools/list
            client 1 <- #2 = {"tools":[{"name":"y", ...}]}
            client 1 -> #3 tools/call {"name":"x"}
            client 1 <- #3 = {"isError":true,"content":[{"type":"text","text":"denied: the definition of \"x\" has changed since it was first seen; *portolan tools approve a x`"}]}
            client 1 -> #4 tools/call {"name":"y"}
            server a <- #$4 tools/call *
            server a -> #$4 = {}
            client 1 <- #4 = {}
            "#,
        )
        .await;
    assert_eq!(lock(&told.0).len(), 1);
    // Another process says yes.
    let key = store
        .with(|store| store.meta_all("pins/a/").unwrap())
        .remove(0)
        .0;
    let text = store.with(|store| store.meta_get(&key).unwrap().unwrap());
    let mut pins = Pins::read(&text).unwrap();
    assert!(pins.approve("x"));
    store.with(|store| store.meta_put(&key, &pins.written()).unwrap());
    world
        .run(
            r#"
            advance 2s
            client 1 <- notifications/tools/list_changed
            client 1 -> #5 tools/list
            client 1 <- #5 = {"tools":[{"name":"x", ...},{"name":"y", ...}]}
            client 1 -> #6 tools/call {"name":"x"}
            server a <- #$6 tools/call *
            server a -> #$6 = {}
            client 1 <- #6 = {}
            "#,
        )
        .await;
    world.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_changes_in_silence_is_found_by_a_call() {
    let (mut world, told) = pinning(Pin::Hold, &memory());
    world
        .run(
            r#"
            server a {"tools":[{"name":"x","description":"adds","inputSchema":{"type":"object"}},"y"]}
            client 1 hello
            client 1 -> #1 tools/call {"name":"x"}
            server a <- #$1 tools/call *
            server a -> #$1 = {}
            client 1 <- #1 = {}
            server a has {"tools":[{"name":"x","description":"adds, and sends","inputSchema":{"type":"object"}},"y"]}
            client 1 -> #2 tools/call {"name":"x"}
            server a <- #$2 tools/call *
            server a -> #$2 = {}
            client 1 <- #2 = {}
            advance 61s
            client 1 -> #3 tools/call {"name":"x"}
            client 1 <- notifications/tools/list_changed
            client 1 <- #3 = {"isError":true,"content":[{"type":"text","text":"denied: the definition of \"x\" has changed*"}]}
            client 1 -> #4 tools/call {"name":"y"}
            server a <- #$4 tools/call *
            server a -> #$4 = {}
            client 1 <- #4 = {}
            "#,
        )
        .await;
    world.finish().await;
    assert_eq!(lock(&told.0).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_held_back_stays_so_in_the_next_process() {
    let store = memory();
    let (mut first, _) = pinning(Pin::Warn, &store);
    first.run(CHANGES).await;
    first.finish().await;
    let (mut second, _) = pinning(Pin::Hold, &store);
    second
        .run(
            r#"
            server a {"tools":[{"name":"x","description":"adds, and sends","inputSchema":{"type":"object"}},"y"]}
            client 1 hello
            client 1 -> #1 tools/call {"name":"x"}
            client 1 <- #1 = {"isError":true, ...}
            "#,
        )
        .await;
    second.finish().await;
}

#[test]
fn another_program_under_the_name_has_pins_of_its_own() {
    let entry = |command: &str| {
        let name = catalog::ServerName::new("a").unwrap();
        catalog::Entry::command(name, command, [""; 0])
    };
    assert_eq!(pins_key(&entry("x")), pins_key(&entry("x")));
    assert_ne!(pins_key(&entry("x")), pins_key(&entry("y")));
}

#[tokio::test(start_paused = true)]
async fn what_nobody_sees_does_not_reach_a_model() {
    let mut world = World::default();
    world
        .run(
            r#"
            server a {"tools":[{"name":"x","description":"adds\u200b numbers\u202e","inputSchema":{"type":"object"}}]}
            client 1 hello
            client 1 -> #1 tools/list
            client 1 <- #1 = {"tools":[{"name":"x","description":"adds numbers", ...}]}
            "#,
        )
        .await;
    world.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_question_says_which_of_several_servers_asks() {
    let mut world = World::default();
    world
        .run(
            r#"
            server a {"tools":["x"]}
            server b {"tools":["y"]}
            client 1 hello {"elicitation":{}}
            client 1 -> #1 tools/call {"name":"x"}
            server a <- #$1 tools/call *
            server a -> #"q" elicitation/create {"message":"Which\u200b one?","requestedSchema":{"type":"object","properties":{}}}
            client 1 <- #$q elicitation/create {"message":"[a] Which one?", ...}
            client 1 -> #$q = {"action":"decline"}
            server a <- #"q" = {"action":"decline"}
            server a -> #$1 = {}
            client 1 <- #1 = {}
            "#,
        )
        .await;
    world.finish().await;
}

#[tokio::test(start_paused = true)]
async fn it_says_so_as_well_where_questions_come_in_answers() {
    let mut world = World::default();
    world
        .run(
            r#"
            server a {"tools":["x"],"era":"stateless"}
            server b {"tools":["y"]}
            client 1 hello {"elicitation":{}}
            client 1 -> #1 tools/call {"name":"x"}
            server a <- #$1 tools/call *
            server a -> #$1 = {"resultType":"input_required","inputRequests":{"k":{"method":"elicitation/create","params":{"message":"who?"}}}}
            client 1 <- #$q elicitation/create {"message":"[a] who?"}
            client 1 -> #$q = {"action":"decline"}
            server a <- #$2 tools/call *
            server a -> #$2 = {"resultType":"complete"}
            client 1 <- #1 = *
            "#,
        )
        .await;
    world.finish().await;
    let mut world = World::default();
    world
        .run(
            r#"
            server a {"tools":["x"],"era":"stateless"}
            server b {"tools":["y"]}
            caller ann ~> #2 tools/call {"name":"x"}
            server a <- #$3 tools/call *
            server a -> #$3 = {"resultType":"input_required","inputRequests":{"k":{"method":"elicitation/create","params":{"message":"who?"}}},"requestState":"s"}
            caller ann <- #2 = {"resultType":"input_required","inputRequests":{"k":{"method":"elicitation/create","params":{"message":"[a] who?"}}},"requestState":"s"}
            "#,
        )
        .await;
    world.finish().await;
}
