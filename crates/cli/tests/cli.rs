//! The real binary, as people and scripts use it. One binary for all tests: linking is what takes long.
//! Read `cli/home.rs` first: every test has a home of its own and an environment of nothing else.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod cli {
    mod artifacts;
    mod bad_input;
    mod callers;
    mod calls;
    mod catalog;
    mod catalog_url;
    mod client;
    mod completion;
    #[cfg(target_os = "linux")]
    mod contained;
    mod credentials;
    mod demo;
    mod docker_lines;
    mod docker_plugin;
    mod doctor;
    mod dynamic;
    mod feature;
    mod guards;
    mod guides;
    mod home;
    mod http;
    mod image_registry;
    mod issuer;
    mod leaks;
    mod misbehaving;
    mod misbehaving_clients;
    mod oauth;
    mod output;
    mod own_catalogs;
    mod packages;
    mod planted;
    mod policy;
    mod profile;
    mod profiles_http;
    mod reload;
    mod sandbox;
    mod scripts;
    mod search;
    mod secret;
    mod server;
    mod server_config;
    mod stdio;
    mod templates;
    mod tools;
    mod up;
    mod visitors;
    mod watch;
}
