//! The image: nothing but the binary and what it needs, for nobody in particular. A folder of the OCI layout as one tar, with
//! the list that `docker load` of any age reads beside it.
//!
//! A binary that is not complete gets its loader and libraries from this machine, where they are looked for as the loader does.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use super::Artefact;
use super::elf::Elf;
use super::release::{Release, sha256, time};
use super::roots;
use super::template::{DESCRIPTION, SERVER};
use super::tree::{Tree, gz};

/// Where it is published.
pub(super) const NAME: &str = "ghcr.io/portolan-mcp/portolan";
/// Nobody that exists elsewhere.
const USER: &str = "65532:65532";
const HOME: &str = "/home/portolan";

pub(super) fn make(release: &Release) -> Result<Vec<Artefact>, String> {
    let layer = root(release)?.tar("", release.epoch)?;
    let packed = gz(&layer)?;
    let created = format!("{}Z", time(release.epoch)?);
    let config = json!({
        "created": created,
        "architecture": architecture(release),
        "os": "linux",
        "config": {
            "User": USER,
            "Env": ["PATH=/usr/bin", format!("HOME={HOME}"), format!("XDG_RUNTIME_DIR={HOME}/run")],
            "Entrypoint": ["/usr/bin/portolan"],
            "Cmd": ["gateway", "run"],
            "WorkingDir": HOME,
            "ExposedPorts": { "8811/tcp": {} },
            "Labels": labels(release, &created),
        },
        "rootfs": { "type": "layers", "diff_ids": [digest(&layer)] },
        "history": [{ "created": created, "created_by": "portolan-xtask dist" }],
    });
    let config = config.to_string().into_bytes();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": of("application/vnd.oci.image.config.v1+json", &config),
        "layers": [of("application/vnd.oci.image.layer.v1.tar+gzip", &packed)],
        "annotations": labels(release, &created),
    });
    let manifest = manifest.to_string().into_bytes();
    let tag = format!("{NAME}:{}", release.version);
    let mut listed = of("application/vnd.oci.image.manifest.v1+json", &manifest);
    listed["annotations"] = json!({
        "org.opencontainers.image.ref.name": release.version,
        "io.containerd.image.name": tag,
    });
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [listed],
    });
    let loaded = json!([{
        "Config": blob(&config),
        "RepoTags": [tag],
        "Layers": [blob(&packed)],
    }]);
    let mut layout = Tree::default();
    layout.file("oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#);
    layout.file("index.json", index.to_string());
    layout.file("manifest.json", loaded.to_string());
    for content in [config, manifest, packed] {
        layout.file(&blob(&content), content);
    }
    Ok(vec![Artefact {
        name: format!(
            "portolan-{}-linux-{}.oci.tar",
            release.version,
            architecture(release)
        ),
        content: layout.tar("", release.epoch)?,
    }])
}

/// All files of the image.
fn root(release: &Release) -> Result<Tree, String> {
    let mut tree = Tree::default();
    tree.program("usr/bin/portolan", release.binary.clone());
    if let Some(loader) = &release.elf.loader {
        libraries(&mut tree, loader, &release.elf)?;
    }
    tree.file("etc/ssl/certs/ca-certificates.crt", roots::pem());
    tree.file(
        "etc/passwd",
        format!("portolan:x:65532:65532::{HOME}:/usr/bin/portolan\n"),
    );
    tree.file("etc/group", "portolan:x:65532:\n");
    tree.file("etc/nsswitch.conf", "hosts: files dns\n");
    // Whoever runs it, with whichever number, may write there.
    tree.folder("tmp", 0o1777);
    tree.folder("home/portolan", 0o1777);
    release.put_licences(&mut tree, "usr/share/doc/portolan/");
    Ok(tree)
}

/// The loader, and every library that the program or another library names.
fn libraries(tree: &mut Tree, loader: &str, program: &Elf) -> Result<(), String> {
    let loader_bytes = fs::read(loader).map_err(|error| format!("{loader}: {error}"))?;
    tree.program(loader.trim_start_matches('/'), loader_bytes);
    let machine = program.machine;
    let places = [
        format!("/lib/{machine}-linux-gnu"),
        format!("/usr/lib/{machine}-linux-gnu"),
        "/lib64".to_owned(),
        "/usr/lib64".to_owned(),
        "/lib".to_owned(),
        "/usr/lib".to_owned(),
    ];
    let mut open = program.libraries.clone();
    let mut seen = BTreeSet::new();
    while let Some(name) = open.pop() {
        if loader.ends_with(&format!("/{name}")) || !seen.insert(name.clone()) {
            continue;
        }
        let (place, bytes) = places
            .iter()
            .find_map(|place| Some((place, fs::read(format!("{place}/{name}")).ok()?)))
            .ok_or(format!(
                "{name} is not on this machine; a complete binary (packaging/README.md) needs none"
            ))?;
        open.extend(Elf::read(&bytes)?.libraries);
        tree.program(&format!("{}/{name}", &place[1..]), bytes);
    }
    for package in ["libc6", "libgcc-s1"] {
        if let Ok(text) = fs::read(format!("/usr/share/doc/{package}/copyright")) {
            tree.file(&format!("usr/share/doc/{package}/copyright"), text);
        }
    }
    Ok(())
}

fn labels(release: &Release, created: &str) -> Value {
    json!({
        "org.opencontainers.image.title": "Portolan",
        "org.opencontainers.image.description": DESCRIPTION,
        "org.opencontainers.image.version": release.version,
        "org.opencontainers.image.created": created,
        "org.opencontainers.image.source": release.repository,
        "org.opencontainers.image.licenses": release.license,
        "io.modelcontextprotocol.server.name": SERVER,
    })
}

fn of(kind: &str, content: &[u8]) -> Value {
    json!({ "mediaType": kind, "digest": digest(content), "size": content.len() })
}

fn digest(content: &[u8]) -> String {
    format!("sha256:{}", sha256(content))
}

fn blob(content: &[u8]) -> String {
    format!("blobs/sha256/{}", sha256(content))
}

fn architecture(release: &Release) -> &'static str {
    match release.elf.machine {
        "aarch64" => "arm64",
        _ => "amd64",
    }
}
