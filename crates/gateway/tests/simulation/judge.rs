//! What must be true, looked at with each message that comes to anybody: each request has one answer, its own; nobody
//! hears what belongs to others; what belongs to a call comes in order and before its answer; what a server answered
//! is what the client gets, without delay.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bytes::Bytes;
use portolan_gateway::front::Door;
use serde_json::Value;
use tokio::time::Instant;
use wire::{Era, Frame, Kind, meta, method};

use super::log::Log;
use super::mark::Mark;
use super::stats::{Cell, Stats};

/// Whether clients of one era are served by servers of the other.
pub(crate) const BRIDGED: bool = true;

/// Longer than anything is on its way.
const NEWS: Duration = Duration::from_secs(1);

/// The caller by its number.
pub(crate) const CALLERS: [&str; 3] = ["ann", "bob", "cem"];

/// See the module.
pub(crate) struct Judge {
    pub(crate) log: Log,
    pub(crate) faults: Vec<String>,
    pub(crate) stats: Stats,
    pub(crate) sent: Vec<Sent>,
    pub(crate) parties: Vec<Party>,
    /// How often servers saw a request, and how often they asked for it once more.
    arrived: HashMap<Mark, usize>,
    required: HashMap<Mark, usize>,
    /// Answers that servers have given and that are on their way through the gateway.
    given: Vec<(Mark, Instant)>,
    /// What the recorder got.
    pub(crate) records: usize,
}

/// What a client is, and what is known of its conversation.
pub(crate) struct Party {
    pub(crate) name: String,
    pub(crate) caller: usize,
    pub(crate) era: Era,
    /// None: stateless requests over HTTP.
    pub(crate) door: Option<Door>,
    /// The questions that it can be asked.
    pub(crate) can: Vec<&'static str>,
    pub(crate) is_closed: bool,
    /// Resources that it subscribed to; of those that it left, since when.
    pub(crate) subscribed: BTreeMap<String, Option<Instant>>,
    /// Questions that it got, by id, and whether they were withdrawn.
    pub(crate) questions: BTreeMap<u64, bool>,
}

/// A request that a client sent.
pub(crate) struct Sent {
    pub(crate) client: usize,
    pub(crate) mark: Mark,
    pub(crate) id: Value,
    pub(crate) method: &'static str,
    pub(crate) params: Value,
    /// The gateway has it.
    pub(crate) has_begun: bool,
    /// The client took it back, or closed its conversation.
    pub(crate) is_cancelled: bool,
    /// When it was taken back in a way that its server is told of.
    pub(crate) taken_back: Option<Instant>,
    /// The client does not wait any more.
    pub(crate) is_dropped: bool,
    pub(crate) answers: usize,
    /// Messages of its own that came before the answer.
    progress: u64,
    /// The number of the last message that each server counted.
    last: BTreeMap<String, u64>,
    /// What it listens to, once that is agreed.
    listening: Option<Value>,
}

impl Sent {
    pub(crate) fn is_open(&self) -> bool {
        self.answers == 0 && !self.is_dropped
    }

    /// Its server is to be told, if it has it.
    pub(crate) fn take_back(&mut self) {
        if self.is_open() && self.has_begun {
            self.taken_back.get_or_insert_with(Instant::now);
        }
    }
}

/// Something that the client has to do now.
pub(crate) enum Duty {
    /// To answer a question.
    Answer {
        id: u64,
        method: String,
        token: String,
    },
    /// To repeat its request with answers.
    Repeat(Value),
}

impl Judge {
    pub(crate) fn new() -> Self {
        Self {
            log: Log::new(),
            faults: Vec::new(),
            stats: Stats::default(),
            sent: Vec::new(),
            parties: Vec::new(),
            arrived: HashMap::new(),
            required: HashMap::new(),
            given: Vec::new(),
            records: 0,
        }
    }

    pub(crate) fn fault(&mut self, what: String) {
        self.log
            .add("judge", "!!", &Bytes::copy_from_slice(what.as_bytes()));
        self.faults.push(what);
    }

    pub(crate) fn note(&mut self, who: &str, what: &'static str, text: &str) {
        self.log
            .add(who, what, &Bytes::copy_from_slice(text.as_bytes()));
    }

    fn check(&mut self, is_so: bool, what: impl FnOnce() -> String) {
        if !is_so {
            self.fault(what());
        }
    }

    fn caller_of(&self, mark: Mark) -> usize {
        self.parties[mark.client].caller
    }

    /// A request leaves its client.
    pub(crate) fn sends(
        &mut self,
        mark: Mark,
        id: Value,
        method: &'static str,
        params: Value,
    ) -> usize {
        self.sent.push(Sent {
            client: mark.client,
            mark,
            id,
            method,
            params,
            has_begun: false,
            is_cancelled: false,
            taken_back: None,
            is_dropped: false,
            answers: 0,
            progress: 0,
            last: BTreeMap::new(),
            listening: None,
        });
        self.sent.len() - 1
    }

    // === what clients hear ===

    /// A message that came with a request.
    pub(crate) fn heard_with(&mut self, at: usize, bytes: &Bytes) -> Option<Duty> {
        let (client, mark) = (self.sent[at].client, self.sent[at].mark);
        let name = format!("{} #{}", self.parties[client].name, self.sent[at].id);
        self.log.add(&name, "<-", bytes);
        let (frame, message) = self.read(&name, bytes)?;
        let params = &message["params"];
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        self.check(self.sent[at].answers == 0, || {
            format!("{name}: a message came after the answer")
        });
        if self.sent[at].listening.is_some() || frame.method() == method::SUBSCRIPTIONS_ACKNOWLEDGED
        {
            self.heard_listening(at, &name, frame.method(), params);
            return None;
        }
        let is_log = frame.method() == method::MESSAGE;
        let is_question = frame.kind() == Kind::Request;
        for of in Mark::all(text) {
            // Of messages without a reference the gateway knows for which conversation they are, not always for which
            // call. The protocol has nothing better for servers behind a pipe.
            let is_own = match () {
                () if is_log => self.caller_of(of) == self.parties[client].caller,
                () if is_question => of.client == client,
                () => of == mark,
            };
            self.check(is_own, || {
                format!("{name} ({mark}): heard what belongs to {of}")
            });
        }
        // What is said while a call waits for its client is what the request before wanted to hear.
        let mut same = self.sent.iter().filter(|sent| sent.mark == mark);
        let wants_log = same.any(|sent| !sent.params["_meta"][meta::LOG_LEVEL].is_null());
        let is_stateless = self.parties[client].era == Era::Stateless;
        match frame.method() {
            method::PROGRESS => {
                let token = &self.sent[at].params["_meta"][meta::PROGRESS_TOKEN];
                let is_right = !token.is_null() && *token == params[meta::PROGRESS_TOKEN];
                self.check(is_right, || {
                    format!("{name}: progress under a token that is not its own")
                });
                self.sent[at].progress += 1;
                self.stats.progress += 1;
            }
            method::MESSAGE => {
                self.check(!is_stateless || wants_log, || {
                    format!("{name}: a log message that it did not ask for")
                });
                self.stats.logs += 1;
            }
            method::CANCELLED => self.withdrawn(client, &name, params),
            _ if is_question => return self.asked(client, &name, &message),
            other => self.fault(format!("{name}: {other} belongs to no call")),
        }
        if let Some(number) = params["n"].as_u64()
            && Mark::first(text) == Some(mark)
        {
            let by = params["by"].as_str().unwrap_or_default().to_owned();
            let last = self.sent[at].last.insert(by, number).unwrap_or_default();
            // Several questions at once are one step of their server.
            self.check(last < number || is_question && last == number, || {
                format!("{name}: message {number} came after message {last}")
            });
        }
        None
    }

    /// A message of a listen stream.
    fn heard_listening(&mut self, at: usize, name: &str, what: &str, params: &Value) {
        let stamp = &params["_meta"][meta::SUBSCRIPTION_ID];
        let is_stamped = *stamp == self.sent[at].id;
        self.check(is_stamped, || {
            format!("{name}: the stamp of its stream is missing")
        });
        if what == method::SUBSCRIPTIONS_ACKNOWLEDGED {
            let is_first = self.sent[at].listening.is_none();
            self.check(is_first, || format!("{name}: acknowledged twice"));
            self.sent[at].listening = Some(params["notifications"].clone());
            return;
        }
        let agreed = self.sent[at].listening.clone().unwrap_or_default();
        let is_wanted = match what {
            method::TOOLS_LIST_CHANGED => agreed["toolsListChanged"] == true,
            method::PROMPTS_LIST_CHANGED => agreed["promptsListChanged"] == true,
            method::RESOURCES_LIST_CHANGED => agreed["resourcesListChanged"] == true,
            method::RESOURCES_UPDATED => {
                self.stats.updates += 1;
                agreed["resourceSubscriptions"]
                    .as_array()
                    .is_some_and(|uris| uris.contains(&params["uri"]))
            }
            _ => false,
        };
        self.check(is_wanted, || {
            format!("{name}: {what} is not what it listens to")
        });
    }

    /// A message that belongs to no request.
    pub(crate) fn heard_alone(&mut self, client: usize, bytes: &Bytes) -> Option<Duty> {
        let name = self.parties[client].name.clone();
        self.log.add(&name, "<-", bytes);
        let (frame, message) = self.read(&name, bytes)?;
        let params = &message["params"];
        self.check(self.parties[client].era == Era::Handshake, || {
            format!("{name}: a stateless client got what belongs to no request")
        });
        for of in Mark::all(std::str::from_utf8(bytes).unwrap_or_default()) {
            // It may be about a call of a conversation that has ended, of which nothing tells any more; callers
            // do not meet all the same.
            let is_own = self.caller_of(of) == self.parties[client].caller;
            self.check(is_own, || format!("{name}: heard what belongs to {of}"));
        }
        match frame.method() {
            method::TOOLS_LIST_CHANGED
            | method::PROMPTS_LIST_CHANGED
            | method::RESOURCES_LIST_CHANGED => self.stats.changes += 1,
            method::MESSAGE => self.stats.logs += 1,
            method::CANCELLED => self.withdrawn(client, &name, params),
            method::RESOURCES_UPDATED => {
                let uri = params["uri"].as_str().unwrap_or_default();
                let left = self.parties[client].subscribed.get(uri).copied();
                let is_wanted =
                    left.is_some_and(|left| left.is_none_or(|left| left == Instant::now()));
                self.check(is_wanted, || {
                    format!("{name}: it did not subscribe to {uri}")
                });
                self.stats.updates += 1;
            }
            _ if frame.kind() == Kind::Request => return self.asked(client, &name, &message),
            other => self.fault(format!("{name}: {other} belongs to a request")),
        }
        None
    }

    fn read(&mut self, name: &str, bytes: &Bytes) -> Option<(Frame, Value)> {
        let read = Frame::parse(bytes.clone())
            .ok()
            .and_then(|frame| Some((frame, serde_json::from_slice(bytes).ok()?)));
        if read.is_none() {
            self.fault(format!("{name}: this is no message"));
        }
        read
    }

    /// A question came to a client.
    fn asked(&mut self, client: usize, name: &str, message: &Value) -> Option<Duty> {
        let method = message["method"].as_str().unwrap_or_default().to_owned();
        let party = &self.parties[client];
        let may = party.era == Era::Handshake && party.can.contains(&method.as_str());
        self.check(may, || format!("{name}: cannot be asked {method}"));
        let Some(id) = message["id"].as_u64() else {
            self.fault(format!("{name}: a question without a number"));
            return None;
        };
        let is_new = self.parties[client].questions.insert(id, false).is_none();
        self.check(is_new, || format!("{name}: question {id} came twice"));
        self.stats.questions += 1;
        let token = token_of(&message["params"]);
        Some(Duty::Answer { id, method, token })
    }

    fn withdrawn(&mut self, client: usize, name: &str, params: &Value) {
        let id = params["requestId"].as_u64().unwrap_or_default();
        let known = self.parties[client].questions.get_mut(&id);
        let is_first = known.is_some_and(|is_withdrawn| !std::mem::replace(is_withdrawn, true));
        self.check(is_first, || {
            format!(
                "{name}: question {id} was withdrawn, which it does not know or know of already"
            )
        });
        self.stats.withdrawn += 1;
    }

    /// The answer to a request.
    pub(crate) fn answered(&mut self, at: usize, bytes: &Bytes, status: u16) -> Option<Duty> {
        let (client, mark, asked) = {
            let sent = &mut self.sent[at];
            sent.answers += 1;
            (sent.client, sent.mark, sent.method)
        };
        let sent = &self.sent[at];
        let name = format!("{} #{}", self.parties[client].name, sent.id);
        self.log.add(&name, "<=", bytes);
        let (is_once, is_gone) = (sent.answers == 1, sent.is_dropped);
        self.check(is_once && !is_gone, || {
            format!("{name}: answered twice, or in vain")
        });
        let given = self.given.iter().position(|(of, _)| *of == mark);
        let was_given = given.map(|at| self.given.swap_remove(at)).is_some();
        if bytes.is_empty() {
            let may = self.sent[at].is_cancelled && self.parties[client].door != Some(Door::Http);
            self.check(may, || {
                format!("{name} ({mark}): silence instead of an answer")
            });
            return None;
        }
        let (_, message) = self.read(&name, bytes)?;
        self.check(message["id"] == self.sent[at].id, || {
            format!("{name}: the id of the answer is not its own")
        });
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        let is_question = message["result"]["resultType"] == "input_required";
        for of in Mark::all(text) {
            // What a call that was taken back still asked for may be asked with the next one of its caller.
            let caller = self.parties[client].caller;
            let is_own = of == mark || is_question && self.caller_of(of) == caller;
            self.check(is_own, || {
                format!("{name} ({mark}): the answer is that of {of}")
            });
        }
        let has_mark = Mark::first(text).is_some();
        let is_taken_back = self.sent[at].is_cancelled;
        // Whoever stops a server does not wait for what it says in the same moment.
        let was_stopped = text.contains("it was stopped");
        // Nor is an answer lost that comes right after a question: the client gets it when it has answered that.
        let is_lost = was_given && !has_mark && !is_taken_back && !was_stopped && !is_question;
        self.check(!is_lost, || {
            format!("{name} ({mark}): the server's answer was lost")
        });
        if BRIDGED {
            self.check(!text.contains("speaks only"), || {
                format!("{name} ({mark}): the era of its server is no reason")
            });
        }
        self.subscription(at, message.get("error").is_none());
        let Some(result) = message.get("result") else {
            self.stats.errors += 1;
            return None;
        };
        self.check(status == 200, || {
            format!("{name}: a result with the HTTP status {status}")
        });
        let kind = result["resultType"].as_str();
        if self.parties[client].era == Era::Handshake {
            self.check(kind.is_none() && result["inputRequests"].is_null(), || {
                format!("{name}: a result of the stateless era")
            });
        } else {
            self.check(matches!(kind, Some("complete" | "input_required")), || {
                format!("{name} ({mark}): a result without its type")
            });
        }
        if kind == Some("input_required") {
            return self.must_repeat(at, &name, result);
        }
        let is_of_server = Mark::of_request(asked, &self.sent[at].params).is_some();
        if !is_of_server || result["isError"] == true {
            return None;
        }
        self.check(has_mark, || {
            format!("{name} ({mark}): the answer is nobody's")
        });
        if let Some(counted) = result["_meta"]["progress"].as_u64() {
            let heard = self.sent[at].progress;
            let has_token = !self.sent[at].params["_meta"][meta::PROGRESS_TOKEN].is_null();
            // Of what came while the call waited for its client, each request heard a part.
            let mut same = self.sent.iter().filter(|sent| sent.mark == mark);
            let is_split = same.nth(1).is_some();
            self.check(!has_token || is_split || heard == counted, || {
                format!("{name} ({mark}): heard {heard} of {counted} reports of progress")
            });
        }
        if let Some(server) = result["_meta"]["era"].as_str() {
            let cell = Cell::of(self.parties[client].era, server);
            self.stats.answered(cell);
        }
        None
    }

    fn must_repeat(&mut self, at: usize, name: &str, result: &Value) -> Option<Duty> {
        let sent = &self.sent[at];
        let may = [
            method::TOOLS_CALL,
            method::PROMPTS_GET,
            method::RESOURCES_READ,
        ]
        .contains(&sent.method);
        let can = self.parties[sent.client].can.clone();
        let asked = result["inputRequests"].as_object();
        let all_can = asked.is_none_or(|asked| {
            asked
                .values()
                .all(|one| can.iter().any(|can| one["method"] == *can))
        });
        self.check(may && all_can, || {
            format!("{name}: it cannot be asked for input here")
        });
        self.stats.rounds += 1;
        Some(Duty::Repeat(result.clone()))
    }

    /// Whether a subscription of a client is under way.
    pub(crate) fn subscribes(&self, client: usize) -> bool {
        let mut of_client = self.sent.iter().filter(|sent| sent.client == client);
        of_client.any(|sent| sent.method == method::RESOURCES_SUBSCRIBE && sent.is_open())
    }

    /// From when to when a client is subscribed.
    fn subscription(&mut self, at: usize, is_agreed: bool) {
        let sent = &self.sent[at];
        let (client, asked) = (sent.client, sent.method);
        let uri = sent.params["uri"].as_str().unwrap_or_default().to_owned();
        if asked == method::RESOURCES_UNSUBSCRIBE && is_agreed {
            // Only if it has not been subscribed to once more meanwhile.
            let again = self.sent.iter().skip(at + 1).any(|later| {
                later.client == client
                    && later.method == method::RESOURCES_SUBSCRIBE
                    && later.params["uri"] == *uri
            });
            if !again {
                self.parties[client]
                    .subscribed
                    .insert(uri, Some(Instant::now()));
            }
        }
    }

    // === what servers hear ===

    /// A request came to a server; false if it should not have.
    pub(crate) fn arrives(&mut self, conn: &str, mark: Mark) {
        let count = {
            let count = self.arrived.entry(mark).or_default();
            *count += 1;
            *count
        };
        let sends = self.sent.iter().filter(|sent| sent.mark == mark).count();
        let again = self.required.get(&mark).copied().unwrap_or_default();
        self.check(count <= sends + again, || {
            format!("{conn}: {mark} came {count} times, which was sent {sends} times and asked for {again} times")
        });
    }

    /// A server answers that it needs more.
    pub(crate) fn requires(&mut self, mark: Mark) {
        *self.required.entry(mark).or_default() += 1;
    }

    /// A server answers a request of which nobody told it that it was taken back.
    pub(crate) fn works_on(&mut self, conn: &str, mark: Mark) {
        let mut sends = self.sent.iter().filter(|sent| sent.mark == mark);
        let (only, others) = (sends.next(), sends.next());
        let taken_back = only
            .filter(|_| others.is_none())
            .and_then(|sent| sent.taken_back);
        let is_known = taken_back.is_none_or(|at| at.elapsed() < NEWS);
        self.check(is_known, || {
            format!("{conn}: nobody told it that {mark} was taken back")
        });
    }

    /// The last word of a server on a request has reached the gateway.
    pub(crate) fn gives(&mut self, mark: Mark) {
        let mut sends = self.sent.iter().filter(|sent| sent.mark == mark);
        let (only, others) = (sends.next(), sends.next());
        if others.is_none() && only.is_some_and(|sent| sent.is_open() && !sent.is_cancelled) {
            self.given.push((mark, Instant::now()));
        }
    }

    /// No time passes within the gateway.
    pub(crate) fn look(&mut self) {
        let now = Instant::now();
        let late: Vec<Mark> = self
            .given
            .iter()
            .filter(|(_, at)| *at < now)
            .map(|(mark, _)| *mark)
            .collect();
        self.given.retain(|(_, at)| *at >= now);
        for mark in late {
            let waits = |sent: &Sent| sent.mark == mark && sent.is_open() && !sent.is_cancelled;
            let is_waiting = self.sent.iter().any(waits);
            self.check(!is_waiting, || {
                format!("{mark}: its server has answered, its client still waits")
            });
        }
    }
}

/// What tells a question from all others; its answer repeats it.
pub(crate) fn token_of(params: &Value) -> String {
    params["token"].as_str().unwrap_or_default().to_owned()
}
