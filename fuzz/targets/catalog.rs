//! Any text as a catalog: ours, Docker's, a server.json, a file of an application, or none.
#![no_main]

use std::collections::HashSet;

use catalog::{
    Catalog, Entry, Launch, Network, Origin, Problem, Secret, ServerName, read_catalog,
    write_catalog,
};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value, json};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let origin = Origin::Url("https://h.example/c".into());
    let read = match read_catalog(text, "n", "f", &origin) {
        Ok(read) => read,
        Err(problem) => return placed(text, &problem),
    };
    read.problems
        .iter()
        .for_each(|problem| placed(text, problem));
    let mut names = HashSet::new();
    for entry in &read.entries {
        assert!(ServerName::new(entry.name.as_str()).is_ok());
        assert!(names.insert(&entry.name), "two servers of one name");
        assert_eq!(entry.origin, origin);
        assert!(!entry.is_approved && !entry.concerns(true).is_empty());
        hides_secrets(entry);
        unprivileged_decides_nothing(entry);
    }
    kept(&read);
});

/// The places of problems lie in the text.
fn placed(text: &str, problem: &Problem) {
    assert_eq!(problem.source, "f");
    if problem.line == 0 {
        assert!(problem.column == 0);
        return;
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let line = text.split('\n').nth(problem.line - 1);
    let line = line.unwrap_or_else(|| panic!("{problem} is beyond the end"));
    assert!(
        problem.column >= 1 && problem.column <= line.chars().count() + 1,
        "{problem}"
    );
}

fn ready(entry: &Entry, config: &Map<String, Value>) -> Option<Entry> {
    let secret = |_: &str| Some(Secret::new("xyzzy-plugh-42"));
    entry.resolve(config, &secret).ok()
}

fn hides_secrets(entry: &Entry) {
    let Some(ready) = ready(entry, &Map::new()) else {
        return;
    };
    let is_there = |texts: &[String]| texts.iter().any(|text| text.contains("xyzzy"));
    let hosts = match &ready.network {
        Network::Hosts(hosts) => is_there(hosts),
        _ => false,
    };
    let shown = format!("{ready:?}");
    assert!(
        hosts
            || is_there(&ready.volumes)
            || shown_openly(&ready)
            || !shown.contains("xyzzy-plugh-42"),
        "{shown}"
    );
}

/// A publisher who puts a secret into a path, a name or a host wants it there.
fn shown_openly(entry: &Entry) -> bool {
    match &entry.launch {
        Launch::Remote { url, .. } => url.contains("xyzzy"),
        Launch::Container { user, .. } => user.as_ref().is_some_and(|u| u.contains("xyzzy")),
        Launch::Command { command, .. } => command.contains("xyzzy"),
        _ => false,
    }
}

/// Whatever a model may set changes nothing but variables of the environment.
fn unprivileged_decides_nothing(entry: &Entry) {
    let Some(Value::Object(properties)) = entry
        .about
        .config
        .as_ref()
        .and_then(|s| s.get("properties"))
    else {
        return;
    };
    let mut config = Map::new();
    for key in properties.keys() {
        config.insert(key.clone(), json!("/plain"));
    }
    let mut other = config.clone();
    for key in properties.keys().filter(|key| !entry.is_privileged(key)) {
        other.insert(key.clone(), json!("/other"));
    }
    assert!(
        entry
            .privileged_in(&other)
            .iter()
            .all(|key| other.get(key).is_none_or(|value| value == "/plain"))
    );
    let (Some(one), Some(two)) = (ready(entry, &config), ready(entry, &other)) else {
        return;
    };
    assert_eq!(one.volumes, two.volumes);
    assert_eq!(one.network, two.network);
    match (&one.launch, &two.launch) {
        (
            Launch::Container {
                command: a,
                user: b,
                ..
            },
            Launch::Container {
                command: c,
                user: d,
                ..
            },
        ) => {
            assert_eq!((a, b), (c, d));
        }
        (
            Launch::Package {
                args: a,
                runtime_args: b,
                ..
            },
            Launch::Package {
                args: c,
                runtime_args: d,
                ..
            },
        ) => {
            assert_eq!((a, b), (c, d));
        }
        (
            Launch::Command {
                command: a,
                args: b,
                ..
            },
            Launch::Command {
                command: c,
                args: d,
                ..
            },
        ) => {
            assert_eq!((a, b), (c, d));
        }
        (a, b) => assert_eq!(a, b),
    }
}

/// What is written is read as the same.
fn kept(read: &Catalog) {
    let mut plain = read.clone();
    plain
        .entries
        .retain(|entry| entry.is_template && entry.kind() != "unavailable");
    let text = write_catalog(&plain, &[]).unwrap();
    let again =
        read_catalog(&text, "n", "f", &plain.origin).unwrap_or_else(|p| panic!("{p}\n{text}"));
    assert_eq!(again.entries, plain.entries, "{text}");
}
