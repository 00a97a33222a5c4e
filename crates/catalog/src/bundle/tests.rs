use proptest::prelude::*;
use serde_json::json;

use super::*;

fn manifest(change: impl FnOnce(&mut Value)) -> Result<Manifest, String> {
    let mut value = json!({
        "manifest_version": "0.3",
        "name": "notes", "display_name": "Notes", "version": "1.2.0", "description": "Keeps notes",
        "author": {"name": "somebody"},
        "server": {
            "type": "node", "entry_point": "server/index.js",
            "mcp_config": {
                "command": "node",
                "args": ["${__dirname}/server/index.js", "--in", "${user_config.folders}", "--note=${user_config.note}"],
                "env": {"KEY": "${user_config.api_key}", "LEVEL": "${user_config.level}"},
                "platform_overrides": {"win32": {"command": "node.exe"}, "linux": {"env": {"ON": "linux"}}}
            }
        },
        "tools": [{"name": "add", "description": "Adds one"}],
        "user_config": {
            "api_key": {"type": "string", "title": "API key", "required": true, "sensitive": true},
            "folders": {"type": "directory", "title": "Folders", "multiple": true, "default": ["${HOME}/notes"]},
            "level": {"type": "number", "default": 3, "min": 1, "max": 9},
            "note": {"type": "string", "description": "Says something"}
        }
    });
    change(&mut value);
    Manifest::read(&value.to_string(), "linux")
}

fn pairs(given: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = given
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    owned.collect()
}

fn program(given: &[(&str, &str)]) -> Result<BundleProgram, String> {
    manifest(|_| ())?.program("/b", "/home/me", &pairs(given))
}

#[test]
fn templates_are_filled_in_and_what_is_not_set_is_left_out() {
    let started = program(&[("api_key", "k")]).unwrap();
    assert_eq!(started.command, "node");
    assert_eq!(
        started.args,
        ["/b/server/index.js", "--in", "/home/me/notes"]
    );
    assert_eq!(
        started.env,
        pairs(&[("KEY", "k"), ("LEVEL", "3"), ("ON", "linux")])
    );
    let more = [
        ("api_key", "k"),
        ("folders", "/a"),
        ("folders", "/b c"),
        ("note", "$x {{y}}"),
        ("level", "9"),
    ];
    let started = program(&more).unwrap();
    assert_eq!(
        started.args,
        [
            "/b/server/index.js",
            "--in",
            "/a",
            "/b c",
            "--note=$x {{y}}"
        ]
    );
}

#[test]
fn wrong_values_are_told_by_their_key() {
    let told = |given: &[(&str, &str)]| program(given).unwrap_err();
    assert!(told(&[]).contains("`user_config.api_key` (API key) is not set"));
    assert!(told(&[("api_key", "k"), ("level", "10")]).contains("at most 9"));
    assert!(told(&[("api_key", "k"), ("level", "x")]).contains("a number"));
    assert!(told(&[("api_key", "k"), ("level", "1"), ("level", "2")]).contains("one value only"));
    assert!(told(&[("key", "k")]).contains("there are: api_key, folders, level, note"));
}

#[test]
fn what_the_manifest_leaves_out_is_usual() {
    let mut plain =
        manifest(|m| m["server"] = json!({"type": "python", "entry_point": "server/main.py"}))
            .unwrap();
    plain.settings.clear();
    let started = plain.program("/b", "/h", &[]).unwrap();
    assert_eq!(
        (started.command.as_str(), &*started.args),
        ("python3", &["/b/server/main.py".to_owned()][..])
    );
    let mut binary = manifest(|m| {
        m["server"] = json!({"type": "binary", "entry_point": "bin/x", "mcp_config": {"command": "bin/x", "args": ["-v"]}});
    })
    .unwrap();
    binary.settings.clear();
    let started = binary.program("/b", "/h", &[]).unwrap();
    assert_eq!(
        (started.command.as_str(), &*started.args),
        ("/b/bin/x", &["-v".to_owned()][..])
    );
}

#[test]
fn a_bundle_of_uv_is_its_entry_point_and_what_stands_behind_it() {
    let started = |server: Value| {
        let mut of_uv = manifest(|m| m["server"] = server).unwrap();
        of_uv.settings.clear();
        let started = of_uv.program("/b", "/h", &[]).unwrap();
        [vec![started.command], started.args].concat().join(" ")
    };
    let bare = json!({"type": "uv", "entry_point": "src/server.py"});
    assert_eq!(started(bare), "python3 /b/src/server.py");
    let line = ["run", "--directory", "${__dirname}", "src/server.py", "-v"];
    let told = json!({"type": "uv", "entry_point": "./src/server.py", "mcp_config": {"command": "uv", "args": line}});
    assert_eq!(started(told), "python3 /b/src/server.py -v");
    let line = ["run", "${__dirname}/src/server.py"];
    let whole = json!({"type": "uv", "entry_point": "src/server.py", "mcp_config": {"command": "uv", "args": line}});
    assert_eq!(started(whole), "python3 /b/src/server.py");
}

#[test]
fn what_cannot_be_started_says_why() {
    let told = |change: fn(&mut Value)| {
        manifest(change)
            .and_then(|m| m.program("/b", "/h", &pairs(&[("api_key", "k")])))
            .unwrap_err()
    };
    assert!(told(|m| m["server"]["type"] = json!("uv")).contains("`server.type` is uv"));
    assert!(told(|m| m["server"]["type"] = json!("deno")).contains("node, python, uv and binary"));
    assert!(
        told(|m| m["compatibility"] = json!({"platforms": ["darwin"]}))
            .contains("it is for darwin")
    );
    assert!(
        told(|m| m["server"] = json!({"type": "node", "entry_point": "../x"}))
            .contains("entry_point")
    );
    assert!(
        told(|m| m["server"]["mcp_config"]["command"] = json!("a/../../x"))
            .contains("not in the bundle")
    );
    assert!(
        told(|m| m["server"]["mcp_config"]["args"] = json!(["${SECRET}"])).contains("${SECRET}")
    );
    assert!(
        told(|m| m["server"]["mcp_config"]["args"] = json!(["${user_config.other}"]))
            .contains("user_config.other")
    );
    assert!(
        told(|m| m["server"]["mcp_config"]["args"] = json!(["${open"])).contains("does not close")
    );
    assert!(told(|m| m["name"] = json!("")).contains("no name"));
    assert!(told(|m| m["user_config"]["a.b"] = json!({"type": "string"})).contains("a.b"));
    assert!(told(|m| m["tools"] = json!(vec![json!({"name": "x"}); 5000])).contains("more than"));
    assert!(Manifest::read("[]", "linux").is_err());
}

#[test]
fn an_entry_asks_for_what_its_person_sets() {
    let entry = manifest(|_| ())
        .unwrap()
        .entry("/x/notes.mcpb", "ab")
        .unwrap();
    assert_eq!(entry.name.as_str(), "notes");
    assert_eq!(entry.volumes, ["{{folders}}:{{folders}}"]);
    assert_eq!(entry.about.secrets[0].name, "notes.api_key");
    let config = entry.about.config.as_ref().unwrap();
    assert_eq!(
        config["properties"]["level"],
        json!({"type": "number", "description": "level", "default": 3, "minimum": 1.0, "maximum": 9.0})
    );
    assert!(config["properties"].get("api_key").is_none());
    let missing = entry.resolve(&Map::new(), &|_| None).unwrap_err();
    assert_eq!(
        missing[0].message(),
        "the secret `notes.api_key` is not set: API key"
    );
    let config = json!({"note": "n", "folders": "/data"});
    let secret = |_: &str| Some(crate::Secret::new("k"));
    let entry = entry.resolve(config.as_object().unwrap(), &secret).unwrap();
    assert_eq!(entry.volumes, ["/data:/data"]);
    let Launch::Package { env, .. } = &entry.launch else {
        panic!("a package")
    };
    let of = |key: &str| {
        env.iter()
            .find(|(name, _)| *name == format!("{USER_CONFIG}{key}"))
            .map(|(_, v)| v.as_str())
    };
    assert_eq!(
        (of("note"), of("api_key"), of("folders"), of("level")),
        (Some("n"), Some("k"), Some("/data"), Some("3"))
    );
}

#[test]
fn a_model_steers_nothing_of_its_command_line() {
    let entry = manifest(|_| ())
        .unwrap()
        .entry("/x/notes.mcpb", "ab")
        .unwrap();
    for key in ["note", "folders", "level"] {
        assert!(entry.is_privileged(key), "{key}");
    }
}

proptest! {
    #[test]
    fn no_manifest_brings_it_down(text in "\\PC{0,200}", arg in "[${}a-z_.]{0,24}") {
        let _ = Manifest::read(&text, "linux");
        if let Ok(manifest) = manifest(|m| m["server"]["mcp_config"]["args"] = json!([arg])) {
            let _ = manifest.program("/b", "/h", &pairs(&[("api_key", "k")]));
        }
    }
}
