//! Any text as a file that `--config` names: JSON in the form of the applications, TOML of ours, or neither.
#![no_main]

use std::collections::HashSet;

use catalog::{Entry, Launch, Layer, Problem, ServerName, read_mcp_servers};
use config::{Env, Format, Loaded, Settings, load_text, recognise};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let env = Env::of([("HOME", "/home/me"), ("TOKEN", "xyzzy-plugh-42")]);
    let loaded = load_text(text, "f", &env);
    check(text, &loaded);
    assert_eq!(loaded.problems, load_text(text, "f", &env).problems);
    // A variable that the text names is filled in, and not shown.
    assert!(
        !format!("{:?}", loaded.entries).contains("xyzzy-plugh-42") || holds_it_openly(&loaded)
    );

    // The readers themselves, whatever the text looks like.
    match read_mcp_servers(text, "f") {
        Ok((entries, problems)) => {
            problems.iter().for_each(|problem| placed(text, problem));
            same_as_strict(text, &entries);
        }
        Err(problem) => placed(text, &problem),
    }
});

fn check(text: &str, loaded: &Loaded) {
    let format = recognise(text);
    match format {
        Format::Catalog => assert!(loaded.entries.is_empty() && loaded.has_errors()),
        Format::ServerConfig | Format::DockerPolicy => assert!(loaded.entries.is_empty()),
        Format::McpServers | Format::Toml => {}
    }
    loaded
        .problems
        .iter()
        .for_each(|problem| placed(text, problem));
    let mut names = HashSet::new();
    for entry in &loaded.entries {
        assert!(ServerName::new(entry.name.as_str()).is_ok());
        assert!(names.insert(&entry.name), "two servers of one name");
        assert_eq!((entry.source.as_str(), entry.layer), ("f", Layer::Flag));
        assert_eq!(entry.fingerprint().len(), 64);
        if let Launch::Remote { url, .. } = &entry.launch
            && !entry.disabled
        {
            assert!(
                url.get(..4)
                    .is_some_and(|http| http.eq_ignore_ascii_case("http"))
            );
        }
    }
    for (key, shown, origin) in loaded.settings.shown() {
        let default = Settings::default();
        let default = default.shown().find(|(other, ..)| other.name == key.name);
        let is_default = default.is_some_and(|(_, default, _)| default == shown);
        assert!(is_default || origin.layer == Layer::Flag, "{}", key.name);
    }
}

/// The places of problems lie in the text, and all but notes say what to do.
fn placed(text: &str, problem: &Problem) {
    assert_eq!(problem.source, "f");
    if problem.line == 0 {
        assert!(problem.column == 0);
        return;
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let line = text.split('\n').nth(problem.line - 1);
    let line = line.unwrap_or_else(|| panic!("{problem} is beyond the end"));
    assert!(
        problem.column >= 1 && problem.column <= line.chars().count() + 1,
        "{problem}"
    );
    assert!(problem.hint.is_some(), "{problem}");
}

/// Where the text is JSON without our liberties, the program or address is the one that stands there.
fn same_as_strict(text: &str, entries: &[Entry]) {
    let Ok(strict) = serde_json::from_str::<Value>(text) else {
        return;
    };
    for entry in entries {
        let stated = |place: &str, key: &str| {
            strict[place][entry.name.as_str()][key]
                .as_str()
                .map(str::to_owned)
        };
        let Some(command) = stated("mcpServers", "command") else {
            continue;
        };
        if let Launch::Command { command: read, .. } = &entry.launch
            && strict.as_object().is_some_and(|places| places.len() == 1)
        {
            assert_eq!(*read, command);
        }
    }
}

/// Programs and paths are shown: a person who puts a variable there wants it there.
fn holds_it_openly(loaded: &Loaded) -> bool {
    loaded.entries.iter().any(|entry| match &entry.launch {
        Launch::Command { command, cwd, .. } => {
            let cwd = cwd.as_ref().map(|cwd| cwd.to_string_lossy().into_owned());
            [command]
                .into_iter()
                .chain(&cwd)
                .any(|part| part.contains("xyzzy"))
        }
        Launch::Remote { url, .. } => url.contains("xyzzy"),
        _ => false,
    })
}
