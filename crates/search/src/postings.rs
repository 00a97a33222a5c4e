//! Where terms occur: in which servers, in which of their tools.

use crate::analyse::Counts;

/// A server's place in the index. Places of removed servers are used again.
pub(crate) type Slot = u32;

/// The occurrences of one term, ordered by place.
#[derive(Default)]
pub(crate) struct Postings {
    pub servers: Vec<ServerPosting>,
    pub tools: Vec<ToolPosting>,
}

/// In one server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServerPosting {
    pub slot: Slot,
    pub counts: Counts,
}

/// In one tool.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ToolPosting {
    pub slot: Slot,
    pub tool: u16,
    pub name: u8,
    pub text: u8,
}

impl Postings {
    pub(crate) fn add_server(&mut self, posting: ServerPosting) {
        let at = self.servers.partition_point(|p| p.slot < posting.slot);
        self.servers.insert(at, posting);
    }

    /// Tools of one server are added in order.
    pub(crate) fn add_tool(&mut self, posting: ToolPosting) {
        let at = self.tools.partition_point(|p| p.slot <= posting.slot);
        self.tools.insert(at, posting);
    }

    pub(crate) fn remove(&mut self, slot: Slot) {
        if let Ok(at) = self.servers.binary_search_by_key(&slot, |p| p.slot) {
            self.servers.remove(at);
        }
        let from = self.tools.partition_point(|p| p.slot < slot);
        let to = self.tools.partition_point(|p| p.slot <= slot);
        self.tools.drain(from..to);
    }

    pub(crate) fn in_server(&self, slot: Slot) -> Option<&ServerPosting> {
        let at = self.servers.binary_search_by_key(&slot, |p| p.slot).ok()?;
        Some(&self.servers[at])
    }
}
