//! AI applications on this machine, and what each of them is connected to. Owns the one sentence that is said where none is.
//! Only commands look: nothing on the way of a call does.

use std::path::{Path, PathBuf};

use clients::{Client, Connection, Place, Scope};
use serde::Serialize;
use serde_json::Value;

use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};

/// What our entry is called in the files of others.
pub(crate) const NAME: &str = "portolan";

/// Applications that are named where none is connected.
const NAMED: usize = 3;

/// An application, and one of its files.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Application {
    pub(crate) client: &'static str,
    pub(crate) title: &'static str,
    pub(crate) installed: bool,
    /// `global` or `project`.
    pub(crate) scope: &'static str,
    pub(crate) file: Option<PathBuf>,
    /// `connected`, `not connected`, `broken` or `unsupported`.
    pub(crate) state: &'static str,
    /// Why it is broken or unsupported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
    /// What it was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) entry: Option<Value>,
}

impl Application {
    pub(crate) fn is_connected(&self) -> bool {
        self.state == "connected"
    }

    fn look(
        client: &'static Client,
        installed: bool,
        scope: &'static str,
        file: Option<PathBuf>,
    ) -> Self {
        let (state, why, entry) = match (&client.instead, &file) {
            (Some(why), _) => ("unsupported", Some(why.clone()), None),
            (None, None) => ("not connected", None, None),
            (None, Some(file)) => match clients::look(client, file, NAME) {
                Connection::No => ("not connected", None, None),
                Connection::Yes(entry) => ("connected", None, Some(entry)),
                Connection::Broken(why) => ("broken", Some(why), None),
            },
        };
        Self {
            client: &client.id,
            title: &client.title,
            installed,
            scope,
            file,
            state,
            why,
            entry,
        }
    }
}

/// All that are known, each with the file of the user, and with that of the project where it says something or might.
pub(crate) fn all(here: &Surroundings, global: bool) -> Vec<Application> {
    let place = Place::here(&here.env);
    let root = here.cwd.as_deref().filter(|_| !global).and_then(project);
    let mut all = Vec::new();
    for client in clients::clients() {
        let installed = place.is_seen(client);
        let file = place.file(client, Scope::User);
        all.push(Application::look(client, installed, "global", file));
        let file = root.and_then(|root| place.file(client, Scope::Project(root)));
        let of_project =
            file.map(|file| Application::look(client, installed, "project", Some(file)));
        all.extend(of_project.filter(|one| installed || one.state != "not connected"));
    }
    all
}

/// The root of the project that somebody works in.
pub(crate) fn project(cwd: &Path) -> Option<&Path> {
    cwd.ancestors().find(|folder| folder.join(".git").exists())
}

/// What to do where nothing that was set up would reach anybody; none where a client is connected.
pub(crate) fn unconnected(here: &Surroundings) -> Option<String> {
    let all = all(here, false);
    if all.iter().any(Application::is_connected) || has_other_clients(here) {
        return None;
    }
    let installed = all
        .iter()
        .filter(|one| one.installed && one.scope == "global" && one.state == "not connected");
    let names: Vec<&str> = installed.map(|one| one.client).take(NAMED).collect();
    Some(match names.split_first() {
        None => "no client is connected: `portolan client connect CLIENT` connects one, `portolan client ls --all` lists them".to_owned(),
        Some((first, [])) => format!("no client is connected: `portolan client connect {first}` connects it"),
        Some((first, others)) => format!("no client is connected: `portolan client connect {first}` connects one (or {})", others.join(", ")),
    })
}

/// Says so, after a command whose work would reach nobody.
pub(crate) fn tell_unconnected(ui: &Ui, here: &Surroundings) {
    if let Some(next) = unconnected(here) {
        ui.note(&Line::new().put(Label::Hint, "next: ").text(next));
    }
}

/// Those that were connected under another name, or in a project elsewhere, and those that just now have us running: whoever
/// wrote that.
fn has_other_clients(here: &Surroundings) -> bool {
    let is_there = |made: clients::Made| {
        let client = clients::find(&made.client);
        client.is_ok_and(|client| {
            matches!(
                clients::look(client, &made.file, &made.name),
                Connection::Yes(_)
            )
        })
    };
    let running = || config::running::list(&here.dirs).unwrap_or_default();
    clients::made(&here.dirs).into_iter().any(is_there)
        || running().iter().any(|gateway| gateway.transport == "stdio")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use config::{Dirs, Env};

    use super::*;

    fn here(home: &Path) -> Surroundings {
        let env = Env::of([("HOME", home), ("PORTOLAN_HOME", &home.join("p"))]);
        Surroundings {
            dirs: Dirs::from_env(&env).unwrap(),
            env,
            cwd: Some(home.to_owned()),
            secrets: Vec::new(),
            passphrase: Default::default(),
        }
    }

    #[test]
    fn the_next_step_names_what_is_installed() {
        let home = tempfile::tempdir().unwrap();
        let here = here(home.path());
        let next = || unconnected(&here).unwrap();
        assert!(next().contains("client connect CLIENT"), "{}", next());
        fs::create_dir(home.path().join(".cursor")).unwrap();
        assert!(
            next().ends_with("`portolan client connect cursor` connects it"),
            "{}",
            next()
        );
        fs::create_dir(home.path().join(".codex")).unwrap();
        assert!(next().contains("connects one (or "), "{}", next());
    }

    #[test]
    fn one_that_is_connected_is_enough() {
        let home = tempfile::tempdir().unwrap();
        let here = here(home.path());
        fs::create_dir(home.path().join(".cursor")).unwrap();
        let file = home.path().join(".cursor/mcp.json");
        fs::write(
            &file,
            r#"{"mcpServers":{"portolan":{"command":"portolan"}}}"#,
        )
        .unwrap();
        assert_eq!(unconnected(&here), None);
        fs::write(&file, r#"{"mcpServers":{}}"#).unwrap();
        assert!(unconnected(&here).is_some());
    }

    #[test]
    fn another_name_is_enough_too() {
        let home = tempfile::tempdir().unwrap();
        let here = here(home.path());
        let cursor = clients::find("cursor").unwrap();
        let door = clients::Door::Stdio {
            command: "/p".into(),
            args: Vec::new(),
        };
        let members = cursor.entry("work", &door).unwrap();
        let file = home.path().join(".cursor/mcp.json");
        clients::connect(&here.dirs, cursor, &file, "work", &members, false).unwrap();
        assert_eq!(unconnected(&here), None);
        fs::remove_file(&file).unwrap();
        assert!(unconnected(&here).is_some());
    }
}
