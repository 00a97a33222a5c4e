//! `portolan config set`

use catalog::{Catalogs, ServerName};
use config::{change_server_config, load_server_config};
use serde_json::{Map, Value, json};

use super::failed;
use crate::catalogs::{self, Chosen};
use crate::choice::CatalogChoice;
use crate::error::{Failure, Kind};
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};

/// Set a value: SERVER.KEY VALUE, the value as JSON or as text
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portolan config set filesystem.paths '[\"/home/me/notes\"]'
  portolan config set weather.units metric")]
pub(crate) struct Args {
    /// Which server and key, with dots between them
    #[arg(value_name = "SERVER.KEY")]
    at: String,

    /// The value
    #[arg(value_name = "VALUE")]
    value: String,

    #[command(flatten)]
    catalogs: CatalogChoice,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    catalogs::check(&args.catalogs)?;
    let chosen = Chosen::begin(&here, &args.catalogs).patient(ui);
    let all = Catalogs::merge(catalogs::chosen(&here, &chosen));
    let (server, key) = split(&args.at, &all)?;
    let name = ServerName::new(&server).map_err(|e| Failure::usage(e.to_string()))?;
    let entry = all.get(name.as_str());
    let value = match entry.and_then(|entry| entry.schema_of(&key)) {
        Some(schema) => of_kind(&args.value, schema),
        None => serde_json::from_str(&args.value).unwrap_or_else(|_| json!(args.value)),
    };
    let mut config = load_server_config(&here.dirs)
        .map_err(|p| failed(&p))?
        .remove(&server)
        .unwrap_or_default();
    put(&mut config, &key, value.clone());
    if let Some(entry) = entry
        && let Err(problems) = entry.check_config(&config)
        && let Some(problem) = problems.iter().find(|p| {
            p.key == key
                || key.starts_with(&format!("{}.", p.key))
                || p.message.contains("no such key")
        })
    {
        let wants = entry.schema_of(&key).and_then(|schema| schema.get("type"));
        let hint = match wants.and_then(Value::as_str) {
            Some("array") => Some("a list is written as JSON: '[\"one\", \"two\"]'"),
            Some("object") => Some("a table is written as JSON: '{\"key\": \"value\"}'"),
            _ => None,
        };
        return Err(Failure::new(Kind::Usage, format!("{server}: {problem}"))
            .hints_from(hint.map(str::to_owned)));
    }
    change_server_config(&here.dirs, |all| {
        put(all.entry(server.clone()).or_default(), &key, value);
    })
    .map_err(|p| failed(&p))?;
    if entry.is_none() {
        ui.warn(
            &format!("no catalog has a server `{server}`; the value is kept all the same"),
            &[],
        );
    }
    ui.note(
        &Line::new()
            .put(Label::Name, format!("{server}.{key}"))
            .text(" is set"),
    );
    Ok(())
}

/// Where the name of the server ends: names may have dots, so the longest known one counts.
pub(super) fn split(at: &str, all: &Catalogs) -> Result<(String, String), Failure> {
    let cuts: Vec<usize> = at.match_indices('.').map(|(at, _)| at).collect();
    let known = cuts
        .iter()
        .rev()
        .find(|cut| all.get(&at[..**cut]).is_some());
    match known.or(cuts.first()) {
        Some(&cut) if cut > 0 && cut + 1 < at.len() => {
            Ok((at[..cut].to_owned(), at[cut + 1..].to_owned()))
        }
        _ => Err(Failure::usage(format!(
            "`{at}` does not say which value: write SERVER.KEY"
        ))),
    }
}

/// What is written is meant as the schema has it: `7` is a text where a text is wanted.
fn of_kind(text: &str, schema: &Value) -> Value {
    let wants = schema.get("type").and_then(Value::as_str);
    match (wants, serde_json::from_str(text)) {
        (Some("string"), Ok(Value::String(text))) => json!(text),
        (Some("string"), _) | (_, Err(_)) => json!(text),
        (_, Ok(value)) => value,
    }
}

fn put(config: &mut Map<String, Value>, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            config.insert(key.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = config.entry(first).or_insert_with(|| json!({}));
            if !inner.is_object() {
                *inner = json!({});
            }
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}
