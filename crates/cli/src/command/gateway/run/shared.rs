//! The gateway that all share, as those find it who attach: whether it is the one that they would be, and for another profile one
//! more. Read `attached.rs` for the other end.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use config::running::{self, Hold, SHARED};
use config::{Loaded, Settings};
use gateway::front::Gateway;
use server::attach::{Attach, Hello};
use server::{Pages, Shutdown};

use super::watch::{Reloading, Watch};
use crate::catalogs::Chosen;
use crate::choice::{CatalogChoice, Choice};
use crate::engine::Engine;
use crate::error::{Failure, Kind};
use crate::format::Format;
use crate::limits::{DRAIN_GRACE, SHARED_PROFILES_MAX};
use crate::load::{meant, read};
use crate::log::Log;
use crate::shared::{VERSION, fingerprint};
use crate::surroundings::{Surroundings, terminal};
use crate::ui::{Colour, Ui};

/// See the module.
pub(super) struct Host {
    here: Surroundings,
    settings: Settings,
    /// The profile of the first.
    profile: Option<String>,
    log: Arc<Log>,
    first: Gateway,
    others: RefCell<HashMap<String, Other>>,
    /// There is one at a time.
    _hold: Hold,
}

/// A gateway for another profile.
struct Other {
    gateway: Gateway,
    engine: Engine,
    _watch: Watch,
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
        log: Arc<Log>,
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
            log,
            first,
            others: RefCell::default(),
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
        let host = self.clone();
        let find = move |hello| {
            let host = host.clone();
            async move { host.find(hello).await }
        };
        Ok(async move {
            attach.serve(find, shutdown).await;
            for other in self.others.take().into_values() {
                other.gateway.shutdown(DRAIN_GRACE).await;
                other.engine.finish();
            }
        })
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
        match hello.profile {
            profile if profile == self.profile => Ok(self.first.clone()),
            None => self.other(String::new(), None, loaded),
            Some(profile) => self.other(profile.clone(), Some(profile), loaded),
        }
    }

    /// The gateway for another profile; the first who asks for it starts it.
    fn other(
        &self,
        key: String,
        profile: Option<String>,
        loaded: Loaded,
    ) -> Result<Gateway, String> {
        let mut others = self.others.borrow_mut();
        if let Some(other) = others.get(&key) {
            return Ok(other.gateway.clone());
        }
        if others.len() >= SHARED_PROFILES_MAX {
            return Err(format!(
                "it has {SHARED_PROFILES_MAX} profiles in use already"
            ));
        }
        let other = self
            .start(profile, loaded)
            .map_err(|failure| failure.message().to_owned())?;
        let gateway = other.gateway.clone();
        others.insert(key, other);
        Ok(gateway)
    }

    fn start(&self, profile: Option<String>, mut loaded: Loaded) -> Result<Other, Failure> {
        loaded.settings = self.settings.clone();
        let rules = Arc::new(gateway::Rules::new(loaded.policy.clone()));
        let reloading = Reloading::new(
            self.here.clone(),
            choice(profile.clone()),
            (Vec::new(), loaded.clone()),
            Arc::clone(&self.log),
            Arc::clone(&rules),
        );
        let is_dynamic = self.settings.dynamic_tools;
        let catalogs = is_dynamic.then(|| Chosen::begin(&self.here, &CatalogChoice::default()));
        let engine = Engine::new(self.here.clone(), loaded)
            .rules(rules)
            .dynamic(catalogs)
            .profile(profile)
            .log(Arc::clone(&self.log));
        let ui = Ui::new(Format::Human, Colour::Never, &terminal(&self.here.env));
        let gateway = engine.start(&ui, Some(Arc::new(Pages::on_own_port())))?;
        let _watch = Watch::start(reloading, &gateway)?;
        Ok(Other {
            gateway,
            engine,
            _watch,
        })
    }
}

fn choice(profile: Option<String>) -> Choice {
    Choice {
        profile,
        ..Choice::default()
    }
}
