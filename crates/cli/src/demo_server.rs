//! A small MCP server on stdin and stdout: what `demo` uses where there is neither Node nor Python.
//! Handshake era only. Owns two tools that do something and one that takes its time and tells about it.

use std::future::poll_fn;

use bytes::Bytes;
use tokio::time::{Duration, sleep};
use transport::Pipe;
use wire::{Frame, Kind as FrameKind, Object, Version, code, method};

use crate::error::{Failure, Kind};

const TOOLS: &str = r#"{"tools":[
{"name":"echo","title":"Echo","description":"Says the same again","inputSchema":{"type":"object","properties":{"message":{"type":"string","description":"What to say"}},"required":["message"]},"annotations":{"readOnlyHint":true}},
{"name":"get-sum","title":"Sum","description":"Adds two numbers","inputSchema":{"type":"object","properties":{"a":{"type":"number","description":"First number"},"b":{"type":"number","description":"Second number"}},"required":["a","b"]},"annotations":{"readOnlyHint":true}},
{"name":"count-up","title":"Count","description":"Counts, and reports progress","inputSchema":{"type":"object","properties":{"steps":{"type":"integer","minimum":1,"maximum":100}},"required":["steps"]},"annotations":{"readOnlyHint":true}}
]}"#;

const STEP: Duration = Duration::from_millis(20);

/// Serves until stdin ends.
pub(crate) fn run() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::internal("cannot start", e))?;
    runtime.block_on(async {
        let pipe = transport::stdio::own().map_err(|e| {
            Failure::new(Kind::Failed, "stdin and stdout cannot be used").because(&e)
        })?;
        serve(pipe).await;
        Ok(())
    })
}

/// Answers one frame after the other: this server is small.
async fn serve(mut pipe: Pipe) {
    while let Some(line) = poll_fn(|cx| pipe.source.poll_recv(cx)).await {
        let Ok(frame) = line
            .map_err(drop)
            .and_then(|bytes| Frame::parse(bytes).map_err(drop))
        else {
            continue;
        };
        if frame.kind() != FrameKind::Request {
            continue;
        }
        let Some(id) = frame.id() else { continue };
        let answer = match answer(&frame, &pipe).await {
            Ok(result) => wire::build::result(id, &result),
            Err((code, message)) => wire::build::error(Some(id), code, &message, None),
        };
        if pipe.sink.send(&answer).is_err() {
            break;
        }
    }
    poll_fn(|cx| pipe.sink.poll_drained(cx)).await;
}

type Answer = Result<String, (i64, String)>;

async fn answer(frame: &Frame, pipe: &Pipe) -> Answer {
    let params = frame.params().and_then(|raw| Object::parse(raw).ok());
    match frame.method() {
        method::INITIALIZE => {
            let asked = params.and_then(|p| p.string("protocolVersion").ok().flatten());
            let version = Version::negotiate(asked.as_deref().unwrap_or_default());
            Ok(format!(
                r#"{{"protocolVersion":"{}","capabilities":{{"tools":{{}}}},"serverInfo":{{"name":"portolan-demo","version":"{}"}}}}"#,
                version.as_str(),
                env!("CARGO_PKG_VERSION")
            ))
        }
        method::PING => Ok("{}".into()),
        method::TOOLS_LIST => Ok(TOOLS.replace('\n', "")),
        method::TOOLS_CALL => match params {
            Some(params) => call(&params, pipe).await,
            None => Err((code::INVALID_PARAMS, "params are missing".into())),
        },
        other => Err((
            code::METHOD_NOT_FOUND,
            format!("there is no method {other}"),
        )),
    }
}

async fn call(params: &Object<'_>, pipe: &Pipe) -> Answer {
    let wrong = |what: &str| (code::INVALID_PARAMS, what.to_owned());
    let name = params
        .string("name")
        .ok()
        .flatten()
        .ok_or_else(|| wrong("name is missing"))?;
    let arguments = params.object("arguments").ok().flatten();
    let number = |name: &str| {
        let raw = arguments
            .as_ref()
            .and_then(|a| a.get(name).ok().flatten())?;
        raw.parse::<f64>().ok().filter(|n| n.is_finite())
    };
    let text = match &*name {
        "echo" => {
            let message = arguments
                .as_ref()
                .and_then(|a| a.string("message").ok().flatten());
            format!(
                "Echo: {}",
                message.ok_or_else(|| wrong("message is missing"))?
            )
        }
        "get-sum" => {
            let (a, b) = number("a")
                .zip(number("b"))
                .ok_or_else(|| wrong("a and b must be numbers"))?;
            format!("The sum of {a} and {b} is {}.", a + b)
        }
        "count-up" => {
            let steps = number("steps")
                .filter(|n| (1.0..=100.0).contains(n))
                .ok_or_else(|| wrong("steps: 1 to 100"))?;
            let token = params
                .object("_meta")
                .ok()
                .flatten()
                .and_then(|m| m.get(wire::meta::PROGRESS_TOKEN).ok().flatten());
            count(steps as u32, token, pipe).await;
            format!("Counted to {}.", steps as u32)
        }
        other => return Err(wrong(&format!("there is no tool {other}"))),
    };
    Ok(format!(
        r#"{{"content":[{{"type":"text","text":{}}}]}}"#,
        wire::quote(&text)
    ))
}

async fn count(steps: u32, token: Option<&str>, pipe: &Pipe) {
    for step in 1..=steps {
        sleep(STEP).await;
        let Some(token) = token else { continue };
        let params = format!(r#"{{"progressToken":{token},"progress":{step},"total":{steps}}}"#);
        let progress: Bytes = wire::build::notification(method::PROGRESS, Some(&params));
        // A full outbox loses a step of the progress, never the answer.
        let _ = pipe.sink.send(&progress);
    }
}
