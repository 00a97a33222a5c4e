//! What a condition may say. Looks at the expression as it was written, before macros are expanded: names and functions exist,
//! walks are few and do not nest, nothing is built up in them, patterns are known beforehand. With that, what one evaluation
//! costs grows with the arguments that it reads, which are bounded, and not faster.

use std::collections::HashMap;

use cel::common::ast::operators::{ADD, INDEX, OPT_INDEX, OPT_SELECT};
use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SelectExpr, SourceInfo};
use cel::{Env, ParseErrors};
use regex::{Regex, RegexBuilder};

use super::quick::Quick;
use super::{Mistake, Reads};
use crate::arguments::Wanted;
use crate::facts::Hints;
use crate::limits::{CONDITION_DEPTH_MAX, CONDITION_WALKS_MAX, REGEX_BYTES_MAX};

const VARIABLES: [&str; 12] = [
    "action",
    "annotations",
    "arguments",
    "caller",
    "client",
    "era",
    "prompt",
    "resource",
    "scopes",
    "server",
    "time",
    "tool",
];
const TYPES: [&str; 8] = [
    "bool",
    "double",
    "int",
    "list",
    "map",
    "null_type",
    "string",
    "uint",
];
const WALKS: [&str; 4] = ["all", "exists", "exists_one", "filter"];
const FUNCTIONS: [&str; 16] = [
    "bool",
    "contains",
    "double",
    "endsWith",
    "has",
    "hasValue",
    "int",
    "matches",
    "orValue",
    "size",
    "startsWith",
    "string",
    "type",
    "uint",
    "value",
    "or",
];
const SERVER: [&str; 5] = ["catalog", "name", "source", "transport", "type"];
const TIME: [&str; 4] = ["date", "hour", "minute", "weekday"];

/// What was found out.
pub(super) struct Checked {
    pub(super) reads: Reads,
    pub(super) patterns: HashMap<String, Regex>,
    pub(super) quick: Option<Quick>,
}

/// Whether a name is that of a fact.
pub(super) fn is_variable(name: &str) -> bool {
    VARIABLES.contains(&name)
}

pub(super) fn check(source: &str) -> Result<Checked, Mistake> {
    // Without macros: as it was written.
    let parser = Env::default()
        .parser()
        .max_recursion_depth(CONDITION_DEPTH_MAX);
    let (expression, info) = parser
        .parse_with_source_info(source)
        .map_err(|errors| syntax(&errors))?;
    let mut walk = Walk {
        info: &info,
        checked: Checked {
            reads: Reads::default(),
            patterns: HashMap::new(),
            quick: None,
        },
        bound: Vec::new(),
        guarded: Vec::new(),
        walks: 0,
    };
    walk.expression(&expression)?;
    let Walk {
        mut checked,
        guarded,
        ..
    } = walk;
    checked
        .reads
        .unguarded
        .retain(|name| !guarded.contains(name));
    checked.quick = Quick::of(&expression, &checked.patterns);
    Ok(checked)
}

/// The first mistake of syntax.
pub(super) fn syntax(errors: &ParseErrors) -> Mistake {
    let Some(first) = errors.errors.first() else {
        return Mistake::new("the condition is not valid CEL");
    };
    let text = first
        .msg
        .strip_prefix("Syntax error: ")
        .unwrap_or(&first.msg);
    let line = text.lines().next().unwrap_or_default();
    let number = |n: isize| usize::try_from(n).unwrap_or(0);
    Mistake {
        line: number(first.pos.0),
        column: number(first.pos.1),
        ..Mistake::new(format!(
            "the condition is not valid CEL: {}",
            super::short(line)
        ))
    }
}

struct Walk<'e> {
    info: &'e SourceInfo,
    checked: Checked,
    /// Names that walks have bound.
    bound: Vec<String>,
    /// Members of `arguments` of which the condition asks whether they are there.
    guarded: Vec<String>,
    walks: usize,
}

impl Walk<'_> {
    fn at(&self, expression: &IdedExpr, message: impl Into<String>) -> Mistake {
        let mut mistake = Mistake::new(message);
        if let Some((start, _)) = self.info.offset_for(expression.id) {
            (mistake.line, mistake.column) = (1, 1);
            for c in self.info.source.chars().take(start as usize) {
                match c {
                    '\n' => (mistake.line, mistake.column) = (mistake.line + 1, 1),
                    _ => mistake.column += 1,
                }
            }
        }
        mistake
    }

    fn expression(&mut self, node: &IdedExpr) -> Result<(), Mistake> {
        match &node.expr {
            Expr::Ident(name) => self.ident(node, name),
            Expr::Select(select) => self.select(node, select),
            Expr::Call(call) => self.call(node, call),
            Expr::List(list) => list
                .elements
                .iter()
                .try_for_each(|one| self.expression(one)),
            Expr::Map(map) => map.entries.iter().try_for_each(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => {
                    self.expression(&entry.key)?;
                    self.expression(&entry.value)
                }
                EntryExpr::StructField(field) => self.expression(&field.value),
            }),
            Expr::Literal(_) => Ok(()),
            Expr::Struct(_) => Err(self.at(node, "messages cannot be made in a condition")),
            Expr::Comprehension(_) | Expr::Unspecified => {
                Err(self.at(node, "this means nothing in a condition"))
            }
        }
    }

    fn ident(&mut self, node: &IdedExpr, name: &str) -> Result<(), Mistake> {
        if self.bound.iter().any(|bound| bound == name) || TYPES.contains(&name) {
            return Ok(());
        }
        let reads = &mut self.checked.reads;
        match name {
            "arguments" => reads.arguments = Wanted::All,
            "annotations" => reads.annotations = true,
            "tool" => reads.tool = true,
            "client" => reads.client = true,
            "time" => reads.time = true,
            "scopes" => reads.scopes = true,
            _ if is_variable(name) => {}
            _ => {
                return Err(self
                    .at(node, format!("there is no `{name}`"))
                    .hint(nearest(name, VARIABLES.into_iter())));
            }
        }
        Ok(())
    }

    fn is(&self, node: &IdedExpr, name: &str) -> bool {
        matches!(&node.expr, Expr::Ident(found) if found == name)
            && !self.bound.iter().any(|bound| bound == name)
    }

    fn select(&mut self, node: &IdedExpr, select: &SelectExpr) -> Result<(), Mistake> {
        if self.is(&select.operand, "arguments") {
            self.checked.reads.arguments.add_member(&select.field);
            self.checked.reads.unguarded.push(select.field.clone());
            return Ok(());
        }
        for (variable, fields) in [
            ("server", &SERVER[..]),
            ("time", &TIME[..]),
            ("annotations", &Hints::NAMES[..]),
        ] {
            if self.is(&select.operand, variable) && !fields.contains(&select.field.as_str()) {
                return Err(self
                    .at(node, format!("`{variable}` has no `{}`", select.field))
                    .hint(nearest(&select.field, fields.iter().copied())));
            }
        }
        self.expression(&select.operand)
    }

    fn call(&mut self, node: &IdedExpr, call: &CallExpr) -> Result<(), Mistake> {
        let name = call.func_name.as_str();
        match (name, call.target.as_deref(), &call.args[..]) {
            ("has", None, [one]) => {
                if let Expr::Select(select) = &one.expr
                    && self.is(&select.operand, "arguments")
                {
                    self.guarded.push(select.field.clone());
                }
                return self.expression(one);
            }
            (INDEX | OPT_INDEX | OPT_SELECT, None, [of, key]) if self.is(of, "arguments") => {
                let Expr::Literal(LiteralValue::String(member)) = &key.expr else {
                    self.checked.reads.arguments = Wanted::All;
                    return self.expression(key);
                };
                self.checked.reads.arguments.add_member(member.inner());
                match name {
                    INDEX => self.checked.reads.unguarded.push(member.inner().to_owned()),
                    _ => self.guarded.push(member.inner().to_owned()),
                }
                return Ok(());
            }
            ("matches", Some(text), [pattern]) | ("matches", None, [text, pattern]) => {
                self.pattern(pattern)?;
                return self.expression(text);
            }
            ("map", Some(_), _) => {
                return Err(self
                    .at(node, "`map` is not for conditions")
                    .hint("ask with all(), exists() or filter()"));
            }
            (_, Some(over), [variable, body]) if WALKS.contains(&name) => {
                return self.walk(node, over, variable, body);
            }
            (ADD, ..) if !self.bound.is_empty() => {
                return Err(self.at(
                    node,
                    format!("`+` within {} is not for conditions", WALKS.join("(), ")),
                ));
            }
            _ => {}
        }
        let is_operator = !name.starts_with(|c: char| c.is_ascii_alphabetic());
        if WALKS.contains(&name) {
            return Err(self.at(
                node,
                format!("`{name}` is written list.{name}(x, condition)"),
            ));
        }
        if !is_operator && !FUNCTIONS.contains(&name) {
            let known = FUNCTIONS.into_iter().chain(WALKS);
            return Err(self
                .at(node, format!("there is no function `{name}`"))
                .hint(nearest(name, known)));
        }
        if let Some(target) = &call.target {
            self.expression(target)?;
        }
        call.args.iter().try_for_each(|one| self.expression(one))
    }

    fn walk(
        &mut self,
        node: &IdedExpr,
        over: &IdedExpr,
        variable: &IdedExpr,
        body: &IdedExpr,
    ) -> Result<(), Mistake> {
        let Expr::Ident(variable) = &variable.expr else {
            return Err(self.at(variable, "a name for the elements is missing"));
        };
        self.walks += 1;
        if !self.bound.is_empty() {
            return Err(self.at(node, "walks over lists do not nest in a condition"));
        }
        if self.walks > CONDITION_WALKS_MAX {
            return Err(self.at(
                node,
                format!("more than {CONDITION_WALKS_MAX} walks over lists"),
            ));
        }
        self.expression(over)?;
        self.bound.push(variable.clone());
        let inner = self.expression(body);
        self.bound.pop();
        inner
    }

    fn pattern(&mut self, pattern: &IdedExpr) -> Result<(), Mistake> {
        let Expr::Literal(LiteralValue::String(text)) = &pattern.expr else {
            return Err(self
                .at(pattern, "the pattern of `matches` must be written out")
                .hint("text.matches(\"^[a-z]+$\")"));
        };
        let regex = RegexBuilder::new(text.inner())
            .size_limit(REGEX_BYTES_MAX)
            .build();
        let regex = regex.map_err(|error| {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            let last = last.trim_start_matches("error: ");
            self.at(
                pattern,
                format!("the pattern of `matches` is wrong: {last}"),
            )
        })?;
        self.checked.patterns.insert(text.inner().to_owned(), regex);
        Ok(())
    }
}

fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str> + Clone) -> String {
    let distance = |one: &str| {
        strsim::damerau_levenshtein(&name.to_ascii_lowercase(), &one.to_ascii_lowercase())
    };
    let near = known.clone().min_by_key(|one| distance(one));
    match near.filter(|one| distance(one) <= 2 && distance(one) < one.len()) {
        Some(one) => format!("did you mean `{one}`?"),
        None => format!("there are: {}", known.collect::<Vec<_>>().join(", ")),
    }
}
