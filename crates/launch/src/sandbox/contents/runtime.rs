//! From a command to everything that runs when it is started: the program that a shim stands for, the links to it, what
//! it is installed with, the virtual environment around it, and the interpreter that its first line asks for.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::shims::{self, Here};
use super::shown::Shown;
use crate::limits::RUNTIME_HOPS_MAX;
use crate::lookup;

/// Package managers whose packages need each other: shown as a whole.
const STORES: &[&str] = &["/nix/store", "/gnu/store", "/home/linuxbrew/.linuxbrew"];

/// Shows what a program needs to run, and tells what is to be started in its place. Folders that have to be in the
/// server's PATH are added to `path`.
pub(super) fn show(
    program: &Path,
    shown: &mut Shown<'_>,
    env: &BTreeMap<OsString, OsString>,
    folder: &Path,
    path: &mut Vec<PathBuf>,
) -> PathBuf {
    let mut runtime = Runtime {
        shown,
        env,
        folder,
        path,
        hops: 0,
    };
    runtime.program(program)
}

/// What a program runs on and the box does not hold, because only a link says so that the server could have laid.
pub(super) fn laid(program: &Path, shown: &Shown<'_>) -> Option<PathBuf> {
    let real = program.canonicalize().ok()?;
    if shown.holds(&real) {
        return None;
    }
    let installed = real
        .parent()
        .filter(|folder| folder.ends_with("bin"))
        .and_then(Path::parent)
        .filter(|prefix| shown.bounds.admit(prefix));
    Some(installed.map_or_else(|| real.clone(), Path::to_owned))
}

struct Runtime<'a, 'b> {
    shown: &'a mut Shown<'b>,
    env: &'a BTreeMap<OsString, OsString>,
    folder: &'a Path,
    path: &'a mut Vec<PathBuf>,
    hops: usize,
}

impl Runtime<'_, '_> {
    fn program(&mut self, program: &Path) -> PathBuf {
        let here = Here {
            env: self.env,
            folder: self.folder,
        };
        let program = match shims::follow(program, &here) {
            Some(real) => {
                self.path.extend(real.parent().map(Path::to_owned));
                real
            }
            None => program.to_owned(),
        };
        if self.hops == 0 {
            // The command itself is named too: its project comes before what is found out about it.
            super::named(&program, self.shown);
        }
        let mut current = program.clone();
        while self.hop() && !self.shown.is_its_own(&current) {
            self.place(&current);
            self.environment(&current);
            let folder = current
                .parent()
                .and_then(|folder| self.shown.real(folder).ok());
            let (Some(folder), Ok(target)) = (folder, fs::read_link(&current)) else {
                break;
            };
            current = super::normal(&folder.join(target));
        }
        if let Ok(real) = self.shown.real(&program)
            && !self.shown.is_its_own(&real)
        {
            self.place(&real);
            self.environment(&real);
            self.first_line(&real);
        }
        program
    }

    fn hop(&mut self) -> bool {
        self.hops += 1;
        self.hops <= RUNTIME_HOPS_MAX
    }

    /// Shows what a program is installed with: the folder around its `bin`, or the program alone.
    fn place(&mut self, program: &Path) {
        if let Some(store) = STORES.iter().find(|store| program.starts_with(store)) {
            self.shown.store(Path::new(store));
            return;
        }
        let folder = program.parent();
        let prefix = folder
            .filter(|folder| folder.ends_with("bin"))
            .and_then(Path::parent);
        if !prefix.is_some_and(|prefix| self.shown.folder(prefix)) {
            self.shown.file(program);
        }
    }

    /// The Python that a virtual environment was made with.
    fn environment(&mut self, program: &Path) {
        let Some(prefix) = program.parent().and_then(Path::parent) else {
            return;
        };
        let Ok(settings) = fs::read_to_string(prefix.join("pyvenv.cfg")) else {
            return;
        };
        let home = settings.lines().find_map(|line| {
            let (key, value) = line.split_once('=')?;
            (key.trim() == "home").then(|| PathBuf::from(value.trim()))
        });
        if let Some(home) = home.filter(|home| home.is_absolute()) {
            for name in ["python3", "python"] {
                let python = home.join(name);
                if python.exists() {
                    self.place(&python);
                    if let Ok(real) = self.shown.real(&python) {
                        self.place(&real);
                    }
                    return;
                }
            }
        }
    }

    /// What the first line of a script asks for.
    fn first_line(&mut self, script: &Path) {
        let Some(words) = interpreter(script).filter(|_| self.hop()) else {
            return;
        };
        let mut words = words.iter().map(String::as_str);
        let Some(program) = words.next() else {
            return;
        };
        if Path::new(program).file_name() != Some(OsStr::new("env")) {
            self.program(Path::new(program));
            return;
        }
        let name = words.find(|word| !word.starts_with('-') && !word.contains('='));
        let path = self.env.get(OsStr::new("PATH")).map(OsString::as_os_str);
        if let Some(Ok(found)) = name.map(|name| lookup::find(name, path, Some(self.folder))) {
            self.program(&found);
        }
    }
}

/// The words of a `#!` line.
fn interpreter(script: &Path) -> Option<Vec<String>> {
    let mut head = Vec::new();
    fs::File::open(script)
        .ok()?
        .take(512)
        .read_to_end(&mut head)
        .ok()?;
    let line = head
        .strip_prefix(b"#!")?
        .split(|byte| *byte == b'\n')
        .next()?;
    let line = std::str::from_utf8(line).ok()?;
    Some(line.split_whitespace().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::super::bounds::Bounds;
    use super::*;

    #[test]
    fn links_are_followed_so_far_and_no_further() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().canonicalize().unwrap();
        let link = |n: usize| dir.join(format!("{n}/bin/tool"));
        let last = RUNTIME_HOPS_MAX + 4;
        for n in 0..=last {
            fs::create_dir_all(dir.join(format!("{n}/bin"))).unwrap();
            match n {
                0 => fs::write(link(0), "").unwrap(),
                _ => symlink(link(n - 1), link(n)).unwrap(),
            }
        }
        let bounds = Bounds::new(None);
        let mut shown = Shown::new(&bounds, &[]).unwrap();
        let mut path = Vec::new();
        let found = show(&link(last), &mut shown, &BTreeMap::new(), &dir, &mut path);
        assert_eq!(found, link(last));
        // The way ends, but where it leads is found in one step.
        assert!(shown.holds(&link(last)) && shown.holds(&link(5)) && shown.holds(&link(0)));
        assert!(!shown.holds(&link(2)));
    }

    #[test]
    fn first_lines_are_words() {
        let dir = tempfile::tempdir().unwrap();
        let script = dir.path().join("script");
        let words = |text: &[u8]| {
            fs::write(&script, text).unwrap();
            interpreter(&script).map(|words| words.join("|"))
        };
        assert_eq!(
            words(b"#!/usr/bin/env -S node --x\nrest").unwrap(),
            "/usr/bin/env|-S|node|--x"
        );
        assert_eq!(words(b"#! /bin/sh\r\n").unwrap(), "/bin/sh");
        assert_eq!(words(b"\x7fELF"), None);
        assert_eq!(words(b"#!\xff\n"), None);
        assert_eq!(words(b"#!"), Some(String::new()));
    }
}
