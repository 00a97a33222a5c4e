//! A client that came over stdio is handed on to the gateway that all share, where that runs and is the same as the one that we
//! would be. Where it ends, another one takes its place, or one of our own. Read `server::relay` for what the client notices.

use std::io::IsTerminal;
use std::sync::Arc;

use config::Loaded;
use server::attach::{AttachError, Hello, attach};
use server::{Pages, Readiness, Shutdown, relay, serve_stdio};
use transport::{Pipe, memory};

use super::Args;
use super::presence::Presence;
use super::stdio::{failed, greet};
use super::watch::{Reloading, Watch};
use crate::engine::Engine;
use crate::error::Failure;
use crate::limits::DRAIN_GRACE;
use crate::log::Notice;
use crate::shared::{self, VERSION, depends_on_folder};
use crate::surroundings::Surroundings;
use crate::ui::Ui;

/// What to say to the shared gateway; none where this client is to have one of its own.
pub(super) fn hello(here: &Surroundings, args: &Args, loaded: &Loaded) -> Option<Hello> {
    if args.private || !args.is_plain() || loaded.entries.iter().any(depends_on_folder) {
        return None;
    }
    let fingerprint = shared::fingerprint(here, &loaded.settings, loaded);
    let profile = args.choice.profile.clone();
    Some(Hello::new(VERSION, profile, fingerprint, here.cwd.clone()))
}

/// Attaches, where there is something to attach to. That one refuses is told: somebody may wonder why their servers run twice.
pub(super) async fn find(engine: &Engine, hello: &Hello) -> Option<Pipe> {
    let gateway = shared::running().ok().flatten()?;
    if gateway.version != VERSION {
        let version = &gateway.version;
        let why = format!("it is of version {version}, this is {VERSION}");
        tell(engine, &why, "portolan down, then portolan up");
        return None;
    }
    match attach(gateway.attach.as_deref()?, hello).await {
        Ok(pipe) => Some(pipe),
        // It is just about to end.
        Err(AttachError::Io(_)) => None,
        Err(refused) => {
            tell(engine, &refused.to_string(), "portolan doctor");
            None
        }
    }
}

fn tell(engine: &Engine, why: &str, hint: &str) {
    engine.notice(Notice {
        is_warning: true,
        target: "gateway",
        message: format!("this client has a gateway of its own, not the shared one: {why}"),
        hint: Some(hint.to_owned()),
        members: Vec::new(),
    });
}

pub(super) async fn run(
    ui: &Ui,
    engine: &Engine,
    watching: Option<Reloading>,
    hello: &Hello,
    first: Pipe,
) -> Result<(), Failure> {
    if ui.err().terminal && std::io::stdin().is_terminal() {
        greet(ui);
    }
    let client = transport::stdio::own().map_err(|e| failed(&e))?;
    let shutdown = Shutdown::on_signals().map_err(|e| failed(&e))?;
    let mut hurried = shutdown.clone();
    let mut watching = watching;
    let mut own: Option<Own> = None;
    let until = shutdown.clone();
    let next = async || {
        if own.is_some() {
            return None;
        }
        if let Some(pipe) = find(engine, hello).await {
            return Some(pipe);
        }
        let (pipe, started) = Own::start(ui, engine, watching.take(), until.clone()).ok()?;
        own = Some(started);
        Some(pipe)
    };
    let served = relay(client, first, next, shutdown).await;
    if let Some(own) = own {
        tokio::select! {
            () = own.gateway.shutdown(DRAIN_GRACE) => {}
            () = hurried.now() => {}
        }
        own.presence.leave();
    }
    served.map_err(|e| failed(&e))
}

/// A gateway of our own, in the place of one that is gone.
struct Own {
    gateway: gateway::front::Gateway,
    presence: Presence,
    _watch: Option<Watch>,
}

impl Own {
    fn start(
        ui: &Ui,
        engine: &Engine,
        watching: Option<Reloading>,
        shutdown: Shutdown,
    ) -> Result<(Pipe, Self), Failure> {
        engine.notice(Notice {
            is_warning: true,
            target: "gateway",
            message: "the shared gateway is gone; this client goes on with one of its own".into(),
            hint: Some("portolan up starts it again, for clients that start then".into()),
            members: Vec::new(),
        });
        let gateway = engine.start(ui, Some(Arc::new(Pages::on_own_port())))?;
        let _watch = watching
            .map(|reloading| Watch::start(reloading, &gateway))
            .transpose()?;
        let presence = Presence::enter(
            engine,
            &gateway,
            Readiness::default(),
            "stdio",
            None,
            (None, None),
        );
        let (ours, theirs) = memory::pair();
        tokio::task::spawn_local(serve_stdio(gateway.clone(), theirs, None, shutdown));
        let own = Self {
            gateway,
            presence,
            _watch,
        };
        Ok((ours, own))
    }
}
