//! `portolan doctor`: would a call work right now, from which client, and if not, which one command mends it. Each check is one
//! file below `doctor/`; the table here is their order, which is also that of their weight: the first that is bad is the verdict.

mod catalogs;
mod clients;
mod engine;
mod finding;
mod gateways;
mod home;
mod isolation;
mod port;
mod runtimes;
mod scene;
mod secrets;
mod servers;
mod settings;
mod sign_ins;
mod versions;

use serde::Serialize;

use crate::error::{Failure, Kind};
use crate::format::Format;
use crate::ui::{Label, Line, Ui};
use finding::{Finding, State};
use scene::Scene;

/// Say whether a call would work right now, from which client, and what mends it if not
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portolan doctor
  portolan doctor --fix     close files of ours that others can read
  portolan doctor --json")]
pub(crate) struct Args {
    /// Mend what can be mended without harm: the rights of our own files and folders
    #[arg(long)]
    fix: bool,
    /// The same as --format json
    #[arg(long)]
    json: bool,
}

/// Looks at one thing.
type Check = fn(&Scene) -> Vec<Finding>;

/// All of them, in order.
const CHECKS: [Check; 13] = [
    home::check,
    settings::check,
    catalogs::check,
    secrets::check,
    isolation::check,
    engine::check,
    runtimes::check,
    servers::check,
    sign_ins::check,
    gateways::check,
    port::check,
    clients::check,
    versions::check,
];

#[derive(Serialize)]
struct Report {
    /// Whether a call would work, from any client.
    works: bool,
    /// From which.
    clients: Vec<&'static str>,
    verdict: String,
    /// The one command that mends the worst.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    findings: Vec<Finding>,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let scene = Scene::new(args.fix)?;
    let findings: Vec<Finding> = CHECKS.iter().flat_map(|check| check(&scene)).collect();
    let report = Report::of(findings, clients::working(&scene));
    if args.json && ui.format() == Format::Human {
        let raw = serde_json::to_string(&report)
            .map_err(|error| Failure::internal("cannot write the result", error))?;
        ui.raw(&raw)?;
    } else {
        ui.value(&report, |ui| report.show(ui))?;
    }
    report.outcome()
}

impl Report {
    fn of(findings: Vec<Finding>, clients: Vec<&'static str>) -> Self {
        let bad = findings.iter().find(|one| one.state == State::Bad);
        let (works, verdict) = match bad {
            None => (
                true,
                format!("a call works now, from {}", clients.join(", ")),
            ),
            Some(bad) => (false, bad.what.clone()),
        };
        let worst = bad.or_else(|| {
            findings
                .iter()
                .find(|one| one.state == State::Warning && one.mend.is_some())
        });
        Self {
            works,
            next: worst.and_then(|one| one.mend.clone()),
            clients: if works { clients } else { Vec::new() },
            verdict,
            findings,
        }
    }

    fn show(&self, ui: &Ui) {
        let mut last = "";
        for one in &self.findings {
            let head = if one.check == last { "" } else { one.check };
            last = one.check;
            let line = Line::new().put(Label::Heading, format!("{head:<10} "));
            ui.data(
                &line
                    .put(one.state.label(), one.state.mark())
                    .text(format!(" {}", one.what)),
            );
            if let Some(mend) = &one.mend {
                ui.data(&Line::from(" ".repeat(13)).put(Label::Hint, mend.clone()));
            }
        }
        ui.data(&Line::new());
        let (label, word) = match self.works {
            true => (Label::Good, "yes: "),
            false => (Label::Bad, "no: "),
        };
        ui.data(&Line::new().put(label, word).text(self.verdict.clone()));
        if let Some(next) = &self.next {
            ui.data(&Line::new().put(Label::Hint, "next: ").text(next.clone()));
        }
    }

    /// What scripts see.
    fn outcome(&self) -> Result<(), Failure> {
        match self.findings.iter().find(|one| one.state == State::Bad) {
            None => Ok(()),
            Some(bad) => {
                let kind = bad.kind.unwrap_or(Kind::Failed);
                Err(Failure::new(kind, "no call would work right now").hints_from(bad.mend.clone()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_is_bad_is_the_verdict() {
        let good = || Finding::good("home", "fine");
        let report = Report::of(
            vec![good(), Finding::warning("port", "taken").mend("portolan a")],
            vec!["cursor"],
        );
        assert!(report.works && report.outcome().is_ok());
        assert_eq!(
            (report.verdict.as_str(), report.next.as_deref()),
            ("a call works now, from cursor", Some("portolan a"))
        );
        let bad = |what| Finding::bad("x", Kind::Config, what).mend("portolan b");
        let report = Report::of(vec![good(), bad("one"), bad("two")], vec!["cursor"]);
        assert_eq!((report.works, report.verdict.as_str()), (false, "one"));
        assert_eq!(report.outcome().unwrap_err().kind(), Kind::Config);
        assert!(report.clients.is_empty());
    }
}
