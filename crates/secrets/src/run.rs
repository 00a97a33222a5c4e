//! The seam to whoever may start programs.

use std::io;
use std::time::Duration;

use zeroize::Zeroizing;

/// Runs a program for what it prints. Starting processes is not ours: whoever owns that implements this.
pub trait Runner: Send + Sync {
    /// Runs a program (found in PATH, without a shell, with nothing on its stdin) to its end and gives its stdout. Blocks.
    /// Whatever happens, nothing of the program is left running afterwards; it is ended at the deadline and once it prints
    /// more than `bytes_max`.
    fn run(
        &self,
        words: &[String],
        deadline: Duration,
        bytes_max: usize,
    ) -> Result<Zeroizing<Vec<u8>>, RunError>;
}

/// Why a program told nothing.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It cannot be started.
    #[error("it does not start: {0}")]
    Start(#[source] io::Error),
    /// It took too long.
    #[error("it did not end within {} s", .0.as_secs())]
    Deadline(Duration),
    /// It printed too much.
    #[error("it printed more than {0} bytes")]
    TooMuch(usize),
    /// It said that it failed.
    #[error("it failed ({status}): {stderr}")]
    Failed {
        /// How it ended.
        status: String,
        /// The last of what it said on stderr, without control characters.
        stderr: String,
    },
}
