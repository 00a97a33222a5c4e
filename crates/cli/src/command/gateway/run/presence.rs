//! A running gateway among others: its place in the registry and its admin socket. Neither is worth dying
//! for: a gateway that cannot be found still serves.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use config::running::{self, Info, Registration};
use gateway::front::Gateway;
use server::admin::Admin;
use server::shutdown::Trigger;
use server::{Profiles, Readiness, Shutdown};

use crate::engine::Engine;
use crate::ui;

/// Until it is dropped.
pub(super) struct Presence {
    id: String,
    /// Removes the files after the socket is closed: the order of the fields is the order of the end.
    trigger: Trigger,
    _registration: Option<Registration>,
}

impl Presence {
    /// Opens the socket, then tells where it is.
    pub(super) fn enter(
        engine: &Engine,
        gateway: &Gateway,
        readiness: Readiness,
        transport: &str,
        address: Option<String>,
        (attach, profiles): (Option<PathBuf>, Option<Arc<dyn Profiles>>),
    ) -> Self {
        let id = engine.id().to_owned();
        let (trigger, shutdown) = Shutdown::new();
        let registration = match open(
            engine,
            gateway,
            readiness,
            (transport, address, attach),
            profiles,
            shutdown,
        ) {
            Ok(registration) => Some(registration),
            Err(error) => {
                ui::write_err(&format!(
                    "portolan: `portolan server` will not find this gateway: {error}\n"
                ));
                None
            }
        };
        Self {
            id,
            trigger,
            _registration: registration,
        }
    }

    /// What `--gateway` takes.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Closes the socket, and is gone.
    pub(super) fn leave(self) {
        self.trigger.now();
    }
}

fn open(
    engine: &Engine,
    gateway: &Gateway,
    readiness: Readiness,
    (transport, address, attach_socket): (&str, Option<String>, Option<PathBuf>),
    profiles: Option<Arc<dyn Profiles>>,
    shutdown: Shutdown,
) -> Result<Registration, Box<dyn std::error::Error>> {
    let (dirs, id) = (&engine.here.dirs, engine.id());
    let socket = dirs.admin_socket(id);
    let info = Info {
        pid: std::process::id(),
        id: id.to_owned(),
        transport: transport.to_owned(),
        address,
        started: SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        admin_socket: socket.clone(),
        attach_socket,
    };
    // The folder is made and the id is ours before the socket is: whoever looks in between finds it refused.
    let registration = running::register(dirs, info)?;
    let admin = Admin::bind(&socket).map_err(|e| format!("{}: {e}", socket.display()))?;
    let admin = admin.beside(profiles);
    tokio::spawn(admin.serve(gateway.clone(), readiness, shutdown));
    Ok(registration)
}
