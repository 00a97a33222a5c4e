//! The ranked index of MCP servers and their tools: what `mcp-find` and `catalog search` ask.
//!
//! Owns what a server is searched by ([`Document`]), what a request in natural language means, and in which order servers
//! answer it ([`Index::search`]). Pure: it opens no file, knows no clock, and nothing of catalogs, states or callers; who maps
//! entries to documents also says, by a predicate, which servers may be shown. No request is an error, and none costs more than
//! the [limits] allow.
//!
//! How an answer comes about:
//!
//! 1. `request` takes the filters out; `shape` takes out paths, addresses and names of files, and says what they are.
//! 2. `text` and `stem` make terms of words: normalised, split at cases and scripts, stemmed if English.
//! 3. `plan` says which terms of the index may stand for each word: the word itself, repaired if nobody knows it, what means the
//!    same (`lexicon`), what looks alike (`vocabulary`), what it is in English. Words that only hold a sentence together stand
//!    for nothing (`stem`, and of other languages `filler`).
//! 4. `rank` adds up, for each server, the best term for each word, in three rankings: BM25F over the fields, the cosine of
//!    the whole texts, and what stands in name and title.
//! 5. `names` finds the servers that are asked for by name: they come first. `thin` lets near-duplicates of servers above them
//!    make room for others.
//! 6. The tools that match best are found for the hits alone. Who asks for tools ([`Index::search_tools`]) gets them of all servers.
//!
//! What a term weighs in a server depends on that server alone (`weigh`); how rare it is, on a count. So a server is inserted,
//! replaced or removed without a look at the others. Every number that was chosen by measuring stands in `weights`.
//!
//! ```
//! use portolan_search::{Document, Index, Tool};
//!
//! let mut index = Index::new();
//! index.insert(Document {
//!     name: "openweather".into(),
//!     description: "Weather for any place on earth".into(),
//!     kind: "remote".into(),
//!     tools: vec![Tool { name: "get_forecast".into(), description: "Forecast of the next days".into() }],
//!     ..Document::default()
//! });
//! let found = index.search("will it rain tomorow?", 10, |_| true);
//! assert_eq!(found.hits[0].name, "openweather");
//! assert!(index.search("rain type:container", 10, |_| true).hits.is_empty());
//! ```

mod analyse;
mod document;
mod filler;
mod found;
mod index;
mod lexicon;
pub mod limits;
mod names;
mod plan;
mod postings;
mod rank;
#[cfg(test)]
mod reference;
mod request;
mod shape;
mod stem;
mod text;
mod thin;
mod vocabulary;
mod weigh;
mod weights;

pub use document::{Document, Tool};
pub use found::{Found, Hit, ToolHit};
pub use index::Index;
