//! Callers who come with tokens of an issuer (`[auth]` of `config.toml`). Owns what they are called here, `SUBJECT at ISSUER`,
//! which no caller of the file can be called, what a token has to be good for, and how the gateway describes itself to them.
//! Whether a token is good is `auth::Issuer`'s.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use auth::{Issuer, Unfit};
use bytes::Bytes;
use config::AuthSettings;
use config::callers::Rights;
use serde_json::json;
use server::{Admitted, Lease, Resource, Unadmitted};

use super::one::{Allowance, One};
use crate::limits::VISITORS_MAX;

/// The path of the endpoint that stands for all of the gateway.
const WHOLE: &str = "/mcp";

/// See the module.
pub(crate) struct Visitors {
    settings: AuthSettings,
    issuer: Issuer,
    /// How all of their names end.
    ending: String,
    /// The address by which clients know the gateway, where it is not set.
    at: OnceLock<String>,
    under_way: Mutex<HashMap<Box<str>, Arc<One>>>,
}

impl Visitors {
    pub(super) fn new(settings: &AuthSettings) -> Self {
        Self {
            issuer: Issuer::new(&settings.issuer),
            ending: format!(" at {}", settings.issuer),
            at: settings
                .url
                .clone()
                .map_or_else(OnceLock::new, OnceLock::from),
            under_way: Mutex::default(),
            settings: settings.clone(),
        }
    }

    /// Where it turned out to listen. What is set counts more.
    pub(crate) fn listen_at(&self, url: &str) {
        self.at.get_or_init(|| url.to_owned());
    }

    /// Who gives their tokens.
    pub(crate) fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// What scopes give a right to.
    pub(super) fn rights(&self) -> &[(String, Rights)] {
        &self.settings.rights
    }

    /// Whether the person's accounts are used for whoever has none of their own.
    pub(super) fn share_accounts(&self) -> bool {
        self.settings.share_accounts
    }

    /// Whether a caller of this name is one of them.
    pub(super) fn are(&self, caller: &str) -> bool {
        caller.ends_with(&self.ending)
    }

    /// What everybody needs, and this scope.
    pub(super) fn with(&self, scope: &str) -> String {
        let mut all: Vec<&str> = self.settings.scopes.iter().map(String::as_str).collect();
        if !all.contains(&scope) {
            all.push(scope);
        }
        all.join(" ")
    }

    pub(super) fn admit(&self, token: &str, path: &str) -> Result<Admitted, Unadmitted> {
        // A token for the whole is good for each part of it, and not the reverse.
        let (whole, part) = (self.address(WHOLE), self.address(path));
        let checked = match &self.settings.audience {
            Some(audience) => self.issuer.check(token, &[audience]),
            None => self.issuer.check(token, &[&*whole, &*part]),
        };
        let identity = checked.map_err(|unfit| match unfit {
            Unfit::KeysWanted => {
                let issuer = self.issuer.clone();
                Unadmitted::Wait(Box::pin(async move { issuer.fetch_keys().await }))
            }
            Unfit::Unavailable(why) => Unadmitted::Unavailable(why),
            unfit => Unadmitted::Unfit(unfit.to_string()),
        })?;
        let held: Vec<&str> = identity.scopes.split(' ').collect();
        let has = |scope: &String| held.contains(&scope.as_str());
        match self.settings.scopes.iter().all(has) {
            true => Ok(Admitted {
                name: identity.caller.clone(),
                scopes: Some(identity.scopes.clone()),
                lease: Some(Lease {
                    generation: 0,
                    until_s: Some(identity.ends_s()),
                }),
            }),
            false => Err(Unadmitted::Lacks(self.settings.scopes.join(" "))),
        }
    }

    pub(super) fn resource(&self, path: &str) -> Resource {
        let mut document = json!({
            "resource": self.address(path),
            "authorization_servers": [self.settings.issuer],
            "bearer_methods_supported": ["header"],
            "resource_name": "Portolan",
        });
        if !self.settings.scopes.is_empty() {
            document["scopes_supported"] = json!(self.settings.scopes);
        }
        let base = self.at.get().map_or("", String::as_str);
        Resource {
            metadata: format!("{base}/.well-known/oauth-protected-resource{path}"),
            scopes: self.settings.scopes.join(" "),
            document: Bytes::from(document.to_string()),
        }
    }

    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.at.get().map_or("", String::as_str))
    }

    /// What a caller of this name has under way; nothing where that does not matter.
    pub(super) fn under_way(&self, caller: &str) -> Result<Option<Arc<One>>, &'static str> {
        let allowance = Allowance {
            rate: self.settings.rate,
            concurrency: self.settings.concurrency,
        };
        if (allowance.rate.is_none() && allowance.concurrency.is_none()) || !self.are(caller) {
            return Ok(None);
        }
        let mut all = self
            .under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(one) = all.get(caller) {
            return Ok(Some(Arc::clone(one)));
        }
        if all.len() >= VISITORS_MAX {
            let now = Instant::now();
            all.retain(|_, one| !one.is_at_rest(now));
        }
        if all.len() >= VISITORS_MAX {
            return Err("callers at once");
        }
        let one = Arc::new(One::new(caller, allowance));
        all.insert(caller.into(), Arc::clone(&one));
        Ok(Some(one))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visitors(change: impl FnOnce(&mut AuthSettings)) -> Visitors {
        let mut settings = AuthSettings {
            issuer: "https://id.example".into(),
            scopes: vec!["mcp".into()],
            ..AuthSettings::default()
        };
        change(&mut settings);
        Visitors::new(&settings)
    }

    #[test]
    fn the_gateway_is_described_where_clients_know_it() {
        let visitors = visitors(|_| {});
        visitors.listen_at("http://127.0.0.1:8811");
        let one = visitors.resource("/s/time/mcp");
        let document: serde_json::Value = serde_json::from_slice(&one.document).unwrap();
        assert_eq!(document["resource"], "http://127.0.0.1:8811/s/time/mcp");
        assert_eq!(
            document["authorization_servers"],
            json!(["https://id.example"])
        );
        assert_eq!(document["scopes_supported"], json!(["mcp"]));
        let place = "http://127.0.0.1:8811/.well-known/oauth-protected-resource/s/time/mcp";
        assert_eq!((&*one.metadata, &*one.scopes), (place, "mcp"));
    }

    #[test]
    fn what_is_set_counts_more_than_where_it_listens() {
        let visitors = visitors(|settings| {
            settings.url = Some("https://mcp.example/gate".into());
            settings.scopes.clear();
        });
        visitors.listen_at("http://127.0.0.1:1");
        let whole = visitors.resource("/mcp");
        let place = "https://mcp.example/gate/.well-known/oauth-protected-resource/mcp";
        assert_eq!((&*whole.metadata, &*whole.scopes), (place, ""));
        assert!(!String::from_utf8_lossy(&whole.document).contains("scopes_supported"));
    }

    #[test]
    fn they_are_known_by_their_ending() {
        let visitors = visitors(|_| {});
        assert!(visitors.are("ann at https://id.example"));
        for name in [
            "ann",
            "token",
            "ann at https://id.example.evil",
            "ann@id.example",
        ] {
            assert!(!visitors.are(name), "{name}");
        }
        assert_eq!(
            (&*visitors.with("mcp"), &*visitors.with("x")),
            ("mcp", "mcp x")
        );
    }

    #[test]
    fn not_more_of_them_are_counted_than_may_be() {
        let visitors = visitors(|settings| settings.concurrency = Some(1));
        let name = |number: usize| format!("c{number} at https://id.example");
        let under: Vec<_> = (0..VISITORS_MAX)
            .map(|number| {
                visitors
                    .under_way(&name(number))
                    .unwrap()
                    .unwrap()
                    .enter()
                    .unwrap()
            })
            .collect();
        assert!(visitors.under_way(&name(VISITORS_MAX)).is_err());
        assert!(
            visitors
                .under_way(&name(0))
                .unwrap()
                .unwrap()
                .enter()
                .is_err()
        );
        assert!(visitors.under_way("token").unwrap().is_none());
        drop(under);
    }

    #[tokio::test]
    async fn a_token_of_nobody_is_refused_before_anything_is_fetched() {
        let visitors = visitors(|_| {});
        for token in ["", "opaque", "e30.e30.e30"] {
            let refused = visitors.admit(token, "/mcp");
            assert!(matches!(refused, Err(Unadmitted::Unfit(_))), "{token}");
        }
    }
}
