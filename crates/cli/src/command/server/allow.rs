//! `portolan server allow`: which hosts a server may reach beyond what its entry says.

use catalog::ServerName;
use egress::AllowList;
use serde::Serialize;

use crate::admin::segment;
use crate::choice::Running;
use crate::error::{Failure, Kind};
use crate::running;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};

/// Let a server reach hosts, beyond what its entry names
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portolan server allow weather api.weather.example
  portolan server allow notes '*.example.org:8443'
  portolan server allow wiki wiki.lan:8080=192.168.1.20     # the only way to an address of your own network
  portolan server allow weather                             # what it may reach
  portolan server allow weather api.weather.example --remove")]
pub(crate) struct Args {
    /// The server
    name: String,

    /// host, host:port, *.host, or host:port=address; without one, those that are allowed are listed
    #[arg(value_name = "HOST")]
    hosts: Vec<String>,

    /// Take that back
    #[arg(long, requires = "hosts")]
    remove: bool,

    #[command(flatten)]
    running: Running,
}

#[derive(Serialize)]
struct Shown {
    server: String,
    allow: Vec<String>,
    never: Vec<String>,
    /// The gateways in which it was stopped, to start with this.
    restarted: Vec<String>,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let name = ServerName::new(&args.name).map_err(|error| Failure::usage(error.to_string()))?;
    AllowList::parse(&args.hosts).map_err(|error| Failure::usage(error.to_string()))?;
    let failed = |problem: catalog::Problem| Failure::new(Kind::Config, problem.to_string());
    let reach = match args.hosts.is_empty() {
        true => config::load_reaches(&here.dirs)
            .map_err(failed)?
            .remove(name.as_str())
            .unwrap_or_default(),
        false => change(&here, name.as_str(), args).map_err(failed)??,
    };
    let restarted = match args.hosts.is_empty() {
        true => Vec::new(),
        false => restart(&args.running, name.as_str()),
    };
    let shown = Shown {
        server: name.to_string(),
        allow: reach.allow,
        never: reach.never,
        restarted,
    };
    ui.value(&shown, |ui| tell(ui, args, &shown))
}

fn change(
    here: &Surroundings,
    name: &str,
    args: &Args,
) -> Result<Result<config::Reach, Failure>, catalog::Problem> {
    config::change_reaches(&here.dirs, |all| {
        let reach = all.entry(name.to_owned()).or_default();
        for host in &args.hosts {
            let was_known = reach.allow.contains(host);
            reach.allow.retain(|known| known != host);
            reach.never.retain(|known| known != host);
            match args.remove {
                true if !was_known => {
                    return Err(Failure::new(
                        Kind::NotFound,
                        format!("`{host}` was not allowed to {name}"),
                    )
                    .hint(format!("`portolan server allow {name}` lists what was; what its entry names is changed there")));
                }
                true => {}
                false => reach.allow.push(host.clone()),
            }
        }
        // It counts as a whole, or not at all.
        AllowList::parse(&reach.allow).map_err(|error| Failure::usage(error.to_string()))?;
        Ok(reach.clone())
    })
}

/// What runs has the doors that it was started with.
fn restart(which: &Running, name: &str) -> Vec<String> {
    let gateways = running::meant(which).unwrap_or_default();
    let restarted = gateways.into_iter().filter(|gateway| {
        running::ask(
            gateway,
            "POST",
            &format!("/servers/{}/restart", segment(name)),
        )
        .is_ok()
    });
    restarted.map(|gateway| gateway.id).collect()
}

fn tell(ui: &Ui, args: &Args, shown: &Shown) {
    let line = |text: String| {
        Line::new()
            .put(Label::Name, shown.server.clone())
            .text(text)
    };
    if args.hosts.is_empty() {
        for host in &shown.allow {
            ui.data(&Line::new().text(host.clone()));
        }
        if shown.allow.is_empty() {
            ui.note(&line(
                " may reach what its entry names, and nothing else".to_owned(),
            ));
        }
        return;
    }
    let hosts = args.hosts.join(", ");
    let words = match args.remove {
        true => format!(" may no longer reach {hosts}"),
        false => format!(" may reach {hosts}"),
    };
    let when = match shown.restarted.is_empty() {
        true => "",
        false => "; it was stopped, and the next call starts it with that",
    };
    ui.note(&line(format!("{words}{when}")));
}
