//! The bridge between the eras: a client of one before a server of the other. The one place that knows how what one era
//! does by requests, the other does by results, and the reverse.
//!
//! | of a call                     | is in                                                                  |
//! | ----------------------------- | ---------------------------------------------------------------------- |
//! | how its request leaves        | `request.rs`                                                           |
//! | how its answer comes back     | `answer.rs`                                                            |
//! | a server that asks by requests, a client that answers by another call | `inquiry.rs`, `parking.rs`, `ticket.rs` |
//! | a server that asks by results, a client that answers requests         | `rounds.rs`     |
//! | which tools are shown, and how | `items.rs`                                                            |
//! | what cannot cross             | `lost.rs`                                                              |
//!
//! Refuses: to know which transport is below, and which door the client came in by. What comes by itself (changes of
//! lists and resources, logs) needs no bridge: both eras feed the same sessions and listen streams.

mod answer;
mod inquiry;
mod items;
mod lost;
mod parking;
mod request;
pub(crate) mod rounds;
mod ticket;

use std::sync::Arc;

use bytes::Bytes;
use wire::{Era, Frame, meta, method};

pub(crate) use answer::{Shape, answered};
pub(crate) use inquiry::{Inquiries, Inquiry, Question};
pub(crate) use items::{offers, shown};
pub(crate) use lost::{crosses, extension_crosses};
pub(crate) use parking::{Parking, Resumed, Retry, deliver, resume, resume_script};
pub(crate) use request::{Stamp, stamp, strip};
pub(crate) use rounds::Round;
pub(crate) use ticket::request_digest;

use crate::call::Call;
use crate::session::level_index;
use crate::slot::Step;
use crate::upstream::{Outgoing, Upstream, may_ask};

/// What is needed to go on with a call after the first word of a server that speaks otherwise than its client.
pub(crate) struct Crossing {
    upstream: Arc<Upstream>,
    way: Way,
}

enum Way {
    /// The client is stateless, the server is not.
    ToHandshake {
        inquiry: Arc<Inquiry>,
        /// The request that the call was resumed by, if it was.
        resumed: Option<Resumer>,
    },
    /// The server is stateless; the client may be.
    ToStateless {
        out: Box<Outgoing>,
        rounds: u32,
        /// The headers of the request have been made anew once.
        is_refreshed: bool,
    },
}

impl Crossing {
    /// None where nothing but the answer differs, if anything.
    pub(crate) fn new(call: &Call, upstream: &Arc<Upstream>, out: &Outgoing) -> Option<Box<Self>> {
        let way = match (call.era, out.era) {
            (Era::Stateless, Era::Handshake) => Way::ToHandshake {
                inquiry: out.behalf.inquiry()?.clone(),
                resumed: None,
            },
            (Era::Handshake, Era::Stateless) if may_ask(&out.method) => Way::to_stateless(out),
            // Which headers a call needs, its tool's schema says, and that may be an old one.
            (_, Era::Stateless) if !out.params.is_empty() => Way::to_stateless(out),
            _ => return None,
        };
        Some(Box::new(Self {
            upstream: upstream.clone(),
            way,
        }))
    }
}

impl Way {
    fn to_stateless(out: &Outgoing) -> Self {
        Self::ToStateless {
            out: Box::new(out.clone()),
            rounds: 0,
            is_refreshed: false,
        }
    }
}

impl Drop for Crossing {
    fn drop(&mut self) {
        if let Way::ToHandshake { inquiry, .. } = &self.way {
            inquiry.close();
        }
    }
}

/// What the next thing that happened to a call means for its client; none if the client has to wait on.
pub(crate) fn read(call: &mut Call, step: Step) -> Option<Step> {
    if let (Step::Asked, Some(outer)) = (&step, call.script.clone()) {
        return parking::park_script(call, &outer);
    }
    let Some(crossing) = &mut call.crossing else {
        return Some(step);
    };
    match (&mut crossing.way, step) {
        (Way::ToHandshake { .. }, Step::Asked) => parking::park(call),
        (Way::ToHandshake { resumed, .. }, Step::Message(message)) => match resumed {
            Some(resumed) => resumed.wanted(message).map(Step::Message),
            None => Some(Step::Message(message)),
        },
        (Way::ToHandshake { .. }, Step::Done(outcome)) => {
            Some(Step::Done(parking::answer(call, outcome)))
        }
        (Way::ToStateless { .. }, Step::Done(Ok((frame, status)))) => {
            rounds::next(call, frame, status).map(Step::Done)
        }
        (_, step) => Some(step),
    }
}

/// What the request that resumed a call wants to hear, which may be other things than the first one did.
pub(crate) struct Resumer {
    /// The token for progress, raw JSON.
    token: Option<Box<str>>,
    /// The least severe log level.
    level: Option<u8>,
}

impl Resumer {
    /// The message as this request wants it; none if it does not.
    fn wanted(&self, message: Bytes) -> Option<Bytes> {
        let Ok(frame) = Frame::parse(message.clone()) else {
            return Some(message);
        };
        let params = frame.params_object().ok();
        match frame.method() {
            method::PROGRESS => {
                let mut edits = frame.edit();
                let old = params.and_then(|params| params.get(meta::PROGRESS_TOKEN).ok()?)?;
                edits.replace(old, self.token.as_deref()?);
                Some(edits.apply())
            }
            method::MESSAGE => {
                let level = params.and_then(|params| params.string("level").ok()?);
                let level = level
                    .and_then(|level| level_index(&level))
                    .unwrap_or(u8::MAX);
                self.level
                    .is_some_and(|least| level >= least)
                    .then_some(message)
            }
            _ => Some(message),
        }
    }
}
