//! The archive for everybody else: the binary, its licences, its manual and its completions, below one folder.

use super::Artefact;
use super::release::Release;
use super::template;
use super::tree::Tree;

pub(super) fn make(release: &Release) -> Result<Vec<Artefact>, String> {
    let mut tree = Tree::default();
    tree.program("portolan", release.binary.clone());
    release.put_licences(&mut tree, "");
    for (name, page) in &release.manual {
        tree.file(&format!("man/man1/{name}"), page.clone());
    }
    for (shell, script) in &release.completions {
        let name = match *shell {
            "bash" => "portolan.bash",
            "zsh" => "_portolan",
            "fish" => "portolan.fish",
            _ => "portolan.ps1",
        };
        tree.file(&format!("completions/{name}"), script.clone());
    }
    let here = [("program", "%h/.local/bin/portolan"), ("profile", "")];
    let unit = template::filled(release, "portolan.service", &here)?;
    tree.file("systemd/user/portolan.service", unit);
    let name = name(release);
    Ok(vec![Artefact {
        content: tree.tar_gz(&format!("{name}/"), release.epoch)?,
        name: format!("{name}.tar.gz"),
    }])
}

/// The folder in the archive, and its name without the end.
pub(super) fn name(release: &Release) -> String {
    format!("portolan-{}-{}", release.version, release.triple)
}
