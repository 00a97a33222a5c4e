//! `portolan oauth ls`

use auth::Account;
use serde::Serialize;

use super::{accounts, failed};
use crate::choice::OlderFormat;
use crate::error::Failure;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Table, Ui};

/// Show what is signed in to
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    older: OlderFormat,
}

#[derive(Serialize)]
struct Listing {
    accounts: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    caller: Option<String>,
    state: &'static str,
    url: String,
    issuer: String,
    scopes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
}

impl Listed {
    fn of(account: Account) -> Self {
        Self {
            state: match (account.is_good, account.is_renewable) {
                (true, _) => "signed in",
                (false, true) => "renewed when it is used",
                (false, false) => "signed out",
            },
            expires: account.expires_s.and_then(|at| {
                let at = jiff::Timestamp::from_second(i64::try_from(at).ok()?).ok()?;
                Some(at.to_string())
            }),
            scopes: account.scopes.iter().map(str::to_owned).collect(),
            name: account.name,
            caller: account.holder,
            url: account.url,
            issuer: account.issuer,
        }
    }
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let accounts = accounts(&Surroundings::of_process()?);
    let all = accounts
        .list()
        .map_err(|error| failed(&error, "the accounts"))?;
    let listing = Listing {
        accounts: all.into_iter().map(Listed::of).collect(),
    };
    let ui = args.older.of(ui);
    ui.value(&listing, |ui| show(ui, &listing))
}

fn show(ui: &Ui, listing: &Listing) {
    if listing.accounts.is_empty() {
        let said = "Nothing is signed in to; `portolan oauth authorize SERVER` signs in.";
        ui.note(&Line::new().put(Label::Dim, said));
        return;
    }
    let mut table = Table::new(&["server", "of", "state", "until", "by"]);
    for account in &listing.accounts {
        table.row([
            (Label::Name, account.name.clone()),
            match &account.caller {
                Some(caller) => (Label::Plain, caller.clone()),
                None => (Label::Dim, "you".to_owned()),
            },
            (Label::Plain, account.state.to_owned()),
            (Label::Dim, account.expires.clone().unwrap_or_default()),
            (Label::Dim, account.issuer.clone()),
        ]);
    }
    ui.table(&table);
}
