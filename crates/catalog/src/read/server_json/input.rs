//! The inputs of a `server.json`: values that are fixed, asked for, or put together of both. Owns how each becomes a
//! template, a key of the configuration or a secret.

use serde_json::{Map, Value as Json, json};

use crate::SecretSpec;
use crate::document::{Node, Value};

/// What the inputs of one server ask for.
pub(super) struct Inputs {
    server: String,
    properties: Map<String, Json>,
    required: Vec<String>,
    secrets: Vec<SecretSpec>,
}

impl Inputs {
    pub(super) fn new(server: &str) -> Self {
        Self {
            server: server.to_owned(),
            properties: Map::new(),
            required: Vec::new(),
            secrets: Vec::new(),
        }
    }

    /// The schema and the secrets.
    pub(super) fn finish(self) -> (Option<Json>, Vec<SecretSpec>) {
        let schema = (!self.properties.is_empty()).then(
            || json!({"type": "object", "properties": self.properties, "required": self.required}),
        );
        let schema = schema.map(|schema| crate::schema::repaired(schema).0);
        (schema, self.secrets)
    }

    /// The template of an input whose name is `name`; `None`: it has no value and asks for none.
    pub(super) fn template(&mut self, input: &Node, name: &str) -> Option<String> {
        match input.get("value").map(text_of) {
            Some(Some(value)) => Some(self.filled(&value, input)),
            _ => Some(self.asked(input, name)),
        }
    }

    /// `{variable}` in a fixed value stands for an input of its own.
    fn filled(&mut self, value: &str, input: &Node) -> String {
        let variables = input.get("variables");
        let mut out = String::new();
        let mut rest = value;
        while let Some(start) = rest.find('{') {
            let Some(end) = rest[start..].find('}').map(|end| start + end) else {
                break;
            };
            let name = &rest[start + 1..end];
            let is_name = !name.is_empty()
                && name
                    .chars()
                    .all(|c| c.is_alphanumeric() || "_-. ".contains(c));
            out.push_str(&rest[..start]);
            match variables.and_then(|variables| variables.get(name)) {
                Some(variable) => {
                    let template = self.template(variable, name).unwrap_or_default();
                    out.push_str(&template);
                }
                // The registry promises that variables are declared; one that is not is asked for all the same.
                None if is_name => out.push_str(&self.asked_plainly(name)),
                None => out.push_str(&rest[start..=end]),
            }
            rest = &rest[end + 1..];
        }
        out + rest
    }

    /// The template of a URL, whose `{variables}` stand beside it.
    pub(super) fn url(&mut self, url: &str, node: &Node) -> String {
        self.filled(url, node)
    }

    fn asked(&mut self, input: &Node, name: &str) -> String {
        let is = |key: &str| input.get(key).map(|node| &node.value) == Some(&Value::Bool(true));
        let required = is("isRequired") || is("is_required");
        let text = |key: &str| {
            input
                .get(key)
                .and_then(text_of)
                .filter(|text| !text.is_empty())
        };
        if is("isSecret") || is("is_secret") {
            return self.secret(name, text("description"), text("placeholder"), required);
        }
        let key = key_of(name);
        let mut property = Map::new();
        let kind = match text("format").as_deref() {
            Some("number") => "number",
            Some("boolean") => "boolean",
            _ => "string",
        };
        property.insert("type".into(), json!(kind));
        if let Some(about) = text("description") {
            property.insert("description".into(), json!(about));
        }
        if let Some(default) = text("default") {
            property.insert("default".into(), typed(&default, kind));
        }
        let choices = input
            .get("choices")
            .and_then(Node::list)
            .unwrap_or_default();
        if !choices.is_empty() {
            let choices: Vec<Json> = choices
                .iter()
                .filter_map(text_of)
                .map(|text| typed(&text, kind))
                .collect();
            property.insert("enum".into(), json!(choices));
        }
        if let Some(example) = text("placeholder") {
            property.insert("examples".into(), json!([example]));
        }
        self.properties
            .entry(key.clone())
            .or_insert(Json::Object(property));
        if required && !self.required.contains(&key) {
            self.required.push(key.clone());
        }
        format!("{{{{{key}}}}}")
    }

    fn asked_plainly(&mut self, name: &str) -> String {
        let key = key_of(name);
        self.properties
            .entry(key.clone())
            .or_insert_with(|| json!({"type": "string"}));
        if !self.required.contains(&key) {
            self.required.push(key.clone());
        }
        format!("{{{{{key}}}}}")
    }

    fn secret(
        &mut self,
        name: &str,
        description: Option<String>,
        example: Option<String>,
        required: bool,
    ) -> String {
        let env: String = name
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() {
                    c.to_ascii_uppercase()
                } else {
                    '_'
                }
            })
            .collect();
        let env = env.trim_matches('_').to_owned();
        let env = if env.is_empty() {
            "SECRET".to_owned()
        } else {
            env
        };
        if !self.secrets.iter().any(|secret| secret.env == env) {
            self.secrets.push(SecretSpec {
                name: format!("{}.{}", self.server, env.to_ascii_lowercase()),
                env: env.clone(),
                description,
                example,
                url: None,
                required,
                from: None,
            });
        }
        format!("${{{env}}}")
    }
}

/// A key of the configuration: `--log-level` is `log_level`.
fn key_of(name: &str) -> String {
    let key: String = name
        .trim_matches(['-', ' ', '{', '}', '<', '>'])
        .chars()
        .map(|c| {
            if c.is_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '_'
            }
        })
        .collect();
    match key.is_empty() {
        true => "value".to_owned(),
        false => key,
    }
}

fn typed(text: &str, kind: &str) -> Json {
    match kind {
        "string" => json!(text),
        _ => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
    }
}

pub(super) fn text_of(node: &Node) -> Option<String> {
    match &node.value {
        Value::String(text) | Value::Number(text) => Some(text.clone()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}
