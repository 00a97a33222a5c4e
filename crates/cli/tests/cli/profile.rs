//! `portolan profile …`, `gateway run --profile`, and what an agent does with profiles.

use serde_json::{Value, json};

use super::home::{BINARY, Home, MENU, Piped, initialize, is_alive, tool_names, wait_until};

/// A catalog of one's own with small servers that need nothing, something, and a secret.
fn home() -> Home {
    let home = Home::unboxed();
    let text = format!(
        "catalog: ours
servers:
  sums: {{command: {BINARY}, args: [__demo-server], description: Adds numbers., tools: [get-sum, echo, count-up]}}
  more: {{command: {BINARY}, args: [__demo-server], description: Adds more.}}
  keyed:
    command: {BINARY}
    args: [__demo-server]
    env: {{LEVEL: '{{{{level}}}}'}}
    config: {{level: {{type: integer}}, folder: {{type: string}}}}
    secrets: [{{env: KEY, name: keyed.key}}]
"
    );
    home.write("portolan/catalogs/ours.yaml", &text);
    home
}

fn create(home: &Home, servers: &[&str]) {
    let mut words = vec!["profile", "create", "--name", "Work", "--id", "work"];
    for server in servers {
        words.extend(["--server", server]);
    }
    home.run(&words).ok();
}

/// An application that started `gateway run` with these words.
struct Client<'a> {
    home: &'a Home,
    piped: Piped,
    id: u64,
}

impl<'a> Client<'a> {
    fn of(home: &'a Home, words: &[&str], dynamic: bool) -> Self {
        let mut command = home.command(&[&["gateway", "run"], words].concat());
        command.env("PORTOLAN_DYNAMIC_TOOLS", dynamic.to_string());
        let log = std::fs::File::create(home.path("log")).unwrap();
        let mut piped = Piped::with_stderr(command, log);
        piped.ask(&initialize());
        piped.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        Self { home, piped, id: 1 }
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.id += 1;
        let request = json!({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params});
        self.piped.ask(&request)
    }

    fn call(&mut self, name: &str, arguments: &Value) -> Value {
        let params = json!({"name": name, "arguments": arguments});
        self.ask("tools/call", &params)["result"].take()
    }

    fn listed(&mut self) -> Vec<String> {
        let list = self.ask("tools/list", &json!({}));
        tool_names(&list).into_iter().map(str::to_owned).collect()
    }

    fn hear_of(&mut self, is_it: impl Fn(&[String]) -> bool) {
        loop {
            self.piped
                .hear(|message| message["method"] == "notifications/tools/list_changed");
            if is_it(&self.listed()) {
                return;
            }
        }
    }

    fn told(&self, part: &str) {
        wait_until(|| {
            let log = std::fs::read_to_string(self.home.path("log")).unwrap();
            log.contains(part)
        });
    }
}

#[test]
fn profiles_are_made_shown_changed_and_removed() {
    let home = home();
    assert_eq!(home.run(&["profile", "ls"]).ok(), "");
    let made = home.run(&[
        "profile",
        "create",
        "--name",
        "My Work",
        "--server",
        "sums",
        "--server",
        "docker://acme/x:1",
    ]);
    assert!(
        made.stderr.contains("my-work is made with 2 servers"),
        "{made:#?}"
    );
    assert!(
        made.stderr
            .contains("portolan server enable sums --profile my-work"),
        "{made:#?}"
    );
    made.ok();
    let again = home
        .run(&["profile", "create", "--name", "my-work"])
        .failed(1);
    assert!(again.contains("already"), "{again}");
    let listed = home.run(&["profile", "ls", "--format", "json"]).json();
    assert_eq!(
        listed["profiles"][0],
        json!({"id": "my-work", "title": "My Work", "servers": ["sums", "x"], "problems": 0})
    );
    home.run(&[
        "profile",
        "server",
        "add",
        "my-work",
        "--server",
        "catalog://ours/more+keyed",
    ])
    .ok();
    home.run(&["profile", "server", "rm", "my-work", "--name", "x"])
        .ok();
    let servers = home
        .run(&[
            "profile", "server", "ls", "--filter", "name=O", "--format", "json",
        ])
        .json();
    assert_eq!(servers["servers"].as_array().unwrap().len(), 1);
    assert_eq!(servers["servers"][0]["from"], "catalog ours");
    home.run(&[
        "profile",
        "config",
        "my-work",
        "--set",
        "keyed.level=7",
        "--set",
        "keyed.folder=8",
    ])
    .ok();
    let values = home
        .run(&["profile", "config", "my-work", "--format", "json"])
        .json();
    assert_eq!(values, json!({"keyed.level": 7, "keyed.folder": "8"}));
    assert_eq!(
        home.run(&["profile", "config", "my-work", "--get", "keyed.level"])
            .ok(),
        "keyed.level = 7\n"
    );
    home.run(&["profile", "config", "my-work", "--del", "keyed.folder"])
        .ok();
    home.run(&[
        "profile",
        "tools",
        "my-work",
        "--disable",
        "sums.echo",
        "--disable-all",
        "more",
    ])
    .ok();
    let tools = home
        .run(&["profile", "tools", "my-work", "--format", "json"])
        .json();
    assert_eq!(
        tools["tools"][1],
        json!({"server": "sums", "tool": "echo", "enabled": false})
    );
    assert_eq!(tools["chosen"][1]["tools"], json!([]));
    let shown = home
        .run(&["profile", "show", "my-work", "--format", "json"])
        .json();
    let keyed = &shown["servers"]["keyed"];
    assert_eq!(keyed["config"], json!({"level": 7}));
    assert_eq!(keyed["origin"], json!({"kind": "catalog", "from": "ours"}));
    assert_eq!(keyed["entry"]["command"], BINARY);
    let human = home.run(&["profile", "show", "my-work"]).ok();
    assert!(
        human.contains("all but echo") && human.contains("level"),
        "{human}"
    );
    home.run(&["profile", "rm", "my-work"]).ok();
    assert_eq!(home.run(&["profile", "ls"]).ok(), "");
}

#[test]
fn what_is_meant_otherwise_is_told_and_changes_nothing() {
    let home = home();
    create(&home, &["sums", "keyed"]);
    let file = home.path("portolan/profiles/work.yaml");
    let before = std::fs::read_to_string(&file).unwrap();
    for (words, code, part) in [
        (&["profile", "show", "wrok"][..], 3, "did you mean `work`?"),
        (&["profile", "show", "../x"], 2, "is no name of a profile"),
        (
            &["profile", "rm", "work", "wrok"],
            3,
            "did you mean `work`?",
        ),
        (&["profile", "create", "--name", "日本"], 2, "--id"),
        (
            &["profile", "server", "add", "work", "--server", "smus"],
            3,
            "did you mean `sums`?",
        ),
        (
            &["profile", "server", "add", "work", "--server", "https://"],
            2,
            "https://host/",
        ),
        (
            &["profile", "server", "rm", "work", "--name", "sms"],
            3,
            "did you mean `sums`?",
        ),
        (
            &["profile", "config", "work", "--set", "keyed.level=high"],
            2,
            "keyed: `level`",
        ),
        (
            &["profile", "config", "work", "--set", "keyed.levle=1"],
            2,
            "did you mean `level`?",
        ),
        (
            &["profile", "config", "work", "--set", "keyed"],
            2,
            "SERVER.KEY=VALUE",
        ),
        (
            &["profile", "config", "work", "--get", "keyed.level"],
            3,
            "nothing is set",
        ),
        (
            &["profile", "config", "work", "--get", "kyed.level"],
            3,
            "did you mean `keyed`?",
        ),
        (
            &["profile", "tools", "work", "--disable-all", "kyed"],
            3,
            "did you mean `keyed`?",
        ),
        (
            &["gateway", "run", "--profile", "wrok"],
            3,
            "did you mean `work`?",
        ),
    ] {
        let told = home.run(words).failed(code);
        assert!(told.contains(part), "{words:?}: {told}");
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
    // A file that is not understood is shown with the place, and never written over.
    let broken = before.replace("servers:", "rules: []\nservers:");
    std::fs::write(&file, &broken).unwrap();
    let told = home
        .run(&["profile", "server", "rm", "work", "--name", "sums"])
        .failed(64);
    assert!(
        told.contains("work.yaml:") && told.contains("`rules`"),
        "{told}"
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), broken);
}

#[test]
fn a_profile_goes_to_another_home_and_is_not_trusted_there() {
    let home = home();
    create(&home, &["sums", "keyed"]);
    home.run(&["profile", "config", "work", "--set", "keyed.level=7"])
        .ok();
    for name in ["out.yaml", "out.json"] {
        let out = home.path(name).display().to_string();
        home.run(&["profile", "export", "work", &out]).ok();
        let told = home.run(&["profile", "export", "work", &out]).failed(1);
        assert!(told.contains("--force"), "{told}");
        let other = Home::new();
        let done = other.run(&["profile", "import", &out]);
        assert!(
            done.stderr.contains("work imported with 2 servers"),
            "{done:#?}"
        );
        assert!(
            done.stderr
                .contains("portolan server enable sums keyed --profile work"),
            "{done:#?}"
        );
        done.ok();
        let shown = other
            .run(&["profile", "show", "work", "--format", "json"])
            .json();
        assert_eq!(shown["servers"]["sums"]["origin"]["kind"], "file");
        assert_eq!(shown["servers"]["keyed"]["config"], json!({"level": 7}));
        let told = other.run(&["profile", "import", &out]).failed(1);
        assert!(told.contains("--force"), "{told}");
        // Where a catalog has the same entry, it is the same server.
        home.run(&["profile", "import", &out, "--force"]).ok();
        let shown = home
            .run(&["profile", "show", "work", "--format", "json"])
            .json();
        assert_eq!(shown["servers"]["sums"]["origin"]["kind"], "catalog");
    }
    let docker = "version: 1\nid: team\nname: Team\nservers:\n  - {type: image, image: acme/x:1, tools: [a]}\n";
    let file = home.write("docker.yaml", docker);
    home.run(&["profile", "import", &file]).ok();
    let shown = home
        .run(&["profile", "show", "team", "--format", "json"])
        .json();
    assert_eq!(shown["servers"]["x"]["tools"], json!(["a"]));
    let wrong = home.write("wrong.yaml", "profile: [");
    let told = home.run(&["profile", "import", &wrong]).failed(64);
    assert!(told.contains("wrong.yaml:1:"), "{told}");
}

#[test]
fn a_gateway_runs_with_a_profile_and_takes_up_its_changes() {
    let home = home();
    create(&home, &["sums", "keyed"]);
    // Nothing starts without consent, and nothing without what it needs.
    let mut client = Client::of(&home, &["--profile", "work"], false);
    assert_eq!(client.listed(), [""; 0]);
    client
        .told("it waits for your approval, it would run without a sandbox; the server is left out");
    // Consent is heard of while it runs.
    home.run(&["server", "enable", "sums", "keyed", "--profile", "work"])
        .ok();
    client.hear_of(|tools| tools.len() == 3);
    client.piped.leave();
    home.run(&["profile", "config", "work", "--set", "keyed.level=7"])
        .ok();
    // The catalog may go: a profile has its own snapshots.
    std::fs::remove_dir_all(home.path("portolan/catalogs")).unwrap();
    let mut client = Client::of(&home, &["--profile", "work"], false);
    assert_eq!(client.listed(), ["count-up", "echo", "get-sum"]);
    client.told("the secret `keyed.key` is not set");
    // A secret that comes later is taken up.
    home.run_with(&["secret", "set", "keyed.key"], "hunter2\n")
        .ok();
    client.hear_of(|tools| tools.len() == 6);
    let status = home.run(&["server", "ls", "--format", "json"]).json();
    let pids = |status: &Value, name: &str| -> Vec<u64> {
        let servers = status["servers"].as_array().unwrap();
        let server = servers
            .iter()
            .find(|server| server["name"] == name)
            .unwrap();
        let pids = server["pids"].as_array().unwrap();
        pids.iter().filter_map(Value::as_u64).collect()
    };
    let keyed = pids(&status, "keyed")[0];
    // So is the choice of tools; servers that are the same go on undisturbed, with the calls that they have.
    client.id += 1;
    let id = client.id;
    let slow = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call",
        "params": {"name": "keyed__count-up", "arguments": {"steps": 100}}});
    client.piped.send(&slow);
    home.run(&["profile", "tools", "work", "--disable", "sums.echo"])
        .ok();
    let (mut is_told, mut answer) = (false, Value::Null);
    while !is_told || answer.is_null() {
        let message = client.piped.hear(|_| true);
        is_told |= message["method"] == "notifications/tools/list_changed";
        if message["id"] == id {
            answer = message;
        }
    }
    assert!(answer["result"].is_object(), "{answer}");
    assert!(!client.listed().iter().any(|name| name == "echo"));
    let status = home.run(&["server", "ls", "--format", "json"]).json();
    assert_eq!(pids(&status, "keyed"), [keyed]);
    // A mistake changes nothing; nor does a file that is gone.
    let file = home.path("portolan/profiles/work.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    home.replace("portolan/profiles/work.yaml", "profile: [\n");
    client.told("; what runs stays as it is");
    assert_eq!(client.listed().len(), 5);
    home.replace("portolan/profiles/work.yaml", &text);
    home.run(&["profile", "server", "rm", "work", "--name", "keyed"])
        .ok();
    client.hear_of(|tools| tools.len() == 2);
    wait_until(|| !is_alive(keyed as u32));
    home.run(&["profile", "rm", "work"]).ok();
    client.told("there is no such profile; what runs stays as it is");
    assert_eq!(client.listed().len(), 2);
    assert_eq!(client.piped.leave().code(), Some(0));
}

#[test]
fn a_profile_takes_secrets_from_where_it_says() {
    let home = home();
    create(&home, &["keyed"]);
    home.run(&["server", "enable", "keyed", "--profile", "work"])
        .ok();
    home.run(&["profile", "config", "work", "--set", "keyed.level=7"])
        .ok();
    let file = home.path("portolan/profiles/work.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text.replace(
        "\n    config:\n",
        "\n    secrets: {keyed.key: 'env:WORK_KEY'}\n    config:\n",
    );
    std::fs::write(&file, text).unwrap();
    let words = ["tools", "ls", "--profile", "work", "--format", "json"];
    let done = home.run(&words);
    assert!(
        done.stderr.contains("`env:…`, which gives nothing"),
        "{done:#?}"
    );
    // Of two with one name, the profile's is used, which is told.
    let config = home.servers(&["keyed"]);
    let words = [&words[..], &["--config", &config]].concat();
    let mut command = home.command(&words);
    command.env("WORK_KEY", "hunter2");
    let output = command.output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let warned = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("get-sum"), "{told} {warned}");
    assert!(
        warned.contains("server `keyed` replaces the one of"),
        "{warned}"
    );
    assert!(!told.contains("hunter2"));
}

#[test]
fn a_profile_takes_a_secret_from_a_program_or_from_its_own() {
    let home = home();
    create(&home, &["keyed"]);
    home.run(&["server", "enable", "keyed", "--profile", "work"])
        .ok();
    home.run(&["profile", "config", "work", "--set", "keyed.level=7"])
        .ok();
    let list = || home.run(&["tools", "ls", "--profile", "work", "--format", "json"]);
    assert!(list().stderr.contains("portolan secret set keyed.key"));
    let own = ["secret", "set", "keyed.key", "--profile", "work"];
    home.run_with(&own, "hunter2-of-work").ok();
    assert!(list().ok().contains("get-sum"));
    home.run(&["secret", "rm", "keyed.key", "--profile", "work"])
        .ok();

    let file = home.path("portolan/profiles/work.yaml");
    let plain = std::fs::read_to_string(&file).unwrap();
    let told_by = |program: &str| {
        let reference = format!("\n    secrets: {{keyed.key: \"cmd:{program}\"}}\n    config:\n");
        std::fs::write(&file, plain.replace("\n    config:\n", &reference)).unwrap();
        list()
    };
    assert!(told_by("printf hunter2").ok().contains("get-sum"));
    for (program, why) in [
        ("false", "cannot get a secret from `false`: it failed"),
        ("/no/such/program", "it does not start"),
        ("head -c 70000 /dev/zero", "it printed more than"),
        ("printf ''", "the value is empty"),
    ] {
        let done = told_by(program);
        assert!(done.stderr.contains(why), "{program}: {done:#?}");
    }
}

/// A file as the pages of Docker's gateway show it: names with dots, comments, values as they stand.
const DOT_ENV: &str = "# my secrets
github.personal_access_token=ghp_something
stripe.secret_key = sk_test_something

keyed.key=\"quoted = and whole\"
";

#[test]
fn a_file_of_secrets_is_read_as_dockers_gateway_reads_it() {
    let home = home();
    create(&home, &["keyed"]);
    home.run(&["server", "enable", "keyed", "--profile", "work"])
        .ok();
    home.run(&["profile", "config", "work", "--set", "keyed.level=7"])
        .ok();
    let file = home.write(".env", DOT_ENV);
    let list = |secrets: &str| {
        let words = ["tools", "ls", "--profile", "work", "--format", "json"];
        home.run(&[&words[..], &["--secrets", secrets]].concat())
    };
    for secrets in [file.clone(), format!("docker-desktop:{file}")] {
        let done = list(&secrets);
        assert!(!done.stderr.contains("keyed"), "{done:#?}");
        assert!(done.ok().contains("get-sum"));
    }
    // Only our own store, where nothing was set.
    let done = list("docker-desktop");
    assert!(done.stderr.contains("keyed.key"), "{done:#?}");
    let said = list("no-such-file").failed(64);
    assert!(said.contains("no-such-file"), "{said}");
    let wrong = home.write("wrong.env", "no sign\nkeyed.key=x\n");
    let done = list(&wrong);
    assert!(
        done.stderr.contains("wrong.env:1") && !done.stderr.contains("no sign"),
        "{done:#?}"
    );
}

#[test]
fn an_agent_saves_a_profile_and_another_activates_it() {
    let home = home();
    for feature in [
        "profile-tools",
        "find-tools",
        "registry-import",
        "discover-prompt",
    ] {
        home.run(&["feature", "enable", feature]).ok();
    }
    home.run(&["server", "enable", "sums", "more"]).ok();
    let only = ["--no-builtin-catalog"];
    let mut client = Client::of(&home, &only, true);
    let listed = client.listed();
    assert_eq!(listed.len(), MENU.len() + 4, "{listed:?}");
    let prompt = client.ask("prompts/get", &json!({"name": "mcp-discover"}));
    assert!(
        prompt["result"]["messages"][0]["content"]["text"].is_string(),
        "{prompt}"
    );
    let found = client.call("find-tools", &json!({"prompt": "sum numbers"}));
    assert_eq!(
        found["structuredContent"]["tools"][0]["name"], "get-sum",
        "{found}"
    );
    client.call("mcp-add", &json!({"name": "sums"}));
    let saved = client.call("mcp-create-profile", &json!({"name": "mine"}));
    assert_eq!(
        saved["structuredContent"]["servers"],
        json!(["sums"]),
        "{saved}"
    );
    client.piped.leave();
    // The person adds to it what waits for them, and an agent what it has.
    home.run(&["profile", "server", "add", "mine", "--server", "keyed"])
        .ok();
    let mut other = Client::of(&home, &only, true);
    let activated = other.call("mcp-activate-profile", &json!({"name": "mine"}));
    assert_eq!(activated["isError"], true, "{activated}");
    let states: Vec<&Value> = activated["structuredContent"]["servers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|server| &server["state"])
        .collect();
    assert_eq!(states, ["active", "needs-secrets"]);
    let sum = other.call("get-sum", &json!({"a": 2, "b": 40}));
    assert_eq!(sum["content"][0]["text"], "The sum of 2 and 40 is 42.");
    other.call("mcp-add", &json!({"name": "more"}));
    let saved = other.call("mcp-create-profile", &json!({"name": "mine"}));
    assert_eq!(
        saved["structuredContent"]["servers"],
        json!(["sums", "keyed", "more"]),
        "{saved}"
    );
    let none = other.call("mcp-activate-profile", &json!({"name": "mien"}));
    assert_eq!(none["isError"], true);
    let text = none["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("did you mean `mine`?"), "{text}");
    let bad = other.call("mcp-create-profile", &json!({"name": "../x"}));
    assert_eq!(bad["isError"], true);
    other.piped.leave();
    // A gateway that runs with it has all of that, and saves it under another name.
    home.run(&["profile", "server", "rm", "mine", "--name", "keyed"])
        .ok();
    let mut third = Client::of(&home, &["--no-builtin-catalog", "--profile", "mine"], true);
    assert_eq!(third.listed().len(), MENU.len() + 4 + 6);
    let saved = third.call("mcp-create-profile", &json!({"name": "copy"}));
    assert_eq!(
        saved["structuredContent"]["servers"],
        json!(["sums", "more"]),
        "{saved}"
    );
    third.piped.leave();
}
