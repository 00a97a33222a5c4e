//! A listener in a container's own network.
//!
//! A socket belongs to the network that it was made in, whoever holds it: a thread of ours enters the container's, makes
//! a listener on its loopback and ends; the proxy that serves it connects from ours.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::AsFd;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::sync::oneshot;

/// Whether we may enter the network of a container.
pub(super) fn can_enter() -> bool {
    rustix::process::geteuid().is_root()
}

/// Makes a listener in the network of a container, one of whose processes this is.
pub(super) async fn listen_in(container: &str, pid: u32, port: u16) -> io::Result<TcpListener> {
    // Where the engine is in a machine of its own, the number is that of somebody else here.
    let groups = std::fs::read_to_string(format!("/proc/{pid}/cgroup"))?;
    if pid == 0 || !groups.contains(container) {
        return Err(io::Error::other("its processes are not on this machine"));
    }
    let (tell, told) = oneshot::channel();
    // Not one of the runtime's: it would stay in there.
    std::thread::Builder::new()
        .name("listen".to_owned())
        .spawn(move || {
            let listen = || {
                let network = File::open(format!("/proc/{pid}/ns/net"))?;
                move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))?;
                TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
            };
            // Who does not wait any more needs none.
            let _ = tell.send(listen());
        })?;
    told.await
        .unwrap_or_else(|_| Err(io::Error::other("the thread that makes it ended")))
}
