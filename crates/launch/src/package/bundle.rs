//! Servers that come as MCPB bundles: one file with everything in it, of this machine or at an address.
//!
//! Owns the way from the file to a folder in the cache, named after what is in it, and from there to a program. Nothing of a
//! bundle runs while it is unpacked, and nothing is fetched but the file itself, whose digest must be known before.
//! Read `archive` next for what is refused of the file.

mod archive;
mod project;
mod zip;

use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use catalog::{BundleKind, Entry, Launch, Registry, USER_CONFIG};
use sha2::{Digest, Sha256};
use tokio::time::timeout;
use transport::BoxFuture;

pub use archive::{BundlePart, read_bundle, walk_bundle};

use super::cache::{self, Cache, Pin};
use super::wanted::Wanted;
use crate::limits::{BUNDLE_BYTES_MAX, INSTALL_WAIT};

/// Fetches a file of at most so many bytes from an address that an entry names.
pub type FetchFile =
    Arc<dyn Fn(&str, usize) -> BoxFuture<'static, Result<Vec<u8>, String>> + Send + Sync>;

/// A bundle that an entry names.
#[derive(Debug, Clone)]
pub(super) struct Bundle {
    source: Source,
    sha256: Option<String>,
    args: Vec<String>,
    env: Vec<(String, String)>,
    given: Vec<(String, String)>,
}

#[derive(Debug, Clone)]
enum Source {
    File(PathBuf),
    Address(String),
}

/// What unpacks bundles.
pub(super) struct Bundles {
    pub(super) cache: Cache,
    pub(super) fetch: Option<FetchFile>,
}

impl Bundle {
    /// What an entry means; none if it is no bundle.
    pub(super) fn of_entry(entry: &Entry) -> Option<Result<Self, String>> {
        let Launch::Package {
            registry: Registry::Mcpb,
            identifier,
            sha256,
            args,
            env,
            ..
        } = &entry.launch
        else {
            return None;
        };
        let (given, env): (Vec<_>, Vec<_>) = env
            .iter()
            .cloned()
            .partition(|(name, _)| name.starts_with(USER_CONFIG));
        let source = match identifier.starts_with('/') {
            true if entry.origin.is_foreign() && !entry.is_approved => {
                return Some(Err(
                    "it names a file of this machine, which somebody else's text may only once you have approved it"
                        .to_owned(),
                ));
            }
            true => Source::File(identifier.into()),
            false => Source::Address(identifier.clone()),
        };
        let is_digest =
            |text: &String| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let wrong = match (&source, sha256) {
            (_, Some(sha256)) if !is_digest(sha256) => "its `sha256` is no SHA-256 in hexadecimal",
            (Source::Address(url), _) if !url.starts_with("https://") => {
                "a bundle is a path from /, or an https:// address"
            }
            (Source::Address(_), None) => {
                "a bundle at an address needs the `sha256` that its publisher states"
            }
            _ => "",
        };
        if !wrong.is_empty() {
            return Some(Err(wrong.to_owned()));
        }
        Some(Ok(Self {
            source,
            sha256: sha256.as_ref().map(|text| text.to_ascii_lowercase()),
            args: args.clone(),
            env,
            given: given
                .into_iter()
                .map(|(name, value)| (name[USER_CONFIG.len()..].to_owned(), value))
                .collect(),
        }))
    }

    /// What it is remembered under: a file without a digest until it changes.
    fn key(&self) -> Result<String, String> {
        if let Some(sha256) = &self.sha256 {
            return Ok(cache::digest(["mcpb", sha256]));
        }
        let Source::File(path) = &self.source else {
            return Err("it has no digest".to_owned());
        };
        let file = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
        let state = format!("{} {} {}", file.size(), file.mtime(), file.mtime_nsec());
        Ok(cache::digest(["mcpb", &path.to_string_lossy(), &state]))
    }

    fn shown(&self) -> String {
        match &self.source {
            Source::File(path) => path.display().to_string(),
            Source::Address(url) => url.clone(),
        }
    }
}

impl Bundles {
    /// What is unpacked for it already.
    pub(super) fn pin(&self, bundle: &Bundle) -> Option<Pin> {
        self.cache.pin(&bundle.key().ok()?)
    }

    /// Unpacks it, unless that was done; tells meanwhile what is being done.
    pub(super) async fn installed(
        self: &Arc<Self>,
        bundle: &Bundle,
        tell: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<Pin, String> {
        let key = bundle.key()?;
        let known = self.cache.pin(&key);
        if let Some(pin) = known.filter(|pin| self.cache.hold(pin)) {
            return Ok(pin);
        }
        tell(&format!("unpacking {}", bundle.shown()));
        let (this, bundle) = (self.clone(), bundle.clone());
        // Of its own: who asked may have no patience, and the next one finds it done.
        let work = tokio::spawn(async move {
            let done = timeout(INSTALL_WAIT, this.install(&key, &bundle)).await;
            let late = || format!("it takes more than {} s", INSTALL_WAIT.as_secs());
            done.unwrap_or_else(|_| Err(late()))
                .map_err(|why| format!("the bundle {} cannot be used: {why}", bundle.shown()))
        });
        let done = work
            .await
            .map_err(|_| "the unpacking was ended".to_owned())?;
        // So fresh is nothing removed.
        done.inspect(|pin| _ = self.cache.hold(pin))
    }

    async fn install(&self, key: &str, bundle: &Bundle) -> Result<Pin, String> {
        let folder = |error: io::Error| format!("\"{}\": {error}", self.cache.root().display());
        self.cache.make().map_err(folder)?;
        let turn = self.cache.turn(key, || ()).await.map_err(folder)?;
        if let Some(pin) = self.cache.pin(key) {
            return Ok(pin);
        }
        let fetched = match &bundle.source {
            Source::File(_) => None,
            Source::Address(url) => {
                let fetch = self.fetch.as_ref().ok_or("nothing is fetched here")?;
                Some(fetch(url, BUNDLE_BYTES_MAX).await?)
            }
        };
        let (cache, key, bundle) = (self.cache.clone(), key.to_owned(), bundle.clone());
        let work = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let scratch = cache.scratch(&key).map_err(|error| error.to_string())?;
            let done = match (fetched, &bundle.source) {
                (Some(bytes), _) => unpacked(io::Cursor::new(bytes), &bundle, &scratch),
                (None, Source::File(path)) => {
                    let file = File::open(path).map_err(|error| unreadable(path, &error));
                    file.and_then(|file| unpacked(file, &bundle, &scratch))
                }
                (None, Source::Address(_)) => Err("it was not fetched".to_owned()),
            };
            let kept = done.and_then(|pin| {
                let put = cache.put(&scratch.join("tree"), &pin.folder);
                put.and_then(|()| cache.keep(&key, &pin))
                    .map(|()| pin)
                    .map_err(|error| error.to_string())
            });
            let _ = cache::remove(&scratch);
            if kept.is_ok() {
                cache.tidy();
            }
            kept
        });
        work.await.map_err(|error| error.to_string())?
    }

    /// What is to be installed for what was unpacked; none: everything is in it.
    pub(super) fn needs(&self, bundle: &Bundle, pin: &Pin) -> Result<Option<Wanted>, String> {
        let folder = self.cache.installed(&pin.folder);
        let text = cache::read_limited(&folder.join(archive::MANIFEST))
            .map_err(|error| error.to_string())?;
        match archive::manifest(&text)?.kind {
            BundleKind::Uv => project::needs(&folder)
                .map_err(|why| format!("the bundle {} cannot be used: {why}", bundle.shown())),
            BundleKind::Node | BundleKind::Python | BundleKind::Binary => Ok(None),
        }
    }

    /// The program of what was unpacked.
    pub(super) fn program(
        &self,
        bundle: &Bundle,
        pin: &Pin,
        home: &str,
        has: impl Fn(&str) -> bool,
    ) -> Result<Started, String> {
        let folder = self.cache.installed(&pin.folder);
        let folder = folder.canonicalize().unwrap_or(folder);
        let text = cache::read_limited(&folder.join(archive::MANIFEST))
            .map_err(|error| error.to_string())?;
        let manifest = archive::manifest(&text)?;
        if let Some((program, whose)) = manifest.kind.runtime()
            && !has(program)
        {
            return Err(format!(
                "the bundle {} needs {whose}: `{program}` is in no folder of PATH; install it, or start the gateway where it is found",
                bundle.shown()
            ));
        }
        let place = folder
            .to_str()
            .ok_or("its folder has no name that programs take")?;
        let program = manifest.program(place, home, &bundle.given)?;
        Ok(Started {
            volume: place.to_owned(),
            command: program.command,
            args: [program.args, bundle.args.clone()].concat(),
            env: [program.env, bundle.env.clone()].concat(),
        })
    }
}

/// How a bundle is started.
pub(super) struct Started {
    /// What a box shows of the machine for it.
    pub(super) volume: String,
    pub(super) command: String,
    pub(super) args: Vec<String>,
    pub(super) env: Vec<(String, String)>,
}

/// Checks a file and unpacks it into `tree` of a scratch folder.
fn unpacked(mut file: impl Read + Seek, bundle: &Bundle, scratch: &Path) -> Result<Pin, String> {
    let digest = digest_of(&mut file)?;
    if let Some(stated) = bundle.sha256.as_ref().filter(|stated| **stated != digest) {
        return Err(format!(
            "its SHA-256 is {digest}, and the entry says {stated}: it is another file"
        ));
    }
    let tree = scratch.join("tree");
    fs::create_dir(&tree).map_err(|error| error.to_string())?;
    archive::unpack(&mut file, &tree)?;
    let text = cache::read_limited(&tree.join(archive::MANIFEST))
        .map_err(|_| format!("there is no {} in it", archive::MANIFEST))?;
    let manifest = archive::manifest(&text)?;
    let name = ["mcpb", &manifest.name, &manifest.version].map(cache::slug);
    Ok(Pin {
        package: format!("mcpb:{}", manifest.name),
        version: manifest.version,
        folder: format!("{}-{}", name.join("-"), &digest[..32]),
        start: vec![format!("./{}", archive::MANIFEST)],
        unscripted: Vec::new(),
        at: cache::now(),
    })
}

fn digest_of(file: &mut (impl Read + Seek)) -> Result<String, String> {
    let read = |error: io::Error| format!("it cannot be read: {error}");
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    let mut total = 0;
    loop {
        let read = file.read(&mut buffer).map_err(read)?;
        if read == 0 {
            break;
        }
        total += read;
        if total > BUNDLE_BYTES_MAX {
            return Err(format!("it is larger than {} MiB", BUNDLE_BYTES_MAX >> 20));
        }
        hash.update(&buffer[..read]);
    }
    file.rewind().map_err(read)?;
    Ok(hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

/// An entry for a bundle of this machine, with what its person sets as configuration and secrets.
///
/// # Errors
/// It cannot be read, or not be used here; a text for people.
pub fn bundle_entry(path: &Path) -> Result<Entry, String> {
    let mut file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let digest = digest_of(&mut file)?;
    let manifest = read_bundle(file)?;
    let place = path.to_str().ok_or("its path is no text")?;
    manifest.entry(place, &digest)
}

fn unreadable(path: &Path, error: &io::Error) -> String {
    format!("the file {} cannot be read: {error}", path.display())
}
