//! AI applications: which are connected, and whether what they were told to start or to reach is there.

use std::path::Path;

use catalog::ServerName;
use serde_json::Value;

use super::finding::Finding;
use super::scene::{Scene, on_path};
use crate::applications::{self, Application};
use crate::error::Kind;

const CHECK: &str = "clients";

pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    let mut found = Vec::new();
    for one in &scene.applications {
        let shown = |what: &str| format!("{} ({}): {what}", one.client, one.scope);
        match one.state {
            "connected" => found.push(match wrong(scene, one) {
                None => Finding::good(CHECK, shown("connected")),
                Some(wrong) => Finding {
                    what: shown(&wrong.what),
                    ..wrong
                },
            }),
            "broken" if one.installed || one.scope == "project" => {
                let file = one
                    .file
                    .as_deref()
                    .unwrap_or(Path::new("its file"))
                    .display();
                let what = shown(&format!(
                    "its file cannot be read: {}",
                    one.why.as_deref().unwrap_or_default()
                ));
                found.push(Finding::warning(CHECK, what).mend(format!(
                    "mend {file}, then portolan client connect {}",
                    one.client
                )));
            }
            _ => {}
        }
    }
    if let (true, Some(next)) = (working(scene).is_empty(), next(scene)) {
        found.push(next);
    }
    let waiting: Vec<&str> = scene
        .applications
        .iter()
        .filter(|one| one.installed && one.scope == "global" && one.state == "not connected")
        .map(|one| one.client)
        .collect();
    if !waiting.is_empty() {
        found.push(Finding::note(
            CHECK,
            format!("installed, not connected: {}", waiting.join(", ")),
        ));
    }
    found
}

/// Those from which a call would reach us; also whoever has us running just now, however that is written down.
pub(super) fn working(scene: &Scene) -> Vec<&'static str> {
    let connected = scene.applications.iter().filter(|one| one.is_connected());
    let mut working: Vec<&str> = connected
        .filter(|one| wrong(scene, one).is_none())
        .map(|one| one.client)
        .collect();
    if working.is_empty()
        && applications::unconnected(&scene.here).is_none()
        && !scene.applications.iter().any(Application::is_connected)
    {
        working.push("an application that is connected under another name");
    }
    working.dedup();
    working
}

/// Nobody is connected, or nobody in a way that works.
fn next(scene: &Scene) -> Option<Finding> {
    match applications::unconnected(&scene.here) {
        Some(sentence) => {
            let command = sentence
                .split('`')
                .nth(1)
                .unwrap_or("portolan client connect CLIENT")
                .to_owned();
            Some(Finding::bad(CHECK, Kind::NotRunning, "no client is connected").mend(command))
        }
        None => {
            let first = scene
                .applications
                .iter()
                .filter(|one| one.is_connected())
                .find_map(|one| wrong(scene, one))?;
            Some(
                Finding::bad(
                    CHECK,
                    Kind::NotRunning,
                    "no client that is connected would reach a gateway",
                )
                .mends_from(first.mend),
            )
        }
    }
}

/// What is wrong with what an application was told.
fn wrong(scene: &Scene, one: &Application) -> Option<Finding> {
    let entry = one.entry.as_ref()?;
    let again = format!(
        "portolan client connect {}{}",
        one.client,
        if one.scope == "global" {
            " --global"
        } else {
            ""
        }
    );
    if let Some(url) = url(entry) {
        let runs = scene
            .running()
            .any(|gateway| gateway.url.as_deref() == Some(url));
        return (!runs).then(|| {
            Finding::warning(CHECK, format!("no gateway runs at {url}")).mend("portolan up")
        });
    }
    let words = words(entry);
    let Some((command, args)) = words.split_first() else {
        return Some(Finding::warning(CHECK, "its entry names no program").mend(again));
    };
    if on_path(&scene.here.env, command).is_none() {
        return Some(
            Finding::warning(
                CHECK,
                format!("the program that it starts is gone: {command}"),
            )
            .mend(again),
        );
    }
    let profile = args
        .iter()
        .position(|word| *word == "--profile")
        .and_then(|at| args.get(at + 1))?;
    let is_there = ServerName::new(profile)
        .is_ok_and(|name| config::profile_names(&scene.here.dirs).contains(&name));
    (!is_there).then(|| {
        Finding::warning(
            CHECK,
            format!("it uses the profile `{profile}`, which is gone"),
        )
        .mend(format!("portolan profile create --name {profile}"))
    })
}

fn url(entry: &Value) -> Option<&str> {
    let values = entry.as_object()?.values().filter_map(Value::as_str);
    values
        .into_iter()
        .find(|value| value.starts_with("http://") || value.starts_with("https://"))
}

/// The program and its arguments, whatever the file calls them.
fn words(entry: &Value) -> Vec<&str> {
    let program = ["command", "cmd"].iter().find_map(|key| entry.get(key));
    match program {
        Some(Value::String(program)) => std::iter::once(program.as_str())
            .chain(texts(entry.get("args")))
            .collect(),
        other => texts(other).collect(),
    }
}

fn texts(list: Option<&Value>) -> impl Iterator<Item = &str> {
    let all = list.and_then(Value::as_array);
    all.into_iter().flatten().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn entries_of_any_application_are_understood() {
        assert_eq!(
            words(&json!({"command": "/p", "args": ["gateway", "run"]})),
            ["/p", "gateway", "run"]
        );
        assert_eq!(
            words(&json!({"command": ["/p", "gateway"]})),
            ["/p", "gateway"]
        );
        assert_eq!(words(&json!({"cmd": "/p", "args": []})), ["/p"]);
        assert!(words(&json!({"url": "http://h"})).is_empty());
        assert_eq!(
            url(&json!({"type": "http", "serverUrl": "http://h/mcp"})),
            Some("http://h/mcp")
        );
        assert_eq!(url(&json!({"command": "/p"})), None);
    }
}
