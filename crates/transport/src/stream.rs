//! A file descriptor that can be read and written without waiting.
//!
//! Owns the difference between pipes and sockets, and what becomes of descriptors that are shared with others:
//! `O_NONBLOCK` belongs to the open file, not to the descriptor, so setting it on an inherited one would surprise
//! whoever else holds it (a shell, a sibling). Pipes are therefore opened anew and sockets asked not to wait call by
//! call. Refuses nothing: what cannot be polled comes back as [`Way::Blocking`].

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use rustix::fs::{FileType, Mode, OFlags};
use rustix::net::{RecvFlags, SendFlags, Shutdown};

/// How to read from or write to a descriptor.
pub(crate) enum Way {
    /// With the help of the runtime.
    Pollable(Stream),
    /// Only by waiting for it: files, terminals, whatever else there is.
    Blocking(OwnedFd),
}

impl Way {
    /// For a descriptor that is ours alone.
    pub(crate) fn owned(fd: OwnedFd) -> io::Result<Self> {
        match file_type(fd.as_fd())? {
            FileType::Fifo => {
                let flags = rustix::fs::fcntl_getfl(&fd)?;
                if !flags.contains(OFlags::NONBLOCK) {
                    rustix::fs::fcntl_setfl(&fd, flags | OFlags::NONBLOCK)?;
                }
                Ok(Self::Pollable(Stream { fd, socket: false }))
            }
            FileType::Socket => Ok(Self::Pollable(Stream { fd, socket: true })),
            _ => Ok(Self::Blocking(fd)),
        }
    }

    /// For a descriptor that others may share: they will not notice. `access` is how it is to be opened again.
    pub(crate) fn shared(fd: BorrowedFd<'_>, access: OFlags) -> io::Result<Self> {
        match file_type(fd)? {
            FileType::Fifo => {
                let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
                let flags = access | OFlags::NONBLOCK | OFlags::CLOEXEC;
                match rustix::fs::open(path, flags, Mode::empty()) {
                    Ok(fd) => Ok(Self::Pollable(Stream { fd, socket: false })),
                    // No /proc, or the pipe belongs to another user.
                    Err(_) => Ok(Self::Blocking(fd.try_clone_to_owned()?)),
                }
            }
            FileType::Socket => Ok(Self::Pollable(Stream {
                fd: fd.try_clone_to_owned()?,
                socket: true,
            })),
            _ => Ok(Self::Blocking(fd.try_clone_to_owned()?)),
        }
    }
}

/// A pipe or a socket.
pub(crate) struct Stream {
    fd: OwnedFd,
    socket: bool,
}

impl Stream {
    pub(crate) fn read(&self, to: &mut [u8]) -> rustix::io::Result<usize> {
        if self.socket {
            rustix::net::recv(&self.fd, to, RecvFlags::DONTWAIT).map(|(read, _)| read)
        } else {
            rustix::io::read(&self.fd, to)
        }
    }

    pub(crate) fn write(&self, bytes: &[u8]) -> rustix::io::Result<usize> {
        if self.socket {
            rustix::net::send(&self.fd, bytes, SendFlags::DONTWAIT)
        } else {
            rustix::io::write(&self.fd, bytes)
        }
    }

    /// Tells the other side that nothing more will be written, even if the socket has more descriptors.
    pub(crate) fn finish(&self) {
        if self.socket {
            // It fails when the other side is gone, which is as good.
            let _ = rustix::net::shutdown(&self.fd, Shutdown::Write);
        }
    }
}

impl AsRawFd for Stream {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn file_type(fd: BorrowedFd<'_>) -> io::Result<FileType> {
    Ok(FileType::from_raw_mode(rustix::fs::fstat(fd)?.st_mode))
}
