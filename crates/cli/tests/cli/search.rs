//! `portolan catalog search`: what `mcp-find` would find.

use serde_json::json;

use super::home::Home;

#[test]
fn servers_are_found_as_agents_find_them() {
    let home = Home::new();
    let words = ["catalog", "search", "read", "files", "of", "a", "folder"];
    let table = home.run(&words).ok();
    assert!(table.starts_with("server "), "{table}");
    assert!(table.contains("filesystem"), "{table}");
    let value = home
        .run(&[&words[..], &["--limit", "1", "--format", "json"]].concat())
        .json();
    let servers = value["servers"].as_array().unwrap();
    assert_eq!(servers.len(), 1);
    for member in [
        "name",
        "title",
        "description",
        "type",
        "state",
        "trust",
        "score",
        "tools",
    ] {
        assert!(servers[0].get(member).is_some(), "{member}: {value}");
    }
    assert!(value["total_matches"].as_u64().unwrap() > 1, "{value}");
}

#[test]
fn nothing_found_is_no_failure_and_says_so() {
    let home = Home::new();
    let words = ["catalog", "search", "--no-builtin-catalog", "files"];
    let done = home.run(&words);
    assert!(done.stderr.contains("no server matches"), "{done:#?}");
    assert_eq!(done.ok(), "");
    let value = home.run(&[&words[..], &["--format", "json"]].concat());
    assert_eq!(value.json(), json!({"total_matches": 0, "servers": []}));
}

#[test]
fn what_cannot_be_searched_is_refused() {
    let home = Home::new();
    for (words, code, said) in [
        (&["catalog", "search"][..], 2, "<WORDS>"),
        (
            &["catalog", "search", "x", "--limit", "0"],
            2,
            "0 is not in",
        ),
        (
            &["catalog", "search", "x", "--catalog", "/no/such"],
            3,
            "cannot be read",
        ),
        (
            &["catalog", "search", "x", "--catalog", "ftp://h.example/c"],
            2,
            "is fetched by nobody here",
        ),
        (
            &["gateway", "run", "--catalog", "/no/such"],
            3,
            "cannot be read",
        ),
    ] {
        let stderr = home.run(words).failed(code);
        assert!(stderr.contains(said), "{words:?}: {stderr}");
    }
}

#[test]
fn a_catalog_with_one_bad_entry_still_has_the_others() {
    let home = Home::new();
    let catalog = home.write(
        "mixed.yaml",
        "catalog: mixed\nservers:\n  bad: {image: x, args: ['{{b|nope}}']}\n  good: {url: 'https://h.example/mcp', description: Draws sea charts.}\n",
    );
    let value = home
        .run(&[
            "catalog",
            "search",
            "draw sea charts",
            "--no-builtin-catalog",
            "--catalog",
            &catalog,
            "--format",
            "json",
        ])
        .json();
    assert_eq!(value["servers"][0]["name"], "good", "{value}");
    assert_eq!(value["total_matches"], 1, "{value}");
}
