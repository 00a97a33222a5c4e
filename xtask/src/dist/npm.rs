//! Two packages for npm: one that holds the binary, for one platform, and one for everybody, which finds the right of those.
//! Nothing runs while they are installed.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::Artefact;
use super::release::Release;
use super::template::{self, DESCRIPTION, SERVER};
use super::tree::Tree;
use crate::root;

/// The package for everybody.
pub(super) const NAME: &str = "@portolan-mcp/portolan";
/// What npm makes of that name in names of files.
const STEM: &str = "portolan-mcp-portolan";

pub(super) fn make(release: &Release) -> Result<Vec<Artefact>, String> {
    let mut manifest = manifest(release, &format!("{NAME}-{}", platform(release)));
    manifest["os"] = json!(["linux"]);
    manifest["cpu"] = json!([cpu(release)]);
    if release.elf.loader.is_some() {
        manifest["libc"] = json!(["glibc"]);
    }
    manifest["files"] = json!(["bin"]);
    let mut tree = Tree::default();
    tree.program("bin/portolan", release.binary.clone());
    release.put_licences(&mut tree, "");
    let platform = packed(
        release,
        tree,
        &manifest,
        &format!("{STEM}-{}", platform(release)),
    )?;
    let wrapper = wrapper(release, &platform.name)?;
    Ok(vec![platform, wrapper])
}

fn wrapper(release: &Release, new: &str) -> Result<Artefact, String> {
    let mut manifest = manifest(release, NAME);
    manifest["mcpName"] = json!(SERVER);
    manifest["bin"] = json!({"portolan": "bin/portolan.cjs"});
    manifest["files"] = json!(["bin"]);
    manifest["engines"] = json!({"node": ">=18"});
    manifest["optionalDependencies"] = Value::Object(platforms(release, new)?);
    let mut tree = Tree::default();
    let script = root().join("packaging/npm/portolan.cjs");
    let script =
        fs::read(script).map_err(|error| format!("packaging/npm/portolan.cjs: {error}"))?;
    tree.program("bin/portolan.cjs", script);
    for (name, text) in &release.licences {
        if name.starts_with("LICENSE") {
            tree.file(name, text.clone());
        }
    }
    packed(release, tree, &manifest, STEM)
}

/// The platforms whose packages are there: of a release they are made one after the other, into one folder.
fn platforms(release: &Release, new: &str) -> Result<Map<String, Value>, String> {
    let mut names: Vec<String> = vec![new.to_owned()];
    for entry in fs::read_dir(&release.out).map_err(|error| error.to_string())? {
        let entry = entry.map_err(|error| error.to_string())?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    let end = format!("-{}.tgz", release.version);
    let of = |name: &String| {
        let rest = name.strip_prefix(STEM)?.strip_suffix(&end)?;
        let platform = rest.strip_prefix('-')?;
        Some((format!("{NAME}-{platform}"), json!(release.version)))
    };
    Ok(names.iter().filter_map(of).collect())
}

fn manifest(release: &Release, name: &str) -> Value {
    json!({
        "name": name,
        "version": release.version,
        "description": DESCRIPTION,
        "license": release.license,
        "repository": { "type": "git", "url": format!("git+{}.git", release.repository) },
    })
}

fn packed(
    release: &Release,
    mut tree: Tree,
    manifest: &Value,
    stem: &str,
) -> Result<Artefact, String> {
    tree.file("package.json", format!("{manifest:#}\n"));
    if !tree
        .nodes()
        .any(|(path, _)| Path::new(path).ends_with("README.md"))
    {
        tree.file(
            "README.md",
            template::filled(release, "npm/README.md", &[])?,
        );
    }
    Ok(Artefact {
        name: format!("{stem}-{}.tgz", release.version),
        content: tree.tar_gz("package/", release.epoch)?,
    })
}

/// As Node names it.
fn platform(release: &Release) -> String {
    format!("linux-{}", cpu(release))
}

fn cpu(release: &Release) -> &'static str {
    match release.elf.machine {
        "aarch64" => "arm64",
        _ => "x64",
    }
}
