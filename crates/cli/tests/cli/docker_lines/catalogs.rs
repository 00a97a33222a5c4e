//! `docker mcp catalog …`

use serde_json::{Value, json};

use super::super::catalog_url::Site;
use super::super::image_registry::Registry;
use super::Docker;

fn names(listed: &Value) -> Vec<&str> {
    let servers = listed["servers"].as_array().unwrap().iter();
    servers.map(|one| one["name"].as_str().unwrap()).collect()
}

#[test]
fn a_catalog_is_made_looked_at_and_changed() {
    let docker = Docker::with_servers();
    let made = docker.run("docker mcp catalog create team/ours:1 --title 'Our servers' --server docker://acme/notes:1 --server catalog://small/sums");
    assert!(made.stderr.contains("is made with 2 servers"), "{made:#?}");
    made.ok();
    for line in [
        "docker mcp catalog ls",
        "docker mcp catalog list",
        "docker mcp catalogs ls",
        "docker mcp catalog-next ls",
    ] {
        let listed = docker.run(line).ok();
        assert!(
            listed.contains("built-in") && listed.contains("ours"),
            "{line}: {listed}"
        );
    }
    let listed = docker.run("docker mcp catalog ls --format json").json();
    let ours = listed["catalogs"].as_array().unwrap().iter();
    let ours = ours.filter(|one| one["name"] == "ours");
    assert_eq!(
        ours.map(|one| &one["title"]).collect::<Vec<_>>(),
        ["Our servers"]
    );
    let shown = docker.run("docker mcp catalog show team/ours:1").ok();
    assert!(shown.contains("notes") && shown.contains("sums"), "{shown}");
    let shown = docker
        .run("docker mcp catalog show ours --format json")
        .json();
    assert_eq!(names(&shown), ["notes", "sums"]);
    assert!(shown["servers"][1]["entry"]["tools"].is_array(), "{shown}");
    let shown = docker
        .run("docker mcp catalog show ours --format yaml")
        .ok();
    assert!(shown.contains("- name: notes"), "{shown}");
    let shown = docker
        .run("docker mcp catalog show ours --no-tools --format json")
        .json();
    assert_eq!(shown["servers"][1]["entry"]["tools"], Value::Null);
    let part = docker
        .run("docker mcp catalog show ours --yq '.servers[].name'")
        .ok();
    assert_eq!(part, "notes\nsums\n");
    let told = docker
        .run("docker mcp catalog show ours --yq 'to_entries'")
        .failed(2);
    assert!(told.contains("--format json | yq 'to_entries'"), "{told}");

    let some = docker
        .run("docker mcp catalog server ls ours --filter name=NOT --format json")
        .json();
    assert_eq!(names(&some), ["notes"]);
    let one = docker
        .run("docker mcp catalog server inspect ours notes")
        .ok();
    assert!(one.contains("acme/notes:1"), "{one}");
    docker
        .run("docker mcp catalog server add ours --server docker://acme/more:1")
        .ok();
    docker
        .run("docker mcp catalog server remove ours --name notes")
        .ok();
    let listed = docker
        .run("docker mcp catalog server list ours --format json")
        .json();
    assert_eq!(names(&listed), ["sums", "more"]);
    docker
        .run("docker mcp catalog server rm ours --name more")
        .ok();

    docker.run("docker mcp catalog tag ours team/ours:2").ok();
    docker.run("docker mcp catalog remove team/ours:2").ok();
    docker.run("docker mcp catalog rm ours").ok();
    docker.run("docker mcp catalog show ours").failed(3);
}

#[test]
fn a_catalog_is_made_of_what_there_is() {
    let mut docker = Docker::with_servers();
    docker
        .run("docker mcp profile create --name work --server sums --server keyed")
        .ok();
    docker
        .run("docker mcp catalog create of-work --from-profile work --exclude keyed")
        .ok();
    let theirs = "registry:\n  notes: {title: N, image: acme/notes}\n";
    docker.home.write("theirs.yaml", theirs);
    docker
        .run("docker mcp catalog create theirs --from-legacy-catalog theirs.yaml")
        .ok();
    let page = json!({"servers": [{"server": {"name": "io.example/charts", "description": "Draws.", "version": "1.0.0",
        "remotes": [{"type": "streamable-http", "url": "https://h.example/mcp"}]}}], "metadata": {"count": 1}});
    let page = page.to_string();
    let site = Site::new(&[
        ("/v0.1/servers", &page),
        ("/v0.1/servers?limit=100", &page),
        ("/v0.1/servers?version=latest&limit=100", &page),
        ("/v0.1/servers?limit=100&version=latest", &page),
    ]);
    docker.stands_for.push(("COMMUNITY", site.url("")));
    docker
        .run("docker mcp catalog create community --from-community-registry COMMUNITY --include-npm --include-pypi")
        .ok();
    for (name, servers) in [
        ("of-work", "sums"),
        ("theirs", "notes"),
        ("community", "charts"),
    ] {
        let listed = docker
            .run(&format!(
                "docker mcp catalog server ls {name} --format json"
            ))
            .json();
        let listed = names(&listed);
        assert!(
            listed.len() == 1 && listed[0].ends_with(servers),
            "{name}: {listed:?}"
        );
    }
}

#[test]
fn a_catalog_goes_through_a_registry() {
    let Some(registry) = Registry::start() else {
        return;
    };
    let mut docker = Docker::new();
    docker.stands_for.push(("REGISTRY", registry.named("team")));
    docker
        .run("docker mcp catalog create REGISTRY/ours:1 --server docker://acme/notes:1")
        .ok();
    docker.run("docker mcp catalog push REGISTRY/ours:1").ok();
    let mut other = Docker::new();
    other.stands_for.clone_from(&docker.stands_for);
    other
        .run("docker mcp catalog show REGISTRY/ours:1 --pull never")
        .failed(3);
    other
        .run("docker mcp catalog show REGISTRY/ours:1 --pull missing")
        .ok();
    other.run("docker mcp catalog rm ours").ok();
    other.run("docker mcp catalog pull REGISTRY/ours:1").ok();
    docker
        .run("docker mcp catalog server add ours --server docker://acme/more:1")
        .ok();
    docker.run("docker mcp catalog push ours").ok();
    let count = |line: &str| other.run(line).ok().lines().count();
    let old = count("docker mcp catalog show REGISTRY/ours:1 --pull initial");
    assert_eq!(
        count("docker mcp catalog show REGISTRY/ours:1 --pull missing+exists@6h"),
        old
    );
    assert_eq!(
        count("docker mcp catalog show REGISTRY/ours:1 --pull 6h"),
        old
    );
    assert_eq!(
        count("docker mcp catalog show REGISTRY/ours:1 --pull exists"),
        old + 1
    );
    docker
        .run("docker mcp catalog server add ours --server docker://acme/third:1")
        .ok();
    docker.run("docker mcp catalog push ours").ok();
    assert_eq!(
        count("docker mcp catalog show REGISTRY/ours:1 --pull always"),
        old + 2
    );
    docker
        .run("docker mcp catalog server rm ours --name third")
        .ok();
    docker.run("docker mcp catalog push ours").ok();
    let done = other.run("docker mcp catalog update");
    assert!(
        done.stderr.contains("ours is up to date, with 2 servers"),
        "{done:#?}"
    );
    done.ok();
    other.run("docker mcp catalog update ours").ok();
}
