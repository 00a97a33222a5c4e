//! `portolan policy check`

use policy::{Decision, Rule};
use serde::Serialize;

use crate::choice::Choice;
use crate::error::{Failure, Kind};
use crate::load::{place, read};
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Table, Ui, agreeing, counted};

/// Check the rules of the configuration, and list them in the order in which they count
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portolan policy check
  portolan policy check --config docker-policy.json")]
pub(crate) struct Args {
    #[command(flatten)]
    choice: Choice,
}

#[derive(Serialize)]
struct Checked {
    default: &'static str,
    rules: Vec<Listed>,
    problems: Vec<Told>,
}

#[derive(Serialize)]
struct Listed {
    name: String,
    decision: &'static str,
    about: String,
    source: String,
}

#[derive(Serialize)]
struct Told {
    level: &'static str,
    message: String,
    hint: Option<String>,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let loaded = read(&here, &args.choice, &[]);
    let policy = &loaded.policy;
    let errors = loaded.problems.iter().filter(|p| p.is_error()).count();
    let checked = Checked {
        default: policy.default_decision().as_str(),
        rules: policy.rules().map(listed).collect(),
        problems: loaded
            .problems
            .iter()
            .map(|problem| Told {
                level: if problem.is_error() {
                    "error"
                } else {
                    "warning"
                },
                message: place(problem),
                hint: problem.hint.clone(),
            })
            .collect(),
    };
    ui.value(&checked, |ui| show(ui, &checked))?;
    match errors {
        0 => Ok(()),
        count => Err(Failure::new(
            Kind::Config,
            format!(
                "{}: a gateway does not start with {}",
                counted(count, "mistake"),
                agreeing(count, "it", "them")
            ),
        )),
    }
}

fn show(ui: &Ui, checked: &Checked) {
    for told in &checked.problems {
        let label = match told.level {
            "error" => Label::Error,
            _ => Label::Warning,
        };
        let hint = told
            .hint
            .as_ref()
            .map_or_else(String::new, |hint| format!(" ({hint})"));
        let line = Line::new().put(label, format!("{}:", told.level));
        ui.data(&line.text(format!(" {}{hint}", told.message)));
    }
    if !checked.rules.is_empty() {
        let mut table = Table::new(&["rule", "decision", "about", "from"]);
        for rule in &checked.rules {
            table.row([
                (Label::Name, rule.name.clone()),
                (label(rule.decision), rule.decision.to_owned()),
                (Label::Plain, rule.about.clone()),
                (Label::Dim, rule.source.clone()),
            ]);
        }
        ui.table(&table);
    }
    let what = match checked.rules.len() {
        0 => "there is no rule: everything is ",
        _ => "where no rule applies: ",
    };
    ui.data(
        &Line::new()
            .text(what)
            .put(label(checked.default), checked.default),
    );
}

pub(super) fn label(decision: &str) -> Label {
    match decision {
        "allow" => Label::Good,
        "deny" => Label::Bad,
        _ => Label::Warning,
    }
}

fn listed(rule: &Rule) -> Listed {
    let mut about = Vec::new();
    let lists = [
        ("action", rule.actions.as_deref().unwrap_or_default()),
        ("caller", &rule.caller),
        ("client", &rule.client),
        ("catalog", &rule.catalog),
        ("server", &rule.server),
        ("server_type", &rule.server_type),
        ("source", &rule.server_source),
        ("transport", &rule.transport),
        ("tool", &rule.tool),
        ("prompt", &rule.prompt),
        ("resource", &rule.resource),
    ];
    for (name, patterns) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        about.push(format!("{name} {}", patterns.join("|")));
    }
    for (name, value) in &rule.annotations {
        about.push(format!("{name} {value}"));
    }
    if let Some(era) = rule.era {
        about.push(format!("era {}", era.as_str()));
    }
    if let Some(when) = &rule.when {
        about.push(format!(
            "when {}",
            when.split_whitespace().collect::<Vec<_>>().join(" ")
        ));
    }
    Listed {
        name: rule.name.clone(),
        decision: match rule.decision {
            Decision::Ask(_) => "ask",
            other => other.as_str(),
        },
        about: match about.is_empty() {
            true => "everything".to_owned(),
            false => about.join(", "),
        },
        source: rule.source.to_string(),
    }
}
