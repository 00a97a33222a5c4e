//! `gateway run --dry-run`: every server is started, says what it offers, and is stopped.

use serde::Serialize;

use crate::command::server::label;
use crate::engine::{self, Engine};
use crate::error::{Failure, Kind};
use crate::format::Format;
use crate::limits::QUICK_GRACE;
use crate::local::Local;
use crate::tool::{self, Tool};
use crate::ui::{Label, Line, Table, Ui};

#[derive(Serialize)]
struct Tried {
    name: String,
    state: String,
    reason: Option<String>,
    tools: usize,
    source: String,
}

pub(super) fn run(ui: &Ui, engine: Engine) -> Result<(), Failure> {
    let (servers, tools) = engine::block_on(async {
        let gateway = engine.start(ui, None)?;
        let done = engine::unless_interrupted(async {
            let mut local = Local::open(&gateway, &engine.fault).await?;
            let tools = local.tools(ui).await?;
            let tried = gateway.servers().into_iter().map(|server| Tried {
                tools: tools
                    .iter()
                    .filter(|t| t.server.as_ref() == Some(&server.name))
                    .count(),
                name: server.name,
                state: server.state.to_owned(),
                reason: server.reason,
                source: server.source,
            });
            Ok((tried.collect::<Vec<_>>(), tools))
        })
        .await;
        gateway.shutdown(QUICK_GRACE).await;
        done
    })?;
    if ui.format() == Format::Human {
        show(ui, &servers, &tools);
    } else {
        let servers = serde_json::to_string(&servers)
            .map_err(|e| Failure::internal("cannot write the result", e))?;
        let tools = tool::to_json(&tools);
        // `{"tools":[…]}` with another member before.
        ui.raw(&format!(r#"{{"servers":{servers},{}"#, &tools[1..]))?;
    }
    let failed: Vec<&str> = servers
        .iter()
        .filter(|s| s.state == "failed")
        .map(|s| s.name.as_str())
        .collect();
    match failed.as_slice() {
        [] => Ok(()),
        failed => Err(Failure::new(
            Kind::Failed,
            format!("not every server works: {}", failed.join(", ")),
        )),
    }
}

fn show(ui: &Ui, servers: &[Tried], tools: &[Tool]) {
    if servers.is_empty() {
        ui.note(&Line::new().text("No servers are configured."));
        return;
    }
    let mut table = Table::new(&["server", "state", "tools", "why"]).whole();
    for server in servers {
        table.row([
            (Label::Name, server.name.clone()),
            (label(&server.state), server.state.clone()),
            (Label::Plain, server.tools.to_string()),
            (Label::Plain, server.reason.clone().unwrap_or_default()),
        ]);
    }
    ui.table(&table);
    if !tools.is_empty() {
        ui.data(&Line::new());
        ui.table(&tool::table(tools));
    }
}
