//! A server of one-shot tools: answers for images that speak no MCP.
//!
//! Owns the few methods that such a server has, and what becomes of a program's output. Each call of a tool is a program
//! of its own that begins and ends with it. Refuses to run many at once, or one for ever, or to keep what one says
//! without end. Who runs it is behind [`RunOnce`].

use std::collections::HashMap;
use std::sync::Arc;

use catalog::{Aimed, Entry, Launch, Shot};
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;
use transport::{BoxFuture, FrameSink, Pipe, memory};

use crate::exit::ExitReason;
use crate::limits::{ONE_SHOT_LINES_TOLD, ONE_SHOT_TIME, ONE_SHOTS_AT_ONCE, ONE_SHOTS_WAITING_MAX};
use crate::stderr::Tail;

/// A program that has ended.
pub(crate) struct Ran {
    /// What it wrote to its standard output.
    pub(crate) stdout: Vec<u8>,
    /// It wrote more than is kept.
    pub(crate) is_cut: bool,
    /// Its last lines on standard error.
    pub(crate) tail: Arc<Tail>,
    pub(crate) exit: ExitReason,
}

/// Whoever runs images.
pub(crate) trait RunOnce: Send + Sync {
    /// Runs a container of an entry to its end, with folders that the call names. Ends it when dropped.
    fn run<'a>(
        &'a self,
        entry: &'a Entry,
        folders: &'a [String],
    ) -> BoxFuture<'a, Result<Ran, String>>;
}

/// The entry of the container that a call of this tool is.
pub(crate) fn container(entry: &Entry, shot: &Shot, aimed: Aimed) -> Entry {
    let env = match &entry.launch {
        Launch::OneShot { env, .. } => env.clone(),
        _ => Vec::new(),
    };
    Entry {
        launch: Launch::Container {
            image: shot.image.clone(),
            command: aimed.command,
            env,
            user: aimed.user,
            extra_hosts: Vec::new(),
            is_writable: false,
        },
        ..entry.clone()
    }
}

/// The same before any call, to see what its entry declares; `None` for other entries.
pub(crate) fn sample(entry: &Entry) -> Option<Entry> {
    match &entry.launch {
        Launch::OneShot { shots, .. } => Some(container(entry, shots.first()?, Aimed::default())),
        _ => None,
    }
}

/// A server of the tools of an entry, until the pipe is closed.
pub(crate) fn serve(entry: &Entry, runner: Arc<dyn RunOnce>) -> Pipe {
    let (ours, theirs) = memory::pair();
    let server = Arc::new(Server {
        entry: entry.clone(),
        runner,
        turns: Semaphore::new(ONE_SHOTS_AT_ONCE),
        sink: ours.sink.clone(),
    });
    tokio::spawn(server.until_closed(ours));
    theirs
}

struct Server {
    entry: Entry,
    runner: Arc<dyn RunOnce>,
    turns: Semaphore,
    sink: Arc<dyn FrameSink>,
}

impl Server {
    async fn until_closed(self: Arc<Self>, mut pipe: Pipe) {
        // With it end the calls, and with each its program.
        let mut calls = JoinSet::new();
        let mut handles: HashMap<String, AbortHandle> = HashMap::new();
        loop {
            let frame = tokio::select! {
                frame = pipe.source.recv() => frame,
                Some(_) = calls.join_next() => {
                    handles.retain(|_, call| !call.is_finished());
                    continue;
                }
            };
            let Some(frame) = frame else { return };
            let Some(message) = frame
                .ok()
                .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok())
            else {
                continue;
            };
            let method = message["method"].as_str().unwrap_or_default();
            if method == "notifications/cancelled" {
                if let Some(call) = handles.remove(&message["params"]["requestId"].to_string()) {
                    call.abort();
                }
                continue;
            }
            let Some(id) = message.get("id").filter(|_| !method.is_empty()).cloned() else {
                continue;
            };
            if method != "tools/call" {
                self.answer(&id, self.other(method, &message["params"]));
                continue;
            }
            if handles.len() >= ONE_SHOTS_WAITING_MAX {
                let told = format!(
                    "{ONE_SHOTS_WAITING_MAX} calls of it are under way already; wait for some of them"
                );
                self.answer(&id, Ok(failed(&told)));
                continue;
            }
            let (server, params) = (self.clone(), message["params"].clone());
            let key = id.to_string();
            let call = calls.spawn(async move {
                let answer = server.call(&params).await;
                server.answer(&id, answer);
            });
            handles.insert(key, call);
        }
    }

    fn answer(&self, id: &Value, answer: Answer) {
        let mut reply = json!({"jsonrpc": "2.0", "id": id});
        match answer {
            Ok(result) => reply["result"] = result,
            Err((code, message)) => reply["error"] = json!({"code": code, "message": message}),
        }
        // Whoever does not read any more does not wait either.
        let _ = self.sink.send(reply.to_string().as_bytes());
    }

    fn other(&self, method: &str, params: &Value) -> Answer {
        match method {
            "initialize" => Ok(json!({
                "protocolVersion": params["protocolVersion"],
                "capabilities": {"tools": {}},
                "serverInfo": {"name": self.entry.name.as_str(), "version": env!("CARGO_PKG_VERSION")},
            })),
            "ping" => Ok(json!({})),
            "tools/list" => Ok(json!({"tools": self.tools()})),
            _ => Err((-32601, format!("there is no method \"{method}\""))),
        }
    }

    fn shots(&self) -> &[Shot] {
        match &self.entry.launch {
            Launch::OneShot { shots, .. } => shots,
            _ => &[],
        }
    }

    fn tools(&self) -> Vec<Value> {
        let shots = self.shots().iter().map(|shot| {
            let known = self
                .entry
                .about
                .tools
                .iter()
                .find(|tool| tool.name == shot.tool);
            let schema = known
                .and_then(|tool| serde_json::from_str::<Value>(tool.input_schema.as_deref()?).ok())
                .unwrap_or_else(|| json!({"type": "object"}));
            json!({
                "name": shot.tool,
                "description": known.map_or("", |tool| &tool.description),
                "inputSchema": schema,
            })
        });
        shots.collect()
    }

    async fn call(&self, params: &Value) -> Answer {
        let name = params["name"].as_str().unwrap_or_default();
        let Some(shot) = self.shots().iter().find(|shot| *shot.tool == *name) else {
            return Err((-32602, format!("there is no tool \"{name}\"")));
        };
        let nothing = Map::new();
        let arguments = match &params["arguments"] {
            Value::Object(arguments) => arguments,
            Value::Null => &nothing,
            _ => return Err((-32602, "the arguments are no object".to_owned())),
        };
        let known = self
            .entry
            .about
            .tools
            .iter()
            .find(|tool| tool.name == shot.tool);
        let aimed = match shot.aim(known, arguments) {
            Ok(aimed) => aimed,
            Err(why) => return Ok(failed(&why)),
        };
        let folders = aimed.volumes.clone();
        let entry = container(&self.entry, shot, aimed);
        let run = async {
            let _turn = self.turns.acquire().await;
            timeout(ONE_SHOT_TIME, self.runner.run(&entry, &folders)).await
        };
        Ok(match run.await {
            Ok(Ok(ran)) => result(&ran),
            Ok(Err(why)) => failed(&why),
            Err(_) => failed(&format!(
                "it was ended because it took longer than {} minutes",
                ONE_SHOT_TIME.as_secs() / 60
            )),
        })
    }
}

/// A result, or the code and the words of an error.
type Answer = Result<Value, (i64, String)>;

fn failed(why: &str) -> Value {
    json!({"content": [{"type": "text", "text": why}], "isError": true})
}

/// The output is the answer. What stands on standard error is told where the output says nothing, or something went wrong.
fn result(ran: &Ran) -> Value {
    let mut texts = Vec::new();
    let stdout = String::from_utf8_lossy(&ran.stdout);
    let is_bad = !ran.exit.is_success();
    let lines = ran.tail.last(ONE_SHOT_LINES_TOLD).join("\n");
    let tells = !lines.is_empty() && (is_bad || stdout.is_empty());
    if !stdout.is_empty() || !(tells || is_bad) {
        texts.push(stdout.into_owned());
    }
    if tells {
        texts.push(lines);
    }
    if ran.is_cut {
        texts.push(format!(
            "portolan: it wrote more than the {} bytes above; have it write less",
            ran.stdout.len()
        ));
    }
    if is_bad {
        texts.push(format!("portolan: the program {}", ran.exit));
    }
    let content: Vec<Value> = texts
        .iter()
        .map(|text| json!({"type": "text", "text": text}))
        .collect();
    match is_bad {
        true => json!({"content": content, "isError": true}),
        false => json!({"content": content}),
    }
}

#[cfg(test)]
mod tests;
