//! The port for clients over HTTP: ours, free, or somebody else's.

use std::io::ErrorKind;
use std::net::TcpListener;

use super::finding::Finding;
use super::scene::Scene;

const CHECK: &str = "port";

pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    let settings = &scene.loaded.settings;
    let (host, port) = (settings.host.as_str(), settings.port);
    let ours = format!(":{port}/");
    if let Some(gateway) = scene.running().find(|gateway| {
        gateway
            .url
            .as_deref()
            .is_some_and(|url| url.contains(&ours))
    }) {
        return vec![Finding::good(
            CHECK,
            format!("{port} is our own, of {}", gateway.id),
        )];
    }
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    vec![match TcpListener::bind((bare, port)) {
        Ok(_) => Finding::good(CHECK, format!("{host}:{port} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            Finding::warning(CHECK, format!("{host}:{port} is used by another program"))
                .mend("set `port` in config.toml to another one")
        }
        Err(error) => Finding::warning(
            CHECK,
            format!("nothing can listen on {host}:{port}: {error}"),
        )
        .mend("set `host` and `port` in config.toml"),
    }]
}
