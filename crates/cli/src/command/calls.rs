//! `portolan calls …`: what the gateways of this home have recorded. Read from files, so it does not matter which of them
//! still run.

mod ls;
mod show;
mod tail;

use clap::Subcommand;
use jiff::Timestamp;

use crate::error::{Failure, Kind};
use crate::log::millis;
use crate::records::{Entry, Status, Wanted};
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};

/// See who called what, and what became of it
#[derive(Debug, Subcommand)]
pub(crate) enum Calls {
    /// List the last calls
    #[command(visible_alias = "list")]
    Ls(ls::Args),
    /// Show all that is known of one call
    Show(show::Args),
    /// Show calls as they end, of every gateway
    Tail(tail::Args),
}

impl Calls {
    pub(super) fn run(self, ui: &Ui) -> Result<(), Failure> {
        match self {
            Self::Ls(args) => ls::run(ui, &args),
            Self::Show(args) => show::run(ui, &args),
            Self::Tail(args) => tail::run(ui, &args),
        }
    }
}

/// Which calls.
#[derive(Debug, clap::Args)]
struct Filter {
    /// Of this server; * stands for any characters
    #[arg(long, value_name = "SERVER")]
    server: Option<String>,

    /// Of this tool, prompt or resource
    #[arg(long, value_name = "NAME")]
    tool: Option<String>,

    /// By this caller
    #[arg(long, value_name = "CALLER")]
    caller: Option<String>,

    /// That ended so: ok, failed, denied, asked, or an outcome like timeout or -32602
    #[arg(long, value_name = "STATUS", value_parser = status, allow_hyphen_values = true)]
    status: Option<Status>,

    /// Since then: 10m, 2h, 3d, or a time like 2026-11-26T10:00:00Z
    #[arg(long, value_name = "WHEN", value_parser = since)]
    since: Option<Timestamp>,

    /// Handshakes, lists and starts of servers too
    #[arg(long, short)]
    all: bool,
}

impl Filter {
    fn wanted(&self) -> Wanted {
        Wanted {
            server: self.server.clone(),
            tool: self.tool.clone(),
            caller: self.caller.clone(),
            status: self.status.clone(),
            since: self.since,
            all: self.all,
        }
    }
}

fn status(word: &str) -> Result<Status, String> {
    match word {
        "ok" => Ok(Status::Ok),
        "failed" => Ok(Status::Failed),
        "denied" => Ok(Status::Denied),
        "asked" => Ok(Status::Asked),
        "" => Err("say ok, failed, denied, asked or an outcome".to_owned()),
        other => Ok(Status::Outcome(other.to_owned())),
    }
}

fn since(text: &str) -> Result<Timestamp, String> {
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    let wrong = || "write it like 10m, 2h, 3d or 2026-11-26T10:00:00Z".to_owned();
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(digits);
    let unit_s: i64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let ago_s = number
        .parse::<i64>()
        .ok()
        .and_then(|n| n.checked_mul(unit_s));
    let at_s = ago_s.and_then(|ago| Timestamp::now().as_second().checked_sub(ago));
    at_s.and_then(|at| Timestamp::from_second(at).ok())
        .ok_or_else(wrong)
}

fn unreadable(here: &Surroundings, error: &std::io::Error) -> Failure {
    let folder = here.dirs.records();
    Failure::new(
        Kind::Failed,
        format!("the record of calls in {} cannot be read", folder.display()),
    )
    .because(error)
}

/// What is told where nothing was found.
fn nothing(ui: &Ui) {
    let said = "No such calls are recorded. Gateways record calls unless `records = false`.";
    ui.note(&Line::new().put(Label::Dim, said));
}

/// One line for people.
fn line(entry: &Entry) -> Line {
    let at = entry.at.to_zoned(jiff::tz::TimeZone::system());
    let text = |text: &str| match text {
        "" => String::new(),
        text => format!("{text} "),
    };
    let id = entry.id.get(..8).unwrap_or_default();
    let line = Line::new()
        .put(
            Label::Dim,
            format!("{} {id:8} ", at.strftime("%m-%d %H:%M:%S")),
        )
        .put(
            Label::Name,
            text(entry.server.as_deref().unwrap_or_default()),
        )
        .text(text(entry.name.as_deref().unwrap_or(&entry.method)));
    let line = match (entry.kind.as_str(), entry.outcome.as_str()) {
        ("lost", _) => return line.put(Label::Warning, "lines of this process were lost"),
        ("start", "ok") => line.put(Label::Good, "started "),
        ("start", _) => line.put(Label::Bad, "does not start "),
        (_, "ok") => line.put(Label::Good, "ok "),
        (_, "tool_error") => line.put(Label::Warning, "tool error "),
        (_, outcome) => line.put(Label::Bad, format!("{outcome} ")),
    };
    let rule = entry.rule.as_ref();
    let rule = rule.map_or_else(String::new, |rule| {
        format!("{} by {rule:?} ", entry.decision)
    });
    line.text(rule)
        .put(Label::Dim, format!("{} {}", millis(entry.ms), entry.caller))
}
