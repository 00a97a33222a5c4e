use super::*;

#[tokio::test]
async fn what_goes_in_comes_out_in_order_and_then_the_end() {
    let (here, mut there) = pair();
    here.sink.send(b"one").unwrap();
    here.sink.send(b" ").unwrap();
    here.sink.send(b"two").unwrap();
    here.sink.close();
    assert_eq!(here.sink.send(b"three"), Err(SendError::Closed));
    assert_eq!(there.source.recv().await.unwrap().unwrap(), "one");
    assert_eq!(there.source.recv().await.unwrap().unwrap(), "two");
    assert!(there.source.recv().await.is_none());
    here.sink.drained().await;
}

#[tokio::test]
async fn the_queue_is_bounded() {
    let (here, mut there) = pair();
    let frame = vec![b'x'; 1 << 20];
    let sent = (0..100)
        .take_while(|_| here.sink.send(&frame).is_ok())
        .count();
    assert_eq!(sent, (OUTBOX_BYTES_MAX >> 20) - 1);
    assert_eq!(here.sink.send(&frame), Err(SendError::Full));
    there.source.recv().await.unwrap().unwrap();
    here.sink.send(&frame).unwrap();
}

#[tokio::test]
async fn a_line_over_the_limit_is_an_error_and_the_next_one_is_read() {
    let (here, mut there) = pair();
    here.sink.send(&vec![b'x'; LINE_BYTES_MAX + 1]).unwrap();
    here.sink.send(b"next").unwrap();
    assert!(matches!(
        there.source.recv().await,
        Some(Err(ReadError::TooLong { .. }))
    ));
    assert_eq!(there.source.recv().await.unwrap().unwrap(), "next");
}

#[tokio::test]
async fn dropping_either_end_is_seen_at_the_other() {
    let (here, there) = pair();
    drop(there.source);
    assert_eq!(here.sink.send(b"one"), Err(SendError::Closed));
    here.sink.drained().await;
    drop(there.sink);
    let mut source = here.source;
    assert!(source.recv().await.is_none());
}

#[tokio::test]
async fn a_waiting_reader_and_a_waiting_writer_are_woken() {
    let (here, mut there) = pair();
    let reader = tokio::spawn(async move { there.source.recv().await.unwrap().unwrap() });
    tokio::task::yield_now().await;
    here.sink.send(b"one").unwrap();
    here.sink.drained().await;
    assert_eq!(reader.await.unwrap(), "one");
}

#[tokio::test]
async fn a_flood_leaves_others_their_turns() {
    let (here, mut there) = pair();
    for n in 0..10_000 {
        here.sink.send(n.to_string().as_bytes()).unwrap();
    }
    here.sink.close();
    let reading = tokio::spawn(async move { while there.source.recv().await.is_some() {} });
    let mut turns = 0;
    while !reading.is_finished() {
        tokio::task::yield_now().await;
        turns += 1;
    }
    assert!(turns > 50, "{turns}");
}
