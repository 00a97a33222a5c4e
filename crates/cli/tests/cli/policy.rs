//! `portolan policy`, and what rules of `config.toml` do to a call. Also what is seen of a server's credentials.

use serde_json::json;

use super::home::Home;

const RULES: &str = r#"
[[policy.rules]]
name = "no shouting"
server = "demo"
tool = "echo"
when = 'arguments.message == "HELLO"'
decision = "deny"
reason = "the neighbours sleep"

[[policy.rules]]
name = "careful"
tool = "get-*"
decision = "ask"
"#;

fn home() -> (Home, String) {
    let home = Home::new();
    let config = home.servers(&["demo"]);
    home.write("portolan/config.toml", RULES);
    (home, config)
}

#[test]
fn rules_are_listed_and_mistakes_have_their_place() {
    let (home, _) = home();
    let checked = home.run(&["policy", "check", "--format", "json"]).json();
    assert_eq!(checked["default"], "allow");
    assert_eq!(checked["rules"][0]["name"], "no shouting");
    assert_eq!(checked["rules"][1]["about"], "tool get-*");
    assert_eq!(checked["problems"], json!([]));
    let human = home.run(&["policy", "check"]).ok();
    assert!(
        human.contains("careful") && human.contains("where no rule applies: allow"),
        "{human}"
    );

    home.write(
        "portolan/config.toml",
        "[[policy.rules]]\ndecision = \"deny\"\nwhen = 'argumets.x == 1'\n",
    );
    let said = home.run(&["policy", "check"]);
    assert_eq!(said.code, Some(64), "{said:#?}");
    assert!(
        said.stdout
            .contains("config.toml:3:9: there is no `argumets` (did you mean `arguments`?)"),
        "{said:#?}"
    );
    // A rule that cannot be read is no rule that is left out.
    for words in [&["gateway", "run"][..], &["tools", "ls"]] {
        let said = home.run(words).failed(64);
        assert!(said.contains("config.toml:3:9"), "{said}");
    }
    home.write("portolan/config.toml", "[[policy.rules]]\ndecision = \"deny\"\n[[policy.rules]]\ntool = \"x\"\ndecision = \"allow\"\n");
    let said = home.run(&["policy", "check"]).ok();
    assert!(said.contains("can never apply"), "{said}");
}

#[test]
fn it_is_explained_which_rule_decides() {
    let (home, config) = home();
    let explain = |words: &[&str]| {
        let all = [
            &["policy", "explain"],
            words,
            &["--config", &config, "--format", "json"],
        ]
        .concat();
        home.run(&all).json()
    };
    let denied = explain(&["demo", "echo", "--arguments", r#"{"message":"HELLO"}"#]);
    assert_eq!(
        (&denied["decision"], &denied["rule"]),
        (&json!("deny"), &json!("no shouting"))
    );
    let allowed = explain(&["demo", "echo", "--arguments", r#"{"message":"hello"}"#]);
    assert_eq!(
        (&allowed["decision"], &allowed["rule"]),
        (&json!("allow"), &json!(null))
    );
    assert_eq!(allowed["rules"][0]["verdict"], "does not apply: when");
    assert_eq!(explain(&["demo", "get-sum"])["decision"], "ask");
    assert_eq!(explain(&["demo"])["decision"], "allow");
    let failed = explain(&["demo", "echo"]);
    assert!(
        failed["failed"].as_str().unwrap().contains("\"message\""),
        "{failed}"
    );
    let human = home
        .run(&["policy", "explain", "demo", "get-sum", "--config", &config])
        .ok();
    assert!(human.ends_with("ask by \"careful\"\n"), "{human}");
    home.run(&["policy", "explain", "demo", "x", "--arguments", "7"])
        .failed(2);
}

#[test]
fn cases_are_tried() {
    let (home, config) = home();
    let cases = home.write(
        "cases.toml",
        r#"
        [[cases]]
        name = "shouting"
        server = "demo"
        tool = "echo"
        arguments = { message = "HELLO" }
        expect = "deny"
        rule = "no shouting"
        [[cases]]
        server = "demo"
        tool = "get-sum"
        expect = "allow"
        "#,
    );
    let tested = home.run(&["policy", "test", &cases, "--config", &config]);
    assert_eq!(tested.code, Some(1), "{tested:#?}");
    assert!(
        tested
            .stdout
            .contains("ok      shouting: deny by \"no shouting\""),
        "{tested:#?}"
    );
    assert!(
        tested
            .stdout
            .contains("failed  case 2: ask by \"careful\", not allow"),
        "{tested:#?}"
    );
    let json = home.write(
        "cases.json",
        r#"{"cases":[{"server":"demo","tool":"get-sum","expect":"ask"}]}"#,
    );
    let tested = home
        .run(&[
            "policy", "test", &json, "--config", &config, "--format", "json",
        ])
        .json();
    assert_eq!(
        (&tested["passed"], &tested["failed"]),
        (&json!(1), &json!(0))
    );
    for broken in [
        r#"{"cases":[]}"#,
        r#"{"cases":[{"server":"x"}]}"#,
        r#"{"cases":[{"server":"x","expect":"no"}]}"#,
        r#"{"cases":[{"server":"x","expect":"ask","tol":"y"}]}"#,
    ] {
        let file = home.write("broken.json", broken);
        home.run(&["policy", "test", &file]).failed(64);
    }
    home.run(&["policy", "test", "/nowhere"]).failed(3);
}

#[test]
fn a_call_is_denied_and_one_that_is_asked_about_can_be_allowed_beforehand() {
    let (home, config) = home();
    let call =
        |words: &[&str]| home.run(&[&["tools", "call"], words, &["--config", &config]].concat());
    let denied = call(&["echo", "message=HELLO"]).failed(5);
    assert!(
        denied.contains("denied: the neighbours sleep (rule \"no shouting\")"),
        "{denied}"
    );
    let _ = call(&["echo", "message=hello"]).ok();
    let asked = call(&["get-sum", "a=2", "b=40"]).failed(5);
    let command = "portolan policy allow demo get-sum --caller cli";
    assert!(asked.contains(command), "{asked}");
    let allow = |more: &[&str]| {
        let words = [
            "policy", "allow", "demo", "get-sum", "--caller", "cli", "--config", &config,
        ];
        home.run(&[&words[..], more].concat())
    };
    let _ = allow(&[]).ok();
    assert!(call(&["get-sum", "a=2", "b=40"]).ok().contains("42"));
    let _ = allow(&["--forget"]).ok();
    call(&["get-sum", "a=2", "b=40"]).failed(5);
    let nothing = home.run(&["policy", "allow", "demo", "echo", "--config", &config]);
    assert!(nothing.failed(3).contains("no rule asks"));
}

#[test]
fn dockers_rules_are_taken_as_they_are() {
    let home = Home::new();
    let config = home.servers(&["demo"]);
    let policy = home.write(
        "policy.json",
        r#"{"version":1,"default":"allow","rules":[{"action":"invoke","server":"demo","tools":["echo"],"allow":false,"reason":"no echoes"}]}"#,
    );
    let words = [
        "tools", "ls", "--config", &config, "--config", &policy, "--format", "json",
    ];
    let listed = home.run(&words).ok();
    assert!(
        listed.contains("get-sum") && !listed.contains("echo"),
        "{listed}"
    );
}

#[test]
fn the_last_words_of_a_server_hide_what_it_was_given() {
    let home = Home::new();
    let config = home.write(
        "mcp.json",
        r#"{"mcpServers":{"a":{"command":"/bin/sh","args":["-c","echo \"bad token $API_TOKEN\" >&2; exit 3"],"env":{"API_TOKEN":"hunter2-hunter2"}}}}"#,
    );
    let said = home.run(&["tools", "ls", "--config", &config]);
    assert!(said.stderr.contains("bad token ***"), "{said:#?}");
    assert!(!said.stderr.contains("hunter2"), "{said:#?}");
}
