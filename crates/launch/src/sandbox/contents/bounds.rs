//! What no box shows as a whole, however it came to be named: too much of the person is in it.

use std::path::{Component, Path, PathBuf};

use super::normal;

/// Folders of the system that are too wide, or no place for programs.
const TOO_WIDE: &[&str] = &[
    "/",
    "/boot",
    "/home",
    "/media",
    "/mnt",
    "/opt",
    "/srv",
    "/tmp",
    "/Users",
    "/var",
    "/var/home",
    "/var/lib",
    "/var/tmp",
];

/// Folders of which nothing is shown as a whole.
const CLOSED: &[&str] = &["/dev", "/etc", "/proc", "/run", "/sys", "/var/run"];

/// Folders of a home that hold keys, at any depth.
const KEYS: &[&str] = &[
    ".aws",
    ".azure",
    ".config/gcloud",
    ".docker",
    ".gnupg",
    ".kube",
    ".mozilla",
    ".password-store",
    ".ssh",
    ".local/share/keyrings",
];

/// Where homes are.
const PARENTS_OF_HOMES: &[&str] = &["/home", "/Users", "/var/home"];

/// Knows the homes of this machine.
#[derive(Debug)]
pub(crate) struct Bounds {
    homes: Vec<PathBuf>,
}

impl Bounds {
    /// With the home that our environment names, as it is written and where it leads.
    pub(crate) fn new(home: Option<&Path>) -> Self {
        let mut homes = vec![PathBuf::from("/root")];
        for home in home.into_iter().filter(|home| home.is_absolute()) {
            homes.push(normal(home));
            homes.extend(home.canonicalize());
        }
        Self { homes }
    }

    /// Whether a folder may be shown as a whole: not the machine, a home, what holds homes, or a dot-folder of a home.
    pub(crate) fn admit(&self, folder: &Path) -> bool {
        let is_clean = folder
            .components()
            .all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
        if !is_clean
            || !folder.is_absolute()
            || TOO_WIDE.iter().any(|wide| folder == Path::new(wide))
            || CLOSED.iter().any(|closed| folder.starts_with(closed))
            || self.homes.iter().any(|home| home.starts_with(folder))
        {
            return false;
        }
        let Some(inside) = self.inside_home(folder) else {
            return true;
        };
        let mut parts = inside.components();
        let first = parts.next().map(|part| part.as_os_str().as_encoded_bytes());
        let is_dot_folder =
            first.is_some_and(|first| first.starts_with(b".")) && parts.next().is_none();
        first.is_some()
            && !is_dot_folder
            && !KEYS
                .iter()
                .any(|keys| inside.starts_with(keys) || Path::new(keys).starts_with(inside))
    }

    /// A path from the home that it is in.
    fn inside_home<'a>(&self, path: &'a Path) -> Option<&'a Path> {
        let known = |home: &PathBuf| path.strip_prefix(home).ok();
        let beside = |parent: &&str| {
            let mut parts = path.strip_prefix(parent).ok()?.components();
            parts.next()?;
            Some(parts.as_path())
        };
        self.homes
            .iter()
            .find_map(known)
            .or_else(|| PARENTS_OF_HOMES.iter().find_map(beside))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn homes_their_dot_folders_and_the_machine_are_never_shown_whole() {
        let bounds = Bounds::new(Some(Path::new("/data/people/ada")));
        for refused in [
            "/",
            "/home",
            "/home/bob",
            "/home/bob/.config",
            "/home/bob/.local",
            "/home/bob/.ssh/project",
            "/home/bob/.config/gcloud/x",
            "/home/bob/.local/share/keyrings",
            "/root",
            "/root/.cargo",
            "/data",
            "/data/people",
            "/data/people/ada",
            "/data/people/ada/.npm",
            "/etc/app",
            "/proc/1/cwd",
            "/run/user/1000/x",
            "/tmp",
            "relative",
            "/home/bob/a/../.ssh",
        ] {
            assert!(!bounds.admit(Path::new(refused)), "{refused}");
        }
        for shown in [
            "/home/bob/project",
            "/home/bob/.pyenv/versions/3.12.1",
            "/home/bob/.npm/_npx/1f2e",
            "/root/.nvm/versions/node/v22",
            "/data/people/ada/work/app",
            "/data/other",
            "/opt/tool",
            "/srv/app",
            "/app",
            "/tmp/x",
            "/var/lib/app",
        ] {
            assert!(bounds.admit(Path::new(shown)), "{shown}");
        }
    }
}
