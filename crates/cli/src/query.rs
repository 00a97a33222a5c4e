//! The expressions of `--yq`, as far as people use them to pick something out of what a command shows: paths, `[]`, `length`,
//! `keys`, `select(…)`, joined by `|`. Owns which there are. What else yq can do, yq does: the error names the line for it.

mod parse;

use serde_json::{Value, json};

use crate::error::{Failure, Kind};
use crate::format::{self, Format};
use crate::ui::Ui;

/// What is done to one value after the other.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    /// `.name`
    Member(String),
    /// `[3]`, `[-1]`
    At(i64),
    /// `[]`
    Each,
    Length,
    Keys,
    /// `select(…)`
    Select(Condition),
}

#[derive(Debug, Clone, PartialEq)]
struct Condition {
    of: Query,
    /// What it has to be (`true`) or must not be; without it, anything but `false` and `null`.
    is: Option<(bool, Value)>,
}

/// An expression that was understood.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Query(Vec<Step>);

impl Query {
    /// See the module.
    ///
    /// # Errors
    /// It is more than is understood here, or nothing at all.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        parse::query(text)
    }

    /// What it picks out of a value, in order.
    fn pick(&self, value: &Value) -> Result<Vec<Value>, String> {
        let mut values = vec![value.clone()];
        for step in &self.0 {
            let mut next = Vec::new();
            for value in values {
                step.take(value, &mut next)?;
            }
            values = next;
        }
        Ok(values)
    }

    /// Shows what it picks out of what a command has to show: texts as they are, everything else as YAML, or JSON if that is asked for.
    pub(crate) fn show(&self, ui: &Ui, raw: &str) -> Result<(), Failure> {
        let value = serde_json::from_str(raw)
            .map_err(|error| Failure::internal("the result is malformed", error))?;
        let picked = self.pick(&value).map_err(|why| {
            Failure::new(Kind::Usage, format!("--yq: {why}"))
                .hint("`--format json` without --yq shows what there is")
        })?;
        for value in picked {
            match (&value, ui.format()) {
                (Value::String(text), Format::Human | Format::Yaml) => ui.document(text),
                (value, Format::Json) => ui.raw(&value.to_string())?,
                (value, _) => {
                    let text = format::render(&value.to_string(), Format::Yaml)
                        .map_err(|e| Failure::internal("cannot write the result", e))?;
                    ui.document(&text);
                }
            }
        }
        Ok(())
    }
}

impl Step {
    fn take(&self, value: Value, next: &mut Vec<Value>) -> Result<(), String> {
        match (self, value) {
            (Self::Member(name), Value::Object(mut map)) => {
                next.push(map.remove(name).unwrap_or_default());
            }
            (Self::Member(_) | Self::At(_), Value::Null) => next.push(Value::Null),
            (Self::At(at), Value::Array(mut list)) => {
                let at = match *at < 0 {
                    true => (list.len() as i64) + at,
                    false => *at,
                };
                let at = usize::try_from(at).ok().filter(|at| *at < list.len());
                next.push(at.map_or(Value::Null, |at| list.swap_remove(at)));
            }
            (Self::Each, Value::Array(list)) => next.extend(list),
            (Self::Each, Value::Object(map)) => {
                next.extend(map.into_iter().map(|(_, value)| value));
            }
            (Self::Each, Value::Null) => {}
            (Self::Length, value) => next.push(match value {
                Value::Array(list) => json!(list.len()),
                Value::Object(map) => json!(map.len()),
                Value::String(text) => json!(text.chars().count()),
                Value::Null => json!(0),
                other => return Err(format!("{} has no length", kind(&other))),
            }),
            (Self::Keys, Value::Object(map)) => {
                let mut keys: Vec<String> = map.into_iter().map(|(key, _)| key).collect();
                keys.sort_unstable();
                next.push(json!(keys));
            }
            (Self::Keys, Value::Array(list)) => {
                next.push((0..list.len()).map(|at| json!(at)).collect());
            }
            (Self::Select(condition), value) => {
                if condition.holds(&value)? {
                    next.push(value);
                }
            }
            (step, value) => return Err(format!("{} of {}", step.words(), kind(&value))),
        }
        Ok(())
    }

    /// What cannot be had of a value.
    fn words(&self) -> String {
        match self {
            Self::Member(name) => format!("there is no `.{name}`"),
            Self::At(at) => format!("there is no `[{at}]`"),
            Self::Each => "there is no `[]`".to_owned(),
            Self::Keys => "there are no keys".to_owned(),
            Self::Length | Self::Select(_) => "there is nothing".to_owned(),
        }
    }
}

impl Condition {
    fn holds(&self, value: &Value) -> Result<bool, String> {
        let picked = self.of.pick(value)?;
        Ok(picked.iter().any(|one| match &self.is {
            Some((is, wanted)) => (one == wanted) == *is,
            None => !matches!(one, Value::Null | Value::Bool(false)),
        }))
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a yes or no",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}

#[cfg(test)]
mod tests;
