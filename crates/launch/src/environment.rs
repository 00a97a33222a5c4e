//! Which of our environment variables a server sees.
//!
//! Owns the list. A server needs to find its interpreter, its caches and its way out through a proxy; it has no
//! business with the credentials that happen to be in our environment. What an entry sets itself always passes.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

const NAMES: &[&str] = &[
    "PATH",
    "HOME",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "USER",
    "LOGNAME",
    "SHELL",
    "TERM",
    // Certificates and proxies.
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    // Where version managers keep what their shims start.
    "ASDF_DATA_DIR",
    "ASDF_DIR",
    "FNM_DIR",
    "NVM_DIR",
    "PYENV_ROOT",
    "VOLTA_HOME",
    // Which container engine `docker run` talks to.
    "DOCKER_CERT_PATH",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "DOCKER_HOST",
    "DOCKER_TLS_VERIFY",
];

const PREFIXES: &[&str] = &["LC_", "XDG_", "NPM_CONFIG_", "PIP_", "UV_"];

/// The environment of a server: what may pass of `ours`, then what its entry sets.
pub(crate) fn of_server(
    ours: &[(OsString, OsString)],
    own: &[(String, String)],
) -> BTreeMap<OsString, OsString> {
    let ours = ours.iter().filter(|(name, _)| passes(name)).cloned();
    let own = own.iter().map(|(name, value)| (name.into(), value.into()));
    ours.chain(own).collect()
}

fn passes(name: &OsStr) -> bool {
    // Proxies and npm's settings are written in either case.
    let Some(name) = name.to_str().map(str::to_ascii_uppercase) else {
        return false;
    };
    NAMES.contains(&name.as_str()) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_needs_passes_and_secrets_do_not() {
        let ours = [
            "PATH",
            "LC_ALL",
            "https_proxy",
            "npm_config_registry",
            "OPENAI_API_KEY",
            "MCP_GATEWAY_AUTH_TOKEN",
        ]
        .map(|name| (OsString::from(name), OsString::from("ours")));
        let own = [
            ("PATH".to_owned(), "own".to_owned()),
            ("API_KEY".to_owned(), "own".to_owned()),
        ];
        let environment = of_server(&ours, &own);
        let shown: Vec<_> = environment
            .iter()
            .map(|(name, value)| (name.to_str().unwrap(), value.to_str().unwrap()))
            .collect();
        assert_eq!(
            shown,
            [
                ("API_KEY", "own"),
                ("LC_ALL", "ours"),
                ("PATH", "own"),
                ("https_proxy", "ours"),
                ("npm_config_registry", "ours"),
            ]
        );
    }
}
