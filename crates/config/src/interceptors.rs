//! Who looks at calls on their way: `[[interceptors]]` of `config.toml`, and the flag `--interceptor` as Docker's gateway has it.
//! Owns how they are written; running them is `cli`'s. Refuses those of a project's file, for they run programs, and half of one:
//! an interceptor that cannot be read is an error of the whole configuration, for left out it would be a hole.

use catalog::document::{Document, Key, Node};
use catalog::{Layer, Problem, suggest};

use crate::limits::{INTERCEPTOR_TIME_S, INTERCEPTOR_TIME_S_MAX, INTERCEPTORS_MAX};

/// One that looks at calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interceptor {
    /// What messages and records call it.
    pub name: String,
    /// Whether it stands on the way back.
    pub is_after: bool,
    /// Patterns of servers; none: of all.
    pub server: Vec<String>,
    /// Patterns of tools; none: all.
    pub tool: Vec<String>,
    /// Patterns of profiles that the gateway must run with; none: it stands there always.
    pub profile: Vec<String>,
    /// What it is.
    pub how: How,
    /// What it is given and what it says: as Docker's gateway has it, or by our own schema.
    pub is_dockers: bool,
    /// How long it may take.
    pub timeout_s: u64,
    /// Whether a call passes where it fails.
    pub lets_pass: bool,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// A program, with its arguments.
    Exec(Vec<String>),
    /// An address.
    Http(String),
    /// An image, with the arguments of its program.
    Docker(Vec<String>),
}

/// The keys of one.
const KEYS: [&str; 10] = [
    "name",
    "when",
    "server",
    "tool",
    "profile",
    "exec",
    "http",
    "docker",
    "timeout_s",
    "on_failure",
];

impl Interceptor {
    /// Reads what `--interceptor` is given: `before:exec:SCRIPT`, `after:http:URL`, `before:docker:IMAGE ARGUMENTS`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let usual = "write it like before:exec:/bin/check, after:http:http://127.0.0.1:9000/ or before:docker:IMAGE ARGUMENTS";
        let mut parts = text.splitn(3, ':');
        let (Some(when), Some(kind), Some(argument)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(usual.to_owned());
        };
        let is_after = match when.to_ascii_lowercase().as_str() {
            "before" => false,
            "after" => true,
            other => return Err(format!("`{other}` is neither before nor after; {usual}")),
        };
        if argument.trim().is_empty() {
            return Err(format!("it names nothing to ask; {usual}"));
        }
        let how = match kind.to_ascii_lowercase().as_str() {
            "exec" => How::Exec(vec!["/bin/sh".into(), "-c".into(), argument.into()]),
            "http" => How::Http(argument.to_owned()),
            "docker" => How::Docker(
                shlex::split(argument)
                    .filter(|words| !words.is_empty())
                    .ok_or("its quotes do not end")?,
            ),
            other => {
                return Err(format!(
                    "`{other}` is none of exec, http and docker; {usual}"
                ));
            }
        };
        Ok(Self {
            name: text.chars().take(60).collect(),
            is_after,
            server: Vec::new(),
            tool: Vec::new(),
            profile: Vec::new(),
            how,
            is_dockers: true,
            timeout_s: INTERCEPTOR_TIME_S,
            lets_pass: false,
        })
    }
}

/// Reads a section `interceptors`.
pub(crate) fn read(
    doc: &Document<'_>,
    node: &Node,
    layer: Layer,
    all: &mut Vec<Interceptor>,
    problems: &mut Vec<Problem>,
) {
    let Some(items) = node.list() else {
        let message = format!(
            "`interceptors` must be a list of tables, found {}",
            node.kind()
        );
        problems.push(
            doc.error(node.start, message)
                .hint("write [[interceptors]]"),
        );
        return;
    };
    for item in items {
        if layer == Layer::Project {
            let message = "interceptors are not taken from a project's file";
            problems.push(
                doc.warning(item.start, message)
                    .hint("they run programs: put this one into your own config.toml"),
            );
            return;
        }
        if all.len() >= INTERCEPTORS_MAX {
            let message = format!("there are more than {INTERCEPTORS_MAX} interceptors");
            problems.push(doc.error(item.start, message));
            return;
        }
        let before = problems.len();
        let read = one(doc, item, all.len() + 1, problems);
        all.extend(read.filter(|_| problems.len() == before));
    }
}

fn one(
    doc: &Document<'_>,
    node: &Node,
    number: usize,
    problems: &mut Vec<Problem>,
) -> Option<Interceptor> {
    let Some(pairs) = node.table() else {
        let message = format!("an interceptor must be a table, found {}", node.kind());
        problems.push(
            doc.error(node.start, message)
                .hint("write [[interceptors]]"),
        );
        return None;
    };
    let mut made = Interceptor {
        name: format!("interceptor {number}"),
        is_after: false,
        server: Vec::new(),
        tool: Vec::new(),
        profile: Vec::new(),
        how: How::Exec(Vec::new()),
        is_dockers: false,
        timeout_s: INTERCEPTOR_TIME_S,
        lets_pass: false,
    };
    let (mut when, mut how) = (None, None);
    let start = pairs.first().map_or(node.start, |(key, _)| key.start);
    for (key, node) in pairs {
        let mut wrong = |said: &str| {
            let message = format!("`{}` {said}, found {}", key.name, shown(node));
            problems.push(doc.error(node.start, message));
        };
        match key.name.as_str() {
            "name" => match node.as_str().filter(|name| !name.trim().is_empty()) {
                Some(name) => made.name = name.to_owned(),
                None => wrong("must be a name"),
            },
            "when" => match node.as_str() {
                Some("before") => when = Some(false),
                Some("after") => when = Some(true),
                _ => wrong("must be \"before\" or \"after\""),
            },
            "server" | "tool" | "profile" => {
                let Some(texts) = texts(node) else {
                    wrong("must be a pattern or a list of them");
                    continue;
                };
                match key.name.as_str() {
                    "server" => made.server = texts,
                    "tool" => made.tool = texts,
                    _ => made.profile = texts,
                }
            }
            "exec" | "http" | "docker" if how.is_some() => {
                problems.push(second(doc, key));
            }
            "exec" => match words(node) {
                Some(words) => how = Some(How::Exec(words)),
                None => wrong("must be a list: the program and its arguments"),
            },
            "docker" => match words(node) {
                Some(words) => how = Some(How::Docker(words)),
                None => wrong("must be a list: the image and its arguments"),
            },
            "http" => match node.as_str().filter(|url| is_address(url)) {
                Some(url) => how = Some(How::Http(url.to_owned())),
                None => wrong("must be an address that begins with http:// or https://"),
            },
            "timeout_s" => match number_of(node) {
                Some(seconds @ 1..=INTERCEPTOR_TIME_S_MAX) => made.timeout_s = seconds,
                _ => wrong(&format!(
                    "must be a whole number from 1 to {INTERCEPTOR_TIME_S_MAX}"
                )),
            },
            "on_failure" => match node.as_str() {
                Some("allow") => made.lets_pass = true,
                Some("refuse") => made.lets_pass = false,
                _ => wrong("must be \"refuse\" or \"allow\""),
            },
            name => {
                let hint = match suggest(name, KEYS) {
                    Some(known) => format!("did you mean `{known}`?"),
                    None => format!("there are: {}", KEYS.join(", ")),
                };
                let message = format!("`{name}` means nothing in an interceptor");
                problems.push(doc.error(key.start, message).hint(hint));
            }
        }
    }
    let has = |names: &[&str]| {
        pairs
            .iter()
            .any(|(key, _)| names.contains(&key.name.as_str()))
    };
    if when.is_none() && !has(&["when"]) {
        let problem = doc.error(start, "the interceptor has no `when`");
        problems.push(problem.hint("when = \"before\", or \"after\""));
    }
    if how.is_none() && !has(&["exec", "http", "docker"]) {
        let problem = doc.error(start, "the interceptor names nothing to ask");
        problems.push(
            problem.hint("exec = [\"/bin/check\"], http = \"http://…\" or docker = [\"IMAGE\"]"),
        );
    }
    Some(Interceptor {
        is_after: when?,
        how: how?,
        ..made
    })
}

fn second(doc: &Document<'_>, key: &Key) -> Problem {
    let message = format!(
        "`{}`: the interceptor names something else to ask already",
        key.name
    );
    doc.error(key.start, message)
        .hint("one of exec, http and docker; several interceptors are asked in their order")
}

fn is_address(text: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| {
        text.strip_prefix(scheme)
            .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
    })
}

fn texts(node: &Node) -> Option<Vec<String>> {
    match node.as_str() {
        Some(text) => Some(vec![text.to_owned()]),
        None => words(node),
    }
}

/// A list of texts that is not empty.
fn words(node: &Node) -> Option<Vec<String>> {
    let words = node
        .list()?
        .iter()
        .map(|node| node.as_str().map(str::to_owned));
    words
        .collect::<Option<Vec<_>>>()
        .filter(|words| !words.is_empty())
}

fn number_of(node: &Node) -> Option<u64> {
    node.to_json().as_u64()
}

fn shown(node: &Node) -> String {
    match node.as_str() {
        Some(text) => format!("{text:?}"),
        None => node.kind().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> (Vec<Interceptor>, Vec<String>) {
        let loaded = crate::load_text(text, "f.toml", &crate::env::Env::default());
        let problems = loaded.problems.iter().map(ToString::to_string);
        (loaded.interceptors.clone(), problems.collect())
    }

    #[test]
    fn each_key_is_read() {
        let (read, problems) = of(r#"
[[interceptors]]
name = "mail"
when = "before"
server = "mail*"
tool = ["send", "reply_*"]
profile = "work"
exec = ["/bin/check", "--strict"]
timeout_s = 9
on_failure = "allow"

[[interceptors]]
when = "after"
http = "http://127.0.0.1:9000/after"

[[interceptors]]
when = "after"
docker = ["alpine", "cat"]
"#);
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(
            read[0],
            Interceptor {
                name: "mail".into(),
                is_after: false,
                server: vec!["mail*".into()],
                tool: vec!["send".into(), "reply_*".into()],
                profile: vec!["work".into()],
                how: How::Exec(vec!["/bin/check".into(), "--strict".into()]),
                is_dockers: false,
                timeout_s: 9,
                lets_pass: true,
            }
        );
        assert_eq!(read[1].name, "interceptor 2");
        assert!(read[1].is_after && !read[1].lets_pass);
        assert_eq!(
            read[2].how,
            How::Docker(vec!["alpine".into(), "cat".into()])
        );
    }

    #[test]
    fn mistakes_have_their_place_and_nothing_is_left_out_silently() {
        for (text, said) in [
            ("interceptors = 1\n", "must be a list of tables"),
            ("[[interceptors]]\nexec = ['x']\n", "has no `when`"),
            (
                "[[interceptors]]\nwhen = 'before'\n",
                "names nothing to ask",
            ),
            (
                "[[interceptors]]\nwhen = 'around'\nexec = ['x']\n",
                "must be \"before\" or \"after\", found \"around\"",
            ),
            (
                "[[interceptors]]\nwhen = 'before'\nexec = 'x'\n",
                "must be a list",
            ),
            (
                "[[interceptors]]\nwhen = 'before'\nexec = []\n",
                "must be a list",
            ),
            (
                "[[interceptors]]\nwhen = 'before'\nhttp = 'ftp://x'\n",
                "must be an address",
            ),
            (
                "[[interceptors]]\nwhen = 'before'\nexec = ['x']\nhttp = 'http://x'\n",
                "something else to ask",
            ),
            (
                "[[interceptors]]\nwhen = 'before'\nexec = ['x']\ntimeout_s = 0\n",
                "must be a whole number from 1 to 300",
            ),
            (
                "[[interceptors]]\nwhen = 'before'\nexec = ['x']\non_failure = 'ignore'\n",
                "must be \"refuse\" or \"allow\"",
            ),
            (
                "[[interceptors]]\nwhen = 'before'\nexec = ['x']\nsever = 'x'\n",
                "did you mean `server`?",
            ),
        ] {
            let (read, problems) = of(text);
            assert!(read.is_empty(), "{text}");
            assert!(
                problems.iter().any(|problem| problem.contains(said)),
                "{text}: {problems:?}"
            );
        }
        let many = "[[interceptors]]\nwhen='after'\nexec=['x']\n".repeat(INTERCEPTORS_MAX + 1);
        assert!(of(&many).1[0].contains("more than"));
    }

    #[test]
    fn dockers_flags_are_read_as_they_are_written_there() {
        let how = |text: &str| Interceptor::parse(text).unwrap().how;
        let shell = |script: &str| How::Exec(vec!["/bin/sh".into(), "-c".into(), script.into()]);
        assert_eq!(
            how(r#"before:exec:echo Query=$(jq -r ".params.arguments.query") >&2"#),
            shell(r#"echo Query=$(jq -r ".params.arguments.query") >&2"#)
        );
        assert_eq!(
            how("before:docker:alpine sh -c 'echo BEFORE >&2'"),
            How::Docker(
                ["alpine", "sh", "-c", "echo BEFORE >&2"]
                    .map(String::from)
                    .to_vec()
            )
        );
        assert_eq!(
            how("after:http:http://interceptor:8080/after"),
            How::Http("http://interceptor:8080/after".into())
        );
        assert!(Interceptor::parse("AFTER:exec:cat").unwrap().is_after);
        for bad in [
            "",
            "before",
            "before:exec",
            "around:exec:x",
            "before:smtp:x",
            "before:exec: ",
            "before:docker:a 'b",
        ] {
            assert!(Interceptor::parse(bad).is_err(), "{bad}");
        }
    }
}
