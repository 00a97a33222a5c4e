//! `portolan policy allow SERVER NAME`: what a person would say to a rule that asks, said beforehand.

use catalog::Catalogs;
use gateway::{ConsentKey, mark};
use policy::{Asked, Decision, Era, Facts, Hints};
use serde::Serialize;
use store::Store;

use super::question::Known;
use crate::catalogs::{self, Chosen};
use crate::choice::{CatalogChoice, Choice};
use crate::error::{Failure, Kind};
use crate::load::load;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};

/// Allow what a rule asks about, for always, or take that back
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The server
    server: String,

    /// The tool, by the name that its server gives it
    name: String,

    /// The name is that of a prompt
    #[arg(long)]
    prompt: bool,

    /// The name is the URI of a resource
    #[arg(long, conflicts_with = "prompt")]
    resource: bool,

    /// For whom: local over stdio, cli for `tools call`, else the name of the caller
    #[arg(long, value_name = "NAME", default_value = "local")]
    caller: String,

    /// Ask again from now on
    #[arg(long)]
    forget: bool,

    #[command(flatten)]
    choice: Choice,

    #[command(flatten)]
    catalogs: CatalogChoice,
}

#[derive(Serialize)]
struct Done<'a> {
    server: &'a str,
    name: &'a str,
    caller: &'a str,
    allowed: bool,
    rules: Vec<String>,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    catalogs::check(&args.catalogs)?;
    let loaded = load(ui, &here, &args.choice, &[])?;
    let catalogs = Catalogs::merge(catalogs::chosen(
        &here,
        &Chosen::begin(&here, &args.catalogs).patient(ui),
    ));
    let known = Known {
        entries: &loaded.entries,
        catalogs: &catalogs,
    };
    let (Ok(server) | Err(server)) = known.server(&args.server);
    let (asked, method) = match (args.prompt, args.resource) {
        (true, _) => (Asked::Prompt(&args.name), wire::method::PROMPTS_GET),
        (_, true) => (Asked::Resource(&args.name), wire::method::RESOURCES_READ),
        _ => (
            Asked::Tool {
                name: &args.name,
                hints: Hints::default(),
                arguments: None,
            },
            wire::method::TOOLS_CALL,
        ),
    };
    let policy = &loaded.policy;
    let mut asking: Vec<(String, Box<str>)> = Vec::new();
    for era in [Era::Handshake, Era::Stateless] {
        let rules = policy.asking(&Facts {
            caller: &args.caller,
            scopes: None,
            client: None,
            server: &server,
            asked,
            era,
            now_s: None,
        });
        for rule in rules {
            let found = (rule.name.clone(), mark(rule));
            if !asking.contains(&found) {
                asking.push(found);
            }
        }
    }
    if matches!(policy.default_decision(), Decision::Ask(_)) {
        asking.push(("default".to_owned(), "default".into()));
    }
    if asking.is_empty() {
        let message = format!("no rule asks about {} of {}", args.name, args.server);
        let hint = format!(
            "portolan policy explain {} {} shows what decides",
            args.server, args.name
        );
        return Err(Failure::new(Kind::NotFound, message).hint(hint));
    }
    let failed = |error: store::StoreError| Failure::internal("the answer cannot be kept", error);
    config::private_dir(&here.dirs.state)
        .map_err(|error| Failure::internal("the state folder cannot be made", error))?;
    let mut store = Store::open(&here.dirs.store_file()).map_err(failed)?;
    let mut lines = Vec::new();
    let rules: Vec<String> = asking.iter().map(|(rule, _)| rule.clone()).collect();
    for (rule, mark) in asking {
        let key = ConsentKey::new(&mark, &args.caller, &args.server, (method, &args.name)).stored();
        let line = Line::new().put(Label::Name, rule.clone());
        let what = format!("{} of {}", args.name, args.server);
        if args.forget {
            store.meta_remove(&key).map_err(failed)?;
            lines.push(line.text(format!(" asks about {what} again")));
        } else {
            let value = format!("{rule} {} {}", args.server, args.name);
            store.meta_put(&key, &value).map_err(failed)?;
            lines.push(line.text(format!(" lets {what} pass for {}", args.caller)));
        }
    }
    let done = Done {
        server: &args.server,
        name: &args.name,
        caller: &args.caller,
        allowed: !args.forget,
        rules,
    };
    ui.value(&done, |ui| lines.iter().for_each(|line| ui.note(line)))
}
