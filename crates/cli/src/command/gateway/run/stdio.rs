//! The gateway for one client, on stdin and stdout.

use server::{Readiness, Shutdown, serve_stdio};

use super::presence::Presence;
use crate::engine::Engine;
use crate::error::{Failure, Kind};
use crate::limits::DRAIN_GRACE;

pub(super) async fn run(engine: &Engine) -> Result<(), Failure> {
    let failed = |e: &dyn std::error::Error| {
        Failure::new(Kind::Failed, "the client cannot be served").because(e)
    };
    let pipe = transport::stdio::own().map_err(|e| failed(&e))?;
    let shutdown = Shutdown::on_signals().map_err(|e| failed(&e))?;
    let gateway = engine.start()?;
    let presence = Presence::enter(engine, &gateway, Readiness::default(), "stdio", None);
    let served = serve_stdio(gateway.clone(), pipe, shutdown).await;
    gateway.shutdown(DRAIN_GRACE).await;
    presence.leave();
    served.map_err(|e| failed(&e))
}
