//! Callers of the gateway with tokens of their own: who they are, what they may use, until when. Owns the file `callers.json` in the
//! state folder: tokens are in it as digests only, so that who reads it can call nobody. Changes are made whole, under a lock.
//! Refuses a file that others can write, and one that it cannot read: a caller that were left out could hold rights that were
//! taken away.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::Dirs;
use crate::files::{is_open_to_others, private_dir, read_bounded, write_atomic};
use crate::limits::{CALLERS_FILE_BYTES_MAX, CALLERS_MAX};
use crate::token::{Token, TokenError};

/// One caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// What rules and records call it.
    pub name: String,
    /// SHA-256 of its token, in hexadecimal. A token has 256 random bits, so that no salt is needed.
    token: String,
    /// When it was added, in seconds since 1970.
    pub created: u64,
    /// From when on its token is worth nothing, if ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<u64>,
    /// What it may use.
    #[serde(flatten)]
    pub rights: Rights,
    /// Requests within a minute; none: as many as it likes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<u32>,
    /// Requests under way at once; none: as many as it likes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// Whether its calls are made with the person's accounts at servers where it has none of its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub share_accounts: bool,
}

/// What a caller may use: what all of these allow.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rights {
    /// Patterns of servers; none: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<String>,
    /// Patterns of tools, as `tool` or `server:tool`, and neither prompts nor resources; none: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<String>,
    /// Profiles of which one must have the server and offer the tool; none: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<String>,
}

/// All of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callers {
    /// By name.
    pub callers: Vec<Caller>,
}

/// Why callers cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum CallersError {
    /// The file is of no use.
    #[error("cannot use the file of callers {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody else may have read or changed it.
    #[error("others can read the file of callers {path}; close it (chmod 600 {path})", path = path.display())]
    Open {
        /// The file.
        path: PathBuf,
    },
    /// It is not as it was written.
    #[error("the file of callers {} is damaged: {why}; put it back from a copy, or remove it and add the callers anew", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The name is none.
    #[error("`{name}` is no name for a caller: {why}")]
    Name {
        /// The name.
        name: String,
        /// Why.
        why: &'static str,
    },
    /// There is such a caller, or none.
    #[error("{0}")]
    Known(String),
    /// There are enough.
    #[error("there are {CALLERS_MAX} callers, and no more are kept")]
    Full,
    /// No token could be made.
    #[error(transparent)]
    Token(#[from] TokenError),
}

/// Names that mean somebody else.
const RESERVED: [&str; 3] = ["local", "cli", "token"];

/// Whether a caller of this name is the person who runs the gateway: on this machine, or with the gateway's own token.
pub fn is_own(name: &str) -> bool {
    RESERVED.contains(&name)
}

impl Caller {
    /// The digest of its token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// A number that another caller of this name would not have.
    pub fn generation(&self) -> u64 {
        let digits = self.token.get(..16).unwrap_or_default();
        u64::from_str_radix(digits, 16).unwrap_or_default()
    }

    /// Whether this is its token, in a time that does not tell how much of it was right.
    pub fn has(&self, presented: &Presented) -> bool {
        self.token.as_bytes().ct_eq(presented.0.as_bytes()).into()
    }

    /// Whether its token is worth something at this time.
    pub fn is_valid_at(&self, now_s: u64) -> bool {
        self.expires.is_none_or(|expires| now_s < expires)
    }
}

/// What somebody presents as their token, digested once for all comparisons.
pub struct Presented(String);

impl Presented {
    /// This text.
    pub fn new(token: &str) -> Self {
        Self(digest(token))
    }

    /// The digest.
    pub fn key(&self) -> &str {
        &self.0
    }
}

/// Reads them; a file that is not there has none.
pub fn load(dirs: &Dirs) -> Result<Callers, CallersError> {
    let path = dirs.callers_file();
    let failed = |source| CallersError::Io {
        path: path.clone(),
        source,
    };
    let bytes = match read_bounded(&path, CALLERS_FILE_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Callers::default()),
        Err(error) => return Err(failed(error)),
    };
    if is_open_to_others(&path).map_err(failed)? {
        return Err(CallersError::Open { path });
    }
    serde_json::from_slice(&bytes).map_err(|error| CallersError::Damaged {
        path,
        why: error.to_string(),
    })
}

/// Adds one; the token is given once and kept nowhere.
pub fn add(dirs: &Dirs, caller: New, now_s: u64) -> Result<Token, CallersError> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '@');
    let why = match caller.name.as_str() {
        "" => Some("it is empty"),
        name if name.len() > 64 => Some("it is longer than 64 characters"),
        name if !name.chars().all(is_name) => Some("it may have letters, digits, _, -, . and @"),
        name if RESERVED.contains(&name) => Some("the gateway itself calls somebody so"),
        _ => None,
    };
    if let Some(why) = why {
        return Err(CallersError::Name {
            name: caller.name,
            why,
        });
    }
    let token = Token::random()?;
    change(dirs, |all| {
        if all.callers.iter().any(|known| known.name == caller.name) {
            let said = format!(
                "there is a caller `{}` already; remove it first",
                caller.name
            );
            return Err(CallersError::Known(said));
        }
        if all.callers.len() >= CALLERS_MAX {
            return Err(CallersError::Full);
        }
        all.callers.push(Caller {
            name: caller.name,
            token: digest(token.reveal()),
            created: now_s,
            expires: caller.expires,
            rights: caller.rights,
            rate: caller.rate,
            concurrency: caller.concurrency,
            share_accounts: caller.share_accounts,
        });
        all.callers.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(())
    })?;
    Ok(token)
}

/// What a new caller is to be.
#[derive(Debug, Clone, Default)]
pub struct New {
    /// See [`Caller`].
    pub name: String,
    /// See [`Caller`].
    pub expires: Option<u64>,
    /// See [`Caller`].
    pub rights: Rights,
    /// See [`Caller`].
    pub rate: Option<u32>,
    /// See [`Caller`].
    pub concurrency: Option<u32>,
    /// See [`Caller`].
    pub share_accounts: bool,
}

/// Removes one; false: there is none of this name.
pub fn remove(dirs: &Dirs, name: &str) -> Result<bool, CallersError> {
    let mut was_there = false;
    change(dirs, |all| {
        let before = all.callers.len();
        all.callers.retain(|caller| caller.name != name);
        was_there = all.callers.len() < before;
        Ok(())
    })?;
    Ok(was_there)
}

fn change(
    dirs: &Dirs,
    work: impl FnOnce(&mut Callers) -> Result<(), CallersError>,
) -> Result<(), CallersError> {
    let path = dirs.callers_file();
    let failed = |source| CallersError::Io {
        path: path.clone(),
        source,
    };
    private_dir(&dirs.state).map_err(failed)?;
    let lock = open_lock(&path.with_extension("lock")).map_err(failed)?;
    lock.lock().map_err(failed)?;
    let mut all = load(dirs)?;
    let before = all.clone();
    work(&mut all)?;
    if all == before {
        return Ok(());
    }
    let text = serde_json::to_vec_pretty(&all).map_err(|error| failed(error.into()))?;
    write_atomic(&path, &text, 0o600).map_err(failed)
}

fn open_lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Changes when the file does: to be compared with what it was.
pub fn version(dirs: &Dirs) -> Option<(std::time::SystemTime, u64, u64)> {
    let meta = fs::metadata(dirs.callers_file()).ok()?;
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(&meta);
    #[cfg(not(unix))]
    let inode = 0;
    Some((meta.modified().ok()?, meta.len(), inode))
}

fn digest(token: &str) -> String {
    let sum = Sha256::digest(token.as_bytes());
    sum.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dirs() -> (tempfile::TempDir, Dirs) {
        let home = tempfile::tempdir().unwrap();
        let env = crate::Env::of([("PORTOLAN_HOME", home.path().as_os_str())]);
        let dirs = Dirs::from_env(&env).unwrap();
        (home, dirs)
    }

    fn new(name: &str) -> New {
        New {
            name: name.to_owned(),
            ..New::default()
        }
    }

    #[test]
    fn a_caller_is_added_known_by_its_token_and_removed() {
        let (_home, dirs) = dirs();
        assert_eq!(load(&dirs).unwrap(), Callers::default());
        let token = add(&dirs, new("ci"), 5).unwrap();
        let file = fs::read_to_string(dirs.callers_file()).unwrap();
        assert!(!file.contains(token.reveal()));
        let all = load(&dirs).unwrap();
        assert!(all.callers[0].has(&Presented::new(token.reveal())));
        for wrong in ["", "x", &token.reveal()[1..]] {
            assert!(!all.callers[0].has(&Presented::new(wrong)), "{wrong}");
        }
        let before = version(&dirs);
        assert!(remove(&dirs, "ci").unwrap() && !remove(&dirs, "ci").unwrap());
        assert_ne!(version(&dirs), before);
        assert!(load(&dirs).unwrap().callers.is_empty());
    }

    #[test]
    fn an_end_is_kept_to_the_second() {
        let (_home, dirs) = dirs();
        let until = New {
            expires: Some(10),
            ..new("x")
        };
        add(&dirs, until, 5).unwrap();
        let caller = &load(&dirs).unwrap().callers[0];
        assert!(caller.is_valid_at(9) && !caller.is_valid_at(10));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let (_home, dirs) = dirs();
        for name in ["", "a b", "é", "local", "cli", "token", &"x".repeat(65)] {
            assert!(
                matches!(add(&dirs, new(name), 0), Err(CallersError::Name { .. })),
                "{name}"
            );
        }
        add(&dirs, new("a.b-c@d"), 0).unwrap();
        assert!(matches!(
            add(&dirs, new("a.b-c@d"), 0),
            Err(CallersError::Known(_))
        ));
    }

    #[test]
    fn a_file_that_cannot_be_trusted_is_never_written_over() {
        let (_home, dirs) = dirs();
        add(&dirs, new("a"), 0).unwrap();
        let path = dirs.callers_file();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            assert!(matches!(load(&dirs), Err(CallersError::Open { .. })));
            assert!(add(&dirs, new("b"), 0).is_err());
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        fs::write(&path, "{").unwrap();
        assert!(matches!(load(&dirs), Err(CallersError::Damaged { .. })));
        assert!(add(&dirs, new("b"), 0).is_err() && remove(&dirs, "a").is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "{");
    }

    #[test]
    fn many_at_once_lose_nobody() {
        let (_home, dirs) = dirs();
        let adding: Vec<_> = (0..8)
            .map(|number| {
                let dirs = dirs.clone();
                std::thread::spawn(move || add(&dirs, new(&format!("c{number}")), 0).map(|_| ()))
            })
            .collect();
        for one in adding {
            one.join().unwrap().unwrap();
        }
        assert_eq!(load(&dirs).unwrap().callers.len(), 8);
    }

    #[test]
    fn there_is_an_end_to_them() {
        let (_home, dirs) = dirs();
        let caller = |number| Caller {
            name: format!("c{number}"),
            token: String::new(),
            created: 0,
            expires: None,
            rights: Rights::default(),
            rate: None,
            concurrency: None,
            share_accounts: false,
        };
        let all = Callers {
            callers: (0..CALLERS_MAX).map(caller).collect(),
        };
        private_dir(&dirs.state).unwrap();
        write_atomic(
            &dirs.callers_file(),
            &serde_json::to_vec(&all).unwrap(),
            0o600,
        )
        .unwrap();
        assert!(matches!(
            add(&dirs, new("one-more"), 0),
            Err(CallersError::Full)
        ));
    }
}
