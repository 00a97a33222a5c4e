//! What a simulated server says: to requests by the rules of its era, and of its own accord.

use std::time::Duration;

use bytes::Bytes;
use catalog::Share;
use serde_json::{Value, json};
use wire::{Era, Frame, Kind, build, code, meta, method};

use super::conn::{Act, Conn, Deed, End, Question, Served, State};
use super::judge::token_of;
use super::mark::Mark;
use super::plan::{self, Chances, Move};
use super::servers::Speaks;

/// What servers ask.
pub(crate) const QUESTIONS: [&str; 3] = [
    method::ELICITATION_CREATE,
    method::SAMPLING_CREATE_MESSAGE,
    method::ROOTS_LIST,
];

/// What a client that declares this can be asked.
pub(crate) fn askable(capabilities: &Value) -> Vec<&'static str> {
    let declared = ["elicitation", "sampling", "roots"].map(|name| capabilities[name].is_object());
    let pairs = QUESTIONS.into_iter().zip(declared);
    pairs.filter(|(_, is)| *is).map(|(one, _)| one).collect()
}

impl Conn {
    /// A message has come.
    pub(crate) fn take(&self, bytes: &Bytes) {
        let read = Frame::parse(bytes.clone());
        let message = serde_json::from_slice::<Value>(bytes);
        let (Ok(frame), Ok(message)) = (read, message) else {
            return self.fault("this is no message");
        };
        match frame.kind() {
            Kind::Request => self.request(&frame, &message["params"]),
            Kind::Notification => self.notification(frame.method(), &message["params"]),
            Kind::Result | Kind::Error => self.response(&message),
        }
    }

    fn fault(&self, what: &str) {
        self.world.judge().fault(format!("{}: {what}", self.name));
    }

    fn request(&self, frame: &Frame, params: &Value) {
        let Some(id) = frame.id().and_then(|id| id.parse::<u64>().ok()) else {
            return self.fault("a request without a number");
        };
        let asked = frame.method();
        if matches!(asked, method::INITIALIZE | method::SERVER_DISCOVER) {
            return self.greeted(id, asked, params);
        }
        if !self.may_ask(asked, params) {
            return self.fault(&format!("{asked} breaks the rules of its era"));
        }
        let mut state = self.state();
        let result = match asked {
            method::TOOLS_LIST
            | method::PROMPTS_LIST
            | method::RESOURCES_LIST
            | method::RESOURCES_TEMPLATES_LIST => Some(self.list(&state, asked)),
            method::LOGGING_SET_LEVEL => Some(json!({})),
            method::RESOURCES_SUBSCRIBE | method::RESOURCES_UNSUBSCRIBE => {
                let uri = params["uri"].as_str().unwrap_or_default().to_owned();
                if asked == method::RESOURCES_SUBSCRIBE {
                    state.subscribed.insert(uri);
                } else {
                    state.subscribed.remove(&uri);
                }
                Some(json!({}))
            }
            _ => None,
        };
        if let Some(result) = result {
            // Now and then nobody answers.
            if state.rng.chance(97) {
                let wait = state.rng.ms(0..60);
                let text = build::result(&id.to_string(), &result.to_string());
                state.plan(wait, Deed::Say(text));
            }
            return;
        }
        drop(state);
        match asked {
            method::SUBSCRIPTIONS_LISTEN => self.listened_to(id, params),
            _ => match Mark::of_request(asked, params) {
                Some(mark) => self.called(id, asked, mark, params),
                None => {
                    let (id, why) = (id.to_string(), "what is this about?");
                    let text = build::error(Some(&id), code::INVALID_PARAMS, why, None);
                    self.state().say(text);
                }
            },
        }
    }

    /// The first message settles the era.
    fn greeted(&self, id: u64, asked: &str, params: &Value) {
        let mut state = self.state();
        let era = if asked == method::INITIALIZE {
            Era::Handshake
        } else {
            Era::Stateless
        };
        let speaks = self.spec.speaks;
        let understands = match era {
            Era::Handshake => speaks != Speaks::Stateless,
            Era::Stateless => speaks != Speaks::Handshake,
        };
        let wait = match state.rng.weighted(&[(85, 0), (10, 1), (2, 2), (3, 3)]) {
            0 => state.rng.ms(0..100),
            1 => state.rng.ms(500..3000),
            2 => Duration::from_secs(8),
            _ => return,
        };
        let id = id.to_string();
        if !understands {
            let text = build::error(Some(&id), code::METHOD_NOT_FOUND, "method not found", None);
            return state.plan(wait, Deed::Say(text));
        }
        // Whoever is not sure of the era asks for the newer one first, and does not wait for ever.
        let is_second = state.era == Some(Era::Stateless) && era == Era::Handshake;
        if state.era.is_some() && !is_second {
            drop(state);
            return self.fault("greeted twice");
        }
        state.era = Some(era);
        let capabilities = json!({
            "tools": {"listChanged": true}, "prompts": {"listChanged": true},
            "resources": {"listChanged": true, "subscribe": true}, "logging": {}, "completions": {},
        });
        let result = match era {
            Era::Handshake => {
                state.can = askable(&params["capabilities"]);
                let versions = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];
                let version = *state.rng.pick(&versions);
                json!({"protocolVersion": version, "capabilities": capabilities, "serverInfo": {"name": self.name, "version": "1"}})
            }
            Era::Stateless => {
                json!({"resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": capabilities, "ttlMs": 1000, "cacheScope": "public"})
            }
        };
        let text = build::result(&id, &result.to_string());
        state.plan(wait, Deed::Say(text));
    }

    /// What each request has to have in its era.
    fn may_ask(&self, asked: &str, params: &Value) -> bool {
        let state = self.state();
        match state.era {
            Some(Era::Handshake) => state.is_initialized && asked != method::SUBSCRIPTIONS_LISTEN,
            Some(Era::Stateless) => {
                let meta = &params["_meta"];
                meta[meta::PROTOCOL_VERSION] == "2026-07-28"
                    && meta[meta::CLIENT_CAPABILITIES].is_object()
                    && ![
                        method::LOGGING_SET_LEVEL,
                        method::RESOURCES_SUBSCRIBE,
                        method::RESOURCES_UNSUBSCRIBE,
                    ]
                    .contains(&asked)
            }
            None => false,
        }
    }

    fn list(&self, state: &State, asked: &str) -> Value {
        let server = &self.spec.name;
        // A name that comes and goes: whoever knows it knows an old list.
        let odd = format!("odd{}", state.lists % 3);
        let (member, items) = match asked {
            method::TOOLS_LIST => (
                "tools",
                json!([{"name": "echo", "inputSchema": {"type": "object"}}, {"name": odd, "inputSchema": {"type": "object"}}]),
            ),
            method::PROMPTS_LIST => ("prompts", json!([{"name": "tell"}, {"name": odd}])),
            method::RESOURCES_LIST => (
                "resources",
                json!([
                    {"uri": format!("{server}://fixed/0"), "name": "0"},
                    {"uri": format!("{server}://fixed/1"), "name": "1"},
                    {"uri": format!("{server}://{odd}"), "name": odd},
                ]),
            ),
            _ => (
                "resourceTemplates",
                json!([{"uriTemplate": format!("{server}://item/{{mark}}"), "name": "item"}]),
            ),
        };
        match state.era {
            Some(Era::Stateless) => {
                json!({"resultType": "complete", member: items, "ttlMs": 1000, "cacheScope": "public"})
            }
            _ => json!({member: items}),
        }
    }

    fn listened_to(&self, id: u64, params: &Value) {
        let mut state = self.state();
        let wait = state.rng.ms(0..100);
        if state.rng.chance(5) {
            let text = build::error(
                Some(&id.to_string()),
                code::METHOD_NOT_FOUND,
                "method not found",
                None,
            );
            return state.plan(wait, Deed::Say(text));
        }
        state.listens.push(id);
        let told =
            json!({"notifications": params["notifications"], "_meta": {meta::SUBSCRIPTION_ID: id}});
        let text = build::notification(method::SUBSCRIPTIONS_ACKNOWLEDGED, Some(&told.to_string()));
        state.plan(wait, Deed::Say(text));
    }

    /// A request that is worked on.
    fn called(&self, id: u64, asked: &str, mark: Mark, params: &Value) {
        {
            let mut judge = self.world.judge();
            judge.arrives(&self.name, mark);
            let mut state = self.state();
            let first = *state.served.get_or_insert(mark);
            let (one, other) = (&judge.parties[first.client], &judge.parties[mark.client]);
            let is_apart = match self.spec.share {
                Share::All => false,
                Share::Caller => one.caller != other.caller,
                // Stateless requests over HTTP have a workspace for each caller.
                Share::Workspace if one.door.is_none() && other.door.is_none() => {
                    one.caller != other.caller
                }
                Share::Workspace => first.client != mark.client,
            };
            if is_apart {
                judge.fault(format!("{}: {mark} and {first} share it", self.name));
            }
        }
        let mut state = self.state();
        let era = state.era.unwrap_or(Era::Handshake);
        let can = match era {
            Era::Handshake => state.can.clone(),
            Era::Stateless => askable(&params["_meta"][meta::CLIENT_CAPABILITIES]),
        };
        let round = match self.round(mark, params) {
            Ok(round) => round,
            Err(why) => {
                let text = build::error(Some(&id.to_string()), code::INVALID_PARAMS, why, None);
                return state.plan(Duration::ZERO, Deed::Say(text));
            }
        };
        let token = &params["_meta"][meta::PROGRESS_TOKEN];
        let chances = Chances {
            era,
            has_token: !token.is_null(),
            can_ask: !can.is_empty(),
            round,
        };
        let moves = plan::of(self.world.seed, mark, asked, &chances);
        let served = Served {
            mark,
            method: asked.to_owned(),
            token: (!token.is_null()).then(|| token.to_string()),
            can,
            round,
            moves,
            said: 0,
            progress: 0,
            questions_open: 0,
            is_answered: false,
            is_cancelled: false,
        };
        if state.calls.insert(id, served).is_some() {
            drop(state);
            return self.fault("a request with an id that was used before");
        }
        state.go_on(id);
    }

    /// How often the client has answered what this request requires; its state says so, which must be ours.
    fn round(&self, mark: Mark, params: &Value) -> Result<usize, &'static str> {
        let Some(text) = params["requestState"].as_str() else {
            return Ok(0);
        };
        let round = text
            .strip_prefix(&format!("state of {mark} after "))
            .and_then(|round| round.parse().ok());
        let round: usize = round.ok_or("this is not the state of this request")?;
        let answers = params["inputResponses"].as_object();
        for (key, answer) in answers.into_iter().flatten() {
            // The client repeats what it was asked; a refusal has nothing to repeat.
            let is_own = answer["token"]
                .as_str()
                .is_none_or(|token| token == format!("{mark} {key}"));
            if !is_own {
                self.fault(&format!(
                    "{key} of {mark} got the answer of another question"
                ));
            }
        }
        Ok(round)
    }

    fn notification(&self, asked: &str, params: &Value) {
        let mut state = self.state();
        match asked {
            method::INITIALIZED => state.is_initialized = true,
            method::CANCELLED => {
                let id = params["requestId"].as_u64().unwrap_or_default();
                state.listens.retain(|known| *known != id);
                // Some go on all the same.
                let honours = state.rng.chance(80);
                if let Some(call) = state.calls.get_mut(&id) {
                    let again = std::mem::replace(&mut call.is_cancelled, true);
                    // Those ask nothing any more.
                    call.moves.retain(|(_, one)| {
                        !honours && !matches!(one, Move::Ask(_) | Move::AskInVain(_))
                    });
                    if again {
                        drop(state);
                        self.fault(&format!("{id} was cancelled twice"));
                    }
                }
            }
            _ => {}
        }
    }

    /// The answer to a question.
    fn response(&self, message: &Value) {
        let mut state = self.state();
        let id = message["id"].as_u64().unwrap_or_default();
        let Some(question) = state.questions.get_mut(&id) else {
            drop(state);
            return self.fault("an answer to what it did not ask");
        };
        let again = std::mem::replace(&mut question.is_answered, true);
        let token = token_of(&message["result"]);
        let is_own = message.get("error").is_some() || token == question.token;
        let call = question.call.filter(|_| !question.is_withdrawn);
        if let Some(call) = call {
            state.settled(call);
        }
        drop(state);
        if again || !is_own {
            self.fault(&format!(
                "question {id} was answered twice, or by the answer of another"
            ));
        }
    }

    /// A message leaves for good.
    pub(crate) fn leaves(&self, bytes: &Bytes) {
        let Ok(message) = serde_json::from_slice::<Value>(bytes) else {
            return;
        };
        let is_answer = message.get("result").is_some() || message.get("error").is_some();
        let id = message["id"].as_u64();
        let (true, Some(id)) = (is_answer, id) else {
            return;
        };
        let mut judge = self.world.judge();
        let mut state = self.state();
        if let Some(call) = state.calls.get_mut(&id) {
            let is_first = !std::mem::replace(&mut call.is_answered, true);
            let is_last = message["result"]["resultType"] != "input_required";
            if !call.is_cancelled {
                judge.works_on(&self.name, call.mark);
                if is_first && is_last {
                    judge.gives(call.mark);
                }
            }
        }
    }

    // === deeds ===

    /// Does one thing.
    pub(crate) fn does(&self, deed: Deed) {
        match deed {
            Deed::Say(bytes) => self.state().say(bytes),
            Deed::Go(id) => self.moves(id),
            Deed::Withdraw(id) => self.state().withdraw(id),
            Deed::Act(act) => self.acts(act),
        }
    }

    fn moves(&self, id: u64) {
        let mut state = self.state();
        let Some(call) = state.calls.get_mut(&id) else {
            return;
        };
        let Some((_, one)) = call.moves.pop_front() else {
            return;
        };
        call.said += 1;
        let (mark, said) = (call.mark, call.said);
        let text = id.to_string();
        // Two requests may have the same mark: one repeats the other.
        let by = format!("{}/{id}", self.name);
        match one {
            Move::Progress => {
                call.progress += 1;
                let token = call.token.clone().unwrap_or_default();
                let params = format!(
                    r#"{{"progressToken":{token},"progress":{said},"message":"{mark}","n":{said},"by":"{by}"}}"#
                );
                state.say(build::notification(method::PROGRESS, Some(&params)));
            }
            Move::Nonsense => {
                let params = format!(
                    r#"{{"progressToken":"{mark}","progress":1,"message":"{mark}","n":{said},"by":"{by}"}}"#
                );
                state.say(build::notification(method::PROGRESS, Some(&params)));
            }
            Move::Log => {
                let level = *state.rng.pick(&["debug", "info", "warning", "error"]);
                let params =
                    format!(r#"{{"level":"{level}","data":"{mark}","n":{said},"by":"{by}"}}"#);
                state.say(build::notification(method::MESSAGE, Some(&params)));
            }
            Move::Ask(count) => return state.ask(id, &by, count, false),
            Move::AskInVain(count) => return state.ask(id, &by, count, true),
            Move::Require(count) => {
                let (can, round) = (call.can.clone(), call.round);
                let asked = (0..count).map(|n| {
                    let key = format!("{round}-{n}");
                    let params = json!({"message": "?", "token": format!("{mark} {key}")});
                    let method = *state.rng.pick(&can);
                    (key, json!({"method": method, "params": params}))
                });
                let asked: serde_json::Map<String, Value> = asked.collect();
                let mut result = json!({"resultType": "input_required", "requestState": format!("state of {mark} after {}", round + 1)});
                if !asked.is_empty() {
                    result["inputRequests"] = asked.into();
                }
                state.say(build::result(&text, &result.to_string()));
                drop(state);
                self.world.judge().requires(mark);
                return;
            }
            Move::Answer | Move::AnswerTwice | Move::AnswerAstray | Move::ToolError => {
                let answer = self.answer(&state, id, one == Move::ToolError);
                if one == Move::AnswerAstray {
                    state.say(build::result(&(900_000 + id).to_string(), &answer));
                }
                state.say(build::result(&text, &answer));
                if one == Move::AnswerTwice {
                    state.say(build::result(&text, &answer));
                }
            }
            Move::Error => state.say(build::error(Some(&text), 7, &mark.to_string(), None)),
            Move::Die => state.end = Some(End::Died),
            Move::Forget => {}
        }
        state.go_on(id);
    }

    fn answer(&self, state: &State, id: u64, is_error: bool) -> String {
        let call = &state.calls[&id];
        let mark = call.mark.to_string();
        let mut result = match call.method.as_str() {
            method::TOOLS_CALL => {
                json!({"content": [{"type": "text", "text": mark}], "isError": is_error})
            }
            method::PROMPTS_GET => {
                json!({"messages": [{"role": "user", "content": {"type": "text", "text": mark}}]})
            }
            method::RESOURCES_READ => {
                json!({"contents": [{"uri": format!("{}://item/{mark}", self.spec.name), "text": mark}]})
            }
            _ => json!({"completion": {"values": [mark]}}),
        };
        let speaks = match self.spec.speaks {
            Speaks::Handshake => "handshake",
            Speaks::Stateless => "stateless",
            Speaks::Both => "dual",
        };
        result["_meta"] = json!({"era": speaks});
        // What is told while the client is asked may come on another stream.
        if call.round == 0 && !state.questions.values().any(|one| one.call == Some(id)) {
            result["_meta"]["progress"] = call.progress.into();
        }
        if state.era == Some(Era::Stateless) {
            result["resultType"] = "complete".into();
        }
        result.to_string()
    }

    fn acts(&self, act: Act) {
        let mut state = self.state();
        let stamp = state
            .listens
            .last()
            .map(|id| json!({meta::SUBSCRIPTION_ID: id}));
        let is_open = match state.era {
            Some(Era::Handshake) => state.is_initialized,
            Some(Era::Stateless) => stamp.is_some(),
            None => false,
        };
        match act {
            Act::Die => state.end = Some(End::Died),
            _ if !is_open => {}
            Act::ChangeLists => {
                state.lists += 1;
                let kinds = [
                    method::TOOLS_LIST_CHANGED,
                    method::PROMPTS_LIST_CHANGED,
                    method::RESOURCES_LIST_CHANGED,
                ];
                let params = stamp.map(|stamp| json!({"_meta": stamp}).to_string());
                let kind = *state.rng.pick(&kinds);
                state.say(build::notification(kind, params.as_deref()));
            }
            Act::UpdateResource(number) => {
                let mut params = json!({"uri": format!("{}://fixed/{number}", self.spec.name)});
                if let Some(stamp) = stamp {
                    params["_meta"] = stamp;
                }
                state.say(build::notification(
                    method::RESOURCES_UPDATED,
                    Some(&params.to_string()),
                ));
            }
            Act::Log => state.say(build::notification(
                method::MESSAGE,
                Some(r#"{"level":"warning","data":"of nobody"}"#),
            )),
            Act::StrayProgress => state.say(build::notification(
                method::PROGRESS,
                Some(r#"{"progressToken":1,"progress":1}"#),
            )),
            Act::StrayAnswer => state.say(build::result("999999", "{}")),
            Act::Ask => state.ask_alone(),
            Act::EndListen => {
                if let Some(id) = state.listens.pop() {
                    state.say(build::result(
                        &id.to_string(),
                        r#"{"resultType":"complete"}"#,
                    ));
                }
            }
        }
    }
}

impl State {
    /// Plans the next move of a call, unless it waits for answers.
    fn go_on(&mut self, id: u64) {
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        if call.questions_open == 0
            && let Some((wait, _)) = call.moves.front()
        {
            self.plan(*wait, Deed::Go(id));
        }
    }

    /// Asks the client of a call.
    fn ask(&mut self, id: u64, by: &str, count: usize, in_vain: bool) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.questions_open = count;
        let (mark, said, can) = (call.mark, call.said, call.can.clone());
        for _ in 0..count {
            let number = self.next_question;
            self.next_question += 1;
            let token = format!("{mark} q{number}");
            let method = *self.rng.pick(&can);
            let params = json!({"message": "?", "token": token, "n": said, "by": by});
            self.say(build::request(
                &number.to_string(),
                method,
                Some(&params.to_string()),
            ));
            let question = Question {
                call: Some(id),
                token,
                is_answered: false,
                is_withdrawn: false,
            };
            self.questions.insert(number, question);
            if in_vain {
                let wait = self.rng.ms(0..1500);
                self.plan(wait, Deed::Withdraw(number));
            }
        }
    }

    /// Asks outside of any call, even what the client has never declared.
    fn ask_alone(&mut self) {
        let number = self.next_question;
        self.next_question += 1;
        let token = format!("alone q{number}");
        let method = *self.rng.pick(&QUESTIONS);
        let params = json!({"message": "?", "token": token});
        self.say(build::request(
            &number.to_string(),
            method,
            Some(&params.to_string()),
        ));
        let question = Question {
            call: None,
            token,
            is_answered: false,
            is_withdrawn: false,
        };
        self.questions.insert(number, question);
    }

    fn withdraw(&mut self, number: u64) {
        let Some(question) = self.questions.get_mut(&number) else {
            return;
        };
        if question.is_answered || std::mem::replace(&mut question.is_withdrawn, true) {
            return;
        }
        let call = question.call;
        let params = format!(r#"{{"requestId":{number},"reason":"never mind"}}"#);
        self.say(build::notification(method::CANCELLED, Some(&params)));
        if let Some(call) = call {
            self.settled(call);
        }
    }

    /// One question less.
    fn settled(&mut self, id: u64) {
        if let Some(call) = self.calls.get_mut(&id)
            && call.questions_open > 0
        {
            call.questions_open -= 1;
            if call.questions_open == 0 {
                self.go_on(id);
            }
        }
    }
}
