//! What all packages are made of: one binary, what it says of itself, its manual, its completions, and the licences.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use super::elf::Elf;
use super::notices;
use super::tree::{Tree, gz};
use crate::root;

/// One binary, and all that goes with it.
pub(super) struct Release {
    pub(super) version: String,
    pub(super) repository: String,
    pub(super) license: String,
    /// As Rust names the platform.
    pub(super) triple: String,
    pub(super) binary: Vec<u8>,
    pub(super) elf: Elf,
    /// The one time that everything has.
    pub(super) epoch: u64,
    /// Pages of the manual, by their names.
    pub(super) manual: Vec<(String, Vec<u8>)>,
    /// The scripts of shells, by shell.
    pub(super) completions: Vec<(&'static str, Vec<u8>)>,
    /// Our licences, and those of all that the binary holds, by the names of files.
    pub(super) licences: Vec<(String, Vec<u8>)>,
    /// Where what was made before lies.
    pub(super) out: PathBuf,
}

const SHELLS: [&str; 4] = ["bash", "zsh", "fish", "powershell"];

/// Builds the binary as it is released.
pub(super) fn build() -> Result<PathBuf, String> {
    let mut cargo = cargo();
    cargo.args(["build", "--locked", "--release", "-p", "portolan"]);
    let status = cargo
        .status()
        .map_err(|error| format!("cargo does not start: {error}"))?;
    if !status.success() {
        return Err("the binary cannot be built; --binary PATH takes one that is there".into());
    }
    Ok(root().join("target/release/portolan"))
}

impl Release {
    pub(super) fn read(path: &Path, out: &Path) -> Result<Self, String> {
        let named = |error: String| format!("{}: {error}", path.display());
        let binary = fs::read(path).map_err(|error| named(error.to_string()))?;
        let elf = Elf::read(&binary).map_err(named)?;
        let program = Program::of(path)?;
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let said = program.run(&["version", "--format", "json"])?;
        let said: serde_json::Value = serde_json::from_slice(&said).unwrap_or_default();
        if said["version"] != version.as_str() {
            return Err(named(format!(
                "is {}, this tree is {version}",
                said["version"]
            )));
        }
        let triple = format!("{}-unknown-linux-{}", elf.machine, libc(&elf, &binary));
        let mut licences = vec![("THIRD-PARTY.txt".to_owned(), notices::of(&triple)?)];
        for name in ["LICENSE-APACHE", "LICENSE-MIT"] {
            let text = fs::read(root().join(name)).map_err(|error| format!("{name}: {error}"))?;
            licences.push((name.to_owned(), text));
        }
        Ok(Self {
            manual: program.manual()?,
            completions: SHELLS
                .into_iter()
                .map(|shell| Ok((shell, program.run(&["completion", shell])?)))
                .collect::<Result<_, String>>()?,
            repository: env!("CARGO_PKG_REPOSITORY").to_owned(),
            license: env!("CARGO_PKG_LICENSE").to_owned(),
            epoch: epoch()?,
            out: out.to_owned(),
            version,
            triple,
            binary,
            elf,
            licences,
        })
    }

    /// The manual below a folder, packed, as Debian has it.
    pub(super) fn put_manual(&self, tree: &mut Tree, folder: &str) -> Result<(), String> {
        for (name, page) in &self.manual {
            tree.file(&format!("{folder}/{name}.gz"), gz(page)?);
        }
        Ok(())
    }

    pub(super) fn put_licences(&self, tree: &mut Tree, folder: &str) {
        for (name, text) in &self.licences {
            tree.file(&format!("{folder}{name}"), text.clone());
        }
    }

    /// The completions where each shell looks for those of packages, below a folder.
    pub(super) fn put_completions(&self, tree: &mut Tree, folder: &str) {
        for (shell, script) in &self.completions {
            let path = match *shell {
                "bash" => "bash-completion/completions/portolan",
                "zsh" => "zsh/vendor-completions/_portolan",
                "fish" => "fish/vendor_completions.d/portolan.fish",
                // It has no such place.
                _ => continue,
            };
            tree.file(&format!("{folder}/{path}"), script.clone());
        }
    }
}

/// Which C library; a complete program holds its words.
fn libc(elf: &Elf, binary: &[u8]) -> &'static str {
    let loaded = elf.loader.as_deref().is_some_and(|at| !at.contains("musl"));
    let mark = b"GNU C Library";
    let held = elf.loader.is_none() && binary.windows(mark.len()).any(|part| part == mark);
    if loaded || held { "gnu" } else { "musl" }
}

/// The binary, run in an empty home.
struct Program<'a> {
    path: &'a Path,
    home: tempfile::TempDir,
}

impl<'a> Program<'a> {
    fn of(path: &'a Path) -> Result<Self, String> {
        let home = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
        Ok(Self { path, home })
    }

    fn run(&self, words: &[&str]) -> Result<Vec<u8>, String> {
        let path = fs::canonicalize(self.path).unwrap_or_else(|_| self.path.to_owned());
        let mut command = command(path.as_os_str());
        command.args(words).current_dir(self.home.path());
        command.env_clear().env("HOME", self.home.path());
        let Output {
            status,
            stdout,
            stderr,
        } = command
            .output()
            .map_err(|error| format!("{} does not start: {error}", path.display()))?;
        if !status.success() {
            let why = String::from_utf8_lossy(&stderr);
            return Err(format!("portolan {}: {}", words.join(" "), why.trim()));
        }
        Ok(stdout)
    }

    fn manual(&self) -> Result<Vec<(String, Vec<u8>)>, String> {
        let folder = self.home.path().join("man");
        let read = |error: std::io::Error| format!("the manual: {error}");
        fs::create_dir(&folder).map_err(read)?;
        self.run(&["__man", &folder.to_string_lossy()])?;
        let mut pages = Vec::new();
        for entry in fs::read_dir(&folder).map_err(read)? {
            let entry = entry.map_err(read)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            pages.push((name, fs::read(entry.path()).map_err(read)?));
        }
        pages.sort();
        Ok(pages)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a chore runs the binary that it packs"
)]
fn command(program: &std::ffi::OsStr) -> Command {
    Command::new(program)
}

/// The cargo that runs this, in the folder of the workspace.
#[expect(
    clippy::disallowed_methods,
    reason = "cargo says its own path in this way"
)]
pub(super) fn cargo() -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut cargo = command(&cargo);
    cargo.current_dir(root());
    cargo
}

/// The time that `SOURCE_DATE_EPOCH` says, or none.
#[expect(
    clippy::disallowed_methods,
    reason = "builds that can be repeated say their time in this way"
)]
fn epoch() -> Result<u64, String> {
    match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(said) => said
            .parse()
            .map_err(|_| format!("SOURCE_DATE_EPOCH={said}: not a number of seconds")),
        Err(_) => Ok(0),
    }
}

/// The same time, in words.
pub(super) fn time(epoch: u64) -> Result<DateTime, String> {
    let seconds = i64::try_from(epoch).unwrap_or(i64::MAX);
    let at = jiff::Timestamp::from_second(seconds)
        .map_err(|error| format!("SOURCE_DATE_EPOCH={epoch}: {error}"))?;
    Ok(TimeZone::UTC.to_datetime(at))
}

/// A digest as everybody writes it.
pub(super) fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
