//! An expression, as far as it can be told without the interpreter. What has a form that is not known here is asked there.

use std::collections::HashMap;

use cel::common::ast::operators::{
    CONDITIONAL, IN, INDEX, LOGICAL_AND, LOGICAL_NOT, LOGICAL_OR, OPT_INDEX, OPT_SELECT,
};
use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue};
use regex::Regex;

use super::value::{Amount, Compared, Fact, From, Number, Place, Text};
use super::{Quick, Test, Walk};
use crate::condition::check::is_variable;
use crate::facts::Hints;

pub(super) fn read(node: &IdedExpr, patterns: &HashMap<String, Regex>) -> Quick {
    let reader = Reader {
        patterns,
        bound: None,
    };
    reader.part(node)
}

#[derive(Clone, Copy)]
struct Reader<'r> {
    patterns: &'r HashMap<String, Regex>,
    /// The name that a walk has bound.
    bound: Option<&'r str>,
}

impl<'r> Reader<'r> {
    fn part(self, node: &'r IdedExpr) -> Quick {
        match &node.expr {
            Expr::Literal(LiteralValue::Boolean(value)) => Quick::Always(*value.inner()),
            Expr::Call(call) => self
                .call(call)
                .or_else(|| self.place(node).map(Quick::Flag))
                .unwrap_or(Quick::Ask),
            _ => self.flag(node).unwrap_or(Quick::Ask),
        }
    }

    fn boxed(self, node: &'r IdedExpr) -> Box<Quick> {
        Box::new(self.part(node))
    }

    fn call(self, call: &'r CallExpr) -> Option<Quick> {
        let (name, target) = (call.func_name.as_str(), call.target.as_deref());
        if let (Some(compared), None, [left, right]) =
            (Compared::named(name), target, &call.args[..])
        {
            return self.compared(left, compared, right);
        }
        let tested = |node, test| Some(Quick::Text(self.text(node)?, test));
        Some(match (name, target, &call.args[..]) {
            (LOGICAL_AND, None, [left, right]) => Quick::And(self.boxed(left), self.boxed(right)),
            (LOGICAL_OR, None, [left, right]) => Quick::Or(self.boxed(left), self.boxed(right)),
            (LOGICAL_NOT, None, [inner]) => Quick::Not(self.boxed(inner)),
            (CONDITIONAL, None, [asked, yes, no]) => {
                Quick::Choice(Box::new([asked, yes, no].map(|node| self.part(node))))
            }
            ("has", None, [one]) if matches!(one.expr, Expr::Select(_)) => {
                Quick::Has(self.place(one)?)
            }
            ("hasValue", Some(of), []) => Quick::Has(self.optional(of)?),
            (IN, None, [of, list]) => self.within(of, list)?,
            ("startsWith", Some(of), [with]) => tested(of, Test::Starts(self.text(with)?))?,
            ("endsWith", Some(of), [with]) => tested(of, Test::Ends(self.text(with)?))?,
            ("contains", Some(of), [part]) => tested(of, Test::Contains(self.text(part)?))?,
            ("matches", Some(of), [pattern]) | ("matches", None, [of, pattern]) => {
                let regex = self.patterns.get(&written(pattern)?)?;
                tested(of, Test::Matches(regex.clone()))?
            }
            ("all" | "exists", Some(list), [variable, body]) => {
                let walk = match name {
                    "all" => Walk::All,
                    _ => Walk::Any,
                };
                let Expr::Ident(variable) = &variable.expr else {
                    return None;
                };
                if self.bound.is_some() || is_variable(variable) {
                    return None;
                }
                let within = Reader {
                    bound: Some(variable),
                    ..self
                };
                Quick::Walk(walk, self.place(list)?, within.boxed(body))
            }
            _ => return None,
        })
    }

    /// Two things of one kind. What could be of any is of the kind of the other.
    fn compared(
        self,
        left: &'r IdedExpr,
        compared: Compared,
        right: &'r IdedExpr,
    ) -> Option<Quick> {
        if is_number(left) || is_number(right) {
            return Some(Quick::Number(
                self.number(left)?,
                compared,
                self.number(right)?,
            ));
        }
        if self.is_text(left) || self.is_text(right) {
            let (left, right) = (self.text(left)?, self.text(right)?);
            let test = match compared {
                Compared::Is => Test::Is(right),
                Compared::IsNot => Test::IsNot(right),
                other => Test::Stands(other, right),
            };
            return Some(Quick::Text(left, test));
        }
        let (of, value) = match (&left.expr, &right.expr) {
            (_, Expr::Literal(LiteralValue::Boolean(value))) => (left, *value.inner()),
            (Expr::Literal(LiteralValue::Boolean(value)), _) => (right, *value.inner()),
            _ => return None,
        };
        let is_same = match compared {
            Compared::Is => value,
            Compared::IsNot => !value,
            _ => return None,
        };
        let flag = self.flag(of)?;
        Some(match is_same {
            true => flag,
            false => Quick::Not(Box::new(flag)),
        })
    }

    fn within(self, of: &'r IdedExpr, list: &'r IdedExpr) -> Option<Quick> {
        let text = self.text(of)?;
        if let Expr::List(list) = &list.expr {
            let written = list.elements.iter().map(|one| {
                self.is_text(one).then_some(())?;
                self.text(one)
            });
            return Some(Quick::Text(
                text,
                Test::OneOf(written.collect::<Option<_>>()?),
            ));
        }
        // A number may be an element, too.
        if !self.is_text(of) {
            return None;
        }
        match self.is_fact(list, "scopes") {
            true => Some(Quick::Scope(text)),
            false => Some(Quick::Within(text, self.place(list)?)),
        }
    }

    fn flag(self, node: &IdedExpr) -> Option<Quick> {
        match &node.expr {
            Expr::Select(select) if self.is_fact(&select.operand, "annotations") => {
                let at = Hints::NAMES.iter().position(|name| *name == select.field);
                at.map(Quick::Hint)
            }
            _ => self.place(node).map(Quick::Flag),
        }
    }

    /// What can be nothing but a text.
    fn is_text(self, node: &IdedExpr) -> bool {
        self.text(node)
            .is_some_and(|text| !matches!(text, Text::Place(_)))
    }

    fn text(self, node: &IdedExpr) -> Option<Text> {
        let fact = match &node.expr {
            Expr::Literal(LiteralValue::String(text)) => {
                return Some(Text::Written(text.inner().to_owned()));
            }
            Expr::Ident(name) if self.bound != Some(name) => Fact::named(name),
            Expr::Select(select) if self.is_fact(&select.operand, "server") => {
                Fact::of_server(&select.field)
            }
            Expr::Select(select)
                if self.is_fact(&select.operand, "time") && select.field == "date" =>
            {
                return Some(Text::Date);
            }
            _ => None,
        };
        match fact {
            Some(fact) => Some(Text::Fact(fact)),
            None => self.place(node).map(Text::Place),
        }
    }

    fn number(self, node: &'r IdedExpr) -> Option<Number> {
        match &node.expr {
            Expr::Literal(LiteralValue::Int(value)) => {
                Some(Number::Written(Amount::Whole(*value.inner())))
            }
            Expr::Literal(LiteralValue::Double(value)) => {
                Some(Number::Written(Amount::Broken(*value.inner())))
            }
            Expr::Select(select) if self.is_fact(&select.operand, "time") => {
                match select.field.as_str() {
                    "hour" => Some(Number::Hour),
                    "minute" => Some(Number::Minute),
                    "weekday" => Some(Number::Weekday),
                    _ => None,
                }
            }
            _ => match sized(node) {
                Some(of) => match self.text(of)? {
                    Text::Place(place) => Some(Number::Size(place)),
                    text => Some(Number::SizeOf(text)),
                },
                None => self.place(node).map(Number::Place),
            },
        }
    }

    /// Where something is: `arguments.name`, `arguments["name"]`, what is within it, or an element of a walk; or what stands for
    /// it: `arguments.?name.orValue(…)`.
    fn place(self, node: &IdedExpr) -> Option<Place> {
        let step = |of: &IdedExpr, name: String| {
            let mut place = match self.is_fact(of, "arguments") {
                true => begun(From::Arguments),
                false => self.place(of).filter(|place| place.or.is_none())?,
            };
            place.path.push(name);
            Some(place)
        };
        match &node.expr {
            Expr::Ident(name) if self.bound == Some(name) => Some(begun(From::Element)),
            Expr::Select(select) => step(&select.operand, select.field.clone()),
            Expr::Call(call) => match (
                call.func_name.as_str(),
                call.target.as_deref(),
                &call.args[..],
            ) {
                (INDEX, None, [of, key]) => step(of, written(key)?),
                ("orValue", Some(of), [other]) => Some(Place {
                    or: Some(json(other)?),
                    ..self.optional(of)?
                }),
                _ => None,
            },
            _ => None,
        }
    }

    /// `arguments.?name`.
    fn optional(self, node: &IdedExpr) -> Option<Place> {
        let Expr::Call(call) = &node.expr else {
            return None;
        };
        match (
            call.func_name.as_str(),
            call.target.as_deref(),
            &call.args[..],
        ) {
            (OPT_SELECT | OPT_INDEX, None, [of, key]) if self.is_fact(of, "arguments") => {
                Some(Place {
                    path: vec![written(key)?],
                    ..begun(From::Arguments)
                })
            }
            _ => None,
        }
    }

    fn is_fact(self, node: &IdedExpr, name: &str) -> bool {
        self.bound != Some(name) && matches!(&node.expr, Expr::Ident(found) if found == name)
    }
}

fn begun(from: From) -> Place {
    Place {
        from,
        path: Vec::new(),
        or: None,
    }
}

/// What can be nothing but a number.
fn is_number(node: &IdedExpr) -> bool {
    match &node.expr {
        Expr::Literal(LiteralValue::Int(_) | LiteralValue::Double(_)) => true,
        Expr::Select(select) => {
            matches!(&select.operand.expr, Expr::Ident(name) if name == "time")
                && select.field != "date"
        }
        _ => sized(node).is_some(),
    }
}

/// What the size of is asked.
fn sized(node: &IdedExpr) -> Option<&IdedExpr> {
    let Expr::Call(call) = &node.expr else {
        return None;
    };
    match (
        call.func_name.as_str(),
        call.target.as_deref(),
        &call.args[..],
    ) {
        ("size", Some(of), []) | ("size", None, [of]) => Some(of),
        _ => None,
    }
}

fn written(node: &IdedExpr) -> Option<String> {
    match &node.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner().to_owned()),
        _ => None,
    }
}

/// What is written out, as JSON.
fn json(node: &IdedExpr) -> Option<String> {
    match &node.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(wire::quote(text.inner())),
        Expr::Literal(LiteralValue::Boolean(value)) => Some(value.inner().to_string()),
        Expr::Literal(LiteralValue::Int(value)) => Some(value.inner().to_string()),
        _ => None,
    }
}
