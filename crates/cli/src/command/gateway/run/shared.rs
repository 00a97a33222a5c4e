//! The gateway that all share, as those find it who attach: whether it is the one that they would be, and for another profile the
//! one of that (`profiles.rs`). Read `attached.rs` for the other end.

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use catalog::ServerName;
use config::Settings;
use config::running::{self, Hold, SHARED};
use gateway::front::Gateway;
use server::Shutdown;
use server::attach::{Attach, Hello};

use super::profiles::Profiles;
use crate::choice::Choice;
use crate::engine::Engine;
use crate::error::{Failure, Kind};
use crate::load::{meant, read};
use crate::shared::{VERSION, fingerprint};
use crate::surroundings::Surroundings;

/// See the module.
pub(super) struct Host {
    here: Surroundings,
    settings: Settings,
    /// The profile of the first.
    profile: Option<String>,
    profiles: Arc<Profiles>,
    first: Gateway,
    /// There is one at a time.
    _hold: Hold,
}

/// Takes the place that there is one of.
pub(super) fn hold(here: &Surroundings) -> Result<Hold, Failure> {
    running::hold(&here.dirs, SHARED.to_owned()).map_err(|error| match error {
        running::RunningError::Id { .. } => {
            Failure::new(Kind::Failed, "a shared gateway is running already")
                .hint("portolan down stops it, portolan status shows it")
        }
        error => Failure::new(Kind::Config, "nobody would find the shared gateway").because(&error),
    })
}

impl Host {
    pub(super) fn new(
        engine: &Engine,
        settings: &Settings,
        profile: Option<String>,
        profiles: Arc<Profiles>,
        first: Gateway,
        hold: Hold,
    ) -> Rc<Self> {
        Rc::new(Self {
            // It works for clients everywhere, so nothing of where it was started counts.
            here: Surroundings {
                cwd: None,
                ..engine.here.clone()
            },
            settings: settings.clone(),
            profile,
            profiles,
            first,
            _hold: hold,
        })
    }

    /// Opens the socket at once, and serves those who attach until told to stop.
    pub(super) fn serve(
        self: Rc<Self>,
        socket: PathBuf,
        shutdown: Shutdown,
    ) -> Result<impl Future<Output = ()>, Failure> {
        let attach = Attach::bind(&socket).map_err(|error| {
            let message = format!("nobody can attach at {}", socket.display());
            Failure::new(Kind::Failed, message).because(&error)
        })?;
        let find = move |hello| {
            let host = self.clone();
            async move { host.find(hello).await }
        };
        Ok(attach.serve(find, shutdown))
    }

    async fn find(&self, hello: Hello) -> Result<Gateway, String> {
        if hello.version != VERSION {
            return Err(format!(
                "it is of version {VERSION}, this is {}",
                hello.version
            ));
        }
        let (here, profile) = (self.here.clone(), hello.profile.clone());
        let loaded = tokio::task::spawn_blocking(move || {
            let choice = choice(profile);
            let mut loaded = read(&here, &choice, &[]);
            loaded.entries = meant(loaded.entries, &choice);
            loaded
        });
        let loaded = loaded.await.map_err(|error| error.to_string())?;
        // Its settings are those that it was started with; everything else it has taken up, or is about to.
        if fingerprint(&self.here, &self.settings, &loaded) != hello.fingerprint {
            return Err("it was started with other settings, variables or servers".to_owned());
        }
        if hello.profile == self.profile {
            return Ok(self.first.clone());
        }
        let whose = hello.profile.as_deref().map(ServerName::new).transpose();
        let whose = whose.map_err(|error| error.to_string())?;
        let found = self.profiles.of(whose).await;
        found.map_err(|absent| absent.to_string())
    }
}

fn choice(profile: Option<String>) -> Choice {
    Choice {
        profile,
        ..Choice::default()
    }
}
