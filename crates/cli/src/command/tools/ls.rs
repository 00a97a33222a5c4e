//! `portolan tools ls`

use crate::choice::Choice;
use crate::engine::{self, Memory};
use crate::error::Failure;
use crate::tool;
use crate::ui::{Line, Ui};

/// List the tools of the configured servers
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) choice: Choice,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let tools = engine::with(ui, &args.choice, Memory::Fresh, async |_, tools| Ok(tools))?;
    if ui.format() != crate::format::Format::Human {
        return ui.raw(&tool::to_json(&tools));
    }
    if tools.is_empty() {
        ui.note(&Line::new().text("No tools."));
        return Ok(());
    }
    ui.table(&tool::table(&tools));
    Ok(())
}
