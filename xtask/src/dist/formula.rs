//! The formula for Homebrew, over the archives that lie there: of a release they are made one after the other, into one folder.

use std::fs;

use super::Artefact;
use super::release::{Release, sha256};
use super::template;

pub(super) fn make(release: &Release) -> Result<Vec<Artefact>, String> {
    let mut archives = String::new();
    for (machine, block) in [("x86_64", "on_intel"), ("aarch64", "on_arm")] {
        if let Some((name, sum)) = archive(release, machine)? {
            let url = url(release, &name);
            archives.push_str(&format!(
                "    {block} do\n      url \"{url}\"\n      sha256 \"{sum}\"\n    end\n"
            ));
        }
    }
    if archives.is_empty() {
        return Err("needs the archive: ask for `tar`, too".into());
    }
    let words = [("archives", archives.as_str())];
    Ok(vec![Artefact {
        name: "portolan.rb".to_owned(),
        content: template::filled(release, "portolan.rb", &words)?.into_bytes(),
    }])
}

/// One that needs no library comes before one that does.
fn archive(release: &Release, machine: &str) -> Result<Option<(String, String)>, String> {
    for libc in ["musl", "gnu"] {
        let name = format!(
            "portolan-{}-{machine}-unknown-linux-{libc}.tar.gz",
            release.version
        );
        match fs::read(release.out.join(&name)) {
            Ok(content) => return Ok(Some((name, sha256(&content)))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(format!("{name}: {error}")),
        }
    }
    Ok(None)
}

/// Where a file of a release is downloaded from.
pub(super) fn url(release: &Release, name: &str) -> String {
    format!(
        "{}/releases/download/v{}/{name}",
        release.repository, release.version
    )
}
