//! Every command line of Docker's documents and command tree, by the real `docker` command where there is one, else as Docker
//! would call us. `docs/guide/docker.md` lists them, each with the test that plays it; the check at the end of this file keeps
//! the two together, and `cli/tests.rs` beside the code that each is understood.

mod accounts;
mod catalogs;
mod clients;
mod held;
mod init;
mod legacy;
mod profiles;
mod rest;
mod run;
mod watched;

use std::path::{Path, PathBuf};
use std::process::Command;

use super::home::{BINARY, Done, Home, Listening};

const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// A home in which the plugin is installed.
struct Docker {
    home: Home,
    program: PathBuf,
    /// What stands in lines for what differs from run to run.
    stands_for: Vec<(&'static str, String)>,
}

impl Docker {
    fn new() -> Self {
        Self::of(Home::unboxed())
    }

    /// One whose servers are in boxes.
    fn boxed() -> Self {
        Self::of(Home::boxed())
    }

    fn of(home: Home) -> Self {
        home.run(&["docker-plugin", "install"]).ok();
        let docker = PATH
            .split(':')
            .map(|folder| Path::new(folder).join("docker"));
        let plugin = home.path(".docker/cli-plugins/docker-mcp");
        let program = docker.into_iter().find(|file| file.exists());
        Self {
            program: program.unwrap_or(plugin),
            home,
            stands_for: Vec::new(),
        }
    }

    /// With a catalog `small` of our own servers: `sums` adds numbers, `keyed` has a value and a secret.
    fn with_servers() -> Self {
        let docker = Self::new();
        let text = format!(
            "catalog: small
servers:
  sums: {{command: {BINARY}, args: [__demo-server], description: Adds numbers., tools: [get-sum, echo, count-up]}}
  keyed:
    command: {BINARY}
    args: [__demo-server]
    env: {{LEVEL: '{{{{level}}}}'}}
    tools: [get-sum]
    config: {{level: {{type: integer}}}}
    secrets: [{{env: KEY, name: keyed.key}}]
"
        );
        docker.home.write("portolan/catalogs/small.yaml", &text);
        docker
    }

    /// The program, with the words of a line.
    fn command(&self, line: &str) -> Command {
        let mut line = line.to_owned();
        for (word, value) in &self.stands_for {
            line = line.replace(word, value);
        }
        let words = words(&line);
        assert_eq!(words[..2], ["docker", "mcp"], "{line}");
        let words: Vec<&str> = words[1..].iter().map(String::as_str).collect();
        let mut command = self.home.command_of(&self.program, &words);
        command.env("PATH", PATH);
        command
    }

    /// The plugin without `docker` before it, started as Docker would start it.
    fn directly(mut self) -> Self {
        self.program = self.home.path(".docker/cli-plugins/docker-mcp");
        self
    }

    /// A gateway that listens.
    fn listen(&self, line: &str) -> Listening {
        Listening::begin(self.command(line))
    }

    fn run(&self, line: &str) -> Done {
        Done::of(&self.command(line).output().unwrap())
    }

    fn run_with(&self, line: &str, input: &str) -> Done {
        Done::fed(self.command(line), input)
    }
}

/// As a shell takes it apart: spaces, and single quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (at, piece) in line.split('\'').enumerate() {
        if at % 2 == 1 {
            // It goes on a word that was begun, as in --set x='…'.
            let begun = line.split('\'').nth(at - 1).unwrap();
            match words.last_mut() {
                Some(last) if !begun.ends_with(' ') => *last = format!("{last}{piece}"),
                _ => words.push(piece.to_owned()),
            }
        } else {
            words.extend(piece.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// A row of the table: a line, and the test that plays it.
struct Row {
    line: String,
    test: String,
}

fn rows() -> Vec<Row> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guide/docker.md");
    let text = std::fs::read_to_string(file).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `docker "));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        Row {
            line: cells[0].trim_matches('`').to_owned(),
            test: cells[cells.len() - 1].trim_matches('`').to_owned(),
        }
    })
    .collect()
}

#[test]
fn every_line_of_the_table_stands_in_the_test_that_it_names() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/docker_lines");
    let rows = rows();
    assert!(rows.len() > 100, "{} rows", rows.len());
    for Row { line, test } in &rows {
        let (file, name) = test.split_once("::").expect(line);
        let text = std::fs::read_to_string(folder.join(format!("{file}.rs"))).expect(line);
        let start = text.find(&format!("#[test]\nfn {name}()"));
        let body = &text[start.unwrap_or_else(|| panic!("{line}: there is no test {test}"))..];
        let end = body.find("\n}\n").unwrap_or(body.len());
        let quoted = line.replace('"', "\\\"");
        let is_played = body[..end].contains(&format!("\"{quoted}\""));
        assert!(is_played, "{test} does not play: {line}");
    }
    let mut lines: Vec<&str> = rows.iter().map(|row| row.line.as_str()).collect();
    lines.sort_unstable();
    let twice = lines.windows(2).find(|pair| pair[0] == pair[1]);
    assert_eq!(twice, None, "a line stands twice in the table");
}

#[test]
fn lines_are_taken_apart_as_a_shell_does() {
    assert_eq!(words("a b"), ["a", "b"]);
    assert_eq!(words("a 'b c' d"), ["a", "b c", "d"]);
    assert_eq!(words("a --x='b c' d"), ["a", "--x=b c", "d"]);
}
