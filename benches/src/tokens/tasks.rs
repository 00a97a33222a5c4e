//! The twelve tasks: the same work with all tools listed, with tools that are found and added, and with a script. What is done
//! stands in `benches/tasks`: a task a file, the servers of all of them in `servers.json`.
//!
//! *listed*: the tools of all servers are listed from the start, one call a turn. *dynamic*: the servers are found and added,
//! then the same calls. *script*: found and added, then scripts by `code-mode`. Where a way fails, the run does.

mod mock;

use std::error::Error;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use wire::Era;

use crate::servers::Server;
use crate::session::{Cost, Count};
use crate::world::Client;

pub(crate) use mock::Mock;

/// Tasks of which a script may cost so many percent of the calls with all tools listed.
const CHEAP: [u32; 5] = [1, 2, 4, 5, 9];
/// How many percent that are.
const CHEAP_PERCENT: usize = 15;
/// The task that is one call, and how many percent of the calls with dynamic tools a script may cost there.
const SINGLE: u32 = 8;
const SINGLE_PERCENT: usize = 110;

const SERVERS: &str = include_str!("../../tasks/servers.json");
const TASKS: [&str; 12] = [
    include_str!("../../tasks/01-pr-digest.json"),
    include_str!("../../tasks/02-sheet-filter.json"),
    include_str!("../../tasks/03-incident.json"),
    include_str!("../../tasks/04-fan-out.json"),
    include_str!("../../tasks/05-paginate.json"),
    include_str!("../../tasks/06-join.json"),
    include_str!("../../tasks/07-retry.json"),
    include_str!("../../tasks/08-single.json"),
    include_str!("../../tasks/09-big-file.json"),
    include_str!("../../tasks/10-unknown-shape.json"),
    include_str!("../../tasks/11-name-clash.json"),
    include_str!("../../tasks/12-approval.json"),
];

/// A task, as it stands in its file.
#[derive(Debug, Deserialize)]
struct Task {
    number: u32,
    name: String,
    /// What is searched for, for each server.
    find: Vec<String>,
    /// The servers that it takes.
    servers: Vec<String>,
    /// Tools that a rule forbids.
    #[serde(default)]
    denied: Vec<String>,
    calls: Vec<Step>,
    /// Each by its lines.
    scripts: Vec<Vec<String>>,
    /// What the last script gives.
    answer: Value,
}

/// One call, or the same ones for each of some numbers.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Step {
    Each {
        #[serde(rename = "for")]
        name: String,
        from: u64,
        to: u64,
        calls: Vec<Self>,
    },
    Call {
        tool: String,
        /// Where several have a tool of this name.
        server: Option<String>,
        arguments: Value,
    },
}

impl Step {
    fn all(&self, values: &Map<String, Value>, into: &mut Vec<(String, Value)>) {
        match self {
            Self::Each {
                name,
                from,
                to,
                calls,
            } => {
                for n in *from..=*to {
                    let mut values = values.clone();
                    values.insert(name.clone(), json!(n));
                    for step in calls {
                        step.all(&values, into);
                    }
                }
            }
            Self::Call {
                tool,
                server,
                arguments,
            } => {
                let name = match server {
                    Some(server) => format!("{server}__{tool}"),
                    None => tool.clone(),
                };
                into.push((name, mock::made(arguments, values)));
            }
        }
    }
}

/// What a task costs, each way.
struct Costs {
    task: Task,
    listed: Cost,
    dynamic: Cost,
    script: Cost,
    /// Bytes that tools gave to scripts and that no model saw.
    kept: usize,
    /// What the last script gave.
    given: Value,
}

/// Plays all tasks. The table, and what is not as it should be.
pub(crate) async fn play() -> Result<(String, Vec<String>), Box<dyn Error>> {
    let mut all = Vec::new();
    for text in TASKS {
        let task: Task = serde_json::from_str(text)?;
        let name = task.name.clone();
        let costs = costs(task).await;
        all.push(costs.map_err(|error| format!("{name}: {error}"))?);
    }
    Ok((table(&all), wrong(&all)))
}

async fn costs(task: Task) -> Result<Costs, Box<dyn Error>> {
    let mut calls = Vec::new();
    for step in &task.calls {
        step.all(&Map::new(), &mut calls);
    }

    let mut client = Client::with_all_tools(&servers()?, &task.denied).await?;
    let mut count = Count::begin(&mut client).await?;
    for (tool, arguments) in &calls {
        count.attempt(&mut client, tool, arguments).await?;
    }
    client.close().await;
    let listed = count.end();

    let mut client = Client::with_dynamic_tools(&servers()?, Era::Handshake, &task.denied).await?;
    let mut count = found(&mut client, &task).await?;
    for (tool, arguments) in &calls {
        // Of servers that are added one by one only the second one's tool has another name.
        let own = tool.split_once("__").map_or(tool.as_str(), |(_, own)| own);
        let first = tool.starts_with(&format!("{}__", task.servers[0]));
        let name = if first { own } else { tool };
        count.attempt(&mut client, name, arguments).await?;
    }
    client.close().await;
    let dynamic = count.end();

    let mut client = Client::with_dynamic_tools(&servers()?, Era::Handshake, &task.denied).await?;
    let mut count = found(&mut client, &task).await?;
    let mut kept = 0;
    let mut last = Value::Null;
    for script in &task.scripts {
        let arguments = json!({"code": script.join("\n")});
        let result = count.call(&mut client, "code-mode", &arguments).await?;
        let facts = &result["structuredContent"];
        let bytes = |call: &Value| call["bytes"].as_u64().unwrap_or_default() as usize;
        let came: usize = facts["calls"]
            .as_array()
            .into_iter()
            .flatten()
            .map(bytes)
            .sum();
        kept += came.saturating_sub(facts["result"].to_string().len());
        last = facts["result"].clone();
    }
    client.close().await;
    let script = count.end();
    Ok(Costs {
        task,
        listed,
        dynamic,
        script,
        kept,
        given: last,
    })
}

/// Finds and adds the servers of a task.
async fn found(client: &mut Client, task: &Task) -> Result<Count, Box<dyn Error>> {
    let mut count = Count::begin(client).await?;
    for (query, server) in task.find.iter().zip(&task.servers) {
        let find = json!({"query": query, "limit": 3});
        let found = count.call(client, "mcp-find", &find).await?;
        let all = &found["structuredContent"]["servers"];
        let is_found = |all: &Value| {
            all.as_array()?
                .iter()
                .find(|one| one["name"] == **server)
                .map(drop)
        };
        is_found(all).ok_or_else(|| format!("{query:?} does not find {server}: {all}"))?;
        count
            .call(client, "mcp-add", &json!({"name": server}))
            .await?;
        count.lists_of(client).await?;
    }
    Ok(count)
}

fn table(all: &[Costs]) -> String {
    let mut text = String::from(
        "Tokens sent over a whole session, the context with every turn / tokens that are new in it / turns.\n\n\
         | | task | calls | all listed | dynamic | script | script : listed | kept from the model |\n\
         | --: | :-- | --: | --: | --: | --: | --: | --: |\n",
    );
    for costs in all {
        let cell = |cost: &Cost| format!("{} / {} / {}", cost.sent, cost.new, cost.turns);
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} | {} | {} % | {} kB |\n",
            costs.task.number,
            costs.task.name,
            costs.listed.turns - 1,
            cell(&costs.listed),
            cell(&costs.dynamic),
            cell(&costs.script),
            percent(costs.script.sent, costs.listed.sent),
            costs.kept.div_ceil(1000),
        ));
    }
    text
}

fn percent(part: usize, whole: usize) -> usize {
    (100 * part).div_ceil(whole.max(1))
}

fn wrong(all: &[Costs]) -> Vec<String> {
    let mut wrong = Vec::new();
    for costs in all {
        let (task, given) = (&costs.task, &costs.given);
        if *given != task.answer {
            wrong.push(format!(
                "{}: the script gives {given}, not {}",
                task.name, task.answer
            ));
        }
        let (number, script) = (costs.task.number, costs.script.sent);
        let bounds = [
            (CHEAP.contains(&number), costs.listed.sent, CHEAP_PERCENT),
            (number == SINGLE, costs.dynamic.sent, SINGLE_PERCENT),
        ];
        for (_, of, most) in bounds.into_iter().filter(|(is_bound, ..)| *is_bound) {
            if 100 * script > most * of {
                wrong.push(format!(
                    "{}: a script costs {script} tokens, {} % of {of}; at most {most} % is right",
                    costs.task.name,
                    percent(script, of)
                ));
            }
        }
    }
    wrong
}

/// The servers of all tasks, none of which has been called.
fn servers() -> Result<Vec<Server>, Box<dyn Error>> {
    let mocks: Vec<Mock> = serde_json::from_str(SERVERS)?;
    mocks.into_iter().map(Server::of_mock).collect()
}
