//! `portolan catalog validate FILE…`

use std::path::PathBuf;

use catalog::{Level, Origin, Problem};
use serde::Serialize;

use crate::error::{Failure, Kind};
use crate::ui::{Label, Line, Ui, agreeing, counted};

/// Check files with servers, of any form, and change nothing
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files, folders or URLs
    #[arg(required = true, value_name = "PATH|URL")]
    paths: Vec<PathBuf>,
}

#[derive(Serialize)]
struct Told {
    file: String,
    line: usize,
    column: usize,
    level: &'static str,
    message: String,
    hint: Option<String>,
}

#[derive(Serialize)]
struct Validated {
    servers: usize,
    errors: usize,
    warnings: usize,
    problems: Vec<Told>,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let mut problems: Vec<Problem> = Vec::new();
    let mut servers = 0;
    for path in &args.paths {
        if let Some(url) = crate::catalogs::address(path) {
            let catalog = crate::catalogs::pull(url)?.catalog;
            problems.extend(catalog.problems);
            servers += catalog.entries.len();
            continue;
        }
        let (files, more) = config::import_files(path).map_err(|error| {
            Failure::new(Kind::NotFound, format!("cannot read {}", path.display())).because(&error)
        })?;
        let catalog = catalog::import("validate", &files, &Origin::Own);
        problems.extend(more);
        problems.extend(catalog.problems);
        servers += catalog.entries.len();
    }
    let errors = crate::catalogs::errors(&problems);
    let validated = Validated {
        servers,
        errors,
        warnings: problems.len() - errors,
        problems: problems.iter().map(told).collect(),
    };
    ui.value(&validated, |ui| {
        for problem in &problems {
            let (label, word) = match problem.level {
                Level::Error => (Label::Error, "error:"),
                Level::Warning => (Label::Warning, "warning:"),
            };
            ui.data(&Line::new().put(label, word).text(format!(" {problem}")));
        }
        let warnings = validated.warnings;
        ui.data(&Line::from(format!(
            "{}, {}, {}",
            counted(servers, "server"),
            counted(errors, "error"),
            counted(warnings, "warning")
        )));
    })?;
    match errors {
        0 => Ok(()),
        count => Err(Failure::new(
            Kind::Config,
            format!(
                "{} {} servers",
                counted(count, "mistake"),
                agreeing(count, "costs", "cost")
            ),
        )),
    }
}

fn told(problem: &Problem) -> Told {
    Told {
        file: problem.source.clone(),
        line: problem.line,
        column: problem.column,
        level: match problem.level {
            Level::Error => "error",
            Level::Warning => "warning",
        },
        message: problem.message.clone(),
        hint: problem.hint.clone(),
    }
}
