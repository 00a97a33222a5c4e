//! `portolan caller add NAME`

use std::time::{SystemTime, UNIX_EPOCH};

use config::callers::{self, New, Rights};
use serde::Serialize;

use super::failed;
use crate::choice::{Choice, duration};
use crate::error::{Failure, Kind};
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};
use crate::{load, profiles, sign_ins};

/// Add a caller; its token is printed once, and nowhere kept
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portolan caller add ci --servers github --tools 'get_*,list_*' --expires 90d
  portolan caller add ann --profiles work --rate 120 --concurrency 8")]
pub(crate) struct Args {
    /// What rules and records call it
    name: String,

    /// Only these servers; * stands for any characters [default: all]
    #[arg(long, value_name = "SERVER,...", value_delimiter = ',')]
    servers: Vec<String>,

    /// Only these tools, as tool or server:tool, and neither prompts nor resources [default: all]
    #[arg(long, value_name = "TOOL,...", value_delimiter = ',')]
    tools: Vec<String>,

    /// Only what one of these profiles has and offers [default: all]
    #[arg(
        long,
        value_name = "PROFILE,...",
        value_delimiter = ',',
        visible_alias = "profile"
    )]
    profiles: Vec<String>,

    /// After this time its token is worth nothing, like 12h or 90d [default: never]
    #[arg(long, value_name = "TIME", value_parser = days)]
    expires: Option<u64>,

    /// Requests within a minute [default: as many as it likes]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: Option<u32>,

    /// Requests under way at once [default: as many as it likes]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    concurrency: Option<u32>,

    /// Make its calls with your accounts at servers that it has not signed in to itself
    #[arg(long)]
    share_accounts: bool,
}

#[derive(Serialize)]
struct Added<'a> {
    name: &'a str,
    token: &'a str,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    for profile in &args.profiles {
        profiles::get(&here, profile)?;
    }
    refuse_heirs(&here, &args.name)?;
    let now_s = now_s();
    let new = New {
        name: args.name.clone(),
        expires: args.expires.map(|seconds| now_s.saturating_add(seconds)),
        rights: Rights {
            servers: args.servers.clone(),
            tools: args.tools.clone(),
            profiles: args.profiles.clone(),
        },
        rate: args.rate,
        concurrency: args.concurrency,
        share_accounts: args.share_accounts,
    };
    let token = callers::add(&here.dirs, new, now_s).map_err(|error| failed(&error))?;
    let added = Added {
        name: &args.name,
        token: token.reveal(),
    };
    ui.value(&added, |ui| {
        ui.data(&Line::new().text(token.reveal().to_owned()));
        let said = "This is its token, shown once. It is sent as `Authorization: Bearer TOKEN`.";
        ui.note(&Line::new().put(Label::Dim, said));
    })
}

/// Nobody gets what another caller of the same name has signed in to.
fn refuse_heirs(here: &Surroundings, name: &str) -> Result<(), Failure> {
    if matches!(here.account_store().is_locked(), Ok(true)) {
        return Ok(());
    }
    let settings = load::read(here, &Choice::default(), &[]).settings;
    let all = sign_ins::accounts(here, &settings)
        .list()
        .unwrap_or_default();
    match all.iter().find(|one| one.holder.as_deref() == Some(name)) {
        None => Ok(()),
        Some(left) => {
            let message = format!(
                "another caller `{name}` is still signed in to {}",
                left.name
            );
            let hint = format!("portolan oauth revoke {} --caller {name}", left.name);
            Err(Failure::new(Kind::Failed, message).hint(hint))
        }
    }
}

/// Seconds since 1970.
pub(super) fn now_s() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// Seconds of a time that may be in days.
fn days(text: &str) -> Result<u64, String> {
    let wrong = || "write it like 12h or 90d".to_owned();
    match text.strip_suffix('d') {
        Some(days) => {
            let days: u64 = days.parse().map_err(|_| wrong())?;
            let seconds = days.checked_mul(86_400).filter(|seconds| *seconds > 0);
            seconds.ok_or_else(wrong)
        }
        None => duration(text)
            .map(|time| time.as_secs())
            .map_err(|_| wrong()),
    }
}
