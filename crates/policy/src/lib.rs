//! Rules over calls: facts in, decision out.
//!
//! Owns what a rule can say ([`Rule`]), what it can know ([`Facts`]), and what follows ([`Policy::decide`]): the first rule that
//! applies decides, else the default. Pure: it opens no file, knows no clock and remembers nothing; who asks a person and keeps
//! the answer is elsewhere. Refuses a rule that it cannot read as a whole: one that were left out silently would be a hole.
//!
//! What cannot be decided is decided against the call: a condition that fails makes a rule that denies or asks apply, and one
//! that allows not apply; arguments that two readers could read differently are unreadable.
//!
//! Read `rule` first, then `facts`, then `policy`, then `condition`.

mod arguments;
mod condition;
mod docker;
mod facts;
mod glob;
pub mod limits;
mod lint;
mod policy;
mod rule;
mod time;

pub use docker::{DockerError, DockerRules, read_docker};
pub use facts::{Asked, Era, Facts, Hints, ServerFacts, full_image};
pub use glob::matches as glob;
pub use policy::{BuildError, Outlook, Part, Policy, Ruling, Step, Verdict};
pub use rule::{Decision, Remember, Rule, Source};
