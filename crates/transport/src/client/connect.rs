//! From an origin to a connection: addresses, attempts side by side, socket options, TLS.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, sleep, timeout};

use super::conn::{Conn, Io};
use super::endpoint::{Origin, OriginHost};
use super::{HttpError, Phase, tls};
use crate::limits::{ADDRESS_HEAD_START, ADDRESSES_MAX};

/// A new connection, ready for a request.
pub(super) async fn connect(origin: &Arc<Origin>, limit: Duration) -> Result<Box<Conn>, HttpError> {
    let slot = origin.slot()?;
    let connecting = async {
        let (stream, round_trip) = open(origin).await?;
        prepare(&stream);
        let io = match &origin.tls {
            None => Io::Plain(stream),
            Some(name) => {
                let secured = tls::secure(stream, name.clone()).await;
                Io::Tls(secured.map_err(|source| HttpError::Tls {
                    origin: origin.name.clone(),
                    source,
                })?)
            }
        };
        Ok(Conn::new(io, slot, round_trip))
    };
    match timeout(limit, connecting).await {
        Ok(connected) => connected,
        Err(_) => Err(HttpError::Timeout {
            origin: origin.name.clone(),
            phase: Phase::Connect,
            after: limit,
        }),
    }
}

async fn open(origin: &Arc<Origin>) -> Result<(TcpStream, Duration), HttpError> {
    let addresses = match &origin.host {
        OriginHost::Address(address) => VecDeque::from([SocketAddr::new(*address, origin.port)]),
        OriginHost::Name(name) => {
            let found = lookup_host((name.as_str(), origin.port)).await;
            in_turn(found.map_err(|source| HttpError::Resolve {
                origin: origin.name.clone(),
                source,
            })?)
        }
    };
    first(addresses, |address| async move {
        let begun = Instant::now();
        let stream = TcpStream::connect(address).await?;
        Ok((stream, begun.elapsed()))
    })
    .await
    .map_err(|source| HttpError::Connect {
        origin: origin.name.clone(),
        source,
    })
}

/// The two families in turn, so that one that leads nowhere costs one head start and not several.
fn in_turn(found: impl Iterator<Item = SocketAddr>) -> VecDeque<SocketAddr> {
    let (mut one, mut other): (VecDeque<_>, VecDeque<_>) = (VecDeque::new(), VecDeque::new());
    let mut preferred = None;
    for address in found {
        let family = *preferred.get_or_insert(address.is_ipv6());
        let same = address.is_ipv6() == family;
        if same { &mut one } else { &mut other }.push_back(address);
    }
    let mut addresses = VecDeque::new();
    while addresses.len() < ADDRESSES_MAX && !(one.is_empty() && other.is_empty()) {
        addresses.extend(one.pop_front());
        addresses.extend(other.pop_front());
    }
    addresses.truncate(ADDRESSES_MAX);
    addresses
}

/// The first attempt to succeed (RFC 8305, "happy eyeballs"): the next one starts when the last has failed or used up
/// its head start.
async fn first<T, F>(
    mut addresses: VecDeque<SocketAddr>,
    attempt: impl Fn(SocketAddr) -> F,
) -> io::Result<T>
where
    F: Future<Output = io::Result<T>>,
{
    let mut attempts = FuturesUnordered::new();
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    loop {
        match addresses.pop_front() {
            Some(address) => attempts.push(attempt(address)),
            None if attempts.is_empty() => return Err(failure),
            None => {}
        }
        let more = !addresses.is_empty();
        tokio::select! {
            Some(done) = attempts.next() => match done {
                Ok(done) => return Ok(done),
                Err(error) => failure = error,
            },
            () = sleep(ADDRESS_HEAD_START), if more => {}
        }
    }
}

/// Small writes leave at once, and a peer that vanished is noticed even when nobody writes. A system that refuses
/// either still gives a connection that works.
fn prepare(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    #[cfg(unix)]
    {
        use rustix::net::sockopt;
        let _ = sockopt::set_socket_keepalive(stream, true);
        let _ = sockopt::set_tcp_keepidle(stream, Duration::from_secs(30));
        let _ = sockopt::set_tcp_keepintvl(stream, Duration::from_secs(15));
    }
}

#[cfg(test)]
mod tests;
