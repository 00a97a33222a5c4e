//! `portolan tools ls`

use crate::choice::Choice;
use crate::engine;
use crate::error::Failure;
use crate::tool::{self, Tool};
use crate::ui::{Label, Line, Table, Ui};

/// List the tools of the configured servers
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    choice: Choice,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let tools = engine::with(ui, &args.choice, async |local| local.tools().await)?;
    if ui.format() != crate::format::Format::Human {
        return ui.raw(&tool::to_json(&tools));
    }
    if tools.is_empty() {
        ui.note(&Line::new().text("No tools."));
        return Ok(());
    }
    let mut table = Table::new(&["tool", "server", "description"]);
    for tool in &tools {
        table.row([
            (Label::Name, tool.name.clone()),
            (Label::Dim, tool.server.clone().unwrap_or_default()),
            (Label::Plain, tool.summary().to_owned()),
        ]);
    }
    ui.table(&table);
    Ok(())
}

impl Tool {
    fn summary(&self) -> &str {
        let text = if self.description.is_empty() {
            &self.title
        } else {
            &self.description
        };
        text.trim().lines().next().unwrap_or_default()
    }
}
