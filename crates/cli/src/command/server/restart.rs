//! `portolan server restart NAME`

use serde::Serialize;

use crate::admin::segment;
use crate::choice::Running;
use crate::error::Failure;
use crate::running;
use crate::ui::{Label, Line, Ui};

/// Stop a server; the next call starts it again
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The server
    name: String,
    #[command(flatten)]
    running: Running,
}

#[derive(Serialize)]
struct Done<'a> {
    gateway: &'a str,
    server: &'a str,
    done: &'static str,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let (gateway, _) = running::holder(&args.running, &args.name)?;
    running::ask(
        &gateway,
        "POST",
        &format!("/servers/{}/restart", segment(&args.name)),
    )?;
    let done = Done {
        gateway: &gateway.id,
        server: &args.name,
        done: "restart",
    };
    ui.value(&done, |ui| {
        ui.note(
            &Line::new()
                .put(Label::Name, args.name.clone())
                .text(" stopped; the next call starts it again"),
        );
    })
}
