//! Packages installed by an npm of ours, which does what it is told and worse. Real ones: `sandbox::packages`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use catalog::{Entry, Launch, Registry, ServerName};
use portolan_launch::{
    Launched, Launcher, Link, Options, PackageLauncher, PackageOptions, ProcessLauncher,
};
use transport::BoxFuture;

const NEVER: Duration = Duration::from_secs(60);

/// Installs what it is named: `good` and `scripted` as they should be, others as their names say.
const NPM: &str = r#"#!/bin/sh
echo "$@" >> "$TEST_DIR/npm.log"
[ "$1" = rebuild ] && exit 0
while [ $# -gt 1 ]; do [ "$1" = --prefix ] && tree=$2; shift; done
name=${1%@*}
mkdir -p "$tree/node_modules/$name"
more=
case $name in
  missing) echo 'npm error code E404' >&2; echo 'npm error 404 Not Found' >&2; exit 1 ;;
  hanging) exec sleep 100000 ;;
  huge) truncate -s 3G "$tree/huge"; exec sleep 100000 ;;
  slow) while [ ! -e "$TEST_DIR/go" ]; do sleep 0.05; done ;;
  killed) kill -9 $$ ;;
  scripted) more=',"hasInstallScript":true' ;;
esac
echo 'echo "$@"' > "$tree/node_modules/$name/index.js"
echo "{\"bin\":\"index.js\"}" > "$tree/node_modules/$name/package.json"
hash=',"integrity":"sha512-x"'
[ "$name" = unhashed ] && hash=
[ "$name" = garbage ] && { echo '{' > "$tree/package-lock.json"; exit 0; }
echo "{\"packages\":{\"\":{},\"node_modules/$name\":{\"version\":\"1.2.3\"$hash$more}}}" > "$tree/package-lock.json"
"#;

struct World {
    dir: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let world = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        // What installs sees little of our environment, so the script itself has to know where it may tell.
        let here = world.dir.path().display().to_string();
        world.program("npm", &NPM.replace("$TEST_DIR", &here));
        world.program("node", "#!/bin/sh\nexec sh \"$@\"\n");
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn program(&self, name: &str, text: &str) {
        let file = self.path("bin").join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn environment(&self) -> Vec<(std::ffi::OsString, std::ffi::OsString)> {
        let path = format!("{}:/usr/bin:/bin", self.path("bin").display());
        vec![
            ("PATH".into(), path.into()),
            ("HOME".into(), self.dir.path().into()),
        ]
    }

    fn options(&self) -> PackageOptions {
        PackageOptions {
            folder: self.path("cache/packages"),
            environment: self.environment(),
            program: None,
            fetch: None,
            install_scripts: Vec::new(),
        }
    }

    /// As a gateway has it.
    fn launcher(&self) -> PackageLauncher {
        PackageLauncher::new(Arc::new(self.processes()), self.options())
    }

    fn processes(&self) -> ProcessLauncher {
        ProcessLauncher::new(Options {
            guard: Some(env!("CARGO_BIN_EXE_portolan-guard").into()),
            environment: self.environment(),
        })
    }

    fn entry(&self, name: &str, version: Option<&str>) -> Entry {
        let launch = Launch::Package {
            registry: Registry::Npm,
            identifier: name.to_owned(),
            version: version.map(str::to_owned),
            sha256: None,
            runtime: None,
            runtime_args: Vec::new(),
            args: vec!["hello".to_owned()],
            env: Vec::new(),
        };
        let mut entry = Entry::new(ServerName::new("test").unwrap(), launch);
        entry.source = "servers.json".to_owned();
        entry
    }

    fn installs(&self) -> usize {
        let log = fs::read_to_string(self.path("npm.log")).unwrap_or_default();
        log.lines()
            .filter(|line| line.starts_with("install "))
            .count()
    }

    fn in_cache(&self, part: &str) -> Vec<String> {
        let folder = self.path("cache/packages").join(part);
        let mut names: Vec<String> = fs::read_dir(folder)
            .into_iter()
            .flatten()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

async fn said(launcher: &dyn Launcher, entry: &Entry) -> Result<Vec<String>, String> {
    let launched = launcher
        .launch(entry)
        .await
        .map_err(|error| error.to_string())?;
    let (Link::Pipe(mut pipe), Some(process)) = (launched.link, launched.process) else {
        panic!("a program has pipes and a process");
    };
    let mut lines = Vec::new();
    while let Some(line) = tokio::time::timeout(NEVER, pipe.source.recv())
        .await
        .unwrap()
    {
        lines.push(String::from_utf8(line.unwrap().to_vec()).unwrap());
    }
    process.exited().await;
    lines.extend(process.stderr_tail(9));
    Ok(lines)
}

#[tokio::test]
async fn a_package_is_installed_once_and_then_needs_nobody() {
    let world = World::new();
    let (launcher, entry) = (world.launcher(), world.entry("good", None));
    assert!(!launcher.is_prepared(&entry));
    assert_eq!(launcher.refuses(&entry), None);
    let told = Mutex::new(Vec::new());
    launcher
        .prepare(&entry, &|what| told.lock().unwrap().push(what.to_owned()))
        .await
        .unwrap();
    assert_eq!(told.into_inner().unwrap(), ["installing npm:good"]);
    assert!(launcher.is_prepared(&entry));
    assert_eq!(said(&launcher, &entry).await.unwrap(), ["hello"]);
    assert_eq!(world.in_cache("installed").len(), 1);
    assert!(world.in_cache("installed")[0].starts_with("npm-good-1.2.3-"));
    assert_eq!(world.in_cache("tmp"), [""; 0]);

    // Another gateway, without npm: the registry could be anywhere.
    fs::remove_file(world.path("bin/npm")).unwrap();
    let later = world.launcher();
    assert_eq!(said(&later, &entry).await.unwrap(), ["hello"]);
    assert_eq!(world.installs(), 1);
    let log = fs::read_to_string(world.path("npm.log")).unwrap();
    assert!(
        log.contains("--ignore-scripts") && log.trim_end().ends_with("-- good"),
        "{log}"
    );
}

#[tokio::test]
async fn another_version_is_another_request_with_the_same_content() {
    let world = World::new();
    let launcher = world.launcher();
    for version in [None, Some("1.2.3"), Some("latest"), None] {
        let entry = world.entry("good", version);
        assert_eq!(said(&launcher, &entry).await.unwrap(), ["hello"]);
    }
    assert_eq!(world.installs(), 3, "one for each request");
    assert_eq!(world.in_cache("installed").len(), 1, "content decides");
    assert_eq!(world.in_cache("pins").len(), 3);

    let entry = world.entry("good", None);
    let updated = launcher.update(&entry, &|_| ()).await.unwrap().unwrap();
    assert_eq!(
        (updated.before.as_deref(), &*updated.now),
        (Some("1.2.3"), "1.2.3")
    );
    assert_eq!(world.installs(), 4);
    let command = Entry::command(ServerName::new("c").unwrap(), "npx", ["-y", "good"]);
    assert_eq!(launcher.update(&command, &|_| ()).await.unwrap(), None);
}

#[tokio::test]
async fn two_gateways_at_once_install_once() {
    let world = World::new();
    let entry = world.entry("slow", None);
    let (one, two) = (Arc::new(world.launcher()), world.launcher());
    let first = tokio::spawn({
        let (one, entry) = (one.clone(), entry.clone());
        async move { said(&*one, &entry).await }
    });
    while world.installs() == 0 {
        tokio::task::yield_now().await;
    }
    let (tell, mut told) = tokio::sync::watch::channel(String::new());
    let second = async {
        two.prepare(&entry, &|what| drop(tell.send_replace(what.to_owned())))
            .await
            .unwrap();
        said(&two, &entry).await
    };
    let go = async {
        told.wait_for(|what| what.starts_with("waiting for another gateway"))
            .await
            .unwrap();
        fs::write(world.path("go"), "").unwrap();
    };
    let (second, ()) = tokio::join!(second, go);
    assert_eq!(second.unwrap(), ["hello"]);
    assert_eq!(first.await.unwrap().unwrap(), ["hello"]);
    assert_eq!(world.installs(), 1);
}

#[tokio::test]
async fn who_loses_patience_does_not_undo_it() {
    let world = World::new();
    let (launcher, entry) = (world.launcher(), world.entry("slow", None));
    {
        let prepare = launcher.prepare(&entry, &|_| ());
        let begun = async {
            while world.installs() == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            _ = prepare => panic!("it is slow"),
            () = begun => {}
        }
    }
    fs::write(world.path("go"), "").unwrap();
    assert_eq!(said(&launcher, &entry).await.unwrap(), ["hello"]);
    assert_eq!(world.installs(), 1);
}

#[tokio::test]
async fn what_fails_says_why_and_leaves_nothing() {
    let world = World::new();
    let launcher = world.launcher();
    for (name, why) in [
        ("missing", "code E404; 404 Not Found"),
        ("unhashed", "package unhashed has no hash"),
        ("garbage", "npm's lock"),
        ("killed", "SIGKILL"),
        ("huge", "more than 2 GiB"),
    ] {
        let error = said(&launcher, &world.entry(name, None)).await.unwrap_err();
        let begin = format!("npm:{name} could not be installed: ");
        assert!(error.starts_with(&begin) && error.contains(why), "{error}");
        assert!(error.ends_with(", in servers.json"), "{error}");
        for part in ["tmp", "installed", "pins"] {
            assert_eq!(world.in_cache(part), [""; 0], "{name} {part}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_installation_that_hangs_is_ended() {
    let world = World::new();
    let error = said(&world.launcher(), &world.entry("hanging", None)).await;
    let error = error.unwrap_err();
    assert!(error.contains("it takes more than 600 s"), "{error}");
    assert_eq!(world.in_cache("tmp"), [""; 0]);
}

#[tokio::test]
async fn a_missing_runtime_is_named_before_anything_is_tried() {
    let world = World::new();
    let entry = world.entry("good", None);
    fs::remove_file(world.path("bin/npm")).unwrap();
    let mut options = world.options();
    let path = world.path("bin");
    options.environment[0].1 = path.into();
    let launcher = PackageLauncher::new(Arc::new(world.processes()), options);
    let why = launcher.refuses(&entry).unwrap();
    assert!(
        why.contains("needs Node.js") && why.contains("`npm` is in no folder of PATH"),
        "{why}"
    );
    let error = said(&launcher, &entry).await.unwrap_err();
    assert!(error.contains("needs Node.js"), "{error}");
}

#[tokio::test]
async fn scripts_run_if_the_person_says_so_and_are_named_otherwise() {
    let world = World::new();
    let entry = world.entry("scripted", None);
    let told = said(&world.launcher(), &entry).await.unwrap();
    assert!(
        told.len() == 2 && told[1].contains("install_scripts = [\"npm:scripted\"]"),
        "{told:?}"
    );
    let mut options = world.options();
    options.install_scripts = vec!["npm:scripted".into(), "pypi:good".into()];
    let launcher = PackageLauncher::new(Arc::new(world.processes()), options);
    assert_eq!(said(&launcher, &entry).await.unwrap(), ["hello"]);
    let log = fs::read_to_string(world.path("npm.log")).unwrap();
    let last = log.lines().last().unwrap();
    assert!(
        last.starts_with("rebuild ") && last.ends_with("-- scripted"),
        "{log}"
    );
}

/// Says that what it starts is in a box.
struct Boxes(ProcessLauncher);

impl Launcher for Boxes {
    fn launch<'a>(
        &'a self,
        entry: &'a Entry,
    ) -> BoxFuture<'a, Result<Launched, portolan_launch::LaunchError>> {
        self.0.launch(entry)
    }

    fn is_boxed(&self, _: &Entry) -> bool {
        true
    }
}

#[tokio::test]
async fn commands_that_fetch_packages_mean_packages_in_boxes_and_themselves_elsewhere() {
    let world = World::new();
    let tool = "#!/bin/sh\necho itself \"$@\"\n";
    for name in ["npx", "uvx", "uv"] {
        world.program(name, tool);
    }
    let command = |command: &str, args: &[&str], cwd: Option<&Path>| {
        let name = ServerName::new("test").unwrap();
        let mut entry = Entry::command(name, command, args.iter().copied());
        if let Launch::Command { cwd: own, .. } = &mut entry.launch {
            *own = cwd.map(Path::to_owned);
        }
        entry
    };
    let plain = world.launcher();
    let boxed = PackageLauncher::new(Arc::new(Boxes(world.processes())), world.options());
    let npx = command("npx", &["-y", "good@1", "x"], None);
    assert_eq!(said(&plain, &npx).await.unwrap(), ["itself -y good@1 x"]);
    assert!(plain.is_prepared(&npx) && !boxed.is_prepared(&npx));
    assert_eq!(said(&boxed, &npx).await.unwrap(), ["x"]);
    let exec = command("npm", &["exec", "--", "good@1", "y"], None);
    assert_eq!(said(&boxed, &exec).await.unwrap(), ["y"]);
    assert_eq!(world.installs(), 1);

    // A project's own program comes first, as with npx.
    let bin = world.path("project/node_modules/.bin/mine");
    fs::create_dir_all(bin.parent().unwrap()).unwrap();
    fs::copy(world.path("bin/uv"), &bin).unwrap();
    let mine = command("npx", &["mine", "z"], Some(&world.path("project")));
    assert_eq!(said(&boxed, &mine).await.unwrap(), ["itself z"]);

    let project = world.path("app");
    fs::create_dir_all(project.join(".venv/bin")).unwrap();
    fs::write(project.join("pyproject.toml"), "").unwrap();
    let line = [
        "--directory",
        project.to_str().unwrap(),
        "run",
        "serve",
        "w",
    ];
    let error = said(&boxed, &command("uv", &line, None)).await.unwrap_err();
    assert!(error.contains("run `uv sync` there once"), "{error}");
    for name in ["python", "serve"] {
        fs::copy(world.path("bin/uv"), project.join(".venv/bin").join(name)).unwrap();
    }
    assert_eq!(
        said(&boxed, &command("uv", &line, None)).await.unwrap(),
        ["itself w"]
    );
    let other = command("uv", &["--version"], None);
    assert_eq!(said(&boxed, &other).await.unwrap(), ["itself --version"]);

    let git = command("npx", &["-y", "github:a/b"], None);
    assert!(
        boxed
            .refuses(&git)
            .unwrap()
            .contains("not the name of a package of npm")
    );
    assert_eq!(plain.refuses(&git), None);
}

// --- bundles ---

/// A bundle whose server says its arguments and environment.
fn bundle(world: &World, name: &str, parts: &[(&str, &str)]) -> std::path::PathBuf {
    let path = world.path(name);
    zip(&path, parts);
    path
}

/// An archive of these parts.
pub(crate) fn zip(path: &std::path::Path, parts: &[(&str, &str)]) {
    let (mut out, mut list) = (Vec::new(), Vec::new());
    for (part, text) in parts {
        let mut crc = flate2::Crc::new();
        crc.update(text.as_bytes());
        // Stored as it is: version, flags, method and time, then checksum and sizes.
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        for number in [crc.sum(), text.len() as u32, text.len() as u32] {
            common.extend(number.to_le_bytes());
        }
        common.extend([part.len() as u8, 0, 0, 0]);
        let at = out.len() as u32;
        out.extend([b"PK\x03\x04", &*common, part.as_bytes(), text.as_bytes()].concat());
        list.extend([b"PK\x01\x02\x1e\x03", &*common, &[0; 6]].concat());
        list.extend((0o100_755u32 << 16).to_le_bytes());
        list.extend(at.to_le_bytes());
        list.extend(part.as_bytes());
    }
    let (start, count) = (out.len() as u32, parts.len() as u8);
    out.extend(&list);
    out.extend([b"PK\x05\x06\0\0\0\0", &[count, 0, count, 0][..]].concat());
    out.extend((list.len() as u32).to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0, 0]);
    fs::write(path, out).unwrap();
}

const SAYS: &str = "#!/bin/sh\necho \"$* key=$KEY\"; cat";

fn manifest(kind: &str) -> String {
    serde_json::json!({
        "manifest_version": "0.3", "name": "notes", "version": "1.2.0", "description": "Keeps notes",
        "server": {"type": kind, "entry_point": "bin/server", "mcp_config": {
            "command": "${__dirname}/bin/server", "args": ["--note", "${user_config.note}"],
            "env": {"KEY": "${user_config.key}"}}},
        "user_config": {"note": {"type": "string", "required": true}, "key": {"type": "string", "sensitive": true}}
    })
    .to_string()
}

fn bundled(path: &std::path::Path, given: &[(&str, &str)]) -> Entry {
    let env = given.iter().map(|(key, value)| {
        (
            format!("{}{key}", catalog::USER_CONFIG),
            (*value).to_owned(),
        )
    });
    let launch = Launch::Package {
        registry: Registry::Mcpb,
        identifier: path.to_str().unwrap().to_owned(),
        version: None,
        sha256: None,
        runtime: None,
        runtime_args: Vec::new(),
        args: vec!["more".to_owned()],
        env: env.collect(),
    };
    Entry::new(ServerName::new("test").unwrap(), launch)
}

fn with_digest(mut entry: Entry, digest: &str) -> Entry {
    if let Launch::Package { sha256, .. } = &mut entry.launch {
        *sha256 = Some(digest.to_owned());
    }
    entry
}

async fn first_line(launched: Launched) -> String {
    let (Link::Pipe(mut pipe), Some(process)) = (launched.link, launched.process) else {
        panic!("a program has pipes and a process")
    };
    let line = pipe.source.recv().await.unwrap().unwrap();
    process.stop(std::time::Duration::from_secs(30)).await;
    String::from_utf8(line.to_vec()).unwrap()
}

#[tokio::test]
async fn a_bundle_is_unpacked_once_and_started_with_what_its_person_set() {
    let world = World::new();
    let path = bundle(
        &world,
        "notes.mcpb",
        &[("manifest.json", &manifest("binary")), ("bin/server", SAYS)],
    );
    let launcher = world.launcher();
    let entry = bundled(&path, &[("note", "n"), ("key", "secret")]);
    assert!(!launcher.is_prepared(&entry) && launcher.refuses(&entry).is_none());
    launcher.prepare(&entry, &|_| ()).await.unwrap();
    assert!(launcher.is_prepared(&entry));
    let line = first_line(launcher.launch(&entry).await.unwrap()).await;
    assert_eq!(line, "--note n more key=secret");
    let [installed] = &*world.in_cache("installed") else {
        panic!("one")
    };
    assert!(installed.starts_with("mcpb-notes-1.2.0-"), "{installed}");
    assert_eq!(world.in_cache("tmp"), [""; 0]);
    // What is missing is told by its name.
    let told = launcher
        .launch(&bundled(&path, &[]))
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(told.contains("`user_config.note` is not set"), "{told}");
    // The same file by its digest, and another that it is not.
    let made = portolan_launch::bundle_entry(&path).unwrap();
    let Launch::Package {
        sha256: Some(digest),
        ..
    } = &made.launch
    else {
        panic!("a digest")
    };
    let by_digest = with_digest(entry.clone(), digest);
    let line = first_line(launcher.launch(&by_digest).await.unwrap()).await;
    assert_eq!(line, "--note n more key=secret");
    let told = launcher
        .launch(&with_digest(entry.clone(), &"0".repeat(64)))
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(told.contains("it is another file"), "{told}");
    // A new file under the old name is another bundle.
    bundle(
        &world,
        "notes.mcpb",
        &[
            (
                "manifest.json",
                &manifest("binary").replace("1.2.0", "1.3.0"),
            ),
            ("bin/server", SAYS),
        ],
    );
    launcher.prepare(&entry, &|_| ()).await.unwrap();
    assert_eq!(world.in_cache("installed").len(), 2);
}

#[tokio::test]
async fn a_bundle_that_cannot_run_says_why() {
    let world = World::new();
    let launcher = world.launcher();
    let told = async |entry: &Entry| launcher.launch(entry).await.err().unwrap().to_string();
    let given = [("note", "n")];
    let missing = world.path("nowhere.mcpb");
    assert!(
        told(&bundled(&missing, &given))
            .await
            .contains("cannot be read")
    );
    let node = manifest("node").replace("bin/server", "index.js");
    let path = bundle(
        &world,
        "node.mcpb",
        &[("manifest.json", &node), ("index.js", "")],
    );
    // The world has a node of its own; this gateway has none.
    let options = PackageOptions {
        environment: vec![("PATH".into(), "/nowhere".into())],
        ..world.options()
    };
    let bare = PackageLauncher::new(Arc::new(world.processes()), options);
    let why = bare
        .launch(&bundled(&path, &given))
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(
        why.contains("needs Node.js: `node` is in no folder of PATH"),
        "{why}"
    );
    let path = bundle(&world, "uv.mcpb", &[("manifest.json", &manifest("uv"))]);
    assert!(
        told(&bundled(&path, &given))
            .await
            .contains("`server.type` is uv")
    );
    let path = bundle(
        &world,
        "slip.mcpb",
        &[("manifest.json", &manifest("binary")), ("../slip", "x")],
    );
    assert!(
        told(&bundled(&path, &given))
            .await
            .contains("leads out of it")
    );
    fs::write(world.path("none.mcpb"), "nothing").unwrap();
    assert!(
        told(&bundled(&world.path("none.mcpb"), &given))
            .await
            .contains("no zip archive")
    );
    // That of the one whose runtime was missing: it may come.
    assert_eq!(world.in_cache("installed").len(), 1);
    assert_eq!(world.in_cache("tmp"), [""; 0]);
    // An address needs a digest, and somebody else's text names no file of this machine.
    let mut entry = bundled(&path, &given);
    entry.origin = catalog::Origin::Url("https://x.y".into());
    assert!(
        told(&entry)
            .await
            .contains("which somebody else's text may only once you have approved it")
    );
    let mut entry = bundled(std::path::Path::new("https://x.y/z.mcpb"), &given);
    assert!(told(&entry).await.contains("needs the `sha256`"));
    entry = with_digest(entry, &"0".repeat(64));
    assert!(told(&entry).await.contains("nothing is fetched here"));
}

#[tokio::test]
async fn a_bundle_at_an_address_is_fetched_once() {
    let world = World::new();
    let path = bundle(
        &world,
        "notes.mcpb",
        &[("manifest.json", &manifest("binary")), ("bin/server", SAYS)],
    );
    let made = portolan_launch::bundle_entry(&path).unwrap();
    let Launch::Package {
        sha256: Some(digest),
        ..
    } = &made.launch
    else {
        panic!("a digest")
    };
    let (bytes, fetched) = (
        fs::read(&path).unwrap(),
        Arc::new(std::sync::atomic::AtomicUsize::new(0)),
    );
    let count = fetched.clone();
    let fetch: portolan_launch::FetchFile = Arc::new(move |url: &str, _: usize| {
        assert_eq!(url, "https://x.y/notes.mcpb");
        count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let bytes = bytes.clone();
        Box::pin(async move { Ok(bytes) })
    });
    let options = PackageOptions {
        fetch: Some(fetch),
        ..world.options()
    };
    let launcher = PackageLauncher::new(Arc::new(world.processes()), options);
    let entry = bundled(
        std::path::Path::new("https://x.y/notes.mcpb"),
        &[("note", "n")],
    );
    let entry = with_digest(entry, digest);
    let (one, two) = tokio::join!(
        launcher.prepare(&entry, &|_| ()),
        launcher.prepare(&entry, &|_| ())
    );
    one.and(two).unwrap();
    assert_eq!(
        first_line(launcher.launch(&entry).await.unwrap()).await,
        "--note n more key="
    );
    assert_eq!(fetched.load(std::sync::atomic::Ordering::Relaxed), 1);
}
