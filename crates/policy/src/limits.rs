//! Every number that bounds what a rule may be, and what is spent on one decision.

/// Most rules of one gateway.
pub const RULES_MAX: usize = 1_000;
/// Most patterns in one list of a rule.
pub const PATTERNS_MAX: usize = 256;
/// Longest pattern, name or reason.
pub const TEXT_CHARS_MAX: usize = 512;

/// Longest condition.
pub const CONDITION_BYTES_MAX: usize = 2_048;
/// How deep a condition may nest.
pub const CONDITION_DEPTH_MAX: u16 = 32;
/// Most walks over a list or map (`all`, `exists`, `exists_one`, `filter`) in one condition. They do not nest.
pub const CONDITION_WALKS_MAX: usize = 4;
/// Largest compiled regular expression of `matches`.
pub const REGEX_BYTES_MAX: usize = 256 << 10;

/// Most bytes of those arguments that conditions read. What they do not read may be larger.
pub const ARGUMENT_BYTES_MAX: usize = 64 << 10;
/// Most values in those arguments.
pub const ARGUMENT_VALUES_MAX: usize = 4_096;
/// How deep those arguments may nest.
pub const ARGUMENT_DEPTH_MAX: usize = 64;
/// How deep those may nest that are read without the interpreter. Each level is walked over once more.
pub const CLEAN_DEPTH_MAX: usize = 8;

/// Largest file of Docker's rules.
pub const DOCKER_BYTES_MAX: usize = 1 << 20;
/// Longest message about a condition that failed.
pub const WHY_CHARS_MAX: usize = 200;
