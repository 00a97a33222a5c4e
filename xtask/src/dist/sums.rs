//! `SHA256SUMS` over everything that lies in the folder, as `sha256sum --check` reads it.

use std::fs;
use std::path::Path;

use super::Artefact;
use super::release::sha256;

const NAME: &str = "SHA256SUMS";

pub(super) fn of(out: &Path) -> Result<Artefact, String> {
    let read = |error: std::io::Error| format!("{}: {error}", out.display());
    let mut lines = Vec::new();
    for entry in fs::read_dir(out).map_err(read)? {
        let entry = entry.map_err(read)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == NAME || name.starts_with('.') || !entry.path().is_file() {
            continue;
        }
        let content = fs::read(entry.path()).map_err(read)?;
        lines.push((name, sha256(&content)));
    }
    lines.sort();
    let text: String = lines
        .iter()
        .map(|(name, sum)| format!("{sum}  {name}\n"))
        .collect();
    Ok(Artefact {
        name: NAME.to_owned(),
        content: text.into_bytes(),
    })
}
