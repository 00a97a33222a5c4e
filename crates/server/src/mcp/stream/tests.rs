use gateway::front::Answer;
use tokio::sync::mpsc;

use super::*;

fn script() -> (mpsc::Sender<Event>, Exchange) {
    let (say, events) = mpsc::channel(16);
    (say, Exchange::scripted(events))
}

fn message(text: &'static str) -> Event {
    Event::Message(Bytes::from_static(text.as_bytes()))
}

fn answer(text: &'static str) -> Event {
    Event::Answer(Answer::new(Bytes::from_static(text.as_bytes()), 200))
}

async fn next(stream: &mut impl Chunks) -> Option<String> {
    let chunk = poll_fn(|cx| stream.poll_chunk(cx)).await?;
    Some(String::from_utf8(chunk.to_vec()).unwrap())
}

async fn all(mut reader: Reader) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(event) = reader.next().await {
        all.push(String::from_utf8(event.data.to_vec()).unwrap());
    }
    all
}

#[tokio::test]
async fn without_a_session_events_pass_as_they_come() {
    let (say, exchange) = script();
    let mut stream = CallStream::passing(exchange);
    for event in [message("{}"), Event::Retry(5), answer("[]")] {
        say.send(event).await.unwrap();
    }
    assert_eq!(
        next(&mut stream).await.unwrap(),
        "event: message\ndata: {}\n\n"
    );
    assert_eq!(
        next(&mut stream).await.unwrap(),
        "event: message\ndata: []\n\n"
    );
    assert_eq!(next(&mut stream).await, None);
}

#[tokio::test]
async fn without_a_session_dropping_cancels() {
    let (say, exchange) = script();
    drop(CallStream::passing(exchange));
    say.closed().await;
}

#[tokio::test]
async fn a_server_may_send_its_client_away_and_go_on() {
    let (say, exchange) = script();
    let streams = Streams::new();
    let mut stream = CallStream::kept(exchange, &streams, true);
    for event in [message("1"), Event::Retry(5), message("2")] {
        say.send(event).await.unwrap();
    }
    assert_eq!(next(&mut stream).await.unwrap(), "id: 1-1\ndata: \n\n");
    assert_eq!(
        next(&mut stream).await.unwrap(),
        "event: message\nid: 1-2\ndata: 1\n\n"
    );
    assert_eq!(
        next(&mut stream).await.unwrap(),
        "id: 1-3\nretry: 5\ndata: \n\n"
    );
    assert_eq!(next(&mut stream).await, None);
    drop(stream);
    let back = streams.replay_after("1-3").unwrap();
    say.send(answer("3")).await.unwrap();
    assert_eq!(all(back).await, ["2", "3"]);
}

#[tokio::test]
async fn old_clients_are_not_sent_away() {
    let (say, exchange) = script();
    let mut stream = CallStream::kept(exchange, &Streams::new(), false);
    for event in [message("1"), Event::Retry(5), answer("2")] {
        say.send(event).await.unwrap();
    }
    assert_eq!(
        next(&mut stream).await.unwrap(),
        "event: message\nid: 1-1\ndata: 1\n\n"
    );
    assert_eq!(
        next(&mut stream).await.unwrap(),
        "event: message\nid: 1-2\ndata: 2\n\n"
    );
    assert_eq!(next(&mut stream).await, None);
}

#[tokio::test]
async fn who_comes_back_takes_over() {
    let (say, exchange) = script();
    let streams = Streams::new();
    let mut stream = CallStream::kept(exchange, &streams, false);
    say.send(message("1")).await.unwrap();
    next(&mut stream).await.unwrap();
    let back = streams.replay_after("1-1").unwrap();
    assert_eq!(next(&mut stream).await, None);
    drop(stream);
    say.send(answer("2")).await.unwrap();
    assert_eq!(all(back).await, ["2"]);
}

#[tokio::test]
async fn a_cancelled_call_ends_its_stream_without_an_answer() {
    for is_kept in [false, true] {
        let (say, exchange) = script();
        let streams = Streams::new();
        let mut stream = if is_kept {
            CallStream::kept(exchange, &streams, false)
        } else {
            CallStream::passing(exchange)
        };
        say.send(answer("")).await.unwrap();
        assert_eq!(next(&mut stream).await, None);
    }
}

#[tokio::test]
async fn with_too_many_streams_events_pass_as_they_come() {
    let streams = Streams::new();
    let open: Vec<_> = std::iter::from_fn(|| streams.open().ok()).collect();
    assert_eq!(open.len(), transport::limits::STREAMS_OPEN_MAX);
    let (say, exchange) = script();
    let mut stream = CallStream::kept(exchange, &streams, true);
    say.send(answer("1")).await.unwrap();
    assert_eq!(
        next(&mut stream).await.unwrap(),
        "event: message\ndata: 1\n\n"
    );
}
