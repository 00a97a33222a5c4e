//! Every kind, made of a program that is only called one. What installs them, and runs what they hold, is `tests/packaging`.

use std::io::Read;

use serde_json::Value;

use super::elf::Elf;
use super::release::{Release, sha256};
use super::*;

fn release(out: &Path, elf: Elf) -> Release {
    let libc = if elf.loader.is_some() { "gnu" } else { "musl" };
    Release {
        version: "1.2.3".into(),
        repository: "https://example.com/portolan".into(),
        license: "MIT".into(),
        triple: format!("x86_64-unknown-linux-{libc}"),
        binary: b"the program".to_vec(),
        elf,
        epoch: 1_700_000_000,
        manual: vec![("portolan.1".into(), b".TH portolan 1\n".to_vec())],
        completions: vec![
            ("bash", b"complete".to_vec()),
            ("powershell", b"x".to_vec()),
        ],
        licences: vec![("LICENSE-MIT".into(), b"as you like".to_vec())],
        out: out.to_owned(),
    }
}

fn complete() -> Elf {
    Elf {
        machine: "x86_64",
        ..Elf::default()
    }
}

fn dynamic() -> Elf {
    Elf {
        loader: Some("/lib64/ld-linux-x86-64.so.2".into()),
        libraries: vec!["libgcc_s.so.1".into(), "libc.so.6".into()],
        glibc: Some((2, 34)),
        ..complete()
    }
}

/// All artefacts of all kinds, written one after the other as `run` does.
fn all(elf: Elf) -> Vec<(String, Vec<u8>)> {
    let out = tempfile::tempdir().unwrap();
    let release = release(out.path(), elf);
    let mut made = Vec::new();
    for kind in KINDS {
        for artefact in (kind.make)(&release).unwrap() {
            write(out.path(), &artefact).unwrap();
            made.push((artefact.name, artefact.content));
        }
    }
    let sums = sums::of(out.path()).unwrap();
    made.push((sums.name, sums.content));
    made
}

fn named<'a>(made: &'a [(String, Vec<u8>)], name: &str) -> &'a [u8] {
    let names: Vec<&String> = made.iter().map(|(name, _)| name).collect();
    let found = made.iter().find(|(known, _)| known == name);
    &found
        .unwrap_or_else(|| panic!("{name} is not among {names:?}"))
        .1
}

fn unpacked(gz: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    let mut reader = flate2::read::GzDecoder::new(gz);
    reader.read_to_end(&mut content).unwrap();
    content
}

/// The members of a tar: name, mode, content.
fn members(tar: &[u8]) -> Vec<(String, u32, Vec<u8>)> {
    let text = |field: &[u8]| {
        let end = field.iter().position(|byte| *byte == 0);
        String::from_utf8(field[..end.unwrap_or(field.len())].to_vec()).unwrap()
    };
    let number = |field: &[u8]| usize::from_str_radix(&text(field), 8).unwrap();
    let (mut members, mut rest) = (Vec::new(), tar);
    while rest[0] != 0 {
        let (head, after) = rest.split_at(512);
        let mut summed = head.to_vec();
        summed[148..156].fill(b' ');
        let sum: usize = summed.iter().map(|byte| usize::from(*byte)).sum();
        assert_eq!(number(&head[148..154]), sum);
        let size = number(&head[124..135]);
        let mode = u32::try_from(number(&head[100..107])).unwrap();
        members.push((text(&head[..100]), mode, after[..size].to_vec()));
        rest = &after[size.next_multiple_of(512)..];
    }
    assert!(rest.iter().all(|byte| *byte == 0) && rest.len() == 1024);
    members
}

fn member<'a>(members: &'a [(String, u32, Vec<u8>)], name: &str) -> &'a (String, u32, Vec<u8>) {
    let names: Vec<&String> = members.iter().map(|(name, ..)| name).collect();
    let found = members.iter().find(|(known, ..)| known == name);
    found.unwrap_or_else(|| panic!("{name} is not among {names:?}"))
}

#[test]
fn the_same_gives_the_same_bytes() {
    assert_eq!(all(complete()), all(complete()));
}

#[test]
fn the_archive_holds_the_program_and_what_goes_with_it() {
    let made = all(complete());
    let tar = unpacked(named(
        &made,
        "portolan-1.2.3-x86_64-unknown-linux-musl.tar.gz",
    ));
    let tar = members(&tar);
    let top = "portolan-1.2.3-x86_64-unknown-linux-musl";
    let (_, mode, content) = member(&tar, &format!("{top}/portolan"));
    assert_eq!(
        (*mode, content.as_slice()),
        (0o755, b"the program".as_slice())
    );
    for name in [
        "LICENSE-MIT",
        "man/man1/portolan.1",
        "completions/portolan.ps1",
    ] {
        member(&tar, &format!("{top}/{name}"));
    }
}

#[test]
fn the_deb_needs_what_the_program_needs() {
    let control = |elf| {
        let made = all(elf);
        let deb = named(&made, "portolan_1.2.3_amd64.deb");
        assert!(deb.starts_with(
            b"!<arch>\ndebian-binary   1700000000  0     0     100644  4         `\n2.0\n"
        ));
        let at = 8 + 60 + 4;
        let size = std::str::from_utf8(&deb[at + 48..at + 58]).unwrap().trim();
        let packed = &deb[at + 60..at + 60 + size.parse::<usize>().unwrap()];
        let members = members(&unpacked(packed));
        String::from_utf8(member(&members, "./control").2.clone()).unwrap()
    };
    let needs = control(dynamic());
    assert!(
        needs.contains("\nDepends: libc6 (>= 2.34), libgcc-s1\n"),
        "{needs}"
    );
    let needs_none = control(complete());
    assert!(!needs_none.contains("Depends:"), "{needs_none}");
    assert!(!needs_none.contains("\n\n"), "{needs_none}");
}

#[test]
fn the_wheel_says_where_it_runs() {
    named(
        &all(dynamic()),
        "portolan_mcp-1.2.3-py3-none-manylinux_2_34_x86_64.whl",
    );
    let made = all(complete());
    let zip = named(
        &made,
        "portolan_mcp-1.2.3-py3-none-manylinux_2_17_x86_64.musllinux_1_1_x86_64.whl",
    );
    assert!(zip.starts_with(b"PK\x03\x04"));
    // The list of files is the last of them.
    let place = |name: &str| {
        let at = zip
            .windows(name.len())
            .position(|part| part == name.as_bytes());
        at.unwrap_or_else(|| panic!("{name} is missing"))
    };
    assert!(place("dist-info/RECORD") > place("dist-info/WHEEL"));
    assert!(place("dist-info/RECORD") > place(".data/scripts/portolan"));
}

#[test]
fn the_npm_package_for_all_names_those_of_the_platforms_that_there_are() {
    let out = tempfile::tempdir().unwrap();
    for other in ["linux-arm64-1.2.3", "linux-x64-1.2.2", "1.2.3"] {
        std::fs::write(
            out.path()
                .join(format!("portolan-mcp-portolan-{other}.tgz")),
            "",
        )
        .unwrap();
    }
    let made = npm::make(&release(out.path(), dynamic())).unwrap();
    let manifest = |at: usize| -> Value {
        let members = members(&unpacked(&made[at].content));
        serde_json::from_slice(&member(&members, "package/package.json").2).unwrap()
    };
    let (platform, wrapper) = (manifest(0), manifest(1));
    assert_eq!(platform["os"], serde_json::json!(["linux"]));
    assert_eq!(platform["libc"], serde_json::json!(["glibc"]));
    assert_eq!(
        wrapper["optionalDependencies"],
        serde_json::json!({
            "@portolan-mcp/portolan-linux-arm64": "1.2.3",
            "@portolan-mcp/portolan-linux-x64": "1.2.3",
        })
    );
    for manifest in [platform, wrapper] {
        assert_eq!(manifest["scripts"], Value::Null);
    }
}

#[test]
fn every_digest_in_the_image_is_that_of_its_bytes() {
    let made = all(complete());
    let layout = members(named(&made, "portolan-1.2.3-linux-amd64.oci.tar"));
    let json = |content: &[u8]| -> Value { serde_json::from_slice(content).unwrap() };
    let blob = |said: &Value| {
        let digest = said["digest"]
            .as_str()
            .unwrap()
            .strip_prefix("sha256:")
            .unwrap();
        let content = &member(&layout, &format!("blobs/sha256/{digest}")).2;
        assert_eq!(sha256(content), digest);
        assert_eq!(said["size"], content.len());
        content
    };
    let index = json(&member(&layout, "index.json").2);
    let manifest = json(blob(&index["manifests"][0]));
    let config = json(blob(&manifest["config"]));
    let layer = unpacked(blob(&manifest["layers"][0]));
    assert_eq!(
        config["rootfs"]["diff_ids"][0],
        format!("sha256:{}", sha256(&layer))
    );
    assert_eq!(config["config"]["User"], "65532:65532");
    let files = members(&layer);
    assert_eq!(member(&files, "tmp/").1, 0o1777);
    let roots = String::from_utf8(
        member(&files, "etc/ssl/certs/ca-certificates.crt")
            .2
            .clone(),
    );
    assert!(roots.unwrap().matches("BEGIN CERTIFICATE").count() > 50);
    assert!(!files.iter().any(|(name, ..)| name.contains("ld-linux")));
}

#[test]
fn what_names_digests_names_those_of_the_files_beside_it() {
    let made = all(complete());
    let sum = |name: &str| sha256(named(&made, name));
    let archive = "portolan-1.2.3-x86_64-unknown-linux-musl.tar.gz";
    let formula = String::from_utf8(named(&made, "portolan.rb").to_vec()).unwrap();
    let url = "https://example.com/portolan/releases/download/v1.2.3";
    assert!(
        formula.contains(&format!("url \"{url}/{archive}\"")),
        "{formula}"
    );
    assert!(formula.contains(&sum(archive)));
    let server: Value = serde_json::from_slice(named(&made, "server.json")).unwrap();
    let bundle = &server["packages"][3];
    let name = "portolan-1.2.3-x86_64-unknown-linux-musl.mcpb";
    assert_eq!(bundle["identifier"], format!("{url}/{name}"));
    assert_eq!(bundle["fileSha256"], sum(name));
    let sums = String::from_utf8(named(&made, "SHA256SUMS").to_vec()).unwrap();
    assert_eq!(sums.lines().count(), made.len() - 1);
    for (name, content) in &made[..made.len() - 1] {
        assert!(sums.contains(&format!("{}  {name}\n", sha256(content))));
    }
}

#[test]
fn words_that_are_not_known_are_refused() {
    let parse = |words: &[&str]| Options::parse(words.iter().map(ToString::to_string));
    let options = parse(&["--out", "o", "deb", "--binary", "b"]).unwrap();
    assert_eq!(options.kinds, ["deb"]);
    assert_eq!(options.out, Some("o".into()));
    assert!(parse(&["rpm"]).unwrap_err().contains("wheel"));
    assert!(parse(&["--out"]).unwrap_err().contains("needs a value"));
}

#[test]
fn long_names_are_split_and_longer_ones_refused() {
    let mut tree = tree::Tree::default();
    let long = format!("{}/{}", "a".repeat(90), "b".repeat(90));
    tree.file(&long, "x");
    let tar = tree.tar("", 0).unwrap();
    let last = members(&tar).pop().unwrap().0;
    assert_eq!(last, "b".repeat(90));
    tree.file(&"c".repeat(101), "x");
    assert!(tree.tar("", 0).unwrap_err().contains("too long"));
}
