//! Whatever clients of both eras add, configure, remove, call and in whichever order they come and go: each sees and can call exactly
//! what it added, and nothing runs that nobody has.

use proptest::prelude::*;

use super::harness::World;

/// Each has one tool: its name with a `t` before it. `d` cannot be started.
const SERVERS: [&str; 4] = ["a", "b", "c", "d"];
const DECLARED: &str = r#"
    gateway {"session_idle":3600}
    server a {"catalog":true,"tools":["ta"],"env":[["N","{{a.n}}"]],"config":{"type":"object","properties":{"n":{"type":"integer"}}},"yes":["tools/call"]}
    server b {"catalog":true,"tools":["tb"],"env":[["N","{{b.n}}"]],"config":{"type":"object","properties":{"n":{"type":"integer"}}},"yes":["tools/call"],"share":"caller"}
    server c {"catalog":true,"tools":["tc"],"env":[["N","{{c.n}}"]],"config":{"type":"object","properties":{"n":{"type":"integer"}}},"yes":["tools/call"],"share":"all","era":"stateless"}
    server d {"catalog":true,"tools":["td"],"config":{"type":"object","properties":{"n":{"type":"integer"}}},"refused":"no engine here"}
"#;

/// Two conversations of one caller, one of another, two stateless clients of the first.
const CLIENTS: usize = 5;

#[derive(Clone, Debug)]
enum Step {
    Add {
        client: usize,
        server: usize,
    },
    Remove {
        client: usize,
        server: usize,
    },
    Call {
        client: usize,
        server: usize,
    },
    Configure {
        client: usize,
        server: usize,
        n: u8,
    },
    /// The client goes away, and another takes its place.
    Leave {
        client: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let pair = || (0..CLIENTS, 0..SERVERS.len());
    prop_oneof![
        4 => pair().prop_map(|(client, server)| Step::Add { client, server }),
        2 => pair().prop_map(|(client, server)| Step::Remove { client, server }),
        2 => pair().prop_map(|(client, server)| Step::Call { client, server }),
        2 => (pair(), 0..3u8).prop_map(|((client, server), n)| Step::Configure { client, server, n }),
        1 => (0..CLIENTS).prop_map(|client| Step::Leave { client }),
    ]
}

#[derive(Default)]
struct Client {
    /// The how manieth in this place.
    number: usize,
    /// In the order of adding.
    has: Vec<usize>,
    /// What each server was configured with.
    set: [Option<u8>; SERVERS.len()],
    /// Of a stateless one: whether it has been given a handle.
    has_handle: bool,
}

struct Game {
    world: World,
    clients: Vec<Client>,
    /// What stateless clients have left behind, until it expires.
    abandoned: Vec<Vec<usize>>,
    requests: usize,
}

impl Game {
    async fn new() -> Self {
        let mut game = Self {
            world: World::default(),
            clients: (0..CLIENTS).map(|_| Client::default()).collect(),
            abandoned: Vec::new(),
            requests: 0,
        };
        game.world.run(DECLARED).await;
        for client in 0..CLIENTS {
            game.come(client).await;
        }
        game
    }

    fn is_stateless(client: usize) -> bool {
        client >= 3
    }

    fn label(&self, client: usize) -> String {
        let number = self.clients[client].number;
        match Self::is_stateless(client) {
            true => format!("caller ann.{client}x{number}"),
            false => format!("client {client}x{number}"),
        }
    }

    async fn come(&mut self, client: usize) {
        let label = self.label(client);
        let caller = if client == 2 { "bob" } else { "ann" };
        if !Self::is_stateless(client) {
            let lines = format!("{label} opens http as {caller}\n{label} hello");
            self.world.run(&lines).await;
        }
    }

    /// A request and what is to be answered.
    async fn ask(&mut self, label: &str, request: &str, answer: &str) {
        self.requests += 1;
        let id = self.requests;
        let arrow = if label.starts_with("caller") {
            "~>"
        } else {
            "->"
        };
        self.world
            .run(&format!(
                "{label} {arrow} #{id} {request}\n{label} <- #{id} {answer}"
            ))
            .await;
    }

    /// The `workspace` argument, if there is one to name.
    fn workspace(&self, client: usize) -> String {
        let Client {
            number, has_handle, ..
        } = self.clients[client];
        match has_handle {
            true => format!(r#","workspace":$w{client}x{number}"#),
            false => String::new(),
        }
    }

    async fn play(&mut self, step: &Step) {
        match *step {
            Step::Add { client, server } => {
                let (label, workspace) = (self.label(client), self.workspace(client));
                let name = SERVERS[server];
                let number = self.clients[client].number;
                let answer = match name {
                    "d" => r#"= {"structuredContent":{"state":"unavailable", ...},"isError":true, ...}"#.to_owned(),
                    _ => format!(
                        r#"= {{"structuredContent":{{"workspace":$w{client}x{number},"state":"active","tools":[{{"name":"t{name}", ...}}], ...}}, ...}}"#
                    ),
                };
                let request = format!(
                    r#"tools/call {{"name":"mcp-add","arguments":{{"name":"{name}"{workspace}}}}}"#
                );
                self.ask(&label, &request, &answer).await;
                let client = &mut self.clients[client];
                if name != "d" {
                    client.has_handle = Self::is_stateless_label(&label);
                    if !client.has.contains(&server) {
                        client.has.push(server);
                    }
                }
            }
            Step::Remove { client, server } => {
                let (label, workspace) = (self.label(client), self.workspace(client));
                let at = self.clients[client].has.iter().position(|s| *s == server);
                let answer = match at {
                    Some(_) => r#"= {"structuredContent":{"removed":true, ...}, ...}"#,
                    None => r#"= {"isError":true, ...}"#,
                };
                let request = format!(
                    r#"tools/call {{"name":"mcp-remove","arguments":{{"name":"{}"{workspace}}}}}"#,
                    SERVERS[server]
                );
                self.ask(&label, &request, answer).await;
                if let Some(at) = at {
                    self.clients[client].has.remove(at);
                    self.clients[client].set[server] = None;
                }
            }
            Step::Configure { client, server, n } => self.configure(client, server, n).await,
            Step::Call { client, server } => self.call(client, server).await,
            Step::Leave { client } => {
                let label = self.label(client);
                let left = std::mem::take(&mut self.clients[client].has);
                match Self::is_stateless(client) {
                    true => self.abandoned.push(left),
                    false => {
                        self.world.run(&format!("{label} closes\nadvance 1s")).await;
                        self.world.heard_by_client(&label);
                    }
                }
                self.clients[client].number += 1;
                self.clients[client].has_handle = false;
                self.clients[client].set = [None; SERVERS.len()];
                self.come(client).await;
            }
        }
    }

    fn is_stateless_label(label: &str) -> bool {
        label.starts_with("caller")
    }

    async fn configure(&mut self, client: usize, server: usize, n: u8) {
        let (label, workspace, name) =
            (self.label(client), self.workspace(client), SERVERS[server]);
        let is_nameless = Self::is_stateless(client) && !self.clients[client].has_handle;
        let answer = match (is_nameless, self.clients[client].set[server]) {
            (true, _) => r#"= {"isError":true, ...}"#.to_owned(),
            (false, old) => {
                let old = old.map_or("{}".to_owned(), |old| format!(r#"{{"n":{old}}}"#));
                format!(
                    r#"= {{"structuredContent":{{"server":"{name}","old":{old},"new":{{"n":{n}}}}}, ...}}"#
                )
            }
        };
        let request = format!(
            r#"tools/call {{"name":"mcp-config-set","arguments":{{"server":"{name}","key":"n","value":{n}{workspace}}}}}"#
        );
        self.ask(&label, &request, &answer).await;
        if !is_nameless {
            self.clients[client].set[server] = Some(n);
        }
    }

    async fn call(&mut self, client: usize, server: usize) {
        let (label, name) = (self.label(client), SERVERS[server]);
        let has = self.clients[client].has.contains(&server);
        let (request, answer) = match (Self::is_stateless(client), has) {
            (false, true) => (format!(r#"tools/call {{"name":"t{name}"}}"#), "= {}"),
            (false, false) => (format!(r#"tools/call {{"name":"t{name}"}}"#), "! -32602 *"),
            (true, _) => (
                format!(
                    r#"tools/call {{"name":"mcp-exec","arguments":{{"name":"t{name}"{}}}}}"#,
                    self.workspace(client)
                ),
                match has {
                    true => r#"= {"resultType":"complete","_meta":*}"#,
                    false => r#"= {"isError":true, ...}"#,
                },
            ),
        };
        // A server of the stateless era answers `{}`, which passes as it is.
        let answer = match (name, has, Self::is_stateless(client)) {
            ("c", true, _) => "= {...}",
            _ => answer,
        };
        self.ask(&label, &request, answer).await;
    }

    /// Each client's list and what runs are as they should be.
    async fn check(&mut self) {
        self.world.run("advance 1s").await;
        for client in 0..CLIENTS {
            let label = self.label(client);
            self.world.heard_by_client_if_any(&label);
            let own: String = self.clients[client]
                .has
                .iter()
                .map(|server| format!(r#",{{"name":"t{}", ...}}"#, SERVERS[*server]))
                .collect();
            let list = |own: &str| format!(r#"= {{"tools":[*,*,*,*,*{own}], ...}}"#);
            if !Self::is_stateless(client) {
                self.ask(&label, "tools/list", &list(&own)).await;
                continue;
            }
            self.ask(&label, "tools/list", &list("")).await;
            if self.clients[client].has_handle {
                let number = self.clients[client].number;
                let endpoint = format!("{label}e");
                self.world
                    .run(&format!("{endpoint} enters $w{client}x{number}"))
                    .await;
                self.ask(&endpoint, "tools/list", &list(&own)).await;
            }
        }
        for (server, name) in SERVERS.iter().enumerate() {
            let held = self.clients.iter().map(|client| &client.has);
            let users = held
                .chain(&self.abandoned)
                .filter(|has| has.contains(&server))
                .count();
            let running = self.world.running(name);
            match *name {
                "a" => assert_eq!(running, users, "processes of a"),
                _ => assert!(
                    (running == 0) == (users == 0) && running <= users,
                    "{name}: {running} run for {users}"
                ),
            }
        }
    }

    /// In the end, when everybody has gone, nothing is left.
    async fn end(mut self) {
        self.world.run("advance 62m").await;
        for client in 0..CLIENTS {
            let label = self.label(client);
            self.world.heard_by_client_if_any(&label);
        }
        for name in SERVERS {
            assert_eq!(self.world.running(name), 0, "{name} is left over");
        }
        self.world.finish().await;
    }
}

async fn play(steps: &[Step]) {
    let mut game = Game::new().await;
    for step in steps {
        game.play(step).await;
        game.check().await;
    }
    game.end().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn workspaces_are_isolated(steps in prop::collection::vec(step(), 1..20)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(play(&steps));
    }
}
