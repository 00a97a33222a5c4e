//! What a server of the handshake era asks about the call of a stateless client. The client hears of it in an answer,
//! and answers with its next request: until then the questions wait here.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Weak};

use bytes::Bytes;
use tokio::time::Instant;
use wire::{Edits, Frame, Object, code, method, quote};

use crate::asks::{Asks, can_be_asked, required};
use crate::calls::{Asking, CallHandle};
use crate::limits::{EARLY_QUESTIONS_MAX, INQUIRY_BYTES_MAX, INQUIRY_QUESTIONS_MAX};
use crate::outbox::lock;
use crate::slot::Step;
use crate::upstream::{ToServer, Turn, may_ask};

/// The questions about one call.
pub(crate) struct Inquiry {
    call: Weak<CallHandle>,
    /// Whether the answer to its method can be questions.
    may_ask: bool,
    /// What the request that the client made last allows to ask.
    asks: AtomicU8,
    /// The least severe log level that it wants to hear of with the call; none: [`SILENCE`].
    level: AtomicU8,
    open: Mutex<Vec<Open>>,
    numbers: AtomicU32,
    /// Its call's turn, where turns are taken.
    pub(crate) turn: Turn,
    /// The client has been asked, and may be a while.
    is_parked: AtomicBool,
    /// What the client lacked for a question that was refused for that.
    lacks: Mutex<Option<&'static str>>,
}

const NOBODY: &str = "no client can be told for which call this question is";
/// No level is as severe.
const SILENCE: u8 = u8::MAX;

struct Open {
    key: String,
    question: Question,
    since: Instant,
    _asking: Asking,
}

/// A request of a server.
pub(crate) struct Question {
    server: ToServer,
    asked: Box<str>,
    params: Box<str>,
}

impl Question {
    /// What goes to the client of it: the question itself, without the number of its visit, which only the handshake
    /// era has.
    pub(crate) fn new(server: ToServer, frame: &Frame) -> Self {
        let params = frame.params().unwrap_or("{}");
        let params = match Object::parse(params) {
            Ok(object) if object.get("elicitationId").is_ok_and(|id| id.is_some()) => {
                let mut edits = Edits::new(params);
                edits.remove(&object, "elicitationId");
                String::from_utf8_lossy(&edits.apply()).into()
            }
            _ => params.into(),
        };
        Self {
            server,
            asked: frame.method().into(),
            params,
        }
    }

    /// What a client lacks to be asked this.
    fn missing(&self, asks: Asks) -> Option<&'static str> {
        let params = Object::parse(&self.params);
        asks.missing(&self.asked, params.as_ref().unwrap_or(&Object::empty()))
    }
}

impl Inquiry {
    /// `asked`, `asks` and `level` are those of the request.
    pub(crate) fn new(
        call: &Arc<CallHandle>,
        asked: &str,
        asks: Asks,
        level: Option<u8>,
    ) -> Arc<Self> {
        Arc::new(Self {
            call: Arc::downgrade(call),
            may_ask: may_ask(asked),
            asks: AtomicU8::new(asks.bits()),
            level: AtomicU8::new(level.unwrap_or(SILENCE)),
            open: Mutex::default(),
            numbers: AtomicU32::new(1),
            turn: Turn::default(),
            is_parked: AtomicBool::new(false),
            lacks: Mutex::default(),
        })
    }

    /// The least severe log level that the client wants to hear of with the call.
    pub(crate) fn level(&self) -> Option<u8> {
        let level = self.level.load(Ordering::Relaxed);
        (level != SILENCE).then_some(level)
    }

    /// Whether its call is under way, and its server may ask something about it.
    fn is_open(&self) -> bool {
        self.may_ask && self.call.upgrade().is_some_and(|call| !call.slot.is_over())
    }

    /// Keeps a question for the client.
    ///
    /// # Errors
    /// Why it cannot be asked, for the server.
    fn ask(&self, question: Question) -> Result<(), String> {
        let asks = Asks::of_bits(self.asks.load(Ordering::Relaxed));
        if !can_be_asked(&question.asked) {
            return Err(format!(
                "no client of 2026-07-28 can be asked for {:?}",
                question.asked
            ));
        }
        if let Some(missing) = question.missing(asks) {
            *lock(&self.lacks) = Some(missing);
            return Err(format!("the client does not support {missing}"));
        }
        let Some(call) = self.call.upgrade().filter(|_| self.is_open()) else {
            return Err(NOBODY.to_owned());
        };
        {
            let mut open = lock(&self.open);
            let bytes: usize = open.iter().map(|open| open.question.params.len()).sum();
            if open.len() >= INQUIRY_QUESTIONS_MAX
                || bytes + question.params.len() > INQUIRY_BYTES_MAX
            {
                return Err("the client has too many unanswered questions".to_owned());
            }
            open.push(Open {
                key: format!("q{}", self.numbers.fetch_add(1, Ordering::Relaxed)),
                question,
                since: Instant::now(),
                _asking: call.asking(),
            });
        }
        if !call.slot.put(Step::Asked) {
            self.close();
        }
        Ok(())
    }

    /// What the client lacked for a question of its server, as `requiredCapabilities`, raw JSON.
    pub(super) fn lacks(&self) -> Option<&'static str> {
        (*lock(&self.lacks)).map(required)
    }

    /// Whether its client has been asked and has not come back.
    pub(crate) fn is_parked(&self) -> bool {
        self.is_parked.load(Ordering::Relaxed)
    }

    pub(super) fn set_parked(&self, is_parked: bool) {
        self.is_parked.store(is_parked, Ordering::Relaxed);
    }

    /// When the oldest open question was asked.
    pub(super) fn asked_since(&self) -> Option<Instant> {
        lock(&self.open).iter().map(|open| open.since).min()
    }

    /// `inputRequests` with all that is open, raw JSON; none if nothing is.
    pub(super) fn requests(&self) -> Option<String> {
        let open = lock(&self.open);
        let entries = open.iter().map(|Open { key, question, .. }| {
            format!(
                r#"{}:{{"method":{},"params":{}}}"#,
                quote(key),
                quote(&question.asked),
                question.params
            )
        });
        let entries: Vec<String> = entries.collect();
        (!entries.is_empty()).then(|| format!("{{{}}}", entries.join(",")))
    }

    /// Gives the server what the client answered. What is no answer leaves its question open; what answers nothing is
    /// dropped.
    pub(super) fn answer(&self, responses: Option<&Object<'_>>, asks: Asks, level: Option<u8>) {
        self.asks.store(asks.bits(), Ordering::Relaxed);
        self.level
            .store(level.unwrap_or(SILENCE), Ordering::Relaxed);
        let answered: Vec<(Open, Option<String>)> = {
            let mut open = lock(&self.open);
            let answer = |open: &Open| {
                let answer = responses?.get(&open.key).ok().flatten()?;
                answer.starts_with('{').then(|| answer.to_owned())
            };
            let is_settled =
                |open: &Open| answer(open).is_some() || open.question.missing(asks).is_some();
            let (settled, left) = std::mem::take(&mut *open)
                .into_iter()
                .partition(|open| is_settled(open));
            *open = left;
            let settled: Vec<Open> = settled;
            settled
                .into_iter()
                .map(|open| {
                    let answer = answer(&open);
                    (open, answer)
                })
                .collect()
        };
        for (open, answer) in answered {
            match answer {
                Some(answer) => open.question.server.result(&answer),
                None => {
                    let why = "the client does not support it any more";
                    open.question.server.refuse(code::METHOD_NOT_FOUND, why);
                }
            }
        }
    }

    /// The server took a question back; false if it is none of these.
    fn withdraw(&self, upstream: u64, id: &str) -> bool {
        let mut open = lock(&self.open);
        let before = open.len();
        open.retain(|open| !open.question.server.is(upstream, id));
        open.len() < before
    }

    /// The call is over, or its client will not come back.
    pub(super) fn close(&self) {
        let open = std::mem::take(&mut *lock(&self.open));
        for Open { question, .. } in open {
            let why = "the client did not answer";
            question.server.refuse(code::INTERNAL_ERROR, why);
        }
    }
}

/// The calls of stateless clients that are under way at one server.
#[derive(Default)]
pub(crate) struct Inquiries {
    under_way: Mutex<Vec<Weak<Inquiry>>>,
    /// Asked before there was any call.
    early: Mutex<Vec<Question>>,
    /// There was one: what is asked without a reference may be about one that was taken back.
    had_calls: AtomicBool,
}

impl Inquiries {
    /// A call is on its way; what was asked before it is about it, too.
    pub(crate) fn begin(&self, inquiry: &Arc<Inquiry>) {
        if !inquiry.may_ask {
            return;
        }
        self.had_calls.store(true, Ordering::Relaxed);
        {
            let mut under_way = lock(&self.under_way);
            under_way.retain(|known| known.upgrade().is_some_and(|known| known.is_open()));
            under_way.push(Arc::downgrade(inquiry));
        }
        let early = std::mem::take(&mut *lock(&self.early));
        for question in early {
            let server = question.server.clone();
            if let Err(why) = inquiry.ask(question) {
                server.refuse(code::METHOD_NOT_FOUND, &why);
            }
        }
    }

    /// A server asks something, about this call if that is known. `asks` is what all clients of the server can be asked.
    ///
    /// # Errors
    /// Why it cannot, for the server.
    pub(crate) fn ask(
        &self,
        about: Option<&Arc<Inquiry>>,
        asks: Asks,
        question: Question,
    ) -> Result<(), String> {
        if let Some(inquiry) = about {
            return inquiry.ask(question);
        }
        let open: Vec<Arc<Inquiry>> = lock(&self.under_way)
            .iter()
            .filter_map(Weak::upgrade)
            .filter(|inquiry| inquiry.is_open())
            .collect();
        // Who waits for its client has lent its turn.
        let (parked, active): (Vec<_>, Vec<_>) = open.iter().partition(|i| i.is_parked());
        match (&active[..], &parked[..]) {
            ([only], _) | ([], [only]) => only.ask(question),
            // Servers like to ask for the folders as soon as they are greeted.
            ([], [])
                if &*question.asked == method::ROOTS_LIST
                    && asks.roots()
                    && !self.had_calls.load(Ordering::Relaxed) =>
            {
                let mut early = lock(&self.early);
                let bytes = question.params.len();
                if early.len() >= EARLY_QUESTIONS_MAX || bytes > INQUIRY_BYTES_MAX {
                    return Err("there are too many unanswered questions".to_owned());
                }
                early.push(question);
                Ok(())
            }
            _ => Err(NOBODY.to_owned()),
        }
    }

    /// A log message of this level that came without a reference: the calls that want to hear such get it.
    pub(crate) fn hear(&self, level: u8, message: &Bytes) {
        let under_way = lock(&self.under_way).clone();
        for inquiry in under_way.iter().filter_map(Weak::upgrade) {
            let is_wanted = inquiry.level().is_some_and(|least| level >= least);
            if let Some(call) = inquiry.call.upgrade().filter(|_| is_wanted) {
                call.slot.message(message.clone());
            }
        }
    }

    /// A server takes a question back; false if it is none of these.
    pub(crate) fn withdraw(&self, upstream: u64, id: &str) -> bool {
        let under_way = lock(&self.under_way).clone();
        let mut inquiries = under_way.iter().filter_map(Weak::upgrade);
        let mut early = lock(&self.early);
        let before = early.len();
        early.retain(|question| !question.server.is(upstream, id));
        early.len() < before || inquiries.any(|inquiry| inquiry.withdraw(upstream, id))
    }

    /// The connection is gone, and with it who asked.
    pub(crate) fn forget_all(&self) {
        lock(&self.early).clear();
        self.had_calls.store(false, Ordering::Relaxed);
        for inquiry in lock(&self.under_way).drain(..).filter_map(|i| i.upgrade()) {
            lock(&inquiry.open).clear();
        }
    }
}
