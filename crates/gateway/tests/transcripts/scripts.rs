//! `code-mode` and the calls of scripts. What runs the scripts here is no engine but makes the calls that their lines name:
//! `server.tool {arguments}`, those of a line at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use futures_util::future::join_all;
use policy::{Asked, Facts};
use portolan_gateway::limits::{SCRIPT_TOOLS_MAX, SCRIPTS_PER_CALLER_MAX};
use portolan_gateway::scripts::{
    BoxFuture, Call, CallError, Calls, Clock, Engine, Progress, Ran, Script, Tool, Waits,
};
use portolan_gateway::{Decider, Decision, Denial};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::bridge_down::ABLE;
use super::harness::World;

/// See the module.
#[derive(Default)]
struct Lines {
    clock: Arc<Pauses>,
}

/// How many wait for a person.
#[derive(Default)]
pub(super) struct Pauses(AtomicI64);

impl Clock for Pauses {
    fn pause(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn resume(&self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Engine for Lines {
    fn run<'a>(&'a self, script: Script<'a>, calls: &'a dyn Calls) -> BoxFuture<'a, Ran> {
        Box::pin(async move {
            let tools = calls.tools();
            let mut results: Vec<Value> = Vec::new();
            let mut number = 0;
            for line in script.text.lines() {
                let words: Vec<&str> = line.split(" & ").collect();
                if let Some(query) = line.strip_prefix("search ") {
                    let found = calls.search(query, 10);
                    let names = found.iter().map(|at| json!(tools[*at].name));
                    results.extend(names);
                    continue;
                }
                calls.progress(&Progress {
                    ended: number,
                    running: words.clone(),
                });
                let made = words.iter().map(|word| {
                    number += 1;
                    self.call(calls, &tools, word, number)
                });
                results.extend(join_all(made).await);
            }
            let facts = json!({"ok": true, "result": results, "logs": [], "calls": []});
            Ran {
                is_ok: true,
                text: json!(results).to_string(),
                facts: serde_json::value::to_raw_value(&facts).unwrap(),
            }
        })
    }

    fn menu(&self, tools: Vec<Arc<Tool>>, _: usize) -> String {
        let names: Vec<String> = tools
            .iter()
            .map(|tool| format!("{}.{}", tool.server, tool.name))
            .collect();
        names.join(" ")
    }

    fn warm(&self) {}
}

impl Lines {
    async fn call(&self, calls: &dyn Calls, tools: &[Arc<Tool>], word: &str, number: u32) -> Value {
        let (name, arguments) = word.split_once(' ').unwrap_or((word, "{}"));
        let is_meant = |tool: &&Arc<Tool>| format!("{}.{}", tool.server, tool.name) == name;
        let Some(tool) = tools.iter().find(is_meant) else {
            return json!(format!("{name} is not there"));
        };
        let called = calls.call(Call {
            number,
            tool: tool.clone(),
            arguments: RawValue::from_string(arguments.to_owned()).unwrap(),
            waits: Waits::new(self.clock.clone()),
        });
        match called.await {
            Ok(result) => serde_json::from_str(result.get()).unwrap(),
            Err(CallError { message, .. }) => json!(message),
        }
    }
}

pub(super) fn world() -> (World, Arc<Pauses>) {
    let engine = Lines::default();
    let clock = engine.clock.clone();
    let world = World::default().with(|options| options.scripts = Some(Arc::new(engine)));
    (world, clock)
}

/// One to be found: without any there are no tools of the gateway's own.
const FOUND: &str = r#"server z {"catalog":true,"tools":[]}"#;

async fn check(script: &str) {
    let (mut world, clock) = world();
    world.run(FOUND).await;
    world.run(&script.replace("~able~", ABLE)).await;
    world.finish().await;
    assert_eq!(clock.0.load(Ordering::SeqCst), 0, "nobody is waited for");
}

#[tokio::test(start_paused = true)]
async fn each_call_of_a_script_is_one_of_the_pipeline() {
    let (mut world, _) = world();
    world
        .run(
            r#"
        server own {"tools":["o"]}
        server a {"catalog":true,"tools":["x"]}
        server b {"catalog":true,"tools":["x"]}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = {"tools":[*,*,*,*,*,{"name":"code-mode", ...},{"name":"o", ...}]}
        // A server that is ready need not have been added.
        client 1 -> #2 tools/call {"name":"code-mode","arguments":{"code":"a.x {\"n\":1.0}\nb.x & a.x\nown.o","servers":["a","b"]},"_meta":{"own":1,"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}}
        server a <- #$1 tools/call {"name":"x","arguments":{"n":1.0},"_meta":{"own":1,"traceparent":"00-0af7651916cd43dd8448eb211c80319c-*-01"}}
        server a -> #$1 = {"content":[{"type":"text","text":"one"}]}
        server a <- #$2 tools/call *
        server b <- #$3 tools/call *
        server b -> #$3 = {"content":[],"isError":true}
        server a -> #$2 ! -32000 "no"
        client 1 <- #2 = {"content":*,"structuredContent":{"ok":true,"result":[{"content":[{"type":"text","text":"one"}]},{"content":[],"isError":true},"no","own.o is not there"],"logs":[],"calls":[]}}
        client 1 -> #3 tools/call {"name":"code-mode","arguments":{"code":"own.o"}}
        server own <- #$4 tools/call {"name":"o","arguments":{}}
        server own -> #$4 = {"content":[]}
        client 1 <- #3 = {"content":*,"structuredContent":{"ok":true,"result":[{"content":[]}], ...}}
        client 1 -> #4 tools/call {"name":"code-mode","arguments":{"code":"search x"}}
        client 1 <- #4 = {"content":*,"structuredContent":{"result":["x","x"], ...}}
        "#,
        )
        .await;
    let records = world.records();
    {
        let records = records.calls.lock().unwrap();
        let outer = records
            .iter()
            .find(|record| record.name.as_deref() == Some("code-mode"))
            .unwrap();
        let inner = records
            .iter()
            .filter(|record| record.parent == Some(outer.id));
        let outcomes: Vec<String> = inner
            .clone()
            .map(|record| format!("{} {}", record.server.as_ref().unwrap(), record.outcome))
            .collect();
        assert_eq!(outcomes, ["a ok", "b tool_error", "a -32000"]);
        assert!(outer.parent.is_none());
        for record in inner {
            assert_eq!(record.trace, outer.trace);
            assert!(record.trace.is_some() && record.span != outer.span);
        }
    }
    world.finish().await;
}

/// Says no to one tool.
struct NotY;

impl Decider for NotY {
    fn decide(&self, facts: &Facts<'_>) -> Decision {
        match facts.asked {
            Asked::Tool {
                name: "y",
                arguments: Some(arguments),
                ..
            } => Decision::Deny(Denial {
                rule: None,
                reason: format!("no y with {arguments}"),
            }),
            _ => Decision::Allow,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_rule_is_passed_by() {
    let (world, _) = world();
    let mut world = world.with(|options| options.decider = Arc::new(NotY));
    world.run(FOUND).await;
    world
        .run(
            r#"
        server a {"tools":["x","y"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"code-mode","arguments":{"code":"a.y {\"n\":1}\na.x"}}
        server a <- #$1 tools/call {"name":"x","arguments":{}}
        server a -> #$1 = {"content":[]}
        client 1 <- #1 = {"content":*,"structuredContent":{"result":[{"content":[{"type":"text","text":"*no y with {\"n\":1}*"}],"isError":true},{"content":[]}], ...}}
        recorded initialize - - ok
        recorded tools/call a y denied
        recorded tools/call a x ok
        "#,
        )
        .await;
    world.finish().await;
}

#[tokio::test(start_paused = true)]
async fn what_ends_the_outer_call_ends_the_inner_ones() {
    check(
        r#"
        server a {"tools":["x","y"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"code-mode","arguments":{"code":"a.x & a.y"}}
        server a <- #$1 tools/call {"name":"x","arguments":{}}
        server a <- #$2 tools/call {"name":"y","arguments":{}}
        client 1 -> notifications/cancelled {"requestId":1}
        server a <- notifications/cancelled {"requestId":$1, ...}
        server a <- notifications/cancelled {"requestId":$2, ...}
        client 1 <- silence
        server a hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_waits_hears_what_runs() {
    check(
        r#"
        server a {"tools":["x","y"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"code-mode","arguments":{"code":"a.x\na.y"},"_meta":{"progressToken":"t"}}
        server a <- #$1 tools/call {"name":"x","arguments":{}}
        advance 1s
        client 1 <- notifications/progress {"progressToken":"t","progress":1,"message":"a.x runs"}
        advance 1s
        client 1 hears nothing
        server a -> #$1 = {"content":[]}
        server a <- #$2 tools/call {"name":"y","arguments":{}}
        advance 1s
        client 1 <- notifications/progress {"progressToken":"t","progress":3,"message":"1 call done, a.y runs"}
        server a -> #$2 = {"content":[]}
        client 1 <- #1 = {"structuredContent":{"ok":true, ...}, ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_question_of_an_inner_call_reaches_the_person_while_the_clock_stands_still() {
    let (mut world, clock) = world();
    world.run(FOUND).await;
    world
        .run(
            r#"
        server a {"tools":["x"]}
        client 1 hello {"elicitation":{}}
        client 1 -> #1 tools/call {"name":"code-mode","arguments":{"code":"a.x\na.x"}}
        server a <- #$1 tools/call *
        server a -> #9 elicitation/create {"message":"who?","requestedSchema":{"type":"object"}}
        client 1 <- #$q elicitation/create {"message":"who?", ...}
        "#,
        )
        .await;
    assert_eq!(clock.0.load(Ordering::SeqCst), 1);
    world
        .run(
            r#"
        client 1 -> #$q = {"action":"accept","content":{"name":"ann"}}
        server a <- #9 = {"action":"accept","content":{"name":"ann"}}
        "#,
        )
        .await;
    assert_eq!(clock.0.load(Ordering::SeqCst), 0);
    world
        .run(
            r#"
        server a -> #$1 = {"content":[]}
        server a <- #$2 tools/call *
        server a -> #$2 = {"content":[]}
        client 1 <- #1 = {"structuredContent":{"ok":true,"result":[{"content":[]},{"content":[]}], ...}, ...}
        "#,
        )
        .await;
    world.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_stateless_client_answers_for_inner_calls_with_its_next_request() {
    check(
        r#"
        server a {"tools":["x"]}
        server b {"tools":["y"]}
        caller ann -> #1 tools/call {"name":"code-mode","arguments":{"code":"a.x & b.y\na.x"},~able~}
        server a <- #$1 tools/call *
        server b <- #$2 tools/call *
        server a -> #5 elicitation/create {"message":"who?","requestedSchema":{"type":"object"}}
        server b -> #6 sampling/createMessage {"messages":[],"maxTokens":1}
        advance 1s
        caller ann <- 200 #1 = {"resultType":"input_required","inputRequests":{"1.q1":{"method":"elicitation/create","params":{"message":"[a] who?", ...}},"2.q1":{"method":"sampling/createMessage", ...}},"requestState":$s}
        // Another request cannot go on with it, nor another caller.
        caller ann -> #2 tools/call {"name":"code-mode","arguments":{"code":"a.x"},"requestState":$s,"inputResponses":{},~able~}
        caller ann <- #2 ! -32602 "invalid params: requestState belongs to another request*"
        caller bob -> #2 tools/call {"name":"code-mode","arguments":{"code":"a.x & b.y\na.x"},"requestState":$s,"inputResponses":{},~able~}
        caller bob <- #2 ! -32602 "invalid params: requestState was not issued here*"
        caller ann -> #3 tools/call {"name":"code-mode","arguments":{"code":"a.x & b.y\na.x"},"requestState":$s,"inputResponses":{"1.q1":{"action":"decline"}},~able~}
        server a <- #5 = {"action":"decline"}
        advance 1s
        caller ann <- 200 #3 = {"resultType":"input_required","inputRequests":{"2.q1":*},"requestState":$t}
        caller ann -> #4 tools/call {"name":"code-mode","arguments":{"code":"a.x & b.y\na.x"},"requestState":$t,"inputResponses":{"2.q1":{"role":"assistant"}},~able~}
        server b <- #6 = {"role":"assistant"}
        server b -> #$2 = {"content":[{"type":"text","text":"two"}]}
        server a -> #$1 = {"content":[{"type":"text","text":"one"}]}
        server a <- #$3 tools/call *
        server a -> #$3 = {"content":[{"type":"text","text":"three"}]}
        caller ann <- 200 #4 = {"resultType":"complete","content":*,"structuredContent":{"ok":true,"result":[{"content":[{"text":"one", ...}], ...},{"content":[{"text":"two", ...}], ...},{"content":[{"text":"three", ...}], ...}], ...}, ...}
        caller ann -> #5 tools/call {"name":"code-mode","arguments":{"code":"a.x & b.y\na.x"},"requestState":$t,"inputResponses":{},~able~}
        caller ann <- #5 ! -32602 "invalid params: requestState was used already*"
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stateless_server_asks_during_a_script_as_well() {
    check(
        r#"
        server a {"tools":["x"],"era":"stateless"}
        caller ann -> #1 tools/call {"name":"code-mode","arguments":{"code":"a.x"},~able~}
        server a <- #$1 tools/call {"name":"x","arguments":{}, ...}
        server a -> #$1 = {"resultType":"input_required","inputRequests":{"k":{"method":"elicitation/create","params":{"message":"who?","requestedSchema":{"type":"object"}}}},"requestState":"theirs"}
        advance 1s
        caller ann <- 200 #1 = {"resultType":"input_required","inputRequests":{"1.k":{"method":"elicitation/create", ...}},"requestState":$s}
        caller ann -> #2 tools/call {"name":"code-mode","arguments":{"code":"a.x"},"requestState":$s,"inputResponses":{"1.k":{"action":"accept","content":{}}},~able~}
        server a <- #$2 tools/call {"name":"x","arguments":{},"inputResponses":{"k":{"action":"accept","content":{}}},"requestState":"theirs", ...}
        server a -> #$2 = {"resultType":"complete","content":[]}
        caller ann <- 200 #2 = {"resultType":"complete","structuredContent":{"ok":true, ...}, ...}
        client 1 hello {"elicitation":{}}
        client 1 -> #1 tools/call {"name":"code-mode","arguments":{"code":"a.x"}}
        server a.2 <- #$3 tools/call {"name":"x","arguments":{}, ...}
        server a.2 -> #$3 = {"resultType":"input_required","inputRequests":{"k":{"method":"elicitation/create","params":{"message":"who?","requestedSchema":{"type":"object"}}}},"requestState":"theirs"}
        client 1 <- #$q elicitation/create {"message":"who?", ...}
        client 1 -> #$q = {"action":"decline"}
        server a.2 <- #$4 tools/call {"inputResponses":{"k":{"action":"decline"}}, ...}
        server a.2 -> #$4 = {"resultType":"complete","content":[]}
        client 1 <- #1 = {"structuredContent":{"ok":true,"result":[{"content":[]}], ...}, ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_does_not_come_back_ends_the_script() {
    check(
        r#"
        server a {"tools":["x"]}
        caller ann -> #1 tools/call {"name":"code-mode","arguments":{"code":"a.x\na.x"},~able~}
        server a <- #$1 tools/call *
        server a -> #5 roots/list
        advance 1s
        caller ann <- 200 #1 = {"resultType":"input_required","inputRequests":{"1.q1":*},"requestState":$s}
        advance 602s
        server a <- notifications/cancelled {"requestId":$1, ...}
        server a <- #5 ! *
        caller ann -> #2 tools/call {"name":"code-mode","arguments":{"code":"a.x\na.x"},"requestState":$s,~able~}
        caller ann <- #2 ! -32602 "invalid params: requestState *"
        server a hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_tool_for_scripts_is_listed_where_lists_follow() {
    check(
        r#"
        server own {"tools":["o"]}
        server a {"catalog":true,"tools":["x"]}
        server b {"catalog":true,"tools":["y"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"code-mode","arguments":{"servers":["a","own"],"name":"mine"}}
        client 1 <- notifications/tools/list_changed
        client 1 <- #1 = {"content":[{"type":"text","text":"code-mode-mine is ready: it takes {script}"}],"structuredContent":{"ok":true,"result":"code-mode-mine","logs":[],"calls":[],"workspace":"w-*","tools":[{"name":"code-mode-mine","description":"*own.o a.x","inputSchema":{"type":"object","properties":{"script":{"type":"string"}},"required":["script"]}}]}}
        client 1 -> #2 tools/list
        client 1 <- #2 = {"tools":[*,*,*,*,*,{"name":"code-mode", ...},{"name":"code-mode-mine","description":"*own.o a.x", ...},{"name":"o", ...}]}
        client 1 -> #3 tools/call {"name":"code-mode-mine","arguments":{"script":"a.x\nown.o"}}
        server a <- #$1 tools/call {"name":"x","arguments":{}}
        server a -> #$1 = {"content":[]}
        server own <- #$2 tools/call {"name":"o","arguments":{}}
        server own -> #$2 = {"content":[]}
        client 1 <- #3 = {"structuredContent":{"ok":true,"result":[{"content":[]},{"content":[]}], ...}, ...}
        // What another conversation made is not there.
        client 2 hello
        client 2 -> #1 tools/call {"name":"code-mode-mine","arguments":{"script":"a.x"}}
        client 2 <- #1 = {"content":[{"type":"text","text":"there is no tool \"code-mode-mine\" here; code-mode with `servers` and `name` makes it"}],"structuredContent":{"ok":false, ...},"isError":true}
        // A server that goes leaves the tool with the others; the last one takes it along.
        client 1 -> #4 tools/call {"name":"mcp-remove","arguments":{"name":"a"}}
        client 1 <- #4 = {"structuredContent":{"server":"a","removed":true}, ...}
        client 1 <- notifications/tools/list_changed
        client 1 <- notifications/prompts/list_changed
        client 1 <- notifications/resources/list_changed
        client 1 -> #5 tools/list
        client 1 <- #5 = {"tools":[*,*,*,*,*,*,{"name":"code-mode-mine","description":"*\nown.o", ...},*]}
        client 1 -> #6 tools/call {"name":"mcp-remove","arguments":{"name":"code-mode-mine"}}
        client 1 <- notifications/tools/list_changed
        client 1 <- #6 = {"structuredContent":{"server":"code-mode-mine","removed":true}, ...}
        client 1 -> #7 tools/list
        client 1 <- #7 = {"tools":[*,*,*,*,*,{"name":"code-mode", ...},{"name":"o", ...}]}
        client 1 -> #8 tools/call {"name":"code-mode","arguments":{"servers":"own","name":"code-mode-other"}}
        client 1 <- notifications/tools/list_changed
        client 1 <- #8 = {"structuredContent":{"result":"code-mode-other", ...}, ...}
        client 1 -> #9 tools/call {"name":"mcp-remove","arguments":{"name":"own"}}
        client 1 <- #9 = {"structuredContent":{"server":"own","removed":true}, ...}
        client 1 <- notifications/tools/list_changed
        client 1 <- notifications/prompts/list_changed
        client 1 <- notifications/resources/list_changed
        client 1 -> #10 tools/call {"name":"code-mode-other","arguments":{"script":"own.o"}}
        client 1 <- #10 = {"isError":true, ...}
        advance 1s
        server a ends
        server own ends
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stateless_client_calls_it_by_mcp_exec() {
    check(
        r#"
        server a {"catalog":true,"tools":["x"]}
        caller ann ~> #1 tools/call {"name":"code-mode","arguments":{"servers":["a"],"name":"mine"}}
        caller ann <- 200 #1 = {"resultType":"complete","content":[{"type":"text","text":"code-mode-mine is ready. Call it by mcp-exec with workspace \"w-*\" and arguments {script}. Definition: {*}"}],"structuredContent":{"workspace":$w,"tools":[{"name":"code-mode-mine", ...}], ...}, ...}
        caller ann ~> #2 tools/list
        caller ann <- #2 = {"tools":[*,*,*,*,*,*], ...}
        caller ann -> #3 tools/call {"name":"mcp-exec","arguments":{"name":"code-mode-mine","arguments":{"script":"a.x"},"workspace":$w},~able~}
        server a.2 <- #$1 tools/call {"name":"x","arguments":{}}
        server a.2 -> #5 roots/list
        advance 1s
        caller ann <- 200 #3 = {"resultType":"input_required","inputRequests":{"1.q1":*},"requestState":$s}
        caller ann -> #4 tools/call {"name":"mcp-exec","arguments":{"name":"code-mode-mine","arguments":{"script":"a.x"},"workspace":$w},"requestState":$s,"inputResponses":{"1.q1":{"roots":[]}},~able~}
        server a.2 <- #5 = {"roots":[]}
        server a.2 -> #$1 = {"content":[]}
        caller ann <- 200 #4 = {"resultType":"complete","structuredContent":{"ok":true, ...}, ...}
        caller ann ~> #5 tools/call {"name":"mcp-exec","arguments":{"name":"code-mode-mine","arguments":{"script":"a.x"}}}
        caller ann <- 200 #5 = {"content":[{"type":"text","text":"there is no tool \"code-mode-mine\" here; name the workspace that code-mode returned"}],"isError":true, ...}
        caller ann ~> #6 tools/call {"name":"mcp-exec","arguments":{"name":"code-mode-mine","arguments":{"code":"a.x"},"workspace":$w}}
        caller ann <- 200 #6 = {"content":[{"type":"text","text":"code-mode-mine takes {script: string}"}],"isError":true, ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_run_is_said() {
    check(
        r#"
        server a {"catalog":true,"tools":["x"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"code-mode","arguments":{}}
        client 1 <- #1 = {"content":[{"type":"text","text":"code-mode: give `code`*"}],"structuredContent":{"ok":false,"result":null,"logs":[],"calls":[],"error":{"kind":"call","message":"code-mode: give *"}},"isError":true}
        client 1 -> #2 tools/call {"name":"code-mode","arguments":{"code":"x","name":"y"}}
        client 1 <- #2 = {"content":[{"type":"text","text":"*give one of them"}],"isError":true, ...}
        client 1 -> #3 tools/call {"name":"code-mode","arguments":{"name":"y"}}
        client 1 <- #3 = {"content":[{"type":"text","text":"*say over which `servers`*"}],"isError":true, ...}
        client 1 -> #4 tools/call {"name":"code-mode","arguments":{"name":"a b","servers":["a"]}}
        client 1 <- #4 = {"content":[{"type":"text","text":"code-mode: a name has letters*"}],"isError":true, ...}
        client 1 -> #5 tools/call {"name":"code-mode","arguments":{"code":"x","servers":["b"]}}
        client 1 <- #5 = {"content":[{"type":"text","text":"there is no server \"b\"*"}],"isError":true, ...}
        client 1 -> #6 tools/call {"name":"code-mode","arguments":{"code":"x","servers":[1]}}
        client 1 <- #6 = {"content":[{"type":"text","text":"code-mode: \"servers\" must be a list of names"}],"isError":true, ...}
        client 1 -> #7 tools/call {"name":"code-mode","arguments":{"script":"x"}}
        client 1 <- #7 = {"content":[{"type":"text","text":"code-mode takes no argument \"script\"*"}],"isError":true, ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_goes_away_and_a_server_that_dies_end_only_what_is_theirs() {
    check(
        r#"
        server a {"tools":["x"]}
        server b {"tools":["y"]}
        caller ann ~> #1 tools/call {"name":"code-mode","arguments":{"code":"a.x & b.y"}}
        server a <- #$1 tools/call *
        server b <- #$2 tools/call *
        caller ann drops #1
        server a <- notifications/cancelled {"requestId":$1, ...}
        server b <- notifications/cancelled {"requestId":$2, ...}
        caller ann ~> #2 tools/call {"name":"code-mode","arguments":{"code":"a.x & b.y"}}
        server a <- #$3 tools/call *
        server b <- #$4 tools/call *
        server b dies
        server a -> #$3 = {"content":[]}
        caller ann <- 200 #2 = {"structuredContent":{"ok":true,"result":[{"content":[], ...},*], ...}, ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_tool_for_scripts_is_listed_at_the_endpoint_of_its_workspace() {
    check(
        r#"
        server a {"catalog":true,"tools":["x"]}
        caller ann ~> #1 tools/call {"name":"code-mode","arguments":{"servers":["a"],"name":"mine"}}
        caller ann <- #1 = {"structuredContent":{"workspace":$w, ...}, ...}
        caller ann.e enters $w
        caller ann.e ~> #1 tools/list
        caller ann.e <- #1 = {"tools":[*,*,*,*,*,{"name":"code-mode", ...},{"name":"code-mode-mine", ...}], ...}
        caller ann.e ~> #2 tools/call {"name":"code-mode-mine","arguments":{"script":"a.x"}}
        server a <- #$2 tools/call {"name":"x","arguments":{}, ...}
        server a -> #$2 = {"content":[]}
        caller ann.e <- 200 #2 = {"structuredContent":{"ok":true, ...}, ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn there_are_so_many_scripts_of_a_caller_and_tools_of_a_workspace() {
    let run = |n: usize| {
        format!(
            r#"caller ann ~> #{n} tools/call {{"name":"code-mode","arguments":{{"code":"a.x"}}}}
            server a <- #$s{n} tools/call *
            "#
        )
    };
    let runs: String = (1..=SCRIPTS_PER_CALLER_MAX).map(run).collect();
    let make = |n: usize| {
        format!(
            r#"client 1 -> #{n} tools/call {{"name":"code-mode","arguments":{{"servers":["a"],"name":"n{n}"}}}}
            client 1 <- notifications/tools/list_changed
            client 1 <- #{n} = {{"structuredContent":{{"ok":true, ...}}, ...}}
            "#
        )
    };
    let makes: String = (1..=SCRIPT_TOOLS_MAX).map(make).collect();
    check(&format!(
        r#"
        server a {{"tools":["x"]}}
        {runs}
        caller ann ~> #90 tools/call {{"name":"code-mode","arguments":{{"code":"a.x"}}}}
        caller ann <- 200 #90 = {{"content":[{{"type":"text","text":"too many scripts are running; *"}}],"structuredContent":{{"ok":false, ...}},"isError":true, ...}}
        server a -> #$s1 = {{"content":[]}}
        caller ann <- 200 #1 = {{"structuredContent":{{"ok":true, ...}}, ...}}
        caller ann ~> #91 tools/call {{"name":"code-mode","arguments":{{"code":"a.x"}}}}
        server a <- #$s91 tools/call *
        client 1 hello
        {makes}
        client 1 -> #90 tools/call {{"name":"code-mode","arguments":{{"servers":["a"],"name":"more"}}}}
        client 1 <- #90 = {{"content":[{{"type":"text","text":"this workspace has {SCRIPT_TOOLS_MAX} tools for scripts*"}}],"isError":true, ...}}
        "#,
    ))
    .await;
}
