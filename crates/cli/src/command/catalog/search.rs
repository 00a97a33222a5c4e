//! `portolan catalog search`: what an agent's `mcp-find` would find, through a gateway in this process.

use serde_json::{Value, json};
use wire::method;

use crate::catalogs::{self, Chosen};
use crate::choice::{CatalogChoice, Choice};
use crate::engine::{self, Engine, Memory};
use crate::error::{Failure, Kind};
use crate::limits::QUICK_GRACE;
use crate::load::load;
use crate::local::Local;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Table, Ui};

/// Find servers by what is to be done, as an agent does
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portolan catalog search \"create an issue on GitHub\"
  portolan catalog search type:remote payments --format json")]
pub(crate) struct Args {
    /// What is to be done, in any language; type:KIND and tag:TAG filter
    #[arg(value_name = "WORDS", required = true)]
    words: Vec<String>,

    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,

    #[command(flatten)]
    catalogs: CatalogChoice,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    catalogs::check(&args.catalogs)?;
    let loaded = load(ui, &here, &Choice::default(), &[])?;
    let chosen = Chosen::begin(&here, &args.catalogs).patient(ui);
    let engine = Engine::new(here, loaded)
        .patient(Memory::Learnt)
        .dynamic(Some(chosen));
    let found = engine::block_on(async {
        let gateway = engine.start(ui)?;
        let found = engine::unless_interrupted(async {
            let mut local = Local::open(&gateway, &engine.fault).await?;
            let arguments = json!({"query": args.words.join(" "), "limit": args.limit});
            let params = json!({"name": "mcp-find", "arguments": arguments}).to_string();
            local
                .request(method::TOOLS_CALL, Some(&params), |_| {})
                .await
        });
        let found = found.await;
        gateway.shutdown(QUICK_GRACE).await;
        engine.finish();
        found
    })?;
    let found: Value = serde_json::from_str(&found)
        .map_err(|error| Failure::internal("the answer is broken", error))?;
    let facts = found.get("structuredContent").cloned().unwrap_or_default();
    let text = found.pointer("/content/0/text").and_then(Value::as_str);
    let text = text.unwrap_or("nothing was found").to_owned();
    if found.get("isError") == Some(&Value::Bool(true)) {
        return Err(Failure::new(Kind::Failed, text));
    }
    if facts.pointer("/servers/0").is_none() {
        ui.note(&Line::new().text(text));
        return ui.value(&facts, |_| {});
    }
    ui.value(&facts, |ui| show(ui, &facts))
}

fn show(ui: &Ui, facts: &Value) {
    let servers = facts.get("servers").and_then(Value::as_array);
    let mut table = Table::new(&["server", "type", "state", "what it does"]).whole();
    for server in servers.into_iter().flatten() {
        let text = |name: &str| {
            let value = server.get(name).and_then(Value::as_str);
            value.unwrap_or_default().to_owned()
        };
        let state = text("state");
        let label = match state.as_str() {
            "active" | "ready" => Label::Good,
            "unavailable" | "blocked" => Label::Bad,
            _ => Label::Plain,
        };
        table.row(vec![
            (Label::Name, text("name")),
            (Label::Plain, text("type")),
            (label, state),
            (Label::Plain, text("description")),
        ]);
    }
    ui.table(&table);
}
