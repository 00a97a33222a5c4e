//! The applications that are known, as data. Owns the form of `clients.toml`. Next: `place`, for where the files lie.

use std::sync::LazyLock;

use serde::Deserialize;

/// An application that uses MCP servers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// What a person types.
    pub id: String,
    /// What a person reads.
    pub title: String,
    /// Further names that are understood.
    #[serde(default)]
    pub also: Vec<String>,
    pub(crate) user: Option<Paths>,
    pub(crate) moved: Option<Moved>,
    pub(crate) project: Option<Paths>,
    /// How its file is written.
    pub format: Option<Form>,
    /// The table of servers, from the top of the file.
    #[serde(default)]
    pub key: Vec<String>,
    /// Servers are a list whose items have a `name`.
    #[serde(default)]
    pub list: bool,
    #[serde(default)]
    pub(crate) stdio: Vec<String>,
    #[serde(default)]
    pub(crate) http: Vec<String>,
    #[serde(default)]
    pub(crate) seen: Seen,
    /// What makes it read its file again, and behind a `;` what an entry that has come takes.
    #[serde(default)]
    pub reload: String,
    /// Why it cannot be connected by a file, and what to do.
    pub instead: Option<String>,
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// JSON, in which comments and trailing commas are taken.
    Json,
    /// TOML.
    Toml,
    /// YAML.
    Yaml,
}

/// One path or several, the same everywhere or by system.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Paths {
    One(String),
    Some(Vec<String>),
    BySystem {
        linux: Box<Self>,
        macos: Box<Self>,
        windows: Box<Self>,
    },
}

/// A variable that names another folder for the file of the user.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Moved {
    pub(crate) variable: String,
    pub(crate) file: String,
}

/// By what an application is recognised as installed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Seen {
    #[serde(default)]
    pub(crate) folders: Vec<String>,
    #[serde(default)]
    pub(crate) programs: Vec<String>,
}

#[derive(Deserialize)]
struct File {
    client: Vec<Client>,
}

/// All of them, in the order in which they are shown.
pub fn clients() -> &'static [Client] {
    static CLIENTS: LazyLock<Vec<Client>> = LazyLock::new(|| {
        let file: Result<File, _> = toml::from_str(include_str!("clients.toml"));
        file.map(|file| file.client).unwrap_or_default() // a test reads it
    });
    &CLIENTS
}

/// The one of this name.
///
/// # Errors
/// The names that are nearest to what was asked for, best first.
pub fn find(name: &str) -> Result<&'static Client, Vec<&'static str>> {
    let name = name.to_lowercase();
    let is_it = |client: &&Client| client.id == name || client.also.contains(&name);
    clients().iter().find(is_it).ok_or_else(|| {
        let mut near: Vec<(usize, &str)> = clients()
            .iter()
            .map(|client| (strsim::damerau_levenshtein(&name, &client.id), &*client.id))
            .filter(|(distance, id)| *distance <= 2 || id.contains(&name))
            .collect();
        near.sort_unstable();
        near.into_iter().map(|(_, id)| id).take(3).collect()
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_table_is_sound() {
        let file: File = toml::from_str(include_str!("clients.toml")).unwrap();
        assert_eq!(file.client.len(), clients().len());
        let mut names = HashSet::new();
        for client in clients() {
            for name in client.also.iter().chain([&client.id]) {
                assert!(names.insert(name.clone()), "{name} stands twice");
                assert_eq!(name.to_lowercase(), *name);
            }
            if client.instead.is_some() {
                assert!(client.user.is_none() && client.format.is_none());
                continue;
            }
            assert!(
                client.user.is_some() && client.format.is_some(),
                "{}",
                client.id
            );
            assert!(
                !client.key.is_empty() && !client.stdio.is_empty(),
                "{}",
                client.id
            );
            assert!(!client.reload.is_empty() && !client.seen.folders.is_empty());
            let has_name = client.stdio.iter().any(|member| member == "name={name}");
            assert!(!client.list || has_name, "{}", client.id);
            for path in client.seen.folders.iter() {
                assert!(path.starts_with(['~', '{']), "{path}");
            }
        }
    }

    /// The sixteen of Docker's own command.
    #[test]
    fn dockers_clients_are_all_known_by_dockers_names() {
        for name in [
            "claude-code",
            "claude-desktop",
            "cline",
            "codex",
            "continue",
            "crush",
            "cursor",
            "gemini",
            "goose",
            "gordon",
            "kiro",
            "lmstudio",
            "opencode",
            "sema4",
            "vscode",
            "zed",
        ] {
            assert_eq!(find(name).map(|client| client.id.as_str()), Ok(name));
        }
        for name in ["claude-code", "crush", "cursor", "kiro", "vscode"] {
            assert!(find(name).unwrap().project.is_some(), "{name}");
        }
    }

    #[test]
    fn what_is_nearly_a_name_is_offered() {
        assert_eq!(find("Cursor").unwrap().id, "cursor");
        assert_eq!(find("curser").unwrap_err(), ["cursor"]);
        assert_eq!(
            find("claud").unwrap_err(),
            ["claude-code", "claude-desktop"]
        );
        assert!(find("wholly else").unwrap_err().is_empty());
    }
}
