//! Carries bytes both ways until both ends have said all, or nothing moves any more.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::limits::RELAY_BYTES;

/// Between two connections.
pub(crate) async fn relay(mut one: TcpStream, mut other: TcpStream, idle: Duration) {
    let moved = AtomicU64::new(0);
    let (one_read, one_write) = one.split();
    let (other_read, other_write) = other.split();
    let both = async {
        // An error of one direction ends the other: who is gone hears no answer.
        let _ = tokio::try_join!(
            carry(one_read, other_write, &moved),
            carry(other_read, one_write, &moved),
        );
    };
    tokio::select! {
        () = both => {}
        () = standstill(&moved, idle) => {}
    }
}

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    moved: &AtomicU64,
) -> io::Result<()> {
    let mut buffer = vec![0; RELAY_BYTES];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..read]).await?;
        moved.fetch_add(1, Ordering::Relaxed);
    }
}

/// Ends when nothing has moved for a while.
async fn standstill(moved: &AtomicU64, idle: Duration) {
    let mut before = moved.load(Ordering::Relaxed);
    loop {
        tokio::time::sleep(idle).await;
        let now = moved.load(Ordering::Relaxed);
        if now == before {
            return;
        }
        before = now;
    }
}
