//! Names as clients see them: each tool keeps its own while that is legal and unique; else it gets
//! `server__tool`. A name once given in a workspace stays with its tool.

use std::collections::{HashMap, HashSet};

use crate::limits::NEAREST_AMONG_MAX;

/// The longest name that clients accept.
pub(crate) const NAME_MAX: usize = 64;

/// Names that no server can take.
const RESERVED: [&str; 11] = [
    "mcp-find",
    "mcp-add",
    "mcp-config-set",
    "mcp-remove",
    "mcp-exec",
    "code-mode",
    "mcp-create-profile",
    "mcp-activate-profile",
    "find-tools",
    "mcp-registry-import",
    "mcp-discover",
];

/// Something that needs a name: the server it belongs to and its own name there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Owned {
    pub(crate) server: Box<str>,
    pub(crate) own: Box<str>,
}

/// Gives each of `wanted`, in this order, the name under which clients see it. `given` are the names that were given in
/// the workspace so far, also to what is not there at the moment; `servers` all its servers. With `always_prefixed` none keeps
/// its own.
pub(crate) fn assign<'a>(
    wanted: &[Owned],
    given: &HashMap<Owned, Box<str>>,
    servers: impl Iterator<Item = &'a str>,
    always_prefixed: bool,
) -> Vec<Box<str>> {
    let servers: HashSet<Box<str>> = servers.map(legal).collect();
    let mut taken: HashSet<Box<str>> = given.values().cloned().collect();
    let mut users: HashMap<Box<str>, usize> = HashMap::with_capacity(wanted.len());
    for item in wanted.iter().filter(|item| !given.contains_key(*item)) {
        *users.entry(legal(&item.own)).or_default() += 1;
    }
    let mut names = Vec::with_capacity(wanted.len());
    for item in wanted {
        if let Some(name) = given.get(item) {
            names.push(name.clone());
            continue;
        }
        let plain = legal(&item.own);
        let is_free = !always_prefixed
            && users[&plain] == 1
            && !taken.contains(&plain)
            && !is_reserved(&plain)
            && !is_of_another(&plain, &item.server, &servers);
        let name = if is_free {
            plain
        } else {
            prefixed(item, &taken)
        };
        taken.insert(name.clone());
        names.push(name);
    }
    names
}

/// Whether a name reads as if it were a tool of another server: `server__tool` is to lead to that server.
fn is_of_another(name: &str, server: &str, servers: &HashSet<Box<str>>) -> bool {
    let mut prefixes = name.match_indices("__").map(|(at, _)| &name[..at]);
    prefixes.any(|prefix| servers.contains(prefix) && *prefix != *legal(server))
}

/// The name with the server in front, made unique if even that is taken.
fn prefixed(item: &Owned, taken: &HashSet<Box<str>>) -> Box<str> {
    let wish = legal(&format!("{}__{}", item.server, item.own));
    if !taken.contains(&wish) {
        return wish;
    }
    (2u32..)
        .map(|n| legal(&format!("{}__{}_{n}", item.server, item.own)))
        .find(|name| !taken.contains(name))
        .expect("among infinitely many names one is free")
}

/// Like [`assign`] for URIs and URI templates: of several servers with the same one, the first keeps it as it
/// is, the others get `server+uri`.
pub(crate) fn assign_uris(wanted: &[Owned], given: &HashMap<Owned, Box<str>>) -> Vec<Box<str>> {
    let mut taken: HashSet<Box<str>> = given.values().cloned().collect();
    wanted
        .iter()
        .map(|item| {
            let name = match given.get(item) {
                Some(name) => name.clone(),
                None if !taken.contains(&item.own) => item.own.clone(),
                None => prefixed_uri(item, &taken),
            };
            taken.insert(name.clone());
            name
        })
        .collect()
}

fn prefixed_uri(item: &Owned, taken: &HashSet<Box<str>>) -> Box<str> {
    let scheme = scheme(&item.server);
    let wish = format!("{scheme}+{}", item.own).into();
    if !taken.contains(&wish) {
        return wish;
    }
    (2u32..)
        .map(|n| format!("{scheme}-{n}+{}", item.own).into())
        .find(|name| !taken.contains(name))
        .expect("among infinitely many names one is free")
}

/// What a client calls a resource, if it is the one that the client calls `name` and its server `own`, or a part of that.
pub(crate) fn within(uri: &str, own: &str, name: &str) -> Option<String> {
    let rest = uri.strip_prefix(own)?;
    let is_part = rest.is_empty() || own.ends_with('/') || rest.starts_with(['/', '?', '#']);
    is_part.then(|| format!("{name}{rest}"))
}

/// A server's name as the beginning of a URI scheme (RFC 3986, section 3.1).
fn scheme(server: &str) -> String {
    let clean: String = server
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '.' || c == '-' {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect();
    if clean.starts_with(|c: char| c.is_ascii_alphabetic()) {
        clean
    } else {
        format!("s-{clean}")
    }
}

/// Whether a name is one of the gateway's own.
pub(crate) fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name) || name.starts_with("code-mode-")
}

/// The nearest legal name: `[A-Za-z0-9_-]`, at most 64 characters. What is cut off is replaced by a short
/// digest, so that two long names stay different.
pub(crate) fn legal(name: &str) -> Box<str> {
    let is_legal = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    if !name.is_empty() && name.len() <= NAME_MAX && name.bytes().all(is_legal) {
        return name.into();
    }
    let mut clean: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '_' || c == '-' {
                c
            } else {
                '_'
            }
        })
        .collect();
    let lost = !name.is_ascii() || clean.len() > NAME_MAX || clean.is_empty();
    if lost {
        let digest = format!("_{:08x}", fnv(name.as_bytes()));
        clean.truncate(NAME_MAX - digest.len());
        clean.push_str(&digest);
    }
    clean.into()
}

/// FNV-1a: stable across runs and releases, which the standard hasher does not promise.
fn fnv(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, &byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

/// At most three of `names` that look like `wrong`, best first. Of very many, only the first are looked at.
pub(crate) fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let wrong_chars: Vec<char> = wrong.chars().take(COMPARED_MAX).collect();
    let limit = (wrong_chars.len() / 3).max(1);
    let mut row = Vec::new();
    let mut near: Vec<(usize, &str)> = names
        .take(NEAREST_AMONG_MAX)
        .filter_map(|name| {
            let distance = match name.ends_with(wrong) {
                true => 0,
                false => distance(&wrong_chars, name, limit, &mut row)?,
            };
            Some((distance, name))
        })
        .collect();
    near.sort();
    near.truncate(3);
    near.into_iter().map(|(_, name)| name.to_owned()).collect()
}

/// Letters of a name that are compared.
const COMPARED_MAX: usize = 256;

/// Levenshtein distance, unless it is larger than `limit`. `row` is for its work.
fn distance(a: &[char], b: &str, limit: usize, row: &mut Vec<usize>) -> Option<usize> {
    let length = b.chars().take(COMPARED_MAX).count();
    if a.len().abs_diff(length) > limit {
        return None;
    }
    row.clear();
    row.extend(0..=length);
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        let mut least = row[0];
        for (j, y) in b.chars().take(COMPARED_MAX).enumerate() {
            let cost = (diagonal + usize::from(*x != y))
                .min(row[j] + 1)
                .min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], cost);
            least = least.min(cost);
        }
        // It does not shrink from row to row.
        if least > limit {
            return None;
        }
    }
    (row[length] <= limit).then_some(row[length])
}

#[cfg(test)]
mod tests;
