//! What a box holds: enough for the usual ways to start a server, and no more.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use catalog::{Entry, Launch};
use portolan_launch::LaunchError;
use portolan_launch::limits::BOX_OWNERS_MAX;
use portolan_launch::sandbox::{Declared, SandboxLauncher, SandboxOptions};

use super::{
    am_root, as_anybody, entry, has_namespaces, launcher, options, said, shell, start, volumes,
    with_cwd, with_env,
};

#[tokio::test]
async fn the_usual_servers_find_what_they_need_in_the_boxes_of_root() {
    if am_root() {
        everything().await;
    }
}

#[test]
fn the_usual_servers_find_what_they_need_in_the_boxes_of_an_ordinary_user() {
    as_anybody("sandbox::needs::of_an_ordinary_user");
}

#[tokio::test]
#[ignore = "started by the_usual_servers_find_what_they_need_in_the_boxes_of_an_ordinary_user"]
async fn of_an_ordinary_user() {
    everything().await;
}

async fn everything() {
    let launcher = launcher();
    if !has_namespaces(&launcher) {
        return;
    }
    a_script_in_a_project(&launcher).await;
    an_installed_package(&launcher).await;
    a_virtual_environment(&launcher).await;
    a_shim().await;
    a_commit_in_a_volume(&launcher).await;
    an_environment_that_the_server_may_write(&launcher).await;
    owners_without_end(&launcher).await;
    what_is_named_and_stays_outside(&launcher).await;
    a_home_as_working_folder(&launcher).await;
    the_environment(&launcher).await;
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(super::open_folder())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    /// A file, executable if it is a script.
    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        if text.starts_with("#!") {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        path
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// `python3 src/main.py` where there is a `pyproject.toml`, from inside and from elsewhere.
async fn a_script_in_a_project(launcher: &SandboxLauncher) {
    let folder = Folder::new();
    folder.file("app/pyproject.toml", "");
    folder.file("app/lib/part.py", "word = 'whole'\n");
    folder.file("beside.txt", "");
    let main = folder.file(
        "app/src/main.py",
        "import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'lib'))
import part
print(part.word, os.getcwd(), os.path.exists('../beside.txt'))
try: open(__file__, 'a')
except OSError as error: print(error.errno)
",
    );
    let inside = with_cwd(
        entry("/usr/bin/python3", &["src/main.py"]),
        &folder.path("app"),
    );
    let lines = said(launcher, &inside, &Declared::default()).await;
    assert_eq!(
        lines,
        [
            format!("whole {} False", folder.path("app").display()),
            "30".to_owned()
        ]
    );
    let elsewhere = entry("/usr/bin/python3", &[text(&main)]);
    let lines = said(launcher, &elsewhere, &Declared::default()).await;
    assert!(lines[0].starts_with("whole /"), "{lines:?}");
    // A file without a project is there alone.
    let alone = folder.file(
        "loose/alone.py",
        "import os; print(os.listdir(os.path.dirname(__file__)))",
    );
    folder.file("loose/other.py", "");
    let lines = said(
        launcher,
        &entry("/usr/bin/python3", &[text(&alone)]),
        &Declared::default(),
    )
    .await;
    assert_eq!(lines, ["['alone.py']"]);
}

/// A command in `node_modules/.bin`: a link to a script that `env` finds the interpreter of, which loads a neighbour.
async fn an_installed_package(launcher: &SandboxLauncher) {
    let folder = Folder::new();
    folder.file("x/node_modules/server/package.json", "{}");
    folder.file("x/node_modules/needed/part.sh", "echo neighbour\n");
    folder.file(
        "x/node_modules/server/cli.sh",
        "#!/usr/bin/env sh\n. \"$(dirname \"$(readlink -f \"$0\")\")/../needed/part.sh\"\n",
    );
    fs::create_dir(folder.path("x/node_modules/.bin")).unwrap();
    let command = folder.path("x/node_modules/.bin/server");
    symlink("../server/cli.sh", &command).unwrap();
    let lines = said(launcher, &entry(text(&command), &[]), &Declared::default()).await;
    assert_eq!(lines, ["neighbour"]);
}

/// `.venv/bin/python -m server`, where the environment was made with the system's Python.
async fn a_virtual_environment(launcher: &SandboxLauncher) {
    let folder = Folder::new();
    let home = folder.path("env");
    #[expect(clippy::disallowed_methods, reason = "an environment to run from")]
    let made = Command::new("/usr/bin/python3")
        .args(["-m", "venv", "--without-pip"])
        .arg(&home)
        .status();
    assert!(made.unwrap().success());
    let packages = fs::read_dir(home.join("lib"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    fs::write(
        packages.join("site-packages/server.py"),
        "import sys; print(sys.prefix)",
    )
    .unwrap();
    let python = home.join("bin/python");
    let lines = said(
        launcher,
        &entry(text(&python), &["-m", "server"]),
        &Declared::default(),
    )
    .await;
    assert_eq!(lines, [text(&home)]);
    // And a script that was installed into it.
    let script = folder.file(
        "env/bin/server",
        &format!("#!{}\nimport server\n", python.display()),
    );
    let lines = said(launcher, &entry(text(&script), &[]), &Declared::default()).await;
    assert_eq!(lines, [text(&home)]);
}

/// A pyenv whose shim reads settings that the box does not have.
async fn a_shim() {
    let folder = Folder::new();
    let home = folder.path("home");
    folder.file(
        "home/.pyenv/shims/python3",
        "#!/bin/sh\necho this is the shim\n",
    );
    folder.file("home/.pyenv/version", "3.99\n");
    folder.file("home/.pyenv/versions/3.99.0/lib/x", "");
    let real = folder.file(
        "home/.pyenv/versions/3.99.0/bin/python3",
        "#!/bin/sh\nif [ \"$1\" = -c ]; then echo \"real $0\"; else exec sh \"$1\"; fi\n",
    );
    let script = folder.file(
        "project/server",
        "#!/usr/bin/env python3\necho by a first line\n",
    );
    let mut options: SandboxOptions = options();
    let path = format!("{}:/usr/bin:/bin", home.join(".pyenv/shims").display());
    options.environment = vec![("PATH".into(), path.into()), ("HOME".into(), home.into())];
    let launcher = SandboxLauncher::new(options);
    let lines = said(
        &launcher,
        &entry("python3", &["-c", ""]),
        &Declared::default(),
    )
    .await;
    assert_eq!(lines, [format!("real {}", real.display())]);
    let lines = said(&launcher, &entry(text(&script), &[]), &Declared::default()).await;
    assert_eq!(lines, ["by a first line"]);
}

/// Git looks at who owns a folder. Whoever that is outside, the server may work in it, and what it makes is theirs.
async fn a_commit_in_a_volume(launcher: &SandboxLauncher) {
    let folder = Folder::new();
    let mut owners = vec![rustix::process::geteuid().as_raw()];
    if am_root() {
        owners.push(12_345);
    }
    for owner in owners {
        let name = format!("repo-{owner}");
        folder.file(&format!("{name}/file"), "text\n");
        let repo = folder.path(&name);
        std::os::unix::fs::chown(&repo, Some(owner), Some(owner)).unwrap_or_default();
        std::os::unix::fs::chown(repo.join("file"), Some(owner), Some(owner)).unwrap_or_default();
        // What only its owner may read is read.
        fs::set_permissions(repo.join("file"), fs::Permissions::from_mode(0o600)).unwrap();
        let script = "set -e; git init -q .; git add file
git -c user.name=a -c user.email=a@b.c commit -qm first; git log --format=%s; cat file; stat -c %U file";
        let committed = with_cwd(shell(script), &repo);
        let lines = said(launcher, &committed, &volumes(&[(&repo, true)])).await;
        assert_eq!(lines, ["first", "text", "server"]);
        for made in ["file", ".git/HEAD", ".git/refs/heads"] {
            assert_eq!(
                fs::metadata(repo.join(made)).unwrap().uid(),
                owner,
                "{made}"
            );
        }
        // Read-only, it stays as it is.
        let lines = said(
            launcher,
            &with_cwd(shell("echo x 2>&- >new || echo no"), &repo),
            &volumes(&[(&repo, false)]),
        )
        .await;
        assert_eq!(lines, ["no"]);
    }
}

/// Where its links lead is the server's word then: the person's is asked for.
async fn an_environment_that_the_server_may_write(launcher: &SandboxLauncher) {
    let folder = Folder::new();
    let python = folder.file("python/bin/python3", "#!/bin/sh\necho python\n");
    fs::create_dir_all(folder.path("project/.venv/bin")).unwrap();
    let link = folder.path("project/.venv/bin/python");
    symlink(&python, &link).unwrap();
    let run = entry(text(&link), &[]);
    let (project, prefix) = (folder.path("project"), folder.path("python"));
    let refused = launcher
        .launch_declared(&run, &volumes(&[(&project, true)]))
        .await;
    let Err(error @ LaunchError::Outside { .. }) = refused.map(super::taken) else {
        panic!("it started");
    };
    let wanted = format!("\"{}\" is not in the server's box: add", prefix.display());
    assert!(error.to_string().contains(&wanted), "{error}");
    let declared = volumes(&[(&project, true), (&prefix, false)]);
    assert_eq!(said(launcher, &run, &declared).await, ["python"]);
    // In one that it may only read, links are the person's.
    let declared = volumes(&[(&project, false)]);
    assert_eq!(said(launcher, &run, &declared).await, ["python"]);
}

/// Each owner costs something outside of the box, so there is an end to them.
async fn owners_without_end(launcher: &SandboxLauncher) {
    if !am_root() {
        return;
    }
    let folder = Folder::new();
    let files: Vec<_> = (0..=BOX_OWNERS_MAX)
        .map(|n| {
            let file = folder.file(&n.to_string(), "");
            let owner = u32::try_from(20_000 + n).unwrap();
            std::os::unix::fs::chown(&file, Some(owner), Some(owner)).unwrap();
            file
        })
        .collect();
    let declared = |files: &[PathBuf]| {
        volumes(
            &files
                .iter()
                .map(|file| (file.as_path(), true))
                .collect::<Vec<_>>(),
        )
    };
    let script = "cd \"$0\"; stat -c %U ? | sort -u";
    let list = entry("/bin/sh", &["-c", script, text(&folder.path(""))]);
    assert_eq!(
        said(launcher, &list, &declared(&files[1..])).await,
        ["server"]
    );
    let Err(error) = launcher
        .launch_declared(&list, &declared(&files))
        .await
        .map(super::taken)
    else {
        panic!("it started");
    };
    assert!(error.to_string().contains("more than 8 users"), "{error}");
}

async fn what_is_named_and_stays_outside(launcher: &SandboxLauncher) {
    let folder = Folder::new();
    let data = folder.path("data");
    fs::create_dir(&data).unwrap();
    let named = entry(
        "/bin/sh",
        &["-c", "ls \"$0\" 2>&- || echo nothing", text(&data)],
    );
    let (mut pipe, process) = start(launcher, &named, &Declared::default()).await;
    assert_eq!(super::line(&mut pipe).await.unwrap(), "nothing");
    process.exited().await;
    let data = data.display();
    assert_eq!(
        process.stderr_tail(9),
        [format!(
            "portolan: \"{data}\" is not in the server's box: add \"{data}\", or \"{data}:rw\" to let it write, to `volumes` in servers.json"
        )]
    );
}

async fn a_home_as_working_folder(launcher: &SandboxLauncher) {
    let home = match am_root() {
        true => PathBuf::from("/root"),
        false => PathBuf::from(
            options()
                .environment
                .iter()
                .find(|(name, _)| name == "HOME")
                .unwrap()
                .1
                .clone(),
        ),
    };
    let homely = with_cwd(shell("pwd"), &home);
    match launcher
        .launch_declared(&homely, &Declared::default())
        .await
    {
        Err(error @ LaunchError::Contents { .. }) => {
            let error = error.to_string();
            assert!(
                error.contains("is not shown to servers as a whole; add")
                    && error.ends_with("in servers.json"),
                "{error}"
            );
        }
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it started"),
    }
    // The person's word counts.
    let lines = said(launcher, &homely, &volumes(&[(&home, false)])).await;
    assert_eq!(lines, [text(&home.canonicalize().unwrap())]);
    let missing = volumes(&[(Path::new("/no/such/volume"), false)]);
    let Err(error) = launcher
        .launch_declared(&shell("true"), &missing)
        .await
        .map(super::taken)
    else {
        panic!("it started");
    };
    assert_eq!(
        error.to_string(),
        "volume \"/no/such/volume\" cannot be used: No such file or directory (os error 2); create it or mend `volumes`, in servers.json"
    );
}

/// What an entry sets is there, at the server alone; what we have is not.
async fn the_environment(launcher: &SandboxLauncher) {
    let mut secretive = with_env(shell("env; echo end; cat"), "API_KEY", "only-for-it");
    if let Launch::Command { env, .. } = &mut secretive.launch {
        env.push(("HOME".to_owned(), "/tmp".to_owned()));
    }
    let secretive: Entry = secretive;
    let (mut pipe, process) = start(launcher, &secretive, &Declared::default()).await;
    let mut lines = Vec::new();
    loop {
        match super::line(&mut pipe).await.unwrap() {
            end if end == "end" => break,
            line => lines.push(line),
        }
    }
    for set in [
        "API_KEY=only-for-it",
        "HOME=/tmp",
        "USER=server",
        "TMPDIR=/tmp",
    ] {
        assert!(lines.iter().any(|line| line == set), "{set}: {lines:?}");
    }
    for ours in ["OPENAI_API_KEY", "XDG_", "DOCKER_", "CARGO"] {
        assert!(
            !lines.iter().any(|line| line.starts_with(ours)),
            "{ours}: {lines:?}"
        );
    }
    // In no argument and no environment of those on the way.
    let init = crate::processes::parent(process.pid());
    let guard = crate::processes::parent(init.unsigned_abs());
    for pid in [init, guard] {
        for file in ["cmdline", "environ"] {
            let text = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            assert!(
                !String::from_utf8_lossy(&text).contains("only-for-it"),
                "{pid} {file}"
            );
        }
    }
    process.stop(super::NEVER).await;
}
