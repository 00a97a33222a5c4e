//! `portolan calls show ID`

use serde::Serialize;
use serde_json::value::RawValue;

use super::{line, unreadable};
use crate::content::bytes;
use crate::error::{Failure, Kind};
use crate::log::millis;
use crate::records::{Entry, backwards, open_all};
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};

/// Calls of one script that are shown.
const INNER_MAX: usize = 200;

/// Show all that is known of one call
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Its id, or the beginning of it, as `calls ls` shows it
    id: String,
}

#[derive(Serialize)]
struct Shown {
    call: Box<RawValue>,
    /// The calls of the script that it ran.
    inner: Vec<Box<RawValue>>,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    if args.id.len() < 4 || !args.id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Failure::usage(
            "an id has 16 hexadecimal digits; say at least 4 of them",
        ));
    }
    let (call, inner) = find(&here, &args.id.to_ascii_lowercase())?;
    let raw = |entry: &Entry| RawValue::from_string(entry.line.clone()).ok();
    let Some(of_call) = raw(&call) else {
        return Err(Failure::new(Kind::Failed, "the record is no JSON any more"));
    };
    let shown = Shown {
        call: of_call,
        inner: inner.iter().filter_map(raw).collect(),
    };
    ui.value(&shown, |ui| show(ui, &call, &inner))
}

/// The call, and those that its script made, which ended before it.
fn find(here: &Surroundings, id: &str) -> Result<(Entry, Vec<Entry>), Failure> {
    let failed = |error: std::io::Error| unreadable(here, &error);
    let mut call: Option<Entry> = None;
    let mut inner = Vec::new();
    for file in open_all(&here.dirs.records()).map_err(failed)? {
        for line in backwards(file).map_err(failed)? {
            let Some(entry) = Entry::parse(&line.map_err(failed)?) else {
                continue;
            };
            let is_meant = entry.kind == "call" && entry.id.starts_with(id);
            match &call {
                None if is_meant => call = Some(entry),
                None => {}
                Some(call) if is_meant => {
                    let said = format!(
                        "several calls begin with {id}: {} and {}",
                        call.id, entry.id
                    );
                    return Err(Failure::usage(said).hint("say more of the id"));
                }
                Some(outer) => {
                    let is_inner = entry.gateway == outer.gateway && entry.parent == outer.call;
                    if is_inner && inner.len() < INNER_MAX {
                        inner.push(entry);
                    }
                }
            }
        }
    }
    inner.reverse();
    let unknown = || {
        Failure::new(Kind::NotFound, format!("no call {id} is recorded"))
            .hint("`portolan calls ls` shows the last ones; old ones are removed")
    };
    Ok((call.ok_or_else(unknown)?, inner))
}

fn show(ui: &Ui, call: &Entry, inner: &[Entry]) {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let facts = [
        ("id", some(&call.id)),
        ("ended", some(&call.at.to_string())),
        ("caller", some(&call.caller)),
        ("client", call.client.clone()),
        ("gateway", some(&call.gateway)),
        ("method", some(&call.method)),
        ("server", call.server.clone()),
        ("name", call.name.clone()),
        ("decision", some(&call.decision)),
        ("rule", call.rule.clone()),
        ("outcome", some(&call.outcome)),
        ("took", Some(millis(call.ms))),
        ("request", Some(bytes(call.bytes_in as usize))),
        ("answer", Some(bytes(call.bytes_out as usize))),
        ("digest of the arguments", call.digest.clone()),
        (
            "arguments",
            call.arguments.as_ref().map(|raw| raw.get().to_owned()),
        ),
        ("arguments, the beginning", call.arguments_cut.clone()),
        ("trace", call.trace.clone()),
        ("error", call.error.clone()),
    ];
    let width = 25;
    for (name, value) in facts {
        if let Some(value) = value {
            let name = format!("{name:width$}");
            ui.data(&Line::new().put(Label::Dim, name).text(value));
        }
    }
    if !inner.is_empty() {
        ui.data(&Line::new().put(Label::Heading, "calls of its script"));
        inner.iter().for_each(|entry| ui.data(&line(entry)));
    }
}
