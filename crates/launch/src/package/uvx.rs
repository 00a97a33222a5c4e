//! `uvx` and `uv run` lines: which packages they mean, and what of them runs. Refuses options that a box cannot keep.

use std::path::{Path, PathBuf};

use catalog::Registry;

use super::wanted::{Spec, Wanted};

/// What `uv run` means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Run {
    /// Packages, installed for this.
    Package(Wanted),
    /// A project with an environment of its own.
    Project {
        /// Its folder.
        folder: PathBuf,
        /// Whether the server works in it too.
        enters: bool,
        /// What runs, with its arguments.
        command: Vec<String>,
    },
}

/// Of what follows `uvx`, or `uv tool run`.
pub(super) fn read(words: &[String]) -> Result<Wanted, String> {
    let mut from = None;
    let mut with = Vec::new();
    let mut words = words.iter().map(String::as_str);
    let command = loop {
        let word = words.next().ok_or("it names no package")?;
        let (option, value) = split(word);
        let mut value = || {
            value
                .map(str::to_owned)
                .or_else(|| words.next().map(str::to_owned))
        };
        match option {
            "-q" | "--quiet" | "--isolated" | "--no-progress" | "--native-tls" | "-U"
            | "--upgrade" | "--refresh" | "--no-config" => {}
            "--from" => from = Some(Spec::pypi(&pinned(&value().unwrap_or_default()))?),
            "--with" | "-w" => add(&mut with, &value().unwrap_or_default())?,
            "--" => break words.next().ok_or("it names no package")?,
            option if option.starts_with('-') => return Err(unknown("uvx", option)),
            command => break command,
        }
    };
    let (first, program) = match from {
        Some(from) => (from, Some(command.to_owned())),
        None => (Spec::pypi(&pinned(command))?, None),
    };
    Wanted {
        registry: Registry::Pypi,
        specs: std::iter::once(first).chain(with).collect(),
        program,
        args: words.map(str::to_owned).collect(),
    }
    .checked()
}

/// Of what follows `uv`; `None` where it is neither `run` nor `tool run`. `base` is where the server works.
pub(super) fn read_uv(words: &[String], base: &Path) -> Option<Result<Run, String>> {
    let mut at = Place {
        folder: base.to_owned(),
        enters: false,
    };
    let mut words = words.iter().map(String::as_str);
    while let Some(word) = words.next() {
        let (option, value) = split(word);
        let mut value = || {
            value
                .map(str::to_owned)
                .or_else(|| words.next().map(str::to_owned))
        };
        match option {
            "run" => return Some(run(words.map(str::to_owned).collect(), at)),
            "tool" => {
                let rest: Vec<String> = words.map(str::to_owned).collect();
                let (run, rest) = rest.split_first()?;
                return (run == "run").then(|| read(rest).map(Run::Package));
            }
            "--directory" | "--project" => at.go(option, &value()?),
            "-q" | "--quiet" | "--no-progress" | "--offline" => {}
            _ => return None,
        }
    }
    None
}

struct Place {
    folder: PathBuf,
    enters: bool,
}

impl Place {
    fn go(&mut self, option: &str, to: &str) {
        self.folder = self.folder.join(to);
        self.enters |= option == "--directory";
    }
}

fn run(words: Vec<String>, mut at: Place) -> Result<Run, String> {
    let mut with = Vec::new();
    let mut words = words.into_iter();
    let mut command: Vec<String> = loop {
        let word = words.next().ok_or("it names no program")?;
        let (option, value) = split(&word);
        let mut value = || value.map(str::to_owned).or_else(|| words.next());
        match option {
            "-q" | "--quiet" | "--frozen" | "--locked" | "--no-sync" | "--no-dev"
            | "--isolated" | "--no-project" | "--no-progress" | "--offline" | "--exact" => {}
            "--with" | "-w" => add(&mut with, &value().unwrap_or_default())?,
            "--directory" | "--project" => at.go(option, &value().unwrap_or_default()),
            "-m" | "--module" => {
                let module = value().ok_or("it names no module")?;
                break vec!["python".to_owned(), "-m".to_owned(), module];
            }
            "-s" | "--script" => break vec![value().ok_or("it names no script")?],
            "--" => break vec![words.next().ok_or("it names no program")?],
            option if option.starts_with('-') => return Err(unknown("uv run", option)),
            _ => break vec![word],
        }
    };
    command.extend(words);
    if command[0].ends_with(".py") {
        command.insert(0, "python".to_owned());
    }
    if with.is_empty() {
        return Ok(Run::Project {
            folder: at.folder,
            enters: at.enters,
            command,
        });
    }
    if at.enters {
        return Err("`uv run` with both --directory and --with is not understood for a server in a box; add the packages to the project instead".to_owned());
    }
    let program = command.remove(0);
    Wanted {
        registry: Registry::Pypi,
        specs: with,
        program: Some(program),
        args: command,
    }
    .checked()
    .map(Run::Package)
}

/// `--option=value` as two.
fn split(word: &str) -> (&str, Option<&str>) {
    match word.split_once('=') {
        Some((option, value)) if word.starts_with("--") => (option, Some(value)),
        _ => (word, None),
    }
}

fn add(with: &mut Vec<Spec>, list: &str) -> Result<(), String> {
    // `a[x,y],b` are two: commas in brackets part nothing.
    let mut depth = 0;
    let items = list.split(|c: char| {
        match c {
            '[' => depth += 1,
            ']' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    });
    for item in items {
        // `a>=1,<2` is one: what begins with a comparison belongs to what stands before.
        match with.last_mut() {
            Some(last) if item.starts_with(['<', '>', '=', '!', '~']) => {
                *last = Spec::pypi(&format!("{},{item}", last.text))?;
            }
            _ => with.push(Spec::pypi(&pinned(item))?),
        }
    }
    Ok(())
}

/// `name@1.2` is uv's own word for `name==1.2`, and `@latest` for any.
fn pinned(text: &str) -> String {
    match text.split_once('@') {
        Some((name, "latest")) => name.to_owned(),
        Some((name, version)) => format!("{name}=={version}"),
        None => text.to_owned(),
    }
}

fn unknown(program: &str, option: &str) -> String {
    format!(
        "`{program} {option}` has no meaning for a server in a box; leave it out, or run the gateway with --runtime process"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    fn told(wanted: Wanted) -> (String, Option<String>, String) {
        let specs: Vec<_> = wanted.specs.into_iter().map(|spec| spec.text).collect();
        (specs.join(" "), wanted.program, wanted.args.join(" "))
    }

    #[test]
    fn the_usual_lines_of_uvx() {
        let read = |line: &str| told(read(&words(line)).unwrap());
        let some = |specs: &str, program: Option<&str>, args: &str| {
            (
                specs.to_owned(),
                program.map(str::to_owned),
                args.to_owned(),
            )
        };
        assert_eq!(
            read("mcp-server-time --x"),
            some("mcp-server-time", None, "--x")
        );
        assert_eq!(read("a@1.2"), some("a==1.2", None, ""));
        assert_eq!(read("a@latest"), some("a", None, ""));
        assert_eq!(
            read("--from a[x]==1 --with b,c>=1,<2 tool --from y"),
            some("a[x]==1 b c>=1,<2", Some("tool"), "--from y")
        );
        assert_eq!(read("--from=a@2 -- tool"), some("a==2", Some("tool"), ""));
    }

    #[test]
    fn the_usual_lines_of_uv() {
        let read = |line: &str| read_uv(&words(line), Path::new("/base")).map(Result::unwrap);
        let project = |folder: &str, enters, command: &str| {
            Some(Run::Project {
                folder: folder.into(),
                enters,
                command: words(command),
            })
        };
        assert_eq!(
            read("run server.py --x"),
            project("/base", false, "python server.py --x")
        );
        assert_eq!(
            read("--directory /p run --no-sync tool -m"),
            project("/p", true, "tool -m")
        );
        assert_eq!(
            read("run --project p -m mod x"),
            project("/base/p", false, "python -m mod x")
        );
        match read("run --with mcp[cli,ws] mcp run /s.py") {
            Some(Run::Package(wanted)) => assert_eq!(
                told(wanted),
                ("mcp[cli,ws]".into(), Some("mcp".into()), "run /s.py".into())
            ),
            other => panic!("{other:?}"),
        }
        assert!(matches!(read("tool run a"), Some(Run::Package(_))));
        assert_eq!(read("pip install x"), None);
        assert_eq!(read("--version"), None);
    }

    #[test]
    fn what_means_something_else_is_refused() {
        for line in [
            "",
            "--python 3.12 a",
            "--from git+https://x y",
            "--index-url=x a",
            "--from",
            "./x",
        ] {
            assert!(read(&words(line)).is_err(), "{line}");
        }
        for line in [
            "run",
            "run --python 3 x",
            "run --directory /p --with a b",
            "run -m",
        ] {
            assert!(
                read_uv(&words(line), Path::new("/")).unwrap().is_err(),
                "{line}"
            );
        }
    }
}
