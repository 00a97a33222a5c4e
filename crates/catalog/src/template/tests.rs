use serde_json::{Map, Value, json};

use super::*;
use crate::Secret;

fn config() -> Map<String, Value> {
    let Value::Object(map) = json!({
        "path": "/data", "paths": ["/a", "/b"], "none": null, "empty": "", "list": [],
        "port": 8080, "on": true, "deep": {"er": {"key": "found"}}, "a.b": "dotted", "pair": "/src:/dst:ro",
        "sly": "${TOKEN}{{path}}"
    }) else {
        panic!()
    };
    map
}

fn parse(text: &str) -> Result<Template, (TemplateError, usize)> {
    Template::parse(text, "srv", &|name| name == "TOKEN" || name == "UNSET")
}

fn fill(text: &str) -> Filled {
    let secret = |name: &str| (name == "TOKEN").then(|| Secret::new("hunter2"));
    let values = Values {
        config: &config(),
        secret: &secret,
    };
    parse(text).unwrap().fill(&values)
}

fn one(text: &str) -> Filled {
    Filled::One(text.to_owned())
}

fn many(items: &[&str]) -> Filled {
    Filled::Many(items.iter().map(|&item| item.to_owned()).collect())
}

#[test]
fn keys_with_and_without_the_server() {
    assert_eq!(fill("{{srv.path}}"), one("/data"));
    assert_eq!(fill("{{ path }}:/x"), one("/data:/x"));
    assert_eq!(
        fill("{{srv.deep.er.key}}-{{port}}-{{on}}"),
        one("found-8080-true")
    );
    assert_eq!(fill("{{a.b}}"), one("dotted"));
    assert_eq!(fill("{{deep.er}}"), one("{\"key\":\"found\"}"));
    assert_eq!(fill("plain {x} }} $x ${y"), one("plain {x} }} $x ${y"));
}

#[test]
fn what_is_not_there_leaves_nothing() {
    for text in [
        "{{no}}",
        "--x={{no}}",
        "{{none}}",
        "{{no|volume}}",
        "{{empty|volume}}",
        "${UNSET}",
        "{{path}}${UNSET}",
    ] {
        assert_eq!(fill(text), Filled::Nothing, "{text}");
    }
    assert_eq!(fill("{{empty}}"), one(""));
    assert_eq!(fill("{{no|volume|into}}"), many(&[]));
}

#[test]
fn every_filter() {
    assert_eq!(fill("{{path|volume}}"), one("/data:/data"));
    assert_eq!(fill("{{pair|volume}}"), one("/src:/dst:ro"));
    assert_eq!(fill("{{pair|volume-target}}"), one("/dst"));
    assert_eq!(fill("{{path|volume-target}}:/src"), one("/data:/src"));
    assert_eq!(fill("{{paths|volume|into}}"), many(&["/a:/a", "/b:/b"]));
    assert_eq!(
        fill("{{srv.paths|volume-target|into}}"),
        many(&["/a", "/b"])
    );
    assert_eq!(fill("{{path|into}}"), many(&["/data"]));
    assert_eq!(fill("{{paths|first}} {{paths|last}}"), one("/a /b"));
    assert_eq!(fill("{{list|first}}"), Filled::Nothing);
    assert_eq!(fill("{{paths}}"), one("/a,/b"));
    assert_eq!(
        fill("{{no|or:x y}}{{empty|or:z}}{{path|or:q}}"),
        one("x yz/data")
    );
    assert_eq!(fill("{{no|or:[]|volume|into}}"), many(&[]));
    assert_eq!(fill("{{no|or:[\"/c\"]|volume|into}}"), many(&["/c:/c"]));
    assert_eq!(fill("{{path|mount_as:/logs:ro}}"), one("/data:/logs:ro"));
    assert_eq!(
        fill("{{paths|mount_as:/x|into}}"),
        many(&["/a:/x", "/b:/x"])
    );
}

#[test]
fn only_own_secrets_and_no_value_is_read_again() {
    assert_eq!(fill("Bearer ${TOKEN}"), one("Bearer hunter2"));
    assert_eq!(fill("${HOME}${TOKEN}${"), one("${HOME}hunter2${"));
    assert_eq!(fill("{{sly}}"), one("${TOKEN}{{path}}"));
}

#[test]
fn mistakes_have_a_place() {
    let error = |text: &str| parse(text).unwrap_err();
    assert_eq!(error("ab{{x"), (TemplateError::Open, 2));
    assert_eq!(error("{{}}"), (TemplateError::Key(String::new()), 0));
    assert_eq!(error("{{a b}}"), (TemplateError::Key("a b".into()), 0));
    assert_eq!(error("{{a..b}}"), (TemplateError::Key("a..b".into()), 0));
    assert_eq!(
        error("{{x}} {{x|uper}}"),
        (TemplateError::Filter("uper".into()), 6)
    );
    assert_eq!(
        error("{{x|into:y}}"),
        (TemplateError::Filter("into:y".into()), 0)
    );
    assert_eq!(error("{{x|or}}"), (TemplateError::Argument("or".into()), 0));
    assert_eq!(
        error("{{x|mount_as:}}"),
        (TemplateError::Argument("mount_as".into()), 0)
    );
    assert_eq!(error("-x {{x|into}}"), (TemplateError::Into, 0));
    assert!(error("{{x|y}}").0.to_string().contains("`volume-target`"));
}

#[test]
fn canonical_is_without_the_server_and_stays() {
    for (text, same) in [
        ("{{ srv.paths | volume | into }}", "{{paths|volume|into}}"),
        (
            "-p {{port|or:80}} ${TOKEN} $x",
            "-p {{port|or:80}} ${TOKEN} $x",
        ),
        ("{{path|mount_as:/l:ro}}", "{{path|mount_as:/l:ro}}"),
        (
            "{{path|volume-target}}{{paths|first}}{{paths|last}}",
            "{{path|volume-target}}{{paths|first}}{{paths|last}}",
        ),
    ] {
        let template = parse(text).unwrap();
        assert_eq!(template.canonical(), same);
        assert_eq!(parse(same).unwrap(), template);
    }
    assert_eq!(
        parse("{{srv.a}}{{b.c}}")
            .unwrap()
            .keys()
            .collect::<Vec<_>>(),
        ["a", "b.c"]
    );
}

proptest::proptest! {
    #[test]
    fn any_text_is_a_template_or_none(text in "[a-z{}|:. $T]{0,40}") {
        if let Ok(template) = parse(&text) {
            let again = parse(&template.canonical()).unwrap();
            proptest::prop_assert_eq!(again.canonical(), template.canonical());
            let _ = fill(&text);
        }
    }

    #[test]
    fn text_without_marks_stays(text in "[ -z|~é]{0,40}") {
        let plain = text.replace('$', "");
        proptest::prop_assert_eq!(fill(&plain), Filled::One(plain));
    }
}
