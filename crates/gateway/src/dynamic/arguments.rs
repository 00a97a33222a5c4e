//! The arguments of our own tools, checked: what is not as it must be is a reply that says so.

use serde_json::{Map, Value};
use wire::Object;

use super::menu::Tool;
use super::reply::Reply;
use crate::call::Call;
use crate::naming;

/// See the module.
#[derive(Debug)]
pub(super) struct Arguments {
    tool: Tool,
    map: Map<String, Value>,
    raw: String,
}

impl Arguments {
    pub(super) fn read(call: &Call, tool: Tool) -> Result<Self, Reply> {
        let params = call.frame.params_object();
        let raw = params
            .as_ref()
            .map_err(ToString::to_string)
            .and_then(|params| params.get("arguments").map_err(|e| e.to_string()));
        let raw = raw
            .map_err(|error| Reply::error(format!("{}: {error}", tool.name())))?
            .filter(|raw| *raw != "null")
            .unwrap_or("{}");
        // What is checked here and what is done must be the same.
        wire::strict(raw).map_err(|e| Reply::error(format!("{}: arguments: {e}", tool.name())))?;
        let map: Map<String, Value> = serde_json::from_str(raw).map_err(|_| {
            Reply::error(format!("{} takes its arguments as an object", tool.name()))
        })?;
        let taken = tool.arguments();
        if let Some(unknown) = map.keys().find(|name| !taken.contains(&name.as_str())) {
            let near = naming::nearest(unknown, taken.iter().copied());
            let hint = match near.first() {
                Some(near) => format!("did you mean {near:?}?"),
                None => format!("it takes: {}", taken.join(", ")),
            };
            return Err(Reply::error(format!(
                "{} takes no argument {unknown:?}; {hint}",
                tool.name()
            )));
        }
        Ok(Self {
            tool,
            map,
            raw: raw.to_owned(),
        })
    }

    /// A text that must be there.
    pub(super) fn text(&self, name: &str) -> Result<&str, Reply> {
        self.text_if_any(name)?
            .ok_or_else(|| self.wrong(name, "is missing"))
    }

    /// A name that must be there and say something.
    pub(super) fn name(&self, name: &str) -> Result<&str, Reply> {
        let text = self.text(name)?.trim();
        match text.is_empty() {
            true => Err(self.wrong(name, "is empty")),
            false => Ok(text),
        }
    }

    pub(super) fn text_if_any(&self, name: &str) -> Result<Option<&str>, Reply> {
        match self.map.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(name, "must be a string")),
        }
    }

    pub(super) fn flag(&self, name: &str, default: bool) -> Result<bool, Reply> {
        match self.map.get(name) {
            None | Some(Value::Null) => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(self.wrong(name, "must be true or false")),
        }
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<i64>, Reply> {
        match self.map.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Number(number)) => {
                // Models write 5.0, too.
                let rounded = number.as_f64().filter(|n| n.fract() == 0.0);
                let whole = number.as_i64().or(rounded.map(|n| n as i64));
                whole
                    .map(Some)
                    .ok_or_else(|| self.wrong(name, "must be a whole number"))
            }
            Some(_) => Err(self.wrong(name, "must be a whole number")),
        }
    }

    /// An object; models often write it as a string of JSON.
    pub(super) fn object(&self, name: &str) -> Result<Option<Map<String, Value>>, Reply> {
        let wrong = || self.wrong(name, "must be an object");
        match self.map.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(object)) => Ok(Some(object.clone())),
            Some(Value::String(text)) => {
                wire::strict(text).map_err(|_| wrong())?;
                serde_json::from_str(text).map(Some).map_err(|_| wrong())
            }
            Some(_) => Err(wrong()),
        }
    }

    /// Names, none of them empty; models often write a list as a string.
    pub(super) fn names(&self, name: &str) -> Result<Vec<String>, Reply> {
        let wrong = || self.wrong(name, "must be a list of names");
        let names: Vec<String> = match self.map.get(name) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::String(text)) => match serde_json::from_str(text) {
                Ok(names) => names,
                Err(_) => text.split(',').map(str::to_owned).collect(),
            },
            Some(value) => serde_json::from_value(value.clone()).map_err(|_| wrong())?,
        };
        let names = names.iter().map(|name| name.trim().to_owned());
        Ok(names.filter(|name| !name.is_empty()).collect())
    }

    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.map.get(name)
    }

    /// An object as the client wrote it, byte by byte.
    pub(super) fn raw_object(&self, name: &str) -> Result<Option<String>, Reply> {
        let object = Object::parse(&self.raw).map_err(|e| self.wrong(name, &e.to_string()))?;
        let raw = object.get(name).ok().flatten();
        match self.map.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(_)) => Ok(raw.map(str::to_owned)),
            Some(Value::String(text)) => {
                self.object(name)?;
                Ok(Some(text.clone()))
            }
            Some(_) => Err(self.wrong(name, "must be an object")),
        }
    }

    pub(super) fn wrong(&self, name: &str, how: &str) -> Reply {
        Reply::error(format!("{}: {name:?} {how}", self.tool.name()))
    }
}
