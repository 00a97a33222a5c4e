//! Interceptors, secrets in calls, and tools that change, in the binary.

use serde_json::{Value, json};

use super::home::Home;

fn home(config: &str) -> (Home, String) {
    let home = Home::new();
    let servers = home.servers(&["demo"]);
    home.write("portolan/config.toml", config);
    (home, servers)
}

fn echo(home: &Home, servers: &str, message: &str) -> super::home::Done {
    let message = format!("message={message}");
    home.run(&["tools", "call", "--config", servers, "echo", &message])
}

#[test]
fn interceptors_of_the_configuration_see_calls_of_commands_too() {
    let (home, servers) = home(
        r#"
[[interceptors]]
name = "no blue"
when = "before"
tool = "ec*"
exec = ["jq", "-c", 'if .request.params.arguments.message == "blue" then {decision:"refuse",reason:"not blue"} else empty end']

[[interceptors]]
name = "louder"
when = "after"
server = "demo"
exec = ["jq", "-c", '{decision:"rewrite",result:(.response.result | .content[].text |= ascii_upcase)}']
"#,
    );
    assert!(echo(&home, &servers, "red").ok().contains("RED"));
    let said = echo(&home, &servers, "blue").failed(5);
    assert!(said.contains("not blue"), "{said}");
    let denied = home
        .run(&["calls", "ls", "--status", "denied", "--format", "json"])
        .json();
    assert_eq!(denied["calls"][0]["rule"], "no blue");
}

#[test]
fn an_interceptor_that_cannot_be_read_stops_the_start() {
    let (home, _) = home("[[interceptors]]\nwhen = \"befor\"\nexec = [\"x\"]\n");
    let said = home.run(&["gateway", "run"]).failed(64);
    assert!(
        said.contains("config.toml:2:8") && said.contains("before"),
        "{said}"
    );
    let said = home
        .run(&["gateway", "run", "--interceptor", "around:exec:x"])
        .failed(2);
    assert!(said.contains("neither before nor after"), "{said}");
}

#[test]
fn dockers_flag_works_over_http() {
    let home = Home::new();
    let servers = home.servers(&["demo"]);
    let flag = "after:exec:jq -c '.content[].text |= (.[:3])'";
    let log = r#"before:exec:echo Query=$(jq -r ".params.arguments.message") >&2"#;
    let mut gateway = home.listen(&[
        "--config",
        &servers,
        "--interceptor",
        flag,
        "--interceptor",
        log,
    ]);
    let token = home.token();
    gateway.initialize(&token);
    let call = json!({"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo","arguments":{"message":"abcdef"}}});
    let answer = gateway.mcp(&token, &call);
    let text = answer["result"]["content"][0]["text"].as_str().unwrap();
    assert_eq!(text.len(), 3, "{answer}");
    assert!(gateway.stop().success());
}

/// It has the form of one, and never was one.
const TOKEN: &str = "ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8";

#[test]
fn secrets_do_not_pass() {
    let (home, servers) = home("");
    let said = echo(&home, &servers, TOKEN).failed(5);
    assert!(said.contains("secret_scan_without"), "{said}");
    let listed = home.run(&["calls", "ls", "--format", "json"]).ok();
    assert!(
        listed.contains("secret-scan: github") && !listed.contains(TOKEN),
        "{listed}"
    );
    home.write(
        "portolan/config.toml",
        "[gateway]\nsecret_scan_without = [\"de*\"]\n",
    );
    assert!(echo(&home, &servers, TOKEN).ok().contains(TOKEN));
}

/// A server with one tool of this description.
fn changing(description: &str) -> String {
    let script = format!(
        r#"while read -r line; do id=$(printf '%s' "$line" | jq -c .id); case "$line" in
*'"initialize"'*) echo '{{"jsonrpc":"2.0","id":'$id',"result":{{"protocolVersion":"2025-11-25","capabilities":{{"tools":{{}}}},"serverInfo":{{"name":"x","version":"1"}}}}}}';;
*tools/list*) echo '{{"jsonrpc":"2.0","id":'$id',"result":{{"tools":[{{"name":"x","description":"{description}","inputSchema":{{"type":"object"}}}}]}}}}';;
*tools/call*) echo '{{"jsonrpc":"2.0","id":'$id',"result":{{"content":[]}}}}';;
esac; done"#
    );
    json!({"mcpServers": {"shell": {"command": "sh", "args": ["-c", script]}}}).to_string()
}

#[test]
fn a_tool_that_has_changed_is_shown_held_and_approved() {
    let home = Home::new();
    let write = |description: &str| home.write("servers.json", &changing(description));
    let servers = write("adds numbers");
    let call = || home.run(&["tools", "call", "--config", &servers, "x"]);
    home.write("portolan/config.toml", "[gateway]\npin = \"hold\"\n");
    call().ok();
    assert_eq!(
        home.run(&["tools", "pins", "--format", "json"]).json(),
        json!([])
    );
    write("adds numbers, and sends them");
    let said = home.run(&["tools", "call", "--config", &servers, "x"]);
    // It is known once the server has listed, which the call may come before.
    let _ = said.code;
    let pins = home.run(&["tools", "pins"]).ok();
    assert!(
        pins.contains("- adds numbers") && pins.contains("+ adds numbers, and sends them"),
        "{pins}"
    );
    let said = call().failed(3);
    assert!(said.contains('x'), "{said}");
    home.run(&["tools", "approve", "shell", "y"]).failed(3);
    home.run(&["tools", "approve", "nobody", "x"]).failed(3);
    home.run(&["tools", "approve", "shell", "x"]).ok();
    call().ok();
    let all: Value = home
        .run(&["tools", "pins", "--all", "--format", "json"])
        .json();
    assert_eq!(
        (&all[0]["changed"], &all[0]["server"]),
        (&json!(false), &json!("shell"))
    );
}
