//! The game of one seed: so many steps, each something that a client, a server or the gateway does, with some time
//! after it; then the end, after which nothing may be left.

use std::sync::{Arc, Weak};
use std::time::Duration;

use portolan_gateway::Options;
use portolan_gateway::front::Gateway;
use serde_json::{Value, json};
use tokio::time::Instant;
use wire::{Era, method};

use super::client::{Ask, Client};
use super::conn::Act;
use super::rng::Rng;
use super::servers::{Fleet, Spec};
use super::stats::Stats;
use super::world::{Clerk, World};

/// The longest that anything may be waited for: what bounds it are the person's time to answer, a few calls that take
/// turns on one pipe, and the retirement of servers.
const PATIENCE: Duration = Duration::from_secs(1500);

/// What went wrong.
pub(crate) struct Failure {
    pub(crate) step: usize,
    pub(crate) why: Vec<String>,
    pub(crate) log: String,
}

/// See the module.
struct Game {
    world: Arc<World>,
    gateway: Gateway,
    rng: Rng,
    clients: Vec<Arc<Client>>,
    /// Every server that there is, configured at the moment or not.
    specs: Vec<Spec>,
    configured: Vec<Spec>,
}

#[derive(Clone, Copy)]
enum Step {
    Call,
    Prompt,
    Read,
    Complete,
    List,
    Greet,
    Subscribe,
    Unsubscribe,
    Listen,
    Cancel,
    Leave,
    Level,
    Duplicate,
    Malformed,
    Steal,
    Roots,
    Come,
    Close,
    Server,
    Restart,
    Stop,
    Reload,
    Wait,
}

const STEPS: &[(usize, Step)] = &[
    (40, Step::Call),
    (6, Step::Prompt),
    (6, Step::Read),
    (4, Step::Complete),
    (8, Step::List),
    (3, Step::Greet),
    (9, Step::Subscribe),
    (3, Step::Unsubscribe),
    (4, Step::Listen),
    (5, Step::Cancel),
    (5, Step::Leave),
    (2, Step::Level),
    (2, Step::Duplicate),
    (3, Step::Malformed),
    (3, Step::Steal),
    (1, Step::Roots),
    (4, Step::Come),
    (2, Step::Close),
    (18, Step::Server),
    (1, Step::Restart),
    (1, Step::Stop),
    (1, Step::Reload),
    (3, Step::Wait),
];

/// Plays the game of a seed to its end. `lines` of the log are kept in a failure.
pub(crate) async fn play(seed: u64, lines: usize) -> Result<Stats, Failure> {
    let world = World::new(seed);
    let outcome = played(&world).await;
    let judge = world.judge();
    match outcome {
        Ok(()) => Ok(judge.stats.clone()),
        Err(()) => Err(Failure {
            step: judge.log.step,
            why: judge.faults.clone(),
            log: judge.log.last(lines),
        }),
    }
}

async fn played(world: &Arc<World>) -> Result<(), ()> {
    let mut rng = Rng::of(world.seed, "game");
    let count = rng.within(1..5);
    let specs: Vec<Spec> = (0..count).map(|n| Spec::draw(&mut rng, n)).collect();
    let fleet = Arc::new(Fleet {
        specs: specs.clone(),
        world: world.clone(),
    });
    let entries = specs.iter().map(Spec::entry).collect();
    let mut options = Options::new(entries, fleet.clone());
    options.recorder = Arc::new(Clerk(world.clone()));
    options.settings.call_timeout = Duration::from_secs(8);
    options.settings.start_timeout = Duration::from_secs(5);
    options.settings.list_wait = Duration::from_secs(2);
    options.settings.idle_timeout = Duration::from_secs(20);
    options.settings.session_idle = Duration::from_secs(60);
    let gateway = Gateway::new(options).map_err(drop)?;
    let kept = Arc::downgrade(&fleet);
    drop(fleet);
    let mut game = Game {
        world: world.clone(),
        gateway,
        rng,
        clients: Vec::new(),
        configured: specs.clone(),
        specs,
    };
    for _ in 0..game.rng.within(1..4) {
        game.come();
    }
    let steps = game.rng.within(20..90);
    for step in 1..=steps {
        world.judge().log.step = step;
        let one = game.rng.weighted(STEPS);
        game.step(one);
        let pause = match game.rng.below(20) {
            0 => game.rng.ms(500..5000),
            1..5 => game.rng.ms(50..500),
            _ => game.rng.ms(0..30),
        };
        tokio::time::sleep(pause).await;
        game.look()?;
    }
    world.judge().log.step = steps + 1;
    game.end(kept).await
}

impl Game {
    /// Every invariant that can be looked at at any time.
    fn look(&self) -> Result<(), ()> {
        let mut judge = self.world.judge();
        judge.look();
        if let Some(panic) = super::panics::take() {
            judge.fault(panic);
        }
        match judge.faults.is_empty() {
            true => Ok(()),
            false => Err(()),
        }
    }

    // === steps ===

    fn step(&mut self, step: Step) {
        match step {
            Step::Come => return self.come(),
            Step::Server => return self.server_acts(),
            Step::Restart | Step::Stop | Step::Reload => return self.administer(step),
            // Time passes after it.
            Step::Wait => return,
            _ => {}
        }
        let present: Vec<Arc<Client>> = self
            .clients
            .iter()
            .filter(|client| !client.is_gone())
            .cloned()
            .collect();
        if present.is_empty() {
            return self.come();
        }
        let client = self.rng.pick(&present).clone();
        match step {
            Step::Cancel | Step::Leave | Step::Duplicate => self.touch(step, &client),
            Step::Close => client.close(),
            Step::Roots if client.era == Era::Handshake => {
                client.tell(method::ROOTS_LIST_CHANGED, &Value::Null);
            }
            _ => {
                if let Some(ask) = self.request(step, &client) {
                    client.ask(ask);
                }
            }
        }
    }

    fn come(&mut self) {
        let only = self
            .rng
            .chance(10)
            .then(|| self.rng.pick(&self.specs).name.clone());
        self.clients
            .extend(Client::come(&self.world, &self.gateway, only.as_deref()));
    }

    /// Something about a request that is under way.
    fn touch(&mut self, step: Step, client: &Arc<Client>) {
        let open = client.open_requests();
        if open.is_empty() {
            return;
        }
        let at = *self.rng.pick(&open);
        match step {
            Step::Cancel => client.cancel(at),
            Step::Leave => client.leave(at),
            _ => {
                let id = self.world.judge().sent[at].id.clone();
                let ask = self.request(Step::Call, client);
                if let Some(ask) = ask {
                    client.ask(Ask {
                        id: Some(id),
                        ..ask
                    });
                }
            }
        }
    }

    /// A request of some kind; none if this client has no such.
    fn request(&mut self, step: Step, client: &Client) -> Option<Ask> {
        let rng = &mut self.rng;
        let server = rng.pick(&self.specs).name.clone();
        let is_handshake = client.era == Era::Handshake;
        let mark = client.mark();
        let tool = if rng.chance(90) {
            "echo".to_owned()
        } else {
            format!("odd{}", rng.below(3))
        };
        let fixed = format!("{server}://fixed/{}", rng.below(2));
        let (method, params) = match step {
            Step::Call => (
                method::TOOLS_CALL,
                json!({"name": format!("{server}__{tool}"), "arguments": {"mark": mark.to_string()}}),
            ),
            Step::Prompt => (
                method::PROMPTS_GET,
                json!({"name": format!("{server}__tell"), "arguments": {"mark": mark.to_string()}}),
            ),
            Step::Read => (
                method::RESOURCES_READ,
                json!({"uri": format!("{server}://item/{mark}")}),
            ),
            Step::Complete => (
                method::COMPLETION_COMPLETE,
                json!({"ref": {"type": "ref/prompt", "name": format!("{server}__tell")}, "argument": {"name": "x", "value": mark.to_string()}}),
            ),
            Step::List => {
                let lists = [
                    method::TOOLS_LIST,
                    method::PROMPTS_LIST,
                    method::RESOURCES_LIST,
                    method::RESOURCES_TEMPLATES_LIST,
                ];
                (*rng.pick(&lists), json!({}))
            }
            Step::Greet if is_handshake => (method::PING, json!({})),
            Step::Greet => (method::SERVER_DISCOVER, json!({})),
            Step::Subscribe if is_handshake => (method::RESOURCES_SUBSCRIBE, json!({"uri": fixed})),
            // Which of two that are under way counts, nobody can tell.
            Step::Unsubscribe if is_handshake && !self.world.judge().subscribes(mark.client) => {
                (method::RESOURCES_UNSUBSCRIBE, json!({"uri": fixed}))
            }
            Step::Listen if !is_handshake => (
                method::SUBSCRIPTIONS_LISTEN,
                json!({"notifications": {"toolsListChanged": rng.chance(50), "promptsListChanged": rng.chance(50),
                    "resourcesListChanged": rng.chance(50), "resourceSubscriptions": [fixed]}}),
            ),
            Step::Level if is_handshake => {
                let level = *rng.pick(&["debug", "info", "error"]);
                (method::LOGGING_SET_LEVEL, json!({"level": level}))
            }
            Step::Malformed => malformed(rng, is_handshake),
            Step::Steal => {
                let others: Vec<String> = self
                    .clients
                    .iter()
                    .filter_map(|other| other.loot())
                    .collect();
                if is_handshake || others.is_empty() {
                    return None;
                }
                let state = rng.pick(&others);
                let params = json!({"name": format!("{server}__echo"), "arguments": {"mark": mark.to_string()},
                    "requestState": state, "inputResponses": {}});
                (method::TOOLS_CALL, params)
            }
            _ => return None,
        };
        Some(Ask {
            mark: Some(mark),
            ..Ask::new(method, params)
        })
    }

    fn server_acts(&mut self) {
        let live = self.world.live();
        if live.is_empty() {
            return;
        }
        let act = self.rng.weighted(&[
            (5, Act::ChangeLists),
            (9, Act::UpdateResource(0)),
            (9, Act::UpdateResource(1)),
            (2, Act::Log),
            (1, Act::StrayProgress),
            (1, Act::StrayAnswer),
            (2, Act::Ask),
            (1, Act::EndListen),
            (2, Act::Die),
        ]);
        self.rng.pick(&live).let_act(act);
    }

    fn administer(&mut self, step: Step) {
        let at = self.rng.below(self.specs.len());
        let name = self.specs[at].name.clone();
        let gateway = self.gateway.clone();
        match step {
            Step::Restart => {
                self.world.judge().note("gateway", "restarts", &name);
                tokio::spawn(async move { gateway.restart(&name).await });
            }
            Step::Stop => {
                self.world.judge().note("gateway", "stops", &name);
                let pause = self.rng.ms(0..3000);
                tokio::spawn(async move {
                    gateway.stop(&name).await;
                    tokio::time::sleep(pause).await;
                    gateway.restart(&name).await
                });
            }
            _ => {
                let known = self.configured.iter().position(|spec| spec.name == name);
                match known {
                    Some(known) if self.rng.chance(50) => drop(self.configured.remove(known)),
                    Some(known) => self.configured[known].edits += 1,
                    None => self.configured.push(self.specs[at].clone()),
                }
                let names: Vec<&str> = self.configured.iter().map(|spec| &*spec.name).collect();
                self.world
                    .judge()
                    .note("gateway", "reloads", &names.join(" "));
                let entries = self.configured.iter().map(Spec::entry).collect();
                gateway.reload(entries);
            }
        }
    }

    // === the end ===

    async fn end(mut self, kept: Weak<Fleet>) -> Result<(), ()> {
        if self.rng.chance(70) {
            self.wait_for_answers().await?;
        }
        self.world.judge().note("gateway", "shuts", "down");
        let grace = self.rng.ms(0..4000);
        let is_idle = self.is_quiet();
        let began = Instant::now();
        self.gateway.shutdown(grace).await;
        let took = began.elapsed();
        self.settle().await;
        self.expect(!is_idle || took < Duration::from_secs(1), || {
            format!("nothing is under way, yet shutting down took {took:?}")
        })?;
        let answered = async |game: &Self| game.unanswered().is_empty();
        self.within(Duration::from_secs(60), answered, Self::unanswered)
            .await?;
        for client in &self.clients {
            client.close();
        }
        let closed = async |game: &Self| {
            game.world
                .conns()
                .iter()
                .all(|conn| conn.state().end.is_some())
        };
        self.within(Duration::from_secs(60), closed, |game| {
            let open = game.world.live();
            open.iter()
                .map(|conn| format!("{} is still open", conn.name))
                .collect()
        })
        .await?;
        let metrics = self.gateway.metrics();
        for gauge in ["portolan_sessions", "portolan_upstreams"] {
            let value = metrics
                .lines()
                .find_map(|line| line.strip_prefix(gauge)?.strip_prefix(' '));
            self.expect(value == Some("0"), || {
                format!("{gauge} is {value:?} in the end")
            })?;
        }
        let (begun, records) = {
            let judge = self.world.judge();
            (
                judge.sent.iter().filter(|sent| sent.has_begun).count(),
                judge.records,
            )
        };
        self.expect(begun == records, || {
            format!("{begun} requests were recorded {records} times")
        })?;
        self.let_go(kept).await
    }

    /// With everybody gone, nothing is kept.
    async fn let_go(self, kept: Weak<Fleet>) -> Result<(), ()> {
        let sessions: Vec<_> = self
            .clients
            .iter()
            .filter_map(|client| client.session.as_ref().map(Arc::downgrade))
            .collect();
        let Self {
            world,
            gateway,
            clients,
            ..
        } = self;
        drop((gateway, clients));
        let mut why = String::new();
        for _ in 0..120 {
            let tasks = tokio::runtime::Handle::current()
                .metrics()
                .num_alive_tasks();
            let held = sessions
                .iter()
                .filter(|session| session.strong_count() > 0)
                .count();
            let core = kept.strong_count();
            if tasks + held + core == 0 {
                return Ok(());
            }
            why = format!("kept in the end: {tasks} tasks, {held} sessions, {core} gateways");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        world.judge().fault(why);
        Err(())
    }

    /// Until each request is answered and each server has heard of it.
    async fn wait_for_answers(&mut self) -> Result<(), ()> {
        // What is on its way arrives.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let listens: Vec<(Arc<Client>, usize)> = {
            let judge = self.world.judge();
            let open = judge.sent.iter().enumerate();
            let open = open
                .filter(|(_, sent)| sent.is_open() && sent.method == method::SUBSCRIPTIONS_LISTEN);
            let of = |client: usize| {
                self.clients
                    .iter()
                    .find(|one| one.number == client)
                    .cloned()
            };
            open.filter_map(|(at, sent)| Some((of(sent.client)?, at)))
                .collect()
        };
        for (client, at) in listens {
            client.cancel(at);
        }
        let quiet = async |game: &Self| game.is_quiet();
        self.within(PATIENCE, quiet, |game| {
            let mut left = game.unanswered();
            left.extend(game.world.conns().iter().flat_map(|conn| conn.open()));
            left
        })
        .await
    }

    fn is_quiet(&self) -> bool {
        self.unanswered().is_empty() && self.world.conns().iter().all(|conn| conn.open().is_empty())
    }

    fn unanswered(&self) -> Vec<String> {
        let judge = self.world.judge();
        let open = judge.sent.iter().filter(|sent| sent.is_open());
        open.map(|sent| {
            format!(
                "{}: {} {} has no answer",
                judge.parties[sent.client].name, sent.method, sent.id
            )
        })
        .collect()
    }

    async fn settle(&self) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    /// Lets time pass until something is so.
    async fn within(
        &self,
        time: Duration,
        mut is_so: impl AsyncFnMut(&Self) -> bool,
        why: impl FnOnce(&Self) -> Vec<String>,
    ) -> Result<(), ()> {
        let until = Instant::now() + time;
        while !is_so(self).await {
            if Instant::now() > until {
                for one in why(self) {
                    self.world.judge().fault(one);
                }
                return Err(());
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
            self.look()?;
        }
        self.look()
    }

    fn expect(&self, is_so: bool, why: impl FnOnce() -> String) -> Result<(), ()> {
        if !is_so {
            self.world.judge().fault(why());
        }
        self.look()
    }
}

/// A request that breaks a rule.
fn malformed(rng: &mut Rng, is_handshake: bool) -> (&'static str, Value) {
    match rng.below(6) {
        0 => (method::TOOLS_CALL, json!({})),
        1 => (method::TOOLS_CALL, json!({"name": 7})),
        2 => (method::TOOLS_CALL, json!({"name": "nobody__has"})),
        3 => (method::TOOLS_LIST, json!({"cursor": "c"})),
        4 if is_handshake => (method::INITIALIZE, json!({"capabilities": {}})),
        4 => (method::TOOLS_LIST, json!({"_meta": {}})),
        _ => (method::RESOURCES_READ, json!({"uri": "nowhere://x"})),
    }
}
