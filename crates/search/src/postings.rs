//! Where terms occur, and how much they weigh there.

/// A server's place in the index. Places of removed servers are used again.
pub(crate) type Slot = u32;

/// The occurrences of one term, ordered by place.
#[derive(Debug, Default)]
pub(crate) struct Postings {
    pub servers: Vec<ServerPosting>,
    pub tools: Vec<ToolPosting>,
}

/// In one server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServerPosting {
    pub slot: Slot,
    pub weight: Weight,
}

/// What a term weighs in a server, before it is known how rare the term is. Depends on this server alone.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Weight {
    /// BM25F, from 0 to 1.
    pub bm25: f32,
    /// Its part of the text as a vector of length 1.
    pub cosine: f32,
    /// Whether it stands in name or title (1), or is known of them.
    pub head: f32,
}

/// In one tool.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ToolPosting {
    pub slot: Slot,
    pub tool: u32,
    /// BM25, from 0 to 1.
    pub bm25: f32,
}

impl Postings {
    pub(crate) fn add_server(&mut self, posting: ServerPosting) {
        // As an index is built, each server comes after all others.
        if self
            .servers
            .last()
            .is_none_or(|last| last.slot < posting.slot)
        {
            self.servers.push(posting);
            return;
        }
        let at = self.servers.partition_point(|p| p.slot < posting.slot);
        self.servers.insert(at, posting);
    }

    /// The tools of one server are added in their order.
    pub(crate) fn add_tool(&mut self, posting: ToolPosting) {
        if self
            .tools
            .last()
            .is_none_or(|last| last.slot <= posting.slot)
        {
            self.tools.push(posting);
            return;
        }
        let at = self.tools.partition_point(|p| p.slot <= posting.slot);
        self.tools.insert(at, posting);
    }

    pub(crate) fn remove(&mut self, slot: Slot) {
        if let Ok(at) = self.servers.binary_search_by_key(&slot, |p| p.slot) {
            self.servers.remove(at);
        }
        let from = self.tools.partition_point(|p| p.slot < slot);
        self.tools.drain(from..from + self.tools_of(slot).len());
    }

    /// Where it occurs in the tools of one server.
    pub(crate) fn tools_of(&self, slot: Slot) -> &[ToolPosting] {
        let from = self.tools.partition_point(|p| p.slot < slot);
        let to = self.tools.partition_point(|p| p.slot <= slot);
        &self.tools[from..to]
    }
}
