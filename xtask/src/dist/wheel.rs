//! The wheel for `pip` and `uv`: the binary as a script, for any Python 3, on every Linux that has a C library that is new enough.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::Artefact;
use super::release::Release;
use super::template;
use super::tree::Tree;
use super::zip;

/// The oldest C library that such tags know.
const GLIBC_MIN: (u32, u32) = (2, 17);

pub(super) fn make(release: &Release) -> Result<Vec<Artefact>, String> {
    let stem = format!("portolan_mcp-{}", release.version);
    let info = format!("{stem}.dist-info");
    let platforms = platforms(release);
    let tags: String = platforms
        .iter()
        .map(|platform| format!("Tag: py3-none-{platform}\n"))
        .collect();
    let mut tree = Tree::default();
    tree.program(
        &format!("{stem}.data/scripts/portolan"),
        release.binary.clone(),
    );
    // `uvx portolan-mcp` looks for a program of the package's name.
    tree.program(
        &format!("{stem}.data/scripts/portolan-mcp"),
        "#!/bin/sh\nexec \"$(dirname \"$0\")/portolan\" \"$@\"\n",
    );
    tree.file(
        &format!("{info}/METADATA"),
        template::filled(release, "wheel/METADATA.in", &[])?,
    );
    tree.file(
        &format!("{info}/WHEEL"),
        format!("Wheel-Version: 1.0\nGenerator: portolan-xtask\nRoot-Is-Purelib: false\n{tags}"),
    );
    release.put_licences(&mut tree, &format!("{info}/licenses/"));
    let record = format!("{info}/RECORD");
    tree.file(&record, recorded(&tree, &record));
    Ok(vec![Artefact {
        name: format!("{stem}-py3-none-{}.whl", platforms.join(".")),
        content: zip::of(&tree, &[&record], release.epoch)?,
    }])
}

/// A digest and a size for each file, and nothing for the list itself.
fn recorded(tree: &Tree, own: &str) -> String {
    let mut lines: String = tree
        .files()
        .map(|(path, _, content)| {
            let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(content));
            format!("{path},sha256={digest},{}\n", content.len())
        })
        .collect();
    lines.push_str(&format!("{own},,\n"));
    lines
}

/// A complete program runs beside either C library.
fn platforms(release: &Release) -> Vec<String> {
    let machine = release.elf.machine;
    let ((major, minor), complete) = match release.elf.loader {
        Some(_) => (release.elf.glibc.unwrap_or(GLIBC_MIN).max(GLIBC_MIN), false),
        None => (GLIBC_MIN, true),
    };
    let mut platforms = vec![format!("manylinux_{major}_{minor}_{machine}")];
    if complete {
        platforms.push(format!("musllinux_1_1_{machine}"));
    }
    platforms
}
