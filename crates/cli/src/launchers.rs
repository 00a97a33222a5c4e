//! What starts servers, as this person's settings want it: packages are installed first, images run in a container engine,
//! programs behind a guard of our own program, so that none outlives us, or in boxes.

use std::path::PathBuf;
use std::sync::Arc;

use config::{Runtime, Settings};
use launch::{GrantedLauncher, Launcher, PackageLauncher, ProcessLauncher, RunningLauncher};

use crate::catalogs;
use crate::error::{Failure, Kind};
use crate::grants::LocalGrants;
use crate::surroundings::Surroundings;

/// Whom to tell of images that come.
#[cfg(target_os = "linux")]
pub(crate) type Told = launch::container::OnProgress;
#[cfg(not(target_os = "linux"))]
pub(crate) type Told = ();

/// See the module. `asks_engine`: somebody will need a container engine, so it is looked for at once.
pub(crate) fn launcher(
    here: &Surroundings,
    settings: &Settings,
    told: Told,
    asks_engine: bool,
) -> Result<PackageLauncher, Failure> {
    let options = launch::PackageOptions {
        folder: here.dirs.packages(),
        environment: launch::Options::inherited().environment,
        program: own_program(),
        fetch: Some(Arc::new(|url: &str, bytes_max: usize| {
            Box::pin(catalogs::fetch_file(url.to_owned(), bytes_max))
        })),
        install_scripts: settings.install_scripts.clone(),
    };
    let inner = match settings.runtime {
        Runtime::Process => {
            containers(here, settings, told, asks_engine, Arc::new(process()), None)
        }
        runtime => {
            let (programs, images) = boxes(here, settings, &told)?;
            match runtime {
                // What there is no engine for is unpacked; with a named one there is to be that one.
                Runtime::Sandbox => images.unwrap_or(programs),
                Runtime::Static => Arc::new(RunningLauncher::new(programs)),
                Runtime::Auto => containers(here, settings, told, asks_engine, programs, images),
                _ => containers(here, settings, told, asks_engine, programs, None),
            }
        }
    };
    let grants = LocalGrants::new(&here.dirs, &settings.open_network);
    let granted = GrantedLauncher::new(inner, Arc::new(grants));
    Ok(PackageLauncher::new(Arc::new(granted), options))
}

/// The same for a command that starts nothing and only asks.
pub(crate) fn to_ask(here: &Surroundings, settings: &Settings) -> Result<PackageLauncher, Failure> {
    #[cfg(target_os = "linux")]
    let nobody: Told = Arc::new(|_: &launch::container::Progress| {});
    #[cfg(not(target_os = "linux"))]
    let nobody = ();
    launcher(here, settings, nobody, false)
}

#[cfg(target_os = "linux")]
fn containers(
    here: &Surroundings,
    settings: &Settings,
    told: Told,
    asks_engine: bool,
    programs: Arc<dyn Launcher>,
    images: Option<Arc<dyn Launcher>>,
) -> Arc<dyn Launcher> {
    let mut launcher = crate::containers::launcher(here, settings, told, programs);
    if let Some(images) = images {
        launcher = launcher.or_without(images);
    }
    // Nobody asks an engine that nobody needs: asking may start it.
    if asks_engine {
        launcher.probe_soon();
    }
    Arc::new(launcher)
}

#[cfg(not(target_os = "linux"))]
fn containers(
    _: &Surroundings,
    _: &Settings,
    (): Told,
    _: bool,
    programs: Arc<dyn Launcher>,
    _: Option<Arc<dyn Launcher>>,
) -> Arc<dyn Launcher> {
    programs
}

fn process() -> ProcessLauncher {
    ProcessLauncher::new(launch::Options {
        guard: own_program(),
        ..launch::Options::inherited()
    })
}

/// What starts programs in boxes, and what starts images there.
type Boxes = (Arc<dyn Launcher>, Option<Arc<dyn Launcher>>);

#[cfg(target_os = "linux")]
fn boxes(here: &Surroundings, settings: &Settings, told: &Told) -> Result<Boxes, Failure> {
    use launch::image::ImageLauncher;
    use launch::sandbox::{SandboxLauncher, SandboxOptions};

    let program = own_program().ok_or_else(|| {
        Failure::new(
            Kind::Internal,
            "our own program is not found, and boxes are made by it",
        )
    })?;
    let launcher = SandboxLauncher::new(SandboxOptions {
        allow_unsandboxed: settings.allow_unsandboxed,
        limits: crate::containers::limits(settings),
        ..SandboxOptions::inherited(program)
    });
    launcher.probe_soon();
    let launcher = Arc::new(launcher);
    let options = crate::containers::without_engine(here, settings, told.clone());
    let images = ImageLauncher::new(options, launcher.clone());
    Ok((launcher, Some(Arc::new(images))))
}

/// How well programs would be kept apart here; none where our own program is not found.
#[cfg(target_os = "linux")]
pub(crate) fn probe(settings: &Settings) -> Option<launch::sandbox::Probe> {
    use launch::sandbox::{SandboxLauncher, SandboxOptions};

    let launcher = SandboxLauncher::new(SandboxOptions {
        allow_unsandboxed: settings.allow_unsandboxed,
        ..SandboxOptions::inherited(own_program()?)
    });
    Some(launcher.probe().clone())
}

#[cfg(not(target_os = "linux"))]
fn boxes(_: &Surroundings, settings: &Settings, (): &Told) -> Result<Boxes, Failure> {
    match settings.allow_unsandboxed {
        true => Ok((Arc::new(process()), None)),
        false => {
            let nowhere = launch::RemoteLauncher::new("there are boxes on Linux only");
            Ok((Arc::new(nowhere), None))
        }
    }
}

/// This program: on Linux by a path that leads to it even after an upgrade has replaced its file.
pub(crate) fn own_program() -> Option<PathBuf> {
    let running = PathBuf::from("/proc/self/exe");
    match cfg!(target_os = "linux") && running.exists() {
        true => Some(running),
        false => std::env::current_exe().ok(),
    }
}
