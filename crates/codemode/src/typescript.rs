//! JSON Schema as compact TypeScript.
//!
//! Owns the type of a schema in as few characters as tell a model what to pass: members and their types, unions,
//! enumerations, and in the long form what schemas say in words. Schemas come from servers, so they may be anything:
//! each rendering has a budget, references are followed a few levels and never in circles, and what is not understood
//! is `any`. It says what is accepted; whether a value is, `check` says.

use serde_json::{Map, Value};

mod words;

use words::{comment, key, literal};

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style {
    /// Levels of members that are shown.
    pub(crate) depth: usize,
    /// Optional members too.
    pub(crate) optional: bool,
    /// A member on each line, with what the schema says of it.
    pub(crate) documented: bool,
    /// Bytes, about; then `any`.
    pub(crate) max: usize,
}

impl Style {
    /// On one line.
    pub(crate) const fn compact(max: usize) -> Self {
        Self {
            depth: 3,
            optional: true,
            documented: false,
            max,
        }
    }

    /// With everything.
    pub(crate) const fn documented(max: usize) -> Self {
        Self {
            depth: 6,
            optional: true,
            documented: true,
            max,
        }
    }
}

/// Members of one object, and members of one union, that are shown.
const MEMBERS_MAX: usize = 60;
const UNION_MAX: usize = 16;

/// The type that a schema describes.
pub(crate) fn type_of(schema: &Value, style: Style) -> String {
    Renderer {
        root: schema,
        style,
        left: style.max,
        references: Vec::new(),
    }
    .of(schema, 0)
}

struct Renderer<'a> {
    root: &'a Value,
    style: Style,
    left: usize,
    /// Those that are being followed.
    references: Vec<&'a str>,
}

impl<'a> Renderer<'a> {
    fn of(&mut self, schema: &'a Value, depth: usize) -> String {
        if self.left == 0 || depth > self.style.depth * 2 + 4 {
            return "any".into();
        }
        self.left = self.left.saturating_sub(4);
        let Some(schema) = schema.as_object() else {
            return if schema == &Value::Bool(false) {
                "never".into()
            } else {
                "any".into()
            };
        };
        if let Some(Value::String(reference)) = schema.get("$ref") {
            return self.reference(reference, depth);
        }
        if let Some(value) = schema.get("const") {
            return self.spend(literal(value));
        }
        if let Some(Value::Array(values)) = schema.get("enum") {
            return self.enumeration(values, schema);
        }
        let mut parts = Vec::new();
        if is_object_like(schema) {
            parts.push(self.object(schema, depth));
        }
        for word in ["anyOf", "oneOf"] {
            if let Some(Value::Array(some)) = schema.get(word) {
                // Alternatives that only say which members are required together say nothing of types.
                let typed: Vec<_> = some.iter().filter(|one| !only_requires(one)).collect();
                if !typed.is_empty() {
                    let union = self.union(typed, depth);
                    parts.push(if parts.is_empty() {
                        union
                    } else {
                        wrapped(union)
                    });
                }
            }
        }
        if let Some(Value::Array(all)) = schema.get("allOf") {
            for one in all.iter().take(UNION_MAX).filter(|one| !only_requires(one)) {
                let part = self.of(one, depth);
                if part != "any" && !parts.contains(&part) {
                    parts.push(wrapped_union(part));
                }
            }
        }
        let nullable = schema.get("nullable") == Some(&Value::Bool(true));
        let part = if parts.is_empty() {
            self.plain(schema, depth)
        } else {
            parts.join(" & ")
        };
        if nullable && !part.contains("null") {
            format!("{part} | null")
        } else {
            part
        }
    }

    fn plain(&mut self, schema: &'a Map<String, Value>, depth: usize) -> String {
        match schema.get("type") {
            Some(Value::String(kind)) => self.of_kind(kind, schema, depth),
            Some(Value::Array(kinds)) => {
                let mut types = Vec::new();
                for kind in kinds.iter().filter_map(Value::as_str).take(8) {
                    let kind = self.of_kind(kind, schema, depth);
                    if !types.contains(&kind) {
                        types.push(kind);
                    }
                }
                if types.is_empty() {
                    "any".into()
                } else {
                    types.join(" | ")
                }
            }
            _ if schema.contains_key("items") || schema.contains_key("prefixItems") => {
                self.array(schema, depth)
            }
            _ => "any".into(),
        }
    }

    fn of_kind(&mut self, kind: &str, schema: &'a Map<String, Value>, depth: usize) -> String {
        match kind {
            "string" => "string".into(),
            "number" | "integer" => "number".into(),
            "boolean" => "boolean".into(),
            "null" => "null".into(),
            "array" => self.array(schema, depth),
            "object" => self.object(schema, depth),
            _ => "any".into(),
        }
    }

    fn reference(&mut self, reference: &'a str, depth: usize) -> String {
        let found = reference
            .strip_prefix('#')
            .and_then(|pointer| self.root.pointer(pointer));
        let Some(found) = found else {
            return "any".into();
        };
        if self.references.contains(&reference) {
            // A type that holds itself, as a tree does.
            let name = reference.rsplit('/').next().unwrap_or_default();
            return if words::is_identifier(name) {
                self.spend(name.to_owned())
            } else {
                "any".into()
            };
        }
        self.references.push(reference);
        let rendered = self.of(found, depth + 1);
        self.references.pop();
        rendered
    }

    fn enumeration(&mut self, values: &[Value], schema: &Map<String, Value>) -> String {
        if values.is_empty() {
            return "never".into();
        }
        let shown: Vec<String> = values.iter().take(UNION_MAX).map(literal).collect();
        if values.len() <= UNION_MAX {
            return self.spend(shown.join(" | "));
        }
        let kind = match schema.get("type") {
            Some(Value::String(kind)) if kind == "integer" => "number",
            Some(Value::String(kind)) => kind,
            _ => "string",
        };
        // Nothing in it may end the comment.
        let few = shown[..6]
            .join(", ")
            .replace("*/", "* /")
            .replace("/*", "/ *");
        self.spend(format!("{kind} /* {few} … {} more */", values.len() - 6))
    }

    fn union(&mut self, some: Vec<&'a Value>, depth: usize) -> String {
        let mut types: Vec<String> = Vec::new();
        for one in some.into_iter().take(UNION_MAX) {
            let one = self.of(one, depth + 1);
            if !types.contains(&one) {
                types.push(one);
            }
        }
        if types.iter().any(|one| one == "any") {
            return "any".into();
        }
        types.join(" | ")
    }

    fn array(&mut self, schema: &'a Map<String, Value>, depth: usize) -> String {
        if let Some(Value::Array(items)) = schema.get("prefixItems") {
            let items: Vec<String> = items
                .iter()
                .take(UNION_MAX)
                .map(|item| self.of(item, depth + 1))
                .collect();
            return format!("[{}]", items.join(", "));
        }
        match schema.get("items") {
            Some(items) => {
                let item = self.of(items, depth + 1);
                format!("{}[]", wrapped_union(item))
            }
            None => "any[]".into(),
        }
    }

    fn object(&mut self, schema: &'a Map<String, Value>, depth: usize) -> String {
        let members: Vec<(&String, &Value)> = schema
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .collect();
        let more = match schema.get("additionalProperties") {
            Some(more @ Value::Object(_)) => Some(self.of(more, depth + 1)),
            _ => None,
        };
        if members.is_empty() {
            return match more {
                Some(more) => format!("Record<string, {more}>"),
                None if schema.get("additionalProperties") == Some(&Value::Bool(false)) => {
                    "{}".into()
                }
                None => "object".into(),
            };
        }
        if depth >= self.style.depth {
            return "object".into();
        }
        let required: Vec<&str> = match schema.get("required") {
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let mut shown = Vec::new();
        let mut left_out = 0;
        // What must be given first: a budget that ends cuts what may be left out.
        let (first, rest): (Vec<_>, Vec<_>) = members
            .into_iter()
            .partition(|(name, _)| required.contains(&name.as_str()));
        for (name, member) in first.into_iter().chain(rest) {
            let is_required = required.contains(&name.as_str());
            if !is_required && !self.style.optional
                || shown.len() >= MEMBERS_MAX
                || (self.left == 0 && !is_required)
            {
                left_out += 1;
                continue;
            }
            let name = self.spend(key(name));
            let mark = if is_required { "" } else { "?" };
            let kind = self.of(member, depth + 1);
            shown.push(if self.style.documented {
                let indent = "  ".repeat(depth + 1);
                let doc = self.documentation(member, &indent);
                format!("{doc}{indent}{name}{mark}: {kind};")
            } else {
                format!("{name}{mark}: {kind}")
            });
        }
        if let Some(more) = more {
            let indent = if self.style.documented {
                "  ".repeat(depth + 1)
            } else {
                String::new()
            };
            shown.push(format!("{indent}[key: string]: {more}"));
        }
        if left_out > 0 {
            let indent = if self.style.documented {
                "  ".repeat(depth + 1)
            } else {
                String::new()
            };
            shown.push(format!("{indent}/* {left_out} more */"));
        }
        if self.style.documented {
            format!("{{\n{}\n{}}}", shown.join("\n"), "  ".repeat(depth))
        } else {
            format!("{{{}}}", shown.join(", "))
        }
    }

    /// What a schema says in words, as a comment before its member.
    fn documentation(&mut self, schema: &Value, indent: &str) -> String {
        let Some(schema) = schema.as_object() else {
            return String::new();
        };
        let text = comment(schema);
        if text.is_empty() || self.left == 0 {
            return String::new();
        }
        self.spend(format!("{indent}/** {text} */\n"))
    }

    fn spend(&mut self, text: String) -> String {
        self.left = self.left.saturating_sub(text.len());
        text
    }
}

fn is_object_like(schema: &Map<String, Value>) -> bool {
    schema.get("type").is_none_or(|kind| kind == "object")
        && (schema.contains_key("properties")
            || schema
                .get("additionalProperties")
                .is_some_and(Value::is_object))
}

fn only_requires(schema: &Value) -> bool {
    schema.as_object().is_some_and(|schema| {
        !schema.is_empty()
            && schema
                .keys()
                .all(|word| matches!(word.as_str(), "required" | "not" | "if" | "then" | "else"))
    })
}

fn wrapped(text: String) -> String {
    if text.contains(" | ") {
        format!("({text})")
    } else {
        text
    }
}

/// In brackets if it is a union outside of every other bracket.
fn wrapped_union(text: String) -> String {
    let mut level = 0_usize;
    let mut quoted = false;
    let mut escaped = false;
    for letter in text.chars() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '{' | '[' | '(' | '<' if !quoted => level += 1,
            '}' | ']' | ')' | '>' if !quoted => level = level.saturating_sub(1),
            '|' | '&' if !quoted && level == 0 => return format!("({text})"),
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests;
