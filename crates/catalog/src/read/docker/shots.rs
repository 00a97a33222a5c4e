//! Docker's one-shot tools (`type: poci`): an image for each call. Owns how their volumes are split: those that are always
//! there become the server's, those that a call names have to lie in folders that the person chooses.

use serde_json::json;

use super::entry::Reader;
use crate::document::Node;
use crate::shot::takes_arguments;
use crate::{Launch, Shot, schema};

/// The key under which a person says which folders calls may name.
const FOLDERS: &str = "folders";
const FOLDERS_TEMPLATE: &str = "{{folders|volume|into}}";

/// What is always mounted, and whether calls name folders.
pub(super) struct Shots {
    pub(super) launch: Launch,
    pub(super) volumes: Vec<String>,
    pub(super) names_folders: bool,
}

impl Reader<'_, '_> {
    /// `None` where no tool of it runs an image; that is told.
    pub(super) fn shots(&mut self, start: usize) -> Option<Shots> {
        let tools = self.find(&[&["tools"]]).and_then(Node::list);
        let tools: Vec<Node> = tools.unwrap_or_default().to_vec();
        let (mut shots, mut volumes) = (Vec::<Shot>::new(), Vec::new());
        for tool in &tools {
            let name = tool.get("name").and_then(Node::as_str).map(str::trim);
            let container = tool.get("container");
            let (Some(name), Some(container)) = (name.filter(|name| !name.is_empty()), container)
            else {
                continue;
            };
            let Some(image) = container.get("image").and_then(|image| self.image(image)) else {
                continue;
            };
            let mut shot = Shot {
                tool: name.into(),
                image,
                command: self.arguments(container, "command"),
                volumes: Vec::new(),
                user: self.arguments(container, "user").into_iter().next(),
            };
            for volume in self.arguments(container, "volumes") {
                match takes_arguments(&volume) {
                    Ok(false) if !volumes.contains(&volume) => volumes.push(volume),
                    Ok(true) => shot.volumes.push(volume),
                    _ => {}
                }
            }
            if shots.iter().all(|known| known.tool != shot.tool) {
                shots.push(shot);
            }
        }
        if shots.is_empty() {
            let message = "none of its tools says which image it runs";
            self.fields
                .error(start, message, "add `container: {image: …}` to them");
            return None;
        }
        let names_folders = shots.iter().any(|shot| !shot.volumes.is_empty());
        if names_folders {
            volumes.push(FOLDERS_TEMPLATE.to_owned());
        }
        Some(Shots {
            launch: Launch::OneShot {
                shots,
                env: self.env(),
            },
            volumes,
            names_folders,
        })
    }

    /// Templates over the arguments of a call.
    fn arguments(&mut self, container: &Node, key: &str) -> Vec<String> {
        let Some(node) = container.get(key) else {
            return Vec::new();
        };
        let items = node.list().unwrap_or(std::slice::from_ref(node));
        let what = format!("each of `{key}`");
        let texts: Vec<_> = items
            .iter()
            .map(|item| self.fields.template(&what, item, ""))
            .collect();
        texts.into_iter().flatten().collect()
    }
}

/// Lets a person say which folders calls may name.
pub(super) fn declare_folders(config: &mut Option<serde_json::Value>) {
    let config = config.get_or_insert_with(|| json!({"type": "object"}));
    schema::ensure(config, FOLDERS);
    config["properties"][FOLDERS] = json!({
        "type": "array",
        "items": {"type": "string"},
        "description": "Folders that calls may name, absolute; without any, calls see no files of this machine",
    });
}
