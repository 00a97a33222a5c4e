//! Workspaces, routing, naming, aggregation and the call pipeline.
pub mod front;
