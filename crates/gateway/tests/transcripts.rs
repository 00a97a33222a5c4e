//! The gateway between scripted clients and scripted servers. One binary for all of them: linking is what takes long.
//! Read `transcripts/harness.rs` first: it has the language of the scripts.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod transcripts {
    mod bridge_down;
    mod bridge_edges;
    mod bridge_up;
    mod bytes;
    mod calls;
    mod changes;
    mod chaos;
    mod dynamic_add;
    mod dynamic_ask;
    mod dynamic_config;
    mod dynamic_credentials;
    mod dynamic_exec;
    mod dynamic_find;
    mod dynamic_import;
    mod dynamic_mix;
    mod dynamic_more;
    mod dynamic_profile;
    mod dynamic_race;
    mod dynamic_stateless;
    mod greeting;
    mod guards;
    mod harness;
    mod learnt;
    mod lifecycle;
    mod limits;
    mod listens;
    mod lists;
    mod logging;
    mod masking;
    mod names;
    mod phases;
    mod policy;
    mod processes;
    mod questions;
    mod quiet;
    mod reloads;
    mod remote;
    mod resources;
    mod scripts;
    mod sharing;
    mod stateless;
    mod tasks;
    mod threads;
}
