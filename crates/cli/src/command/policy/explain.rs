//! `portolan policy explain SERVER [TOOL]`

use catalog::Catalogs;
use serde::Serialize;
use serde_json::Value;

use super::check::label;
use super::question::{Known, Question, Said};
use crate::catalogs::{self, Chosen};
use crate::choice::{CatalogChoice, Choice};
use crate::error::Failure;
use crate::load::{load, meant};
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};

/// Show which rule decides over a server, or over a call of one of its tools
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portolan policy explain github
  portolan policy explain github delete_repository
  portolan policy explain filesystem write_file --arguments '{\"path\":\"/etc/hosts\"}'")]
pub(crate) struct Args {
    /// The server
    server: String,

    /// The tool, by the name that its server gives it
    tool: Option<String>,

    /// A prompt of it
    #[arg(long, value_name = "NAME", conflicts_with = "tool")]
    prompt: Option<String>,

    /// A resource of it
    #[arg(long, value_name = "URI", conflicts_with_all = ["tool", "prompt"])]
    resource: Option<String>,

    /// The arguments of the call, a JSON object
    #[arg(long, value_name = "JSON", requires = "tool")]
    arguments: Option<String>,

    /// Who calls [default: local, as over stdio]
    #[arg(long, value_name = "NAME")]
    caller: Option<String>,

    /// How the client calls itself
    #[arg(long, value_name = "NAME/VERSION")]
    client: Option<String>,

    /// The era of the client's protocol: handshake or stateless [default: handshake]
    #[arg(long, value_name = "ERA")]
    era: Option<String>,

    /// What the server says of the tool, like readOnlyHint (repeatable)
    #[arg(long, value_name = "HINT=BOOL", value_parser = hint, requires = "tool")]
    annotation: Vec<(String, bool)>,

    /// When, like 2026-11-26T10:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    time: Option<String>,

    #[command(flatten)]
    choice: Choice,

    #[command(flatten)]
    catalogs: CatalogChoice,
}

#[derive(Serialize)]
struct Explained {
    decision: &'static str,
    rule: Option<String>,
    reason: Option<String>,
    failed: Option<String>,
    rules: Vec<Step>,
}

#[derive(Serialize)]
struct Step {
    rule: String,
    verdict: String,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    catalogs::check(&args.catalogs)?;
    let loaded = load(ui, &here, &args.choice, &[])?;
    let catalogs = Catalogs::merge(catalogs::chosen(
        &here,
        &Chosen::begin(&here, &args.catalogs).patient(ui),
    ));
    let entries = meant(loaded.entries, &args.choice);
    let known = Known {
        entries: &entries,
        catalogs: &catalogs,
    };
    let server = known.server(&args.server).unwrap_or_else(|server| {
        ui.warn(
            &format!("no server `{}` is known: only its name counts", args.server),
            &[],
        );
        server
    });
    let said = args.question()?.ask(&loaded.policy, &server);
    let said = said.map_err(Failure::usage)?;
    let is_about_call = args.tool.is_some() || args.prompt.is_some() || args.resource.is_some();
    let explained = Explained {
        decision: said.decision,
        rule: said.rule.clone(),
        reason: said.reason.clone(),
        failed: said.failed.clone(),
        rules: said
            .steps
            .iter()
            .map(|(rule, verdict)| Step {
                rule: rule.clone(),
                verdict: verdict.clone(),
            })
            .collect(),
    };
    ui.value(&explained, |ui| show(ui, &said, is_about_call))
}

impl Args {
    fn question(&self) -> Result<Question, Failure> {
        let arguments = self.arguments.as_deref().map(serde_json::from_str::<Value>);
        let arguments = arguments
            .transpose()
            .map_err(|error| Failure::usage(format!("the arguments are no JSON: {error}")))?;
        Ok(Question {
            server: self.server.clone(),
            tool: self.tool.clone(),
            prompt: self.prompt.clone(),
            resource: self.resource.clone(),
            arguments,
            caller: self.caller.clone(),
            client: self.client.clone(),
            era: self.era.clone(),
            annotations: self.annotation.iter().cloned().collect(),
            time: self.time.clone(),
        })
    }
}

fn hint(text: &str) -> Result<(String, bool), String> {
    let (name, value) = text.split_once('=').unwrap_or((text, "true"));
    match value.parse() {
        Ok(value) => Ok((name.to_owned(), value)),
        Err(_) => Err("write it like readOnlyHint=true".to_owned()),
    }
}

fn show(ui: &Ui, said: &Said, is_about_call: bool) {
    for (rule, verdict) in &said.steps {
        let line = Line::new().put(Label::Name, rule.clone());
        ui.data(&line.put(Label::Dim, format!("  {verdict}")));
    }
    let word = match (is_about_call, said.decision) {
        (true, word) => word,
        (false, "deny") => "neither listed nor started",
        (false, _) => "may be used; each call is decided by itself",
    };
    let by = match (&said.rule, is_about_call) {
        (Some(rule), _) => format!(" by {rule:?}"),
        (None, true) => " by default".to_owned(),
        (None, false) if said.decision == "deny" => " by default".to_owned(),
        (None, false) => String::new(),
    };
    let reason = said
        .reason
        .as_ref()
        .map_or_else(String::new, |reason| format!(": {reason}"));
    ui.data(
        &Line::new()
            .put(label(said.decision), word)
            .text(format!("{by}{reason}")),
    );
}
