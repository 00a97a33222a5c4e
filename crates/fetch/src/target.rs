//! An address before anything is sent to it: what of it is refused for its text alone, and where it may lead on to.

use std::net::IpAddr;

use rustls::pki_types::ServerName;
use url::{Host, Url};

use crate::client::Trust;
use crate::error::Why;
use crate::limits::URL_BYTES_MAX;

/// An address that may be fetched as far as its text says.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) url: Url,
    pub(crate) host: TargetHost,
    pub(crate) port: u16,
    /// The name to verify, for https.
    pub(crate) tls: Option<ServerName<'static>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TargetHost {
    Address(IpAddr),
    Name(String),
}

impl Target {
    /// An address as it was given.
    pub(crate) fn given(text: &str, trust: Trust) -> Result<Self, Why> {
        if text.len() > URL_BYTES_MAX {
            return Err(Why::Long);
        }
        let target = Self::of(Url::parse(text).map_err(Why::Malformed)?)?;
        match trust {
            Trust::Outside if target.tls.is_none() => Err(Why::Insecure),
            _ => Ok(target),
        }
    }

    /// Where a reply of this one leads on to. Nobody named that: http is followed within one origin only.
    pub(crate) fn moved(&self, location: &str) -> Result<Self, Why> {
        if location.len() > URL_BYTES_MAX {
            return Err(Why::Long);
        }
        let next = Self::of(self.url.join(location).map_err(Why::Malformed)?)?;
        match next.tls.is_none() && next.url.origin() != self.url.origin() {
            true => Err(Why::Insecure),
            false => Ok(next),
        }
    }

    fn of(mut url: Url) -> Result<Self, Why> {
        if !matches!(url.scheme(), "https" | "http") {
            return Err(Why::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Why::Credentials);
        }
        url.set_fragment(None);
        let host = match url.host() {
            Some(Host::Ipv4(address)) => TargetHost::Address(address.into()),
            Some(Host::Ipv6(address)) => TargetHost::Address(address.into()),
            Some(Host::Domain(name)) if !name.is_empty() => TargetHost::Name(name.to_owned()),
            _ => return Err(Why::Host),
        };
        let tls = match (&host, url.scheme()) {
            (TargetHost::Address(address), "https") => {
                Some(ServerName::IpAddress((*address).into()))
            }
            (TargetHost::Name(name), "https") => {
                // A certificate has no dot at the end of its names.
                let name = name.trim_end_matches('.').to_owned();
                Some(ServerName::try_from(name).map_err(|_| Why::Host)?)
            }
            _ => None,
        };
        let port = url.port_or_known_default().ok_or(Why::Host)?;
        Ok(Self {
            url,
            host,
            port,
            tls,
        })
    }
}

/// Whether an address may be connected to where only public ones may. Looked up, an address behind a translator (RFC 6052) is
/// what it stands for, since networks without IPv4 know no other. Written out, it and an IPv4 address in the form of
/// an IPv6 one have no honest use.
pub(crate) fn is_open(address: IpAddr, is_written: bool) -> bool {
    let is_disguised = match address {
        IpAddr::V4(_) => false,
        IpAddr::V6(address) => {
            address.to_ipv4_mapped().is_some()
                || (is_written && address.segments()[..2] == [0x64, 0xff9b])
        }
    };
    egress::is_public(address) && !is_disguised
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str, trust: Trust) -> String {
        match Target::given(text, trust) {
            Ok(target) => target.url.to_string(),
            Err(why) => format!("refused: {why}"),
        }
    }

    #[test]
    fn http_is_for_what_a_person_names() {
        for url in ["http://127.0.0.1:81/c.yaml", "http://h.example/c"] {
            assert_eq!(given(url, Trust::Person), url);
            assert_eq!(given(url, Trust::Outside), "refused: it is not https");
        }
        assert_eq!(
            given("https://h/c?a=1#f", Trust::Outside),
            "https://h/c?a=1"
        );
    }

    #[test]
    fn what_is_no_address_of_a_document_is_refused() {
        for (url, why) in [
            ("c.yaml", "it is no URL, relative URL without a base"),
            ("file:///etc/passwd", "\"file\" is fetched by nobody here"),
            ("ftp://h/c", "\"ftp\" is fetched by nobody here"),
            ("data:text/plain,x", "\"data\" is fetched by nobody here"),
            ("https://me@h/c", "it holds a user name or password"),
            ("https://:x@h/c", "it holds a user name or password"),
            ("https://", "it is no URL, empty host"),
            (
                "https://a_b..c/",
                "its host is no name that a certificate can have",
            ),
        ] {
            for trust in [Trust::Person, Trust::Outside] {
                assert_eq!(given(url, trust), format!("refused: {why}"), "{url}");
            }
        }
        let long = format!("https://h/{}", "a".repeat(URL_BYTES_MAX));
        assert!(given(&long, Trust::Person).starts_with("refused: it is longer"));
    }

    #[test]
    fn addresses_in_odd_spellings_are_addresses() {
        for url in [
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://127.1/",
        ] {
            let target = Target::given(url, Trust::Outside).unwrap();
            assert_eq!(
                target.host,
                TargetHost::Address([127, 0, 0, 1].into()),
                "{url}"
            );
        }
    }

    #[test]
    fn nothing_leads_on_to_less_than_it_was() {
        let moved =
            |from: &str, to: &str| match Target::given(from, Trust::Person).unwrap().moved(to) {
                Ok(target) => target.url.to_string(),
                Err(why) => format!("refused: {why}"),
            };
        assert_eq!(moved("https://h/a/b", "c?d"), "https://h/a/c?d");
        assert_eq!(moved("https://h/a", "//other/c"), "https://other/c");
        assert_eq!(moved("http://h/a", "/c"), "http://h/c");
        assert_eq!(moved("http://h/a", "https://other/c"), "https://other/c");
        for (from, to) in [
            ("https://h/a", "http://h/a"),
            ("http://h/a", "http://other/a"),
            ("http://h/a", "http://h:81/a"),
        ] {
            assert_eq!(moved(from, to), "refused: it is not https", "{from} {to}");
        }
        assert!(moved("https://h/a", "https://me:x@h/").contains("user name"));
        assert!(moved("https://h/a", "file:///etc/passwd").contains("\"file\""));
        assert!(moved("https://h/a", &"a".repeat(URL_BYTES_MAX + 1)).contains("longer"));
    }

    #[test]
    fn disguises_are_seen_through() {
        for (address, looked_up, written) in [
            ("1.1.1.1", true, true),
            ("2606:4700::1111", true, true),
            ("64:ff9b::808:808", true, false),
            ("64:ff9b::a00:1", false, false),
            ("64:ff9b:1::808:808", false, false),
            ("::ffff:8.8.8.8", false, false),
            ("::ffff:127.0.0.1", false, false),
            ("127.0.0.1", false, false),
            ("169.254.169.254", false, false),
            ("fd00:ec2::254", false, false),
            ("224.0.0.1", false, false),
            ("ff02::1", false, false),
            ("fe80::1", false, false),
        ] {
            let address = address.parse().unwrap();
            assert_eq!(is_open(address, false), looked_up, "{address}");
            assert_eq!(is_open(address, true), written, "{address}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_given_or_follows_is_https_or_was_named(text in "\\PC{0,60}", location in "\\PC{0,60}") {
            if let Ok(target) = Target::given(&text, Trust::Outside) {
                proptest::prop_assert_eq!(target.url.scheme(), "https");
            }
            let here = Target::given("https://h.example/a/b?c", Trust::Outside).unwrap();
            if let Ok(next) = here.moved(&location) {
                proptest::prop_assert!(next.tls.is_some() && next.url.username().is_empty());
            }
        }

        #[test]
        fn no_private_address_is_open_in_any_form(low in proptest::num::u32::ANY, at in 0..5_usize) {
            let (net, bits) = [(0x0a00_0000, 8), (0x7f00_0000, 8), (0xa9fe_0000, 16), (0xac10_0000, 12), (0xc0a8_0000_u32, 16)][at];
            let v4 = std::net::Ipv4Addr::from(net | (low & (u32::MAX >> bits)));
            let [a, b] = [(u32::from(v4) >> 16) as u16, u32::from(v4) as u16];
            for address in [
                IpAddr::V4(v4),
                IpAddr::V6(v4.to_ipv6_mapped()),
                IpAddr::V6([0, 0, 0, 0, 0, 0, a, b].into()),
                IpAddr::V6([0x64, 0xff9b, 0, 0, 0, 0, a, b].into()),
                IpAddr::V6([0x2002, a, b, 0, 0, 0, 0, 1].into()),
            ] {
                proptest::prop_assert!(!is_open(address, false), "{}", address);
            }
        }
    }
}
