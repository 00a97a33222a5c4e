//! The seams of the pipeline: who decides, who changes, who records; and the trace that goes through.

use std::sync::{Arc, Mutex};

use policy::{Asked, Facts};
use portolan_gateway::{CallFacts, Decider, Decision, Denial, Interceptor, Verdict, When};
use transport::BoxFuture;

use super::harness::{World, check, lock};

/// Denies tools called `delete`, resources of scheme `secret`, and whatever mentions a password.
struct Careful;

impl Decider for Careful {
    fn decide(&self, facts: &Facts<'_>) -> Decision {
        let (name, arguments) = match facts.asked {
            Asked::Tool {
                name, arguments, ..
            } => (name, arguments.unwrap_or_default()),
            Asked::Prompt(name) | Asked::Resource(name) => (name, ""),
            Asked::Load | Asked::Other => ("", ""),
        };
        let is_bad = name == "delete" || name.starts_with("secret:");
        if is_bad || arguments.contains("password") {
            return denied(format!(
                "{} may not {} {name} of {}",
                facts.caller,
                facts.asked.action(),
                facts.server.name
            ));
        }
        Decision::Allow
    }
}

fn denied(reason: String) -> Decision {
    Decision::Deny(Denial { rule: None, reason })
}

#[tokio::test(start_paused = true)]
async fn what_is_denied_never_reaches_its_server() {
    let mut world = World::default().with(|options| options.decider = Arc::new(Careful));
    world
        .run(
            r#"
            server a {"tools":["delete","x"],"prompts":["delete"],"resources":["secret:1"]}
            server b {"tools":["delete"]}
            client 1 opens http as ann
            client 1 hello
            client 1 -> #1 tools/call {"name":"a__delete"}
            client 1 <- #1 = {"isError":true,"content":[{"type":"text","text":"denied: ann may not call delete of a"}]}
            client 1 -> #2 prompts/get {"name":"delete"}
            client 1 <- #2 ! -31006 "denied: ann may not prompt delete of a"
            client 1 -> #3 resources/read {"uri":"secret:1"}
            client 1 <- #3 ! -31006 *
            client 1 -> #4 resources/subscribe {"uri":"secret:1"}
            client 1 <- #4 ! -31006 *
            client 1 -> #5 tools/call {"name":"x","arguments":{"password":1}}
            client 1 <- #5 = {"isError":true, ...}
            client 1 -> #6 tools/call {"name":"x","arguments":{}}
            server a <- #$6 tools/call *
            server a -> #$6 = {}
            client 1 <- #6 = {}
            server a -> notifications/resources/updated {"uri":"secret:1"}
            client 1 hears nothing
            caller bob ~> #1 tools/call {"name":"x","arguments":{"password":1}}
            caller bob <- 200 #1 = {"resultType":"complete","isError":true,"content":[{"type":"text","text":"denied: bob may not call x of a"}]}
            "#,
        )
        .await;
    world.finish().await;
}

#[tokio::test(start_paused = true)]
async fn one_clients_subscription_is_no_permission_for_another() {
    struct NotBob;
    impl Decider for NotBob {
        fn decide(&self, facts: &Facts<'_>) -> Decision {
            match facts.caller {
                "bob" => denied("not bob".to_owned()),
                _ => Decision::Allow,
            }
        }
    }
    let mut world = World::default().with(|options| options.decider = Arc::new(NotBob));
    world
        .run(
            r#"
            server a {"resources":["r://1"],"share":"all"}
            client 1 opens http as ann
            client 1 hello
            client 2 opens http as bob
            client 2 hello
            client 1 -> #1 resources/subscribe {"uri":"r://1"}
            server a <- #$1 resources/subscribe *
            server a -> #$1 = {}
            client 1 <- #1 = {}
            client 2 -> #1 resources/subscribe {"uri":"r://1"}
            client 2 <- #1 ! -31006 *
            server a -> notifications/resources/updated {"uri":"r://1"}
            client 1 <- notifications/resources/updated *
            client 2 hears nothing
            "#,
        )
        .await;
    world.finish().await;
}

/// Notes what it sees, and does what the arguments or the answer say.
struct Marker(&'static str, When, Arc<Mutex<Vec<String>>>);

impl Interceptor for Marker {
    fn name(&self) -> &str {
        self.0
    }

    fn when(&self) -> When {
        self.1
    }

    fn wants(&self, _: &str, tool: &str) -> bool {
        tool != "unseen"
    }

    fn see<'a>(
        &'a self,
        facts: &'a CallFacts,
        response: Option<&'a str>,
    ) -> BoxFuture<'a, Verdict> {
        lock(&self.2).push(format!(
            "{} {} {} {}",
            self.0,
            facts.server,
            facts.arguments,
            response.unwrap_or_default()
        ));
        let text = response.unwrap_or(&facts.arguments).to_owned();
        Box::pin(async move {
            tokio::task::yield_now().await;
            match &text {
                text if text.contains("refuse") => Verdict::Refuse(format!("{} refuses", self.0)),
                text if text.contains("nonsense") => Verdict::Rewrite("nonsense".to_owned()),
                text if text.contains("answer") => {
                    Verdict::Answer(r#"{"content":["here"]}"#.to_owned())
                }
                text if text.contains("hang") => std::future::pending().await,
                text if text.contains("secret") => {
                    let clean = text.replace("secret", "******");
                    let clean = match response {
                        None => clean,
                        Some(_) => clean[r#"{"result":"#.len()..clean.len() - 1].to_owned(),
                    };
                    Verdict::Rewrite(clean)
                }
                _ => Verdict::Allow,
            }
        })
    }
}

fn marked(seen: &Arc<Mutex<Vec<String>>>) -> World {
    let marker =
        |name, when| -> Arc<dyn Interceptor> { Arc::new(Marker(name, when, seen.clone())) };
    let all = vec![
        marker("one", When::Before),
        marker("two", When::Before),
        marker("back", When::After),
    ];
    World::default().with(|options| options.interceptors = all)
}

#[tokio::test(start_paused = true)]
async fn interceptors_see_and_change_requests_and_answers() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut world = marked(&seen);
    world
        .run(
            r#"
            server a {"tools":["x","unseen"]}
            client 1 hello
            client 1 -> #"q" tools/call {"name":"a__x","arguments":{"a":"secret"},"more":1}
            server a <- #$q tools/call {"name":"x","arguments":{"a":"******"},"more":1}
            server a -> #$q = {"content":["the secret"]}
            client 1 <- #"q" = {"content":["the ******"]}
            client 1 -> #2 tools/call {"name":"x","arguments":{"a":"refuse"}}
            client 1 <- #2 = {"isError":true,"content":[{"type":"text","text":"denied: one refuses"}]}
            client 1 -> #3 tools/call {"name":"x","arguments":{"a":"answer"}}
            client 1 <- #3 = {"content":["here"]}
            client 1 -> #4 tools/call {"name":"x","arguments":{"a":"nonsense"}}
            client 1 <- #4 = {"isError":true,"content":[{"type":"text","text":"denied: what it made of the arguments is no JSON object*"}]}
            client 1 -> #5 tools/call {"name":"x"}
            server a <- #$5 tools/call *
            server a -> #$5 ! -32000 "refuse"
            client 1 <- #5 = {"isError":true,"content":[{"type":"text","text":"denied: back refuses"}]}
            client 1 -> #6 tools/call {"name":"x"}
            server a <- #$6 tools/call *
            server a -> #$6 = {"nonsense":1}
            client 1 <- #6 = {"isError":true, ...}
            client 1 -> #7 tools/call {"name":"unseen","arguments":{"a":"refuse"}}
            server a <- #$7 tools/call *
            server a -> #$7 = {}
            client 1 <- #7 = {}
            client 1 -> #8 tools/list
            client 1 <- #8 = *
            caller bob ~> #1 tools/call {"name":"x","arguments":{"a":"answer"}}
            caller bob <- 200 #1 = {"resultType":"complete","content":["here"]}
            "#,
        )
        .await;
    world.finish().await;
    let seen = lock(&seen).clone();
    assert_eq!(
        seen[..4],
        [
            r#"one a {"a":"secret"} "#,
            r#"two a {"a":"******"} "#,
            r#"back a {"a":"******"} {"result":{"content":["the secret"]}}"#,
            // What was refused by the first went to nobody else.
            r#"one a {"a":"refuse"} "#,
        ]
    );
    assert!(!seen.iter().any(|line| line.contains("unseen")));
}

#[tokio::test(start_paused = true)]
async fn what_an_interceptor_made_of_a_call_is_decided_over() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut world = marked(&seen).with(|options| options.decider = Arc::new(NoStars));
    struct NoStars;
    impl Decider for NoStars {
        fn decide(&self, facts: &Facts<'_>) -> Decision {
            match facts.asked {
                Asked::Tool {
                    arguments: Some(arguments),
                    ..
                } if arguments.contains("***") => denied("no stars".to_owned()),
                _ => Decision::Allow,
            }
        }
    }
    world
        .run(
            r#"
            server a {"tools":["x"]}
            client 1 hello
            client 1 -> #1 tools/call {"name":"x","arguments":{"a":"secret"}}
            client 1 <- #1 = {"isError":true,"content":[{"type":"text","text":"denied: no stars"}]}
            "#,
        )
        .await;
    world.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_can_take_back_what_interceptors_look_at() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut world = marked(&seen);
    world
        .run(
            r#"
            server a {"tools":["x"]}
            client 1 hello
            recorded initialize - - ok
            client 1 -> #1 tools/call {"name":"x","arguments":{"a":"hang"}}
            client 1 hears nothing
            client 1 -> notifications/cancelled {"requestId":1}
            client 1 <- silence
            recorded tools/call a x cancelled
            client 1 -> #2 tools/call {"name":"x"}
            server a <- #$2 tools/call *
            server a -> #$2 = {"content":"hang"}
            client 1 hears nothing
            client 1 -> notifications/cancelled {"requestId":2}
            client 1 <- silence
            recorded tools/call a x cancelled
            client 1 -> #3 tools/call {"name":"x"}
            server a <- #$3 tools/call *
            server a -> #$3 = {"content":"hang"}
            client 1 drops #3
            recorded tools/call a x abandoned
            "#,
        )
        .await;
    world.finish().await;
}

#[tokio::test(start_paused = true)]
async fn each_request_is_recorded_once() {
    check(
        r#"
        server a {"tools":["x"],"prompts":["p"],"resources":["r://1"]}
        server b {"tools":["x"]}
        client 1 hello
        recorded initialize - - ok
        client 1 -> #1 tools/call {"name":"b__x"}
        server b <- #$1 tools/call *
        server b -> #$1 = {"content":[]}
        client 1 <- #1 = *
        recorded tools/call b b__x ok
        client 1 -> #2 tools/call {"name":"a__x"}
        server a <- #$2 tools/call *
        server a -> #$2 = {"isError":true}
        client 1 <- #2 = *
        recorded tools/call a a__x tool_error
        client 1 -> #3 resources/read {"uri":"r://1"}
        server a <- #$3 resources/read *
        server a -> #$3 ! -32002 "gone"
        client 1 <- #3 ! -32002 "gone"
        recorded resources/read a r://1 -32002
        client 1 -> #4 prompts/get {"name":"q"}
        client 1 <- #4 ! -32602 *
        recorded prompts/get - - unknown_name
        client 1 -> #5 tools/list
        client 1 <- #5 = *
        recorded tools/list - - ok
        client 1 -> #6 tools/call {"name":"a__x"}
        server a <- #$6 tools/call *
        client 1 -> notifications/cancelled {"requestId":6}
        client 1 <- silence
        server a <- notifications/cancelled *
        recorded tools/call a a__x cancelled
        server a -> #$6 = {}
        client 1 -> #7 tools/call {"name":"a__x"}
        server a <- #$7 tools/call *
        client 1 drops #7
        recorded tools/call a a__x abandoned
        server a -> #$7 = {}
        client 1 -> #8 tools/call {"name":"a__x"}
        server a <- #$8 tools/call *
        server a dies
        client 1 <- #8 = {"isError":true, ...}
        recorded tools/call a a__x died
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn requests_that_are_refused_at_the_door_are_recorded_too() {
    check(
        r#"
        server a {"tools":["x"]}
        gateway {"in_flight_max":2}
        client 1 hello
        recorded initialize - - ok
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$1 tools/call *
        client 1 -> #1 tools/call {"name":"x"}
        client 1 <- #1 ! -32600 *
        recorded tools/call - - invalid_request
        client 1 -> #2 tools/call {"name":"x"}
        server a <- #$2 tools/call *
        client 1 -> #3 tools/call {"name":"x"}
        client 1 <- #3 ! -31003 *
        recorded tools/call - - busy
        server a -> #$1 = {}
        client 1 <- #1 = {}
        recorded tools/call a x ok
        server a -> #$2 = {}
        client 1 <- #2 = {}
        recorded tools/call a x ok
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_record_says_who_what_where_and_how_much() {
    let mut world = World::default();
    world
        .run(
            r#"
            server a {"tools":["x"]}
            client 1 opens http as ann
            client 1 hello
            client 1 -> {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":{"secret":"hunter2"},"_meta":{"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}}}
            server a <- #$1 tools/call {"_meta":{"traceparent":$parent}, ...}
            server a -> {"jsonrpc":"2.0","id":$1,"result":{"content":[]}}
            client 1 <= {"jsonrpc":"2.0","id":1,"result":{"content":[]}}
            "#,
        )
        .await;
    let records = world.records();
    {
        let calls = lock(&records.calls);
        let record = calls.last().unwrap();
        assert_eq!(
            (&*record.caller, record.client.as_deref()),
            ("ann", Some("tester/1"))
        );
        assert_eq!(
            record.bytes_out,
            r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#.len()
        );
        assert_eq!(record.bytes_in, 183);
        assert_eq!(
            record.trace.as_deref(),
            Some("0af7651916cd43dd8448eb211c80319c")
        );
        let parent = format!(
            "00-0af7651916cd43dd8448eb211c80319c-{:016x}-01",
            record.span
        );
        assert_eq!(world.kept["parent"], parent);
        assert!(!format!("{record:?}").contains("hunter2"));
        let starts = lock(&records.starts);
        assert_eq!(
            (
                starts.len(),
                &*starts[0].server,
                starts[0].failure.as_deref()
            ),
            (1, "a", None)
        );
    }
    let metrics = world.gateway().metrics();
    assert!(
        metrics.contains("mcp_") && metrics.ends_with("# EOF\n"),
        "{metrics}"
    );
    world.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_broken_trace_passes_as_it_is() {
    check(
        r#"
        server a {"tools":["x"]}
        client 1 hello
        client 1 -> {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","_meta":{"traceparent":"00-zz","tracestate":7,"baggage":null}}}
        server a <= {"jsonrpc":"2.0","id":$1,"method":"tools/call","params":{"name":"x","_meta":{"traceparent":"00-zz","tracestate":7,"baggage":null}}}
        server a -> #$1 = {}
        client 1 <- #1 = {}
        client 1 -> {"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"x","_meta":{"traceparent":7}}}
        server a <= {"jsonrpc":"2.0","id":$2,"method":"tools/call","params":{"name":"x","_meta":{"traceparent":7}}}
        server a -> #$2 = {}
        client 1 <- #2 = {}
        "#,
    )
    .await;
}
