//! `portolan server ls`

use serde::Serialize;

use super::label;
use crate::choice::{Choice, Running};
use crate::engine;
use crate::error::Failure;
use crate::profiles;
use crate::running::{self, Gateway, Status};
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Table, Ui};

/// List the servers of running gateways; with none running, those that one would have
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    running: Running,
    /// With no gateway running: a file with servers (repeatable)
    #[arg(long, value_name = "FILE")]
    config: Vec<std::path::PathBuf>,
}

#[derive(Serialize)]
struct Listed {
    gateway: Option<String>,
    #[serde(flatten)]
    server: Status,
}

#[derive(Serialize)]
struct Listing {
    gateways: Vec<Gateway>,
    servers: Vec<Listed>,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let gateways = running::meant(&args.running)?;
    let mut servers = Vec::new();
    for gateway in &gateways {
        let all = running::statuses(gateway).unwrap_or_else(|failure| {
            ui.warn(failure.message(), &[]);
            Vec::new()
        });
        servers.extend(all.into_iter().map(|server| Listed {
            gateway: Some(gateway.id.clone()),
            server,
        }));
    }
    if gateways.is_empty() {
        let choice = Choice {
            config: args.config.clone(),
            profile: profiles::or_default(&Surroundings::of_process()?, None),
            ..Choice::default()
        };
        let all = engine::configured(ui, &choice)?;
        servers.extend(all.into_iter().map(|server| Listed {
            gateway: None,
            server,
        }));
    }
    let listing = Listing { gateways, servers };
    ui.value(&listing, |ui| show(ui, &listing))
}

fn show(ui: &Ui, listing: &Listing) {
    let said = match (listing.gateways.is_empty(), listing.servers.is_empty()) {
        (true, true) => "No gateway is running, and no servers are configured.",
        (true, false) => "No gateway is running; one would have these servers:",
        (false, true) => "The gateway has no servers.",
        (false, false) => "",
    };
    if !said.is_empty() {
        ui.note(&Line::new().put(Label::Dim, said));
    }
    if listing.servers.is_empty() {
        return;
    }
    let several = listing.gateways.len() > 1;
    let mut heads = vec!["server", "state", "kind", "tools", "calls", "failed", "why"];
    if several {
        heads.insert(0, "gateway");
    }
    let mut table = Table::new(&heads).whole();
    for Listed { gateway, server } in &listing.servers {
        let mut cells = vec![
            (Label::Name, server.name.clone()),
            (label(&server.state), server.state.clone()),
            (Label::Plain, kind(server)),
            (Label::Plain, count(gateway.is_some(), server.tools as u64)),
            (Label::Plain, count(gateway.is_some(), server.calls)),
            (Label::Plain, count(gateway.is_some(), server.errors)),
            (Label::Dim, server.reason.clone().unwrap_or_default()),
        ];
        if several {
            cells.insert(0, (Label::Dim, gateway.clone().unwrap_or_default()));
        }
        table.row(cells);
    }
    ui.table(&table);
}

/// What it is; that it has the whole network, although it is kept from the rest, is worth a word.
fn kind(server: &Status) -> String {
    match server.network.as_deref() {
        Some("open") => format!("{}, open network", server.kind),
        _ => server.kind.clone(),
    }
}

fn count(is_known: bool, number: u64) -> String {
    if is_known {
        number.to_string()
    } else {
        "-".into()
    }
}
