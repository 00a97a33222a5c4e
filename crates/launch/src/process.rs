//! A server's process, seen from those who use it.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use transport::FrameSink;

use crate::exit::ExitReason;
use crate::limits::{KILL_WAIT, STDERR_DRAIN, TERM_GRACE};
use crate::spawn::Spawned;
use crate::stderr::{StderrLog, Tail};

/// A host that a server wanted to reach and was kept from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// In the words in which it would be allowed: `host`, `host:port`, `host:port=address`.
    pub host: String,
    /// Whether it is of the public Internet, as far as its name tells. Others open the machine, or its network.
    pub is_public: bool,
}

/// What ends a server, whatever it runs in. Does not wait.
pub trait Hold: Send + Sync {
    /// The id of its process; of a container, that of its first one on the engine's machine.
    fn pid(&self) -> u32;
    /// Asks everything to end.
    fn term(&self);
    /// Ends everything.
    fn kill(&self);
    /// Stops the time of everything, until `thaw`. What is frozen can still be ended.
    fn freeze(&self);
    /// Lets it go on.
    fn thaw(&self);
}

/// A running server. Dropping it kills the server and everything that it started.
pub struct Process {
    hold: Arc<dyn Hold>,
    stdin: Arc<dyn FrameSink>,
    tail: Arc<Tail>,
    exited: watch::Receiver<Option<ExitReason>>,
    is_frozen: AtomicBool,
    /// Its way to the network, if it has one of its own. It closes with this.
    #[cfg(target_os = "linux")]
    way_out: Option<WayOut>,
}

/// A way to the network.
#[cfg(target_os = "linux")]
struct WayOut {
    proxy: egress::Proxy,
    notes: Arc<crate::way_out::Notes>,
}

impl Process {
    pub(crate) fn watch(
        spawned: Spawned,
        stdin: Arc<dyn FrameSink>,
        tail: Arc<Tail>,
        mut reading: JoinHandle<()>,
    ) -> Self {
        let hold = spawned.reins.clone();
        let (tell, exited) = watch::channel(None);
        tokio::spawn(async move {
            let reason = spawned.ended().await;
            // Who hears of the end asks for the last words next.
            if timeout(STDERR_DRAIN, &mut reading).await.is_err() {
                reading.abort();
            }
            tell.send_replace(Some(reason));
        });
        Self::held(hold, stdin, tail, exited)
    }

    /// One that somebody else watches.
    pub(crate) fn held(
        hold: Arc<dyn Hold>,
        stdin: Arc<dyn FrameSink>,
        tail: Arc<Tail>,
        exited: watch::Receiver<Option<ExitReason>>,
    ) -> Self {
        Self {
            hold,
            stdin,
            tail,
            exited,
            is_frozen: AtomicBool::new(false),
            #[cfg(target_os = "linux")]
            way_out: None,
        }
    }

    /// One that is somebody else's in every way; nothing is known of what it wrote.
    #[must_use]
    pub fn elsewhere(
        hold: Arc<dyn Hold>,
        stdin: Arc<dyn FrameSink>,
        exited: watch::Receiver<Option<ExitReason>>,
    ) -> Self {
        Self::held(hold, stdin, Arc::default(), exited)
    }

    /// Gives it a way to the network: behind these doors, to these hosts. What is decided there is told in its log.
    #[cfg(target_os = "linux")]
    pub(crate) fn open(
        &mut self,
        server: &str,
        doors: impl Into<egress::Doors>,
        allowed: egress::AllowList,
    ) -> std::io::Result<()> {
        let notes = Arc::new(crate::way_out::Notes::new(self.tail.clone(), server));
        let limits = egress::Limits::default();
        let proxy = egress::Proxy::serve(doors, allowed, notes.clone(), limits)?;
        self.way_out = Some(WayOut { proxy, notes });
        Ok(())
    }

    /// The hosts that it wanted to reach since then and was kept from, the last ones.
    #[must_use]
    pub fn refused(&self, since: std::time::Instant) -> Vec<Refused> {
        #[cfg(target_os = "linux")]
        if let Some(way_out) = &self.way_out {
            return way_out.notes.refused(since);
        }
        let _ = since;
        Vec::new()
    }

    /// Lets it reach a host from now on, until it ends.
    ///
    /// # Errors
    /// It is no host, or there are too many.
    pub fn allow(&self, host: &str) -> Result<(), egress::AllowError> {
        let allowed = egress::AllowList::parse([host])?;
        #[cfg(target_os = "linux")]
        if let Some(way_out) = &self.way_out {
            way_out.proxy.allow(allowed)?;
            way_out.notes.forget(host);
        }
        Ok(())
    }

    /// Puts a line of ours into its log.
    pub(crate) fn note(&self, line: &str) {
        self.tail.note(line);
    }

    /// The id of the server's process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.hold.pid()
    }

    /// The last lines that the server wrote to its standard error, oldest first.
    #[must_use]
    pub fn stderr_tail(&self, lines: usize) -> Vec<String> {
        self.tail.last(lines)
    }

    /// What the server writes to its standard error.
    #[must_use]
    pub fn stderr_log(&self) -> StderrLog {
        StderrLog::new(self.tail.clone())
    }

    /// Waits for the end. Any number of tasks may, and each may outlive this handle.
    pub fn exited(&self) -> impl Future<Output = ExitReason> + Send + use<> {
        let mut exited = self.exited.clone();
        async move {
            match exited.wait_for(Option::is_some).await {
                Ok(reason) => reason.unwrap_or(ExitReason::Unknown),
                // The runtime that watched is gone.
                Err(_) => ExitReason::Unknown,
            }
        }
    }

    /// How it ended, if it has.
    #[must_use]
    pub fn exit_reason(&self) -> Option<ExitReason> {
        *self.exited.borrow()
    }

    /// Stops the time of the server and everything that it started, until [`Process::thaw`]. It keeps its memory and its
    /// connections, and uses no processor.
    pub fn freeze(&self) {
        self.is_frozen.store(true, Ordering::SeqCst);
        self.hold.freeze();
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        if self.is_frozen.swap(false, Ordering::SeqCst) {
            self.hold.thaw();
        }
    }

    /// Ends the server: closes its stdin and gives it `grace` to leave by itself, then asks it and everything that it
    /// started with SIGTERM, then kills what is left.
    pub async fn stop(&self, grace: Duration) -> ExitReason {
        // Who is frozen cannot leave.
        self.thaw();
        self.stdin.close();
        if let Ok(reason) = timeout(grace, self.exited()).await {
            return reason;
        }
        self.hold.term();
        if let Ok(reason) = timeout(TERM_GRACE, self.exited()).await {
            return reason;
        }
        self.hold.kill();
        timeout(KILL_WAIT, self.exited())
            .await
            .unwrap_or(ExitReason::Unknown)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stdin.close();
        self.hold.kill();
    }
}
