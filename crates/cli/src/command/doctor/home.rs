//! Our folders and files: there or to be made, ours, and closed to others.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::Access;

use super::finding::Finding;
use super::scene::Scene;
use crate::error::Kind;

const CHECK: &str = "home";

/// Who may see what is in it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// Nobody else.
    Ours,
    /// Whoever may.
    Anybodys,
}

pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    let dirs = &scene.here.dirs;
    let folders = [
        (&dirs.config, Whose::Anybodys, false),
        (&dirs.state, Whose::Ours, true),
        (&dirs.cache, Whose::Anybodys, true),
        (&dirs.runtime, Whose::Ours, true),
    ];
    let files = [
        dirs.token_file(),
        dirs.callers_file(),
        dirs.store_file(),
        secrets::Store::in_folder(&dirs.state).path().to_owned(),
    ];
    let folders = folders
        .into_iter()
        .filter_map(|(path, whose, must_write)| folder(scene, path, whose, must_write));
    let mut found: Vec<Finding> = folders
        .chain(files.iter().filter_map(|path| file(scene, path)))
        .collect();
    if found.is_empty() {
        found.push(Finding::good(
            CHECK,
            format!("{} and what belongs to it", dirs.config.display()),
        ));
    }
    found
}

fn folder(scene: &Scene, path: &Path, whose: Whose, must_write: bool) -> Option<Finding> {
    let shown = path.display();
    let meta = match fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return unmade(path, must_write);
        }
        Err(error) => return Some(bad(format!("{shown} cannot be looked at: {error}")).mend(MOVE)),
        Ok(meta) => meta,
    };
    if !meta.is_dir() {
        return Some(bad(format!("{shown} is no folder")).mend(format!("mv {shown} {shown}.old")));
    }
    if whose == Whose::Ours && meta.uid() != rustix::process::geteuid().as_raw() {
        return Some(
            bad(format!("{shown} belongs to another user"))
                .mend(format!("sudo chown -R \"$USER\" {shown}")),
        );
    }
    let wanted = if must_write {
        Access::WRITE_OK
    } else {
        Access::READ_OK
    } | Access::EXEC_OK;
    if rustix::fs::access(path, wanted).is_err() {
        let what = if must_write { "written" } else { "read" };
        return Some(bad(format!("{shown} cannot be {what}")).mend(MOVE));
    }
    (whose == Whose::Ours)
        .then(|| closed(scene, path, &meta))
        .flatten()
}

/// What is not there is made when it is needed, if it can be.
fn unmade(path: &Path, must_write: bool) -> Option<Finding> {
    let above = path.ancestors().skip(1).find(|above| above.exists());
    let can_be = above
        .is_some_and(|above| rustix::fs::access(above, Access::WRITE_OK | Access::EXEC_OK).is_ok());
    (must_write && !can_be).then(|| bad(format!("{} cannot be made", path.display())).mend(MOVE))
}

fn file(scene: &Scene, path: &PathBuf) -> Option<Finding> {
    let meta = fs::metadata(path).ok()?;
    if rustix::fs::access(path, Access::READ_OK | Access::WRITE_OK).is_err() {
        return Some(
            bad(format!("{} cannot be read and written", path.display())).mend(format!(
                "sudo chown \"$USER\" {0} && chmod 600 {0}",
                path.display()
            )),
        );
    }
    closed(scene, path, &meta)
}

/// What others can see is closed, where that is wished.
fn closed(scene: &Scene, path: &Path, meta: &fs::Metadata) -> Option<Finding> {
    let mode = meta.mode() & 0o777;
    if mode & 0o077 == 0 {
        return None;
    }
    let shown = path.display();
    if scene.is_fixing {
        let done = fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o700));
        return Some(match done {
            Ok(()) => Finding::good(
                CHECK,
                format!("{shown} was open to others (mode {mode:03o}) and is closed now"),
            ),
            Err(error) => Finding::warning(
                CHECK,
                format!("{shown} is open to others and cannot be closed: {error}"),
            ),
        });
    }
    Some(
        Finding::warning(
            CHECK,
            format!("{shown} is open to others (mode {mode:03o})"),
        )
        .mend("portolan doctor --fix"),
    )
}

const MOVE: &str = "give it back to your user, or set PORTOLAN_HOME to a folder of your own";

fn bad(what: String) -> Finding {
    Finding::bad(CHECK, Kind::Config, what)
}
