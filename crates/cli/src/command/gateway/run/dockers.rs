//! Flags of Docker's gateway for what has another name here, or is always so.

use std::fs::{File, OpenOptions};
use std::path::PathBuf;

use config::{Runtime, Settings};

use crate::error::{Failure, Kind};
use crate::ui::Ui;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, clap::Args)]
pub(super) struct Dockers {
    /// Whether calls with what looks like a secret are refused: --secret-scan refuse, or off
    #[arg(long, hide = true, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(super) block_secrets: Option<bool>,

    /// Whether every call is logged: `log_calls` of the settings
    #[arg(long, hide = true, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(super) log_calls: Option<bool>,

    /// No server has the whole network, whatever `open_network` of the settings says; so none starts outside of a box
    #[arg(long, hide = true, conflicts_with = "allow_unsandboxed")]
    pub(super) block_network: bool,

    /// Write the log into a file, at its end, instead of stderr
    #[arg(long, hide = true, value_name = "FILE")]
    log: Option<PathBuf>,

    /// Servers always stay for their conversation
    #[arg(long, hide = true)]
    long_lived: bool,

    /// Names are looked up without a helper whose log could be shown
    #[arg(long, hide = true)]
    debug_dns: bool,
}

impl Dockers {
    /// What blocks nothing is not promised.
    pub(super) fn check(&self, settings: &Settings) -> Result<(), Failure> {
        if self.block_network && settings.runtime == Runtime::Process {
            let message = "--block-network blocks nothing where servers run with your rights";
            return Err(Failure::usage(message).hint(
                "--runtime auto starts them in boxes, where each reaches the hosts of its entry",
            ));
        }
        Ok(())
    }

    /// The file of the log, to be written at its end.
    pub(super) fn log_file(&self) -> Result<Option<File>, Failure> {
        let Some(path) = &self.log else {
            return Ok(None);
        };
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path).map(Some).map_err(|error| {
            let message = format!("--log: {} cannot be written", path.display());
            Failure::new(Kind::Failed, message).because(&error)
        })
    }

    /// Says what there is in the place of a flag that does nothing.
    pub(super) fn tell(&self, ui: &Ui) {
        if self.long_lived {
            let hint = "`idle_timeout_s` under [gateway] in config.toml says when an unused one is stopped";
            ui.warn(
                "--long-lived changes nothing: servers stay for their conversation anyway",
                &[hint.to_owned()],
            );
        }
        if self.debug_dns {
            let hint = "`portolan server inspect NAME` shows which hosts a server was refused";
            ui.warn(
                "--debug-dns changes nothing: there is no forwarder to look into",
                &[hint.to_owned()],
            );
        }
    }
}
