//! Several messages in one POST, as only 2025-03-26 has them. Owns the array of answers; each message goes
//! its own way through the gateway, all requests side by side.

use std::task::{Context, Poll};

use bytes::{BufMut, Bytes, BytesMut};
use gateway::front::{Answer, Event, Origin};
use wire::{Frame, Kind};

use super::{Exchange, Way};

/// The requests of a batch.
pub(crate) struct Batch {
    running: Vec<Exchange>,
    answers: Vec<Bytes>,
}

impl Batch {
    /// Gives every message of a batch to the gateway. `None`: none of them wants an answer.
    pub(crate) fn begin(way: &impl Way, origin: &Origin, messages: Vec<Bytes>) -> Option<Self> {
        let mut batch = Self {
            running: Vec::new(),
            answers: Vec::new(),
        };
        for message in messages {
            match Frame::parse(message) {
                Err(bad) => batch.answers.push(bad.reply()),
                Ok(frame) => match frame.kind() {
                    Kind::Request => {
                        let exchange = Exchange::begin(way, origin.clone(), frame);
                        batch.running.push(exchange);
                    }
                    Kind::Notification => way.gateway().notification(origin, frame),
                    Kind::Result | Kind::Error => way.gateway().response(origin, frame),
                },
            }
        }
        let is_silent = batch.running.is_empty() && batch.answers.is_empty();
        (!is_silent).then_some(batch)
    }

    /// Messages of any of the requests, then all the answers as one.
    pub(crate) fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let mut index = 0;
        while index < self.running.len() {
            match self.running[index].poll_event(cx) {
                Poll::Pending => index += 1,
                // A connection that ends early would take the other answers along.
                Poll::Ready(Some(Event::Retry(_))) => {}
                Poll::Ready(Some(Event::Message(message))) => {
                    return Poll::Ready(Some(Event::Message(message)));
                }
                Poll::Ready(Some(Event::Answer(answer))) => {
                    self.running.swap_remove(index);
                    if !answer.frame.is_empty() {
                        self.answers.push(answer.frame);
                    }
                }
                Poll::Ready(None) => drop(self.running.swap_remove(index)),
            }
        }
        if !self.running.is_empty() {
            return Poll::Pending;
        }
        let frame = array(&std::mem::take(&mut self.answers));
        Poll::Ready(Some(Event::Answer(Answer::new(frame, 200))))
    }
}

/// Nothing at all when there is no answer: all requests were cancelled.
fn array(answers: &[Bytes]) -> Bytes {
    if answers.is_empty() {
        return Bytes::new();
    }
    let mut out =
        BytesMut::with_capacity(answers.iter().map(|answer| answer.len() + 1).sum::<usize>() + 2);
    for (index, answer) in answers.iter().enumerate() {
        out.put_u8(if index == 0 { b'[' } else { b',' });
        out.put_slice(answer);
    }
    out.put_u8(b']');
    out.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_become_one_array() {
        assert_eq!(array(&[]), "");
        assert_eq!(array(&[Bytes::from_static(b"1")]), "[1]");
        assert_eq!(
            array(&[Bytes::from_static(b"{}"), Bytes::from_static(b"{}")]),
            "[{},{}]"
        );
    }
}
