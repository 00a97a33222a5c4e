//! Our own form: every key, every mistake, and the schema that describes it.

use super::*;
use crate::{Network, Registry, RemoteKind, Share};

const WHOLE: &str = r#"
catalog: tools
title: Tools of ours
servers:
  notes:
    title: Notes
    description: Keeps notes.
    tags: [Notes, writing]
    version: 1.10
    image: acme/notes:1
    args: ["--root", "{{notes.dir|volume-target}}", "--mode={{mode}}"]
    env: {TZ: "{{zone}}", LEVEL: 3, LINK: "https://x/${NOTES_TOKEN}"}
    user: "{{uid}}"
    volumes: ["{{dir|volume}}", "cache:/cache"]
    network: [api.acme.example, "{{host}}"]
    resources: {memory: 512m, cpus: 0.5, pids: 64}
    secrets:
      - {env: NOTES_TOKEN, description: A token, url: "https://acme.example/keys", example: abc}
      - {env: NOTES_EXTRA, name: extra, required: false}
    config:
      type: object
      properties:
        dir: {type: string, default: /never}
        zone: {type: string, default: UTC}
        mode: {type: string, enum: [fast, slow]}
        uid: {type: integer}
        host: {type: string}
      required: [dir]
    tools:
      read: Reads a note
      write: ""
    share: all
    idle_timeout_s: 60
    icon: https://acme.example/i.png
    repository: https://acme.example/src
    website: https://acme.example
    requirement: an account
"#;

#[test]
fn every_key_of_a_container() {
    let (catalog, problems) = read(WHOLE);
    assert_eq!(problems, [""; 0]);
    assert_eq!(
        (catalog.name.as_str(), catalog.title.as_deref()),
        ("tools", Some("Tools of ours"))
    );
    let entry = &catalog.entries[0];
    assert_eq!(entry.about.tags, ["notes", "writing"]);
    assert_eq!(entry.about.version.as_deref(), Some("1.10"));
    assert_eq!(entry.about.secrets[0].name, "notes.notes_token");
    assert_eq!(entry.about.tools.len(), 2);
    assert_eq!(&*entry.about.tools[0].description, "Reads a note");
    assert_eq!(
        (entry.share(), entry.idle_timeout_s),
        (Share::All, Some(60))
    );
    assert_eq!(entry.resources.memory, Some(512 << 20));
    assert_eq!(entry.resources.pids, Some(64));

    let ready = resolved(entry, &json!({"dir": "/n", "uid": 7}));
    assert!(!ready.is_template);
    let Launch::Container {
        command, env, user, ..
    } = &ready.launch
    else {
        panic!()
    };
    assert_eq!(command, &["--root", "/n"]);
    assert_eq!(user.as_deref(), Some("7"));
    assert_eq!(ready.volumes, ["/n:/n", "cache:/cache"]);
    assert_eq!(
        ready.network,
        Network::Hosts(vec!["api.acme.example".into()])
    );
    let env: Vec<(&str, &str)> = env.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(
        env,
        [
            ("TZ", "UTC"),
            ("LEVEL", "3"),
            ("LINK", "https://x/s3cret-notes.notes_token"),
            ("NOTES_TOKEN", "s3cret-notes.notes_token"),
            ("NOTES_EXTRA", "s3cret-extra"),
        ]
    );
    assert!(!format!("{ready:?}").contains("s3cret"));
}

#[test]
fn what_is_missing_is_told_at_once() {
    let entry = one(WHOLE);
    // The default of a folder is not taken: nobody chose it.
    assert_eq!(
        missing(&entry, &json!({})),
        [
            "`dir` is not configured",
            "the secret `notes.notes_token` is not set: A token"
        ]
    );
    assert_eq!(
        missing(&entry, &json!({"dir": 7, "mod": "fast"})),
        [
            "the secret `notes.notes_token` is not set: A token",
            "`mod`: there is no such key; did you mean `mode`?",
            "`dir`: value is not of type \"string\"",
        ]
    );
    let wrong = |with: Value| missing(&entry, &with).pop().unwrap();
    assert!(
        wrong(json!({"dir": "/n", "mode": "medium"})).starts_with("`mode`: value is not one of")
    );
    assert!(wrong(json!({"dir": "/n:/etc", "host": "ok"})).contains("secret"));
    let secret = |_: &str| Some(Secret::new("x"));
    for bad in [
        json!({"dir": "a\nb"}),
        json!({"dir": "/n", "host": "a/b"}),
        json!({"dir": "relative"}),
    ] {
        assert!(entry.resolve(&config(&bad), &secret).is_err(), "{bad}");
    }
    let quick: Vec<String> = entry
        .missing(&Map::new(), &|_| true)
        .iter()
        .map(Missing::message)
        .collect();
    assert_eq!(quick, ["`dir` is not configured"]);
    assert_eq!(
        entry.privileged_keys().into_iter().collect::<Vec<_>>(),
        ["dir", "host", "mode", "uid"]
    );
}

#[test]
fn packages_commands_and_remotes() {
    let (catalog, problems) = read(
        r#"
catalog: c
servers:
  p: {package: "npm:@a/b@1.2", runtime: bunx, runtime_args: [-y], args: ["--k=${KEY}"], secrets: [{env: KEY}]}
  c: {command: prog, args: [x], cwd: /w, network: none}
  r:
    url: "https://{{region}}.h.example/mcp?k=${KEY}"
    transport: sse
    headers: {Authorization: "Bearer ${KEY}", X-Opt: "${OPT}", X-Org: "{{org}}"}
    secrets: [{env: KEY}, {env: OPT, required: false}]
    config: {region: {type: string, default: eu}, org: {type: string}}
    oauth: {provider: acme, scopes: [read]}
  u: {unavailable: needs a phone, title: Phone}
"#,
    );
    assert_eq!(problems, [""; 0]);
    let Launch::Package {
        registry,
        identifier,
        version,
        runtime,
        ..
    } = &catalog.entries[0].launch
    else {
        panic!()
    };
    assert_eq!((*registry, identifier.as_str()), (Registry::Npm, "@a/b"));
    assert_eq!(
        (version.as_deref(), runtime.as_deref()),
        (Some("1.2"), Some("bunx"))
    );
    let ready = resolved(&catalog.entries[0], &json!({}));
    let Launch::Package { args, .. } = &ready.launch else {
        panic!()
    };
    assert_eq!(args, &["--k=s3cret-p.key"]);
    assert_eq!(catalog.entries[1].network, Network::None);

    let remote = &catalog.entries[2];
    let secret = |name: &str| (name == "r.key").then(|| Secret::new("k"));
    let ready = remote.resolve(&Map::new(), &secret).unwrap();
    let Launch::Remote { url, headers, kind } = &ready.launch else {
        panic!()
    };
    assert_eq!(
        (url.as_str(), *kind),
        ("https://eu.h.example/mcp?k=k", RemoteKind::Sse)
    );
    assert_eq!(
        headers,
        &[("Authorization".to_owned(), "Bearer k".to_owned())]
    );
    assert_eq!(remote.kind(), "remote");
    assert_eq!(catalog.entries[3].kind(), "unavailable");
}

#[test]
fn mistakes_are_told_where_they_are_and_cost_one_server() {
    let (catalog, problems) = read(
        "catalog: c
servers:
  good: {image: x}
  none: {descripton: x}
  both: {image: x, url: 'https://h'}
  filter: {image: x, args: ['{{a|uper}}'], config: {a: {type: string}}}
  undeclared: {image: x, args: ['{{b}}']}
  misspelt: {image: x, volume: [a:/b]}
  wrong: {image: x, url2: 1, env: {LD: [1]}, network: maybe, package2: 1}
  secret: {image: x, secrets: [{name: a}]}
  list: [1]
extra: 1
",
    );
    let names: Vec<&str> = catalog.entries.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names, ["good", "misspelt"]);
    let told = |what: &str| {
        let found = problems.iter().filter(|p| p.contains(what)).count();
        assert_eq!(found, 1, "{what}: {problems:#?}");
    };
    told("f:4:3: server `none`: there is none of `image`, `package`, `command` and `url`");
    told("f:5:20: server `both`: there is both `image` and `url`");
    told("f:6:29: server `filter`: each of `args`: there is no filter `uper`");
    told(
        "f:7:3: server `undeclared`: `{{b}}` is used, but `config` has no `b` (add it: config: {b: {type: string}})",
    );
    told(
        "f:8:24: server `misspelt`: `volume` is no key of a server and is ignored (did you mean `volumes`?)",
    );
    told("server `wrong`: `network` must be none, open, or a list of hosts");
    told("server `secret`: secret: it needs `env`");
    told("f:11:9: server `list` must be a table, found a list");
    told("f:12:1: `extra` is no key of a catalog and is ignored");
}

#[test]
fn a_name_that_stands_twice_is_told() {
    let (catalog, problems) = read("catalog: c\nservers:\n  a: {image: x}\n  a: {image: y}\n");
    assert_eq!(catalog.entries.len(), 1);
    assert_eq!(
        problems,
        [
            "f:4:3: server `a` is defined twice, at 3:3 and at 4:3; the later one is used (rename or remove one of them)"
        ]
    );
}

#[test]
fn the_schema_of_the_form_has_the_keys_of_the_reader() {
    let schema: Value =
        serde_json::from_str(include_str!("../../../../../schemas/catalog.schema.json")).unwrap();
    let sorted = |mut keys: Vec<String>| {
        keys.sort_unstable();
        keys
    };
    let properties = schema.pointer("/$defs/server/properties").unwrap();
    assert_eq!(
        sorted(properties.as_object().unwrap().keys().cloned().collect()),
        sorted(OWN_KEYS.iter().map(|key| (*key).to_owned()).collect())
    );
    let parsed = crate::document::Document::yaml(WHOLE, "f")
        .unwrap()
        .root
        .to_json();
    jsonschema::validate(&schema, &parsed).unwrap();
    assert!(!jsonschema::is_valid(
        &schema,
        &json!({"catalog": "c", "servers": {"a": {"imag": "x"}}})
    ));
}
