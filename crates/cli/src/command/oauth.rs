//! `portolan oauth …`: what the person has signed in to. No command prints a token.

mod authorize;
mod ls;
mod revoke;

use auth::{Accounts, AuthError};
use clap::Subcommand;
use config::callers;

use crate::choice::Choice;
use crate::error::{Failure, Kind};
use crate::surroundings::Surroundings;
use crate::tool::did_you_mean;
use crate::ui::Ui;
use crate::{load, sign_ins};

/// Sign in to remote servers
#[derive(Debug, Subcommand)]
pub(crate) enum Oauth {
    /// Show what is signed in to
    #[command(visible_alias = "list")]
    Ls(ls::Args),
    /// Sign in to a server
    Authorize(authorize::Args),
    /// Sign out again, here and at the server
    Revoke(revoke::Args),
}

impl Oauth {
    pub(super) fn run(self, ui: &Ui) -> Result<(), Failure> {
        match self {
            Self::Ls(args) => ls::run(ui, &args),
            Self::Authorize(args) => authorize::run(ui, &args),
            Self::Revoke(args) => revoke::run(ui, &args),
        }
    }
}

/// Whose account it is to be: that of a caller who is known, or the person's.
fn holder(here: &Surroundings, caller: Option<&str>) -> Result<Option<String>, Failure> {
    let Some(caller) = caller else {
        return Ok(None);
    };
    if callers::is_own(caller) {
        let message = format!("`{caller}` is you: what you sign in to is yours without --caller");
        return Err(Failure::new(Kind::Usage, message));
    }
    let all =
        callers::load(&here.dirs).map_err(|error| Failure::new(Kind::Failed, error.to_string()))?;
    let mut names = all.callers.iter().map(|known| known.name.as_str());
    // Those of an identity provider are in no list of ours.
    if caller.contains(" at ") || names.any(|known| known == caller) {
        return Ok(Some(caller.to_owned()));
    }
    let names = all.callers.iter().map(|known| known.name.as_str());
    let said = format!("there is no caller `{caller}`");
    Err(Failure::new(Kind::NotFound, said)
        .hints_from(did_you_mean(caller, names))
        .hint(
            "`portolan caller ls` shows them; one of an identity provider is 'SUBJECT at ISSUER'",
        ))
}

fn accounts(here: &Surroundings) -> Accounts {
    let settings = load::read(here, &Choice::default(), &[]).settings;
    sign_ins::accounts(here, &settings)
}

fn failed(error: &AuthError, name: &str) -> Failure {
    let kind = match error {
        AuthError::Unknown(_) => Kind::NotFound,
        AuthError::Late(_) => Kind::Timeout,
        AuthError::Declined(_) | AuthError::NeedsPerson(_) => Kind::Unauthenticated,
        _ => Kind::Failed,
    };
    let failure = Failure::new(kind, format!("{name}: {error}"));
    match error {
        AuthError::Unknown(_) => failure.hint("`portolan oauth ls` shows them all"),
        _ => failure,
    }
}
