//! Where the passphrase of the secrets comes from: a file that the environment names, else the person at the terminal. Never from a
//! command line or a variable itself, which others can read. A person is asked once; a pipe can be read once.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _};
use std::path::Path;
use std::sync::Mutex;

use config::Env;
use config::env::PORTOLAN_PASSPHRASE_FILE;
use secrets::{Passphrase, Secret};
use zeroize::Zeroizing;

use crate::error::{Failure, Kind};
use crate::limits::PASSPHRASE_BYTES_MAX;
use crate::prompt;

/// The one of this environment.
pub(crate) fn of(env: &Env) -> Passphrase {
    let file = env
        .os(PORTOLAN_PASSPHRASE_FILE)
        .filter(|path| !path.is_empty());
    let kept: Mutex<Option<Result<Secret, String>>> = Mutex::default();
    Passphrase::asked_by(move || {
        let mut kept = kept
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(known) = &*kept {
            return known.clone();
        }
        let (got, is_final) = match &file {
            Some(path) => from_file(Path::new(path)),
            None => (at_terminal(), true),
        };
        if is_final {
            *kept = Some(got.clone());
        }
        got
    })
}

/// What a file holds, and whether that can be read but once.
fn from_file(path: &Path) -> (Result<Secret, String>, bool) {
    let mut is_once = false;
    let mut read = || -> io::Result<Zeroizing<Vec<u8>>> {
        let file = File::open(path)?;
        is_once = !file.metadata()?.is_file();
        // Room for everything: a vector that grows leaves copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(PASSPHRASE_BYTES_MAX + 32));
        file.take(PASSPHRASE_BYTES_MAX as u64 + 1)
            .read_to_end(&mut bytes)?;
        if bytes.len() > PASSPHRASE_BYTES_MAX {
            let why = format!("it is longer than {PASSPHRASE_BYTES_MAX} bytes");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
        }
        Ok(bytes)
    };
    let told = |why: String| {
        let file = path.display();
        format!("{PORTOLAN_PASSPHRASE_FILE} names {file}, which gives none: {why}")
    };
    let got = match read() {
        Ok(bytes) => Secret::from_input(&bytes).map_err(|error| told(error.to_string())),
        Err(error) => Err(told(error.to_string())),
    };
    (got, is_once)
}

fn at_terminal() -> Result<Secret, String> {
    if !is_somebody_there() {
        return Err(format!(
            "nobody is there to be asked for it; {PORTOLAN_PASSPHRASE_FILE} may name a file that holds it"
        ));
    }
    typed("Passphrase of your secrets: ").map_err(|failure| failure.message().to_owned())
}

/// Whether a person can be asked.
pub(crate) fn is_somebody_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// A new passphrase: typed twice, or all of stdin.
pub(crate) fn new() -> Result<Secret, Failure> {
    if !is_somebody_there() {
        let bytes = prompt::all(PASSPHRASE_BYTES_MAX)?;
        return Secret::from_input(&bytes).map_err(|error| unusable(&error.to_string()));
    }
    let first = typed("New passphrase: ")?;
    match typed("Once more: ")? == first {
        true => Ok(first),
        false => Err(unusable("the two are not the same")),
    }
}

fn typed(question: &str) -> Result<Secret, Failure> {
    let bytes = prompt::hidden(question, PASSPHRASE_BYTES_MAX)?;
    Secret::from_input(&bytes).map_err(|error| unusable(&error.to_string()))
}

fn unusable(why: &str) -> Failure {
    Failure::new(Kind::Usage, format!("the passphrase is not used: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gives_it_without_its_line_break() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p");
        assert!(from_file(&path).0.unwrap_err().contains("gives none"));
        std::fs::write(&path, "right horse\n").unwrap();
        let (got, is_once) = from_file(&path);
        assert_eq!((got.unwrap().reveal(), is_once), ("right horse", false));
        std::fs::write(&path, "x".repeat(PASSPHRASE_BYTES_MAX + 1)).unwrap();
        let why = from_file(&path).0.unwrap_err();
        assert!(why.contains("longer than 1024 bytes"), "{why}");
    }

    #[test]
    fn a_pipe_is_read_once_and_remembered() {
        use std::io::Write as _;
        use std::os::fd::AsRawFd as _;
        let (ours, mut theirs) = io::pipe().unwrap();
        theirs.write_all(b"right horse").unwrap();
        drop(theirs);
        let path = format!("/dev/fd/{}", ours.as_raw_fd());
        let (got, is_once) = from_file(Path::new(&path));
        assert_eq!((got.unwrap().reveal(), is_once), ("right horse", true));
    }
}
