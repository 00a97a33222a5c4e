//! Catalogs of one's own: made, changed, copied, written out, removed.

use serde_json::{Value, json};

use super::home::Home;

fn names(home: &Home, catalog: &str) -> Vec<String> {
    let listed = home
        .run(&["catalog", "server", "ls", catalog, "--format", "json"])
        .json();
    let servers = listed["servers"].as_array().unwrap().iter();
    servers
        .map(|server| server["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_catalog_is_made_changed_and_removed_and_comments_stay() {
    let home = Home::new();
    let made = home.run(&[
        "catalog",
        "create",
        "ours",
        "--title",
        "Ours",
        "--server",
        "catalog://built-in/time+fetch",
        "--server",
        "docker://acme/notes:1",
        "--exclude",
        "fetch",
    ]);
    assert!(
        made.stderr.contains("ours is made with 2 servers"),
        "{made:#?}"
    );
    made.ok();
    assert_eq!(names(&home, "ours"), ["time", "notes"]);
    let told = home.run(&["catalog", "create", "ours"]).failed(1);
    assert!(told.contains("catalog server add ours"), "{told}");

    let file = home.path("portolan/catalogs/ours.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let noted = text.replace("servers:\n", "servers:\n  # What time it is.\n");
    std::fs::write(&file, &noted).unwrap();
    let done = home.run(&[
        "catalog", "server", "add", "ours", "--server", "github", "--server", "time",
    ]);
    assert!(done.stderr.contains("github added to ours"), "{done:#?}");
    assert!(done.stderr.contains("time renewed in ours"), "{done:#?}");
    done.ok();
    home.run(&["catalog", "server", "rm", "ours", "--name", "notes"])
        .ok();
    assert_eq!(names(&home, "ours"), ["time", "github"]);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("  # What time it is.\n  time:\n"), "{text}");
    let shown = home
        .run(&[
            "catalog", "server", "inspect", "ours", "github", "--format", "json",
        ])
        .json();
    assert_eq!(shown["trust"], "catalog");
    let some = home
        .run(&["catalog", "server", "ls", "ours", "--filter", "name=GIT"])
        .ok();
    assert!(some.contains("github") && !some.contains("time"), "{some}");

    home.run(&["catalog", "rm", "ours"]).ok();
    assert!(!file.exists());
}

#[test]
fn servers_of_somebody_else_stay_somebody_elses_wherever_they_are_copied() {
    let home = Home::new();
    let theirs = home.write(
        "theirs.yaml",
        "registry:\n  notes: {title: N, image: acme/notes, volumes: ['/var/n:/n']}\n  other: {image: acme/other}\n",
    );
    home.run(&["catalog", "create", "ours", "--server", "time"])
        .ok();
    let done = home.run(&["catalog", "add", "ours", "notes", &theirs]);
    assert!(
        done.stderr.contains("notes asks for your approval"),
        "{done:#?}"
    );
    done.ok();
    let told = home
        .run(&["catalog", "add", "ours", "notes", &theirs])
        .failed(1);
    assert!(told.contains("--force"), "{told}");
    home.run(&["catalog", "add", "ours", "notes", &theirs, "--force"])
        .ok();
    let told = home
        .run(&["catalog", "add", "ours", "note", &theirs])
        .failed(3);
    assert!(told.contains("did you mean `notes`?"), "{told}");
    let trust = |catalog: &str, server: &str| -> Value {
        let words = [
            "catalog", "server", "inspect", catalog, server, "--format", "json",
        ];
        home.run(&words).json()["trust"].take()
    };
    assert_eq!(trust("ours", "notes"), "file");
    assert_eq!(trust("ours", "time"), "catalog");
    // Nor is a copy trusted more, nor what a profile takes of it, nor what a file says of itself.
    home.run(&["catalog", "fork", "ours", "copy"]).ok();
    assert_eq!(trust("copy", "notes"), "file");
    let out = home.path("out.yaml").display().to_string();
    home.run(&["catalog", "export", "copy", &out]).ok();
    let told = home.run(&["catalog", "export", "copy", &out]).failed(1);
    assert!(told.contains("--force"), "{told}");
    assert!(!std::fs::read_to_string(&out).unwrap().contains("origin"));
    home.run(&["catalog", "import", &out, "--name", "again"])
        .ok();
    assert_eq!(trust("again", "time"), "file");
    home.run(&[
        "catalog",
        "create",
        "more",
        "--from-legacy-catalog",
        &theirs,
        "--exclude",
        "other",
    ])
    .ok();
    assert_eq!(
        (names(&home, "more"), trust("more", "notes")),
        (vec!["notes".to_owned()], json!("file"))
    );
    home.run(&[
        "profile",
        "create",
        "--name",
        "p",
        "--server",
        "catalog://copy/notes+time",
    ])
    .ok();
    home.run(&["catalog", "create", "last", "--from-profile", "p"])
        .ok();
    assert_eq!(trust("last", "notes"), "file");
    // As JSON, too.
    let out = home.path("out.json").display().to_string();
    home.run(&["catalog", "export", "built-in", &out]).ok();
    let read: Value = serde_json::from_str(&std::fs::read_to_string(&out).unwrap()).unwrap();
    assert!(read["servers"].as_object().unwrap().len() >= 100);
    home.run(&["catalog", "validate", &out]).ok();
}

#[test]
fn catalogs_have_references_and_are_found_by_them() {
    let home = Home::new();
    home.run(&[
        "catalog",
        "create",
        "r.example/team/ours:1",
        "--server",
        "time",
    ])
    .ok();
    let listed = home.run(&["catalog", "ls", "--format", "json"]).json();
    let ours = &listed["catalogs"][1];
    assert_eq!(
        (&ours["name"], &ours["ref"]),
        (&json!("ours"), &json!("r.example/team/ours:1"))
    );
    home.run(&[
        "catalog",
        "tag",
        "r.example/team/ours:1",
        "r.example/team/ours:2",
    ])
    .ok();
    assert_eq!(names(&home, "r.example/team/ours:2"), ["time"]);
    home.run(&[
        "profile",
        "create",
        "--name",
        "p",
        "--server",
        "catalog://r.example/team/ours:2/time",
    ])
    .ok();
    home.run(&["catalog", "rm", "r.example/team/ours:2"]).ok();
    assert_eq!(names(&home, "ours"), ["time"]);
    home.run(&["catalog", "create", "plain"]).ok();
    home.run(&["catalog", "tag", "plain", "team/plain"]).ok();
    let listed = home.run(&["catalog", "ls", "--format", "json"]).json();
    assert_eq!(listed["catalogs"].as_array().unwrap().len(), 3);
    assert_eq!(listed["catalogs"][2]["ref"], "docker.io/team/plain:latest");
}

#[test]
fn what_cannot_be_done_is_told_and_changes_nothing() {
    let home = Home::new();
    home.write(
        "portolan/catalogs/docker.yaml",
        "registry: {a: {image: i}} # theirs\n",
    );
    home.run(&["catalog", "create", "ours", "--server", "time"])
        .ok();
    let pinned = format!("r.example/a@sha256:{}", "a".repeat(64));
    for (words, code, part) in [
        (
            &["catalog", "rm", "ours", "orus"][..],
            3,
            "did you mean `ours`?",
        ),
        (&["catalog", "rm", "built-in"], 5, "is inside the program"),
        (
            &["catalog", "server", "add", "built-in", "--server", "time"],
            5,
            "catalog fork built-in NAME",
        ),
        (
            &["catalog", "server", "add", "ours", "--server", "tim"],
            3,
            "did you mean `time`?",
        ),
        (
            &["catalog", "server", "rm", "ours", "--name", "tme"],
            3,
            "did you mean `time`?",
        ),
        (
            &[
                "catalog", "server", "rm", "ours", "--name", "time", "--name", "x",
            ],
            3,
            "no server `x`",
        ),
        (
            &["catalog", "server", "rm", "docker", "--name", "a"],
            64,
            "portolan catalog fork docker NEW-NAME",
        ),
        (
            &["catalog", "server", "ls", "ous"],
            3,
            "did you mean `ours`?",
        ),
        (
            &["catalog", "server", "ls", "ours", "--filter", "x=y"],
            2,
            "name=TEXT",
        ),
        (&["catalog", "fork", "ours", "../x"], 2, "no name"),
        (&["catalog", "fork", "ours", "docker"], 1, "already"),
        (&["catalog", "tag", "ours", &pinned], 2, "by a tag"),
        (
            &[
                "catalog",
                "create",
                "x",
                "--server",
                "time",
                "--exclude",
                "tim",
            ],
            3,
            "did you mean `time`?",
        ),
        (
            &["catalog", "create", "x", "--from-profile", "none"],
            3,
            "no profile `none`",
        ),
    ] {
        let told = home.run(words).failed(code);
        assert!(told.contains(part), "{words:?}: {told}");
    }
    assert_eq!(names(&home, "ours"), ["time"]);
    assert!(!home.path("portolan/catalogs/x.yaml").exists());
    // A copy of another form is one that can be changed.
    home.run(&["catalog", "fork", "docker", "mine"]).ok();
    home.run(&["catalog", "server", "rm", "mine", "--name", "a"])
        .ok();
    assert_eq!(names(&home, "mine"), [""; 0]);
}
