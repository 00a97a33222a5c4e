//! One accepted TCP connection: HTTP/1.1 spoken by hyper, every request given to the [`Door`]. Owns the
//! socket's options, the limits on heads, and the end of a connection (gracefully, or lingering after a
//! refusal). Time limits are `pulse.rs`'s, meaning is `door.rs`'s.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::door::Door;
use crate::limits;
use crate::pulse::{Pulse, Stage};
use crate::tls::{Socket, Tls};

/// What a request may know about the connection it came by.
#[derive(Debug)]
pub(crate) struct Link {
    /// Our address, as the client reached it.
    pub(crate) local: Option<IpAddr>,
    /// What the connection is waiting for.
    pub(crate) pulse: Arc<Pulse>,
}

/// How every connection is spoken to.
pub(crate) fn builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .header_read_timeout(None)
        .max_headers(limits::HEADERS_MAX)
        .max_buf_size(limits::HEAD_BYTES_MAX)
        .half_close(false);
    builder
}

/// Serves a connection until either side ends it.
pub(crate) async fn serve(
    stream: TcpStream,
    builder: http1::Builder,
    door: Arc<Door>,
    pulse: Arc<Pulse>,
    tls: Option<Tls>,
) {
    // Without it an answer would wait for the client's delayed acknowledgement. A socket that refuses is gone.
    let _gone = stream.set_nodelay(true);
    let local = stream
        .local_addr()
        .ok()
        .map(|address| address.ip().to_canonical());
    if tls.is_some() {
        // A handshake may take as long as a head.
        pulse.enter(Stage::Head);
    }
    // Whoever speaks something else than TLS has no words in common with us.
    let Ok(stream) = Socket::open(stream, tls.as_ref()).await else {
        return;
    };
    if tls.is_some() {
        pulse.enter(Stage::Idle);
    }
    let link = Arc::new(Link {
        local,
        pulse: pulse.clone(),
    });
    let io = TokioIo::new(Watched {
        stream,
        pulse: pulse.clone(),
        lingered: None,
    });
    let service = service_fn(move |request| {
        let (door, link) = (door.clone(), link.clone());
        async move { Ok::<_, Infallible>(door.answer(request, &link).await) }
    });
    let mut connection = pin!(builder.serve_connection(io, service));
    let mut is_closing = false;
    // Errors are the client's: malformed HTTP has been answered by hyper, everything else is a lost connection.
    let _ended = poll_fn(|cx| {
        pulse.register(cx.waker());
        if !is_closing && pulse.is_closing() {
            is_closing = true;
            connection.as_mut().graceful_shutdown();
        }
        connection.as_mut().poll(cx)
    })
    .await;
}

/// The socket, telling the pulse what happens on it.
struct Watched {
    stream: Socket,
    pulse: Arc<Pulse>,
    /// Bytes read away so far, once the answer is out and the connection lingers.
    lingered: Option<usize>,
}

impl AsyncRead for Watched {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        if buf.filled().len() > before {
            this.pulse.read();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let wrote = Pin::new(&mut this.stream).poll_write(cx, buf);
        this.pulse.write(wrote.is_pending());
        wrote
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let wrote = Pin::new(&mut this.stream).poll_write_vectored(cx, bufs);
        this.pulse.write(wrote.is_pending());
        wrote
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    /// Closing a socket with unread input resets the connection, and the client may lose the answer that
    /// says why. So after a refusal what still comes is read away for a moment.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let Some(lingered) = &mut this.lingered else {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
            if !this.pulse.lingers() {
                return Poll::Ready(Ok(()));
            }
            this.pulse.enter(Stage::Linger);
            this.lingered = Some(0);
            return Pin::new(this).poll_shutdown(cx);
        };
        let mut waste = [0; 8 * 1024];
        while *lingered < limits::LINGER_BYTES_MAX {
            let mut buf = ReadBuf::new(&mut waste);
            ready!(Pin::new(&mut this.stream).poll_read(cx, &mut buf))?;
            if buf.filled().is_empty() {
                break;
            }
            *lingered += buf.filled().len();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Secured(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Secured(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Secured(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Secured(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Secured(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Secured(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
