//! Whole configurations on a real disk.

use std::fs;

use catalog::{Launch, Level};
use tempfile::TempDir;

use super::*;
use crate::Transport;

/// A home and a project of their own.
struct Place {
    temp: TempDir,
    dirs: Dirs,
    env: Vec<(String, String)>,
    sources: Sources,
}

impl Place {
    fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let mut dirs = Dirs::under(&temp.path().join("home"));
        dirs.system_file = Some(temp.path().join("etc/config.toml"));
        let sources = Sources {
            cwd: Some(temp.path().join("project/deep")),
            ..Sources::default()
        };
        let place = Self {
            temp,
            dirs,
            env: Vec::new(),
            sources,
        };
        for folder in ["home", "etc", "project/deep"] {
            fs::create_dir_all(place.path(folder)).unwrap();
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    fn file(self, name: &str, text: &str) -> Self {
        fs::write(self.path(name), text).unwrap();
        self
    }

    fn user(self, text: &str) -> Self {
        self.file("home/config.toml", text)
    }

    fn named(mut self, name: &str, text: &str) -> Self {
        self.sources.config_files.push(self.path(name));
        self.file(name, text)
    }

    fn var(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    fn load(&self) -> Loaded {
        load(&self.dirs, &Env::of(self.env.clone()), &self.sources)
    }

    /// The problems, paths shortened.
    fn problems(&self) -> Vec<String> {
        let root = format!("{}/", self.temp.path().display());
        self.load()
            .problems
            .iter()
            .map(|problem| problem.to_string().replace(&root, ""))
            .collect()
    }
}

fn names(loaded: &Loaded) -> Vec<(&str, Layer)> {
    loaded
        .entries
        .iter()
        .map(|entry| (entry.name.as_str(), entry.layer))
        .collect()
}

#[test]
fn nothing_at_all_is_fine() {
    let place = Place::new();
    let loaded = place.load();
    assert_eq!(loaded.problems, []);
    assert_eq!(loaded.settings, Settings::default());
    assert_eq!(
        loaded.files.len(),
        2,
        "the machine's and the person's file are watched"
    );
}

#[test]
fn flag_beats_variable_beats_project_beats_person_beats_machine() {
    let all = |port: u16, upto: usize| {
        let keys = [
            "call_timeout_s = 1",
            "start_timeout_s = 1",
            "list_wait_s = 1",
            "idle_timeout_s = 1",
        ];
        format!("[gateway]\nport = {port}\n{}", keys[..upto].join("\n"))
    };
    let mut place = Place::new()
        .file("etc/config.toml", &all(1, 4).replace(" 1\n", " 11\n"))
        .user(&all(2, 3).replace("= 1", "= 12"))
        .file("project/portolan.toml", &all(3, 2).replace("= 1", "= 13"))
        .var("PORTOLAN_CALL_TIMEOUT_S", "14")
        .var("PORTOLAN_PORT", "4")
        .named("named.toml", "[gateway]\nport = 5");
    place.sources.settings.push(("port".into(), "6".into()));
    let loaded = place.load();
    assert_eq!(place.problems(), Vec::<String>::new());
    let settings = &loaded.settings;
    let seen = [
        ("port", u64::from(settings.port), 6, Layer::Flag),
        (
            "call_timeout_s",
            settings.call_timeout_s,
            14,
            Layer::Environment,
        ),
        (
            "start_timeout_s",
            settings.start_timeout_s,
            13,
            Layer::Project,
        ),
        ("list_wait_s", settings.list_wait_s, 12, Layer::User),
        ("idle_timeout_s", settings.idle_timeout_s, 1, Layer::System),
        (
            "sessions_max",
            settings.sessions_max as u64,
            10_000,
            Layer::Default,
        ),
    ];
    for (name, value, want, layer) in seen {
        assert_eq!(
            (value, settings.origin(name).layer),
            (want, layer),
            "{name}"
        );
    }
    assert_eq!(settings.origin("port").source, "--port");
    assert_eq!(
        settings.origin("call_timeout_s").source,
        "PORTOLAN_CALL_TIMEOUT_S"
    );
    assert!(
        settings
            .origin("list_wait_s")
            .source
            .ends_with("home/config.toml")
    );

    place.sources.settings.clear();
    let settings = place.load().settings;
    assert_eq!(
        (settings.port, settings.origin("port").layer),
        (5, Layer::Flag)
    );
}

#[test]
fn servers_of_every_file_in_their_order() {
    let place = Place::new()
        .user("[servers.b]\ncommand = 'x'\nargs = ['${WHO}', 1]\nenv = {A = 1.5}\n[servers.a]\nurl = 'https://h'\n")
        .named("mcp.json", r#"{"mcpServers": {"c": {"command": "${WHO}"}, "b": {"command": "z"}}}"#)
        .named("more.toml", "[servers.d]\ncommand = 'x'\ntools = ['t']\nshare = 'all'\nidle_timeout_s = 3\ncwd = '~/w'")
        .var("WHO", "me")
        .var("HOME", "/h");
    let loaded = place.load();
    assert_eq!(
        names(&loaded),
        [
            ("b", Layer::Flag),
            ("a", Layer::User),
            ("c", Layer::Flag),
            ("d", Layer::Flag)
        ]
    );
    let Launch::Command { command, .. } = &loaded.entries[2].launch else {
        panic!()
    };
    assert_eq!(command, "me");
    let Launch::Command { cwd, .. } = &loaded.entries[3].launch else {
        panic!()
    };
    assert_eq!(cwd.as_deref(), Some(Path::new("/h/w")));
    assert_eq!(
        place.problems(),
        [
            "mcp.json: server `b` replaces the one of home/config.toml (rename one of them to keep both)"
        ]
    );
    assert!(!loaded.has_errors());
    assert_eq!(loaded.files.len(), 4);
}

#[test]
fn a_project_is_somebody_elses_text() {
    let project = "[gateway]\nhost = '0.0.0.0'\nallow_unauthenticated = true\nport = 7\n\
        [servers.run]\ncommand = 'evil'\n[servers.mine]\nurl = 'https://evil'\n\
        [servers.leak]\nurl = 'https://evil'\nheaders = {X = '${TOKEN}'}\n[servers.docs]\nurl = 'https://docs'\n";
    let mut place = Place::new()
        .user("[servers.mine]\nurl = 'https://good'\n")
        .file("project/portolan.toml", project)
        .var("TOKEN", "secret");
    let loaded = place.load();
    let seen: Vec<_> = loaded
        .entries
        .iter()
        .map(|e| (e.name.as_str(), e.layer, e.disabled))
        .collect();
    let project = Layer::Project;
    assert_eq!(
        seen,
        [
            ("mine", Layer::User, false),
            ("run", project, true),
            ("leak", project, true),
            ("docs", project, false)
        ]
    );
    assert_eq!(
        (
            loaded.settings.host.as_str(),
            loaded.settings.allow_unauthenticated
        ),
        ("127.0.0.1", false)
    );
    assert_eq!(loaded.settings.port, 7);
    let Launch::Remote { headers, .. } = &loaded.entries[2].launch else {
        panic!()
    };
    assert_eq!(headers[0].1, "${TOKEN}");
    assert_eq!(loaded.problems.len(), 5, "{:?}", place.problems());
    assert!(
        loaded
            .problems
            .iter()
            .all(|problem| problem.level == Level::Warning && problem.hint.is_some())
    );

    // Named by the person it is the person's.
    place
        .sources
        .config_files
        .push(PathBuf::from("../portolan.toml"));
    let loaded = place.load();
    assert_eq!(loaded.settings.host, "0.0.0.0");
    assert!(
        loaded
            .entries
            .iter()
            .all(|entry| !entry.disabled && (entry.layer == Layer::Flag))
    );
    assert_eq!(loaded.problems.len(), 1, "{:?}", place.problems());
}

#[test]
fn mistakes_have_a_place_and_leave_the_rest() {
    let text = "\
[gateway]
port = 'x'
prot = 1
call_timeout_s = 90_000
log_calls = 1
list_wait_s = 0x3
[gatway]
[mcp_servers.a]
[servers.a]
comand = 'x'
[servers.b]
command = 'x'
calltimeout = 3
[servers.c]
command = 'x'
when = 2026-01-01
";
    let place = Place::new().user(text);
    let loaded = place.load();
    assert_eq!(
        (loaded.settings.port, loaded.settings.list_wait_s),
        (8811, 3)
    );
    assert_eq!(names(&loaded).len(), 2);
    let keys: Vec<_> = Settings::KEYS.iter().map(|key| key.name).collect();
    assert!(!keys.contains(&"prot"));
    assert_eq!(
        place.problems(),
        [
            "home/config.toml:2:8: `port` must be a whole number from 0 to 65535, found a text (The port to listen on; 0 takes any that is free.)",
            "home/config.toml:3:1: `prot` is no setting and is ignored (did you mean `port`?)",
            "home/config.toml:4:18: `call_timeout_s` must be a whole number from 1 to 86400, found 90000 (How many seconds a call may take.)",
            "home/config.toml:5:13: `log_calls` must be true or false, found a number (Whether each call is logged, with its time and result but not its content.)",
            "home/config.toml:7:2: `gatway` means nothing here and is ignored (did you mean [gateway]?)",
            "home/config.toml:8:2: `mcp_servers` means nothing here and is ignored (servers are called [servers.NAME] here)",
            "home/config.toml:10:1: server `a`: there is neither `command` nor `url` (did you mean `command` instead of `comand`?)",
            "home/config.toml:13:1: server `b`: `calltimeout` is no key of a server and is ignored (did you mean `call_timeout_s`?)",
            &format!(
                "home/config.toml:16:1: server `c`: `when` is no key of a server and is ignored (there are: {})",
                catalog::reader::KEYS.join(", ")
            ),
        ]
    );
}

#[test]
fn a_broken_file_does_not_count_and_the_others_do() {
    let place = Place::new()
        .user("[gateway]\nport = 9\n[servers\n")
        .named("a.json", "{\"mcpServers\": {\"a\" {}}}")
        .named("b.yaml", "registry:\n  x: {}\n")
        .named("c.json", "{\"mcpServers\": {\"c\": {\"command\": \"x\"}}}");
    let loaded = place.load();
    assert_eq!(names(&loaded), [("c", Layer::Flag)]);
    assert_eq!(loaded.settings.port, 8811);
    let problems = place.problems();
    assert!(
        problems[0].starts_with("home/config.toml:3:"),
        "{problems:?}"
    );
    assert!(
        problems[1].starts_with("a.json:1:21: not valid JSON: "),
        "{problems:?}"
    );
    assert!(
        problems[2].starts_with("b.yaml:1:1: this is a catalog, which --config does not read"),
        "{problems:?}"
    );
    assert!(loaded.has_errors());
}

#[test]
fn files_that_cannot_be_read() {
    let mut place = Place::new().named("latin1.json", "");
    fs::write(place.path("latin1.json"), b"{\n\"a\": \"\xe9\"}").unwrap();
    place.sources.config_files.push("missing.json".into());
    place.sources.config_files.push(place.path("home"));
    let problems = place.problems();
    assert_eq!(
        problems[0],
        "latin1.json:2:7: the file is not text in UTF-8 (save it as UTF-8)"
    );
    assert!(
        problems[1].starts_with("project/deep/missing.json: cannot read the file: "),
        "{problems:?}"
    );
    assert!(
        problems[2].starts_with("home: cannot read the file: "),
        "{problems:?}"
    );
}

#[test]
fn variables_and_flags_are_checked_as_files_are() {
    let mut place = Place::new()
        .var("PORTOLAN_PORT", "many")
        .var("PORTOLAN_LOG_FORMAT", "")
        .var("PORTOLAN_TRANSPORT", "http");
    place.sources.settings = vec![
        ("call_timeout_s".into(), "0".into()),
        ("no_such".into(), "1".into()),
    ];
    let loaded = place.load();
    assert_eq!(loaded.settings.transport, Transport::Streaming);
    let problems = place.problems();
    assert!(
        problems[0].starts_with("PORTOLAN_PORT: must be a whole number"),
        "{problems:?}"
    );
    assert!(
        problems[1].starts_with("--call-timeout-s: must be a whole number"),
        "{problems:?}"
    );
    assert!(
        problems[2].starts_with("--no-such: there is no such setting"),
        "{problems:?}"
    );
}

#[test]
fn nothing_secret_is_in_what_is_printed() {
    let place = Place::new()
        .user("[servers.a]\ncommand = 'x'\nenv = {T = '${TOKEN}', U = 'hunter2'}\n[servers.b]\nurl = 'https://h/?k=hunter2'\nheaders = {A = 'hunter2'}\n")
        .var("TOKEN", "hunter2");
    assert!(!format!("{:?}", place.load()).contains("hunter2"));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn any_file_is_read_or_refused(text in "(\\[gateway\\]|\\[servers.a\\]|[a-z_]{1,9} = [0-9'\\[]{1,3}|command = 'x'|[ -~]{0,9}|\n){0,12}") {
        let place = Place::new().user(&text).named("n", &text);
        for problem in place.load().problems {
            proptest::prop_assert!(problem.hint.is_some(), "{problem}");
        }
    }
}

#[test]
fn configuration_of_servers_in_yaml_is_taken_key_by_key() {
    let place = Place::new()
        .named(
            "config.yaml",
            "time:\n  zone: UTC\n  deep: {a: 1}\nempty:\n",
        )
        .named(
            "more.yaml",
            "# mine\ntime:\n  zone: CET\nfs: {paths: [/a]}\n",
        );
    let loaded = place.load();
    assert!(!loaded.has_errors(), "{:?}", place.problems());
    assert_eq!(
        serde_json::to_value(&loaded.server_config).unwrap(),
        serde_json::json!({
            "time": {"zone": "CET", "deep": {"a": 1}}, "empty": {}, "fs": {"paths": ["/a"]}
        })
    );
    for (text, told) in [
        (
            "time: UTC\n",
            "the configuration of `time` must be a table (YAML here",
        ),
        ("- time\n", "must be a table of servers (YAML here"),
        ("time:\n  - a\n b", "bad.yaml:"),
    ] {
        let place = Place::new().named("bad.yaml", text);
        assert!(place.load().server_config.is_empty());
        let problems = place.problems();
        assert!(problems[0].contains(told), "{text}: {problems:?}");
    }
}
