//! The package of Debian and Ubuntu: an `ar` of two tars. Needs what the binary needs, asks nothing, runs nothing.

use super::Artefact;
use super::release::Release;
use super::template;
use super::tree::{Node, Tree, gz};
use crate::root;

pub(super) fn make(release: &Release) -> Result<Vec<Artefact>, String> {
    let data = data(release)?;
    let mut control = Tree::default();
    let architecture = architecture(release);
    let (depends, size) = (depends(release), size(&data).to_string());
    let words = [
        ("architecture", architecture),
        ("depends", depends.as_str()),
        ("size", size.as_str()),
    ];
    control.file("control", template::filled(release, "deb/control", &words)?);
    let members = [
        ("debian-binary", b"2.0\n".to_vec()),
        ("control.tar.gz", control.tar_gz("./", release.epoch)?),
        ("data.tar.gz", data.tar_gz("./", release.epoch)?),
    ];
    Ok(vec![Artefact {
        name: format!("portolan_{}_{architecture}.deb", release.version),
        content: ar(&members, release.epoch),
    }])
}

/// What is installed.
fn data(release: &Release) -> Result<Tree, String> {
    let mut tree = Tree::default();
    tree.program("usr/bin/portolan", release.binary.clone());
    release.put_manual(&mut tree, "usr/share/man/man1")?;
    release.put_completions(&mut tree, "usr/share");
    let here = [("program", "/usr/bin/portolan"), ("profile", "")];
    let unit = template::filled(release, "portolan.service", &here)?;
    tree.file("usr/lib/systemd/user/portolan.service", unit);
    let doc = "usr/share/doc/portolan/";
    tree.file(
        &format!("{doc}copyright"),
        template::filled(release, "deb/copyright", &[])?,
    );
    release.put_licences(&mut tree, doc);
    let changes = std::fs::read(root().join("CHANGELOG.md"))
        .map_err(|error| format!("CHANGELOG.md: {error}"))?;
    tree.file(&format!("{doc}changelog.gz"), gz(&changes)?);
    Ok(tree)
}

fn architecture(release: &Release) -> &'static str {
    match release.elf.machine {
        "aarch64" => "arm64",
        _ => "amd64",
    }
}

/// The libraries that the binary names, by the packages that have them.
fn depends(release: &Release) -> String {
    let (major, minor) = release.elf.glibc.unwrap_or((2, 17));
    let mut needs = Vec::new();
    if release.elf.loader.is_some() {
        needs.push(format!("libc6 (>= {major}.{minor})"));
    }
    if (release.elf.libraries.iter()).any(|name| name.starts_with("libgcc_s")) {
        needs.push("libgcc-s1".to_owned());
    }
    match needs.is_empty() {
        true => String::new(),
        false => format!("Depends: {}\n", needs.join(", ")),
    }
}

/// In kilobytes, each file rounded up, as Debian counts.
fn size(tree: &Tree) -> usize {
    tree.nodes()
        .map(|(_, node)| match node {
            Node::File { content, .. } => content.len().div_ceil(1024),
            Node::Folder(_) => 1,
        })
        .sum()
}

fn ar(members: &[(&str, Vec<u8>)], epoch: u64) -> Vec<u8> {
    let mut ar = b"!<arch>\n".to_vec();
    for (name, content) in members {
        let size = content.len();
        let head = format!(
            "{name:<16}{epoch:<12}{:<6}{:<6}{:<8}{size:<10}`\n",
            0, 0, "100644"
        );
        ar.extend(head.into_bytes());
        ar.extend(content);
        if size % 2 == 1 {
            ar.push(b'\n');
        }
    }
    ar
}
