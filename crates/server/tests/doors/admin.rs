//! The admin socket.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use server::admin::Admin;
use server::{Readiness, Shutdown};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::harness::gateway;

async fn ask(path: &Path, line: &str) -> String {
    let mut stream = UnixStream::connect(path).await.unwrap();
    stream
        .write_all(format!("{line} HTTP/1.0\r\nHost: portolan\r\n\r\n").as_bytes())
        .await
        .unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    reply
}

#[tokio::test]
async fn it_tells_and_takes_orders() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("admin.sock");
    std::fs::write(&path, "a leftover").unwrap();
    let admin = Admin::bind(&path).unwrap();
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let (trigger, shutdown) = Shutdown::new();
    let readiness = Readiness::default();
    let served = tokio::spawn(admin.serve(gateway().0, readiness.clone(), shutdown));
    for (line, status, has) in [
        ("GET /livez", "200", "ok"),
        ("GET /readyz", "200", "ok"),
        ("GET /metrics", "200", "# EOF"),
        ("GET /servers", "200", r#"[{"name":"one""#),
        ("GET /clients", "200", "[]"),
        ("GET /servers/one", "200", r#"{"name":"one""#),
        ("GET /servers/one/logs?lines=2", "200", r#"{"lines":["#),
        ("GET /servers/one/logs", "200", r#"{"lines":["#),
        ("GET /servers/one/logs?lines=x", "400", ""),
        ("POST /servers/one/restart", "200", "restarted"),
        ("POST /servers/one/stop", "200", "stopped"),
        ("GET /servers/one/stop", "405", ""),
        ("GET /servers/two", "404", r#"no server \"two\""#),
        ("GET /servers/two/logs", "404", "two"),
        ("POST /servers/two/restart", "404", "two"),
        ("GET /nothing", "404", ""),
    ] {
        let reply = ask(&path, line).await;
        assert!(
            reply.starts_with(&format!("HTTP/1.0 {status}")) && reply.contains(has),
            "{line}: {reply}"
        );
    }
    readiness.drain();
    assert!(ask(&path, "GET /readyz").await.starts_with("HTTP/1.0 503"));
    trigger.now();
    served.await.unwrap();
    assert!(!path.exists());
}

#[tokio::test]
async fn clients_that_say_nothing_do_not_shut_others_out_for_long() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("admin.sock");
    let admin = Admin::bind(&path).unwrap();
    let (trigger, shutdown) = Shutdown::new();
    let served = tokio::spawn(admin.serve(gateway().0, Readiness::default(), shutdown));
    let mut silent = Vec::new();
    for _ in 0..server::limits::ADMIN_CONNECTIONS_MAX {
        silent.push(UnixStream::connect(&path).await.unwrap());
    }
    tokio::time::pause();
    assert!(ask(&path, "GET /livez").await.starts_with("HTTP/1.0 200"));
    trigger.now();
    served.await.unwrap();
}
