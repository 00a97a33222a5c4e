//! The tools that one script sees, by server.

use std::collections::HashMap;
use std::sync::Arc;

use gateway::scripts::Tool;

use crate::names::Names;

/// Tools and what they are called.
pub(crate) struct Scope {
    pub(crate) names: Names,
    /// As the host gave them, but those of a server together.
    pub(crate) tools: Vec<Arc<Tool>>,
    /// For each tool, the places of its server and of itself in the names.
    pub(crate) places: Vec<(usize, usize)>,
    /// For each server, where its tools begin.
    starts: Vec<usize>,
    /// From the host's order to ours.
    moved: Vec<usize>,
}

impl Scope {
    pub(crate) fn new(given: Vec<Arc<Tool>>) -> Self {
        let mut order: HashMap<&str, usize> = HashMap::new();
        for tool in &given {
            let next = order.len();
            order.entry(&tool.server).or_insert(next);
        }
        let mut sorted: Vec<(usize, usize)> = given
            .iter()
            .enumerate()
            .map(|(at, tool)| (order[tool.server.as_str()], at))
            .collect();
        sorted.sort_unstable();
        let mut moved = vec![0; given.len()];
        let mut servers: Vec<(&str, Vec<&str>)> = Vec::new();
        let (mut places, mut starts) = (Vec::new(), Vec::new());
        for (ours, (server, theirs)) in sorted.iter().enumerate() {
            moved[*theirs] = ours;
            let tool = &given[*theirs];
            if servers.len() == *server {
                servers.push((&tool.server, Vec::new()));
                starts.push(ours);
            }
            places.push((*server, ours - starts[*server]));
            servers[*server].1.push(&tool.name);
        }
        let names = Names::new(servers);
        let tools = sorted.iter().map(|(_, at)| given[*at].clone()).collect();
        Self {
            names,
            tools,
            places,
            starts,
            moved,
        }
    }

    /// The tool at a place in the names.
    pub(crate) fn at(&self, server: usize, tool: usize) -> Option<&Arc<Tool>> {
        self.names.servers.get(server)?.tools.get(tool)?;
        self.tools.get(self.starts.get(server)? + tool)
    }

    /// A tool by its place in what the host gave, and its label.
    pub(crate) fn given(&self, at: usize) -> Option<(&Arc<Tool>, String)> {
        let ours = *self.moved.get(at)?;
        let (server, tool) = self.places[ours];
        Some((&self.tools[ours], self.names.label(server, tool)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tools_of_a_server_are_together_and_found_by_either_order() {
        let tool = |server: &str, name: &str| {
            Arc::new(Tool {
                server: server.into(),
                ..(*crate::shapes::plain_tool(name)).clone()
            })
        };
        let scope = Scope::new(vec![tool("b", "1"), tool("a", "2"), tool("b", "3")]);
        let servers: Vec<_> = scope
            .names
            .servers
            .iter()
            .map(|server| server.name.as_str())
            .collect();
        assert_eq!(servers, ["b", "a"]);
        assert_eq!(scope.at(0, 1).unwrap().name, "3");
        assert_eq!(scope.at(1, 0).unwrap().name, "2");
        assert!(scope.at(1, 1).is_none() && scope.at(2, 0).is_none());
        assert_eq!(scope.given(1).unwrap().1, "a._2");
        assert_eq!(scope.given(2).unwrap().0.name, "3");
        assert!(scope.given(3).is_none());
    }
}
