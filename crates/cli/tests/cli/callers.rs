//! `portolan caller`: tokens of one's own, with rights, limits and an end.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use super::home::{Home, tool_names, wait_until};

fn add(home: &Home, words: &[&str]) -> String {
    let words = [&["caller", "add"], words].concat();
    home.run(&words).ok().trim().to_owned()
}

fn list() -> Value {
    json!({"jsonrpc":"2.0","id":7,"method":"tools/list"})
}

#[test]
fn each_caller_sees_what_it_may_and_is_recorded_by_its_name() {
    let home = Home::new();
    let servers = home.servers(&["one", "two"]);
    let (ann, bob) = (
        add(&home, &["ann"]),
        add(&home, &["bob", "--servers", "tw*"]),
    );
    let mut gateway = home.listen(&["--config", &servers, "--servers", "one,two"]);
    gateway.initialize(&ann);
    let all = gateway.mcp(&ann, &list());
    assert!(tool_names(&all).contains(&"one__echo"), "{all}");
    gateway.forget_session();
    gateway.initialize(&bob);
    let listed = gateway.mcp(&bob, &list());
    assert!(
        tool_names(&listed).contains(&"echo") && tool_names(&listed).len() < tool_names(&all).len(),
        "{listed}"
    );
    let call = |name: &str| json!({"jsonrpc":"2.0","id":8,"method":"tools/call","params":{"name":name,"arguments":{"message":"x"}}});
    assert_eq!(
        gateway.mcp(&bob, &call("echo"))["result"]["isError"],
        Value::Null
    );
    let denied = gateway.mcp(&bob, &call("one__echo"));
    assert!(
        denied["error"].is_object() || denied["result"]["isError"] == true,
        "{denied}"
    );

    // A session is its caller's: another one's token does not open it.
    let bearer = format!("Bearer {ann}");
    let session = gateway.session().unwrap();
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Content-Type", "application/json"),
        ("Accept", "application/json, text/event-stream"),
        ("Mcp-Session-Id", session.as_str()),
    ];
    let (status, ..) = gateway.http("POST", "/mcp", &headers, &list().to_string());
    assert_eq!(status, 404);

    // Who is removed is out, also of a gateway that runs.
    home.run(&["caller", "rm", "bob"]).ok();
    let bearer = format!("Bearer {bob}");
    wait_until(|| {
        gateway
            .http("POST", "/mcp", &[("Authorization", bearer.as_str())], "")
            .0
            == 401
    });
    assert!(gateway.stop().success());
    let calls = home
        .run(&["calls", "ls", "--caller", "bob", "--format", "json"])
        .json();
    assert!(!calls["calls"].as_array().unwrap().is_empty());
}

#[test]
fn a_limit_is_a_limit() {
    let home = Home::new();
    let servers = home.servers(&["one"]);
    let token = add(&home, &["ci", "--rate", "4"]);
    let mut gateway = home.listen(&["--config", &servers, "--servers", "one"]);
    gateway.initialize(&token);
    let answers: Vec<Value> = (0..5).map(|_| gateway.mcp(&token, &list())).collect();
    let refused = answers
        .iter()
        .filter(|answer| answer["error"]["code"] == -31003);
    assert_eq!(refused.count(), 2, "{answers:?}");
    assert!(gateway.stop().success());
}

#[test]
fn callers_are_listed_without_their_tokens() {
    let home = Home::new();
    let token = add(
        &home,
        &[
            "ci",
            "--tools",
            "get_*,time:now",
            "--expires",
            "90d",
            "--rate",
            "60",
            "--concurrency",
            "2",
        ],
    );
    let listed = home.run(&["caller", "ls", "--format", "json"]).json();
    assert_eq!(
        (
            &listed[0]["name"],
            &listed[0]["tools"],
            &listed[0]["expired"],
            &listed[0]["rate"]
        ),
        (
            &json!("ci"),
            &json!(["get_*", "time:now"]),
            &json!(false),
            &json!(60)
        )
    );
    let shown = home.run(&["caller", "ls"]).ok();
    assert!(shown.contains("ci") && !shown.contains(&token), "{shown}");
    let said = home.run(&["caller", "add", "ci"]).failed(2);
    assert!(said.contains("remove it first"), "{said}");
    home.run(&["caller", "add", "local"]).failed(2);
    home.run(&["caller", "rm", "cy"]).failed(3);
    home.write("portolan/state/callers.json", "{");
    home.run(&["caller", "ls"]).failed(1);
    home.run(&["gateway", "run", "--transport", "streaming", "--port", "0"])
        .failed(64);
}

#[test]
fn a_caller_may_be_kept_to_a_profile() {
    let home = Home::new();
    let servers = home.servers(&["one", "two"]);
    let make = |words: &[&str]| home.run(words).ok();
    make(&[
        "profile",
        "create",
        "--name",
        "work",
        "--server",
        &format!("file://{servers}"),
    ]);
    make(&["profile", "server", "rm", "work", "--name", "two"]);
    make(&["profile", "tools", "work", "--disable", "one.get-sum"]);
    let ann = add(&home, &["ann", "--profiles", "work"]);
    home.run(&["caller", "add", "bob", "--profiles", "wrok"])
        .failed(3);
    let mut gateway = home.listen(&["--config", &servers, "--servers", "one,two"]);
    gateway.initialize(&ann);
    let listed = gateway.mcp(&ann, &list());
    let names = tool_names(&listed);
    assert!(
        names.contains(&"echo") && !names.contains(&"get-sum"),
        "{listed}"
    );
    assert!(
        !names.iter().any(|name| name.starts_with("two")),
        "{listed}"
    );
    // A profile that changes counts at once, and one that is gone gives no right.
    make(&["profile", "rm", "work"]);
    wait_until(|| !tool_names(&gateway.exchange(&ann, &list()).0).contains(&"echo"));
    assert!(gateway.stop().success());
}

#[test]
fn an_open_stream_ends_with_its_caller() {
    let home = Home::new();
    let servers = home.servers(&["one"]);
    let ann = add(&home, &["ann"]);
    let mut gateway = home.listen(&["--config", &servers]);
    gateway.initialize(&ann);
    let session = gateway.session().unwrap();
    let mut stream = TcpStream::connect(gateway.address()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    write!(
        stream,
        "GET /mcp HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAuthorization: Bearer {ann}\r\nAccept: text/event-stream\r\nMcp-Session-Id: {session}\r\n\r\n",
        gateway.address()
    )
    .unwrap();
    let (mut head, mut byte) = (String::new(), [0]);
    while !head.ends_with("\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(char::from(byte[0]));
    }
    assert!(head.contains(" 200 "), "{head}");
    home.run(&["caller", "rm", "ann"]).ok();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("is worth nothing any more"), "{rest}");
}
