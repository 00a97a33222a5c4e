//! The ranked index of servers and their tools.
mod analyse;
mod document;
mod index;
mod lexicon;
pub mod limits;
mod plan;
mod postings;
mod rank;
mod shape;
mod stem;
mod text;
mod tune;
mod vocabulary;
pub use document::{Document, Tool};
pub use index::Index;
