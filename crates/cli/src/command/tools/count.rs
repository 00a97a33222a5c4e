//! `portolan tools count`

use std::collections::BTreeMap;

use serde::Serialize;

use crate::choice::Choice;
use crate::engine::{self, Memory};
use crate::error::Failure;
use crate::ui::{Line, Ui};

/// Count the tools of the configured servers
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) choice: Choice,
}

#[derive(Serialize)]
struct Count {
    tools: usize,
    servers: BTreeMap<String, usize>,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let tools = engine::with(ui, &args.choice, Memory::Fresh, async |_, tools| Ok(tools))?;
    let mut servers = BTreeMap::new();
    for server in tools.iter().filter_map(|tool| tool.server.clone()) {
        *servers.entry(server).or_default() += 1;
    }
    let count = Count {
        tools: tools.len(),
        servers,
    };
    ui.value(&count, |ui| ui.data(&Line::from(count.tools.to_string())))
}
