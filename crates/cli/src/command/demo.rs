//! `portolan demo`

use crate::error::{Failure, Kind};
use crate::ui::Ui;

/// See the gateway work with real servers, in half a minute
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_ui: &Ui, _args: &Args) -> Result<(), Failure> {
    Err(Failure::new(Kind::Internal, "not connected yet"))
}
