//! Files in the form that AI applications write. Owns under which keys the servers stand. Next: `reader`.

use std::path::Path;

use crate::document::{Document, Node};
use crate::reader::{Reading, Servers};
use crate::{Entry, Launch, Problem, suggest};

/// Where applications keep their servers: most of them; VS Code; Zed; Amp; VS Code's settings, OpenCode and Crush.
const PLACES: &[&str] = &[
    "mcpServers",
    "servers",
    "context_servers",
    "amp.mcpServers",
    "mcp",
];

/// Reads a file in the `mcpServers` form, variables left as they are. An `Err` means that nothing of it could be read; the
/// problems beside the entries are about single ones.
pub fn read_mcp_servers(text: &str, source: &str) -> Result<(Vec<Entry>, Vec<Problem>), Problem> {
    read_mcp_servers_with(text, source, &Reading::default())
}

/// The same, told how.
pub fn read_mcp_servers_with(
    text: &str,
    source: &str,
    reading: &Reading<'_>,
) -> Result<(Vec<Entry>, Vec<Problem>), Problem> {
    read_mcp_document(&Document::json(text, source)?, reading)
}

/// The same for a text that has been taken apart.
pub(crate) fn read_mcp_document(
    doc: &Document<'_>,
    reading: &Reading<'_>,
) -> Result<(Vec<Entry>, Vec<Problem>), Problem> {
    let Some(pairs) = doc.root.table() else {
        return Err(doc
            .error(
                doc.root.start,
                format!("the file must be a JSON object, found {}", doc.root.kind()),
            )
            .hint("write {\"mcpServers\": {…}}"));
    };
    let mut servers = Servers::default();
    let mut tables = 0;
    for (key, node) in pairs
        .iter()
        .filter(|(key, _)| PLACES.contains(&key.name.as_str()))
    {
        servers.read(doc, inner(&key.name, node), reading);
        tables += 1;
    }
    if tables == 0 && !pairs.is_empty() {
        let near = pairs
            .iter()
            .find_map(|(key, _)| Some((key, suggest(&key.name, PLACES[..2].iter().copied())?)));
        return Err(match near {
            Some((key, known)) => doc
                .error(key.start, "the file has no `mcpServers`")
                .hint(format!("did you mean `{known}` instead of `{}`?", key.name)),
            None => doc
                .error(doc.root.start, "the file has no `mcpServers`")
                .hint("write {\"mcpServers\": {\"name\": {\"command\": …}}}"),
        });
    }
    let (mut entries, problems) = servers.finish(doc);
    entries.retain(|entry| !leads_here(&entry.launch));
    Ok((entries, problems))
}

/// Whether it is what `portolan client connect` writes: an application's way to the gateway is no server behind it.
fn leads_here(launch: &Launch) -> bool {
    let Launch::Command { command, args, .. } = launch else {
        return false;
    };
    let is_gateway = match args.as_slice() {
        [first, second] => (first.as_str(), second.as_str()) == ("gateway", "run"),
        [first, second, third, _] => {
            [first, second, third].map(String::as_str) == ["gateway", "run", "--profile"]
        }
        _ => false,
    };
    is_gateway
        && Path::new(command)
            .file_stem()
            .is_some_and(|stem| stem == "portolan")
}

/// VS Code's settings keep the servers one level deeper than OpenCode and Crush do, under the same name.
fn inner<'a>(place: &str, node: &'a Node) -> &'a Node {
    let deeper = || {
        node.table()?
            .iter()
            .find(|(key, node)| key.name == "servers" && node.table().is_some())
    };
    match place {
        "mcp" => deeper().map_or(node, |(_, servers)| servers),
        _ => node,
    }
}

#[cfg(test)]
mod tests;
