//! `cargo run -p portolan-xtask -- dist`: everything that is handed out, made of one release binary.
//!
//! Owns the kinds and their order: what names the digests of others comes after them. What all are made of is
//! `dist/release.rs`; each kind has a file of its own, its words are in `packaging/`.
//! The same binary, the same tree and the same `SOURCE_DATE_EPOCH` give the same bytes.

use std::fs;
use std::path::{Path, PathBuf};

use crate::root;

mod archive;
mod bundle;
mod deb;
mod elf;
mod formula;
mod image;
mod notices;
mod npm;
mod registry;
mod release;
mod roots;
mod sums;
mod template;
#[cfg(test)]
mod tests;
mod tree;
mod wheel;
mod zip;

use release::Release;

/// One way in: its name on the command line, and what makes its files.
struct Kind {
    name: &'static str,
    make: fn(&Release) -> Result<Vec<Artefact>, String>,
}

/// A file to hand out.
struct Artefact {
    name: String,
    content: Vec<u8>,
}

const KINDS: &[Kind] = &[
    Kind {
        name: "tar",
        make: archive::make,
    },
    Kind {
        name: "deb",
        make: deb::make,
    },
    Kind {
        name: "wheel",
        make: wheel::make,
    },
    Kind {
        name: "npm",
        make: npm::make,
    },
    Kind {
        name: "image",
        make: image::make,
    },
    Kind {
        name: "mcpb",
        make: bundle::make,
    },
    Kind {
        name: "formula",
        make: formula::make,
    },
    Kind {
        name: "server-json",
        make: registry::make,
    },
];

/// What was asked for on the command line.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Options {
    binary: Option<PathBuf>,
    out: Option<PathBuf>,
    kinds: Vec<String>,
}

impl Options {
    /// Reads the words after `dist`.
    ///
    /// # Errors
    /// A word that is not known, or a flag without its value.
    pub fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        let mut words = words;
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} needs a value"));
            match word.as_str() {
                "--binary" => options.binary = Some(value()?.into()),
                "--out" => options.out = Some(value()?.into()),
                kind if KINDS.iter().any(|known| known.name == kind) => options.kinds.push(word),
                other => {
                    let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
                    return Err(format!(
                        "`{other}` is not known; there are --binary PATH, --out DIR and {}",
                        names.join(", ")
                    ));
                }
            }
        }
        Ok(options)
    }
}

/// Makes what was asked for; the paths of what was written, in order.
///
/// # Errors
/// What could not be read, made or written, and where.
pub fn run(options: &Options) -> Result<Vec<PathBuf>, String> {
    let out = (options.out.clone()).unwrap_or_else(|| root().join("target/dist"));
    fs::create_dir_all(&out).map_err(|error| format!("{}: {error}", out.display()))?;
    let binary = match &options.binary {
        Some(path) => path.clone(),
        None => release::build()?,
    };
    let release = Release::read(&binary, &out)?;
    let mut written = Vec::new();
    for kind in KINDS {
        if options.kinds.is_empty() || options.kinds.iter().any(|name| name == kind.name) {
            let made = (kind.make)(&release).map_err(|error| format!("{}: {error}", kind.name))?;
            for artefact in made {
                written.push(write(&out, &artefact)?);
            }
        }
    }
    written.push(write(&out, &sums::of(&out)?)?);
    Ok(written)
}

/// Whole or not at all.
fn write(out: &Path, artefact: &Artefact) -> Result<PathBuf, String> {
    let path = out.join(&artefact.name);
    let new = out.join(format!(".{}.new", artefact.name));
    fs::write(&new, &artefact.content)
        .and_then(|()| fs::rename(&new, &path))
        .map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}
