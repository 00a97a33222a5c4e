//! Scripts, run.

use std::sync::Arc;

use gateway::scripts::{BoxFuture, Calls, Engine, Ran, Script, Tool};

use crate::check::Schemas;
use crate::declare::{self, Gives};
use crate::kept::Kept;
use crate::limits::Limits;
use crate::outcome::{Failure, FailureKind, Outcome};
use crate::pool::{Pool, Start};
use crate::run;
use crate::scope::Scope;
use crate::script;
use crate::shapes::Shapes;

/// What a gateway has one of: workers, and what is learnt and kept between scripts.
pub struct CodeMode {
    pub(crate) limits: Limits,
    pub(crate) pool: Arc<Pool>,
    pub(crate) shapes: Shapes,
    pub(crate) schemas: Schemas,
    pub(crate) kept: Kept,
}

impl CodeMode {
    /// With these limits, and so many workers waiting as a rule. None is started before the first script, or
    /// [`warm`](Self::warm).
    pub fn new(start: Arc<dyn Start>, limits: Limits, warm: usize) -> Self {
        Self {
            pool: Pool::new(start, limits.clone(), warm),
            limits,
            shapes: Shapes::default(),
            schemas: Schemas::default(),
            kept: Kept::default(),
        }
    }

    /// Starts the workers that wait for scripts, in the background of this runtime.
    pub fn warm(&self) {
        self.pool.fill();
    }

    /// How many workers wait for a script.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.pool.waiting()
    }

    /// Runs a script to its end, whatever it is. Dropping this cancels the script and every call that it has under way.
    pub async fn run(&self, script: Script<'_>, calls: &dyn Calls) -> Outcome {
        let text = match script::prepare(script.text) {
            Ok(text) => text,
            Err(error) => {
                return Outcome::failed(Failure::new(FailureKind::Syntax, error.to_string()));
            }
        };
        let scope = Scope::new(calls.tools());
        let outcome = run::run(self, script, &text, &scope, calls).await;
        self.pool.fill();
        outcome
    }

    /// What a script sees of these tools, in at most about `max` bytes: for the description of a tool that takes scripts.
    #[must_use]
    pub fn menu(&self, tools: Vec<Arc<Tool>>, max: usize) -> String {
        let scope = Scope::new(tools);
        let gives: Vec<(Arc<Tool>, Gives)> = scope
            .tools
            .iter()
            .map(|tool| (tool.clone(), self.shapes.gives(tool)))
            .collect();
        declare::menu(&scope.names, &gives, &scope.places, max)
    }
}

impl Engine for CodeMode {
    fn run<'a>(&'a self, script: Script<'a>, calls: &'a dyn Calls) -> BoxFuture<'a, Ran> {
        Box::pin(async move {
            let outcome = Self::run(self, script, calls).await;
            Ran {
                is_ok: outcome.ok,
                text: outcome.text(),
                facts: outcome.structured(),
            }
        })
    }

    fn menu(&self, tools: Vec<Arc<Tool>>, max: usize) -> String {
        Self::menu(self, tools, max)
    }

    fn warm(&self) {
        Self::warm(self);
    }
}
