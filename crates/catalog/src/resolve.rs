//! From an entry of a catalog to one that can be started: configuration and secrets are filled into its templates. Owns
//! what is told when something is missing. Refuses to start half of it: either everything is there, or a list of what is
//! not. Next: `template/render.rs`.

use serde_json::{Map, Value};

use crate::configure::ConfigProblem;
use crate::places::Place;
use crate::template::{Filled, Template, Values};
use crate::{Entry, Launch, Network, Secret, SecretSpec};

/// What stands between an entry and a start.
#[derive(Debug, Clone, PartialEq)]
pub enum Missing {
    /// A value of the configuration that the schema requires.
    Config {
        /// Its key, steps separated by dots; ` or ` stands between several of which one is enough.
        key: String,
        /// Its schema.
        schema: Value,
    },
    /// A value of the configuration that cannot be used.
    Invalid(ConfigProblem),
    /// A credential.
    Secret {
        /// Under which name it is to be stored.
        name: String,
        /// The variable that it is given in.
        env: String,
        /// What it is.
        description: Option<String>,
        /// Where a person gets one.
        url: Option<String>,
    },
}

impl Missing {
    pub(crate) fn secret(spec: &SecretSpec) -> Self {
        Self::Secret {
            name: spec.name.clone(),
            env: spec.env.clone(),
            description: spec.description.clone(),
            url: spec.url.clone(),
        }
    }

    /// What is missing, in one short line without a full stop.
    pub fn message(&self) -> String {
        match self {
            Self::Config { key, schema } => {
                let about = schema.get("description").and_then(Value::as_str);
                match about.filter(|about| !about.is_empty()) {
                    Some(about) => {
                        format!("`{key}` is not configured: {}", about.trim_end_matches('.'))
                    }
                    None => format!("`{key}` is not configured"),
                }
            }
            Self::Invalid(problem) => problem.to_string(),
            Self::Secret {
                name, description, ..
            } => match description {
                Some(about) => format!(
                    "the secret `{name}` is not set: {}",
                    about.trim_end_matches('.')
                ),
                None => format!("the secret `{name}` is not set"),
            },
        }
    }
}

impl Entry {
    /// The entry with `config` and the secrets filled in, ready to be started; entries without templates as they are.
    ///
    /// `secrets` gives the value of a secret by its name. A secret goes into its variable, and wherever `${VARIABLE}`
    /// stands. Whatever needs an optional value that is not set is left out: the argument, the variable, the header, the
    /// volume; a URL needs all of them.
    ///
    /// # Errors
    /// Everything that is missing or wrong, at once.
    pub fn resolve(
        &self,
        config: &Map<String, Value>,
        secrets: &dyn Fn(&str) -> Option<Secret>,
    ) -> Result<Self, Vec<Missing>> {
        if !self.is_template {
            return Ok(self.clone());
        }
        let mut found: Vec<(&SecretSpec, Secret)> = Vec::new();
        for spec in &self.about.secrets {
            found.extend(secrets(&spec.name).map(|secret| (spec, secret)));
        }
        let has = |name: &str| found.iter().any(|(spec, _)| spec.name == name);
        let mut missing = self.missing(config, &has);
        // Where something is missing, a schema that wants one of several says so a second time.
        let lacks = missing
            .iter()
            .any(|missing| matches!(missing, Missing::Config { .. }));
        let checked = match lacks {
            true => self.check_given(config),
            false => self.check_config(config),
        };
        let checked = match checked {
            Ok(checked) => checked,
            Err(problems) => {
                missing.extend(problems.into_iter().map(Missing::Invalid));
                return Err(missing);
            }
        };
        let by_env = |env: &str| {
            let mut found = found.iter();
            found
                .find(|(spec, _)| spec.env == env)
                .map(|(_, secret)| secret.clone())
        };
        let mut filling = Filling {
            entry: self,
            values: Values {
                config: &checked,
                secret: &by_env,
            },
            missing,
        };
        let mut resolved = self.clone();
        filling.launch(&mut resolved.launch);
        resolved.volumes = filling.items(Place::Volume, &self.volumes);
        if let Network::Hosts(hosts) = &self.network {
            resolved.network = Network::Hosts(filling.items(Place::Host, hosts));
        }
        if !filling.missing.is_empty() {
            return Err(filling.missing);
        }
        resolved.is_template = false;
        if let Launch::Command { env, .. }
        | Launch::Container { env, .. }
        | Launch::OneShot { env, .. }
        | Launch::Package { env, .. } = &mut resolved.launch
        {
            for (spec, secret) in found {
                if !env.iter().any(|(name, _)| *name == spec.env) {
                    env.push((spec.env.clone(), secret.reveal().to_owned()));
                }
            }
        }
        Ok(resolved)
    }
}

struct Filling<'a> {
    entry: &'a Entry,
    values: Values<'a>,
    missing: Vec<Missing>,
}

impl Filling<'_> {
    fn launch(&mut self, launch: &mut Launch) {
        match launch {
            Launch::Command {
                command, args, env, ..
            } => {
                *command = self.whole(Place::CommandLine, command);
                *args = self.items(Place::CommandLine, args);
                self.pairs(env, |name| Place::Env(name));
            }
            Launch::Package {
                runtime_args,
                args,
                env,
                ..
            } => {
                *runtime_args = self.items(Place::CommandLine, runtime_args);
                *args = self.items(Place::CommandLine, args);
                self.pairs(env, |name| Place::of_pair(name));
            }
            Launch::Container {
                command,
                env,
                user,
                extra_hosts,
                ..
            } => {
                *command = self.items(Place::CommandLine, command);
                self.pairs(env, |name| Place::Env(name));
                *user = user
                    .as_ref()
                    .and_then(|user| self.one(Place::CommandLine, user));
                *extra_hosts = self.items(Place::Host, extra_hosts);
            }
            Launch::Remote { url, headers, .. } => {
                *url = self.whole(Place::Url, url);
                self.pairs(headers, |_| Place::Header);
            }
            // What it runs is filled in with the arguments of each call.
            Launch::OneShot { env, .. } => self.pairs(env, |name| Place::Env(name)),
            Launch::Unavailable { .. } => {}
        }
    }

    fn items(&mut self, place: Place<'_>, texts: &[String]) -> Vec<String> {
        let mut out = Vec::new();
        for text in texts {
            match self.fill(place, text) {
                Filled::Nothing => {}
                Filled::One(item) => out.push(item),
                Filled::Many(items) => out.extend(items),
            }
        }
        out
    }

    fn pairs(&mut self, pairs: &mut Vec<(String, String)>, place: impl Fn(&str) -> Place<'_>) {
        let texts = std::mem::take(pairs);
        for (name, text) in texts {
            if let Some(value) = self.one(place(&name), &text) {
                pairs.push((name, value));
            }
        }
    }

    fn one(&mut self, place: Place<'_>, text: &str) -> Option<String> {
        match self.fill(place, text) {
            Filled::Nothing => None,
            Filled::One(value) => Some(value),
            Filled::Many(items) => Some(items.join(",")),
        }
    }

    /// A value that cannot be left out.
    fn whole(&mut self, place: Place<'_>, text: &str) -> String {
        if let Some(value) = self.one(place, text) {
            return value;
        }
        let template = self.entry.template(text);
        let keys = template.iter().flat_map(Template::keys);
        let mut lacks: Vec<String> = keys.map(str::to_owned).collect();
        lacks.retain(|key| crate::template::find(self.values.config, key).is_none());
        for key in lacks {
            let schema = self
                .entry
                .schema_of(&key)
                .cloned()
                .unwrap_or(Value::Bool(true));
            let missing = Missing::Config { key, schema };
            if !self.missing.contains(&missing) {
                self.missing.push(missing);
            }
        }
        for spec in &self.entry.about.secrets {
            let is_used = text.contains(&format!("${{{}}}", spec.env));
            let missing = Missing::secret(spec);
            if is_used
                && (self.values.secret)(&spec.env).is_none()
                && !self.missing.contains(&missing)
            {
                self.missing.push(missing);
            }
        }
        String::new()
    }

    fn fill(&mut self, place: Place<'_>, text: &str) -> Filled {
        let template = match self.entry.template(text) {
            Ok(template) => template,
            Err((error, _)) => {
                self.invalid("", error.to_string());
                return Filled::Nothing;
            }
        };
        let filled = template.fill(&self.values);
        let Some(key) = template.keys().next() else {
            return filled;
        };
        let wrong = match &filled {
            Filled::Nothing => None,
            Filled::One(value) => place.refuses(value),
            Filled::Many(values) => values.iter().find_map(|value| place.refuses(value)),
        };
        if let Some(why) = wrong {
            self.invalid(key, why.to_owned());
        }
        filled
    }

    fn invalid(&mut self, key: &str, message: String) {
        self.missing.push(Missing::Invalid(ConfigProblem {
            key: key.to_owned(),
            message,
        }));
    }
}

impl Place<'_> {
    /// Why a value that was filled in cannot stand there.
    fn refuses(self, value: &str) -> Option<&'static str> {
        match self {
            _ if value.contains('\0') => Some("a NUL cannot stand in it"),
            Place::Header if value.contains(|c: char| c.is_control() && c != '\t') => {
                Some("a line break or another control character cannot stand in a header")
            }
            Place::Url if !(value.starts_with("https://") || value.starts_with("http://")) => {
                Some("what it gives is no http:// or https:// address")
            }
            Place::Url if value.contains(|c: char| c.is_whitespace() || c.is_control()) => {
                Some("a space cannot stand in an address")
            }
            Place::Volume if value.contains(['\n', '\r']) => {
                Some("a line break cannot stand in a path")
            }
            Place::Volume if !is_volume(value) => Some(
                "it must be one path, and the volume it is put into has the form source:target[:ro]",
            ),
            Place::Host if value.contains(|c: char| c.is_whitespace() || c == '/' || c == '@') => {
                Some("it must be the name of a host")
            }
            _ => None,
        }
    }
}

/// `source:target` or `source:target:ro|rw`, the target an absolute path.
fn is_volume(text: &str) -> bool {
    let mut pieces = text.split(':');
    let (source, target, mode) = (pieces.next(), pieces.next(), pieces.next());
    source.is_some_and(|source| !source.is_empty())
        && target.is_some_and(|target| target.starts_with('/'))
        && mode.is_none_or(|mode| matches!(mode, "ro" | "rw"))
        && pieces.next().is_none()
}

impl Entry {
    /// The schema of one key of the configuration, steps separated by dots.
    pub fn schema_of(&self, key: &str) -> Option<&Value> {
        fn at<'a>(schema: &'a Value, key: &str) -> Option<&'a Value> {
            let properties = schema.get("properties")?;
            properties.get(key).or_else(|| {
                key.match_indices('.')
                    .find_map(|(dot, _)| at(properties.get(&key[..dot])?, &key[dot + 1..]))
            })
        }
        at(self.about.config.as_ref()?, key)
    }

    /// The keys that decide which folders a server sees.
    pub(crate) fn volume_keys(&self) -> Vec<String> {
        let templates = self.volumes.iter().filter(|_| self.is_template);
        let templates = templates.filter_map(|text| self.template(text).ok());
        let keys = templates.flat_map(|t| t.keys().map(str::to_owned).collect::<Vec<_>>());
        keys.collect()
    }
}
