//! `--watch`: what changes in the files is taken up while everything runs. Owns the thread that waits for
//! changes. A change counts once the files have stayed as they are for a moment, so that a file is not read
//! half written. Read `watch/files.rs` (what is waited for) and `watch/reload.rs` (what is done then) next.

mod files;
mod reload;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use gateway::front::Gateway;

use crate::error::Failure;
use crate::limits::{WATCH_POLL, WATCH_POLL_HEARD, WATCH_SETTLE, WATCH_SETTLE_MAX};
use files::{Folders, Stamps, stamps};

pub(super) use reload::Reloading;

/// Until it is dropped.
pub(super) struct Watch {
    wake: SyncSender<()>,
    is_over: Arc<AtomicBool>,
}

impl Watch {
    /// Begins to watch. To be called within the gateway's runtime.
    pub(super) fn start(reloading: Reloading, gateway: &Gateway) -> Result<Self, Failure> {
        // One token is enough: whoever wakes looks at everything.
        let (wake, wakes) = sync_channel(1);
        let is_over = Arc::new(AtomicBool::new(false));
        let waiting = Waiting {
            wakes,
            is_over: Arc::clone(&is_over),
        };
        let folders = Folders::new(wake.clone());
        let (runtime, gateway) = (tokio::runtime::Handle::current(), gateway.clone());
        std::thread::Builder::new()
            .name("watch".into())
            .spawn(move || {
                // The gateway starts tasks that let go of what is not needed any longer.
                let _within = runtime.enter();
                waiting.run(reloading, folders, &gateway);
            })
            .map_err(|e| Failure::internal("the thread that watches does not start", e))?;
        Ok(Self { wake, is_over })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let _ = self.wake.try_send(());
    }
}

struct Waiting {
    wakes: Receiver<()>,
    is_over: Arc<AtomicBool>,
}

impl Waiting {
    fn run(&self, mut reloading: Reloading, mut folders: Folders, gateway: &Gateway) {
        // None: what changed between the first reading and now is found too.
        let mut seen: Option<Stamps> = None;
        loop {
            // Listening comes first: what changes after the look is heard.
            folders.follow(reloading.files());
            let settled = self.settle(reloading.files());
            if self.is_over() {
                return;
            }
            if seen.as_ref() != Some(&settled) {
                reloading.reload(gateway);
                seen = Some(settled);
                // There may be other files now.
                continue;
            }
            self.wait(match folders.are_heard() {
                true => WATCH_POLL_HEARD,
                false => WATCH_POLL,
            });
        }
    }

    /// How the files look once they stay as they are. A busy folder costs no more than this look.
    fn settle(&self, files: &[PathBuf]) -> Stamps {
        let begun = Instant::now();
        let mut before = stamps(files);
        loop {
            self.pass(WATCH_SETTLE);
            let now = stamps(files);
            if now == before || begun.elapsed() > WATCH_SETTLE_MAX || self.is_over() {
                return now;
            }
            before = now;
        }
    }

    /// Lets this time pass, whatever happens in the folders meanwhile.
    fn pass(&self, time: Duration) {
        let until = Instant::now() + time;
        while !self.is_over() && self.wait(until.saturating_duration_since(Instant::now())) {}
    }

    /// Waits for something to happen. False: nothing did.
    fn wait(&self, limit: Duration) -> bool {
        self.wakes.recv_timeout(limit).is_ok()
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}
