use std::sync::atomic::{AtomicUsize, Ordering};

use catalog::{About, KnownTool, ServerName};
use transport::FrameSource;

use super::*;

/// Runs nothing: says what it would have run, waits where it is told to, and counts who is inside.
#[derive(Default)]
struct Stage {
    inside: AtomicUsize,
    most: AtomicUsize,
}

struct Inside<'a>(&'a Stage);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, Ordering::Relaxed);
    }
}

impl RunOnce for Stage {
    fn run<'a>(
        &'a self,
        entry: &'a Entry,
        folders: &'a [String],
    ) -> BoxFuture<'a, Result<Ran, String>> {
        Box::pin(async move {
            let inside = self.inside.fetch_add(1, Ordering::Relaxed) + 1;
            let _inside = Inside(self);
            self.most.fetch_max(inside, Ordering::Relaxed);
            let Launch::Container { image, command, .. } = &entry.launch else {
                return Err("it is no container".to_owned());
            };
            let word = command.first().map(String::as_str).unwrap_or_default();
            if word == "wait" {
                std::future::pending::<()>().await;
            }
            if word == "refuse" {
                return Err("no".to_owned());
            }
            let tail = Arc::<Tail>::default();
            tail.push(b"told\n");
            Ok(Ran {
                stdout: match word {
                    "silent" => Vec::new(),
                    _ => format!("{image} {command:?} {folders:?}\n").into_bytes(),
                },
                is_cut: word == "much",
                tail,
                exit: ExitReason::Code(i32::from(word == "fail")),
            })
        })
    }
}

struct Client {
    pipe: Pipe,
    stage: Arc<Stage>,
}

impl Client {
    fn new() -> Self {
        let shot = Shot {
            tool: "run".into(),
            image: "acme/x".to_owned(),
            command: vec!["{{args|into}}".to_owned()],
            volumes: vec!["{{dir}}:{{dir}}".to_owned()],
            user: None,
        };
        let launch = Launch::OneShot {
            shots: vec![shot],
            env: Vec::new(),
        };
        let tool = KnownTool {
            name: "run".into(),
            description: "Runs.".into(),
            input_schema: Some(r#"{"type":"object","required":["args"]}"#.into()),
        };
        let mut entry = Entry::new(ServerName::new("x").unwrap(), launch);
        entry.about = Arc::new(About {
            tools: vec![tool],
            ..About::default()
        });
        let stage = Arc::<Stage>::default();
        Self {
            pipe: serve(&entry, stage.clone()),
            stage,
        }
    }

    fn send(&self, message: &Value) {
        self.pipe.sink.send(message.to_string().as_bytes()).unwrap();
    }

    fn call(&self, id: u32, arguments: &Value) {
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "run", "arguments": arguments}}));
    }

    async fn hear(&mut self) -> Value {
        let source: &mut dyn FrameSource = &mut *self.pipe.source;
        serde_json::from_slice(&source.recv().await.unwrap().unwrap()).unwrap()
    }

    async fn texts(&mut self, arguments: Value) -> (Vec<String>, bool) {
        self.call(1, &arguments);
        let result = self.hear().await["result"].take();
        let texts = result["content"].as_array().unwrap().iter();
        let texts = texts.map(|block| block["text"].as_str().unwrap().to_owned());
        (texts.collect(), result["isError"] == true)
    }
}

#[tokio::test]
async fn it_greets_and_lists_what_the_entry_says() {
    let mut client = Client::new();
    client.send(
        &json!({"id": "a", "method": "initialize", "params": {"protocolVersion": "2025-06-18"}}),
    );
    let hello = client.hear().await;
    assert_eq!(
        (&hello["id"], &hello["result"]["protocolVersion"]),
        (&json!("a"), &json!("2025-06-18"))
    );
    client.send(&json!({"method": "notifications/initialized"}));
    client.send(&json!({"id": 2, "method": "tools/list"}));
    let tools = client.hear().await["result"]["tools"].take();
    assert_eq!(tools[0]["name"], "run");
    assert_eq!(tools[0]["inputSchema"]["required"], json!(["args"]));
    client.send(&json!({"id": 3, "method": "server/discover"}));
    assert_eq!(client.hear().await["error"]["code"], -32601);
    client.send(&json!({"id": 4, "method": "tools/call", "params": {"name": "other"}}));
    assert_eq!(client.hear().await["error"]["code"], -32602);
}

#[tokio::test]
async fn the_output_is_the_answer() {
    let mut client = Client::new();
    let (texts, is_bad) = client.texts(json!({"args": ["a b"], "dir": "/d"})).await;
    assert_eq!(
        (texts, is_bad),
        (vec!["acme/x [\"a b\"] [\"/d:/d\"]\n".to_owned()], false)
    );
    let (texts, is_bad) = client.texts(json!({"args": ["silent"]})).await;
    assert_eq!((texts, is_bad), (vec!["told".to_owned()], false));
    let (texts, is_bad) = client.texts(json!({"args": ["fail"]})).await;
    assert_eq!(
        (texts.len(), &*texts[1], &*texts[2]),
        (3, "told", "portolan: the program exited with code 1")
    );
    assert!(is_bad);
    let (texts, _) = client.texts(json!({"args": ["much"]})).await;
    assert!(texts[1].contains("have it write less"), "{texts:?}");
    let (texts, is_bad) = client.texts(json!({"args": ["refuse"]})).await;
    assert_eq!((texts, is_bad), (vec!["no".to_owned()], true));
    let (texts, is_bad) = client.texts(json!({})).await;
    assert!(is_bad && texts[0].contains("args"), "{texts:?}");
}

#[tokio::test]
async fn calls_end_with_who_asked_and_few_run_at_once() {
    let mut client = Client::new();
    let wait = json!({"args": ["wait"]});
    for id in 0..u32::try_from(ONE_SHOTS_WAITING_MAX).unwrap() {
        client.call(id, &wait);
    }
    client.call(1000, &wait);
    let full = client.hear().await;
    assert_eq!(
        (&full["id"], &full["result"]["isError"]),
        (&json!(1000), &json!(true))
    );
    assert_eq!(client.stage.most.load(Ordering::Relaxed), ONE_SHOTS_AT_ONCE);
    for id in 0..ONE_SHOTS_WAITING_MAX {
        client.send(&json!({"method": "notifications/cancelled", "params": {"requestId": id}}));
    }
    // What was cancelled has made room, and is not answered.
    let (texts, _) = client.texts(json!({"args": ["x"]})).await;
    assert!(texts[0].starts_with("acme/x"));

    client.call(1, &wait);
    client.texts(json!({"args": ["y"]})).await;
    let stage = client.stage.clone();
    assert_eq!(stage.inside.load(Ordering::Relaxed), 1);
    drop(client);
    while stage.inside.load(Ordering::Relaxed) > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_has_an_end() {
    let mut client = Client::new();
    let (texts, is_bad) = client.texts(json!({"args": ["wait"]})).await;
    assert!(
        is_bad && texts[0].contains("longer than 10 minutes"),
        "{texts:?}"
    );
}
