//! Finds the program that a command names.
//!
//! Owns the search in PATH, so that a missing program is told in words before anything is started. Refuses relative
//! folders in PATH: what would run depended on where the gateway was started.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

/// Why there is no program.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// In no folder of PATH.
    NotFound,
    /// No such file.
    NoFile(PathBuf),
    /// A file that cannot be run, or a folder.
    NotExecutable(PathBuf),
}

/// The program for `command`: a path (relative to `cwd`), or a name to look for in `path`.
pub(crate) fn find(
    command: &str,
    path: Option<&OsStr>,
    cwd: Option<&Path>,
) -> Result<PathBuf, Missing> {
    if command.contains('/') {
        let program = cwd.unwrap_or(Path::new("")).join(command);
        // The working folder of the child may differ from ours, and what it runs must not.
        let program = std::path::absolute(&program).unwrap_or(program);
        return match (program.exists(), runs(&program)) {
            (_, true) => Ok(program),
            (true, false) => Err(Missing::NotExecutable(program)),
            (false, false) => Err(Missing::NoFile(program)),
        };
    }
    let mut refused = None;
    for folder in
        std::env::split_paths(path.unwrap_or_default()).filter(|folder| folder.is_absolute())
    {
        let program = folder.join(command);
        if runs(&program) {
            return Ok(program);
        }
        if program.is_file() {
            refused.get_or_insert(program);
        }
    }
    Err(refused.map_or(Missing::NotFound, Missing::NotExecutable))
}

/// Whether a process can work in a folder.
pub(crate) fn enters(folder: &Path) -> bool {
    folder.is_dir() && access(folder, Access::EXEC_OK).is_ok()
}

fn runs(program: &Path) -> bool {
    program.is_file() && access(program, Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_first_program_in_path_wins_and_what_cannot_run_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let make = |name: &str, mode| {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "#!/bin/sh\n").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            path
        };
        let data = make("a/tool", 0o644);
        let tool = make("b/tool", 0o755);
        make("c/tool", 0o755);
        fs::create_dir(dir.path().join("a/folder")).unwrap();
        let path = std::env::join_paths(["a", "b", "c"].map(|name| dir.path().join(name))).unwrap();
        let find = |command: &str| find(command, Some(&path), Some(dir.path()));

        assert_eq!(find("tool"), Ok(tool.clone()));
        assert_eq!(find("b/tool"), Ok(tool.clone()));
        assert_eq!(find(tool.to_str().unwrap()), Ok(tool));
        assert_eq!(find("other"), Err(Missing::NotFound));
        assert_eq!(find("folder"), Err(Missing::NotFound));
        assert_eq!(find("a/tool"), Err(Missing::NotExecutable(data.clone())));
        assert_eq!(find("./x"), Err(Missing::NoFile(dir.path().join("./x"))));
        let only_data = super::find("tool", Some(dir.path().join("a").as_os_str()), None);
        assert_eq!(only_data, Err(Missing::NotExecutable(data)));
        assert_eq!(
            super::find("tool", Some(OsStr::new("relative:")), None),
            Err(Missing::NotFound)
        );
    }
}
