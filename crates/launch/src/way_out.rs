//! The way out of a box: tells of what the proxy decides in the server's own log, where whoever wonders looks.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use egress::{Decision, Recorder, Verdict};

use crate::limits::BOX_DECISIONS_TOLD_MAX;
use crate::stderr::Tail;

/// The variables that name the proxy at a port of the box' own loopback to the server in it.
pub(crate) fn variables(port: u16) -> [(&'static str, String); 7] {
    let proxy = format!("http://127.0.0.1:{port}");
    let here = "localhost,127.0.0.1,::1".to_owned();
    [
        ("HTTP_PROXY", proxy.clone()),
        ("HTTPS_PROXY", proxy.clone()),
        ("http_proxy", proxy.clone()),
        ("https_proxy", proxy),
        ("NO_PROXY", here.clone()),
        ("no_proxy", here),
        // Node reads those only if told to.
        ("NODE_USE_ENV_PROXY", "1".to_owned()),
    ]
}

/// Each decision once, so that a server that asks again and again does not push its own words out.
pub(crate) struct Notes {
    tail: Arc<Tail>,
    file: String,
    told: Mutex<HashSet<String>>,
}

impl Notes {
    /// For the server with this log; `file` is where its entry can be mended.
    pub(crate) fn new(tail: Arc<Tail>, file: String) -> Self {
        Self {
            tail,
            file,
            told: Mutex::default(),
        }
    }

    fn words(&self, Decision { target, verdict }: &Decision) -> String {
        let file = &self.file;
        match verdict {
            Verdict::Allowed => format!("\"{target}\" was reached"),
            Verdict::NotListed => {
                format!(
                    "\"{target}\" was refused: {verdict}; add \"{target}\" to `network` in {file}"
                )
            }
            Verdict::NotPublic(address) => format!(
                "\"{target}\" was refused: it {verdict}; if that is meant, write \"{target}={address}\" in `network` in {file}"
            ),
            verdict if target.is_empty() => {
                format!("the way to the network was refused: {verdict}")
            }
            verdict => format!("\"{target}\" {verdict}"),
        }
    }
}

impl Recorder for Notes {
    fn decided(&self, decision: &Decision) {
        let words = self.words(decision);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() < BOX_DECISIONS_TOLD_MAX && told.insert(words.clone()) {
            self.tail.note(&words);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_decision_is_told_once_with_what_would_allow_it() {
        let tail = Arc::<Tail>::default();
        let notes = Notes::new(tail.clone(), "servers.json".into());
        let refused = |target: String| Decision {
            target,
            verdict: Verdict::NotListed,
        };
        for _ in 0..2 {
            notes.decided(&refused("a.example:443".into()));
        }
        assert_eq!(
            tail.last(9),
            [
                "portolan: \"a.example:443\" was refused: not in the list of hosts that this server may reach; \
                 add \"a.example:443\" to `network` in servers.json"
            ]
        );
        for n in 0..2 * BOX_DECISIONS_TOLD_MAX {
            notes.decided(&refused(format!("a{n}.example:443")));
        }
        assert_eq!(tail.last(1_000).len(), BOX_DECISIONS_TOLD_MAX);
    }
}
