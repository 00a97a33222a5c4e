//! The gateway of the demo: on a free port of this machine, with a token of its own.

use std::sync::Arc;

use config::token::Token;
use gateway::front::Gateway;
use server::shutdown::Trigger;
use server::{Auth, Options, Server, Shutdown};
use tokio::task::JoinHandle;

use crate::engine::{Engine, Memory};
use crate::error::{Failure, Kind};
use crate::limits::QUICK_GRACE;
use crate::surroundings::Surroundings;
use crate::ui::Ui;

/// A gateway that serves until it is stopped.
pub(super) struct Serving {
    gateway: Gateway,
    url: String,
    token: Arc<Token>,
    trigger: Trigger,
    served: JoinHandle<Result<(), server::ServeError>>,
}

impl Serving {
    /// Opens the door.
    pub(super) async fn start(
        ui: &Ui,
        here: Surroundings,
        loaded: config::Loaded,
    ) -> Result<Self, Failure> {
        let gateway = Engine::new(here, loaded)
            .patient(Memory::Learnt)
            .start(ui, None)?;
        let token =
            Arc::new(Token::random().map_err(|e| Failure::internal("there is no token", e))?);
        let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        let mut options = Options::new(listen, Auth::Token(Arc::clone(&token)));
        options.drain = QUICK_GRACE;
        let failed = |e| Failure::new(Kind::Failed, "the gateway does not start").because(&e);
        let server = Server::bind(options).await.map_err(failed)?;
        let address = server.addresses().first().copied().unwrap_or(listen);
        let (trigger, shutdown) = Shutdown::new();
        let served = tokio::task::spawn_local(server.serve(gateway.clone(), shutdown));
        Ok(Self {
            gateway,
            url: format!("http://{address}/mcp"),
            token,
            trigger,
            served,
        })
    }

    /// Where it is.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// What it asks for.
    pub(super) fn token(&self) -> &str {
        self.token.reveal()
    }

    /// How they are kept from the rest of this machine.
    pub(super) fn isolation(&self) -> Option<String> {
        self.gateway
            .servers()
            .into_iter()
            .find_map(|server| server.isolation)
    }

    /// Servers that do not work, and why.
    pub(super) fn broken(&self) -> Vec<(String, String)> {
        let failed = self
            .gateway
            .servers()
            .into_iter()
            .filter(|s| s.state == "failed");
        failed
            .map(|s| {
                (
                    s.name,
                    s.reason.unwrap_or_else(|| "it does not say why".into()),
                )
            })
            .collect()
    }

    /// Closes the door and stops the servers.
    pub(super) async fn stop(self) -> Result<(), Failure> {
        self.trigger.drain();
        match self.served.await {
            Ok(served) => served.map_err(|e| {
                Failure::new(Kind::Failed, "the gateway did not end well").because(&e)
            }),
            Err(e) => Err(Failure::internal("the gateway did not end well", e)),
        }
    }
}
