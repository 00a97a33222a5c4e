//! `docker mcp gateway run …`: each of Docker's flags.

use serde_json::{Value, json};

use super::super::catalog_url::Site;
use super::super::home::{Piped, initialize, tool_names, wait_until};
use super::super::image_registry::Registry;
use super::Docker;

const SECRET: &str = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
pub(super) const SUMS: [&str; 3] = ["count-up", "echo", "get-sum"];

/// A client that has started a line.
pub(super) struct Client<'a> {
    docker: &'a Docker,
    piped: Piped,
    id: u64,
}

impl<'a> Client<'a> {
    pub(super) fn of(docker: &'a Docker, line: &str) -> Self {
        let mut command = docker.command(line);
        command.env("PORTOLAN_DYNAMIC_TOOLS", "false");
        Self::by(docker, command)
    }

    /// The same, who is offered the gateway's own tools where there are any.
    pub(super) fn of_agent(docker: &'a Docker, line: &str) -> Self {
        Self::by(docker, docker.command(line))
    }

    fn by(docker: &'a Docker, command: std::process::Command) -> Self {
        let log = std::fs::File::create(docker.home.path("log")).unwrap();
        let mut piped = Piped::with_stderr(command, log);
        piped.ask(&initialize());
        piped.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        Self {
            docker,
            piped,
            id: 1,
        }
    }

    pub(super) fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.id += 1;
        let request = json!({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params});
        self.piped.ask(&request)
    }

    pub(super) fn listed(&mut self) -> Vec<String> {
        let list = self.ask("tools/list", &json!({}));
        tool_names(&list).into_iter().map(str::to_owned).collect()
    }

    /// What `echo` says to this.
    pub(super) fn echo(&mut self, message: &str) -> Value {
        let params = json!({"name": "echo", "arguments": {"message": message}});
        self.ask("tools/call", &params)
    }

    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(self.docker.home.path("log")).unwrap()
    }

    /// Leaves, and gives what was said on stderr until the end.
    pub(super) fn left(self) -> String {
        let docker = self.docker;
        self.piped.leave();
        std::fs::read_to_string(docker.home.path("log")).unwrap()
    }
}

/// The tools of a client that starts this line.
pub(super) fn listed(docker: &Docker, line: &str) -> Vec<String> {
    Client::of(docker, line).listed()
}

/// With `sums` allowed to start.
pub(super) fn with_sums() -> Docker {
    let docker = Docker::with_servers();
    docker.home.run(&["server", "enable", "sums", "keyed"]).ok();
    docker
}

#[test]
fn which_servers_there_are() {
    let docker = with_sums();
    let nothing: [&str; 0] = [];
    assert_eq!(listed(&docker, "docker mcp gateway run"), nothing);
    assert_eq!(
        listed(&docker, "docker mcp gateway run --profile default"),
        nothing
    );
    assert_eq!(
        listed(&docker, "docker mcp gateway run --servers sums"),
        SUMS
    );
    let told = docker
        .run("docker mcp gateway run --servers keyed --dry-run")
        .failed(64);
    assert!(
        told.contains("server `keyed`") && told.contains("portolan secret set keyed.key"),
        "{told}"
    );
    docker.run("docker mcp gateway run --servers sum").failed(3);
    docker
        .run("docker mcp profile create --name default --server sums")
        .ok();
    assert_eq!(listed(&docker, "docker mcp gateway run"), SUMS);
    assert_eq!(
        listed(&docker, "docker mcp gateway run --profile default"),
        SUMS
    );
    docker
        .run("docker mcp gateway run --profile nobody")
        .failed(3);
    let tried = docker
        .run("docker mcp gateway run --dry-run --verbose --format json")
        .json();
    assert_eq!(tried["servers"][0]["tools"], 3);
}

#[test]
fn which_tools_they_offer() {
    let docker = with_sums();
    for (line, wanted) in [
        (
            "docker mcp gateway run --servers sums --tools GET-SUM",
            &["get-sum"][..],
        ),
        (
            "docker mcp gateway run --servers sums --tools sums:echo,sums:get-sum",
            &["echo", "get-sum"],
        ),
        (
            "docker mcp gateway run --servers sums --tools 'sums:*'",
            &SUMS,
        ),
        ("docker mcp gateway run --servers sums --tools '*'", &SUMS),
    ] {
        assert_eq!(listed(&docker, line), wanted, "{line}");
    }
}

#[test]
fn dockers_older_files_are_used_in_place() {
    let docker = with_sums();
    let home = &docker.home;
    let text = std::fs::read_to_string(home.path("portolan/catalogs/small.yaml")).unwrap();
    std::fs::remove_file(home.path("portolan/catalogs/small.yaml")).unwrap();
    home.write(".docker/mcp/catalogs/theirs.yaml", &text);
    home.write(
        "more.yaml",
        "catalog: more\nservers: {far: {url: 'https://far.example/mcp'}}\n",
    );
    home.write(
        ".docker/mcp/registry.yaml",
        "registry:\n  sums: {ref: ''}\n  gone: {ref: ''}\n",
    );
    home.write("keyed.yaml", "registry: {keyed: {ref: ''}}\n");
    home.write(".docker/mcp/config.yaml", "keyed: {level: 1}\n");
    home.write("over.yaml", "keyed: {level: 3}\n");
    home.write(".docker/mcp/tools.yaml", "sums: [get-sum, echo]\n");
    home.write("fewer.yaml", "sums: [echo]\n");
    home.write("secrets.env", "keyed.key=hunter2\n");
    let before = super::super::home::names(&home.path(".docker/mcp"));
    let mut client = Client::of(
        &docker,
        "docker mcp gateway run --catalog theirs.yaml --registry registry.yaml",
    );
    assert_eq!(client.listed(), SUMS);
    let told = client.left();
    assert!(told.contains("server `gone`: no catalog has it"), "{told}");
    assert_eq!(
        listed(
            &docker,
            "docker mcp gateway run --catalog theirs.yaml --registry registry.yaml --tools-config tools.yaml"
        ),
        ["echo", "get-sum"]
    );
    assert_eq!(
        listed(
            &docker,
            "docker mcp gateway run --catalog theirs.yaml --additional-catalog more.yaml --registry registry.yaml --additional-registry keyed.yaml --config config.yaml --additional-config over.yaml --tools-config tools.yaml --additional-tools-config fewer.yaml --secrets docker-desktop:secrets.env"
        ),
        ["count-up", "get-sum", "keyed__echo", "sums__echo"]
    );
    assert_eq!(
        listed(
            &docker,
            "docker mcp gateway run --catalog theirs.yaml --enable-all-servers"
        ),
        SUMS
    );
    assert_eq!(super::super::home::names(&home.path(".docker/mcp")), before);
}

#[test]
fn servers_come_from_registries() {
    let mut docker = with_sums();
    let page = json!({"server": {"name": "io.example/charts", "description": "Draws.", "version": "1.0.0",
        "remotes": [{"type": "streamable-http", "url": "https://127.0.0.1:1/mcp"}]}});
    let site = Site::new(&[("/v0.1/servers/charts/versions/latest", &page.to_string())]);
    docker.stands_for.push(("COMMUNITY", site.url("")));
    let line = "docker mcp gateway run --mcp-registry COMMUNITY/v0.1/servers/charts/versions/latest --dry-run --format json";
    let waits = docker.run(line);
    assert!(
        waits
            .stderr
            .contains("server `charts`: it waits for your approval"),
        "{waits:#?}"
    );
    docker
        .run("docker mcp server enable charts --catalog COMMUNITY/v0.1/servers/charts/versions/latest")
        .ok();
    let tried = docker.run(line);
    assert!(tried.stdout.contains("\"name\": \"charts\""), "{tried:#?}");
    let Some(registry) = Registry::start() else {
        return;
    };
    docker.stands_for.push(("REGISTRY", registry.named("team")));
    docker
        .run("docker mcp catalog create REGISTRY/ours:1 --server catalog://small/sums")
        .ok();
    docker.run("docker mcp catalog push ours").ok();
    // It is somebody else's text: it starts once it is allowed, as it would out of a catalog that was pulled.
    let mut other = Docker::new();
    other.stands_for.clone_from(&docker.stands_for);
    let line = "docker mcp gateway run --oci-ref REGISTRY/ours:1";
    let mut client = Client::of(&other, line);
    let nothing: [&str; 0] = [];
    assert_eq!(client.listed(), nothing);
    let told = client.left();
    assert!(
        told.contains("server `sums`: it waits for your approval")
            && told.contains("portolan catalog pull"),
        "{told}"
    );
    other
        .run("docker mcp catalog pull REGISTRY/ours:1 --approve sums")
        .ok();
    assert_eq!(listed(&other, line), SUMS);
}

#[test]
fn how_clients_reach_it() {
    let docker = with_sums();
    assert_eq!(
        listed(
            &docker,
            "docker mcp gateway run --servers sums --transport stdio"
        ),
        SUMS
    );
    let told = docker.run("docker mcp gateway run --port 8811").failed(2);
    assert!(told.contains("--transport streaming"), "{told}");
    // As Docker would start us, so that there is one process to be ended.
    let docker = docker.directly();
    for (line, path) in [
        (
            "docker mcp gateway run --servers sums --transport streaming --host 127.0.0.1 --port 0",
            "/mcp",
        ),
        (
            "docker mcp gateway run --servers sums --transport http --port 0",
            "/mcp",
        ),
        (
            "docker mcp gateway run --servers sums --transport streamable --port 0",
            "/mcp",
        ),
        (
            "docker mcp gateway run --servers sums --transport streamable-http --port 0",
            "/mcp",
        ),
        (
            "docker mcp gateway run --servers sums --transport sse --port 0",
            "/sse",
        ),
        (
            "docker mcp gateway run --servers sums --transport streaming --port 0 --allow-unauthenticated",
            "/mcp",
        ),
    ] {
        let gateway = docker.listen(line);
        assert!(gateway.url().ends_with(path), "{line}: {}", gateway.url());
        assert!(gateway.stop().success(), "{line}");
    }
}

#[test]
fn what_looks_at_calls() {
    let docker = with_sums();
    docker.home.write("look.sh", "#!/bin/sh\ncat > seen.json\n");
    let mut client = Client::of(
        &docker,
        "docker mcp gateway run --servers sums --interceptor 'before:exec:sh look.sh'",
    );
    assert!(client.echo("hello").to_string().contains("hello"));
    let seen = std::fs::read_to_string(docker.home.path("seen.json")).unwrap();
    assert!(seen.contains("hello"), "{seen}");
    drop(client);

    let is_told = |line: &str| {
        let mut client = Client::of(&docker, line);
        client.echo("hello");
        client.left().contains("\"name\":\"echo\"")
    };
    assert!(is_told("docker mcp gateway run --servers sums --log-calls"));
    assert!(!is_told(
        "docker mcp gateway run --servers sums --log-calls=false"
    ));
    let mut client = Client::of(
        &docker,
        "docker mcp gateway run --servers sums --log calls.log",
    );
    client.echo("hello");
    let log = || std::fs::read_to_string(docker.home.path("calls.log")).unwrap();
    wait_until(|| log().contains("echo"));
    assert!(!client.log().contains("echo"));
    drop(client);

    let mut client = Client::of(
        &docker,
        "docker mcp gateway run --servers sums --block-secrets",
    );
    let answer = client.echo(SECRET).to_string();
    assert!(
        !answer.contains(SECRET) && answer.contains("secret"),
        "{answer}"
    );
    drop(client);
    let mut client = Client::of(
        &docker,
        "docker mcp gateway run --servers sums --block-secrets=false",
    );
    assert!(client.echo(SECRET).to_string().contains(SECRET));
}

#[test]
fn what_says_what_there_is_instead() {
    let docker = with_sums();
    docker.home.write(
        "open.yaml",
        "catalog: open\nservers: {notes: {image: acme/notes:1}}\n",
    );
    for (line, instead) in [
        (
            "docker mcp gateway run --servers sums --long-lived",
            "servers stay for their conversation anyway",
        ),
        (
            "docker mcp gateway run --servers sums --debug-dns",
            "portolan server inspect NAME",
        ),
    ] {
        let mut client = Client::of(&docker, line);
        assert_eq!(client.listed(), SUMS);
        let told = client.left();
        assert!(told.contains(instead), "{told}");
    }
    // Any flag that switches something takes a word for it.
    let line =
        "docker mcp gateway run --servers sums --long-lived=false --debug-dns=false --verbose=true";
    let mut client = Client::of(&docker, line);
    assert_eq!(client.listed(), SUMS);
    let told = client.left();
    assert!(!told.contains("changes nothing"), "{told}");
    let told = docker
        .run("docker mcp gateway run --servers sums --memory nonsense")
        .failed(2);
    assert!(told.contains("--memory"), "{told}");
    // Nothing is started: what is to run already is looked for where its service is.
    let tried =
        docker.run("docker mcp gateway run --catalog open.yaml --servers notes --static --dry-run");
    assert!(tried.stdout.contains("mcp-notes:4444"), "{tried:#?}");
    let told = tried.failed(1);
    assert!(told.contains("not every server works: notes"), "{told}");
}

#[test]
fn tools_are_listed_and_called() {
    let docker = with_sums();
    docker
        .run("docker mcp profile create --name default --server sums")
        .ok();
    for line in [
        "docker mcp tools ls",
        "docker mcp tools list --format list",
        "docker mcp tools ls --version 2 --verbose",
        "docker mcp tools ls --gateway-arg=--servers=sums",
        "docker mcp tools --gateway-arg --servers=sums ls",
    ] {
        let listed = docker.run(line).ok();
        assert!(listed.contains("get-sum"), "{line}: {listed}");
    }
    let listed = docker.run("docker mcp tools ls --format json").json();
    assert_eq!(listed["tools"].as_array().unwrap().len(), 3);
    assert_eq!(docker.run("docker mcp tools count").ok().trim(), "3");
    let one = docker
        .run("docker mcp tools count --gateway-arg=--tools=echo")
        .ok();
    assert_eq!(one.trim(), "1");
    let shown = docker.run("docker mcp tools inspect get-sum").ok();
    assert!(shown.contains("Adds two numbers"), "{shown}");
    let sum = docker.run("docker mcp tools call get-sum a=2 b=40").ok();
    assert!(sum.contains("42"), "{sum}");
    let told = docker
        .run("docker mcp tools ls --gateway-arg=--nonsense")
        .failed(2);
    assert!(
        told.contains("--gateway-arg") && told.contains("--nonsense"),
        "{told}"
    );
}

/// What applications have in their files for Docker's gateway starts this one.
#[test]
fn files_of_applications_that_name_docker_go_on() {
    let docker = with_sums();
    docker
        .run("docker mcp profile create --name dev --server sums")
        .ok();
    let file = json!({"mcpServers": {"MCP_DOCKER": {"command": "docker", "args": ["mcp", "gateway", "run", "--profile", "dev"]}}});
    let server = &file["mcpServers"]["MCP_DOCKER"];
    let words = server["args"].as_array().unwrap().iter();
    let words: Vec<&str> = words.map(|word| word.as_str().unwrap()).collect();
    let line = format!(
        "{} {}",
        server["command"].as_str().unwrap(),
        words.join(" ")
    );
    assert_eq!(line, "docker mcp gateway run --profile dev");
    assert_eq!(listed(&docker, &line), SUMS);
}
