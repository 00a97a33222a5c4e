//! What a search finds.

/// The answer to a request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// How many servers match and were admitted, whether they are among `hits` or not.
    pub total_matches: usize,
    /// The best of them, in the order in which they should be shown.
    pub hits: Vec<Hit>,
}

/// One server that matches.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Its name.
    pub name: String,
    /// How well it matches, from 0 to 1; 1 if it was asked for by name. Comparable within one answer only, and not always
    /// falling: a server much like one above it stands lower than its score.
    pub score: f32,
    /// Its tools that match best, the best first; at most
    /// [`TOOLS_PER_RESULT_MAX`](crate::limits::TOOLS_PER_RESULT_MAX).
    pub tools: Vec<String>,
}

/// One tool that matches.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolHit {
    /// Its server.
    pub server: String,
    /// Its name there.
    pub tool: String,
    /// How well it matches, from 0 to 1. Comparable within one answer only.
    pub score: f32,
    /// The share of the request that its name and description answer, from 0 to 1: comparable between indices.
    pub covered: f32,
}
