//! What commands print, for people and for programs.

use super::home::Home;

#[test]
fn the_version_in_every_format() {
    let home = Home::new();
    assert!(home.run(&["version"]).ok().starts_with("portolan "));
    let value = home.run(&["version", "--format", "json"]).json();
    assert_eq!(value["protocols"][4], "2026-07-28");
    let yaml = home.run(&["version", "--format", "yaml"]).ok();
    let same: serde_json::Value = serde_saphyr::from_str(&yaml).unwrap();
    assert_eq!(same, value);
    assert!(home.run(&["--version"]).ok().starts_with("portolan "));
}

#[test]
fn configured_servers_are_listed_in_every_format() {
    let home = Home::new();
    home.write(
        "portolan/config.toml",
        "[servers.here]\ncommand = \"x\"\n[servers.there]\nurl = \"https://h.example/mcp\"\n",
    );
    let done = home.run(&["server", "ls"]);
    assert!(done.stderr.contains("No gateway is running"), "{done:#?}");
    let listed = done.ok();
    assert!(listed.starts_with("server  state       kind"), "{listed}");
    assert!(listed.contains("there   configured  remote"), "{listed}");
    let value = home.run(&["server", "ls", "--format", "json"]).json();
    assert_eq!(
        (&value["servers"][0]["name"], &value["servers"][0]["state"]),
        (&"here".into(), &"configured".into())
    );
}

#[test]
fn colours_are_for_terminals_and_those_who_insist() {
    let home = Home::new();
    let plain = home.run(&["version"]).ok();
    assert!(!plain.contains('\u{1b}'));
    assert!(
        home.run(&["version", "--color", "always"])
            .ok()
            .contains('\u{1b}')
    );
    let forced = |extra: &[(&str, &str)]| {
        let output = home
            .command(&["version"])
            .envs(extra.iter().copied())
            .output()
            .unwrap();
        output.stdout.contains(&0x1b)
    };
    assert!(forced(&[("CLICOLOR_FORCE", "1")]));
    assert!(!forced(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let home = Home::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = home
        .command(&["completion", "bash"])
        .stdout(writer)
        .output()
        .unwrap();
    assert_eq!(
        (output.status.code(), output.stderr.as_slice()),
        (Some(0), &b""[..])
    );
}
