//! The bundle that desktop applications install with a click: a zip of the binary and what to start of it.

use serde_json::json;

use super::Artefact;
use super::release::Release;
use super::template::{self, DESCRIPTION};
use super::tree::Tree;
use super::zip;

pub(super) fn make(release: &Release) -> Result<Vec<Artefact>, String> {
    let manifest = json!({
        "manifest_version": "0.3",
        "name": "portolan",
        "display_name": "Portolan",
        "version": release.version,
        "description": DESCRIPTION,
        "long_description": template::filled(release, "mcpb/description.md", &[])?,
        "author": { "name": "The Portolan authors", "url": release.repository },
        "repository": { "type": "git", "url": format!("{}.git", release.repository) },
        "homepage": release.repository,
        "license": release.license,
        "keywords": ["mcp", "gateway", "tools"],
        "server": {
            "type": "binary",
            "entry_point": "server/portolan",
            "mcp_config": {
                "command": "${__dirname}/server/portolan",
                "args": ["gateway", "run"],
                "env": {},
            },
        },
        // Which there are is known when servers are.
        "tools_generated": true,
        "prompts_generated": true,
        "compatibility": { "platforms": ["linux"] },
    });
    let mut tree = Tree::default();
    tree.file("manifest.json", format!("{manifest:#}\n"));
    tree.program("server/portolan", release.binary.clone());
    release.put_licences(&mut tree, "");
    Ok(vec![Artefact {
        name: name(release),
        content: zip::of(&tree, &[], release.epoch)?,
    }])
}

pub(super) fn name(release: &Release) -> String {
    format!("{}.mcpb", super::archive::name(release))
}
