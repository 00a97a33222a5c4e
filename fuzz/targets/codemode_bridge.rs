//! Values of every sort through the engine: JSON comes back as it went in, and what a script makes of odd values is what
//! a plain reading of the rules says, or is refused.
#![no_main]

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use arbitrary::Arbitrary;
use codemode::protocol::{FromWorker, HEAD_BYTES, first};
use codemode::worker::Duplex;
use codemode::worker::engine::Engine;
use codemode::{Limits, Names};
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

#[derive(Debug, Arbitrary)]
enum Odd {
    Null,
    Bool(bool),
    Int(i32),
    Float(f64),
    Text(String),
    List(Vec<Self>),
    Members(Vec<(String, Self)>),
    Undefined,
    Symbol,
    Function,
    Big(i64),
    Date,
    Map(Vec<(String, Self)>),
    Set(Vec<Self>),
    Proxy(Box<Self>),
    ToJson(Box<Self>),
    Cycle,
}

#[derive(Debug, Arbitrary)]
enum Input {
    Json(String),
    Odd(Odd),
}

/// What JSON has instead.
enum Meant {
    Value(Value),
    Nothing,
    Refused,
}

const MAX: usize = 200_000;

fuzz_target!(|input: Input| {
    match input {
        Input::Json(text) => round_trip(&text),
        Input::Odd(odd) => odd_value(&odd),
    }
});

fn round_trip(text: &str) {
    let Ok(raw) = serde_json::from_str::<&RawValue>(text) else {
        return;
    };
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        return;
    };
    match run("return args", raw) {
        Ok(result) => assert!(same(&result, &value), "{value} became {result}"),
        // JSON of another engine: half characters, or deeper than may cross.
        Err(message) => assert!(
            message.contains("deeper") || message.contains("larger") || message.contains("stack"),
            "{message}"
        ),
    }
}

fn odd_value(odd: &Odd) {
    let mut source = String::from("const cycle = {}; cycle.cycle = cycle; return [");
    odd.write(&mut source, 0);
    source.push(']');
    let Ok(nothing) = serde_json::from_str::<&RawValue>("{}") else {
        return;
    };
    let result = run(&source, nothing);
    match (odd.meant(0), result) {
        (Meant::Value(expected), Ok(result)) => {
            assert!(
                same(&result, &Value::Array(vec![expected])),
                "{source} gave {result}"
            );
        }
        (Meant::Nothing, Ok(result)) => {
            assert_eq!(result, Value::Array(vec![Value::Null]), "{source}");
        }
        (Meant::Refused, Err(_)) => {}
        (Meant::Refused, Ok(result)) => panic!("{source} gave {result}"),
        (_, Err(message)) => assert!(
            message.contains("larger") || message.contains("deeper"),
            "{source}: {message}"
        ),
    }
}

const DEEPEST: usize = 12;

impl Odd {
    fn write(&self, out: &mut String, depth: usize) {
        if depth > DEEPEST {
            out.push_str("null");
            return;
        }
        let list = |out: &mut String, items: &[Self]| {
            out.push('[');
            for item in items {
                item.write(out, depth + 1);
                out.push(',');
            }
            out.push(']');
        };
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Int(value) => out.push_str(&format!("({value})")),
            Self::Float(value) if value.is_nan() => out.push_str("NaN"),
            Self::Float(value) if value.is_infinite() => out.push_str("Infinity"),
            Self::Float(value) => out.push_str(&format!("({value:?})")),
            Self::Text(text) => out.push_str(&quoted(text)),
            // A trailing hole is none; a written one would be.
            Self::List(items) => list(out, items),
            Self::Members(members) => {
                out.push_str("({");
                for (key, member) in members {
                    out.push_str(&format!("[{}]:", quoted(&format!("k{key}"))));
                    member.write(out, depth + 1);
                    out.push(',');
                }
                out.push_str("})");
            }
            Self::Undefined => out.push_str("undefined"),
            Self::Symbol => out.push_str("Symbol()"),
            Self::Function => out.push_str("(() => 1)"),
            Self::Big(value) => out.push_str(&format!("({value}n)")),
            Self::Date => out.push_str("new Date(0)"),
            Self::Map(members) => {
                out.push_str("new Map([");
                for (key, member) in members {
                    out.push_str(&format!("[{},", quoted(&format!("k{key}"))));
                    member.write(out, depth + 1);
                    out.push_str("],");
                }
                out.push_str("])");
            }
            Self::Set(items) => {
                out.push_str("new Set([");
                // Each an object of its own, so that none is the same as another.
                for item in items {
                    out.push('[');
                    item.write(out, depth + 1);
                    out.push_str("],");
                }
                out.push_str("])");
            }
            Self::Proxy(inner) => {
                out.push_str("new Proxy([");
                inner.write(out, depth + 1);
                out.push_str("],{})");
            }
            Self::ToJson(inner) => {
                out.push_str("({toJSON:()=>");
                inner.write(out, depth + 1);
                out.push_str("})");
            }
            Self::Cycle => out.push_str("cycle"),
        }
    }

    fn meant(&self, depth: usize) -> Meant {
        if depth > DEEPEST {
            return Meant::Value(Value::Null);
        }
        let members = |members: &[(String, Self)]| {
            let mut object = Map::new();
            for (key, member) in members {
                match member.meant(depth + 1) {
                    Meant::Value(value) => {
                        object.insert(format!("k{key}"), value);
                    }
                    // A later member takes the place of an earlier one, also when it is nothing.
                    Meant::Nothing => {
                        object.remove(&format!("k{key}"));
                    }
                    Meant::Refused => return Meant::Refused,
                }
            }
            Meant::Value(Value::Object(object))
        };
        let item = |item: &Self| match item.meant(depth + 1) {
            Meant::Value(value) => Some(value),
            Meant::Nothing => Some(Value::Null),
            Meant::Refused => None,
        };
        match self {
            Self::Null => Meant::Value(Value::Null),
            Self::Bool(value) => Meant::Value(Value::Bool(*value)),
            Self::Int(value) => Meant::Value(Value::from(*value)),
            Self::Float(value) => Meant::Value(Value::from(*value)),
            Self::Text(text) => Meant::Value(Value::from(text.as_str())),
            Self::List(items) => match items.iter().map(item).collect() {
                Some(items) => Meant::Value(Value::Array(items)),
                None => Meant::Refused,
            },
            // A member that is refused but replaced by a later one is not seen.
            Self::Members(some) | Self::Map(some) => members(&last_of_each(some)),
            Self::Undefined | Self::Symbol | Self::Function => Meant::Nothing,
            Self::Big(value) if value.unsigned_abs() < 1 << 53 => Meant::Value(Value::from(*value)),
            Self::Big(_) | Self::Cycle => Meant::Refused,
            Self::Date => Meant::Value(Value::from("1970-01-01T00:00:00.000Z")),
            Self::Set(items) => match items
                .iter()
                .map(|one| item(one).map(|one| Value::Array(vec![one])))
                .collect()
            {
                Some(items) => Meant::Value(Value::Array(items)),
                None => Meant::Refused,
            },
            Self::Proxy(inner) => item(inner).map_or(Meant::Refused, |inner| {
                Meant::Value(Value::Array(vec![inner]))
            }),
            Self::ToJson(inner) => inner.meant(depth + 1),
        }
    }
}

impl Clone for Odd {
    fn clone(&self) -> Self {
        match self {
            Self::Null => Self::Null,
            Self::Bool(value) => Self::Bool(*value),
            Self::Int(value) => Self::Int(*value),
            Self::Float(value) => Self::Float(*value),
            Self::Text(text) => Self::Text(text.clone()),
            Self::List(items) => Self::List(items.clone()),
            Self::Members(members) => Self::Members(members.clone()),
            Self::Undefined => Self::Undefined,
            Self::Symbol => Self::Symbol,
            Self::Function => Self::Function,
            Self::Big(value) => Self::Big(*value),
            Self::Date => Self::Date,
            Self::Map(members) => Self::Map(members.clone()),
            Self::Set(items) => Self::Set(items.clone()),
            Self::Proxy(inner) => Self::Proxy(inner.clone()),
            Self::ToJson(inner) => Self::ToJson(inner.clone()),
            Self::Cycle => Self::Cycle,
        }
    }
}

fn last_of_each(members: &[(String, Odd)]) -> Vec<(String, Odd)> {
    let is_last = |at: usize, key: &str| !members[at + 1..].iter().any(|(later, _)| later == key);
    let kept = members
        .iter()
        .enumerate()
        .filter(|(at, (key, _))| is_last(*at, key));
    kept.map(|(_, member)| member.clone()).collect()
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// Equal, with the numbers of the engine.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            left.as_f64() == right.as_f64() || right.as_f64().is_some_and(f64::is_infinite)
        }
        // A number too large for the engine is infinite, and that is null.
        (Value::Null, Value::Number(right)) => right.as_f64().is_none_or(f64::is_infinite),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(left, right)| same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(key, left)| right.get(key).is_some_and(|right| same(left, right)))
        }
        (left, right) => left == right,
    }
}

/// The result of a script, or what is said of its failure.
fn run(script: &str, args: &RawValue) -> Result<Value, String> {
    let said = Rc::new(RefCell::new(Vec::new()));
    let limits = Limits {
        value_bytes: MAX,
        wall: Duration::from_secs(20),
        ..Limits::default()
    };
    let Ok(engine) = Engine::over(limits, End(said.clone())) else {
        return Err("stack".into());
    };
    assert!(engine.run(script, Names::default(), args, 20_000).is_ok());
    let said = said.borrow();
    let mut rest = &said[..];
    while let Ok(Some(frame)) = first(rest, usize::MAX) {
        match serde_json::from_slice(frame) {
            Ok(FromWorker::Done { result, .. }) => {
                assert!(result.get().len() <= MAX);
                return serde_json::from_str(result.get()).map_err(|error| error.to_string());
            }
            Ok(FromWorker::Failed(failed)) => {
                return Err(format!("{}: {}", failed.name, failed.message));
            }
            _ => rest = &rest[HEAD_BYTES + frame.len()..],
        }
    }
    panic!("no end was said");
}

/// What is said is kept, and nothing is answered.
struct End(Rc<RefCell<Vec<u8>>>);

impl Duplex for End {
    fn read(&self, _: &mut [u8]) -> io::Result<usize> {
        Ok(0)
    }

    fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(())
    }

    fn wait(&self, _: Option<Duration>) -> io::Result<bool> {
        Ok(true)
    }

    fn is_gone(&self) -> bool {
        false
    }
}
