//! What a bundle is started with: the templates of its manifest, filled in.

use std::collections::BTreeMap;

use super::{BundleProgram, Manifest, Setting, SettingKind};

/// What templates stand for.
struct Values<'a> {
    folder: &'a str,
    home: &'a str,
    given: BTreeMap<&'a str, Vec<String>>,
}

impl Manifest {
    /// The program of a bundle that lies unpacked in `folder`. `given` are the values of its person by their keys, a key
    /// with several as often as it has.
    ///
    /// # Errors
    /// A value is missing or wrong, or a template is unknown.
    pub fn program(
        &self,
        folder: &str,
        home: &str,
        given: &[(String, String)],
    ) -> Result<BundleProgram, String> {
        for (key, _) in given {
            if !self.settings.iter().any(|setting| setting.key == *key) {
                let keys: Vec<&str> = self.settings.iter().map(|s| s.key.as_str()).collect();
                return Err(match keys.as_slice() {
                    [] => format!("`user_config` says `{key}`, but the bundle has nothing to set"),
                    keys => format!(
                        "`user_config` says `{key}`, which the bundle does not know; there are: {}",
                        keys.join(", ")
                    ),
                });
            }
        }
        let mut values = Values {
            folder,
            home,
            given: BTreeMap::new(),
        };
        for setting in &self.settings {
            let texts = setting.values(given, &values)?;
            values.given.insert(&setting.key, texts);
        }
        let mut args = Vec::new();
        for arg in &self.args {
            args.extend(values.items(arg)?);
        }
        let mut env = Vec::new();
        for (name, value) in &self.env {
            if let Some(value) = values.text(value)? {
                env.push((name.clone(), value));
            }
        }
        let command = values
            .text(&self.command)?
            .filter(|command| !command.is_empty());
        let command = command.ok_or("its program is not set")?;
        let is_relative = command.contains('/') && !command.starts_with('/');
        let command = match (is_relative, command.as_str()) {
            (true, command) if command.split('/').any(|part| part == "..") => {
                return Err(format!("its program {command:?} is not in the bundle"));
            }
            (true, command) => format!("{folder}/{}", command.trim_start_matches("./")),
            (false, "python") => "python3".to_owned(),
            (false, command) => command.to_owned(),
        };
        Ok(BundleProgram { command, args, env })
    }
}

impl Setting {
    fn values(
        &self,
        given: &[(String, String)],
        places: &Values<'_>,
    ) -> Result<Vec<String>, String> {
        let key = &self.key;
        let of_it = given.iter().filter(|(of, _)| of == key);
        let mut texts: Vec<String> = of_it.map(|(_, value)| value.clone()).collect();
        if texts.is_empty() {
            let defaults = self.default.iter().map(|text| places.text(text));
            texts = defaults
                .filter_map(Result::transpose)
                .collect::<Result<_, _>>()?;
        }
        texts.retain(|text| !text.is_empty());
        if texts.is_empty() && self.required {
            let title = match self.title.as_str() {
                "" => String::new(),
                title => format!(" ({title})"),
            };
            return Err(format!(
                "`user_config.{key}`{title} is not set: say it under `user_config`"
            ));
        }
        if texts.len() > 1 && !self.multiple {
            return Err(format!("`user_config.{key}` can be one value only"));
        }
        for text in &texts {
            self.check(text)?;
        }
        Ok(texts)
    }

    fn check(&self, text: &str) -> Result<(), String> {
        let wrong = |wanted: &str| Err(format!("`user_config.{}` must be {wanted}", self.key));
        match self.kind {
            SettingKind::Bool if text != "true" && text != "false" => wrong("true or false"),
            SettingKind::Number => match text.parse::<f64>() {
                Ok(number) if self.min.is_some_and(|min| number < min) => {
                    wrong(&format!("at least {}", self.min.unwrap_or_default()))
                }
                Ok(number) if self.max.is_some_and(|max| number > max) => {
                    wrong(&format!("at most {}", self.max.unwrap_or_default()))
                }
                Ok(number) if number.is_finite() => Ok(()),
                _ => wrong("a number"),
            },
            _ if text.contains('\0') => wrong("a text without a zero byte"),
            _ => Ok(()),
        }
    }
}

impl Values<'_> {
    /// An argument: of a list alone all its items, nothing of one that is not set.
    fn items(&self, text: &str) -> Result<Vec<String>, String> {
        let alone = text
            .strip_prefix("${user_config.")
            .and_then(|rest| rest.strip_suffix('}'))
            .and_then(|key| self.given.get(key));
        match alone {
            Some(values) => Ok(values.clone()),
            None => Ok(self.text(text)?.into_iter().collect()),
        }
    }

    /// A text; none if something in it is not set.
    fn text(&self, text: &str) -> Result<Option<String>, String> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            filled.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                return Err(format!(
                    "{text:?} in its manifest opens a template and does not close it"
                ));
            };
            match self.value(name)? {
                Some(value) => filled.push_str(&value),
                None => return Ok(None),
            }
            rest = after;
        }
        filled.push_str(rest);
        Ok(Some(filled))
    }

    fn value(&self, name: &str) -> Result<Option<String>, String> {
        let of_home = |folder: &str| Ok(Some(format!("{}/{folder}", self.home)));
        match name {
            "__dirname" => Ok(Some(self.folder.to_owned())),
            "HOME" => Ok(Some(self.home.to_owned())),
            "DESKTOP" => of_home("Desktop"),
            "DOCUMENTS" => of_home("Documents"),
            "DOWNLOADS" => of_home("Downloads"),
            "/" | "pathSeparator" => Ok(Some("/".to_owned())),
            _ => {
                let known = name
                    .strip_prefix("user_config.")
                    .and_then(|key| self.given.get(key));
                match known {
                    Some(values) if values.is_empty() => Ok(None),
                    Some(values) => Ok(Some(values.join(","))),
                    None => Err(format!(
                        "its manifest uses ${{{name}}}, which nothing stands for"
                    )),
                }
            }
        }
    }
}
