//! Where packages come from: the hosts that an installation may reach.
//!
//! Owns the usual hosts of each registry, and those that the person has named in the settings of its client instead.
//! Nothing here comes from a package or from its entry.

use std::ffi::OsString;
use std::net::{IpAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};

use catalog::Registry;

use super::cache::read_limited;

const NPM: &[&str] = &["registry.npmjs.org:443"];
const PYPI: &[&str] = &["pypi.org:443", "files.pythonhosted.org:443"];

/// What an installation is to be let see and reach.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sources {
    /// As an entry's `network` has them.
    pub(super) hosts: Vec<String>,
    /// Settings of the client, and the variable that names each.
    pub(super) settings: Vec<(&'static str, PathBuf)>,
    /// The person's own proxy is the way out.
    pub(super) is_proxied: bool,
}

/// Of a registry. Looks names up; blocks for as long as that takes.
pub(super) fn of(registry: Registry, environment: &[(OsString, OsString)]) -> Sources {
    let (settings, texts) = said(registry, environment);
    let usual = match registry {
        Registry::Npm => NPM,
        _ => PYPI,
    };
    let mut hosts: Vec<String> = usual.iter().map(|host| (*host).to_owned()).collect();
    hosts.extend(texts.iter().flat_map(|text| addresses_in(text)));
    hosts.sort();
    hosts.dedup();
    // What only looks like an address is none of a registry.
    hosts.retain(|host| egress::AllowList::parse([host]).is_ok());
    Sources {
        hosts: hosts.iter().map(|host| with_address(host)).collect(),
        settings,
        is_proxied: ["HTTPS_PROXY", "ALL_PROXY"]
            .iter()
            .any(|name| variable(environment, name).is_some_and(|value| !value.is_empty())),
    }
}

/// A variable, and the files that it may name, the first that is there.
type Candidates = (&'static str, Vec<Option<PathBuf>>);

/// The files that the client reads, and every text that may name a host.
fn said(
    registry: Registry,
    environment: &[(OsString, OsString)],
) -> (Vec<(&'static str, PathBuf)>, Vec<String>) {
    let home = variable(environment, "HOME").map(PathBuf::from);
    let at_home = |path: &str| home.as_deref().map(|home| home.join(path));
    let named = |name: &str| variable(environment, name).map(PathBuf::from);
    let (files, prefixes): (Vec<Candidates>, &[&str]) = match registry {
        Registry::Npm => (
            vec![(
                "NPM_CONFIG_USERCONFIG",
                vec![named("NPM_CONFIG_USERCONFIG"), at_home(".npmrc")],
            )],
            &["NPM_CONFIG_"],
        ),
        _ => (
            vec![
                (
                    "PIP_CONFIG_FILE",
                    vec![
                        named("PIP_CONFIG_FILE"),
                        at_home(".config/pip/pip.conf"),
                        at_home(".pip/pip.conf"),
                        Some("/etc/pip.conf".into()),
                    ],
                ),
                (
                    "UV_CONFIG_FILE",
                    vec![named("UV_CONFIG_FILE"), at_home(".config/uv/uv.toml")],
                ),
            ],
            &["PIP_", "UV_"],
        ),
    };
    let settings: Vec<(&'static str, PathBuf)> = files
        .into_iter()
        .filter_map(|(variable, candidates)| {
            let found = candidates
                .into_iter()
                .flatten()
                .find(|file| file.is_file())?;
            Some((variable, found.canonicalize().ok()?))
        })
        .collect();
    let of_system = match registry {
        Registry::Npm => Some(Path::new("/usr/etc/npmrc")),
        _ => None,
    };
    let mut texts: Vec<String> = settings
        .iter()
        .map(|(_, file)| file.as_path())
        .chain(of_system)
        .filter_map(|file| read_limited(file).ok())
        .collect();
    let values = environment.iter().filter(|(name, _)| {
        let name = name.to_string_lossy().to_ascii_uppercase();
        prefixes.iter().any(|prefix| name.starts_with(prefix))
    });
    texts.extend(values.map(|(_, value)| value.to_string_lossy().into_owned()));
    (settings, texts)
}

/// The value of a variable, however its name is written.
fn variable<'a>(environment: &'a [(OsString, OsString)], name: &str) -> Option<&'a OsString> {
    environment
        .iter()
        .rev()
        .find(|(known, _)| known.to_string_lossy().eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

/// `host:port` of every URL in a text, but for what is a comment.
fn addresses_in(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with(['#', ';']));
    for line in lines {
        for (scheme, port) in [("https://", 443), ("http://", 80)] {
            for (at, _) in line.match_indices(scheme) {
                let rest = &line[at + scheme.len()..];
                let end = rest
                    .find(|c: char| c.is_whitespace() || "/?#\"',".contains(c))
                    .unwrap_or(rest.len());
                let authority = &rest[..end];
                let host = authority.rsplit('@').next().unwrap_or(authority);
                let has_port = host
                    .rsplit_once(':')
                    .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
                match (host.is_empty(), has_port) {
                    (true, _) => {}
                    (_, true) => found.push(host.to_owned()),
                    (_, false) => found.push(format!("{host}:{port}")),
                }
            }
        }
    }
    found
}

/// With its address, where that is none of the public network: a registry of one's own is where one's own names say,
/// and the person, not a server, has named it.
fn with_address(host: &str) -> String {
    let addresses = host.to_socket_addrs().map(Iterator::collect::<Vec<_>>);
    let of_ours = addresses
        .unwrap_or_default()
        .into_iter()
        .map(|address| address.ip())
        .find(|address| !egress::is_public(*address));
    match of_ours {
        Some(IpAddr::V4(address)) => format!("{host}={address}"),
        Some(IpAddr::V6(address)) => format!("{host}=[{address}]"),
        None => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_found_in_settings_of_each_form() {
        let text = "registry = https://npm.acme.example/repo/\n@acme:registry=http://u:p@10.0.0.7:4873/\n# https://old.example\nindex-url = \"https://[::1]:8443/simple\" https://b.example,x";
        assert_eq!(
            addresses_in(text),
            [
                "npm.acme.example:443",
                "10.0.0.7:4873",
                "[::1]:8443",
                "b.example:443"
            ]
        );
        assert_eq!(addresses_in("https:// http://"), [""; 0]);
    }

    #[test]
    fn settings_of_the_person_are_read_and_their_hosts_may_be_private() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(
            home.path().join(".npmrc"),
            "registry=http://127.0.0.1:4873/\n",
        )
        .unwrap();
        let environment = vec![
            ("HOME".into(), home.path().into()),
            ("npm_config_proxy".into(), "http://127.0.0.2:1".into()),
            ("npm_config_x".into(), "https://{host}/ https://*/".into()),
            ("https_proxy".into(), "http://127.0.0.3:3".into()),
        ];
        let sources = of(Registry::Npm, &environment);
        assert!(
            sources
                .hosts
                .contains(&"127.0.0.1:4873=127.0.0.1".to_owned()),
            "{sources:?}"
        );
        assert!(
            sources.hosts.contains(&"127.0.0.2:1=127.0.0.2".to_owned()),
            "{sources:?}"
        );
        assert!(
            sources.is_proxied && sources.hosts.len() == 3,
            "{sources:?}"
        );
        let file = home.path().join(".npmrc").canonicalize().unwrap();
        assert_eq!(sources.settings, [("NPM_CONFIG_USERCONFIG", file)]);
        let sources = of(Registry::Pypi, &[]);
        assert!(
            !sources.is_proxied
                && sources
                    .hosts
                    .iter()
                    .any(|host| host.starts_with("pypi.org"))
        );
    }
}
