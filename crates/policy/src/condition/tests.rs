//! What conditions can say, what they cannot, and that neither costs more than it may.

use proptest::prelude::*;

use super::*;
use crate::facts::{Era, Hints, ServerFacts};
use crate::limits::CONDITION_WALKS_MAX;

fn server() -> ServerFacts {
    ServerFacts {
        name: "github".into(),
        kind: "container".into(),
        source: "docker.io/mcp/github:1".into(),
        catalog: "built-in".into(),
        transport: "stdio".into(),
    }
}

fn holds(source: &str, arguments: &str) -> Result<bool, String> {
    asked(source, arguments, Condition::holds)
}

/// What a condition is asked about the same call each time.
fn asked<T>(source: &str, arguments: &str, ask: impl FnOnce(&Condition, &Scope<'_>) -> T) -> T {
    let server = server();
    let facts = Facts {
        caller: "ci",
        scopes: Some("read write"),
        client: Some("claude/1.0"),
        server: &server,
        asked: Asked::Tool {
            name: "write_file",
            hints: Hints::default(),
            arguments: Some(arguments),
        },
        era: Era::Stateless,
        now_s: Some(1_767_225_599),
    };
    let condition = Condition::compile(source).unwrap_or_else(|m| panic!("{source}: {m:?}"));
    ask(&condition, &Scope::new(&facts, &condition.reads.arguments))
}

fn mistake(source: &str) -> Mistake {
    Condition::compile(source)
        .err()
        .unwrap_or_else(|| panic!("{source} was compiled"))
}

#[test]
fn every_fact_can_be_read() {
    for source in [
        r#"caller == "ci" && client.startsWith("claude/") && tool == "write_file""#,
        r#"server.name == "github" && server.type == "container" && server.transport == "stdio""#,
        r#"server.source.startsWith("docker.io/mcp/") && server.catalog == "built-in""#,
        r#"action == "call" && era == "stateless" && prompt == "" && resource == """#,
        r#""read" in scopes && !("rea" in scopes) && size(scopes) == 2 && scopes.exists(s, s == "write")"#,
        r#"!annotations.readOnlyHint && annotations.destructiveHint"#,
        r#"time.hour == 23 && time.minute == 59 && time.weekday == 3 && time.date == "2025-12-31""#,
        r#"arguments.path.startsWith("/etc") && arguments["path"].endsWith("passwd")"#,
        r#"arguments.list.exists(x, x > 2) && size(arguments.list) == 3"#,
        r#"arguments.path.matches("^/etc/[a-z]+$") && !matches(arguments.path, "^$")"#,
        r#"has(arguments.path) && !has(arguments.other)"#,
        r#"arguments.?other.orValue("x") == "x""#,
        r#""deep" in arguments && arguments.deep.a[0].b == null"#,
        r#"arguments.big > 9000000000000000000u && arguments.n == 1.0 && arguments.f > 1"#,
    ] {
        let arguments = r#"{"path":"/etc/passwd","list":[1,2,3],"deep":{"a":[{"b":null}]},"big":18446744073709551615,"n":1,"f":1.5}"#;
        assert_eq!(holds(source, arguments), Ok(true), "{source}");
    }
}

#[test]
fn what_cannot_be_told_is_an_error() {
    for (source, arguments, why) in [
        ("arguments.path == 1", "{}", "has()"),
        ("arguments.a.b == 1", r#"{"a":{}}"#, "has()"),
        ("arguments.a.startsWith(\"x\")", r#"{"a":1}"#, "overload"),
        ("arguments.a", r#"{"a":1}"#, "neither true nor false"),
        ("arguments.a == 1", r#"{"a":1,"a":2}"#, "twice"),
        ("has(arguments.a)", "[", "cannot be read"),
        ("arguments.a > 1", r#"{"a":"x"}"#, "overload"),
    ] {
        let error = holds(source, arguments).unwrap_err();
        assert!(error.contains(why), "{source}: {error}");
    }
}

#[test]
fn mistakes_are_found_before_any_call() {
    for (source, message, at) in [
        ("arguments.path ==", "not valid CEL", 1),
        ("argumets.path == 1", "there is no `argumets`", 1),
        ("true && server.nmae == \"x\"", "`server` has no `nmae`", 1),
        ("annotations.readOnly", "`annotations` has no `readOnly`", 1),
        (
            "size(arguments.a) > 1 && startWith(tool)",
            "no function `startWith`",
            1,
        ),
        ("tool.matches(\"(\")", "unclosed group", 1),
        ("tool.matches(caller)", "written out", 1),
        ("arguments.a.map(x, x) == []", "`map`", 1),
        ("arguments.a.all(x, x.all(y, y))", "do not nest", 1),
        ("arguments.a.all(x, x + x == 1)", "`+` within", 1),
        ("arguments.a.all(x)", "is written", 1),
        ("Foo{a: 1} == 1", "cannot be made", 1),
        ("tool.matches(\"(a{1000}){1000}\")", "wrong", 1),
        ("\n\n  foo", "there is no `foo`", 3),
    ] {
        let found = mistake(source);
        assert!(found.message.contains(message), "{source}: {found:?}");
        assert_eq!(found.line, at, "{source}: {found:?}");
        assert!(found.column >= 1, "{source}: {found:?}");
    }
    assert_eq!(mistake("true && foo").column, 9);
    assert_eq!(
        mistake("argumets.a").hint.as_deref(),
        Some("did you mean `arguments`?")
    );
}

#[test]
fn size_depth_and_walks_are_bounded() {
    let long = format!("tool == \"{}\"", "x".repeat(CONDITION_BYTES_MAX));
    assert!(mistake(&long).message.contains("longer than 2048 bytes"));
    let deep = format!("{}true{}", "(".repeat(200), ")".repeat(200));
    assert!(
        mistake(&deep).message.contains("ecursion"),
        "{:?}",
        mistake(&deep)
    );
    let walk = "arguments.a.all(x, x)";
    assert!(Condition::compile(&[walk; 4].join(" && ")).is_ok());
    assert!(
        mistake(&[walk; 5].join(" && "))
            .message
            .contains("more than 4 walks")
    );
}

#[test]
fn what_is_read_is_known() {
    let reads = |source: &str| Condition::compile(source).unwrap().reads;
    let of = reads("has(arguments.a) && arguments.a == 1 && arguments[\"b\"] == 2");
    assert_eq!(of.unguarded, ["b"]);
    assert_eq!(
        of.arguments,
        Wanted::Members(["a".to_owned(), "b".to_owned()].into())
    );
    assert_eq!(reads("\"a\" in arguments").arguments, Wanted::All);
    assert_eq!(reads("arguments.all(k, k == k)").arguments, Wanted::All);
    // A name that a walk binds is not the fact of that name.
    let bound = reads("[1].all(tool, tool == 1)");
    assert!(!bound.tool && bound.arguments.is_none());
    let of = reads("time.hour > 8 && client == \"x\" && annotations.readOnlyHint && tool == \"x\"");
    assert!(of.time && of.client && of.annotations && of.tool && of.arguments.is_none());
}

#[test]
fn a_walk_over_the_largest_arguments_ends_soon() {
    let list = format!(
        r#"{{"a":[{}1],"s":"{}"}}"#,
        "1,".repeat(4_000),
        "x".repeat(40_000)
    );
    let begun = std::time::Instant::now();
    assert_eq!(
        holds(
            "arguments.a.all(x, arguments.s.matches(\"x\") && !arguments.s.contains(\"y\"))",
            &list
        ),
        Ok(true)
    );
    assert!(begun.elapsed().as_secs() < 20);
}

/// What is told without the interpreter, if it is.
fn quickly(source: &str, arguments: &str) -> Option<bool> {
    asked(source, arguments, |condition, scope| {
        let quick = condition.quick.as_ref()?;
        quick.holds(&condition.reads.arguments, scope)
    })
}

#[test]
fn what_most_conditions_say_is_told_without_the_interpreter() {
    let arguments = r#"{"path":"/etc/passwd","n\u0061me":"a\nb","force":true,"n":1,"list":[1],"part":"/e","to":["a@example.com","b@example.org"],"deep":{"a":{"b":"c"}}}"#;
    for (source, told) in [
        (
            r#"has(arguments.path) && arguments.path.startsWith("/etc/")"#,
            Some(true),
        ),
        (
            r#"!has(arguments.other) && arguments["path"].endsWith("passwd")"#,
            Some(true),
        ),
        (
            r#"arguments.name == "a\nb" && arguments.name.contains("\n")"#,
            Some(true),
        ),
        (r#"arguments.force && arguments.force == true"#, Some(true)),
        (
            r#"arguments.force != true || false != arguments.force"#,
            Some(true),
        ),
        (
            r#"tool in ["read_file", "write_file"] && !(server.name == "x")"#,
            Some(true),
        ),
        (r#""ci" != caller"#, Some(false)),
        (
            r#"arguments.path.matches("^/etc/[a-z]+$") && !annotations.readOnlyHint"#,
            Some(true),
        ),
        // What decides stands before what only the interpreter can tell.
        (r#"tool == "x" && int(arguments.path) > 3"#, Some(false)),
        (r#"int(arguments.path) > 3 && tool == "x""#, None),
        (
            r#"arguments.n == 1 && arguments.n != 2 && 0 < arguments.n && 1 >= arguments.n"#,
            Some(true),
        ),
        (r#"arguments.n == 1.0 && arguments.n < 1.5"#, Some(true)),
        (
            r#"time.hour < 7 || time.minute >= 59 && time.weekday <= 5"#,
            Some(true),
        ),
        (
            r#"time.date >= "2025-12-31" && time.date < "2026""#,
            Some(true),
        ),
        (
            r#"size(arguments.path) == 11 && arguments.name.size() == 3 && size(arguments.list) == 1"#,
            Some(true),
        ),
        (r#"arguments.force ? caller == "ci" : false"#, Some(true)),
        (
            r#"arguments.?other.orValue("x") == "x" && !arguments.?no.orValue(false)"#,
            Some(true),
        ),
        (
            r#"arguments.?force.orValue(false) && arguments.?path.hasValue()"#,
            Some(true),
        ),
        (
            r#"has(arguments.deep.a) && arguments.deep.a.b == "c" && !has(arguments.deep.x)"#,
            Some(true),
        ),
        (
            r#"has(arguments.list) && arguments.list.all(x, x > 0)"#,
            Some(true),
        ),
        (
            r#"arguments.to.exists(r, !r.endsWith("@example.com")) && "a@example.com" in arguments.to"#,
            Some(true),
        ),
        (
            r#"arguments.to.all(r, r.contains("@") || r == "x")"#,
            Some(true),
        ),
        (r#"arguments.path.startsWith(arguments.part)"#, Some(true)),
        (
            r#""path" in arguments.deep || "a" in arguments.deep"#,
            Some(true),
        ),
        (r#""write" in scopes"#, Some(true)),
        // What is no text, is not there, or is of a form that is left to the interpreter.
        (r#"arguments.n == 1u"#, None),
        (r#"arguments.path > 1"#, None),
        (r#"arguments.n.startsWith("1")"#, None),
        (r#"arguments.other == "x""#, None),
        (r#"has(arguments.other.x)"#, None),
        (r#"arguments.path == arguments.path"#, None),
        (r#""path" in arguments"#, None),
        (r#"arguments.list.exists_one(x, x == 1)"#, None),
    ] {
        assert_eq!(quickly(source, arguments), told, "{source}");
    }
    // Whatever is read, a name that stands twice is not told quickly.
    assert_eq!(quickly("has(arguments.a)", r#"{"a":1,"b":1,"b":2}"#), None);
    let large = format!(
        r#"{{"a":"{}"}}"#,
        "x".repeat(crate::limits::ARGUMENT_BYTES_MAX)
    );
    assert_eq!(quickly("has(arguments.a)", &large), None);
}

fn any_condition() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "true",
        "false",
        r#"tool == "write_file""#,
        r#"caller != "ci""#,
        r#"server.type in ["container", "x"]"#,
        r#"client.startsWith("claude")"#,
        "annotations.readOnlyHint == false",
        "annotations.openWorldHint",
        "has(arguments.a)",
        "has(arguments.b)",
        r#"arguments.a == "x""#,
        r#""x" != arguments.a"#,
        r#"arguments["a"].contains("x")"#,
        r#"arguments.a.matches("^x$")"#,
        r#"arguments.a in ["x", ""]"#,
        r#"arguments.b == true"#,
        "arguments.b",
        "false != arguments.b",
        "arguments.b > 1",
        "2 <= arguments.b",
        "arguments.a == 1",
        "arguments.b != 2",
        "time.weekday < 3",
        "size(arguments.a) > 0",
        "arguments.b.size() <= 1",
        "size(caller) == 2",
        "time.hour == 23",
        r#"time.date < "2026""#,
        r#"arguments.a < "y""#,
        r#"arguments.a >= caller"#,
        "arguments.a == arguments.b",
        "arguments.a < 1.5",
        "2.0 != arguments.b",
        "arguments.b >= 9223372036854775807.0",
        r#"arguments.?a.orValue("x") == "x""#,
        "arguments.?b.orValue(true)",
        "arguments.?b.orValue(3) > 2",
        "arguments.?b.hasValue()",
        r#"arguments["b"]"#,
        "has(arguments.a.x)",
        "arguments.a.x == 1",
        r#"arguments["b"].x.y != "z""#,
        r#""x" in arguments.a"#,
        r#"caller in arguments.b"#,
        r#"arguments.a in [arguments.b, "x"]"#,
        r#"arguments.a in [1, "x"]"#,
        r#"arguments.a.all(e, e == "x")"#,
        r#"arguments.a.exists(e, e.startsWith("x"))"#,
        "arguments.b.exists(e, e > 1 || arguments.a == 1)",
        "arguments.b.all(e, e)",
        "arguments.b.all(e, has(e.x) && e.x < 2)",
        r#"arguments.b.exists(tool, tool == "write_file")"#,
        r#"arguments.b.exists(e, tool == "write_file")"#,
        "arguments.a == null",
        r#""read" in scopes"#,
        r#""x" in scopes"#,
    ]);
    leaf.prop_map(str::to_owned)
        .prop_recursive(4, 16, 2, |inner| {
            prop_oneof![
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) && ({b})")),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) || ({b})")),
                inner.clone().prop_map(|a| format!("!({a})")),
                (inner.clone(), inner.clone(), inner)
                    .prop_map(|(a, b, c)| format!("({a}) ? ({b}) : ({c})")),
            ]
        })
        .prop_filter("few walks", |source| {
            let walks = ["all(", "exists("].map(|walk| source.matches(walk).count());
            walks.iter().sum::<usize>() <= CONDITION_WALKS_MAX
        })
}

proptest! {
    /// The interpreter and what goes before it never say different things.
    #[test]
    fn what_is_told_quickly_is_what_the_interpreter_tells(
        source in any_condition(),
        arguments in prop::sample::select(vec![
            "{}", r#"{"a":"x"}"#, r#"{"a":"\u0078"}"#, r#"{"a":"y","b":true}"#, r#"{"a":null,"b":false}"#, r#"{"a":1,"b":2}"#, r#"{"a":-1,"b":1e3}"#, r#"{"a":1.5,"b":18446744073709551615}"#, r#"{"a":-0,"b":9223372036854775808}"#,
            r#"{"a":["x"],"b":true}"#, r#"{"a":["x",1],"b":["xy","x"]}"#, r#"{"a":[],"b":[1,2]}"#, r#"{"a":{"x":1},"b":[{"x":1},{"x":3}]}"#,
            r#"{"a":"\ud83d\ude00","b":[true,false]}"#, r#"{"a":"\ud83d","b":true}"#, r#"{"a":["\ud83d"],"b":true}"#, r#"{"a":{"x":"\u0078"},"b":{"x":{"y":"z"}}}"#,
            r#"{"a":2.0,"b":1e999}"#, r#"{"a":9007199254740993,"b":[[1],{"x":null}]}"#, r#"{"a":{"x":1},"b":[{"x":1,"x":1}]}"#, r#"{"a":{"x":1,"x":2}}"#, r#"{"a":"x","a":"x"}"#, r#"{"c":1,"c":2}"#, "[", r#"{"a":"","b":"x"}"#,
        ]),
    ) {
        if let Some(told) = quickly(&source, arguments) {
            let interpreted = asked(&source, arguments, Condition::interpreted);
            prop_assert_eq!(interpreted, Ok(told), "{}", source);
        }
    }

    #[test]
    fn no_text_does_harm(source in "[ -~]{0,60}") {
        let _ = Condition::compile(&source);
    }

    #[test]
    fn no_expression_does_harm(
        parts in prop::collection::vec(prop::sample::select(vec![
            "arguments", ".a", "[0]", "(", ")", "all(x, ", "x", "==", "&&", "1", "\"s\"", "!", "in", ".size()", "?", ":", "{", "}", ",", "-",
        ]), 0..14),
        arguments in prop::sample::select(vec!["{}", r#"{"a":[1,"s"]}"#, r#"{"a":{"a":null}}"#, "["]),
    ) {
        let source = parts.concat();
        if Condition::compile(&source).is_ok() {
            let _ = holds(&source, arguments);
        }
    }
}
