//! One client on a pipe.

use std::sync::Arc;

use server::{Shutdown, StdioError, serve_stdio};
use tokio::task::JoinHandle;
use transport::{Pipe, memory};

use crate::harness::{call, gateway, initialize, modern_call};
use crate::script::Script;

struct Client {
    pipe: Pipe,
    script: Arc<Script>,
    served: JoinHandle<Result<(), StdioError>>,
    trigger: server::shutdown::Trigger,
}

fn start() -> Client {
    let (ours, theirs) = memory::pair();
    let (trigger, shutdown) = Shutdown::new();
    let (gateway, script) = gateway();
    let served = tokio::spawn(serve_stdio(gateway, theirs, None, shutdown));
    Client {
        pipe: ours,
        script,
        served,
        trigger,
    }
}

impl Client {
    fn send(&self, frame: &str) {
        self.pipe.sink.send(frame.as_bytes()).unwrap();
    }

    /// The next message; that the list of tools is known now comes whenever it likes.
    async fn recv(&mut self) -> String {
        loop {
            let frame = self.pipe.source.recv().await.expect("the pipe is closed");
            let text = String::from_utf8(frame.unwrap().to_vec()).unwrap();
            if !text.contains("list_changed") {
                return text;
            }
        }
    }

    async fn ask(&mut self, frame: &str) -> String {
        self.send(frame);
        self.recv().await
    }

    async fn end(mut self) {
        self.pipe.sink.close();
        while self.pipe.source.recv().await.is_some() {}
        self.served.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn both_eras_on_one_pipe() {
    let mut client = start();
    assert!(client.ask(&modern_call(1, "echo")).await.contains("echo"));
    assert!(
        client
            .ask(&initialize("2025-11-25"))
            .await
            .contains(r#""protocolVersion":"2025-11-25""#)
    );
    assert!(client.ask(&call(2, "echo")).await.contains(r#""id":2"#));
    assert!(
        client
            .ask(&modern_call(3, "echo"))
            .await
            .contains(r#""id":3"#)
    );
    client.send(&call(4, "steps"));
    for _ in 0..3 {
        assert!(client.recv().await.contains("progress"));
    }
    assert!(client.recv().await.contains(r#""id":4"#));
    client.script.poke();
    assert!(client.recv().await.contains("poked"));
    client.end().await;
}

#[tokio::test]
async fn requests_run_side_by_side() {
    let mut client = start();
    client.ask(&initialize("2025-11-25")).await;
    client.send(&call(1, "hang"));
    for n in 2..50 {
        client.send(&call(n, "echo"));
    }
    for _ in 2..50 {
        assert!(!client.recv().await.contains(r#""id":1,"#));
    }
    client.end().await;
}

#[tokio::test]
async fn more_than_fit_wait_their_turn_and_more_than_that_are_refused() {
    let (running, waiting) = (
        server::limits::REQUESTS_RUNNING_MAX,
        server::limits::REQUESTS_WAITING_MAX,
    );
    let mut client = start();
    client.ask(&initialize("2025-11-25")).await;
    let all = u32::try_from(running + waiting).unwrap();
    for n in 0..all + 1 {
        client.send(&call(n, "gate"));
    }
    let refused = client.recv().await;
    assert!(
        refused.contains(&format!(r#""id":{all},"#)) && refused.contains("too many"),
        "{refused}"
    );
    client.script.release();
    for _ in 0..all {
        assert!(client.recv().await.contains("result"));
    }
    client.end().await;
}

#[tokio::test]
async fn lines_that_are_no_messages_are_answered_and_passed_over() {
    let mut client = start();
    for (line, code) in [
        ("{", "-32700"),
        (r#"{"jsonrpc":"1.0"}"#, "-32600"),
        ("[{}]", "-32600"),
    ] {
        let answer = client.ask(line).await;
        assert!(
            answer.contains(code) && answer.contains(r#""id":null"#),
            "{answer}"
        );
    }
    assert!(client.ask(&call(1, "echo")).await.contains(r#""id":1"#));
    client.end().await;
}

#[tokio::test]
async fn batches_belong_to_one_revision() {
    let mut client = start();
    client.ask(&initialize("2025-03-26")).await;
    let answer = client
        .ask(&format!("[{},{}]", call(1, "echo"), call(2, "echo")))
        .await;
    assert!(
        answer.starts_with('[') && answer.contains(r#""id":1"#) && answer.contains(r#""id":2"#),
        "{answer}"
    );
    client.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_runs_at_the_end_may_finish() {
    let mut client = start();
    client.ask(&initialize("2025-11-25")).await;
    client.send(&call(1, "gate"));
    client.send(&call(2, "hang"));
    client.ask(&call(3, "echo")).await;
    client.pipe.sink.close();
    client.script.release();
    assert!(client.recv().await.contains(r#""id":1"#));
    while client.pipe.source.recv().await.is_some() {}
    client.served.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_client_that_does_not_read_is_given_up() {
    let client = start();
    // Every refused line is answered with a line that has its id.
    let line = format!(
        r#"{{"jsonrpc":"1.0","id":"{}","method":"x"}}"#,
        "x".repeat(4000)
    );
    while client.pipe.sink.send(line.as_bytes()) != Err(transport::SendError::Closed) {
        tokio::task::yield_now().await;
    }
    assert!(matches!(
        client.served.await.unwrap(),
        Err(StdioError::Full)
    ));
}

#[tokio::test]
async fn the_signal_ends_it() {
    let mut client = start();
    client.ask(&call(1, "echo")).await;
    client.trigger.drain();
    while client.pipe.source.recv().await.is_some() {}
    client.served.await.unwrap().unwrap();
}
