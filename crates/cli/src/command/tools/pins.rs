//! `portolan tools pins [SERVER]`

use gateway::{Pinned, Pins};
use serde::Serialize;
use serde_json::Value;
use store::Store;

use crate::error::{Failure, Kind};
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};

/// Show which tools have changed since they were first seen, and how
///
/// Tools are compared whenever their server is started, or says that they have changed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only of this server
    server: Option<String>,

    /// Those that have not changed too
    #[arg(long, short)]
    all: bool,
}

#[derive(Serialize)]
struct Shown {
    server: String,
    tool: String,
    changed: bool,
    definition: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    now: Option<Value>,
}

/// What is kept of one server.
pub(super) struct Kept {
    pub(super) key: String,
    pub(super) server: String,
    pub(super) pins: Pins,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let kept = kept(&open(&here)?, args.server.as_deref())?;
    let mut shown: Vec<Shown> = Vec::new();
    for one in kept {
        let wanted = one.pins.tools.into_iter();
        shown.extend(
            wanted
                .filter(|(_, pinned)| args.all || pinned.changed.is_some())
                .map(|(tool, pinned)| of(&one.server, tool, pinned)),
        );
    }
    ui.value(&shown, |ui| {
        if shown.is_empty() {
            let said = "No tool is another one than when it was first seen.";
            ui.note(&Line::new().put(Label::Dim, said));
        }
        shown.iter().for_each(|one| show(ui, one));
    })
}

fn of(server: &str, tool: String, pinned: Pinned) -> Shown {
    Shown {
        server: server.to_owned(),
        tool,
        changed: pinned.changed.is_some(),
        definition: pinned.definition,
        now: pinned.changed,
    }
}

/// The file in which gateways keep what they have seen.
pub(super) fn open(here: &Surroundings) -> Result<Store, Failure> {
    let failed = |error: &store::StoreError| {
        Failure::new(Kind::Failed, "what tools looked like cannot be read").because(error)
    };
    Store::open(&here.dirs.store_file()).map_err(|error| failed(&error))
}

/// What is kept of servers, or of those of this name.
pub(super) fn kept(store: &Store, server: Option<&str>) -> Result<Vec<Kept>, Failure> {
    let prefix = server.map_or_else(|| "pins/".to_owned(), |server| format!("pins/{server}/"));
    let rows = store.meta_all(&prefix).map_err(|error| {
        Failure::new(Kind::Failed, "what tools looked like cannot be read").because(&error)
    })?;
    let read = |(key, text): (String, String)| {
        let server = key.split('/').nth(1)?.to_owned();
        let pins = Pins::read(&text)?;
        Some(Kept { key, server, pins })
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

fn show(ui: &Ui, one: &Shown) {
    let line = Line::new()
        .put(Label::Name, format!("{} ", one.server))
        .text(one.tool.clone());
    let Some(now) = &one.now else {
        return ui.data(&line.put(Label::Good, "  as it was first seen"));
    };
    ui.data(&line.put(Label::Warning, "  has changed"));
    for (member, before, after) in differences(&one.definition, now) {
        ui.data(&Line::new().put(Label::Dim, format!("  {member}")));
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let (before, after) = (lines(&before), lines(&after));
        let same = before
            .iter()
            .zip(&after)
            .take_while(|(a, b)| a == b)
            .count();
        let rest = before.len().min(after.len()) - same;
        let ends = before.iter().rev().zip(after.iter().rev());
        let end = ends.take(rest).take_while(|(a, b)| a == b).count();
        for gone in &before[same..before.len() - end] {
            ui.data(&Line::new().put(Label::Bad, format!("  - {gone}")));
        }
        for new in &after[same..after.len() - end] {
            ui.data(&Line::new().put(Label::Good, format!("  + {new}")));
        }
    }
    let hint = format!("  portolan tools approve {} {}", one.server, one.tool);
    ui.note(&Line::new().put(Label::Hint, hint));
}

/// The members that are others now, as texts.
fn differences(before: &Value, after: &Value) -> Vec<(String, String, String)> {
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        return vec![(
            "definition".to_owned(),
            text(Some(before)),
            text(Some(after)),
        )];
    };
    let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let differ = names
        .into_iter()
        .filter(|name| old.get(*name) != new.get(*name));
    differ
        .map(|name| (name.clone(), text(old.get(name)), text(new.get(name))))
        .collect()
}

fn text(value: Option<&Value>) -> String {
    match value {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => serde_json::to_string_pretty(value).unwrap_or_default(),
    }
}
