use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Style, type_of};

fn compact(schema: Value) -> String {
    type_of(&schema, Style::compact(10_000))
}

#[test]
fn plain_types() {
    for (schema, expected) in [
        (json!({"type": "string"}), "string"),
        (json!({"type": "integer"}), "number"),
        (json!({"type": "number"}), "number"),
        (json!({"type": "boolean"}), "boolean"),
        (json!({"type": "null"}), "null"),
        (json!({"type": ["string", "null"]}), "string | null"),
        (json!({"type": ["integer", "number"]}), "number"),
        (json!({"type": "string", "nullable": true}), "string | null"),
        (json!({"type": "array"}), "any[]"),
        (
            json!({"type": "array", "items": {"type": "string"}}),
            "string[]",
        ),
        (json!({"items": {"type": "string"}}), "string[]"),
        (
            json!({"type": "array", "items": {"type": ["string", "number"]}}),
            "(string | number)[]",
        ),
        (
            json!({"type": "array", "items": {"enum": ["a | b"]}}),
            "\"a | b\"[]",
        ),
        (
            json!({"type": "array", "prefixItems": [{"type": "string"}, {}]}),
            "[string, any]",
        ),
        (json!({"type": "object"}), "object"),
        (
            json!({"type": "object", "additionalProperties": false}),
            "{}",
        ),
        (
            json!({"type": "object", "additionalProperties": {"type": "number"}}),
            "Record<string, number>",
        ),
        (json!({"const": "x"}), "\"x\""),
        (json!({"enum": ["a", 1, null]}), "\"a\" | 1 | null"),
        (json!({"enum": []}), "never"),
        (json!({}), "any"),
        (json!(true), "any"),
        (json!(false), "never"),
        (json!("nonsense"), "any"),
        (json!({"type": "strnig"}), "any"),
    ] {
        assert_eq!(compact(schema.clone()), expected, "{schema}");
    }
}

#[test]
fn members_that_must_be_given_come_first() {
    assert_eq!(
        compact(json!({
            "type": "object",
            "properties": {
                "a": {"type": "array", "items": {"type": "string"}},
                "b": {"type": "string"},
                "with-dash": {"type": "number"},
            },
            "required": ["b", "with-dash"],
        })),
        "{b: string, \"with-dash\": number, a?: string[]}"
    );
}

#[test]
fn members_and_more() {
    assert_eq!(
        compact(json!({"properties": {"a": {}}, "additionalProperties": {"type": "string"}})),
        "{a?: any, [key: string]: string}"
    );
}

#[test]
fn unions_and_intersections() {
    assert_eq!(
        compact(json!({"anyOf": [{"type": "string"}, {"type": "string"}, {"type": "null"}]})),
        "string | null"
    );
    assert_eq!(compact(json!({"oneOf": [{"type": "string"}, {}]})), "any");
    assert_eq!(
        compact(
            json!({"allOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"b": {"type": "string"}}}]})
        ),
        "{a?: string} & {b?: string}"
    );
    assert_eq!(
        compact(json!({
            "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
            "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
        })),
        "{a?: string, b?: string}"
    );
}

#[test]
fn references_are_followed_and_never_in_circles() {
    assert_eq!(
        compact(json!({
            "$defs": {"Node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}, "name": {"type": "string"}}}},
            "type": "object",
            "properties": {"root": {"$ref": "#/$defs/Node"}},
            "required": ["root"],
        })),
        "{root: {name?: string, next?: Node}}"
    );
    assert_eq!(compact(json!({"$ref": "#"})), "any");
    assert_eq!(
        compact(json!({"$ref": "https://example.com/schema"})),
        "any"
    );
    assert_eq!(compact(json!({"$ref": "#/nowhere"})), "any");
}

#[test]
fn a_long_enumeration_shows_a_few() {
    let values: Vec<_> = (0..40).map(|number| format!("v{number}")).collect();
    assert_eq!(
        compact(json!({"type": "string", "enum": values})),
        r#"string /* "v0", "v1", "v2", "v3", "v4", "v5" … 34 more */"#
    );
}

#[test]
fn levels_end_in_object() {
    let mut schema = json!({"type": "string"});
    for _ in 0..50 {
        schema = json!({"type": "object", "properties": {"a": schema}});
    }
    assert_eq!(compact(schema), "{a?: {a?: {a?: object}}}");
}

#[test]
fn the_long_form_has_what_the_schema_says() {
    let schema = json!({
        "type": "object",
        "properties": {
            "per_page": {"type": "integer", "minimum": 1, "maximum": 100, "default": 30, "description": "Results\n per page."},
            "since": {"type": "string", "format": "date-time"},
            "evil": {"type": "string", "description": "ends */ here"},
        },
        "required": ["since"],
    });
    assert_eq!(
        type_of(&schema, Style::documented(10_000)),
        "{\n  /** format date-time */\n  since: string;\n  /** ends * / here */\n  evil?: string;\n  /** Results per page; integer; 1 to 100; default 30 */\n  per_page?: number;\n}"
    );
}

#[test]
fn a_budget_keeps_what_must_be_given() {
    let mut properties = serde_json::Map::new();
    for number in 0..200 {
        properties.insert(format!("optional_{number}"), json!({"type": "string"}));
    }
    properties.insert("zz".into(), json!({"type": "string"}));
    let schema = json!({"type": "object", "properties": properties, "required": ["zz"]});
    let text = type_of(&schema, Style::compact(100));
    assert!(text.starts_with("{zz: string, "), "{text}");
    assert!(text.contains(" more */}"), "{text}");
    assert!(text.len() < 250, "{text}");
}

fn schemas() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({})),
        any::<bool>().prop_map(Value::Bool),
        "[a-z]{0,8}".prop_map(|text| json!({"type": text})),
        Just(json!({"type": "string"})),
        Just(json!({"$ref": "#"})),
        Just(json!({"$ref": "#/properties/a"})),
        "[^*/]{0,20}".prop_map(|text| json!({"const": text, "description": "x"})),
        ".{0,20}".prop_map(|text| json!({"type": "string", "description": text})),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|some| json!({"anyOf": some})),
            prop::collection::vec(inner.clone(), 0..5).prop_map(|some| json!({"allOf": some})),
            inner
                .clone()
                .prop_map(|item| json!({"type": "array", "items": item})),
            prop::collection::btree_map("[^*/]{0,6}", inner, 0..6).prop_map(
                |members| json!({"type": "object", "properties": members, "required": ["a"]})
            ),
        ]
    })
}

proptest! {
    #[test]
    fn any_schema_is_rendered_within_its_budget(schema in schemas(), max in 0_usize..500) {
        for style in [Style::compact(max), Style::documented(max)] {
            let text = type_of(&schema, style);
            // The budget is about; names that must be given pass it.
            prop_assert!(text.len() < max * 4 + 4_000, "{} bytes of {max}", text.len());
            prop_assert_eq!(text.matches("/*").count(), text.matches("*/").count());
        }
    }
}
