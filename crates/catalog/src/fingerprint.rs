//! What two entries must share to be the same server in other clothes.

use sha2::{Digest as _, Sha256};

use crate::{Entry, Launch, Network, RemoteKind};

impl Entry {
    /// SHA-256 in hexadecimal over everything that defines what runs: program, arguments, environment and folder; URL,
    /// headers and transport; image or package; and what of disk and network it sees. The same on every machine and in every version. Names, titles, limits and tool choices are
    /// not in it, so that a renamed server keeps what was learnt about it.
    pub fn fingerprint(&self) -> String {
        let mut hash = Hash(Sha256::new());
        hash.text("portolan entry 1");
        match &self.launch {
            Launch::Command {
                command,
                args,
                env,
                cwd,
            } => {
                hash.text("command");
                hash.text(command);
                hash.list(args.iter().map(String::as_str));
                // The order of variables and of headers means nothing to the server.
                hash.pairs(env, str::to_owned);
                match cwd {
                    Some(cwd) => hash.bytes(cwd.as_os_str().as_encoded_bytes()),
                    None => hash.text(""),
                }
            }
            Launch::Remote { url, headers, kind } => {
                hash.text("remote");
                hash.text(url);
                hash.pairs(headers, str::to_ascii_lowercase);
                hash.text(match kind {
                    RemoteKind::Auto => "auto",
                    RemoteKind::Streamable => "streamable",
                    RemoteKind::Sse => "sse",
                });
            }
            Launch::Container {
                image,
                command,
                env,
                user,
                extra_hosts,
                is_writable,
            } => {
                hash.text("container");
                hash.text(image);
                hash.list(command.iter().map(String::as_str));
                hash.pairs(env, str::to_owned);
                hash.option(user.as_deref());
                hash.list(extra_hosts.iter().map(String::as_str));
                // Those that do not say it keep the fingerprint that they had before it could be said.
                if *is_writable {
                    hash.text("writable");
                }
            }
            Launch::Package {
                registry,
                identifier,
                version,
                sha256,
                runtime,
                runtime_args,
                args,
                env,
            } => {
                hash.text("package");
                hash.text(registry.as_str());
                hash.text(identifier);
                hash.option(version.as_deref());
                hash.option(sha256.as_deref());
                hash.option(runtime.as_deref());
                hash.list(runtime_args.iter().map(String::as_str));
                hash.list(args.iter().map(String::as_str));
                hash.pairs(env, str::to_owned);
            }
            Launch::OneShot { shots, env } => {
                hash.text("one-shot");
                for shot in shots {
                    hash.text(&shot.tool);
                    hash.text(&shot.image);
                    hash.list(shot.command.iter().map(String::as_str));
                    hash.list(shot.volumes.iter().map(String::as_str));
                    hash.option(shot.user.as_deref());
                }
                // What they say of themselves is theirs to say: there is no server that would be asked.
                for tool in &self.about.tools {
                    hash.text(&tool.name);
                    hash.option(tool.input_schema.as_deref());
                }
                hash.pairs(env, str::to_owned);
            }
            Launch::Unavailable { what, .. } => {
                hash.text("unavailable");
                hash.text(what);
            }
        }
        // Entries that say nothing of it keep the fingerprint that they had before it could be said.
        if !self.volumes.is_empty() || self.network != Network::Unsaid {
            hash.text("box");
            hash.list(self.volumes.iter().map(String::as_str));
            hash.text(self.network.as_str());
            if let Network::Hosts(hosts) = &self.network {
                hash.list(hosts.iter().map(String::as_str));
            }
        }
        hash.hex()
    }
}

/// SHA-256 in hexadecimal over a list of texts.
pub fn fingerprint_of(pieces: &[String]) -> String {
    let mut hash = Hash(Sha256::new());
    hash.list(pieces.iter().map(String::as_str));
    hash.hex()
}

/// Every piece goes in with its length before it: no two lists of pieces look alike.
struct Hash(Sha256);

impl Hash {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn hex(self) -> String {
        let digits = |byte: u8| {
            [byte >> 4, byte & 15].map(|half| char::from_digit(half.into(), 16).unwrap_or('0'))
        };
        self.0.finalize().into_iter().flat_map(digits).collect()
    }

    /// Nothing and an empty text differ.
    fn option(&mut self, text: Option<&str>) {
        self.list(text.into_iter());
    }

    fn list<'a>(&mut self, items: impl ExactSizeIterator<Item = &'a str>) {
        self.0.update((items.len() as u64).to_be_bytes());
        items.for_each(|item| self.text(item));
    }

    fn pairs(&mut self, pairs: &[(String, String)], name: fn(&str) -> String) {
        let mut pairs: Vec<_> = pairs.iter().map(|(n, value)| (name(n), value)).collect();
        pairs.sort_by(|a, b| a.0.cmp(&b.0)); // stable: headers of one name keep their order
        self.0.update((pairs.len() as u64).to_be_bytes());
        for (name, value) in pairs {
            self.text(&name);
            self.text(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::ServerName;

    fn entry(command: &str, args: &[&str], env: &[(&str, &str)]) -> Entry {
        let mut entry =
            Entry::command(ServerName::new("a").unwrap(), command, args.iter().copied());
        if let Launch::Command { env: own, .. } = &mut entry.launch {
            own.extend(env.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())));
        }
        entry
    }

    #[test]
    fn stands_for_what_runs_and_nothing_else() {
        let plain = entry("npx", &["-y", "pkg"], &[("A", "1"), ("B", "2")]);
        let mut dressed = entry("npx", &["-y", "pkg"], &[("B", "2"), ("A", "1")]);
        dressed.name = ServerName::new("b").unwrap();
        dressed.title = Some("T".into());
        dressed.call_timeout_s = Some(3);
        assert_eq!(plain.fingerprint(), dressed.fingerprint());

        let different = [
            plain,
            entry("npx", &["-ypkg"], &[("A", "1"), ("B", "2")]),
            entry("npx", &["-y", "pkg"], &[("A", "12"), ("B", "")]),
            entry("npx", &["-y", "pkg", "A"], &[("B", "2")]),
            entry("npx", &["-y", "pkg"], &[]),
            Entry::remote(ServerName::new("a").unwrap(), "https://h/"),
        ];
        let all: HashSet<_> = different.iter().map(Entry::fingerprint).collect();
        assert_eq!(all.len(), different.len());
    }

    #[test]
    fn stays_the_same_from_version_to_version() {
        assert_eq!(
            entry("npx", &["-y"], &[("A", "1")]).fingerprint(),
            "23c7f1ba49dbfae0be999c2a0488172670ca431fae68289f50f8379dfbf5f37c"
        );
    }
}
