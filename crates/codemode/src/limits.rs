//! Every bound of this crate: what a host may choose stands in [`Limits`], the rest is constant.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What one script may use. Each has an error of its own when it is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Memory of the engine, in bytes.
    pub memory_bytes: usize,
    /// Time from the start of the script to its end, waiting for people not counted.
    pub wall: Duration,
    /// Calls of tools.
    pub calls: u32,
    /// Calls that run at the same time; further ones wait for their turn.
    pub in_flight: u32,
    /// One value that crosses: arguments, a result of a tool, the result of the script. In bytes of JSON.
    pub value_bytes: usize,
    /// Everything logged, in bytes.
    pub log_bytes: usize,
    /// The result as the agent gets it, in bytes; what is larger is kept. 24,000 bytes are about 6,000 tokens.
    pub result_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 64 << 20,
            wall: Duration::from_secs(30),
            // A list of thirty with three calls for each fits, and more.
            calls: 200,
            in_flight: 8,
            value_bytes: 1_000_000,
            log_bytes: 32 << 10,
            result_bytes: 24_000,
        }
    }
}

/// The text of a script.
pub const SCRIPT_BYTES_MAX: usize = 256 << 10;
/// The stack of the engine; the main thread has eight megabytes.
pub const STACK_BYTES: usize = 512 << 10;
/// Levels of a value that crosses.
pub const DEPTH_MAX: usize = 100;
/// Lines logged, however short.
pub const LOG_LINES_MAX: u32 = 1_000;
/// Timers that a script has at a time.
pub const TIMERS_MAX: usize = 1_000;
/// Searches, descriptions and kept results that a script asks for.
pub const LOOKUPS_MAX: u32 = 200;
/// Tools that one search gives.
pub const FOUND_MAX: u32 = 50;
/// What a message of an error may hold, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 4_000;
/// What a frame holds beside its value.
pub const FRAME_EXTRA_BYTES: usize = 64 << 10;
/// A frame that starts a script: its text and the names of all tools.
pub const START_FRAME_BYTES_MAX: usize = 32 << 20;

/// What waits for a worker to read it, before it is not answered any more.
pub const QUEUE_BYTES_MAX: usize = 4 << 20;

/// How long a worker may take from its start until it is ready.
pub const START_WAIT: Duration = Duration::from_secs(5);
/// How long a worker may take over its deadline to say so itself, before it is killed.
pub const DEADLINE_GRACE: Duration = Duration::from_millis(50);
/// However long people take, no script lives longer than this over its own time.
pub const PERSON_WAIT_MAX: Duration = Duration::from_secs(3600);
/// Workers that wait for a script, at most.
pub const WARM_MAX: usize = 8;
/// Processor time of a worker beyond the wall time of its script, after which the system ends it.
pub const CPU_EXTRA_SECONDS: u64 = 2;
/// By how much workers come after us where both want a core, in steps of `nice`: one that computes must not hold up the calls
/// of others.
pub const WORKER_NICE: i32 = 5;
/// Address space of a worker beyond the memory of its engine.
pub const ADDRESS_EXTRA_BYTES: u64 = 512 << 20;

/// Results kept for reading by range, and what they hold together.
pub const KEPT_MAX: usize = 64;
/// What kept results hold together, in bytes.
pub const KEPT_BYTES_MAX: usize = 32 << 20;
/// How long a result is kept.
pub const KEPT_FOR: Duration = Duration::from_secs(600);

/// A schema that is larger is not checked by us; its server does it.
pub const SCHEMA_BYTES_MAX: usize = 128 << 10;
/// Compiled schemas that are kept.
pub const SCHEMAS_MAX: usize = 1_024;
/// A tool's result that is larger teaches nothing about its shape.
pub const SHAPE_BYTES_MAX: usize = 256 << 10;
/// Results of one tool that its shape is learnt from.
pub const SHAPE_SAMPLES_MAX: u32 = 16;
/// Tools whose shapes are remembered.
pub const SHAPES_MAX: usize = 2_048;
/// Levels of a shape.
pub const SHAPE_DEPTH_MAX: usize = 6;
/// Keys of an object in a shape; with more of them, keys are data.
pub const SHAPE_KEYS_MAX: usize = 40;
/// Elements of an array that a shape is learnt from.
pub const SHAPE_ITEMS_MAX: usize = 50;

/// The declaration of one tool with its documentation, in bytes.
pub const DESCRIBE_BYTES_MAX: usize = 8_000;
/// One signature in an error or in a list of tools, in bytes.
pub const SIGNATURE_BYTES_MAX: usize = 600;
