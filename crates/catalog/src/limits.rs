//! Every number that bounds what a file may say about servers.

/// Longest file that is read. Claude Code keeps its servers in a file that also holds its history.
pub const FILE_BYTES_MAX: usize = 16 << 20;
/// Most servers in one file.
pub const ENTRIES_MAX: usize = 10_000;
/// Most servers in one profile.
pub const PROFILE_SERVERS_MAX: usize = 256;
/// Most servers of a catalog that are changed one by one; of more, it is written as a whole.
pub const EDITS_MAX: usize = 64;
/// Most problems reported about one file; the rest is counted.
pub const PROBLEMS_MAX: usize = 100;
/// Most arguments, variables, headers or tool names in one entry.
pub const ITEMS_MAX: usize = 4_096;
/// Longest server name.
pub const NAME_CHARS_MAX: usize = 64;
/// Most `${…}` inside the default of another.
pub const EXPAND_DEPTH_MAX: usize = 8;
/// Longest value after `${…}` was replaced.
pub const EXPANDED_BYTES_MAX: usize = 1 << 20;
/// Longest time a call may take: one day.
pub const CALL_TIMEOUT_S_MAX: u64 = 86_400;
/// Most calls of one server that can be allowed at once.
pub const CALLS_AT_ONCE_MAX: u64 = 10_000;
/// Longest time a server may take to start: one hour.
pub const START_TIMEOUT_S_MAX: u64 = 3_600;
/// Longest time a server may sit unused: 30 days.
pub const IDLE_TIMEOUT_S_MAX: u64 = 2_592_000;
/// Most mistakes told of one configuration.
pub const CONFIG_PROBLEMS_MAX: usize = 10;
/// Longest message about one value of a configuration.
pub const PROBLEM_CHARS_MAX: usize = 240;
/// Deepest nesting of a YAML file.
pub const YAML_DEPTH_MAX: usize = 48;
/// Most values in one YAML file, those that aliases repeat counted each time.
pub const YAML_NODES_MAX: usize = 300_000;
/// Most of them that aliases repeat.
pub const YAML_ALIASED_MAX: usize = 50_000;
/// The longest description that an image may carry of itself.
pub const METADATA_BYTES_MAX: usize = 256 << 10;
/// The longest manifest of a bundle.
pub const BUNDLE_MANIFEST_BYTES_MAX: usize = 1 << 20;
/// The longest name, version or description in one.
pub const BUNDLE_TEXT_BYTES_MAX: usize = 16 << 10;
/// Tools, settings, arguments or variables that one may list.
pub const BUNDLE_ITEMS_MAX: usize = 256;
