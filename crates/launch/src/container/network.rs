//! A listener in a container's own network.
//!
//! A socket belongs to the network that it was made in, whoever holds it: `enter` makes one in the container before anything
//! of the server runs, and hands it over by a socket of ours that is a file in there; the proxy that serves it connects
//! from here. So nobody has to be root for it.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net;
use std::path::{Path, PathBuf};

use rustix::net::AddressFamily;
use rustix::net::sockopt::{socket_acceptconn, socket_domain};
use tokio::io::Interest;
use tokio::net::UnixListener;
use tokio::time::timeout;

use crate::guard::control;
use crate::limits::CONTAINER_DOOR;

/// Where the socket is in the container.
pub(super) const AT: &str = "/.portolan-door";

/// Where something is handed over, until it is.
pub(super) struct Door {
    listener: UnixListener,
    path: PathBuf,
}

impl Door {
    /// In a folder of ours, which nobody else may look into.
    pub(super) fn make(folder: &Path, name: &str) -> io::Result<Self> {
        let folder = folder.join("doors");
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)?;
        let path = folder.join(name);
        // By a short name: that of a socket may have 107 letters.
        let short = File::open(&folder)?;
        let listener =
            net::UnixListener::bind(format!("/proc/self/fd/{}/{name}", short.as_raw_fd()))?;
        listener.set_nonblocking(true)?;
        let listener = UnixListener::from_std(listener)?;
        let door = Self { listener, path };
        // Whoever the server is in its container.
        fs::set_permissions(&door.path, Permissions::from_mode(0o666))?;
        Ok(door)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Waits for what is handed over.
    pub(super) async fn taken(self) -> io::Result<TcpListener> {
        let taken = timeout(CONTAINER_DOOR, async {
            let (stream, _) = self.listener.accept().await?;
            loop {
                stream.readable().await?;
                match stream.try_io(Interest::READABLE, || control::take(&stream)) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    taken => return taken,
                }
            }
        });
        let taken = taken.await.map_err(|_| {
            io::Error::other(
                "nothing in it reaches a socket in a file of this machine; is the engine on another one?",
            )
        })?;
        let fd = taken?.and_then(|(_, fds)| fds.into_iter().next());
        fd.and_then(listens)
            .ok_or_else(|| io::Error::other("what it handed over is none"))
    }
}

/// A listener, if it is one.
fn listens(fd: OwnedFd) -> Option<TcpListener> {
    let is_one =
        socket_acceptconn(&fd) == Ok(true) && socket_domain(&fd) == Ok(AddressFamily::INET);
    is_one.then(|| fd.into())
}

impl Drop for Door {
    fn drop(&mut self) {
        // One that cannot be removed leads nowhere.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;
    use std::process::{Command, Stdio};

    use super::super::enter;
    use super::*;

    #[tokio::test]
    async fn what_listens_is_handed_over() {
        let dir = tempfile::tempdir().unwrap();
        let program = enter::install(dir.path()).unwrap();
        let folder = dir.path().join("f".repeat(120));
        let door = Door::make(&folder, "a").unwrap();
        let path = door.path().to_owned();
        // In a container its way is short.
        std::os::unix::fs::symlink(&path, dir.path().join("s")).unwrap();
        #[expect(clippy::disallowed_methods, reason = "it is tried as it is")]
        let mut child = Command::new(program)
            .arg("0")
            .arg(dir.path().join("s"))
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let listener = door.taken().await.unwrap();
        assert!(!path.exists());
        let address = listener.local_addr().unwrap();
        assert!(address.ip().is_loopback());
        TcpStream::connect(address).unwrap();
        // Nobody wants a server of it.
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever_and_not_everything_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        let door = Door::make(dir.path(), "a").unwrap();
        assert!(door.taken().await.is_err());
        let plain = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        assert!(listens(plain.into()).is_none());
        let unix = net::UnixListener::bind(dir.path().join("b")).unwrap();
        assert!(listens(unix.into()).is_none());
    }
}
