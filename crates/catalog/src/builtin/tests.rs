use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::*;
use crate::{Entry, Launch, Secret};

#[test]
fn everything_in_it_is_sound() {
    let catalog = builtin();
    assert_eq!(catalog.problems, []);
    assert!(catalog.entries.len() >= 100, "{}", catalog.entries.len());
    let names: HashSet<&str> = catalog.entries.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names.len(), catalog.entries.len(), "a name stands twice");
    let mut descriptions = HashSet::new();
    for entry in &catalog.entries {
        let name = &entry.name;
        let description = entry.description.as_deref().unwrap_or_default();
        assert!(
            (20..=200).contains(&description.len()),
            "{name}: {description}"
        );
        assert!(description.ends_with('.'), "{name}: {description}");
        assert!(descriptions.insert(description), "{name}: {description}");
        assert!(
            entry.title.is_some() && !entry.about.tags.is_empty(),
            "{name}"
        );
        assert!(
            entry
                .about
                .tags
                .iter()
                .all(|tag| tag == tag.trim() && !tag.is_empty()),
            "{name}"
        );
        assert!(
            entry.refusals().is_empty() && entry.concerns(true).is_empty(),
            "{name}"
        );
        assert!(
            !matches!(
                entry.launch,
                Launch::Command { .. } | Launch::Unavailable { .. }
            ),
            "{name}"
        );
        if let Launch::Remote { url, .. } = &entry.launch {
            assert!(url.starts_with("https://"), "{name}: {url}");
        }
        if let Some(schema) = &entry.about.config {
            assert_eq!(crate::schema::broken(schema), None, "{name}");
        }
        let tools: HashSet<&str> = entry.about.tools.iter().map(|tool| &*tool.name).collect();
        assert_eq!(
            tools.len(),
            entry.about.tools.len(),
            "{name}: a tool stands twice"
        );
        starts(entry);
    }
}

#[test]
fn files_are_sorted() {
    for (file, text) in FILES {
        let catalog = read_catalog(text, "n", file, &Origin::Builtin).unwrap();
        let names: Vec<&str> = catalog.entries.iter().map(|e| e.name.as_str()).collect();
        assert!(
            names.is_sorted_by_key(|name| name.to_lowercase()),
            "{file}: {names:?}"
        );
    }
}

/// With a value for every key and every secret nothing is missing, and nothing is left to fill in.
fn starts(entry: &Entry) {
    let schema = entry.about.config.clone().unwrap_or_else(|| json!({}));
    let Value::Object(config) = sample("", &schema) else {
        panic!("{}", entry.name)
    };
    let secret = |_: &str| Some(Secret::new("s3cret"));
    let ready = entry
        .resolve(&config, &secret)
        .unwrap_or_else(|missing| panic!("{}: {missing:?} for {config:?}", entry.name));
    let left = entry_text(&ready);
    assert!(
        !left.contains("{{") && !left.contains("${"),
        "{}: {left}",
        entry.name
    );
    // What is required is asked for, and only that.
    if let Err(missing) = entry.resolve(&Map::new(), &secret) {
        let missing: Vec<String> = missing.iter().map(crate::Missing::message).collect();
        assert!(
            missing.iter().all(|m| m.contains("is not configured")),
            "{}: {missing:?}",
            entry.name
        );
    }
}

fn entry_text(entry: &Entry) -> String {
    let mut plain = crate::entry_json(entry);
    if let Value::Object(plain) = &mut plain {
        plain.remove("config");
    }
    plain.to_string()
}

fn sample(key: &str, schema: &Value) -> Value {
    if let Some(default) = schema.get("default") {
        return default.clone();
    }
    if let Some(first) = schema.get("enum").and_then(|choices| choices.get(0)) {
        return first.clone();
    }
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        return properties
            .iter()
            .map(|(key, schema)| (key.clone(), sample(key, schema)))
            .collect();
    }
    let text = || match ["url", "uri", "endpoint"]
        .iter()
        .any(|word| key.contains(word))
    {
        true => json!("https://h.example"),
        false if key == "hosts" => json!("h.example"),
        false => json!("/sample"),
    };
    match schema.get("type").and_then(Value::as_str) {
        Some("array") => json!([sample(key, schema.get("items").unwrap_or(&Value::Null))]),
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(true),
        Some("object") => json!({}),
        _ if key.is_empty() => json!({}),
        _ => text(),
    }
}
