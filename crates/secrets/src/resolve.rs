//! From a reference to its value. Whoever resolves says which kinds are allowed: an entry from outside must not read our
//! files, our environment, or start programs. Blocks: a program may take seconds, so call it where that is allowed.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use crate::limits::{COMMAND_DEADLINE, VALUE_BYTES_MAX};
use crate::{
    EnvFile, Kind, Kinds, RunError, Runner, Secret, SecretName, SecretRef, Store, StoreError,
    ValueError, read,
};

/// Looks up a variable.
pub type EnvLookup = Box<dyn Fn(&str) -> Option<OsString> + Send + Sync>;

/// Where secrets can be found. What is not given is not available.
#[derive(Default)]
pub struct Resolver {
    /// Where `store:` looks, in this order; the first that has the name counts.
    pub named: Vec<Named>,
    /// What `~` is in `file:`.
    pub home: Option<PathBuf>,
    /// Where `cred:` looks: systemd's `$CREDENTIALS_DIRECTORY`.
    pub credentials: Option<PathBuf>,
    /// Where `env:` looks.
    pub env: Option<EnvLookup>,
    /// Who runs the programs of `cmd:`.
    pub runner: Option<Box<dyn Runner>>,
}

/// Secrets by name.
#[derive(Debug)]
pub enum Named {
    /// Our own store.
    Store(Store),
    /// A `.env` file.
    File(EnvFile),
}

/// Why there is no value. Never says what it would be.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// Whoever wrote the reference may not use this kind.
    #[error(
        "`{}:` may not be used here: an entry from elsewhere names a secret (store:NAME), and no program is run for it",
        .0.name()
    )]
    NotAllowed(Kind),
    /// A profile's own secret, for an entry that a profile did not choose.
    #[error("`store:{0}` belongs to a profile, and an entry from elsewhere may not name it")]
    OfProfile(SecretName),
    /// This process has nothing that could follow this kind.
    #[error("`{}:` {}", .0.name(), unavailable(*.0))]
    Unavailable(Kind),
    /// No store has it.
    #[error("the secret `{0}` is not set; set it: portolan secret set {0}")]
    NotSet(SecretName),
    /// The variable is not there.
    #[error("the variable {0} is not set")]
    NoVariable(String),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file, or the credential, cannot be read.
    #[error("cannot read the secret in {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The program told nothing. Its arguments are not repeated.
    #[error("cannot get a secret from `{program}`: {source}")]
    Run {
        /// The program.
        program: String,
        /// What happened.
        source: RunError,
    },
    /// What was found is no value.
    #[error("what {place} holds is no secret: {source}")]
    Value {
        /// Where it was found.
        place: String,
        /// Why not.
        source: ValueError,
    },
}

fn unavailable(kind: Kind) -> &'static str {
    match kind {
        Kind::Cred => {
            "needs the credentials of a systemd unit (LoadCredential=), and CREDENTIALS_DIRECTORY is not set"
        }
        Kind::File => "with `~/` needs a home folder, and HOME is not set",
        Kind::Store | Kind::Env | Kind::Cmd => "is not available here",
    }
}

impl Resolver {
    /// The value that a reference leads to.
    pub fn resolve(&self, reference: &SecretRef, allowed: Kinds) -> Result<Secret, ResolveError> {
        let kind = reference.kind();
        if !allowed.allow(kind) {
            return Err(ResolveError::NotAllowed(kind));
        }
        let missing = ResolveError::Unavailable(kind);
        match reference {
            SecretRef::Store(name) if name.profile().is_some() && allowed != Kinds::ALL => {
                Err(ResolveError::OfProfile(name.clone()))
            }
            SecretRef::Store(name) => self
                .named(name)?
                .ok_or_else(|| ResolveError::NotSet(name.clone())),
            SecretRef::File(path) => match path.strip_prefix("~") {
                Ok(below) => from_file(&self.home.as_ref().ok_or(missing)?.join(below)),
                Err(_) => from_file(path),
            },
            SecretRef::Cred(name) => {
                from_file(&self.credentials.as_ref().ok_or(missing)?.join(name))
            }
            SecretRef::Env(name) => {
                let value = self.env.as_ref().ok_or(missing)?(name)
                    .ok_or_else(|| ResolveError::NoVariable(name.clone()))?;
                let place = || format!("the variable {name}");
                value_of(value.as_encoded_bytes(), Secret::from_bytes, place)
            }
            SecretRef::Cmd(words) => {
                let runner = self.runner.as_ref().ok_or(missing)?;
                let program = words.first().cloned().unwrap_or_default();
                // One more than a value, for the line break at its end.
                let output = runner.run(words, COMMAND_DEADLINE, VALUE_BYTES_MAX + 2);
                let output = output.map_err(|source| ResolveError::Run {
                    program: program.clone(),
                    source,
                })?;
                value_of(&output, Secret::from_input, || {
                    format!("the output of `{program}`")
                })
            }
        }
    }

    /// A secret by its name alone, if one is set.
    pub fn named(&self, name: &SecretName) -> Result<Option<Secret>, StoreError> {
        for place in &self.named {
            let found = match place {
                Named::Store(store) => store.get(name)?,
                Named::File(file) => file.get(name).cloned(),
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}

fn from_file(path: &Path) -> Result<Secret, ResolveError> {
    let bytes = read::open(path).and_then(|file| read::bounded(file, VALUE_BYTES_MAX + 2));
    let bytes = bytes.map_err(|source| ResolveError::File {
        path: path.to_owned(),
        source,
    })?;
    value_of(&bytes, Secret::from_input, || path.display().to_string())
}

fn value_of(
    bytes: &[u8],
    make: fn(&[u8]) -> Result<Secret, ValueError>,
    place: impl FnOnce() -> String,
) -> Result<Secret, ResolveError> {
    make(bytes).map_err(|source| ResolveError::Value {
        place: place(),
        source,
    })
}

#[cfg(test)]
mod tests;
