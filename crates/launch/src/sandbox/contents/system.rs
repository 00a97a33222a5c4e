//! What every box has of the system: programs and libraries, and the little of `/etc` that they read.

use std::fs;
use std::path::Path;

use crate::sandbox::plan::Item;

/// Shown where they exist, read-only. What is a link there is the same link inside.
const PARTS: &[&str] = &[
    "/usr",
    "/bin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/sbin",
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/crypto-policies",
    "/etc/fonts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/os-release",
    "/etc/pki/ca-trust",
    "/etc/pki/tls/certs",
    "/etc/protocols",
    "/etc/services",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/timezone",
];

/// Whether a path is in what every box has.
pub(super) fn holds(path: &Path) -> bool {
    PARTS.iter().any(|part| path.starts_with(part))
}

/// Whom the machine asks for names.
const NAMES: &[&str] = &["/etc/hosts", "/etc/resolv.conf"];

/// For a server on the machine's network: read-only, wherever they lie.
pub(in crate::sandbox) fn names() -> Vec<Item> {
    let share = |at: &&str| {
        Some(Item::Share {
            at: (*at).into(),
            from: fs::canonicalize(at).ok()?.into(),
            writable: false,
            users: None,
        })
    };
    NAMES.iter().filter_map(share).collect()
}

/// What of it there is here.
pub(super) fn items() -> Vec<Item> {
    let item = |part: &&str| {
        let at = (*part).into();
        match fs::read_link(part) {
            Ok(target) => Some(Item::Link {
                at,
                to: target.into(),
            }),
            Err(_) => Some(Item::Share {
                from: fs::canonicalize(part).ok()?.into(),
                at,
                writable: false,
                users: None,
            }),
        }
    };
    PARTS.iter().filter_map(item).collect()
}
