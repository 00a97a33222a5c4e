//! `portolan tools approve SERVER [TOOL]`

use serde_json::json;

use super::pins::{kept, open};
use crate::error::{Failure, Kind};
use crate::surroundings::Surroundings;
use crate::tool::did_you_mean;
use crate::ui::{Label, Line, Ui};

/// Agree to what tools are now: they are used again, and compared with that from now on
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portolan tools pins github                      what has changed
  portolan tools approve github create_issue
  portolan tools approve github --all")]
pub(crate) struct Args {
    /// The server
    server: String,

    /// The tools
    #[arg(required_unless_present = "all")]
    tool: Vec<String>,

    /// All of them that have changed
    #[arg(long, conflicts_with = "tool")]
    all: bool,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let mut store = open(&here)?;
    let kept = kept(&store, Some(&args.server))?;
    if kept.is_empty() {
        let said = format!("no tool of a server `{}` was ever seen", args.server);
        return Err(
            Failure::new(Kind::NotFound, said).hint("`portolan tools pins --all` shows them")
        );
    }
    let mut approved = Vec::new();
    for mut one in kept {
        let changed = one
            .pins
            .tools
            .iter()
            .filter(|(_, pinned)| pinned.changed.is_some());
        let changed: Vec<String> = changed.map(|(tool, _)| tool.clone()).collect();
        let wanted = changed
            .iter()
            .filter(|tool| args.all || args.tool.contains(tool));
        let wanted: Vec<String> = wanted.cloned().collect();
        if wanted.iter().filter(|tool| one.pins.approve(tool)).count() > 0 {
            store
                .meta_put(&one.key, &one.pins.written())
                .map_err(|error| {
                    Failure::new(Kind::Failed, "what you agree to cannot be kept").because(&error)
                })?;
        }
        approved.extend(wanted);
        if let Some(unknown) = args
            .tool
            .iter()
            .find(|tool| !one.pins.tools.contains_key(*tool))
        {
            let known = one.pins.tools.keys().map(String::as_str);
            let said = format!("server `{}` has no tool `{unknown}`", args.server);
            return Err(Failure::new(Kind::NotFound, said).hints_from(did_you_mean(unknown, known)));
        }
    }
    let said = match approved.len() {
        0 => "nothing has changed".to_owned(),
        1 => format!("{} is used as it is now", approved[0]),
        count => format!("{count} tools are used as they are now"),
    };
    let facts = json!({"server": args.server, "approved": approved});
    let line = Line::new().put(Label::Dim, format!("{}: {said}", args.server));
    ui.done(&facts, &line)
}
