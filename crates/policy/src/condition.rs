//! A condition: an expression in CEL, compiled once, bounded in what it costs. Owns which names it may use; a name or function
//! that does not exist is refused when it is read, not when a call depends on it. Next: `condition/check`.

mod check;
mod quick;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, OnceLock};

use cel::common::types::{CelBool, CelInt, CelList, CelMap, CelMapKey, CelString};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use cel::extractors::This;
use cel::{Context, Env, ExecutionError, Program, Value};
use regex::Regex;

use crate::arguments::{Members, Wanted};
use crate::facts::{Asked, Facts};
use crate::limits::{CONDITION_BYTES_MAX, WHY_CHARS_MAX};
use crate::time::Moment;
use quick::{Fact, Quick};

/// See the module.
pub(crate) struct Condition {
    program: Program,
    pub(crate) reads: Reads,
    patterns: Arc<HashMap<String, Regex>>,
    quick: Option<Quick>,
}

/// Which facts a condition reads, as far as that matters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reads {
    pub(crate) arguments: Wanted,
    /// Members of `arguments` that are read without asking whether they are there.
    pub(crate) unguarded: Vec<String>,
    pub(crate) tool: bool,
    pub(crate) annotations: bool,
    pub(crate) client: bool,
    pub(crate) time: bool,
    pub(crate) scopes: bool,
}

/// What is wrong with a condition, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    /// From 1; 0 where it is nowhere in particular.
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Mistake {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
            line: 0,
            column: 0,
        }
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }
}

static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

impl Condition {
    pub(crate) fn compile(source: &str) -> Result<Self, Mistake> {
        if source.len() > CONDITION_BYTES_MAX {
            return Err(Mistake::new(format!(
                "the condition is longer than {CONDITION_BYTES_MAX} bytes"
            ))
            .hint("make several rules of it"));
        }
        let checked = check::check(source)?;
        let program = ENV
            .compile(source)
            .map_err(|errors| check::syntax(&errors))?;
        Ok(Self {
            program,
            reads: checked.reads,
            patterns: Arc::new(checked.patterns),
            quick: checked.quick,
        })
    }

    /// Whether it holds.
    ///
    /// # Errors
    /// Why that cannot be told.
    pub(crate) fn holds(&self, scope: &Scope<'_>) -> Result<bool, String> {
        let quick = self.quick.as_ref();
        match quick.and_then(|quick| quick.holds(&self.reads.arguments, scope)) {
            Some(holds) => Ok(holds),
            None => self.interpreted(scope),
        }
    }

    fn interpreted(&self, scope: &Scope<'_>) -> Result<bool, String> {
        if !self.reads.arguments.is_none()
            && let Err(why) = scope.arguments()
        {
            return Err(why.clone());
        }
        let mut context = Context::with_env(ENV.clone());
        context.set_variable_resolver(scope);
        if !self.patterns.is_empty() {
            let patterns = self.patterns.clone();
            let matches = move |This(text): This<Arc<String>>, pattern: Arc<String>| match patterns
                .get(pattern.as_str())
            {
                Some(regex) => Ok(regex.is_match(&text)),
                None => Err(ExecutionError::function_error("matches", "unknown pattern")),
            };
            context
                .add_function("matches", matches)
                .map_err(|error| error.to_string())?;
        }
        match self.program.execute(&context) {
            Ok(Value::Bool(holds)) => Ok(holds),
            Ok(_) => Err("the condition is neither true nor false".to_owned()),
            Err(error) => Err(short(&told(&error))),
        }
    }
}

fn told(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(key) => {
            format!("there is no {key:?}; a condition asks with has() first")
        }
        other => {
            let text = other.to_string();
            let mut letters = text.chars();
            letters.next().map_or_else(String::new, |first| {
                first.to_ascii_lowercase().to_string() + letters.as_str()
            })
        }
    }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(WHY_CHARS_MAX) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}

/// What conditions see of the facts. The arguments are looked at when the first condition wants them, once; they are read when
/// the interpreter does.
pub(crate) struct Scope<'a> {
    facts: &'a Facts<'a>,
    wanted: &'a Wanted,
    members: OnceLock<Result<Members<'a>, String>>,
    arguments: OnceLock<Result<CelMap<'a>, String>>,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(facts: &'a Facts<'a>, wanted: &'a Wanted) -> Self {
        Self {
            facts,
            wanted,
            members: OnceLock::new(),
            arguments: OnceLock::new(),
        }
    }

    fn members(&self) -> Result<&Members<'a>, &String> {
        let raw = match self.facts.asked {
            Asked::Tool {
                arguments: Some(raw),
                ..
            } => raw,
            _ => "{}",
        };
        self.members.get_or_init(|| Members::of(raw)).as_ref()
    }

    fn arguments(&self) -> Result<&CelMap<'a>, &String> {
        let read = || self.members().map_err(Clone::clone)?.read(self.wanted);
        self.arguments.get_or_init(read).as_ref()
    }
}

impl VariableResolver for Scope<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        let facts = self.facts;
        if let Some(fact) = Fact::named(variable) {
            return Some(CowVal::owned(CelString::from(fact.of(self))));
        }
        Some(match variable {
            "arguments" => CowVal::Borrowed(self.arguments().ok()?),
            "server" => {
                let server = facts.server;
                map([
                    ("name", boxed(&server.name)),
                    ("type", boxed(&server.kind)),
                    ("source", boxed(&server.source)),
                    ("catalog", boxed(&server.catalog)),
                    ("transport", boxed(&server.transport)),
                ])
            }
            "scopes" => {
                let scopes = facts.scopes().map(boxed);
                CowVal::owned(CelList::from(scopes.collect::<Vec<_>>()))
            }
            "annotations" => {
                let hints = match facts.asked {
                    Asked::Tool { hints, .. } => hints,
                    _ => crate::Hints::default(),
                };
                map(hints.named().map(|(name, value)| {
                    (name, Box::new(CelBool::from(value)) as Box<dyn Val + 'b>)
                }))
            }
            "time" => {
                let moment = Moment::of(facts.now_s.unwrap_or_default());
                let number = |n: i64| Box::new(CelInt::from(n)) as Box<dyn Val + 'b>;
                map([
                    ("hour", number(moment.hour)),
                    ("minute", number(moment.minute)),
                    ("weekday", number(moment.weekday)),
                    ("date", Box::new(CelString::from(moment.date))),
                ])
            }
            _ => return None,
        })
    }
}

fn boxed(text: &str) -> Box<dyn Val + '_> {
    Box::new(CelString::from(text))
}

fn map<'b, const N: usize>(members: [(&'static str, Box<dyn Val + 'b>); N]) -> CowVal<'b, 'b> {
    let members = members
        .into_iter()
        .map(|(name, value)| (CelMapKey::from(name), value));
    CowVal::owned(CelMap::from(members.collect::<HashMap<_, _>>()))
}

#[cfg(test)]
mod tests;
