//! What a response carries: nothing, one piece, or server-sent events as they come. Owns keep-alive comments
//! and the note to the pulse that a streamed answer is over. Read `mcp/stream.rs` next for what streams.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use crate::connection::Link;
use crate::limits;
use crate::pulse::Stage;

/// The body of a response.
pub(crate) enum Body {
    /// All of it; empty when there is none.
    Full(Bytes),
    /// Server-sent events.
    Events(Events),
    /// What a route outside the MCP path answers.
    Routed(axum::body::Body),
}

/// Pieces of an event stream, already in its text form.
pub(crate) trait Chunks: Send {
    /// The next piece; `None` at the end.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>>;

    /// Whether nothing is lost if it ends now.
    fn is_at_rest(&self) -> bool {
        true
    }
}

/// An event stream on a connection.
pub(crate) struct Events {
    chunks: Box<dyn Chunks>,
    link: Arc<Link>,
}

impl Body {
    /// A body of events for the client at the end of `link`.
    pub(crate) fn events(link: &Arc<Link>, chunks: impl Chunks + 'static) -> Self {
        Self::Events(Events {
            chunks: Box::new(chunks),
            link: link.clone(),
        })
    }
}

impl Events {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Poll::Ready(chunk) = self.chunks.poll_chunk(cx) {
            self.link.pulse.spoke();
            return Poll::Ready(chunk);
        }
        // The worker wakes this connection when the time has come.
        if self.link.pulse.quiet_s() >= limits::KEEP_ALIVE_SECONDS {
            self.link.pulse.spoke();
            return Poll::Ready(Some(Bytes::from_static(transport::sse::KEEP_ALIVE)));
        }
        Poll::Pending
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.link.pulse.enter(Stage::Idle);
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Full(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Full(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Events(events) => events
                .poll_chunk(cx)
                .map(|chunk| chunk.map(|chunk| Ok(Frame::data(chunk)))),
            Self::Routed(body) => {
                let frame = ready!(Pin::new(body).poll_frame(cx));
                // Our routes answer from memory: an error cannot happen, and would end the answer.
                Poll::Ready(frame.and_then(Result::ok).map(Ok))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Full(bytes) => bytes.is_empty(),
            Self::Events(_) => false,
            Self::Routed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Events(_) => SizeHint::default(),
            Self::Routed(body) => body.size_hint(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;
    use crate::pulse::Pulse;

    struct Quiet;

    impl Chunks for Quiet {
        fn poll_chunk(&mut self, _cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
            Poll::Pending
        }
    }

    #[test]
    fn a_quiet_stream_is_kept_alive() {
        let pulse = Arc::new(Pulse::default());
        pulse.enter(Stage::Serving);
        let link = Arc::new(Link {
            local: None,
            pulse: pulse.clone(),
        });
        let mut body = Body::events(&link, Quiet);
        let mut poll = || Pin::new(&mut body).poll_frame(&mut Context::from_waker(Waker::noop()));
        for _ in 0..3 {
            for _ in 0..limits::KEEP_ALIVE_SECONDS {
                assert!(poll().is_pending());
                pulse.tick();
            }
            let Poll::Ready(Some(Ok(frame))) = poll() else {
                panic!("nothing was said")
            };
            assert_eq!(frame.into_data().unwrap(), ":\n\n");
        }
        drop(body);
        assert_eq!(pulse.stage(), Stage::Idle);
    }
}
