//! What this person has signed in to: where it lies, and which server an entry is to it.

use std::sync::Arc;

use auth::{Accounts, Flow, OwnClient, Party, Scopes};
use catalog::{Entry, Launch, Origin};
use config::Settings;
use gateway::SignIns;
use secrets::{Kinds, Named, SecretRef};

use crate::person;
use crate::surroundings::Surroundings;

/// For a gateway.
pub(crate) fn sign_ins(
    here: &Surroundings,
    settings: &Settings,
    pages: Option<Arc<dyn gateway::Pages>>,
) -> SignIns {
    let around = here.clone();
    SignIns {
        accounts: accounts(here, settings),
        party: Arc::new(move |entry| party(&around, entry)),
        pages,
    }
}

/// The accounts of this person.
pub(crate) fn accounts(here: &Surroundings, settings: &Settings) -> Accounts {
    let document = &settings.client_metadata_url;
    Accounts::new(auth::Options {
        folder: here.dirs.accounts(),
        passphrase: here.passphrase.clone(),
        document: (!document.is_empty()).then(|| document.clone()),
    })
}

/// Which server an entry is.
pub(crate) fn party(here: &Surroundings, entry: &Entry) -> Party {
    let url = match &entry.launch {
        Launch::Remote { url, .. } => url.clone(),
        _ => String::new(),
    };
    let oauth = entry.about.oauth.as_ref();
    let client = oauth.and_then(|oauth| {
        Some(OwnClient {
            id: oauth.client_id.clone()?,
            secret: client_secret(here, entry),
            issuer: oauth.issuer.clone(),
            flow: match oauth.is_client_flow {
                true => Flow::Client,
                false => Flow::Person,
            },
        })
    });
    let scopes = oauth.map(|oauth| oauth.scopes.iter().map(String::as_str));
    Party {
        name: entry.name.to_string(),
        holder: None,
        url,
        trust: match entry.origin {
            Origin::Own | Origin::Catalog(_) | Origin::File(_) => fetch::Trust::Person,
            Origin::Builtin | Origin::Url(_) | Origin::Registry(_) | Origin::Oci(_) => {
                fetch::Trust::Outside
            }
        },
        client,
        scopes: scopes.map(Scopes::of).unwrap_or_default(),
    }
}

/// The secret of the client that an entry names, if it is there.
pub(crate) fn client_secret(here: &Surroundings, entry: &Entry) -> Option<secrets::Secret> {
    let oauth = entry.about.oauth.as_ref()?;
    let reference: SecretRef = oauth.client_secret.as_ref()?.parse().ok()?;
    let kinds = match entry.origin {
        Origin::Own => Kinds::ALL,
        _ => Kinds::OUTSIDE,
    };
    // Programs take seconds, and what asks here are calls.
    let resolver = person::resolver(here, vec![Named::Store(here.secret_store())]);
    resolver.resolve(&reference, kinds).ok()
}
