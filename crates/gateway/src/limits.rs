//! Every number that can hurt us. Each has a test that hits it, beside the code that holds it.

use std::time::Duration;

/// Stateless requests under way in the whole gateway; those of conversations are counted in each.
pub const STATELESS_IN_FLIGHT_MAX: u64 = 4096;
/// Messages kept for one call whose client does not read them.
pub const CALL_EVENTS_MAX: usize = 1024;
/// What these may hold together, unless it is one message alone.
pub const CALL_EVENTS_BYTES_MAX: usize = 32 << 20;
/// Messages kept for one conversation that nobody reads; the oldest notification goes first.
pub const OUTBOX_MESSAGES_MAX: usize = 256;
/// What these may hold together, unless it is one message alone.
pub const OUTBOX_BYTES_MAX: usize = 32 << 20;
/// Questions of servers that one client has not answered yet.
pub const QUESTIONS_MAX: usize = 64;
/// How long a question waits for the person before the server is told that nobody answered.
pub const QUESTION_WAIT: Duration = Duration::from_secs(600);
/// Pages of one list that we read from a server.
pub const LIST_PAGES_MAX: usize = 200;
/// Items of one list that we keep of a server.
pub const LIST_ITEMS_MAX: usize = 20_000;
/// Names among which one is looked for that was meant instead of a wrong one.
pub const NEAREST_AMONG_MAX: usize = 4096;
/// Bytes of one list that we keep of a server.
pub const LIST_BYTES_MAX: usize = 32 << 20;
/// Items in a page of our own lists.
pub const PAGE_ITEMS: usize = 1000;
/// How long one list request to a server may take.
pub const LIST_TIMEOUT: Duration = Duration::from_secs(20);
/// Readings of a server's lists that may follow at once on changes of them, beyond one in each step.
pub const RELISTS_AT_ONCE: u32 = 8;
/// How long such a step is: a server whose lists change all the time is read no more often.
pub const RELIST_STEP: Duration = Duration::from_secs(1);
/// However much progress it reports, no call lives longer.
pub const CALL_LIFE_MAX: Duration = Duration::from_secs(6 * 3600);
/// Times a broken event stream of a server is resumed for one call.
pub const RESUMES_MAX: u32 = 8;
/// The longest wait that a server can ask for before its stream is resumed.
pub const RETRY_WAIT_MAX: Duration = Duration::from_secs(30);
/// Resource subscriptions of one client.
pub const SUBSCRIPTIONS_MAX: usize = 10_000;
/// `subscriptions/listen` streams of one caller.
pub const LISTENS_MAX: usize = 1_000;
/// Characters of a merged `instructions` text that one server may fill.
pub const INSTRUCTIONS_CHARS_PER_SERVER: usize = 2_000;
/// Characters of the whole merged `instructions` text.
pub const INSTRUCTIONS_CHARS_MAX: usize = 8_000;
/// A server that ends sooner than this after its start has failed to start.
pub const START_LASTS: Duration = Duration::from_secs(10);
/// How long stopping a server may take before it is killed.
pub const STOP_GRACE: Duration = Duration::from_secs(2);
/// How long the end of the gateway waits for servers whose clients have gone: longer than each may take to be killed.
pub const END_WAIT: Duration = Duration::from_secs(10);
/// How long a server that makes place for another may take to end.
pub const ROOM_WAIT: Duration = Duration::from_secs(10);
/// How long an idle server may take to answer a ping before it is ended.
pub const PING_WAIT: Duration = Duration::from_secs(10);
/// Calls that wait because their server has as many under way as it may.
pub const LANE_WAITERS_MAX: usize = 256;
/// Processes of one server whose error output is kept.
pub const LOGS_KEPT: usize = 8;
/// How long a call that was taken back keeps its turn on a shared pipe.
pub const TAKEN_BACK_LINGER: Duration = Duration::from_secs(2);
/// How long the calls of a server that is no longer configured may go on.
pub const RETIRE_WAIT: Duration = Duration::from_secs(30);
/// How often such a server is looked at.
pub const RETIRE_LOOK: Duration = Duration::from_millis(100);
/// Views kept for reuse by other conversations.
pub const VIEWS_MAX: usize = 64;
/// Conversations and servers for which it is remembered what was refused to them, and questions about it that were asked.
pub const WISHES_MAX: usize = 1_000;
/// How many refused hosts are named with one failure.
pub const WISHES_TOLD_MAX: usize = 5;
/// Answers to rules that ask which are remembered in this process, and requests that passed such a rule and were asked back.
pub const CONSENTS_MAX: usize = 10_000;
/// How long such a request may come again with what its server asked for.
pub const CONSENT_LASTS: Duration = Duration::from_secs(600);
/// Characters of a call's arguments that the person is shown when a rule asks.
pub const SHOWN_ARGUMENTS_CHARS_MAX: usize = 600;
/// How often deadlines and idle times are looked at.
pub const SWEEP: Duration = Duration::from_secs(1);
/// Nesting of a tool schema that we look into for header annotations.
pub const SCHEMA_DEPTH_MAX: usize = 64;
/// How long a call may wait for the standing stream of a fresh session to open.
pub const STANDING_WAIT: Duration = Duration::from_millis(500);
/// How long a server of which nothing is known may be silent on the greeting of one era before it gets that of the other.
pub const PROBE_WAIT: Duration = Duration::from_secs(1);
/// How long a server that refused the greeting of one era may be silent on that of the other.
pub const SECOND_GREETING_WAIT: Duration = Duration::from_secs(5);
/// Sets of what a client can be asked for which one caller has upstreams to one server.
pub const SETS_MAX: usize = 8;
/// Times that a server is launched until it is greeted in an era that it speaks.
pub const STARTS_MAX: u32 = 3;
/// How long a call may wait until its server has heard which log messages it wants.
pub const LEVEL_WAIT: Duration = Duration::from_secs(1);
/// `resources/subscribe` requests to one server at a time.
pub const SUBSCRIBES_AT_ONCE: usize = 16;
/// How long the first question of a server waits for those that it asks together with it: they go out in one answer.
pub const GATHER_WAIT: Duration = Duration::from_millis(10);
/// How long a call waits for what its client answers with another request.
pub const PARKED_WAIT: Duration = Duration::from_secs(600);
/// The same where other calls wait for their turn at the server.
pub const PARKED_TURN_WAIT: Duration = Duration::from_secs(60);
/// Calls that wait so, in the whole gateway.
pub const PARKED_MAX: usize = 4096;
/// The same for one caller.
pub const PARKED_PER_CALLER_MAX: usize = 256;
/// Questions of one call that wait for its client at a time.
pub const INQUIRY_QUESTIONS_MAX: usize = 16;
/// What the questions of one call may hold together.
pub const INQUIRY_BYTES_MAX: usize = 4 << 20;
/// Questions that a server asked before there was a call that they could belong to.
pub const EARLY_QUESTIONS_MAX: usize = 8;
/// Times that a server may answer a call with questions.
pub const ROUNDS_MAX: u32 = 32;
/// The longest wait before a server that only asks to be asked again is asked again.
pub const ROUND_WAIT_MAX: Duration = Duration::from_secs(5);
/// How long clients may keep lists of a server that tells of their changes but not how long they last.
pub const BRIDGED_TTL_MS: u64 = 5_000;
/// Random bytes of a workspace's handle.
pub const HANDLE_BYTES: usize = 18;
/// Workspaces that can be named at a time.
pub const WORKSPACES_MAX: usize = 10_000;
/// Of these, of one caller.
pub const WORKSPACES_PER_CALLER_MAX: usize = 1_000;
/// Servers that one workspace adds.
pub const ADDED_MAX: usize = 64;
/// Servers of catalogs that came while the gateway runs.
pub const IMPORTED_MAX: usize = 10_000;
/// Mistakes told of one such catalog.
pub const IMPORT_PROBLEMS_MAX: usize = 20;
/// The most results of `mcp-find`.
pub const FOUND_MAX: usize = 50;
/// How long the person may think about a question of the gateway's own.
pub const PERSON_WAIT: Duration = Duration::from_secs(600);
/// How long a page of the gateway's own waits for the person.
pub const VISIT_LIFE: Duration = Duration::from_secs(600);
/// How long a request of a client that is asked by answers waits for the end of a visit, before it gets the link once more.
pub const VISIT_WAIT: Duration = Duration::from_secs(25);
/// How often a call looks for its server anew because another one has taken its place meanwhile: reloads take longer than that.
pub const REPLACED_MAX: usize = 10;
/// How often one request gets another token because the last one was refused.
pub const SIGN_INS_MAX: usize = 2;
/// Visits that requests can come back to.
pub const VISITS_MAX: usize = 256;
/// Scripts that run at a time in the whole gateway: each is a process.
pub const SCRIPTS_MAX: usize = 64;
/// Of these, of one caller.
pub const SCRIPTS_PER_CALLER_MAX: usize = 16;
/// Tools that take scripts, of one workspace.
pub const SCRIPT_TOOLS_MAX: usize = 16;
/// What the description of one of them says of the tools that its scripts can call, in bytes.
pub const SCRIPT_MENU_BYTES: usize = 4_000;
/// How often the client hears of the progress of a script, at most.
pub const SCRIPT_PROGRESS_EVERY: Duration = Duration::from_millis(200);
/// Lists of tools whose schemas are kept for scripts.
pub const SCRIPT_SCOPES_MAX: usize = 256;
/// Tools of one server whose definitions are pinned.
pub const PINS_MAX: usize = 1_000;
/// How old the list of a server's tools may be before a call to one of them has it read again, where definitions are compared.
pub const PINS_FRESH: Duration = Duration::from_secs(60);
/// The largest definition that is kept whole to be compared; of a larger one its digest is.
pub const PIN_BYTES_MAX: usize = 8 << 10;
/// Bytes of a description or title that clients get.
pub const DESCRIPTION_BYTES_MAX: usize = 16 << 10;
/// Levels of a definition in which descriptions are looked at.
pub const CLEAN_DEPTH_MAX: usize = 32;

/// Callers with accounts of their own of whom one server's ways in are kept while they have no connection.
pub(crate) const PASSES_MAX: usize = 1_024;
