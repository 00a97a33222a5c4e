//! What a value of a setting must be beside its kind: each says what would do where it is not.

use super::Given;
use crate::limits::{CPUS_MAX, MEMORY_BYTES_MIN};

pub(super) fn anything(_: &Given) -> Result<(), String> {
    Ok(())
}

pub(super) fn is_host(given: &Given) -> Result<(), String> {
    let host = given.to_string();
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(&host);
    let is_name = !host.is_empty()
        && host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    match is_name || bare.parse::<std::net::Ipv6Addr>().is_ok() {
        true => Ok(()),
        false => Err(format!(
            "must be a host name or an address without a port, found \"{host}\""
        )),
    }
}

pub(super) fn are_hosts(given: &Given) -> Result<(), String> {
    each(
        given,
        "a host such as example.com or example.com:8811",
        |host| !host.is_empty() && !host.contains(['/', '@', ' ', '?', '#']),
    )
}

pub(super) fn are_image_keys(given: &Given) -> Result<(), String> {
    each(
        given,
        "IMAGE=FILE or catalog:NAME=FILE, such as ghcr.io/acme/*=/home/me/acme.pub, or keyless:IDENTITY issuer ISSUER in the place of FILE",
        |rule| {
            let Some((left, right)) = rule.split_once('=') else {
                return false;
            };
            let is_signer = match right.trim().strip_prefix("keyless:") {
                Some(named) => named.split_once(" issuer ").is_some_and(|(who, issuer)| {
                    !who.trim().is_empty() && !issuer.trim().is_empty()
                }),
                None => !right.trim().is_empty(),
            };
            !left.trim().is_empty() && is_signer
        },
    )
}

pub(super) fn are_packages(given: &Given) -> Result<(), String> {
    each(given, "a package, npm:NAME or pypi:NAME", |package| {
        let name = package
            .strip_prefix("npm:")
            .or_else(|| package.strip_prefix("pypi:"));
        name.is_some_and(|name| {
            !name.is_empty() && !name.starts_with('-') && !name.contains(char::is_whitespace)
        })
    })
}

pub(super) fn is_document(given: &Given) -> Result<(), String> {
    let text = given.clone().text();
    let host = text
        .strip_prefix("https://")
        .and_then(|rest| rest.split_once('/'));
    let is_good = host.is_some_and(|(host, path)| {
        !host.is_empty() && !path.is_empty() && !text.contains(['#', '@', ' '])
    });
    match text.is_empty() || is_good {
        true => Ok(()),
        false => Err(format!(
            "must be an https address with a path, such as https://example.com/client.json, found \"{text}\""
        )),
    }
}

pub(super) fn are_origins(given: &Given) -> Result<(), String> {
    each(
        given,
        "an origin such as https://example.com, without a path",
        |origin| {
            origin == "*"
                || origin.split_once("://").is_some_and(|(scheme, host)| {
                    !scheme.is_empty()
                        && !host.is_empty()
                        && !host.contains(['/', '@', ' ', '?', '#'])
                })
        },
    )
}

fn each(given: &Given, wanted: &str, valid: fn(&str) -> bool) -> Result<(), String> {
    match given.clone().texts().iter().find(|item| !valid(item)) {
        Some(item) => Err(format!("must hold {wanted}, found \"{item}\"")),
        None => Ok(()),
    }
}

pub(super) fn is_memory_or_none(given: &Given) -> Result<(), String> {
    match given {
        Given::Text(text) if text == "0" => Ok(()),
        _ => is_memory(given),
    }
}

pub(super) fn is_memory(given: &Given) -> Result<(), String> {
    let Given::Text(text) = given else {
        return Ok(());
    };
    match catalog::size_in_bytes(text) {
        Some(bytes) if bytes >= MEMORY_BYTES_MIN => Ok(()),
        Some(_) => Err(format!(
            "it must be at least {} MiB",
            MEMORY_BYTES_MIN >> 20
        )),
        None => Err("write a size such as 512m or 2g".to_owned()),
    }
}

pub(super) fn are_cpus(given: &Given) -> Result<(), String> {
    let Given::Text(text) = given else {
        return Ok(());
    };
    match text.parse::<f32>() {
        Ok(cpus) if (0.01..=CPUS_MAX).contains(&cpus) => Ok(()),
        _ => Err(format!(
            "write a number from 0.01 to {CPUS_MAX}, such as 0.5"
        )),
    }
}
