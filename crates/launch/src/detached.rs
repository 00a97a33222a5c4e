//! A process of our own program that goes on when we end: the gateway that all share. Owns how it is cut loose: nothing of ours
//! but its log and one pipe, by which it says that it is ready or that it has ended.

use std::fs::File;
use std::io::{self, PipeReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A process that was cut loose. Dropping it leaves it running.
#[derive(Debug)]
pub struct Detached {
    child: Child,
    /// What it says on its stdout, until it closes that or ends.
    pub said: PipeReader,
}

impl Detached {
    /// Starts `program` with these arguments and our environment but for the variable `without`, in `folder`, its stderr going to
    /// `log`. It leaves our session by itself, as nothing else can without harm.
    ///
    /// # Errors
    /// If it cannot be started.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where children are started"
    )]
    pub fn start(
        program: &Path,
        args: &[&str],
        without: &str,
        folder: &Path,
        log: File,
    ) -> io::Result<Self> {
        let (said, stdout) = io::pipe()?;
        let child = Command::new(program)
            .args(args)
            .env_remove(without)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(log)
            .spawn()?;
        Ok(Self { child, said })
    }

    /// The id of the process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it, where it has not done what it was started for.
    pub fn kill(mut self) {
        // One that has ended by itself is what we want.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn it_says_what_it_has_to_say_and_its_log_is_a_file() {
        let home = tempfile::tempdir().unwrap();
        let log = home.path().join("log");
        let script = "echo ready; echo trouble >&2; pwd; echo ${HOME-none}";
        let sh = Path::new("/bin/sh");
        let file = File::create(&log).unwrap();
        let mut started = Detached::start(sh, &["-c", script], "HOME", home.path(), file).unwrap();
        let mut said = String::new();
        started.said.read_to_string(&mut said).unwrap();
        let folder = home.path().canonicalize().unwrap();
        assert_eq!(said, format!("ready\n{}\nnone\n", folder.display()));
        started.kill();
        assert_eq!(std::fs::read_to_string(&log).unwrap(), "trouble\n");
    }
}
