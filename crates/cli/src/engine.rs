//! A gateway in this process: from flags and files to something that answers.

use crate::choice::Choice;
use crate::error::{Failure, Kind};
use crate::local::Local;
use crate::running::Status;
use crate::ui::Ui;

/// Starts the chosen servers, does the work with a client of theirs, and stops them.
pub(crate) fn with<T>(
    _ui: &Ui,
    _choice: &Choice,
    _work: impl AsyncFnOnce(&mut Local) -> Result<T, Failure>,
) -> Result<T, Failure> {
    Err(Failure::new(Kind::Internal, "not connected yet"))
}

/// The configured servers.
pub(crate) fn configured(_ui: &Ui, _choice: &Choice) -> Result<Vec<Status>, Failure> {
    Ok(Vec::new())
}
