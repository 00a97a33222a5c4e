//! What of the machine's disk a container sees.
//!
//! Owns how `volumes` of an entry are read, and which folders may be shown at all: a list of places where people keep
//! their work, less what is never shared. Links are followed first, so that a name decides nothing. Refuses with the
//! reason, and never creates what is not there.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::enter;
use crate::limits::CONTAINER_VOLUMES_MAX;

/// Where folders may be shown from, beside the home and the working folder.
const SHARED: &[&str] = &[
    "/tmp",
    "/var/tmp",
    "/srv",
    "/mnt",
    "/media",
    "/data",
    "/opt",
    "/home",
    "/Users",
    "/workspace",
    "/workspaces",
];
/// What is never shown, whatever it lies in.
const SECRETIVE: &[&str] = &[
    ".ssh",
    ".aws",
    ".azure",
    ".gnupg",
    ".docker",
    ".kube",
    ".config",
    ".local",
    ".password-store",
];
/// What is never written over in a container.
const TAKEN: &[&str] = &["/proc", "/sys", "/dev", enter::AT];

/// What is put into a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mount {
    pub(crate) what: What,
    /// Absolute, in the container.
    pub(crate) target: String,
    pub(crate) writable: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// A file or folder of this machine, and whom it belongs to.
    Bind { source: PathBuf, owner: (u32, u32) },
    /// A volume of the engine.
    Named(String),
}

/// Where the person's own folders are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bounds {
    pub(crate) home: Option<PathBuf>,
    pub(crate) cwd: Option<PathBuf>,
    /// Our own folders, in which other servers' secrets lie.
    pub(crate) own: Vec<PathBuf>,
}

/// Reads all of an entry.
///
/// # Errors
/// In words, with what to write instead.
pub(crate) fn read(volumes: &[String], bounds: &Bounds) -> Result<Vec<Mount>, String> {
    if volumes.len() > CONTAINER_VOLUMES_MAX {
        return Err(format!(
            "`volumes` has more than {CONTAINER_VOLUMES_MAX} lines; share a folder above them"
        ));
    }
    let mounts: Vec<Mount> = volumes
        .iter()
        .map(|volume| bounds.read(volume))
        .collect::<Result<_, _>>()?;
    for (at, mount) in mounts.iter().enumerate() {
        if mounts[..at]
            .iter()
            .any(|other| other.target == mount.target)
        {
            return Err(format!(
                "`volumes` puts two things at \"{}\"; leave one out",
                mount.target
            ));
        }
    }
    Ok(mounts)
}

/// What a call names is shown if it lies in a folder that is shown anyway, and as that one is. Says what has to be added.
///
/// # Errors
/// In words, with what a person can do.
pub(crate) fn within(
    shown: &[Mount],
    named: &[String],
    bounds: &Bounds,
) -> Result<Vec<Mount>, String> {
    let mut added: Vec<Mount> = Vec::new();
    for text in named {
        let mut mount = bounds.read(text)?;
        let around = shown.iter().find_map(|around| {
            let (What::Bind { source, .. }, What::Bind { source: of, .. }) =
                (&mount.what, &around.what)
            else {
                return None;
            };
            Some((around, source.strip_prefix(of).ok()?.to_owned()))
        });
        let Some((around, rest)) = around else {
            return Err(format!(
                "the call names \"{}\", and calls see only what the person has put into the server's folders; have them add it",
                text.split(':').next().unwrap_or(text)
            ));
        };
        mount.writable &= around.writable;
        // Joined with nothing, a path would end with a slash.
        let seen_at = match rest.as_os_str().is_empty() {
            true => PathBuf::from(&around.target),
            false => Path::new(&around.target).join(rest),
        };
        let is_seen = seen_at == Path::new(&mount.target);
        if !is_seen
            && shown
                .iter()
                .chain(&added)
                .all(|other| other.target != mount.target)
        {
            added.push(mount);
        }
    }
    Ok(added)
}

impl Bounds {
    fn read(&self, text: &str) -> Result<Mount, String> {
        let (rest, said) = match text.rsplit_once(':') {
            Some((rest, "rw")) => (rest, Some(true)),
            Some((rest, "ro")) => (rest, Some(false)),
            _ => (text, None),
        };
        // Written once it is at the same path inside, and to read; written twice it is as engines have it.
        let (source, target) = match rest.split_once(":/") {
            Some((source, target)) => (source, format!("/{target}")),
            None => (rest, rest.to_owned()),
        };
        let is_twice = rest.contains(":/");
        let target = self.target(text, &target)?;
        let writable = said.unwrap_or(is_twice);
        let what = match source.starts_with(['/', '~']) {
            true => self.bind(text, source)?,
            false if is_name(source) && is_twice => What::Named(source.to_owned()),
            false => {
                return Err(format!(
                    "volume \"{text}\" is neither an absolute path nor NAME:/PATH; write it from the root"
                ));
            }
        };
        Ok(Mount {
            what,
            target,
            writable,
        })
    }

    fn target(&self, text: &str, target: &str) -> Result<String, String> {
        let target = match (target.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => home.join(rest).display().to_string(),
            _ => target.to_owned(),
        };
        let path = Path::new(&target);
        let is_plain = path.is_absolute()
            && path != Path::new("/")
            && path
                .components()
                .skip(1)
                .all(|part| matches!(part, std::path::Component::Normal(_)))
            && !target.contains([':', ',', '\0']);
        if !is_plain || TAKEN.iter().any(|taken| path.starts_with(taken)) {
            return Err(format!(
                "volume \"{text}\" cannot be at \"{target}\" in a container; give it a folder of its own, such as /data"
            ));
        }
        Ok(path.components().collect::<PathBuf>().display().to_string())
    }

    fn bind(&self, text: &str, source: &str) -> Result<What, String> {
        let named = match (source.strip_prefix('~'), &self.home) {
            (Some(rest), Some(home)) => home.join(rest.trim_start_matches('/')),
            _ => PathBuf::from(source),
        };
        let path = fs::canonicalize(&named).map_err(|error| {
            format!(
                "volume \"{text}\" cannot be shared: {error}; create \"{}\", or mend the path",
                named.display()
            )
        })?;
        let about = fs::metadata(&path)
            .map_err(|error| format!("volume \"{text}\" cannot be shared: {error}"))?;
        let kind = about.file_type();
        if kind.is_socket() || kind.is_block_device() || kind.is_char_device() || kind.is_fifo() {
            return Err(format!(
                "volume \"{text}\" is a socket or a device, and those are never shared: whoever has them is outside of the container"
            ));
        }
        if let Some(why) = self.refused(&path) {
            return Err(format!(
                "volume \"{text}\" is never shared: {why}; name a folder in your home that holds only what the server needs"
            ));
        }
        if path.display().to_string().contains([':', ',']) {
            return Err(format!(
                "volume \"{text}\" has a colon or a comma in its path, which engines cannot tell from their own; rename it"
            ));
        }
        Ok(What::Bind {
            source: path,
            owner: (about.uid(), about.gid()),
        })
    }

    /// Why a path is not shared; all links in it have been followed.
    fn refused(&self, path: &Path) -> Option<String> {
        let real = |folder: &Path| fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        let home = self.home.as_deref().map(real);
        if let Some(home) = &home {
            if home.starts_with(path) {
                return Some("your whole home is in it".to_owned());
            }
            if let Ok(rest) = path.strip_prefix(home)
                && rest
                    .components()
                    .next()
                    .is_some_and(|first| first.as_os_str().as_encoded_bytes().starts_with(b"."))
            {
                return Some("it is a hidden folder of your home".to_owned());
            }
        }
        for own in &self.own {
            let own = real(own);
            if path.starts_with(&own) || own.starts_with(path) {
                return Some("what Portolan keeps is in it".to_owned());
            }
        }
        if let Some(secretive) = path
            .components()
            .filter_map(|part| part.as_os_str().to_str())
            .find(|part| SECRETIVE.contains(part))
        {
            return Some(format!("keys are kept in \"{secretive}\""));
        }
        let cwd = self.cwd.as_deref().map(real);
        let is_inside = |folder: &Path| path.starts_with(folder) && path != folder;
        let is_shared = SHARED.iter().any(|folder| is_inside(Path::new(folder)))
            || home.is_some_and(|home| is_inside(&home))
            || cwd.is_some_and(|cwd| path.starts_with(&cwd) && cwd.components().count() > 2);
        (!is_shared).then(|| "it is a part of the system, not of your work".to_owned())
    }
}

fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphanumeric())
        && name.len() <= 128
        && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    fn home() -> (tempfile::TempDir, Bounds) {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().canonicalize().unwrap().join("me");
        for folder in ["notes", ".ssh", ".own", "work/.aws"] {
            fs::create_dir_all(home.join(folder)).unwrap();
        }
        let bounds = Bounds {
            own: vec![home.join("portolan")],
            cwd: None,
            home: Some(home),
        };
        (dir, bounds)
    }

    #[test]
    fn one_path_is_to_read_and_two_are_to_write() {
        let (_dir, bounds) = home();
        let notes = bounds.home.clone().unwrap().join("notes");
        let read = |text: String| {
            let mount = bounds.read(&text).unwrap();
            let What::Bind { source, .. } = mount.what else {
                panic!("{text} is a bind");
            };
            assert_eq!(source, notes);
            (mount.target, mount.writable)
        };
        let shown = notes.display().to_string();
        assert_eq!(read(shown.clone()), (shown.clone(), false));
        assert_eq!(read(format!("{shown}:rw")), (shown.clone(), true));
        assert_eq!(read(format!("{shown}:/data")), ("/data".into(), true));
        assert_eq!(
            read(format!("{shown}/:/data/x/:ro")),
            ("/data/x".into(), false)
        );
        assert_eq!(read("~/notes:/n".into()), ("/n".into(), true));
    }

    #[test]
    fn named_volumes_are_the_engines() {
        let bounds = Bounds::default();
        let mount = bounds.read("memory.db-1:/app/data:ro").unwrap();
        assert_eq!(mount.what, What::Named("memory.db-1".into()));
        assert_eq!((&*mount.target, mount.writable), ("/app/data", false));
        for bad in [
            "memory", ".x:/a", "a b:/a", "a/b:/c", ":/a", "", "rw", "a:b",
        ] {
            assert!(bounds.read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_not_a_persons_work_is_never_shared() {
        let (dir, bounds) = home();
        let home = bounds.home.clone().unwrap();
        let socket = dir.path().join("engine.sock");
        let _listener = UnixListener::bind(&socket).unwrap();
        symlink("/etc", home.join("innocent")).unwrap();
        symlink(home.join(".ssh"), home.join("keys")).unwrap();
        fs::create_dir(home.join("portolan")).unwrap();
        let path = |name: &str| home.join(name).display().to_string();
        for source in [
            "/".to_owned(),
            "//".to_owned(),
            "/proc".to_owned(),
            "/proc/self/root".to_owned(),
            "/sys/fs".to_owned(),
            "/dev/null".to_owned(),
            "/etc".to_owned(),
            "/etc/passwd".to_owned(),
            "/usr".to_owned(),
            "/var/lib".to_owned(),
            "/tmp".to_owned(),
            "/home".to_owned(),
            socket.display().to_string(),
            path(""),
            path(".."),
            path(".ssh"),
            path(".own"),
            path("work/.aws"),
            path("innocent"),
            path("keys"),
            path("portolan"),
            path("nowhere"),
        ] {
            let error = bounds.read(&format!("{source}:/data")).unwrap_err();
            assert!(error.contains("shared"), "{source}: {error}");
        }
        for target in [
            "/",
            "/proc",
            "/dev/x",
            "/sys",
            "/a/../b",
            "/.portolan-enter",
            "/a,b",
        ] {
            let text = format!("{}:{target}", path("notes"));
            assert!(bounds.read(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn there_is_an_end_to_them_and_one_at_each_place() {
        let bounds = Bounds::default();
        let many: Vec<_> = (0..=CONTAINER_VOLUMES_MAX)
            .map(|n| format!("v{n}:/v{n}"))
            .collect();
        assert_eq!(
            read(&many[1..], &bounds).unwrap().len(),
            CONTAINER_VOLUMES_MAX
        );
        assert!(read(&many, &bounds).is_err());
        let twice = ["a:/x".to_owned(), "b:/x/".to_owned()];
        assert!(read(&twice, &bounds).is_err());
    }
}
