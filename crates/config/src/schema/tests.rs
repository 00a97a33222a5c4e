//! The schema says what the code does.

use serde_json::{Value, json};

use super::schema;
use crate::limits::LIST_ITEMS_MAX;
use crate::{Kind, Settings};

fn parsed() -> Value {
    serde_json::from_str(schema()).unwrap()
}

fn names(properties: &Value) -> Vec<&str> {
    properties
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

fn sorted<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    names
}

#[test]
fn every_setting_stands_in_it_with_its_limits_and_words() {
    let schema = parsed();
    let properties = &schema["properties"]["gateway"]["properties"];
    assert_eq!(
        sorted(names(properties).into_iter()),
        sorted(Settings::KEYS.iter().map(|key| key.name))
    );
    for (key, shown, _) in Settings::default().shown() {
        let property = &properties[key.name];
        assert_eq!(property["description"], key.doc, "{}", key.name);
        let (want, default) = match key.kind {
            Kind::Bool => (json!({"type": "boolean"}), json!(shown == "true")),
            Kind::Whole { min, max } => (
                json!({"type": "integer", "minimum": min, "maximum": max}),
                json!(shown.parse::<u64>().unwrap()),
            ),
            Kind::Text => (json!({"type": "string"}), json!(shown)),
            Kind::Texts => (
                json!({"type": "array", "items": {"type": "string"}, "maxItems": LIST_ITEMS_MAX}),
                json!([]),
            ),
            Kind::Choice(words) => (json!({"enum": words}), json!(shown)),
        };
        for (name, value) in want.as_object().unwrap() {
            assert_eq!(&property[name], value, "{} {name}", key.name);
        }
        assert_eq!(property["default"], default, "{}", key.name);
    }
}

#[test]
fn every_key_of_a_server_stands_in_it() {
    use catalog::limits::{CALL_TIMEOUT_S_MAX, IDLE_TIMEOUT_S_MAX, ITEMS_MAX, START_TIMEOUT_S_MAX};
    let schema = parsed();
    let properties = &schema["$defs"]["server"]["properties"];
    assert_eq!(
        sorted(names(properties).into_iter()),
        sorted(catalog::reader::KEYS.iter().copied())
    );
    assert_eq!(properties["type"]["enum"], json!(catalog::reader::TYPES));
    assert_eq!(properties["share"]["enum"], json!(catalog::reader::SHARES));
    assert_eq!(properties["idle_timeout_s"]["maximum"], IDLE_TIMEOUT_S_MAX);
    assert_eq!(
        properties["start_timeout_s"]["maximum"],
        START_TIMEOUT_S_MAX
    );
    assert_eq!(properties["call_timeout_s"]["maximum"], CALL_TIMEOUT_S_MAX);
    for (key, name) in [
        ("args", "maxItems"),
        ("tools", "maxItems"),
        ("env", "maxProperties"),
    ] {
        assert_eq!(properties[key][name], ITEMS_MAX, "{key}");
    }
}

#[test]
fn every_part_of_a_rule_stands_in_it() {
    let schema = parsed();
    let rule = &schema["$defs"]["rule"];
    let known = crate::policy::rule::KEYS;
    assert_eq!(
        sorted(names(&rule["properties"]).into_iter()),
        sorted(known.into_iter())
    );
    assert_eq!(rule["required"], json!(["decision"]));
    let policy = &schema["properties"]["policy"]["properties"];
    assert_eq!(names(policy), ["default", "files", "rules"]);
    assert_eq!(policy["rules"]["maxItems"], ::policy::limits::RULES_MAX);
}

#[test]
fn the_sections_are_ours() {
    assert_eq!(
        names(&parsed()["properties"]),
        [
            "$schema",
            "auth",
            "gateway",
            "interceptors",
            "policy",
            "servers"
        ]
    );
}

#[test]
fn every_key_of_auth_stands_in_it() {
    let schema = parsed();
    let auth = &schema["properties"]["auth"];
    assert_eq!(
        sorted(names(&auth["properties"]).into_iter()),
        sorted(crate::auth::KEYS.into_iter())
    );
    assert_eq!(
        sorted(names(&schema["$defs"]["rights"]["properties"]).into_iter()),
        sorted(crate::auth::RIGHTS.into_iter())
    );
    let properties = &auth["properties"];
    assert_eq!(
        (
            &properties["rate"]["maximum"],
            &properties["concurrency"]["maximum"]
        ),
        (
            &json!(crate::limits::CALLER_RATE_MAX),
            &json!(crate::limits::CALLER_AT_ONCE_MAX)
        )
    );
    assert_eq!(
        properties["rights"]["maxProperties"],
        crate::limits::AUTH_RIGHTS_MAX
    );
}
