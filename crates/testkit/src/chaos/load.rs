//! Who is called, how often, by whom. Sound servers are called from a thread of their own and always at the same
//! pace, so that their two latencies, alone and in the midst of everything, can be compared.

use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::client::{Call, Client, Connection, Heard};
use super::dice::Dice;
use super::fleet::{Gateway, SOUND, Server};
use super::kills::Killed;

/// What every call's id begins with.
pub(super) const CALL: &str = "call-";

/// The name of the server that is called without the gateway.
const CONTROL: &str = "control";

/// Calls to sound servers in flight at a time, at most.
const SOUND_LANES: usize = 4;
/// The rest of such a lane between two calls.
const SOUND_PAUSE: Duration = Duration::from_millis(80);
/// Calls of a lane before a quiet phase, in it, and in a round.
const FIRST_CALLS: usize = 10;
const QUIET_CALLS: usize = 25;
const ROUND_CALLS: usize = 50;
/// Calls to the others in flight at a time, at most, and in a round.
const OTHER_LANES: usize = 64;
const OTHER_CALLS: usize = 800;
/// How long clients wait, where they do not take the call back sooner.
const PATIENCE: Duration = Duration::from_millis(3500);
const SOUND_PATIENCE: Duration = Duration::from_secs(30);
/// Of 100 calls to servers that misbehave so many are taken back within 400 ms.
const IMPATIENT: u64 = 8;
/// How long after its being killed a sound server is one that starts.
const STARTS_FOR: Duration = Duration::from_secs(3);
/// Who is killed again and again right after its start is left alone for ever longer, at most for so long.
const BARRED_FOR: Duration = Duration::from_secs(60);

/// The state of the load over a run.
pub(super) struct Load {
    address: SocketAddr,
    control: SocketAddr,
    clients: Vec<Client>,
    /// Names and tools; the sound ones first.
    servers: Vec<(String, String)>,
    calls: u64,
    pub(super) killed: Killed,
}

/// What came of many calls.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) calls: usize,
    pub(super) own: usize,
    pub(super) results: usize,
    pub(super) failures: usize,
    pub(super) cancelled: usize,
    pub(super) wrong: Vec<String>,
    /// Latencies of sound servers in order, those left out that had been killed.
    pub(super) sound: Vec<Duration>,
    /// Latencies of the one that is called without the gateway, in order.
    pub(super) control: Vec<Duration>,
    /// How many were left out.
    pub(super) left_out: usize,
    /// Failures of sound servers that had not been killed.
    pub(super) unsound: Vec<String>,
}

/// A call of a lane.
#[derive(Clone, Debug)]
struct Planned {
    address: SocketAddr,
    server: String,
    client: Client,
    call: Call,
}

/// What came of it.
struct Done {
    server: String,
    began: Instant,
    took: Duration,
    heard: Heard,
    tool: String,
}

impl Load {
    pub(super) fn new(
        gateway: &Gateway,
        control: &Server,
        clients: Vec<Client>,
        fleet: &[Server],
    ) -> Self {
        let servers = fleet
            .iter()
            .map(|server| (server.name.clone(), server.tool()));
        Self {
            address: gateway.address,
            control: control.address(),
            clients,
            servers: servers.collect(),
            calls: 0,
            killed: Killed::default(),
        }
    }

    /// Sound servers alone. The first calls start those that were killed, and are not measured.
    pub(super) async fn quiet(&mut self, dice: &mut Dice) -> Tally {
        let first = self.sound_lanes(dice, FIRST_CALLS);
        joined(self.sound(first)).await;
        let lanes = self.sound_lanes(dice, QUIET_CALLS);
        let mut tally = Tally::default();
        tally.sound(joined(self.sound(lanes)).await, &self.killed_so_far());
        tally
    }

    /// All servers.
    pub(super) async fn round(&mut self, dice: &mut Dice) -> Tally {
        let lanes = self.sound_lanes(dice, ROUND_CALLS);
        let others = self.other_lanes(dice);
        let sound = self.sound(lanes);
        let done = play(others, Duration::ZERO).await;
        let mut tally = Tally::default();
        for done in done {
            tally.count(&done);
        }
        let sound = joined(sound).await;
        tally.sound(sound, &self.killed_so_far());
        tally
    }

    fn killed_so_far(&self) -> Vec<(String, Instant)> {
        self.killed
            .lock()
            .map(|killed| killed.clone())
            .unwrap_or_default()
    }

    /// Names of sound servers that do not come back although nobody kills them any more.
    pub(super) async fn lost(&mut self, dice: &mut Dice) -> Vec<String> {
        let begun = Instant::now();
        let mut lost = Vec::new();
        for server in 0..SOUND {
            let mut connection = Connection::new(self.address);
            loop {
                let planned = self.planned(dice, server..server + 1);
                if connection.call(&planned.client, &planned.call).await == Heard::Own {
                    break;
                }
                if begun.elapsed() > BARRED_FOR + STARTS_FOR {
                    lost.push(planned.server);
                    break;
                }
                tokio::time::sleep(SOUND_PAUSE).await;
            }
        }
        lost
    }

    fn sound_lanes(&mut self, dice: &mut Dice, calls: usize) -> Vec<Vec<Planned>> {
        let mut lane = || (0..calls).map(|_| self.planned(dice, 0..SOUND)).collect();
        let mut lanes: Vec<Vec<Planned>> = (0..SOUND_LANES).map(|_| lane()).collect();
        lanes.push(vec![self.directly(); calls]);
        lanes
    }

    /// Every server is called by every client equally often, in any order.
    fn other_lanes(&mut self, dice: &mut Dice) -> Vec<Vec<Planned>> {
        let others = SOUND..self.servers.len();
        let mut calls: Vec<Planned> = (0..OTHER_CALLS)
            .map(|n| {
                let server = others.start + n % others.len();
                self.planned(dice, server..server + 1)
            })
            .collect();
        dice.shuffle(&mut calls);
        let length = calls.len().div_ceil(OTHER_LANES);
        calls.chunks(length).map(<[Planned]>::to_vec).collect()
    }

    fn planned(&mut self, dice: &mut Dice, among: std::ops::Range<usize>) -> Planned {
        let index = among.start + dice.below(among.len());
        let client = self.clients[dice.below(self.clients.len())].clone();
        let patience = match index < SOUND {
            true => SOUND_PATIENCE,
            false if dice.percent(IMPATIENT) => dice.millis(1, 400),
            false => PATIENCE,
        };
        self.calls += 1;
        let (server, tool) = self.servers[index].clone();
        let id = format!("{CALL}{}", self.calls);
        Planned {
            address: self.address,
            server,
            client,
            call: Call { id, tool, patience },
        }
    }

    /// A call past the gateway.
    fn directly(&self) -> Planned {
        Planned {
            address: self.control,
            server: CONTROL.to_owned(),
            client: Client::Stateless,
            call: Call {
                id: format!("{CALL}{CONTROL}"),
                tool: "echo".to_owned(),
                patience: SOUND_PATIENCE,
            },
        }
    }

    /// Plays lanes on a thread and a runtime that have nothing else to do.
    fn sound(&self, lanes: Vec<Vec<Planned>>) -> JoinHandle<Vec<Done>> {
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.map_or_else(
                |_| Vec::new(),
                |runtime| runtime.block_on(play(lanes, SOUND_PAUSE)),
            )
        })
    }
}

async fn joined(thread: JoinHandle<Vec<Done>>) -> Vec<Done> {
    let joined = tokio::task::spawn_blocking(move || thread.join()).await;
    joined.ok().and_then(Result::ok).unwrap_or_default()
}

async fn play(lanes: Vec<Vec<Planned>>, pause: Duration) -> Vec<Done> {
    let mut running = JoinSet::new();
    for lane in lanes {
        running.spawn(async move {
            let mut all = Vec::with_capacity(lane.len());
            let Some(first) = lane.first() else {
                return all;
            };
            let mut connection = Connection::new(first.address);
            for planned in lane {
                let began = Instant::now();
                let heard = connection.call(&planned.client, &planned.call).await;
                all.push(Done {
                    server: planned.server,
                    began,
                    took: began.elapsed(),
                    heard,
                    tool: planned.call.tool,
                });
                tokio::time::sleep(pause).await;
            }
            all
        });
    }
    running.join_all().await.into_iter().flatten().collect()
}

impl Tally {
    fn count(&mut self, done: &Done) {
        self.calls += 1;
        match &done.heard {
            Heard::Own => self.own += 1,
            Heard::Result => self.results += 1,
            Heard::Failure => self.failures += 1,
            Heard::Cancelled => self.cancelled += 1,
            Heard::Wrong(why) => self.wrong.push(why.clone()),
        }
    }

    /// Adds what came of further calls.
    pub(super) fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.own += other.own;
        self.results += other.results;
        self.failures += other.failures;
        self.cancelled += other.cancelled;
        self.wrong.extend(other.wrong);
        self.unsound.extend(other.unsound);
        self.left_out += other.left_out;
        self.sound.extend(other.sound);
        self.control.extend(other.control);
        self.sound.sort();
        self.control.sort();
    }

    fn sound(&mut self, all: Vec<Done>, killed: &[(String, Instant)]) {
        for done in all {
            if done.server == CONTROL {
                self.control.push(done.took);
                continue;
            }
            self.count(&done);
            let excuse = match done.heard {
                Heard::Failure => BARRED_FOR,
                _ => STARTS_FOR,
            };
            let is_victim = killed.iter().any(|(server, at)| {
                *server == done.server
                    && *at <= done.began + done.took
                    && done.began <= *at + excuse
            });
            if is_victim {
                self.left_out += 1;
            } else {
                if done.heard != Heard::Own {
                    self.unsound
                        .push(format!("{}: {:?}", done.tool, done.heard));
                }
                self.sound.push(done.took);
            }
        }
        self.sound.sort();
        self.control.sort();
    }
}

/// What so many of 1,000 latencies stay below, in milliseconds.
pub(super) fn percentile_ms(sorted: &[Duration], per_mille: usize) -> f64 {
    let index = (sorted.len() * per_mille / 1000).min(sorted.len().saturating_sub(1));
    sorted
        .get(index)
        .map_or(0.0, |took| took.as_secs_f64() * 1000.0)
}
