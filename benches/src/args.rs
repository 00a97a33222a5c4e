//! The command line of the benchmark.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

/// What was asked for.
#[derive(Debug, Parser)]
#[command(
    about = "Measures direct, nginx, Portolan and any peer side by side, in turn",
    version
)]
pub(crate) struct Options {
    /// One short round: shows that everything works, not how fast it is
    #[arg(long)]
    quick: bool,
    /// Rounds per row [default: 5]
    #[arg(long)]
    rounds: Option<usize>,
    /// Seconds per measurement [default: 2]
    #[arg(long)]
    seconds: Option<f64>,
    /// Only these parts
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// Another gateway over HTTP: a URL whose upstream is the echo server (see --echo-port), or a command with {port}
    /// and {upstream} (a URL) in it. The endpoint is /mcp unless the name goes on with a path
    #[arg(long = "peer", value_name = "NAME[/PATH]=URL|COMMAND")]
    pub peers: Vec<String>,
    /// Another gateway over stdio: a command with {echo}, the command line of the stdio echo server, in it
    #[arg(long = "stdio-peer", value_name = "NAME=COMMAND")]
    pub stdio_peers: Vec<String>,
    /// The port of the echo server, for peers that are already running
    #[arg(long, default_value_t = 0)]
    pub echo_port: u16,
    /// The echo server replies with event streams
    #[arg(long)]
    pub sse: bool,
    /// Also write the results, every round of them, to this file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Measure this binary instead of building and measuring this checkout
    #[arg(long, value_name = "PATH")]
    pub gateway: Option<PathBuf>,
}

/// The parts of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Calls over streamable HTTP.
    Http,
    /// Calls over stdio.
    Stdio,
    /// Calls over streamable HTTP between clients and servers of both eras.
    Bridge,
    /// Start times.
    Start,
    /// Memory at rest, per session, per connection.
    Memory,
}

impl Options {
    pub(crate) fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    pub(crate) fn rounds(&self) -> usize {
        self.rounds.unwrap_or(if self.quick { 1 } else { 5 }).max(1)
    }

    pub(crate) fn length(&self) -> Duration {
        Duration::from_secs_f64(self.seconds.unwrap_or(if self.quick { 0.3 } else { 2.0 }))
    }

    pub(crate) fn warm_up(&self) -> Duration {
        self.length().min(Duration::from_secs(2)) / 5
    }

    /// How often a gateway is started for one start time.
    pub(crate) fn starts(&self) -> usize {
        if self.quick { 3 } else { 11 }
    }

    /// Sessions opened for the memory of one.
    pub(crate) fn sessions(&self) -> usize {
        if self.quick { 200 } else { 1000 }
    }
}
