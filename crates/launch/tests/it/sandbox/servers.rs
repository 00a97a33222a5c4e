//! Servers that people use, in boxes with what their entries declare and nothing else. Started by `tests/sandbox/run`,
//! which installs them.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use portolan_launch::Process;
use portolan_launch::sandbox::{Declared, SandboxLauncher, SandboxOptions};
use transport::Pipe;

use super::{am_root, as_anybody, entry, has_namespaces, line, options, start, volumes};

#[tokio::test]
#[ignore = "started by tests/sandbox/run"]
async fn real_servers_work_in_the_boxes_of_root() {
    if am_root() {
        all().await;
    }
}

#[test]
#[ignore = "started by tests/sandbox/run"]
fn real_servers_work_in_the_boxes_of_an_ordinary_user() {
    as_anybody("sandbox::servers::of_an_ordinary_user");
}

#[tokio::test]
#[ignore = "started by real_servers_work_in_the_boxes_of_an_ordinary_user"]
async fn of_an_ordinary_user() {
    all().await;
}

async fn all() {
    let packages = super::packages();
    let launcher = SandboxLauncher::new(with_node(options(), None));
    if !has_namespaces(&launcher) {
        return;
    }
    println!("everything");
    everything(&launcher, &packages).await;
    println!("filesystem");
    filesystem(&launcher, &packages).await;
    println!("time");
    time(&launcher, &packages).await;
    println!("git");
    git(&launcher, &packages).await;
    println!("a_project_of_node");
    a_project_of_node(&launcher, &packages).await;
    println!("a_node_of_nvm");
    a_node_of_nvm(&packages).await;
    println!("a_python_of_pyenv");
    a_python_of_pyenv().await;
}

/// With the Node that was installed for this before the system's programs, and whatever else there is.
pub(super) fn with_node(mut options: SandboxOptions, more: Option<&Path>) -> SandboxOptions {
    let node = super::packages().join("node/node_modules");
    let node = fs::read_dir(node)
        .unwrap()
        .flatten()
        .map(|found| found.path().join("bin"))
        .find(|bin| bin.join("node").exists())
        .unwrap();
    let own = [node.as_path()].into_iter().chain(more);
    let system = ["/usr/local/bin", "/usr/bin", "/bin"].map(Path::new);
    let path = std::env::join_paths(own.chain(system)).unwrap();
    options.environment.retain(|(name, _)| name != "PATH");
    options.environment.push(("PATH".into(), path));
    options
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A conversation with one server.
pub(super) struct Talk {
    pipe: Pipe,
    process: Process,
    id: u32,
}

impl Talk {
    async fn begin(
        launcher: &SandboxLauncher,
        command: &Path,
        args: &[&str],
        declared: &Declared,
    ) -> Self {
        let (pipe, process) = start(launcher, &entry(text(command), args), declared).await;
        Self::hello(pipe, process).await
    }

    pub(super) async fn hello(pipe: Pipe, process: Process) -> Self {
        let mut talk = Self {
            pipe,
            process,
            id: 0,
        };
        let hello = r#"{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}"#;
        let answer = talk.ask("initialize", hello).await;
        assert!(answer.contains("serverInfo"), "{answer}");
        talk.pipe
            .sink
            .send(br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)
            .unwrap();
        talk
    }

    async fn ask(&mut self, method: &str, params: &str) -> String {
        self.id += 1;
        let id = self.id;
        let request =
            format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#);
        self.pipe.sink.send(request.as_bytes()).unwrap();
        loop {
            let Some(line) = line(&mut self.pipe).await else {
                let reason = self.process.exited().await;
                panic!("{method}: {reason} {:#?}", self.process.stderr_tail(30));
            };
            let is_answer = line.contains(&format!("\"id\":{id}")) && !line.contains("\"method\"");
            if is_answer {
                return line;
            }
        }
    }

    pub(super) async fn end(self) {
        self.process.stop(super::NEVER).await;
    }

    pub(super) async fn call(&mut self, tool: &str, arguments: &str) -> String {
        let params = format!(r#"{{"name":"{tool}","arguments":{arguments}}}"#);
        self.ask("tools/call", &params).await
    }
}

/// By the link that npm lays.
async fn everything(launcher: &SandboxLauncher, packages: &Path) {
    let command = packages.join("everything/node_modules/.bin/mcp-server-everything");
    let mut talk = Talk::begin(launcher, &command, &[], &Declared::default()).await;
    let answer = talk.call("echo", r#"{"message":"boxed"}"#).await;
    assert!(answer.contains("boxed"), "{answer}");
    talk.process.stop(super::NEVER).await;
}

/// By `node FILE`, with one folder.
async fn filesystem(launcher: &SandboxLauncher, packages: &Path) {
    let file = packages
        .join("filesystem/node_modules/@modelcontextprotocol/server-filesystem/dist/index.js");
    let dir = super::open_folder();
    let folder = dir.path().join("folder");
    fs::create_dir(&folder).unwrap();
    fs::write(dir.path().join("outside.txt"), "outside").unwrap();
    let args = [text(&file), text(&folder)];
    let declared = volumes(&[(&folder, true)]);
    let mut talk = Talk::begin(launcher, Path::new("node"), &args, &declared).await;
    let path = folder.join("new.txt");
    let arguments = format!(r#"{{"path":"{}","content":"boxed"}}"#, path.display());
    let answer = talk.call("write_file", &arguments).await;
    assert_eq!(fs::read_to_string(&path).unwrap(), "boxed", "{answer}");
    assert_eq!(
        fs::metadata(&path).unwrap().uid(),
        fs::metadata(&folder).unwrap().uid()
    );
    let outside = format!(
        r#"{{"path":"{}"}}"#,
        dir.path().join("outside.txt").display()
    );
    let answer = talk.call("read_text_file", &outside).await;
    assert!(answer.contains("isError"), "{answer}");
    talk.process.stop(super::NEVER).await;
}

/// By a script that pip has written.
async fn time(launcher: &SandboxLauncher, packages: &Path) {
    let command = packages.join("pyservers/bin/mcp-server-time");
    let args = ["--local-timezone", "Europe/Lisbon"];
    let mut talk = Talk::begin(launcher, &command, &args, &Declared::default()).await;
    let answer = talk
        .call("get_current_time", r#"{"timezone":"Asia/Tokyo"}"#)
        .await;
    assert!(answer.contains("+09:00"), "{answer}");
    talk.process.stop(super::NEVER).await;
}

/// By `node dist/index.js` in a project with its own `node_modules`.
async fn a_project_of_node(launcher: &SandboxLauncher, packages: &Path) {
    let dir = super::open_folder();
    let project = dir.path().canonicalize().unwrap().join("project");
    fs::create_dir_all(project.join("dist")).unwrap();
    fs::write(
        project.join("package.json"),
        r#"{"name":"p","type":"module"}"#,
    )
    .unwrap();
    fs::write(
        project.join("dist/index.js"),
        "import '@modelcontextprotocol/server-everything/dist/index.js';\n",
    )
    .unwrap();
    copy(&packages.join("everything/node_modules"), &project);
    let line = entry("node", &["dist/index.js", "stdio"]);
    let line = super::with_cwd(line, &project);
    let (pipe, process) = start(launcher, &line, &Declared::default()).await;
    let mut talk = Talk::hello(pipe, process).await;
    let answer = talk.call("echo", r#"{"message":"boxed"}"#).await;
    assert!(answer.contains("boxed"), "{answer}");
    talk.end().await;
}

/// With everything in it, as a person would.
fn copy(from: &Path, into: &Path) {
    #[expect(clippy::disallowed_methods, reason = "a project to be started from")]
    let copied = Command::new("cp").arg("-a").args([from, into]).status();
    assert!(copied.unwrap().success());
}

/// A server of few lines, by a runtime that lies where a version manager puts it.
async fn says_where(options: SandboxOptions, command: &str, file: &Path, expected: &Path) {
    let launcher = SandboxLauncher::new(options);
    let line = entry(command, &[text(file)]);
    let (pipe, process) = start(&launcher, &line, &Declared::default()).await;
    let mut talk = Talk::hello(pipe, process).await;
    let answer = talk.call("where", "{}").await;
    assert!(answer.contains(text(expected)), "{answer}");
    talk.end().await;
}

/// Laid out as nvm does: no shim, a folder for each version, and the one in use first in `PATH`.
async fn a_node_of_nvm(packages: &Path) {
    let dir = super::open_folder();
    let home = dir.path().canonicalize().unwrap().join("home");
    let version = home.join(".nvm/versions/node/v24.0.0");
    fs::create_dir_all(version.join("bin")).unwrap();
    let node = fs::read_dir(packages.join("node/node_modules"))
        .unwrap()
        .flatten();
    let node = node
        .map(|found| found.path().join("bin/node"))
        .find(|node| node.exists());
    fs::copy(node.unwrap(), version.join("bin/node")).unwrap();
    fs::create_dir(home.join("server")).unwrap();
    let file = home.join("server/index.mjs");
    fs::write(
        &file,
        "import readline from 'node:readline';
readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  const result = method === 'initialize'
    ? { protocolVersion: params.protocolVersion, capabilities: {}, serverInfo: { name: 'w', version: '1' } }
    : { content: [{ type: 'text', text: process.execPath }] };
  console.log(JSON.stringify({ jsonrpc: '2.0', id, result }));
});
",
    )
    .unwrap();
    let options = of_a_home(options(), &home, &version.join("bin"));
    says_where(options, "node", &file, &version.join("bin/node")).await;
}

/// Laid out as pyenv does: a shim, a file that says which version, and a folder for each.
async fn a_python_of_pyenv() {
    let dir = super::open_folder();
    let home = dir.path().canonicalize().unwrap().join("home");
    let root = home.join(".pyenv");
    let version = root.join("versions/3.99.1");
    for folder in ["shims", "versions"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    #[expect(clippy::disallowed_methods, reason = "a Python of a version manager")]
    let made = Command::new("/usr/bin/python3")
        .args(["-m", "venv", "--without-pip", "--copies"])
        .arg(&version)
        .status();
    assert!(made.unwrap().success());
    fs::write(root.join("version"), "3.99\n").unwrap();
    let shim = root.join("shims/python3");
    fs::write(
        &shim,
        "#!/usr/bin/env bash\nexec pyenv exec python3 \"$@\"\n",
    )
    .unwrap();
    fs::set_permissions(&shim, fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(home.join("server")).unwrap();
    let file = home.join("server/server.py");
    fs::write(
        &file,
        "import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    if 'id' not in asked: continue
    result = {'content': [{'type': 'text', 'text': sys.prefix}]}
    if asked['method'] == 'initialize':
        result = {'protocolVersion': asked['params']['protocolVersion'], 'capabilities': {}, 'serverInfo': {'name': 'w', 'version': '1'}}
    print(json.dumps({'jsonrpc': '2.0', 'id': asked['id'], 'result': result}, separators=(',', ':')), flush=True)
",
    )
    .unwrap();
    let options = of_a_home(options(), &home, &root.join("shims"));
    says_where(options, "python3", &file, &version).await;
}

/// As somebody with this home would start us, this folder being first where programs are looked for.
fn of_a_home(mut options: SandboxOptions, home: &Path, first: &Path) -> SandboxOptions {
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", first.display());
    options
        .environment
        .retain(|(name, _)| name != "PATH" && name != "HOME" && name != "PYENV_ROOT");
    options.environment.push(("PATH".into(), path.into()));
    options.environment.push(("HOME".into(), home.into()));
    options
}

/// By `python -m` in a virtual environment, with a commit.
async fn git(launcher: &SandboxLauncher, packages: &Path) {
    let dir = super::open_folder();
    let (repo, git) = repository(dir.path());
    let python = packages.join("pyservers/bin/python");
    let args = ["-m", "mcp_server_git", "--repository", text(&repo)];
    let declared = volumes(&[(&repo, true)]);
    let mut talk = Talk::begin(launcher, &python, &args, &declared).await;
    talk.commits(&repo, &git).await;
    talk.end().await;
}

/// A repository with a file that is to be committed, and git for it.
pub(super) fn repository(dir: &Path) -> (PathBuf, impl Fn(&[&str]) -> String + use<>) {
    let repo = dir.canonicalize().unwrap().join("repo");
    let at = repo.clone();
    let run = move |args: &[&str]| {
        #[expect(clippy::disallowed_methods, reason = "a repository to commit to")]
        let output = Command::new("git")
            .args(["-c", "safe.directory=*", "-C"])
            .arg(&at)
            .args(args)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    fs::create_dir(&repo).unwrap();
    run(&["init", "-q"]);
    run(&["config", "user.name", "Ada"]);
    run(&["config", "user.email", "ada@example.com"]);
    fs::write(repo.join("file"), "text\n").unwrap();
    (repo, run)
}

impl Talk {
    /// The git server commits the file of a [`repository`].
    pub(super) async fn commits(&mut self, repo: &Path, run: &impl Fn(&[&str]) -> String) {
        let at = repo.display();
        let added = self
            .call(
                "git_add",
                &format!(r#"{{"repo_path":"{at}","files":["file"]}}"#),
            )
            .await;
        assert!(!added.contains("\"isError\":true"), "{added}");
        let committed = self
            .call(
                "git_commit",
                &format!(r#"{{"repo_path":"{at}","message":"boxed"}}"#),
            )
            .await;
        assert_eq!(
            run(&["log", "--format=%s %an"]),
            "boxed Ada\n",
            "{committed}"
        );
        let owner = fs::metadata(repo).unwrap().uid();
        assert_eq!(fs::metadata(repo.join(".git/index")).unwrap().uid(), owner);
    }
}
