//! What is seen of the demo: one line per step, with its time.

use std::cell::RefCell;
use std::time::Instant;

use serde::Serialize;

use crate::error::Failure;
use crate::format::Format;
use crate::log::millis;
use crate::ui::{Label, Line, Ui, counted};

const DETAIL_CHARS_MAX: usize = 160;
/// Columns before the detail of a step.
const DETAIL_COLUMN: usize = 24;

/// Prints steps as they are done, and keeps them for programs.
pub(super) struct Stage<'a> {
    ui: &'a Ui,
    begun: Instant,
    waits_for: RefCell<String>,
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
            waits_for: RefCell::default(),
            steps: RefCell::default(),
        }
    }

    /// Where it is seen.
    pub(super) fn ui(&self) -> &'a Ui {
        self.ui
    }

    /// Something is being waited for, until the empty text.
    pub(super) fn wait(&self, what: &str) {
        what.clone_into(&mut self.waits_for.borrow_mut());
        self.ui.passing(what);
    }

    /// A step that is done.
    pub(super) fn step(&self, step: &str, detail: &str, begun: Instant) {
        self.done(step, &[detail], begun);
    }

    /// A tool that answered.
    pub(super) fn call(&self, tool: &str, arguments: &str, answer: &str, begun: Instant) {
        let forms = [
            &format!("{tool} {arguments} → {answer}"),
            // Where there is little room, the answer is what people want to see.
            &format!("{tool} → {answer}")[..],
        ];
        self.done("tools/call", &forms, begun);
    }

    /// Seen in the first form that there is room for, else in the last one, cut.
    fn done(&self, step: &str, forms: &[&str], begun: Instant) {
        let ms = since(begun);
        let room = self.ui.columns().unwrap_or(usize::MAX);
        let room = room.saturating_sub(DETAIL_COLUMN).max(20);
        let form = forms.iter().find(|form| form.chars().count() <= room);
        let shown = form.or(forms.last()).copied().unwrap_or_default();
        let shown = short(shown, room.min(DETAIL_CHARS_MAX));
        self.line(Label::Good, "✓", step, &shown, &millis(ms));
        let detail = short(forms.first().copied().unwrap_or_default(), DETAIL_CHARS_MAX);
        self.steps.borrow_mut().push(Step {
            step: step.into(),
            detail,
            ms: Some(ms),
            ok: true,
        });
    }

    /// A step that could not be done, and why.
    pub(super) fn skip(&self, step: &str, why: &str) {
        let why = short(why, DETAIL_CHARS_MAX);
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
            ui.data(&Line::new());
            ui.data(&Line::from(format!(
                "{} answered, {} in all. Next, with the servers of an application:",
                counted(calls, "call"),
                millis(ms)
            )));
            let program = program();
            for command in [
                "tools ls --config ~/.cursor/mcp.json",
                "gateway run --config ~/.cursor/mcp.json --transport streaming",
            ] {
                let command = format!("{program} {command}");
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
        self.ui.passing(&self.waits_for.borrow());
    }
}

/// Milliseconds, to the microsecond.
fn since(begun: Instant) -> f64 {
    (begun.elapsed().as_secs_f64() * 1e6).round() / 1e3
}

/// The words by which we were called: who came by `cargo run` has not installed us.
fn program() -> String {
    let words = std::env::args_os().next().unwrap_or_default();
    let path = std::path::Path::new(&words);
    let here = std::env::current_dir().unwrap_or_default();
    let path = path.strip_prefix(here).unwrap_or(path);
    match path.components().count() {
        0 => "portolan".into(),
        _ => path.display().to_string(),
    }
}

/// One line, and not a long one.
fn short(text: &str, chars_max: usize) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(chars_max) {
        Some(_) => text.chars().take(chars_max - 1).chain(['…']).collect(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn details_are_one_short_line() {
        assert_eq!(short("a\n  b", 3), "a b");
        assert_eq!(short("ärger", 4), "ärg…");
    }
}
