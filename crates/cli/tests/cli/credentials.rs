//! Credentials that a person enters on a page: through a real gateway, by a plain HTTP client in the place of a browser.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;

use serde_json::{Value, json};

use super::home::{BINARY, Home, Piped, wait_until};

const VALUE: &str = "hunter2 & never-shown/0123456789";
const FORM: &str = "value-0=hunter2+%26+never-shown%2F0123456789&do=save";

fn catalog(home: &Home) -> String {
    let text = format!(
        "catalog: ours
servers:
  sums:
    title: Sums
    command: {BINARY}
    args: [__demo-server]
    description: Adds numbers.
    secrets: [{{name: sums.token, env: SUMS_TOKEN, description: A token of yours.}}]
"
    );
    let file = home.write("ours.yaml", &text);
    home.run(&["server", "enable", "sums", "--catalog", &file])
        .ok();
    file
}

/// One exchange with a page, `Host` and all else as given; status and the whole reply.
fn exchange(url: &str, line: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let mut head = format!("{line} /{path} HTTP/1.1\r\nConnection: close\r\n");
    let has_host = headers.iter().any(|(name, _)| *name == "Host");
    for (name, value) in headers
        .iter()
        .chain(&[("Host", host)][usize::from(has_host)..])
    {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    let mut stream = TcpStream::connect(host).unwrap();
    // Whoever refuses early does not read all.
    let _ = stream.write_all(head.as_bytes());
    let mut reply = String::new();
    let _ = stream.read_to_string(&mut reply);
    let status = reply.split(' ').nth(1).unwrap_or("0");
    (status.parse().unwrap(), reply)
}

/// As the browser of the page sends its form.
fn submit(url: &str, body: &str) -> (u16, String) {
    let origin = url.split("/ask/").next().unwrap();
    let headers = [
        ("Origin", origin),
        ("Sec-Fetch-Site", "same-origin"),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ];
    exchange(url, "POST", &headers, body)
}

/// Everything that nobody may do with a page.
fn misuse(url: &str) {
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let origin = url.split("/ask/").next().unwrap();
    let evil = [form, ("Origin", "https://evil.example")];
    assert_eq!(exchange(url, "POST", &evil, FORM).0, 403);
    assert_eq!(exchange(url, "POST", &[form], FORM).0, 403);
    let foreign = [("Host", "evil.example"), ("Origin", "http://evil.example")];
    assert_eq!(exchange(url, "GET", &foreign, "").0, 403);
    assert_eq!(
        exchange(url, "POST", &[&foreign[..], &[form]].concat(), FORM).0,
        403
    );
    let huge = "x".repeat(2 << 20);
    let own = [form, ("Origin", origin)];
    assert_eq!(exchange(url, "POST", &own, &huge).0, 413);
    let guessed = format!("{}A", &url[..url.len() - 1]);
    let guessed = if guessed == url {
        format!("{url}A")
    } else {
        guessed
    };
    assert_eq!(exchange(&guessed, "GET", &[], "").0, 404);
    assert_eq!(submit(&guessed, FORM).0, 404);
}

fn environment_of_the_server(home: &Home) -> Vec<String> {
    let listed = home.run(&["server", "ls", "--format", "json"]).json();
    let pid = listed["servers"][0]["pids"][0].as_u64().unwrap();
    let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap();
    environment
        .split(|byte| *byte == 0)
        .map(|variable| String::from_utf8_lossy(variable).into_owned())
        .collect()
}

#[test]
fn over_stdio_the_call_goes_on_when_the_page_is_filled_in() {
    let home = Home::new();
    let catalog = catalog(&home);
    let log = std::fs::File::create(home.path("log")).unwrap();
    let words = [
        "gateway",
        "run",
        "--verbose",
        "--no-builtin-catalog",
        "--catalog",
    ];
    let command = home.command(&[&words[..], &[&catalog]].concat());
    let mut client = Piped::with_stderr(command, Stdio::from(log));
    let mut hello = super::home::initialize();
    hello["params"]["capabilities"] = json!({"elicitation": {"url": {}}});
    client.ask(&hello);
    client.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    let exec = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "mcp-exec",
        "arguments": {"name": "get-sum", "server": "sums", "arguments": {"a": 2, "b": 40}}}});
    client.send(&exec);
    let asked = client.hear(|heard| heard["method"] == "elicitation/create");
    let params = &asked["params"];
    assert_eq!(params["mode"], "url", "{asked}");
    let url = params["url"].as_str().unwrap();
    client.send(&json!({"jsonrpc": "2.0", "id": asked["id"], "result": {"action": "accept"}}));

    let (status, page) = exchange(url, "GET", &[], "");
    assert_eq!(status, 200);
    for part in [
        "Credentials for Sums",
        "the catalog `ours`",
        "sums.token",
        "A token of yours.",
        "portolan/state/secrets",
        "cache-control: no-store",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    misuse(url);
    let (status, done) = submit(url, FORM);
    assert_eq!(status, 200);
    assert!(done.contains("You can close this page"), "{done}");
    let complete = client.hear(|heard| heard["method"] == "notifications/elicitation/complete");
    assert_eq!(complete["params"]["elicitationId"], params["elicitationId"]);
    let answer = client.hear(|heard| heard["id"] == 2 && heard.get("method").is_none());
    let text = &answer["result"]["content"][0]["text"];
    assert_eq!(text, "The sum of 2 and 40 is 42.", "{answer}");
    let environment = environment_of_the_server(&home);
    assert!(environment.contains(&format!("SUMS_TOKEN={VALUE}")));

    // Nobody is awaited any more, so nobody listens.
    let at = url.split('/').nth(2).unwrap().to_owned();
    wait_until(|| TcpStream::connect(&at).is_err());
    client.leave();
    let log = std::fs::read_to_string(home.path("log")).unwrap();
    assert!(log.contains("get-sum"), "{log}");
    let token = url.rsplit('/').next().unwrap();
    for hidden in ["never-shown", token] {
        assert!(!log.contains(hidden), "{log}");
    }
    let kept = home.run(&["secret", "ls"]).ok();
    assert!(kept.contains("sums.token"), "{kept}");
}

#[test]
fn over_http_the_page_is_at_the_door_and_the_next_call_finds_what_was_entered() {
    let home = Home::new();
    let catalog = catalog(&home);
    let gateway = home.listen(&["--no-builtin-catalog", "--catalog", &catalog]);
    let bearer = format!("Bearer {}", home.token());
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Content-Type", "application/json"),
        ("Accept", "application/json, text/event-stream"),
        ("MCP-Protocol-Version", "2026-07-28"),
        ("Mcp-Method", "tools/call"),
        ("Mcp-Name", "mcp-add"),
    ];
    let call = |id: u64, more: Value| {
        let mut params = json!({"name": "mcp-add", "arguments": {"name": "sums"}, "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"url": {}}}}});
        params
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let message = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params});
        let (status, _, body) = gateway.http("POST", "/mcp", &headers, &message.to_string());
        assert_eq!(status, 200, "{body}");
        let json = body.lines().find_map(|line| {
            serde_json::from_str::<Value>(line.strip_prefix("data:").unwrap_or(line)).ok()
        });
        json.unwrap()["result"].take()
    };
    let asked = call(1, json!({}));
    assert_eq!(asked["resultType"], "input_required", "{asked}");
    let params = &asked["inputRequests"]["credentials"]["params"];
    let url = params["url"].as_str().unwrap();
    let door = format!("http://{}/ask/", gateway.address());
    assert!(url.starts_with(&door), "{url}");
    assert!(params.get("elicitationId").is_none());
    assert_eq!(exchange(url, "GET", &[], "").0, 200);
    misuse(url);
    assert_eq!(submit(url, FORM).0, 200);
    assert_eq!(submit(url, FORM).0, 404);
    let added = call(
        2,
        json!({"inputResponses": {"credentials": {"action": "accept"}}, "requestState": asked["requestState"]}),
    );
    assert_eq!(added["structuredContent"]["state"], "active", "{added}");
    assert!(!added.to_string().contains("never-shown"));
    let environment = environment_of_the_server(&home);
    assert!(environment.contains(&format!("SUMS_TOKEN={VALUE}")));
    gateway.stop();
}
