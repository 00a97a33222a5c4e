//! From the text of a manifest to what it says. Every list and text has a limit, since the file is somebody else's.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{BundleKind, Manifest, Setting, SettingKind};
use crate::KnownTool;
use crate::limits::{BUNDLE_ITEMS_MAX, BUNDLE_MANIFEST_BYTES_MAX, BUNDLE_TEXT_BYTES_MAX};

#[derive(Deserialize)]
struct Raw {
    name: String,
    display_name: Option<String>,
    version: String,
    #[serde(default)]
    description: String,
    homepage: Option<String>,
    server: Server,
    #[serde(default)]
    tools: Vec<Tool>,
    #[serde(default)]
    compatibility: Compatibility,
    #[serde(default)]
    user_config: BTreeMap<String, RawSetting>,
}

#[derive(Deserialize)]
struct Server {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    entry_point: String,
    mcp_config: Option<Config>,
}

#[derive(Deserialize)]
struct Config {
    #[serde(flatten)]
    usual: Start,
    #[serde(default)]
    platform_overrides: BTreeMap<String, Start>,
}

#[derive(Deserialize, Default)]
struct Start {
    command: Option<String>,
    args: Option<Vec<String>>,
    env: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Tool {
    name: String,
    #[serde(default)]
    description: String,
}

#[derive(Deserialize, Default)]
struct Compatibility {
    platforms: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct RawSetting {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    sensitive: bool,
    #[serde(default)]
    multiple: bool,
    default: Option<Value>,
    min: Option<f64>,
    max: Option<f64>,
}

impl Manifest {
    /// Reads `manifest.json`, as it is on this platform (`linux`, `darwin` or `win32`).
    ///
    /// # Errors
    /// It is none, or says what cannot be; what and where.
    pub fn read(text: &str, platform: &str) -> Result<Self, String> {
        if text.len() > BUNDLE_MANIFEST_BYTES_MAX {
            return Err(format!(
                "it is longer than {BUNDLE_MANIFEST_BYTES_MAX} bytes"
            ));
        }
        let raw: Raw = serde_json::from_str(text.trim_start_matches('\u{feff}'))
            .map_err(|error| error.to_string())?;
        raw.check()?;
        if let Some(platforms) = &raw.compatibility.platforms
            && !platforms.iter().any(|known| known == platform)
        {
            return Err(format!(
                "it is for {}, and this is {platform}",
                platforms.join(", ")
            ));
        }
        let kind = raw.server.kind()?;
        let (command, args, env) = raw.server.start(kind, platform)?;
        let settings = raw
            .user_config
            .into_iter()
            .map(|(key, setting)| setting.read(key))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            name: raw.name,
            title: raw.display_name,
            version: raw.version,
            description: raw.description,
            kind,
            settings,
            command,
            args,
            env,
            tools: raw
                .tools
                .into_iter()
                .map(|tool| KnownTool {
                    name: tool.name.into(),
                    description: tool.description.into(),
                    input_schema: None,
                })
                .collect(),
            website: raw.homepage.filter(|url| url.starts_with("https://")),
        })
    }
}

impl Raw {
    fn check(&self) -> Result<(), String> {
        let config = self.server.mcp_config.iter();
        let starts =
            config.flat_map(|config| config.platform_overrides.values().chain([&config.usual]));
        let too_many = self.tools.len() > BUNDLE_ITEMS_MAX
            || self.user_config.len() > BUNDLE_ITEMS_MAX
            || starts.clone().any(|start| {
                start
                    .args
                    .as_ref()
                    .is_some_and(|args| args.len() > BUNDLE_ITEMS_MAX)
                    || start
                        .env
                        .as_ref()
                        .is_some_and(|env| env.len() > BUNDLE_ITEMS_MAX)
            });
        if too_many {
            return Err(format!(
                "it lists more than {BUNDLE_ITEMS_MAX} things of a kind"
            ));
        }
        let is_long = |text: &str| text.len() > BUNDLE_TEXT_BYTES_MAX;
        if is_long(&self.name) || is_long(&self.version) || is_long(&self.description) {
            return Err(format!(
                "a text in it is longer than {BUNDLE_TEXT_BYTES_MAX} bytes"
            ));
        }
        if self.name.is_empty() || self.version.is_empty() {
            return Err("it has no name or no version".to_owned());
        }
        Ok(())
    }
}

impl Server {
    fn kind(&self) -> Result<BundleKind, String> {
        match self.kind.as_str() {
            "node" => Ok(BundleKind::Node),
            "python" => Ok(BundleKind::Python),
            "binary" => Ok(BundleKind::Binary),
            "uv" => Ok(BundleKind::Uv),
            other => Err(format!(
                "`server.type` cannot be {other:?}; there are node, python, uv and binary"
            )),
        }
    }

    /// Command, arguments and environment, templates left as they are.
    #[expect(
        clippy::type_complexity,
        reason = "the three parts of a start, taken apart at once"
    )]
    fn start(
        self,
        kind: BundleKind,
        platform: &str,
    ) -> Result<(String, Vec<String>, Vec<(String, String)>), String> {
        let is_inside = |path: &str| {
            !path.is_empty() && !path.starts_with('/') && path.split('/').all(|part| part != "..")
        };
        let mut config = self.mcp_config.unwrap_or(Config {
            usual: Start::default(),
            platform_overrides: BTreeMap::new(),
        });
        let own = config
            .platform_overrides
            .remove(platform)
            .unwrap_or_default();
        let usual = config.usual;
        let mut env = usual.env.unwrap_or_default();
        env.extend(own.env.unwrap_or_default());
        let args = own.args.or(usual.args);
        let entry = format!(
            "${{__dirname}}/{}",
            self.entry_point.trim_start_matches("./")
        );
        let (command, args) = match own.command.or(usual.command) {
            // How uv is told to run the entry point; we run it ourselves.
            Some(command) if kind == BundleKind::Uv && is_inside(&self.entry_point) => {
                if command != "uv" {
                    return Err(format!(
                        "`server.type` is uv, and `mcp_config.command` {command:?}"
                    ));
                }
                let rest = after(args.unwrap_or_default(), &self.entry_point);
                ("python3".to_owned(), [vec![entry], rest].concat())
            }
            Some(command) => (command, args.unwrap_or_default()),
            None if !is_inside(&self.entry_point) => {
                return Err("`server` has neither a `mcp_config.command` nor an `entry_point` in the bundle".to_owned());
            }
            None => match kind.runtime() {
                Some((runtime, _)) => {
                    let args = args.unwrap_or_default();
                    (runtime.to_owned(), [vec![entry], args].concat())
                }
                None => (entry, args.unwrap_or_default()),
            },
        };
        Ok((command, args, env.into_iter().collect()))
    }
}

/// What stands behind the entry point on a command line of uv: the server's own arguments.
fn after(args: Vec<String>, entry_point: &str) -> Vec<String> {
    let name = entry_point.trim_start_matches("./");
    let is_it = |arg: &String| {
        let inside = arg.strip_prefix("${__dirname}/").unwrap_or(arg);
        inside.trim_start_matches("./") == name
    };
    match args.iter().position(is_it) {
        Some(at) => args.into_iter().skip(at + 1).collect(),
        None => Vec::new(),
    }
}

impl RawSetting {
    fn read(self, key: String) -> Result<Setting, String> {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if key.is_empty() || key.len() > 64 || !key.chars().all(is_word) {
            return Err(format!("`user_config` has the key {key:?}, which is none"));
        }
        let kind = match self.kind.as_str() {
            "string" => SettingKind::Text,
            "number" => SettingKind::Number,
            "boolean" => SettingKind::Bool,
            "directory" => SettingKind::Folder,
            "file" => SettingKind::File,
            other => {
                return Err(format!(
                    "`user_config.{key}` has the type {other:?}, which is none"
                ));
            }
        };
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let default = match &self.default {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) => items.iter().map(text).collect(),
            Some(value) => vec![text(value)],
        };
        Ok(Setting {
            key,
            kind,
            title: self.title,
            description: self.description,
            required: self.required,
            sensitive: self.sensitive,
            multiple: self.multiple,
            default,
            min: self.min,
            max: self.max,
        })
    }
}
