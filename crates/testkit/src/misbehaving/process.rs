//! What a habit does to its own process, and what it leaves behind.

use std::fs::OpenOptions;
use std::io::Write;
use std::process::{Command, Stdio};

use tokio::signal::unix::{SignalKind, signal};

/// The argument that makes the binary a process that was left behind.
pub const LEFT_BEHIND: &str = "left-behind";

/// From now on SIGTERM does nothing.
pub(super) fn be_deaf() {
    // Once somebody wants to hear of a signal, it does not end the process any more.
    if let Ok(mut heard) = signal(SignalKind::terminate()) {
        tokio::spawn(async move { while heard.recv().await.is_some() {} });
    }
}

/// Whoever reads the output finds its end; the process goes on.
pub(super) fn close_output() {
    if let Ok(nowhere) = OpenOptions::new().write(true).open("/dev/null") {
        // Failing here leaves the output open, which the test then sees.
        let _ = rustix::stdio::dup2_stdout(nowhere);
    }
}

/// Two processes that have left group and session of this one, one of them an orphan.
pub(super) fn fork() {
    start_left_behind("twice");
}

/// What such a process does: it leaves everybody, starts another one, and stays or goes.
pub fn left_behind(how: Option<&str>) {
    // A process that leads a group already cannot do this, and needs not.
    let _ = rustix::process::setsid();
    if how == Some("twice") {
        start_left_behind("once");
    }
    loop {
        std::thread::park();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a server that leaves processes behind has to start them"
)]
fn start_left_behind(how: &str) {
    let Ok(own) = std::env::current_exe() else {
        return;
    };
    let started = Command::new(own)
        .args([LEFT_BEHIND, how])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    // Nobody waits for it: that is the habit.
    drop(started);
}

/// Writes on stderr until that is closed, beside everything else.
pub(super) fn complain() {
    std::thread::spawn(|| {
        let mut stderr = std::io::stderr();
        while stderr
            .write_all(b"everything is terrible, and always was\n")
            .is_ok()
        {}
    });
}
