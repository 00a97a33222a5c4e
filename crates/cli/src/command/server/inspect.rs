//! `portolan server inspect NAME`

use serde::Serialize;

use super::label;
use crate::choice::Running;
use crate::error::Failure;
use crate::running::{self, Gateway, Status};
use crate::ui::{Label, Line, Ui};

/// Show everything about one server
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The server
    name: String,
    #[command(flatten)]
    running: Running,
}

#[derive(Serialize)]
struct Inspected {
    gateway: Gateway,
    server: Status,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let (gateway, server) = running::holder(&args.running, &args.name)?;
    let seen = Inspected { gateway, server };
    ui.value(&seen, |ui| {
        let server = &seen.server;
        let row = |mut name: &'static str, label: Label, value: String| {
            // What a server wrote last may be several lines.
            for line in value.lines() {
                ui.data(
                    &Line::new()
                        .put(Label::Heading, format!("{name:<10}"))
                        .put(label, line.to_owned()),
                );
                name = "";
            }
        };
        let pids: Vec<String> = server.pids.iter().map(ToString::to_string).collect();
        row("server", Label::Name, server.name.clone());
        row("state", label(&server.state), server.state.clone());
        row(
            "why",
            Label::Plain,
            server.reason.clone().unwrap_or_default(),
        );
        row("kind", Label::Plain, server.kind.clone());
        row(
            "isolation",
            Label::Plain,
            server.isolation.clone().unwrap_or_default(),
        );
        row("missing", Label::Plain, server.missing.join("\n"));
        row(
            "network",
            Label::Plain,
            server.network.clone().unwrap_or_default(),
        );
        let refused = server
            .refused
            .iter()
            .map(|host| format!("{host} (portolan server allow {} {host})", server.name));
        row(
            "refused",
            Label::Warning,
            refused.collect::<Vec<_>>().join("\n"),
        );
        row("source", Label::Plain, server.source.clone());
        row("tools", Label::Plain, server.tools.to_string());
        row(
            "calls",
            Label::Plain,
            format!("{}, {} failed", server.calls, server.errors),
        );
        row("running", Label::Plain, server.upstreams.to_string());
        row("speaks", Label::Plain, server.versions.join(", "));
        row("processes", Label::Plain, pids.join(", "));
        row(
            "gateway",
            Label::Dim,
            format!("{} (process {})", seen.gateway.id, seen.gateway.pid),
        );
    })
}
