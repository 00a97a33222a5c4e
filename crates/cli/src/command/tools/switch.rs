//! `portolan tools enable` and `disable`: which tools the profile offers that is used where none is named. `profile tools` does the
//! same for any profile, by server and tool.

use catalog::Profile;
use serde::Serialize;

use crate::error::{Failure, Kind};
use crate::profiles::{self, DEFAULT};
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};

/// Choose tools by their names alone
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which tools, as their servers call them
    #[arg(value_name = "TOOL", required = true)]
    tools: Vec<String>,
    /// The server whose tools they are [default: whichever is known to have them]
    #[arg(long, value_name = "NAME")]
    server: Option<String>,
    /// Of which profile
    #[arg(long, value_name = "ID", default_value = DEFAULT)]
    profile: String,
}

#[derive(Serialize)]
struct Done<'a> {
    profile: &'a str,
    enabled: bool,
    tools: Vec<Switched>,
}

#[derive(Serialize)]
struct Switched {
    server: String,
    tool: String,
}

pub(crate) fn run(ui: &Ui, args: &Args, on: bool) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let tools = profiles::change(&here, &args.profile, |profile| {
        let mut switched = Vec::new();
        for tool in &args.tools {
            let server = owner(profile, tool, args.server.as_deref())?;
            if let Some(server) = profile.get_mut(&server) {
                match on {
                    true => server.enable(Some(tool)),
                    false => server.disable(Some(tool)),
                }
            }
            switched.push(Switched {
                server,
                tool: tool.clone(),
            });
        }
        Ok(switched)
    })?;
    let done = Done {
        profile: &args.profile,
        enabled: on,
        tools,
    };
    ui.value(&done, |ui| {
        let word = if on { "on" } else { "off" };
        for one in &done.tools {
            let line = Line::new().put(Label::Name, format!("{}.{}", one.server, one.tool));
            ui.note(&line.text(format!(" is {word} in the profile {}", done.profile)));
        }
    })
}

/// The server of the profile that has this tool.
fn owner(profile: &Profile, tool: &str, named: Option<&str>) -> Result<String, Failure> {
    if let Some(name) = named {
        return match profile.get(name) {
            Some(server) => Ok(server.entry.name.to_string()),
            None => Err(profiles::no_server(profile, name)),
        };
    }
    let has_it = |server: &&catalog::ProfileServer| {
        let mut known = server.entry.about.tools.iter();
        known.any(|known| known.name.eq_ignore_ascii_case(tool))
    };
    let mut owners = profile.servers.iter().filter(has_it);
    match (owners.next(), owners.next()) {
        (Some(one), None) => Ok(one.entry.name.to_string()),
        (Some(one), Some(other)) => {
            let message = format!(
                "`{tool}` is a tool of both {} and {}",
                one.entry.name, other.entry.name
            );
            Err(Failure::new(Kind::Usage, message).hint("say which with --server NAME"))
        }
        (None, _) => {
            let message = format!(
                "no server of the profile `{}` is known to have a tool `{tool}`",
                profile.name
            );
            Err(Failure::new(Kind::NotFound, message)
                .hint("if it has it all the same, say which server with --server NAME"))
        }
    }
}
