use serde_json::json;

use super::*;

fn args(schema: &Value, words: &[&str]) -> Result<String, Wrong> {
    let words: Vec<String> = words.iter().map(ToString::to_string).collect();
    build(schema, &words, None).map(|a| a.raw)
}

fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "n": {"type": "integer"}, "x": {"type": "number"}, "b": {"type": "boolean"}, "s": {"type": "string"},
            "tags": {"type": "array", "items": {"type": "string"}}, "ids": {"type": "array", "items": {"type": "integer"}},
            "o": {"type": "object"}, "level": {"enum": ["low", "high", 3]},
            "maybe": {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]},
            "ref": {"$ref": "#/$defs/Size"}, "any": {},
        },
        "$defs": {"Size": {"type": "integer", "description": "in metres"}},
        "required": ["s"],
    })
}

#[test]
fn words_become_what_the_schema_wants() {
    for (word, raw) in [
        ("n=7", "7"),
        ("n=12345678901234567890123", "12345678901234567890123"),
        ("x=1.50", "1.50"),
        ("x=-2e3", "-2e3"),
        ("b=yes", "true"),
        ("b=False", "false"),
        ("tags=a, b,3", r#"["a","b","3"]"#),
        ("tags=", "[]"),
        (r#"tags=["a,b"]"#, r#"["a,b"]"#),
        ("ids=1,2", "[1,2]"),
        (r#"o={"a": 1}"#, r#"{"a": 1}"#),
        ("level=high", r#""high""#),
        ("level=3", "3"),
        ("maybe=4", "4"),
        ("maybe=null", "null"),
        ("maybe=four", r#""four""#),
        ("maybe:=\"4\"", r#""4""#),
        ("ref=5", "5"),
        ("any=[1]", "[1]"),
        ("any=it's", r#""it's""#),
        ("x:=1", "1"),
    ] {
        let name = word.split([':', '=']).next().unwrap();
        assert_eq!(
            args(&schema(), &["s=7=8", word]).unwrap(),
            format!(r#"{{"s":"7=8","{name}":{raw}}}"#),
            "{word}"
        );
    }
}

#[test]
fn words_that_cannot_be_meant() {
    for (word, message) in [
        ("n=seven", "`n` wants integer, not `seven`"),
        ("n=1.5", "`n` wants integer, not `1.5`"),
        ("n=007", "`n` wants integer, not `007`"),
        ("x=NaN", "`x` wants number, not `NaN`"),
        ("b=maybe", "`b` wants boolean, not `maybe`"),
        ("ids=1,b", "`ids` wants list of integer, not `1,b`"),
        ("o=a", "`o` wants JSON object, not `a`"),
        ("level=mid", "`level` wants low|high|3, not `mid`"),
        ("ref=x", "`ref` wants integer, not `x`"),
        ("n", "`n` is not of the form name=value"),
        ("=1", "`=1` is not of the form name=value"),
        ("s=again", "`s` is given twice"),
        (
            "n:={",
            "`n` is not valid JSON: EOF while parsing an object at line 1 column 1",
        ),
    ] {
        assert_eq!(
            args(&schema(), &["s=x", word]).unwrap_err().to_string(),
            message
        );
    }
}

#[test]
fn lists_grow() {
    assert_eq!(
        args(&schema(), &["s=", "tags=a", "tags=b,c"]).unwrap(),
        r#"{"s":"","tags":["a","b","c"]}"#
    );
}

#[test]
fn required_ones_must_be_there() {
    assert_eq!(
        args(&schema(), &["n=1"]).unwrap_err(),
        Wrong::Missing(vec!["s".into()])
    );
}

#[test]
fn json_is_the_ground_and_words_replace_its_members() {
    let words = ["n=2".to_owned()];
    let made = build(&schema(), &words, Some(r#" {"s": "x", "n": 1.0} "#)).unwrap();
    assert_eq!(made.raw, r#"{"s":"x","n":2}"#);
    assert!(matches!(
        build(&schema(), &[], Some("[1]")),
        Err(Wrong::NotAnObject(_))
    ));
    assert!(matches!(
        build(&schema(), &[], Some("{")),
        Err(Wrong::NotAnObject(_))
    ));
    assert_eq!(
        build(&schema(), &[], Some(r#"{"s":1,"s":2}"#)),
        Err(Wrong::Twice("s".into()))
    );
}

#[test]
fn unknown_names_are_told_or_refused() {
    let open = build(&schema(), &["s=1".into(), "z=1".into()], None).unwrap();
    assert_eq!(open.unknown, ["z"]);
    let mut closed = schema();
    closed["additionalProperties"] = json!(false);
    assert_eq!(
        args(&closed, &["s=1", "z=1"]).unwrap_err(),
        Wrong::Unknown { name: "z".into() }
    );
    assert_eq!(
        args(&json!({"type": "object"}), &["z=1"]).unwrap(),
        r#"{"z":1}"#
    );
}

#[test]
fn a_schema_that_refers_to_itself_ends() {
    let schema = json!({"properties": {"a": {"$ref": "#/properties/a"}, "l": {"$ref": "#/$defs/l"}},
        "$defs": {"l": {"type": "array", "items": {"$ref": "#/$defs/l"}}}});
    assert_eq!(args(&schema, &["a=1"]).unwrap(), r#"{"a":1}"#);
    assert!(args(&schema, &["l=x"]).is_ok_and(|raw| raw.len() < 100));
    assert_eq!(
        schema::properties(&schema)[1].wants(),
        "list of list of list of list of a value"
    );
}
