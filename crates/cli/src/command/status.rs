//! `portolan status`: what runs, what it has, who is connected, and what is next, on one screen. `doctor` says what is wrong.

use serde::Serialize;

use super::server::label;
use crate::applications::{self, Application};
use crate::choice::Choice;
use crate::error::Failure;
use crate::running::{self, Client, Gateway, Status};
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Table, Ui, counted};
use crate::{load, sign_ins};

/// Show what runs, who is connected, and what is next, on one screen
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

#[derive(Serialize)]
struct Seen {
    version: &'static str,
    gateways: Vec<Running>,
    /// Servers that a gateway would have.
    configured: usize,
    /// Applications whose files lead here.
    connected: Vec<Connected>,
    sign_ins: SignIns,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Serialize)]
struct Running {
    #[serde(flatten)]
    gateway: Gateway,
    clients: Vec<Client>,
    servers: Vec<Status>,
}

#[derive(Serialize)]
struct Connected {
    client: &'static str,
    scope: &'static str,
}

#[derive(Default, Serialize)]
struct SignIns {
    good: usize,
    ended: Vec<String>,
}

pub(crate) fn run(ui: &Ui, _: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let seen = Seen::look(ui, &here)?;
    ui.value(&seen, |ui| seen.show(ui))
}

impl Seen {
    fn look(ui: &Ui, here: &Surroundings) -> Result<Self, Failure> {
        let running = |gateway: Gateway| Running {
            clients: running::clients(&gateway),
            servers: running::statuses(&gateway).unwrap_or_else(|failure| {
                ui.warn(failure.message(), &[]);
                Vec::new()
            }),
            gateway,
        };
        let gateways: Vec<Running> = running::list()?.into_iter().map(running).collect();
        let choice = Choice::default();
        let loaded = load::read(here, &choice, &[]);
        let has_mistakes = loaded.has_errors();
        // Nobody is asked for a passphrase here.
        let is_locked = matches!(here.account_store().is_locked(), Ok(true));
        let accounts = match is_locked {
            true => Vec::new(),
            false => sign_ins::accounts(here, &loaded.settings)
                .list()
                .unwrap_or_default()
                .into_iter()
                // Those of others are others' business.
                .filter(|account| account.holder.is_none())
                .collect(),
        };
        let (good, ended): (Vec<_>, Vec<_>) = accounts
            .into_iter()
            .partition(|account| account.is_good || account.is_renewable);
        let sign_ins = SignIns {
            good: good.len(),
            ended: ended.into_iter().map(|account| account.name).collect(),
        };
        let all = applications::all(here, false);
        let connected = all.iter().filter(|one| one.is_connected());
        let failed = gateways
            .iter()
            .flat_map(|one| &one.servers)
            .find(|server| server.state == "failed");
        let broken = all
            .iter()
            .any(|one: &Application| one.installed && one.state == "broken");
        let next = match (&failed, sign_ins.ended.first()) {
            _ if has_mistakes || broken => {
                Some("something is written wrongly: portolan doctor".to_owned())
            }
            (Some(server), _) => Some(format!("portolan server logs {}", server.name)),
            (None, Some(name)) => Some(format!("portolan oauth authorize {name}")),
            (None, None) => applications::unconnected(here),
        };
        Ok(Self {
            version: env!("CARGO_PKG_VERSION"),
            configured: load::meant(loaded.entries, &choice)
                .iter()
                .filter(|entry| !entry.disabled)
                .count(),
            connected: connected
                .map(|one| Connected {
                    client: one.client,
                    scope: one.scope,
                })
                .collect(),
            gateways,
            sign_ins,
            next,
        })
    }

    fn show(&self, ui: &Ui) {
        let row = |head: &'static str, label: Label, text: String| {
            ui.data(
                &Line::new()
                    .put(Label::Heading, format!("{head:<9} "))
                    .put(label, text),
            );
        };
        row("portolan", Label::Plain, self.version.to_owned());
        if self.gateways.is_empty() {
            row(
                "gateways",
                Label::Dim,
                format!(
                    "none runs; one would have {}",
                    counted(self.configured, "server")
                ),
            );
        }
        for one in &self.gateways {
            let Gateway {
                id,
                transport,
                url,
                pid,
                ..
            } = &one.gateway;
            let clients: Vec<&str> = one
                .clients
                .iter()
                .map(|client| client.client.as_str())
                .collect();
            let clients = match clients.is_empty() {
                true => "no client".to_owned(),
                false => clients.join(", "),
            };
            row(
                "gateway",
                Label::Name,
                format!(
                    "{id}  {}, process {pid}, {clients}",
                    url.as_ref().unwrap_or(transport)
                ),
            );
        }
        let mut connected: Vec<&str> = self.connected.iter().map(|one| one.client).collect();
        connected.dedup();
        match connected.is_empty() {
            true => row("connected", Label::Dim, "no client".to_owned()),
            false => row("connected", Label::Plain, connected.join(", ")),
        }
        let SignIns { good, ended } = &self.sign_ins;
        match ended.is_empty() {
            true => row("sign-ins", Label::Plain, good.to_string()),
            false => row(
                "sign-ins",
                Label::Warning,
                format!("{good}; ended: {}", ended.join(", ")),
            ),
        }
        let mut table = Table::new(&["server", "state", "tools", "calls", "failed", "why"]);
        let servers: Vec<&Status> = self.gateways.iter().flat_map(|one| &one.servers).collect();
        for server in &servers {
            table.row([
                (Label::Name, server.name.clone()),
                (label(&server.state), server.state.clone()),
                (Label::Plain, server.tools.to_string()),
                (Label::Plain, server.calls.to_string()),
                (Label::Plain, server.errors.to_string()),
                (Label::Dim, server.reason.clone().unwrap_or_default()),
            ]);
        }
        if !servers.is_empty() {
            ui.data(&Line::new());
            ui.table(&table);
        }
        if let Some(next) = &self.next {
            ui.note(&Line::new().put(Label::Hint, "next: ").text(next.clone()));
        }
    }
}
