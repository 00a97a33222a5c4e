//! Reads the configuration for a command, tells what is wrong with it, and keeps the servers that are meant.
//! Owns which problems stop a command, or keep a running gateway from taking up a change: a file or a setting
//! that counts for nothing does, a single server that is described wrongly does not.

use catalog::{Entry, Layer, Problem};
use config::{Loaded, Sources};
use secrets::EnvFile;

use crate::choice::{Choice, SecretPlace};
use crate::enabled;
use crate::error::{Failure, Kind};
use crate::images;
use crate::limits::IMAGE_LABEL_WAIT;
use crate::profiles;
use crate::surroundings::Surroundings;
use crate::tool::did_you_mean;
use crate::ui::Ui;

/// Everything that is configured, less the servers that are not meant. `flags`: settings given as flags.
pub(crate) fn load(
    ui: &Ui,
    here: &Surroundings,
    choice: &Choice,
    flags: &[(String, String)],
) -> Result<Loaded, Failure> {
    if let Some(profile) = &choice.profile {
        profiles::get(here, profile)?;
    }
    check_secrets(ui, here)?;
    let mut loaded = read(here, choice, flags);
    let mut fatal = None;
    for problem in &loaded.problems {
        let is_named = problem.source == enabled::NAMED && problem.is_error();
        if !stops(problem) && !is_named {
            let left_out = match leaves_out(problem, &loaded.entries) {
                true => "; the server is left out",
                false => "",
            };
            let message = format!("{}{left_out}", place(problem));
            ui.warn(&message, problem.hint.as_slice());
        } else if let Some(former) = fatal.replace(problem) {
            ui.warn(&place(former), former.hint.as_slice());
        }
    }
    if let Some(problem) = fatal {
        let is_usage = problem.source.starts_with("--") && server_of(problem).is_none();
        let kind = match is_usage {
            true => Kind::Usage,
            false => Kind::Config,
        };
        return Err(Failure::new(kind, place(problem)).hints_from(problem.hint.clone()));
    }
    match &choice.servers {
        Some(names) => check_names(&loaded.entries, names)?,
        None => tell_unnamed(ui, &loaded.entries),
    }
    loaded.entries = meant(loaded.entries, choice);
    Ok(loaded)
}

/// Files of secrets that cannot be read are not left out silently; of lines that are wrong only the number is told.
fn check_secrets(ui: &Ui, here: &Surroundings) -> Result<(), Failure> {
    for place in &here.secrets {
        let SecretPlace::File(file) = place else {
            continue;
        };
        let read = EnvFile::read(file)
            .map_err(|error| Failure::new(Kind::Config, "--secrets").because(&error))?;
        for problem in read.problems() {
            ui.warn(&self::place(problem), problem.hint.as_slice());
        }
    }
    Ok(())
}

/// What to do about having no servers.
pub(crate) fn how_to_name_some(here: &Surroundings) -> String {
    let own = here.dirs.config_file();
    format!(
        "name a file with --config, or write [servers.NAME] into {}",
        own.display()
    )
}

/// Whether a server is missing because of this.
fn leaves_out(problem: &Problem, entries: &[Entry]) -> bool {
    let is_missing = |name| entries.iter().all(|e| e.name.as_str() != name);
    problem.is_error() && server_of(problem).is_some_and(is_missing)
}

/// Reads everything; nothing is told yet, and every server is there.
pub(crate) fn read(here: &Surroundings, choice: &Choice, flags: &[(String, String)]) -> Loaded {
    let sources = Sources {
        config_files: choice.config.clone(),
        settings: flags
            .iter()
            .cloned()
            .chain(choice.boxing.settings())
            .collect(),
        cwd: here.cwd.clone(),
    };
    let mut loaded = config::load(&here.dirs, &here.env, &sources);
    for name in choice.servers.iter().flatten() {
        if let Some(entry) = images::entry(name, Some((here, IMAGE_LABEL_WAIT))) {
            let entry = Entry {
                source: "--servers".to_owned(),
                layer: Layer::Flag,
                ..entry
            };
            // Whoever names an image means it, whatever else has its name.
            loaded.entries.retain(|other| other.name != entry.name);
            loaded.entries.push(entry);
        }
    }
    loaded.policy = loaded.policy.of_profile(choice.profile.as_deref());
    if let Some(profile) = &choice.profile {
        profiles::use_in(here, &mut loaded, profile);
    }
    enabled::use_in(here, &mut loaded, choice);
    loaded
}

/// Whether it is about more than one server.
pub(crate) fn stops(problem: &Problem) -> bool {
    problem.is_error() && server_of(problem).is_none()
}

/// The one server that it is about.
pub(crate) fn server_of(problem: &Problem) -> Option<&str> {
    let (name, _) = problem.message.strip_prefix("server `")?.split_once('`')?;
    Some(name)
}

/// `file:line:column: message`.
pub(crate) fn place(problem: &Problem) -> String {
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

/// The servers that are meant, in the order in which they are configured: the named ones, or all but those of
/// a project's file. Naming one enables it, unless somebody else's text asks for it: a script that says
/// `--servers build` must not run what an unpacked archive calls `build`.
pub(crate) fn meant(mut entries: Vec<Entry>, choice: &Choice) -> Vec<Entry> {
    let Some(names) = &choice.servers else {
        // Whoever unpacked an archive has not asked for what it would start.
        entries.retain(|e| e.layer != Layer::Project);
        return entries;
    };
    entries.retain(|e| {
        names
            .iter()
            .any(|name| images::called(name) == e.name.as_str())
    });
    for entry in entries.iter_mut().filter(|e| !waits_for_its_file(e)) {
        entry.disabled = false;
    }
    entries
}

/// Refuses names that nobody has, and those whose servers do not start by a name alone.
fn check_names(entries: &[Entry], names: &[String]) -> Result<(), Failure> {
    let names = names.iter().map(|name| images::called(name));
    for name in names.filter(|name| !name.is_empty()) {
        let name = &*name;
        let Some(entry) = entries.iter().find(|e| e.name.as_str() == name) else {
            let known: Vec<&str> = entries.iter().map(|e| e.name.as_str()).collect();
            return Err(unknown(name, &known));
        };
        if waits_for_its_file(entry) {
            let message = format!(
                "server `{name}` stands in a project's file and does not start by its name alone"
            );
            let hint = format!("if you trust the file: --config {}", entry.source);
            return Err(Failure::new(Kind::Denied, message).hint(hint));
        }
    }
    Ok(())
}

/// What a project's file would run, or send our variables to, is off until that file is named by a flag.
fn waits_for_its_file(entry: &Entry) -> bool {
    entry.disabled && entry.layer == Layer::Project
}

/// Tells of the servers in a project's file; those that are off have been told already.
fn tell_unnamed(ui: &Ui, entries: &[Entry]) {
    let theirs = entries
        .iter()
        .filter(|e| e.layer == Layer::Project && !e.disabled);
    let names: Vec<&str> = theirs.clone().map(|e| e.name.as_str()).collect();
    for first in theirs.take(1) {
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

    fn choice(names: &[&str]) -> Choice {
        Choice {
            servers: Some(names.iter().map(|n| (*n).to_owned()).collect()),
            ..Choice::default()
        }
    }

    fn named(entries: &[Entry], names: &[&str]) -> Result<Vec<Entry>, Failure> {
        let choice = choice(names);
        check_names(entries, choice.servers.as_deref().unwrap_or_default())?;
        Ok(meant(entries.to_vec(), &choice))
    }

    #[test]
    fn named_servers_are_kept_and_enabled() {
        let mut all = entries(&["a", "b", "c"]);
        all[2].disabled = true;
        let kept = named(&all, &["c", " a ", ""]).unwrap();
        let names: Vec<&str> = kept.iter().map(|e| e.name.as_str()).collect();
        assert_eq!(names, ["a", "c"]);
        assert!(!kept[1].disabled);
        assert!(named(&all, &[]).unwrap().is_empty());
    }

    #[test]
    fn a_project_starts_nothing_by_a_name_alone() {
        let mut all = entries(&["build", "docs"]);
        for entry in &mut all {
            entry.layer = Layer::Project;
            entry.source = "portolan.toml".into();
        }
        all[0].disabled = true;
        let failure = named(&all, &["docs", "build"]).unwrap_err();
        assert_eq!(failure.kind(), Kind::Denied);
        assert_eq!(
            failure.hints(),
            ["if you trust the file: --config portolan.toml"]
        );
        assert_eq!(named(&all, &["docs"]).unwrap().len(), 1);
        // Nor by one that was fine when the gateway started.
        assert!(meant(all.clone(), &choice(&["build"]))[0].disabled);
        assert!(meant(all, &Choice::default()).is_empty());
    }

    #[test]
    fn an_unknown_server_is_not_found() {
        let failure = named(&entries(&["github", "time"]), &["gihtub"]).unwrap_err();
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
