//! `portolan docker-plugin …`: the way of this program to `docker mcp`. Owns the one file in Docker's folder, and what was there
//! before. See `plugin.rs` for what it answers there.

mod install;
mod remove;

use std::io;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde::Serialize;

use crate::error::{Failure, Kind};
use crate::plugin::FILE_NAME;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};

/// Be what runs when somebody types `docker mcp`
#[derive(Debug, Subcommand)]
pub(crate) enum DockerPlugin {
    /// Put this program into Docker's folder of plugins, as `docker mcp`
    Install(install::Args),
    /// Take it out again, and put back what was there before
    #[command(visible_alias = "remove")]
    Rm(remove::Args),
}

impl DockerPlugin {
    pub(super) fn run(self, ui: &Ui) -> Result<(), Failure> {
        match self {
            Self::Install(args) => install::run(ui, &args),
            Self::Rm(args) => remove::run(ui, &args),
        }
    }
}

/// The plugin's file, and where another one's is kept meanwhile. Docker looks only at files whose names begin with `docker-`.
struct Place {
    file: PathBuf,
    former: PathBuf,
}

impl Place {
    fn find(here: &Surroundings) -> Result<Self, Failure> {
        let folder = config::docker_plugins(&here.env).ok_or_else(|| {
            Failure::new(Kind::Config, "Docker's folder of plugins is not known")
                .hint("set HOME, or DOCKER_CONFIG to the folder of Docker's config.json")
        })?;
        let name = format!("{FILE_NAME}{}", std::env::consts::EXE_SUFFIX);
        Ok(Self {
            file: folder.join(&name),
            former: folder.join(format!(".{name}.before-portolan")),
        })
    }

    fn occupant(&self) -> Result<Occupant, Failure> {
        if self.file.symlink_metadata().is_err() {
            return Ok(Occupant::Nobody);
        }
        let own = own()?;
        // A link that leads nowhere is what an uninstalled program leaves behind.
        let is_same = self.file.canonicalize().is_ok_and(|there| there == own);
        Ok(match is_same || is_portolan(&self.file) {
            true if is_same => Occupant::This,
            true => Occupant::AnotherPortolan,
            false => Occupant::Other,
        })
    }
}

/// Whose plugin it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Occupant {
    Nobody,
    /// Ours, and this very program.
    This,
    /// Ours, at another place.
    AnotherPortolan,
    Other,
}

/// A link to a program of our name is ours, whichever version it leads to.
fn is_portolan(file: &Path) -> bool {
    let target = std::fs::read_link(file).ok();
    target.is_some_and(|target| target.file_stem().is_some_and(|name| name == "portolan"))
}

fn own() -> Result<PathBuf, Failure> {
    std::env::current_exe()
        .and_then(|own| own.canonicalize())
        .map_err(|error| Failure::internal("cannot tell where this program is", error))
}

/// What was done, for programs.
#[derive(Serialize)]
struct Done {
    file: PathBuf,
    changed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl Done {
    fn tell(&self, ui: &Ui, said: &str) -> Result<(), Failure> {
        ui.value(self, |ui| {
            ui.data(
                &Line::new()
                    .put(Label::Name, self.file.display().to_string())
                    .text(format!(" {said}")),
            );
            if let Some(next) = &self.next {
                ui.note(&Line::new().put(Label::Dim, next.clone()));
            }
        })
    }
}

fn unwritten(file: &Path, error: &io::Error) -> Failure {
    let message = format!("cannot change {}", file.display());
    Failure::new(Kind::Failed, message)
        .because(error)
        .hint("the folder must be yours; DOCKER_CONFIG names another one")
}
