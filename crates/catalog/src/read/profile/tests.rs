use super::*;
use crate::{ServerName, write_profile};

const OWN: &str = r#"profile: dev
title: Work
description: "What I need: most of it"
servers:
  github:
    origin: {kind: built-in}
    config: {read_only: true, deep: {a: [1, "2"]}}
    secrets: {github.token: "env:GH_TOKEN"}
    tools: [create_issue, "list_*"]
    exclude_tools: [list_secrets]
    entry:
      url: https://api.example/mcp
      headers: {Authorization: "Bearer ${TOKEN}"}
      secrets: [{env: TOKEN, name: github.token}]
      config: {read_only: {type: boolean}, deep: {type: object}}
      tools: [create_issue, list_issues]
  mine:
    entry: {command: /bin/x, args: [a]}
  none:
    origin: {kind: catalog, from: ours}
    tools: []
    entry: {image: acme/x:1}
"#;

fn own(text: &str) -> Profile {
    read_profile(text, "n", "f.yaml", &Origin::Own).unwrap_or_else(|p| panic!("{p}\n{text}"))
}

fn told(profile: &Profile) -> Vec<String> {
    profile.problems.iter().map(ToString::to_string).collect()
}

#[test]
fn a_profile_of_our_own_form() {
    let profile = own(OWN);
    assert_eq!(told(&profile), [""; 0]);
    assert_eq!(
        profile.names().collect::<Vec<_>>(),
        ["github", "mine", "none"]
    );
    assert_eq!(
        (profile.name.as_str(), profile.title.as_deref()),
        ("dev", Some("Work"))
    );
    let github = profile.get("github").unwrap();
    assert_eq!(github.entry.origin, Origin::Builtin);
    assert_eq!(github.secrets["github.token"], "env:GH_TOKEN");
    assert_eq!(github.config["deep"]["a"][1], "2");
    assert_eq!(github.at, (5, 3));
    assert!(github.offers("list_issues") && !github.offers("list_secrets"));
    assert_eq!(profile.get("mine").unwrap().entry.origin, Origin::Own);
    assert_eq!(profile.get("none").unwrap().tools, Some(vec![]));
    assert!(profile.servers.iter().all(|s| s.entry.is_template));
}

#[test]
fn what_is_written_is_read_as_the_same() {
    let first = own(OWN);
    let text = write_profile(&first).unwrap();
    let again = own(&text);
    assert_eq!(told(&again), [""; 0], "{text}");
    assert_eq!(
        (&again.name, &again.title, &again.description),
        (&first.name, &first.title, &first.description)
    );
    for (a, b) in first.servers.iter().zip(&again.servers) {
        let at = a.at;
        assert_eq!(*a, ProfileServer { at, ..b.clone() }, "{text}");
    }
    assert_eq!(again.servers.len(), 3);
}

#[test]
fn every_entry_of_the_built_in_catalog_survives() {
    let mut profile = Profile::new(&ServerName::new("all").unwrap());
    let entries = crate::builtin().entries.iter().cloned();
    profile.servers = entries.map(ProfileServer::new).collect();
    let again = own(&write_profile(&profile).unwrap());
    assert_eq!(told(&again), [""; 0]);
    assert_eq!(again.servers.len(), profile.servers.len());
    for (a, b) in profile.servers.iter().zip(&again.servers) {
        assert_eq!(a.entry.mark(), b.entry.mark(), "{}", a.entry.name);
        assert_eq!(
            (&a.entry.about, &a.entry.origin),
            (&b.entry.about, &b.entry.origin)
        );
    }
}

#[test]
fn another_text_vouches_for_nothing_and_its_references_are_asked_about() {
    let origin = Origin::File("/tmp/p.yaml".into());
    let profile = read_profile(OWN, "n", "f.yaml", &origin).unwrap();
    for server in &profile.servers {
        assert_eq!(server.entry.origin, origin);
        assert!(server.secrets.is_empty());
        assert!(!server.entry.concerns(true).is_empty());
    }
    let concerns = profile.get("github").unwrap().entry.concerns(true);
    let concerns: Vec<String> = concerns.iter().map(ToString::to_string).collect();
    assert!(concerns[0].contains("env:GH_TOKEN"), "{concerns:?}");
}

#[test]
fn mistakes_are_told_with_their_place_and_cost_one_server() {
    let mut text = String::from("profile: p\nextra: 1\nservers:\n");
    text += "  a: 7\n";
    text += "  b: {config: {}}\n";
    text += "  c: {entry: {image: x}, config: [1]}\n";
    text += "  d: {entry: {image: x, secrets: [{env: T}]}, secrets: {d.t: hunter2}}\n";
    text += "  e: {entry: {image: x, secrets: [{env: T}]}, secrets: {d.t: 'env:T'}}\n";
    text += "  f: {entry: {image: x}, toolz: []}\n";
    text += "  g: {entry: {image: x}, origin: {kind: heaven}}\n";
    text += "  'h i': {entry: {image: x}}\n";
    let profile = own(&text);
    assert_eq!(profile.names().collect::<Vec<_>>(), ["f", "h-i"]);
    let told = told(&profile);
    for (place, what) in [
        ("f.yaml:2:1", "`extra` is no key of a profile"),
        ("f.yaml:4:6", "it must be a table, found a number"),
        ("f.yaml:5:3", "there is no `entry`"),
        ("f.yaml:6:34", "`config` must be a table"),
        ("f.yaml:7:", "must be a reference"),
        (
            "f.yaml:8:3",
            "its entry has no secret `d.t` (did you mean `e.t`?)",
        ),
        ("f.yaml:9:", "`toolz` is no key of a server in a profile"),
        ("f.yaml:10:", "`origin` says nowhere"),
        ("f.yaml:11:3", "is called `h-i` here"),
    ] {
        let is_it = |line: &&String| line.starts_with(place) && line.contains(what);
        assert_eq!(
            told.iter().filter(is_it).count(),
            1,
            "{place} {what}: {told:#?}"
        );
    }
    assert!(!told.join("").contains("hunter2"));
    for broken in ["profile: [", "profile: p\nservers: [", "x: 1", "", "[]"] {
        let problem = read_profile(broken, "n", "f.yaml", &Origin::Own).unwrap_err();
        assert!(problem.line > 0, "{problem}");
    }
}

#[test]
fn servers_are_counted() {
    let mut text = String::from("profile: p\nservers:\n");
    for at in 0..=PROFILE_SERVERS_MAX {
        text += &format!("  s{at}: {{entry: {{image: x}}}}\n");
    }
    let profile = own(&text);
    assert_eq!(profile.servers.len(), PROFILE_SERVERS_MAX);
    assert!(told(&profile)[0].contains("more than 256 servers"));
}

const DOCKER: &str = r#"version: 1
id: dev
name: My Work
servers:
  - type: image
    image: mcp/notes@sha256:00
    config: {folder: /n}
    secrets: default
    tools: [read, write]
    snapshot:
      server:
        name: notes
        type: server
        image: mcp/notes@sha256:00
        title: Notes
        secrets: [{name: notes.key, env: KEY}]
        config: [{name: notes, type: object, properties: {folder: {type: string}}}]
        volumes: ["{{notes.folder}}:/notes"]
  - type: remote
    endpoint: https://mcp.example.com/mcp
    tools: []
  - type: image
    image: acme/tool:2
  - type: registry
    source: https://registry.example/v0/servers/x
secrets:
  default: {provider: docker-desktop-store}
"#;

#[test]
fn what_docker_exports_is_read_and_comes_from_elsewhere() {
    for text in [DOCKER.to_owned(), json(DOCKER)] {
        let profile = own(&text);
        assert_eq!(
            profile.names().collect::<Vec<_>>(),
            ["notes", "mcp.example.com", "tool"]
        );
        assert_eq!(
            (profile.name.as_str(), profile.title.as_deref()),
            ("dev", Some("My Work"))
        );
        let notes = profile.get("notes").unwrap();
        assert_eq!(notes.config["folder"], "/n");
        assert_eq!(notes.tools, Some(vec!["read".into(), "write".into()]));
        assert_eq!(notes.entry.about.secrets[0].name, "notes.key");
        assert!(notes.entry.privileged_keys().contains("folder"));
        assert_eq!(profile.get("mcp.example.com").unwrap().tools, Some(vec![]));
        assert!(profile.servers.iter().all(|s| s.entry.origin.is_foreign()));
        let told = told(&profile);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("registry.example"), "{told:?}");
        // And what we keep of it says the same.
        let again = own(&write_profile(&profile).unwrap());
        assert!(again.servers.iter().all(|s| s.entry.origin.is_foreign()));
        assert_eq!(again.servers.len(), 3);
    }
    let newer = DOCKER.replace("version: 1", "version: 2");
    let problem = read_profile(&newer, "n", "f", &Origin::Own).unwrap_err();
    assert_eq!((problem.line, problem.column), (1, 10));
}

fn json(yaml: &str) -> String {
    let doc = Document::yaml(yaml, "f").unwrap();
    doc.root.to_json().to_string()
}
