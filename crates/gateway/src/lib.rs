//! Workspaces, routing, naming, aggregation and the call pipeline.
//!
//! Owns: what a client's message means and where it goes. Refuses: sockets, HTTP servers, command lines, container
//! engines and JavaScript; those are behind the traits of `transport`, `launch` and this crate. Read `front` for what
//! the doors see, `pipeline` for the life of a request, `upstream` for the life of a server, `view` for names, `bridge` for what the
//! two eras do differently.

mod about;
mod annotation;
mod asks;
mod bridge;
mod call;
mod calls;
mod chosen;
mod cleaning;
mod complaints;
mod consents;
mod core;
mod dynamic;
mod eras;
mod error;
mod follow;
pub mod front;
mod identify;
mod inbound;
mod intercept;
mod labels;
pub mod limits;
mod listen;
mod lists;
mod method;
mod naming;
mod options;
mod outbox;
mod outward;
mod phase;
mod pins;
mod pipeline;
mod record;
mod routed;
mod rules;
mod scanning;
mod script;
pub mod scripts;
mod secrecy;
mod server;
mod session;
mod sign_in;
mod slot;
mod status;
mod tasks;
mod telemetry;
mod template;
mod trace;
mod upstream;
mod view;
mod visit;
mod workspace;

pub use consents::Key as ConsentKey;
pub use dynamic::enable_command;
pub use error::Fault;
pub use options::{Dynamic, Features, Options, Person, Pull, SavedProfile, Settings};
pub use phase::{
    Admission, AllowAll, CallFacts, Decider, Decision, Denial, Interceptor, Permit, Question,
    Verdict, When, Whose,
};
pub use pins::{Pin, Pinned, Pins, pins_key};
pub use record::{Arguments, CallRecord, Decided, NoRecorder, Outcome, Recorder, StartRecord};
pub use rules::{Rules, mark, server_facts};
pub use scanning::{ScanMode, SecretScan};
pub use sign_in::SignIns;
pub use visit::{Away, End, Field, Finish, Page, Pages, Place, Unfinished, Ungiven, Visit};
