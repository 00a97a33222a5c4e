//! Two layers of an image: a number of 32 bits, so many bytes of the first one, the second one. Sums of headers are made
//! right, for what is behind them is what is to be reached.
#![no_main]

use std::fs;
use std::os::unix::fs::symlink;

use launch::image::unpack::{UnpackLimits, Unpacker};
use libfuzzer_sys::fuzz_target;

const LIMITS: UnpackLimits = UnpackLimits {
    bytes: 64 << 10,
    files: 64,
};

fuzz_target!(|data: &[u8]| {
    let Some((length, rest)) = data.split_first_chunk::<4>() else {
        return;
    };
    let middle = (u32::from_le_bytes(*length) as usize).min(rest.len());
    let dir = tempfile::tempdir().unwrap();
    let rootfs = dir.path().join("rootfs");
    fs::create_dir(&rootfs).unwrap();
    fs::write(dir.path().join("outside"), "theirs").unwrap();
    // A way out, if one were followed.
    symlink(dir.path(), rootfs.join("up")).unwrap();
    let mut unpacker = Unpacker::new(&rootfs, LIMITS).unwrap();
    for layer in [&rest[..middle], &rest[middle..]] {
        let _ = unpacker.layer(&*summed(layer));
    }
    assert_eq!(
        fs::read_to_string(dir.path().join("outside")).unwrap(),
        "theirs"
    );
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    let (files, bytes) = measured(&rootfs);
    assert!(
        files <= 64 * 130 && bytes <= LIMITS.bytes,
        "{files} {bytes}"
    );
});

/// With the sum that each header should have.
fn summed(layer: &[u8]) -> Vec<u8> {
    let mut layer = layer.to_vec();
    let headers = layer.chunks_exact_mut(512);
    for header in headers.filter(|block| &block[257..262] == b"ustar") {
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    layer
}

/// What is there, no link followed.
fn measured(folder: &std::path::Path) -> (u64, u64) {
    let (mut files, mut bytes) = (0, 0);
    for entry in fs::read_dir(folder).unwrap().flatten() {
        files += 1;
        let about = fs::symlink_metadata(entry.path()).unwrap();
        if about.is_dir() {
            let inner = measured(&entry.path());
            (files, bytes) = (files + inner.0, bytes + inner.1);
        } else if about.is_file() {
            use std::os::unix::fs::MetadataExt;
            bytes += about.len() / about.nlink();
        }
    }
    (files, bytes)
}
