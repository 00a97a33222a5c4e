//! A port on the loopback address for pages, where no door leads to them: opened for the first that is awaited, closed with the
//! last, when its answer has left.

use std::io;
use std::net::{Ipv4Addr, TcpListener as StdListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

use super::{Board, Port, answers};
use crate::limits;

/// Opens one.
pub(super) fn open(board: &Arc<Board>) -> io::Result<Port> {
    let runtime = Handle::try_current().map_err(io::Error::other)?;
    let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let at = listener.local_addr()?;
    let listener = TcpListener::from_std(listener)?;
    let task = runtime.spawn(serve(board.clone(), listener));
    Ok(Port {
        at,
        task: task.abort_handle(),
    })
}

async fn serve(board: Arc<Board>, listener: TcpListener) {
    let router = answers::router(board.clone());
    let mut connections = JoinSet::new();
    loop {
        let has_room = connections.len() < limits::PAGE_CONNECTIONS_MAX;
        tokio::select! {
            accepted = listener.accept(), if has_room => match accepted {
                Ok((stream, _)) => drop(connections.spawn(serve_one(stream, router.clone()))),
                // Out of file descriptors, most likely: some come free as connections end.
                Err(_) => sleep(limits::ACCEPT_PAUSE).await,
            },
            Some(_ended) = connections.join_next() => {}
            () = board.over() => if board.leave_port() {
                break;
            },
        }
    }
    drop(listener);
    let last_words = async { while connections.join_next().await.is_some() {} };
    let _late = timeout(limits::PAGE_LINGER, last_words).await;
}

/// One answer, and the connection ends.
async fn serve_one(stream: TcpStream, router: Router) {
    let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
        router.clone().oneshot(request)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(limits::HEAD_SECONDS_MAX.into()))
        .max_headers(limits::HEADERS_MAX)
        .max_buf_size(limits::HEAD_BYTES_MAX)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // Errors are the client's.
    let _ended = timeout(limits::PAGE_CONNECTION, served).await;
}
