//! Pages of the gateway's own for the person of this machine: what a server needs and neither a client nor a model may see is
//! entered here. Owns their addresses, each good for one visit and impossible to guess; they are served by the HTTP door, or
//! where there is none that a browser on this machine reaches, by a port of their own for as long as somebody is awaited.
//! Refuses: whoever comes by another name than a loopback one, and what another page sends.
//!
//! Read `pages/answers.rs` for what a request gets, `pages/html.rs` for what a page looks like, `pages/own_port.rs` for the port.

mod answers;
mod html;
mod own_port;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gateway::Visit;
use tokio::task::AbortHandle;

pub(crate) use answers::router;

use crate::limits::{PAGE_TOKEN_BYTES, PAGES_MAX};

/// Below which path they are.
pub(crate) const PATH: &str = "/ask/";
/// Where browsers come back to that a page has led away.
pub(crate) const CALLBACK: &str = "/oauth/callback";

/// Shows pages. Dropping it closes its own port.
pub struct Pages {
    board: Arc<Board>,
    place: Place,
}

enum Place {
    /// The HTTP door, by this address.
    Door(SocketAddr),
    OwnPort,
}

/// The pages that are open, by their tokens.
#[derive(Default)]
pub(crate) struct Board(Mutex<Open>);

#[derive(Default)]
struct Open {
    visits: HashMap<Box<str>, Arc<Visit>>,
    /// The port of their own, while there is one.
    port: Option<Port>,
}

struct Port {
    at: SocketAddr,
    task: AbortHandle,
}

impl Pages {
    /// By a port of their own on the loopback address, open while somebody is awaited.
    pub fn on_own_port() -> Self {
        Self {
            board: Arc::default(),
            place: Place::OwnPort,
        }
    }

    /// By the door at these addresses, if a browser on this machine reaches one of them.
    pub(crate) fn at_door(addresses: &[SocketAddr]) -> Self {
        let place = addresses
            .iter()
            .find_map(reached)
            .map_or(Place::OwnPort, Place::Door);
        Self {
            board: Arc::default(),
            place,
        }
    }

    /// What the router of the door looks into.
    pub(crate) fn board(&self) -> Arc<Board> {
        self.board.clone()
    }
}

impl gateway::Pages for Pages {
    fn show(&self, visit: Arc<Visit>) -> Result<gateway::Place, String> {
        let mut token = [0; PAGE_TOKEN_BYTES];
        getrandom::fill(&mut token).map_err(|error| error.to_string())?;
        let token = URL_SAFE_NO_PAD.encode(token);
        let mut open = self.board.open();
        if open.visits.len() >= PAGES_MAX {
            return Err("too many pages are open".to_owned());
        }
        let at = match self.place {
            Place::Door(at) => at,
            Place::OwnPort => match &open.port {
                Some(port) => port.at,
                None => {
                    let port = own_port::open(&self.board)
                        .map_err(|error| format!("no port for it: {error}"))?;
                    open.port.insert(port).at
                }
            },
        };
        let place = gateway::Place {
            page: format!("http://{at}{PATH}{token}"),
            callback: format!("http://{at}{CALLBACK}"),
        };
        open.visits.insert(token.into(), visit);
        Ok(place)
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        if let Some(port) = self.board.open().port.take() {
            port.task.abort();
        }
    }
}

impl Board {
    /// The visit of a token, while it goes on.
    fn visit(&self, token: &str) -> Option<Arc<Visit>> {
        self.open().visits.get(token).cloned()
    }

    /// The visit that this query of a browser answers, while it goes on.
    fn answered_by(&self, query: &str) -> Option<Arc<Visit>> {
        let open = self.open();
        let mut visits = open.visits.values();
        let is_answered = |visit: &&Arc<Visit>| {
            let way = visit.way();
            way.is_some_and(|way| (way.is_answered_by)(query))
        };
        visits.find(is_answered).cloned()
    }

    /// Waits until no visit that is open now goes on.
    async fn over(&self) {
        let visits: Vec<Arc<Visit>> = self.open().visits.values().cloned().collect();
        for visit in visits {
            visit.over().await;
        }
    }

    /// Gives the port of their own up if nobody is awaited.
    fn leave_port(&self) -> bool {
        let mut open = self.open();
        let is_left = open.visits.is_empty();
        if is_left {
            open.port = None;
        }
        is_left
    }

    /// Without those that are over.
    fn open(&self) -> MutexGuard<'_, Open> {
        // Every change is whole.
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.visits.retain(|_, visit| visit.is_open());
        open
    }
}

/// By which address a browser on this machine reaches a listener, if it does by a loopback one.
fn reached(at: &SocketAddr) -> Option<SocketAddr> {
    match at.ip() {
        // Nobody can connect to "any address".
        ip if ip.is_unspecified() => {
            Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), at.port()))
        }
        ip => ip.to_canonical().is_loopback().then_some(*at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_at_a_loopback_address_or_at_none_of_the_door() {
        for (listens, at) in [
            ("127.0.0.1:1", Some("127.0.0.1:1")),
            ("127.8.8.8:1", Some("127.8.8.8:1")),
            ("[::1]:1", Some("[::1]:1")),
            ("0.0.0.0:1", Some("127.0.0.1:1")),
            ("[::]:1", Some("127.0.0.1:1")),
            ("192.168.1.5:1", None),
            ("[fe80::1]:1", None),
        ] {
            let at = at.map(|at| at.parse().unwrap());
            assert_eq!(reached(&listens.parse().unwrap()), at, "{listens}");
        }
    }
}
