//! Where the files of an application lie, on each system.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use config::Env;
use config::env::HOME;

use crate::table::{Client, Paths};

/// For whom a server is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a> {
    /// For everything this user does.
    User,
    /// For those who work in this folder.
    Project(&'a Path),
}

/// The systems whose files lie in different places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// Linux, and whatever else keeps to XDG.
    Linux,
    /// macOS.
    Macos,
    /// Windows.
    Windows,
}

impl System {
    /// The one that this was built for.
    pub const HERE: Self = match () {
        () if cfg!(target_os = "macos") => Self::Macos,
        () if cfg!(windows) => Self::Windows,
        () => Self::Linux,
    };
}

/// Finds files.
#[derive(Debug, Clone)]
pub struct Place<'a> {
    /// The system.
    pub system: System,
    /// Its variables.
    pub env: &'a Env,
}

impl<'a> Place<'a> {
    /// On this system.
    pub fn here(env: &'a Env) -> Self {
        let system = System::HERE;
        Self { system, env }
    }

    /// The file of an application: of several the first that exists, else the first. None: it has none of that scope, or there
    /// is no home.
    pub fn file(&self, client: &Client, scope: Scope<'_>) -> Option<PathBuf> {
        let paths = match scope {
            Scope::User => {
                if let Some(moved) = &client.moved
                    && let Some(folder) = self.env.folder(&moved.variable)
                {
                    return Some(folder.join(&moved.file));
                }
                self.expanded(client.user.as_ref()?)
            }
            Scope::Project(root) => {
                let paths = self.of_system(client.project.as_ref()?);
                paths.into_iter().map(|path| root.join(path)).collect()
            }
        };
        let existing = paths.iter().find(|path| path.exists());
        existing.or(paths.first()).cloned()
    }

    /// Whether an application seems to be installed.
    pub fn is_seen(&self, client: &Client) -> bool {
        let mut folders = client
            .seen
            .folders
            .iter()
            .filter_map(|path| self.expand(path));
        folders.any(|folder| folder.is_dir())
            || client
                .seen
                .programs
                .iter()
                .any(|program| self.on_path(program))
    }

    fn on_path(&self, program: &str) -> bool {
        let Some(path) = self.env.os("PATH") else {
            return false;
        };
        let end = if self.system == System::Windows {
            ".exe"
        } else {
            ""
        };
        let name = format!("{program}{end}");
        std::env::split_paths(&path)
            .any(|folder| folder.is_absolute() && folder.join(&name).is_file())
    }

    fn of_system(&self, paths: &Paths) -> Vec<String> {
        match paths {
            Paths::One(path) => vec![path.clone()],
            Paths::Some(paths) => paths.clone(),
            Paths::BySystem {
                linux,
                macos,
                windows,
            } => self.of_system(match self.system {
                System::Linux => linux,
                System::Macos => macos,
                System::Windows => windows,
            }),
        }
    }

    fn expanded(&self, paths: &Paths) -> Vec<PathBuf> {
        let paths = self.of_system(paths);
        paths.iter().filter_map(|path| self.expand(path)).collect()
    }

    /// None where the system has no such folder.
    fn expand(&self, path: &str) -> Option<PathBuf> {
        let (first, rest) = path.split_once('/').unwrap_or((path, ""));
        let home = self
            .env
            .folder(HOME)
            .or_else(|| self.env.folder("USERPROFILE"));
        let is_mac = self.system == System::Macos;
        let is_windows = self.system == System::Windows;
        let support = |home: PathBuf| home.join("Library/Application Support");
        let config = || {
            let named = self.env.folder("XDG_CONFIG_HOME");
            named.or_else(|| home.clone().map(|home| home.join(".config")))
        };
        let folder = match first {
            "~" => home,
            "{config}" => config(),
            "{support}" => home.filter(|_| is_mac).map(support),
            "{appdata}" => self.env.folder("APPDATA").filter(|_| is_windows),
            "{localappdata}" => self.env.folder("LOCALAPPDATA").filter(|_| is_windows),
            "{code}" => match self.system {
                System::Linux => config(),
                System::Macos => home.map(support),
                System::Windows => self.env.folder("APPDATA"),
            }
            .map(|folder| folder.join("Code/User")),
            _ => None,
        }?;
        Some(if rest.is_empty() {
            folder
        } else {
            folder.join(rest)
        })
    }
}

/// What an application should start: a path that is found without a shell's `PATH`.
pub(crate) fn text(path: &Path) -> Result<String, OsString> {
    path.to_owned().into_os_string().into_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{clients, find};

    fn file(system: System, env: &Env, name: &str) -> String {
        let place = Place { system, env };
        let path = place.file(find(name).unwrap(), Scope::User).unwrap();
        path.display().to_string()
    }

    #[test]
    fn files_lie_where_each_system_has_them() {
        let env = Env::of([("HOME", "/h")]);
        let moved = Env::of([
            ("HOME", "/h"),
            ("XDG_CONFIG_HOME", "/x"),
            ("CODEX_HOME", "/c"),
        ]);
        let linux = |name| file(System::Linux, &env, name);
        assert_eq!(
            linux("claude-desktop"),
            "/h/.config/Claude/claude_desktop_config.json"
        );
        assert_eq!(linux("vscode"), "/h/.config/Code/User/mcp.json");
        assert_eq!(linux("codex"), "/h/.codex/config.toml");
        assert_eq!(file(System::Linux, &moved, "codex"), "/c/config.toml");
        assert_eq!(file(System::Linux, &moved, "zed"), "/x/zed/settings.json");
        assert_eq!(
            file(System::Macos, &moved, "zed"),
            "/h/.config/zed/settings.json"
        );
        assert_eq!(
            file(System::Macos, &env, "claude-desktop"),
            "/h/Library/Application Support/Claude/claude_desktop_config.json"
        );
        let windows = Env::of([
            ("USERPROFILE", "/u"),
            ("APPDATA", "/u/roaming"),
            ("LOCALAPPDATA", "/u/local"),
        ]);
        assert_eq!(
            file(System::Windows, &windows, "cursor"),
            "/u/.cursor/mcp.json"
        );
        assert_eq!(
            file(System::Windows, &windows, "crush"),
            "/u/local/crush/crush.json"
        );
        assert_eq!(
            file(System::Windows, &windows, "vscode"),
            "/u/roaming/Code/User/mcp.json"
        );
    }

    #[test]
    fn every_client_has_a_file_on_every_system() {
        let env = Env::of([("HOME", "/h"), ("APPDATA", "/a"), ("LOCALAPPDATA", "/l")]);
        for system in [System::Linux, System::Macos, System::Windows] {
            let place = Place { system, env: &env };
            for client in clients().iter().filter(|client| client.instead.is_none()) {
                assert!(
                    place.file(client, Scope::User).is_some(),
                    "{} {system:?}",
                    client.id
                );
                let project = place.file(client, Scope::Project(Path::new("/p")));
                assert!(project.is_none_or(|path| path.starts_with("/p")));
            }
        }
    }

    #[test]
    fn of_several_files_the_one_that_exists_counts() {
        let home = tempfile::tempdir().unwrap();
        let env = Env::of([("HOME", home.path())]);
        let place = Place {
            system: System::Linux,
            env: &env,
        };
        let opencode = find("opencode").unwrap();
        let folder = home.path().join(".config/opencode");
        assert_eq!(
            place.file(opencode, Scope::User),
            Some(folder.join("opencode.json"))
        );
        assert!(!place.is_seen(opencode));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("opencode.jsonc"), "{}").unwrap();
        assert_eq!(
            place.file(opencode, Scope::User),
            Some(folder.join("opencode.jsonc"))
        );
        assert!(place.is_seen(opencode));
    }
}
