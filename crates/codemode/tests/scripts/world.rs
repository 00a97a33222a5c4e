//! The tools that the scripts of these tests call, and workers that are real processes.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gateway::scripts::{BoxFuture, Call, CallError, Calls, Progress, Script, Tool};
use launch::OwnProcess;
use portolan_codemode::{CodeMode, Limits, Outcome, Process};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// A process as code mode wants it.
pub(super) struct Worker(pub(super) OwnProcess);

impl Process for Worker {
    fn end(&mut self) -> Option<i32> {
        self.0.end()
    }
}

pub(super) fn worker_program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_portolan-codemode-worker"))
}

pub(super) fn start(channel: OwnedFd) -> io::Result<Box<dyn Process>> {
    Ok(Box::new(Worker(OwnProcess::start(
        worker_program(),
        &[],
        channel,
    )?)))
}

pub(super) fn mode(limits: Limits) -> CodeMode {
    CodeMode::new(Arc::new(start), limits, 0)
}

/// Runs a script with the usual limits.
pub(super) async fn run(text: &str) -> Outcome {
    run_with(Limits::default(), text).await
}

pub(super) async fn run_with(limits: Limits, text: &str) -> Outcome {
    run_in(&mode(limits), &World::default(), text).await
}

pub(super) async fn run_in(mode: &CodeMode, world: &World, text: &str) -> Outcome {
    let script = Script {
        text,
        args: None,
        owner: "test",
    };
    mode.run(script, world).await
}

/// The result of a script that must work.
pub(super) async fn result(text: &str) -> Value {
    let outcome = run(text).await;
    assert!(outcome.ok, "{}\n{text}", outcome.text());
    serde_json::from_str(outcome.result.get()).unwrap()
}

/// The message of a script that must fail.
pub(super) async fn error(text: &str) -> String {
    let outcome = run(text).await;
    assert!(!outcome.ok, "{}\n{text}", outcome.text());
    outcome.text()
}

/// Everything that these tools did.
#[derive(Default)]
pub(super) struct World {
    /// Calls that began, as `server.tool arguments`.
    pub(super) began: Mutex<Vec<String>>,
    /// Calls that were dropped before their end.
    pub(super) cancelled: Arc<AtomicUsize>,
    pub(super) at_once: AtomicUsize,
    pub(super) most_at_once: AtomicUsize,
    pub(super) progress: Mutex<Vec<String>>,
    tools: std::sync::OnceLock<Vec<Arc<Tool>>>,
}

fn tool(
    server: &str,
    name: &str,
    description: &str,
    input: Value,
    output: Option<Value>,
) -> Arc<Tool> {
    Arc::new(Tool {
        server: server.into(),
        name: name.into(),
        origin: "1".into(),
        description: description.into(),
        input: Arc::new(input),
        output: output.map(Arc::new),
    })
}

fn object(properties: Value, required: &[&str]) -> Value {
    json!({"type": "object", "properties": properties, "required": required})
}

fn make_tools() -> Vec<Arc<Tool>> {
    let any = || json!({"type": "object"});
    vec![
        tool(
            "github",
            "create-issue",
            "Creates an issue.",
            object(
                json!({"title": {"type": "string"}, "labels": {"type": "array", "items": {"type": "string"}}}),
                &["title"],
            ),
            Some(object(
                json!({"number": {"type": "integer"}, "title": {"type": "string"}}),
                &["number", "title"],
            )),
        ),
        tool(
            "github",
            "list_issues",
            "Lists the issues of a repository, page by page.",
            object(
                json!({"page": {"type": "integer", "minimum": 1}, "state": {"enum": ["open", "closed"]}}),
                &[],
            ),
            None,
        ),
        tool(
            "github",
            "get_issue",
            "One issue.",
            object(json!({"number": {"type": "integer"}}), &["number"]),
            None,
        ),
        tool(
            "weather",
            "forecast",
            "The weather in a city.",
            object(json!({"city": {"type": "string"}}), &["city"]),
            None,
        ),
        tool("text", "plain", "Plain text.", any(), None),
        tool("text", "number", "A number as text.", any(), None),
        tool("text", "image", "A picture and words.", any(), None),
        tool(
            "text",
            "large",
            "So many bytes.",
            object(json!({"bytes": {"type": "integer"}}), &["bytes"]),
            None,
        ),
        tool(
            "files",
            "read",
            "Reads a file.",
            object(json!({"path": {"type": "string"}}), &["path"]),
            None,
        ),
        tool("other", "read", "Reads something else.", any(), None),
        tool("bad", "fails", "Always fails.", any(), None),
        tool("bad", "dies", "Its server dies.", any(), None),
        tool("bad", "never", "Never ends.", any(), None),
        tool("bad", "nonsense", "Gives what is no result.", any(), None),
        tool("bad", "deep", "Gives a deep value.", any(), None),
        tool(
            "person",
            "ask",
            "Asks a person, who takes a second.",
            any(),
            None,
        ),
        tool("echo", "echo", "Gives its arguments.", any(), None),
        tool(
            "echo",
            "slow",
            "The same, after a while.",
            object(json!({"ms": {"type": "number"}}), &[]),
            None,
        ),
    ]
}

fn structured(value: &Value) -> Value {
    json!({"content": [{"type": "text", "text": value.to_string()}], "structuredContent": value})
}

fn text(text: impl Into<String>) -> Value {
    json!({"content": [{"type": "text", "text": text.into()}]})
}

struct Cancelled(Arc<AtomicUsize>, bool);

impl Drop for Cancelled {
    fn drop(&mut self) {
        if !self.1 {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl World {
    async fn answer(&self, call: Call) -> Result<Value, CallError> {
        let arguments: Value = serde_json::from_str(call.arguments.get()).unwrap();
        let name = format!("{}.{}", call.tool.server, call.tool.name);
        Ok(match name.as_str() {
            "github.create-issue" => structured(&json!({"number": 7, "title": arguments["title"]})),
            "github.list_issues" => {
                let page = arguments["page"].as_i64().unwrap_or(1);
                let items: Vec<Value> = if page > 3 {
                    Vec::new()
                } else {
                    (0..10)
                        .map(|at| json!({"number": page * 10 + at, "title": format!("issue {at}"), "state": if at % 2 == 0 { "open" } else { "closed" }, "user": {"login": "ada"}}))
                        .collect()
                };
                text(json!({"items": items, "next": (page < 3).then_some(page + 1)}).to_string())
            }
            "github.get_issue" => {
                let number = arguments["number"].as_i64().unwrap_or_default();
                if number == 13 {
                    json!({"isError": true, "content": [{"type": "text", "text": "issue 13 not found"}]})
                } else {
                    text(json!({"number": number, "body": "text", "comments": number % 3}).to_string())
                }
            }
            "weather.forecast" => text(json!({"city": arguments["city"], "celsius": arguments["city"].as_str().unwrap_or_default().len()}).to_string()),
            "text.plain" => text("just words"),
            "text.number" => text("42"),
            "text.image" => json!({"content": [{"type": "text", "text": "words"}, {"type": "image", "data": "aGk=", "mimeType": "image/png"}]}),
            "text.large" => {
                let bytes = usize::try_from(arguments["bytes"].as_u64().unwrap_or_default()).unwrap();
                text("x".repeat(bytes))
            }
            "files.read" => text("line one\nline two\nline three\n"),
            "other.read" => text("something else"),
            "bad.fails" => json!({"isError": true, "content": [{"type": "text", "text": "it broke: invalid argument"}]}),
            "bad.dies" => {
                return Err(CallError {
                    message: "the server ended while it was answering".into(),
                    hint: Some("call again: it is started anew".into()),
                });
            }
            "bad.never" => std::future::pending().await,
            "bad.deep" => text("[".repeat(100_000) + &"]".repeat(100_000)),
            "bad.nonsense" => json!([1, 2]),
            "person.ask" => {
                let _waits = call.waits.person();
                tokio::time::sleep(Duration::from_millis(700)).await;
                structured(&json!({"answer": "yes"}))
            }
            "echo.slow" => {
                tokio::time::sleep(Duration::from_millis(arguments["ms"].as_u64().unwrap_or(20))).await;
                structured(&arguments)
            }
            _ => structured(&arguments),
        })
    }

    pub(super) fn count(&self, name: &str) -> usize {
        self.began
            .lock()
            .unwrap()
            .iter()
            .filter(|call| call.starts_with(name))
            .count()
    }
}

impl Calls for World {
    fn tools(&self) -> Vec<Arc<Tool>> {
        self.tools.get_or_init(make_tools).clone()
    }

    fn call(&self, call: Call) -> BoxFuture<'_, Result<Box<RawValue>, CallError>> {
        Box::pin(async move {
            self.began.lock().unwrap().push(format!(
                "{}.{} {}",
                call.tool.server, call.tool.name, call.arguments
            ));
            let mut cancelled = Cancelled(self.cancelled.clone(), false);
            let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_at_once.fetch_max(now, Ordering::SeqCst);
            let answer = self.answer(call).await;
            self.at_once.fetch_sub(1, Ordering::SeqCst);
            cancelled.1 = true;
            answer.map(|answer| serde_json::value::to_raw_value(&answer).unwrap())
        })
    }

    fn search(&self, query: &str, limit: usize) -> Vec<usize> {
        let scores: HashMap<usize, usize> = self
            .tools()
            .iter()
            .enumerate()
            .map(|(at, tool)| {
                let text = format!("{} {}", tool.name, tool.description).to_lowercase();
                (
                    at,
                    query
                        .to_lowercase()
                        .split_whitespace()
                        .filter(|word| text.contains(word))
                        .count(),
                )
            })
            .collect();
        let mut found: Vec<_> = scores.into_iter().filter(|(_, score)| *score > 0).collect();
        found.sort_by_key(|(at, score)| (usize::MAX - score, *at));
        found.into_iter().map(|(at, _)| at).take(limit).collect()
    }

    fn progress(&self, progress: &Progress<'_>) {
        self.progress.lock().unwrap().push(progress.message());
    }
}
