//! Transcripts: what clients and servers say to the gateway, and what they must hear, line by line.
//!
//! ```text
//! server a {"tools":["echo"]}                     a server; it answers its handshake and its lists by itself
//! gateway {"list_wait":5}                         a setting, in seconds
//! client 1 opens http as ann                      a conversation (stdio and "somebody" unless told)
//! client 1 hello {"roots":{}} 2025-06-18          its handshake, with these capabilities
//! client 1 -> #7 tools/call {"name":"echo"}       it says; see `message` for the short forms
//! client 1 ~> #7 tools/list                       the same with the `_meta` of the stateless era
//! caller ann ~> #7 tools/list                     stateless, over HTTP, without a conversation
//! caller ann headers {"name":"x"}                 its next request has a header that its body does not say
//! server a <- #$id tools/call {"name":"echo"}     it hears; see `pattern` for `*`, `...` and `$name`
//! server a <= {"jsonrpc":"2.0",…                  it hears, byte for byte
//! server a.2 -> #$id = {"content":[]}             its second connection says
//! client 1 <- 200 #7 = {"content":[]}             it hears, with this HTTP status
//! client 1 <- silence                             or an answer of no bytes, `retry 500`, `end`, `gone`
//! client 1 drops #7                               it does not wait for this answer any more
//! client 1 hears nothing
//! server a {"catalog":true,"config":{…}}          to be found and added, not configured; see `Spec` for what it wants
//! server a ran "a --level debug K=v"              with this command line and environment it was started last
//! person keeps a.token hunter2                    what the person has set, or does with a page; see `person`
//! person sees $url {"server":"a", ...}            what is on a page that they were shown
//! caller ann.2 enters $w                          its requests come in at the endpoint of this workspace
//! advance 5s                                      the only way for time to pass
//! ```
//!
//! Servers also: `is held`, `starts`, `fails "why"` (where `launch` is `held`), `dies`, `sleeps`, `ends` (the gateway closed it), `has {…}`
//! (offers something else from now on), `felt freeze thaw` (what was done to its process since, where it has one), `is {…}` (its status), `launches N`, `hears nothing`. Behind HTTP: `heard {…}` (headers
//! of the request that was looked at last), `gives MESSAGE` (with a new session), `replies STATUS MESSAGE`, `forgets` (its
//! sessions), and `on ID|GET|DELETE|listen` with `begins`, `-> MESSAGE`, `event ID RETRY MESSAGE`, `endpoint PATH`,
//! `status N TEXT`, `ends`, `gone` (the gateway closed it). Clients also `closes`, `cannot open`. The gateway `stops a`, `restarts
//! a`, `shuts down 5s`, `is down`, `is not down`. `recorded METHOD SERVER NAME OUTCOME` is what the recorder got next.
//!
//! Each message must be looked at: what is left in the end fails the transcript.

mod client;
mod http;
mod log;
mod message;
pub(crate) mod pattern;
mod person;
mod server;
mod world;

pub(crate) use client::Item;
pub(crate) use person::Somebody;
pub(crate) use server::lock;
pub(crate) use world::World;

/// Plays one transcript from its beginning to its end.
pub(crate) async fn check(script: &str) {
    let mut world = World::default();
    world.run(script).await;
    world.finish().await;
}
