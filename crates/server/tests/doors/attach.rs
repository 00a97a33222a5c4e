//! The door for other processes of ours.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use server::attach::{Attach, AttachError, Hello, attach};
use server::limits::ATTACHED_MAX;
use server::shutdown::Trigger;
use server::{Shutdown, StdioError, relay};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::task::{JoinHandle, LocalSet};
use transport::{Pipe, memory};

use crate::harness::{call, gateway, initialize};

fn hello(fingerprint: &str) -> Hello {
    Hello::new("1", None, fingerprint.to_owned(), None)
}

/// A host that takes those who say `same`; to be called within a local set.
fn host(path: &Path) -> (Trigger, JoinHandle<()>) {
    let (trigger, shutdown) = Shutdown::new();
    let door = Attach::bind(path).unwrap();
    let (gateway, _) = gateway();
    let find = move |hello: Hello| {
        let gateway = gateway.clone();
        async move {
            match hello.fingerprint == "same" {
                true => Ok(gateway),
                false => Err("it has other servers".to_owned()),
            }
        }
    };
    let served = tokio::task::spawn_local(door.serve(find, shutdown));
    (trigger, served)
}

async fn recv(pipe: &mut Pipe) -> String {
    loop {
        let line = pipe.source.recv().await.expect("the pipe is closed");
        let text = String::from_utf8(line.unwrap().to_vec()).unwrap();
        if !text.contains("list_changed") {
            return text;
        }
    }
}

#[tokio::test]
async fn who_is_the_same_is_served_and_told_the_end() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("attach");
    let run = async {
        let (trigger, served) = host(&path);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let mut pipe = attach(&path, &hello("same")).await.unwrap();
        let first = initialize("2025-11-25");
        pipe.sink.send(first.as_bytes()).unwrap();
        assert!(recv(&mut pipe).await.contains("serverInfo"));
        trigger.drain();
        let last = recv(&mut pipe).await;
        assert!(last.contains(r#""taken":1"#), "{last}");
        assert!(pipe.source.recv().await.is_none());
        served.await.unwrap();
        assert!(!path.exists());
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn who_is_not_is_told_why() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("attach");
    let run = async {
        let (_trigger, _served) = host(&path);
        let refused = attach(&path, &hello("other")).await.err().unwrap();
        assert_eq!(refused.to_string(), "it has other servers");
        for line in ["{}\n", "GET / HTTP/1.1\r\n\r\n", "\n\u{0}\n"] {
            let mut stream = UnixStream::connect(&path).await.unwrap();
            stream.write_all(line.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
            let mut said = Vec::new();
            // Closed with or without what was not read.
            let _end = stream.read_to_end(&mut said).await;
            assert!(said.is_empty(), "{line}: {said:?}");
        }
        let gone = attach(&home.path().join("none"), &hello("same")).await;
        assert!(matches!(gone, Err(AttachError::Io(_))));
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn more_than_there_is_room_for_are_turned_away() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("attach");
    let run = async {
        let (_trigger, _served) = host(&path);
        let mut pipes = Vec::new();
        for _ in 0..ATTACHED_MAX {
            pipes.push(attach(&path, &hello("same")).await.unwrap());
        }
        let turned_away = attach(&path, &hello("same")).await;
        assert!(matches!(turned_away, Err(AttachError::Io(_))));
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn a_client_is_handed_on_as_if_it_had_come_itself() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("attach");
    let run = async {
        let (trigger, _served) = host(&path);
        let first = attach(&path, &hello("same")).await.unwrap();
        let (mut client, theirs) = memory::pair();
        let (_keep, shutdown) = Shutdown::new();
        let none = async || None;
        let served = tokio::task::spawn_local(relay(theirs, first, none, shutdown));
        client
            .sink
            .send(initialize("2025-11-25").as_bytes())
            .unwrap();
        assert!(recv(&mut client).await.contains("serverInfo"));
        client.sink.send(call(2, "echo").as_bytes()).unwrap();
        assert!(recv(&mut client).await.contains(r#""id":2"#));
        trigger.drain();
        assert!(client.source.recv().await.is_none());
        let served = served.await.unwrap();
        assert!(matches!(served, Err(StdioError::NoGateway)), "{served:?}");
    };
    LocalSet::new().run_until(run).await;
}
