//! Reads the configuration for a command, tells what is wrong with it, and keeps the servers that are meant.
//! Owns which problems stop a command: a file or a setting that counts for nothing does, a single server
//! that is described wrongly does not.

use catalog::{Entry, Layer, Problem};
use config::{Loaded, Sources};

use crate::choice::Choice;
use crate::error::{Failure, Kind};
use crate::surroundings::Surroundings;
use crate::tool::did_you_mean;
use crate::ui::Ui;

/// Everything that is configured, less the servers that are not meant. `flags`: settings given as flags.
pub(crate) fn load(
    ui: &Ui,
    here: &Surroundings,
    choice: &Choice,
    flags: Vec<(String, String)>,
) -> Result<Loaded, Failure> {
    let sources = Sources {
        config_files: choice.config.clone(),
        settings: flags,
        cwd: here.cwd.clone(),
    };
    let mut loaded = config::load(&here.dirs, &here.env, &sources);
    let mut fatal = None;
    for problem in std::mem::take(&mut loaded.problems) {
        if !stops(&problem) {
            ui.warn(&place(&problem), problem.hint.as_slice());
        } else if let Some(former) = fatal.replace(problem) {
            ui.warn(&place(&former), former.hint.as_slice());
        }
    }
    if let Some(problem) = fatal {
        let kind = match problem.source.starts_with("--") {
            true => Kind::Usage,
            false => Kind::Config,
        };
        return Err(Failure::new(kind, place(&problem)).hints_from(problem.hint));
    }
    loaded.entries = match &choice.servers {
        Some(names) => named(std::mem::take(&mut loaded.entries), names)?,
        None => approved(ui, std::mem::take(&mut loaded.entries)),
    };
    Ok(loaded)
}

/// Whether it is about more than one server.
fn stops(problem: &Problem) -> bool {
    problem.is_error() && !problem.message.starts_with("server `")
}

/// `file:line:column: message`.
fn place(problem: &Problem) -> String {
    // Flags under the names they have on the command line.
    let source = match problem.source.as_str() {
        "--call-timeout-s" => "--call-timeout",
        "--allowed-hosts" => "--allow-host",
        "--allowed-origins" => "--allow-origin",
        other => other,
    };
    Problem {
        hint: None,
        source: source.to_owned(),
        ..problem.clone()
    }
    .to_string()
}

/// Refuses a choice of tools that names a server which is not there.
pub(crate) fn check_tools(entries: &[Entry], tools: &[String]) -> Result<(), Failure> {
    let known: Vec<&str> = entries.iter().map(|e| e.name.as_str()).collect();
    let servers = tools
        .iter()
        .filter_map(|tool| Some(tool.split_once(':')?.0));
    match servers
        .into_iter()
        .find(|name| !known.iter().any(|known| known.eq_ignore_ascii_case(name)))
    {
        Some(name) => Err(unknown(name, &known)),
        None => Ok(()),
    }
}

fn unknown(name: &str, known: &[&str]) -> Failure {
    Failure::new(Kind::NotFound, format!("there is no server `{name}`"))
        .hints_from(did_you_mean(name, known.iter().copied()))
        .hint(match known.is_empty() {
            true => "no server is configured: name a file with --config".to_owned(),
            false => format!("configured: {}", known.join(", ")),
        })
}

/// The named ones, in the order in which they are configured. Naming one enables it, unless somebody else's text
/// asks for it: a script that says `--servers build` must not run what an unpacked archive calls `build`.
fn named(entries: Vec<Entry>, names: &[String]) -> Result<Vec<Entry>, Failure> {
    let names: Vec<&str> = names
        .iter()
        .map(|n| n.trim())
        .filter(|n| !n.is_empty())
        .collect();
    for name in &names {
        if entries.iter().any(|e| e.name.as_str() == *name) {
            continue;
        }
        let known: Vec<&str> = entries.iter().map(|e| e.name.as_str()).collect();
        return Err(unknown(name, &known));
    }
    let mut kept: Vec<Entry> = entries
        .into_iter()
        .filter(|e| names.contains(&e.name.as_str()))
        .collect();
    if let Some(theirs) = kept
        .iter()
        .find(|e| e.disabled && e.layer == Layer::Project)
    {
        let message = format!(
            "server `{}` stands in a project's file and does not start by its name alone",
            theirs.name
        );
        let hint = format!("if you trust the file: --config {}", theirs.source);
        return Err(Failure::new(Kind::Denied, message).hint(hint));
    }
    for entry in &mut kept {
        entry.disabled = false;
    }
    Ok(kept)
}

/// All but those of a project's file: whoever unpacked an archive has not asked for what it would start.
fn approved(ui: &Ui, entries: Vec<Entry>) -> Vec<Entry> {
    let (theirs, ours): (Vec<Entry>, Vec<Entry>) =
        entries.into_iter().partition(|e| e.layer == Layer::Project);
    // Those that are off have been told already.
    let names: Vec<&str> = theirs
        .iter()
        .filter(|e| !e.disabled)
        .map(|e| e.name.as_str())
        .collect();
    if let (Some(first), false) = (theirs.first(), names.is_empty()) {
        let hint = format!(
            "to use them: --servers {}, or --config {}",
            names.join(","),
            first.source
        );
        ui.warn(
            &format!(
                "{}: servers of a project start only when named",
                first.source
            ),
            &[hint],
        );
    }
    ours
}

#[cfg(test)]
mod tests {
    use catalog::ServerName;

    use super::*;

    fn entries(names: &[&str]) -> Vec<Entry> {
        names
            .iter()
            .map(|n| Entry::command(ServerName::new(n).unwrap(), "x", [""; 0]))
            .collect()
    }

    #[test]
    fn named_servers_are_kept_and_enabled() {
        let mut all = entries(&["a", "b", "c"]);
        all[2].disabled = true;
        let kept = named(all, &["c".into(), " a ".into(), String::new()]).unwrap();
        let names: Vec<&str> = kept.iter().map(|e| e.name.as_str()).collect();
        assert_eq!(names, ["a", "c"]);
        assert!(!kept[1].disabled);
        assert!(named(entries(&["a"]), &[]).unwrap().is_empty());
    }

    #[test]
    fn a_project_starts_nothing_by_a_name_alone() {
        let mut all = entries(&["build", "docs"]);
        for entry in &mut all {
            entry.layer = Layer::Project;
            entry.source = "portolan.toml".into();
        }
        all[0].disabled = true;
        let failure = named(all.clone(), &["docs".into(), "build".into()]).unwrap_err();
        assert_eq!(failure.kind(), Kind::Denied);
        assert_eq!(
            failure.hints(),
            ["if you trust the file: --config portolan.toml"]
        );
        assert_eq!(named(all, &["docs".into()]).unwrap().len(), 1);
    }

    #[test]
    fn an_unknown_server_is_not_found() {
        let failure = named(entries(&["github", "time"]), &["gihtub".into()]).unwrap_err();
        assert_eq!(failure.kind(), Kind::NotFound);
        assert_eq!(
            failure.hints(),
            ["did you mean `github`?", "configured: github, time"]
        );
    }

    /// The catalog's words decide here; these are the ones that must stay.
    #[test]
    fn a_bad_server_stops_nothing_and_a_bad_file_does() {
        let read = |text: &str| match catalog::read_mcp_servers(text, "f.json") {
            Ok((_, problems)) => problems,
            Err(problem) => vec![problem],
        };
        for text in [
            r#"{"mcpServers":{"a":7}}"#,
            r#"{"mcpServers":{"a":{"command":{}}}}"#,
            r#"{"mcpServers":{"a":{"command":"x"},"a":{"command":"y"}}}"#,
            r#"{"mcpServers":{"":{"command":"x"}}}"#,
        ] {
            let problems = read(text);
            assert!(
                !problems.is_empty() && !problems.iter().any(stops),
                "{text}: {problems:?}"
            );
        }
        for text in ["{", "[]", r#"{"x":1}"#, r#"{"mcpServers":7}"#] {
            let problems = read(text);
            assert!(problems.iter().any(stops), "{text}: {problems:?}");
        }
        assert_eq!(place(&read("{\n x")[0]).find("f.json:2:"), Some(0));
    }
}
