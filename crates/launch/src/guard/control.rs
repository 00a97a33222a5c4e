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
use crate::limits::{FDS_MAX, GUARD_START, MESSAGE_BYTES_MAX, REFUSAL_CHARS_MAX};

/// From the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Term,
    Kill,
    Freeze,
    Thaw,
}

/// From the guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Report {
    Started(Pid),
    /// The program could not be started, with the error number.
    Failed(i32),
    /// The box could not be made: what was being done, and the error number.
    Refused(String, i32),
    /// The box' own loopback has doors; their descriptors come with this.
    Listening,
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

// --- both sides ---

/// Says something and passes descriptors with it. They wait in the socket until the other side takes them.
pub(crate) fn pass(socket: impl AsFd, text: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(FDS_MAX))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let fits = fds.len() <= FDS_MAX;
    if !fds.is_empty() && (!fits || !ancillary.push(SendAncillaryMessage::ScmRights(fds))) {
        return Err(io::Error::other("too many descriptors"));
    }
    sendmsg(
        socket,
        &[IoSlice::new(text)],
        &mut ancillary,
        SendFlags::NOSIGNAL,
    )?;
    Ok(())
}

/// Takes the next message and what came with it; waits for it. `None`: the other side is gone.
pub(crate) fn take(socket: impl AsFd) -> io::Result<Option<(Vec<u8>, Vec<OwnedFd>)>> {
    take_with(socket.as_fd(), RecvFlags::CMSG_CLOEXEC)
}

fn take_with(
    socket: BorrowedFd<'_>,
    flags: RecvFlags,
) -> io::Result<Option<(Vec<u8>, Vec<OwnedFd>)>> {
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(FDS_MAX))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut bytes = [0; MESSAGE_BYTES_MAX];
    let mut receive = || {
        let mut parts = [IoSliceMut::new(&mut bytes)];
        recvmsg(socket, &mut parts, &mut ancillary, flags)
    };
    let received = match receive() {
        // Gone, and has not read what was said last. What it said itself comes after this.
        Err(rustix::io::Errno::CONNRESET) => receive(),
        received => received,
    };
    let received = match received {
        Err(rustix::io::Errno::CONNRESET) => return Ok(None),
        received => received?,
    };
    let fds = ancillary
        .drain()
        .filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(fds) => Some(fds.collect::<Vec<_>>()),
            _ => None,
        })
        .flatten()
        .collect();
    if received.bytes == 0 {
        return Ok(None);
    }
    Ok(Some((bytes[..received.bytes].to_vec(), fds)))
}

// --- the gateway's side ---

/// Never waits: a guard that does not listen any more has nothing left to do.
pub(crate) fn order(control: &OwnedFd, order: Order) {
    let text: &[u8] = match order {
        Order::Term => b"term",
        Order::Kill => b"kill",
        Order::Freeze => b"freeze",
        Order::Thaw => b"thaw",
    };
    let _ = send(control, text, SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
}

/// Waits for the next report, and what came with it.
pub(crate) fn wait_report(control: impl AsFd) -> io::Result<(Report, Vec<OwnedFd>)> {
    let (text, fds) = take_in_time(control)?
        .ok_or_else(|| io::Error::other("it ended without a word: is it the right program?"))?;
    let report = Report::parse(&text)
        .ok_or_else(|| io::Error::other("it speaks differently: is it the right program?"))?;
    Ok((report, fds))
}

/// As [`take`], but not longer than a guard may take to start something.
pub(crate) fn take_in_time(socket: impl AsFd) -> io::Result<Option<(Vec<u8>, Vec<OwnedFd>)>> {
    let limit = Timespec {
        tv_sec: GUARD_START.as_secs().cast_signed(),
        tv_nsec: 0,
    };
    match poll(&mut [PollFd::new(&socket, PollFlags::IN)], Some(&limit))? {
        0 => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "it did not answer in time",
        )),
        _ => take(socket),
    }
}

/// The last report of a guard that has ended.
pub(crate) fn last_report(control: impl AsFd) -> Option<Report> {
    std::iter::from_fn(|| receive_report(control.as_fd()))
        .last()
        .map(|(report, _)| report)
}

fn receive_report(control: BorrowedFd<'_>) -> Option<(Report, Vec<OwnedFd>)> {
    let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
    let (text, fds) = take_with(control, flags).ok()??;
    Some((Report::parse(&text)?, fds))
}

// --- the guard's side ---

/// `None`: the gateway is gone.
pub(crate) fn receive_order(control: BorrowedFd<'_>) -> Option<Order> {
    match &*receive(control)? {
        b"term" => Some(Order::Term),
        b"kill" => Some(Order::Kill),
        b"freeze" => Some(Order::Freeze),
        b"thaw" => Some(Order::Thaw),
        _ => None,
    }
}

/// A gateway that is gone needs no report.
pub(crate) fn report(control: impl AsFd, report: &Report) {
    let _ = send(
        control,
        report.text().as_bytes(),
        SendFlags::DONTWAIT | SendFlags::NOSIGNAL,
    );
}

impl Report {
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Started(server) => format!("started {}", server.as_raw_nonzero()),
            Self::Failed(errno) => format!("failed {errno}"),
            Self::Refused(what, errno) => {
                let what: String = what.chars().take(REFUSAL_CHARS_MAX).collect();
                format!("refused {errno} {what}")
            }
            Self::Listening => "listening 0".to_owned(),
            Self::Ended(ExitReason::Code(code)) => format!("code {code}"),
            Self::Ended(ExitReason::Signal(signal)) => format!("signal {signal}"),
            Self::Ended(ExitReason::Memory) => "memory 0".to_owned(),
            Self::Ended(ExitReason::EngineGone | ExitReason::Unknown) => "unknown 0".to_owned(),
        }
    }

    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let (word, rest) = std::str::from_utf8(text).ok()?.split_once(' ')?;
        if word == "refused" {
            let (errno, what) = rest.split_once(' ')?;
            return Some(Self::Refused(what.to_owned(), errno.parse().ok()?));
        }
        let number = rest.parse().ok()?;
        match word {
            "started" => Pid::from_raw(number).map(Self::Started),
            "failed" => Some(Self::Failed(number)),
            "listening" => Some(Self::Listening),
            "code" => Some(Self::Ended(ExitReason::Code(number))),
            "signal" => Some(Self::Ended(ExitReason::Signal(number))),
            "memory" => Some(Self::Ended(ExitReason::Memory)),
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
        let fds = [(); FDS_MAX].map(|()| OwnedFd::from(std::io::pipe().unwrap().0));
        let fds: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
        pass(&ours, b"these", &fds).unwrap();
        let (text, taken) = take(&theirs).unwrap().unwrap();
        assert_eq!((&*text, taken.len()), (&b"these"[..], FDS_MAX));
        let one_more = [&*fds, &fds[..1]].concat();
        assert!(pass(&ours, b"these", &one_more).is_err());
        for given in [Order::Term, Order::Kill, Order::Freeze, Order::Thaw] {
            order(&ours, given);
            assert_eq!(receive_order(theirs.as_fd()), Some(given));
        }
        let reports = [
            Report::Started(rustix::process::getpid()),
            Report::Failed(2),
            Report::Refused("what / a b".to_owned(), 13),
            Report::Listening,
            Report::Ended(ExitReason::Code(0)),
            Report::Ended(ExitReason::Signal(9)),
            Report::Ended(ExitReason::Memory),
            Report::Ended(ExitReason::Unknown),
        ];
        for said in &reports {
            report(&theirs, said);
            assert_eq!(wait_report(&ours).unwrap().0, *said);
        }
        let long = Report::Refused("é".repeat(5000), 1);
        report(&theirs, &long);
        assert!(matches!(wait_report(&ours).unwrap().0, Report::Refused(..)));
        report(&theirs, &reports[0]);
        report(&theirs, &reports[4]);
        // Also where it has not read what was said to it last.
        order(&ours, Order::Thaw);
        drop(theirs);
        assert_eq!(last_report(&ours), Some(reports[4].clone()));
        assert!(wait_report(&ours).is_err());
        order(&ours, Order::Kill);
    }
}
