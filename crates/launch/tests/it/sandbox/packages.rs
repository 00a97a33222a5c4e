//! Servers that people use, installed in boxes and run in boxes, by the lines that stand in people's files. Started by
//! `tests/sandbox/run`, which brings Node; the packages come from npm and PyPI.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use catalog::{Entry, Launch, Network, Registry, ServerName};
use portolan_launch::sandbox::{Level, SandboxLauncher};
use portolan_launch::{Launcher, Link, PackageLauncher, PackageOptions};

use super::servers::{Talk, repository, with_node};
use super::{am_root, as_anybody, options};

#[tokio::test]
#[ignore = "started by tests/sandbox/run"]
async fn real_servers_from_packages_in_the_boxes_of_root() {
    if am_root() {
        all().await;
    }
}

#[test]
#[ignore = "started by tests/sandbox/run"]
fn real_servers_from_packages_in_the_boxes_of_an_ordinary_user() {
    as_anybody("sandbox::packages::of_an_ordinary_user");
}

#[tokio::test]
#[ignore = "started by real_servers_from_packages_in_the_boxes_of_an_ordinary_user"]
async fn of_an_ordinary_user() {
    all().await;
}

/// What is installed here, and how.
struct World {
    dir: tempfile::TempDir,
    launcher: PackageLauncher,
}

async fn all() {
    let world = World::new(None);
    let Some(world) = world else { return };
    world.by_npx().await;
    world.filesystem().await;
    world.memory().await;
    world.time().await;
    world.git().await;
    world.fetch().await;
    world.with_requirements().await;
    world.a_bundle_of_uv().await;
    world.what_is_installed_needs_no_registry().await;
    // The same with uv instead of pip.
    let uv = super::packages().join("uv/bin");
    let Some(world) = World::new(Some(&uv)) else {
        return;
    };
    world.time().await;
    world.a_project_of_uv(&uv).await;
}

/// Has one tool.
const SERVER: &str = "from mcp.server.fastmcp import FastMCP\nserver = FastMCP('x')\n@server.tool()\ndef hello() -> str:\n    return 'boxed'\nserver.run()\n";

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn package(registry: Registry, identifier: &str, version: &str, args: &[&str]) -> Entry {
    let launch = Launch::Package {
        registry,
        identifier: identifier.to_owned(),
        version: Some(version.to_owned()),
        sha256: None,
        runtime: None,
        runtime_args: Vec::new(),
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        env: Vec::new(),
    };
    Entry::new(ServerName::new("test").unwrap(), launch)
}

impl World {
    fn new(uv: Option<&Path>) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mut options = with_node(options(), uv);
        options
            .environment
            .retain(|(name, _)| name != "XDG_CACHE_HOME");
        let packages = PackageOptions {
            folder: dir.path().join("packages"),
            environment: options.environment.clone(),
            program: Some(options.program.clone()),
            fetch: None,
            install_scripts: Vec::new(),
        };
        let boxes = SandboxLauncher::new(options);
        let probe = boxes.probe();
        println!("{probe} {:?}", probe.missing);
        let is_worth_it = probe.level == Level::Namespaces;
        let launcher = PackageLauncher::new(Arc::new(boxes), packages);
        is_worth_it.then_some(Self { dir, launcher })
    }

    async fn talk(&self, entry: &Entry) -> Talk {
        let prepared = self
            .launcher
            .prepare(entry, &|what| println!("{what}"))
            .await;
        if let Err(error) = prepared {
            panic!("{error}");
        }
        let launched = self.launcher.launch(entry).await;
        match launched.map(|launched| (launched.link, launched.process)) {
            Ok((Link::Pipe(pipe), Some(process))) => Talk::hello(pipe, process).await,
            Ok(_) => panic!("a program has pipes and a process"),
            Err(error) => panic!("{error}"),
        }
    }

    /// `npx -y PACKAGE@VERSION`.
    async fn by_npx(&self) {
        let name = "@modelcontextprotocol/server-everything@2026.8.31";
        let mut talk = self.talk(&super::entry("npx", &["-y", name])).await;
        let answer = talk.call("echo", r#"{"message":"boxed"}"#).await;
        assert!(answer.contains("boxed"), "{answer}");
        talk.end().await;
    }

    async fn filesystem(&self) {
        let dir = super::open_folder();
        let folder = dir.path().canonicalize().unwrap().join("folder");
        fs::create_dir(&folder).unwrap();
        let name = "@modelcontextprotocol/server-filesystem";
        let mut entry = package(Registry::Npm, name, "2026.8.31", &[text(&folder)]);
        entry.volumes = vec![format!("{}:rw", folder.display())];
        let mut talk = self.talk(&entry).await;
        let path = folder.join("new.txt");
        let arguments = format!(r#"{{"path":"{}","content":"boxed"}}"#, path.display());
        let answer = talk.call("write_file", &arguments).await;
        assert_eq!(fs::read_to_string(&path).unwrap(), "boxed", "{answer}");
        talk.end().await;
    }

    async fn memory(&self) {
        let folder = self.dir.path().canonicalize().unwrap().join("memory");
        fs::create_dir(&folder).unwrap();
        let mut entry = package(
            Registry::Npm,
            "@modelcontextprotocol/server-memory",
            "2026.8.31",
            &[],
        );
        entry.volumes = vec![format!("{}:rw", folder.display())];
        if let Launch::Package { env, .. } = &mut entry.launch {
            let file = folder.join("memory.jsonl").display().to_string();
            env.push(("MEMORY_FILE_PATH".to_owned(), file));
        }
        let mut talk = self.talk(&entry).await;
        let facts =
            r#"{"entities":[{"name":"Ada","entityType":"person","observations":["boxed"]}]}"#;
        talk.call("create_entities", facts).await;
        let kept = fs::read_to_string(folder.join("memory.jsonl")).unwrap();
        assert!(kept.contains("Ada"), "{kept}");
        talk.end().await;
    }

    /// `uvx PACKAGE@VERSION`.
    async fn time(&self) {
        let line = [
            "mcp-server-time@2026.10.19",
            "--local-timezone",
            "Europe/Lisbon",
        ];
        let mut talk = self.talk(&super::entry("uvx", &line)).await;
        let answer = talk
            .call("get_current_time", r#"{"timezone":"Asia/Tokyo"}"#)
            .await;
        assert!(answer.contains("+09:00"), "{answer}");
        talk.end().await;
    }

    async fn git(&self) {
        let dir = super::open_folder();
        let (repo, git) = repository(dir.path());
        let args = ["--repository", text(&repo)];
        let mut entry = package(Registry::Pypi, "mcp-server-git", "2026.10.19", &args);
        entry.volumes = vec![format!("{}:rw", repo.display())];
        let mut talk = self.talk(&entry).await;
        talk.commits(&repo, &git).await;
        talk.end().await;
    }

    /// A page of a host that only its rule knows the way to, and one that is not listed.
    async fn fetch(&self) {
        let address = web_server();
        let mut entry = package(
            Registry::Pypi,
            "mcp-server-fetch",
            "2026.10.24",
            &["--ignore-robots-txt"],
        );
        entry.network = Network::Hosts(vec![format!("allowed.test:80={address}")]);
        let mut talk = self.talk(&entry).await;
        let answer = talk
            .call("fetch", r#"{"url":"http://allowed.test/","raw":true}"#)
            .await;
        assert!(answer.contains("welcome"), "{answer}");
        let answer = talk
            .call("fetch", r#"{"url":"http://other.test/","raw":true}"#)
            .await;
        assert!(
            !answer.contains("welcome") && answer.contains("rror"),
            "{answer}"
        );
        talk.end().await;
    }

    /// `uv run --with PACKAGE python FILE`, as `mcp install` writes it.
    async fn with_requirements(&self) {
        let file = self.server_file("loose");
        let line = ["run", "--with", "mcp==1.30.0", "python", text(&file)];
        self.says_hello(&super::entry("uv", &line)).await;
    }

    /// A bundle whose packages are named and not in it, and whose own module is in `src`.
    async fn a_bundle_of_uv(&self) {
        let manifest = r#"{"manifest_version":"0.4","name":"of-uv","version":"1","description":"x",
            "server":{"type":"uv","entry_point":"server.py","mcp_config":{
                "command":"uv","args":["run","--directory","${__dirname}","server.py"]}}}"#;
        let project =
            "[project]\nname = \"x\"\nversion = \"1\"\ndependencies = [\"mcp == 1.30.0\"]\n";
        let server = SERVER.replace("'boxed'", "word.WORD");
        let parts = [
            ("manifest.json", manifest),
            ("pyproject.toml", project),
            ("server.py", &format!("import word\n{server}")),
            ("src/word.py", "WORD = 'boxed'\n"),
        ];
        let path = self.dir.path().canonicalize().unwrap().join("of-uv.mcpb");
        crate::packages::zip(&path, &parts);
        let mut entry = portolan_launch::bundle_entry(&path).unwrap();
        // It has nothing to be filled in.
        entry.is_template = false;
        self.says_hello(&entry).await;
    }

    /// `uv --directory PROJECT run FILE`, once `uv sync` has been run there.
    async fn a_project_of_uv(&self, uv: &Path) {
        let file = self.server_file("project");
        let project = file.parent().unwrap();
        let about = "[project]\nname = \"x\"\nversion = \"1\"\nrequires-python = \">=3.10\"\ndependencies = [\"mcp==1.30.0\"]\n";
        fs::write(project.join("pyproject.toml"), about).unwrap();
        #[expect(
            clippy::disallowed_methods,
            reason = "what a person does in their project"
        )]
        let output = std::process::Command::new(uv.join("uv"))
            .args([
                "sync",
                "--quiet",
                "--no-install-project",
                "--python",
                "/usr/bin/python3",
            ])
            .current_dir(project)
            .env("UV_CACHE_DIR", self.dir.path().join("uv-cache"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let line = ["--directory", text(project), "run", "server.py"];
        self.says_hello(&super::entry("uv", &line)).await;
    }

    async fn says_hello(&self, entry: &Entry) {
        let mut talk = self.talk(entry).await;
        let answer = talk.call("hello", "{}").await;
        assert!(answer.contains("boxed"), "{answer}");
        talk.end().await;
    }

    fn server_file(&self, folder: &str) -> PathBuf {
        let folder = self.dir.path().canonicalize().unwrap().join(folder);
        fs::create_dir(&folder).unwrap();
        let file = folder.join("server.py");
        fs::write(&file, SERVER).unwrap();
        file
    }

    /// Another gateway, whose names lead nowhere.
    async fn what_is_installed_needs_no_registry(&self) {
        let nowhere = vec![("PATH".into(), "/usr/bin:/bin".into())];
        let options = PackageOptions {
            folder: self.dir.path().join("packages"),
            environment: nowhere,
            program: None,
            fetch: None,
            install_scripts: Vec::new(),
        };
        let boxes = SandboxLauncher::new(with_node(super::options(), None));
        let launcher = PackageLauncher::new(Arc::new(boxes), options);
        let name = "@modelcontextprotocol/server-everything@2026.8.31";
        assert!(launcher.is_prepared(&super::entry("npx", &["-y", name])));
        assert!(!launcher.is_prepared(&super::entry("npx", &["-y", "never-asked-for"])));
        let left = fs::read_dir(self.dir.path().join("packages/tmp"))
            .unwrap()
            .count();
        assert_eq!(left, 0);
    }
}

/// A web server of this machine that says the same to everybody.
fn web_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            let _ = client.read(&mut [0; 4096]);
            let _ = client.write_all(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 7\r\nConnection: close\r\n\r\nwelcome",
            );
        }
    });
    address
}
