//! `docker mcp …` by the real `docker` command, where there is one, and as Docker would call us.

use std::cell::RefCell;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use rustix::process::Signal;

use super::home::{BINARY, Done, Home, Listening, is_alive, signal, wait_until};

const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

#[cfg(unix)]
#[test]
fn another_plugin_keeps_its_place_unless_it_is_meant_to_give_way() {
    let home = Home::new();
    let plugin = home.write(".docker/cli-plugins/docker-mcp", "#!/bin/sh\necho other\n");
    let said = home.run(&["docker-plugin", "install"]).failed(1);
    assert!(said.contains("is another program"), "{said}");
    assert!(said.contains("--force"), "{said}");
    home.run(&["docker-plugin", "install", "--force"]).ok();
    assert_eq!(
        std::fs::canonicalize(&plugin).unwrap(),
        std::fs::canonicalize(BINARY).unwrap()
    );
    let again = home.run(&["docker-plugin", "install"]).ok();
    assert!(again.contains("already"), "{again}");
    let back = home.run(&["docker-plugin", "rm"]).ok();
    assert!(back.contains("what it was before"), "{back}");
    assert!(std::fs::read_to_string(&plugin).unwrap().contains("other"));
    let said = home.run(&["docker-plugin", "rm"]).failed(1);
    assert!(said.contains("so it stays"), "{said}");
    std::fs::remove_file(&plugin).unwrap();
    let nothing = home
        .run(&["docker-plugin", "rm", "--format", "json"])
        .json();
    assert_eq!(nothing["changed"], false);
}

#[cfg(unix)]
#[test]
fn docker_runs_us_as_its_own_command() {
    let home = Home::new();
    home.run(&["docker-plugin", "install"]).ok();
    let plugin = home.path(".docker/cli-plugins/docker-mcp");
    let plugin = plugin.to_str().unwrap();
    let metadata = run(&home, plugin, &["docker-cli-plugin-metadata"]).json();
    assert_eq!(metadata["SchemaVersion"], "0.1.0");
    let lines: [(&[&str], &str); 4] = [
        (&["mcp", "feature", "disable", "dynamic-tools"], ""),
        (&["mcp", "feature", "ls"], "dynamic-tools     off"),
        (&["mcp", "--help"], "Usage: docker mcp"),
        (&["mcp", "help", "gateway", "run"], "docker mcp gateway run"),
    ];
    let mut ways = vec![plugin];
    let docker = PATH.split(':').map(|folder| format!("{folder}/docker"));
    let docker = docker.into_iter().find(|file| Path::new(file).exists());
    // Where Docker is, its command is what people have.
    ways.extend(docker.as_deref());
    for way in ways {
        for (words, part) in lines {
            let printed = run(&home, way, words).ok();
            assert!(printed.contains(part), "{way} {words:?}: {printed}");
        }
        let said = run(&home, way, &["mcp", "featur", "ls"]).failed(2);
        assert!(said.contains("feature"), "{said}");
    }
}

/// It is sent no signal: `docker` closes a socket, or is gone and the system closes it.
#[cfg(target_os = "linux")]
#[test]
fn the_plugin_ends_with_the_docker_that_started_it() {
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::SocketAddr;

    let home = Home::new();
    home.run(&["docker-plugin", "install"]).ok();
    let plugin = home.path(".docker/cli-plugins/docker-mcp");
    let line = [
        "mcp",
        "gateway",
        "run",
        "--transport",
        "http",
        "--port",
        "0",
    ];
    let file = home.path("socket").display().to_string();
    let name = format!("portolan-test-{}", std::process::id());
    let unnamed = SocketAddr::from_abstract_name(&name).unwrap();
    for (listener, told) in [
        (UnixListener::bind(&file), file),
        (UnixListener::bind_addr(&unnamed), format!("@{name}")),
    ] {
        let mut command = home.command_of(&plugin, &line);
        command.env("DOCKER_CLI_PLUGIN_SOCKET", told);
        let mut gateway = Listening::begin(command);
        let held = accepted(&listener.unwrap());
        assert_eq!(gateway.http("GET", "/health", &[], "").0, 200);
        drop(held);
        assert!(gateway.ended().success());
    }
    let docker = PATH.split(':').map(|folder| format!("{folder}/docker"));
    let Some(docker) = docker.into_iter().find(|file| Path::new(file).exists()) else {
        return;
    };
    for how in [Signal::TERM, Signal::KILL] {
        let mut command = home.command_of(Path::new(&docker), &line);
        let mut gateway = {
            command.env("PATH", PATH);
            Listening::begin(command)
        };
        let listed = home.run(&["server", "ls", "--format", "json"]).json();
        let pid = listed["gateways"][0]["pid"].as_u64().unwrap();
        let pid = u32::try_from(pid).unwrap();
        assert_ne!(pid, gateway.pid());
        signal(gateway.pid(), how);
        gateway.ended();
        wait_until(|| !is_alive(pid));
    }
}

/// What `portolan up` leaves running is nobody's plugin any more.
#[test]
fn the_gateway_of_all_does_not_end_with_the_docker_that_started_it() {
    let home = Home::new();
    // As a copy, which is called `docker-mcp` wherever it is asked.
    let plugin = home.path(".docker/cli-plugins/docker-mcp");
    std::fs::create_dir_all(plugin.parent().unwrap()).unwrap();
    std::fs::hard_link(BINARY, &plugin)
        .or_else(|_| std::fs::copy(BINARY, &plugin).map(drop))
        .unwrap();
    let file = home.path("socket").display().to_string();
    let listener = UnixListener::bind(&file).unwrap();
    let mut command = home.command_of(&plugin, &["mcp", "up", "--format", "json"]);
    command
        .env("DOCKER_CLI_PLUGIN_SOCKET", &file)
        .env("PORTOLAN_PORT", "0");
    let started = Done::of(&command.output().unwrap()).json();
    let pid = u32::try_from(started["pid"].as_u64().unwrap()).unwrap();
    // The command had its socket, and nobody else has come.
    accepted(&listener);
    assert!(listener.accept().is_err());
    drop(listener);
    assert!(is_alive(pid));
    home.run(&["down"]).ok();
    wait_until(|| !is_alive(pid));
}

/// Who has come to a socket, or comes in time.
fn accepted(listener: &UnixListener) -> UnixStream {
    listener.set_nonblocking(true).unwrap();
    let come = RefCell::new(None);
    wait_until(|| {
        *come.borrow_mut() = listener.accept().ok();
        come.borrow().is_some()
    });
    come.into_inner().unwrap().0
}

fn run(home: &Home, program: &str, words: &[&str]) -> Done {
    let mut command = home.command_of(Path::new(program), words);
    Done::of(&command.env("PATH", PATH).output().unwrap())
}
