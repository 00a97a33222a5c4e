//! What stands between a server and a call: one word for a model, the details for whoever is to mend it.

use catalog::{Concern, Entry, Missing, OAuth};
use serde_json::{Map, Value};

use super::errand::Errand;
use crate::outbox::lock;
use crate::sign_in;

/// The word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Active,
    Ready,
    NeedsConfig,
    NeedsSecrets,
    NeedsAuth,
    NeedsApproval,
    Unavailable,
    Blocked,
}

impl State {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Ready => "ready",
            Self::NeedsConfig => "needs-config",
            Self::NeedsSecrets => "needs-secrets",
            Self::NeedsAuth => "needs-auth",
            Self::NeedsApproval => "needs-approval",
            Self::Unavailable => "unavailable",
            Self::Blocked => "blocked",
        }
    }
}

/// The details.
pub(super) struct Standing {
    /// What is not configured.
    pub(super) config: Vec<Missing>,
    /// Credentials that are not there, by their names.
    pub(super) secrets: Vec<String>,
    /// What a person has to agree to.
    pub(super) concerns: Vec<Concern>,
    needs_auth: bool,
    /// The credential that stands for signing in, where somebody has to.
    token: Option<String>,
    /// Why rules keep it away.
    pub(super) blocked: Option<String>,
    /// Why it cannot be started at all.
    pub(super) unavailable: Option<String>,
}

impl Standing {
    /// Of a server that is not in the workspace, with this configuration.
    pub(super) fn of(errand: &Errand, entry: &Entry, config: &Map<String, Value>) -> Self {
        let person = errand.directory.person();
        let has_secret = |name: &str| {
            let spec = entry.about.secrets.iter().find(|spec| spec.name == name);
            spec.is_some_and(|spec| person.has_secret(entry, spec))
        };
        let (mut missing, mut secrets) = (Vec::new(), Vec::new());
        for one in entry.missing(config, &has_secret) {
            match one {
                Missing::Secret { name, .. } => secrets.push(name),
                other => missing.push(other),
            }
        }
        let launcher = &errand.core.launcher;
        let concerns = match person.is_approved(entry) {
            true => Vec::new(),
            false => entry.concerns(launcher.is_boxed(entry)),
        };
        let needs_auth = entry.about.oauth.as_ref().is_some_and(|oauth| {
            let has = |name: &String| has_secret(name);
            !has_another_way(entry, oauth)
                && !oauth.secret.as_ref().is_some_and(has)
                && !errand.core.is_signed_in(entry, &errand.workspace.caller)
        });
        let token = entry.about.oauth.as_ref();
        let token = token.and_then(|oauth| oauth.secret.clone());
        Self {
            config: missing,
            secrets,
            concerns,
            needs_auth,
            token: token.filter(|_| needs_auth),
            blocked: errand
                .core
                .closed_entry(&errand.side(), entry)
                .map(|denial| denial.reason),
            unavailable: launcher.refuses(entry).or_else(|| {
                entry
                    .disabled
                    .then(|| format!("it is disabled in {}", entry.source))
            }),
        }
    }

    /// It is not signing in that stands in the way: that is found out as it starts, and done then.
    pub(super) fn signs_in_later(&mut self) {
        (self.needs_auth, self.token) = (false, None);
    }

    /// The credentials with which nobody has to sign in and none is missing; none if there is no such set of them.
    pub(super) fn credentials(&self) -> Option<Vec<String>> {
        let mut names = self.secrets.clone();
        if self.needs_auth {
            let token = self.token.clone()?;
            if !names.contains(&token) {
                names.push(token);
            }
        }
        Some(names)
    }

    /// The credentials that are all that stands in the way.
    pub(super) fn wants_alone(&self) -> Option<Vec<String>> {
        let is_all = matches!(self.state(), State::NeedsSecrets | State::NeedsAuth)
            && self.concerns.is_empty();
        self.credentials().filter(|_| is_all)
    }

    pub(super) fn state(&self) -> State {
        if self.blocked.is_some() {
            State::Blocked
        } else if self.unavailable.is_some() {
            State::Unavailable
        } else if !self.config.is_empty() {
            State::NeedsConfig
        } else if !self.secrets.is_empty() {
            State::NeedsSecrets
        } else if self.needs_auth {
            State::NeedsAuth
        } else if !self.concerns.is_empty() {
            State::NeedsApproval
        } else {
            State::Ready
        }
    }
}

/// Nobody can be led to a sign-in, and there are credentials that do: what is missing of those is told as that.
fn has_another_way(entry: &Entry, oauth: &OAuth) -> bool {
    oauth.secret.is_none() && !sign_in::is_possible(entry) && !entry.about.secrets.is_empty()
}

/// That these credentials are not there, a line each.
pub(super) fn lacking(entry: &Entry, names: &[String]) -> Vec<String> {
    let line = |name: &String| {
        let spec = entry.about.secrets.iter().find(|spec| spec.name == *name);
        match spec.and_then(|spec| spec.description.as_deref()) {
            Some(about) => format!("the secret {name} is not set ({about})"),
            None => format!("the secret {name} is not set"),
        }
    };
    names.iter().map(line).collect()
}

/// The configuration of a server in a workspace: what the person has set, and over it what was set there. Of that, what only
/// the person may set counts only if the person did.
pub(super) fn config_of(errand: &Errand, entry: &Entry) -> Map<String, Value> {
    let mut config = errand.directory.person().config(entry.name.as_str());
    let here = lock(&errand.workspace.chosen).config(entry.name.as_str());
    config.extend(here);
    config
}
