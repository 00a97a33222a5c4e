mod docker;
mod own;
mod server_json;

use serde_json::{Map, Value, json};

use super::*;
use crate::{Entry, Launch, Missing, Secret};

/// The catalog of a text, and its problems as they are told.
fn read(text: &str) -> (Catalog, Vec<String>) {
    let catalog = read_catalog(text, "given", "f", &Origin::Own).unwrap();
    let problems = catalog.problems.iter().map(ToString::to_string).collect();
    (catalog, problems)
}

/// The one entry of a text without problems.
fn one(text: &str) -> Entry {
    let (mut catalog, problems) = read(text);
    assert_eq!(problems, [""; 0]);
    assert_eq!(catalog.entries.len(), 1);
    catalog.entries.remove(0)
}

fn config(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// The entry with a configuration and every secret filled in, `NAME` being `s3cret-NAME`.
fn resolved(entry: &Entry, with: &Value) -> Entry {
    let secret = |name: &str| Some(Secret::new(format!("s3cret-{name}")));
    entry.resolve(&config(with), &secret).unwrap()
}

fn missing(entry: &Entry, with: &Value) -> Vec<String> {
    let missing = entry.resolve(&config(with), &|_| None).unwrap_err();
    missing.iter().map(Missing::message).collect()
}

#[test]
fn forms_are_known_by_what_stands_in_them() {
    for (text, form) in [
        ("catalog: x\nservers: {}", Form::Own),
        ("{\"catalog\": \"x\"}", Form::Own),
        (
            "version: 2\nregistry:\n  a: {image: x}",
            Form::DockerCatalog,
        ),
        ("name: a\nimage: x", Form::DockerServer),
        ("{\"name\": \"a/b\", \"packages\": []}", Form::ServerJson),
        ("{\"servers\": [], \"metadata\": {}}", Form::ServerJson),
        (
            "[{\"server\": {\"name\": \"a/b\", \"remotes\": []}}]",
            Form::ServerJson,
        ),
        ("// note\n{\"mcpServers\": {}}", Form::McpServers),
        ("mcpServers:\n  a: {command: x}", Form::McpServers),
        (
            "{\"servers\": {\"a\": {\"url\": \"https://h\"}}}",
            Form::McpServers,
        ),
    ] {
        assert_eq!(recognise_catalog(text, "f"), Ok(form), "{text}");
    }
    for text in ["", "{}", "a: 1", "- x", "just words", "{", "a: b: c"] {
        let problem = read_catalog(text, "n", "f", &Origin::Own).unwrap_err();
        assert!(problem.line >= 1, "{text:?} {problem}");
    }
}

#[test]
fn files_of_applications_are_catalogs_and_no_templates() {
    let entry = one(
        r#"{"mcpServers": {"a": {"command": "docker", "args": ["--format", "{{json .}}"], "description": "Says things"}}}"#,
    );
    assert_eq!(entry.description.as_deref(), Some("Says things"));
    let same = entry.resolve(&Map::new(), &|_| None).unwrap();
    assert_eq!(entry, same);
    let yaml = one(
        "mcpServers:\n  a: {command: docker, args: [--format, \"{{json .}}\"], description: Says things}\n",
    );
    assert_eq!(yaml.launch, entry.launch);
}

#[test]
fn the_origin_is_in_every_entry() {
    let origin = Origin::Url("https://h/c".into());
    let catalog = read_catalog("catalog: c\nservers: {a: {image: x}}", "n", "f", &origin).unwrap();
    assert_eq!(catalog.name, "c");
    assert_eq!(catalog.entries[0].origin, origin);
    assert!(!catalog.entries[0].concerns(true).is_empty());
}

proptest::proptest! {
    #[test]
    fn any_text_is_a_catalog_or_none(text in "[a-z{}\\[\\]:,\"'| \\n$-]{0,160}") {
        let _ = read_catalog(&text, "n", "f", &Origin::Own).map_err(|p| assert!(p.line >= 1, "{p}"));
    }

    /// The keys of every form with whatever values: each is read, told, or both, and nothing panics on the way to a start.
    #[test]
    fn any_entry_is_read_or_refused(
        form in 0..4_usize,
        keys in proptest::collection::vec((proptest::sample::select(WORDS), value()), 0..6),
    ) {
        let body: Map<String, Value> = keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let text = match form {
            0 => json!({"catalog": "c", "servers": {"s": body}}),
            1 => json!({"registry": {"s": body}}),
            2 => json!([{"server": {"name": "a/b", "packages": [body]}}, {"name": "a/c", "remotes": [body]}]),
            _ => json!({"name": "s", "about": {}, "run": body, "config": body, "image": "x"}),
        };
        if let Ok(catalog) = read_catalog(&text.to_string(), "n", "f", &Origin::Own) {
            for entry in &catalog.entries {
                let _ = entry.privileged_keys();
                let _ = entry.concerns(false);
                let _ = entry.resolve(&Map::new(), &|_| None);
                let _ = format!("{entry:?}");
            }
        }
    }
}

const WORDS: &[&str] = &[
    "image",
    "package",
    "command",
    "url",
    "args",
    "env",
    "headers",
    "secrets",
    "config",
    "oauth",
    "tools",
    "network",
    "volumes",
    "resources",
    "type",
    "registryType",
    "identifier",
    "transport",
    "packageArguments",
    "runtimeArguments",
    "environmentVariables",
    "variables",
    "remote",
    "parameters",
    "tags",
    "allowHosts",
    "user",
];

fn value() -> impl proptest::strategy::Strategy<Value = Value> {
    use proptest::prelude::*;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i32>().prop_map(|n| json!(n)),
        proptest::sample::select(
            &[
                "",
                "x",
                "npm:a@1",
                "https://h/{a}",
                "{{a|volume}}:/x",
                "{{a|nope}}",
                "${A}",
                "oci",
                "pypi",
                "stdio",
                "sse"
            ][..]
        )
        .prop_map(|text| json!(text)),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::vec(
                (
                    proptest::sample::select(
                        &[
                            "name",
                            "value",
                            "env",
                            "type",
                            "url",
                            "properties",
                            "required",
                            "a",
                            "isSecret"
                        ][..]
                    ),
                    inner
                ),
                0..4
            )
            .prop_map(|pairs| Value::Object(
                pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
            )),
        ]
    })
}
