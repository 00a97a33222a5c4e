//! One connection of a simulated server: a link that takes its time in both directions, and a program that answers
//! late, twice, never or to the wrong one, asks, withdraws and dies. One task does all that comes due, so that whatever
//! is under way at the same time overtakes each other.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::Instant;
use transport::Pipe;
use wire::Era;

use super::mark::Mark;
use super::plan::Move;
use super::rng::Rng;
use super::servers::{Spec, lock};
use super::world::World;

/// See the module.
pub(crate) struct Conn {
    pub(crate) name: String,
    pub(crate) spec: Spec,
    pub(crate) world: Arc<World>,
    state: Mutex<State>,
    wake: Notify,
}

/// What a server knows.
pub(crate) struct State {
    pub(crate) rng: Rng,
    /// Settled by the first message.
    pub(crate) era: Option<Era>,
    pub(crate) is_initialized: bool,
    /// The questions that its client can be asked, by what the handshake said.
    pub(crate) can: Vec<&'static str>,
    pub(crate) calls: BTreeMap<u64, Served>,
    pub(crate) questions: BTreeMap<u64, Question>,
    pub(crate) next_question: u64,
    pub(crate) subscribed: BTreeSet<String>,
    pub(crate) listens: Vec<u64>,
    /// Counts the changes of its lists.
    pub(crate) lists: usize,
    /// Whose requests came first: a connection that is not shared serves nobody else.
    pub(crate) served: Option<Mark>,
    pub(crate) end: Option<End>,
    is_slow: bool,
    agenda: BTreeMap<(Instant, u64), Deed>,
    count: u64,
    inward: VecDeque<(Instant, Bytes)>,
    outward: VecDeque<(Instant, Bytes)>,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The gateway closed it.
    Closed,
    /// The server is gone, and what was under way with it.
    Died,
}

/// A request that a server works on.
pub(crate) struct Served {
    pub(crate) mark: Mark,
    pub(crate) method: String,
    /// The progress token, raw JSON.
    pub(crate) token: Option<String>,
    pub(crate) can: Vec<&'static str>,
    pub(crate) round: usize,
    pub(crate) moves: VecDeque<(Duration, Move)>,
    /// Messages about it so far, and those of progress.
    pub(crate) said: u64,
    pub(crate) progress: u64,
    pub(crate) questions_open: usize,
    pub(crate) is_answered: bool,
    pub(crate) is_cancelled: bool,
}

/// Something that a server asked.
pub(crate) struct Question {
    pub(crate) call: Option<u64>,
    pub(crate) token: String,
    pub(crate) is_answered: bool,
    pub(crate) is_withdrawn: bool,
}

/// Something that a server does when its time has come.
pub(crate) enum Deed {
    Say(Bytes),
    /// The next move of a call.
    Go(u64),
    /// Takes back a question.
    Withdraw(u64),
    /// What the world lets it do.
    Act(Act),
}

/// What a server does of its own accord.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    ChangeLists,
    UpdateResource(usize),
    Log,
    StrayProgress,
    StrayAnswer,
    Ask,
    EndListen,
    Die,
}

impl Conn {
    pub(crate) fn new(name: String, spec: Spec, world: Arc<World>) -> Arc<Self> {
        let mut rng = Rng::of(world.seed, &name);
        let is_slow = rng.chance(10);
        Arc::new(Self {
            name,
            spec,
            world,
            state: Mutex::new(State {
                rng,
                era: None,
                is_initialized: false,
                can: Vec::new(),
                calls: BTreeMap::new(),
                questions: BTreeMap::new(),
                next_question: 1,
                subscribed: BTreeSet::new(),
                listens: Vec::new(),
                lists: 0,
                served: None,
                end: None,
                is_slow,
                agenda: BTreeMap::new(),
                count: 0,
                inward: VecDeque::new(),
                outward: VecDeque::new(),
            }),
            wake: Notify::new(),
        })
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Lets it do something of its own accord.
    pub(crate) fn let_act(&self, act: Act) {
        self.state().plan(Duration::ZERO, Deed::Act(act));
        self.wake.notify_one();
    }

    /// Calls that nobody has answered or taken back, and questions without an answer.
    pub(crate) fn open(&self) -> Vec<String> {
        let state = self.state();
        if state.end.is_some() {
            return Vec::new();
        }
        let calls = state
            .calls
            .values()
            .filter(|call| !call.is_answered && !call.is_cancelled)
            .map(|call| format!("{}: {} is still worked on", self.name, call.mark));
        let questions = state
            .questions
            .values()
            .filter(|question| !question.is_answered && !question.is_withdrawn)
            .map(|question| format!("{}: question {} has no answer", self.name, question.token));
        calls.chain(questions).collect()
    }

    /// Serves until either side ends it.
    pub(crate) async fn run(self: Arc<Self>, mut pipe: Pipe) {
        loop {
            let next = self.state().next();
            tokio::select! {
                biased;
                read = pipe.source.recv() => match read {
                    Some(Ok(bytes)) => {
                        let mut state = self.state();
                        let at = state.arrival();
                        state.inward.push_back((at, bytes));
                    }
                    // What the server still had to say finds nobody.
                    Some(Err(_)) | None => {
                        self.state().end = Some(End::Closed);
                        self.world.judge().note(&self.name, "is", "closed");
                    }
                },
                () = tokio::time::sleep_until(next) => self.due(&pipe),
                () = self.wake.notified() => {}
            }
            if self.state().end.is_some() {
                return;
            }
        }
    }

    /// Does what has come due, one thing of each kind.
    fn due(&self, pipe: &Pipe) {
        let now = Instant::now();
        let read = self.state().take_inward(now);
        if let Some(bytes) = read {
            self.world.judge().log.add(&self.name, "<-", &bytes);
            self.take(&bytes);
        }
        let deed = self.state().take_deed(now);
        if let Some(deed) = deed {
            self.does(deed);
        }
        let said = self.state().take_outward(now);
        if let Some(bytes) = said {
            self.world.judge().log.add(&self.name, "->", &bytes);
            // Before the gateway can pass it on.
            self.leaves(&bytes);
            let _ = pipe.sink.send(&bytes);
        }
    }
}

impl State {
    /// Notes something to be done after a while.
    pub(crate) fn plan(&mut self, after: Duration, deed: Deed) {
        self.count += 1;
        self.agenda
            .insert((Instant::now() + after, self.count), deed);
    }

    /// Sends a message: in order, each on its way for a while.
    pub(crate) fn say(&mut self, bytes: Bytes) {
        let last = self.outward.back().map(|(at, _)| *at);
        let at = self.travel();
        self.outward
            .push_back((last.map_or(at, |last| last.max(at)), bytes));
    }

    fn arrival(&mut self) -> Instant {
        let last = self.inward.back().map(|(at, _)| *at);
        let at = self.travel();
        last.map_or(at, |last| last.max(at))
    }

    fn travel(&mut self) -> Instant {
        let way = match (self.is_slow, self.rng.chance(60)) {
            (true, _) => self.rng.ms(50..400),
            (false, true) => Duration::ZERO,
            (false, false) => self.rng.ms(1..40),
        };
        Instant::now() + way
    }

    fn next(&self) -> Instant {
        let agenda = self.agenda.first_key_value().map(|((at, _), _)| *at);
        let (inward, outward) = (self.inward.front(), self.outward.front());
        let queues = [inward, outward].into_iter().flatten().map(|(at, _)| *at);
        // A day is beyond every game.
        queues
            .chain(agenda)
            .min()
            .unwrap_or_else(|| Instant::now() + Duration::from_secs(86_400))
    }

    fn take_inward(&mut self, now: Instant) -> Option<Bytes> {
        take_due(&mut self.inward, now)
    }

    fn take_outward(&mut self, now: Instant) -> Option<Bytes> {
        take_due(&mut self.outward, now)
    }

    fn take_deed(&mut self, now: Instant) -> Option<Deed> {
        let first = self.agenda.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }
}

fn take_due(queue: &mut VecDeque<(Instant, Bytes)>, now: Instant) -> Option<Bytes> {
    let is_due = queue.front().is_some_and(|(at, _)| *at <= now);
    is_due.then(|| queue.pop_front().map(|(_, bytes)| bytes))?
}
