//! Values of the engine as JSON text.
//!
//! Owns the way out: arguments, results and what is logged. Strict where another program will read it: what JSON does
//! not have is an error that names its place, or, where everybody agrees, becomes what is meant (dates, maps, sets).
//! Lenient where a person or a model reads it. A getter or `toJSON` of the script may run in between; it can throw, and
//! it can change what is walked, but every step has its limit.

use rquickjs::{Function, Object, Type, Value, function::This, object::Filter};
use serde_json::ser::{CompactFormatter, Formatter};

use crate::limits::DEPTH_MAX;

/// Functions of the prelude that the bridge uses.
pub(crate) struct Helpers<'js> {
    /// An odd object as a plain one.
    pub(crate) plain: Function<'js>,
    /// The call that this is the promise of, or undefined.
    pub(crate) label: Function<'js>,
    /// The start of a string.
    pub(crate) head: Function<'js>,
    /// A string without half characters.
    pub(crate) well_formed: Function<'js>,
    /// A `BigInt` as the same number, if there is one.
    pub(crate) number_of_big: Function<'js>,
    /// The prototype of plain objects.
    pub(crate) object_prototype: Object<'js>,
}

/// What was lost on the way, for a note.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Lost {
    /// The first number that is none, and its place.
    pub(crate) not_a_number: Option<String>,
}

/// Why a value cannot cross.
pub(crate) enum Refused {
    /// What is wrong, with its place.
    Value(String),
    /// The script's own code threw, or the engine did; the exception waits in the context.
    Thrown(rquickjs::Error),
}

impl From<rquickjs::Error> for Refused {
    fn from(error: rquickjs::Error) -> Self {
        Self::Thrown(error)
    }
}

type Outcome<T = ()> = Result<T, Refused>;

/// The JSON text of a value. `what` is how messages call it; `None` is what is left out in JSON.
pub(crate) fn to_json<'js>(
    helpers: &Helpers<'js>,
    value: &Value<'js>,
    what: &str,
    max: usize,
) -> Outcome<(Option<String>, Lost)> {
    let mut walk = Walk {
        helpers,
        what,
        max,
        out: Vec::new(),
        path: Vec::new(),
        parents: Vec::new(),
        lost: Lost::default(),
        steps: 0,
    };
    let written = walk.value(value.clone())?;
    // Quotes and escapes come on top of what was looked at.
    walk.fits(0)?;
    // Only text was put into it.
    let text =
        String::from_utf8(walk.out).map_err(|_| Refused::Value(format!("{what} is no text")))?;
    Ok((written.then_some(text), walk.lost))
}

enum Step {
    Key(String),
    Index(usize),
}

struct Walk<'a, 'js> {
    helpers: &'a Helpers<'js>,
    what: &'a str,
    max: usize,
    out: Vec<u8>,
    path: Vec<Step>,
    parents: Vec<Value<'js>>,
    lost: Lost,
    /// Empty members cost time and no bytes.
    steps: usize,
}

impl<'js> Walk<'_, 'js> {
    /// Writes it; false if JSON leaves it out.
    fn value(&mut self, value: Value<'js>) -> Outcome<bool> {
        self.steps += 1;
        self.fits(0)?;
        match value.type_of() {
            Type::Undefined | Type::Uninitialized | Type::Symbol => return Ok(false),
            Type::Null => self.out.extend_from_slice(b"null"),
            Type::Bool => self.text(if value.as_bool() == Some(true) {
                "true"
            } else {
                "false"
            }),
            Type::Int => self.text(&value.as_int().unwrap_or_default().to_string()),
            Type::Float => self.float(value.as_float().unwrap_or(f64::NAN)),
            Type::String => {
                let text = string(self.helpers, &value)?;
                self.fits(text.len())?;
                self.string(&text);
            }
            Type::BigInt => return self.big_int(value),
            Type::Function | Type::Constructor => {
                // A method of an object is left out, as in JSON; a function in place of a value is a mistake.
                if self.path.is_empty() {
                    return Err(self.refuse("is a function"));
                }
                return Ok(false);
            }
            Type::Promise => {
                return Err(self.refuse("is a promise: write \"await\" before it"));
            }
            Type::Array => self.nested(value, Self::array)?,
            _ => return self.object(value),
        }
        Ok(true)
    }

    /// Whether there is room for so much more.
    fn fits(&self, more: usize) -> Outcome {
        if self.out.len() + more <= self.max && self.steps <= self.max {
            return Ok(());
        }
        let what = self.what;
        Err(Refused::Value(format!(
            "{what} is larger than {} bytes, the most that one value may have: pass on less of it",
            self.max
        )))
    }

    fn object(&mut self, value: Value<'js>) -> Outcome<bool> {
        if let Some(call) = label(self.helpers, &value) {
            return Err(self.refuse(&format!(
                "is the promise of {call}(…): write \"await\" before the call"
            )));
        }
        let Some(object) = value.as_object().cloned() else {
            return Ok(false);
        };
        let is_plain = !value.is_proxy()
            && object
                .get_prototype()
                .is_none_or(|prototype| prototype == self.helpers.object_prototype);
        let to_json: Value<'js> = object.get("toJSON")?;
        if let Some(to_json) = to_json.as_function() {
            let replaced: Value<'js> = to_json.call((This(object.clone()), self.key()))?;
            if replaced == value {
                self.nested(value, Self::members)?;
                return Ok(true);
            }
            return self.inside(value, |walk| walk.value(replaced));
        }
        if !is_plain {
            let plain: Value<'js> = self.helpers.plain.call((value.clone(),))?;
            if plain != value {
                return self.inside(value, |walk| walk.value(plain));
            }
            if value.is_proxy() && is_array(&value)? {
                self.nested(value, Self::array_like)?;
                return Ok(true);
            }
        }
        self.nested(value, Self::members)?;
        Ok(true)
    }

    fn nested(
        &mut self,
        value: Value<'js>,
        write: fn(&mut Self, &Value<'js>) -> Outcome,
    ) -> Outcome {
        self.inside(value.clone(), |walk| write(walk, &value))
    }

    fn inside<T>(
        &mut self,
        value: Value<'js>,
        write: impl FnOnce(&mut Self) -> Outcome<T>,
    ) -> Outcome<T> {
        if self.parents.len() >= DEPTH_MAX {
            let cyclic = self.parents.iter().rposition(|parent| *parent == value);
            let cyclic = cyclic.is_some()
                || self
                    .parents
                    .iter()
                    .enumerate()
                    .any(|(at, parent)| self.parents[..at].contains(parent));
            // The end of a long path says nothing.
            self.path.truncate(6);
            return Err(self.refuse(&if cyclic {
                "refers back to itself: JSON has no cycles, so pick the members that are needed"
                    .into()
            } else {
                format!("is nested deeper than {DEPTH_MAX} levels")
            }));
        }
        self.parents.push(value);
        let outcome = write(self);
        self.parents.pop();
        outcome
    }

    fn array(&mut self, value: &Value<'js>) -> Outcome {
        let Some(array) = value.as_array() else {
            return Ok(());
        };
        self.items(array.len(), |index| array.get(index))
    }

    /// An array behind a proxy.
    fn array_like(&mut self, value: &Value<'js>) -> Outcome {
        let Some(object) = value.as_object() else {
            return Ok(());
        };
        let length: f64 = object.get("length")?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it saturates, and the walk is limited"
        )]
        self.items(length as usize, |index| object.get(index.to_string()))
    }

    fn items(
        &mut self,
        length: usize,
        get: impl Fn(usize) -> rquickjs::Result<Value<'js>>,
    ) -> Outcome {
        self.out.push(b'[');
        for index in 0..length {
            if index > 0 {
                self.out.push(b',');
            }
            self.path.push(Step::Index(index));
            let item = get(index)?;
            if !self.value(item)? {
                self.text("null");
            }
            self.path.pop();
        }
        self.out.push(b']');
        Ok(())
    }

    fn members(&mut self, value: &Value<'js>) -> Outcome {
        let Some(object) = value.as_object() else {
            return Ok(());
        };
        self.out.push(b'{');
        let mut first = true;
        for key in object.own_keys::<rquickjs::String<'js>>(Filter::new().string().enum_only()) {
            let key = key?;
            let member: Value<'js> = object.get(key.clone())?;
            let key = string(self.helpers, key.as_value())?;
            let start = self.out.len();
            if !first {
                self.out.push(b',');
            }
            self.string(&key);
            self.out.push(b':');
            self.path.push(Step::Key(key));
            if self.value(member)? {
                first = false;
            } else {
                self.out.truncate(start);
            }
            self.path.pop();
        }
        self.out.push(b'}');
        Ok(())
    }

    fn big_int(&mut self, value: Value<'js>) -> Outcome<bool> {
        let number: Option<f64> = self.helpers.number_of_big.call((value,))?;
        let Some(number) = number else {
            return Err(self.refuse(
                "is a BigInt that a JSON number cannot hold exactly: pass it on as String(…)",
            ));
        };
        self.float(number);
        Ok(true)
    }

    fn float(&mut self, number: f64) {
        if !number.is_finite() {
            if self.lost.not_a_number.is_none() {
                self.lost.not_a_number =
                    Some(format!("{} is {}", self.place(), show_float(number)));
            }
            self.text("null");
        } else if number.fract() == 0.0 && number.abs() < 1e21 {
            // 3 and not 3.0: there are servers that take the latter for another type.
            let text = format!("{number:.0}");
            self.text(if text == "-0" { "0" } else { &text });
        } else {
            let _ = CompactFormatter.write_f64(&mut self.out, number);
        }
    }

    fn string(&mut self, text: &str) {
        // A vector takes everything, and a string is always JSON.
        let _ = serde_json::to_writer(&mut self.out, text);
    }

    fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn key(&self) -> String {
        match self.path.last() {
            Some(Step::Key(key)) => key.clone(),
            Some(Step::Index(index)) => index.to_string(),
            None => String::new(),
        }
    }

    fn place(&self) -> String {
        let mut place = self.what.to_owned();
        for step in &self.path {
            match step {
                Step::Index(index) => place.push_str(&format!("[{index}]")),
                Step::Key(key) if is_identifier(key) => {
                    place.push('.');
                    place.push_str(key);
                }
                Step::Key(key) => {
                    let shown: String = key.chars().take(40).collect();
                    place.push_str(&format!("[{shown:?}]"));
                }
            }
            if place.len() > 200 {
                place.push('…');
                break;
            }
        }
        place
    }

    fn refuse(&self, why: &str) -> Refused {
        Refused::Value(format!("{} {why}", self.place()))
    }
}

fn is_array(value: &Value<'_>) -> rquickjs::Result<bool> {
    let mut value = value.clone();
    // A proxy of a proxy; how many there are costs the script memory.
    for _ in 0..DEPTH_MAX {
        let Some(proxy) = value.as_proxy() else {
            break;
        };
        value = proxy.target()?.into_value();
    }
    Ok(value.is_array())
}

fn is_identifier(key: &str) -> bool {
    !key.is_empty()
        && key.len() <= 40
        && !key.starts_with(|first: char| first.is_ascii_digit())
        && key
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_' || letter == '$')
}

/// The call that this is the promise of.
pub(crate) fn label<'js>(helpers: &Helpers<'js>, value: &Value<'js>) -> Option<String> {
    if !value.is_proxy() {
        return None;
    }
    helpers
        .label
        .call::<_, Option<String>>((value.clone(),))
        .ok()
        .flatten()
}

/// A string of the engine, whose half characters became whole ones.
pub(crate) fn string<'js>(helpers: &Helpers<'js>, value: &Value<'js>) -> rquickjs::Result<String> {
    let Some(text) = value.as_string() else {
        return Ok(String::new());
    };
    match text.to_string() {
        Ok(text) => Ok(text),
        Err(rquickjs::Error::Utf8(_)) => {
            let mended: rquickjs::String<'js> = helpers.well_formed.call((value.clone(),))?;
            mended.to_string()
        }
        Err(error) => Err(error),
    }
}

fn show_float(number: f64) -> &'static str {
    if number.is_nan() {
        "NaN"
    } else if number > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}
