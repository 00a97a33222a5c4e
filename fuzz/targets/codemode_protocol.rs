//! Any bytes in place of a worker, and any bytes in place of a gateway: each end says what came of it, soon, and does
//! nothing that its limits forbid.
#![no_main]

use std::cell::RefCell;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use codemode::protocol::{Confinement, FromWorker, frame};
use codemode::worker::Duplex;
use codemode::worker::engine::Engine;
use codemode::{CodeMode, Limits, Names, Process};
use gateway::scripts::{BoxFuture, Call, CallError, Calls, Script, Tool};
use libfuzzer_sys::fuzz_target;
use serde_json::json;
use serde_json::value::RawValue;

fuzz_target!(|data: &[u8]| {
    let Some((which, bytes)) = data.split_first() else {
        return;
    };
    // Frames of the fuzzer's choice: it finds messages sooner than lengths.
    let framed = which & 2 == 0;
    let bytes = if framed {
        frames(bytes)
    } else {
        bytes.to_vec()
    };
    if which & 1 == 0 {
        as_worker(bytes);
    } else {
        as_gateway(bytes);
    }
});

/// Each line as a frame.
fn frames(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in text.split(|byte| *byte == b'\n') {
        out.extend_from_slice(&u32::try_from(line.len()).unwrap_or(0).to_le_bytes());
        out.extend_from_slice(line);
    }
    out
}

const LIMITS: Limits = Limits {
    memory_bytes: 16 << 20,
    wall: Duration::from_secs(5),
    calls: 4,
    in_flight: 2,
    value_bytes: 4_000,
    log_bytes: 1_000,
    result_bytes: 500,
};

struct World {
    calls: AtomicU32,
    tools: Vec<Arc<Tool>>,
}

impl Calls for World {
    fn tools(&self) -> Vec<Arc<Tool>> {
        self.tools.clone()
    }

    fn call(&self, call: Call) -> BoxFuture<'_, Result<Box<RawValue>, CallError>> {
        assert!(self.calls.fetch_add(1, Ordering::Relaxed) < LIMITS.calls);
        assert!(call.arguments.get().starts_with('{'));
        assert!(call.arguments.get().len() < 100_000);
        let result = json!({"content": [{"type": "text", "text": "1"}]});
        Box::pin(async move {
            serde_json::value::to_raw_value(&result)
                .map_err(|error| CallError::new(error.to_string()))
        })
    }

    fn search(&self, _: &str, limit: usize) -> Vec<usize> {
        vec![0; limit.min(5)]
    }
}

/// A thread in place of a process.
struct Talker(Option<std::thread::JoinHandle<()>>);

impl Process for Talker {
    fn end(&mut self) -> Option<i32> {
        None
    }
}

impl Drop for Talker {
    fn drop(&mut self) {
        // It ends as soon as nobody listens.
        if let Some(thread) = self.0.take() {
            let _ = thread.join();
        }
    }
}

fn as_worker(says: Vec<u8>) {
    static TOOLS: OnceLock<Vec<Arc<Tool>>> = OnceLock::new();
    let tools = TOOLS.get_or_init(|| {
        let tool = |name: &str| Tool {
            server: "s".into(),
            name: name.into(),
            origin: "1".into(),
            description: "Does. Something.".into(),
            input: Arc::new(json!({"type": "object", "properties": {"n": {"type": "integer"}}})),
            output: None,
        };
        vec![Arc::new(tool("a")), Arc::new(tool("b-c"))]
    });
    let world = World {
        calls: AtomicU32::new(0),
        tools: tools.clone(),
    };
    let start = move |channel: OwnedFd| -> io::Result<Box<dyn Process>> {
        let mut stream = UnixStream::from(channel);
        let ready = FromWorker::Ready(Confinement {
            seccomp: true,
            ..Confinement::default()
        });
        stream.write_all(&frame(&ready))?;
        let says = says.clone();
        // What is said may be more than a socket holds.
        let thread = std::thread::spawn(move || {
            let _ = stream.write_all(&says);
            let _ = stream.shutdown(std::net::Shutdown::Write);
            // Answers are read, so that nobody waits for us.
            let _ = io::copy(&mut stream, &mut io::sink());
        });
        Ok(Box::new(Talker(Some(thread))))
    };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    else {
        return;
    };
    let outcome = runtime.block_on(async {
        let mode = CodeMode::new(Arc::new(start), LIMITS, 0);
        let script = Script {
            text: "return 1",
            args: None,
            owner: "o",
        };
        mode.run(script, &world).await
    });
    assert!(outcome.ok == outcome.error.is_none());
    assert!(outcome.calls.len() <= 4);
    assert!(outcome.result.get().len() <= 4_000);
    let structured = outcome.structured();
    assert!(
        serde_json::from_str::<serde_json::Value>(structured.get())
            .is_ok_and(|value| value.is_object())
    );
    assert!(outcome.text().len() < 40_000);
}

const SCRIPT: &str = "
    const all = [s.a({ n: 1 }), s.b_c({}), tools.search('x'), tools.describe('s.a')];
    const got = [];
    for (const one of all) { try { got.push(await one) } catch (e) { got.push([e.name, e.message, e.hint]) } }
    return got;
";

fn as_gateway(says: Vec<u8>) {
    let said = Rc::new(RefCell::new(Vec::new()));
    let end = Said {
        input: RefCell::new((says, 0)),
        output: said.clone(),
    };
    let Ok(engine) = Engine::over(LIMITS, end) else {
        return;
    };
    let names = Names::new([("s", ["a", "b-c"])]);
    let Ok(args) = RawValue::from_string("{}".into()) else {
        return;
    };
    let outcome = engine.run(SCRIPT, names, &args, 5_000);
    drop(engine);
    // Whatever it said is made of whole messages.
    let said = said.borrow();
    let mut rest = &said[..];
    let mut last = false;
    while let Ok(Some(body)) = codemode::protocol::first(rest, 100_000) {
        let message: FromWorker<'_> =
            serde_json::from_slice(body).expect("what we say is a message");
        last = matches!(message, FromWorker::Done { .. } | FromWorker::Failed(_));
        rest = &rest[codemode::protocol::HEAD_BYTES + body.len()..];
    }
    assert!(rest.is_empty());
    assert_eq!(outcome.is_ok(), last);
}

struct Said {
    input: RefCell<(Vec<u8>, usize)>,
    output: Rc<RefCell<Vec<u8>>>,
}

impl Duplex for Said {
    fn read(&self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut input = self.input.borrow_mut();
        let (all, at) = &mut *input;
        let count = (all.len() - *at).min(bytes.len());
        bytes[..count].copy_from_slice(&all[*at..*at + count]);
        *at += count;
        Ok(count)
    }

    fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        self.output.borrow_mut().extend_from_slice(bytes);
        Ok(())
    }

    fn wait(&self, _: Option<Duration>) -> io::Result<bool> {
        Ok(true)
    }

    fn is_gone(&self) -> bool {
        false
    }
}
