//! `portolan oauth revoke NAME`

use auth::Revoked;
use serde::Serialize;

use super::{accounts, failed};
use crate::engine;
use crate::error::Failure;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};

/// Sign out again, here and at the server
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The server
    name: String,

    /// The caller whose account it is [default: you]
    #[arg(long)]
    caller: Option<String>,
}

#[derive(Serialize)]
struct Done<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    caller: Option<&'a str>,
    told: bool,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let accounts = accounts(&Surroundings::of_process()?);
    let revoked = engine::block_on(async {
        let revoked = accounts.revoke(&args.name, args.caller.as_deref()).await;
        revoked.map_err(|error| failed(&error, &args.name))
    })?;
    if let Revoked::Untold(why) = &revoked {
        let hint =
            "what it has given may be good there until it ends: take it back in your account there";
        ui.warn(
            &format!("its server was not told: {why}"),
            &[hint.to_owned()],
        );
    }
    let done = Done {
        name: &args.name,
        caller: args.caller.as_deref(),
        told: matches!(revoked, Revoked::Everywhere),
    };
    ui.value(&done, |ui| {
        ui.note(
            &Line::new()
                .put(Label::Name, done.name.to_owned())
                .text(" is signed out"),
        );
    })
}
