//! Every number that bounds what a server or a request may cost the index.

/// Longest part of a request that is read; what follows is ignored.
pub const QUERY_BYTES_MAX: usize = 4_096;
/// Most distinct words of a request that are searched for: the rarest.
pub const QUERY_WORDS_MAX: usize = 64;
/// Most filters (`type:`, `tag:`) that are read in a request; further ones are ignored.
pub const FILTERS_MAX: usize = 16;
/// Most results of one search.
pub const RESULTS_MAX: usize = 100;
/// Most tools named with a result.
pub const TOOLS_PER_RESULT_MAX: usize = 5;
/// Most servers in an index.
pub const SERVERS_MAX: usize = 100_000;
/// Most tools of one server that are indexed.
pub const TOOLS_MAX: usize = 2_048;
/// Longest part of a name, title, tag, fact or tool name that is indexed.
pub const LABEL_BYTES_MAX: usize = 256;
/// Longest part of a description that is indexed.
pub const TEXT_BYTES_MAX: usize = 8_192;
/// Most tags, and most facts, of one server that are indexed.
pub const LABELS_MAX: usize = 64;
/// Longest word: longer runs of letters are cut.
pub const WORD_CHARS_MAX: usize = 48;
