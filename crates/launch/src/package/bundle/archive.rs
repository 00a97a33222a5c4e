//! The archive of a bundle, read without trusting anything that it says of itself.
//!
//! Owns every limit of it: how many parts, how large they are together once unpacked, whatever their headers promise.
//! Refuses names that lead out of the bundle, parts that are encrypted, and a part given twice; links are left out, since
//! what runs needs none and each could lead anywhere.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Seek};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

use super::zip::{self, Part};
use crate::limits::{BUNDLE_NAME_BYTES_MAX, BUNDLE_UNPACKED_BYTES_MAX};
use catalog::Manifest;
use catalog::limits::BUNDLE_MANIFEST_BYTES_MAX;

/// Where the manifest is.
pub(super) const MANIFEST: &str = "manifest.json";

/// One part of a bundle.
pub enum BundlePart<'a> {
    /// A folder.
    Folder(&'a Path),
    /// A file.
    File {
        /// Where it lies in the bundle.
        path: &'a Path,
        /// Whether it may be run.
        is_executable: bool,
        /// What is in it; ends in an error where the bundle becomes too large.
        content: &'a mut dyn Read,
    },
}

/// Hands out every part of a bundle, in its order.
///
/// # Errors
/// It is no bundle, it exceeds a limit, or `take` failed; a text for people.
pub fn walk_bundle<F: Read + Seek>(
    file: F,
    take: &mut dyn FnMut(BundlePart<'_>) -> io::Result<()>,
) -> Result<(), String> {
    let mut file = file;
    let parts = zip::list(&mut file)?;
    let mut left = BUNDLE_UNPACKED_BYTES_MAX;
    for part in parts.iter().filter(|part| !part.is_link()) {
        let path = inside(&part.name)?;
        let mut is_too_large = false;
        let taken = if part.is_folder() {
            take(BundlePart::Folder(&path))
        } else {
            let mut content = Counted {
                from: zip::content(&mut file, part)?,
                left: &mut left,
                is_over: &mut is_too_large,
            };
            take(BundlePart::File {
                path: &path,
                is_executable: part.is_executable(),
                content: &mut content,
            })
        };
        if is_too_large {
            return Err(format!(
                "it unpacks to more than {} MiB",
                BUNDLE_UNPACKED_BYTES_MAX >> 20
            ));
        }
        taken.map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

/// The manifest of a bundle, as it is on this machine.
///
/// # Errors
/// There is none, or it cannot be used here; a text for people.
pub fn read_bundle<F: Read + Seek>(mut file: F) -> Result<Manifest, String> {
    let parts = zip::list(&mut file)?;
    let is_it = |part: &&Part| part.name == MANIFEST && !part.is_link();
    let part = parts.iter().find(is_it);
    let part = part.ok_or_else(|| format!("there is no {MANIFEST} in it"))?;
    let mut text = String::new();
    zip::content(&mut file, part)?
        .take(BUNDLE_MANIFEST_BYTES_MAX as u64 + 1)
        .read_to_string(&mut text)
        .map_err(|error| format!("{MANIFEST}: {error}"))?;
    manifest(&text)
}

/// As it is on this machine.
pub(super) fn manifest(text: &str) -> Result<Manifest, String> {
    let platform = match std::env::consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    };
    Manifest::read(text, platform).map_err(|why| format!("{MANIFEST}: {why}"))
}

/// Unpacks a bundle into an empty folder.
pub(super) fn unpack(file: impl Read + Seek, into: &Path) -> Result<(), String> {
    walk_bundle(file, &mut |part| match part {
        BundlePart::Folder(path) => fs::create_dir_all(into.join(path)),
        BundlePart::File {
            path,
            is_executable,
            content,
        } => {
            let path = into.join(path);
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            // A part that comes twice is in nobody's interest but that of somebody who hides one.
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(if is_executable { 0o755 } else { 0o644 })
                .open(&path)?;
            io::copy(content, &mut file).map(drop)
        }
    })
}

/// A name as a path below the bundle.
fn inside(name: &str) -> Result<PathBuf, String> {
    let shown = || name.chars().take(80).collect::<String>();
    if name.len() > BUNDLE_NAME_BYTES_MAX || name.contains(['\\', '\0']) {
        return Err(format!("a part of it is called {:?}", shown()));
    }
    let path = Path::new(name);
    let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if name.is_empty() || !path.components().all(is_plain) {
        return Err(format!("a part of it leads out of it: {:?}", shown()));
    }
    Ok(path.to_owned())
}

/// Counts what is read of all parts together.
struct Counted<'a, R> {
    from: R,
    left: &'a mut u64,
    is_over: &'a mut bool,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => {
                *self.left = left;
                Ok(read)
            }
            None => {
                *self.is_over = true;
                Err(io::Error::other("it is too large"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::os::unix::fs::PermissionsExt;

    use super::super::zip::write::archive;
    use super::*;

    const FILE: u32 = 0o100_644;

    fn unpacked(file: Cursor<Vec<u8>>) -> Result<tempfile::TempDir, String> {
        let dir = tempfile::tempdir().unwrap();
        unpack(file, dir.path()).map(|()| dir)
    }

    #[test]
    fn what_is_in_it_comes_out() {
        let parts: &[(&str, u32, &[u8])] = &[
            ("manifest.json", FILE, b"{}"),
            ("a/", 0o40_755, b""),
            ("a/b/c", 0o104_777, b"c"),
            ("./d", FILE, b""),
        ];
        let dir = unpacked(archive(parts)).unwrap();
        assert_eq!(fs::read(dir.path().join("a/b/c")).unwrap(), b"c");
        let mode = |name: &str| {
            fs::metadata(dir.path().join(name))
                .unwrap()
                .permissions()
                .mode()
        };
        // That it may be run, and nothing else of what it says.
        assert_eq!((mode("a/b/c") & 0o7100, mode("d") & 0o7100), (0o100, 0));
    }

    #[test]
    fn nothing_leads_out_of_it() {
        for name in ["../x", "a/../../x", "/x", "a\\..\\x", "a/..", ""] {
            assert!(inside(name).is_err(), "{name:?}");
        }
        let told =
            unpacked(archive(&[("a/../../../../tmp/portolan-slip", FILE, b"x")])).unwrap_err();
        assert!(told.contains("leads out of it"), "{told}");
        let long = "x".repeat(BUNDLE_NAME_BYTES_MAX + 1);
        assert!(inside(&long).is_err());
    }

    #[test]
    fn links_are_left_out_and_no_part_comes_twice() {
        let parts: &[(&str, u32, &[u8])] =
            &[("way", 0o120_777, b"/etc"), ("way/passwd", FILE, b"mine")];
        let dir = unpacked(archive(parts)).unwrap();
        assert!(!dir.path().join("way").is_symlink());
        assert_eq!(fs::read(dir.path().join("way/passwd")).unwrap(), b"mine");
        assert!(unpacked(archive(&[("a", FILE, b"1"), ("a", FILE, b"2")])).is_err());
        assert!(unpacked(archive(&[("a", FILE, b"1"), ("a/b", FILE, b"2")])).is_err());
    }

    #[test]
    fn bombs_are_not_unpacked() {
        // A thousand times smaller than what comes out.
        let zeros = vec![0u8; 64 << 20];
        let names: Vec<String> = (0..=BUNDLE_UNPACKED_BYTES_MAX / zeros.len() as u64)
            .map(|n| n.to_string())
            .collect();
        let parts: Vec<(&str, u32, &[u8])> =
            names.iter().map(|n| (n.as_str(), FILE, &*zeros)).collect();
        let mut bytes = 0;
        let told = walk_bundle(archive(&parts), &mut |part| {
            if let BundlePart::File { content, .. } = part {
                bytes += io::copy(content, &mut io::sink())?;
            }
            Ok(())
        });
        assert!(told.unwrap_err().contains("unpacks to more than"));
        assert!(bytes <= BUNDLE_UNPACKED_BYTES_MAX);
    }

    #[test]
    fn what_is_none_says_so() {
        for other in [
            &b""[..],
            b"PK",
            b"nothing of the kind, and long enough for one",
        ] {
            assert!(
                read_bundle(Cursor::new(other))
                    .unwrap_err()
                    .contains("no zip archive")
            );
        }
        let told = read_bundle(archive(&[("other", FILE, b"")])).unwrap_err();
        assert_eq!(told, "there is no manifest.json in it");
    }
}
