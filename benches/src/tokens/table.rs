//! What is printed of menus and conversations.

use std::error::Error;

use wire::Era;

use crate::count::tokens;
use crate::servers::Server;
use crate::session::{Cost, Way, menu, play};
use crate::world::Client;

/// How many servers there are to call.
const SERVERS: [usize; 4] = [0, 5, 20, 70];
/// How many calls a conversation has, and of how many servers.
const CALLS: [(usize, usize); 7] = [(1, 1), (3, 1), (3, 3), (5, 1), (5, 5), (10, 1), (10, 10)];
/// Over how many servers that are called a number is the mean.
const MEAN_OF: usize = 5;

/// All tables.
pub(crate) async fn tables(servers: &[Server]) -> Result<String, Box<dyn Error>> {
    let mut text = menus(servers).await?;
    text.push_str(&sessions(servers).await?);
    text.push_str(&break_even(servers).await?);
    Ok(text)
}

async fn menus(servers: &[Server]) -> Result<String, Box<dyn Error>> {
    let mut client = Client::with_dynamic_tools(&[], Era::Handshake, &[]).await?;
    let own = client.tools().await?;
    client.close().await;
    let raw: String = own.iter().map(ToString::to_string).collect();
    let mut text = String::from(
        "| servers | tools | tokens, all listed | tokens, dynamic tools |\n| --: | --: | --: | --: |\n",
    );
    for count in SERVERS {
        let servers = &servers[..count.min(servers.len())];
        let tools: Vec<_> = servers
            .iter()
            .flat_map(|s| s.tools.iter().cloned())
            .collect();
        text.push_str(&format!(
            "| {} | {} | {} | {} |\n",
            servers.len(),
            tools.len(),
            menu(&tools),
            menu(&own)
        ));
    }
    Ok(format!(
        "{text}\nOur {} tools as they are listed, with annotations: {} tokens.\n\n",
        own.len(),
        tokens(&raw)
    ))
}

async fn sessions(servers: &[Server]) -> Result<String, Box<dyn Error>> {
    let mut text = String::from(
        "New tokens / tokens sent, of a conversation with so many calls of one server, and of as many servers.\n\n\
         | servers | calls | of servers | all listed | added, called natively | by `mcp-exec` |\n\
         | --: | --: | --: | --: | --: | --: |\n",
    );
    for count in &SERVERS[1..] {
        let servers = &servers[..(*count).min(servers.len())];
        for (calls, of) in CALLS.into_iter().filter(|(_, of)| *of <= servers.len()) {
            let mut cells = Vec::new();
            for way in [Way::Listed, Way::Native, Way::Exec] {
                let cost = mean(way, servers, calls, of).await?;
                cells.push(format!("{} / {}", cost.new, cost.sent));
            }
            let cells = cells.join(" | ");
            text.push_str(&format!(
                "| {} | {calls} | {of} | {cells} |\n",
                servers.len()
            ));
        }
    }
    Ok(text + "\n")
}

/// From how many tools on dynamic tools cost less.
async fn break_even(servers: &[Server]) -> Result<String, Box<dyn Error>> {
    let mut text = String::from(
        "From so many tools (servers) on dynamic tools cost less than all of them listed.\n\n\
         | calls | of servers | turns, listed / dynamic | new tokens, native | sent, native | new, `mcp-exec` | sent, `mcp-exec` |\n\
         | --: | --: | --: | --: | --: | --: | --: |\n",
    );
    for (calls, of) in CALLS {
        let listed = mean(Way::Listed, servers, calls, of).await?;
        let (native, exec) = (
            mean(Way::Native, servers, calls, of).await?,
            mean(Way::Exec, servers, calls, of).await?,
        );
        let cells = [
            from(servers, listed.new, 1, native.new),
            from(servers, listed.sent, listed.turns, native.sent),
            from(servers, listed.new, 1, exec.new),
            from(servers, listed.sent, listed.turns, exec.sent),
        ];
        text.push_str(&format!(
            "| {calls} | {of} | {} / {} | {} |\n",
            listed.turns,
            native.turns,
            cells.join(" | ")
        ));
    }
    Ok(text)
}

/// The fewest of the servers from which on it is worth it. What all of them listed cost is their menu, once or with each turn,
/// and the rest of the conversation, which is the same however many there are.
fn from(servers: &[Server], listed: usize, times: usize, dynamic: usize) -> String {
    let menu_of = |count: usize| -> usize {
        servers[..count]
            .iter()
            .map(|server| menu(&server.tools))
            .sum()
    };
    let rest = listed.saturating_sub(times * menu_of(servers.len()));
    let is_worth = |count: &usize| times * menu_of(*count) + rest > dynamic;
    match (1..=servers.len()).find(is_worth) {
        Some(count) => {
            let tools: usize = servers[..count]
                .iter()
                .map(|server| server.tools.len())
                .sum();
            format!("{tools} ({count})")
        }
        None => "never".to_owned(),
    }
}

/// Of conversations that begin with each of the first servers in turn.
async fn mean(
    way: Way,
    servers: &[Server],
    calls: usize,
    of: usize,
) -> Result<Cost, Box<dyn Error>> {
    let mut sum = Cost::default();
    let first = MEAN_OF.min(servers.len());
    for start in 0..first {
        let calls: Vec<usize> = (0..calls)
            .map(|call| (start + call % of) % servers.len())
            .collect();
        let cost = play(way, servers, &calls).await?;
        sum.new += cost.new;
        sum.sent += cost.sent;
        sum.turns += cost.turns;
    }
    Ok(Cost {
        new: sum.new / first,
        sent: sum.sent / first,
        turns: sum.turns / first,
    })
}
