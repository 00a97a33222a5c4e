use super::*;

#[test]
fn members_are_found_as_they_are() {
    let object = Object::parse(r#" {"a":1, "b" : {"c":[1, 2]},"d":null,"":"x"} "#).unwrap();
    assert_eq!(object.get("a"), Ok(Some("1")));
    assert_eq!(object.get("b"), Ok(Some(r#"{"c":[1, 2]}"#)));
    assert_eq!(object.get("c"), Ok(None));
    assert_eq!(object.get("d"), Ok(Some("null")));
    assert_eq!(object.get(""), Ok(Some("\"x\"")));
    assert_eq!(
        object.raw(),
        r#"{"a":1, "b" : {"c":[1, 2]},"d":null,"":"x"}"#
    );
    let names: Vec<_> = object.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["a", "b", "d", ""]);
    assert_eq!(object.len(), 4);
}

#[test]
fn typed_readers() {
    let object = Object::parse(
        r#"{"s":"a\nb","o":{"x":{}},"n":7,"t":true,"z":null,"f":1.5,"m":-1,"l":[1,[2]]}"#,
    )
    .unwrap();
    assert_eq!(object.string("s").unwrap().as_deref(), Some("a\nb"));
    assert_eq!(
        object.object("o").unwrap().unwrap().get("x"),
        Ok(Some("{}"))
    );
    assert_eq!(object.u64("n"), Ok(Some(7)));
    assert_eq!(object.bool("t"), Ok(Some(true)));
    assert_eq!(object.array("l"), Ok(Some(vec!["1", "[2]"])));
    for name in ["z", "absent"] {
        assert_eq!(object.string(name), Ok(None));
        assert!(object.object(name).unwrap().is_none());
        assert_eq!(object.u64(name), Ok(None));
        assert_eq!(object.bool(name), Ok(None));
        assert_eq!(object.array(name), Ok(None));
    }
    for name in ["f", "m", "s", "t"] {
        assert!(
            matches!(object.u64(name), Err(ObjectError::WrongType { .. })),
            "{name}"
        );
    }
    assert_eq!(
        object.string("n").unwrap_err().to_string(),
        "member `n` must be a string"
    );
    assert_eq!(
        object.object("s").unwrap_err().to_string(),
        "member `s` must be an object"
    );
    assert_eq!(
        object.array("o").unwrap_err().to_string(),
        "member `o` must be an array"
    );
    assert_eq!(
        object.bool("n").unwrap_err().to_string(),
        "member `n` must be true or false"
    );
}

#[test]
fn strings_without_escapes_are_not_copied() {
    let object = Object::parse(r#"{"s":"plain"}"#).unwrap();
    assert!(matches!(
        object.string("s"),
        Ok(Some(Cow::Borrowed("plain")))
    ));
}

#[test]
fn a_duplicate_is_refused_when_it_is_asked_for() {
    let object = Object::parse(r#"{"a":1,"b":2,"\u0061":3}"#).unwrap();
    assert_eq!(object.get("a"), Err(ObjectError::Duplicate("a".to_owned())));
    assert_eq!(
        object.string("a"),
        Err(ObjectError::Duplicate("a".to_owned()))
    );
    assert_eq!(object.get("b"), Ok(Some("2")));
    assert_eq!(object.iter().count(), 3);
}

#[test]
fn what_is_not_an_object() {
    for other in ["[]", "1", "\"{}\"", "null"] {
        assert_eq!(
            Object::parse(other).unwrap_err(),
            ObjectError::NotAnObject,
            "{other}"
        );
    }
    for broken in [
        "",
        "{",
        "{}}",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "{\"a\":1,}",
        "{\"a\":01}",
        "{\"a\":\"\u{1}\"}",
        "\u{a0}{}",
    ] {
        assert!(
            matches!(Object::parse(broken), Err(ObjectError::Invalid(_))),
            "{broken}"
        );
    }
    assert!(matches!(
        Object::parse(r#"{"\ud800":1}"#),
        Err(ObjectError::Invalid(_))
    ));
    assert!(Object::parse(r#"{"a":"\ud800"}"#).is_ok());
}

#[test]
fn empty_objects() {
    assert!(Object::parse("{ }").unwrap().is_empty());
    assert_eq!(Object::empty().raw(), "{}");
    assert_eq!(Object::empty().get("a"), Ok(None));
}

#[test]
fn arrays() {
    assert_eq!(
        elements(r#" [1, "a,]" ,[2],{"x":3}] "#).unwrap(),
        ["1", "\"a,]\"", "[2]", "{\"x\":3}"]
    );
    assert_eq!(elements("[ ]").unwrap(), [""; 0]);
    assert_eq!(elements("{}"), Err(ObjectError::NotAnArray));
    assert!(matches!(elements("[1,]"), Err(ObjectError::Invalid(_))));
}

#[test]
fn the_number_of_members_has_a_limit() {
    let array = |count: usize| format!("[{}]", vec!["1"; count].join(","));
    assert_eq!(elements(&array(MEMBERS_MAX)).unwrap().len(), MEMBERS_MAX);
    assert_eq!(elements(&array(MEMBERS_MAX + 1)), Err(ObjectError::TooMany));
    let object = |count: usize| format!("{{{}}}", vec!["\"\":1"; count].join(","));
    assert_eq!(
        Object::parse(&object(MEMBERS_MAX)).unwrap().len(),
        MEMBERS_MAX
    );
    assert_eq!(
        Object::parse(&object(MEMBERS_MAX + 1)).unwrap_err(),
        ObjectError::TooMany
    );
}

#[test]
fn what_is_known_to_be_json_is_not_looked_through_again() {
    let object = Object::of_json(" {\"a\": [1, {\"b\":\"}\"}], \"c\" : null } ").unwrap();
    assert_eq!(object.get("a"), Ok(Some("[1, {\"b\":\"}\"}]")));
    assert_eq!(object.get("c"), Ok(Some("null")));
    assert!(Object::of_json("{}").unwrap().is_empty());
    assert!(matches!(
        Object::of_json("[]"),
        Err(ObjectError::NotAnObject)
    ));
    for bad in [
        "",
        "{",
        "{\"a\"",
        "{\"a\":1",
        "{} {}",
        "{\"a\":1} x",
        "{\"a\":\"x",
    ] {
        assert!(Object::of_json(bad).is_err(), "{bad}");
    }
}
