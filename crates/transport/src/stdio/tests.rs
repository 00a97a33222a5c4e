//! Over real pipes, sockets and files. A test that must know how often was written uses a pipe in packet mode, where
//! every write can be read only on its own.

use std::io::{PipeReader, PipeWriter, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::limits::{OUTBOX_BYTES_MAX, TURN_BYTES_MAX};

/// A pipe of ours, and the ends that a child would have.
fn connected() -> (Pipe, PipeReader, PipeWriter) {
    let (read, child_stdout) = io::pipe().unwrap();
    let (child_stdin, write) = io::pipe().unwrap();
    (
        from_fds(read.into(), write.into()).unwrap(),
        child_stdin,
        child_stdout,
    )
}

/// A sink alone, and the far end of it.
fn sink(write: impl Into<OwnedFd>) -> Arc<dyn FrameSink> {
    let (read, _) = io::pipe().unwrap();
    from_fds(read.into(), write.into()).unwrap().sink
}

async fn next(source: &mut Box<dyn FrameSource>) -> Bytes {
    source.recv().await.unwrap().unwrap()
}

/// Reads what there is on a thread, so that the runtime of the test goes on.
async fn on_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test]
async fn frames_go_both_ways() {
    let (mut pipe, mut stdin, mut stdout) = connected();
    stdout
        .write_all(b"{\"id\":1}\n{\"id\":2}\n\n{\"id\"")
        .unwrap();
    assert_eq!(next(&mut pipe.source).await, "{\"id\":1}");
    assert_eq!(next(&mut pipe.source).await, "{\"id\":2}");
    stdout.write_all(b":3}").unwrap();
    drop(stdout);
    assert_eq!(next(&mut pipe.source).await, "{\"id\":3}");
    assert!(pipe.source.recv().await.is_none());
    assert!(pipe.source.recv().await.is_none());

    pipe.sink.send(b"{\"id\":4}").unwrap();
    pipe.sink.drained().await;
    let mut got = [0; 9];
    stdin.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"{\"id\":4}\n");
}

#[tokio::test]
async fn a_reader_that_leaves_is_noticed_without_sending() {
    let (to_pipe, write) = io::pipe().unwrap();
    let (to_socket, socket) = UnixStream::pair().unwrap();
    for (reader, writer) in [
        (OwnedFd::from(to_pipe), OwnedFd::from(write)),
        (to_socket.into(), socket.into()),
    ] {
        let sink = sink(writer);
        sink.send(b"{}").unwrap();
        sink.drained().await;
        let mut gone = tokio::spawn(async move { sink.gone().await });
        tokio::task::yield_now().await;
        assert!(
            tokio::time::timeout(Duration::from_millis(50), &mut gone)
                .await
                .is_err()
        );
        drop(reader);
        gone.await.unwrap();
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_becomes_ready_together_is_written_at_once() {
    use rustix::pipe::{PipeFlags, pipe_with};

    let (reader, writer) = pipe_with(PipeFlags::DIRECT | PipeFlags::CLOEXEC).unwrap();
    let sink = sink(writer);
    let senders: Vec<_> = (0..10)
        .map(|n| {
            let sink = sink.clone();
            tokio::spawn(async move { sink.send(format!("{n}").as_bytes()).unwrap() })
        })
        .collect();
    for sender in senders {
        sender.await.unwrap();
    }
    sink.drained().await;
    let mut packet = [0; 4096];
    let read = rustix::io::read(&reader, &mut packet).unwrap();
    assert_eq!(&packet[..read], b"0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
}

#[tokio::test]
async fn another_thread_writes_without_waking_this_one() {
    let (reader, writer) = io::pipe().unwrap();
    let sink = sink(writer);
    // Until the next await nothing runs on this thread, the flusher neither.
    thread::scope(|scope| {
        scope.spawn(|| {
            sink.send(b"one").unwrap();
            sink.send(b"two").unwrap();
        });
    });
    let mut got = [0; 16];
    assert_eq!(rustix::io::read(&reader, &mut got).unwrap(), 8);
    assert_eq!(&got[..8], b"one\ntwo\n");
    sink.send(b"three").unwrap();
    sink.drained().await;
    assert_eq!(rustix::io::read(&reader, &mut got).unwrap(), 6);
}

#[tokio::test]
async fn a_reader_that_stops_fills_the_outbox_and_nothing_else() {
    let (mut reader, writer) = io::pipe().unwrap();
    let sink = sink(writer);
    let frame = vec![b'x'; 1 << 20];
    let mut sent = 0;
    while sink.send(&frame).is_ok() {
        sent += 1;
        // The runtime goes on: this returns although the flusher has a full pipe before it.
        tokio::task::yield_now().await;
    }
    assert_eq!(sink.send(&frame), Err(SendError::Full));
    assert!((sent << 20) < OUTBOX_BYTES_MAX + (1 << 20), "{sent}");

    let reading = tokio::task::spawn_blocking(move || {
        let mut all = Vec::new();
        reader.read_to_end(&mut all).map(|_| all)
    });
    sink.drained().await;
    sink.send(b"last").unwrap();
    sink.close();
    let all = reading.await.unwrap().unwrap();
    assert_eq!(all.len(), sent * (frame.len() + 1) + 5);
    let lines: Vec<_> = all
        .strip_suffix(b"\n")
        .unwrap()
        .split(|byte| *byte == b'\n')
        .collect();
    assert!(lines[..sent].iter().all(|line| *line == frame));
    assert_eq!(lines[sent..], [b"last"]);
}

#[tokio::test]
async fn a_closed_reader_closes_the_sink() {
    let (reader, writer) = io::pipe().unwrap();
    let sink = sink(writer);
    drop(reader);
    sink.send(b"one").unwrap();
    sink.drained().await;
    assert_eq!(sink.send(b"two"), Err(SendError::Closed));

    let (reader, writer) = io::pipe().unwrap();
    let sink = self::sink(writer);
    drop(reader);
    let other = sink.clone();
    assert_eq!(
        on_thread(move || other.send(b"one")).await,
        Err(SendError::Closed)
    );
    sink.drained().await;
    assert_eq!(sink.send(b"two"), Err(SendError::Closed));
}

#[tokio::test]
async fn close_delivers_what_is_queued_and_then_the_end() {
    let (mut reader, writer) = io::pipe().unwrap();
    let sink = sink(writer);
    sink.send(b"one").unwrap();
    sink.close();
    assert_eq!(sink.send(b"two"), Err(SendError::Closed));
    sink.drained().await;
    let mut all = String::new();
    reader.read_to_string(&mut all).unwrap();
    assert_eq!(all, "one\n");
}

#[tokio::test]
async fn dropping_the_sink_closes_it() {
    let (mut reader, writer) = io::pipe().unwrap();
    let sink = sink(writer);
    sink.send(b"one").unwrap();
    drop(sink);
    let all = on_thread(move || {
        let mut all = String::new();
        reader.read_to_string(&mut all).map(|_| all)
    });
    assert_eq!(all.await.unwrap(), "one\n");
}

#[tokio::test(start_paused = true)]
async fn close_does_not_wait_for_ever() {
    let (reader, writer) = io::pipe().unwrap();
    let sink = sink(writer);
    sink.send(&vec![b'x'; 1 << 20]).unwrap();
    // Once with the flusher waiting for the pipe, which must hear of it.
    tokio::task::yield_now().await;
    let before = tokio::time::Instant::now();
    sink.close();
    sink.drained().await;
    let took = before.elapsed();
    assert!(
        took >= CLOSE_FLUSH && took < CLOSE_FLUSH + Duration::from_millis(10),
        "{took:?}"
    );
    drop(reader);
}

#[tokio::test]
async fn a_line_over_the_limit_does_not_end_the_conversation() {
    let (mut pipe, _stdin, mut stdout) = connected();
    let writing = tokio::task::spawn_blocking(move || {
        stdout.write_all(&vec![b'x'; LINE_BYTES_MAX + 1])?;
        stdout.write_all(b"tail\nnext\n")?;
        stdout.write_all(&vec![b'y'; LINE_BYTES_MAX])?;
        stdout.write_all(b"\n")
    });
    assert!(matches!(
        pipe.source.recv().await,
        Some(Err(ReadError::TooLong {
            limit: LINE_BYTES_MAX
        }))
    ));
    assert_eq!(next(&mut pipe.source).await, "next");
    assert_eq!(next(&mut pipe.source).await.len(), LINE_BYTES_MAX);
    writing.await.unwrap().unwrap();
    assert!(pipe.source.recv().await.is_none());
}

#[tokio::test]
async fn a_flood_leaves_others_their_turns() {
    let (mut pipe, _stdin, mut stdout) = connected();
    stdout.write_all("1\n".repeat(30_000).as_bytes()).unwrap();
    drop(stdout);
    let reading = tokio::spawn(async move { while pipe.source.recv().await.is_some() {} });
    let mut turns = 0;
    while !reading.is_finished() {
        tokio::task::yield_now().await;
        turns += 1;
    }
    assert!(turns > 100, "{turns}");
}

#[tokio::test]
async fn between_pieces_of_a_long_line_the_system_is_asked_for_others() {
    // Four pieces are there already; whoever has something to read after the first is not to wait for the others.
    let (mut long, _stdin, mut stdout) = connected();
    let room = 4 * TURN_BYTES_MAX;
    rustix::pipe::fcntl_setpipe_size(&stdout, room).unwrap();
    stdout.write_all(&vec![b'x'; room]).unwrap();
    drop(stdout);
    let (mut other, _other_stdin, mut other_stdout) = connected();
    let answered = tokio::spawn(async move { next(&mut other.source).await });
    // As a task: the future that a runtime was given itself is not what keeps it from asking.
    let reading = tokio::spawn(async move {
        let mut pieces = 0;
        std::future::poll_fn(|cx| {
            let polled = long.source.poll_recv(cx);
            pieces += 1;
            // The first time it hears that there is something.
            if pieces == 2 {
                other_stdout.write_all(b"one\n").unwrap();
            }
            match answered.is_finished() {
                true => Poll::Ready(()),
                false => polled.map(|_| ()),
            }
        })
        .await;
        pieces
    });
    let pieces = reading.await.unwrap();
    assert!(pieces <= 4, "{pieces}");
}

#[tokio::test]
async fn sockets_work_and_are_left_as_they_are_for_others() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let shared = ours.try_clone().unwrap();
    let mut pipe = from_fds(ours.try_clone().unwrap().into(), ours.into()).unwrap();
    assert!(
        !rustix::fs::fcntl_getfl(&shared)
            .unwrap()
            .contains(OFlags::NONBLOCK)
    );
    theirs.write_all(b"one\n").unwrap();
    assert_eq!(next(&mut pipe.source).await, "one");
    pipe.sink.send(&vec![b'x'; 1 << 20]).unwrap();
    pipe.sink.close();
    let all = on_thread(move || {
        let mut all = Vec::new();
        theirs.read_to_end(&mut all).map(|_| all)
    });
    // Although `shared` is still open, the end is seen.
    assert_eq!(all.await.unwrap().len(), (1 << 20) + 1);
    assert!(pipe.source.recv().await.is_none());
}

#[tokio::test]
async fn files_work_through_threads() {
    let dir = tempfile::tempdir().unwrap();
    let (input, output) = (dir.path().join("in"), dir.path().join("out"));
    std::fs::write(&input, "one\ntwo\nthree").unwrap();
    let read = std::fs::File::open(&input).unwrap();
    let write = std::fs::File::create(&output).unwrap();
    let mut pipe = from_fds(read.into(), write.into()).unwrap();
    while let Some(frame) = pipe.source.recv().await {
        pipe.sink.send(&frame.unwrap()).unwrap();
    }
    pipe.sink.drained().await;
    assert_eq!(
        std::fs::read_to_string(&output).unwrap(),
        "one\ntwo\nthree\n"
    );
    pipe.sink.close();
    pipe.sink.drained().await;
    assert_eq!(pipe.sink.send(b"four"), Err(SendError::Closed));
}

#[tokio::test]
async fn a_shared_pipe_is_opened_anew() {
    let (reader, mut writer) = io::pipe().unwrap();
    let way = Way::shared(reader.as_fd(), OFlags::RDONLY).unwrap();
    assert!(
        !rustix::fs::fcntl_getfl(&reader)
            .unwrap()
            .contains(OFlags::NONBLOCK)
    );
    let Way::Pollable(stream) = way else {
        panic!("a pipe can be polled")
    };
    assert!(
        rustix::fs::fcntl_getfl(stream.as_fd())
            .unwrap()
            .contains(OFlags::NONBLOCK)
    );
    writer.write_all(b"one").unwrap();
    let mut got = [0; 8];
    assert_eq!(stream.read(&mut got).unwrap(), 3);
    assert_eq!(stream.read(&mut got), Err(Errno::AGAIN));
}

#[test]
fn outside_a_runtime_is_an_error() {
    let (read, write) = io::pipe().unwrap();
    assert!(from_fds(read.into(), write.into()).is_err());
}

#[test]
fn a_runtime_that_ends_closes_its_sinks() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (_reader, writer) = io::pipe().unwrap();
    let sink = runtime.block_on(async { sink(writer) });
    drop(runtime);
    assert_eq!(sink.send(b"one"), Err(SendError::Closed));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn each_sender_keeps_its_order(
        sizes in prop::collection::vec(prop_oneof![8 => 0usize..200, 1 => 0usize..100_000], 1..60),
        threads in 1usize..5,
        home in any::<bool>(),
        chunk in 1usize..100_000,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (mut reader, writer) = io::pipe().unwrap();
        let reading = thread::spawn(move || {
            let (mut all, mut buffer) = (Vec::new(), vec![0; chunk]);
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                all.extend_from_slice(&buffer[..read]);
            }
            all
        });
        let send = |sink: &dyn FrameSink, who: usize| {
            for (n, size) in sizes.iter().enumerate() {
                sink.send(format!("{who} {n} {}", "x".repeat(*size)).as_bytes()).unwrap();
            }
        };
        runtime.block_on(async {
            let sink = sink(writer);
            let started = std::sync::Barrier::new(threads);
            thread::scope(|scope| {
                for who in 0..threads {
                    let (sink, started) = (&sink, &started);
                    scope.spawn(move || {
                        started.wait();
                        send(&**sink, who);
                    });
                }
                if home {
                    send(&*sink, threads);
                }
            });
            sink.close();
            sink.drained().await;
        });
        let all = String::from_utf8(reading.join().unwrap()).unwrap();
        let mut seen = vec![0; threads + 1];
        for line in all.lines() {
            let mut parts = line.splitn(3, ' ');
            let who: usize = parts.next().unwrap().parse().unwrap();
            let n: usize = parts.next().unwrap().parse().unwrap();
            prop_assert_eq!(n, seen[who]);
            prop_assert_eq!(parts.next().unwrap().len(), sizes[n]);
            seen[who] += 1;
        }
        prop_assert!(seen[..threads].iter().all(|count| *count == sizes.len()));
        prop_assert_eq!(seen[threads], if home { sizes.len() } else { 0 });
    }
}
