//! `portolan client connect CLIENT`

use clients::{Client, Door, Members};
use config::Settings;

use super::{Done, Which, app, failed, file};
use crate::choice::Choice;
use crate::error::{Failure, Kind};
use crate::load;
use crate::profiles;
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
    /// With the servers of this profile, beside the configured ones
    #[arg(long, value_name = "ID")]
    profile: Option<String>,
    /// Say nothing when it is done
    #[arg(long, short)]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum How {
    Stdio,
    Http,
}

/// An application that can be connected.
pub(in crate::command) fn client(name: &str) -> Result<&'static Client, Failure> {
    app(name)
}

/// Connects an application to a profile, over stdio, in the file of the person.
pub(in crate::command) fn to_profile(
    ui: &Ui,
    here: &Surroundings,
    app: &'static Client,
    profile: &str,
) -> Result<(), Failure> {
    let args = Args {
        which: Which {
            client: app.id.clone(),
            global: true,
            name: super::NAME.to_owned(),
            dry_run: false,
        },
        transport: How::Stdio,
        profile: Some(profile.to_owned()),
        quiet: false,
    };
    connect(ui, here, app, &args)
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    if let Some(profile) = &args.profile {
        profiles::get(&here, profile)?;
    }
    connect(ui, &here, app(&args.which.client)?, args)
}

fn connect(ui: &Ui, here: &Surroundings, app: &'static Client, args: &Args) -> Result<(), Failure> {
    let file = file(here, app, args.which.global)?;
    let members = members(here, app, args)?;
    let Which { name, dry_run, .. } = &args.which;
    let change = clients::connect(&here.dirs, app, &file.path, name, &members, *dry_run)
        .map_err(|error| failed(&error))?;
    let mut done = Done::new(app, &file, change, *dry_run);
    done.next = (done.changed && !dry_run).then(|| next(app, args.transport));
    if args.quiet {
        return Ok(());
    }
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
    let profile = args.profile.iter();
    let profile: Vec<String> = profile
        .flat_map(|id| ["--profile".to_owned(), id.clone()])
        .collect();
    let door = match args.transport {
        How::Stdio => Door::Stdio {
            command: std::env::current_exe()
                .map_err(|error| Failure::internal("cannot tell where this program is", error))?,
            args: [&["gateway".to_owned(), "run".to_owned()][..], &profile].concat(),
        },
        How::Http => Door::Http {
            url: endpoint(
                &load::read(here, &Choice::default(), &[]).settings,
                args.profile.as_deref(),
            ),
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
fn endpoint(settings: &Settings, profile: Option<&str>) -> String {
    let host = match settings.host.as_str() {
        "0.0.0.0" | "::" | "[::]" => "127.0.0.1",
        host => host,
    };
    let host = match host.contains(':') && !host.starts_with('[') {
        true => format!("[{host}]"),
        false => host.to_owned(),
    };
    let profile = profile.map(|id| format!("/p/{id}")).unwrap_or_default();
    format!("http://{host}:{}/mcp{profile}", settings.port)
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
