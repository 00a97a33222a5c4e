//! A value with templates, a line break, and a value of the configuration: taken apart, filled in, written again.
#![no_main]

use catalog::{Entry, Launch, Origin, Secret, read_catalog};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (template, value) = text.split_once('\n').unwrap_or((text, "v"));
    let Some(entry) = entry(template) else {
        return;
    };
    // Written again it is the same.
    let written = &args(&entry)[0];
    assert_eq!(
        self::entry(written).as_ref().map(|e| args(e).to_vec()),
        Some(args(&entry).to_vec())
    );

    let value = serde_json::from_str::<Value>(value).unwrap_or_else(|_| json!(value));
    let config = json!({"a": value.clone(), "b": {"c": "deep"}, "list": ["x", "y"]});
    let secret = |_: &str| Some(Secret::new("xyzzy-plugh-42"));
    let Ok(ready) = entry.resolve(config.as_object().unwrap(), &secret) else {
        return;
    };
    let filled = args(&ready).join(" ");
    // A secret stands where the template names it, and a value that looks like a template is a value.
    assert!(
        template.contains("${TOKEN}") || !filled.contains("xyzzy"),
        "{filled}"
    );
    if template == "{{a}}" && value.is_string() {
        assert_eq!(filled, value.as_str().unwrap());
    }
});

fn entry(template: &str) -> Option<Entry> {
    let catalog = json!({"catalog": "c", "servers": {"s": {
        "image": "i",
        "args": [template],
        "secrets": [{"env": "TOKEN"}],
        "config": {"properties": {"a": {}, "b": {"properties": {"c": {}}}, "list": {}}},
    }}});
    let mut read = read_catalog(&catalog.to_string(), "n", "f", &Origin::Own).unwrap();
    read.entries.pop()
}

fn args(entry: &Entry) -> &[String] {
    match &entry.launch {
        Launch::Container { command, .. } => command,
        _ => &[],
    }
}
