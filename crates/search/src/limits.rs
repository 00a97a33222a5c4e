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
pub const SERVERS_MAX: usize = 20_000;
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
/// Most terms that may stand for one word of a request: the best.
pub const TERMS_PER_WORD_MAX: usize = 48;
/// Requests with more words than this are not searched for mistakes, nor for words that look alike.
pub const REPAIRED_WORDS_MAX: usize = 12;
/// Shorter words are taken as they are.
pub const REPAIRED_CHARS_MIN: usize = 4;
/// From this length on a word may have two mistakes.
pub const TWO_MISTAKES_CHARS_MIN: usize = 8;
/// Most words that one mistaken word may have been.
pub const REPAIRS_MAX: usize = 3;
/// Most words whose distance to a mistaken one is computed: those most alike.
pub const REPAIR_TRIED_MAX: usize = 60;
/// Words that look less alike are not tried.
pub const REPAIR_LIKENESS_MIN: f32 = 0.3;
/// Shortest half of a word that may be two written as one.
pub const HALF_CHARS_MIN: usize = 3;
/// Most terms that stand for a word because they look alike.
pub const ALIKE_MAX: usize = 8;
/// Shortest beginning of a name that puts its server first.
pub const PREFIX_CHARS_MIN: usize = 3;
/// Most servers that are put first because the request is how their names begin.
pub const PREFIXED_MAX: usize = 5;
/// Results among which near-duplicates are looked for, as a multiple of those asked for.
pub const POOL_FACTOR: usize = 2;
