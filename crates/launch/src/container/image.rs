//! Images: whether they are there, fetching them, and whether they are the ones that were meant.
//!
//! Owns the pull policy, and that several servers of one image wait for one pull. A pull goes on when those who waited
//! for it have given up, so that the next start finds more of it. Refuses images for other machines and of other
//! digests. Fetching itself is the engine's.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use fetch::images::ImageName;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::timeout;

use super::api::{Api, ApiError, Opened, Request, cut, encoded};
use super::engine::Engine;
use crate::limits::{ENGINE_ANSWER, PULL_IDLE, PULL_LAYERS_MAX, PULL_LINE_BYTES_MAX, PULL_TIME};

/// When an image is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pull {
    /// When it is not there.
    #[default]
    Missing,
    /// When it is first used, also where it is there.
    Always,
    /// Never.
    Never,
}

/// How far an image has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Which one.
    pub image: String,
    /// What has come, of what is known to come.
    pub bytes: u64,
    /// What is known to come; 0 while nothing is.
    pub of: u64,
    /// It is there, or it failed.
    pub is_done: bool,
}

/// Whoever watches. Must not block.
pub type OnProgress = Arc<dyn Fn(&Progress) + Send + Sync>;

/// An image that is there.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Image {
    pub(super) id: String,
    #[serde(default)]
    repo_digests: Option<Vec<String>>,
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    pub(super) config: Option<Config>,
}

#[derive(Debug, Clone, Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Config {
    pub(super) user: Option<String>,
    pub(super) entrypoint: Option<Vec<String>>,
    pub(super) cmd: Option<Vec<String>>,
    pub(super) labels: Option<BTreeMap<String, String>>,
}

/// What came of a pull, once it has.
type Pulled = Option<Result<(), String>>;

/// The pulls of one launcher.
pub(super) struct Images {
    policy: Pull,
    on_progress: OnProgress,
    running: Mutex<BTreeMap<String, watch::Receiver<Pulled>>>,
    /// What was fetched already, where that is asked for once.
    fetched: Mutex<BTreeMap<String, Instant>>,
}

impl Images {
    pub(super) fn new(policy: Pull, on_progress: OnProgress) -> Self {
        Self {
            policy,
            on_progress,
            running: Mutex::default(),
            fetched: Mutex::default(),
        }
    }

    /// An image, fetched if need be and checked.
    ///
    /// # Errors
    /// In words, with what to do.
    pub(super) async fn get(
        self: &Arc<Self>,
        engine: &Engine,
        name: &str,
    ) -> Result<Image, String> {
        let is_fresh = || lock(&self.fetched).contains_key(name);
        if self.policy != Pull::Always || is_fresh() {
            match look(&engine.api, name).await {
                Ok(image) => return image.checked(engine, name),
                Err(error) if error.status() != 404 => return Err(error.to_string()),
                Err(_) if self.policy == Pull::Never => {
                    return Err(format!(
                        "the image \"{name}\" is not here, and `pull` is \"never\"; fetch it with `docker pull {name}`"
                    ));
                }
                Err(_) => {}
            }
        }
        self.pulled(engine, name).await?;
        match look(&engine.api, name).await {
            Ok(image) => image.checked(engine, name),
            Err(error) => Err(format!(
                "the image \"{name}\" was fetched and is not there: {error}"
            )),
        }
    }

    /// Waits for the one pull of an image, which begins with the first who waits.
    async fn pulled(self: &Arc<Self>, engine: &Engine, name: &str) -> Result<(), String> {
        let mut told = {
            let mut running = lock(&self.running);
            match running.get(name) {
                Some(told) => told.clone(),
                None => {
                    let (tell, told) = watch::channel(None);
                    running.insert(name.to_owned(), told.clone());
                    let (images, api, name) = (self.clone(), engine.api.clone(), name.to_owned());
                    tokio::spawn(async move {
                        let done = images.pull(&api, &name).await;
                        if done.is_ok() {
                            lock(&images.fetched).insert(name.clone(), Instant::now());
                        }
                        lock(&images.running).remove(&name);
                        tell.send_replace(Some(done));
                    });
                    told
                }
            }
        };
        match told.wait_for(Option::is_some).await {
            Ok(done) => done.clone().unwrap_or(Ok(())),
            Err(_) => Err(format!("fetching the image \"{name}\" was interrupted")),
        }
    }

    async fn pull(&self, api: &Api, name: &str) -> Result<(), String> {
        let mut progress = Progress {
            image: name.to_owned(),
            bytes: 0,
            of: 0,
            is_done: false,
        };
        (self.on_progress)(&progress);
        let pulling = pull(api, name, |bytes, of| {
            (progress.bytes, progress.of) = (bytes, of);
            (self.on_progress)(&progress);
        });
        let done = timeout(PULL_TIME, pulling).await.unwrap_or_else(|_| {
            Err(format!(
                "it took longer than {} minutes",
                PULL_TIME.as_secs() / 60
            ))
        });
        progress.is_done = true;
        (self.on_progress)(&progress);
        done.map_err(|why| {
            format!(
                "the image \"{name}\" could not be fetched: {why}; try `docker pull {name}`, which also says whether you have to sign in"
            )
        })
    }
}

fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) async fn look(api: &Api, name: &str) -> Result<Image, ApiError> {
    api.get(&format!("/images/{}/json", path_of(name)), ENGINE_ANSWER)
        .await
}

/// A name keeps its slashes and what is between; anything else could be another path.
fn path_of(name: &str) -> String {
    let parts: Vec<String> = name.split('/').map(encoded).collect();
    parts.join("/").replace("%3A", ":").replace("%40", "@")
}

/// The name without tag or digest, and that.
fn split(name: &str) -> (&str, &str) {
    if let Some((_, digest)) = name.split_once('@') {
        let name = &name[..name.len() - digest.len() - 1];
        // With both, the digest decides.
        let end = tag_at(name).unwrap_or(name.len());
        return (&name[..end], digest);
    }
    match tag_at(name) {
        Some(at) => (&name[..at], &name[at + 1..]),
        None => (name, "latest"),
    }
}

fn tag_at(name: &str) -> Option<usize> {
    let at = name.rfind(':')?;
    (!name[at..].contains('/')).then_some(at)
}

async fn pull(api: &Api, name: &str, mut told: impl FnMut(u64, u64)) -> Result<(), String> {
    let (from, tag) = split(name);
    let path = format!(
        "/images/create?fromImage={}&tag={}",
        encoded(from),
        encoded(tag)
    );
    let request = Request {
        method: "POST",
        path: &path,
        body: None,
    };
    // Registries are slow to answer, and some engines say nothing before they do.
    let opened = timeout(PULL_IDLE, api.open(request)).await;
    let mut opened = opened.map_err(|_| idle())?.map_err(|e| e.to_string())?;
    let mut lines = Lines::default();
    while let Some(piece) = next(&mut opened).await? {
        lines.read(&piece, &mut told)?;
    }
    lines.read(b"\n", &mut told)
}

async fn next(opened: &mut Opened) -> Result<Option<Vec<u8>>, String> {
    let piece = timeout(PULL_IDLE, opened.piece()).await;
    piece.map_err(|_| idle())?.map_err(|e| e.to_string())
}

fn idle() -> String {
    format!("nothing was heard of it for {} s", PULL_IDLE.as_secs())
}

/// One JSON object a line: how far each layer is, or why it failed.
#[derive(Default)]
struct Lines {
    line: Vec<u8>,
    layers: BTreeMap<String, (u64, u64)>,
}

impl Lines {
    fn read(&mut self, piece: &[u8], told: &mut impl FnMut(u64, u64)) -> Result<(), String> {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            if self.line.len() + part.len() > PULL_LINE_BYTES_MAX {
                return Err(format!(
                    "the engine tells of it in a line of more than {PULL_LINE_BYTES_MAX} bytes"
                ));
            }
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                self.line(&line, told)?;
            }
        }
        Ok(())
    }

    fn line(&mut self, line: &[u8], told: &mut impl FnMut(u64, u64)) -> Result<(), String> {
        let Ok(said) = serde_json::from_slice::<Value>(line) else {
            return Ok(());
        };
        if let Some(why) = said["error"].as_str() {
            return Err(cut(why));
        }
        let detail = &said["progressDetail"];
        if let (Some(layer), Some(bytes), Some(of)) = (
            said["id"].as_str(),
            detail["current"].as_u64(),
            detail["total"].as_u64(),
        ) && said["status"] == "Downloading"
            && (self.layers.len() < PULL_LAYERS_MAX || self.layers.contains_key(layer))
        {
            self.layers.insert(layer.to_owned(), (bytes, of));
            let sum = |which: fn(&(u64, u64)) -> u64| {
                self.layers.values().map(which).fold(0, u64::saturating_add)
            };
            told(sum(|layer| layer.0), sum(|layer| layer.1));
        }
        Ok(())
    }
}

impl Image {
    /// That it is the one that was meant, and for this machine.
    fn checked(self, engine: &Engine, name: &str) -> Result<Self, String> {
        if let Some((_, digest)) = name.split_once('@') {
            let known = self.repo_digests.iter().flatten();
            let has = known
                .filter_map(|known| known.split_once('@'))
                .any(|(_, known)| known == digest);
            // By its own digest an image may be named too.
            if !has && self.id != digest {
                return Err(format!(
                    "the image \"{name}\" has another digest than the entry says; remove it and fetch it again, and if that does not help do not run it"
                ));
            }
        }
        let is = |of_it: &str, here: &str| of_it.is_empty() || here.is_empty() || of_it == here;
        if !is(&self.os, "linux") || !is(&self.architecture, &engine.arch) {
            return Err(format!(
                "the image \"{name}\" is for {}/{}, and the engine runs linux/{}; fetch that with `docker pull --platform linux/{} {name}`, if there is one",
                cut(&self.os),
                cut(&self.architecture),
                engine.arch,
                engine.arch
            ));
        }
        Ok(self)
    }

    /// The digest that its registry knows it by, under this name; none where it was made here.
    pub(super) fn digest(&self, name: &str) -> Option<String> {
        let name = ImageName::parse(name).ok()?;
        if let Some(digest) = name.digest() {
            return Some(digest.to_owned());
        }
        let known = self.repo_digests.iter().flatten();
        let known = known.filter_map(|known| ImageName::parse(known).ok());
        let is_it = |known: &ImageName| {
            (known.registry(), known.repository()) == (name.registry(), name.repository())
        };
        known
            .filter(is_it)
            .find_map(|known| known.digest().map(str::to_owned))
    }

    /// What it would start.
    pub(super) fn program(&self, command: &[String]) -> Vec<String> {
        let config = self.config.as_ref();
        let entrypoint = config.and_then(|config| config.entrypoint.clone());
        let cmd = config.and_then(|config| config.cmd.clone());
        let mut out = entrypoint.unwrap_or_default();
        match command.is_empty() {
            true => out.extend(cmd.unwrap_or_default()),
            false => out.extend_from_slice(command),
        }
        out
    }

    /// As whom it runs by itself; `None` is root.
    pub(super) fn user(&self) -> Option<&str> {
        let user = self.config.as_ref()?.user.as_deref()?;
        let name = user.split(':').next().unwrap_or_default();
        (!matches!(name, "" | "root" | "0")).then_some(user)
    }

    pub(super) fn label(&self, name: &str) -> Option<&str> {
        let labels = self.config.as_ref()?.labels.as_ref()?;
        labels.get(name).map(String::as_str)
    }
}

#[cfg(test)]
mod tests;
