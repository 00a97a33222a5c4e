//! Answers for the names in a box: those that are listed stand for an address there, the others are not there, and that
//! they were asked for is told. Nothing of it leaves the machine.

use std::sync::Arc;

use tokio::net::UdpSocket;

use crate::dns::{self, Reply};
use crate::limits::{DNS_BATCH, DNS_MESSAGE_BYTES_MAX, DNS_REST};
use crate::proxy::{Shared, Verdict};

/// Names that everybody asks for and that lead nowhere: oneself, and the names of addresses.
const IDLE: &[&str] = &["localhost", "box", "arpa"];

/// Until the socket is closed.
pub(crate) async fn serve(socket: UdpSocket, shared: Arc<Shared>) {
    let mut message = [0; DNS_MESSAGE_BYTES_MAX];
    loop {
        for _ in 0..DNS_BATCH {
            let Ok((length, from)) = socket.recv_from(&mut message).await else {
                break;
            };
            if let Some(question) = dns::read(&message[..length]) {
                let answer =
                    question.answer(reply(&shared, &question.name, question.wants_address));
                // Who does not read answers gets none.
                let _ = socket.try_send_to(&answer, from);
            }
        }
        // Who floods us waits for the rest of us.
        tokio::time::sleep(DNS_REST).await;
    }
}

fn reply(shared: &Shared, name: &str, wants_address: bool) -> Reply {
    let Some(host) = crate::allow::host_name(name) else {
        return Reply::Unknown;
    };
    if !shared.lists(&host) {
        let last = host.rsplit('.').next().unwrap_or_default();
        if !IDLE.contains(&last) {
            shared.tell(host, Verdict::NotListed);
        }
        return Reply::Unknown;
    }
    if !wants_address {
        return Reply::Nothing;
    }
    match shared.address(&host) {
        Some(address) => Reply::Address(address),
        None => {
            shared.tell(host, Verdict::Busy);
            Reply::Failure
        }
    }
}
