//! `portolan policy test FILE`: cases, and what should be decided over them.

use std::path::{Path, PathBuf};

use catalog::Catalogs;
use config::Format as FileFormat;
use serde::{Deserialize, Serialize};

use super::question::{Known, Question};
use crate::catalogs::{self, Chosen};
use crate::choice::{CatalogChoice, Choice};
use crate::error::{Failure, Kind};
use crate::limits::CASES_FILE_BYTES_MAX;
use crate::load::{load, meant};
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui, agreeing, counted};

/// Try the rules on a file of cases, TOML or JSON; fails if one is decided otherwise than it says
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A case, of which any part but `server` and `expect` may be left out:
  [[cases]]
  name = \"nobody writes to /etc\"
  server = \"filesystem\"
  tool = \"write_file\"                  # or prompt, or resource; without: may the server be used?
  arguments = { path = \"/etc/hosts\" }
  caller = \"local\"
  client = \"claude/1.0\"
  era = \"handshake\"
  annotations = { readOnlyHint = false }
  time = \"2026-11-26T10:00:00Z\"
  expect = \"deny\"                      # allow, deny or ask
  rule = \"no system files\"             # and by this rule")]
pub(crate) struct Args {
    /// The file
    file: PathBuf,

    #[command(flatten)]
    choice: Choice,

    #[command(flatten)]
    catalogs: CatalogChoice,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: Option<String>,
    expect: String,
    rule: Option<String>,
    #[serde(flatten)]
    question: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize)]
struct Tested {
    passed: usize,
    failed: usize,
    cases: Vec<Outcome>,
}

#[derive(Serialize)]
struct Outcome {
    name: String,
    passed: bool,
    expected: String,
    decision: &'static str,
    rule: Option<String>,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    catalogs::check(&args.catalogs)?;
    let cases = read(&args.file)?;
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
    let mut outcomes = Vec::new();
    for (at, case) in cases.into_iter().enumerate() {
        let name = case
            .name
            .clone()
            .unwrap_or_else(|| format!("case {}", at + 1));
        let wrong = |why: String| {
            let message = format!("{}: {name}: {why}", args.file.display());
            Failure::new(Kind::Config, message)
        };
        if !["allow", "deny", "ask"].contains(&case.expect.as_str()) {
            return Err(wrong(format!(
                "`expect` is {:?}; there are allow, deny and ask",
                case.expect
            )));
        }
        let question: Question = serde_json::from_value(case.question.into())
            .map_err(|error| wrong(error.to_string()))?;
        if question.server.is_empty() {
            return Err(wrong("`server` is missing".to_owned()));
        }
        let (Ok(server) | Err(server)) = known.server(&question.server);
        let said = question.ask(&loaded.policy, &server).map_err(wrong)?;
        let is_rule = case.rule.is_none() || case.rule == said.rule;
        outcomes.push(Outcome {
            passed: said.decision == case.expect && is_rule,
            expected: match case.rule {
                Some(rule) => format!("{} by {rule:?}", case.expect),
                None => case.expect,
            },
            decision: said.decision,
            rule: said.rule,
            name,
        });
    }
    let failed = outcomes.iter().filter(|outcome| !outcome.passed).count();
    let tested = Tested {
        passed: outcomes.len() - failed,
        failed,
        cases: outcomes,
    };
    ui.value(&tested, |ui| show(ui, &tested))?;
    match failed {
        0 => Ok(()),
        count => Err(Failure::new(
            Kind::Failed,
            format!(
                "{count} of {} {} decided otherwise",
                counted(tested.cases.len(), "case"),
                agreeing(count, "is", "are")
            ),
        )),
    }
}

fn read(file: &Path) -> Result<Vec<Case>, Failure> {
    let shown = file.display();
    let text = read_bounded(file)?;
    let wrong = |error: String| Failure::new(Kind::Config, format!("{shown}: {error}"));
    let cases: Cases = match config::recognise(&text) {
        FileFormat::Toml => toml::from_str(&text).map_err(|error| wrong(error.to_string()))?,
        _ => serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?,
    };
    match cases.cases.is_empty() {
        true => Err(wrong("there are no cases in it".to_owned())),
        false => Ok(cases.cases),
    }
}

fn read_bounded(file: &Path) -> Result<String, Failure> {
    use std::io::Read as _;
    let failed = |error: std::io::Error| {
        Failure::new(Kind::NotFound, format!("cannot read {}", file.display())).because(&error)
    };
    let mut text = String::new();
    let opened = std::fs::File::open(file).map_err(failed)?;
    let mut limited = opened.take(CASES_FILE_BYTES_MAX + 1);
    limited.read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > CASES_FILE_BYTES_MAX {
        let message = format!(
            "{} is larger than {CASES_FILE_BYTES_MAX} bytes",
            file.display()
        );
        return Err(Failure::new(Kind::Config, message));
    }
    Ok(text)
}

fn show(ui: &Ui, tested: &Tested) {
    for outcome in &tested.cases {
        let line = match outcome.passed {
            true => Line::new().put(Label::Good, "ok      "),
            false => Line::new().put(Label::Bad, "failed  "),
        };
        let by = outcome
            .rule
            .as_ref()
            .map_or_else(String::new, |rule| format!(" by {rule:?}"));
        let line = line.text(format!("{}: {}{by}", outcome.name, outcome.decision));
        ui.data(&match outcome.passed {
            true => line,
            false => line.text(format!(", not {}", outcome.expected)),
        });
    }
    ui.data(&Line::from(format!(
        "{} passed, {} failed",
        tested.passed, tested.failed
    )));
}
