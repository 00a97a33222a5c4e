//! From the name of an image to its files, by way of its registry. Owns the order: manifest, configuration, then layer after layer,
//! each checked against its digest before anything of it is unpacked, and unpacked against the digest of what it holds.
//! Blocks: it has a thread of its own.

use std::fs::File;
use std::io::{self, Read, Seek, Write};

use fetch::Trust;
use fetch::images::{ImageName, Registries};
use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};

use super::manifest::{Config, Descriptor, Manifest};
use super::store::Store;
use super::unpack::{UnpackLimits, Unpacker};
use crate::limits::{
    IMAGE_BYTES_MAX, IMAGE_CONFIG_BYTES_MAX, IMAGE_FILES_MAX, IMAGE_PULLED_BYTES_MAX,
};

/// Fetches an image, unless what its name stands for is here already. Tells how many bytes have come, of how many.
///
/// # Errors
/// In words.
pub(super) fn pull(
    store: &Store,
    name: &ImageName,
    trust: Trust,
    told: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("it could not be begun: {error}"))?;
    runtime.block_on(fetched(store, name, trust, told))
}

async fn fetched(
    store: &Store,
    name: &ImageName,
    trust: Trust,
    told: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<(), String> {
    let registries = Registries::new(trust);
    let words = |error: fetch::images::ImageError| error.to_string();
    let kept = |error: io::Error| unkept(&error, store);
    let manifest = registries
        .manifest(name, name.reference())
        .await
        .map_err(words)?;
    let named = manifest.digest.clone();
    let (digest, parsed) = match Manifest::parse(&manifest.bytes)? {
        Manifest::Elsewhere(here) => {
            let inner = registries
                .manifest(name, &here.digest)
                .await
                .map_err(words)?;
            (inner.digest, Manifest::parse(&inner.bytes)?)
        }
        image => (manifest.digest, image),
    };
    let Manifest::Image { config, layers } = parsed else {
        return Err("its manifest leads to another one that leads on".to_owned());
    };
    if store.image(&digest).join("config.json").exists() {
        return store.point(name, &digest, &named).map_err(kept);
    }
    let of = layers
        .iter()
        .map(|layer| layer.size)
        .fold(0, u64::saturating_add);
    if of > IMAGE_PULLED_BYTES_MAX {
        return Err(format!(
            "it has {} MiB to fetch, and {} MiB are the most that are taken without an engine",
            of >> 20,
            IMAGE_PULLED_BYTES_MAX >> 20
        ));
    }
    let mut text = Vec::new();
    registries
        .blob(name, &config.digest, IMAGE_CONFIG_BYTES_MAX, &mut |piece| {
            text.extend_from_slice(piece);
            Ok(())
        })
        .await
        .map_err(words)?;
    let config = Config::parse(&text)?;
    let diffs = config.rootfs.unwrap_or_default().diff_ids;
    if diffs.len() != layers.len() {
        return Err("its configuration and its manifest name other layers".to_owned());
    }
    let adding = store.add().map_err(kept)?;
    let limits = UnpackLimits {
        bytes: IMAGE_BYTES_MAX,
        files: IMAGE_FILES_MAX,
    };
    // Who had the turn before may have fetched the same.
    if store.image(&digest).join("config.json").exists() {
        return store.point(name, &digest, &named).map_err(kept);
    }
    let mut unpacker = Unpacker::new(&adding.rootfs(), limits).map_err(kept)?;
    let mut came = 0;
    for (layer, diff) in layers.iter().zip(&diffs) {
        let path = adding.folder.join("layer");
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)
            .map_err(kept)?;
        let before = came;
        let mut keep = |piece: &[u8]| {
            came += piece.len() as u64;
            told(came, of);
            file.write_all(piece)
        };
        registries
            .blob(name, &layer.digest, layer.size, &mut keep)
            .await
            .map_err(|error| match error {
                fetch::images::ImageError::Kept(error) => kept(error),
                error => error.to_string(),
            })?;
        came = before.saturating_add(layer.size);
        file.rewind().map_err(kept)?;
        unpack(&mut unpacker, layer, diff, file)?;
        std::fs::remove_file(path).map_err(kept)?;
    }
    adding.finish(&digest, &text).map_err(kept)?;
    store.point(name, &digest, &named).map_err(kept)
}

fn unpack(
    unpacker: &mut Unpacker,
    layer: &Descriptor,
    diff: &str,
    mut file: File,
) -> Result<(), String> {
    let mut magic = [0; 4];
    let read = file.read(&mut magic).map_err(|error| error.to_string())?;
    file.rewind().map_err(|error| error.to_string())?;
    let mut hashed = match &magic[..read] {
        [0x1f, 0x8b, ..] => {
            Hashed::new(Box::new(MultiGzDecoder::new(io::BufReader::new(file))) as Box<dyn Read>)
        }
        [0x28, 0xb5, 0x2f, 0xfd] => {
            return Err(
                "a layer of it is compressed by zstd, which only an engine takes apart".to_owned(),
            );
        }
        _ if layer.media_type.ends_with("encrypted") => {
            return Err("a layer of it is encrypted".to_owned());
        }
        _ => Hashed::new(Box::new(io::BufReader::new(file)) as Box<dyn Read>),
    };
    unpacker
        .layer(&mut hashed)
        .map_err(|error| error.to_string())?;
    // What stands after the archive's end belongs to the digest.
    io::copy(&mut hashed, &mut io::sink())
        .map_err(|error| format!("a layer of it is broken: {error}"))?;
    match hashed.digest() == diff {
        true => Ok(()),
        false => Err(
            "a layer of it holds something else than its configuration says; do not use it"
                .to_owned(),
        ),
    }
}

fn unkept(error: &io::Error, store: &Store) -> String {
    let folder = store.folder().display();
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            format!("the disk is full; make room where {folder} is")
        }
        _ => format!("nothing can be written to {folder}: {error}"),
    }
}

/// Reads, and remembers of what.
struct Hashed {
    from: Box<dyn Read>,
    hash: Sha256,
    left: u64,
}

impl Hashed {
    fn new(from: Box<dyn Read>) -> Self {
        Self {
            from,
            hash: Sha256::new(),
            left: 2 * IMAGE_BYTES_MAX,
        }
    }

    fn digest(self) -> String {
        let mut out = "sha256:".to_owned();
        for byte in self.hash.finalize() {
            out.push_str(&format!("{byte:02x}"));
        }
        out
    }
}

impl Read for Hashed {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(out)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                "it unpacks to more than any image has",
            )
        })?;
        self.hash.update(&out[..read]);
        Ok(read)
    }
}
