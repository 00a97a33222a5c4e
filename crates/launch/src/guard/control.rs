//! What a gateway and a guard say to each other, one message each over a socket that keeps them apart.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::cmsg_space;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recv, recvmsg, send, sendmsg,
    socketpair,
};
use rustix::process::Pid;

use crate::exit::ExitReason;
use crate::limits::GUARD_START;

/// From the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Term,
    Kill,
}

/// From the guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Report {
    Started(Pid),
    /// With the error number.
    Failed(i32),
    Ended(ExitReason),
}

/// A socket for the gateway and one for the guard.
pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )?)
}

// --- the gateway's side ---

/// Passes what is to be the server's stdin, stdout and stderr. It waits in the socket for the guard.
pub(crate) fn send_fds(control: &OwnedFd, fds: &[OwnedFd; 3]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(3))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let fds = [fds[0].as_fd(), fds[1].as_fd(), fds[2].as_fd()];
    ancillary.push(SendAncillaryMessage::ScmRights(&fds));
    sendmsg(
        control,
        &[IoSlice::new(b"fds")],
        &mut ancillary,
        SendFlags::NOSIGNAL,
    )?;
    Ok(())
}

/// Never waits: a guard that does not listen any more has nothing left to do.
pub(crate) fn order(control: &OwnedFd, order: Order) {
    let text: &[u8] = match order {
        Order::Term => b"term",
        Order::Kill => b"kill",
    };
    let _ = send(control, text, SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
}

/// Waits for the first report.
pub(crate) fn wait_report(control: &OwnedFd) -> io::Result<Report> {
    let limit = Timespec {
        tv_sec: GUARD_START.as_secs().cast_signed(),
        tv_nsec: 0,
    };
    match poll(&mut [PollFd::new(control, PollFlags::IN)], Some(&limit))? {
        0 => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "it did not answer in time",
        )),
        _ => receive_report(control)
            .ok_or_else(|| io::Error::other("it ended without a word: is it the right program?")),
    }
}

/// The last report of a guard that has ended.
pub(crate) fn last_report(control: &OwnedFd) -> Option<Report> {
    std::iter::from_fn(|| receive_report(control)).last()
}

fn receive_report(control: &OwnedFd) -> Option<Report> {
    Report::parse(&receive(control.as_fd())?)
}

// --- the guard's side ---

pub(crate) fn receive_fds(control: BorrowedFd<'_>) -> io::Result<[OwnedFd; 3]> {
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(3))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut bytes = [0; 16];
    recvmsg(
        control,
        &mut [IoSliceMut::new(&mut bytes)],
        &mut ancillary,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    let fds = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(fds) => Some(fds.collect::<Vec<_>>()),
        _ => None,
    });
    fds.and_then(|fds| fds.try_into().ok())
        .ok_or_else(|| io::Error::other("no descriptors"))
}

/// `None`: the gateway is gone.
pub(crate) fn receive_order(control: BorrowedFd<'_>) -> Option<Order> {
    match &*receive(control)? {
        b"term" => Some(Order::Term),
        b"kill" => Some(Order::Kill),
        _ => None,
    }
}

/// A gateway that is gone needs no report.
pub(crate) fn report(control: BorrowedFd<'_>, report: Report) {
    let text = match report {
        Report::Started(server) => format!("started {}", server.as_raw_nonzero()),
        Report::Failed(errno) => format!("failed {errno}"),
        Report::Ended(ExitReason::Code(code)) => format!("code {code}"),
        Report::Ended(ExitReason::Signal(signal)) => format!("signal {signal}"),
        Report::Ended(ExitReason::Unknown) => "unknown 0".to_owned(),
    };
    let _ = send(
        control,
        text.as_bytes(),
        SendFlags::DONTWAIT | SendFlags::NOSIGNAL,
    );
}

impl Report {
    fn parse(text: &[u8]) -> Option<Self> {
        let (word, number) = std::str::from_utf8(text).ok()?.split_once(' ')?;
        let number = number.parse().ok()?;
        match word {
            "started" => Pid::from_raw(number).map(Self::Started),
            "failed" => Some(Self::Failed(number)),
            "code" => Some(Self::Ended(ExitReason::Code(number))),
            "signal" => Some(Self::Ended(ExitReason::Signal(number))),
            "unknown" => Some(Self::Ended(ExitReason::Unknown)),
            _ => None,
        }
    }
}

/// One message, if there is one.
fn receive(control: BorrowedFd<'_>) -> Option<Vec<u8>> {
    let mut bytes = [0; 64];
    match recv(control, &mut bytes, RecvFlags::DONTWAIT) {
        Ok((_, read @ 1..)) => Some(bytes[..read].to_vec()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_arrives() {
        let (ours, theirs) = pair().unwrap();
        let fds = [(); 3].map(|()| std::io::pipe().unwrap().0.into());
        send_fds(&ours, &fds).unwrap();
        assert_eq!(receive_fds(theirs.as_fd()).unwrap().len(), 3);
        for given in [Order::Term, Order::Kill] {
            order(&ours, given);
            assert_eq!(receive_order(theirs.as_fd()), Some(given));
        }
        let reports = [
            Report::Started(rustix::process::getpid()),
            Report::Failed(2),
            Report::Ended(ExitReason::Code(0)),
            Report::Ended(ExitReason::Signal(9)),
            Report::Ended(ExitReason::Unknown),
        ];
        for said in reports {
            report(theirs.as_fd(), said);
            assert_eq!(wait_report(&ours).unwrap(), said);
        }
        report(theirs.as_fd(), reports[0]);
        report(theirs.as_fd(), reports[2]);
        drop(theirs);
        assert_eq!(last_report(&ours), Some(reports[2]));
        assert!(wait_report(&ours).is_err());
        order(&ours, Order::Kill);
    }
}
