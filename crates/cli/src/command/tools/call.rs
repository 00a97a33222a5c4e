//! `portolan tools call NAME k=v…`

use std::io::Read;
use std::time::Duration;

use serde_json::Value;
use wire::{Frame, Object, method};

use crate::arguments::{self, Arguments, Wrong, schema};
use crate::choice::{Choice, duration};
use crate::content;
use crate::engine::{self, Memory};
use crate::error::{Failure, Kind};
use crate::limits::STDIN_BYTES_MAX;
use crate::local::Local;
use crate::tool::{self, Tool};
use crate::ui::{Label, Line, Ui};

/// Call a tool and print what it answers
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portolan tools call get-sum a=2 b=40
  portolan tools call search query='open issues' labels=bug,urgent limit:=10
  echo '{\"query\":\"x\"}' | portolan tools call search --json -")]
pub(crate) struct Args {
    /// The tool, as `tools ls` shows it, or server:tool
    name: String,

    /// Arguments: name=value by the tool's schema (lists: a,b or JSON), name:=JSON as it is
    #[arg(value_name = "NAME=VALUE")]
    words: Vec<String>,

    /// All arguments as one JSON object; `-` reads it from stdin
    #[arg(long, value_name = "JSON")]
    json: Option<String>,

    /// Give up after this time, like 30s or 5m
    #[arg(long, value_name = "TIME", value_parser = duration)]
    timeout: Option<Duration>,

    #[command(flatten)]
    pub(super) choice: Choice,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let json = args.json.as_deref().map(read).transpose()?;
    let json = json.as_deref();
    // With lists that are known only the one server is started. A tool that is missing there may be new.
    let result = match attempt(ui, args, json, Memory::Learnt) {
        Err(failure) if failure.kind() == Kind::NotFound => attempt(ui, args, json, Memory::Fresh)?,
        result => result?,
    };
    if ui.format() == crate::format::Format::Human {
        ui.document(&content::human(&result));
    } else {
        ui.raw(&result)?;
    }
    if content::is_error(&result) {
        return Err(Failure::new(
            Kind::Failed,
            format!("`{}` says that it failed", args.name),
        ));
    }
    Ok(())
}

fn attempt(ui: &Ui, args: &Args, json: Option<&str>, memory: Memory) -> Result<String, Failure> {
    engine::with(ui, &args.choice, memory, async |local, tools| {
        let tool = tool::find(&tools, &args.name)?;
        let made = arguments::build(&tool.schema(), &args.words, json);
        let made = made.map_err(|wrong| explain(&wrong, tool))?;
        warn(ui, tool, &made);
        let call = call(ui, local, &tool.name, &made.raw);
        match args.timeout {
            None => call.await,
            Some(limit) => tokio::time::timeout(limit, call).await.unwrap_or_else(|_| {
                let message = format!(
                    "`{}` did not answer within {} s",
                    tool.name,
                    limit.as_secs_f32()
                );
                Err(Failure::new(Kind::Timeout, message).hint("a longer --timeout may help"))
            }),
        }
    })
}

/// The JSON text, or what stdin holds.
fn read(json: &str) -> Result<String, Failure> {
    if json != "-" {
        return Ok(json.to_owned());
    }
    let mut text = String::new();
    let read = std::io::stdin()
        .take(STDIN_BYTES_MAX + 1)
        .read_to_string(&mut text);
    read.map_err(|e| {
        Failure::new(Kind::Failed, "cannot read the arguments from stdin").because(&e)
    })?;
    if text.len() as u64 > STDIN_BYTES_MAX {
        return Err(Failure::usage(format!(
            "the arguments on stdin are longer than {STDIN_BYTES_MAX} bytes"
        )));
    }
    Ok(text)
}

async fn call(ui: &Ui, local: &mut Local, name: &str, arguments: &str) -> Result<String, Failure> {
    // Progress is for people who wait.
    let meta = if ui.err().terminal {
        r#","_meta":{"progressToken":"cli"}"#
    } else {
        ""
    };
    let params = format!(
        r#"{{"name":{},"arguments":{arguments}{meta}}}"#,
        wire::quote(name)
    );
    local
        .request(method::TOOLS_CALL, Some(&params), |message| {
            progress(ui, message);
        })
        .await
}

/// Shows how far a call is to whoever waits for it.
pub(super) fn progress(ui: &Ui, message: &Frame) {
    if message.method() != method::PROGRESS || !ui.err().terminal {
        return;
    }
    let Some(params) = message.params().and_then(|raw| Object::parse(raw).ok()) else {
        return;
    };
    let raw = |name: &str| {
        params
            .get(name)
            .ok()
            .flatten()
            .unwrap_or_default()
            .to_owned()
    };
    let total = raw("total");
    let of = if total.is_empty() {
        String::new()
    } else {
        format!("/{total}")
    };
    let words = params.string("message").ok().flatten().unwrap_or_default();
    ui.note(&Line::new().put(Label::Dim, format!("{}{of} {words}", raw("progress"))));
}

fn warn(ui: &Ui, tool: &Tool, made: &Arguments) {
    for name in &made.unknown {
        let hint = suggest(name, &tool.schema());
        ui.warn(
            &format!(
                "`{}` does not know the argument `{name}`; it is passed on",
                tool.name
            ),
            &Vec::from_iter(hint),
        );
    }
}

fn suggest(name: &str, schema: &Value) -> Option<String> {
    tool::did_you_mean(name, schema::properties(schema).iter().map(|p| p.name))
}

/// What is wrong with the arguments, and what the tool wants.
fn explain(wrong: &Wrong, tool: &Tool) -> Failure {
    let schema = tool.schema();
    let failure = Failure::new(Kind::Usage, format!("{}: {wrong}", tool.name));
    match wrong {
        Wrong::NotAPair(_) => failure.hint("write name=value, or name:=JSON"),
        Wrong::Json { .. } => failure.hint("quote it for your shell, like name:='[1,2]'"),
        Wrong::NotAnObject(_) => {
            failure.hint("quote it for your shell, like --json '{\"message\":\"hi\"}'")
        }
        Wrong::Twice(_) => failure.hint("give it once"),
        Wrong::Unknown { name } => failure
            .hints_from(suggest(name, &schema))
            .hint(usage(&schema)),
        Wrong::Value { .. } | Wrong::Missing(_) => failure.hint(usage(&schema)),
    }
}

/// The arguments of a tool, one per line.
fn usage(schema: &Value) -> String {
    let mut text = String::from("it takes");
    for property in schema::properties(schema).iter().take(12) {
        let required = if property.required { ", required" } else { "" };
        let description = property.description();
        let dash = if description.is_empty() { "" } else { " - " };
        text.push_str(&format!(
            "\n{} ({}{required}){dash}{description}",
            property.name,
            property.wants()
        ));
    }
    text
}
