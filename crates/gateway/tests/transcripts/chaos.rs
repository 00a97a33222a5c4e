//! Whatever comes in whatever order: each call is answered once, with its own answer, and nothing else reaches its client.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;
use serde_json::Value;

use super::harness::{Item, World};

/// How many clients play.
const CLIENTS: usize = 3;

/// One thing that happens. Numbers choose among what is there.
#[derive(Clone, Debug)]
enum Step {
    /// A client calls; ids are reused as soon as that is allowed.
    Call {
        client: usize,
        tool: usize,
        with_token: bool,
    },
    /// Some server answers one of the calls that it has.
    Answer(usize),
    Fail(usize),
    Progress(usize),
    Ask(usize),
    /// A client answers one of the questions that it has.
    Reply(usize),
    Cancel(usize),
    /// Nonsense from a server: an answer to nothing, or twice.
    Lie(usize),
    Die(usize),
    Change(usize),
    List(usize),
    Wait(u64),
}

fn any_step() -> impl Strategy<Value = Step> {
    let n = || 0..100usize;
    prop_oneof![
        8 => (0..CLIENTS, 0..3usize, any::<bool>())
            .prop_map(|(client, tool, with_token)| Step::Call { client, tool, with_token }),
        6 => n().prop_map(Step::Answer),
        1 => n().prop_map(Step::Fail),
        3 => n().prop_map(Step::Progress),
        2 => n().prop_map(Step::Ask),
        2 => n().prop_map(Step::Reply),
        2 => n().prop_map(Step::Cancel),
        2 => n().prop_map(Step::Lie),
        1 => n().prop_map(Step::Die),
        1 => n().prop_map(Step::Change),
        1 => (0..CLIENTS).prop_map(Step::List),
        1 => (1..3000u64).prop_map(Step::Wait),
    ]
}

/// A call at its server.
#[derive(Clone, Debug)]
struct Pending {
    /// `a.1`
    server: String,
    /// The gateway's id of it.
    id: Value,
    token: Option<Value>,
    /// Says which call of which client it is.
    mark: String,
}

/// What is known of a call of a client.
#[derive(Debug, Default)]
struct Called {
    answers: usize,
    cancelled: bool,
    /// The client's own token.
    token: Option<String>,
}

#[derive(Default)]
struct Game {
    calls: HashMap<String, Called>,
    /// Ids of each client that are under way.
    under_way: Vec<(usize, usize, String)>,
    pending: Vec<Pending>,
    /// Client and number of questions that were not answered.
    questions: Vec<(usize, Value)>,
    next: usize,
}

impl Game {
    async fn play(&mut self, world: &mut World, step: &Step) {
        match step {
            Step::Call {
                client,
                tool,
                with_token,
            } => self.call(world, *client, *tool, *with_token).await,
            Step::List(client) => {
                let id = 1000 + self.next;
                self.next += 1;
                self.calls
                    .insert(format!("{client}/{id}"), Called::default());
                self.under_way.push((*client, id, format!("{client}/{id}")));
                world
                    .run(&format!("client {client} -> #{id} tools/list"))
                    .await;
            }
            Step::Wait(ms) => world.run(&format!("advance {ms}ms")).await,
            Step::Reply(n) => {
                if !self.questions.is_empty() {
                    let (client, number) = self.questions.swap_remove(n % self.questions.len());
                    world
                        .run(&format!(r#"client {client} -> #{number} = {{"ok":true}}"#))
                        .await;
                }
            }
            Step::Cancel(n) => {
                if !self.under_way.is_empty() {
                    let (client, id, key) = &self.under_way[n % self.under_way.len()];
                    self.calls.get_mut(key).unwrap().cancelled = true;
                    world
                        .run(&format!(
                            r#"client {client} -> notifications/cancelled {{"requestId":{id}}}"#
                        ))
                        .await;
                }
            }
            of_server => {
                let (Step::Answer(n)
                | Step::Fail(n)
                | Step::Progress(n)
                | Step::Ask(n)
                | Step::Lie(n)
                | Step::Die(n)
                | Step::Change(n)) = of_server
                else {
                    return;
                };
                if !self.pending.is_empty() {
                    self.server(world, of_server, n % self.pending.len()).await;
                }
            }
        }
        self.look(world);
    }

    async fn call(&mut self, world: &mut World, client: usize, tool: usize, with_token: bool) {
        let used: HashSet<usize> = self
            .under_way
            .iter()
            .filter(|(c, ..)| *c == client)
            .map(|(_, id, _)| *id)
            .collect();
        let id = (0..).find(|id| !used.contains(id)).unwrap();
        self.next += 1;
        let key = format!("{client}/{}", self.next);
        let token = with_token.then(|| format!("t{}", self.next % 2));
        let meta = token.as_ref().map_or(String::new(), |token| {
            format!(r#","_meta":{{"progressToken":"{token}"}}"#)
        });
        self.calls.insert(
            key.clone(),
            Called {
                token,
                ..Called::default()
            },
        );
        self.under_way.push((client, id, key.clone()));
        let tool = ["own", "ours", "ours"][tool];
        world.run(&format!(r#"client {client} -> #{id} tools/call {{"name":"{tool}","arguments":{{"mark":"{key}"}}{meta}}}"#)).await;
    }

    async fn server(&mut self, world: &mut World, step: &Step, at: usize) {
        let Pending {
            server,
            id,
            token,
            mark,
        } = self.pending[at].clone();
        let line = match step {
            Step::Answer(_) => format!(r#"#{id} = {{"mark":"{mark}"}}"#),
            Step::Fail(_) => format!(r#"#{id} ! {{"code":7,"message":"{mark}"}}"#),
            Step::Progress(_) => {
                let token = token.unwrap_or_else(|| id.clone());
                format!(
                    r#"notifications/progress {{"progressToken":{token},"progress":1,"message":"{mark}"}}"#
                )
            }
            Step::Ask(_) => {
                self.next += 1;
                format!(
                    r##"#"q{}" sampling/createMessage {{"mark":"{mark}"}}"##,
                    self.next
                )
            }
            Step::Lie(_) => format!(r#"#{} = {{"mark":"nobody's"}}"#, 900_000 + self.next),
            Step::Change(_) => "notifications/tools/list_changed".to_owned(),
            _ => {
                self.pending.retain(|pending| pending.server != server);
                return world.run(&format!("server {server} dies")).await;
            }
        };
        if matches!(step, Step::Answer(_) | Step::Fail(_)) {
            self.pending.remove(at);
        }
        // It may be gone, stopped or asleep; then nobody hears it.
        world.say(&server, &line);
        world.settle().await;
    }

    /// Takes all that came, and judges it.
    fn look(&mut self, world: &mut World) {
        for name in ["own", "ours"] {
            for (server, message) in world.heard_by_server(name) {
                if message["method"] == "tools/call" {
                    let mark = message["params"]["arguments"]["mark"]
                        .as_str()
                        .unwrap()
                        .to_owned();
                    let token = message["params"]["_meta"].get("progressToken").cloned();
                    assert!(
                        token.is_none() || token.as_ref() == Some(&message["id"]),
                        "{message}"
                    );
                    self.pending.push(Pending {
                        server,
                        id: message["id"].clone(),
                        token,
                        mark,
                    });
                } else if message["method"] == "notifications/cancelled" {
                    let id = &message["params"]["requestId"];
                    self.pending
                        .retain(|pending| pending.server != server || pending.id != *id);
                }
            }
        }
        for client in 0..CLIENTS {
            for item in world.heard_by_client(&format!("client {client}")) {
                self.judge(client, &item);
            }
        }
    }

    fn judge(&mut self, client: usize, item: &(String, Item)) {
        let (lane, item) = item;
        // A lane is named after the id, and the number of the call among all of this client.
        let id: Option<usize> = lane.split_once('/').and_then(|(id, _)| id.parse().ok());
        let under_way = self
            .under_way
            .iter()
            .position(|(c, i, _)| *c == client && Some(*i) == id);
        match item {
            Item::Word(word) => {
                assert_eq!(word, "silence");
                let (.., key) = self
                    .under_way
                    .swap_remove(under_way.expect("an answer to a call under way"));
                let called = self.calls.get_mut(&key).unwrap();
                assert!(called.cancelled, "{key}");
                called.answers += 1;
            }
            Item::Frame(bytes, status) => {
                let message: Value = serde_json::from_slice(bytes).unwrap();
                let mark = ["result", "error", "params"].iter().find_map(|part| {
                    let part = message.get(*part)?;
                    ["mark", "message"]
                        .iter()
                        .find_map(|name| part.get(*name)?.as_str())
                });
                if status.is_some() {
                    let (.., key) = self
                        .under_way
                        .swap_remove(under_way.expect("an answer to a call under way"));
                    let called = self.calls.get_mut(&key).unwrap();
                    called.answers += 1;
                    let is_own = mark.is_none_or(|mark| {
                        mark == key || !mark.contains('/') || mark.contains(' ')
                    });
                    assert!(is_own, "{key} got {message}");
                } else if message["method"] == "notifications/progress" {
                    let mark = mark.unwrap();
                    assert!(
                        mark.starts_with(&format!("{client}/")),
                        "client {client} got {message}"
                    );
                    assert_eq!(
                        message["params"]["progressToken"].as_str(),
                        self.calls[mark].token.as_deref()
                    );
                } else if message["method"] == "sampling/createMessage" {
                    assert!(
                        mark.unwrap().starts_with(&format!("{client}/")),
                        "client {client} got {message}"
                    );
                    self.questions.push((client, message["id"].clone()));
                } else {
                    let method = message["method"].as_str().unwrap();
                    assert!(
                        [
                            "notifications/tools/list_changed",
                            "notifications/cancelled"
                        ]
                        .contains(&method),
                        "{message}"
                    );
                }
            }
        }
    }

    /// In the end each call has had its one answer.
    async fn end(&mut self, world: &mut World) {
        // On the shared server the calls that nobody answers run out of time one after the other.
        for _ in 0..self.calls.len() + 2 {
            if self.under_way.is_empty() {
                break;
            }
            world.run("advance 303s").await;
            self.look(world);
        }
        for (key, called) in &self.calls {
            assert_eq!(called.answers, 1, "{key}: {called:?}");
        }
        assert!(self.under_way.is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_call_is_answered_once_with_its_own_answer(steps in prop::collection::vec(any_step(), 1..120)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut world = World::default();
            world
                .run(
                    r#"
                    server own {"tools":["own"],"call_timeout_s":300}
                    server ours {"tools":["ours"],"share":"all","call_timeout_s":300}
                    client 0 hello {"sampling":{}}
                    client 1 hello {"sampling":{}}
                    client 2 hello {"sampling":{}}
                    "#,
                )
                .await;
            let mut game = Game::default();
            for step in &steps {
                game.play(&mut world, step).await;
            }
            game.end(&mut world).await;
        });
    }
}
