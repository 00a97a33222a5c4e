//! Against an engine that is a script: each connection gets the next of its answers, as bytes, after its request has come.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use super::*;

/// What a connection gets.
#[derive(Clone)]
pub(in crate::container) enum Answer {
    /// These bytes, and the end.
    Bytes(Vec<u8>),
    /// These, and then nothing more, but no end either.
    Stall(Vec<u8>),
}

/// An engine of which everything is known.
pub(in crate::container) struct Script {
    dir: tempfile::TempDir,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Script {
    /// Answers each request by what the first rule says whose beginning it has; a rule that ends in `!` serves once.
    pub(in crate::container) fn new(rules: Vec<(&'static str, Answer)>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(dir.path().join("s")).unwrap();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let heard = asked.clone();
        std::thread::spawn(move || {
            let mut rules = rules;
            let mut stalled = Vec::new();
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let request = request(&mut stream);
                let begins = |rule: &str| request.starts_with(rule.trim_end_matches('!'));
                let at = rules.iter().position(|(rule, _)| begins(rule));
                heard.lock().unwrap().push(request.clone());
                let answer = match at {
                    Some(at) if rules[at].0.ends_with('!') => rules.remove(at).1,
                    Some(at) => rules[at].1.clone(),
                    None => Answer::Bytes(reply(404, "{\"message\":\"no such thing\"}")),
                };
                match answer {
                    Answer::Bytes(bytes) => drop(stream.write_all(&bytes)),
                    Answer::Stall(bytes) => {
                        drop(stream.write_all(&bytes));
                        stalled.push(stream);
                    }
                }
            }
        });
        Self { dir, asked }
    }

    pub(in crate::container) fn socket(&self) -> PathBuf {
        self.dir.path().join("s")
    }

    /// The first lines and bodies of all that was asked.
    pub(in crate::container) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// `METHOD PATH BODY`.
fn request(stream: &mut impl Read) -> String {
    let mut all = Vec::new();
    let mut byte = [0];
    while !all.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
        all.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&all).into_owned();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    let _ = stream.read_exact(&mut body);
    let line = head.lines().next().unwrap_or_default();
    let line = line.trim_end_matches(" HTTP/1.1");
    format!("{line} {}", String::from_utf8_lossy(&body))
}

pub(in crate::container) fn reply(status: u16, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

async fn asked(answer: Answer) -> Result<Vec<u8>, ApiError> {
    let script = Script::new(vec![("GET /x", answer)]);
    let api = Api::new(script.socket());
    let request = Request {
        method: "GET",
        path: "/x",
        body: None,
    };
    api.call(request, Duration::from_millis(300)).await
}

#[tokio::test]
async fn answers_are_read_however_they_are_framed() {
    let chunked =
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n";
    let closed = b"HTTP/1.1 200 OK\r\n\r\nabc";
    let interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
    for bytes in [&chunked[..], closed, interim, &reply(201, "abc")] {
        assert_eq!(asked(Answer::Bytes(bytes.to_vec())).await.unwrap(), b"abc");
    }
    // The rest of the connection is not waited for.
    for bytes in [&chunked[..], &reply(200, "abc")] {
        assert_eq!(asked(Answer::Stall(bytes.to_vec())).await.unwrap(), b"abc");
    }
    let nothing = b"HTTP/1.1 204 No Content\r\n\r\n".to_vec();
    assert_eq!(asked(Answer::Stall(nothing)).await.unwrap(), b"");
}

#[tokio::test]
async fn a_refusal_has_the_engines_own_words() {
    let error = asked(Answer::Bytes(reply(
        409,
        "{\"message\":\"name is in\\nuse.\"}",
    )))
    .await;
    let error = error.unwrap_err();
    assert_eq!(
        (error.status(), &*error.to_string()),
        (409, "name is in use")
    );
    let error = asked(Answer::Bytes(reply(500, "<html>")))
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "the container engine answered 500");
    let long = format!("{{\"cause\":\"{}\"}}", "x".repeat(9_999));
    let error = asked(Answer::Bytes(reply(500, &long))).await.unwrap_err();
    assert_eq!(error.to_string().len(), ENGINE_WORDS_CHARS_MAX);
}

#[tokio::test]
async fn an_engine_that_dies_stalls_or_is_none_is_told_apart() {
    for cut in [
        &b""[..],
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
    ] {
        let error = asked(Answer::Bytes(cut.to_vec())).await.unwrap_err();
        assert!(matches!(error, ApiError::Gone(_)), "{error}");
        let error = asked(Answer::Stall(cut.to_vec())).await.unwrap_err();
        assert!(matches!(error, ApiError::Slow(_)), "{error}");
    }
    for garbage in [
        &b"SSH-2.0-OpenSSH_9.2\r\n\r\n"[..],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
    ] {
        let error = asked(Answer::Bytes(garbage.to_vec())).await.unwrap_err();
        assert!(matches!(error, ApiError::Garbage { .. }), "{error}");
    }
    let nowhere = Api::new("/nowhere/engine.sock".into());
    let error = nowhere.get::<Value>("/x", ENGINE_ANSWER).await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("nothing answers at /nowhere/"),
        "{error}"
    );
}

#[tokio::test]
async fn an_answer_has_an_end() {
    let mut flood = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    flood.resize(ENGINE_REPLY_BYTES_MAX + 100, b'x');
    let script = Script::new(vec![("GET", Answer::Stall(flood))]);
    let api = Api::new(script.socket());
    let request = Request {
        method: "GET",
        path: "/x",
        body: None,
    };
    let error = api
        .call(request, Duration::from_secs(30))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("more than 8388608 bytes"),
        "{error}"
    );
}

#[test]
fn what_goes_into_a_path_stays_one_part_of_it() {
    assert_eq!(encoded("a b/../c?d&e"), "a%20b%2F..%2Fc%3Fd%26e");
}

const ENGINE_ANSWER: Duration = Duration::from_secs(5);
