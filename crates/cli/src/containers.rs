//! Containers, as this person's settings want them. Owns what the launcher has to know of our folders and of the terminal;
//! what a container is made of is `launch::container`.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

use config::{Dirs, Pull, Runtime, Settings, running};
use launch::container::{ContainerLauncher, ContainerOptions, OnProgress, Places, Registry, Which};
use launch::image::ImageOptions;
use launch::sandbox::BoxLimits;
use launch::{Launcher, Signers};

use crate::surroundings::Surroundings;

/// A launcher that starts containers, and leaves what is none to another.
pub(crate) fn launcher(
    here: &Surroundings,
    settings: &Settings,
    on_progress: OnProgress,
    others: Arc<dyn Launcher>,
) -> ContainerLauncher {
    let dirs = &here.dirs;
    let options = ContainerOptions {
        which: which(settings.runtime),
        places: places(here),
        limits: limits(settings),
        pull: pull(settings),
        signers: signers(here, settings),
        on_progress,
        folder: dirs.cache.join("containers"),
        own_folders: own_folders(here),
        cwd: here.cwd.clone(),
        registry: Arc::new(Gateways {
            dirs: dirs.clone(),
            own: OnceLock::new(),
        }),
    };
    ContainerLauncher::new(options, others)
}

/// Images where there is no engine.
pub(crate) fn without_engine(
    here: &Surroundings,
    settings: &Settings,
    on_progress: OnProgress,
) -> ImageOptions {
    ImageOptions {
        folder: images(here),
        pull: pull(settings),
        signers: signers(here, settings),
        on_progress,
        home: places(here).home,
        cwd: here.cwd.clone(),
        own_folders: own_folders(here),
    }
}

/// Which images have to be signed.
fn signers(here: &Surroundings, settings: &Settings) -> Signers {
    Signers {
        rules: settings.image_keys.clone(),
        all: settings.verify_signatures,
        folder: here.dirs.cache.join("signatures"),
        home: places(here).home,
    }
}

/// Where images are kept that no engine keeps.
fn images(here: &Surroundings) -> PathBuf {
    here.dirs.cache.join("images")
}

fn pull(settings: &Settings) -> launch::container::Pull {
    match settings.pull {
        Pull::Missing => launch::container::Pull::Missing,
        Pull::Always => launch::container::Pull::Always,
        Pull::Never => launch::container::Pull::Never,
    }
}

fn own_folders(here: &Surroundings) -> Vec<PathBuf> {
    let dirs = &here.dirs;
    [&dirs.config, &dirs.state, &dirs.cache, &dirs.runtime]
        .map(PathBuf::clone)
        .into()
}

fn places(here: &Surroundings) -> Places {
    let folder = |name: &str| here.env.filled(name).map(PathBuf::from);
    Places {
        docker_host: here.env.text(config::env::DOCKER_HOST),
        runtime_dir: folder("XDG_RUNTIME_DIR"),
        home: folder(config::env::HOME),
    }
}

fn which(runtime: Runtime) -> Which {
    match runtime {
        Runtime::Docker => Which::Docker,
        Runtime::Podman => Which::Podman,
        Runtime::Process | Runtime::Sandbox | Runtime::Static | Runtime::Auto => Which::Any,
    }
}

/// The engine that answers, as `Docker 20.10.24`; else why none does. Takes the time of one answer.
pub(crate) fn engine(here: &Surroundings, runtime: Runtime) -> Result<String, String> {
    launch::container::engine_name(&places(here), which(runtime))
}

/// What an image that is here says of itself. Asks the engine, on a thread of its own, and waits so long.
pub(crate) fn metadata(here: &Surroundings, image: &str, wait: Duration) -> Option<String> {
    let (places, folder, image) = (places(here), images(here), image.to_owned());
    let (tell, told) = mpsc::sync_channel(1);
    // Where there is no thread to be had, nothing is known of it.
    std::thread::Builder::new()
        .name("label".to_owned())
        .spawn(move || {
            let label = catalog::METADATA_LABEL;
            let label = launch::container::label(&places, Which::Any, &image, label)
                .or_else(|| launch::image::label(folder, &image, label));
            // Who does not wait any more does without.
            let _ = tell.send(label);
        })
        .ok()?;
    told.recv_timeout(wait).ok().flatten()
}

/// What each box or container may use, unless its entry says otherwise.
pub(crate) fn limits(settings: &Settings) -> BoxLimits {
    let usual = BoxLimits::default();
    BoxLimits {
        // Both were checked when they were read.
        memory_bytes: catalog::size_in_bytes(&settings.memory).unwrap_or(usual.memory_bytes),
        cpu_millis: settings
            .cpus
            .parse()
            .map_or(usual.cpu_millis, |cpus: f32| (cpus * 1000.0) as u32),
        processes: settings.pids,
        all_memory_bytes: catalog::size_in_bytes(&settings.memory_total).unwrap_or(0),
        ..usual
    }
}

/// The registry of running gateways. This one enters it with its first container.
struct Gateways {
    dirs: Dirs,
    own: OnceLock<running::Hold>,
}

impl Registry for Gateways {
    fn name(&self) -> String {
        self.dirs.runtime.display().to_string()
    }

    fn id(&self) -> io::Result<String> {
        if let Some(own) = self.own.get() {
            return Ok(own.id().to_owned());
        }
        let own = running::hold(&self.dirs, running::new_id()).map_err(io::Error::other)?;
        // Who was second lets go of theirs.
        Ok(self.own.get_or_init(|| own).id().to_owned())
    }

    fn is_alive(&self, id: &str) -> bool {
        running::is_held(&self.dirs, id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_what_the_settings_say() {
        let mut settings = Settings::default();
        assert_eq!(limits(&settings), BoxLimits::default());
        settings.memory = "512m".to_owned();
        settings.cpus = "0.5".to_owned();
        settings.pids = 9;
        settings.memory_total = "8g".to_owned();
        let said = limits(&settings);
        assert_eq!(
            (
                said.memory_bytes,
                said.all_memory_bytes,
                said.cpu_millis,
                said.processes
            ),
            (512 << 20, 8 << 30, 500, 9)
        );
    }
}
