//! What is written down for an application: how it reaches the gateway, in the words of its own file.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::place::text;
use crate::table::Client;

/// How an application reaches the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Door {
    /// It starts this program and speaks over its pipes.
    Stdio {
        /// An absolute path: applications on a desktop have no shell's `PATH`.
        command: PathBuf,
        /// Its arguments.
        args: Vec<String>,
    },
    /// It connects to this address, with a token that it takes from `PORTOLAN_AUTH_TOKEN`.
    Http {
        /// The endpoint.
        url: String,
    },
}

/// The members of an entry, in order.
pub type Members = Vec<(String, Value)>;

impl Client {
    /// Whether it can be told to connect to an address without its file containing the token.
    pub fn takes_http(&self) -> bool {
        !self.http.is_empty()
    }

    /// The entry for this application; none if it has no entry of that kind, or if the path of the program is no UTF-8.
    pub fn entry(&self, name: &str, door: &Door) -> Option<Members> {
        let template = match door {
            Door::Stdio { .. } => &self.stdio,
            Door::Http { .. } => &self.http,
        };
        if template.is_empty() {
            return None;
        }
        let members = template.iter().map(|member| {
            let (key, value) = member.split_once('=')?;
            let value = match (value, door) {
                ("{name}", _) => json!(name),
                ("{command}", Door::Stdio { command, .. }) => json!(text(command).ok()?),
                ("{args}", Door::Stdio { args, .. }) => json!(args),
                ("{argv}", Door::Stdio { command, args }) => {
                    let mut all = vec![text(command).ok()?];
                    all.extend_from_slice(args);
                    json!(all)
                }
                ("{url}", Door::Http { url }) => json!(url),
                (value, _) => serde_json::from_str(value).ok()?,
            };
            Some((key.to_owned(), value))
        });
        members.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{clients, find};

    fn stdio() -> Door {
        Door::Stdio {
            command: "/bin/portolan".into(),
            args: vec!["gateway".into(), "run".into()],
        }
    }

    #[test]
    fn every_client_has_its_entries() {
        let http = Door::Http {
            url: "http://127.0.0.1:8811/mcp".into(),
        };
        for client in clients().iter().filter(|client| client.instead.is_none()) {
            assert!(
                client.entry("portolan", &stdio()).is_some(),
                "{}",
                client.id
            );
            assert_eq!(
                client.entry("portolan", &http).is_some(),
                client.takes_http(),
                "{}",
                client.id
            );
        }
    }

    #[test]
    fn each_file_has_words_of_its_own() {
        let shown = |name: &str| {
            let members = find(name).unwrap().entry("portolan", &stdio()).unwrap();
            let members: Vec<_> = members
                .iter()
                .map(|(key, value)| format!("{key}={value}"))
                .collect();
            members.join(" ")
        };
        assert_eq!(
            shown("cursor"),
            r#"command="/bin/portolan" args=["gateway","run"]"#
        );
        assert_eq!(
            shown("opencode"),
            r#"type="local" command=["/bin/portolan","gateway","run"] enabled=true"#
        );
        assert_eq!(
            shown("goose"),
            r#"type="stdio" name="portolan" cmd="/bin/portolan" args=["gateway","run"] enabled=true timeout=300"#
        );
    }
}
