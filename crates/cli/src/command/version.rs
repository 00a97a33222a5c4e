//! `portolan version`: what this binary is and which protocol revisions it speaks.

use serde::Serialize;

use crate::error::Failure;
use crate::ui::{Label, Line, Ui};

/// Print the version
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

#[derive(Serialize)]
struct Version {
    name: &'static str,
    version: &'static str,
    target: String,
    protocols: Vec<&'static str>,
}

pub(crate) fn run(ui: &Ui, _args: &Args) -> Result<(), Failure> {
    let version = Version {
        name: "portolan",
        version: env!("CARGO_PKG_VERSION"),
        target: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
        protocols: wire::Version::ALL.iter().map(|v| v.as_str()).collect(),
    };
    ui.value(&version, |ui| {
        ui.data(
            &Line::new()
                .put(Label::Heading, "portolan")
                .text(format!(" {} ({})", version.version, version.target)),
        );
        ui.data(
            &Line::new()
                .put(Label::Dim, "MCP ")
                .text(version.protocols.join(", ")),
        );
    })
}
