//! `portolan client connect CLIENT`

use std::path::Path;

use clients::{Client, Door, Members};
use config::Settings;

use super::{Done, Which, app, failed, file};
use crate::choice::Choice;
use crate::error::{Failure, Kind};
use crate::load;
use crate::person::quoted;
use crate::profiles;
use crate::running::{self, Gateway};
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
    let (members, running) = members(here, app, args)?;
    let Which { name, dry_run, .. } = &args.which;
    let change = clients::connect(&here.dirs, app, &file.path, name, &members, *dry_run)
        .map_err(|error| failed(&error))?;
    let mut done = Done::new(app, &file, change, *dry_run);
    if done.changed && !dry_run {
        done.next = Some(next(app, args.transport, running.as_ref()));
        done.beside = beside(here, app, &file.path, args.profile.as_deref());
    }
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

/// What is written, and the gateway that listens where it leads, if one does.
fn members(
    here: &Surroundings,
    app: &Client,
    args: &Args,
) -> Result<(Members, Option<Gateway>), Failure> {
    let profile = args.profile.iter();
    let profile: Vec<String> = profile
        .flat_map(|id| ["--profile".to_owned(), id.clone()])
        .collect();
    let mut listening = None;
    let door = match args.transport {
        How::Stdio => Door::Stdio {
            command: std::env::current_exe()
                .map_err(|error| Failure::internal("cannot tell where this program is", error))?,
            args: [&["gateway".to_owned(), "run".to_owned()][..], &profile].concat(),
        },
        How::Http => {
            let settings = load::read(here, &Choice::default(), &[]).settings;
            let (url, gateway) = endpoint(&settings, running::list()?, args.profile.as_deref());
            listening = gateway;
            Door::Http { url }
        }
    };
    app.entry(&args.which.name, &door)
        .map(|members| (members, listening))
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

/// Where the shared gateway listens, or else one with these settings does or would; and which it is, if it runs.
fn endpoint(
    settings: &Settings,
    running: Vec<Gateway>,
    profile: Option<&str>,
) -> (String, Option<Gateway>) {
    let set = of_settings(settings);
    // The endpoint is there beside that of HTTP+SSE, too.
    let address = |gateway: &Gateway| {
        let url = gateway.url.as_deref()?;
        let base = url.strip_suffix("/sse").or(url.strip_suffix("/mcp"))?;
        Some(format!("{base}/mcp"))
    };
    let listening: Vec<(String, Gateway)> = running
        .into_iter()
        .filter_map(|gateway| Some((address(&gateway)?, gateway)))
        .collect();
    let shared = listening.iter().find(|(_, gateway)| gateway.shared);
    let meant = shared.or_else(|| listening.iter().find(|(url, _)| *url == set));
    let (url, gateway) = match meant.cloned() {
        Some((url, gateway)) => (url, Some(gateway)),
        None => (set, None),
    };
    let profile = profile.map(|id| format!("/p/{id}")).unwrap_or_default();
    (url + &profile, gateway)
}

fn of_settings(settings: &Settings) -> String {
    let host = match settings.host.as_str() {
        "0.0.0.0" | "::" | "[::]" => "127.0.0.1",
        host => host,
    };
    let host = match host.contains(':') && !host.starts_with('[') {
        true => format!("[{host}]"),
        false => host.to_owned(),
    };
    let scheme = match settings.tls_cert.is_empty() {
        true => "http",
        false => "https",
    };
    format!("{scheme}://{host}:{}/mcp", settings.port)
}

/// The servers that the application goes on to start by itself, and how they come behind the gateway. None where there are
/// none, or the file is of a form that is not read.
fn beside(here: &Surroundings, app: &Client, file: &Path, profile: Option<&str>) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let (entries, _) = catalog::read_mcp_servers(&text, "").ok()?;
    let names: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).collect();
    if names.is_empty() {
        return None;
    }
    let file = quoted(file);
    let command = match profiles::or_default(here, profile) {
        Some(id) => format!("portolan profile server add {id} --server {file}"),
        None => format!(
            "portolan profile create --name {} --server {file}",
            profiles::DEFAULT
        ),
    };
    Some(format!(
        "{} starts {} by itself. `{command}` puts what stands there behind the gateway, too; then take it out of the file",
        app.title,
        names.join(", ")
    ))
}

fn next(app: &Client, how: How, running: Option<&Gateway>) -> String {
    let first = match (how, running) {
        (How::Stdio, _) => return app.reload.clone(),
        (How::Http, Some(gateway)) if gateway.shared => {
            let pid = gateway.pid;
            format!("the shared gateway listens there already (process {pid}): ")
        }
        (How::Http, Some(gateway)) => format!("{} listens there already: ", gateway.id),
        (How::Http, None) => "start `portolan up`, ".to_owned(),
    };
    format!(
        "{first}set PORTOLAN_AUTH_TOKEN to its token where {} runs, and {}",
        app.title, app.reload
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gateway(id: &str, url: Option<&str>, shared: bool) -> Gateway {
        Gateway {
            id: id.to_owned(),
            pid: 1,
            transport: "streaming".to_owned(),
            url: url.map(str::to_owned),
            version: "1".to_owned(),
            shared,
            socket: Default::default(),
            attach: None,
        }
    }

    #[test]
    fn what_runs_says_where_it_is_before_the_settings_do() {
        let shared = || gateway("shared", Some("http://127.0.0.1:7/mcp"), true);
        let same = || gateway("same", Some("http://127.0.0.1:8811/sse"), false);
        let others = || {
            let other = gateway("other", Some("http://127.0.0.1:9/mcp"), false);
            vec![gateway("stdio", None, false), other]
        };
        for (more, url, id) in [
            (vec![], "http://127.0.0.1:8811/mcp", None),
            (vec![same()], "http://127.0.0.1:8811/mcp", Some("same")),
            (
                vec![same(), shared()],
                "http://127.0.0.1:7/mcp",
                Some("shared"),
            ),
        ] {
            let running = [others(), more].concat();
            let (found, gateway) = endpoint(&Settings::default(), running.clone(), None);
            let found_id = gateway.as_ref().map(|gateway| gateway.id.as_str());
            assert_eq!((found.as_str(), found_id), (url, id));
            let (of_profile, _) = endpoint(&Settings::default(), running, Some("work"));
            assert_eq!(of_profile, format!("{url}/p/work"));
        }
        let mut secured = Settings::default();
        secured.host = "::".to_owned();
        secured.tls_cert = "cert.pem".to_owned();
        let (url, _) = endpoint(&secured, Vec::new(), None);
        assert_eq!(url, "https://127.0.0.1:8811/mcp");
    }
}
