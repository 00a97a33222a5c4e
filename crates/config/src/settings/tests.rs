//! The table of settings.

use super::*;

fn origin() -> Origin {
    Origin {
        layer: Layer::Flag,
        source: "--x".into(),
    }
}

fn set(name: &str, text: &str) -> Result<Settings, String> {
    let mut settings = Settings::default();
    let key = Settings::key(name).unwrap();
    let given = Given::from_text(key.kind, text)?;
    settings.apply(key, given, origin())?;
    Ok(settings)
}

#[test]
fn what_a_setting_shows_is_what_it_was_set_to() {
    for (name, text) in [
        ("host", "::1"),
        ("port", "0"),
        ("transport", "sse"),
        ("runtime", "sandbox"),
        ("runtime", "process"),
        ("runtime", "docker"),
        ("runtime", "podman"),
        ("allow_unsandboxed", "true"),
        ("pull", "never"),
        ("memory", "512m"),
        ("memory_total", "8g"),
        ("cpus", "0.5"),
        ("pids", "9"),
        ("install_scripts", "npm:a,pypi:b"),
        ("open_network", "a,b"),
        ("client_metadata_url", "https://h.example/c.json"),
        ("verify_signatures", "true"),
        ("image_keys", "a.example/*=/k.pub,catalog:team=k"),
        (
            "image_keys",
            "catalog:team=keyless:me@acme.test issuer https://acme.test",
        ),
        ("dynamic_tools", "false"),
        ("code_mode", "false"),
        ("script_time_s", "3600"),
        ("script_calls_max", "1"),
        ("script_inflight_max", "2"),
        ("script_memory_bytes_max", "8388608"),
        ("script_value_bytes_max", "1024"),
        ("script_log_bytes_max", "0"),
        ("script_result_bytes_max", "2048"),
        ("profile_tools", "true"),
        ("find_tools", "true"),
        ("registry_import", "true"),
        ("discover_prompt", "true"),
        ("tool_name_prefix", "true"),
        ("log_calls", "false"),
        ("log_format", "json"),
        ("tls_cert", "/etc/cert.pem"),
        ("tls_key", "/etc/key.pem"),
        ("secret_scan", "refuse"),
        ("secret_scan_without", "a,b*"),
        ("pin", "hold"),
        ("records", "false"),
        ("records_arguments", "true"),
        ("records_bytes_max", "65536"),
        ("records_files_max", "2"),
        ("call_timeout_s", "86400"),
        ("start_timeout_s", "1"),
        ("list_wait_s", "0"),
        ("idle_timeout_s", "0"),
        ("freeze_after_s", "60"),
        ("ping_after_s", "0"),
        ("servers_max", "50"),
        ("calls_at_once", "3"),
        ("prewarm", "true"),
        ("sessions_max", "7"),
        ("sessions_idle_s", "8"),
        ("inflight_max", "9"),
        ("body_bytes_max", "1024"),
        ("allowed_hosts", "a.example,b.example:80"),
        ("allowed_origins", "https://a.example,*"),
        ("allow_unauthenticated", "true"),
    ] {
        let settings = set(name, text).unwrap();
        for (key, shown, origin) in settings.shown() {
            let default = (key.show)(&Settings::default()).to_string();
            let (want, layer) = match key.name == name {
                true => (text, Layer::Flag),
                false => (default.as_str(), Layer::Default),
            };
            assert_eq!(
                (shown.as_str(), origin.layer),
                (want, layer),
                "{name}: {}",
                key.name
            );
        }
    }
}

#[test]
fn every_setting_is_tried_above() {
    assert_eq!(Settings::KEYS.len(), 56);
}

#[test]
fn defaults_are_within_their_own_limits() {
    for key in Settings::KEYS {
        let mut settings = Settings::default();
        let default = (key.show)(&settings);
        assert_eq!(
            settings.apply(key, default, origin()),
            Ok(()),
            "{}",
            key.name
        );
    }
}

#[test]
fn values_beyond_the_limits_say_what_would_do() {
    for (name, text, why) in [
        (
            "port",
            "65536",
            "must be a whole number from 0 to 65535, found 65536",
        ),
        (
            "port",
            "-1",
            "must be a whole number from 0 to 65535, found \"-1\"",
        ),
        (
            "call_timeout_s",
            "0",
            "must be a whole number from 1 to 86400, found 0",
        ),
        (
            "log_calls",
            "maybe",
            "must be true or false, found \"maybe\"",
        ),
        (
            "transport",
            "streeming",
            "must be one of \"stdio\", \"streaming\", \"sse\", found \"streeming\"; did you mean \"streaming\"?",
        ),
        (
            "client_metadata_url",
            "http://h.example/c.json",
            "must be an https address with a path, such as https://example.com/client.json, found \"http://h.example/c.json\"",
        ),
        (
            "host",
            "127.0.0.1:80",
            "must be a host name or an address without a port, found \"127.0.0.1:80\"",
        ),
        (
            "host",
            "",
            "must be a host name or an address without a port, found \"\"",
        ),
        (
            "allowed_origins",
            "example.com",
            "must hold an origin such as https://example.com, without a path, found \"example.com\"",
        ),
        (
            "allowed_hosts",
            "https://x",
            "must hold a host such as example.com or example.com:8811, found \"https://x\"",
        ),
        (
            "image_keys",
            "a/*=keyless:me@acme.test",
            "must hold IMAGE=FILE or catalog:NAME=FILE, such as ghcr.io/acme/*=/home/me/acme.pub, or keyless:IDENTITY issuer ISSUER in the place of FILE, found \"a/*=keyless:me@acme.test\"",
        ),
    ] {
        assert_eq!(set(name, text), Err(why.to_owned()));
    }
    assert!(
        set("allowed_hosts", &"a,".repeat(257))
            .unwrap_err()
            .contains("at most 256")
    );
}

#[test]
fn words_of_other_gateways_are_understood() {
    for word in ["http", "streamable", "streamable-http", "streaming"] {
        assert_eq!(
            set("transport", word).unwrap().transport,
            Transport::Streaming
        );
    }
    for (word, value) in [("YES", true), ("1", true), ("off", false)] {
        assert_eq!(set("log_calls", word).unwrap().log_calls, value);
    }
}

#[test]
fn a_project_cannot_open_the_gateway_to_others() {
    let closed: Vec<_> = Settings::KEYS
        .iter()
        .filter(|key| !key.from_project)
        .map(|key| key.name)
        .collect();
    assert_eq!(
        closed,
        [
            "host",
            "tls_cert",
            "tls_key",
            "runtime",
            "allow_unsandboxed",
            "pull",
            "memory",
            "memory_total",
            "cpus",
            "pids",
            "install_scripts",
            "open_network",
            "client_metadata_url",
            "verify_signatures",
            "image_keys",
            "dynamic_tools",
            "code_mode",
            "script_time_s",
            "script_calls_max",
            "script_inflight_max",
            "script_memory_bytes_max",
            "script_value_bytes_max",
            "script_log_bytes_max",
            "script_result_bytes_max",
            "profile_tools",
            "find_tools",
            "registry_import",
            "discover_prompt",
            "records",
            "records_arguments",
            "records_bytes_max",
            "records_files_max",
            "secret_scan",
            "secret_scan_without",
            "pin",
            "servers_max",
            "prewarm",
            "allowed_hosts",
            "allowed_origins",
            "allow_unauthenticated"
        ]
    );
}
