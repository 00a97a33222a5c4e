//! A process that speaks over its own stdin and stdout, whatever these are. The test starts itself as that process.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
#![cfg(unix)]

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command};
use std::thread;

use portolan_transport::stdio;
use rustix::fs::{OFlags, fcntl_getfl};

const FRAMES: usize = 1000;

/// Sends every frame back, prefixed; what it prints on the side goes nowhere.
#[tokio::test]
#[ignore = "started by the other tests"]
async fn echo() {
    let mut pipe = stdio::own().unwrap();
    println!("{{\"stray\":true}}");
    while let Some(frame) = pipe.source.recv().await {
        let frame = [b"{\"echo\":", &*frame.unwrap(), b"}"].concat();
        while pipe.sink.send(&frame).is_err() {
            pipe.sink.drained().await;
        }
    }
    pipe.sink.close();
    pipe.sink.drained().await;
}

fn start(stdin: impl Into<OwnedFd>, stdout: impl Into<OwnedFd>) -> Child {
    #[expect(
        clippy::disallowed_methods,
        reason = "the process whose stdin and stdout are tested"
    )]
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "echo", "--ignored", "--nocapture"])
        .stdin(stdin.into())
        .stdout(stdout.into())
        .spawn()
        .unwrap()
}

fn frames() -> String {
    (0..FRAMES)
        .map(|n| format!("{{\"id\":{n},\"text\":\"{}\"}}\n", "x".repeat(n)))
        .collect()
}

/// What came back in order, without what the test harness prints before the process takes over.
fn check(output: &str) {
    let expected: String = frames()
        .lines()
        .map(|frame| format!("{{\"echo\":{frame}}}\n"))
        .collect();
    let output = &output[output.find("{\"echo\"").unwrap_or(output.len())..];
    assert!(output == expected, "{} bytes came back", output.len());
}

fn exchange(mut writer: impl Write + Send + 'static, mut reader: impl Read) -> String {
    let writing = thread::spawn(move || writer.write_all(frames().as_bytes()));
    let mut output = String::new();
    reader.read_to_string(&mut output).unwrap();
    writing.join().unwrap().unwrap();
    output
}

#[test]
fn pipes() {
    let (stdin, writer) = io::pipe().unwrap();
    let (reader, stdout) = io::pipe().unwrap();
    // As a parent or a sibling that shares them would see it.
    let shared = [
        OwnedFd::from(stdin.try_clone().unwrap()),
        OwnedFd::from(stdout.try_clone().unwrap()),
    ];
    let mut child = start(stdin, stdout);
    let writing = thread::spawn(move || {
        let mut writer = writer;
        writer.write_all(frames().as_bytes()).unwrap();
    });
    let mut output = Vec::new();
    let mut reader = reader;
    let mut buffer = [0; 4096];
    while !output.ends_with(format!("{}\"}}}}\n", "x".repeat(FRAMES - 1)).as_bytes()) {
        let read = reader.read(&mut buffer).unwrap();
        output.extend_from_slice(&buffer[..read]);
    }
    for shared in &shared {
        assert!(!fcntl_getfl(shared).unwrap().contains(OFlags::NONBLOCK));
    }
    writing.join().unwrap();
    drop(shared);
    assert!(child.wait().unwrap().success());
    assert_eq!(reader.read(&mut buffer).unwrap(), 0);
    check(std::str::from_utf8(&output).unwrap());
}

#[test]
fn sockets() {
    let (stdin, writer) = UnixStream::pair().unwrap();
    let (reader, stdout) = UnixStream::pair().unwrap();
    let mut child = start(stdin, stdout);
    check(&exchange(writer, reader));
    assert!(child.wait().unwrap().success());
}

#[test]
fn files() {
    let dir = tempfile::tempdir().unwrap();
    let (input, output) = (dir.path().join("in"), dir.path().join("out"));
    std::fs::write(&input, frames()).unwrap();
    let mut child = start(File::open(&input).unwrap(), File::create(&output).unwrap());
    assert!(child.wait().unwrap().success());
    check(&std::fs::read_to_string(&output).unwrap());
}
