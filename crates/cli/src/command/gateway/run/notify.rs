//! Tells that the gateway is ready: systemd, where that wants to know, and `portolan up`.

use std::io::{self, Write};
use std::os::unix::net::{SocketAddr, UnixDatagram};

use config::Env;
use config::env::NOTIFY_SOCKET;

/// A service manager that does not listen is no reason to stop.
pub(super) fn ready(env: &Env) {
    if let Some(address) = env.filled(NOTIFY_SOCKET) {
        let _ = send(&address);
    }
}

/// Tells whoever has started us and waits, by one line on our stdout, and then is on its own: nothing of theirs is held.
pub(super) fn waiting(line: &serde_json::Value) {
    // They may be gone already.
    let _ = writeln!(io::stdout(), "{line}");
    if let Ok(null) = std::fs::OpenOptions::new().write(true).open("/dev/null") {
        let _ = rustix::stdio::dup2_stdout(&null);
    }
}

fn send(address: &str) -> io::Result<()> {
    let address = match address.strip_prefix('@') {
        Some(name) => of_name(name)?,
        None => SocketAddr::from_pathname(address)?,
    };
    UnixDatagram::unbound()?
        .send_to_addr(b"READY=1", &address)
        .map(drop)
}

#[cfg(target_os = "linux")]
fn of_name(name: &str) -> io::Result<SocketAddr> {
    <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn of_name(_: &str) -> io::Result<SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}
