//! `portolan server logs NAME`

use serde::{Deserialize, Serialize};

use crate::admin::segment;
use crate::choice::Running;
use crate::error::Failure;
use crate::running;
use crate::ui::{Label, Line, Ui};

/// Show the last lines that a server wrote on stderr
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The server
    name: String,
    /// How many lines
    #[arg(long, short = 'n', default_value_t = 100, value_name = "N")]
    lines: usize,
    #[command(flatten)]
    running: Running,
}

#[derive(Deserialize, Serialize)]
struct Lines {
    lines: Vec<String>,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let (gateway, _) = running::holder(&args.running, &args.name)?;
    let target = format!("/servers/{}/logs?lines={}", segment(&args.name), args.lines);
    let answer = running::ask(&gateway, "GET", &target)?;
    let lines: Lines = serde_json::from_str(&answer.body).map_err(|e| {
        Failure::internal(
            format!("gateway `{}` answered something else", gateway.id),
            e,
        )
    })?;
    ui.value(&lines, |ui| {
        if lines.lines.is_empty() {
            let said = format!("{} has written nothing on stderr.", args.name);
            ui.note(&Line::new().put(Label::Dim, said));
        }
        ui.document(&lines.lines.join("\n"));
    })
}
