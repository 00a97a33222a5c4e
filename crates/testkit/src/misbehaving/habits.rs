//! The table of habits. What they do is beside it, by subject: [`conduct`] of the process and in time, [`answers`] to
//! calls, [`lists`] of tools, and the HTTP around them ([`replies`]).

mod answers;
mod conduct;
mod lists;
mod replies;

use super::{Act, Habit, Over};

/// Every habit.
pub const HABITS: &[Habit] = &[
    // In time, and of the process.
    says("silent", Over::Both, conduct::silent, "never says a word"),
    says(
        "silent-in-calls",
        Over::Both,
        conduct::silent_in_calls,
        "lists its tools and answers no call",
    ),
    says(
        "silent-in-lists",
        Over::Both,
        conduct::silent_in_lists,
        "is greeted and answers no list",
    ),
    says(
        "slow",
        Over::Both,
        conduct::slow,
        "answers each call after 300 ms",
    ),
    says(
        "slow-to-start",
        Over::Both,
        conduct::slow_to_start,
        "takes 3 s for the greeting",
    ),
    says(
        "crashes-at-start",
        Over::Stdio,
        conduct::crashes_at_start,
        "exits with 3 before it is greeted",
    ),
    says(
        "crashes-in-lists",
        Over::Stdio,
        conduct::crashes_in_lists,
        "exits with 4 when its tools are listed",
    ),
    says(
        "crashes-in-calls",
        Over::Stdio,
        conduct::crashes_in_calls,
        "exits with 5 in the middle of an answer to a call",
    ),
    says(
        "closes-stdout",
        Over::Stdio,
        conduct::closes_stdout,
        "closes its output at the first call and stays",
    ),
    says(
        "reads-nothing",
        Over::Stdio,
        conduct::reads_nothing,
        "reads nothing more after the first call",
    ),
    says(
        "deaf",
        Over::Stdio,
        conduct::deaf,
        "ignores SIGTERM and the end of its input",
    ),
    says(
        "forks",
        Over::Stdio,
        conduct::forks,
        "leaves processes of other sessions behind at every tenth call",
    ),
    says(
        "chatty-on-stderr",
        Over::Stdio,
        conduct::chatty_on_stderr,
        "writes on stderr without a pause",
    ),
    // Answers.
    says(
        "chatty",
        Over::Both,
        answers::chatty,
        "says 200 other things around each answer",
    ),
    says(
        "answers-twice",
        Over::Both,
        answers::twice,
        "gives each answer twice, the second time another one",
    ),
    says(
        "answers-others",
        Over::Both,
        answers::others,
        "answers with ids of nobody, and of every type, then properly",
    ),
    says(
        "wrong-ids",
        Over::Both,
        answers::wrong_ids,
        "answers calls with the id as a text",
    ),
    says(
        "invalid-utf8",
        Over::Both,
        answers::invalid_utf8,
        "answers calls with bytes that are no UTF-8",
    ),
    says(
        "no-json",
        Over::Both,
        answers::no_json,
        "prints banners and half messages between its answers",
    ),
    says(
        "long-lines",
        Over::Both,
        answers::long_lines,
        "answers calls with 100 MB",
    ),
    says(
        "deep-answers",
        Over::Both,
        answers::deep,
        "answers calls with arrays in arrays, 100,000 deep",
    ),
    says(
        "double-members",
        Over::Both,
        answers::double_members,
        "answers calls with two ids and two results",
    ),
    says(
        "wrong-types",
        Over::Both,
        answers::wrong_types,
        "answers calls with results and errors of every wrong type",
    ),
    says(
        "asks-always",
        Over::Both,
        answers::asks_always,
        "asks the client questions with one and the same id before it answers",
    ),
    says(
        "asks-for-ever",
        Over::Both,
        answers::asks_for_ever,
        "answers calls with the next question, for ever",
    ),
    says(
        "wrong-version",
        Over::Both,
        answers::wrong_version,
        "greets in a version that nobody knows",
    ),
    says(
        "false-progress",
        Over::Both,
        answers::false_progress,
        "reports progress of calls that are not under way, and backwards",
    ),
    // Lists.
    says(
        "schema-not-object",
        Over::Both,
        lists::not_object,
        "has tools whose schemas are of every type but object",
    ),
    says(
        "schema-huge",
        Over::Both,
        lists::huge,
        "has a tool with a schema of 4 MB",
    ),
    says(
        "schema-recursive",
        Over::Both,
        lists::recursive,
        "has a tool whose schema refers to itself",
    ),
    says(
        "schema-deep",
        Over::Both,
        lists::deep,
        "has a tool whose schema is 1,000 levels deep",
    ),
    says(
        "duplicate-tools",
        Over::Both,
        lists::duplicates,
        "lists its tools three times, each time with other schemas",
    ),
    says(
        "illegal-names",
        Over::Both,
        lists::illegal_names,
        "has tools with names that are empty, long, foreign, reserved or no names",
    ),
    says(
        "changes-always",
        Over::Both,
        lists::changes_always,
        "changes its tools and says so, 50 times a second",
    ),
    says(
        "endless-pages",
        Over::Both,
        lists::endless_pages,
        "has a next page, always",
    ),
    says(
        "same-page",
        Over::Both,
        lists::same_page,
        "has a next page, always the same",
    ),
    says(
        "wrong-lists",
        Over::Both,
        lists::wrong_types,
        "has an object where its tools should be a list",
    ),
    // HTTP.
    replies(
        "stalls-in-head",
        replies::stalls_in_head,
        "replies to calls with half a header",
    ),
    replies(
        "endless-head",
        replies::endless_head,
        "replies to calls with headers without an end",
    ),
    replies(
        "stalls-in-body",
        replies::stalls_in_body,
        "replies to calls with half a body",
    ),
    replies(
        "breaks-off",
        replies::breaks_off,
        "closes the connection in the middle of each answer to a call",
    ),
    replies(
        "endless-stream",
        replies::endless_stream,
        "replies to calls with events that never end and never answer",
    ),
    replies(
        "breaks-streams",
        replies::breaks_streams,
        "breaks off its streams and promises more, for ever",
    ),
    replies(
        "redirects-away",
        replies::redirects_away,
        "redirects calls to other hosts, private ones too",
    ),
    replies(
        "redirects-in-circles",
        replies::redirects_in_circles,
        "redirects calls to itself",
    ),
    replies(
        "expired",
        replies::expired,
        "has forgotten every session (404) at every call",
    ),
    replies(
        "wrong-headers",
        replies::wrong_headers,
        "replies with Mcp-* headers that are wrong, repeated and illegal",
    ),
    replies(
        "header-mismatch",
        replies::header_mismatch,
        "says that our Mcp-* headers are wrong, always",
    ),
    replies(
        "wrong-status",
        replies::wrong_status,
        "replies to calls with the wrong status and the wrong type",
    ),
    replies(
        "accepts-only",
        replies::accepts_only,
        "accepts calls (202) and answers nothing",
    ),
];

const fn says(
    name: &'static str,
    over: Over,
    act: fn(&super::Asked) -> Option<Vec<super::Step>>,
    doc: &'static str,
) -> Habit {
    Habit {
        name,
        doc,
        over,
        act: Act::Says(act),
    }
}

const fn replies(
    name: &'static str,
    act: fn(&super::http::Exchange<'_>) -> Option<Vec<super::http::Move>>,
    doc: &'static str,
) -> Habit {
    Habit {
        name,
        doc,
        over: Over::Http,
        act: Act::Replies(act),
    }
}
