//! Packages of npm. Owns how they are installed, that everything installed has a hash, and which file of a package runs.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::cache::{digest, read_limited};
use super::install::Made;
use super::step::{Bench, Step, Way, text};
use super::wanted::Wanted;

/// Installs what is wanted in the scratch folder. `scripts`: the names of packages that may run theirs.
pub(super) async fn install(
    bench: &Bench<'_>,
    wanted: &Wanted,
    scripts: &[String],
) -> Result<Made, String> {
    let tree = bench.scratch.join("tree");
    fs::create_dir(&tree).map_err(|error| error.to_string())?;
    fs::write(tree.join("package.json"), r#"{"private":true}"#)
        .map_err(|error| error.to_string())?;
    let at_tree = ["--prefix".to_owned(), text(&tree)?];
    let quiet = [
        "--no-audit",
        "--no-fund",
        "--no-update-notifier",
        "--no-progress",
        "--loglevel=error",
    ];
    let options: Vec<String> = at_tree
        .into_iter()
        .chain(quiet.map(str::to_owned))
        .chain(["--cache".to_owned(), text(&bench.scratch.join("cache"))?])
        .collect();
    let fixed = [
        "--ignore-scripts",
        "--save-exact",
        "--package-lock",
        "--omit=dev",
        "--no-global",
        "--fetch-retries=1",
        "--",
    ];
    let names = wanted.specs.iter().map(|spec| spec.text.clone());
    let args = ["install".to_owned()].into_iter().chain(options.clone());
    let args = args.chain(fixed.map(str::to_owned)).chain(names);
    bench
        .run(Step {
            command: "npm".to_owned(),
            args: args.collect(),
            way: Way::Registry,
            ..Step::default()
        })
        .await?;

    let lock_text = read_limited(&tree.join("package-lock.json"))
        .map_err(|error| format!("npm has written no lock: {error}"))?;
    let lock = Lock::read(&lock_text)?;
    let (scripted, unscripted): (Vec<String>, Vec<String>) = lock
        .scripted
        .iter()
        .cloned()
        .partition(|name| scripts.contains(name));
    if !scripted.is_empty() {
        let args = ["rebuild".to_owned()].into_iter().chain(options);
        let args = args.chain(["--no-ignore-scripts".to_owned(), "--".to_owned()]);
        bench
            .run(Step {
                command: "npm".to_owned(),
                args: args.chain(scripted.clone()).collect(),
                way: Way::Scripts,
                ..Step::default()
            })
            .await?;
    }
    let version = lock.version(&wanted.specs[0].name)?;
    let file = program(&tree, wanted)?;
    let what = [
        "npm",
        std::env::consts::OS,
        std::env::consts::ARCH,
        &lock_text,
    ];
    Ok(Made {
        digest: digest(what.into_iter().chain(scripted.iter().map(String::as_str))),
        tree,
        version,
        start: vec!["node".to_owned(), format!("./{file}")],
        unscripted,
    })
}

/// What is read of `package-lock.json`.
struct Lock {
    packages: serde_json::Map<String, Value>,
    /// Packages that want to run something while they are installed.
    scripted: Vec<String>,
}

impl Lock {
    /// Refuses one in which something has no hash, or comes from elsewhere than a registry.
    fn read(text: &str) -> Result<Self, String> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| format!("npm's lock: {error}"))?;
        let Some(Value::Object(packages)) = value.get("packages").cloned() else {
            return Err(
                "npm's lock is of a form that is not known; npm 7 or newer is needed".to_owned(),
            );
        };
        let mut scripted = Vec::new();
        for (place, package) in packages.iter().filter(|(place, _)| !place.is_empty()) {
            let name = place.rsplit("node_modules/").next().unwrap_or(place);
            let is = |key: &str| package.get(key).and_then(Value::as_bool) == Some(true);
            // What a package brings along in its own archive has the hash of that.
            if is("inBundle") {
                continue;
            }
            let has_hash = package
                .get("integrity")
                .and_then(Value::as_str)
                .is_some_and(|hash| hash.starts_with("sha"));
            let from = package.get("resolved").and_then(Value::as_str);
            let is_fetched = from.is_none_or(|from| from.starts_with("http"));
            if is("link") || !has_hash || !is_fetched {
                return Err(format!("its package {name} has no hash to be checked by"));
            }
            if is("hasInstallScript") {
                scripted.push(name.to_owned());
            }
        }
        scripted.sort();
        scripted.dedup();
        Ok(Self { packages, scripted })
    }

    fn version(&self, name: &str) -> Result<String, String> {
        let package = self.packages.get(&format!("node_modules/{name}"));
        let version = package.and_then(|package| package.get("version")?.as_str());
        version
            .map(str::to_owned)
            .ok_or_else(|| format!("npm has not installed {name}"))
    }
}

/// The file that runs, from the tree. It lies in its package: links lead nowhere else.
fn program(tree: &Path, wanted: &Wanted) -> Result<String, String> {
    let mut offered = Vec::new();
    for spec in &wanted.specs {
        let folder = format!("node_modules/{}", spec.name);
        let about = read_limited(&tree.join(&folder).join("package.json"))
            .map_err(|error| format!("package.json of {}: {error}", spec.name))?;
        let about: Value = serde_json::from_str(&about)
            .map_err(|error| format!("package.json of {}: {error}", spec.name))?;
        let own = spec.name.rsplit('/').next().unwrap_or(&spec.name);
        let bins: Vec<(String, String)> = match about.get("bin") {
            Some(Value::String(file)) => vec![(own.to_owned(), file.clone())],
            Some(Value::Object(bins)) => bins
                .iter()
                .filter_map(|(name, file)| Some((name.clone(), file.as_str()?.to_owned())))
                .collect(),
            _ => Vec::new(),
        };
        let same = bins.iter().all(|(_, file)| *file == bins[0].1);
        let found = match &wanted.program {
            Some(program) => bins.iter().find(|(name, _)| name == program),
            None if same => bins.first(),
            None => bins.iter().find(|(name, _)| name == own),
        };
        if let Some((_, file)) = found {
            let inside = format!("{folder}/{}", file.trim_start_matches("./"));
            let root = tree.canonicalize().map_err(|error| error.to_string())?;
            let real = tree.join(&inside).canonicalize();
            let real = real.ok().filter(|real| real.is_file());
            let real =
                real.and_then(|real| Some(real.strip_prefix(&root).ok()?.to_str()?.to_owned()));
            return real.ok_or_else(|| format!("its program \"{file}\" is not in its package"));
        }
        offered.extend(bins.into_iter().map(|(name, _)| name));
    }
    Err(match (&wanted.program, offered.is_empty()) {
        (_, true) => "it has no program to run".to_owned(),
        (Some(program), _) => format!("it has no program {program}, but {}", offered.join(", ")),
        (None, _) => format!(
            "it has several programs ({}); name one: npx -p {} PROGRAM",
            offered.join(", "),
            wanted.specs[0].name
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(package: &str) -> Result<Lock, String> {
        Lock::read(&format!(
            r#"{{"packages":{{"":{{}},"node_modules/a":{package}}}}}"#
        ))
    }

    #[test]
    fn what_has_no_hash_is_refused() {
        let good = lock(
            r#"{"version":"1","integrity":"sha512-x","resolved":"https://r/a.tgz","hasInstallScript":true}"#,
        );
        let good = good.unwrap();
        assert_eq!(good.version("a").unwrap(), "1");
        assert_eq!(good.scripted, ["a"]);
        assert!(good.version("b").is_err());
        assert!(lock(r#"{"version":"1","integrity":"sha512-x"}"#).is_ok());
        assert!(lock(r#"{"version":"1","inBundle":true}"#).is_ok());
        for bad in [
            r#"{"version":"1"}"#,
            r#"{"version":"1","integrity":""}"#,
            r#"{"version":"1","integrity":"sha1-x","resolved":"git+ssh://g/a"}"#,
            r#"{"version":"1","integrity":"sha1-x","link":true}"#,
        ] {
            let error = lock(bad).err().unwrap();
            assert!(error.contains("package a has no hash"), "{error}");
        }
        assert!(Lock::read("{").is_err() && Lock::read("{}").is_err());
    }

    #[test]
    fn the_program_of_a_package() {
        let dir = tempfile::tempdir().unwrap();
        let ask = |about: &str, program: Option<&str>| {
            let folder = dir.path().join("node_modules/@s/tool");
            fs::create_dir_all(folder.join("dist")).unwrap();
            fs::write(folder.join("dist/index.js"), "").unwrap();
            fs::write(folder.join("package.json"), about).unwrap();
            let words: Vec<String> = match program {
                Some(program) => ["-p", "@s/tool", program].map(str::to_owned).to_vec(),
                None => vec!["@s/tool".to_owned()],
            };
            super::program(dir.path(), &super::super::npx::read(&words).unwrap())
        };
        let index = "node_modules/@s/tool/dist/index.js";
        assert_eq!(ask(r#"{"bin":"./dist/index.js"}"#, None).unwrap(), index);
        assert_eq!(
            ask(r#"{"bin":{"x":"dist/index.js"}}"#, None).unwrap(),
            index
        );
        let two = r#"{"bin":{"x":"dist/other.js","tool":"dist/index.js"}}"#;
        assert_eq!(ask(two, None).unwrap(), index);
        assert!(
            ask(two, Some("x"))
                .unwrap_err()
                .contains("not in its package")
        );
        assert!(ask(two, Some("y")).unwrap_err().contains("x"));
        assert!(
            ask(r#"{"bin":{"x":"a","y":"b"}}"#, None)
                .unwrap_err()
                .contains("npx -p @s/tool")
        );
        assert!(ask("{}", None).unwrap_err().contains("no program to run"));
        std::os::unix::fs::symlink("/etc/hostname", dir.path().join("node_modules/@s/tool/out"))
            .unwrap();
        for out in ["out", "../../../../etc/passwd", "/etc/passwd", "dist"] {
            let about = format!(r#"{{"bin":"{out}"}}"#);
            assert!(
                ask(&about, None)
                    .unwrap_err()
                    .contains("not in its package"),
                "{out}"
            );
        }
    }
}
