//! With real programs and a socket that answers as it likes.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use config::How;
use launch::Options;

use super::*;

fn facts() -> CallFacts {
    CallFacts {
        id: 1,
        caller: "local".into(),
        client: None,
        is_stateless: false,
        server: "a".into(),
        name: "x".into(),
        called: "x".into(),
        arguments: r#"{"query":"blue"}"#.to_owned(),
    }
}

fn configured(flag: &str) -> Configured {
    Configured::parse(flag).unwrap()
}

fn asked(configured: Configured) -> Asked {
    let runner = ProgramRunner::new(Options::inherited());
    Asked {
        asking: Asking::new(&configured.how, &runner).unwrap(),
        deadline: Duration::from_secs(configured.timeout_s),
        configured,
        turns: Arc::new(Semaphore::new(2)),
        log: None,
    }
}

fn ours(script: &str) -> Configured {
    Configured {
        is_dockers: false,
        name: "ours".to_owned(),
        ..configured(&format!("before:exec:{script}"))
    }
}

async fn verdict(configured: Configured, response: Option<&str>) -> Verdict {
    asked(configured).see(&facts(), response).await
}

fn refused(verdict: Verdict) -> String {
    match verdict {
        Verdict::Refuse(reason) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_program_decides() {
    let decision = r#"jq -c 'if .request.params.arguments.query == "blue" then {decision:"refuse",reason:("not "+.call.caller)} else {decision:"allow"} end'"#;
    assert_eq!(
        verdict(ours(decision), None).await,
        Verdict::Refuse("not local".into())
    );
    let rewrite =
        r#"jq -c '{decision:"rewrite",arguments:(.request.params.arguments + {more:1})}'"#;
    assert_eq!(
        verdict(ours(rewrite), None).await,
        Verdict::Rewrite(r#"{"query":"blue","more":1}"#.into())
    );
    assert_eq!(verdict(ours("true"), None).await, Verdict::Allow);
}

/// The lines of Docker's own page about interceptors, as they stand there.
#[tokio::test]
async fn dockers_examples_run_unchanged() {
    let long = format!(
        r#"{{"result":{{"content":[{{"type":"text","text":"{}"}}]}}}}"#,
        "é".repeat(200)
    );
    for flag in [
        r#"before:exec:echo Query=$(jq -r ".params.arguments.query") >&2"#,
        r#"before:exec:echo Arguments=$(jq -r ".params.arguments") >&2"#,
        r#"before:exec:echo ============BEFORE==============: Query=$(jq -r ".params.arguments.query") >&2"#,
    ] {
        assert_eq!(
            verdict(configured(flag), None).await,
            Verdict::Allow,
            "{flag}"
        );
    }
    let flag = r#"after:exec:echo Response=$(jq -r ".") >&2"#;
    assert_eq!(verdict(configured(flag), Some(&long)).await, Verdict::Allow);
    let flag = "after:exec:jq -c '.content[].text |= (.[:100])'";
    let Verdict::Answer(result) = verdict(configured(flag), Some(&long)).await else {
        panic!("no answer");
    };
    let result: serde_json::Value = serde_json::from_str(&result).unwrap();
    assert_eq!(result["content"][0]["text"], "é".repeat(100));
}

#[tokio::test]
async fn what_a_program_writes_on_stderr_is_told() {
    let flag = configured(r#"before:exec:echo Query=$(jq -r ".params.arguments.query") >&2"#);
    let one = asked(flag);
    let late = String::new;
    let told = payload::dockers(&facts(), None);
    let (said, notes) = one.asking.ask(told, one.deadline, &late).await.unwrap();
    assert!(said.is_empty());
    assert_eq!(notes, ["Query=blue"]);
}

#[tokio::test]
async fn what_fails_refuses_with_the_reason_or_lets_pass_where_that_is_wanted() {
    for (script, said) in [
        (
            "echo nonsense",
            "did not answer as schemas/interceptor.schema.json",
        ),
        ("echo oh no >&2; exit 3", "oh no"),
        ("kill -9 $$", "it failed"),
        ("head -c 20000000 /dev/zero", "more than 16777216 bytes"),
        (
            "echo '{\"decision\":\"answer\",\"result\":{}}'",
            "has no `content`",
        ),
    ] {
        let reason = refused(verdict(ours(script), None).await);
        assert!(
            reason.starts_with("interceptor `ours` failed: "),
            "{reason}"
        );
        assert!(reason.contains(said), "{script}: {reason}");
        let lenient = Configured {
            lets_pass: true,
            ..ours(script)
        };
        assert_eq!(verdict(lenient, None).await, Verdict::Allow, "{script}");
    }
    let missing = Configured {
        how: How::Exec(vec!["/no/such/program".into()]),
        ..ours("true")
    };
    let reason = refused(verdict(missing, None).await);
    assert!(reason.contains("does not start"), "{reason}");
}

#[tokio::test]
async fn what_hangs_is_ended_with_all_that_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let hanging = Configured {
        timeout_s: 1,
        ..ours(&format!("sleep 1000 & echo $! > {}; wait", file.display()))
    };
    let reason = refused(verdict(hanging, None).await);
    assert!(reason.contains("did not end within 1 s"), "{reason}");
    let pid: i32 = std::fs::read_to_string(&file)
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    // It was killed; until its new parent has noticed, a shell of it may be left.
    let is_gone = || match std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())) {
        Ok(stat) => stat.contains(") Z "),
        Err(_) => true,
    };
    while !is_gone() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_call_that_is_taken_back_ends_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let one = asked(ours(&format!(
        "echo $$ > {}; exec sleep 1000",
        file.display()
    )));
    let facts = facts();
    let mut seeing = one.see(&facts, None);
    let written = async {
        loop {
            match std::fs::read_to_string(&file) {
                Ok(text) if text.ends_with('\n') => break text.trim().to_owned(),
                _ => tokio::time::sleep(Duration::from_millis(2)).await,
            }
        }
    };
    let pid = tokio::select! {
        pid = written => pid,
        verdict = &mut seeing => panic!("{verdict:?}"),
    };
    drop(seeing);
    let is_gone = || match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat.contains(") Z "),
        Err(_) => true,
    };
    while !is_gone() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn no_more_than_so_many_are_asked_at_once() {
    let one = asked(Configured {
        timeout_s: 1,
        ..ours("true")
    });
    let _all = one.turns.acquire_many(2).await.unwrap();
    let reason = refused(one.see(&facts(), None).await);
    assert!(reason.contains("too many others"), "{reason}");
}

/// Answers one request with these bytes; what it was sent comes back.
fn answering(reply: Vec<u8>) -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/look", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut got = Vec::new();
        let mut chunk = [0; 4_096];
        let body = loop {
            let read = stream.read(&mut chunk).unwrap();
            got.extend_from_slice(&chunk[..read]);
            let text = String::from_utf8_lossy(&got).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head
                    .lines()
                    .find_map(|line| {
                        line.to_ascii_lowercase()
                            .strip_prefix("content-length: ")?
                            .parse()
                            .ok()
                    })
                    .unwrap_or(0);
                if body.len() >= length || read == 0 {
                    break body.to_owned();
                }
            }
        };
        let _ = stream.write_all(&reply);
        body
    });
    (url, served)
}

fn http(reply: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{reply}",
        reply.len()
    )
    .into()
}

#[tokio::test]
async fn an_address_decides() {
    let (url, served) = answering(http(r#"{"decision":"refuse","reason":"no"}"#));
    let one = Configured {
        is_dockers: false,
        ..configured(&format!("before:http:{url}"))
    };
    assert_eq!(verdict(one, None).await, Verdict::Refuse("no".into()));
    let got: serde_json::Value = serde_json::from_str(&served.join().unwrap()).unwrap();
    assert_eq!(got["request"]["params"]["arguments"]["query"], "blue");

    // As Docker's example answers: a success with nothing in it.
    let (url, served) = answering(http(""));
    let flag = configured(&format!("after:http:{url}"));
    let response = r#"{"result":{"content":[{"type":"text","text":"hi"}]}}"#;
    assert_eq!(verdict(flag, Some(response)).await, Verdict::Allow);
    assert_eq!(
        served.join().unwrap(),
        r#"{"content":[{"type":"text","text":"hi"}]}"#
    );
}

#[tokio::test]
async fn an_address_that_fails_says_how() {
    for (reply, said) in [
        (
            b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n".to_vec(),
            "status 500",
        ),
        (http("nonsense"), "neither nothing nor the result"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nx".to_vec(),
            "",
        ),
        (b"what?\r\n\r\n".to_vec(), ""),
    ] {
        let (url, served) = answering(reply);
        let reason = refused(verdict(configured(&format!("before:http:{url}")), None).await);
        assert!(
            reason.contains("failed: ") && reason.contains(said),
            "{reason}"
        );
        served.join().unwrap();
    }
    // One that accepts and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = Configured {
        timeout_s: 1,
        ..configured(&format!(
            "before:http:http://{}/",
            listener.local_addr().unwrap()
        ))
    };
    let reason = refused(verdict(silent, None).await);
    assert!(reason.contains("did not answer within 1 s"), "{reason}");
}

#[test]
fn they_stand_where_they_are_meant_to() {
    let work = Configured {
        profile: vec!["work*".into()],
        server: vec!["git*".into()],
        tool: vec!["delete_*".into(), "x".into()],
        ..configured("before:exec:true")
    };
    let count = |profile| {
        standing(std::slice::from_ref(&work), profile, None)
            .unwrap()
            .len()
    };
    assert_eq!(
        (count(None), count(Some("home")), count(Some("work-1"))),
        (0, 0, 1)
    );
    let standing = standing(std::slice::from_ref(&work), Some("work"), None).unwrap();
    for (server, tool, wants) in [
        ("github", "delete_file", true),
        ("GitHub", "x", true),
        ("github", "read", false),
        ("other", "x", false),
    ] {
        assert_eq!(standing[0].wants(server, tool), wants, "{server} {tool}");
    }
}
