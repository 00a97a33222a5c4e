//! Calls while the servers that they are for are replaced: none is lost, and none reaches a server that is gone.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;

use bytes::Bytes;
use catalog::{Entry, ServerName, Share};
use portolan_gateway::front::{Caller, Gateway, Origin, Reply};
use portolan_gateway::{
    CallFacts, CallRecord, Interceptor, Pin, Recorder, StartRecord, Verdict, When,
};
use tokio::sync::Notify;
use transport::BoxFuture;
use wire::Frame;

use super::harness::{World, lock};
use super::scripts;

/// The entry of a server of a transcript, another one with each title.
fn entry(name: &str, title: &str) -> Entry {
    Entry {
        source: "servers.json".to_owned(),
        title: Some(title.to_owned()),
        ..Entry::command(ServerName::new(name).unwrap(), name, [""; 0])
    }
}

const TOLD: &str = "
    client 1 <- notifications/tools/list_changed
    client 1 <- notifications/prompts/list_changed
    client 1 <- notifications/resources/list_changed
";

#[tokio::test(start_paused = true)]
async fn what_a_server_offers_is_there_while_it_is_replaced_and_calls_wait_for_the_new_one() {
    let mut world = World::default();
    world
        .run(
            r#"
            gateway {"list_wait":5}
            server a {"tools":["x"],"prompts":["p"],"resources":["r://1"]}
            client 1 hello
            client 1 -> #1 tools/list
            client 1 <- #1 = {"tools":[{"name":"x", ...}]}
            client 1 -> #2 prompts/list
            client 1 <- #2 = *
            server a has {"tools":["x","y"],"resources":["r://1"],"launch":"held"}
            "#,
        )
        .await;
    world.gateway().reload(vec![entry("a", "second")]);
    world.run(TOLD).await;
    world
        .run(
            r#"
            server a ends
            client 1 -> #3 tools/call {"name":"x"}
            client 1 -> #4 prompts/get {"name":"p"}
            client 1 -> #5 resources/read {"uri":"r://1"}
            client 1 -> #6 tools/call {"name":"a__x"}
            client 1 -> #7 tools/list
            client 1 -> #8 tools/call {"name":"nobodys"}
            server a is held
            // It takes its time: a list is given as it was.
            advance 6s
            client 1 <- #7 = {"tools":[{"name":"x", ...}]}
            client 1 <- #8 ! -32602 "unknown tool*"
            client 1 hears nothing
            server a starts
            server a.2 <- #$3 tools/call {"name":"x"}
            server a.2 <- #$4 prompts/get {"name":"p"}
            server a.2 <- #$5 resources/read {"uri":"r://1"}
            server a.2 <- #$6 tools/call {"name":"x"}
            server a.2 -> #$3 = {"n":3}
            server a.2 -> #$4 ! -32602 "no such prompt"
            server a.2 -> #$5 = {"n":5}
            server a.2 -> #$6 = {"n":6}
            client 1 <- #3 = {"n":3}
            client 1 <- #4 ! -32602 "no such prompt"
            client 1 <- #5 = {"n":5}
            client 1 <- #6 = {"n":6}
            // What the new one has more, and what it has no more.
            client 1 <- notifications/tools/list_changed
            client 1 <- notifications/prompts/list_changed
            client 1 -> #9 prompts/list
            client 1 <- #9 = {"prompts":[]}
            client 1 -> #10 prompts/get {"name":"p"}
            client 1 <- #10 ! -32602 "unknown prompt*"
            server a launches 2
            "#,
        )
        .await;
    world.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_in_time_goes_where_the_new_server_has_it() {
    let mut world = World::default();
    world
        .run(
            r#"
            server a {"tools":["x","old"]}
            client 1 hello
            client 1 -> #1 tools/list
            client 1 <- #1 = {"tools":[{"name":"x", ...},{"name":"old", ...}]}
            caller ann ~> #1 tools/list
            caller ann <- #1 = {"tools":[{"name":"x", ...},{"name":"old", ...}], ...}
            server a has {"tools":["x"],"launch":"held"}
            "#,
        )
        .await;
    world.gateway().reload(vec![entry("a", "second")]);
    world.run(TOLD).await;
    world
        .run(
            r#"
            client 1 -> #2 tools/call {"name":"x"}
            client 1 -> #3 tools/call {"name":"old"}
            caller ann ~> #2 tools/call {"name":"x"}
            server a is held
            server a starts
            server a starts
            server a.3 <- #$2 tools/call {"name":"x"}
            server a.4 <- #$3 tools/call {"name":"x", ...}
            server a.3 -> #$2 = {}
            server a.4 -> #$3 = {}
            client 1 <- #2 = {}
            client 1 <- #3 ! -32602 "unknown tool \"old\""
            caller ann <- #2 = *
            client 1 <- notifications/tools/list_changed
            "#,
        )
        .await;
    world.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_replaced_by_one_that_does_not_start_is_listed_no_more_and_says_why() {
    let mut world = World::default();
    world
        .run(
            r#"
            server a {"tools":["x"]}
            server b {"tools":["y"]}
            client 1 hello
            client 1 -> #1 tools/list
            client 1 <- #1 = {"tools":[{"name":"x", ...},{"name":"y", ...}]}
            server a has {"tools":["x"],"launch":"held"}
            "#,
        )
        .await;
    let entries = vec![entry("a", "second"), entry("b", "first")];
    world.gateway().reload(entries);
    world.run(TOLD).await;
    world
        .run(
            r#"
            client 1 -> #2 tools/call {"name":"x"}
            server a is held
            server a fails "away"
            client 1 <- #2 = {"content":[{"type":"text","text":"*away*"}],"isError":true}
            client 1 <- notifications/tools/list_changed
            client 1 -> #3 tools/list
            client 1 <- #3 = {"tools":[{"name":"y", ...}]}
            // And what is called says why, without a wait.
            client 1 -> #4 tools/call {"name":"x"}
            client 1 <- #4 = {"content":[{"type":"text","text":"*away*"}],"isError":true}
            advance 60s
            client 1 -> #5 tools/call {"name":"x"}
            server a is held
            server a starts
            server a.2 <- #$5 tools/call {"name":"x"}
            server a.2 -> #$5 = {}
            client 1 <- #5 = {}
            client 1 <- notifications/tools/list_changed
            client 1 -> #6 tools/list
            client 1 <- #6 = {"tools":[{"name":"x", ...},{"name":"y", ...}]}
            "#,
        )
        .await;
    world.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_replaced_while_calls_wait_for_it_is_waited_for_again() {
    let mut world = World::default();
    world
        .run(
            r#"
            server a {"tools":["x"],"launch":"held"}
            server other {"catalog":true,"tools":["y"]}
            client 1 hello
            client 1 -> #1 tools/call {"name":"x"}
            client 1 -> #2 tools/call {"name":"a__x"}
            client 1 -> #3 tools/call {"name":"mcp-exec","arguments":{"name":"x"}}
            client 1 -> #4 tools/call {"name":"mcp-exec","arguments":{"name":"x","server":"a"}}
            server a is held
            "#,
        )
        .await;
    for title in ["second", "third"] {
        world.gateway().reload(vec![entry("a", title)]);
        world.run(TOLD).await;
        world.run("advance 1s\nserver a is held").await;
    }
    world
        .run(
            r#"
            client 1 hears nothing
            server a starts
            advance 1s
            "#,
        )
        .await;
    let heard = world.heard_by_server("a");
    let ids: Vec<_> = heard
        .iter()
        .map(|(conn, heard)| (conn, &heard["id"]))
        .collect();
    assert_eq!(ids.len(), 4, "{ids:?}");
    for (conn, id) in ids {
        world.say(conn, &format!("#{id} = {{}}"));
    }
    for number in 1..=4 {
        world.run(&format!("client 1 <- #{number} = {{}}")).await;
    }
    world.heard_by_client("client 1");
    world.finish().await;
}

#[tokio::test(start_paused = true)]
async fn names_stay_while_servers_come_and_go_and_change() {
    let mut world = World::default();
    world
        .run(
            r#"
            server a {"tools":["x"]}
            server b {"tools":["x","y"]}
            server c {"tools":["y"]}
            client 1 hello
            "#,
        )
        .await;
    let all = |title| ["a", "b", "c"].map(|name| entry(name, title)).to_vec();
    let some = |names: &[&str], title| names.iter().map(|name| entry(name, title)).collect();
    let listed = |at: &str, names: &str| {
        let names = names
            .split(' ')
            .map(|name| format!(r#"{{"name":"{name}", ...}}"#));
        let names: Vec<String> = names.collect();
        format!(
            "client 1 -> #\"{at}\" tools/list\nclient 1 <- #\"{at}\" = {{\"tools\":[{}]}}",
            names.join(",")
        )
    };
    let steps: [(&str, Vec<Entry>, &str); 6] = [
        // `c` is new: `y` is taken.
        ("all", all("1"), "a__x b__x y c__y"),
        // A clash disappears, and with it nothing else.
        ("without a", some(&["b", "c"], "1"), "b__x y c__y"),
        ("another b", some(&["b", "c"], "2"), "b__x y c__y"),
        ("without b", some(&["c"], "2"), "c__y"),
        // What comes back has the names that it had.
        ("all again", all("3"), "a__x b__x y c__y"),
        ("as at first", some(&["a", "b"], "3"), "a__x b__x y"),
    ];
    world.gateway().reload(some(&["a", "b"], "1"));
    world.run(TOLD).await;
    world.run(&listed("first", "a__x b__x y")).await;
    for (at, entries, names) in steps {
        world.gateway().reload(entries);
        world.heard_by_client("client 1");
        world.run(&listed(at, names)).await;
        world.heard_by_client("client 1");
    }
    world.finish().await;
}

/// Holds calls back until it is told to let one pass.
struct Gate(Arc<Notify>);

impl Interceptor for Gate {
    fn name(&self) -> &str {
        "gate"
    }

    fn when(&self) -> When {
        When::Before
    }

    fn wants(&self, _: &str, _: &str) -> bool {
        true
    }

    fn see<'a>(&'a self, _: &'a CallFacts, _: Option<&'a str>) -> BoxFuture<'a, Verdict> {
        Box::pin(async move {
            self.0.notified().await;
            Verdict::Allow
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_on_its_way_goes_to_the_server_in_its_place_and_starts_no_other() {
    for (share, word) in [
        (Share::Workspace, "workspace"),
        (Share::Caller, "caller"),
        (Share::All, "all"),
    ] {
        for (call, answer) in [
            (r#"tools/call {"name":"x"}"#, r#"= {"n":1}"#),
            (
                r#"tools/call {"name":"mcp-exec","arguments":{"name":"x"}}"#,
                r#"= {"n":1}"#,
            ),
            (
                r#"tools/call {"name":"mcp-exec","arguments":{"name":"x","server":"a"}}"#,
                r#"= {"n":1}"#,
            ),
            (
                r#"tools/call {"name":"code-mode","arguments":{"code":"a.x"}}"#,
                r#"= {"structuredContent":{"ok":true,"result":[{"n":1}], ...}, ...}"#,
            ),
        ] {
            let opened = Arc::new(Notify::new());
            let gate = Gate(opened.clone());
            let mut world = scripts::world()
                .0
                .with(|options| options.interceptors = vec![Arc::new(gate)]);
            world
                .run(&format!(
                    r#"
                    server a {{"tools":["x"],"share":"{word}"}}
                    server other {{"catalog":true,"tools":["y"]}}
                    client 1 hello
                    client 1 -> #1 tools/list
                    client 1 <- #1 = *
                    client 1 -> #2 {call}
                    client 1 hears nothing
                    "#
                ))
                .await;
            let second = Entry {
                share: Some(share),
                ..entry("a", "second")
            };
            world.gateway().reload(vec![second]);
            world.heard_by_client("client 1");
            world.run("server a ends").await;
            opened.notify_one();
            world.settle().await;
            opened.notify_one();
            world
                .run(&format!(
                    r#"
                    server a.2 <- #$2 tools/call {{"name":"x", ...}}
                    server a.2 -> #$2 = {{"n":1}}
                    client 1 <- #2 {answer}
                    server a launches 2
                    "#
                ))
                .await;
            world.heard_by_client("client 1");
            world.finish().await;
        }
    }
}

/// Turns in which a call that need not wait is answered.
const TURNS: usize = 2_000;

/// Has another thread make a call at the very moment in which the lists of a server are known and no view shows them yet.
#[derive(Default)]
struct Hasty {
    ready: OnceLock<(Gateway, Origin)>,
    call: Mutex<Option<JoinHandle<Bytes>>>,
    is_answered_at_once: AtomicBool,
}

impl Recorder for Hasty {
    fn call(&self, _: CallRecord) {}

    fn start(&self, _: StartRecord) {}

    fn odd(&self, _: &str, _: &str, _: &str) {
        let (gateway, origin) = self.ready.get().cloned().unwrap();
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        let made = std::thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let work = async move {
                let call =
                    r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"x"}}"#;
                let call = tokio::spawn(async move {
                    let frame = Frame::parse(Bytes::from(call)).unwrap();
                    gateway.request(&origin, frame).await
                });
                for _ in 0..TURNS {
                    tokio::task::yield_now().await;
                }
                tell.send(call.is_finished()).unwrap();
                match call.await.unwrap() {
                    Reply::Done(answer) => answer.frame,
                    Reply::Stream(_) => panic!("nothing but the answer was expected"),
                }
            };
            runtime.enable_all().build().unwrap().block_on(work)
        });
        *lock(&self.call) = Some(made);
        let is_answered = told.recv().unwrap();
        self.is_answered_at_once
            .store(is_answered, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_between_the_lists_of_a_server_and_a_view_of_them_waits() {
    let hasty = Arc::new(Hasty::default());
    let recorder = hasty.clone();
    let kept = store::StoreHandle::start(store::Store::memory().unwrap()).unwrap();
    let mut world = World::real().with(move |options| {
        options.settings.pin = Pin::Warn;
        options.kept = Some(kept);
        options.recorder = recorder;
    });
    let tool = |about: &str| {
        format!(r#"{{"name":"x","description":"{about}","inputSchema":{{"type":"object"}}}}"#)
    };
    world
        .run(&format!(
            r#"
            server a {{"tools":[{}]}}
            client 1 hello
            client 1 -> #1 tools/list
            client 1 <- #1 = *
            server a has {{"tools":[{}]}}
            "#,
            tool("adds"),
            tool("subtracts")
        ))
        .await;
    let gateway = world.gateway();
    let origin = Origin {
        caller: Caller("somebody".into()),
        scopes: None,
        session: world.client("client 1").session.clone(),
        headers: None,
        only: None,
        workspace: None,
    };
    let _ = hasty.ready.set((gateway.clone(), origin));
    gateway.reload(vec![entry("a", "second")]);
    world.run(TOLD).await;
    world
        .run(
            r#"
            client 1 -> #2 tools/list
            client 1 <- #2 = {"tools":[{"name":"x","description":"subtracts", ...}]}
            server a.2 <- #$7 tools/call {"name":"x"}
            server a.2 -> #$7 = {"n":7}
            "#,
        )
        .await;
    assert!(
        !hasty.is_answered_at_once.load(Ordering::Relaxed),
        "nobody can know yet what to answer"
    );
    let call = lock(&hasty.call).take().unwrap();
    let answer = r#"{"jsonrpc":"2.0","id":7,"result":{"n":7}}"#;
    assert_eq!(&call.join().unwrap()[..], answer.as_bytes());
    world.finish().await;
}
