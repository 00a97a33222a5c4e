//! Each rule is shown catching what it is for, and letting pass what it must.

use serde_json::{Value, json};

use super::{Report, files, layers};

fn uses(user: &str, dependency: Value) -> Vec<String> {
    let mut report = Report::default();
    layers::check_metadata(
        &json!({"packages": [{"name": user, "dependencies": [dependency]}]}),
        &mut report,
    );
    messages(report)
}

fn ours(name: &str) -> Value {
    json!({"name": name, "source": null, "kind": null, "features": []})
}

fn theirs(name: &str) -> Value {
    json!({"name": name, "source": "registry", "kind": null, "features": []})
}

fn rust(name: &str, text: &str) -> Vec<String> {
    let mut report = Report::default();
    files::check_rust(name, text, &mut report);
    messages(report)
}

fn messages(report: Report) -> Vec<String> {
    report
        .findings
        .into_iter()
        .map(|finding| format!("{}: {}", finding.place, finding.message))
        .collect()
}

#[test]
fn a_crate_uses_the_rows_above_it() {
    assert!(uses("portolan-gateway", ours("portolan-wire")).is_empty());
    assert!(uses("portolan-config", ours("portolan-catalog")).is_empty());
    assert!(uses("portolan-launch", ours("portolan-transport")).is_empty());
    assert!(uses("portolan", ours("portolan-server")).is_empty());
}

#[test]
fn beside_and_below_are_refused() {
    assert_eq!(uses("portolan-wire", ours("portolan-catalog")).len(), 1);
    assert_eq!(uses("portolan-gateway", ours("portolan-server")).len(), 1);
    assert_eq!(uses("portolan-transport", ours("portolan-config")).len(), 1);
    assert_eq!(uses("portolan-novelty", ours("portolan-wire")).len(), 1);
}

#[test]
fn testkit_is_for_tests() {
    let mut dependency = ours("portolan-testkit");
    assert_eq!(uses("portolan-gateway", dependency.clone()).len(), 1);
    dependency["kind"] = json!("dev");
    assert!(uses("portolan-gateway", dependency).is_empty());
}

#[test]
fn packages_stay_where_they_belong() {
    assert_eq!(uses("portolan-gateway", theirs("axum")).len(), 1);
    assert!(uses("portolan-server", theirs("axum")).is_empty());
    assert_eq!(uses("portolan-wire", theirs("tokio")).len(), 1);
    let tokio = json!({"name": "tokio", "source": "registry", "kind": null, "features": ["rt-multi-thread"]});
    assert_eq!(uses("portolan-gateway", tokio).len(), 1);
}

#[test]
fn a_file_has_a_doc_and_a_size() {
    assert!(rust("crates/wire/src/lib.rs", "//! Doc.\n").is_empty());
    assert_eq!(rust("crates/wire/src/lib.rs", "use std;\n").len(), 1);
    assert_eq!(rust("crates/wire/src/frame/mod.rs", "//! Doc.\n").len(), 1);
    let long = format!("//! Doc.\n{}", "fn f() {}\n".repeat(600));
    assert_eq!(rust("crates/wire/src/lib.rs", &long).len(), 1);
    assert!(rust("crates/wire/src/frame/tests.rs", &long).is_empty());
    assert!(
        rust(
            "crates/wire/src/lib.rs",
            &format!("//! Doc.\n#[cfg(test)]\nmod tests {{\n{long}}}\n")
        )
        .is_empty()
    );
}

#[test]
fn only_the_tail_counts_as_tests() {
    assert_eq!(
        files::non_test_lines("a\n#[cfg(test)]\nmod tests;\nb\n#[cfg(test)]\nmod more {\nc\n}\n"),
        4
    );
}

#[test]
fn unsafe_is_lifted_in_one_file() {
    let text = concat!("//! Doc.\n#![expect(unsafe", "_code, reason = \"r\")]\n");
    assert!(rust("crates/launch/src/sandbox/syscalls.rs", text).is_empty());
    assert_eq!(rust("crates/launch/src/sandbox.rs", text).len(), 1);
}

#[test]
fn words_are_found_in_code_and_not_in_comments() {
    let word = concat!("to", "do!()");
    assert_eq!(
        rust(
            "crates/wire/src/lib.rs",
            &format!("//! Doc.\nfn f() {{ {word} }}\n")
        )
        .len(),
        1
    );
    assert!(rust("crates/wire/src/lib.rs", &format!("//! Doc.\n// {word}\n")).is_empty());
    assert_eq!(
        rust(
            "crates/wire/src/lib.rs",
            "//! Doc.\nfn f() { println!(\"\") }\n"
        )
        .len(),
        1
    );
    assert!(
        rust(
            "crates/cli/src/lib.rs",
            "//! Doc.\nfn f() { println!(\"\") }\n"
        )
        .is_empty()
    );
}

#[test]
fn text_is_clean_and_portable() {
    let check = |text: &str| {
        let mut report = Report::default();
        files::check_text("a.md", text, &["/my/machine/".into()], &mut report);
        report.findings.len()
    };
    assert_eq!(check("a \n"), 1);
    assert_eq!(check("a"), 1);
    assert_eq!(check("see /my/machine/x\n"), 1);
    assert_eq!(check("see /not/my/machine/x\n"), 0);
}
