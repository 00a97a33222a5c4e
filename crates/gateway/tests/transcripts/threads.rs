//! One gateway on several threads, each with a runtime of its own, as it is served: conversations and servers meet
//! wherever they were begun.

use std::sync::Arc;

use bytes::Bytes;
use catalog::{Entry, ServerName, Share};
use launch::{LaunchError, Launched, Launcher, Link};
use portolan_gateway::Options;
use portolan_gateway::front::{Caller, Door, Gateway, Origin, Reply};
use transport::{BoxFuture, memory};
use wire::{Frame, build, method};

const THREADS: usize = 4;
const CALLS: usize = 300;

/// Starts servers that answer each call with its own params, wherever it is asked to.
struct Echoes;

impl Launcher for Echoes {
    fn launch<'a>(&'a self, _: &'a Entry) -> BoxFuture<'a, Result<Launched, LaunchError>> {
        Box::pin(async {
            let (mut ours, theirs) = memory::pair();
            tokio::spawn(async move {
                while let Some(Ok(bytes)) = ours.source.recv().await {
                    let frame = Frame::parse(bytes).unwrap();
                    let result = match frame.method() {
                        method::INITIALIZE => {
                            r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"e","version":"1"}}"#
                        }
                        method::TOOLS_LIST => r#"{"tools":[{"name":"echo"}]}"#,
                        _ => frame.params().unwrap_or("{}"),
                    };
                    if let Some(id) = frame.id() {
                        ours.sink.send(&build::result(id, result)).unwrap();
                    }
                }
            });
            Ok(Launched {
                link: Link::Pipe(theirs),
                process: None,
            })
        })
    }
}

fn entry(name: &str, share: Share) -> Entry {
    Entry {
        share: Some(share),
        ..Entry::command(ServerName::new(name).unwrap(), name, [""; 0])
    }
}

async fn ask(gateway: &Gateway, origin: &Origin, text: String) -> String {
    let mut events = match gateway
        .request(origin, Frame::parse(Bytes::from(text)).unwrap())
        .await
    {
        Reply::Done(answer) => return String::from_utf8(answer.frame.to_vec()).unwrap(),
        Reply::Stream(events) => events,
    };
    panic!(
        "nothing but answers was expected, got a stream: {}",
        events.next().await.is_some()
    )
}

/// One client on its own runtime: its calls, several at a time, and what came back.
async fn play(gateway: &Gateway, thread: usize) {
    let caller = Caller(format!("caller {}", thread % 2).into());
    let session = gateway.open(caller.clone(), Door::Stdio).unwrap();
    let origin = Origin {
        caller,
        scopes: None,
        session: Some(session.clone()),
        headers: None,
        only: None,
        workspace: None,
    };
    ask(
        gateway,
        &origin,
        r#"{"jsonrpc":"2.0","id":"hello","method":"initialize","params":{}}"#.to_owned(),
    )
    .await;
    let calls = (0..CALLS).map(|n| {
        let (gateway, origin) = (gateway.clone(), origin.clone());
        let server = ["alone", "caller", "all"][n % 3];
        tokio::spawn(async move {
            let call = format!(
                r#"{{"jsonrpc":"2.0","id":{n},"method":"tools/call","params":{{"name":"{server}__echo","arguments":{{"mark":"{thread}/{n}"}}}}}}"#
            );
            let answer = ask(&gateway, &origin, call).await;
            let wanted = format!(
                r#"{{"jsonrpc":"2.0","id":{n},"result":{{"name":"echo","arguments":{{"mark":"{thread}/{n}"}}}}}}"#
            );
            assert_eq!(answer, wanted);
        })
    });
    let calls: Vec<_> = calls.collect();
    for call in calls {
        call.await.unwrap();
    }
    gateway.close(&session);
}

#[test]
fn calls_of_all_threads_are_answered() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let home = runtime();
    let entries = vec![
        entry("alone", Share::Workspace),
        entry("caller", Share::Caller),
        entry("all", Share::All),
    ];
    let mut options = Options::new(entries, Arc::new(Echoes));
    options.settings.in_flight_max = CALLS;
    let gateway = {
        let _here = home.enter();
        Gateway::new(options).unwrap()
    };
    // Servers run where they were started: a thread goes only when all are done.
    let done = tokio::sync::Barrier::new(THREADS);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (gateway, done) = (&gateway, &done);
            scope.spawn(move || {
                runtime().block_on(async {
                    play(gateway, thread).await;
                    done.wait().await;
                });
            });
        }
    });
    home.block_on(gateway.shutdown(std::time::Duration::from_secs(5)));
}
