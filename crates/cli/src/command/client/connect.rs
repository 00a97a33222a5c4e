//! `portolan client connect CLIENT`

use clients::{Client, Door, Members};
use config::Settings;

use super::{Done, Which, app, failed, file};
use crate::choice::Choice;
use crate::error::{Failure, Kind};
use crate::load;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};

/// Write the gateway into the file of an application, and nothing else
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    which: Which,
    /// How it reaches the gateway: stdio starts one for it, http uses the one that runs
    #[arg(long, value_name = "HOW", default_value = "stdio")]
    transport: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum How {
    Stdio,
    Http,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let app = app(&args.which)?;
    let file = file(&here, app, args.which.global)?;
    let members = members(&here, app, args)?;
    let Which { name, dry_run, .. } = &args.which;
    let change = clients::connect(&here.dirs, app, &file.path, name, &members, *dry_run)
        .map_err(|error| failed(&error))?;
    let mut done = Done::new(app, &file, change, *dry_run);
    done.next = (done.changed && !dry_run).then(|| next(app, args.transport));
    ui.value(&done, |ui| {
        let said = match (done.changed, dry_run) {
            (false, _) => " is connected already",
            (true, true) => " would be connected",
            (true, false) => " is connected",
        };
        done.tell(
            ui,
            Line::new().put(Label::Name, app.title.clone()).text(said),
        );
    })
}

fn members(here: &Surroundings, app: &Client, args: &Args) -> Result<Members, Failure> {
    let door = match args.transport {
        How::Stdio => Door::Stdio {
            command: std::env::current_exe()
                .map_err(|error| Failure::internal("cannot tell where this program is", error))?,
            args: vec!["gateway".into(), "run".into()],
        },
        How::Http => Door::Http {
            url: endpoint(&load::read(here, &Choice::default(), &[]).settings),
        },
    };
    app.entry(&args.which.name, &door)
        .ok_or_else(|| match args.transport {
            How::Http => Failure::new(
                Kind::Usage,
                format!(
                    "{} takes no address whose token is not written into its file",
                    app.title
                ),
            )
            .hint("leave --transport out: it then starts a gateway of its own"),
            How::Stdio => Failure::new(Kind::Failed, "the path of this program is no UTF-8")
                .hint("install it in a folder with a plain name"),
        })
}

/// Where a gateway with these settings listens.
fn endpoint(settings: &Settings) -> String {
    let host = match settings.host.as_str() {
        "0.0.0.0" | "::" | "[::]" => "127.0.0.1",
        host => host,
    };
    let host = match host.contains(':') && !host.starts_with('[') {
        true => format!("[{host}]"),
        false => host.to_owned(),
    };
    format!("http://{host}:{}/mcp", settings.port)
}

fn next(app: &Client, how: How) -> String {
    match how {
        How::Stdio => app.reload.clone(),
        How::Http => format!(
            "start `portolan up`, set PORTOLAN_AUTH_TOKEN to its token where {} runs, and {}",
            app.title, app.reload
        ),
    }
}
