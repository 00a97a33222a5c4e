//! `portolan server enable` and `disable`: whether a server of a catalog may be started without asking.

use catalog::{Catalog, Catalogs, Concern, Entry, Launch};
use launch::Launcher as _;
use serde::Serialize;
use store::Store;

use super::everywhere;
use crate::catalogs::Chosen;
use crate::choice::{CatalogChoice, Choice};
use crate::error::{Failure, Kind};
use crate::person::approval;
use crate::profiles;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};
use crate::{catalogs, launchers, load};

/// Allow servers of catalogs to be started, or take that back
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which servers
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,

    /// As a profile has them, whatever the catalogs say by now
    #[arg(long, value_name = "NAME")]
    pub(super) profile: Option<String>,

    /// Have them in every conversation, too: in the profile `default`, or no longer; `docker mcp` does
    #[arg(long, conflicts_with = "profile")]
    pub(super) everywhere: bool,

    #[command(flatten)]
    catalogs: CatalogChoice,
}

#[derive(Serialize)]
struct Done {
    servers: Vec<Server>,
}

#[derive(Serialize)]
struct Server {
    name: String,
    enabled: bool,
    /// What a person should know of it, as it would run here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    concerns: Vec<String>,
    /// Here it runs in a sandbox, and may run where there is none.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    covers_unsandboxed: bool,
    /// Why it cannot be started here.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
}

pub(crate) fn run(ui: &Ui, args: &Args, allow: bool) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    catalogs::check(&args.catalogs)?;
    let all = Catalogs::merge(match &args.profile {
        Some(profile) => {
            let profile = profiles::get(&here, profile)?;
            let servers = profile.servers.into_iter();
            vec![Catalog {
                name: profile.name,
                entries: servers.map(|server| server.entry).collect(),
                ..Catalog::default()
            }]
        }
        None => {
            let chosen = Chosen::begin(&here, &args.catalogs).patient(ui);
            catalogs::chosen(&here, &chosen)
        }
    });
    let meant = |name: &str| args.names.iter().any(|known| known == name);
    let taken_out = match args.everywhere && !allow {
        true => everywhere::take_out(&here, meant)?,
        false => Vec::new(),
    };
    let mut entries: Vec<&Entry> = taken_out.iter().collect();
    for name in &args.names {
        let Some(entry) = all.get(name) else {
            // What the profile had may be in no catalog any more.
            if taken_out.iter().any(|entry| entry.name.as_str() == name) {
                continue;
            }
            let near = all.nearest(name, 1);
            let near = near.first().map(|near| format!("did you mean `{near}`?"));
            let whose = match &args.profile {
                Some(profile) => format!("profile `{profile}` has no server `{name}`"),
                None => format!("no catalog has a server `{name}`"),
            };
            return Err(Failure::new(Kind::NotFound, whose).hints_from(near).hint(
                "`portolan catalog search` finds servers; --catalog names a file with more",
            ));
        };
        entries.push(entry);
    }
    if args.everywhere && allow {
        everywhere::put(&here, &entries)?;
    }
    let settings = load::read(&here, &Choice::default(), &[]).settings;
    let launcher = launchers::to_ask(&here, &settings)?;
    let failed = |error: store::StoreError| Failure::internal("the approval cannot be kept", error);
    config::private_dir(&here.dirs.state)
        .map_err(|error| Failure::internal("the state folder cannot be made", error))?;
    let mut store = Store::open(&here.dirs.store_file()).map_err(failed)?;
    let mut lines = Vec::new();
    let mut servers = Vec::new();
    for entry in entries {
        let name = entry.name.as_str();
        let line = Line::new().put(Label::Name, name.to_owned());
        if allow {
            store.meta_put(&approval(entry), name).map_err(failed)?;
            let is_boxed = launcher.is_boxed(entry);
            let concerns = entry.concerns(is_boxed);
            let concerns: Vec<String> = concerns.iter().map(Concern::to_string).collect();
            let covers_unsandboxed = is_boxed && may_be_unboxed(entry);
            let refused = launcher.refuses(entry);
            let because = match concerns.is_empty() {
                true => String::new(),
                false => format!(", although {}", concerns.join(" and ")),
            };
            let where_to = match args.everywhere {
                true => ", and is in the profile `default`",
                false => "",
            };
            let also = match covers_unsandboxed {
                true => "; here it runs in a sandbox, and you allow it also where there is none",
                false => "",
            };
            lines.push(line.text(format!(" may be started{because}{where_to}{also}")));
            if let Some(why) = &refused {
                ui.warn(&format!("{name} cannot be started here: {why}"), &[]);
            }
            servers.push(Server {
                name: name.to_owned(),
                enabled: true,
                concerns,
                covers_unsandboxed,
                refused,
            });
        } else {
            store.meta_remove(&approval(entry)).map_err(failed)?;
            lines.push(line.text(" is asked about again before it is started"));
            servers.push(Server {
                name: name.to_owned(),
                enabled: false,
                concerns: Vec::new(),
                covers_unsandboxed: false,
                refused: None,
            });
        }
    }
    if let Some(profile) = &args.profile {
        // Gateways that run with it hear of it; that they do not is no failure of what was asked for.
        let _ = config::touch_profile(&here.dirs, &profiles::name(profile)?);
    }
    ui.value(&Done { servers }, |ui| {
        lines.iter().for_each(|line| ui.note(line));
    })
}

/// Whether there is a way to start it without a sandbox, which an approval then covers: an image has none.
fn may_be_unboxed(entry: &Entry) -> bool {
    let is_program = matches!(
        entry.launch,
        Launch::Command { .. } | Launch::Package { .. }
    );
    is_program && entry.concerns(false).contains(&Concern::Unboxed)
}
