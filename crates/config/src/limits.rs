//! Every number that bounds our own files and what they may set.

/// Largest token file.
pub const TOKEN_FILE_BYTES_MAX: u64 = 4_096;
/// Random bytes in a token that we make.
pub const TOKEN_BYTES: usize = 32;
/// Largest file of one running gateway.
pub const RUNNING_FILE_BYTES_MAX: u64 = 64 << 10;
/// Longest id of a running gateway.
pub const RUNNING_ID_CHARS_MAX: usize = 64;
/// Largest configuration file of our own form.
pub const CONFIG_FILE_BYTES_MAX: usize = 1 << 20;
/// Folders looked at, upward from the working folder, for a project file.
pub const PROJECT_FOLDERS_MAX: usize = 64;
/// Mistakes of syntax reported per file.
pub const SYNTAX_PROBLEMS_MAX: usize = 20;
/// Most items in a list of hosts or origins.
pub const LIST_ITEMS_MAX: usize = 256;

/// Longest time the first list may wait for servers whose tools were never seen.
pub const LIST_WAIT_S_MAX: u64 = 60;
/// Most servers of this machine that may be allowed at once.
pub const SERVERS_MAX: u64 = 10_000;
/// Most sessions that may be allowed at once.
pub const SESSIONS_MAX: u64 = 1_000_000;
/// Longest time a session may sit unused: 30 days.
pub const SESSIONS_IDLE_S_MAX: u64 = 2_592_000;
/// Most calls in flight that one session may be allowed.
pub const INFLIGHT_MAX: u64 = 65_536;
/// Smallest and largest limit for one request body.
pub const BODY_BYTES_MIN: u64 = 1 << 10;
/// The largest message that can be read at all.
pub const BODY_BYTES_MAX: u64 = 16 << 20;

/// Most catalogs of a person's own.
pub const CATALOGS_MAX: usize = 256;
/// Most profiles.
pub const PROFILES_MAX: usize = 256;
/// Most copies of fetched catalogs that are kept.
pub const FETCHED_MAX: usize = 64;
/// Most files of one import.
pub const IMPORT_FILES_MAX: usize = 50_000;
/// Most text of one import.
pub const IMPORT_BYTES_MAX: usize = 256 << 20;
/// Folders inside folders that an import looks into.
pub const IMPORT_DEPTH_MAX: usize = 6;
/// The least memory that a box or container may be given.
pub(crate) const MEMORY_BYTES_MIN: u64 = 6 << 20;
/// The most processors.
pub(crate) const CPUS_MAX: f32 = 1024.0;
/// The most processes and threads: what Linux has at most.
pub(crate) const PIDS_MAX: u64 = 4_194_304;
/// The most seconds that a script may be given.
pub const SCRIPT_TIME_S_MAX: u64 = 3_600;
/// The most calls that a script may be given.
pub const SCRIPT_CALLS_MAX: u64 = 100_000;
/// The most calls in flight that a script may be given.
pub const SCRIPT_INFLIGHT_MAX: u64 = 64;
/// What an engine for scripts needs to start.
pub const SCRIPT_MEMORY_BYTES_MIN: u64 = 8 << 20;
/// The most memory that a script may be given.
pub const SCRIPT_MEMORY_BYTES_MAX: u64 = 1 << 30;
/// The smallest bound for a value of a script.
pub const SCRIPT_VALUE_BYTES_MIN: u64 = 1 << 10;
/// The largest bound for a value of a script.
pub const SCRIPT_VALUE_BYTES_MAX: u64 = 16 << 20;
/// The largest bound for what a script logs.
pub const SCRIPT_LOG_BYTES_MAX: u64 = 1 << 20;
/// The smallest bound for a result of a script.
pub const SCRIPT_RESULT_BYTES_MIN: u64 = 1 << 10;
/// The largest bound for a result of a script.
pub const SCRIPT_RESULT_BYTES_MAX: u64 = 1 << 20;
/// The least size of a file of records.
pub const RECORDS_BYTES_LEAST: u64 = 64 << 10;
/// The largest.
pub const RECORDS_BYTES_MOST: u64 = 1 << 30;
/// The most scopes that give callers rights.
pub const AUTH_RIGHTS_MAX: usize = 256;
/// The most requests within a minute that a caller may be allowed.
pub const CALLER_RATE_MAX: u32 = 1_000_000;
/// The most requests at once.
pub const CALLER_AT_ONCE_MAX: u32 = 100_000;
/// How long an interceptor may take, unless it is said.
pub const INTERCEPTOR_TIME_S: u64 = 5;
/// The longest time.
pub const INTERCEPTOR_TIME_S_MAX: u64 = 300;
/// Interceptors of one gateway.
pub const INTERCEPTORS_MAX: usize = 64;
/// Callers with tokens of their own.
pub const CALLERS_MAX: usize = 10_000;
/// The file that they stand in.
pub const CALLERS_FILE_BYTES_MAX: u64 = 16 << 20;
/// The longest file in which Docker keeps its accounts.
pub const DOCKER_CONFIG_BYTES_MAX: u64 = 1 << 20;
