//! Packages of PyPI. Owns their virtual environment, that everything installed has a hash, and which program runs.
//!
//! Wheels alone are installed: what has to be built would run its own program for that. With uv where it is to be had,
//! else with the pip that comes with Python.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::cache::{digest, read_limited};
use super::install::Made;
use super::step::{Bench, Step, Way, text};
use super::wanted::Wanted;

/// Installs what is wanted in the scratch folder. `scripts`: the names of packages that may be built.
pub(super) async fn install(
    bench: &Bench<'_>,
    wanted: &Wanted,
    has_uv: bool,
    scripts: &[String],
) -> Result<Made, String> {
    let tree = bench.scratch.join("tree");
    let env = tree.join("env");
    fs::create_dir(&tree).map_err(|error| error.to_string())?;
    let mut args = vec!["-m".to_owned(), "venv".to_owned()];
    args.extend(has_uv.then(|| "--without-pip".to_owned()));
    args.push(text(&env)?);
    let made = bench.run(Step {
        command: "python3".to_owned(),
        args,
        ..Step::default()
    });
    made.await.map_err(|why| {
        format!("Python makes no virtual environment (on Debian and Ubuntu: apt install python3-venv): {why}")
    })?;
    let python = env.join("bin/python");
    let settings = env.join("pyvenv.cfg");
    let base = base_of(&python)?;
    let settled = read_limited(&settings).map_err(|error| error.to_string())?;

    let requirements = bench.scratch.join("requirements.txt");
    let tools = Tools {
        bench,
        python: &python,
        base: &base,
        scripts,
    };
    let names: Vec<String> = wanted.specs.iter().map(|spec| spec.text.clone()).collect();
    let resolved = match has_uv {
        true => tools.uv_resolves(&names, &requirements).await?,
        false => tools.pip_resolves(&names).await?,
    };
    fs::write(&requirements, &resolved).map_err(|error| error.to_string())?;
    match has_uv {
        true => tools.uv_installs(&requirements).await?,
        false => tools.pip_installs(&requirements).await?,
    }
    // What Python a box shows is found out by these two.
    if base_of(&python)? != base || read_limited(&settings).ok() != Some(settled) {
        return Err("a package has put another program in the place of Python".to_owned());
    }
    // It is kept with what it led to.
    fs::copy(&requirements, tree.join("requirements.txt")).map_err(|error| error.to_string())?;
    let version = version_of(&resolved, &wanted.specs[0].name)
        .ok_or_else(|| format!("{} was not installed", wanted.specs[0].name))?;
    let start = program(&tree, wanted)?;
    let base = base.to_string_lossy();
    let what = [
        "pypi",
        std::env::consts::OS,
        std::env::consts::ARCH,
        &base,
        &resolved,
    ];
    Ok(Made {
        digest: digest(what),
        tree,
        version,
        start,
        unscripted: Vec::new(),
    })
}

/// The Python that a virtual environment stands on, without links.
fn base_of(python: &Path) -> Result<PathBuf, String> {
    python
        .canonicalize()
        .map_err(|error| format!("the virtual environment has no Python: {error}"))
}

struct Tools<'a> {
    bench: &'a Bench<'a>,
    python: &'a Path,
    base: &'a Path,
    scripts: &'a [String],
}

impl Tools<'_> {
    async fn run(&self, command: String, args: Vec<String>) -> Result<(), String> {
        // A virtual environment in a folder that may be written is not followed to its Python by itself.
        let prefix = self.base.parent().and_then(Path::parent);
        let volumes =
            prefix.filter(|prefix| !prefix.starts_with("/usr") && *prefix != Path::new("/"));
        self.bench
            .run(Step {
                command,
                args,
                volumes: volumes.into_iter().map(Path::to_owned).collect(),
                way: match self.scripts.is_empty() {
                    true => Way::Registry,
                    false => Way::Scripts,
                },
                ..Step::default()
            })
            .await
    }

    /// Which packages are taken as wheels only, and which are built.
    fn wheels(&self) -> Vec<String> {
        let mut words = vec!["--only-binary".to_owned(), ":all:".to_owned()];
        for name in self.scripts {
            words.extend(["--no-binary".to_owned(), name.clone()]);
        }
        words
    }

    async fn pip(&self, words: Vec<String>) -> Result<(), String> {
        let always = [
            "-m",
            "pip",
            "install",
            "--no-input",
            "--disable-pip-version-check",
            "--quiet",
        ];
        let mut args: Vec<String> = always.map(str::to_owned).to_vec();
        args.extend([
            "--cache-dir".to_owned(),
            text(&self.bench.scratch.join("cache"))?,
        ]);
        args.extend(self.wheels());
        args.extend(words);
        self.run(text(self.python)?, args).await
    }

    async fn pip_resolves(&self, names: &[String]) -> Result<String, String> {
        let report = self.bench.scratch.join("report.json");
        let mut words: Vec<String> = ["--dry-run", "--ignore-installed", "--report"]
            .map(str::to_owned)
            .to_vec();
        words.push(text(&report)?);
        words.push("--".to_owned());
        words.extend(names.iter().cloned());
        self.pip(words).await?;
        let report = read_limited(&report).map_err(|error| {
            format!("pip has written no report: {error}; pip 22.2 or newer is needed")
        })?;
        locked(&report)
    }

    async fn pip_installs(&self, requirements: &Path) -> Result<(), String> {
        let words = ["--require-hashes", "--no-deps", "-r"].map(str::to_owned);
        let words = words.into_iter().chain([text(requirements)?]);
        self.pip(words.collect()).await
    }

    async fn uv(&self, words: Vec<String>) -> Result<(), String> {
        let mut args = vec!["pip".to_owned()];
        args.extend(words);
        args.extend(["--python".to_owned(), text(self.python)?]);
        args.extend([
            "--cache-dir".to_owned(),
            text(&self.bench.scratch.join("cache"))?,
        ]);
        args.extend(["--no-progress".to_owned(), "--quiet".to_owned()]);
        args.extend(self.wheels());
        self.run("uv".to_owned(), args).await
    }

    async fn uv_resolves(&self, names: &[String], requirements: &Path) -> Result<String, String> {
        let asked = self.bench.scratch.join("requirements.in");
        fs::write(&asked, names.join("\n")).map_err(|error| error.to_string())?;
        let words = [
            "compile",
            "--generate-hashes",
            "--no-header",
            "--no-annotate",
            "--output-file",
        ];
        let mut words: Vec<String> = words.map(str::to_owned).to_vec();
        words.extend([text(requirements)?, text(&asked)?]);
        self.uv(words).await?;
        read_limited(requirements).map_err(|error| format!("uv has written no lock: {error}"))
    }

    async fn uv_installs(&self, requirements: &Path) -> Result<(), String> {
        let words = [
            "install",
            "--require-hashes",
            "--no-deps",
            "--compile-bytecode",
            "--link-mode",
            "copy",
            "-r",
        ];
        let mut words: Vec<String> = words.map(str::to_owned).to_vec();
        words.push(text(requirements)?);
        self.uv(words).await
    }
}

/// What pip would install, as requirements with hashes.
fn locked(report: &str) -> Result<String, String> {
    let report: Value =
        serde_json::from_str(report).map_err(|error| format!("pip's report: {error}"))?;
    let install = report.get("install").and_then(Value::as_array);
    let mut lines = Vec::new();
    for item in install.ok_or("pip's report is of a form that is not known")? {
        let about = |key: &str| item.get("metadata")?.get(key)?.as_str();
        let (Some(name), Some(version)) = (about("name"), about("version")) else {
            return Err("pip's report leaves out a name".to_owned());
        };
        let hash = item.pointer("/download_info/archive_info/hashes/sha256");
        let hash = hash
            .and_then(Value::as_str)
            .filter(|hash| hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()));
        let is_plain = |text: &str| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-._+!".contains(&b))
        };
        match hash {
            Some(hash) if is_plain(name) && is_plain(version) => {
                lines.push(format!("{name}=={version} --hash=sha256:{hash}\n"));
            }
            _ => return Err(format!("its package {name} has no hash to be checked by")),
        }
    }
    lines.sort();
    Ok(lines.concat())
}

/// A name in the one form that is compared (PEP 503).
fn normal(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if out.ends_with('-') => {}
            '-' | '_' | '.' => out.push('-'),
            c => out.push(c.to_ascii_lowercase()),
        }
    }
    out
}

fn version_of(requirements: &str, name: &str) -> Option<String> {
    requirements.lines().find_map(|line| {
        let (known, rest) = line.split_once("==")?;
        let version = rest.split([' ', ';', '\\']).next()?;
        (normal(known.trim()) == normal(name)).then(|| version.to_owned())
    })
}

/// What runs, from the tree.
fn program(tree: &Path, wanted: &Wanted) -> Result<Vec<String>, String> {
    let bin = tree.join("env/bin");
    let is_there = |name: &str| !name.contains('/') && bin.join(name).is_file();
    let name = match &wanted.program {
        // `python server.py` with these packages.
        Some(python) if python == "python" || python == "python3" => {
            return Ok(vec!["./env/bin/python".to_owned()]);
        }
        Some(program) => Some(program.clone()).filter(|program| is_there(program)),
        None => {
            let name = &wanted.specs[0].name;
            let scripts = scripts_of(tree, name)?;
            let own = scripts.iter().find(|script| normal(script) == normal(name));
            match (own, &*scripts) {
                (Some(own), _) => Some(own.clone()),
                (None, [only]) => Some(only.clone()),
                (None, []) => return Err("it has no program to run".to_owned()),
                (None, several) => {
                    return Err(format!(
                        "it has several programs ({}); name one: uvx --from {name} PROGRAM",
                        several.join(", ")
                    ));
                }
            }
            .filter(|script| is_there(script))
        }
    };
    let name = name.ok_or_else(|| match &wanted.program {
        Some(program) => format!("it has no program {program}"),
        None => "its program was not installed".to_owned(),
    })?;
    let file = format!("./env/bin/{name}");
    let mut head = [0; 2];
    let read = fs::File::open(bin.join(&name)).and_then(|mut file| file.read(&mut head));
    Ok(match read {
        // A script, whose first line names a place that is no more.
        Ok(2) if &head == b"#!" => vec!["./env/bin/python".to_owned(), file],
        _ => vec![file],
    })
}

/// The programs that a package says it has, by the file in which it says so.
fn scripts_of(tree: &Path, name: &str) -> Result<Vec<String>, String> {
    let folders = fs::read_dir(tree.join("env/lib"))
        .into_iter()
        .flatten()
        .flatten();
    for folder in folders.map(|folder| folder.path().join("site-packages")) {
        for about in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let file = about.file_name();
            let known = file
                .to_str()
                .and_then(|file| file.strip_suffix(".dist-info")?.split('-').next());
            if known.is_none_or(|known| normal(known) != normal(name)) {
                continue;
            }
            let text = read_limited(&about.path().join("entry_points.txt")).unwrap_or_default();
            let mut scripts = Vec::new();
            let mut is_scripts = false;
            for line in text.lines().map(str::trim) {
                match line.strip_prefix('[') {
                    Some(section) => is_scripts = section.starts_with("console_scripts"),
                    None if is_scripts => {
                        scripts
                            .extend(line.split_once('=').map(|(name, _)| name.trim().to_owned()));
                    }
                    None => {}
                }
            }
            return Ok(scripts);
        }
    }
    Err(format!("{name} was not installed"))
}

/// Scripts name the place where they were made in their first lines: it becomes the one where they will be.
pub(super) fn moved(tree: &Path, place: &Path) -> std::io::Result<()> {
    let (from, to) = (
        tree.to_string_lossy().into_owned(),
        place.to_string_lossy().into_owned(),
    );
    for script in fs::read_dir(tree.join("env/bin"))?.flatten() {
        if !script.file_type()?.is_file() {
            continue;
        }
        if let Ok(text) = read_limited(&script.path())
            && text.starts_with("#!")
            && text.contains(&from)
        {
            fs::write(script.path(), text.replace(&from, &to))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_becomes_requirements_with_hashes() {
        let item = |name: &str, hash: &str| {
            format!(
                r#"{{"metadata":{{"name":"{name}","version":"1.0"}},"download_info":{{"archive_info":{{"hashes":{{"sha256":"{hash}"}}}}}}}}"#
            )
        };
        let report = |items: &[String]| format!(r#"{{"install":[{}]}}"#, items.join(","));
        let hash = "0".repeat(64);
        let good = locked(&report(&[item("b", &hash), item("a", &hash)])).unwrap();
        assert_eq!(
            good,
            format!("a==1.0 --hash=sha256:{hash}\nb==1.0 --hash=sha256:{hash}\n")
        );
        assert_eq!(version_of(&good, "B").as_deref(), Some("1.0"));
        let bad = locked(&report(&[item("a", "")])).unwrap_err();
        assert!(bad.contains("package a has no hash"), "{bad}");
        assert!(locked(&report(&[item("a\\n--index-url x", &hash)])).is_err());
        assert!(locked("{").is_err() && locked("{}").is_err());
        let of_uv = format!("mcp-server-time==2026.10.19 \\\n    --hash=sha256:{hash}\n");
        assert_eq!(
            version_of(&of_uv, "mcp_server.time").as_deref(),
            Some("2026.10.19")
        );
    }

    #[test]
    fn the_program_of_a_package() {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path();
        let site = tree.join("env/lib/python3.1/site-packages");
        for (name, scripts) in [
            ("my_tool", "my-tool = a:b\nother=c:d"),
            ("two", "a = x\nb = y"),
            ("none", ""),
        ] {
            let about = site.join(format!("{name}-1.0.dist-info"));
            fs::create_dir_all(&about).unwrap();
            let text = format!("[gui_scripts]\nz=z\n[console_scripts]\n{scripts}\n");
            fs::write(about.join("entry_points.txt"), text).unwrap();
        }
        let bin = tree.join("env/bin");
        fs::create_dir_all(&bin).unwrap();
        fs::write(
            bin.join("my-tool"),
            format!("#!{}/env/bin/python\n", tree.display()),
        )
        .unwrap();
        fs::write(bin.join("other"), "\x7fELF").unwrap();
        let ask = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            program(tree, &super::super::uvx::read(&words).unwrap()).map(|start| start.join(" "))
        };
        assert_eq!(
            ask("my-tool").unwrap(),
            "./env/bin/python ./env/bin/my-tool"
        );
        assert_eq!(ask("--from my-tool other").unwrap(), "./env/bin/other");
        assert_eq!(ask("--from my-tool python").unwrap(), "./env/bin/python");
        assert!(
            ask("--from my-tool ../x")
                .unwrap_err()
                .contains("no program ../x")
        );
        assert!(ask("two").unwrap_err().contains("a, b"));
        assert!(ask("none").unwrap_err().contains("no program to run"));
        assert!(ask("missing").unwrap_err().contains("was not installed"));
        moved(tree, Path::new("/new")).unwrap();
        assert_eq!(
            fs::read_to_string(bin.join("my-tool")).unwrap(),
            "#!/new/env/bin/python\n"
        );
    }
}
