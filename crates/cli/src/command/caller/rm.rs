//! `portolan caller rm NAME`

use auth::{Account, Revoked};
use config::callers;
use serde_json::json;

use super::failed;
use crate::choice::Choice;
use crate::error::{Failure, Kind};
use crate::surroundings::Surroundings;
use crate::tool::did_you_mean;
use crate::ui::{Label, Line, Ui};
use crate::{engine, load, sign_ins};

/// Remove callers: their tokens are worth nothing from now on, also to gateways that run
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The callers
    #[arg(required = true)]
    name: Vec<String>,
}

/// Gives up what these callers have signed in to.
fn sign_out(ui: &Ui, here: &Surroundings, callers: &[String]) -> Result<(), Failure> {
    let settings = load::read(here, &Choice::default(), &[]).settings;
    let accounts = sign_ins::accounts(here, &settings);
    let is_theirs = |account: &Account| {
        let holder = account.holder.as_ref();
        holder.is_some_and(|holder| callers.contains(holder))
    };
    let all = accounts.list().map_err(|error| {
        let message =
            format!("they are removed, but what they have signed in to cannot be read: {error}");
        Failure::new(Kind::Failed, message).hint(
            "sign them out before others are called so: portolan oauth revoke SERVER --caller NAME",
        )
    })?;
    for account in all.into_iter().filter(is_theirs) {
        let (name, holder) = (&account.name, account.holder.as_deref());
        let revoked = engine::block_on(async {
            let revoked = accounts.revoke(name, holder).await;
            revoked.map_err(|error| Failure::new(Kind::Failed, format!("{name}: {error}")))
        })?;
        if let Revoked::Untold(why) = revoked {
            let message = format!("{name} was not told that the account is given up: {why}");
            ui.warn(&message, &[]);
        }
    }
    Ok(())
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    for name in &args.name {
        if !callers::remove(&here.dirs, name).map_err(|error| failed(&error))? {
            let known = callers::load(&here.dirs).map_err(|error| failed(&error))?;
            let names = known.callers.iter().map(|caller| caller.name.as_str());
            let said = format!("there is no caller `{name}`");
            return Err(Failure::new(Kind::NotFound, said).hints_from(did_you_mean(name, names)));
        }
    }
    // Whoever is called so later must not find them.
    sign_out(ui, &here, &args.name)?;
    let line = Line::new().put(Label::Name, args.name.join(", "));
    ui.done(&json!({"removed": args.name}), &line.text(" removed"))
}
