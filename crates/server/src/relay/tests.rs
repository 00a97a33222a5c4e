use std::cell::RefCell;
use std::collections::VecDeque;

use tokio::task::{JoinHandle, LocalSet};
use transport::memory;
use wire::build;

use super::*;
use crate::shutdown::Trigger;

/// A client that is served, and the gateways that serve it one after the other.
struct Scene {
    client: Pipe,
    gateways: VecDeque<Pipe>,
    served: JoinHandle<Result<(), StdioError>>,
    trigger: Trigger,
}

/// To be called within a local set.
fn scene(gateways: usize) -> Scene {
    let (client, theirs) = memory::pair();
    let (trigger, shutdown) = Shutdown::new();
    let (ours, mut others): (VecDeque<Pipe>, VecDeque<Pipe>) =
        (0..gateways).map(|_| memory::pair()).unzip();
    let first = others.pop_front().unwrap();
    let others = RefCell::new(others);
    let next = async move || others.borrow_mut().pop_front();
    let served = tokio::task::spawn_local(relay(theirs, first, next, shutdown));
    Scene {
        client,
        gateways: ours,
        served,
        trigger,
    }
}

async fn hear(pipe: &mut Pipe) -> Frame {
    let line = pipe.source.recv().await.expect("the pipe is closed");
    Frame::parse(line.unwrap()).unwrap()
}

fn say(pipe: &Pipe, frame: &[u8]) {
    pipe.sink.send(frame).unwrap();
}

fn answer(pipe: &Pipe, request: &Frame) {
    say(pipe, &build::result(request.id().unwrap(), "{}"));
}

fn call(id: &str) -> Bytes {
    build::request(id, "tools/call", Some(r#"{"name":"x"}"#))
}

async fn greet(scene: &mut Scene) {
    say(&scene.client, &build::request("1", "initialize", None));
    let gateway = &mut scene.gateways[0];
    let hello = hear(gateway).await;
    answer(gateway, &hello);
    assert_eq!(hear(&mut scene.client).await.id(), Some("1"));
    say(
        &scene.client,
        &build::notification("notifications/initialized", None),
    );
    hear(&mut scene.gateways[0]).await;
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_dies_costs_one_answer_for_each_call_under_way() {
    let run = async {
        let mut scene = scene(2);
        greet(&mut scene).await;
        say(&scene.client, &call("2"));
        hear(&mut scene.gateways[0]).await;
        drop(scene.gateways.pop_front());
        let failed = hear(&mut scene.client).await;
        assert_eq!((failed.id(), failed.error().is_some()), (Some("2"), true));
        // It says to the next one who it is, and goes on.
        let hello = hear(&mut scene.gateways[0]).await;
        assert_eq!(hello.method(), "initialize");
        say(&scene.client, &call("3"));
        answer(&scene.gateways[0], &hello);
        assert_eq!(
            hear(&mut scene.gateways[0]).await.method(),
            "notifications/initialized"
        );
        let third = hear(&mut scene.gateways[0]).await;
        assert_eq!(third.id(), Some("3"));
        answer(&scene.gateways[0], &third);
        for list in ["tools", "prompts", "resources"] {
            let news = hear(&mut scene.client).await;
            assert_eq!(news.method(), format!("notifications/{list}/list_changed"));
        }
        assert_eq!(hear(&mut scene.client).await.id(), Some("3"));
        scene.client.sink.close();
        assert!(scene.gateways[0].source.recv().await.is_none());
        scene.gateways[0].sink.close();
        scene.served.await.unwrap().unwrap();
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test(start_paused = true)]
async fn messages_of_a_batch_are_answered_too() {
    let run = async {
        let mut scene = scene(2);
        let batch = [&b"["[..], &call("1"), b",", &call("2"), b"]"].concat();
        say(&scene.client, &batch);
        scene.gateways[0].source.recv().await.unwrap().unwrap();
        drop(scene.gateways.pop_front());
        let mut ids = [hear(&mut scene.client).await, hear(&mut scene.client).await]
            .map(|failed| failed.id().map(str::to_owned));
        ids.sort();
        assert_eq!(ids, [Some("1".to_owned()), Some("2".to_owned())]);
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test(start_paused = true)]
async fn who_leaves_gets_what_is_under_way() {
    let run = async {
        let mut scene = scene(1);
        say(&scene.client, &call("1"));
        scene.client.sink.close();
        let first = hear(&mut scene.gateways[0]).await;
        assert!(scene.gateways[0].source.recv().await.is_none());
        answer(&scene.gateways[0], &first);
        scene.gateways[0].sink.close();
        assert_eq!(hear(&mut scene.client).await.id(), Some("1"));
        assert!(scene.client.source.recv().await.is_none());
        scene.served.await.unwrap().unwrap();
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test(start_paused = true)]
async fn without_another_gateway_the_client_is_let_go() {
    let run = async {
        let mut scene = scene(1);
        say(&scene.client, &call("1"));
        hear(&mut scene.gateways[0]).await;
        drop(scene.gateways.pop_front());
        assert!(hear(&mut scene.client).await.error().is_some());
        let served = scene.served.await.unwrap();
        assert!(matches!(served, Err(StdioError::NoGateway)), "{served:?}");
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test(start_paused = true)]
async fn the_end_does_not_wait_for_a_gateway_that_hangs() {
    let run = async {
        let mut scene = scene(1);
        say(&scene.client, &call("1"));
        hear(&mut scene.gateways[0]).await;
        scene.trigger.drain();
        scene.served.await.unwrap().unwrap();
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test(start_paused = true)]
async fn a_next_gateway_that_does_not_greet_holds_nobody_up() {
    let run = async {
        let mut scene = scene(2);
        greet(&mut scene).await;
        drop(scene.gateways.pop_front());
        assert_eq!(hear(&mut scene.gateways[0]).await.method(), "initialize");
        // No answer; what follows comes all the same.
        say(&scene.client, &call("2"));
        hear(&mut scene.gateways[0]).await;
        assert_eq!(hear(&mut scene.gateways[0]).await.id(), Some("2"));
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_hangs_is_gone_and_one_that_takes_long_is_not() {
    let run = async {
        let mut scene = scene(2);
        greet(&mut scene).await;
        say(&scene.client, &call("2"));
        assert_eq!(hear(&mut scene.gateways[0]).await.method(), "tools/call");
        // Nothing is said, so it is asked; whoever answers lives, however often.
        for _ in 0..3 {
            let began = Instant::now();
            let ping = hear(&mut scene.gateways[0]).await;
            assert_eq!(ping.method(), "ping");
            assert_eq!(began.elapsed(), limits::ATTACHED_SILENCE);
            answer(&scene.gateways[0], &ping);
        }
        hear(&mut scene.gateways[0]).await;
        let failed = hear(&mut scene.client).await;
        assert_eq!((failed.id(), failed.error().is_some()), (Some("2"), true));
        let old = scene.gateways.pop_front();
        assert_eq!(hear(&mut scene.gateways[0]).await.method(), "initialize");
        drop(old);
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_nothing_asks_nothing() {
    let run = async {
        let mut scene = scene(1);
        greet(&mut scene).await;
        let long = limits::ATTACHED_SILENCE * 10;
        let nothing = timeout(long, scene.gateways[0].source.recv()).await;
        assert!(nothing.is_err());
        // The time before does not count.
        let began = Instant::now();
        say(&scene.client, &call("2"));
        hear(&mut scene.gateways[0]).await;
        assert_eq!(hear(&mut scene.gateways[0]).await.method(), "ping");
        assert_eq!(began.elapsed(), limits::ATTACHED_SILENCE);
    };
    LocalSet::new().run_until(run).await;
}
