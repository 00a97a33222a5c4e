//! The conversations that are counted: the same calls, with all tools listed and with dynamic tools.
//!
//! What is in a model's context: the definitions of the tools (name, description, schema), what the gateway says of itself,
//! each call as the model writes it and the text of each answer. Not counted, because the same everywhere: the prompt of the
//! client, what the user says, what the model answers in the end.

use std::error::Error;

use serde_json::{Value, json};
use wire::Era;

use crate::count::tokens;
use crate::golden::text_of;
use crate::servers::{Server, arguments};
use crate::world::Client;

/// How the tools of servers come to be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// All servers are configured, their tools listed from the start.
    Listed,
    /// Found and added; then their tools are listed and called like all others.
    Native,
    /// Found and added by a client without sessions; called by `mcp-exec`.
    Exec,
}

/// What a conversation costs.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cost {
    /// Tokens that enter the context, each counted once: the cost where a prompt cache works.
    pub(crate) new: usize,
    /// Tokens that are sent, the whole context with every turn: the cost where none does.
    pub(crate) sent: usize,
    /// How often the model is asked.
    pub(crate) turns: usize,
}

/// Plays the calls, each of the first tool of a server by its number, and counts.
pub(crate) async fn play(
    way: Way,
    servers: &[Server],
    calls: &[usize],
) -> Result<Cost, Box<dyn Error>> {
    let mut client = match way {
        Way::Listed => Client::with_all_tools(servers, &[]).await?,
        Way::Native => Client::with_dynamic_tools(servers, Era::Handshake, &[]).await?,
        Way::Exec => Client::with_dynamic_tools(servers, Era::Stateless, &[]).await?,
    };
    let mut count = Count::begin(&mut client).await?;
    let mut added: Vec<(usize, Value)> = Vec::new();
    for &number in calls {
        let server = &servers[number];
        if way != Way::Listed && !added.iter().any(|(known, _)| *known == number) {
            let query = json!({"query": request(server)});
            count.call(&mut client, "mcp-find", &query).await?;
            let mut add = json!({"name": server.entry.name.as_str()});
            if let Some((_, workspace)) = added.first() {
                add["workspace"] = workspace.clone();
            }
            let result = count.call(&mut client, "mcp-add", &add).await?;
            if way == Way::Native {
                count.lists_of(&mut client).await?;
                added.push((number, Value::Null));
            } else {
                added.push((number, result["structuredContent"]["workspace"].clone()));
            }
        }
        let tool = &server.tools[0];
        let name = name_of(&mut client, way, server, tool).await?;
        let arguments = arguments(tool);
        match way {
            Way::Exec => {
                let workspace = &added[0].1;
                let exec = json!({"name": name, "arguments": arguments, "workspace": workspace});
                count.call(&mut client, "mcp-exec", &exec).await?
            }
            _ => count.call(&mut client, &name, &arguments).await?,
        };
    }
    client.close().await;
    Ok(count.end())
}

/// The tokens of definitions as a model gets them.
pub(crate) fn menu(tools: &[Value]) -> usize {
    let of = |tool: &Value| {
        let shown = json!({
            "name": tool["name"],
            "description": tool["description"],
            "inputSchema": tool["inputSchema"],
        });
        tokens(&shown.to_string())
    };
    tools.iter().map(of).sum()
}

/// What a user would want who needs the server: how its description begins.
fn request(server: &Server) -> String {
    let about = server.entry.description.as_deref().unwrap_or_default();
    let words: Vec<&str> = about.split_whitespace().take(8).collect();
    words.join(" ")
}

fn instructions(greeting: &str) -> usize {
    let greeting: Value = serde_json::from_str(greeting).unwrap_or_default();
    greeting["instructions"].as_str().map_or(0, tokens)
}

/// Under which name the tool is called: a server's own, unless another has it too.
async fn name_of(
    client: &mut Client,
    way: Way,
    server: &Server,
    tool: &Value,
) -> Result<String, Box<dyn Error>> {
    let name = tool["name"].as_str().unwrap_or_default();
    if way == Way::Exec {
        return Ok(name.to_owned());
    }
    let listed = client.tools().await?;
    let prefixed = format!("{}__{name}", server.entry.name);
    let known = |name: &str| listed.iter().any(|tool| tool["name"] == name);
    Ok(if known(&prefixed) {
        prefixed
    } else {
        name.to_owned()
    })
}

/// Stands for the workspace's handle, which is another each time, and so would be its number of tokens.
const HANDLE: &str = "q7RtM2xVbK9sLw4ZcY8nHj3DfG6pAe1U";

/// The context of a model as it grows.
#[derive(Default)]
pub(crate) struct Count {
    menu: usize,
    said: usize,
    handle: Option<String>,
    cost: Cost,
}

impl Count {
    /// Of a conversation that begins.
    pub(crate) async fn begin(client: &mut Client) -> Result<Self, Box<dyn Error>> {
        let mut count = Self {
            said: instructions(&client.greeting),
            ..Self::default()
        };
        count.lists_of(client).await?;
        Ok(count)
    }

    /// The menu is what is listed from now on. What has been in it before is not new.
    pub(crate) async fn lists_of(&mut self, client: &mut Client) -> Result<(), Box<dyn Error>> {
        let menu = menu(&client.tools().await?);
        self.cost.new += menu.saturating_sub(self.menu);
        self.menu = menu;
        Ok(())
    }

    /// The model is asked, and calls a tool, which must not fail.
    pub(crate) async fn call(
        &mut self,
        client: &mut Client,
        tool: &str,
        arguments: &Value,
    ) -> Result<Value, Box<dyn Error>> {
        let result = self.attempt(client, tool, arguments).await?;
        match result["isError"] == true {
            true => Err(format!("{tool} {arguments}: {result}").into()),
            false => Ok(result),
        }
    }

    /// The model is asked, and calls a tool.
    pub(crate) async fn attempt(
        &mut self,
        client: &mut Client,
        tool: &str,
        arguments: &Value,
    ) -> Result<Value, Box<dyn Error>> {
        self.asked();
        let call = json!({"name": tool, "arguments": arguments});
        let result = client.attempt(tool, arguments).await?;
        if let Some(handle) = result["structuredContent"]["workspace"].as_str() {
            self.handle = Some(handle.to_owned());
        }
        self.said += self.tokens(&call.to_string()) + self.tokens(text_of(&result));
        Ok(result)
    }

    fn tokens(&self, text: &str) -> usize {
        match self.handle.as_deref() {
            Some(handle) => {
                let same = &HANDLE[..HANDLE.len().min(handle.len())];
                tokens(&text.replace(handle, same))
            }
            None => tokens(text),
        }
    }

    fn asked(&mut self) {
        self.cost.turns += 1;
        self.cost.sent += self.menu + self.said;
    }

    /// The model is asked once more, and answers.
    pub(crate) fn end(mut self) -> Cost {
        self.asked();
        self.cost.new += self.said;
        self.cost
    }
}
