//! `portolan demo` without a network: the built-in server stands in.

use super::home::{Home, names};

#[test]
fn it_calls_tools_and_leaves_nothing_behind() {
    let home = Home::new();
    let temporary = home.path("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let run = |words: &[&str]| {
        let output = home
            .command(words)
            .env("TMPDIR", &temporary)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:#?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let told = run(&["demo", "--offline"]);
    for step in [
        "start",
        "initialize",
        "tools/list",
        "The sum of 2 and 40 is 42.",
        "1/4 2/4 3/4 4/4",
        "isolation",
        "3 calls answered",
    ] {
        assert!(told.contains(step), "{step}: {told}");
    }
    let report: serde_json::Value =
        serde_json::from_str(&run(&["demo", "--offline", "--format", "json"])).unwrap();
    assert_eq!((&report["ok"], &report["calls"]), (&true.into(), &3.into()));
    assert_eq!(names(&temporary), [""; 0]);
}

#[test]
fn without_any_runtime_the_built_in_server_plays() {
    let home = Home::new();
    let empty = home.path("empty");
    std::fs::create_dir(&empty).unwrap();
    let output = home
        .command(&["demo"])
        .env("PATH", &empty)
        .output()
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && told.contains("needs Node.js"),
        "{told}"
    );
    assert!(
        told.contains("needs Python 3") && told.contains("3 calls answered"),
        "{told}"
    );
}
