//! `portolan server update NAME…`: a newer version of the packages that servers are in.

use std::path::PathBuf;

use catalog::{Catalogs, Entry};
use serde::Serialize;

use crate::catalogs::{self, Chosen};
use crate::choice::{Boxing, CatalogChoice, Choice};
use crate::error::{Failure, Kind};
use crate::load::load;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};
use crate::{engine, launchers};

/// Install the newest version that the entry of a server allows
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which servers, configured or of a catalog
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,

    /// A file with servers: `config.toml`, or the `mcpServers` JSON that AI applications write (repeatable)
    #[arg(long, value_name = "FILE")]
    config: Vec<PathBuf>,

    #[command(flatten)]
    boxing: Boxing,

    #[command(flatten)]
    catalogs: CatalogChoice,
}

#[derive(Serialize)]
struct Done {
    server: String,
    package: String,
    before: Option<String>,
    now: String,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    catalogs::check(&args.catalogs)?;
    let choice = Choice {
        config: args.config.clone(),
        boxing: args.boxing.clone(),
        ..Choice::default()
    };
    let loaded = load(ui, &here, &choice, &[])?;
    let chosen = Chosen::begin(&here, &args.catalogs).patient(ui);
    let all = Catalogs::merge(catalogs::chosen(&here, &chosen));
    let launcher = launchers::to_ask(&here, &loaded.settings)?;
    let mut done = Vec::new();
    for name in &args.names {
        let configured = loaded
            .entries
            .iter()
            .find(|entry| entry.name.as_str() == name);
        let entry = configured.or_else(|| all.get(name)).ok_or_else(|| {
            Failure::new(Kind::NotFound, format!("there is no server `{name}`"))
                .hint("`portolan server ls` and `portolan catalog ls` tell which there are")
        })?;
        done.push(updated(ui, &launcher, entry)?);
    }
    ui.value(&done, |ui| {
        for one in &done {
            let line = Line::new().put(Label::Name, one.server.clone());
            let before = one.before.as_deref();
            ui.note(&line.text(match before {
                Some(before) if *before == one.now => {
                    format!(" is up to date: {} {}", one.package, one.now)
                }
                Some(before) => format!(
                    " uses {} {} instead of {before} when it starts next",
                    one.package, one.now
                ),
                None => format!(" uses {} {}", one.package, one.now),
            }));
        }
    })
}

fn updated(ui: &Ui, launcher: &launch::PackageLauncher, entry: &Entry) -> Result<Done, Failure> {
    let name = entry.name.to_string();
    ui.note(&Line::new().put(Label::Dim, format!("{name}: looking for a newer version …")));
    let update = async {
        let updated = launcher.update(entry, &|_| ()).await;
        updated.map_err(|error| Failure::new(Kind::Failed, error.to_string()))
    };
    let updated = engine::block_on(engine::unless_interrupted(update))?;
    let updated = updated.ok_or_else(|| {
        Failure::new(
            Kind::Usage,
            format!("server `{name}` is in no package that is installed here"),
        )
        .hint("npx, uvx and uv are packages in a sandbox only; elsewhere they fetch what they run themselves")
    })?;
    Ok(Done {
        server: name,
        package: updated.package,
        before: updated.before,
        now: updated.now,
    })
}
