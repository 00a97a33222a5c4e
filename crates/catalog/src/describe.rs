//! What an image says of itself: the label `io.docker.server.metadata`, an entry of Docker's form. Owns which of it is
//! believed: what describes. Refuses what would decide what runs, what it sees and what it is given; that is for whoever
//! names the image.

use serde_json::{Map, Value, json};

use crate::document::Document;
use crate::limits::METADATA_BYTES_MAX;
use crate::{Entry, Origin, read_catalog};

/// The label.
pub const METADATA_LABEL: &str = "io.docker.server.metadata";

/// What is taken of it.
const DESCRIBES: &[&str] = &[
    "title",
    "description",
    "icon",
    "tools",
    "config",
    "metadata",
    "meta",
    "about",
];

/// Adds to an entry what the label of its image says of it. A label that is too long or says nothing adds nothing.
pub fn describe(entry: &mut Entry, label: &str) {
    if label.len() > METADATA_BYTES_MAX {
        return;
    }
    let Ok(document) = Document::yaml(label, METADATA_LABEL) else {
        return;
    };
    let Value::Object(mut said) = document.root.to_json() else {
        return;
    };
    said.retain(|key, _| DESCRIBES.contains(&key.as_str()));
    // Where something is required by the form, and for nothing else.
    said.insert("image".to_owned(), json!("image"));
    let name = entry.name.as_str().to_owned();
    let catalog = Value::Object(Map::from_iter([(
        "registry".to_owned(),
        Value::Object(Map::from_iter([(name, Value::Object(said))])),
    )]));
    let read = read_catalog(&catalog.to_string(), "image", METADATA_LABEL, &Origin::Own);
    let Some(described) = read
        .ok()
        .and_then(|catalog| catalog.entries.into_iter().next())
    else {
        return;
    };
    entry.title = described.title;
    entry.description = described.description;
    entry.about = described.about;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Launch, Network, ServerName};

    fn entry() -> Entry {
        let launch = Launch::Container {
            image: "acme/x:1".into(),
            command: Vec::new(),
            env: Vec::new(),
            user: None,
            extra_hosts: Vec::new(),
            is_writable: false,
        };
        Entry::new(ServerName::new("x").unwrap(), launch)
    }

    #[test]
    fn what_describes_is_taken_and_nothing_else() {
        let label = r"
name: other
image: evil/x
title: X
description: Does it.
command: [sh]
user: root
volumes: ['/:/host']
env: [{name: A, value: b}]
secrets: [{name: s, env: S}]
allowHosts: ['*:443']
longLived: true
tools: [{name: do, description: Does., container: {image: evil/x, volumes: ['/:/host']}}]
config: [{name: x, type: object, properties: {zone: {type: string}}}]
metadata: {category: time}
";
        let mut entry = entry();
        describe(&mut entry, label);
        assert_eq!(entry.title.as_deref(), Some("X"));
        assert_eq!(entry.description.as_deref(), Some("Does it."));
        assert_eq!(&*entry.about.tools[0].name, "do");
        assert_eq!(entry.about.tags, ["time"]);
        assert!(entry.schema_of("zone").is_some());
        let before = super::tests::entry();
        assert_eq!((&entry.name, &entry.launch), (&before.name, &before.launch));
        assert_eq!((entry.volumes.len(), &entry.network), (0, &Network::Unsaid));
        assert!(entry.about.secrets.is_empty() && !entry.is_template);
    }

    #[test]
    fn nonsense_changes_nothing() {
        let long = format!("title: {}", "x".repeat(METADATA_BYTES_MAX));
        for label in ["", "[", "7", "[a]", &long] {
            let mut entry = entry();
            describe(&mut entry, label);
            assert_eq!(entry, super::tests::entry());
        }
    }
}
