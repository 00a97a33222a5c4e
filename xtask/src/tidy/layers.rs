//! Who may use whom: the one table of the crates, checked against `cargo metadata`.
//!
//! A crate uses rows above its own, and beside it only what `BESIDE` grants with a reason.
//! The same rows stand, for reading, in ARCHITECTURE.md.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::Report;

/// The rows, from the top. What a row may use lies in the rows before it.
const ROWS: &[(&str, &[&str])] = &[
    ("pure", &["wire", "catalog", "search", "policy"]),
    ("cross", &["config", "clients", "store", "secrets"]),
    ("i/o", &["transport", "egress", "fetch", "auth", "launch"]),
    ("heart", &["gateway"]),
    ("edges", &["codemode", "server"]),
    ("people", &["cli"]),
];

/// Crates that are never shipped: they may use any other, and only tests may use them.
const DEV: &[&str] = &["testkit", "benches", "fuzz", "xtask"];

/// Uses within one row: user, used, why.
const BESIDE: &[(&str, &str, &str)] = &[
    (
        "policy",
        "wire",
        "arguments are looked at as every message is",
    ),
    (
        "clients",
        "config",
        "files are written whole, and found by one environment",
    ),
    ("auth", "fetch", "tokens are fetched by the guarded client"),
    (
        "fetch",
        "egress",
        "which addresses are public is known in one place",
    ),
    (
        "fetch",
        "transport",
        "which certificates this machine trusts is read once",
    ),
    (
        "launch",
        "transport",
        "what is launched is handed over as a connection",
    ),
    ("launch", "egress", "the way out of a box ends with the box"),
    (
        "launch",
        "fetch",
        "images and packages are pulled by the guarded client",
    ),
];

/// Narrower than the rows: user, the only crates of ours it may use, why.
const NARROW: &[(&str, &[&str], &str)] = &[
    (
        "transport",
        &["wire"],
        "bytes and frames; it must not know settings, entries or state",
    ),
    (
        "egress",
        &[],
        "bytes and names of hosts; it must not know whose they are",
    ),
    (
        "launch",
        &["transport", "catalog", "secrets", "egress", "fetch"],
        "starting a server needs no message and no state",
    ),
    ("codemode", &["gateway"], "its only outside world is calls"),
];

/// Packages that only some crates may name: package, crates, why.
const ONLY: &[(&str, &[&str], &str)] = &[
    (
        "axum",
        &["server"],
        "the MCP path is hyper; everything else is `server`'s",
    ),
    (
        "clap",
        &["cli", "testkit", "benches"],
        "`cli` alone talks to people",
    ),
    (
        "bollard",
        &["launch"],
        "the gateway sees a Launcher, not an engine",
    ),
    (
        "rquickjs",
        &["codemode"],
        "the gateway sees calls, not scripts",
    ),
    ("rusqlite", &["store"], "one module for all state"),
    (
        "hyper",
        &["server", "fetch", "testkit", "benches"],
        "framing of messages is `transport`'s, the front door `server`'s, documents `fetch`'s",
    ),
    (
        "rmcp",
        &["testkit"],
        "it drops unknown fields of known types: for test peers only",
    ),
    (
        "anyhow",
        &["testkit", "benches", "xtask"],
        "errors have kinds, codes and hints",
    ),
    (
        "reqwest",
        &[],
        "not on the call path; `transport` has the client",
    ),
    (
        "async-trait",
        &[],
        "poll functions or boxed futures at dyn seams",
    ),
    ("once_cell", &[], "std::sync::OnceLock"),
    ("lazy_static", &[], "std::sync::LazyLock"),
];

/// Packages that the pure row never names, because they bring I/O or a clock.
const IMPURE: &[&str] = &[
    "tokio",
    "hyper",
    "rustix",
    "mio",
    "socket2",
    "notify",
    "jiff",
    "getrandom",
];

pub(super) fn check(root: &Path, report: &mut Report) {
    match metadata(root) {
        Ok(metadata) => check_metadata(&metadata, report),
        Err(message) => report.fail("Cargo.toml", message),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a chore asks cargo about the workspace"
)]
fn metadata(root: &Path) -> Result<Value, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(root)
        .output()
        .map_err(|error| format!("cargo metadata does not start: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "cargo metadata fails: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        ));
    }
    serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("cargo metadata is not JSON: {error}"))
}

pub(super) fn check_metadata(metadata: &Value, report: &mut Report) {
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let Some(user) = package["name"].as_str().map(noun) else {
            continue;
        };
        if row(user).is_none() && !DEV.contains(&user) {
            report.fail(
                user,
                "is in no row: place it in xtask/src/tidy/layers.rs and in ARCHITECTURE.md",
            );
            continue;
        }
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            check_use(user, dependency, report);
        }
    }
}

fn check_use(user: &str, dependency: &Value, report: &mut Report) {
    let name = dependency["name"].as_str().unwrap_or_default();
    let is_dev = DEV.contains(&user) || dependency["kind"] == "dev";
    if dependency["source"].is_null() {
        if !is_dev && let Err(why) = ours(user, noun(name)) {
            report.fail(user, format!("may not use `{}`: {why}", noun(name)));
        }
        return;
    }
    if let Some((_, crates, why)) = ONLY.iter().find(|(only, ..)| *only == name)
        && !crates.contains(&user)
        && !is_dev
    {
        report.fail(user, format!("may not depend on {name}: {why}"));
    }
    if is_dev {
        return;
    }
    if row(user) == Some(0) && IMPURE.contains(&name) {
        report.fail(
            user,
            format!("may not depend on {name}: the pure row has no I/O and no clock"),
        );
    }
    let features = dependency["features"].as_array().into_iter().flatten();
    for feature in features.filter_map(Value::as_str) {
        if name == "tokio" && matches!(feature, "rt-multi-thread" | "full") {
            report.fail(
                user,
                format!("may not ask tokio for {feature}: every runtime is current-thread"),
            );
        }
    }
}

/// Whether a shipped crate may use another crate of ours.
fn ours(user: &str, used: &str) -> Result<(), String> {
    if DEV.contains(&used) {
        return Err("it is never shipped; make it a dev-dependency".into());
    }
    if let Some((_, few, why)) = NARROW.iter().find(|(narrow, ..)| *narrow == user)
        && !few.contains(&used)
    {
        return Err((*why).into());
    }
    let (Some(from), Some(to)) = (row(user), row(used)) else {
        return Err("it is in no row".into());
    };
    if to < from || BESIDE.iter().any(|(a, b, _)| (*a, *b) == (user, used)) {
        return Ok(());
    }
    Err(format!(
        "`{}` is not above `{}`, and nothing grants it in BESIDE",
        ROWS[to].0, ROWS[from].0
    ))
}

fn row(noun: &str) -> Option<usize> {
    ROWS.iter().position(|(_, crates)| crates.contains(&noun))
}

/// `portolan-wire` is `wire`; the binary's package, `portolan`, is `cli`.
fn noun(package: &str) -> &str {
    match package.strip_prefix("portolan") {
        Some("") => "cli",
        Some(rest) => rest.trim_start_matches('-'),
        None => package,
    }
}
