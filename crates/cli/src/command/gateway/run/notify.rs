//! Tells systemd that the gateway is ready, where systemd wants to know.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use config::Env;
use config::env::NOTIFY_SOCKET;

/// A service manager that does not listen is no reason to stop.
pub(super) fn ready(env: &Env) {
    if let Some(address) = env.filled(NOTIFY_SOCKET) {
        let _ = send(&address);
    }
}

fn send(address: &str) -> std::io::Result<()> {
    let address = match address.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(address)?,
    };
    UnixDatagram::unbound()?
        .send_to_addr(b"READY=1", &address)
        .map(drop)
}
