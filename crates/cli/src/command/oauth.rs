//! `portolan oauth …`: what the person has signed in to. No command prints a token.

mod authorize;
mod ls;
mod revoke;

use auth::{Accounts, AuthError};
use clap::Subcommand;

use crate::choice::Choice;
use crate::error::{Failure, Kind};
use crate::surroundings::Surroundings;
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
