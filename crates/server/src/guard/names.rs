//! Which names we answer to, and which pages may ask. Loopback is always among them: a name that resolves to
//! this machine by definition cannot be somebody else's. So is the very address that the client connected to:
//! DNS rebinding needs a *name* in `Host`.

use std::net::{IpAddr, Ipv6Addr};

/// An allow-list of host names or origins, beside loopback.
#[derive(Clone, Debug, Default)]
pub struct Names(Vec<String>);

impl Names {
    /// A list of names (`example.org`, `example.org:8811`), or origins (`https://example.org`). `*` allows all.
    pub fn new<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Self {
        let clean = |name: S| {
            name.as_ref()
                .trim()
                .trim_end_matches('/')
                .to_ascii_lowercase()
        };
        Self(
            names
                .into_iter()
                .map(clean)
                .filter(|name| !name.is_empty())
                .collect(),
        )
    }

    /// Whether a `Host` header names us.
    pub(super) fn allow_host(&self, host: &str, local: Option<IpAddr>) -> bool {
        let Some((name, _port)) = split_port(host) else {
            return false;
        };
        is_loopback(name) || is_address(name, local) || self.contains(host) || self.contains(name)
    }

    /// Whether a page of this origin may ask.
    pub(super) fn allow_origin(&self, origin: &str, local: Option<IpAddr>) -> bool {
        if self.contains(origin) {
            return true;
        }
        let Some(host) = origin
            .strip_prefix("http://")
            .or_else(|| origin.strip_prefix("https://"))
        else {
            return false;
        };
        let Some((name, _port)) = split_port(host) else {
            return false;
        };
        is_loopback(name) || is_address(name, local) || self.contains(host) || self.contains(name)
    }

    fn contains(&self, name: &str) -> bool {
        self.0
            .iter()
            .any(|allowed| allowed == "*" || allowed.eq_ignore_ascii_case(name))
    }
}

/// Whether a `Host` header has a name that cannot be anybody's but this machine's.
pub(crate) fn is_loopback_host(host: &str) -> bool {
    split_port(host).is_some_and(|(name, _port)| is_loopback(name))
}

/// `name` and port of `name[:port]`; none if it is neither.
fn split_port(host: &str) -> Option<(&str, Option<u16>)> {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let (address, after) = rest.split_once(']')?;
            address.parse::<Ipv6Addr>().ok()?;
            let port = if after.is_empty() {
                None
            } else {
                Some(after.strip_prefix(':')?)
            };
            (address, port)
        }
        None => match host.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (host, None),
        },
    };
    if name.is_empty() {
        return None;
    }
    // `to_string` of the parsed number would differ for "+80" and "080"; digits are all a port has.
    match port {
        None => Some((name, None)),
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some((name, Some(digits.parse().ok()?)))
        }
        Some(_) => None,
    }
}

fn is_loopback(name: &str) -> bool {
    if let Ok(address) = name.parse::<IpAddr>() {
        return address.to_canonical().is_loopback();
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_below = |name: &str| {
        let label = name.len().checked_sub(".localhost".len());
        label.is_some_and(|at| {
            at > 0 && name.is_char_boundary(at) && name[at..].eq_ignore_ascii_case(".localhost")
        })
    };
    name.eq_ignore_ascii_case("localhost") || is_below(name)
}

fn is_address(name: &str, local: Option<IpAddr>) -> bool {
    local.is_some_and(|local| {
        name.parse::<IpAddr>()
            .is_ok_and(|address| address.to_canonical() == local)
    })
}
