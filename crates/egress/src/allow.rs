//! Which hosts may be reached. Owns the words for it and what they match.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use crate::limits::{NAME_BYTES_MAX, PORTS_MAX, RULES_MAX};

/// Ports that a rule without a port stands for.
const USUAL: [u16; 2] = [80, 443];

/// The hosts that may be reached; none, unless they are named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowList {
    rules: Vec<Rule>,
}

/// `host`, `*.suffix`, each with `:port`, and with `=address` or `=address:port` behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    /// Lower case. Of a suffix, with the dot in front.
    name: String,
    is_suffix: bool,
    /// `None`: the usual ones.
    port: Option<u16>,
    /// Where it leads, instead of where DNS says; the port only where that differs.
    to: Option<(IpAddr, Option<u16>)>,
}

/// Why a rule is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AllowError {
    /// No name.
    #[error("\"{0}\" is no host; write host, host:port, *.host, or host:port=address")]
    Host(String),
    /// No port.
    #[error("\"{0}\" has no port from 1 to 65535 behind its colon")]
    Port(String),
    /// No address.
    #[error("\"{0}\" has no IP address behind its `=`")]
    Address(String),
    /// Everything, in disguise.
    #[error("\"{0}\" would allow too much; name a host under it")]
    TooWide(String),
    /// Too many.
    #[error("there are more than {RULES_MAX} hosts")]
    TooMany,
}

/// A host and a port that somebody wants to reach, in the one form that is compared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Target {
    /// Lower case, without a dot at its end; an IPv6 address without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// Where a listed target leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Where DNS says, as long as that is public.
    Looked,
    /// To this address, whatever it is.
    Mapped(SocketAddr),
}

impl AllowList {
    /// Of rules as entries have them: `host`, `host:port`, `*.suffix`, `*.suffix:port`, and any of them with `=address` or
    /// `=address:port` behind it. Without a port a rule stands for 80 and 443; a port behind the address alone is that of
    /// the host too.
    ///
    /// # Errors
    /// The first rule that is none.
    pub fn parse<T: AsRef<str>>(rules: impl IntoIterator<Item = T>) -> Result<Self, AllowError> {
        let rules = rules
            .into_iter()
            .take(RULES_MAX + 1)
            .map(|rule| Rule::parse(rule.as_ref().trim()))
            .collect::<Result<Vec<_>, _>>()?;
        match rules.len() > RULES_MAX {
            true => Err(AllowError::TooMany),
            false => Ok(Self { rules }),
        }
    }

    /// Whether nothing may be reached.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// These rules too.
    ///
    /// # Errors
    /// There would be too many; nothing has changed then.
    pub fn extend(&mut self, more: Self) -> Result<(), AllowError> {
        let new = more
            .rules
            .into_iter()
            .filter(|rule| !self.rules.contains(rule));
        let new: Vec<_> = new.collect();
        if self.rules.len() + new.len() > RULES_MAX {
            return Err(AllowError::TooMany);
        }
        self.rules.extend(new);
        Ok(())
    }

    /// The ports that hosts are listed with, the usual ones first. Of the others only as many as have a place.
    #[must_use]
    pub fn ports(&self) -> Vec<u16> {
        let mut ports = USUAL.to_vec();
        for port in self.rules.iter().filter_map(|rule| rule.port) {
            if !ports.contains(&port) && ports.len() < USUAL.len() + PORTS_MAX {
                ports.push(port);
            }
        }
        ports
    }

    /// Whether a host is listed, with whatever port.
    pub(crate) fn lists(&self, host: &str) -> bool {
        self.rules.iter().any(|rule| rule.names(host))
    }

    /// Where a target leads, if it is listed. A rule with an address counts more than one without.
    pub(crate) fn way(&self, target: &Target) -> Option<Way> {
        let matching = || self.rules.iter().filter(|rule| rule.matches(target));
        let mapped = matching().find_map(|rule| rule.to);
        match mapped {
            Some((address, port)) => Some(Way::Mapped(SocketAddr::new(
                address,
                port.unwrap_or(target.port),
            ))),
            None => matching().next().map(|_| Way::Looked),
        }
    }
}

impl Rule {
    fn parse(text: &str) -> Result<Self, AllowError> {
        if text.contains('/') {
            // An address of a page, most likely: it is not its port that is wrong.
            return Err(AllowError::Host(text.to_owned()));
        }
        let (host, to) = match text.split_once('=') {
            Some((host, to)) => (
                host,
                Some(address(to).ok_or_else(|| AllowError::Address(text.to_owned()))?),
            ),
            None => (text, None),
        };
        let (host, port) = split_port(host).ok_or_else(|| AllowError::Port(text.to_owned()))?;
        let (host, is_suffix) = match host.strip_prefix("*.") {
            Some(rest) => (rest, true),
            None => (host, false),
        };
        if host.contains('*')
            || (is_suffix && (!host.contains('.') || host.parse::<IpAddr>().is_ok()))
        {
            return Err(AllowError::TooWide(text.to_owned()));
        }
        let name = name(host).ok_or_else(|| AllowError::Host(text.to_owned()))?;
        Ok(Self {
            name: match is_suffix {
                true => format!(".{name}"),
                false => name,
            },
            is_suffix,
            port: port.or(to.and_then(|(_, port)| port)),
            to,
        })
    }

    fn names(&self, host: &str) -> bool {
        match self.is_suffix {
            true => host.len() > self.name.len() && host.ends_with(&self.name),
            false => host == self.name,
        }
    }

    fn matches(&self, target: &Target) -> bool {
        self.names(&target.host)
            && match self.port {
                Some(port) => port == target.port,
                None => USUAL.contains(&target.port),
            }
    }
}

impl Target {
    /// Of `host:port`, or of `host` where another port is usual.
    pub(crate) fn parse(authority: &str, usual: Option<u16>) -> Option<Self> {
        let (host, port) = split_port(authority)?;
        Some(Self {
            host: name(host)?,
            port: port.or(usual)?,
        })
    }

    /// The address, if it is one and no name.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// `host`, `host:port`, `[v6]`, `[v6]:port`; `None` if there is a colon and no port.
fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    let number = |port: &str| {
        let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        port.parse::<u16>()
            .ok()
            .filter(|port| is_number && *port > 0)
    };
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, Some(number(port)?))),
            None => rest.is_empty().then_some((host, None)),
        };
    }
    match text.rsplit_once(':') {
        // More than one colon, and no brackets: an IPv6 address by itself.
        Some((host, _)) if host.contains(':') => Some((text, None)),
        Some((host, port)) => Some((host, Some(number(port)?))),
        None => Some((text, None)),
    }
}

/// A name, and no address, in the form that is compared.
pub(crate) fn host_name(text: &str) -> Option<String> {
    match text.parse::<IpAddr>() {
        Ok(_) => None,
        Err(_) => name(text),
    }
}

/// A host name or an address in the form that is compared. Names beyond ASCII are written in their `xn--` form.
fn name(host: &str) -> Option<String> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Some(address.to_string());
    }
    let host = host.strip_suffix('.').unwrap_or(host);
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    // What ends in a number is an address to some resolvers (`127.1`, `0x7f.1`), and none to us.
    let ends_in_number = host
        .rsplit('.')
        .next()
        .is_some_and(|last| last.starts_with(|first: char| first.is_ascii_digit()));
    (host.len() <= NAME_BYTES_MAX && host.split('.').all(is_label) && !ends_in_number)
        .then(|| host.to_ascii_lowercase())
}

fn address(text: &str) -> Option<(IpAddr, Option<u16>)> {
    let (host, port) = split_port(text)?;
    Some((host.parse().ok()?, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(rules: &[&str], target: &str) -> Option<Way> {
        let target = Target::parse(target, None).expect("a target");
        AllowList::parse(rules).unwrap().way(&target)
    }

    fn mapped(address: &str) -> Option<Way> {
        Some(Way::Mapped(address.parse().unwrap()))
    }

    #[test]
    fn nothing_is_allowed_by_silence() {
        assert_eq!(way(&[], "a.example:443"), None);
        assert!(AllowList::parse([""; 0]).unwrap().is_empty());
    }

    #[test]
    fn names_are_exact_and_case_does_not_matter() {
        let rules = ["API.example"];
        for listed in ["api.example:443", "api.example:80", "Api.Example.:443"] {
            assert_eq!(way(&rules, listed), Some(Way::Looked), "{listed}");
        }
        for other in [
            "api.example:22",
            "x.api.example:443",
            "example:443",
            "notapi.example:443",
            "api.example.evil.test:443",
        ] {
            assert_eq!(way(&rules, other), None, "{other}");
        }
    }

    #[test]
    fn a_suffix_is_what_stands_before_a_dot() {
        let rules = ["*.a.example:8443"];
        assert_eq!(way(&rules, "x.a.example:8443"), Some(Way::Looked));
        assert_eq!(way(&rules, "y.x.a.example:8443"), Some(Way::Looked));
        for other in ["a.example:8443", "xa.example:8443", "x.a.example:443"] {
            assert_eq!(way(&rules, other), None, "{other}");
        }
    }

    #[test]
    fn an_address_takes_the_place_of_dns() {
        assert_eq!(
            way(&["a.test=10.0.0.1"], "a.test:443"),
            mapped("10.0.0.1:443")
        );
        assert_eq!(
            way(&["a.test=127.0.0.1:81"], "a.test:81"),
            mapped("127.0.0.1:81")
        );
        assert_eq!(way(&["a.test=127.0.0.1:81"], "a.test:80"), None);
        assert_eq!(
            way(&["a.test:80=[::1]:81"], "a.test:80"),
            mapped("[::1]:81")
        );
        assert_eq!(
            way(&["*.b.test", "x.b.test=::1"], "x.b.test:80"),
            mapped("[::1]:80")
        );
    }

    #[test]
    fn ports_of_rules_are_known_and_bounded() {
        let list = |rules: &[&str]| AllowList::parse(rules).unwrap();
        let mut rules = list(&[
            "a.test",
            "b.test:5432",
            "c.test=10.0.0.1:5432",
            "d.test:443",
        ]);
        assert_eq!(rules.ports(), [80, 443, 5432]);
        assert!(rules.lists("b.test") && !rules.lists("x.b.test"));
        for _ in 0..2 {
            rules.extend(list(&["*.e.test", "a.test"])).unwrap();
        }
        assert!(rules.lists("x.e.test") && rules.rules.len() == 5);
        let many: Vec<_> = (1..RULES_MAX)
            .map(|port| format!("f.test:{port}"))
            .collect();
        let many = AllowList::parse(many).unwrap();
        assert_eq!(many.ports().len(), 2 + PORTS_MAX);
        assert_eq!(rules.extend(many), Err(AllowError::TooMany));
        assert!(!rules.lists("f.test"));
    }

    #[test]
    fn what_is_no_rule_is_told() {
        use AllowError::{Address, Host, Port, TooWide};
        let refused = |rule: &str| AllowList::parse([rule]).unwrap_err();
        for rule in [
            "",
            "a b",
            "a/b",
            "http://a",
            "a..b",
            "ü.example",
            "127.1",
            "a.0x7f",
            "a\r\nb",
        ] {
            let error = refused(rule);
            assert!(matches!(error, Host(_) | Port(_)), "{rule}: {error}");
        }
        for rule in ["a:", "a:0", "a:65536", "a:+1", "[::1]:x"] {
            assert_eq!(refused(rule), Port(rule.into()));
        }
        for rule in ["*", "*.com", "*.*.com", "a*.b", "*.10.0.0.1"] {
            assert_eq!(refused(rule), TooWide(rule.into()));
        }
        assert_eq!(refused("a=b"), Address("a=b".into()));
        assert_eq!(
            AllowList::parse(vec!["a.b"; RULES_MAX + 1]),
            Err(AllowError::TooMany)
        );
    }

    #[test]
    fn addresses_have_one_form() {
        assert_eq!(way(&["1.1.1.1"], "1.1.1.1:443"), Some(Way::Looked));
        assert_eq!(
            way(&["[2606:4700::1]:443"], "[2606:4700:0:0::1]:443"),
            Some(Way::Looked)
        );
        assert_eq!(
            Target::parse("[::1]:80", None).unwrap().to_string(),
            "[::1]:80"
        );
        for odd in [
            "127.1:80",
            "0x7f000001:80",
            "2130706433:80",
            "a:80:80",
            "[::1",
            "a",
            ":80",
        ] {
            assert_eq!(Target::parse(odd, None), None, "{odd}");
        }
    }
}
