//! What is indexed of a server.

/// A server as it is searched for. Nothing in it changes with who asks: whether a server may be used by somebody is asked
/// of the caller of [`Index::search`](crate::Index::search) as the search runs.
///
/// What is longer than the [limits](crate::limits) is indexed up to them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    /// The name by which the server is added; the key of the index.
    pub name: String,
    /// The name for people; empty if there is none.
    pub title: String,
    /// What the server does, in prose of any language.
    pub description: String,
    /// Words that others chose to sort it by: tags, keywords, categories. What `tag:` filters by.
    pub tags: Vec<String>,
    /// How it is run (`remote`, `container`, `package`, …). What `type:` filters by.
    pub kind: String,
    /// Other facts worth finding it by: publisher, package name, host.
    pub facts: Vec<String>,
    /// Its tools, as far as they are known.
    pub tools: Vec<Tool>,
}

/// A tool as it is searched for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tool {
    /// The name that the server gives it.
    pub name: String,
    /// What it does.
    pub description: String,
}
