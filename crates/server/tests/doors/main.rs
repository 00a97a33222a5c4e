//! The front doors from outside: real sockets, a client that speaks HTTP by hand, a scripted server behind.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

extern crate portolan_server as server;

mod admin;
mod attach;
mod callers;
mod guard;
mod harness;
#[expect(dead_code, reason = "shared with the tests on a paused clock")]
mod http;
mod legacy;
mod lifecycle;
mod limits;
mod pages;
mod script;
mod stateless;
mod stdio;
mod streamable;
mod streams;
mod tls;
