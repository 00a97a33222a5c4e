//! The profiles of one HTTP gateway, each a gateway of its own, at `/mcp/p/<profile>` and for those who attach to the shared one: made
//! when somebody first asks for it, with its own servers and lists, and taking up the changes of its file. Owns which there are. What
//! they have in common (store, records, callers) is that of the first (`Engine::beside`).

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use catalog::ServerName;
use gateway::front::Gateway;
use server::{Absent, Found};
use tokio::sync::{mpsc, oneshot};

use super::watch::{Reloading, Watch};
use crate::choice::Choice;
use crate::engine::Engine;
use crate::limits::{PROFILE_ASKS_MAX, PROFILES_MAX, QUICK_GRACE};
use crate::load::{meant, place, read, stops};
use crate::log::{Log, Notice};
use crate::surroundings::Surroundings;
use crate::ui::Ui;

/// Whose servers; none: those that there are without a profile, where the first gateway has one.
pub(super) type Whose = Option<ServerName>;

/// What the doors know of them.
pub(super) struct Profiles {
    here: Surroundings,
    known: Mutex<HashMap<Whose, Gateway>>,
    asks: mpsc::Sender<Ask>,
}

/// Somebody waits for the gateway of a profile.
struct Ask {
    profile: Whose,
    answer: oneshot::Sender<Result<Gateway, Absent>>,
}

/// Makes them. Lives where the first gateway was made.
pub(super) struct Maker {
    profiles: Arc<Profiles>,
    asked: mpsc::Receiver<Ask>,
    how: How,
}

/// How everything is read for the first gateway, and so for these.
#[derive(Clone)]
pub(super) struct How {
    pub(super) choice: Choice,
    pub(super) flags: Vec<(String, String)>,
    pub(super) log: Arc<Log>,
}

/// One that is there. It takes up changes until it is dropped.
struct Made {
    gateway: Gateway,
    engine: Engine,
    _watch: Watch,
}

pub(super) fn of(here: &Surroundings, how: How) -> (Arc<Profiles>, Maker) {
    let (asks, asked) = mpsc::channel(PROFILE_ASKS_MAX);
    let profiles = Arc::new(Profiles {
        here: here.clone(),
        known: Mutex::default(),
        asks,
    });
    let maker = Maker {
        profiles: Arc::clone(&profiles),
        asked,
        how,
    };
    (profiles, maker)
}

impl Profiles {
    /// The gateway of a profile; the first who asks for it has it made.
    pub(super) async fn of(&self, profile: Whose) -> Result<Gateway, Absent> {
        let known = self.known().get(&profile).cloned();
        match known {
            Some(gateway) if self.is_there(&profile) => return Ok(gateway),
            None if !self.is_there(&profile) => return Err(Absent::Unknown),
            // To be made, or to be ended because its file is gone.
            _ => {}
        }
        let (answer, answered) = oneshot::channel();
        let gone = |_| Absent::Broken("the gateway is about to end".to_owned());
        let ask = Ask { profile, answer };
        self.asks.try_send(ask).map_err(|_| {
            Absent::Broken("too many profiles are asked for at once; try again".to_owned())
        })?;
        answered.await.map_err(gone)?
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Whose, Gateway>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_there(&self, profile: &Whose) -> bool {
        let file = |profile| config::profile_file(&self.here.dirs, profile);
        profile
            .as_ref()
            .is_none_or(|profile| file(profile).exists())
    }
}

impl server::Profiles for Profiles {
    fn gateway<'p>(&'p self, profile: &'p str) -> Found<'p> {
        Box::pin(async move {
            let profile = ServerName::new(profile).map_err(|_| Absent::Unknown)?;
            self.of(Some(profile)).await
        })
    }

    fn all(&self) -> Vec<Gateway> {
        self.known().values().cloned().collect()
    }
}

impl Maker {
    /// Makes what is asked for, one after the other.
    pub(super) async fn run(
        mut self,
        ui: &Ui,
        first: &Engine,
        pages: Arc<dyn gateway::Pages>,
    ) -> Infallible {
        let mut made: HashMap<Whose, Made> = HashMap::new();
        while let Some(Ask { profile, answer }) = self.asked.recv().await {
            let found = match (made.get(&profile), self.profiles.is_there(&profile)) {
                (Some(known), true) => Ok(known.gateway.clone()),
                (None, false) => Err(Absent::Unknown),
                (Some(_), false) => {
                    self.profiles.known().remove(&profile);
                    if let Some(gone) = made.remove(&profile) {
                        gone.gateway.shutdown(QUICK_GRACE).await;
                        gone.engine.finish();
                    }
                    Err(Absent::Unknown)
                }
                (None, true) if made.len() >= PROFILES_MAX => Err(Absent::Broken(format!(
                    "{PROFILES_MAX} others are in use, which is the most; a gateway of its own serves it"
                ))),
                (None, true) => {
                    let one = self.make(ui, first, &profile, Arc::clone(&pages));
                    one.map(|one| {
                        let gateway = one.gateway.clone();
                        let known = gateway.clone();
                        self.profiles.known().insert(profile.clone(), known);
                        made.insert(profile, one);
                        gateway
                    })
                }
            };
            // Who asked may have gone.
            let _ = answer.send(found);
        }
        // The door has one end of the channel for as long as it serves.
        std::future::pending().await
    }

    fn make(
        &self,
        ui: &Ui,
        first: &Engine,
        profile: &Whose,
        pages: Arc<dyn gateway::Pages>,
    ) -> Result<Made, Absent> {
        let How { choice, flags, log } = self.how.clone();
        let here = first.here.clone();
        let choice = Choice {
            profile: profile.as_ref().map(ToString::to_string),
            ..choice
        };
        let mut loaded = read(&here, &choice, &flags);
        if let Some(problem) = loaded.problems.iter().find(|problem| stops(problem)) {
            return Err(Absent::Broken(place(problem)));
        }
        for problem in &loaded.problems {
            log.notice(Notice {
                is_warning: true,
                target: "profile",
                message: place(problem),
                hint: problem.hint.clone(),
                members: vec![("profile", choice.profile.as_deref().into())],
            });
        }
        loaded.entries = meant(loaded.entries, &choice);
        let broken = |failure: crate::error::Failure| Absent::Broken(failure.message().to_owned());
        let engine = first.beside(loaded.clone(), choice.profile.clone());
        let gateway = engine.start(ui, Some(pages)).map_err(broken)?;
        let rules = engine.own_rules();
        let reloading = Reloading::new(here, choice, (flags, loaded), log, rules);
        let watch = Watch::start(reloading, &gateway).map_err(broken)?;
        Ok(Made {
            gateway,
            engine,
            _watch: watch,
        })
    }
}
