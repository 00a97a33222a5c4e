//! The command line: global flags and the list of commands. Each command's flags and help stand in its own
//! file below `command/`, which mirrors `portolan --help`.

use clap::Parser;

use crate::command::Command;
use crate::format::Format;
use crate::ui::Colour;

const EXIT_CODES: &str = "\
Exit codes:
  0 ok                 4 not connected or not running    7 timeout
  1 failed             5 denied by a policy             64 bad configuration
  2 wrong usage        6 authentication needed          70 a bug
  3 not found                                          130 interrupted";

/// One door to every MCP server: a gateway between AI applications and Model Context Protocol servers.
///
/// Start with `portolan demo`, then give an application the command `portolan gateway run`.
#[derive(Debug, Parser)]
#[command(
    name = "portolan",
    bin_name = "portolan",
    version,
    after_help = EXIT_CODES,
    disable_help_subcommand = true,
    infer_long_args = false,
    max_term_width = 100
)]
pub(crate) struct Cli {
    /// How results are printed
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT",
        display_order = 900
    )]
    pub(crate) format: Format,

    /// When to colour what is printed
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        display_order = 901
    )]
    pub(crate) color: Colour,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[cfg(test)]
mod tests;
