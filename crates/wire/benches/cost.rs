//! What reading and changing one message costs: `cargo bench -p portolan-wire`. Prints the best of many rounds, because
//! everything slower than that is the machine.
#![expect(clippy::print_stdout, reason = "the numbers are what this is for")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::Bytes;
use portolan_wire::{Edits, Frame, Object, strict};

const CALL: &str = r#"{"jsonrpc":"2.0","id":17,"method":"tools/call","params":{"name":"search_documents","arguments":{"query":"harbours of the north sea","limit":20,"filters":{"language":["en","de"],"since":"2024-01-01"}},"_meta":{"progressToken":"b6f2","traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}}}"#;

fn main() {
    let call = Bytes::from_static(CALL.as_bytes());
    let text = "All the ships in the harbour, and one more line of text. ".repeat(1150);
    let escaped = text.replace(", and", "\\n\\\"and\\\"");
    let result = |text: &str| {
        Bytes::from(format!(
            r#"{{"jsonrpc":"2.0","id":17,"result":{{"content":[{{"type":"text","text":"{text}"}}],"isError":false}}}}"#
        ))
    };
    let (plain, escaped) = (result(&text), result(&escaped));
    let tool = r#"{"name":"search_documents","description":"Looks for documents","inputSchema":{"type":"object","properties":{"query":{"type":"string"},"limit":{"type":"integer","minimum":1}},"required":["query"]}}"#;
    let tools = vec![tool; 250].join(",");
    let list = Bytes::from(format!(
        r#"{{"jsonrpc":"2.0","id":17,"result":{{"tools":[{tools}]}}}}"#
    ));

    for (name, bytes) in [
        ("call", &call),
        ("64 kB of text", &plain),
        ("64 kB of text, escapes", &escaped),
        ("250 tools", &list),
    ] {
        measure(
            &format!("Frame::parse, {name} ({} bytes)", bytes.len()),
            || Frame::parse(bytes.clone()),
        );
    }
    let frame = Frame::parse(call).expect("the call is a message");
    measure("params_object and name, call", || {
        let params = frame.params_object()?;
        params
            .string("name")
            .map(|name| name.map(|name| name.len()))
    });
    measure("Object::parse of params, call", || {
        Object::parse(frame.params().unwrap_or_default())
    });
    measure("strict of params, call", || {
        strict(frame.params().unwrap_or_default())
    });
    measure("with_id, call", || frame.with_id("90210"));
    let params = frame.params_object().expect("the call has parameters");
    measure("three edits, call", || {
        let mut edits: Edits<'_> = frame.edit();
        edits.replace(frame.id().unwrap_or_default(), "90210");
        edits.set(&params, "name", "\"search\"");
        edits.set(&params, "task", "{}");
        edits.apply()
    });
    let frame = Frame::parse(list).expect("the list is a message");
    measure("the tools of 250 tools", || {
        let result = frame.result_object()?.unwrap_or(Object::empty());
        result
            .array("tools")
            .map(|tools| tools.map_or(0, |tools| tools.len()))
    });
}

fn measure<T>(what: &str, mut run: impl FnMut() -> T) {
    const ROUNDS: u32 = 300;
    let mut calls: u32 = 1;
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..calls {
            black_box(run());
        }
        let took = start.elapsed();
        best = best.min(took.as_secs_f64() / f64::from(calls));
        if took < Duration::from_micros(200) {
            calls *= 2;
        }
    }
    println!("{:>10.0} ns  {what}", best * 1e9);
}
