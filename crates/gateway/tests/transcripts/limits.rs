//! Each limit, reached.

use std::sync::Arc;

use bytes::Bytes;
use portolan_gateway::front::{Caller, Event, Origin, Reply};
use portolan_gateway::limits::{
    CALL_EVENTS_MAX, LISTENS_MAX, OUTBOX_MESSAGES_MAX, QUESTIONS_MAX, SUBSCRIPTIONS_MAX,
};
use wire::Frame;

use super::harness::{World, check};

#[tokio::test(start_paused = true)]
async fn conversations() {
    check(
        r#"
        gateway {"sessions_max":2}
        client 1 opens http
        client 2 opens
        client 3 cannot open
        client 1 closes
        client 3 opens
        client 4 cannot open
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn requests_under_way_in_one_conversation() {
    check(
        r#"
        server a {"tools":["x"]}
        gateway {"in_flight_max":2}
        client 1 hello
        client 2 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$1 tools/call *
        client 1 -> #2 tools/call {"name":"x"}
        server a <- #$2 tools/call *
        client 1 -> #3 tools/call {"name":"x"}
        client 1 <- #3 ! -31003 "*too many requests under way*"
        // The others have room of their own.
        client 2 -> #3 ping
        client 2 <- #3 = {}
        server a -> #$1 = {}
        client 1 <- #1 = {}
        client 1 -> #3 ping
        client 1 <- #3 = {}
        server a -> #$2 = {}
        client 1 <- #2 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn questions_that_one_client_has_not_answered() {
    let asked: String = (0..QUESTIONS_MAX)
        .map(|n| format!("server a -> #\"q{n}\" sampling/createMessage {{}}\nclient 1 <- #$q{n} sampling/createMessage {{}}\n"))
        .collect();
    check(&format!(
        r#"
        server a {{"tools":["x"]}}
        client 1 hello {{"sampling":{{}}}}
        client 1 -> #1 tools/call {{"name":"x"}}
        server a <- #$1 tools/call *
        {asked}
        server a -> #"more" sampling/createMessage {{}}
        server a <- #"more" ! -32603 "*too many unanswered*"
        client 1 hears nothing
        client 1 -> #$q7 = {{}}
        server a <- #"q7" = {{}}
        server a -> #"again" sampling/createMessage {{}}
        client 1 <- #$again sampling/createMessage {{}}
        server a -> #$1 = {{}}
        client 1 <- #1 = {{}}
        "#
    ))
    .await;
}

#[tokio::test(start_paused = true)]
async fn messages_that_a_conversation_does_not_read() {
    let mut world = World::default();
    world
        .run(
            r#"
            server a {"tools":["x"]}
            client 1 opens unread
            client 1 hello {"roots":{}}
            client 1 -> #1 tools/list
            client 1 <- #1 = *
            server a -> #"q" roots/list
            "#,
        )
        .await;
    for n in 0..OUTBOX_MESSAGES_MAX + 10 {
        world
            .run(&format!(
                r#"server a -> notifications/message {{"level":"info","data":{n}}}"#
            ))
            .await;
    }
    // The oldest notifications made room; the question is still there, and the rest is in order.
    let session = world.client("client 1").session.clone().unwrap();
    let mut read = Vec::new();
    while let std::task::Poll::Ready(Some(message)) =
        std::future::poll_fn(|cx| std::task::Poll::Ready(session.poll_outbox(cx))).await
    {
        read.push(String::from_utf8(message.to_vec()).unwrap());
    }
    assert_eq!(read.len(), OUTBOX_MESSAGES_MAX);
    assert!(read[0].contains("roots/list"), "{}", read[0]);
    assert!(read[1].contains(r#""data":11}"#), "{}", read[1]);
    assert!(
        read.last()
            .unwrap()
            .contains(&format!(r#""data":{}}}"#, OUTBOX_MESSAGES_MAX + 9))
    );
    world.finish().await;
}

#[tokio::test(start_paused = true)]
async fn messages_of_a_call_that_nobody_reads() {
    let mut world = World::default();
    world
        .run(
            r#"
            server a {"tools":["x"]}
            client 1 hello
            client 1 -> #1 tools/list
            client 1 <- #1 = *
            "#,
        )
        .await;
    let origin = Origin {
        caller: Caller("somebody".into()),
        scopes: None,
        session: world.client("client 1").session.clone(),
        headers: None,
        only: None,
        workspace: None,
    };
    let gateway = world.gateway();
    let call = r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"x","_meta":{"progressToken":1}}}"#;
    let frame = Frame::parse(Bytes::from_static(call.as_bytes())).unwrap();
    let reply = tokio::spawn(async move { gateway.request(&origin, frame).await });
    world.run("server a <- #$id tools/call *").await;
    for n in 0..CALL_EVENTS_MAX + 10 {
        world
            .run(&format!(
                r#"server a -> notifications/progress {{"progressToken":$id,"progress":{n}}}"#
            ))
            .await;
    }
    world.run("server a -> #$id = {}").await;
    let Reply::Stream(mut events) = reply.await.unwrap() else {
        panic!("there was progress before the answer")
    };
    let mut messages = 0;
    let answer = loop {
        match events.next().await.unwrap() {
            Event::Message(_) => messages += 1,
            Event::Answer(answer) => break answer,
            Event::Retry(_) => panic!("nobody asked for that"),
        }
    };
    // One was taken out of the mailbox before the others came.
    assert_eq!(messages, CALL_EVENTS_MAX + 1);
    assert_eq!(answer.frame, r#"{"jsonrpc":"2.0","id":2,"result":{}}"#);
    assert!(events.next().await.is_none());
    world.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_read_its_input() {
    let mut world = World::default();
    world
        .run(
            r#"
            server a {"tools":["x"]}
            client 1 hello
            client 1 -> #1 tools/list
            client 1 <- #1 = *
            server a sleeps
            "#,
        )
        .await;
    let big = "x".repeat(12 << 20);
    for id in 2..6 {
        world
            .run(&format!(
                r#"client 1 -> #{id} tools/call {{"name":"x","arguments":{{"big":"{big}"}}}}"#
            ))
            .await;
    }
    world.run(r#"client 1 <- #5 = {"isError":true,"content":[{"type":"text","text":"*stopped reading its input*"}]}"#).await;
    world
        .run(
            r#"client 1 -> #6 ping
        client 1 <- #6 = {}"#,
        )
        .await;
    world.finish().await;
}

#[tokio::test(start_paused = true)]
async fn bytes_of_one_list() {
    let tool = |name: &str| {
        format!(
            r#"{{"name":"{name}","description":"{}"}}"#,
            "x".repeat(11 << 20)
        )
    };
    let mut world = World::default();
    world
        .run(&format!(
            r#"server a {{"page":1,"tools":[{},{},{},{}]}}"#,
            tool("a"),
            tool("b"),
            tool("c"),
            tool("d")
        ))
        .await;
    world
        .run(
            r#"
            client 1 hello
            client 1 -> #1 tools/list
            client 1 <- #1 = {"tools":[{"name":"a", ...},{"name":"b", ...},{"name":"c", ...}]}
            server a is {"tools":3,"reason":"*more than we read (3)*", ...}
            "#,
        )
        .await;
    world.finish().await;
}

#[tokio::test(start_paused = true)]
async fn bytes_of_one_message() {
    let mut world = World::default();
    world
        .run(
            r#"
            server a {"tools":["x"],"call_timeout_s":60}
            client 1 hello
            client 1 -> #1 tools/call {"name":"x"}
            server a <- #$1 tools/call *
            client 1 -> #2 tools/call {"name":"x"}
            server a <- #$2 tools/call *
            "#,
        )
        .await;
    let big = "x".repeat(16 << 20);
    world
        .run(&format!(r#"server a -> #$1 = {{"big":"{big}"}}"#))
        .await;
    world
        .run(
            r#"
            server a -> #$2 = {"n":2}
            client 1 <- #2 = {"n":2}
            advance 61s
            client 1 <- #1 = {"isError":true, ...}
            server a <- notifications/cancelled *
            "#,
        )
        .await;
    world.finish().await;
}

#[tokio::test(start_paused = true)]
async fn nesting_of_a_schema_that_speaks_of_headers() {
    let deep = |levels: usize| {
        let (open, close) = (r#"{"items":"#.repeat(levels), "}".repeat(levels));
        format!(
            r#"{{"type":"object","properties":{{"a":{{"type":"string","x-mcp-header":"A"}}}},"$defs":{open}{{}}{close}}}"#
        )
    };
    check(&format!(
        r#"
        server a {{"era":"stateless","tools":[{{"name":"deep","inputSchema":{}}},{{"name":"flat","inputSchema":{}}}]}}
        caller ann ~> #1 tools/list
        caller ann <- #1 = {{"tools":[{{"name":"flat", ...}}], ...}}
        server a is {{"reason":"*\"deep\" was left out*nested deeper*", ...}}
        "#,
        deep(70),
        deep(50)
    ))
    .await;
}

#[tokio::test(start_paused = true)]
async fn subscriptions_of_one_client() {
    let mut world = World::default();
    world
        .run(
            r#"
            server a {"templates":["r://{n}"],"yes":["resources/subscribe","resources/unsubscribe"]}
            client 1 hello
            client 1 -> #1 resources/templates/list
            client 1 <- #1 = *
            "#,
        )
        .await;
    let origin = Origin {
        caller: Caller("somebody".into()),
        scopes: None,
        session: world.client("client 1").session.clone(),
        headers: None,
        only: None,
        workspace: None,
    };
    let gateway = world.gateway();
    let ask = async |id: usize, method: &str| {
        let text = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{"uri":"r://{id}"}}}}"#
        );
        let Reply::Done(answer) = gateway
            .request(&origin, Frame::parse(text.into()).unwrap())
            .await
        else {
            panic!("an answer is enough")
        };
        String::from_utf8(answer.frame.to_vec()).unwrap()
    };
    for id in 0..SUBSCRIPTIONS_MAX {
        let answer = ask(id, "resources/subscribe").await;
        assert!(answer.contains(r#""result":{}"#), "{answer}");
    }
    let refused = ask(SUBSCRIPTIONS_MAX, "resources/subscribe").await;
    assert!(
        refused.contains("too many resource subscriptions"),
        "{refused}"
    );
    ask(7, "resources/unsubscribe").await;
    let answer = ask(SUBSCRIPTIONS_MAX, "resources/subscribe").await;
    assert!(answer.contains(r#""result":{}"#), "{answer}");
    world.finish().await;
}

#[tokio::test(start_paused = true)]
async fn listen_streams_of_one_caller() {
    let mut world = World::default();
    world
        .run(r#"server a {"era":"stateless","tools":["x"]}"#)
        .await;
    let gateway = world.gateway();
    let origin = Origin {
        caller: Caller("ann".into()),
        scopes: None,
        session: None,
        headers: None,
        only: None,
        workspace: None,
    };
    let listen = async |id: usize| {
        let text = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"subscriptions/listen","params":{{"notifications":{{"toolsListChanged":true}},"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}"#
        );
        gateway
            .request(&origin, Frame::parse(text.into()).unwrap())
            .await
    };
    let mut streams = Vec::new();
    for id in 0..LISTENS_MAX {
        match listen(id).await {
            Reply::Stream(events) => streams.push(events),
            Reply::Done(answer) => panic!("{answer:?}"),
        }
    }
    let Reply::Done(refused) = listen(LISTENS_MAX).await else {
        panic!("one more than the limit")
    };
    assert!(
        String::from_utf8_lossy(&refused.frame).contains("too many listen streams"),
        "{refused:?}"
    );
    streams.pop();
    assert!(matches!(listen(LISTENS_MAX).await, Reply::Stream(_)));
    // One caller's streams are not another's.
    let other = Origin {
        caller: Caller(Arc::from("bob")),
        scopes: None,
        ..origin.clone()
    };
    let text = r#"{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;
    let reply = gateway
        .request(&other, Frame::parse(text.into()).unwrap())
        .await;
    assert!(matches!(reply, Reply::Stream(_)));
    world.finish().await;
}
