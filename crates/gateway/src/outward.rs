//! What servers wanted to reach and may not: told with the failure of the call that it belongs to, and kept until the person
//! can be asked about it, which `dynamic/outward` does with the next call. A call that goes well is left as it is.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use launch::Refused;
use wire::{Frame, quote};

use crate::limits::{WISHES_MAX, WISHES_TOLD_MAX};
use crate::outbox::lock;

/// What conversations are still to be asked about.
#[derive(Default)]
pub(crate) struct Wishes {
    known: Mutex<Known>,
    /// How many there are: every call looks, and mostly there is none.
    open: AtomicUsize,
}

#[derive(Default)]
struct Known {
    /// By workspace and server.
    open: HashMap<(u64, Arc<str>), Vec<String>>,
    asked: HashSet<(u64, Arc<str>, String)>,
}

impl Wishes {
    /// A server wanted to reach these hosts for this workspace.
    pub(crate) fn add(&self, workspace: u64, server: &Arc<str>, refused: &[Refused]) {
        let mut known = lock(&self.known);
        for host in refused
            .iter()
            .filter(|one| one.is_public)
            .map(|one| &one.host)
        {
            let is_asked = known
                .asked
                .contains(&(workspace, server.clone(), host.clone()));
            if is_asked || known.open.len() >= WISHES_MAX {
                continue;
            }
            let open = known.open.entry((workspace, server.clone())).or_default();
            if !open.contains(host) && open.len() < WISHES_TOLD_MAX {
                open.push(host.clone());
            }
        }
        self.open.store(known.open.len(), Ordering::Relaxed);
    }

    /// The first that nobody was asked about yet.
    pub(crate) fn first(&self, workspace: u64, server: &Arc<str>) -> Option<String> {
        if self.open.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let known = lock(&self.known);
        known
            .open
            .get(&(workspace, server.clone()))?
            .first()
            .cloned()
    }

    /// The person has been asked, whatever they said; they are not asked again in this conversation.
    pub(crate) fn settle(&self, workspace: u64, server: &Arc<str>, host: &str) {
        let mut known = lock(&self.known);
        let key = (workspace, server.clone());
        if let Some(open) = known.open.get_mut(&key) {
            open.retain(|one| one != host);
            if open.is_empty() {
                known.open.remove(&key);
                self.open.store(known.open.len(), Ordering::Relaxed);
            }
        }
        if known.asked.len() < WISHES_MAX {
            known
                .asked
                .insert((workspace, server.clone(), host.to_owned()));
        }
    }

    /// A workspace has ended.
    pub(crate) fn leave(&self, workspace: u64) {
        let mut known = lock(&self.known);
        known.open.retain(|(of, _), _| *of != workspace);
        known.asked.retain(|(of, _, _)| *of != workspace);
        self.open.store(known.open.len(), Ordering::Relaxed);
    }
}

/// The failure of a call, with what its server was kept from meanwhile and the command that would allow it.
pub(crate) fn explained(answer: Bytes, server: &str, refused: &[Refused]) -> Bytes {
    let words = words(server, refused);
    let Ok(frame) = Frame::parse(answer.clone()) else {
        return answer;
    };
    let mut edits = frame.edit();
    if let Ok(Some(result)) = frame.result_object() {
        let content = result.get("content").ok().flatten().unwrap_or("[]");
        let Some(before) = content.trim_end().strip_suffix(']') else {
            return answer;
        };
        let comma = match before.trim_end().ends_with('[') {
            true => "",
            false => ",",
        };
        let block = format!(r#"{{"type":"text","text":{}}}"#, quote(&words));
        edits.set(&result, "content", format!("{before}{comma}{block}]"));
    } else if let Ok(Some(error)) = frame.error_object() {
        let message = error.string("message").ok().flatten().unwrap_or_default();
        edits.set(&error, "message", quote(&format!("{message} ({words})")));
    }
    edits.apply()
}

fn words(server: &str, refused: &[Refused]) -> String {
    let hosts = |separator: &str| {
        let hosts = refused.iter().take(WISHES_TOLD_MAX);
        hosts
            .map(|refused| refused.host.as_str())
            .collect::<Vec<_>>()
            .join(separator)
    };
    format!(
        "portolan: {server} may not reach {}, and was kept from it. If the user agrees, they can run: portolan server allow {server} {}",
        hosts(", "),
        hosts(" "),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(host: &str, is_public: bool) -> Refused {
        Refused {
            host: host.to_owned(),
            is_public,
        }
    }

    fn told(answer: &'static str) -> String {
        let refused = [
            refused("a.example", true),
            refused("b:5432=10.0.0.1", false),
        ];
        let told = explained(Bytes::from_static(answer.as_bytes()), "s", &refused);
        String::from_utf8(told.to_vec()).unwrap()
    }

    const WORDS: &str = "portolan: s may not reach a.example, b:5432=10.0.0.1, and was kept from it. If the user agrees, they can run: portolan server allow s a.example b:5432=10.0.0.1";

    #[test]
    fn a_failure_says_what_would_have_to_be_allowed_and_keeps_its_own_words() {
        let block = format!(r#"{{"type":"text","text":"{WORDS}"}}"#);
        for (answer, expected) in [
            (
                r#"{"jsonrpc":"2.0","id":1,"result":{"isError":true,"content":[{"type":"text","text":"x"}],"odd":[]}}"#,
                format!(
                    r#"{{"jsonrpc":"2.0","id":1,"result":{{"isError":true,"content":[{{"type":"text","text":"x"}},{block}],"odd":[]}}}}"#
                ),
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"result":{"isError":true,"content":[ ]}}"#,
                format!(
                    r#"{{"jsonrpc":"2.0","id":1,"result":{{"isError":true,"content":[ {block}]}}}}"#
                ),
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no \"way\""}}"#,
                format!(
                    r#"{{"jsonrpc":"2.0","id":1,"error":{{"code":-1,"message":"no \"way\" ({WORDS})"}}}}"#
                ),
            ),
        ] {
            assert_eq!(told(answer), expected);
        }
    }

    #[test]
    fn a_conversation_is_asked_about_each_host_once_and_not_about_private_ones() {
        let wishes = Wishes::default();
        let server: Arc<str> = "s".into();
        let add = |host, is_public| wishes.add(1, &server, &[refused(host, is_public)]);
        add("lan", false);
        add("a.example", true);
        add("a.example", true);
        assert_eq!(wishes.first(1, &server).as_deref(), Some("a.example"));
        assert_eq!(wishes.first(2, &server), None);
        wishes.settle(1, &server, "a.example");
        add("a.example", true);
        assert_eq!(wishes.first(1, &server), None);
        wishes.leave(1);
        add("a.example", true);
        assert!(wishes.first(1, &server).is_some());
        for n in 0..2 * WISHES_MAX as u64 {
            wishes.add(n, &server, &[refused("b.example", true)]);
        }
        assert_eq!(lock(&wishes.known).open.len(), WISHES_MAX);
    }
}
