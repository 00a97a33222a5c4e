//! `docs/guide/interceptors.md`: its lines, and what an interceptor is told and says.

use serde_json::{Value, json};

use super::super::catalog_url::Site;
use super::super::home::{Done, Home};
use super::blocks;
use super::play::{Guide, answers};
use super::stand_ins;

const LINE: &str = r#"portolan gateway run --interceptor 'before:exec:echo Query=$(jq -r ".params.arguments.query") >&2' --interceptor 'after:http:http://127.0.0.1:9000/after' --interceptor "before:docker:alpine sh -c 'echo BEFORE >&2'""#;

#[test]
fn interceptors() {
    let mut guide = Guide::open("docs/guide/interceptors.md");
    guide.configured(&["demo"]);
    let result = r#"{"content":[{"type":"text","text":"said after it"}]}"#;
    let site = Site::new(&[("/after", result)]);
    guide.stands_for("http://127.0.0.1:9000", site.url(""));
    let message = json!({"message": "x"});
    guide.on(LINE, answers("echo", message, "said after it"));
    guide.play();
}

/// A home with a server `mail`, one of whose calls is seen by an interceptor: a line of a shell.
fn mail(when: &str, interceptor: &str) -> (Home, Done) {
    let home = Home::unboxed();
    stand_ins::put(&home);
    let config = json!({"when": when, "exec": ["sh", "-c", interceptor]});
    let exec = &config["exec"];
    let text = format!(
        "[servers.mail]\ncommand = \"any-server\"\nargs = [\"send\"]\n[[interceptors]]\nwhen = {when:?}\nexec = {exec}\n"
    );
    home.write("portolan/config.toml", &text);
    let line = "portolan tools call send to=a@example.com";
    let done = Done::of(&stand_ins::shell(&home, line).output().unwrap());
    (home, done)
}

fn documents(nth: usize) -> Vec<Value> {
    let text = &blocks::of("docs/guide/interceptors.md", "json")[nth];
    let documents = serde_json::Deserializer::from_str(text).into_iter();
    documents.map(Result::unwrap).collect()
}

#[test]
fn it_is_told_what_the_page_shows() {
    let (home, done) = mail("after", "cat > told.json");
    done.ok();
    let told = std::fs::read_to_string(home.path("told.json")).unwrap();
    let told: Value = serde_json::from_str(&told).unwrap();
    let [shown] = &documents(0)[..] else { panic!() };
    has_members(&told, shown);
    assert_eq!(told["request"], shown["request"]);
}

/// Everything that is shown is there, with a value of its kind.
fn has_members(told: &Value, shown: &Value) {
    match shown {
        Value::Object(members) => {
            for (name, shown) in members {
                assert!(told.get(name).is_some(), "{name}: {told:#}");
                has_members(&told[name], shown);
            }
        }
        Value::Array(items) => has_members(&told[0], &items[0]),
        Value::String(_) => assert!(told.is_string(), "{told}"),
        shown => assert_eq!(told, shown),
    }
}

#[test]
fn what_the_page_says_that_it_may_say_is_followed() {
    let mut follows = vec![
        ("allow", 0, "a@example.com"),
        ("refuse", 5, "this address is not ours"),
        ("rewrite", 0, "b@example.com"),
        ("answer", 0, "it is noon"),
    ];
    for said in documents(1) {
        let (decision, code, words) = follows.remove(0);
        assert_eq!(said["decision"], decision);
        let (_home, done) = mail("before", &format!("cat > told.json; echo '{said}'"));
        let is_told = done.stdout.contains(words) || done.stderr.contains(words);
        assert!(done.code == Some(code) && is_told, "{said}: {done:#?}");
    }
    assert!(follows.is_empty(), "{follows:?}");
}
