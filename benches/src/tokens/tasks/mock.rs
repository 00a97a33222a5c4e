//! Servers whose answers are data: what a tool gives is a template over its arguments, the same every time.
//!
//! In a template, `={n*37%400}` is a number and `{n}` in a text is replaced; `{"$rows": {total, row, per?, page?}}` is an
//! array with `i` from 1, `{"$lines": {count, line}}` a text of many lines, `{"$fill": n}` so many bytes of words,
//! `{"$pick": [...], "by": …}` one of these, `{"$next": {page, last}}` the number of the next page.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;
use serde_json::{Map, Value, json};

/// A server.
#[derive(Debug, Deserialize)]
pub(crate) struct Mock {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) tools: Vec<Tool>,
    /// How often a tool has failed that fails at times.
    #[serde(skip)]
    failed: Mutex<HashMap<String, u64>>,
}

/// What it offers.
#[derive(Debug, Deserialize)]
pub(crate) struct Tool {
    name: String,
    description: String,
    /// Type (with `*` if required) and description of each.
    parameters: Map<String, Value>,
    /// Types of the members of its structured result, if it declares one.
    #[serde(default)]
    output: Option<Map<String, Value>>,
    gives: Value,
    #[serde(default)]
    fails: Option<Fails>,
}

/// A call that fails so often.
#[derive(Debug, Deserialize)]
struct Fails {
    argument: String,
    value: Value,
    times: u64,
    message: String,
}

impl Mock {
    /// The definitions of its tools.
    pub(crate) fn definitions(&self) -> Vec<Value> {
        self.tools.iter().map(Tool::definition).collect()
    }

    /// The result of a call, raw JSON.
    pub(crate) fn answer(&self, tool: &str, arguments: &Map<String, Value>) -> String {
        let Some(tool) = self.tools.iter().find(|known| known.name == tool) else {
            return failure("there is no such tool");
        };
        if let Some(fails) = &tool.fails
            && arguments.get(&fails.argument) == Some(&fails.value)
        {
            let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
            let times = failed.entry(tool.name.clone()).or_default();
            if *times < fails.times {
                *times += 1;
                return failure(&fails.message);
            }
        }
        let given = made(&tool.gives, arguments);
        let text = match &given {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let mut result = json!({"content": [{"type": "text", "text": text}]});
        if tool.output.is_some() {
            result["structuredContent"] = given;
        }
        result.to_string()
    }
}

fn failure(message: &str) -> String {
    json!({"content": [{"type": "text", "text": message}], "isError": true}).to_string()
}

impl Tool {
    fn definition(&self) -> Value {
        let mut required = Vec::new();
        let properties: Map<String, Value> = self
            .parameters
            .iter()
            .map(|(name, about)| {
                let kind = about[0].as_str().unwrap_or_default();
                if kind.ends_with('*') {
                    required.push(json!(name));
                }
                let kind = kind.trim_end_matches('*');
                let property = json!({"type": kind, "description": about[1]});
                (name.clone(), property)
            })
            .collect();
        let mut definition = json!({
            "name": self.name,
            "description": self.description,
            "inputSchema": {"type": "object", "properties": properties, "required": required},
        });
        if let Some(output) = &self.output {
            let properties: Map<String, Value> = output
                .iter()
                .map(|(name, kind)| (name.clone(), json!({"type": kind})))
                .collect();
            definition["outputSchema"] = json!({"type": "object", "properties": properties});
        }
        definition
    }
}

/// What a template gives with these values.
pub(crate) fn made(template: &Value, values: &Map<String, Value>) -> Value {
    match template {
        Value::String(text) => match text.strip_prefix("={").and_then(|t| t.strip_suffix('}')) {
            Some(sum) => json!(number(sum, values)),
            None => json!(written(text, values)),
        },
        Value::Array(all) => all.iter().map(|one| made(one, values)).collect(),
        Value::Object(members) => special(members, values).unwrap_or_else(|| {
            let made = |(name, value): (&String, &Value)| (name.clone(), made(value, values));
            Value::Object(members.iter().map(made).collect())
        }),
        other => other.clone(),
    }
}

fn special(members: &Map<String, Value>, values: &Map<String, Value>) -> Option<Value> {
    if let Some(rows) = members.get("$rows") {
        let total = rows["total"].as_u64()?;
        let (first, last) = match rows.get("per").and_then(Value::as_u64) {
            Some(per) => {
                let page = number(rows["page"].as_str()?, values).max(1);
                (per * (page - 1) + 1, (per * page).min(total))
            }
            None => (1, total),
        };
        return Some(
            (first..=last)
                .map(|i| made(&rows["row"], &with(values, i)))
                .collect(),
        );
    }
    if let Some(lines) = members.get("$lines") {
        let line = |i| written(lines["line"].as_str().unwrap_or_default(), &with(values, i));
        let lines: Vec<String> = (1..=lines["count"].as_u64()?).map(line).collect();
        return Some(json!(lines.join("\n")));
    }
    if let Some(bytes) = members.get("$fill") {
        const WORDS: &str = "The list is read once for each request, which is more often than it changes; it is kept now, and read again when its version is another one. ";
        let bytes = bytes.as_u64()? as usize;
        let text = WORDS.repeat(bytes / WORDS.len() + 1);
        return Some(json!(text[..bytes].trim()));
    }
    if let Some(all) = members.get("$pick") {
        let all = all.as_array()?;
        let at = number(members["by"].as_str()?, values) as usize % all.len();
        return Some(made(&all[at], values));
    }
    let next = members.get("$next")?;
    let page = number(next["page"].as_str()?, values).max(1);
    Some(match page < next["last"].as_u64()? {
        true => json!(page + 1),
        false => Value::Null,
    })
}

fn with(values: &Map<String, Value>, i: u64) -> Map<String, Value> {
    let mut values = values.clone();
    values.insert("i".to_owned(), json!(i));
    values
}

/// A text with what stands in braces replaced: a name as it was given, a sum as its number, `$pick n a|b` as one of these.
fn written(text: &str, values: &Map<String, Value>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((inner, after)) = after.split_once('}') else {
            out.push('{');
            rest = after;
            continue;
        };
        rest = after;
        let picked = inner
            .strip_prefix("$pick ")
            .and_then(|pick| pick.split_once(' '));
        if let Some((by, all)) = picked {
            let all: Vec<&str> = all.split('|').collect();
            out.push_str(all[number(by, values) as usize % all.len()]);
            continue;
        }
        match values.get(inner) {
            Some(Value::String(text)) => out.push_str(text),
            Some(other) => out.push_str(&other.to_string()),
            None => out.push_str(&number(inner, values).to_string()),
        }
    }
    out.push_str(rest);
    out
}

/// A sum, read from left to right: names and numbers with `+`, `*` and `%` between them.
fn number(sum: &str, values: &Map<String, Value>) -> u64 {
    let mut total = 0;
    let mut rest = sum;
    let mut sign = '+';
    loop {
        let end = rest.find(['+', '*', '%']).unwrap_or(rest.len());
        let term = value(rest[..end].trim(), values);
        total = match sign {
            '*' => total * term,
            '%' => total % term.max(1),
            _ => total + term,
        };
        let Some(next) = rest[end..].chars().next() else {
            return total;
        };
        sign = next;
        rest = &rest[end + 1..];
    }
}

/// A number, or one that belongs to a text: its digits, else what its letters come to.
fn value(term: &str, values: &Map<String, Value>) -> u64 {
    match values.get(term) {
        Some(Value::Number(number)) => number.as_u64().unwrap_or_default(),
        Some(Value::String(text)) => {
            let digits: String = text.chars().filter(char::is_ascii_digit).collect();
            digits
                .parse()
                .unwrap_or_else(|_| text.bytes().map(u64::from).sum())
        }
        _ => term.parse().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_give_what_they_say() {
        let values = json!({"n": 7, "city": "Lund", "id": "p-12"});
        let values = values.as_object().unwrap();
        let check = |template: Value, given: Value| assert_eq!(made(&template, values), given);
        check(json!("={n*3%5+2}"), json!(3));
        check(json!("{city} {n} {n+1}"), json!("Lund 7 8"));
        check(json!("={id}"), json!(12));
        check(
            json!({"$rows": {"total": 2, "row": "={i*n}"}}),
            json!([7, 14]),
        );
        check(
            json!({"$rows": {"total": 9, "per": 2, "page": "n", "row": "={i}"}}),
            json!([]),
        );
        check(
            json!({"$lines": {"count": 2, "line": "{$pick i a|b}{i}"}}),
            json!("b1\na2"),
        );
        check(
            json!({"a": {"$pick": ["x", "y"], "by": "n"}}),
            json!({"a": "y"}),
        );
        check(json!({"$next": {"page": "n", "last": 8}}), json!(8));
        check(json!({"$next": {"page": "n", "last": 7}}), Value::Null);
    }
}
