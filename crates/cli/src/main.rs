//! The portolan command.
fn main() {}
