//! A catalog as a file of our own form. Owns the order in which things stand there; what is at its default is left out.
//! The counterpart of `read/own.rs`: what is written is read as the same entries.

mod docker;
mod profile;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use crate::{
    Catalog, Entry, KnownTool, Launch, Network, OAuth, Origin, RemoteKind, SecretSpec, Share, Shot,
    USER_CONFIG,
};

pub(crate) use docker::OWN;
pub use docker::{Artifact, catalog_artifact, profile_artifact};
pub use profile::write_profile;

/// The text of a catalog. `approved` are the servers that a person has approved, by [`Entry::mark`].
///
/// # Errors
/// A value that YAML cannot hold, which none of ours is.
pub fn write_catalog(
    catalog: &Catalog,
    approved: &[(String, String)],
) -> Result<String, serde_saphyr::ser::Error> {
    serde_saphyr::to_string(&File { catalog, approved })
}

/// The same as JSON, without approvals.
///
/// # Errors
/// A value that JSON cannot hold, which none of ours is.
pub fn catalog_json(catalog: &Catalog) -> Result<String, serde_json::Error> {
    let file = File {
        catalog,
        approved: &[],
    };
    serde_json::to_string_pretty(&file)
}

/// An entry as our own form has it, as JSON.
pub fn entry_json(entry: &Entry) -> Value {
    serde_json::to_value(Server(entry)).unwrap_or(Value::Null)
}

struct File<'a> {
    catalog: &'a Catalog,
    approved: &'a [(String, String)],
}

impl Serialize for File<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("catalog", &self.catalog.name)?;
        option(&mut map, "title", self.catalog.title.as_ref())?;
        if self.catalog.origin.is_foreign() {
            map.serialize_entry("origin", &Pairs(&noted(&self.catalog.origin)))?;
        }
        option(&mut map, "ref", self.catalog.reference.as_ref())?;
        let own = Origins::of(self.catalog);
        if !own.is_empty() {
            map.serialize_entry("origins", &own)?;
        }
        if !self.approved.is_empty() {
            map.serialize_entry("approved", &Pairs(self.approved))?;
        }
        map.serialize_entry("servers", &Servers(&self.catalog.entries))?;
        map.end()
    }
}

struct Servers<'a>(&'a [Entry]);

impl Serialize for Servers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(
            self.0
                .iter()
                .map(|entry| (entry.name.as_str(), Server(entry))),
        )
    }
}

#[derive(PartialEq)]
/// Where single entries came from, if from elsewhere than their catalog.
pub(crate) struct Origins<'a>(Vec<(&'a str, [(String, String); 2])>);

impl<'a> Origins<'a> {
    pub(crate) fn of(catalog: &'a Catalog) -> Self {
        let is_own = |entry: &&Entry| {
            entry.origin.is_foreign()
                && (!catalog.origin.is_foreign() || entry.origin != catalog.origin)
        };
        let entries = catalog.entries.iter().filter(is_own);
        Self(
            entries
                .map(|entry| (entry.name.as_str(), noted(&entry.origin)))
                .collect(),
        )
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Origins<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, origin)| (name, Pairs(origin))))
    }
}

fn noted(origin: &Origin) -> [(String, String); 2] {
    [
        ("kind".to_owned(), origin.trust().to_owned()),
        ("from".to_owned(), origin.from().to_owned()),
    ]
}

pub(crate) struct Pairs<'a>(pub(crate) &'a [(String, String)]);

impl Serialize for Pairs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

pub(crate) struct Server<'a>(pub(crate) &'a Entry);

impl Serialize for Server<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entry = self.0;
        let about = &entry.about;
        let mut map = serializer.serialize_map(None)?;
        option(&mut map, "title", entry.title.as_ref())?;
        option(&mut map, "description", entry.description.as_ref())?;
        list(&mut map, "tags", &about.tags)?;
        option(&mut map, "version", about.version.as_ref())?;
        launch(&mut map, &entry.launch)?;
        list(&mut map, "volumes", &entry.volumes)?;
        match &entry.network {
            Network::Unsaid => {}
            Network::None | Network::Open => {
                map.serialize_entry("network", entry.network.as_str())?;
            }
            Network::Hosts(hosts) => map.serialize_entry("network", hosts)?,
        }
        let resources = resources(entry);
        if !resources.is_empty() {
            map.serialize_entry("resources", &Pairs(&resources))?;
        }
        if !about.secrets.is_empty() {
            let secrets: Vec<_> = about.secrets.iter().map(Secret).collect();
            map.serialize_entry("secrets", &secrets)?;
        }
        option(&mut map, "config", about.config.as_ref())?;
        match &about.oauth {
            None => {}
            Some(oauth) if *oauth == OAuth::default() => map.serialize_entry("oauth", &true)?,
            Some(oauth) => map.serialize_entry("oauth", &SignIn(oauth))?,
        }
        tools(&mut map, &about.tools)?;
        let share = entry.share.map(|share| match share {
            Share::Workspace => "workspace",
            Share::Caller => "caller",
            Share::All => "all",
        });
        option(&mut map, "share", share.as_ref())?;
        option(&mut map, "idle_timeout_s", entry.idle_timeout_s.as_ref())?;
        option(&mut map, "start_timeout_s", entry.start_timeout_s.as_ref())?;
        option(&mut map, "call_timeout_s", entry.call_timeout_s.as_ref())?;
        option(&mut map, "calls_at_once", entry.calls_at_once.as_ref())?;
        option(&mut map, "icon", about.icon.as_ref())?;
        option(&mut map, "repository", about.repository.as_ref())?;
        option(&mut map, "website", about.website.as_ref())?;
        option(&mut map, "requirement", about.requirement.as_ref())?;
        map.end()
    }
}

/// What one call of a tool runs.
struct Shown<'a>(&'a Shot);

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Shot {
            tool,
            image,
            command,
            volumes,
            user,
        } = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("tool", tool)?;
        map.serialize_entry("image", image)?;
        list(&mut map, "args", command)?;
        list(&mut map, "volumes", volumes)?;
        option(&mut map, "user", user.as_ref())?;
        map.end()
    }
}

fn launch<M: SerializeMap>(map: &mut M, launch: &Launch) -> Result<(), M::Error> {
    match launch {
        Launch::Command {
            command,
            args,
            env,
            cwd,
        } => {
            map.serialize_entry("command", command)?;
            list(map, "args", args)?;
            pairs(map, "env", env)?;
            option(map, "cwd", cwd.as_ref())
        }
        Launch::Remote { url, headers, kind } => {
            map.serialize_entry("url", url)?;
            match kind {
                RemoteKind::Auto => {}
                RemoteKind::Streamable => map.serialize_entry("transport", "http")?,
                RemoteKind::Sse => map.serialize_entry("transport", "sse")?,
            }
            pairs(map, "headers", headers)
        }
        Launch::Container {
            image,
            command,
            env,
            user,
            extra_hosts,
            is_writable,
        } => {
            map.serialize_entry("image", image)?;
            list(map, "args", command)?;
            pairs(map, "env", env)?;
            option(map, "user", user.as_ref())?;
            list(map, "extra_hosts", extra_hosts)?;
            option(map, "read_only", is_writable.then_some(false).as_ref())
        }
        Launch::Package {
            registry,
            identifier,
            version,
            sha256,
            runtime,
            runtime_args,
            args,
            env,
        } => {
            let version = version
                .as_ref()
                .map(|version| format!("@{version}"))
                .unwrap_or_default();
            map.serialize_entry(
                "package",
                &format!("{}:{identifier}{version}", registry.as_str()),
            )?;
            option(map, "sha256", sha256.as_ref())?;
            option(map, "runtime", runtime.as_ref())?;
            list(map, "runtime_args", runtime_args)?;
            list(map, "args", args)?;
            let (given, env): (Vec<_>, Vec<_>) = env
                .iter()
                .cloned()
                .partition(|(name, _)| name.starts_with(USER_CONFIG));
            let plain =
                |(name, value): (String, String)| (name[USER_CONFIG.len()..].to_owned(), value);
            let given: Vec<_> = given.into_iter().map(plain).collect();
            pairs(map, "env", &env)?;
            pairs(map, "user_config", &given)
        }
        Launch::OneShot { shots, env } => {
            map.serialize_entry("one_shot", &shots.iter().map(Shown).collect::<Vec<_>>())?;
            pairs(map, "env", env)
        }
        Launch::Unavailable { what, why } => {
            map.serialize_entry("unavailable", &format!("{what}: {why}"))
        }
    }
}

fn resources(entry: &Entry) -> Vec<(String, String)> {
    let resources = &entry.resources;
    [
        ("memory", resources.memory.map(|bytes| bytes.to_string())),
        ("cpus", resources.cpus.map(|cpus| cpus.to_string())),
        ("pids", resources.pids.map(|pids| pids.to_string())),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .collect()
}

/// Names alone where no more is known of any.
fn tools<M: SerializeMap>(map: &mut M, tools: &[KnownTool]) -> Result<(), M::Error> {
    if tools.is_empty() {
        return Ok(());
    }
    let is_plain = |tool: &KnownTool| tool.description.is_empty() && tool.input_schema.is_none();
    if tools.iter().all(is_plain) {
        let names: Vec<&str> = tools.iter().map(|tool| &*tool.name).collect();
        return map.serialize_entry("tools", &names);
    }
    map.serialize_entry("tools", &tools.iter().map(Tool).collect::<Vec<_>>())
}

struct Tool<'a>(&'a KnownTool);

impl Serialize for Tool<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &*self.0.name)?;
        if !self.0.description.is_empty() {
            map.serialize_entry("description", &*self.0.description)?;
        }
        if let Some(schema) = &self.0.input_schema {
            let schema: Value = serde_json::from_str(schema).unwrap_or(Value::Null);
            map.serialize_entry("input_schema", &schema)?;
        }
        map.end()
    }
}

struct Secret<'a>(&'a SecretSpec);

impl Serialize for Secret<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let secret = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("env", &secret.env)?;
        map.serialize_entry("name", &secret.name)?;
        option(&mut map, "description", secret.description.as_ref())?;
        option(&mut map, "example", secret.example.as_ref())?;
        option(&mut map, "url", secret.url.as_ref())?;
        if !secret.required {
            map.serialize_entry("required", &false)?;
        }
        option(&mut map, "from", secret.from.as_ref())?;
        map.end()
    }
}

struct SignIn<'a>(&'a OAuth);

impl Serialize for SignIn<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        option(&mut map, "provider", self.0.provider.as_ref())?;
        option(&mut map, "secret", self.0.secret.as_ref())?;
        list(&mut map, "scopes", &self.0.scopes)?;
        option(&mut map, "client_id", self.0.client_id.as_ref())?;
        option(&mut map, "client_secret", self.0.client_secret.as_ref())?;
        option(&mut map, "issuer", self.0.issuer.as_ref())?;
        if self.0.is_client_flow {
            map.serialize_entry("flow", "client_credentials")?;
        }
        map.end()
    }
}

fn option<M: SerializeMap, T: Serialize>(
    map: &mut M,
    name: &str,
    value: Option<&T>,
) -> Result<(), M::Error> {
    value.map_or(Ok(()), |value| map.serialize_entry(name, value))
}

fn list<M: SerializeMap>(map: &mut M, name: &str, items: &[String]) -> Result<(), M::Error> {
    match items.is_empty() {
        true => Ok(()),
        false => map.serialize_entry(name, items),
    }
}

fn pairs<M: SerializeMap>(
    map: &mut M,
    name: &str,
    items: &[(String, String)],
) -> Result<(), M::Error> {
    match items.is_empty() {
        true => Ok(()),
        false => map.serialize_entry(name, &Pairs(items)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_catalog;

    const TEXT: &str = r#"
catalog: c
title: All of it
servers:
  box:
    title: "yes"
    description: "two\nlines: # no comment"
    tags: [a, "1.0"]
    version: "1.10"
    image: acme/x:1
    args: ["{{a|into}}", "- x", "null", "0x10", ""]
    env: {A: "{{b}}", B: "true", C: " spaced "}
    user: "1000"
    extra_hosts: ["h:1.2.3.4"]
    read_only: false
    volumes: ["{{c|volume}}"]
    network: [a.b, "*.c:443"]
    resources: {memory: 1g, cpus: 0.25, pids: 9}
    secrets: [{env: T, name: x.y, description: d, example: "7", url: "https://u", required: false, from: "env:T"}]
    config: {a: {type: array}, b: {type: string, default: "no"}, c: {type: string}}
    oauth: {provider: p, secret: s, scopes: [r], client_id: c, client_secret: "store:x", issuer: "https://i.example", flow: client_credentials}
    tools: [{name: t, description: "d: e", input_schema: {type: object, properties: {n: {type: number, minimum: 1.5}}}}, u]
    share: caller
    idle_timeout_s: 1
    start_timeout_s: 2
    call_timeout_s: 3
    calls_at_once: 4
    icon: i
    repository: r
    website: w
    requirement: q
  pack: {package: "pypi:p@2", sha256: "00", runtime: uvx, runtime_args: [-q], args: [x], env: {A: b}, oauth: true, tools: [a, b]}
  prog: {command: /bin/x, args: [a], cwd: /w, network: none}
  far: {url: "https://{{a}}/mcp", transport: sse, headers: {A: "${T}"}, config: {a: {}}, secrets: [{env: T}], network: open}
  bundle: {package: "mcpb:https://x.y/b.mcpb", sha256: "00", env: {A: b}, user_config: {c: "{{d}}", e: f}, config: {d: {type: string}}}
"#;

    #[test]
    fn what_is_written_is_read_as_the_same() {
        let first = read_catalog(TEXT, "n", "f", &Origin::Own).unwrap();
        assert_eq!(first.problems, []);
        let text = write_catalog(&first, &[]).unwrap();
        let again =
            read_catalog(&text, "n", "f", &Origin::Own).unwrap_or_else(|p| panic!("{p}\n{text}"));
        assert_eq!(again.problems, [], "{text}");
        assert_eq!(again.title, first.title);
        assert_eq!(again.entries, first.entries, "{text}");
        assert_eq!(entry_json(&first.entries[1])["package"], "pypi:p@2");
    }

    #[test]
    fn approvals_hold_for_what_was_approved_and_in_the_persons_own_folder() {
        let origin = Origin::Url("https://h/c".into());
        let catalog = read_catalog(TEXT, "n", "f", &origin).unwrap();
        let mark = |name: &str| {
            let entry = catalog.entries.iter().find(|e| e.name == name).unwrap();
            (name.to_owned(), entry.mark())
        };
        let text = write_catalog(&catalog, &[mark("prog"), mark("box")]).unwrap();
        let approved = |text: &str, origin: &Origin| -> Vec<String> {
            let read = read_catalog(text, "n", "f", origin).unwrap();
            let all = read.entries.iter().filter(|e| e.is_approved);
            all.map(|e| e.name.to_string()).collect()
        };
        let own = Origin::Catalog("n".into());
        let again = read_catalog(&text, "n", "f", &own).unwrap();
        assert_eq!(again.origin, origin);
        assert_eq!(approved(&text, &own), ["box", "prog"]);
        // A text that comes from elsewhere cannot approve itself, nor say that it comes from here.
        assert_eq!(approved(&text, &origin), [""; 0]);
        let sly = text.replace("kind: url", "kind: own");
        assert!(
            read_catalog(&sly, "n", "f", &origin).unwrap().entries[0]
                .origin
                .is_foreign()
        );
        // Nor does an approval hold for something else of the same name.
        for (was, is) in [
            ("/bin/x", "/bin/y"),
            ("acme/x:1", "acme/x:2"),
            ("env:T", "env:U"),
        ] {
            let changed = text.replace(was, is);
            assert_ne!(changed, text);
            assert_eq!(approved(&changed, &own).len(), 1, "{was}");
        }
    }
}
