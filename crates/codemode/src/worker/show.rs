//! Values as a person or a model reads them: what is logged, and what was thrown.
//!
//! Owns the lenient way out. It never fails: what cannot be shown is said to be so, and what is long is cut.

use rquickjs::{Ctx, Type, Value, object::Filter};

use super::bridge::{Helpers, label, string};
use crate::protocol::Failed;
use crate::text::cut;

/// Levels that are shown.
const DEPTH: usize = 6;
/// Members or elements that are shown of one value.
const MEMBERS: usize = 100;

/// Arguments of a `console` function as one line of at most `max` bytes.
pub(crate) fn line<'js>(
    ctx: &Ctx<'js>,
    helpers: &Helpers<'js>,
    values: &[Value<'js>],
    max: usize,
) -> String {
    let mut show = Show {
        ctx,
        helpers,
        out: String::new(),
        max,
    };
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            show.out.push(' ');
        }
        show.value(value, 0);
    }
    cut(show.out, max)
}

struct Show<'a, 'js> {
    ctx: &'a Ctx<'js>,
    helpers: &'a Helpers<'js>,
    out: String,
    max: usize,
}

impl<'js> Show<'_, 'js> {
    fn value(&mut self, value: &Value<'js>, depth: usize) {
        if self.out.len() > self.max {
            return;
        }
        match value.type_of() {
            Type::String => {
                let text = self.head(value);
                if depth == 0 {
                    self.out.push_str(&text);
                } else {
                    self.out
                        .push_str(&serde_json::to_string(&text).unwrap_or_default());
                }
            }
            Type::Null => self.out.push_str("null"),
            Type::Undefined | Type::Uninitialized => self.out.push_str("undefined"),
            Type::Bool | Type::Int | Type::Float => {
                let text = match (value.as_bool(), value.as_int(), value.as_float()) {
                    (Some(value), ..) => value.to_string(),
                    (_, Some(value), _) => value.to_string(),
                    (.., Some(value)) if value.is_infinite() => {
                        if value > 0.0 { "Infinity" } else { "-Infinity" }.into()
                    }
                    (.., value) => value.unwrap_or(f64::NAN).to_string(),
                };
                self.out.push_str(&text);
            }
            Type::Symbol => self.out.push_str("[symbol]"),
            Type::BigInt => {
                let text: rquickjs::Result<rquickjs::Coerced<String>> = value.get();
                self.out.push_str(&self.caught(text.map(|text| text.0)));
                self.out.push('n');
            }
            Type::Function | Type::Constructor => self.out.push_str("[function]"),
            Type::Promise => self.out.push_str("[promise: \"await\" is missing]"),
            _ if depth >= DEPTH => self.out.push('…'),
            Type::Array => self.array(value, depth),
            _ => self.object(value, depth),
        }
    }

    /// As much of a string as can be shown.
    fn head(&self, value: &Value<'js>) -> String {
        let head: rquickjs::Result<Value<'js>> = self.helpers.head.call((value.clone(), self.max));
        let text = head.and_then(|head| string(self.helpers, &head));
        self.caught(text)
    }

    fn array(&mut self, value: &Value<'js>, depth: usize) {
        let Some(array) = value.as_array() else {
            return;
        };
        self.out.push('[');
        for index in 0..array.len().min(MEMBERS) {
            if index > 0 {
                self.out.push_str(", ");
            }
            match array.get::<Value<'js>>(index) {
                Ok(item) => self.value(&item, depth + 1),
                Err(error) => self.threw(&error),
            }
            if self.out.len() > self.max {
                return;
            }
        }
        if array.len() > MEMBERS {
            self.out
                .push_str(&format!(", … {} more", array.len() - MEMBERS));
        }
        self.out.push(']');
    }

    fn object(&mut self, value: &Value<'js>, depth: usize) {
        if let Some(call) = label(self.helpers, value) {
            self.out
                .push_str(&format!("[promise of {call}(…): \"await\" is missing]"));
            return;
        }
        let Some(object) = value.as_object() else {
            return;
        };
        if value.is_error() {
            let shown = error(self.ctx, self.helpers, value);
            self.out
                .push_str(&format!("{}: {}", shown.name, shown.message));
            return;
        }
        // Maps, sets and dates show what they hold.
        if let Ok(to_json) = object.get::<_, Value<'js>>("toJSON")
            && let Some(to_json) = to_json.as_function()
        {
            match to_json.call::<_, Value<'js>>((rquickjs::function::This(object.clone()),)) {
                Ok(replaced) if replaced != *value => return self.value(&replaced, depth + 1),
                Ok(_) => {}
                Err(error) => return self.threw(&error),
            }
        }
        match self.helpers.plain.call::<_, Value<'js>>((value.clone(),)) {
            Ok(plain) if plain != *value => return self.value(&plain, depth + 1),
            Ok(_) => {}
            Err(error) => return self.threw(&error),
        }
        self.out.push('{');
        let keys = object.own_keys::<rquickjs::String<'js>>(Filter::new().string().enum_only());
        for (index, key) in keys.enumerate() {
            if index > 0 {
                self.out.push_str(", ");
            }
            if index == MEMBERS {
                self.out.push('…');
                break;
            }
            let Ok(key) = key else {
                break;
            };
            let name = string(self.helpers, key.as_value()).unwrap_or_default();
            self.out.push_str(&format!("{name}: "));
            match object.get::<_, Value<'js>>(key) {
                Ok(member) => self.value(&member, depth + 1),
                Err(error) => self.threw(&error),
            }
            if self.out.len() > self.max {
                return;
            }
        }
        self.out.push('}');
    }

    fn threw(&mut self, error: &rquickjs::Error) {
        if error.is_exception() {
            self.ctx.catch();
        }
        self.out.push_str("[threw]");
    }

    fn caught(&self, text: rquickjs::Result<String>) -> String {
        text.unwrap_or_else(|_| {
            self.ctx.catch();
            "[threw]".into()
        })
    }
}

/// What was thrown. Its members may be hostile: each is asked for once, and may be missing.
pub(crate) fn error<'js>(ctx: &Ctx<'js>, helpers: &Helpers<'js>, value: &Value<'js>) -> Failed {
    let max = crate::limits::MESSAGE_BYTES_MAX;
    let mut failed = Failed {
        kind: "thrown".into(),
        ..Failed::default()
    };
    let Some(object) = value.as_object().filter(|_| value.is_error()) else {
        failed.name = "Error".into();
        failed.message = format!(
            "thrown was {}",
            line(ctx, helpers, std::slice::from_ref(value), max)
        );
        return failed;
    };
    let member = |key: &str| {
        let member: Option<Value<'js>> = object.get(key).unwrap_or_else(|_| {
            ctx.catch();
            None
        });
        member
            .filter(Value::is_string)
            .and_then(|text| string(helpers, &text).ok())
            .map(|text| cut(text, max))
    };
    failed.name = member("name").unwrap_or_else(|| "Error".into());
    failed.message = member("message").unwrap_or_default();
    failed.hint = member("hint");
    if let Some(stack) = member("stack") {
        (failed.line, failed.column) = place(&stack);
    }
    failed
}

/// The name that the engine knows a script by.
pub(crate) const FILE: &str = "script";

/// The first place in the script's own text that a stack names.
pub(crate) fn place(stack: &str) -> (Option<u32>, Option<u32>) {
    for (at, _) in stack.match_indices(FILE) {
        let Some(rest) = stack[at + FILE.len()..].strip_prefix(':') else {
            continue;
        };
        let mut numbers = rest.split(|letter: char| !letter.is_ascii_digit());
        if let Some(line) = numbers.next().and_then(|digits| digits.parse().ok()) {
            let column = rest
                .trim_start_matches(|letter: char| letter.is_ascii_digit())
                .starts_with(':')
                .then(|| numbers.next()?.parse().ok())
                .flatten();
            return (Some(line), column);
        }
    }
    (None, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_the_first_of_the_script() {
        let stack =
            "    at call (prelude:10:2)\n    at f (script:3:14)\n    at <eval> (script:9:1)\n";
        assert_eq!(place(stack), (Some(3), Some(14)));
        assert_eq!(place("    at script:12\n"), (Some(12), None));
        assert_eq!(place("nowhere"), (None, None));
    }
}
