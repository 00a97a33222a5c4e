//! `portolan __man FOLDER`: a page of the manual for each command, made of its help. For packages; nobody else needs it.

use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory};

use crate::cli::Cli;
use crate::error::{Failure, Kind};

/// Write a page of the manual for each command
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where to
    folder: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let mut root = Cli::command();
    root.build();
    pages(&root, &args.folder)
        .map_err(|error| Failure::new(Kind::Failed, "the pages cannot be written").because(&error))
}

fn pages(command: &Command, folder: &Path) -> std::io::Result<()> {
    let mut text = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut text)?;
    let name = command
        .get_display_name()
        .unwrap_or_else(|| command.get_name());
    std::fs::write(folder.join(format!("{name}.1")), text)?;
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        pages(sub, folder)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page() {
        let folder = tempfile::tempdir().unwrap();
        run(&Args {
            folder: folder.path().to_owned(),
        })
        .unwrap();
        for name in [
            "portolan",
            "portolan-gateway-run",
            "portolan-profile-server-add",
        ] {
            let page = std::fs::read_to_string(folder.path().join(format!("{name}.1"))).unwrap();
            assert!(
                page.contains(".SH NAME") && page.contains("SYNOPSIS"),
                "{page}"
            );
        }
        let hidden = folder.path().join("portolan-__man.1");
        assert!(!hidden.exists());
    }
}
