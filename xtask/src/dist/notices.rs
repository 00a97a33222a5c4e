//! The licences of all that the binary holds: whoever ships it owes their notices. Read where cargo keeps the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::release::cargo;

/// One text for each package that is linked into `portolan` on this platform; equal texts once.
pub(super) fn of(triple: &str) -> Result<Vec<u8>, String> {
    let metadata = metadata(triple)?;
    let linked = linked(&metadata);
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut list = String::new();
    let packages = metadata["packages"].as_array().into_iter().flatten();
    for package in packages.filter(|package| !package["source"].is_null()) {
        let word = |key: &str| package[key].as_str().unwrap_or_default();
        if !linked.contains(word("id")) {
            continue;
        }
        let name = format!("{} {}", word("name"), word("version"));
        list.push_str(&format!("{name}: {}\n", word("license")));
        let folder = Path::new(word("manifest_path")).parent();
        for text in folder
            .map(|folder| of_folder(folder, 2))
            .into_iter()
            .flatten()
        {
            texts.entry(text).or_default().push(name.clone());
        }
    }
    let mut all = format!(
        "Portolan holds these packages, under these licences. Their texts follow, as their authors ship them.\n\n{list}"
    );
    for (text, names) in texts {
        all.push_str(&format!(
            "\n{}\n{}\n\n{text}\n",
            "-".repeat(80),
            names.join(", ")
        ));
    }
    Ok(all.into_bytes())
}

fn metadata(triple: &str) -> Result<Value, String> {
    let mut cargo = cargo();
    cargo.args(["metadata", "--locked", "--format-version", "1"]);
    cargo.args(["--filter-platform", triple]);
    let output = cargo
        .output()
        .map_err(|error| format!("cargo metadata does not start: {error}"))?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("cargo metadata fails: {}", why.trim()));
    }
    serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("cargo metadata is not JSON: {error}"))
}

/// The ids of what the binary's package uses, and what that uses: for running, not for building or testing.
fn linked(metadata: &Value) -> BTreeSet<&str> {
    let nodes: BTreeMap<&str, &Value> = (metadata["resolve"]["nodes"].as_array().into_iter())
        .flatten()
        .filter_map(|node| Some((node["id"].as_str()?, node)))
        .collect();
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let mut open: Vec<&str> = packages
        .filter(|package| package["name"] == "portolan")
        .filter_map(|package| package["id"].as_str())
        .collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let uses = nodes.get(id).and_then(|node| node["deps"].as_array());
        for used in uses.into_iter().flatten() {
            let kinds = used["dep_kinds"].as_array().into_iter().flatten();
            if kinds.into_iter().any(|kind| kind["kind"].is_null()) {
                open.extend(used["pkg"].as_str());
            }
        }
    }
    seen
}

/// The texts in a folder whose names say that they are licences or notices; what was taken in from others has its own below.
fn of_folder(folder: &Path, depth: usize) -> BTreeSet<String> {
    let mut texts = BTreeSet::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().to_lowercase();
        let path = entry.path();
        let says = ["license", "licence", "copying", "notice", "copyright"]
            .iter()
            .any(|word| name.starts_with(word));
        let is_code = [".rs", ".go", ".py", ".c", ".h"]
            .iter()
            .any(|end| name.ends_with(end));
        if path.is_dir() && depth > 0 {
            texts.extend(of_folder(&path, depth - 1));
        } else if says
            && !is_code
            && let Ok(text) = fs::read_to_string(&path)
        {
            texts.insert(text.trim().replace("\r\n", "\n"));
        }
    }
    texts
}
