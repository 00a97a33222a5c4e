//! The way out of a box: tells of what the proxy decides in the server's own log, where whoever wonders looks.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use egress::{Decision, Recorder, Verdict};

use crate::Refused;
use crate::limits::{BOX_DECISIONS_TOLD_MAX, BOX_REFUSED_MAX};
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

/// Each decision once, so that a server that asks again and again does not push its own words out; and the last hosts that
/// were refused, for whoever has to explain why something failed.
pub(crate) struct Notes {
    tail: Arc<Tail>,
    server: String,
    told: Mutex<HashSet<String>>,
    refused: Mutex<VecDeque<(Instant, Refused)>>,
}

impl Notes {
    /// For the server of this name, with this log.
    pub(crate) fn new(tail: Arc<Tail>, server: &str) -> Self {
        Self {
            tail,
            server: server.to_owned(),
            told: Mutex::default(),
            refused: Mutex::default(),
        }
    }

    /// What was refused since then, in the order in which it first was.
    pub(crate) fn refused(&self, since: Instant) -> Vec<Refused> {
        let refused = lock(&self.refused);
        let lately = refused.iter().filter(|(at, _)| *at >= since);
        lately.map(|(_, refused)| refused.clone()).collect()
    }

    /// It is not refused any more.
    pub(crate) fn forget(&self, host: &str) {
        lock(&self.refused).retain(|(_, refused)| refused.host != host);
    }

    fn remember(&self, refused: Refused) {
        let mut all = lock(&self.refused);
        match all.iter_mut().find(|(_, known)| *known == refused) {
            Some((at, _)) => *at = Instant::now(),
            None => {
                all.push_back((Instant::now(), refused));
                if all.len() > BOX_REFUSED_MAX {
                    all.pop_front();
                }
            }
        }
    }

    fn words(&self, Decision { target, verdict }: &Decision, refused: Option<&Refused>) -> String {
        let allowed_by =
            |refused: &Refused| format!("portolan server allow {} {}", self.server, refused.host);
        match (verdict, refused) {
            (Verdict::Allowed, _) => format!("\"{target}\" was reached"),
            (Verdict::NotPublic(_), Some(refused)) => format!(
                "\"{target}\" was refused: it {verdict}; if that is meant: {}",
                allowed_by(refused)
            ),
            (_, Some(refused)) => format!(
                "\"{target}\" was refused: {verdict}; to allow it: {}",
                allowed_by(refused)
            ),
            (verdict, None) if target.is_empty() => {
                format!("the way to the network was refused: {verdict}")
            }
            (verdict, None) => format!("\"{target}\" {verdict}"),
        }
    }
}

/// The host that would have to be allowed, if that would help.
fn refused(Decision { target, verdict }: &Decision) -> Option<Refused> {
    let (host, is_public) = match verdict {
        // The ports that a host stands for when it is named without one.
        Verdict::NotListed => {
            let usual = [":443", ":80"];
            let host = usual.iter().find_map(|port| target.strip_suffix(port));
            (host.unwrap_or(target).to_owned(), true)
        }
        Verdict::NotPublic(address) => (format!("{target}={address}"), false),
        _ => return None,
    };
    Some(Refused { host, is_public })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Recorder for Notes {
    fn decided(&self, decision: &Decision) {
        let refused = refused(decision);
        let words = self.words(decision, refused.as_ref());
        if let Some(refused) = refused {
            self.remember(refused);
        }
        let mut told = lock(&self.told);
        if told.len() < BOX_DECISIONS_TOLD_MAX && told.insert(words.clone()) {
            self.tail.note(&words);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(target: &str, verdict: Verdict) -> Decision {
        Decision {
            target: target.to_owned(),
            verdict,
        }
    }

    #[test]
    fn each_decision_is_told_once_with_what_would_allow_it() {
        let tail = Arc::<Tail>::default();
        let notes = Notes::new(tail.clone(), "s");
        for _ in 0..2 {
            notes.decided(&decision("a.example:443", Verdict::NotListed));
        }
        assert_eq!(
            tail.last(9),
            [
                "portolan: \"a.example:443\" was refused: not in the list of hosts that this server may reach; \
                 to allow it: portolan server allow s a.example"
            ]
        );
        for n in 0..2 * BOX_DECISIONS_TOLD_MAX {
            notes.decided(&decision(&format!("a{n}.example:443"), Verdict::NotListed));
        }
        assert_eq!(tail.last(1_000).len(), BOX_DECISIONS_TOLD_MAX);
        assert_eq!(lock(&notes.refused).len(), BOX_REFUSED_MAX);
    }

    #[test]
    fn what_was_refused_is_known_in_the_words_that_allow_it() {
        let notes = Notes::new(Arc::default(), "s");
        let began = Instant::now();
        let private = "10.0.0.1".parse().unwrap();
        for (target, verdict) in [
            ("a.example", Verdict::NotListed),
            ("a.example:443", Verdict::NotListed),
            ("b.example:5432", Verdict::NotListed),
            ("c.example:80", Verdict::NotPublic(private)),
            ("d.example:80", Verdict::Allowed),
            ("e.example:80", Verdict::Unreachable("x".into())),
            ("", Verdict::Malformed),
        ] {
            notes.decided(&decision(target, verdict));
        }
        let hosts = |since| -> Vec<String> {
            let refused = notes.refused(since);
            refused.into_iter().map(|refused| refused.host).collect()
        };
        assert_eq!(
            hosts(began),
            ["a.example", "b.example:5432", "c.example:80=10.0.0.1"]
        );
        assert!(!notes.refused(began)[2].is_public);
        let later = Instant::now();
        notes.decided(&decision("b.example:5432", Verdict::NotListed));
        assert_eq!(hosts(later), ["b.example:5432"]);
        notes.forget("b.example:5432");
        assert_eq!(hosts(later), [""; 0]);
    }
}
