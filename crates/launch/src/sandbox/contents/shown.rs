//! What a box shows of the machine.
//!
//! Owns the shares and what they may be. Refuses what [`Bounds`] does not admit as a whole, and whatever is found by
//! way of a link that the server itself could have laid: in a folder that it may write, a link is its word, not the
//! person's.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::bounds::Bounds;
use super::system;
use crate::limits::BOX_SHARES_MAX;
use crate::sandbox::Volume;

/// One file or folder in a box, or another name of one: then it is a link inside, whatever it is outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Share {
    /// Where it is found inside.
    pub(crate) at: PathBuf,
    /// Where it is on the machine; no links in it.
    pub(crate) from: PathBuf,
    pub(crate) writable: bool,
    /// By the person, and not found out.
    declared: bool,
}

/// Collects the shares.
#[derive(Debug)]
pub(super) struct Shown<'a> {
    pub(super) bounds: &'a Bounds,
    /// What the server may write, by the names it has.
    writable: Vec<PathBuf>,
    shares: BTreeMap<PathBuf, Share>,
    is_too_much: bool,
}

/// A path that cannot be followed.
#[derive(Debug)]
pub(super) enum Astray {
    /// Nothing there, or closed to us.
    Nothing(io::Error),
    /// It leads out of a folder that the server may write, by a link in there.
    Laid(PathBuf),
}

impl<'a> Shown<'a> {
    /// With the declared volumes.
    pub(super) fn new(bounds: &'a Bounds, volumes: &[Volume]) -> Result<Self, (PathBuf, Astray)> {
        let writable = volumes.iter().filter(|volume| volume.writable);
        let mut shown = Self {
            bounds,
            writable: writable.map(|volume| volume.path.clone()).collect(),
            shares: BTreeMap::new(),
            is_too_much: false,
        };
        for volume in volumes {
            // A volume is its own word for what is in it; for what is beside it, another one's.
            let mut others = shown.writable.clone();
            others.retain(|other| *other != volume.path);
            let real = real(&volume.path, &others).map_err(|error| (volume.path.clone(), error))?;
            if volume.writable {
                shown.writable.push(real.clone());
            }
            for at in [&real, &volume.path] {
                shown.put(Share {
                    at: at.clone(),
                    from: real.clone(),
                    writable: volume.writable,
                    declared: true,
                });
            }
        }
        Ok(shown)
    }

    /// Where a path leads, every link followed.
    pub(super) fn real(&self, path: &Path) -> Result<PathBuf, Astray> {
        real(path, &self.writable)
    }

    /// Whether the server could have made what is there.
    pub(super) fn is_its_own(&self, path: &Path) -> bool {
        self.writable.iter().any(|folder| path.starts_with(folder))
    }

    /// Shows a folder, under this name and its real one; false if it is not to be shown whole.
    pub(super) fn folder(&mut self, folder: &Path) -> bool {
        let Ok(real) = self.real(folder) else {
            return false;
        };
        if !self.bounds.admit(&real) {
            return false;
        }
        self.found(&real, &real);
        if self.bounds.admit(folder) {
            self.found(folder, &real);
        }
        true
    }

    /// Shows the folder of a package manager.
    pub(super) fn store(&mut self, store: &Path) {
        self.found(store, store);
    }

    /// Shows one file, under this name and its real one.
    pub(super) fn file(&mut self, file: &Path) {
        if let Ok(real) = self.real(file) {
            self.found(&real, &real);
            self.found(file, &real);
        }
    }

    /// Whether something was left out, because there is so much.
    pub(super) fn is_too_much(&self) -> bool {
        self.is_too_much
    }

    /// Whether something is in the box at that path.
    pub(super) fn holds(&self, path: &Path) -> bool {
        system::holds(path) || self.shares.keys().any(|at| path.starts_with(at))
    }

    fn found(&mut self, at: &Path, from: &Path) {
        if system::holds(at) || self.is_its_own(at) {
            return;
        }
        self.put(Share {
            at: at.to_owned(),
            from: from.to_owned(),
            writable: false,
            declared: false,
        });
    }

    fn put(&mut self, share: Share) {
        if self.shares.len() < BOX_SHARES_MAX {
            self.shares.entry(share.at.clone()).or_insert(share);
        } else if !self.shares.contains_key(&share.at) {
            self.is_too_much = true;
        }
    }

    /// The shares, what is around others first, without those that show nothing new.
    pub(super) fn into_shares(self) -> Vec<Share> {
        let shares: Vec<_> = self.shares.into_values().collect();
        let is_new = |share: &&Share| {
            let around = shares
                .iter()
                .filter(|other| other.at != share.at && share.at.starts_with(&other.at))
                .max_by_key(|other| other.at.as_os_str().len());
            match around {
                None => true,
                // Another name of something: where there is a folder around it, there is a link in it.
                Some(_) if share.at != share.from => false,
                Some(around) => share.declared && share.writable != around.writable,
            }
        };
        shares.iter().filter(is_new).cloned().collect()
    }
}

/// Follows every link on the way, but none that lies in one of the folders and leads out of it.
fn real(path: &Path, writable: &[PathBuf]) -> Result<PathBuf, Astray> {
    let mut real = PathBuf::from("/");
    let mut rest: Vec<_> = path.components().rev().map(owned).collect();
    let mut links = 0;
    while let Some(part) = rest.pop() {
        match part.as_encoded_bytes() {
            b"/" => real = PathBuf::from("/"),
            b"." => {}
            b".." => {
                real.pop();
            }
            _ => {
                let next = real.join(&part);
                let Ok(target) = fs::read_link(&next) else {
                    real = next;
                    continue;
                };
                links += 1;
                if links > 40 {
                    return Err(Astray::Nothing(rustix::io::Errno::LOOP.into()));
                }
                if let Some(folder) = writable.iter().find(|folder| next.starts_with(folder)) {
                    // Followed on its own: what comes after it in the path is not known yet.
                    let leads = super::normal(&real.join(&target));
                    if !leads.starts_with(folder) {
                        return Err(Astray::Laid(next));
                    }
                }
                rest.extend(target.components().rev().map(owned));
            }
        }
    }
    match fs::symlink_metadata(&real) {
        Ok(_) => Ok(real),
        Err(error) => Err(Astray::Nothing(error)),
    }
}

fn owned(component: Component<'_>) -> OsString {
    component.as_os_str().to_owned()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn volume(path: &Path, writable: bool) -> Volume {
        Volume {
            path: path.to_owned(),
            writable,
        }
    }

    #[test]
    fn a_link_laid_by_the_server_leads_nowhere() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().canonicalize().unwrap();
        let (own, secret) = (dir.join("own"), dir.join("secret"));
        fs::create_dir_all(own.join("sub")).unwrap();
        fs::create_dir_all(secret.join("bin")).unwrap();
        symlink(&secret, own.join("out")).unwrap();
        symlink("../secret", own.join("relative")).unwrap();
        symlink("sub", own.join("inside")).unwrap();
        symlink(&own, dir.join("ours")).unwrap();
        let bounds = Bounds::new(None);
        let shown = Shown::new(&bounds, &[volume(&own, true)]).unwrap();
        assert_eq!(shown.real(&own.join("inside")).unwrap(), own.join("sub"));
        assert_eq!(shown.real(&dir.join("ours/sub")).unwrap(), own.join("sub"));
        for laid in ["own/out", "own/relative/bin", "ours/out/bin"] {
            assert!(
                matches!(shown.real(&dir.join(laid)), Err(Astray::Laid(_))),
                "{laid}"
            );
        }
        assert!(matches!(
            shown.real(&dir.join("none")),
            Err(Astray::Nothing(_))
        ));
        // A volume in a volume.
        let volumes = [volume(&own, true), volume(&own.join("out"), false)];
        assert!(Shown::new(&bounds, &volumes).is_err());
    }

    #[test]
    fn a_box_shows_so_much_and_no_more() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().canonicalize().unwrap();
        let bounds = Bounds::new(None);
        let mut shown = Shown::new(&bounds, &[]).unwrap();
        for n in 0..=BOX_SHARES_MAX {
            assert!(!shown.is_too_much());
            let file = dir.join(n.to_string());
            fs::write(&file, "").unwrap();
            shown.file(&file);
        }
        assert!(shown.is_too_much());
        assert_eq!(shown.into_shares().len(), BOX_SHARES_MAX);
    }

    #[test]
    fn what_shows_nothing_new_is_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().canonicalize().unwrap();
        for folder in ["app/data", "app/cache", "other"] {
            fs::create_dir_all(dir.join(folder)).unwrap();
        }
        symlink(dir.join("other"), dir.join("app/link")).unwrap();
        symlink(dir.join("other"), dir.join("name")).unwrap();
        let bounds = Bounds::new(None);
        let volumes = [
            volume(&dir.join("app/data"), true),
            volume(&dir.join("app/cache"), false),
        ];
        let mut shown = Shown::new(&bounds, &volumes).unwrap();
        for folder in ["app", "app/link", "name"] {
            assert!(shown.folder(&dir.join(folder)));
        }
        shown.file(&dir.join("app/data"));
        let shares: Vec<_> = shown
            .into_shares()
            .into_iter()
            .map(|share| {
                let below = |path: &Path| path.strip_prefix(&dir).unwrap().to_owned();
                (below(&share.at), below(&share.from), share.writable)
            })
            .collect();
        let of =
            |at: &str, from: &str, writable| (PathBuf::from(at), PathBuf::from(from), writable);
        assert_eq!(
            shares,
            [
                of("app", "app", false),
                of("app/data", "app/data", true),
                of("name", "other", false),
                of("other", "other", false),
            ]
        );
    }
}
