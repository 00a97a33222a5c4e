//! The HTTP front door from bind to drain. Owns the listeners, the count of connections and the order of the
//! end: not ready, no new connections, calls finish, streams end, servers stop. What happens on a connection
//! is `worker.rs` and below.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::Poll;
use std::time::Duration;

use gateway::front::Gateway;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::door::Door;
use crate::guard::{Auth, Guard, Names};
use crate::health::{self, Health};
use crate::intake::Budget;
use crate::pages::Pages;
use crate::profiles::{Doors, Profiles};
use crate::readiness::Readiness;
use crate::runtime::Workers;
use crate::shutdown::{Phase, Shutdown};
use crate::tls::Tls;
use crate::worker::{self, Tally};
use crate::{descriptors, limits};

/// How the front door is to be.
#[derive(Clone)]
pub struct Options {
    /// Where to listen. Port 0 takes a free one.
    pub listen: Vec<SocketAddr>,
    /// How callers prove who they are.
    pub auth: Auth,
    /// Speak TLS with this; none: HTTP in the clear.
    pub tls: Option<Tls>,
    /// Host names that are ours, beside loopback.
    pub hosts: Names,
    /// Origins of pages that may ask, beside loopback.
    pub origins: Names,
    /// Threads; none means one per core.
    pub workers: Option<usize>,
    /// Connections at once; more are turned away.
    pub connections_max: usize,
    /// The largest body of a request.
    pub body_bytes_max: usize,
    /// How long running calls may finish at the end.
    pub drain: Duration,
    /// The gateways of profiles, each at `/mcp/p/<profile>`.
    pub profiles: Option<Arc<dyn Profiles>>,
}

impl Options {
    /// A front door with the usual limits.
    pub fn new(listen: SocketAddr, auth: Auth) -> Self {
        Self {
            listen: vec![listen],
            auth,
            tls: None,
            hosts: Names::default(),
            origins: Names::default(),
            workers: None,
            connections_max: limits::CONNECTIONS_MAX,
            body_bytes_max: limits::BODY_BYTES_MAX,
            drain: limits::DRAIN,
            profiles: None,
        }
    }
}

/// Why the front door did not open.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Somebody else listens there.
    #[error(
        "{0} is in use: another gateway may be running there; stop it, or choose another port with --port"
    )]
    InUse(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// A worker thread did not start.
    #[error("cannot start the worker threads: {0}")]
    Workers(io::Error),
}

/// A front door whose addresses are taken, before anybody is let in.
pub struct Server {
    listeners: Vec<TcpListener>,
    options: Options,
    readiness: Readiness,
    pages: Arc<Pages>,
}

impl Server {
    /// Takes the addresses. Of several, those that this machine does not have are left out (a name may have an
    /// IPv6 address where there is no IPv6).
    pub async fn bind(options: Options) -> Result<Self, ServeError> {
        descriptors::raise();
        let mut listeners = Vec::new();
        let mut missing = None;
        for address in &options.listen {
            match TcpListener::bind(address).await {
                Ok(listener) => listeners.push(listener),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                    return Err(ServeError::InUse(*address));
                }
                Err(source) => {
                    missing = Some(ServeError::Bind {
                        address: *address,
                        source,
                    });
                }
            }
        }
        match missing {
            Some(error) if listeners.is_empty() => Err(error),
            _ => {
                let addresses: Vec<_> = listeners
                    .iter()
                    .filter_map(|listener| listener.local_addr().ok())
                    .collect();
                Ok(Self {
                    pages: Arc::new(Pages::at_door(&addresses)),
                    listeners,
                    options,
                    readiness: Readiness::default(),
                })
            }
        }
    }

    /// The addresses, with the ports that were chosen.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners
            .iter()
            .filter_map(|listener| listener.local_addr().ok())
            .collect()
    }

    /// What the probes look at; give it to the admin socket too.
    pub fn readiness(&self) -> Readiness {
        self.readiness.clone()
    }

    /// Shows pages here; give it to the gateway.
    pub fn pages(&self) -> Arc<Pages> {
        self.pages.clone()
    }

    /// Serves until told to stop, then drains and stops the gateway.
    pub async fn serve(self, gateway: Gateway, mut shutdown: Shutdown) -> Result<(), ServeError> {
        let Self {
            listeners,
            options,
            readiness,
            pages,
        } = self;
        let count = options
            .workers
            .unwrap_or_else(Workers::count_for_this_machine);
        let count = count.clamp(1, limits::WORKERS_MAX);
        let tally = Tally {
            open: Arc::default(),
            busy: watch::Sender::new(count),
        };
        // The workers' end comes from here: later than the signal, sooner than a call that hangs.
        let (end, until) = Shutdown::new();
        let mut workers = start(
            count,
            &options,
            &gateway,
            &readiness,
            &pages,
            (&tally, &until),
        )
        .map_err(ServeError::Workers)?;
        tokio::select! {
            never = accept(&listeners, &workers, &tally.open, options.connections_max) => match never {},
            () = shutdown.draining() => {}
        }
        readiness.drain();
        drop(listeners);
        workers.close();
        // Servers belong to the runtimes of the workers that started them, so these go on until the gateway is done.
        let mut gateways = vec![gateway];
        gateways.extend(options.profiles.iter().flat_map(|profiles| profiles.all()));
        tokio::select! {
            () = end_all(&gateways, options.drain) => {}
            () = shutdown.now() => end_all(&gateways, Duration::ZERO).await,
        }
        // Nothing is called any longer; what was answered last may still be on its way.
        if shutdown.phase() < Phase::Now {
            let mut busy = tally.busy.subscribe();
            let _late = timeout(limits::FLUSH, busy.wait_for(|busy| *busy == 0)).await;
        }
        end.now();
        workers.finish().await;
        Ok(())
    }
}

/// Ends gateways, all at the same time.
async fn end_all(gateways: &[Gateway], grace: Duration) {
    let ends = gateways
        .iter()
        .map(|gateway| Box::pin(gateway.shutdown(grace)));
    let mut ends: Vec<_> = ends.collect();
    poll_fn(|cx| {
        ends.retain_mut(|end| end.as_mut().poll(cx).is_pending());
        match ends.is_empty() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
}

/// Binds and serves in one step.
pub async fn serve(
    options: Options,
    gateway: Gateway,
    shutdown: Shutdown,
) -> Result<(), ServeError> {
    Server::bind(options).await?.serve(gateway, shutdown).await
}

fn start(
    count: usize,
    options: &Options,
    gateway: &Gateway,
    readiness: &Readiness,
    pages: &Pages,
    (tally, until): (&Tally, &Shutdown),
) -> io::Result<Workers> {
    let (sessions, letterboxes) = (Arc::default(), Arc::default());
    let (options, gateway, readiness) = (options.clone(), gateway.clone(), readiness.clone());
    let (tally, until) = (tally.clone(), until.clone());
    let board = pages.board();
    Workers::start(count, move |handoffs| {
        let health = Health {
            gateway: gateway.clone(),
            readiness: readiness.clone(),
        };
        let door = Door {
            gateway: gateway.clone(),
            guard: Arc::new(Guard::new(
                options.auth.clone(),
                options.hosts.clone(),
                options.origins.clone(),
            )),
            bodies: Arc::new(Budget::new(options.body_bytes_max)),
            sessions: Arc::clone(&sessions),
            letterboxes: Arc::clone(&letterboxes),
            readiness: readiness.clone(),
            rest: health::front(health, board.clone()),
            tls: options.tls.clone(),
            profiles: options.profiles.clone().map(Doors::new),
        };
        worker::run(handoffs, Arc::new(door), tally.clone(), until.clone())
    })
}

/// Takes connections on every listener and hands them out.
async fn accept(
    listeners: &[TcpListener],
    workers: &Workers,
    open: &AtomicUsize,
    connections_max: usize,
) -> std::convert::Infallible {
    loop {
        match poll_fn(|cx| poll_accept(listeners, cx)).await {
            Ok(stream) => {
                if open.fetch_add(1, Relaxed) >= connections_max {
                    turn_away(&stream);
                    open.fetch_sub(1, Relaxed);
                } else if hand_out(stream, workers).is_none() {
                    open.fetch_sub(1, Relaxed);
                }
            }
            // Out of file descriptors, most likely: some come free as connections end.
            Err(_) => tokio::time::sleep(limits::ACCEPT_PAUSE).await,
        }
    }
}

fn poll_accept(
    listeners: &[TcpListener],
    cx: &mut std::task::Context<'_>,
) -> Poll<io::Result<TcpStream>> {
    for listener in listeners {
        if let Poll::Ready(accepted) = listener.poll_accept(cx) {
            return Poll::Ready(accepted.map(|(stream, _)| stream));
        }
    }
    Poll::Pending
}

fn hand_out(stream: TcpStream, workers: &Workers) -> Option<()> {
    // Not ours any longer if it fails: the client has gone.
    let stream = stream.into_std().ok()?;
    match workers.hand_out(stream) {
        Ok(()) => Some(()),
        Err(stream) => {
            let stream = TcpStream::from_std(stream).ok()?;
            turn_away(&stream);
            None
        }
    }
}

/// Says that we are full, as far as that goes without waiting.
fn turn_away(stream: &TcpStream) {
    let answer = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n";
    let _as_far_as_it_goes = stream.try_write(answer);
}
