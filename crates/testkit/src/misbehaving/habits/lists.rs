//! Habits in lists of tools: schemas, names, pages, and changes without an end.

use std::time::Duration;

use serde_json::{Value, json};

use crate::misbehaving::{Asked, Step, sound};

type Steps = Option<Vec<Step>>;

/// These tools after `echo`; anything but a list is answered soundly.
fn with(asked: &Asked, tools: impl FnOnce() -> Vec<Value>) -> Steps {
    asked.is_list().then(|| {
        let mut all = vec![sound::echo()];
        all.extend(tools());
        vec![Step::Say(sound::tools(asked, Value::Array(all)))]
    })
}

fn tool(name: &str, schema: Value) -> Value {
    json!({"name": name, "inputSchema": schema})
}

pub(super) fn not_object(asked: &Asked) -> Steps {
    with(asked, || {
        let schemas = [
            json!({"type": "string"}),
            json!({"type": ["object", "null"]}),
            json!({"type": "array", "items": {}}),
            json!(true),
            json!([]),
            json!("object"),
            Value::Null,
        ];
        let numbered = schemas.into_iter().enumerate();
        numbered
            .map(|(n, schema)| tool(&format!("odd{n}"), schema))
            .collect()
    })
}

pub(super) fn huge(asked: &Asked) -> Steps {
    with(asked, || {
        let properties: serde_json::Map<String, Value> = (0..20_000)
            .map(|n| {
                (
                    format!("property{n}"),
                    json!({"type": "string", "description": "x".repeat(160)}),
                )
            })
            .collect();
        vec![tool(
            "huge",
            json!({"type": "object", "properties": properties}),
        )]
    })
}

pub(super) fn recursive(asked: &Asked) -> Steps {
    with(asked, || {
        vec![tool(
            "recursive",
            json!({"type": "object", "$ref": "#", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}},
                "properties": {"a": {"$ref": "#/$defs/a"}, "self": {"$ref": "#"}, "far": {"$ref": "http://127.0.0.1:1/"}}}),
        )]
    })
}

pub(super) fn deep(asked: &Asked) -> Steps {
    const LEVELS: usize = 1000;
    asked.is_list().then(|| {
        // As text: a value this deep could not even be dropped safely everywhere.
        let schema = format!(
            "{}{}{}",
            r#"{"type":"object","properties":{"a":"#.repeat(LEVELS),
            "{}",
            "}}".repeat(LEVELS)
        );
        const MARK: &str = "\"#\"";
        let list = sound::tools(
            asked,
            json!([sound::echo(), {"name": "deep", "inputSchema": "#"}]),
        );
        vec![Step::Bytes(
            list.to_string().replace(MARK, &schema).into_bytes(),
        )]
    })
}

pub(super) fn duplicates(asked: &Asked) -> Steps {
    with(asked, || {
        vec![
            tool(
                "echo",
                json!({"type": "object", "properties": {"other": {}}}),
            ),
            tool("echo", json!({"type": "string"})),
            tool("twin", json!({"type": "object"})),
            tool("twin", json!({"type": "object", "title": "the evil one"})),
        ]
    })
}

pub(super) fn illegal_names(asked: &Asked) -> Steps {
    with(asked, || {
        let long = "n".repeat(300);
        let names = [
            "",
            " ",
            "a b",
            "a/b",
            "a.b",
            "../../etc/passwd",
            &long,
            "écho",
            "回声",
            "mcp-find",
            "mcp-exec",
            "code-mode-x",
            "sound__echo",
            "a\nb",
            "a\u{0}b",
            "a_b",
        ];
        let mut tools: Vec<Value> = names
            .iter()
            .map(|name| tool(name, json!({"type": "object"})))
            .collect();
        tools.extend([
            json!({"name": 7}),
            json!({"name": null}),
            json!({}),
            json!(7),
            json!("echo"),
        ]);
        tools
    })
}

pub(super) fn changes_always(asked: &Asked) -> Steps {
    let changed = json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"});
    let often = Duration::from_millis(20);
    if asked.is_start() {
        return Some(vec![Step::Again(often, u64::MAX, vec![changed])]);
    }
    if asked.method() == "subscriptions/listen" {
        let mut changed = changed;
        changed["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"] = asked.id().clone();
        return Some(vec![
            Step::Say(sound::acknowledged(asked)),
            Step::Again(often, u64::MAX, vec![changed]),
        ]);
    }
    with(asked, || {
        vec![tool(
            &format!("today-{}", asked.n % 7),
            json!({"type": "object"}),
        )]
    })
}

pub(super) fn endless_pages(asked: &Asked) -> Steps {
    page(asked, &format!("page-{}", asked.n))
}

pub(super) fn same_page(asked: &Asked) -> Steps {
    page(asked, "page")
}

fn page(asked: &Asked, next: &str) -> Steps {
    let is_first = asked.message["params"].get("cursor").is_none();
    asked.is_list().then(|| {
        let tools = if is_first {
            json!([sound::echo()])
        } else {
            json!([tool(
                &format!("tool-{}", asked.n),
                json!({"type": "object"})
            )])
        };
        let mut answer = sound::tools(asked, tools);
        answer["result"]["nextCursor"] = json!(next);
        vec![Step::Say(answer)]
    })
}

pub(super) fn wrong_types(asked: &Asked) -> Steps {
    asked.is_list().then(|| {
        vec![Step::Say(sound::tools(
            asked,
            json!({"echo": sound::echo()}),
        ))]
    })
}
