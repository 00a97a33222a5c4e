//! What the little programs of version managers would start.
//!
//! A shim reads settings, finds the version that counts here and runs that. In a box neither its settings nor its
//! programs exist, so the choice is made outside, from the same files; nothing is run for it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

/// What the choice depends on.
pub(super) struct Here<'a> {
    pub(super) env: &'a BTreeMap<OsString, OsString>,
    pub(super) folder: &'a Path,
}

/// The program that a shim stands for; `None` if it is none, or nothing is chosen.
pub(super) fn follow(program: &Path, here: &Here<'_>) -> Option<PathBuf> {
    let name = program.file_name()?;
    let folder = program.parent()?;
    let root = folder.parent()?;
    if folder.file_name()? == "shims" {
        return pyenv_like(root, name, here).or_else(|| asdf(root, name, program, here));
    }
    if folder.file_name()? == "bin" && root.join("tools/image").is_dir() {
        return volta(root, name, here);
    }
    None
}

/// pyenv, nodenv, rbenv, goenv: `ROOT/shims/NAME` runs `ROOT/versions/VERSION/bin/NAME`. The version is said by a
/// variable, by a file in the folder or above it, or by `ROOT/version`; of several the first that has it counts.
fn pyenv_like(root: &Path, name: &OsStr, here: &Here<'_>) -> Option<PathBuf> {
    let (variable, file) = ["python", "node", "ruby", "go"]
        .into_iter()
        .find_map(|kind| {
            let short = match kind {
                "python" => "PYENV",
                "node" => "NODENV",
                "ruby" => "RBENV",
                _ => "GOENV",
            };
            let libexec = root.join("libexec").join(short.to_lowercase());
            (libexec.exists() || root.ends_with(format!(".{}", short.to_lowercase())))
                .then(|| (format!("{short}_VERSION"), format!(".{kind}-version")))
        })?;
    let from_variable = here
        .env
        .get(OsStr::new(&variable))
        .and_then(|said| Some(said.to_str()?.replace(':', "\n")));
    let said = from_variable
        .or_else(|| above(here.folder, &file))
        .or_else(|| fs::read_to_string(root.join("version")).ok())?;
    let versions = said
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .filter(|version| !version.is_empty());
    versions
        .flat_map(|version| installed(&root.join("versions"), version))
        .map(|version| version.join("bin").join(name))
        .find(|program| program.exists())
}

/// The folder of a version, or of the newest one that begins like it: `3.12` is `3.12.1`.
fn installed(versions: &Path, version: &str) -> Vec<PathBuf> {
    if !plain(version) {
        return Vec::new();
    }
    let exact = versions.join(version);
    if exact.is_dir() {
        return vec![exact];
    }
    let mut like: Vec<_> = fs::read_dir(versions)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|found| {
            let name = found.file_name().into_string().ok()?;
            let rest = name.strip_prefix(version)?.strip_prefix('.')?;
            let numbers: Vec<u32> = rest
                .split('.')
                .map_while(|part| part.parse().ok())
                .collect();
            Some((numbers, found.path()))
        })
        .collect();
    like.sort();
    like.into_iter().rev().map(|(_, path)| path).collect()
}

/// asdf: the shim says in a comment which plugin it belongs to, `.tool-versions` says which version.
fn asdf(root: &Path, name: &OsStr, shim: &Path, here: &Here<'_>) -> Option<PathBuf> {
    let text = fs::read_to_string(shim).ok()?;
    let offered: Vec<(&str, &str)> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# asdf-plugin: ")?.split_once(' '))
        .collect();
    let home = here.env.get(OsStr::new("HOME")).map(Path::new);
    let chosen = above(here.folder, ".tool-versions")
        .or_else(|| fs::read_to_string(home?.join(".tool-versions")).ok());
    let chosen = chosen.as_deref().unwrap_or_default();
    let wanted = chosen.lines().find_map(|line| {
        let (plugin, versions) = line.trim().split_once(' ')?;
        let mut versions = versions.split_whitespace();
        versions.find_map(|version| offered.iter().find(|offer| **offer == (plugin, version)))
    });
    // One version alone is no choice.
    let (plugin, version) = match (wanted, &*offered) {
        (Some(wanted), _) => *wanted,
        (None, [only]) => *only,
        (None, _) => return None,
    };
    if !plain(plugin) || !plain(version) {
        return None;
    }
    let program = root
        .join("installs")
        .join(plugin)
        .join(version)
        .join("bin")
        .join(name);
    program.exists().then_some(program)
}

/// Volta: the project's `package.json` or the user's `platform.json` says which Node.
fn volta(root: &Path, name: &OsStr, here: &Here<'_>) -> Option<PathBuf> {
    let read = |text: String, path: &[&str]| {
        let value: serde_json::Value = serde_json::from_str(&text).ok()?;
        let found = path.iter().try_fold(&value, |value, key| value.get(key))?;
        found.as_str().map(str::to_owned)
    };
    let project =
        above(here.folder, "package.json").and_then(|text| read(text, &["volta", "node"]));
    let version = project.or_else(|| {
        let text = fs::read_to_string(root.join("tools/user/platform.json")).ok()?;
        read(text, &["node", "runtime"])
    })?;
    if !plain(&version) {
        return None;
    }
    let program = root
        .join("tools/image/node")
        .join(version)
        .join("bin")
        .join(name);
    program.exists().then_some(program)
}

/// The text of the nearest file of that name in a folder or above it.
fn above(folder: &Path, name: &str) -> Option<String> {
    folder
        .ancestors()
        .find_map(|folder| fs::read_to_string(folder.join(name)).ok())
}

/// A name, and no way to somewhere else.
fn plain(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(root: &Path, files: &[(&str, &str)]) {
        for (file, text) in files {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    #[test]
    fn pyenv_takes_the_variable_then_the_folder_then_its_own_word() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join(".pyenv");
        make(
            dir.path(),
            &[
                (".pyenv/shims/python3", "#!/bin/sh\n"),
                (".pyenv/versions/3.9.1/bin/python3", ""),
                (".pyenv/versions/3.12.9/bin/python3", ""),
                (".pyenv/versions/3.12.10/bin/python3", ""),
                (".pyenv/version", "missing\n3.9.1\n"),
                ("project/.python-version", "3.12 # newest\n"),
                ("elsewhere/x", ""),
                ("odd/.python-version", "../../x\n"),
            ],
        );
        let mut env = BTreeMap::new();
        let ask = |env: &BTreeMap<_, _>, folder: &str| {
            let here = Here {
                env,
                folder: &dir.path().join(folder),
            };
            follow(&root.join("shims/python3"), &here)
        };
        let version = |version: &str| Some(root.join("versions").join(version).join("bin/python3"));
        assert_eq!(ask(&env, "elsewhere"), version("3.9.1"));
        assert_eq!(ask(&env, "project"), version("3.12.10"));
        assert_eq!(ask(&env, "odd"), None);
        env.insert("PYENV_VERSION".into(), "3.12.9:3.9.1".into());
        assert_eq!(ask(&env, "project"), version("3.12.9"));
    }

    #[test]
    fn asdf_and_volta_are_followed_and_other_programs_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        make(
            dir.path(),
            &[
                (
                    ".asdf/shims/node",
                    "#!/bin/sh\n# asdf-plugin: nodejs 20.1.0\n# asdf-plugin: nodejs 22.0.0\n",
                ),
                (".asdf/installs/nodejs/20.1.0/bin/node", ""),
                (".asdf/installs/nodejs/22.0.0/bin/node", ""),
                ("a/.tool-versions", "python 3.1\nnodejs 22.0.0 20.1.0\n"),
                (".volta/bin/node", ""),
                (".volta/tools/image/node/18.0.0/bin/node", ""),
                (
                    ".volta/tools/user/platform.json",
                    r#"{"node":{"runtime":"18.0.0"}}"#,
                ),
                ("usr/bin/node", ""),
            ],
        );
        let env = BTreeMap::new();
        let here = Here {
            env: &env,
            folder: &dir.path().join("a"),
        };
        let ask = |program: &str| follow(&dir.path().join(program), &here);
        assert_eq!(
            ask(".asdf/shims/node"),
            Some(dir.path().join(".asdf/installs/nodejs/22.0.0/bin/node"))
        );
        assert_eq!(
            ask(".volta/bin/node"),
            Some(dir.path().join(".volta/tools/image/node/18.0.0/bin/node"))
        );
        assert_eq!(ask("usr/bin/node"), None);
    }
}
