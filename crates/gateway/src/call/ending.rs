//! The one place where a call ends: its answer in the client's shape, and its record.

use std::sync::atomic::Ordering;
use std::time::Instant;

use bytes::Bytes;
use wire::{Era, Frame, build, method};

use super::Call;
use super::reading::{error_code, outcome_of, outcome_of_result, well_known};
use crate::bridge;
use crate::error::{Fault, silence};
use crate::front::{Answer, Door};
use crate::labels;
use crate::method::subscriptions;
use crate::outward;
use crate::record::{Arguments, CallRecord, Decided, Outcome};
use crate::scanning::{self, Found};
use crate::upstream::Upstream;

impl Call {
    /// Phases 7 and 8 for a call that a server answered, or nobody.
    pub(crate) fn finish(&mut self, outcome: Result<(Frame, u16), Fault>) -> Answer {
        match outcome {
            Ok((frame, status)) => {
                let result = outcome_of(&frame);
                if let Some(server) = &self.server {
                    server.complaints.call_answered();
                }
                let labelled = self.server.as_ref().filter(|_| self.is_passed_on());
                let labelled =
                    labelled.and_then(|server| labels::answer(&self.core, server, &frame));
                let mut answer = self.returned(labelled.as_ref().unwrap_or(&frame), status);
                self.is_asked_back(&answer);
                let found = self.server.as_ref();
                match found.and_then(|server| scanning::answer(self, server, &answer.frame)) {
                    None => {}
                    Some(Found::Masked(frame, rule)) => {
                        self.rule = Some(scanning::record(rule));
                        answer.frame = frame;
                    }
                    Some(Found::Refused(fault)) => return self.fail(&fault),
                }
                if result != Outcome::Ok {
                    answer.frame = self.explained(answer.frame);
                }
                self.record(result, answer.frame.len());
                answer
            }
            Err(Fault::Cancelled) if self.wants_no_answer_when_cancelled() => {
                self.record(Outcome::Fault(Fault::Cancelled.tag()), 0);
                silence()
            }
            Err(fault) => {
                if let Some(server) = &self.server {
                    server.complaints.call_failed(&fault);
                }
                self.fail(&fault)
            }
        }
    }

    /// Whether the questions in its answer go to the client as its server wrote them.
    fn is_passed_on(&self) -> bool {
        self.era == Era::Stateless && self.bridged.is_none()
    }

    /// What was allowed may come again with answers to what is asked in its answer.
    fn is_asked_back(&self, answer: &Answer) {
        let Some(request) = self.allowed else {
            return;
        };
        let state = |frame: &Frame| {
            let result = frame.result_object().ok()??;
            let kind = result.string("resultType").ok()??;
            let state = result.string("requestState").ok()??;
            (kind == "input_required").then(|| state.into_owned())
        };
        let frame = Frame::parse(answer.frame.clone()).ok();
        if let Some(state) = frame.as_ref().and_then(state) {
            let caller = &self.workspace.caller.0;
            self.core.consents.asked_back(caller, &request, &state);
        }
    }

    /// The failure, with what its server was kept from meanwhile.
    fn explained(&self, answer: Bytes) -> Bytes {
        let Some(server) = &self.server else {
            return answer;
        };
        let refused = self.handle.refused(self.began);
        if refused.is_empty() {
            return answer;
        }
        self.core
            .wishes
            .add(self.workspace.id, &server.name, &refused);
        outward::explained(answer, &server.name, &refused)
    }

    fn fail(&mut self, fault: &Fault) -> Answer {
        if let Fault::Denied(denial) | Fault::Lacks(denial, _) = fault {
            self.rule.clone_from(&denial.rule);
            self.decision = Decided::Deny;
        }
        let is_tool_call = self.frame.method() == method::TOOLS_CALL;
        let mut answer = fault.answer(self.raw_id(), self.era, is_tool_call);
        answer.frame = self.explained(answer.frame);
        self.record(Outcome::Fault(fault.tag()), answer.frame.len());
        answer
    }

    /// Phase 8 for a request that the gateway answers itself.
    pub(crate) fn finish_here(&mut self, result: &str) -> Answer {
        let frame = build::result(self.raw_id(), result);
        self.record(outcome_of_result(result), frame.len());
        Answer::new(frame, 200)
    }

    /// The same for one that an interceptor answers in the place of its server.
    pub(crate) fn finish_answered(&mut self, result: &str) -> Answer {
        let frame = build::result(self.raw_id(), result);
        match Frame::parse(frame) {
            Ok(frame) => {
                self.bridged = None;
                self.finish(Ok((frame, 200)))
            }
            Err(_) => self.fail(&Fault::Invalid(
                "the interceptor's result is none".to_owned(),
            )),
        }
    }

    /// On a stream, a cancelled request gets nothing; over HTTP something must end the exchange.
    fn wants_no_answer_when_cancelled(&self) -> bool {
        self.session
            .as_ref()
            .is_some_and(|session| session.door != Door::Http)
    }

    /// The answer of a server of the other era. Task ids do not cross, so there are none to seal.
    fn crossed(&self, frame: &Frame, upstream: &Upstream) -> Answer {
        let live = upstream.current();
        let hello = live.as_ref().and_then(|live| live.hello());
        let bytes = bridge::answered(
            frame,
            &bridge::Shape {
                client: self.era,
                asked: self.frame.method(),
                id: self.raw_id(),
                asks_back: self.asks_back,
                server_info: hello.and_then(|hello| hello.info.as_deref()),
            },
        );
        // What status the server gave its answer means nothing in the other era.
        let status = self.status(0, &bytes);
        Answer::new(bytes, status)
    }

    /// An answer that is another one by now, under the client's id.
    fn own(&self, bytes: Bytes) -> Bytes {
        Frame::parse(bytes).map_or_else(
            |_| {
                build::error(
                    Some(self.raw_id()),
                    wire::code::INTERNAL_ERROR,
                    "the answer could not be passed on",
                    None,
                )
            },
            |frame| frame.with_id(self.raw_id()),
        )
    }

    fn returned(&self, frame: &Frame, status: u16) -> Answer {
        if let Some(upstream) = &self.bridged {
            return self.crossed(frame, upstream);
        }
        let mut bytes = frame.bytes().clone();
        let server = self.server.as_ref();
        if let Some(server) = server.filter(|server| server.has_tasks()) {
            bytes = self
                .core
                .tasks
                .sealed(frame, server, &self.workspace.caller);
        }
        let is_same =
            bytes.as_ptr() == frame.bytes().as_ptr() && bytes.len() == frame.bytes().len();
        let frame = if is_same {
            frame.with_id(self.raw_id())
        } else {
            self.own(bytes)
        };
        let status = self.status(status, &frame);
        Answer::new(frame, status)
    }

    /// The HTTP status: the server's own for errors of the stateless era, else by the code.
    fn status(&self, status: u16, frame: &Bytes) -> u16 {
        match (self.era, status) {
            (Era::Handshake, _) => 200,
            (Era::Stateless, 200 | 400 | 404) => status,
            (Era::Stateless, _) => {
                let frame = Frame::parse(frame.clone()).ok();
                let code = frame.as_ref().and_then(error_code);
                code.map_or(200, wire::code::http_status)
            }
        }
    }

    /// What it was called with, as far as the recorder wants to know.
    fn recorded_arguments(&self) -> Option<Arguments> {
        let copied_max = self.core.recorder.arguments_max()?;
        let raw = match &self.exec {
            Some(exec) => exec.arguments.as_str(),
            None => self.frame.params_object().ok()?.get("arguments").ok()??,
        };
        Some(Arguments::new(raw, copied_max, self.server.clone()))
    }

    pub(super) fn record(&mut self, outcome: Outcome, bytes_out: usize) {
        if std::mem::replace(&mut self.is_finished, true) {
            return;
        }
        if let Some(session) = &self.session {
            // The numbers of inner calls are ours, and may be those of others there.
            if self.parent.is_none() {
                session.end(self.raw_id());
            }
            let now_ms = self.core.now_ms();
            session.last_seen.store(now_ms, Ordering::Relaxed);
        }
        if let Some(listen) = self.listen {
            subscriptions::listen_ends(self, listen);
        }
        if let Some(asked) = self.subscribing.take() {
            subscriptions::subscribed(self, &asked, outcome == Outcome::Ok);
        }
        self.core.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.permit = None;
        let ended = Instant::now();
        let took = ended.duration_since(self.began);
        match &self.server {
            Some(server) => {
                server.calls.fetch_add(1, Ordering::Relaxed);
                if outcome != Outcome::Ok {
                    server.errors.fetch_add(1, Ordering::Relaxed);
                }
                server.metrics.call(took, outcome);
            }
            None => self.core.telemetry.own.observe(took.as_secs_f64()),
        }
        self.core.recorder.call(CallRecord {
            id: self.id,
            at: self.core.wall_clock(ended),
            caller: self.workspace.caller.0.clone(),
            client: self
                .session
                .as_ref()
                .and_then(|s| Some(s.hello()?.client.clone())),
            method: well_known(self.frame.method()),
            server: self.server.as_ref().map(|server| server.name.clone()),
            name: self.name.take(),
            took,
            outcome,
            decision: self.decision,
            rule: self.rule.take(),
            arguments: self.recorded_arguments(),
            bytes_in: self.frame.bytes().len(),
            bytes_out,
            trace: self.trace.as_ref().map(|trace| trace.id.clone()),
            span: self.span,
            parent: self.parent,
        });
    }
}
