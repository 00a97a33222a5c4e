//! What of a condition can be told without the interpreter: comparisons of names, texts, whole numbers and yes-or-no with what is
//! written out, and what is made of those by `&&`, `||` and `!`. Most conditions are nothing else, and cost a twentieth so. Owns no
//! meaning of its own: it answers only what the interpreter would, and where it does not know, that is asked; a property test
//! holds the two together.

use std::borrow::Cow;
use std::collections::HashMap;

use cel::common::ast::operators::{
    EQUALS, GREATER, GREATER_EQUALS, IN, INDEX, LESS, LESS_EQUALS, LOGICAL_AND, LOGICAL_NOT,
    LOGICAL_OR, NOT_EQUALS,
};
use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, SelectExpr};
use regex::Regex;

use super::Scope;
use crate::arguments::{Members, Wanted};
use crate::facts::{Asked, Hints};
use crate::time::Moment;

/// A condition, or a part of one.
pub(super) enum Quick {
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
    Always(bool),
    /// Whether an argument is there.
    Has(String),
    /// An argument that says yes or no.
    Flag(String),
    /// What the server says of the tool, by the place in [`Hints::NAMES`].
    Hint(usize),
    Text(Text, Test),
    /// How a whole number stands to one that is written out.
    Number(Number, Compared, i64),
    /// The interpreter knows.
    Ask,
}

/// A text that a condition looks at.
pub(super) enum Text {
    Argument(String),
    Fact(Fact),
}

/// A whole number that a condition looks at.
pub(super) enum Number {
    Argument(String),
    Hour,
    Minute,
    Weekday,
}

#[derive(Clone, Copy)]
pub(super) enum Compared {
    Less,
    AtMost,
    Is,
    IsNot,
    AtLeast,
    More,
}

#[derive(Clone, Copy)]
pub(super) enum Fact {
    Caller,
    Client,
    Tool,
    Prompt,
    Resource,
    Action,
    Era,
    ServerName,
    ServerType,
    ServerSource,
    ServerCatalog,
    ServerTransport,
}

/// What is wanted of it.
pub(super) enum Test {
    OneOf(Vec<String>),
    NoneOf(Vec<String>),
    Starts(String),
    Ends(String),
    Contains(String),
    Matches(Regex),
}

impl Quick {
    /// What can be told of an expression as it was written. None: nothing.
    pub(super) fn of(node: &IdedExpr, patterns: &HashMap<String, Regex>) -> Option<Self> {
        let quick = read(node, patterns);
        (!matches!(quick, Self::Ask)).then_some(quick)
    }

    /// Whether the condition holds, if that can be told. `wanted` are the arguments that the condition reads: they have to be
    /// such that there is nothing within them to be read wrongly.
    pub(super) fn holds(&self, wanted: &Wanted, scope: &Scope<'_>) -> Option<bool> {
        let members = match wanted {
            Wanted::None => None,
            Wanted::All => return None,
            Wanted::Members(names) => {
                let members = scope.members().ok()?;
                names
                    .iter()
                    .all(|name| members.is_plain(name))
                    .then_some(())?;
                Some(members)
            }
        };
        self.told(members, scope)
    }

    /// As the interpreter does it, from left to right; a part that is not known leaves the whole unknown.
    fn told<'s>(&self, members: Option<&Members<'s>>, scope: &Scope<'s>) -> Option<bool> {
        match self {
            Self::And(left, right) => match left.told(members, scope)? {
                true => right.told(members, scope),
                false => Some(false),
            },
            Self::Or(left, right) => match left.told(members, scope)? {
                true => Some(true),
                false => right.told(members, scope),
            },
            Self::Not(inner) => inner.told(members, scope).map(|holds| !holds),
            Self::Always(value) => Some(*value),
            Self::Has(name) => Some(members?.get(name).is_some()),
            Self::Flag(name) => members?.get(name)?.parse().ok(),
            Self::Hint(at) => {
                let hints = match scope.facts.asked {
                    Asked::Tool { hints, .. } => hints,
                    _ => Hints::default(),
                };
                Some(hints.named()[*at].1)
            }
            Self::Text(text, test) => Some(test.fits(&text.of(members, scope)?)),
            Self::Number(number, compared, other) => {
                Some(compared.holds(number.of(members, scope)?, *other))
            }
            Self::Ask => None,
        }
    }
}

impl Text {
    fn of<'s>(&self, members: Option<&Members<'s>>, scope: &Scope<'s>) -> Option<Cow<'s, str>> {
        match self {
            Self::Argument(name) => members?.text(name),
            Self::Fact(fact) => Some(Cow::Borrowed(fact.of(scope))),
        }
    }
}

impl Number {
    fn of(&self, members: Option<&Members<'_>>, scope: &Scope<'_>) -> Option<i64> {
        let moment = || Moment::of(scope.facts.now_s.unwrap_or_default());
        Some(match self {
            Self::Argument(name) => members?.get(name)?.parse().ok()?,
            Self::Hour => moment().hour,
            Self::Minute => moment().minute,
            Self::Weekday => moment().weekday,
        })
    }
}

impl Compared {
    fn named(operator: &str) -> Option<Self> {
        Some(match operator {
            LESS => Self::Less,
            LESS_EQUALS => Self::AtMost,
            EQUALS => Self::Is,
            NOT_EQUALS => Self::IsNot,
            GREATER_EQUALS => Self::AtLeast,
            GREATER => Self::More,
            _ => return None,
        })
    }

    /// The same with the two sides exchanged.
    fn turned(self) -> Self {
        match self {
            Self::Less => Self::More,
            Self::AtMost => Self::AtLeast,
            Self::AtLeast => Self::AtMost,
            Self::More => Self::Less,
            same => same,
        }
    }

    fn holds(self, left: i64, right: i64) -> bool {
        match self {
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::Is => left == right,
            Self::IsNot => left != right,
            Self::AtLeast => left >= right,
            Self::More => left > right,
        }
    }
}

impl Fact {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "caller" => Self::Caller,
            "client" => Self::Client,
            "tool" => Self::Tool,
            "prompt" => Self::Prompt,
            "resource" => Self::Resource,
            "action" => Self::Action,
            "era" => Self::Era,
            _ => return None,
        })
    }

    fn of_server(field: &str) -> Option<Self> {
        Some(match field {
            "name" => Self::ServerName,
            "type" => Self::ServerType,
            "source" => Self::ServerSource,
            "catalog" => Self::ServerCatalog,
            "transport" => Self::ServerTransport,
            _ => return None,
        })
    }

    pub(super) fn of<'s>(self, scope: &Scope<'s>) -> &'s str {
        let facts = scope.facts;
        match self {
            Self::Caller => facts.caller,
            Self::Client => facts.client.unwrap_or_default(),
            Self::Tool => facts.asked.tool().unwrap_or_default(),
            Self::Prompt => match facts.asked {
                Asked::Prompt(name) => name,
                _ => "",
            },
            Self::Resource => match facts.asked {
                Asked::Resource(uri) => uri,
                _ => "",
            },
            Self::Action => facts.asked.action(),
            Self::Era => facts.era.as_str(),
            Self::ServerName => &facts.server.name,
            Self::ServerType => &facts.server.kind,
            Self::ServerSource => &facts.server.source,
            Self::ServerCatalog => &facts.server.catalog,
            Self::ServerTransport => &facts.server.transport,
        }
    }
}

impl Test {
    fn fits(&self, text: &str) -> bool {
        match self {
            Self::OneOf(all) => all.iter().any(|one| one == text),
            Self::NoneOf(all) => all.iter().all(|one| one != text),
            Self::Starts(with) => text.starts_with(with.as_str()),
            Self::Ends(with) => text.ends_with(with.as_str()),
            Self::Contains(part) => text.contains(part.as_str()),
            Self::Matches(regex) => regex.is_match(text),
        }
    }
}

fn read(node: &IdedExpr, patterns: &HashMap<String, Regex>) -> Quick {
    match &node.expr {
        Expr::Literal(LiteralValue::Boolean(value)) => Quick::Always(*value.inner()),
        Expr::Call(call) => called(call, patterns).unwrap_or(Quick::Ask),
        Expr::Select(select) if is_ident(&select.operand, "annotations") => {
            let at = Hints::NAMES.iter().position(|name| *name == select.field);
            at.map_or(Quick::Ask, Quick::Hint)
        }
        _ => argument(node).map_or(Quick::Ask, Quick::Flag),
    }
}

fn called(call: &CallExpr, patterns: &HashMap<String, Regex>) -> Option<Quick> {
    if let (Some(compared), None, [left, right]) = (
        Compared::named(&call.func_name),
        call.target.as_deref(),
        &call.args[..],
    ) && let Some(quick) = numbers(left, compared, right)
    {
        return Some(quick);
    }
    let part = |node| Box::new(read(node, patterns));
    let texts = |node, test| Some(Quick::Text(text(node)?, test));
    Some(
        match (
            call.func_name.as_str(),
            call.target.as_deref(),
            &call.args[..],
        ) {
            (LOGICAL_AND, None, [left, right]) => Quick::And(part(left), part(right)),
            (LOGICAL_OR, None, [left, right]) => Quick::Or(part(left), part(right)),
            (LOGICAL_NOT, None, [inner]) => Quick::Not(part(inner)),
            ("has", None, [one]) => match &one.expr {
                Expr::Select(SelectExpr { operand, field, .. })
                    if is_ident(operand, "arguments") =>
                {
                    Quick::Has(field.clone())
                }
                _ => return None,
            },
            (EQUALS, None, [left, right]) => equal(left, right)?,
            (NOT_EQUALS, None, [left, right]) => match equal(left, right)? {
                Quick::Text(text, Test::OneOf(all)) => Quick::Text(text, Test::NoneOf(all)),
                other => Quick::Not(Box::new(other)),
            },
            (IN, None, [of, list]) => {
                let Expr::List(list) = &list.expr else {
                    return None;
                };
                let written: Option<Vec<_>> = list.elements.iter().map(literal).collect();
                texts(of, Test::OneOf(written?))?
            }
            ("startsWith", Some(of), [with]) => texts(of, Test::Starts(literal(with)?))?,
            ("endsWith", Some(of), [with]) => texts(of, Test::Ends(literal(with)?))?,
            ("contains", Some(of), [part]) => texts(of, Test::Contains(literal(part)?))?,
            ("matches", Some(of), [pattern]) | ("matches", None, [of, pattern]) => {
                let regex = patterns.get(&literal(pattern)?)?;
                texts(of, Test::Matches(regex.clone()))?
            }
            _ => return None,
        },
    )
}

/// A whole number that is compared with one that is written out, on either side.
fn numbers(left: &IdedExpr, compared: Compared, right: &IdedExpr) -> Option<Quick> {
    let written = |node: &IdedExpr| match &node.expr {
        Expr::Literal(LiteralValue::Int(value)) => Some(*value.inner()),
        _ => None,
    };
    match (written(left), written(right)) {
        (None, Some(other)) => Some(Quick::Number(number(left)?, compared, other)),
        (Some(other), None) => Some(Quick::Number(number(right)?, compared.turned(), other)),
        _ => None,
    }
}

fn number(node: &IdedExpr) -> Option<Number> {
    match &node.expr {
        Expr::Select(select) if is_ident(&select.operand, "time") => match select.field.as_str() {
            "hour" => Some(Number::Hour),
            "minute" => Some(Number::Minute),
            "weekday" => Some(Number::Weekday),
            _ => None,
        },
        _ => argument(node).map(Number::Argument),
    }
}

/// Something that is compared with what is written out, on either side.
fn equal(left: &IdedExpr, right: &IdedExpr) -> Option<Quick> {
    let one_way = |of: &IdedExpr, written: &IdedExpr| match &written.expr {
        Expr::Literal(LiteralValue::Boolean(value)) => {
            let flag = read(of, &HashMap::new());
            if !matches!(flag, Quick::Flag(_) | Quick::Hint(_)) {
                return None;
            }
            Some(match value.inner() {
                true => flag,
                false => Quick::Not(Box::new(flag)),
            })
        }
        _ => Some(Quick::Text(text(of)?, Test::OneOf(vec![literal(written)?]))),
    };
    one_way(left, right).or_else(|| one_way(right, left))
}

fn text(node: &IdedExpr) -> Option<Text> {
    let fact = match &node.expr {
        Expr::Ident(name) => Fact::named(name),
        Expr::Select(select) if is_ident(&select.operand, "server") => {
            Fact::of_server(&select.field)
        }
        _ => return argument(node).map(Text::Argument),
    };
    fact.map(Text::Fact)
}

/// The name of the argument that is read: `arguments.name` or `arguments["name"]`.
fn argument(node: &IdedExpr) -> Option<String> {
    match &node.expr {
        Expr::Select(select) if is_ident(&select.operand, "arguments") => {
            Some(select.field.clone())
        }
        Expr::Call(call) if call.func_name == INDEX && call.target.is_none() => {
            match &call.args[..] {
                [of, key] if is_ident(of, "arguments") => literal(key),
                _ => None,
            }
        }
        _ => None,
    }
}

fn literal(node: &IdedExpr) -> Option<String> {
    match &node.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner().to_owned()),
        _ => None,
    }
}

fn is_ident(node: &IdedExpr, name: &str) -> bool {
    matches!(&node.expr, Expr::Ident(found) if found == name)
}
