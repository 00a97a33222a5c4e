//! What is seen of the demo: one line per step, with its time.

use std::cell::RefCell;
use std::time::Instant;

use serde::Serialize;

use crate::error::Failure;
use crate::format::Format;
use crate::log::millis;
use crate::ui::{Label, Line, Ui};

const DETAIL_CHARS_MAX: usize = 160;

/// Prints steps as they are done, and keeps them for programs.
pub(super) struct Stage<'a> {
    ui: &'a Ui,
    begun: Instant,
    steps: RefCell<Vec<Step>>,
}

#[derive(Serialize)]
struct Step {
    step: String,
    detail: String,
    ms: Option<f64>,
    ok: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    ok: bool,
    calls: usize,
    ms: f64,
    steps: &'a [Step],
}

impl<'a> Stage<'a> {
    pub(super) fn new(ui: &'a Ui) -> Self {
        if ui.format() == Format::Human {
            ui.data(&Line::new().put(Label::Heading, "portolan demo").put(
                Label::Dim,
                ": one gateway, real servers behind it, a client before it",
            ));
        }
        Self {
            ui,
            begun: Instant::now(),
            steps: RefCell::default(),
        }
    }

    /// Where it is seen.
    pub(super) fn ui(&self) -> &'a Ui {
        self.ui
    }

    /// Something is being waited for.
    pub(super) fn wait(&self, what: &str) {
        self.ui.passing(what);
    }

    /// A step that is done.
    pub(super) fn step(&self, step: &str, detail: &str, begun: Instant) {
        let ms = since(begun);
        let detail = short(detail);
        self.line(Label::Good, "✓", step, &detail, &millis(ms));
        self.steps.borrow_mut().push(Step {
            step: step.into(),
            detail,
            ms: Some(ms),
            ok: true,
        });
    }

    /// A step that could not be done, and why.
    pub(super) fn skip(&self, step: &str, why: &str) {
        let why = short(why);
        self.line(Label::Warning, "-", step, &why, "");
        self.steps.borrow_mut().push(Step {
            step: step.into(),
            detail: why,
            ms: None,
            ok: false,
        });
    }

    /// The end.
    pub(super) fn finish(self, calls: usize) -> Result<(), Failure> {
        let ms = since(self.begun);
        let report = Report {
            ok: calls > 0,
            calls,
            ms,
            steps: &self.steps.borrow(),
        };
        self.ui.value(&report, |ui| {
            let word = if calls == 1 { "call" } else { "calls" };
            ui.data(&Line::new());
            ui.data(&Line::from(format!(
                "{calls} {word} answered, {} in all. Next:",
                millis(ms)
            )));
            for command in [
                "portolan gateway run --config ~/.cursor/mcp.json --dry-run",
                "portolan gateway run --transport streaming",
            ] {
                ui.data(&Line::new().text("  ").put(Label::Name, command));
            }
        })
    }

    fn line(&self, label: Label, mark: &'static str, step: &str, detail: &str, time: &str) {
        if self.ui.format() != Format::Human {
            return;
        }
        self.ui.passing("");
        self.ui.data(
            &Line::new()
                .put(label, mark)
                .put(Label::Heading, format!(" {step:<11} "))
                .put(Label::Dim, format!("{time:>8}  "))
                .text(detail.to_owned()),
        );
    }
}

/// Milliseconds, to the microsecond.
fn since(begun: Instant) -> f64 {
    (begun.elapsed().as_secs_f64() * 1e6).round() / 1e3
}

/// One line, and not a long one.
fn short(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(DETAIL_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}
