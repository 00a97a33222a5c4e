//! What rules make of the servers that a side could see: those that are closed are neither listed nor started for it, and of
//! the others some items are hidden.

use std::collections::BTreeSet;
use std::sync::Arc;

use policy::{Asked, Facts, ServerFacts};
use wire::Era;

use super::Core;
use crate::asks::Side;
use crate::lists::{Item, Kind, Lists};
use crate::phase::Denial;
use crate::rules::{hints, server_facts};
use crate::server::Server;

/// Items of one server that are not listed: nothing can come of them.
pub(crate) type Hidden = Arc<BTreeSet<(Kind, Box<str>)>>;

impl Core {
    /// Why nothing of a server can be used from this side, if so.
    pub(crate) fn closed(&self, side: &Side<'_>, server: &ServerFacts) -> Option<Denial> {
        match self.decider.is_needed() {
            false => None,
            true => self.nothing_comes_of(side, server, Asked::Load),
        }
    }

    /// The same of a server that is none of ours yet.
    pub(crate) fn closed_entry(&self, side: &Side<'_>, entry: &catalog::Entry) -> Option<Denial> {
        match self.decider.is_needed() {
            false => None,
            true => self.nothing_comes_of(side, &server_facts(entry), Asked::Load),
        }
    }

    /// What of a server's lists is hidden; none where there are no rules.
    pub(super) fn hidden(
        &self,
        side: &Side<'_>,
        server: &Server,
        lists: Option<&Arc<Lists>>,
    ) -> Option<Hidden> {
        let (has_rules, holds) = (self.decider.is_needed(), self.pins.holds());
        if !has_rules && !holds {
            return None;
        }
        let mut hidden = BTreeSet::new();
        for (kind, item) in lists.into_iter().flat_map(|lists| items(lists)) {
            let asked = match kind {
                Kind::Tools => Asked::Tool {
                    name: &item.key,
                    hints: hints(&item.raw),
                    arguments: None,
                },
                Kind::Prompts => Asked::Prompt(&item.key),
                Kind::Resources | Kind::Templates => Asked::Resource(&item.key),
            };
            // What a template will stand for is decided when it stands for something.
            let is_held = || holds && kind == Kind::Tools && self.pins.is_held(server, &item.key);
            if (has_rules
                && kind != Kind::Templates
                && self.nothing_comes_of(side, &server.facts, asked).is_some())
                || is_held()
            {
                hidden.insert((kind, item.key.clone()));
            }
        }
        Some(Arc::new(hidden))
    }

    /// Whether a tool that a server is known to offer may be named: nothing is known of it but its name.
    pub(crate) fn may_name(&self, side: &Side<'_>, entry: &catalog::Entry, tool: &str) -> bool {
        if !self.decider.is_needed() || self.decider.wants_hints() {
            return true;
        }
        let asked = Asked::Tool {
            name: tool,
            hints: policy::Hints::default(),
            arguments: None,
        };
        self.nothing_comes_of(side, &server_facts(entry), asked)
            .is_none()
    }

    /// Why a tool that nobody has is not there: a rule keeps its server away.
    pub(crate) fn closed_tool(&self, side: &Side<'_>, name: &str) -> Option<Denial> {
        if !self.decider.is_needed() {
            return None;
        }
        self.servers().iter().find_map(|server| {
            let denial = self.closed(side, &server.facts)?;
            let is_prefix = |prefix: &str| {
                let rest = name.strip_prefix(prefix);
                rest.is_some_and(|rest| rest.starts_with("__"))
            };
            let prefix = crate::naming::legal(&server.name);
            let lists = self.learnt(server, side.era, &side.workspace.caller);
            let has = || {
                let lists = lists.as_ref();
                lists.is_some_and(|lists| lists.tools.iter().any(|item| *item.key == *name))
            };
            (is_prefix(&server.name) || is_prefix(&prefix) || has()).then_some(denial)
        })
    }

    fn nothing_comes_of(
        &self,
        side: &Side<'_>,
        server: &ServerFacts,
        asked: Asked<'_>,
    ) -> Option<Denial> {
        let session = side.workspace.session();
        let hello = session.as_ref().and_then(|session| session.hello());
        self.decider.closed(&Facts {
            caller: &side.workspace.caller.0,
            scopes: None,
            client: hello.map(|hello| &*hello.client),
            server,
            asked,
            era: era(side.era),
            now_s: None,
        })
    }
}

/// The era as rules have it.
pub(crate) fn era(era: Era) -> policy::Era {
    match era {
        Era::Handshake => policy::Era::Handshake,
        Era::Stateless => policy::Era::Stateless,
    }
}

fn items(lists: &Lists) -> impl Iterator<Item = (Kind, &Item)> {
    let of = |kind: Kind| lists.of(kind).iter().map(move |item| (kind, item));
    Kind::ALL.into_iter().flat_map(of)
}
