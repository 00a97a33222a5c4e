//! Scripts over servers that really run: by an agent's `code-mode`, and by `portolan tools run`.

use serde_json::{Value, json};

use super::home::{BINARY, Home, Piped, initialize, tool_names};

/// Our own small server, to be found.
fn catalog(home: &Home) -> String {
    let text = format!(
        "catalog: ours
servers:
  sums:
    command: {BINARY}
    args: [__demo-server]
    description: Adds numbers.
"
    );
    home.write("ours.yaml", &text)
}

struct Agent {
    client: Piped,
    id: u64,
}

impl Agent {
    fn of(home: &Home, words: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = home.command(&[&["gateway", "run"], words].concat());
        command.envs(variables.iter().copied());
        let mut client = Piped::new(command);
        client.ask(&initialize());
        client.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        Self { client, id: 1 }
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.id += 1;
        let request = json!({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params});
        self.client.ask(&request)["result"].take()
    }

    fn call(&mut self, name: &str, arguments: Value) -> Value {
        self.ask("tools/call", &json!({"name": name, "arguments": arguments}))
    }
}

fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap()
}

#[test]
fn an_agent_runs_scripts_over_servers_that_are_ready() {
    let home = Home::new();
    let catalog = catalog(&home);
    home.run(&["server", "enable", "sums", "--catalog", &catalog])
        .ok();
    let words = ["--no-builtin-catalog", "--catalog", &catalog];
    let mut agent = Agent::of(&home, &words, &[]);
    let code = "
        const sums = await Promise.all([1, 2, 3].map(a => sums_of(a)));
        async function sums_of(a) { return (await tools.call('sums', 'get-sum', { a, b: 10 })).match(/is (\\d+)/)[1] }
        console.log('three');
        return sums.map(Number);";
    let ran = agent.call("code-mode", json!({"code": code, "servers": ["sums"]}));
    let facts = &ran["structuredContent"];
    assert_eq!(facts["result"], json!([11, 12, 13]), "{ran}");
    assert_eq!(facts["logs"], json!(["three"]));
    assert_eq!(facts["calls"].as_array().unwrap().len(), 3);
    assert_eq!(facts["calls"][0]["tool"], "sums.get_sum");
    assert!(text(&ran).starts_with("[11,12,13]"), "{ran}");
    // It came in without being listed, and stays for later scripts.
    let names = agent.ask("tools/list", &json!({}));
    assert_eq!(names["tools"].as_array().unwrap().len(), 6);
    let failed = agent.call("code-mode", json!({"code": "await sums.get_sum({a: 'x'})"}));
    assert_eq!(failed["isError"], true);
    assert!(
        text(&failed).contains("call it as sums.get_sum({a: number, b: number})"),
        "{failed}"
    );
    // What is too large for a model is kept, and read by range.
    let large = agent.call("code-mode", json!({"code": "return 'x'.repeat(100_000)"}));
    let kept = large["structuredContent"]["result"]["kept"]
        .as_str()
        .unwrap();
    let read = format!("return (await tools.kept('{kept}', {{from: 1, to: 6}}))");
    let read = agent.call("code-mode", json!({"code": read}));
    assert_eq!(read["structuredContent"]["result"], "xxxxx", "{read}");
    // A tool for such scripts, with the signatures in its description.
    let made = agent.call("code-mode", json!({"servers": ["sums"], "name": "sums"}));
    assert_eq!(made["structuredContent"]["ok"], true, "{made}");
    let listed = agent.ask("tools/list", &json!({}));
    let tools = listed["tools"].as_array().unwrap();
    let tool = tools.iter().find(|tool| tool["name"] == "code-mode-sums");
    let about = tool.unwrap()["description"].as_str().unwrap();
    assert!(about.contains("get_sum({a: number, b: number})"), "{about}");
    let script = "return await sums.echo({message: 'hello'})";
    let ran = agent.call("code-mode-sums", json!({"script": script}));
    assert_eq!(ran["structuredContent"]["result"], "Echo: hello", "{ran}");
}

#[test]
fn scripts_are_stopped_by_their_limits_and_switched_off() {
    let home = Home::new();
    let config = home.servers(&["demo"]);
    let words = ["--config", &config];
    let limits = [
        ("PORTOLAN_SCRIPT_TIME_S", "1"),
        ("PORTOLAN_SCRIPT_CALLS_MAX", "2"),
    ];
    let mut agent = Agent::of(&home, &words, &limits);
    let endless = agent.call("code-mode", json!({"code": "while (true) {}"}));
    assert_eq!(endless["structuredContent"]["error"]["kind"], "time");
    let code = "for (;;) await demo.echo({message: 'x'})";
    let many = agent.call("code-mode", json!({"code": code}));
    assert_eq!(many["structuredContent"]["error"]["kind"], "limit");
    assert_eq!(
        many["structuredContent"]["calls"].as_array().unwrap().len(),
        2
    );
    let mut agent = Agent::of(&home, &words, &[("PORTOLAN_CODE_MODE", "false")]);
    let id = json!({"jsonrpc": "2.0", "id": 9, "method": "tools/list"});
    let list = agent.client.ask(&id);
    assert!(!tool_names(&list).contains(&"code-mode"), "{list}");
    let gone = json!({"jsonrpc": "2.0", "id": 10, "method": "tools/call", "params": {"name": "code-mode", "arguments": {"code": "return 1"}}});
    let gone = agent.client.ask(&gone);
    assert!(
        gone["error"].is_object() || gone["result"]["isError"] == true,
        "{gone}"
    );
}

#[test]
fn a_script_runs_from_the_command_line() {
    let home = Home::new();
    let config = home.servers(&["demo", "other"]);
    let script = home.write(
        "sum.js",
        "console.log('adding', args.a);\nconst said = await demo.get_sum({a: args.a, b: args.list[0]});\nreturn {said};\n",
    );
    let run = |words: &[&str], input: &str| {
        let all = [&["tools", "run", "--config", &config], words].concat();
        home.run_with(&all, input)
    };
    let done = run(&[&script, "--arg", "a=2", "--arg", "list:=[40]"], "");
    assert!(done.stderr.contains("adding 2"), "{done:#?}");
    assert_eq!(done.ok(), "{\"said\":\"The sum of 2 and 40 is 42.\"}\n");
    let facts = run(
        &["-", "--format", "json"],
        "return await demo.echo({message: 'hi'})",
    )
    .json();
    assert_eq!(
        (&facts["ok"], &facts["result"]),
        (&json!(true), &json!("Echo: hi"))
    );
    let only = run(&["-", "--servers", "demo"], "return typeof other");
    assert_eq!(only.ok(), "undefined\n");
    let failed = run(&["-"], "\nnull.x").failed(1);
    assert!(failed.contains("line 2"), "{failed}");
    let missing = run(&["/nowhere.js"], "").failed(3);
    assert!(missing.contains("cannot read the script"), "{missing}");
    run(&["-", "--arg", "x"], "return 1").failed(2);
}

/// What stands in the guide works.
#[test]
fn the_examples_of_the_guide_run() {
    let guide = include_str!("../../../../docs/guide/code-mode.md");
    let home = Home::new();
    let config = home.servers(&["demo", "other"]);
    let mut count = 0;
    let mut rest = guide;
    while let Some((_, after)) = rest.split_once("```js\n") {
        let (script, after) = after.split_once("```").unwrap();
        rest = after;
        let done = home.run_with(&["tools", "run", "-", "--config", &config], script);
        let said = script.lines().last().unwrap().strip_prefix("// ");
        assert_eq!(done.ok().trim(), said.expect("what it gives"), "{script}");
        count += 1;
    }
    assert!(count >= 4, "{count}");
}
