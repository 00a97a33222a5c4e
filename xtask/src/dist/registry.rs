//! `server.json`, by which the registry of servers knows where the packages of a release are.

use std::fs;

use serde_json::{Value, json};

use super::Artefact;
use super::release::{Release, sha256};
use super::template::{DESCRIPTION, SERVER};
use super::{bundle, formula, image, npm};

const SCHEMA: &str = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json";

pub(super) fn make(release: &Release) -> Result<Vec<Artefact>, String> {
    let version = release.version.as_str();
    let mut packages = vec![
        with(&json!({
            "registryType": "npm",
            "registryBaseUrl": "https://registry.npmjs.org",
            "identifier": npm::NAME,
            "version": version,
            "runtimeHint": "npx",
        })),
        with(&json!({
            "registryType": "pypi",
            "registryBaseUrl": "https://pypi.org",
            "identifier": "portolan-mcp",
            "version": version,
            "runtimeHint": "uvx",
        })),
        // The tag is its version, and its words are those of its entry point.
        json!({
            "registryType": "oci",
            "identifier": format!("{}:{version}", image::NAME),
            "runtimeHint": "docker",
            "transport": { "type": "stdio" },
        }),
    ];
    let bundle = bundle::name(release);
    if let Ok(content) = fs::read(release.out.join(&bundle)) {
        packages.push(json!({
            "registryType": "mcpb",
            "identifier": formula::url(release, &bundle),
            "version": version,
            "fileSha256": sha256(&content),
            "transport": { "type": "stdio" },
        }));
    }
    let server = json!({
        "$schema": SCHEMA,
        "name": SERVER,
        "title": "Portolan",
        "description": DESCRIPTION,
        "version": version,
        "repository": { "url": release.repository, "source": "github" },
        "packages": packages,
    });
    Ok(vec![Artefact {
        name: "server.json".to_owned(),
        content: format!("{server:#}\n").into_bytes(),
    }])
}

/// Started as an application starts it: over stdio.
fn with(package: &Value) -> Value {
    let mut package = package.clone();
    package["transport"] = json!({ "type": "stdio" });
    package["packageArguments"] = json!([
        { "type": "positional", "value": "gateway" },
        { "type": "positional", "value": "run" },
    ]);
    package
}
