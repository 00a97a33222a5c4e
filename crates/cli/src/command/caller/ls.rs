//! `portolan caller ls`

use config::callers::{self, Caller};
use jiff::Timestamp;
use serde::Serialize;

use super::add::now_s;
use super::failed;
use crate::error::Failure;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Table, Ui};

/// List callers, what they may use and until when
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

#[derive(Serialize)]
struct Listed {
    name: String,
    created: String,
    expires: Option<String>,
    expired: bool,
    servers: Vec<String>,
    tools: Vec<String>,
    profiles: Vec<String>,
    rate: Option<u32>,
    concurrency: Option<u32>,
    share_accounts: bool,
}

pub(crate) fn run(ui: &Ui, _: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let all = callers::load(&here.dirs).map_err(|error| failed(&error))?;
    let listed: Vec<Listed> = all.callers.iter().map(listed).collect();
    ui.value(&listed, |ui| show(ui, &listed))
}

fn listed(caller: &Caller) -> Listed {
    let time = |seconds: u64| {
        let at = i64::try_from(seconds)
            .ok()
            .and_then(|at| Timestamp::from_second(at).ok());
        at.map_or_else(|| "never".to_owned(), |at| at.to_string())
    };
    Listed {
        name: caller.name.clone(),
        created: time(caller.created),
        expires: caller.expires.map(time),
        expired: !caller.is_valid_at(now_s()),
        servers: caller.rights.servers.clone(),
        tools: caller.rights.tools.clone(),
        profiles: caller.rights.profiles.clone(),
        rate: caller.rate,
        concurrency: caller.concurrency,
        share_accounts: caller.share_accounts,
    }
}

fn show(ui: &Ui, all: &[Listed]) {
    if all.is_empty() {
        let said = "There are no callers but whoever has the gateway's own token.";
        ui.note(&Line::new().put(Label::Dim, said));
        return;
    }
    let mut table = Table::new(&[
        "caller",
        "until",
        "per minute",
        "at once",
        "accounts",
        "may use",
    ])
    .whole();
    for one in all {
        let until = match (&one.expires, one.expired) {
            (_, true) => (Label::Bad, "expired".to_owned()),
            (Some(at), false) => (Label::Dim, at.clone()),
            (None, false) => (Label::Dim, "always".to_owned()),
        };
        let number = |number: Option<u32>| number.map_or_else(|| "-".to_owned(), |n| n.to_string());
        let parts = [
            ("tools", &one.tools),
            ("servers", &one.servers),
            ("profiles", &one.profiles),
        ];
        let limited = parts.iter().filter(|(_, names)| !names.is_empty());
        let limited: Vec<String> = limited
            .map(|(what, names)| format!("{what} {}", names.join(", ")))
            .collect();
        let rights = match limited.is_empty() {
            true => "everything".to_owned(),
            false => limited.join(" of "),
        };
        table.row([
            (Label::Name, one.name.clone()),
            until,
            (Label::Dim, number(one.rate)),
            (Label::Dim, number(one.concurrency)),
            match one.share_accounts {
                true => (Label::Plain, "yours, too".to_owned()),
                false => (Label::Dim, "its own".to_owned()),
            },
            (Label::Dim, rights),
        ]);
    }
    ui.table(&table);
}
