//! The forms that a script may have.
//!
//! First it is tried as a program whose last statement gives the result, with `await` at the top; if that is no syntax,
//! as the body of an async function, where `return` is at home; then as an expression. If it is none of these, it may be
//! TypeScript. Nothing runs before a form is found to be syntax.

use rquickjs::context::EvalOptions;
use rquickjs::{Ctx, Function, Value};

use super::show::FILE;
use super::steps::{Outcome, Steps};
use super::types::blanked;
use crate::protocol::Failed;

impl Steps<'_> {
    /// The program, in the first form that is syntax; else the error of the form that says most. What is none is tried
    /// without its types.
    pub(super) fn evaluated<'js>(&self, ctx: &Ctx<'js>, script: &str) -> Outcome<Value<'js>> {
        let failed = match self.in_some_form(ctx, script) {
            Err(failed) if failed.kind == "syntax" => failed,
            outcome => return outcome,
        };
        match blanked(script).map(|script| self.in_some_form(ctx, &script)) {
            Some(Ok(program)) => Ok(program),
            // What remains of it is no reading of what was written.
            _ => Err(failed),
        }
    }

    fn in_some_form<'js>(&self, ctx: &Ctx<'js>, script: &str) -> Outcome<Value<'js>> {
        self.state.before.set(0);
        match evaluate(ctx, script, true) {
            Ok(program) => return Ok(program),
            Err(error) => {
                let failed = self.caught(ctx, error);
                if failed.name != "SyntaxError" {
                    return Err(failed);
                }
            }
        }
        // A line of its own before the script, so that columns stay what they are.
        self.state.before.set(1);
        let body = format!("async function () {{\n{script}\n}}");
        let error = match evaluate(ctx, &format!("({body})"), false) {
            Ok(program) => return self.whole(ctx, program, &body),
            Err(error) => error,
        };
        let mut failed = self.caught(ctx, error);
        if failed.name != "SyntaxError" {
            return Err(failed);
        }
        // A function without a name is an expression only.
        let expression = script.trim_end().trim_end_matches(';');
        match evaluate(ctx, &format!("(\n{expression}\n)"), false) {
            Ok(program) => Ok(program),
            Err(error) => {
                self.caught(ctx, error);
                failed.kind = "syntax".into();
                Err(failed)
            }
        }
    }

    /// The function that a script became the body of, if that is all it is: brackets may not close around it.
    fn whole<'js>(&self, ctx: &Ctx<'js>, program: Value<'js>, body: &str) -> Outcome<Value<'js>> {
        let prelude = self.prelude_of(ctx)?;
        let source: rquickjs::Result<String> = prelude
            .get("source")
            .and_then(|source: Function<'js>| source.call((program.clone(),)));
        if source.map_err(|error| self.caught(ctx, error))? == body {
            return Ok(program);
        }
        Err(Failed {
            kind: "syntax".into(),
            name: "SyntaxError".into(),
            message: "a bracket closes what the script has not opened".into(),
            ..Failed::default()
        })
    }
}

fn evaluate<'js>(ctx: &Ctx<'js>, script: &str, program: bool) -> rquickjs::Result<Value<'js>> {
    let mut options = EvalOptions::default();
    options.strict = false;
    options.promise = program;
    options.filename = Some(FILE.into());
    ctx.eval_with_options(script, options)
}
