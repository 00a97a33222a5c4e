//! What servers are held to: the hosts that they may reach, the signatures of their images, memory and processors.

use serde_json::json;

use super::super::home::BINARY;
use super::super::image_registry::{Registry, Signer};
use super::super::sandbox::{FETCHER, web_server};
use super::Docker;
use super::run::{Client, listed};

/// The gateway's settings, and servers.
fn configure(docker: &Docker, text: &str) {
    docker.home.write("portolan/config.toml", text);
}

/// Whether servers start here in boxes; where none are made, that is said.
fn is_boxed(client: &mut Client<'_>) -> bool {
    let is_boxed = !client.listed().is_empty();
    assert!(is_boxed || client.log().contains("--allow-unsandboxed"));
    is_boxed
}

#[test]
fn the_network() {
    let docker = Docker::boxed();
    let script = docker.home.write("fetcher.py", FETCHER);
    let site = web_server();
    let python = format!("command = '/usr/bin/python3'\nargs = ['{script}']");
    configure(
        &docker,
        &format!(
            "[gateway]\nopen_network = ['*']\n
             [servers.open]\n{python}\nnetwork = 'open'\n
             [servers.listed]\n{python}\nnetwork = ['wanted.test:80={site}']\n"
        ),
    );
    let get = |client: &mut Client<'_>, tool: &str, host: &str, port: u16| {
        let params = json!({"name": tool, "arguments": {"host": host, "port": port}});
        client.ask("tools/call", &params)["result"].clone()
    };
    let welcome = json!([{"type": "text", "text": "welcome"}]);
    let mut client = Client::of(&docker, "docker mcp gateway run --servers open,listed");
    if !is_boxed(&mut client) {
        return;
    }
    assert_eq!(client.listed(), ["listed__get", "open__get"]);
    let got = get(&mut client, "open__get", "127.0.0.1", site.port());
    assert_eq!(got["content"], welcome, "the whole network, {got}");
    client.left();

    let mut client = Client::of(
        &docker,
        "docker mcp gateway run --servers open,listed --block-network",
    );
    let got = get(&mut client, "listed__get", "wanted.test", 80);
    assert_eq!(got["content"], welcome, "{got}");
    for (tool, host, port) in [
        ("open__get", "127.0.0.1", site.port()),
        ("listed__get", "127.0.0.1", site.port()),
        ("listed__get", "other.test", 80),
    ] {
        let got = get(&mut client, tool, host, port);
        assert_eq!(got["isError"], true, "{tool} {host}: {got}");
    }
    let listed = docker.home.run(&["server", "ls"]).ok();
    assert!(listed.contains("`network` is open"), "{listed}");
    client.left();

    // Where nothing would keep it, it is not promised.
    let docker = Docker::with_servers();
    configure(
        &docker,
        "[servers.open]\ncommand = 'true'\n[servers.listed]\ncommand = 'true'\n",
    );
    let told = docker
        .run("docker mcp gateway run --servers open,listed --block-network")
        .failed(2);
    assert!(told.contains("--runtime auto"), "{told}");
}

#[test]
fn memory_and_processors() {
    let docker = Docker::boxed();
    configure(
        &docker,
        &format!("[servers.sums]\ncommand = '{BINARY}'\nargs = ['__demo-server']\n"),
    );
    let line = "docker mcp gateway run --servers sums --cpus 1 --memory 512Mb";
    let mut client = Client::of(&docker, line);
    if !is_boxed(&mut client) {
        return;
    }
    client.echo("hello");
    let shown = docker
        .home
        .run(&["server", "inspect", "sums", "--format", "json"])
        .json();
    let server = &shown["server"];
    let pid = server["pids"][0].as_u64().unwrap();
    let isolation = server["isolation"].as_str().unwrap();
    let (memory, processors) = held(pid);
    assert_eq!(memory, Some(512 << 20), "{server}");
    if isolation.contains("cgroup") && std::thread::available_parallelism().unwrap().get() > 1 {
        assert_eq!(processors, Some(1.0), "{server}");
    }
}

/// The memory and the processors that a process is held to, by its control groups; else the memory by a limit of its own.
fn held(pid: u64) -> (Option<u64>, Option<f64>) {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let number = |text: &str| text.trim().parse::<f64>().ok();
    let groups = read(&format!("/proc/{pid}/cgroup"));
    let group = |controller: &str| {
        let mut parts = groups.lines().map(|line| line.splitn(3, ':'));
        let found = parts.find_map(|mut parts| {
            let is_it = parts.nth(1)?.split(',').any(|name| name == controller);
            is_it.then(|| parts.next()).flatten()
        });
        found.unwrap_or_default().trim_end_matches('/').to_owned()
    };
    let unified = format!("/sys/fs/cgroup{}", group(""));
    let memory = format!("/sys/fs/cgroup/memory{}", group("memory"));
    let cpu = format!("/sys/fs/cgroup/cpu{}", group("cpu"));
    let limits = read(&format!("/proc/{pid}/limits"));
    let own = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max address space"));
    let own = own.and_then(|rest| rest.split_whitespace().next());
    let bytes = number(&read(&format!("{unified}/memory.max")))
        .or_else(|| number(&read(&format!("{memory}/memory.limit_in_bytes"))))
        .filter(|bytes| *bytes < 1e18)
        .or_else(|| number(own?));
    let share = read(&format!("{unified}/cpu.max"));
    let share = match share.split_once(' ') {
        Some((quota, period)) => number(quota).zip(number(period)),
        None => {
            let of = |name: &str| number(&read(&format!("{cpu}/cpu.cfs_{name}_us")));
            of("quota").zip(of("period"))
        }
    };
    (
        bytes.map(|bytes| bytes as u64),
        share.map(|(quota, period)| quota / period),
    )
}

#[test]
fn signatures_of_images() {
    let (Some(registry), Some(files)) = (Registry::start(), shell()) else {
        return;
    };
    let docker = Docker::boxed();
    let (signer, other) = (Signer::new(), Signer::new());
    let start = ["/bin/sh", "/serve"];
    for (name, by) in [
        ("signed", Some(&signer)),
        ("forged", Some(&other)),
        ("plain", None),
    ] {
        let name = format!("team/{name}");
        let digest = registry.image(&name, "1", &files, &start);
        if let Some(by) = by {
            registry.sign(&name, &digest, by);
        }
    }
    let key = docker.home.write("key.pub", &signer.public_key());
    let team = registry.named("team");
    let server = |name: &str| format!("  {name}: {{image: '{team}/{name}:1'}}\n");
    let all: String = ["signed", "forged", "plain"].map(server).concat();
    docker
        .home
        .write("images.yaml", &format!("catalog: images\nservers:\n{all}"));
    let keys = format!("image_keys = ['{team}/signed={key}', '{team}/forged={key}']\n");
    configure(
        &docker,
        &format!("[gateway]\nverify_signatures = true\n{keys}"),
    );
    for name in ["signed", "forged", "plain"] {
        let words = ["server", "enable", name, "--catalog", "images.yaml"];
        docker.home.run(&words).ok();
    }

    // As the settings say it, and the flag says otherwise.
    let line = "docker mcp gateway run --catalog images.yaml --servers plain --dry-run";
    let refused = docker.run(line);
    if refused.stdout.contains("--allow-unsandboxed") {
        return;
    }
    assert!(refused.stdout.contains("has to be signed"), "{refused:#?}");
    let line =
        "docker mcp gateway run --catalog images.yaml --servers plain --verify-signatures=false";
    assert_eq!(listed(&docker, line), ["ping"]);
    let told = docker
        .run("docker mcp gateway run --catalog images.yaml --servers forged --verify-signatures=false --dry-run")
        .failed(1);
    assert!(told.contains("forged"), "{told}");

    configure(&docker, &format!("[gateway]\n{keys}"));
    let line = "docker mcp gateway run --catalog images.yaml --servers plain --dry-run";
    docker.run(line).ok();
    let line = "docker mcp gateway run --catalog images.yaml --servers signed --verify-signatures";
    assert_eq!(listed(&docker, line), ["ping"]);
    let refused = docker.run("docker mcp gateway run --catalog images.yaml --servers signed,plain,forged --verify-signatures --dry-run");
    for why in ["and no key is known for it", "and not by that key"] {
        assert!(refused.stdout.contains(why), "{why}: {refused:#?}");
    }
    refused.failed(1);
}

#[test]
fn an_image_is_a_server() {
    let (Some(registry), Some(files)) = (Registry::start(), shell()) else {
        return;
    };
    let mut docker = Docker::boxed();
    docker.stands_for.push(("REGISTRY", registry.named("team")));
    registry.image("team/plain", "1", &files, &["/bin/sh", "/serve"]);
    let mut client = Client::of(&docker, "docker mcp gateway run --servers REGISTRY/plain:1");
    if !is_boxed(&mut client) {
        return;
    }
    assert_eq!(client.listed(), ["ping"]);
    client.left();
    for (line, tools) in [
        (
            "docker mcp gateway run --servers REGISTRY/plain:1 --tools 'REGISTRY/plain:1:*'",
            &["ping"][..],
        ),
        (
            "docker mcp gateway run --servers REGISTRY/plain:1 --tools REGISTRY/plain:1:pong",
            &[],
        ),
    ] {
        assert_eq!(listed(&docker, line), tools, "{line}");
    }
}

/// A server in the language of the shell, which has one tool.
const SERVE: &str = r#"while read -r line; do
  id=${line#*\"id\":}; id=${id%%[,\}]*}
  case "$line" in
    *'"method":"initialize"'*) result='"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"shell","version":"1"}';;
    *'"method":"tools/list"'*) result='"tools":[{"name":"ping","inputSchema":{"type":"object"}}]';;
    *'"id":'*) printf '{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"unknown"}}\n' "$id"; continue;;
    *) continue;;
  esac
  printf '{"jsonrpc":"2.0","id":%s,"result":{%s}}\n' "$id" "$result"
done
"#;

/// The shell of this machine with all that it needs, and a server for it; none where it cannot be told what that is.
fn shell() -> Option<Vec<(String, Vec<u8>)>> {
    #[expect(clippy::disallowed_methods, reason = "a test looks at its machine")]
    let told = std::process::Command::new("ldd")
        .arg("/bin/sh")
        .output()
        .ok()?;
    let told = String::from_utf8(told.stdout).ok()?;
    let needed = told.split_whitespace().filter(|word| word.starts_with('/'));
    let files = needed.chain(["/bin/sh"]);
    let mut all = files
        .map(|path| Some((path.to_owned(), std::fs::read(path).ok()?)))
        .collect::<Option<Vec<_>>>()?;
    all.push(("/serve".to_owned(), SERVE.as_bytes().to_vec()));
    Some(all)
}
