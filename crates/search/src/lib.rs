//! The ranked index of servers and their tools.
mod analyse;
mod document;
mod found;
mod index;
mod lexicon;
pub mod limits;
mod names;
mod plan;
mod postings;
mod rank;
mod request;
mod shape;
mod stem;
mod text;
mod thin;
mod vocabulary;
mod weigh;
mod weights;

pub use document::{Document, Tool};
pub use found::{Found, Hit};
pub use index::Index;
