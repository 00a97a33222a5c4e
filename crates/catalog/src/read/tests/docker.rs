//! Docker's two forms, in small examples of every key.

use super::*;
use crate::{Network, RemoteKind};

const CATALOG: &str = r#"
version: 3
name: acme-catalog
displayName: Acme
registry:
  files:
    type: server
    title: Files
    description: Looks after files.
    image: acme/files@sha256:00
    command: ["{{files.paths|volume-target|into}}"]
    volumes: ["{{files.paths|volume|into}}"]
    env: [{name: ZONE, value: "{{files.zone}}"}]
    disableNetwork: true
    tools: [{name: read}, {name: find, description: Finds, arguments: [{name: q, type: string, desc: What}, {name: n, type: integer, optional: true}]}]
    metadata: {category: dev, tags: [Files, dev]}
    config:
      - name: files
        description: Which folders
        type: object
        properties: {paths: {type: array, items: {type: string}}}
        required: [paths]
  far:
    type: remote
    remote: {url: "https://far.example/mcp", transport_type: streamable-http, headers: {Authorization: "Bearer $FAR_KEY"}}
    secrets: [{name: far.key, env: FAR_KEY, example: abc, description: "Get one at [Far](https://far.example/keys)."}]
  web: {type: remote, sseEndpoint: "https://web.example/sse", oauth: {providers: [{provider: web, secret: web.token, env: WEB}], scopes: [all]}}
  shots: {type: poci, tools: [{name: curl, parameters: {type: object}, container: {image: curl}}]}
  empty: {type: server}
"#;

#[test]
fn a_catalog() {
    let (catalog, problems) = read(CATALOG);
    assert_eq!(
        problems,
        [
            "f:29:3: server `empty`: there is neither `image` nor `remote` (add one of them, or leave the server out)"
        ]
    );
    assert_eq!(
        (catalog.name.as_str(), catalog.title.as_deref()),
        ("acme-catalog", Some("Acme"))
    );
    let [files, far, web, shots] = catalog.entries.as_slice() else {
        panic!("{:?}", catalog.entries)
    };
    assert_eq!(files.about.tags, ["dev", "files"]);
    assert_eq!(files.network, Network::None);
    assert_eq!(files.about.tools[0].input_schema, None);
    let schema: Value =
        serde_json::from_str(files.about.tools[1].input_schema.as_deref().unwrap()).unwrap();
    assert_eq!(schema["required"], json!(["q"]));
    assert_eq!(schema["properties"]["n"]["type"], "integer");
    // The schema forgot `zone`, which a template uses.
    assert!(files.schema_of("zone").is_some());
    let ready = resolved(files, &json!({"paths": ["/a", "/b"]}));
    assert_eq!(ready.volumes, ["/a:/a", "/b:/b"]);
    let Launch::Container { command, env, .. } = &ready.launch else {
        panic!()
    };
    assert_eq!(command, &["/a", "/b"]);
    assert!(env.is_empty(), "what is not configured is not set");

    let Launch::Remote { headers, kind, .. } = &resolved(far, &json!({})).launch else {
        panic!()
    };
    assert_eq!(headers[0].1, "Bearer s3cret-far.key");
    assert_eq!(*kind, RemoteKind::Streamable);
    assert_eq!(
        far.about.secrets[0].url.as_deref(),
        Some("https://far.example/keys")
    );
    let Launch::Remote { kind, .. } = &web.launch else {
        panic!()
    };
    assert_eq!(*kind, RemoteKind::Sse);
    assert_eq!(web.about.oauth.as_ref().unwrap().scopes, ["all"]);
    assert_eq!(shots.kind(), "container");
    assert_eq!(&*shots.about.tools[0].name, "curl");
}

const FOLDER: &str = r#"
name: acme-notes
image: acme/notes
type: server
meta: {category: productivity, tags: [notes]}
about: {title: Notes, description: Keeps notes., icon: "https://h/i.png"}
source: {project: "https://h/src", commit: 00ff}
run:
  command: [--stdio]
  volumes: ["{{acme-notes.data}}:/data"]
  allowHosts: ["api.h:443"]
  env: {MODE: fixed}
requirement: neo4j
config:
  description: Where notes are
  secrets:
    - {name: acme-notes.token, env: TOKEN, example: x}
    - {name: acme-notes.more, env: MORE, description: An optional one}
  env: [{name: LINK, example: y, value: "{{acme-notes.api.url}}"}]
  parameters:
    type: object
    properties:
      data: {type: string}
      api: {type: object, properties: {url: {type: string, required: true}}}
    required: [data]
"#;

#[test]
fn a_folder_of_the_registry() {
    let tools = r#"[{"name": "add", "description": " Adds ", "inputSchema": {"type": "object"}}, {"description": "nameless"}]"#;
    let catalog =
        read_docker_server(FOLDER, Some((tools, "t")), "f", &Origin::File("d".into())).unwrap();
    assert_eq!(catalog.problems, []);
    let entry = &catalog.entries[0];
    assert_eq!(entry.name, "acme-notes");
    assert_eq!(entry.about.tags, ["productivity", "notes"]);
    assert_eq!(entry.about.requirement.as_deref(), Some("needs neo4j"));
    assert_eq!(
        entry
            .about
            .secrets
            .iter()
            .map(|s| s.required)
            .collect::<Vec<_>>(),
        [true, false]
    );
    assert_eq!(entry.about.tools.len(), 1);
    assert_eq!(&*entry.about.tools[0].description, "Adds");
    let ready = resolved(entry, &json!({"data": "/d", "api": {"url": "https://a"}}));
    assert_eq!(ready.volumes, ["/d:/data"]);
    let Launch::Container { command, env, .. } = &ready.launch else {
        panic!()
    };
    assert_eq!(command, &["--stdio"]);
    assert_eq!(env[0], ("MODE".into(), "fixed".into()));
    assert_eq!(env[1], ("LINK".into(), "https://a".into()));
    assert_eq!(
        missing(entry, &json!({"data": "/d", "api": {}})),
        [
            "`api.url` is not configured",
            "the secret `acme-notes.token` is not set"
        ]
    );
    assert_eq!(
        entry.privileged_keys().into_iter().collect::<Vec<_>>(),
        ["data"]
    );
}

#[test]
fn broken_tools_cost_the_tools() {
    for tools in ["[", "{}", "nonsense"] {
        let catalog = read_docker_server(FOLDER, Some((tools, "t")), "f", &Origin::Own).unwrap();
        assert_eq!(
            (catalog.entries.len(), catalog.problems.len()),
            (1, 1),
            "{tools}"
        );
        assert!(!catalog.problems[0].is_error());
    }
    assert!(read_docker_server("a: [", None, "f", &Origin::Own).is_err());
}

#[test]
fn several_secrets_of_which_one_is_enough() {
    let text = "
name: a
image: x
config:
  secrets: [{name: a.one, env: ONE}, {name: a.two, env: TWO}]
  parameters:
    type: object
    properties: {x: {type: object, properties: {url: {type: string}}, required: [url]}, y: {type: object}}
    anyOf: [{required: [x]}, {required: [y]}]
";
    let entry = one(text);
    assert_eq!(missing(&entry, &json!({})), ["`x or y` is not configured"]);
    assert_eq!(
        missing(&entry, &json!({"x": {}})),
        ["`x.url` is not configured"]
    );
    assert!(entry.resolve(&config(&json!({"y": {}})), &|_| None).is_ok());
}

/// As the registry of Docker has them.
const SHOTS: &str = r#"
name: video
type: poci
about: {title: Video, description: Works on videos.}
tools:
  - name: convert
    description: Converts
    parameters: {type: object, properties: {args: {type: array, items: {type: string}}, dir: {type: string}}, required: [args]}
    container:
      image: acme/convert:1
      command: ["-y", "{{args|into}}"]
      volumes: ["{{dir}}:{{dir}}", "cache:/cache"]
  - {name: exists, container: {image: busybox, command: [test, -f, "{{path}}"], user: "{{uid}}"}}
  - {name: talk}
"#;

#[test]
fn one_shot_tools() {
    let catalog = read_docker_server(SHOTS, None, "f", &Origin::Catalog("c".into())).unwrap();
    assert_eq!(catalog.problems, []);
    let entry = &catalog.entries[0];
    assert_eq!(entry.volumes, ["cache:/cache", "{{folders|volume|into}}"]);
    // Whether a call may see a folder is the person's word, and nobody else's.
    assert!(entry.is_privileged("folders") && entry.refusals().is_empty());
    let ready = resolved(entry, &json!({"folders": ["/home/me/videos"]}));
    assert_eq!(
        ready.volumes,
        ["cache:/cache", "/home/me/videos:/home/me/videos"]
    );
    let Launch::OneShot { shots, .. } = &ready.launch else {
        panic!("{:?}", ready.launch)
    };
    let names: Vec<_> = shots.iter().map(|shot| &*shot.tool).collect();
    assert_eq!(names, ["convert", "exists"]);
    let arguments = json!({"args": ["a", "b"], "dir": "/home/me/videos/1"});
    let aimed = shots[0]
        .aim(ready.about.tools.first(), arguments.as_object().unwrap())
        .unwrap();
    assert_eq!(aimed.command, ["-y", "a", "b"]);
    assert_eq!(aimed.volumes, ["/home/me/videos/1:/home/me/videos/1"]);

    // What is written of it is read as the same.
    let written = crate::write_catalog(&catalog, &[]).unwrap();
    let again = crate::read_catalog(&written, "c", "f", &Origin::Own).unwrap();
    assert_eq!(again.entries[0].launch, entry.launch);
    assert_eq!(again.entries[0].mark(), entry.mark());

    // An engine's socket is somebody else's word, which waits for a person.
    let socket = SHOTS.replace("cache:/cache", "/var/run/docker.sock:/var/run/docker.sock");
    let catalog = read_docker_server(&socket, None, "f", &Origin::File("d".into())).unwrap();
    assert!(!catalog.entries[0].refusals().is_empty());
    let none = SHOTS.replace("container:", "other:");
    let catalog = read_docker_server(&none, None, "f", &Origin::Own).unwrap();
    assert!(catalog.entries.is_empty() && catalog.problems.len() == 1);
}
