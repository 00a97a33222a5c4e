//! What cannot cross from one era to the other, and why. The table of the guide is this one (see the test).

use wire::{Era, method};

/// One thing that one of the two sides has and the other has no place for.
#[cfg_attr(
    not(test),
    expect(
        dead_code,
        reason = "the reasons are for the guide, which a test compares with this"
    )
)]
struct Lost {
    what: &'static str,
    /// The era of the client that does without.
    client: Era,
    becomes: &'static str,
    why: &'static str,
    /// The notifications that are dropped for it.
    notifications: &'static [&'static str],
}

const LOST: &[Lost] = &[
    Lost {
        what: "tasks of 2025-11-25",
        client: Era::Stateless,
        becomes: "tools that demand one are not listed, the others answer directly",
        why: "the extension of the same name has other messages and other states",
        notifications: &[method::TASKS_STATUS],
    },
    Lost {
        what: "questions that belong to no call",
        client: Era::Stateless,
        becomes: "`roots/list` waits for the next call, everything else is refused",
        why: "a stateless client is asked only in the answer to a request of its own",
        notifications: &[],
    },
    Lost {
        what: "log messages that belong to no call",
        client: Era::Stateless,
        becomes: "heard with the calls under way that want such, else dropped",
        why: "a stateless client asks for them with a request, and hears them with it",
        notifications: &[],
    },
    Lost {
        what: "the end of a visit to a URL (`notifications/elicitation/complete`)",
        client: Era::Stateless,
        becomes: "dropped, as is `elicitationId`",
        why: "the stateless era has neither; the client repeats its request instead",
        notifications: &[method::ELICITATION_COMPLETE],
    },
    Lost {
        what: "news of changed folders (`notifications/roots/list_changed`)",
        client: Era::Stateless,
        becomes: "never sent; the server gets the folders when it asks with a call",
        why: "a stateless client does not tell",
        notifications: &[],
    },
    Lost {
        what: "extensions that the client declares",
        client: Era::Stateless,
        becomes: "not told to the server; those that the server declares are shown",
        why: "a handshake declares once for all who share the connection",
        notifications: &[],
    },
    Lost {
        what: "a broken stream taken up again (`Last-Event-ID`)",
        client: Era::Stateless,
        becomes: "the call is taken back; the client sends it anew",
        why: "the stateless era has no resumption",
        notifications: &[],
    },
    Lost {
        what: "tasks of the extension `io.modelcontextprotocol/tasks`",
        client: Era::Handshake,
        becomes: "not declared to the server, which then answers directly; `task` in a call is left out",
        why: "tasks of 2025-11-25 have other messages and other states",
        notifications: &[method::TASKS_CHANGED],
    },
    Lost {
        what: "`structuredContent` that is no object, and an `outputSchema` of another type",
        client: Era::Handshake,
        becomes: "the text of the result, and no schema",
        why: "before 2026-07-28 both must be objects, and clients check it",
        notifications: &[],
    },
    Lost {
        what: "cache hints (`ttlMs`, `cacheScope`)",
        client: Era::Handshake,
        becomes: "used by the gateway, and left out",
        why: "the handshake era has no place for them",
        notifications: &[],
    },
    Lost {
        what: "question and state that a server hands over instead of asking (`requestState`)",
        client: Era::Handshake,
        becomes: "real questions to the client, in at most 32 rounds; the state stays with the gateway",
        why: "the handshake era asks by requests",
        notifications: &[],
    },
];

/// What only the hop that they came on has use for, whatever its era.
const OF_THE_HOP: [&str; 1] = [method::SUBSCRIPTIONS_ACKNOWLEDGED];

/// The extension that exists in both eras under one name but not in one form.
const TASKS: &str = "io.modelcontextprotocol/tasks";

/// Whether a notification of a server has a meaning for clients of this era, which is not its own.
pub(crate) fn crosses(clients: Era, notification: &str) -> bool {
    let is_lost =
        |lost: &Lost| lost.client == clients && lost.notifications.contains(&notification);
    !OF_THE_HOP.contains(&notification) && !LOST.iter().any(is_lost)
}

/// Whether what a server declares of this extension holds for clients of the other era.
pub(crate) fn extension_crosses(name: &str) -> bool {
    name != TASKS
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table as it stands in the guide.
    fn table() -> String {
        let row = |lost: &Lost| {
            let clients = match lost.client {
                Era::Handshake => "handshake era",
                Era::Stateless => "stateless era",
            };
            format!(
                "| {} | {clients} | {} | {} |\n",
                lost.what, lost.becomes, lost.why
            )
        };
        let head = "| What | Does not reach clients of the | Becomes | Because |\n| --- | --- | --- | --- |\n";
        head.to_owned() + &LOST.iter().map(row).collect::<String>()
    }

    #[test]
    fn the_guide_says_what_cannot_cross() {
        let guide = include_str!("../../../../docs/guide/protocol.md");
        assert!(
            guide.contains(&table()),
            "docs/guide/protocol.md must hold this table:\n\n{}",
            table()
        );
    }

    #[test]
    fn notifications_of_the_other_era_are_dropped() {
        assert!(!crosses(Era::Stateless, method::TASKS_STATUS));
        assert!(!crosses(Era::Handshake, method::TASKS_CHANGED));
        assert!(!crosses(Era::Handshake, method::SUBSCRIPTIONS_ACKNOWLEDGED));
        assert!(crosses(Era::Handshake, "notifications/nobody/knows"));
    }
}
