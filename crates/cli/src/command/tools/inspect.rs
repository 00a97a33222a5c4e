//! `portolan tools inspect NAME`

use crate::arguments::schema;
use crate::choice::Choice;
use crate::engine::{self, Memory};
use crate::error::Failure;
use crate::tool::{self, Tool};
use crate::ui::{Label, Line, Table, Ui};

/// Show one tool: what it does and what it wants
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The tool, as `tools ls` shows it, or server:tool
    name: String,
    #[command(flatten)]
    pub(super) choice: Choice,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let tools = engine::with(ui, &args.choice, Memory::Fresh, async |_, tools| Ok(tools))?;
    let tool = tool::find(&tools, &args.name)?;
    if ui.format() != crate::format::Format::Human {
        return ui.raw(&tool.raw);
    }
    show(ui, tool);
    Ok(())
}

fn show(ui: &Ui, tool: &Tool) {
    let server = tool
        .server
        .as_ref()
        .map_or_else(String::new, |s| format!("  (server {s})"));
    ui.data(
        &Line::new()
            .put(Label::Name, tool.name.clone())
            .put(Label::Dim, server),
    );
    for line in [&tool.title, &tool.description]
        .into_iter()
        .filter(|t| !t.is_empty())
        .flat_map(|t| t.trim().lines())
    {
        ui.data(&Line::new().text(line.to_owned()));
    }
    let traits = tool.traits();
    if !traits.is_empty() {
        ui.data(&Line::new().put(Label::Dim, traits.join(", ")));
    }
    let schema = tool.schema();
    let properties = schema::properties(&schema);
    ui.data(&Line::new());
    if properties.is_empty() {
        ui.data(&Line::new().text("It takes no arguments."));
        return;
    }
    let mut table = Table::new(&["argument", "type", "", "description"]);
    for property in &properties {
        table.row([
            (Label::Name, property.name.to_owned()),
            (Label::Plain, property.wants()),
            (
                Label::Dim,
                if property.required {
                    "required".into()
                } else {
                    String::new()
                },
            ),
            (Label::Plain, property.description().to_owned()),
        ]);
    }
    ui.table(&table);
}
