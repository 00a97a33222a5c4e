use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};
use std::time::Duration;

use tokio::time::advance;

use super::*;
use crate::limits::{
    STREAM_BYTES_MAX, STREAM_EVENTS_MAX, STREAM_FINISHED_KEPT, STREAM_UNREAD_BYTES_MAX,
    STREAMS_FINISHED_BYTES_MAX, STREAMS_FINISHED_MAX, STREAMS_OPEN_MAX,
};

/// Counts how often somebody was woken.
#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Bell {
    fn rung(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

fn text(data: &str) -> Bytes {
    Bytes::copy_from_slice(data.as_bytes())
}

/// What is there to read now: "id data", and "end" if that is the end.
fn read(reader: &mut Reader) -> Vec<String> {
    let cx = Context::from_waker(Waker::noop());
    let mut all = Vec::new();
    loop {
        match reader.poll_next(&cx) {
            Poll::Pending => return all,
            Poll::Ready(None) => {
                all.push("end".to_owned());
                return all;
            }
            Poll::Ready(Some(event)) => {
                let data = String::from_utf8_lossy(&event.data).into_owned();
                all.push(format!("{} {data}", event.id.unwrap()));
            }
        }
    }
}

#[test]
fn a_stream_from_beginning_to_end() {
    let streams = Streams::new();
    let stream = streams.open().unwrap();
    let mut reader = stream.attach().unwrap();
    assert_eq!(stream.push(&text("a"), None).as_deref(), Some("1-1"));
    assert_eq!(stream.push(&text("b"), None).as_deref(), Some("1-2"));
    assert_eq!(read(&mut reader), ["1-1 a", "1-2 b"]);
    stream.push(&text("c"), None);
    drop(stream);
    assert_eq!(read(&mut reader), ["1-3 c", "end"]);
    assert_eq!(read(&mut reader), ["end"]);
}

#[test]
fn events_carry_retry() {
    let streams = Streams::new();
    streams.push(STANDALONE, &Bytes::new(), Some(200));
    let mut reader = streams.attach(STANDALONE).unwrap();
    let event = reader.poll_next(&Context::from_waker(Waker::noop()));
    let expected = Event {
        id: Some("0-1".into()),
        retry: Some(200),
        ..Event::default()
    };
    assert_eq!(event, Poll::Ready(Some(expected)));
}

#[test]
fn a_client_that_comes_back_misses_nothing() {
    let streams = Streams::new();
    let stream = streams.open().unwrap();
    let mut reader = stream.attach().unwrap();
    for data in ["a", "b", "c"] {
        stream.push(&text(data), None);
    }
    // All were handed to a connection that then broke; the client saw the first only.
    assert_eq!(read(&mut reader).len(), 3);
    drop(reader);
    stream.push(&text("d"), None);
    let mut reader = streams.replay_after("1-1").unwrap();
    assert_eq!((reader.stream(), reader.missed()), (1, 0));
    assert_eq!(read(&mut reader), ["1-2 b", "1-3 c", "1-4 d"]);
    stream.push(&text("e"), None);
    assert_eq!(read(&mut reader), ["1-5 e"]);
    drop(stream);
    assert_eq!(read(&mut reader), ["end"]);
    let mut again = streams.replay_after("1-4").unwrap();
    assert_eq!(read(&mut again), ["1-5 e", "end"]);
}

#[test]
fn only_ids_of_ours_are_taken() {
    let streams = Streams::new();
    let stream = streams.open().unwrap();
    stream.push(&text("a"), None);
    for bad in [
        "",
        "-",
        "1",
        "1-",
        "-1",
        "1-2",
        "2-0",
        "2-1",
        "01-1",
        "1-01",
        "+1-1",
        "1-+1",
        "1-1-1",
        " 1-1",
        "1-1 ",
        "x-y",
        "1-99999999999999999999",
        "\u{664}-1",
    ] {
        assert!(streams.replay_after(bad).is_none(), "{bad:?}");
    }
    assert!(streams.replay_after("1-0").is_some());
    assert!(streams.replay_after("1-1").is_some());
    assert!(
        streams.replay_after("0-0").is_some(),
        "the standalone stream is always there"
    );
}

#[test]
fn nobody_gets_twice_what_was_not_asked_for_again() {
    let streams = Streams::new();
    streams.push(STANDALONE, &text("a"), None);
    let mut reader = streams.attach(STANDALONE).unwrap();
    assert_eq!(read(&mut reader), ["0-1 a"]);
    drop(reader);
    streams.push(STANDALONE, &text("b"), None);
    let mut reader = streams.attach(STANDALONE).unwrap();
    assert_eq!(read(&mut reader), ["0-2 b"]);
}

#[test]
fn a_new_reader_displaces_the_old() {
    let streams = Streams::new();
    let bell = Arc::<Bell>::default();
    let waker = Waker::from(bell.clone());
    let mut old = streams.attach(STANDALONE).unwrap();
    assert!(old.poll_next(&Context::from_waker(&waker)).is_pending());
    let mut new = streams.attach(STANDALONE).unwrap();
    assert_eq!(bell.rung(), 1, "the old one has to learn of it");
    assert_eq!(read(&mut old), ["end"]);
    streams.push(STANDALONE, &text("a"), None);
    // What the old one does no longer matters.
    drop(old);
    assert_eq!(read(&mut new), ["0-1 a"]);
}

#[test]
fn a_reader_is_woken_once_for_what_it_waits_for() {
    let streams = Streams::new();
    let stream = streams.open().unwrap();
    let bell = Arc::<Bell>::default();
    let waker = Waker::from(bell.clone());
    let mut reader = stream.attach().unwrap();
    assert!(reader.poll_next(&Context::from_waker(&waker)).is_pending());
    stream.push(&text("a"), None);
    stream.push(&text("b"), None);
    assert_eq!(bell.rung(), 1);
    read(&mut reader);
    assert!(reader.poll_next(&Context::from_waker(&waker)).is_pending());
    drop(stream);
    assert_eq!(bell.rung(), 2);
}

#[test]
fn the_standalone_stream_does_not_finish() {
    let streams = Streams::new();
    streams.finish(STANDALONE);
    assert_eq!(
        streams.push(STANDALONE, &text("a"), None).as_deref(),
        Some("0-1")
    );
}

#[test]
fn a_finished_stream_takes_nothing_more() {
    let streams = Streams::new();
    let stream = streams.open().unwrap();
    streams.finish(stream.id);
    assert_eq!(stream.push(&text("a"), None), None);
    assert_eq!(
        streams.push(7, &text("a"), None),
        None,
        "and one that never was neither"
    );
}

#[test]
fn without_a_reader_the_oldest_go_first() {
    let streams = Streams::new();
    for number in 0..STREAM_EVENTS_MAX + 3 {
        streams.push(STANDALONE, &text(&number.to_string()), None);
    }
    let mut reader = streams.replay_after("0-1").unwrap();
    assert_eq!(reader.missed(), 2);
    let events = read(&mut reader);
    assert_eq!(events.len(), STREAM_EVENTS_MAX);
    assert_eq!(events[0], "0-4 3");
}

#[test]
fn bytes_count_too_but_the_newest_always_stays() {
    let streams = Streams::new();
    let half = Bytes::from(vec![b'x'; STREAM_BYTES_MAX / 2]);
    for _ in 0..3 {
        streams.push(STANDALONE, &half, None);
    }
    assert_eq!(streams.replay_after("0-0").unwrap().missed(), 1);
    let giant = Bytes::from(vec![b'x'; STREAM_BYTES_MAX * 4]);
    streams.push(STANDALONE, &giant, None);
    let mut reader = streams.replay_after("0-0").unwrap();
    assert_eq!(reader.missed(), 3);
    assert_eq!(read(&mut reader).len(), 1);
}

#[test]
fn a_writer_that_waits_for_room_loses_nothing() {
    let streams = Streams::new();
    let stream = streams.open().unwrap();
    let bell = Arc::<Bell>::default();
    let waker = Waker::from(bell.clone());
    let cx = Context::from_waker(&waker);
    let mut reader = stream.attach().unwrap();
    let (mut pushed, mut seen) = (0, 0);
    while pushed < 5 * STREAM_EVENTS_MAX {
        while stream.poll_room(&cx).is_ready() {
            stream.push(&text("x"), None);
            pushed += 1;
        }
        let before = bell.rung();
        seen += read(&mut reader).len();
        assert_eq!(
            bell.rung(),
            before + 1,
            "reading makes room, which the writer waits for"
        );
    }
    assert_eq!(seen, pushed);
    // Large ones as well, and one that alone is larger than all that is kept.
    let half = Bytes::from(vec![b'x'; STREAM_BYTES_MAX / 2]);
    assert!(stream.poll_room(&cx).is_ready());
    stream.push(&text("small"), None);
    assert!(stream.poll_room(&cx).is_ready());
    stream.push(&Bytes::from(vec![b'x'; 4 * STREAM_BYTES_MAX]), None);
    assert!(stream.poll_room(&cx).is_pending());
    assert_eq!(read(&mut reader).len(), 2);
    stream.push(&half, None);
    assert!(stream.poll_room(&cx).is_pending());
    drop(reader);
    assert!(
        stream.poll_room(&cx).is_ready(),
        "nobody reads, so nobody is waited for"
    );
}

#[test]
fn a_writer_that_does_not_wait_is_still_bounded() {
    let streams = Streams::new();
    let stream = streams.open().unwrap();
    let mut reader = stream.attach().unwrap();
    for _ in 0..3 * STREAM_EVENTS_MAX {
        stream.push(&text("x"), None);
    }
    assert_eq!(read(&mut reader).len(), 2 * STREAM_EVENTS_MAX);
    let large = Bytes::from(vec![b'x'; STREAM_BYTES_MAX]);
    for _ in 0..2 * STREAM_UNREAD_BYTES_MAX / STREAM_BYTES_MAX {
        stream.push(&large, None);
    }
    assert_eq!(
        read(&mut reader).len(),
        STREAM_UNREAD_BYTES_MAX / STREAM_BYTES_MAX
    );
}

#[test]
fn a_session_has_so_many_streams_and_no_more() {
    let streams = Streams::new();
    let open: Vec<_> = (0..STREAMS_OPEN_MAX)
        .map(|_| streams.open().unwrap())
        .collect();
    let refused = streams.open().unwrap_err();
    assert_eq!(refused.limit, STREAMS_OPEN_MAX);
    drop(open);
    streams.open().unwrap();
}

#[test]
fn finished_streams_give_way_to_newer_ones() {
    let streams = Streams::new();
    for _ in 0..STREAMS_FINISHED_MAX + 2 {
        streams.open().unwrap().push(&text("x"), None);
    }
    assert!(streams.replay_after("2-0").is_none());
    assert!(streams.replay_after("3-0").is_some());
}

#[test]
fn finished_streams_give_way_to_larger_ones() {
    let streams = Streams::new();
    let giant = Bytes::from(vec![b'x'; 2 * STREAMS_FINISHED_BYTES_MAX]);
    streams.open().unwrap().push(&text("x"), None);
    streams.open().unwrap().push(&giant, None);
    assert!(streams.replay_after("1-0").is_none());
    let reading = streams.replay_after("2-0").unwrap();
    streams.open().unwrap().push(&giant, None);
    assert!(streams.replay_after("3-0").is_some());
    drop(reading);
    streams.open().unwrap().push(&text("x"), None);
    assert!(
        streams.replay_after("2-0").is_none(),
        "nobody reads it any more"
    );
}

#[tokio::test(start_paused = true)]
async fn finished_streams_give_way_to_time() {
    let streams = Streams::new();
    let open = streams.open().unwrap();
    streams.open().unwrap().push(&text("x"), None);
    advance(STREAM_FINISHED_KEPT - Duration::from_secs(1)).await;
    drop(streams.replay_after("2-0").unwrap());
    advance(Duration::from_secs(1)).await;
    assert!(streams.replay_after("2-0").is_none());
    assert!(
        streams.replay_after(&format!("{}-0", open.id)).is_some(),
        "it is not finished"
    );
}

#[tokio::test]
async fn reading_waits() {
    let streams = Streams::new();
    let stream = streams.open().unwrap();
    let mut reader = stream.attach().unwrap();
    let reading = tokio::spawn(async move { (reader.next().await, reader.next().await) });
    tokio::task::yield_now().await;
    stream.push(&text("a"), None);
    drop(stream);
    let (first, end) = reading.await.unwrap();
    assert_eq!((first.unwrap().data, end), (text("a"), None));
}

#[tokio::test(start_paused = true)]
async fn a_kept_event_keeps_nothing_of_what_was_read_with_it() {
    let streams = Streams::new();
    let read = Bytes::from(vec![b' '; READ_BYTES_MAX]);
    streams.push(STANDALONE, &read.slice(..100), None);
    assert!(read.is_unique());
}
