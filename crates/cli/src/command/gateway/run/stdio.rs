//! The gateway for one client, on stdin and stdout.

use std::io::IsTerminal;
use std::sync::Arc;

use server::{Pages, Readiness, Shutdown, serve_stdio};

use super::presence::Presence;
use super::watch::{Reloading, Watch};
use crate::engine::Engine;
use crate::error::{Failure, Kind};
use crate::limits::DRAIN_GRACE;
use crate::ui::{Label, Line, Ui};

pub(super) async fn run(
    ui: &Ui,
    engine: &Engine,
    watching: Option<Reloading>,
) -> Result<(), Failure> {
    // Looked at before the pipe takes stdin over.
    if ui.err().terminal && std::io::stdin().is_terminal() {
        greet(ui);
    }
    let pipe = transport::stdio::own().map_err(|e| failed(&e))?;
    let shutdown = Shutdown::on_signals().map_err(|e| failed(&e))?;
    let pages = Arc::new(Pages::on_own_port());
    let gateway = engine.start(ui, Some(pages))?;
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
    let mut hurried = shutdown.clone();
    let served = serve_stdio(gateway.clone(), pipe, None, shutdown).await;
    tokio::select! {
        () = gateway.shutdown(DRAIN_GRACE) => {}
        // Told twice: what still stops is killed as everything here is dropped.
        () = hurried.now() => {}
    }
    presence.leave();
    served.map_err(|e| failed(&e))
}

/// Why a client over stdio was not served to its end.
pub(super) fn failed(error: &dyn std::error::Error) -> Failure {
    Failure::new(Kind::Failed, "the client cannot be served").because(error)
}

/// Somebody typed the command: what they see should not be nothing.
pub(super) fn greet(ui: &Ui) {
    for text in [
        "This door is for one AI application, which starts it and speaks MCP over stdin and stdout.",
        "For many clients, over HTTP: --transport streaming. Ctrl-C leaves.",
    ] {
        ui.note(&Line::new().put(Label::Dim, text));
    }
}
