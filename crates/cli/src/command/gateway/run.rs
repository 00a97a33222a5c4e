//! `portolan gateway run`

use std::time::Duration;

use crate::choice::{Choice, duration};
use crate::error::Failure;
use crate::ui::Ui;

/// Run the gateway until its client leaves, or until Ctrl-C
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portolan gateway run                                  for an AI application, over stdio
  portolan gateway run --transport streaming            for many, at http://127.0.0.1:8811/mcp
  portolan gateway run --config ~/.cursor/mcp.json --servers github,time --dry-run")]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) choice: Choice,

    /// How clients reach it
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub(super) transport: Transport,

    /// The address to listen on [default: 127.0.0.1]
    #[arg(long, value_name = "HOST")]
    pub(super) host: Option<String>,

    /// The port to listen on [default: 8811]; 0 takes a free one
    #[arg(long, value_name = "PORT")]
    pub(super) port: Option<u16>,

    /// Only these tools: tool, server:tool, server:* or *, separated by commas; case does not matter
    #[arg(long, value_name = "TOOL,...", value_delimiter = ',')]
    pub(super) tools: Option<Vec<String>>,

    /// Start every server, list what they offer, stop again; fails if one of them does
    #[arg(long)]
    pub(super) dry_run: bool,

    /// Let clients in without a token
    #[arg(long)]
    pub(super) allow_unauthenticated: bool,

    /// Give up on a call after this time, like 30s or 5m
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) call_timeout: Option<Duration>,

    /// Tell more on stderr
    #[arg(long, short)]
    pub(super) verbose: bool,
}

/// How clients reach the gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Transport {
    /// One client, on stdin and stdout.
    #[default]
    Stdio,
    /// Streamable HTTP.
    #[value(aliases = ["http", "streamable", "streamable-http"])]
    Streaming,
    /// HTTP+SSE, for clients of 2024-11-05.
    Sse,
}

pub(crate) fn run(_ui: &Ui, args: &Args) -> Result<(), Failure> {
    if args.transport == Transport::Stdio {
        for (flag, is_given) in [
            ("--port", args.port.is_some()),
            ("--host", args.host.is_some()),
        ] {
            if is_given {
                return Err(
                    Failure::usage(format!("{flag} needs a transport that listens"))
                        .hint("add --transport streaming"),
                );
            }
        }
    }
    Err(Failure::new(
        crate::error::Kind::Internal,
        "not connected yet",
    ))
}
