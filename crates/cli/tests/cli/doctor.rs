//! `portolan doctor` and `portolan status`, in homes that are well and in broken ones.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use super::home::{Done, Home, servers};

/// A home with a server, to which Cursor is connected.
fn connected() -> Home {
    let home = Home::unboxed();
    fs::create_dir(home.path(".cursor")).unwrap();
    home.write("portolan/config.toml", &config(&home));
    let _ = home.run(&["client", "connect", "cursor", "--global"]).ok();
    home
}

fn config(home: &Home) -> String {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    let file = home.write("portolan/mine.json", &servers(&["sums"]));
    let command = serde_json::from_str::<Value>(&fs::read_to_string(file).unwrap()).unwrap();
    let command = &command["mcpServers"]["sums"]["command"];
    format!(
        "[gateway]\nport = {port}\n[servers.sums]\ncommand = {command}\nargs = [\"__demo-server\"]\n"
    )
}

fn doctor(home: &Home) -> (Done, Value) {
    let done = home.run(&["doctor", "--json"]);
    let report = serde_json::from_str(&done.stdout).unwrap_or_else(|_| panic!("{done:#?}"));
    (done, report)
}

/// What a check found that is not well.
fn found<'a>(report: &'a Value, check: &str) -> Vec<(&'a str, &'a str)> {
    let all = report["findings"].as_array().unwrap();
    all.iter()
        .filter(|one| one["check"] == check && (one["state"] == "bad" || one["state"] == "warning"))
        .map(|one| {
            (
                one["what"].as_str().unwrap(),
                one["mend"].as_str().unwrap_or_default(),
            )
        })
        .collect()
}

#[test]
fn uv_is_not_needed_where_uvx_means_a_package() {
    for home in [Home::new(), Home::unboxed()] {
        home.write(
            "portolan/config.toml",
            "[servers.time]\ncommand = \"uvx\"\nargs = [\"mcp-server-time\"]\n",
        );
        let nowhere = home.path("nowhere").display().to_string();
        let mut command = home.command(&["doctor", "--json"]);
        let done = command.env("PATH", nowhere).output().unwrap();
        let report: Value = serde_json::from_slice(&done.stdout).unwrap();
        let findings = report["findings"].as_array().unwrap();
        let is_boxed = findings.iter().any(|one| {
            one["check"] == "isolation"
                && one["what"].as_str().unwrap().starts_with("namespaces")
                && one["state"] == "good"
        });
        let runtimes = found(&report, "runtimes");
        let wants_uv = runtimes
            .iter()
            .any(|(what, _)| *what == "uv is not here; needed by time");
        assert_eq!(wants_uv, !is_boxed, "{report:#}");
        let wants_python = "python3 is not here; needed by time";
        assert!(runtimes.iter().any(|(what, _)| *what == wants_python));
    }
}

#[test]
fn a_home_that_is_well_lets_calls_through() {
    let home = connected();
    let (done, report) = doctor(&home);
    assert_eq!(done.code, Some(0), "{report:#}");
    assert_eq!(
        (&report["works"], &report["clients"][0]),
        (&true.into(), &"cursor".into()),
        "{report:#}"
    );
    let said = home.run(&["doctor"]).ok();
    assert!(
        said.contains("yes: a call works now, from cursor"),
        "{said}"
    );
    let same: Value = home.run(&["doctor", "--format", "json"]).json();
    assert_eq!(same["verdict"], report["verdict"]);
}

#[test]
fn without_a_client_no_call_comes() {
    let home = connected();
    let _ = home
        .run(&["client", "disconnect", "cursor", "--global"])
        .ok();
    fs::create_dir_all(home.path(".cursor")).unwrap();
    let (done, report) = doctor(&home);
    assert_eq!(
        (done.code, &report["works"]),
        (Some(4), &false.into()),
        "{report:#}"
    );
    assert_eq!(report["next"], "portolan client connect cursor");
    assert!(
        done.stderr.contains("portolan client connect cursor"),
        "{done:#?}"
    );
}

#[test]
fn a_client_whose_program_is_gone_reaches_nobody() {
    let home = connected();
    home.write(
        ".cursor/mcp.json",
        r#"{"mcpServers":{"portolan":{"command":"/gone/portolan"}}}"#,
    );
    let (done, report) = doctor(&home);
    assert_eq!(done.code, Some(4), "{report:#}");
    let (what, mend) = found(&report, "clients")[0];
    assert_eq!(
        what,
        "cursor (global): the program that it starts is gone: /gone/portolan"
    );
    assert_eq!(mend, "portolan client connect cursor --global");
    home.write(
        ".cursor/mcp.json",
        r#"{"mcpServers":{"portolan":{"url":"http://127.0.0.1:9/mcp"}}}"#,
    );
    let (_, report) = doctor(&home);
    assert!(
        found(&report, "clients")[0]
            .0
            .contains("no gateway runs at http://127.0.0.1:9/mcp"),
        "{report:#}"
    );
    home.write(".cursor/mcp.json", r#"{"mcpServers":{"portolan":"#);
    let (_, report) = doctor(&home);
    assert!(
        found(&report, "clients")[0]
            .0
            .contains("its file cannot be read"),
        "{report:#}"
    );
}

#[test]
fn mistakes_in_files_are_told_with_their_place() {
    let home = connected();
    home.write("portolan/config.toml", "[gateway]\nport = \"no\"\n");
    home.write("portolan/catalogs/bad.yaml", "catalog: [\n");
    home.write("portolan/profiles/bad.yaml", "servers: 7\n");
    let (done, report) = doctor(&home);
    assert_eq!(
        (done.code, &report["works"]),
        (Some(64), &false.into()),
        "{report:#}"
    );
    assert!(
        found(&report, "settings")[0].0.contains("config.toml:2"),
        "{report:#}"
    );
    assert_eq!(found(&report, "catalogs").len(), 2, "{report:#}");
}

#[test]
fn files_that_others_can_read_are_closed_on_request() {
    let home = connected();
    let file = home.write(
        "portolan/state/auth-token",
        "0123456789abcdef0123456789abcdef",
    );
    let mode = |mode| fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    mode(0o644);
    fs::set_permissions(
        home.path("portolan/state"),
        fs::Permissions::from_mode(0o755),
    )
    .unwrap();
    let (_, report) = doctor(&home);
    let all = found(&report, "home");
    assert_eq!(all.len(), 2, "{report:#}");
    assert!(all.iter().all(|(_, mend)| *mend == "portolan doctor --fix"));
    let said = home.run(&["doctor", "--fix"]).ok();
    assert!(said.contains("is closed now"), "{said}");
    let closed = fs::metadata(&file).unwrap().permissions().mode() & 0o777;
    assert_eq!(closed, 0o600);
    let (_, report) = doctor(&home);
    assert!(found(&report, "home").is_empty(), "{report:#}");
}

#[test]
fn a_file_where_a_folder_should_be_is_no_home() {
    let home = Home::new();
    home.write("portolan/state", "not a folder");
    let (done, report) = doctor(&home);
    assert_eq!(done.code, Some(64), "{report:#}");
    assert!(
        found(&report, "home")[0].0.ends_with("is no folder"),
        "{report:#}"
    );
}

#[test]
fn secrets_that_cannot_be_read_are_not_passed_over() {
    let home = connected();
    let lines = "secret\n";
    let _ = home.run_with(&["secret", "set", "a.key"], lines).ok();
    let store = home.run(&["secret", "ls", "--format", "json"]).json();
    fs::write(store["store"].as_str().unwrap(), "garbage").unwrap();
    let (done, report) = doctor(&home);
    assert_eq!(done.code, Some(64), "{report:#}");
    assert!(
        found(&report, "secrets")[0]
            .1
            .contains("portolan secret set"),
        "{report:#}"
    );
}

#[test]
fn servers_whose_programs_are_missing_are_named() {
    let home = connected();
    home.write("portolan/config.toml", "[servers.one]\ncommand = \"/gone/server\"\n[servers.two]\ncommand = \"npx\"\nargs = [\"x\"]\n");
    let (_, report) = doctor(&home);
    let (what, mend) = found(&report, "servers")[0];
    assert!(
        what.contains("`one`: the program `/gone/server` is not there"),
        "{what}"
    );
    assert!(mend.contains("config.toml"), "{mend}");
}

#[test]
fn a_port_of_somebody_else_is_told() {
    let home = connected();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    home.write(
        "portolan/config.toml",
        &format!("[gateway]\nport = {port}\n"),
    );
    let (_, report) = doctor(&home);
    assert!(
        found(&report, "port")[0]
            .0
            .contains("used by another program"),
        "{report:#}"
    );
}

#[test]
fn status_is_one_screen() {
    let home = connected();
    let said = home.run(&["status"]);
    assert!(
        said.stdout.contains("none runs; one would have 1 server\n"),
        "{said:#?}"
    );
    assert!(said.ok().contains("connected cursor"));
    let mut gateway = home.listen(&[]);
    gateway.initialize(&home.token());
    let seen = home.run(&["status", "--format", "json"]).json();
    let first = &seen["gateways"][0];
    assert_eq!(first["id"], gateway.id());
    assert_eq!(
        (&first["clients"][0]["client"], &first["clients"][0]["door"]),
        (&"test/1".into(), &"http".into()),
        "{seen:#}"
    );
    assert_eq!(first["servers"][0]["name"], "sums");
    assert_eq!(seen["connected"][0]["client"], "cursor");
    let said = home.run(&["status"]).ok();
    assert!(
        said.contains(gateway.id()) && said.contains("test/1") && said.contains("sums"),
        "{said}"
    );
    let _ = gateway.stop();
}
