//! A home for one test: a temporary folder, a cleared environment but for secrets that must not show, and the binary.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Output, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use serde_json::{Value, json};

use super::planted;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_portolan");

/// The gateway's own tools, in the order of names.
pub(crate) const MENU: [&str; 6] = [
    "code-mode",
    "mcp-add",
    "mcp-config-set",
    "mcp-exec",
    "mcp-find",
    "mcp-remove",
];

/// A folder that nobody else knows.
pub(crate) struct Home {
    folder: tempfile::TempDir,
    runtime: Option<&'static str>,
    /// What the test wrote as its person's own.
    written: Mutex<Vec<PathBuf>>,
}

/// What a command did.
#[derive(Debug)]
#[must_use]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            runtime: None,
            written: Mutex::default(),
        }
    }

    /// One whose servers are plain processes: where they leave files for the test, or what is tried is what happens
    /// without boxes.
    pub(crate) fn unboxed() -> Self {
        let mut home = Self::new();
        home.runtime = Some("process");
        home
    }

    /// One whose servers are in boxes, images too, whatever else this machine has for them.
    pub(crate) fn boxed() -> Self {
        let mut home = Self::new();
        home.runtime = Some("sandbox");
        home
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, and gives its path as text.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        self.written.lock().unwrap().push(path.clone());
        path.display().to_string()
    }

    /// The same, as most programs save: a new file takes the place of the old one.
    pub(crate) fn replace(&self, name: &str, text: &str) {
        let new = self.write(&format!("{name}.new"), text);
        std::fs::rename(new, self.path(name)).unwrap();
    }

    /// A file with our own small server under these names.
    pub(crate) fn servers(&self, names: &[&str]) -> String {
        self.write("servers.json", &servers(names))
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        self.command_of(Path::new(BINARY), words)
    }

    /// The same with a binary that lies elsewhere.
    pub(crate) fn command_of(&self, binary: &Path, words: &[&str]) -> Command {
        #[expect(
            clippy::disallowed_methods,
            reason = "a test runs the binary as people do"
        )]
        let mut command = Command::new(binary);
        command
            .args(words)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.folder.path())
            .env("PORTOLAN_HOME", self.folder.path().join("portolan"))
            .envs(planted::variables())
            .envs(self.runtime.map(|runtime| ("PORTOLAN_RUNTIME", runtime)))
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, words: &[&str]) -> Done {
        Done::of(&self.command(words).output().unwrap())
    }

    /// The same, with something on stdin.
    pub(crate) fn run_with(&self, words: &[&str], input: &str) -> Done {
        Done::fed(self.command(words), input)
    }

    /// A gateway that listens on a free port.
    pub(crate) fn listen(&self, words: &[&str]) -> Listening {
        self.listen_with(words, &[])
    }

    /// The same with variables.
    pub(crate) fn listen_with(&self, words: &[&str], variables: &[(&str, &str)]) -> Listening {
        let mut all = vec!["gateway", "run", "--transport", "streaming", "--port", "0"];
        all.extend(words);
        let mut command = self.command(&all);
        command.envs(variables.iter().copied());
        Listening::begin(command)
    }

    /// The token that was made here.
    pub(crate) fn token(&self) -> String {
        let file = self.path("portolan/state/auth-token");
        std::fs::read_to_string(file).unwrap().trim().to_owned()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let written = self.written.lock().unwrap();
        let mut found = planted::files_with(&self.path("portolan"));
        found.retain(|file| !written.contains(file));
        assert!(found.is_empty(), "secrets lie in {found:?}");
    }
}

/// Our own small server under these names, as AI applications write it, each with a credential.
pub(crate) fn servers(names: &[&str]) -> String {
    let server = |nth| {
        let env = json!({"DEMO_TOKEN": planted::credential(nth)});
        json!({"command": BINARY, "args": ["__demo-server"], "env": env})
    };
    let all: serde_json::Map<String, Value> = (0..)
        .zip(names)
        .map(|(nth, name)| ((*name).to_owned(), server(nth)))
        .collect();
    json!({ "mcpServers": all }).to_string()
}

impl Done {
    /// What a command does with this on its stdin.
    pub(crate) fn fed(mut command: Command, input: &str) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // Who does not read it does not matter.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        Self::of(&child.wait_with_output().unwrap())
    }

    pub(crate) fn of(output: &Output) -> Self {
        let done = Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout.clone()).unwrap(),
            stderr: String::from_utf8(output.stderr.clone()).unwrap(),
        };
        planted::none_in(&done.stdout);
        planted::none_in(&done.stderr);
        done
    }

    /// The output, of a command that must have worked.
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self.stdout
    }

    /// The same as JSON.
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.ok()).unwrap()
    }

    /// The words of a command that must have failed like this.
    pub(crate) fn failed(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self.stderr
    }
}

/// A gateway that listens. Dropping it kills it.
pub(crate) struct Listening {
    child: Child,
    pub(crate) opened: Value,
    session: Option<String>,
    /// What reads the rest of what it says.
    rest: Option<std::thread::JoinHandle<()>>,
}

impl Listening {
    /// Starts a gateway, and waits until it listens.
    pub(crate) fn begin(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut told = String::new();
        let opened = loop {
            let mut line = String::new();
            assert!(stderr.read_line(&mut line).unwrap() > 0, "it ended: {told}");
            told.push_str(&line);
            planted::none_in(&told);
            match serde_json::from_str::<Value>(&line) {
                Ok(value) if value["message"] == "listening" => break value,
                _ => {}
            }
        };
        // Somebody has to read on, or the gateway would one day wait for a full pipe.
        let rest = std::thread::spawn(move || {
            let mut rest = String::new();
            let _ = stderr.read_to_string(&mut rest);
            planted::none_in(&rest);
        });
        let mut listening = Self::of(child, opened);
        listening.rest = Some(rest);
        listening
    }

    /// One that was started in another way.
    pub(crate) fn of(child: Child, opened: Value) -> Self {
        Self {
            child,
            opened,
            session: None,
            rest: None,
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn url(&self) -> &str {
        self.opened["url"].as_str().unwrap()
    }

    pub(crate) fn address(&self) -> &str {
        self.url().split('/').nth(2).unwrap()
    }

    pub(crate) fn id(&self) -> &str {
        self.opened["gateway"].as_str().unwrap()
    }

    /// One HTTP exchange; status and body.
    pub(crate) fn http(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (u16, String, String) {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
            self.address()
        );
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        stream.write_all(head.as_bytes()).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        planted::none_in(&reply);
        let (head, body) = reply.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_owned(), body.to_owned())
    }

    /// One MCP request; the message that answers it.
    pub(crate) fn mcp(&mut self, token: &str, message: &Value) -> Value {
        let (answer, session) = self.exchange(token, message);
        self.session = session.or(self.session.take());
        answer
    }

    /// The same in the conversation that there is; others may go on meanwhile.
    pub(crate) fn exchange(&self, token: &str, message: &Value) -> (Value, Option<String>) {
        let bearer = format!("Bearer {token}");
        let session = self.session.clone();
        let mut headers = vec![
            ("Authorization", bearer.as_str()),
            ("Content-Type", "application/json"),
            ("Accept", "application/json, text/event-stream"),
        ];
        if let Some(id) = &session {
            headers.extend([
                ("Mcp-Session-Id", id.as_str()),
                ("MCP-Protocol-Version", "2025-11-25"),
            ]);
        }
        let (status, head, body) = self.http("POST", "/mcp", &headers, &message.to_string());
        assert!(status < 300, "{status} {body}");
        let named = head.lines().filter_map(|line| line.split_once(": "));
        let mut ids = named.filter(|(name, _)| name.eq_ignore_ascii_case("mcp-session-id"));
        let session = ids.next().map(|(_, value)| value.to_owned());
        let text = body
            .lines()
            .map(|l| l.strip_prefix("data:").unwrap_or(l).trim());
        let answer = text
            .filter_map(|l| serde_json::from_str::<Value>(l).ok())
            .find(|v| v.get("result").is_some() || v.get("error").is_some());
        (answer.unwrap_or_default(), session)
    }

    /// The session that was opened.
    pub(crate) fn session(&self) -> Option<String> {
        self.session.clone()
    }

    /// The next handshake opens another one.
    pub(crate) fn forget_session(&mut self) {
        self.session = None;
    }

    /// Shakes hands.
    pub(crate) fn initialize(&mut self, token: &str) -> Value {
        let answer = self.mcp(token, &initialize());
        self.mcp(
            token,
            &json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
        );
        answer
    }

    /// Asks it to stop; how it ended.
    pub(crate) fn stop(mut self) -> ExitStatus {
        signal(self.child.id(), rustix::process::Signal::TERM);
        self.child.wait().unwrap()
    }

    /// Waits for it to end by itself; how it ended.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let pid = self.child.id();
        wait_until(|| !is_alive(pid));
        self.child.wait().unwrap()
    }

    /// Ends it without asking.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let Some(rest) = self.rest.take().filter(|_| !std::thread::panicking()) else {
            return;
        };
        wait_until(|| rest.is_finished());
        if let Err(why) = rest.join() {
            std::panic::resume_unwind(why);
        }
    }
}

pub(crate) fn initialize() -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}})
}

/// What an answer to `tools/list` lists, sorted.
pub(crate) fn tool_names(list: &Value) -> Vec<&str> {
    let tools = list["result"]["tools"].as_array().expect("a list of tools");
    let mut names: Vec<&str> = tools.iter().filter_map(|t| t["name"].as_str()).collect();
    names.sort_unstable();
    names
}

pub(crate) fn signal(pid: u32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

/// Whether a process is there (and is more than an entry waiting for its parent).
pub(crate) fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit_once(')')
        .and_then(|(_, rest)| rest.trim().chars().next());
    state.is_some_and(|state| state != 'Z' && state != 'X')
}

/// Waits for what other processes do in their own time, without guessing how long it takes.
pub(crate) fn wait_until(is_so: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < DEADLINE, "it never became so");
        std::thread::park_timeout(std::time::Duration::from_millis(5));
    }
}

/// How long anything may take before a test gives up.
const DEADLINE: Duration = Duration::from_secs(20);

/// A stdio client.
pub(crate) struct Piped {
    pub(crate) child: Child,
    stdin: Option<ChildStdin>,
    /// Where answers come over a socket, as with clients in Node.
    answers: Option<UnixStream>,
    messages: Receiver<Value>,
}

impl Piped {
    pub(crate) fn new(command: Command) -> Self {
        Self::with_stderr(command, Stdio::null())
    }

    pub(crate) fn with_stderr(command: Command, stderr: impl Into<Stdio>) -> Self {
        let (ours, theirs) = std::io::pipe().unwrap();
        Self::over(command, ours, theirs, stderr)
    }

    /// One that can vanish.
    pub(crate) fn over_socket(command: Command) -> Self {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let answers = ours.try_clone().unwrap();
        let theirs = std::os::fd::OwnedFd::from(theirs);
        Self {
            answers: Some(answers),
            ..Self::over(command, ours, theirs, Stdio::null())
        }
    }

    fn over(
        mut command: Command,
        ours: impl std::io::Read + Send + 'static,
        theirs: impl Into<Stdio>,
        stderr: impl Into<Stdio>,
    ) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(theirs)
            .stderr(stderr)
            .spawn()
            .unwrap();
        // Its copy of the far end goes with it.
        drop(command);
        let (heard, messages) = sync_channel(1024);
        let lines = BufReader::new(ours).lines();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                // Who waits for more of this thread hears that it is gone.
                planted::none_in(&line);
                let message = serde_json::from_str(&line).expect("a line of JSON");
                if heard.send(message).is_err() {
                    return;
                }
            }
        });
        Self {
            stdin: child.stdin.take(),
            child,
            answers: None,
            messages,
        }
    }

    /// Is gone without a word, and reads nothing any more.
    pub(crate) fn vanish(&mut self) {
        self.stdin = None;
        let answers = self.answers.take().expect("it is over a socket");
        answers.shutdown(std::net::Shutdown::Both).unwrap();
    }

    pub(crate) fn send(&mut self, message: &Value) {
        writeln!(self.stdin.as_mut().unwrap(), "{message}").unwrap();
    }

    /// The answer to a request; what comes before it is passed over.
    pub(crate) fn ask(&mut self, message: &Value) -> Value {
        self.send(message);
        self.hear(|heard| heard["id"] == message["id"] && heard.get("method").is_none())
    }

    /// The first message that is like this; what comes before it is passed over.
    pub(crate) fn hear(&self, is_it: impl Fn(&Value) -> bool) -> Value {
        let begun = std::time::Instant::now();
        loop {
            let left = DEADLINE.saturating_sub(begun.elapsed());
            let heard = self.messages.recv_timeout(left).expect("a message");
            if is_it(&heard) {
                return heard;
            }
        }
    }

    /// Leaves; how it ended.
    pub(crate) fn leave(mut self) -> ExitStatus {
        self.stdin = None;
        self.child.wait().unwrap()
    }
}

/// Names below a folder.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let Ok(all) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    all.map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect()
}
