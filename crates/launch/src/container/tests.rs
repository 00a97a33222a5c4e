//! The launcher before an engine that is a script: what it asks for, what it leaves behind, what it says of an engine
//! that misbehaves. A real engine is in `tests/containers`.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use catalog::{Network, Origin, ServerName};

use super::api::tests::{Answer, Script, reply};
use super::*;
use crate::{ExitReason, Options, ProcessLauncher};

struct Gateways;

impl Registry for Gateways {
    fn name(&self) -> String {
        "/run/here".to_owned()
    }

    fn id(&self) -> io::Result<String> {
        Ok("1-me".to_owned())
    }

    fn is_alive(&self, id: &str) -> bool {
        id == "1-me" || id == "2-alive"
    }
}

const VERSION: &str = r#"{"Version":"20.10.24+dfsg1","ApiVersion":"1.41","MinAPIVersion":"1.12","Os":"linux","Arch":"amd64","Components":[{"Name":"Engine"}]}"#;
const INFO: &str = r#"{"SecurityOptions":["name=seccomp,profile=default"],"InitBinary":"docker-init","MemoryLimit":true,"PidsLimit":false,"CpuCfsQuota":true}"#;
const IMAGE: &str =
    r#"{"Id":"sha256:aa","Os":"linux","Architecture":"amd64","Config":{"Entrypoint":["server"]}}"#;

fn says(body: &str) -> Answer {
    Answer::Bytes(reply(200, body))
}

fn stream(bytes: &[u8]) -> Vec<u8> {
    let mut all =
        b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n".to_vec();
    all.extend_from_slice(bytes);
    all
}

fn framed(stream: u8, text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap().to_be_bytes();
    [&[stream, 0, 0, 0][..], &length, text.as_bytes()].concat()
}

/// The rules of an engine that does as it should, with others before them.
fn rules(before: Vec<(&'static str, Answer)>) -> Vec<(&'static str, Answer)> {
    let mut rules = before;
    rules.extend([
        ("GET /version", says(VERSION)),
        ("GET /v1.41/info", says(INFO)),
        ("GET /v1.41/containers/json", says("[]")),
        ("GET /v1.41/images/acme/x:1/json", says(IMAGE)),
        (
            "POST /v1.41/containers/create?name=portolan-x-",
            Answer::Bytes(reply(201, "{\"Id\":\"c1\"}")),
        ),
        (
            "POST /v1.41/containers/c1/attach",
            Answer::Stall(stream(
                &[framed(2, "hello\n"), framed(1, "{\"a\":1}\n{\"b\"")].concat(),
            )),
        ),
        ("POST /v1.41/containers/c1/wait", Answer::Stall(stream(b""))),
        (
            "POST /v1.41/containers/c1/start",
            Answer::Bytes(reply(204, "")),
        ),
        (
            "GET /v1.41/containers/c1/json",
            says("{\"State\":{\"Pid\":7}}"),
        ),
        (
            "POST /v1.41/containers/c1/kill",
            Answer::Bytes(reply(204, "")),
        ),
        ("DELETE /v1.41/containers/c1", Answer::Bytes(reply(204, ""))),
    ]);
    rules
}

fn launcher(script: &Script) -> (tempfile::TempDir, ContainerLauncher) {
    let dir = tempfile::tempdir().unwrap();
    let options = ContainerOptions {
        which: Which::Docker,
        places: Places {
            docker_host: Some(format!("unix://{}", script.socket().display())),
            runtime_dir: None,
            home: None,
        },
        limits: BoxLimits::default(),
        pull: Pull::Never,
        signers: Signers::default(),
        on_progress: Arc::new(|_| {}),
        folder: dir.path().join("cache"),
        own_folders: Vec::new(),
        cwd: None,
        registry: Arc::new(Gateways),
    };
    let others = Arc::new(ProcessLauncher::new(Options::default()));
    (dir, ContainerLauncher::new(options, others))
}

fn entry() -> Entry {
    let launch = Launch::Container {
        image: "acme/x:1".to_owned(),
        command: vec!["--key=hunter2".to_owned()],
        env: vec![("TOKEN".to_owned(), "hunter3".to_owned())],
        user: None,
        extra_hosts: Vec::new(),
        is_writable: false,
    };
    let mut entry = Entry::new(ServerName::new("x").unwrap(), launch);
    entry.source = "team.yaml".to_owned();
    entry
}

/// Waits until the engine was asked something.
async fn asked(script: &Script, what: &str) {
    for _ in 0..500 {
        if script.asked().iter().any(|asked| asked.starts_with(what)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what} was not asked: {:#?}", script.asked());
}

async fn failure(rules: Vec<(&'static str, Answer)>) -> (String, Script) {
    let script = Script::new(rules);
    let (_dir, launcher) = launcher(&script);
    match launcher.launch(&entry()).await {
        Ok(_) => panic!("it started"),
        Err(error) => (error.to_string(), script),
    }
}

#[tokio::test]
async fn a_server_is_created_attached_waited_for_and_started() {
    let script = Script::new(rules(vec![]));
    let (_dir, launcher) = launcher(&script);
    let launched = launcher.launch(&entry()).await.unwrap();
    let (Link::Pipe(mut pipe), Some(process)) = (launched.link, launched.process) else {
        panic!("it is a pipe with a process");
    };
    assert_eq!(&*pipe.source.recv().await.unwrap().unwrap(), b"{\"a\":1}");
    assert_eq!(process.stderr_tail(1), ["hello"]);
    assert_eq!(process.pid(), 7);
    let order: Vec<_> = script
        .asked()
        .iter()
        .filter_map(|asked| {
            Some(
                asked
                    .split_once("/containers/")?
                    .1
                    .split(['?', ' '])
                    .next()?
                    .to_owned(),
            )
        })
        .filter(|what| what != "json")
        .collect();
    assert_eq!(
        order,
        ["create", "c1/attach", "c1/wait", "c1/start", "c1/json"]
    );
    assert!(!script.asked().concat().contains("hunter"));
    drop(process);
    asked(&script, "DELETE /v1.41/containers/c1?force=1&v=1").await;
}

#[tokio::test]
async fn its_end_is_told_with_what_can_be_known_of_it() {
    for (answer, reason, note) in [
        (says("{\"StatusCode\":3}"), ExitReason::Code(3), None),
        (
            says("{\"StatusCode\":137}"),
            ExitReason::Code(137),
            Some("more memory than its limit"),
        ),
        (
            Answer::Bytes(stream(b"")),
            ExitReason::EngineGone,
            Some("is no container engine"),
        ),
        (
            says("{}"),
            ExitReason::EngineGone,
            Some("the container was lost"),
        ),
    ] {
        let script = Script::new(rules(vec![("POST /v1.41/containers/c1/wait", answer)]));
        let (_dir, launcher) = launcher(&script);
        let launched = launcher.launch(&entry()).await.unwrap();
        let process = launched.process.unwrap();
        assert_eq!(process.exited().await, reason);
        let told = process.stderr_tail(9).join("\n");
        assert!(note.is_none_or(|note| told.contains(note)), "{told}");
    }
}

#[tokio::test]
async fn an_idle_one_is_paused_until_it_is_needed() {
    let script = Script::new(rules(vec![]));
    let (_dir, launcher) = launcher(&script);
    let launched = launcher.launch(&entry()).await.unwrap();
    let process = launched.process.unwrap();
    // One that is not paused is not asked to go on.
    process.thaw();
    process.freeze();
    asked(&script, "POST /v1.41/containers/c1/pause").await;
    process.thaw();
    asked(&script, "POST /v1.41/containers/c1/unpause").await;
    process.freeze();
    drop(process);
    asked(&script, "DELETE /v1.41/containers/c1?force=1&v=1").await;
    let asked = script.asked();
    let orders = asked.iter().filter(|asked| asked.contains("pause"));
    assert_eq!(orders.count(), 3, "{asked:#?}");
}

#[tokio::test]
async fn one_that_does_not_obey_is_asked_then_removed() {
    let script = Script::new(rules(vec![]));
    let (_dir, launcher) = launcher(&script);
    let launched = launcher.launch(&entry()).await.unwrap();
    let process = launched.process.unwrap();
    // Nobody waits for real seconds; what was sent until then is heard.
    tokio::time::pause();
    process.stop(Duration::from_millis(1)).await;
    tokio::time::resume();
    asked(&script, "DELETE /v1.41/containers/c1").await;
    let asked = script.asked();
    let at = |what: &str| asked.iter().position(|asked| asked.starts_with(what));
    assert!(at("POST /v1.41/containers/c1/kill?signal=SIGTERM").is_some());
    assert!(
        at("POST /v1.41/containers/c1/kill?signal=SIGTERM") < at("DELETE /v1.41/containers/c1")
    );
}

#[test]
fn with_our_runtime_its_container_ends() {
    let script = Script::new(rules(vec![]));
    let (_dir, launcher) = launcher(&script);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let launched = runtime.block_on(launcher.launch(&entry())).unwrap();
    drop(runtime);
    let last = script.asked().pop().unwrap();
    assert_eq!(last, "POST /v1.41/containers/c1/kill?signal=SIGKILL ");
    drop(launched);
}

#[tokio::test]
async fn whatever_fails_on_the_way_leaves_no_container() {
    for (rule, answer, says) in [
        (
            "POST /v1.41/containers/c1/attach",
            Answer::Bytes(vec![]),
            "closed the connection",
        ),
        (
            "POST /v1.41/containers/c1/wait",
            Answer::Bytes(b"nonsense\r\n\r\n".to_vec()),
            "is no container engine",
        ),
        (
            "POST /v1.41/containers/c1/start",
            Answer::Bytes(reply(
                500,
                "{\"message\":\"OCI runtime create failed: no cgroup\"}",
            )),
            "OCI runtime create failed",
        ),
        (
            "POST /v1.41/containers/c1/attach",
            Answer::Stall(stream(b"HTTP is not what this is")),
            "is no container engine",
        ),
    ] {
        let (error, script) = failure(rules(vec![(rule, answer)])).await;
        assert!(
            error.starts_with("no container for the server: ") && error.contains(says),
            "{error}"
        );
        asked(&script, "DELETE /v1.41/containers/c1?force=1&v=1").await;
    }
}

#[tokio::test]
async fn who_stops_waiting_leaves_no_container() {
    let script = Script::new(rules(vec![(
        "POST /v1.41/containers/c1/start",
        Answer::Stall(vec![]),
    )]));
    let (_dir, launcher) = launcher(&script);
    let entry = entry();
    tokio::select! {
        _ = launcher.launch(&entry) => panic!("it started"),
        () = asked(&script, "POST /v1.41/containers/c1/start") => {}
    }
    asked(&script, "DELETE /v1.41/containers/c1?force=1&v=1").await;
}

#[tokio::test]
async fn garbage_on_the_attached_stream_ends_it() {
    let attached = Answer::Stall(stream(
        &[framed(1, "{\"a\":1}\n"), b"garbage!".to_vec()].concat(),
    ));
    let (error, _) = failure(rules(vec![("POST /v1.41/containers/c1/attach", attached)])).await;
    assert!(
        error.contains("neither standard output nor standard error"),
        "{error}"
    );
}

#[tokio::test]
async fn what_a_dead_engine_left_is_removed_when_it_is_back() {
    let failing = Answer::Bytes(vec![]);
    let script = Script::new(rules(vec![
        ("POST /v1.41/containers/c1/start!", failing.clone()),
        ("DELETE /v1.41/containers/c1!", failing),
    ]));
    let (_dir, launcher) = launcher(&script);
    assert!(launcher.launch(&entry()).await.is_err());
    asked(&script, "DELETE").await;
    let removals = || {
        script
            .asked()
            .iter()
            .filter(|asked| asked.starts_with("DELETE"))
            .count()
    };
    for _ in 0..500 {
        let _ = launcher.launch(&entry()).await.unwrap();
        if removals() > 1 {
            return;
        }
    }
    panic!("it was never removed");
}

#[tokio::test]
async fn leftovers_of_dead_gateways_of_this_registry_are_removed() {
    let listed = r#"[
        {"Id":"dead","Labels":{"portolan.registry":"/run/here","portolan.owner":"9-dead"}},
        {"Id":"alive","Labels":{"portolan.registry":"/run/here","portolan.owner":"2-alive"}},
        {"Id":"mine","Labels":{"portolan.registry":"/run/here","portolan.owner":"1-me"}},
        {"Id":"other","Labels":{"portolan.registry":"/run/there","portolan.owner":"9-dead"}},
        {"Id":"nobody","Labels":null}]"#;
    let script = Script::new(rules(vec![("GET /v1.41/containers/json", says(listed))]));
    let (_dir, launcher) = launcher(&script);
    let _launched = launcher.launch(&entry()).await.unwrap();
    let removed: Vec<_> = script
        .asked()
        .into_iter()
        .filter(|asked| asked.starts_with("DELETE"))
        .collect();
    assert_eq!(removed, ["DELETE /v1.41/containers/dead?force=1&v=1 "]);
}

#[tokio::test]
async fn an_engine_that_is_none_or_too_old_or_another_is_refused_with_what_to_do() {
    for (version, says) in [
        (
            r#"{"ApiVersion":"1.24","MinAPIVersion":"1.12","Os":"linux"}"#,
            "update it",
        ),
        (
            r#"{"ApiVersion":"1.60","MinAPIVersion":"1.55","Os":"linux"}"#,
            "or Portolan",
        ),
        (
            r#"{"ApiVersion":"1.41","MinAPIVersion":"1.12","Os":"windows"}"#,
            "need those of Linux",
        ),
        ("{}", "does not say which API"),
        ("[", "is no container engine"),
    ] {
        let (error, _) = failure(vec![("GET /version", Answer::Bytes(reply(200, version)))]).await;
        assert!(error.contains(says), "{version}: {error}");
    }
}

#[tokio::test]
async fn no_engine_is_told_with_where_was_looked_and_is_looked_for_again() {
    let script = Script::new(rules(vec![("GET /version!", Answer::Bytes(vec![]))]));
    let (_dir, launcher) = launcher(&script);
    let error = launcher
        .launch(&entry())
        .await
        .map(|_| ())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("no Docker engine can be used: the container engine closed"),
        "{error}"
    );
    assert!(
        launcher
            .refuses(&entry())
            .unwrap()
            .contains("no Docker engine can be used")
    );
    // It is there now, and is not asked before some time has passed.
    assert!(launcher.launch(&entry()).await.is_err());
    launcher.shared.lock().since = None;
    assert!(launcher.launch(&entry()).await.is_ok());
    assert_eq!(launcher.refuses(&entry()), None);
}

#[test]
fn whoever_asks_does_not_wait_for_an_engine_that_stalls() {
    let script = Script::new(vec![("GET /version", Answer::Stall(vec![]))]);
    let (_dir, launcher) = launcher(&script);
    let began = Instant::now();
    for _ in 0..20 {
        assert_eq!(launcher.refuses(&entry()), None);
        assert!(launcher.is_boxed(&entry()));
    }
    assert!(
        began.elapsed() < 10 * ENGINE_GLANCE,
        "{:?}",
        began.elapsed()
    );
    let isolation = launcher.isolation(&entry()).unwrap();
    assert_eq!(isolation.missing, ["the engine has not answered yet"]);
}

#[tokio::test]
async fn isolation_says_how_and_what_is_missing() {
    let script = Script::new(rules(vec![]));
    let (_dir, launcher) = launcher(&script);
    let _launched = launcher.launch(&entry()).await.unwrap();
    let isolation = launcher.isolation(&entry()).unwrap();
    assert_eq!(isolation.level, "container of Docker 20.10.24, no network");
    assert!(isolation.missing[0].contains("without a namespace of users"));
    assert!(isolation.missing[1].contains("cannot limit processes"));
    let mut open = entry();
    open.network = Network::Open;
    assert!(
        launcher
            .isolation(&open)
            .unwrap()
            .level
            .ends_with(", open network")
    );
    open.origin = Origin::Catalog("team".into());
    assert!(
        launcher
            .refuses(&open)
            .unwrap()
            .contains("only your own configuration")
    );
}

#[tokio::test]
async fn what_is_no_container_goes_to_the_other_launcher() {
    static WAS_ASKED: AtomicBool = AtomicBool::new(false);
    struct Other;
    impl Launcher for Other {
        fn launch<'a>(&'a self, _: &'a Entry) -> BoxFuture<'a, Result<Launched, LaunchError>> {
            WAS_ASKED.store(true, Ordering::Relaxed);
            Box::pin(async { Err(LaunchError::NotProgram) })
        }
    }
    let script = Script::new(vec![]);
    let (_dir, mut launcher) = launcher(&script);
    launcher.others = Arc::new(Other);
    let entry = Entry::command(ServerName::new("x").unwrap(), "x", [""; 0]);
    assert!(launcher.launch(&entry).await.is_err());
    assert!(WAS_ASKED.load(Ordering::Relaxed));
    assert!(!launcher.is_boxed(&Entry::command(ServerName::new("x").unwrap(), "x", [""; 0])));
    assert_eq!(script.asked().len(), 0);
}

#[tokio::test]
async fn a_one_shot_tool_is_a_container_for_each_call() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().canonicalize().unwrap().join("videos");
    std::fs::create_dir_all(folder.join("one")).unwrap();
    let folder = folder.display().to_string();
    let attached = stream(&[framed(1, "one\n\n"), framed(2, "told"), framed(1, "two")].concat());
    let script = Script::new(rules(vec![
        ("POST /v1.41/containers/c1/attach", Answer::Bytes(attached)),
        ("POST /v1.41/containers/c1/wait", says("{\"StatusCode\":0}")),
    ]));
    let (_dir, launcher) = launcher(&script);
    let mut entry = entry();
    entry.volumes = vec![format!("{folder}:/data:ro")];
    let shot = catalog::Shot {
        tool: "run".into(),
        image: "acme/x:1".to_owned(),
        command: vec!["{{args|into}}".to_owned()],
        volumes: vec!["{{dir}}:{{dir}}".to_owned()],
        user: None,
    };
    entry.launch = Launch::OneShot {
        shots: vec![shot],
        env: Vec::new(),
    };
    let isolation = launcher.isolation(&entry).unwrap();
    assert!(
        isolation.level.starts_with("one container"),
        "{isolation:?}"
    );
    assert!(launcher.is_boxed(&entry) && launcher.refuses(&entry).is_none());
    let launched = launcher.launch(&entry).await.unwrap();
    let Link::Pipe(mut pipe) = launched.link else {
        panic!("it is a pipe");
    };
    let created = |script: &Script| {
        let asked = script.asked();
        let bodies = asked
            .iter()
            .filter(|asked| asked.contains("/containers/create"));
        bodies.cloned().collect::<Vec<_>>()
    };
    assert!(
        created(&script).is_empty(),
        "nothing is started before a call"
    );
    let mut call = async |dir: &str| {
        let params =
            serde_json::json!({"name": "run", "arguments": {"args": ["hunter2"], "dir": dir}});
        let request = serde_json::json!({"id": 1, "method": "tools/call", "params": params});
        pipe.sink.send(request.to_string().as_bytes()).unwrap();
        let answer = pipe.source.recv().await.unwrap().unwrap();
        let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
        answer["result"]["content"][0]["text"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(call(&format!("{folder}/one")).await, "one\n\ntwo");
    let body = created(&script).concat();
    assert!(
        body.contains("/videos/one\"") && !body.contains("hunter2"),
        "{body}"
    );
    // Its folder may only be read, and so may what is in it.
    assert!(!body.contains("\"ReadOnly\":false"), "{body}");
    for outside in [
        "/tmp",
        "/etc",
        &format!("{folder}/.."),
        &format!("{folder}/none"),
    ] {
        let why = call(outside).await;
        let is_told = ["shared", "have them add it", "cannot be at"]
            .iter()
            .any(|told| why.contains(told));
        assert!(is_told, "{why}");
    }
    assert_eq!(created(&script).len(), 1);
}
