//! An MCPB bundle: its archive, and the manifest in it. What does not look like an archive is taken for a manifest.
#![no_main]

use std::io::{self, Cursor};
use std::path::Component;

use catalog::Manifest;
use launch::limits::BUNDLE_UNPACKED_BYTES_MAX;
use launch::{BundlePart, read_bundle, walk_bundle};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if !data.starts_with(b"PK") {
        if let Ok(text) = std::str::from_utf8(data)
            && let Ok(manifest) = Manifest::read(text, "linux")
        {
            used(&manifest);
        }
        return;
    }
    let mut bytes = 0;
    let _ = walk_bundle(Cursor::new(data), &mut |part| {
        let path = match part {
            BundlePart::Folder(path) => path,
            BundlePart::File { path, content, .. } => {
                bytes += io::copy(content, &mut io::sink())?;
                path
            }
        };
        let is_inside =
            |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        assert!(path.components().all(is_inside), "{}", path.display());
        Ok(())
    });
    assert!(bytes <= BUNDLE_UNPACKED_BYTES_MAX);
    if let Ok(manifest) = read_bundle(Cursor::new(data)) {
        used(&manifest);
    }
});

fn used(manifest: &Manifest) {
    let given: Vec<_> = manifest
        .settings
        .iter()
        .map(|s| (s.key.clone(), "1".to_owned()))
        .collect();
    if let Ok(program) = manifest.program("/b", "/h", &given) {
        assert!(
            !program.command.is_empty()
                && !program
                    .command
                    .split('/')
                    .any(|part| part == ".." && !program.command.starts_with('/'))
        );
    }
    if let Ok(entry) = manifest.entry("/x.mcpb", "00") {
        for key in entry
            .about
            .config
            .iter()
            .flat_map(|config| config["properties"].as_object())
            .flatten()
        {
            assert!(entry.is_privileged(key.0));
        }
    }
}
