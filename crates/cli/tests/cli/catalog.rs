//! `portolan catalog …`

use super::home::Home;

const FOLDER: &str = "name: notes\nimage: acme/notes\nabout: {title: Notes, description: Keeps notes.}\nrun: {volumes: ['/var/notes:/n']}\n";

#[test]
fn the_built_in_catalog_is_listed_and_shown() {
    let home = Home::new();
    let listed = home.run(&["catalog", "ls", "--format", "json"]).json();
    assert_eq!(listed["catalogs"][0]["name"], "built-in");
    assert!(listed["catalogs"][0]["servers"].as_u64().unwrap() >= 100);
    let shown = home.run(&["catalog", "show", "filesystem"]).ok();
    assert!(
        shown.contains("npm:@modelcontextprotocol/server-filesystem"),
        "{shown}"
    );
    assert!(
        shown.contains("paths (array, set by a person only)"),
        "{shown}"
    );
    let value = home
        .run(&["catalog", "show", "github", "--format", "json"])
        .json();
    assert_eq!(
        (&value["type"], &value["trust"]),
        (&"container".into(), &"built-in".into())
    );
    let said = home.run(&["catalog", "show", "githb"]).failed(3);
    assert!(said.contains("did you mean `github`"), "{said}");
}

#[test]
fn what_is_set_is_no_longer_needed() {
    let home = Home::new();
    let state = || {
        let found = home.run(&["catalog", "search", "acme", "--format", "json"]);
        found.json()["servers"][0]["state"].clone()
    };
    let shown = || home.run(&["catalog", "show", "acme", "--format", "json"]);
    // Nobody can sign in to what runs here, and there is a credential that does.
    home.write(
        "portolan/catalogs/ours.yaml",
        "catalog: ours\nservers:\n  acme: {description: Acme., image: acme/acme, oauth: true, secrets: [{env: KEY, name: acme.key}]}\n",
    );
    assert_eq!(state(), "needs-secrets");
    let needs = serde_json::json!(["the secret `acme.key` is not set"]);
    assert_eq!(shown().json()["needs"], needs);
    home.run_with(&["secret", "set", "acme.key"], "hunter2\n")
        .ok();
    assert_eq!(shown().json()["needs"], serde_json::json!([]));
    assert_ne!(state(), "needs-auth");
}

#[test]
fn a_folder_is_imported_and_what_it_would_see_is_refused_until_approved() {
    let home = Home::new();
    home.write("registry/servers/notes/server.yaml", FOLDER);
    home.write("registry/servers/notes/tools.json", "[{\"name\": \"add\"}]");
    home.write("registry/servers/bad/server.yaml", "name: bad\nimage: [\n");
    home.write(
        "registry/servers/far/server.yaml",
        "name: far\nremote: {url: 'https://h.example/mcp'}\n",
    );
    let folder = home.path("registry").display().to_string();
    let tried = home.run(&["catalog", "import", &folder, "--dry-run"]);
    assert!(tried.ok().contains("2 servers would be imported"));
    assert_eq!(
        home.run(&["catalog", "ls", "--format", "json"]).json()["catalogs"]
            .as_array()
            .unwrap()
            .len(),
        1
    );

    let done = home.run(&["catalog", "import", &folder, "--format", "json"]);
    assert!(done.stderr.contains("bad/server.yaml:"), "{done:#?}");
    let value = done.json();
    assert_eq!(
        (&value["servers"], &value["refused"][0]["server"]),
        (&2.into(), &"notes".into())
    );
    let concern = &value["refused"][0]["concerns"][0];
    assert_eq!(concern, "it would see `/var/notes` of this machine");
    let shown = home.run(&["catalog", "show", "notes"]).ok();
    assert!(
        shown.contains("approval: it would see `/var/notes`"),
        "{shown}"
    );

    let said = home.run(&["catalog", "import", &folder]).failed(1);
    assert!(said.contains("--force replaces it"), "{said}");
    let said = home
        .run(&["catalog", "import", &folder, "--force", "--approve", "note"])
        .failed(3);
    assert!(said.contains("did you mean `notes`?"), "{said}");
    let value = home
        .run(&[
            "catalog",
            "import",
            &folder,
            "--force",
            "--approve",
            "notes",
            "--format",
            "json",
        ])
        .json();
    assert_eq!(
        (&value["approved"], &value["refused"]),
        (&1.into(), &serde_json::json!([]))
    );
    let shown = home.run(&["catalog", "show", "registry"]).ok();
    assert!(
        shown.contains("far") && shown.contains("approval"),
        "{shown}"
    );
    let value = home
        .run(&["catalog", "show", "notes", "--format", "json"])
        .json();
    assert_eq!(value["needs"], serde_json::json!([]));
}

#[test]
fn own_catalogs_come_after_the_built_in_one() {
    let home = Home::new();
    home.write(
        "portolan/catalogs/mine.yaml",
        "catalog: other\nservers: {fetch: {url: 'https://own.example/mcp'}}\n",
    );
    home.write("portolan/catalogs/broken.yaml", "catalog: [\n");
    let done = home.run(&["catalog", "ls", "--format", "json"]);
    assert!(done.stderr.contains("broken.yaml:"), "{done:#?}");
    let value = done.json();
    assert_eq!(
        (
            &value["catalogs"][2]["name"],
            &value["catalogs"][0]["shadowed"]
        ),
        (&"mine".into(), &1.into())
    );
    let value = home
        .run(&["catalog", "show", "fetch", "--format", "json"])
        .json();
    assert_eq!(value["entry"]["url"], "https://own.example/mcp");
}

#[test]
fn files_are_validated() {
    let home = Home::new();
    let good = home.write("good.json", r#"{"mcpServers": {"a": {"command": "x"}}}"#);
    assert!(
        home.run(&["catalog", "validate", &good])
            .ok()
            .contains("1 server, 0 errors")
    );
    let bad = home.write(
        "bad.yaml",
        "catalog: c\nservers:\n  a: {image: x, args: ['{{b|nope}}']}\n  c: {image: y}\n",
    );
    let done = home.run(&["catalog", "validate", &bad, "--format", "json"]);
    let value: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(
        (&value["servers"], &value["problems"][0]["line"]),
        (&1.into(), &3.into())
    );
    assert!(done.failed(64).contains("1 mistake costs servers"));
    assert!(
        home.run(&["catalog", "validate", "/no/such/file"])
            .failed(3)
            .contains("cannot read")
    );
    let empty = home.write("empty.json", "{}");
    assert!(
        home.run(&["catalog", "import", &empty])
            .failed(64)
            .contains("there are no servers")
    );
}
