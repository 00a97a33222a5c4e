//! `portolan tools run SCRIPT.js`

use std::io::Read;
use std::path::PathBuf;

use gateway::scripts::ARGS_META;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use wire::{method, quote};

use super::call::progress;
use crate::arguments;
use crate::choice::{CatalogChoice, Choice};
use crate::engine;
use crate::error::{Failure, Kind};
use crate::limits::STDIN_BYTES_MAX;
use crate::ui::{Label, Line, Ui};

/// Run a script over the tools of servers, as agents do by code-mode
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portolan tools run digest.js
  portolan tools run digest.js --servers github,slack --arg repo=acme/shop --arg max:=5
  echo 'return await demo.get_sum({a: 2, b: 40})' | portolan tools run -")]
pub(crate) struct Args {
    /// The script: the body of an async function; `-` reads it from stdin
    #[arg(value_name = "SCRIPT")]
    script: PathBuf,

    /// What the script finds in `args`: name=value, or name:=JSON as it is (repeatable)
    #[arg(long = "arg", value_name = "NAME=VALUE")]
    args: Vec<String>,

    #[command(flatten)]
    pub(super) choice: Choice,
}

/// What comes back.
#[derive(Deserialize)]
struct Outcome<'a> {
    #[serde(borrow)]
    result: &'a RawValue,
    logs: Vec<String>,
}

#[derive(Deserialize)]
struct Called<'a> {
    #[serde(borrow, rename = "structuredContent")]
    facts: &'a RawValue,
    content: Vec<Value>,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let script = read(args)?;
    let given = arguments::build(&Value::Bool(true), &args.args, None).map_err(|wrong| {
        Failure::usage(wrong.to_string()).hint("write --arg name=value, or --arg name:=JSON")
    })?;
    let params = format!(
        r#"{{"name":"code-mode","arguments":{{"code":{}}},"_meta":{{"progressToken":"cli",{}:{}}}}}"#,
        quote(&script),
        quote(ARGS_META),
        given.raw
    );
    // The catalogs are for agents: here are the servers that are configured.
    let catalogs = CatalogChoice {
        no_builtin_catalog: true,
        ..CatalogChoice::default()
    };
    let result = engine::with_scripts(ui, &args.choice, catalogs, async |local| {
        let call = local.request(method::TOOLS_CALL, Some(&params), |message| {
            progress(ui, message);
        });
        call.await
    })?;
    told(ui, &result)
}

fn read(args: &Args) -> Result<String, Failure> {
    let shown = args.script.display();
    let (text, from) = if args.script.as_os_str() == "-" {
        (limited(std::io::stdin()), "stdin".to_owned())
    } else {
        let file = std::fs::File::open(&args.script);
        (file.and_then(limited), shown.to_string())
    };
    text.map_err(|error| {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => Kind::NotFound,
            _ => Kind::Failed,
        };
        Failure::new(kind, format!("cannot read the script from {from}")).because(&error)
    })
}

fn limited(from: impl Read) -> std::io::Result<String> {
    let mut text = String::new();
    from.take(STDIN_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}

/// The result alone goes to stdout, what was logged to stderr.
fn told(ui: &Ui, result: &str) -> Result<(), Failure> {
    let odd = |error| Failure::internal("the result of the script is malformed", error);
    let called: Called<'_> = serde_json::from_str(result).map_err(odd)?;
    let facts = called.facts.get();
    let outcome: Outcome<'_> = serde_json::from_str(facts).map_err(odd)?;
    let is_error = crate::content::is_error(result);
    if ui.format() == crate::format::Format::Human {
        for line in &outcome.logs {
            ui.note(&Line::new().put(Label::Dim, line.clone()));
        }
        if !is_error {
            match serde_json::from_str::<Value>(outcome.result.get()) {
                Ok(Value::String(text)) => ui.document(&text),
                _ => ui.document(outcome.result.get()),
            }
        }
    } else {
        ui.raw(facts)?;
    }
    match is_error {
        false => Ok(()),
        true => {
            let text = called
                .content
                .first()
                .and_then(|part| part["text"].as_str());
            Err(Failure::new(
                Kind::Failed,
                text.unwrap_or("the script failed").to_owned(),
            ))
        }
    }
}
