//! The server behind the gateway: in memory, of both eras, with one tool for each way in which a call can go.
//!
//! `echo` answers at once, `steps` tells of its progress before, `hang` never answers. `gate` and `gated_steps`
//! wait until the house is told to release them (`gated_steps` after its first step).

use std::sync::{Arc, Mutex};

use catalog::Entry;
use launch::{LaunchError, Launched, Launcher, Link};
use tokio::sync::watch;
use transport::{BoxFuture, FrameSink, Pipe, memory};
use wire::{Frame, Kind, build};

/// What all of its instances share.
pub(crate) struct Script {
    sinks: Mutex<Vec<Arc<dyn FrameSink>>>,
    released: watch::Sender<bool>,
    counts: watch::Sender<Counts>,
}

/// What has happened at the server.
#[derive(Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) begun: usize,
    pub(crate) answered: usize,
    pub(crate) cancelled: usize,
}

impl Script {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            sinks: Mutex::default(),
            released: watch::Sender::new(false),
            counts: watch::Sender::default(),
        })
    }

    /// Lets all that waits go on.
    pub(crate) fn release(&self) {
        self.released.send_replace(true);
    }

    /// Says something that belongs to no call.
    pub(crate) fn poke(&self) {
        for sink in self.sinks.lock().unwrap().iter() {
            // Those of earlier sessions are closed.
            let _closed = sink.send(br#"{"jsonrpc":"2.0","method":"notifications/poked"}"#);
        }
    }

    /// Waits until it has come to this.
    pub(crate) async fn until(&self, is_so: impl FnMut(&Counts) -> bool) {
        self.counts.subscribe().wait_for(is_so).await.unwrap();
    }

    pub(crate) fn counts(&self) -> Counts {
        *self.counts.borrow()
    }

    fn count(&self, change: impl FnOnce(&mut Counts)) {
        self.counts.send_modify(change);
    }

    async fn serve(self: Arc<Self>, pipe: Pipe) {
        let Pipe { sink, mut source } = pipe;
        self.sinks.lock().unwrap().push(sink.clone());
        while let Some(Ok(bytes)) = source.recv().await {
            let frame = Frame::parse(bytes).unwrap();
            match (frame.kind(), frame.method()) {
                (Kind::Request, "tools/call") => {
                    tokio::spawn(self.clone().call(sink.clone(), frame));
                }
                (Kind::Request, _) => {
                    if let Some(answer) = answer(&frame) {
                        let _closed = sink.send(&answer);
                    }
                }
                (Kind::Notification, "notifications/cancelled") => {
                    self.count(|counts| counts.cancelled += 1);
                }
                _ => {}
            }
        }
    }

    async fn call(self: Arc<Self>, sink: Arc<dyn FrameSink>, frame: Frame) {
        self.count(|counts| counts.begun += 1);
        let params = frame.params_object().unwrap();
        let tool = params.string("name").unwrap().unwrap();
        let meta = params.object("_meta").unwrap().unwrap();
        let token = meta.get("progressToken").unwrap().unwrap();
        let mut released = self.released.subscribe();
        let step = |n: u32| {
            let params = format!(r#"{{"progressToken":{token},"progress":{n}}}"#);
            let _closed = sink.send(&build::notification(
                "notifications/progress",
                Some(&params),
            ));
        };
        match &*tool {
            "hang" => std::future::pending().await,
            "gate" => drop(released.wait_for(|released| *released).await.unwrap()),
            "steps" => (1..=3).for_each(step),
            "gated_steps" => {
                step(1);
                drop(released.wait_for(|released| *released).await.unwrap());
                (2..=3).for_each(step);
            }
            _ => {}
        }
        let result =
            format!(r#"{{"resultType":"complete","content":[{{"type":"text","text":"{tool}"}}]}}"#);
        self.count(|counts| counts.answered += 1);
        let _closed = sink.send(&build::result(frame.id().unwrap(), &result));
    }
}

fn answer(frame: &Frame) -> Option<bytes::Bytes> {
    let info = r#"{"name":"script","version":"1"}"#;
    let tools = ["echo", "steps", "hang", "gate", "gated_steps"];
    let result = match frame.method() {
        "initialize" => format!(
            r#"{{"protocolVersion":"2025-11-25","capabilities":{{"tools":{{}}}},"serverInfo":{info}}}"#
        ),
        "server/discover" => format!(
            r#"{{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{{"tools":{{}}}},"ttlMs":0,"cacheScope":"private","_meta":{{"io.modelcontextprotocol/serverInfo":{info}}}}}"#
        ),
        "tools/list" => {
            let tools = tools
                .map(|name| format!(r#"{{"name":"{name}","inputSchema":{{"type":"object"}}}}"#));
            format!(
                r#"{{"resultType":"complete","ttlMs":0,"cacheScope":"private","tools":[{}]}}"#,
                tools.join(",")
            )
        }
        // What stays open as long as somebody listens.
        "subscriptions/listen" => return None,
        _ => "{}".to_owned(),
    };
    Some(build::result(frame.id()?, &result))
}

/// Starts instances of the script.
pub(crate) struct InMemory(pub(crate) Arc<Script>);

impl Launcher for InMemory {
    fn launch<'a>(&'a self, _entry: &'a Entry) -> BoxFuture<'a, Result<Launched, LaunchError>> {
        let (ours, theirs) = memory::pair();
        tokio::spawn(self.0.clone().serve(theirs));
        Box::pin(async move {
            Ok(Launched {
                link: Link::Pipe(ours),
                process: None,
            })
        })
    }
}
