//! Switches the loopback of a new network namespace on: servers that speak to themselves need it, and whoever listens
//! there for a proxy. Has a whole network lead there too.

use std::io;
use std::net::Ipv4Addr;

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with,
};

const HEADER: usize = 16;
const RTM_NEWLINK: u16 = 16;
const RTM_NEWROUTE: u16 = 24;
const NLMSG_ERROR: u16 = 2;
const NLM_F_EXCL: u16 = 0x200;
const NLM_F_CREATE: u16 = 0x400;
const AF_INET: u8 = 2;
const RT_TABLE_LOCAL: u8 = 255;
const RTPROT_BOOT: u8 = 3;
const RT_SCOPE_HOST: u8 = 254;
const RTN_LOCAL: u8 = 2;
const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_ACK: u16 = 4;
const IFF_UP: u32 = 1;
/// Of the loopback, in every namespace.
const INDEX: i32 = 1;

/// By netlink (`rtnetlink(7)`): the interface with the first index is up from now on.
pub(super) fn up() -> io::Result<()> {
    ask(&link_up())
}

/// Every address that begins like this one, by so many bits, is ours from now on.
pub(super) fn is_all_of(network: Ipv4Addr, bits: u8) -> io::Result<()> {
    ask(&local_route(network, bits))
}

/// Asks the kernel for something, and waits for its answer.
fn ask(request: &[u8]) -> io::Result<()> {
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        None,
    )?;
    sendto(
        &socket,
        request,
        SendFlags::empty(),
        &SocketAddrNetlink::new(0, 0),
    )?;
    let mut answer = [0; 256];
    let (_, read) = recv(&socket, &mut answer, RecvFlags::empty())?;
    match errno(&answer[..read.min(256)]) {
        Some(0) => Ok(()),
        Some(errno) => Err(io::Error::from_raw_os_error(errno)),
        None => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// `struct nlmsghdr` of a message with so many bytes behind it.
fn header(kind: u16, flags: u16, behind: u32) -> Vec<u8> {
    let mut message = Vec::with_capacity(64);
    message.extend((16 + behind).to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend((NLM_F_REQUEST | NLM_F_ACK | flags).to_ne_bytes());
    message.extend(1_u32.to_ne_bytes());
    message.extend(0_u32.to_ne_bytes());
    message
}

/// A `struct rtmsg`, where to, and by which interface.
fn local_route(network: Ipv4Addr, bits: u8) -> Vec<u8> {
    let mut message = header(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, 28);
    // Family, lengths of destination and source, kind of service; table, by whom, how far, of which kind.
    message.extend([AF_INET, bits, 0, 0]);
    message.extend([RT_TABLE_LOCAL, RTPROT_BOOT, RT_SCOPE_HOST, RTN_LOCAL]);
    message.extend(0_u32.to_ne_bytes());
    for (attribute, value) in [(RTA_DST, network.octets()), (RTA_OIF, INDEX.to_ne_bytes())] {
        message.extend(8_u16.to_ne_bytes());
        message.extend(attribute.to_ne_bytes());
        message.extend(value);
    }
    message
}

/// A `struct ifinfomsg`.
fn link_up() -> Vec<u8> {
    let mut message = header(RTM_NEWLINK, 0, 16);
    // Family, padding, type of device.
    message.extend([0, 0, 0, 0]);
    message.extend(INDEX.to_ne_bytes());
    // Flags, and which of them change.
    message.extend(IFF_UP.to_ne_bytes());
    message.extend(IFF_UP.to_ne_bytes());
    message
}

/// The number in the answer to it; 0 is good.
fn errno(answer: &[u8]) -> Option<i32> {
    let kind = u16::from_ne_bytes(answer.get(4..6)?.try_into().ok()?);
    let errno = i32::from_ne_bytes(answer.get(HEADER..HEADER + 4)?.try_into().ok()?);
    (kind == NLMSG_ERROR).then(|| errno.saturating_neg())
}
