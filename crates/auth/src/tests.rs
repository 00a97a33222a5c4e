//! Accounts before a server and an authorization server of this machine.

mod callers;
mod fake;
mod renewal;
mod signing_in;

use std::sync::atomic::{AtomicU64, Ordering};

use fetch::Trust;
use tempfile::TempDir;

use crate::{Accounts, AuthError, Challenge, Options, Party, Scopes};
use fake::Fake;

const REDIRECT: &str = "http://127.0.0.1:1/oauth/callback";

/// A person with accounts.
struct Here {
    folder: TempDir,
    accounts: Accounts,
}

impl Here {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let accounts = Accounts::new(options(&folder));
        Self { folder, accounts }
    }

    /// The same accounts in another process.
    fn again(&self) -> Accounts {
        Accounts::new(options(&self.folder))
    }

    /// Signs in, and approves at once.
    async fn sign_in(&self, fake: &Fake, party: &Party) -> Result<(), AuthError> {
        let challenge = self.accounts.challenge(party).await?;
        let sign_in = self.accounts.begin(party, &challenge, REDIRECT).await?;
        let query = fake.approve(sign_in.url()).await;
        assert!(sign_in.is_answered_by(&query) || fake.knobs().foreign_state);
        self.accounts.finish(sign_in, &query).await
    }
}

fn options(folder: &TempDir) -> Options {
    Options {
        folder: folder.path().join("accounts"),
        ..Options::default()
    }
}

fn party(fake: &Fake) -> Party {
    Party {
        name: "cloud".to_owned(),
        holder: None,
        url: fake.url("/mcp"),
        trust: Trust::Person,
        client: None,
        scopes: Scopes::default(),
    }
}

/// Seconds that tests let pass.
static LATER: AtomicU64 = AtomicU64::new(0);

fn nothing() -> Challenge {
    Challenge::default()
}
