//! `.env` files as Docker's gateway reads them (`--secrets FILE`): a line `NAME=VALUE` each, the name dotted.
//!
//! White space around a line does not count; a line that begins with `#` is a comment; the value is all that follows the
//! first `=`, quotes included; of two lines with one name the later counts. Ours are: an empty value is no secret, and a line that is
//! wrong is told by its number and left out, never repeated. Refuses single lines, not the whole file.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use catalog::Problem;

use crate::limits::{ENV_FILE_BYTES_MAX, ENV_FILE_PROBLEMS_MAX};
use crate::{Secret, SecretName, read};

/// The secrets of one `.env` file, as they were when it was read.
#[derive(Debug)]
pub struct EnvFile {
    path: PathBuf,
    secrets: BTreeMap<SecretName, Secret>,
    problems: Vec<Problem>,
}

/// Why a `.env` file cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the secrets in {}: {source}", path.display())]
pub struct EnvFileError {
    path: PathBuf,
    source: io::Error,
}

impl EnvFile {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, EnvFileError> {
        let bytes = read::open(path).and_then(|file| read::bounded(file, ENV_FILE_BYTES_MAX));
        let bytes = bytes.map_err(|source| EnvFileError {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self::parse(path, &bytes))
    }

    fn parse(path: &Path, bytes: &[u8]) -> Self {
        let mut file = Self {
            path: path.to_owned(),
            secrets: BTreeMap::new(),
            problems: Vec::new(),
        };
        let mut more = 0;
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            match pair(line) {
                Ok(Some((name, value))) => {
                    file.secrets.insert(name, value);
                }
                Ok(None) => {}
                Err(_) if file.problems.len() == ENV_FILE_PROBLEMS_MAX => more += 1,
                Err(why) => {
                    let problem = Problem::error(path.display().to_string(), why);
                    file.problems.push(problem.at((number + 1, 1)));
                }
            }
        }
        if more > 0 {
            let why = format!("{more} more lines are wrong");
            let problem = Problem::error(path.display().to_string(), why);
            file.problems.push(problem);
        }
        file
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A secret.
    pub fn get(&self, name: &SecretName) -> Option<&Secret> {
        self.secrets.get(name)
    }

    /// The names of all.
    pub fn names(&self) -> impl Iterator<Item = &SecretName> {
        self.secrets.keys()
    }

    /// What a person should mend.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

fn pair(line: &[u8]) -> Result<Option<(SecretName, Secret)>, String> {
    let line = std::str::from_utf8(line).map_err(|_| "this line is no text (UTF-8)")?;
    if line.starts_with('#') || line.trim().is_empty() {
        return Ok(None);
    }
    let (name, value) = line.trim().split_once('=').ok_or("a line is NAME=VALUE")?;
    let name = SecretName::new(name).map_err(|error| error.to_string())?;
    if value.is_empty() {
        return Ok(None);
    }
    let value = Secret::new(value).map_err(|error| error.to_string())?;
    Ok(Some((name, value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::VALUE_BYTES_MAX;

    fn parse(text: impl AsRef<[u8]>) -> EnvFile {
        EnvFile::parse(Path::new("x.env"), text.as_ref())
    }

    fn get(file: &EnvFile, name: &str) -> Option<String> {
        let secret = file.get(&SecretName::new(name).unwrap());
        secret.map(|secret| secret.reveal().to_owned())
    }

    #[test]
    fn lines_are_read_as_docker_does() {
        let file = parse(
            "\u{feff}# all of mine\n\ngithub.token=a=b \n  x.y=\"q\"\r\nempty=\nx.z=1\nx.z=2\n#no=1",
        );
        assert_eq!(get(&file, "github.token").as_deref(), Some("a=b"));
        assert_eq!(get(&file, "x.y").as_deref(), Some("\"q\""));
        assert_eq!(get(&file, "x.z").as_deref(), Some("2"));
        assert_eq!(file.names().count(), 3);
        assert!(file.problems().is_empty());
    }

    #[test]
    fn a_wrong_line_is_told_by_its_number_and_never_repeated() {
        let long = format!("long={}", "s3cret".repeat(VALUE_BYTES_MAX / 6 + 1));
        let text = format!("ok=1\ns3cret\nexport s3=cret\n{long}\nlast=2");
        let mut bytes = text.into_bytes();
        bytes.extend(b"\n\xffs3cret");
        let file = parse(bytes);
        let lines: Vec<_> = file.problems().iter().map(|p| p.line).collect();
        assert_eq!(lines, [2, 3, 4, 6]);
        assert!(!format!("{file:?}").contains("s3cret"), "{file:?}");
        assert_eq!(file.names().count(), 2);
    }

    #[test]
    fn problems_have_an_end() {
        let file = parse("x\n".repeat(ENV_FILE_PROBLEMS_MAX + 5));
        assert_eq!(file.problems().len(), ENV_FILE_PROBLEMS_MAX + 1);
        assert_eq!(
            file.problems().last().unwrap().message,
            "5 more lines are wrong"
        );
    }

    #[test]
    fn a_file_that_is_missing_or_too_large_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.env");
        let error = EnvFile::read(&path).unwrap_err().to_string();
        assert!(error.contains("s.env"), "{error}");
        std::fs::write(&path, vec![b'x'; ENV_FILE_BYTES_MAX + 1]).unwrap();
        assert!(EnvFile::read(&path).is_err());
        std::fs::write(&path, "a=b").unwrap();
        assert_eq!(
            get(&EnvFile::read(&path).unwrap(), "a").as_deref(),
            Some("b")
        );
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_fail(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            parse(bytes);
        }
    }
}
