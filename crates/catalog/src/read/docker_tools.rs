//! Tools as Docker's catalogs and `tools.json` list them. Owns the two ways in which they give arguments.

use serde_json::{Map, Value, json};

use crate::KnownTool;
use crate::document::Node;

/// The tools of a list. What has no name is none.
pub(super) fn read(list: &Node) -> Vec<KnownTool> {
    let tool = |node: &Node| {
        let name = node.as_str().or_else(|| node.get("name")?.as_str())?;
        let description = node.get("description").and_then(Node::as_str);
        Some(KnownTool {
            name: name.trim().into(),
            description: description.unwrap_or_default().trim().into(),
            input_schema: schema(node).map(|schema| schema.to_string().into()),
        })
    };
    let items = list.list().unwrap_or_default().iter();
    items
        .filter_map(tool)
        .filter(|tool| !tool.name.is_empty())
        .collect()
}

fn schema(tool: &Node) -> Option<Value> {
    if let Some(schema) = ["inputSchema", "parameters"]
        .iter()
        .find_map(|key| tool.get(key))
    {
        let schema = schema.to_json();
        return schema.is_object().then_some(schema);
    }
    let arguments = tool.get("arguments")?.list()?;
    // An empty list says that nobody looked, for most of those tools do take arguments.
    if arguments.is_empty() {
        return None;
    }
    let mut properties = Map::new();
    let mut required = Vec::new();
    for argument in arguments {
        let text = |key: &str| argument.get(key).and_then(Node::as_str);
        let Some(name) = text("name") else {
            continue;
        };
        let mut property = Map::new();
        if let Some(kind) = text("type") {
            property.insert("type".into(), json!(kind));
        }
        if let Some(about) = text("desc").or_else(|| text("description")) {
            property.insert("description".into(), json!(about));
        }
        if let Some(items) = argument.get("items") {
            property.insert("items".into(), items.to_json());
        }
        properties.insert(name.to_owned(), Value::Object(property));
        let is_optional = argument.get("optional").map(Node::to_json) == Some(json!(true));
        if !is_optional {
            required.push(json!(name));
        }
    }
    Some(json!({"type": "object", "properties": properties, "required": required}))
}
