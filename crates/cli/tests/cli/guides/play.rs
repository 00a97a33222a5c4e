//! A page that is played: its lines in their order, by a shell, in one home. A gateway that would listen is started, stays
//! until its block ends, and is stopped; one that speaks over stdio is greeted and left; everything else has to end by itself.

use std::process::Command;

use serde_json::{Value, json};

use super::super::home::{BINARY, Done, Home, Listening, Piped, initialize, tool_names};
use super::super::secret::typed_into;
use super::markdown::{Page, Piece};
use super::not_played::is_not_played;
use super::{shell, stand_ins};

pub(super) struct Guide {
    pub(super) home: Home,
    page: String,
    /// The lines that are left, each with the number of its block.
    lines: std::vec::IntoIter<(usize, Piece)>,
    ways: Vec<(&'static str, Way)>,
    stands_for: Vec<StandsFor>,
    variables: Vec<(&'static str, &'static str)>,
    block: usize,
    listening: Vec<Listening>,
}

struct StandsFor {
    word: &'static str,
    value: String,
    is_used: bool,
}

/// What is special about playing a line, and what it has to say.
#[derive(Default)]
pub(super) struct Way {
    input: Option<&'static str>,
    /// What it asks on a terminal, and the keys that answer.
    asks: Option<(&'static str, &'static str)>,
    says: Vec<&'static str>,
    /// A gateway over stdio lists exactly these tools.
    lists: Vec<&'static str>,
    /// It answers a call of a tool with these words.
    answers: Option<(&'static str, Value, &'static str)>,
}

/// It says these words, on stdout or stderr.
pub(super) fn says(words: &'static str) -> Way {
    Way::default().and_says(words)
}

/// It is given this on stdin.
pub(super) fn fed(input: &'static str) -> Way {
    Way {
        input: Some(input),
        ..Way::default()
    }
}

/// It is on a terminal, asks this, and these keys are typed.
pub(super) fn asked(prompt: &'static str, keys: &'static str) -> Way {
    Way {
        asks: Some((prompt, keys)),
        ..Way::default()
    }
}

/// A gateway that lists these tools, in the order of their names.
pub(super) fn lists(names: &[&'static str]) -> Way {
    Way {
        lists: names.to_vec(),
        ..Way::default()
    }
}

/// A gateway that answers a call of this tool with these words.
pub(super) fn answers(tool: &'static str, arguments: Value, words: &'static str) -> Way {
    Way {
        answers: Some((tool, arguments, words)),
        ..Way::default()
    }
}

impl Way {
    pub(super) fn and_says(mut self, words: &'static str) -> Self {
        self.says.push(words);
        self
    }
}

impl Guide {
    pub(super) fn open(page: &str) -> Self {
        let home = Home::new();
        stand_ins::put(&home);
        let blocks = Page::read(page).blocks;
        let blocks = blocks.iter().filter(|block| block.language == "sh");
        let lines: Vec<(usize, Piece)> = blocks
            .flat_map(|block| {
                let lines = shell::commands(block).into_iter();
                lines.map(|line| (block.line, line))
            })
            .collect();
        Self {
            home,
            page: page.to_owned(),
            lines: lines.into_iter(),
            ways: Vec::new(),
            stands_for: Vec::new(),
            variables: Vec::new(),
            block: 0,
            listening: Vec::new(),
        }
    }

    /// What lines hold for what differs from run to run or cannot be reached from here.
    pub(super) fn stands_for(&mut self, word: &'static str, value: impl Into<String>) {
        self.stands_for.push(StandsFor {
            word,
            value: value.into(),
            is_used: false,
        });
    }

    /// A variable of the environment, from here on.
    pub(super) fn variable(&mut self, name: &'static str, value: &'static str) {
        self.variables.push((name, value));
    }

    /// Servers are plain processes: those of scripts that a box would not show.
    pub(super) fn without_boxes(&mut self) {
        self.variable("PORTOLAN_RUNTIME", "process");
    }

    /// How the next line that is like this is played.
    pub(super) fn on(&mut self, line: &'static str, way: Way) {
        self.ways.push((line, way));
    }

    /// Plays what stands before this line.
    pub(super) fn play_to(&mut self, line: &str) {
        loop {
            match self.lines.as_slice().first() {
                Some((_, next)) if next.text == line => return,
                Some(_) => self.play_next(),
                None => panic!("{} has no line like this any more: {line}", self.page),
            }
        }
    }

    /// The next line as a command, for a test that plays it by itself.
    pub(super) fn next(&mut self) -> Command {
        let (_, line) = self.lines.next().unwrap();
        let text = self.filled(line.text);
        self.command(&format!("exec {text}"))
    }

    /// A line of the test's own, for what has to be there before.
    pub(super) fn runs(&self, line: &str) {
        self.run(line, &Way::default());
    }

    /// Plays what is left.
    pub(super) fn play(mut self) {
        while !self.lines.as_slice().is_empty() {
            self.play_next();
        }
        self.stop();
        let left: Vec<_> = self.ways.iter().map(|(line, _)| line).collect();
        assert!(left.is_empty(), "{} does not have: {left:#?}", self.page);
        let mut unused = self.stands_for.iter().filter(|one| !one.is_used);
        let unused = unused.next().map(|one| one.word);
        assert_eq!(unused, None, "{} does not have it", self.page);
    }

    fn play_next(&mut self) {
        let (block, line) = self.lines.next().unwrap();
        if block != self.block {
            self.stop();
            self.block = block;
        }
        if is_not_played(&self.page, &line.text) {
            return;
        }
        let place = Place(format!("{}:{}: {}", self.page, line.line, line.text));
        let at = self.ways.iter().position(|(of, _)| *of == line.text);
        let way = at.map_or_else(Way::default, |at| self.ways.remove(at).1);
        let text = self.filled(line.text);
        let is_gateway = text.starts_with("portolan gateway run") && !text.contains("--dry-run");
        if is_gateway && text.contains("--transport") {
            let command = self.command(&format!("exec {text}"));
            self.listening.push(Listening::begin(command));
        } else if is_gateway {
            converse(self.command(&format!("exec {text}")), &way);
        } else {
            self.run(&text, &way);
        }
        drop(place);
    }

    fn filled(&mut self, mut text: String) -> String {
        for one in &mut self.stands_for {
            one.is_used |= text.contains(one.word);
            text = text.replace(one.word, &one.value);
        }
        text
    }

    fn command(&self, line: &str) -> Command {
        let mut command = stand_ins::shell(&self.home, line);
        command.envs(self.variables.iter().copied());
        command
    }

    pub(super) fn run(&self, text: &str, way: &Way) {
        let mut command = self.command(text);
        let done = match (way.asks, way.input) {
            (Some((prompt, keys)), _) => {
                let (code, stdout) = typed_into(command, prompt, keys);
                let stderr = String::new();
                Done {
                    code,
                    stdout,
                    stderr,
                }
            }
            (None, Some(input)) => Done::fed(command, input),
            (None, None) => Done::of(&command.output().unwrap()),
        };
        assert_eq!(done.code, Some(0), "{done:#?}");
        for words in &way.says {
            let is_said = done.stdout.contains(words) || done.stderr.contains(words);
            assert!(is_said, "it does not say {words:?}: {done:#?}");
        }
    }

    fn stop(&mut self) {
        for gateway in self.listening.drain(..) {
            assert!(gateway.stop().success());
        }
    }

    /// Our own small server under these names, in the person's configuration.
    pub(super) fn configured(&self, servers: &[&str]) {
        let mut text = String::new();
        for name in servers {
            let entry =
                format!("[servers.{name}]\ncommand = {BINARY:?}\nargs = [\"__demo-server\"]\n");
            text.push_str(&entry);
        }
        self.home.write("portolan/config.toml", &text);
    }

    /// The same in a catalog of the person's.
    pub(super) fn catalog(&self, name: &str, servers: &[&str]) {
        self.home
            .write(&format!("portolan/catalogs/{name}.yaml"), &catalog(servers));
    }
}

/// A gateway over stdio is greeted, asked what the test wants to know, and left.
fn converse(command: Command, way: &Way) {
    assert!(way.says.is_empty() && way.input.is_none());
    let mut client = Piped::new(command);
    let greeted = client.ask(&initialize());
    assert_eq!(greeted["result"]["serverInfo"]["name"], "portolan");
    client.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    if !way.lists.is_empty() {
        let list = client.ask(&json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"}));
        assert_eq!(tool_names(&list), way.lists);
    }
    if let Some((tool, arguments, words)) = &way.answers {
        let params = json!({"name": tool, "arguments": arguments});
        let call = json!({"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": params});
        let answer = client.ask(&call).to_string();
        assert!(
            answer.contains(words),
            "it does not say {words:?}: {answer}"
        );
    }
    assert!(client.leave().success());
}

/// A catalog of our own small server under these names.
pub(super) fn catalog(servers: &[&str]) -> String {
    let mut text = "servers:\n".to_owned();
    for name in servers {
        let entry = format!(
            "  {name}: {{command: {BINARY}, args: [__demo-server], description: Does {name}., tools: [get-sum, echo]}}\n"
        );
        text.push_str(&entry);
    }
    text
}

/// A page whose test fails in its middle leaves nothing running.
impl Drop for Guide {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = self.home.command(&["down"]).output();
        }
    }
}

/// Says which line it was, if playing it fails.
struct Place(String);

impl Drop for Place {
    #[expect(
        clippy::print_stderr,
        reason = "shown with what the test panicked with"
    )]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.0);
        }
    }
}
