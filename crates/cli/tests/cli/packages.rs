//! Servers that come as packages, installed by an npm of ours: from the catalog to a call, and newer versions.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::home::{BINARY, Home, Piped, initialize, wait_until};

/// Installs `sums` once the file `go` is there, in the version that the file `version` names.
fn npm(home: &Home) -> String {
    let here = home.path("").display().to_string();
    format!(
        r#"#!/bin/sh
while [ $# -gt 1 ]; do [ "$1" = --prefix ] && tree=$2; shift; done
while [ ! -e '{here}/go' ]; do sleep 0.05; done
mkdir -p "$tree/node_modules/sums"
echo '{{"bin":"index.js"}}' > "$tree/node_modules/sums/package.json"
echo 'exec {BINARY} __demo-server' > "$tree/node_modules/sums/index.js"
echo '{{"packages":{{"node_modules/sums":{{"version":"'"$(cat '{here}/version')"'","integrity":"sha512-x"}}}}}}' > "$tree/package-lock.json"
"#
    )
}

fn with_npm() -> (Home, String) {
    let home = Home::unboxed();
    for (name, text) in [
        ("npm", npm(&home)),
        ("node", "#!/bin/sh\nexec sh \"$@\"\n".to_owned()),
    ] {
        let file = home.write(&format!("bin/{name}"), &text);
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    home.write("version", "1.0.0");
    let catalog = home.write(
        "ours.yaml",
        "catalog: ours\nservers:\n  sums: {package: 'npm:sums', description: Adds numbers.}\n",
    );
    (home, catalog)
}

/// The command with our npm in front of everything.
fn command(home: &Home, words: &[&str]) -> std::process::Command {
    let mut command = home.command(words);
    let path = format!("{}:/usr/bin:/bin", home.path("bin").display());
    command.env("PATH", path);
    command
}

fn call(client: &mut Piped, id: u64, name: &str, arguments: &Value) -> Value {
    let params = json!({"name": name, "arguments": arguments});
    client.ask(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}))["result"]
        .take()
}

fn state(home: &Home) -> String {
    let shown = home.run(&["server", "ls", "--format", "json"]).json();
    shown["servers"][0]["state"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn a_package_of_a_catalog_is_approved_installed_and_called() {
    let (home, catalog) = with_npm();
    let words = [
        "gateway",
        "run",
        "--no-builtin-catalog",
        "--catalog",
        &catalog,
    ];
    let mut client = Piped::new(command(&home, &words));
    client.ask(&initialize());
    client.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    let found = call(
        &mut client,
        2,
        "mcp-find",
        &json!({"query": "adds numbers"}),
    );
    let state_of = |found: &Value| found["structuredContent"]["servers"][0]["state"].clone();
    assert_eq!(state_of(&found), "needs-approval", "{found}");
    home.run(&["server", "enable", "sums", "--catalog", &catalog])
        .ok();
    let found = call(
        &mut client,
        3,
        "mcp-find",
        &json!({"query": "adds numbers"}),
    );
    assert_eq!(state_of(&found), "ready", "{found}");

    let params = json!({"name": "mcp-add", "arguments": {"name": "sums"}});
    client.send(&json!({"jsonrpc": "2.0", "id": 4, "method": "tools/call", "params": params}));
    wait_until(|| state(&home) == "installing");
    home.write("go", "");
    let added = client.hear(|message| message["id"] == 4);
    let added = &added["result"]["structuredContent"];
    assert_eq!(added["state"], "active", "{added}");
    assert_eq!(state(&home), "ready");
    let said = call(
        &mut client,
        5,
        "echo",
        &json!({"message": "from a package"}),
    );
    assert!(said.to_string().contains("from a package"), "{said}");
    assert!(client.leave().success());
}

#[test]
fn a_newer_version_is_used_only_when_it_is_asked_for() {
    let (home, catalog) = with_npm();
    home.write("go", "");
    let update = |words: &[&str]| {
        let all = [
            &[
                "server",
                "update",
                "sums",
                "--catalog",
                &catalog,
                "--format",
                "json",
            ],
            words,
        ]
        .concat();
        let output = command(&home, &all).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let done: Value = serde_json::from_slice(&output.stdout).unwrap();
        (done[0]["before"].clone(), done[0]["now"].clone())
    };
    assert_eq!(update(&[]), (Value::Null, json!("1.0.0")));
    home.write("version", "2.0.0");
    assert_eq!(update(&[]), (json!("1.0.0"), json!("2.0.0")));

    let servers = home.servers(&["time"]);
    let mut line = command(&home, &["server", "update", "time", "--config", &servers]);
    let output = line.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && said.contains("is in no package"),
        "{said}"
    );
}
