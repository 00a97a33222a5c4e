use super::*;

fn edited(text: &str, change: impl for<'a> FnOnce(&mut Edits<'a>, &Object<'a>)) -> String {
    let object = Object::parse(text).unwrap();
    let mut edits = Edits::new(text);
    change(&mut edits, &object);
    String::from_utf8(edits.apply().to_vec()).unwrap()
}

#[test]
fn nothing_changes_nothing() {
    assert_eq!(
        edited("{ \"a\" : 1 }", |edits, _| assert!(edits.is_empty())),
        "{ \"a\" : 1 }"
    );
}

#[test]
fn values_are_replaced_in_place() {
    let text = r#"{ "a" : 1 , "b":[1,2] }"#;
    assert_eq!(
        edited(text, |edits, object| edits.set(object, "a", "22")),
        r#"{ "a" : 22 , "b":[1,2] }"#
    );
    let both = edited(text, |edits, object| {
        edits.set(object, "b", "null");
        edits.set(object, "a", String::from("{}"));
    });
    assert_eq!(both, r#"{ "a" : {} , "b":null }"#);
}

#[test]
fn new_members_come_last() {
    let add = |text: &str| {
        edited(text, |edits, object| {
            edits.set(object, "x\"", "1");
            edits.set(object, "y", "2");
            edits.set(object, "x\"", "3");
        })
    };
    assert_eq!(add("{}"), r#"{"x\"":3,"y":2}"#);
    assert_eq!(add("{ }"), r#"{"x\"":3,"y":2 }"#);
    assert_eq!(add(r#"{"a":1 }"#), r#"{"a":1,"x\"":3,"y":2 }"#);
}

#[test]
fn members_go_with_their_commas() {
    let text = r#"{ "a":1, "b":2, "c":3 }"#;
    let without = |names: &[&str]| {
        edited(text, |edits, object| {
            names.iter().for_each(|name| edits.remove(object, name));
        })
    };
    assert_eq!(without(&["a"]), r#"{ "b":2, "c":3 }"#);
    assert_eq!(without(&["b"]), r#"{ "a":1, "c":3 }"#);
    assert_eq!(without(&["c"]), r#"{ "a":1, "b":2 }"#);
    assert_eq!(without(&["a", "b"]), r#"{ "c":3 }"#);
    assert_eq!(without(&["c", "b"]), r#"{ "a":1 }"#);
    assert_eq!(without(&["a", "c"]), r#"{ "b":2 }"#);
    assert_eq!(without(&["b", "a", "c"]), r#"{  }"#);
    assert_eq!(without(&["x"]), text);
}

#[test]
fn removing_and_adding_share_the_commas() {
    let text = r#"{"a":1,"b":2}"#;
    let swap = |names: &[&str]| {
        edited(text, |edits, object| {
            edits.set(object, "n", "0");
            names.iter().for_each(|name| edits.remove(object, name));
        })
    };
    assert_eq!(swap(&["a"]), r#"{"b":2,"n":0}"#);
    assert_eq!(swap(&["b"]), r#"{"a":1,"n":0}"#);
    assert_eq!(swap(&["a", "b"]), r#"{"n":0}"#);
    assert_eq!(swap(&["n"]), text);
}

#[test]
fn the_later_change_counts() {
    let text = r#"{"a":1,"b":2}"#;
    let back = edited(text, |edits, object| {
        edits.remove(object, "a");
        edits.set(object, "a", "3");
    });
    assert_eq!(back, r#"{"a":3,"b":2}"#);
    let gone = edited(text, |edits, object| {
        edits.set(object, "a", "3");
        edits.remove(object, "a");
    });
    assert_eq!(gone, r#"{"b":2}"#);
    let twice = edited(text, |edits, object| {
        edits.set(object, "a", "3");
        edits.set(object, "a", "4");
    });
    assert_eq!(twice, r#"{"a":4,"b":2}"#);
}

#[test]
fn the_outer_change_counts() {
    let text = r#"{"a":{"b":1,"c":2},"d":3}"#;
    for outer_first in [true, false] {
        let out = edited(text, |edits, object| {
            let inner = object.object("a").unwrap().unwrap();
            if outer_first {
                edits.set(object, "a", "[]");
            }
            edits.set(&inner, "b", "9");
            edits.set(&inner, "new", "9");
            edits.remove(&inner, "c");
            if !outer_first {
                edits.set(object, "a", "[]");
            }
        });
        assert_eq!(out, r#"{"a":[],"d":3}"#);
    }
    let out = edited(text, |edits, object| {
        edits.set(&object.object("a").unwrap().unwrap(), "new", "9");
        edits.remove(object, "a");
    });
    assert_eq!(out, r#"{"d":3}"#);
}

#[test]
fn nested_objects_are_edited_beside_their_parents() {
    let text = r#"{"a":{"b":1}}"#;
    let out = edited(text, |edits, object| {
        edits.set(object, "x", "0");
        let inner = object.object("a").unwrap().unwrap();
        edits.set(&inner, "y", "0");
        edits.remove(&inner, "b");
    });
    assert_eq!(out, r#"{"a":{"y":0},"x":0}"#);
}

#[test]
fn duplicates_become_one() {
    let text = r#"{"a":1,"b":2,"\u0061":3}"#;
    assert_eq!(
        edited(text, |edits, object| edits.set(object, "a", "9")),
        r#"{"a":9,"b":2}"#
    );
    assert_eq!(
        edited(text, |edits, object| edits.remove(object, "a")),
        r#"{"b":2}"#
    );
}

#[test]
fn any_slice_can_be_replaced() {
    let text = "[1,2,3]";
    let mut edits = Edits::new(text);
    edits.replace(&text[5..6], "x");
    edits.replace(&text[1..2], "\"é\"");
    edits.replace(&text[6..6], ",4");
    assert!(!edits.is_empty());
    assert_eq!(edits.apply(), "[\"é\",2,x,4]".as_bytes());
}

#[test]
#[should_panic(expected = "slice of the text")]
fn strangers_cannot_be_replaced() {
    let other = String::from("1");
    Edits::new("[1]").replace(&other, "2");
}
