//! Where everything of ours lies. Pure: nothing is made here, see `private_dir` in `files`.

use std::path::{Path, PathBuf};

use crate::Env;
use crate::env::{HOME, PORTOLAN_HOME};

/// The folders of Portolan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dirs {
    /// What people write: `config.toml`, catalogs, profiles.
    pub config: PathBuf,
    /// What we remember: the store, the token, logs.
    pub state: PathBuf,
    /// What can be fetched again.
    pub cache: PathBuf,
    /// Sockets and locks of running gateways.
    pub runtime: PathBuf,
    /// The machine's own configuration; none where `PORTOLAN_HOME` moved everything.
    pub system_file: Option<PathBuf>,
}

/// Why the folders are not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirsError {
    /// No variable says where anything could lie.
    #[error(
        "neither {HOME} nor {PORTOLAN_HOME} is set to an absolute path; set {PORTOLAN_HOME} to a folder of your own"
    )]
    NoHome,
    /// `PORTOLAN_HOME` is of no use.
    #[error("{PORTOLAN_HOME} is \"{0}\", which is no absolute path; write the whole path")]
    NotAbsolute(String),
}

impl Dirs {
    /// As the environment says: `PORTOLAN_HOME`, else the XDG folders (on Windows the known ones), else those below `HOME`.
    pub fn from_env(env: &Env) -> Result<Self, DirsError> {
        if let Some(home) = env.os(PORTOLAN_HOME).filter(|home| !home.is_empty()) {
            let home = PathBuf::from(home);
            return match home.is_absolute() {
                true => Ok(Self::under(&home)),
                false => Err(DirsError::NotAbsolute(home.to_string_lossy().into_owned())),
            };
        }
        let folder = |variables: &[&str], below_home: &str| {
            let known = variables.iter().find_map(|name| env.folder(name));
            known
                .or_else(|| env.folder(HOME).map(|home| home.join(below_home)))
                .map(|folder| folder.join("portolan"))
                .ok_or(DirsError::NoHome)
        };
        let state = folder(&["XDG_STATE_HOME", "LOCALAPPDATA"], ".local/state")?;
        Ok(Self {
            config: folder(&["XDG_CONFIG_HOME", "APPDATA"], ".config")?,
            cache: folder(&["XDG_CACHE_HOME"], ".cache").unwrap_or_else(|_| state.join("cache")),
            runtime: env
                .folder("XDG_RUNTIME_DIR")
                .map_or_else(|| state.join("run"), |folder| folder.join("portolan")),
            state,
            system_file: cfg!(unix).then(|| PathBuf::from("/etc/portolan/config.toml")),
        })
    }

    /// Everything below one folder, as `PORTOLAN_HOME` has it.
    pub fn under(home: &Path) -> Self {
        Self {
            config: home.to_owned(),
            state: home.join("state"),
            cache: home.join("cache"),
            runtime: home.join("run"),
            system_file: None,
        }
    }

    /// The person's own `config.toml`.
    pub fn config_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// What the person has configured servers with.
    pub fn server_config_file(&self) -> PathBuf {
        self.config.join("servers.yaml")
    }

    /// Which hosts a person lets servers reach.
    pub fn network_file(&self) -> PathBuf {
        self.config.join("network.yaml")
    }

    /// Where catalogs lie, one file each.
    pub fn catalogs(&self) -> PathBuf {
        self.config.join("catalogs")
    }

    /// Where copies of fetched catalogs lie.
    pub fn fetched_catalogs(&self) -> PathBuf {
        self.cache.join("catalogs")
    }

    /// Where profiles lie, one file each.
    pub fn profiles(&self) -> PathBuf {
        self.config.join("profiles")
    }

    /// Where installed packages lie.
    pub fn packages(&self) -> PathBuf {
        self.cache.join("packages")
    }

    /// The state file, for `store`.
    pub fn store_file(&self) -> PathBuf {
        self.state.join("portolan.db")
    }

    /// The folder of accounts that a person has signed in to.
    pub fn accounts(&self) -> PathBuf {
        self.state.join("accounts")
    }

    /// The bearer token that we made.
    pub fn token_file(&self) -> PathBuf {
        self.state.join("auth-token")
    }

    /// Callers with tokens of their own.
    pub fn callers_file(&self) -> PathBuf {
        self.state.join("callers.json")
    }

    /// Where the record of calls lies.
    pub fn records(&self) -> PathBuf {
        self.state.join("records")
    }

    /// Where logs lie.
    pub fn logs(&self) -> PathBuf {
        self.state.join("logs")
    }

    /// The socket by which others attach to the running gateway with this id.
    pub fn attach_socket(&self, id: &str) -> PathBuf {
        self.runtime.join(format!("{id}.attach"))
    }

    /// The log of the gateway that all share.
    pub fn shared_log(&self) -> PathBuf {
        self.logs().join("shared.log")
    }

    /// The admin socket of the running gateway with this id.
    pub fn admin_socket(&self, id: &str) -> PathBuf {
        self.runtime.join(format!("{id}.sock"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn home_alone_gives_the_usual_places() {
        let dirs = Dirs::from_env(&Env::of([("HOME", "/h")])).unwrap();
        assert_eq!(
            dirs.config_file(),
            Path::new("/h/.config/portolan/config.toml")
        );
        assert_eq!(
            dirs.store_file(),
            Path::new("/h/.local/state/portolan/portolan.db")
        );
        assert_eq!(dirs.cache, Path::new("/h/.cache/portolan"));
        assert_eq!(dirs.runtime, Path::new("/h/.local/state/portolan/run"));
    }

    #[test]
    fn xdg_folders_count_where_they_are_absolute() {
        let env = Env::of([
            ("HOME", "/h"),
            ("XDG_CONFIG_HOME", "/c"),
            ("XDG_STATE_HOME", "relative"),
            ("XDG_RUNTIME_DIR", "/run/user/7"),
        ]);
        let dirs = Dirs::from_env(&env).unwrap();
        assert_eq!(dirs.config, Path::new("/c/portolan"));
        assert_eq!(dirs.state, Path::new("/h/.local/state/portolan"));
        assert_eq!(
            dirs.admin_socket("a"),
            Path::new("/run/user/7/portolan/a.sock")
        );
    }

    #[test]
    fn portolan_home_moves_everything() {
        let env = Env::of([
            ("HOME", "/h"),
            ("XDG_CONFIG_HOME", "/c"),
            ("PORTOLAN_HOME", "/p"),
        ]);
        let dirs = Dirs::from_env(&env).unwrap();
        for folder in [&dirs.config, &dirs.state, &dirs.cache, &dirs.runtime] {
            assert!(folder.starts_with("/p"), "{folder:?}");
        }
        assert_eq!(dirs.system_file, None);
    }

    #[test]
    fn nowhere_to_go_is_an_error_that_says_what_to_set() {
        assert_eq!(Dirs::from_env(&Env::default()), Err(DirsError::NoHome));
        let error = Dirs::from_env(&Env::of([("PORTOLAN_HOME", "x")])).unwrap_err();
        assert_eq!(error, DirsError::NotAbsolute("x".into()));
    }
}
