//! The manifest of an MCPB bundle (`manifest.json` of an `.mcpb` file): what is in it, how it is started here, and what its
//! person sets. Owns reading it and filling it in. Refuses what leads out of the bundle, and templates that nobody
//! knows. Next: `bundle/fill.rs`; unpacking is `launch`'s.

mod fill;
mod read;

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::{About, Entry, KnownTool, Launch, Registry, SecretSpec, ServerName};

/// What stands before the key of a value for a bundle among the variables of an entry: such a pair is no variable.
pub const USER_CONFIG: &str = "user_config.";

/// See the module.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// Its name for programs.
    pub name: String,
    /// Its name for people.
    pub title: Option<String>,
    /// Its version.
    pub version: String,
    /// What it is for.
    pub description: String,
    /// What it needs to run.
    pub kind: BundleKind,
    /// What a person sets, in its order.
    pub settings: Vec<Setting>,
    command: String,
    args: Vec<String>,
    env: Vec<(String, String)>,
    tools: Vec<KnownTool>,
    website: Option<String>,
}

/// What a bundle needs to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BundleKind {
    /// Node.js.
    Node,
    /// Python 3; its packages are in the bundle.
    Python,
    /// Python 3, and the packages that its `pyproject.toml` names.
    Uv,
    /// Nothing: it is a program of this machine's kind.
    Binary,
}

/// One thing that a person sets.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Its key.
    pub key: String,
    kind: SettingKind,
    title: String,
    description: String,
    required: bool,
    /// Not to be shown.
    pub sensitive: bool,
    multiple: bool,
    default: Vec<String>,
    min: Option<f64>,
    max: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SettingKind {
    Text,
    Number,
    Bool,
    Folder,
    File,
}

/// What a bundle is started with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleProgram {
    /// A path, or a name to look up.
    pub command: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Variables of its environment.
    pub env: Vec<(String, String)>,
}

impl BundleKind {
    /// The program that runs it, and whose that is; none needs one.
    pub fn runtime(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Node => Some(("node", "Node.js")),
            Self::Python | Self::Uv => Some(("python3", "Python 3")),
            Self::Binary => None,
        }
    }
}

impl Manifest {
    /// An entry for the bundle, with what its person sets as configuration and secrets. Folders and files that are set
    /// are shown to the server, folders to be written.
    ///
    /// # Errors
    /// Its name is none that a server can have.
    pub fn entry(&self, file: &str, sha256: &str) -> Result<Entry, String> {
        let name = ServerName::repaired(&self.name)
            .ok_or_else(|| format!("the bundle is called {:?}, which is no name", self.name))?;
        let (mut properties, mut required) = (Map::new(), Vec::new());
        let (mut secrets, mut env, mut volumes) = (Vec::new(), Vec::new(), Vec::new());
        for setting in &self.settings {
            let key = &setting.key;
            let about = [setting.title.as_str(), setting.description.as_str()];
            let about = about
                .into_iter()
                .find(|text| !text.is_empty())
                .unwrap_or(key);
            if setting.sensitive {
                let variable: String = key
                    .chars()
                    .map(|c| {
                        if c.is_ascii_alphanumeric() {
                            c.to_ascii_uppercase()
                        } else {
                            '_'
                        }
                    })
                    .collect();
                env.push((format!("{USER_CONFIG}{key}"), format!("${{{variable}}}")));
                secrets.push(SecretSpec {
                    name: format!("{name}.{key}"),
                    env: variable,
                    description: Some(about.to_owned()),
                    example: None,
                    url: None,
                    required: setting.required,
                    from: None,
                });
                continue;
            }
            env.push((format!("{USER_CONFIG}{key}"), format!("{{{{{key}}}}}")));
            match setting.kind {
                SettingKind::Folder => volumes.push(format!("{{{{{key}}}}}:{{{{{key}}}}}")),
                SettingKind::File => volumes.push(format!("{{{{{key}}}}}:{{{{{key}}}}}:ro")),
                SettingKind::Text | SettingKind::Number | SettingKind::Bool => {}
            }
            if setting.required && setting.default.is_empty() {
                required.push(Value::from(key.as_str()));
            }
            properties.insert(key.clone(), setting.schema(about));
        }
        let config = (!properties.is_empty())
            .then(|| json!({"type": "object", "properties": properties, "required": required}));
        let about = About {
            version: Some(self.version.clone()),
            tools: self.tools.clone(),
            website: self.website.clone(),
            config,
            secrets,
            ..About::default()
        };
        Ok(Entry {
            title: self.title.clone(),
            description: Some(self.description.clone()),
            is_template: true,
            volumes,
            about: Arc::new(about),
            ..Entry::new(
                name,
                Launch::Package {
                    registry: Registry::Mcpb,
                    identifier: file.to_owned(),
                    version: None,
                    sha256: Some(sha256.to_owned()),
                    runtime: None,
                    runtime_args: Vec::new(),
                    args: Vec::new(),
                    env,
                },
            )
        })
    }
}

impl Setting {
    fn schema(&self, about: &str) -> Value {
        let kind = match self.kind {
            SettingKind::Number => "number",
            SettingKind::Bool => "boolean",
            SettingKind::Text | SettingKind::Folder | SettingKind::File => "string",
        };
        let mut schema = json!({"type": kind, "description": about});
        if let Some(text) = self.default.first().filter(|_| !self.multiple) {
            let default = match self.kind {
                SettingKind::Number | SettingKind::Bool => serde_json::from_str(text).ok(),
                _ => Some(Value::from(text.as_str())),
            };
            // One with a place of this machine in it is filled in at the start.
            schema["default"] = default.filter(|_| !text.contains("${")).unwrap_or_default();
            if schema["default"].is_null()
                && let Some(object) = schema.as_object_mut()
            {
                object.remove("default");
            }
        }
        for (name, bound) in [("minimum", self.min), ("maximum", self.max)] {
            if let Some(bound) = bound.filter(|_| kind == "number") {
                schema[name] = json!(bound);
            }
        }
        schema
    }
}

#[cfg(test)]
mod tests;
