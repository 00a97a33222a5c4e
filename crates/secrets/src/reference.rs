//! What points to a secret: `store:NAME`, `file:PATH`, `env:VAR`, `cred:NAME`, `cmd:PROGRAM ARGS…`. Pure: nothing is
//! followed here, see `resolve`. No error repeats the text: what is no reference may well be the value itself.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::limits::{COMMAND_WORDS_MAX, REFERENCE_BYTES_MAX};
use crate::{NameError, SecretName};

/// Where a secret lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// Under this name in a store or a `.env` file; of a profile's own secrets, `PROFILE/NAME`, in the store.
    Store(SecretName),
    /// A file, whose one line break at the end does not count: an absolute path, or one below the home folder (`~/…`).
    File(PathBuf),
    /// A variable of our environment.
    Env(String),
    /// A credential of the systemd unit that we run in (`$CREDENTIALS_DIRECTORY`, systemd.exec(5)).
    Cred(String),
    /// What a program prints: its words. No shell is involved.
    Cmd(Vec<String>),
}

/// The kinds of references.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `store:`
    Store,
    /// `file:`
    File,
    /// `env:`
    Env,
    /// `cred:`
    Cred,
    /// `cmd:`
    Cmd,
}

/// Kinds that are allowed somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kinds(u8);

/// Why a text is no reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefError {
    /// Nothing says which kind it is.
    #[error(
        "this is no reference to a secret; write store:NAME, file:PATH, env:VARIABLE, cred:NAME or cmd:PROGRAM ARGUMENTS"
    )]
    NoKind,
    /// A kind that is nearly one.
    #[error("there is no such kind of reference; did you mean `{0}:`?")]
    Near(&'static str),
    /// Longer than [`REFERENCE_BYTES_MAX`].
    #[error("a reference to a secret has at most {REFERENCE_BYTES_MAX} bytes")]
    TooLong,
    /// `store:` with a name that is none.
    #[error("store: {0}")]
    Name(#[from] NameError),
    /// `file:` with a path that depends on where we are.
    #[error("file: write the whole path, beginning with / or ~/")]
    Path,
    /// `env:` with what is no name of a variable.
    #[error("env: the name of a variable has letters, digits and `_`, no digit in front")]
    Variable,
    /// `cred:` with what is no name of a file.
    #[error("cred: the name of a credential is that of a file, without `/`")]
    Credential,
    /// `cmd:` without a program, or with quotes that do not end, or with too many words.
    #[error(
        "cmd: write a program and its arguments, at most {COMMAND_WORDS_MAX} words; quotes hold words together and must end"
    )]
    Command,
}

impl SecretRef {
    /// Which kind it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Store(_) => Kind::Store,
            Self::File(_) => Kind::File,
            Self::Env(_) => Kind::Env,
            Self::Cred(_) => Kind::Cred,
            Self::Cmd(_) => Kind::Cmd,
        }
    }
}

impl FromStr for SecretRef {
    type Err = RefError;

    fn from_str(text: &str) -> Result<Self, RefError> {
        if text.len() > REFERENCE_BYTES_MAX {
            return Err(RefError::TooLong);
        }
        let (kind, rest) = text.split_once(':').ok_or(RefError::NoKind)?;
        let Some(kind) = Kind::ALL.into_iter().find(|known| known.name() == kind) else {
            let near = catalog::suggest(kind, Kind::ALL.map(Kind::name));
            let near = Kind::ALL
                .into_iter()
                .find(|known| Some(known.name()) == near);
            return Err(near.map_or(RefError::NoKind, |near| RefError::Near(near.name())));
        };
        match kind {
            Kind::Store => Ok(Self::Store(SecretName::kept(rest)?)),
            Kind::File => path(rest).ok_or(RefError::Path),
            Kind::Env => variable(rest).ok_or(RefError::Variable),
            Kind::Cred => credential(rest).ok_or(RefError::Credential),
            Kind::Cmd => command(rest).ok_or(RefError::Command),
        }
    }
}

fn path(text: &str) -> Option<SecretRef> {
    let path = PathBuf::from(text);
    let is_whole = path.is_absolute() || (text.starts_with("~/") && text.len() > 2);
    (is_whole && !text.contains('\0')).then_some(SecretRef::File(path))
}

fn variable(text: &str) -> Option<SecretRef> {
    let is_name = !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    is_name.then(|| SecretRef::Env(text.to_owned()))
}

fn credential(text: &str) -> Option<SecretRef> {
    let is_file =
        !matches!(text, "" | "." | "..") && text.len() <= 255 && !text.contains(['/', '\\', '\0']);
    is_file.then(|| SecretRef::Cred(text.to_owned()))
}

fn command(text: &str) -> Option<SecretRef> {
    let words = shlex::split(text)?;
    let is_command = words.first().is_some_and(|program| !program.is_empty())
        && words.len() <= COMMAND_WORDS_MAX
        && !text.contains('\0');
    is_command.then_some(SecretRef::Cmd(words))
}

/// As it is written. What reads it again finds the same.
impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.kind().name())?;
        match self {
            Self::Store(name) => write!(f, "{name}"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Env(text) | Self::Cred(text) => f.write_str(text),
            Self::Cmd(words) => {
                let words = shlex::try_join(words.iter().map(String::as_str));
                f.write_str(&words.map_err(|_| fmt::Error)?)
            }
        }
    }
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Store, Self::File, Self::Env, Self::Cred, Self::Cmd];

    /// What stands before the colon.
    pub fn name(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::File => "file",
            Self::Env => "env",
            Self::Cred => "cred",
            Self::Cmd => "cmd",
        }
    }
}

impl Kinds {
    /// What a person's own configuration may use.
    pub const ALL: Self = Self::of(&Kind::ALL);
    /// What an entry from elsewhere may use once a person has agreed to it: no program is ever run for one.
    pub const APPROVED: Self = Self::of(&[Kind::Store, Kind::File, Kind::Env, Kind::Cred]);
    /// What an entry from elsewhere may use before a person has looked at it: a name, and nothing of this machine.
    pub const OUTSIDE: Self = Self::of(&[Kind::Store]);

    /// These.
    pub const fn of(kinds: &[Kind]) -> Self {
        let (mut set, mut at) = (0, 0);
        while at < kinds.len() {
            set |= 1 << kinds[at] as u8;
            at += 1;
        }
        Self(set)
    }

    /// Whether this one is among them.
    pub fn allow(self, kind: Kind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<SecretRef, RefError> {
        text.parse()
    }

    #[test]
    fn every_kind_is_read() {
        assert_eq!(
            parse("store:a.b").unwrap(),
            SecretRef::Store(SecretName::new("a.b").unwrap())
        );
        assert_eq!(parse("file:/x y").unwrap(), SecretRef::File("/x y".into()));
        assert_eq!(parse("file:~/t").unwrap(), SecretRef::File("~/t".into()));
        assert_eq!(parse("env:_A1").unwrap(), SecretRef::Env("_A1".into()));
        assert_eq!(parse("cred:t.k").unwrap(), SecretRef::Cred("t.k".into()));
        let words = ["op", "read", "op://v/my item/f"].map(String::from).into();
        assert_eq!(
            parse("cmd:op read 'op://v/my item/f'").unwrap(),
            SecretRef::Cmd(words)
        );
    }

    #[test]
    fn what_is_none_is_refused_and_never_repeated() {
        let long = format!("env:{}", "x".repeat(REFERENCE_BYTES_MAX));
        let many = format!("cmd:{}", "x ".repeat(COMMAND_WORDS_MAX + 1));
        for (text, wrong) in [
            ("ghp_value", RefError::NoKind),
            ("user:ghp_value", RefError::NoKind),
            ("Store:ghp_value", RefError::Near("store")),
            ("fiel:/ghp_value", RefError::Near("file")),
            ("store:", RefError::Name(NameError::Empty)),
            ("file:ghp_value", RefError::Path),
            ("file:~/", RefError::Path),
            ("env:ghp-value", RefError::Variable),
            ("env:", RefError::Variable),
            ("cred:../ghp_value", RefError::Credential),
            ("cred:..", RefError::Credential),
            ("cmd:", RefError::Command),
            ("cmd:''", RefError::Command),
            ("cmd:op 'ghp_value", RefError::Command),
            (&long, RefError::TooLong),
            (&many, RefError::Command),
        ] {
            let error = parse(text).unwrap_err();
            assert!(!error.to_string().contains("ghp_value"), "{error}");
            assert_eq!(error, wrong, "{text}");
        }
    }

    #[test]
    fn entries_from_outside_may_name_and_nothing_else() {
        for kind in Kind::ALL {
            assert!(Kinds::ALL.allow(kind));
            assert_eq!(Kinds::OUTSIDE.allow(kind), kind == Kind::Store, "{kind:?}");
            assert_eq!(Kinds::APPROVED.allow(kind), kind != Kind::Cmd, "{kind:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_the_same(text in "(store|file|env|cred|cmd|x):[ -~é'\"\\\\\n]{0,40}") {
            if let Ok(reference) = parse(&text) {
                prop_assert_eq!(parse(&reference.to_string()), Ok(reference));
            }
        }
    }
}
