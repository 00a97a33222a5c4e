//! Names, digests, policies and pulls, against an engine that is a script.

use std::path::PathBuf;

use super::super::api::tests::{Answer, Script, reply};
use super::*;

fn engine(socket: PathBuf) -> Engine {
    Engine {
        api: Api::new(socket),
        name: "Docker 1".to_owned(),
        arch: "amd64".to_owned(),
        is_podman: false,
        rootless: false,
        missing: Vec::new(),
    }
}

const THERE: &str = r#"{"Id":"sha256:aa","RepoDigests":["r/x@sha256:bb"],"Os":"linux","Architecture":"amd64","Config":{"User":"1000","Entrypoint":["e"],"Cmd":["c"],"Labels":{"a":"b"}}}"#;

fn images(policy: Pull) -> (Arc<Images>, Arc<Mutex<Vec<Progress>>>) {
    let seen = Arc::<Mutex<Vec<Progress>>>::default();
    let told = seen.clone();
    let on_progress = move |progress: &Progress| told.lock().unwrap().push(progress.clone());
    (Arc::new(Images::new(policy, Arc::new(on_progress))), seen)
}

async fn got(
    policy: Pull,
    rules: Vec<(&'static str, Answer)>,
    name: &str,
) -> (Result<Image, String>, Vec<String>) {
    let script = Script::new(rules);
    let (images, _) = images(policy);
    let image = images.get(&engine(script.socket()), name).await;
    (image, script.asked())
}

fn there() -> Answer {
    Answer::Bytes(reply(200, THERE))
}

#[test]
fn names_are_taken_apart_as_engines_do() {
    for (name, parts) in [
        ("x", ("x", "latest")),
        ("acme/x:1", ("acme/x", "1")),
        ("127.0.0.1:5000/x", ("127.0.0.1:5000/x", "latest")),
        ("r:5000/a/x:1", ("r:5000/a/x", "1")),
        ("r/x@sha256:bb", ("r/x", "sha256:bb")),
        ("r:5/x:1@sha256:bb", ("r:5/x", "sha256:bb")),
    ] {
        assert_eq!(split(name), parts, "{name}");
    }
    assert_eq!(path_of("r:5/a b/x@sha256:0"), "r:5/a%20b/x@sha256:0");
}

#[tokio::test]
async fn what_is_there_is_not_fetched_unless_always() {
    let (image, asked) = got(
        Pull::Missing,
        vec![("GET /images/acme/x:1/json", there())],
        "acme/x:1",
    )
    .await;
    let image = image.unwrap();
    assert_eq!(
        (image.id.as_str(), image.user(), image.label("a")),
        ("sha256:aa", Some("1000"), Some("b"))
    );
    assert_eq!(image.program(&[]), ["e", "c"]);
    assert_eq!(image.program(&["d".to_owned()]), ["e", "d"]);
    assert_eq!(asked.len(), 1);

    let script = Script::new(vec![
        ("GET /images/x/json", there()),
        ("POST /images/create", Answer::Bytes(reply(200, ""))),
    ]);
    let (images, _) = images(Pull::Always);
    for _ in 0..2 {
        images.get(&engine(script.socket()), "x").await.unwrap();
    }
    let pulls = |asked: &[String]| {
        asked
            .iter()
            .filter(|asked| asked.starts_with("POST"))
            .count()
    };
    assert_eq!(pulls(&script.asked()), 1, "{:?}", script.asked());
}

#[tokio::test]
async fn what_is_not_there_is_fetched_unless_never() {
    let (image, asked) = got(Pull::Never, vec![], "acme/x:1").await;
    assert!(
        image
            .unwrap_err()
            .contains("fetch it with `docker pull acme/x:1`")
    );
    assert_eq!(asked.len(), 1);

    let lines = concat!(
        "{\"status\":\"Downloading\",\"id\":\"l1\",\"progressDetail\":{\"current\":5,\"total\":10}}\r\n",
        "{\"status\":\"Downloading\",\"id\":\"l2\",\"progressDetail\":{\"current\":1,\"total\":20}}\r\n",
        "no json\n{\"status\":\"Downloading\",\"id\":\"l1\",\"progressDetail\":{\"current\":10,\"total\":10}}",
    );
    let missing = || Answer::Bytes(reply(404, "{\"message\":\"No such image\"}"));
    let script = Script::new(vec![
        ("GET /images/x/json!", missing()),
        ("GET /images/x/json!", missing()),
        ("GET /images/x/json", there()),
        (
            "POST /images/create?fromImage=x&tag=latest",
            Answer::Bytes(reply(200, lines)),
        ),
    ]);
    let (images, seen) = images(Pull::Missing);
    let engine = engine(script.socket());
    // Both wait for one.
    let (a, b) = tokio::join!(images.get(&engine, "x"), images.get(&engine, "x"));
    assert!(a.is_ok() && b.is_ok());
    let pulls = script
        .asked()
        .iter()
        .filter(|asked| asked.starts_with("POST"))
        .count();
    assert_eq!(pulls, 1);
    let seen = seen.lock().unwrap();
    let far: Vec<_> = seen.iter().map(|p| (p.bytes, p.of, p.is_done)).collect();
    assert_eq!(
        far,
        [
            (0, 0, false),
            (5, 10, false),
            (6, 30, false),
            (11, 30, false),
            (11, 30, true)
        ]
    );
}

#[tokio::test]
async fn a_pull_that_fails_says_why_and_what_to_do() {
    let refused = "{\"status\":\"Pulling\"}\n{\"error\":\"pull access denied for x, repository does not exist\",\"errorDetail\":{}}\n";
    for (answer, why) in [
        (
            Answer::Bytes(reply(200, refused)),
            "pull access denied for x",
        ),
        (
            Answer::Bytes(reply(500, "{\"message\":\"no route to host\"}")),
            "no route to host",
        ),
        (
            Answer::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{".to_vec()),
            "closed the connection",
        ),
        (
            Answer::Bytes(reply(200, &"x".repeat(PULL_LINE_BYTES_MAX + 1))),
            "in a line of more than",
        ),
    ] {
        let (image, _) = got(Pull::Missing, vec![("POST /images/create", answer)], "x").await;
        let error = image.unwrap_err();
        assert!(
            error.contains(why) && error.contains("docker pull x"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn layers_that_are_counted_have_an_end() {
    let mut lines = Lines::default();
    let mut most = 0;
    for n in 0..2 * PULL_LAYERS_MAX {
        let line = format!(
            "{{\"status\":\"Downloading\",\"id\":\"l{n}\",\"progressDetail\":{{\"current\":1,\"total\":1}}}}\n"
        );
        lines.read(line.as_bytes(), &mut |_, of| most = of).unwrap();
    }
    assert_eq!(most, PULL_LAYERS_MAX as u64);
}

#[tokio::test]
async fn another_digest_or_machine_is_refused() {
    let of = |text: &str| Answer::Bytes(reply(200, text));
    for (name, is_right) in [
        ("r/x@sha256:bb", true),
        ("mirror/x@sha256:bb", true),
        ("x@sha256:aa", true),
        ("r/x@sha256:cc", false),
        ("r/x:1@sha256:cc", false),
    ] {
        let (image, _) = got(Pull::Missing, vec![("GET /images/", there())], name).await;
        assert_eq!(image.is_ok(), is_right, "{name}");
        if let Err(error) = image {
            assert!(error.contains("has another digest"), "{error}");
        }
    }
    let arm = THERE.replace("amd64", "arm64");
    let (image, _) = got(Pull::Missing, vec![("GET /images/", of(&arm))], "x").await;
    let error = image.unwrap_err();
    assert!(
        error.contains("is for linux/arm64") && error.contains("--platform linux/amd64 x"),
        "{error}"
    );
    let (image, _) = got(Pull::Missing, vec![("GET /images/", of("[]"))], "x").await;
    assert!(image.unwrap_err().contains("is no container engine"));
}
