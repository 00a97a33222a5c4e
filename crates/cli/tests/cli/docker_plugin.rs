//! `docker mcp …` by the real `docker` command, where there is one, and as Docker would call us.

use std::path::Path;

use super::home::{BINARY, Done, Home};

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

fn run(home: &Home, program: &str, words: &[&str]) -> Done {
    let mut command = home.command_of(Path::new(program), words);
    Done::of(&command.env("PATH", PATH).output().unwrap())
}
