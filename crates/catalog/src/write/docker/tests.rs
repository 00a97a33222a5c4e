use serde_json::Value;

use super::*;
use crate::{Origin, read_catalog, read_profile, recognise_catalog};

const PROFILE: &str = r#"
profile: dev
title: Work
servers:
  notes:
    origin: {kind: file, from: /home/me/notes.yaml}
    config: {zone: UTC, dir: /srv}
    secrets: {notes.token: "env:NOTES"}
    exclude_tools: [drop]
    entry:
      title: Notes
      description: Keeps notes.
      tags: [notes]
      image: acme/notes:1
      args: ["--zone={{ zone }}", "{{notes.dir}}"]
      env: {ZONE: "{{zone|or:UTC}}", TOKEN: "${NOTES_TOKEN}"}
      user: "1000"
      volumes: ["{{dir}}:/notes"]
      network: [api.acme.example]
      secrets: [{env: NOTES_TOKEN, name: notes.token}]
      config: {zone: {type: string}, dir: {type: string}}
      tools: [read, drop]
  far:
    tools: [list]
    entry: {url: "https://far.example/mcp", transport: sse, headers: {A: b}, oauth: true}
  pack:
    entry: {package: "npm:@acme/pack@1"}
"#;

/// Written by hand, as Docker's tool pushes one.
const DOCKERS: &str = r#"{"title": "Team", "servers": [
  {"type": "image", "image": "acme/notes@sha256:aa", "tools": ["read"], "snapshot": {"server": {"name": "notes", "type": "server",
    "image": "acme/notes@sha256:aa", "title": "Notes", "description": "Keeps notes.", "command": ["--dir={{notes.dir}}"],
    "secrets": [{"name": "notes.token", "env": "TOKEN"}], "volumes": ["{{notes.dir|volume}}"],
    "config": [{"name": "notes", "type": "object", "properties": {"dir": {"type": "string"}}, "required": ["dir"]}]}}},
  {"type": "remote", "endpoint": "https://far.example/mcp", "snapshot": {"server": {"name": "far", "type": "remote", "title": "Far",
    "remote": {"url": "https://far.example/mcp", "transport_type": "streamable-http"}, "oauth": {"providers": [{"provider": "far"}]}}}},
  {"type": "image", "image": "acme/bare:1"},
  {"type": "registry", "source": "https://registry.example/v0/servers/x"}
]}"#;

fn oci() -> Origin {
    Origin::Oci("r.example/x:1".into())
}

fn profile() -> Profile {
    let profile = read_profile(PROFILE, "dev", "f", &Origin::Own).unwrap();
    assert_eq!(profile.problems, []);
    profile
}

#[test]
fn a_profile_that_is_pushed_is_pulled_as_the_same() {
    let profile = profile();
    let artifact = profile_artifact(&profile);
    assert_eq!(artifact.own_only, ["pack"]);
    assert!(!artifact.text.contains("/home/me"), "{}", artifact.text);
    let again = read_profile(&artifact.text, "x", "f", &oci()).unwrap();
    assert_eq!(again.problems, []);
    assert_eq!(
        (&*again.name, again.title.as_deref()),
        ("dev", Some("Work"))
    );
    for (was, is) in profile.servers.iter().zip(&again.servers) {
        assert_eq!(was.entry.launch, is.entry.launch);
        assert_eq!(
            (&was.config, &was.tools, &was.exclude_tools),
            (&is.config, &is.tools, &is.exclude_tools)
        );
        assert_eq!(is.entry.origin, oci());
    }
    // What it takes secrets from is asked about.
    let notes = &again.servers[0];
    assert!(notes.secrets.is_empty());
    assert_eq!(
        notes.entry.about.secrets[0].from.as_deref(),
        Some("env:NOTES")
    );
    assert!(
        notes.entry.refusals().len() == 1,
        "{:?}",
        notes.entry.refusals()
    );
}

#[test]
fn what_docker_reads_of_it_is_the_same_as_far_as_it_goes() {
    let profile = profile();
    let mut document: Value = serde_json::from_str(&profile_artifact(&profile).text).unwrap();
    document.as_object_mut().unwrap().remove(OWN).unwrap();
    assert_eq!(document["version"], 1);
    assert_eq!(document["servers"][0]["tools"], json!(["read"]));
    let server = &document["servers"][0]["snapshot"]["server"];
    assert_eq!(
        server["command"],
        json!(["--zone={{notes.zone}}", "{{notes.dir}}"])
    );
    assert_eq!(server["config"][0]["name"], "notes");
    let again = read_profile(&document.to_string(), "x", "f", &oci()).unwrap();
    assert_eq!(again.problems, []);
    assert_eq!(again.names().collect::<Vec<_>>(), ["notes", "far"]);
    for name in ["notes", "far"] {
        let (was, is) = (profile.get(name).unwrap(), again.get(name).unwrap());
        assert_eq!(was.config, is.config);
        assert_eq!(
            (&was.entry.volumes, &was.entry.network),
            (&is.entry.volumes, &is.entry.network)
        );
        assert_eq!(
            was.entry.title.as_deref().unwrap_or(name),
            is.entry.title.as_deref().unwrap()
        );
        assert_eq!(was.entry.launch.kind(), is.entry.launch.kind());
        let needs = |server: &crate::ProfileServer| {
            let entry = server
                .entry
                .resolve(&server.config, &|_| Some(crate::Secret::new("s")));
            entry.unwrap().launch
        };
        assert_eq!(needs(was), needs(is));
    }
}

#[test]
fn catalogs_as_docker_pushes_them_are_read() {
    assert_eq!(
        recognise_catalog(DOCKERS, "f").unwrap().as_str(),
        "Docker catalog artifact"
    );
    let catalog = read_catalog(DOCKERS, "team", "f", &oci()).unwrap();
    assert_eq!(catalog.title.as_deref(), Some("Team"));
    let seen: Vec<_> = catalog
        .entries
        .iter()
        .map(|e| (e.name.as_str(), e.kind()))
        .collect();
    assert_eq!(
        seen,
        [
            ("notes", "container"),
            ("far", "remote"),
            ("bare", "container")
        ]
    );
    assert_eq!(&*catalog.entries[0].about.tools[0].name, "read");
    assert!(catalog.entries.iter().all(|entry| entry.origin == oci()));
    let told = catalog.problems[0].to_string();
    assert!(
        catalog.problems.len() == 1 && told.contains("no snapshot of its entry"),
        "{told}"
    );
}

#[test]
fn a_catalog_that_is_pushed_is_pulled_as_the_same() {
    let text = "catalog: ours\ntitle: Ours\nref: r.example/ours:1\nservers:\n  a: {image: i, network: open}\n  b: {package: 'pypi:b@1'}\n";
    let own = read_catalog(text, "ours", "f", &Origin::Catalog("ours".into())).unwrap();
    let artifact = catalog_artifact(&own);
    assert_eq!(artifact.own_only, ["b"]);
    let again = read_catalog(&artifact.text, "x", "f", &oci()).unwrap();
    assert_eq!(
        (
            again.problems.len(),
            again.title.as_deref(),
            again.reference.as_deref()
        ),
        (0, Some("Ours"), None)
    );
    assert_eq!(again.entries.len(), 2);
    for (was, is) in own.entries.iter().zip(&again.entries) {
        assert_eq!((&was.launch, &was.network), (&is.launch, &is.network));
    }
    // An empty one is one, too.
    let empty = catalog_artifact(&Catalog {
        name: "x".into(),
        ..Catalog::default()
    });
    assert_eq!(
        read_catalog(&empty.text, "x", "f", &oci())
            .unwrap()
            .entries
            .len(),
        0
    );
}

#[test]
fn profiles_of_another_version_are_told() {
    let later = profile_artifact(&profile())
        .text
        .replace("\"version\":1", "\"version\":2");
    let told = read_profile(&later, "x", "f", &oci())
        .unwrap_err()
        .to_string();
    assert!(told.contains("only version 1"), "{told}");
}
