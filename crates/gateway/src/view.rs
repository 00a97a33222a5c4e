//! What one workspace sees at one moment: the lists of its servers merged, named and rendered, and the way from
//! each name back to its server. Immutable; a change makes a new view from the old one, so that names stay.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use wire::{Edits, Era, Object, quote};

use crate::annotation::Mirrored;
use crate::bridge;
use crate::chosen::ScriptTool;
use crate::core::rules::Hidden;
use crate::dynamic::Menu;
use crate::limits::{INSTRUCTIONS_CHARS_MAX, INSTRUCTIONS_CHARS_PER_SERVER, PAGE_ITEMS};
use crate::lists::{Item, Kind, Lists};
use crate::naming::{self, Owned};
use crate::server::Server;
use crate::template;

/// See the module.
pub(crate) struct View {
    /// The era of those who see it.
    pub(crate) era: Era,
    /// The servers in configuration order, with what is known of each.
    pub(crate) parts: Vec<Part>,
    /// The gateway's own tools, which stand before all others.
    pub(crate) own: Own,
    /// Whether the gateway itself has prompts.
    pub(crate) has_own_prompts: bool,
    /// The names that it gives stay. Else somebody has looked while servers were starting, and been told none of them: what is
    /// given then depended on who was faster.
    pub(crate) is_binding: bool,
    tools: Named,
    prompts: Named,
    resources: Named,
    templates: Named,
}

/// The gateway's own tools in a view.
#[derive(Clone, Default)]
pub(crate) struct Own {
    /// Whether there are any.
    pub(crate) has_menu: bool,
    /// Those that take scripts.
    pub(crate) scripts: Vec<Arc<ScriptTool>>,
}

impl Own {
    /// Whether these are the very same.
    pub(crate) fn is(&self, other: &Self) -> bool {
        let same = |(a, b): (&Arc<ScriptTool>, &Arc<ScriptTool>)| Arc::ptr_eq(a, b);
        self.has_menu == other.has_menu
            && self.scripts.len() == other.scripts.len()
            && self.scripts.iter().zip(&other.scripts).all(same)
    }
}

/// One server of a view.
#[derive(Clone)]
pub(crate) struct Part {
    pub(crate) server: Arc<Server>,
    pub(crate) lists: Option<Arc<Lists>>,
    /// The lists are those of the server in whose place it is: its own are not known yet.
    pub(crate) is_provisional: bool,
    /// Whether what it offers is listed; it can be used in any case.
    pub(crate) is_listed: bool,
    /// What rules keep out of its lists; none where there are no rules.
    pub(crate) hidden: Option<Hidden>,
}

impl Part {
    /// Whether its own lists are known.
    pub(crate) fn is_known(&self) -> bool {
        self.lists.is_some() && !self.is_provisional
    }

    /// Whether clients of this era see a tool.
    fn offers(&self, era: Era, tool: &Item) -> bool {
        self.server.allows_tool(&tool.key) && (self.is_of(era) || bridge::offers(era, tool).is_ok())
    }

    /// Whether an item may be listed.
    pub(crate) fn lists(&self, kind: Kind, item: &Item) -> bool {
        let hidden = self.hidden.as_ref().filter(|hidden| !hidden.is_empty());
        hidden.is_none_or(|hidden| !hidden.contains(&(kind, item.key.clone())))
    }

    /// An item as clients of this era see it.
    fn shown<'a>(&self, era: Era, kind: Kind, item: &'a Item) -> Cow<'a, Item> {
        match kind {
            Kind::Tools if !self.is_of(era) => bridge::shown(era, item),
            _ => Cow::Borrowed(item),
        }
    }

    /// The tools that clients of this era see, as they see them.
    pub(crate) fn tools(&self, era: Era) -> Vec<Cow<'_, Item>> {
        let tools = self.lists.iter().flat_map(|lists| &lists.tools);
        let offered = tools.filter(|item| self.offers(era, item));
        offered
            .map(|item| self.shown(era, Kind::Tools, item))
            .collect()
    }

    /// Whether it was listed in this era.
    fn is_of(&self, era: Era) -> bool {
        self.lists.as_ref().is_none_or(|lists| lists.era() == era)
    }
}

/// Where a name leads.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) server: Arc<Server>,
    /// Its name or URI at its server.
    pub(crate) own: Box<str>,
    pub(crate) mirrored: Arc<[Mirrored]>,
}

/// One merged list.
#[derive(Default)]
struct Named {
    targets: HashMap<Box<str>, Target>,
    /// Every name given in this line of views, and here.
    given: HashMap<Owned, Box<str>>,
    /// The former alone, where those that are given here do not stay.
    stays: Option<HashMap<Owned, Box<str>>>,
    /// Exposed keys in list order; for templates, which are matched one by one.
    order: Vec<Box<str>>,
    /// Rendered JSON arrays.
    pages: Vec<Box<str>>,
}

impl View {
    /// The view of these servers, keeping the names of `before`. `menu` is what the gateway itself offers.
    pub(crate) fn new(
        era: Era,
        parts: Vec<Part>,
        own: Own,
        menu: Option<&Menu>,
        (always_prefixed, is_binding): (bool, bool),
        before: Option<&Self>,
    ) -> Self {
        let is_binding = is_binding || parts.iter().all(Part::is_known);
        let make = |kind: Kind| {
            let first = menu.and_then(|menu| menu.of(kind));
            Named::new(
                kind,
                era,
                &parts,
                first,
                (always_prefixed, is_binding),
                before.map(|view| view.named(kind)),
            )
        };
        let (tools, prompts) = (make(Kind::Tools), make(Kind::Prompts));
        let (resources, templates) = (make(Kind::Resources), make(Kind::Templates));
        Self {
            era,
            parts,
            own,
            has_own_prompts: menu.is_some_and(|menu| menu.of(Kind::Prompts).is_some()),
            is_binding,
            tools,
            prompts,
            resources,
            templates,
        }
    }

    fn named(&self, kind: Kind) -> &Named {
        match kind {
            Kind::Tools => &self.tools,
            Kind::Prompts => &self.prompts,
            Kind::Resources => &self.resources,
            Kind::Templates => &self.templates,
        }
    }

    /// The rendered pages of a list; at least one.
    pub(crate) fn pages(&self, kind: Kind) -> &[Box<str>] {
        &self.named(kind).pages
    }

    /// Where a tool, prompt, listed resource or template leads.
    pub(crate) fn target(&self, kind: Kind, name: &str) -> Option<&Target> {
        self.named(kind).targets.get(name)
    }

    /// A tool by `server__tool`, which always resolves.
    pub(crate) fn qualified(&self, kind: Kind, name: &str) -> Option<Target> {
        self.parts.iter().find_map(|part| {
            let prefix = naming::legal(&part.server.name);
            let server = &*part.server.name;
            let own = [server, &*prefix]
                .iter()
                .find_map(|server| name.strip_prefix(server)?.strip_prefix("__"))?;
            let lists = part.lists.as_ref()?;
            let is_meant = |item: &&Item| {
                *item.key == *own || *naming::legal(&format!("{server}__{}", item.key)) == *name
            };
            let item = lists.of(kind).iter().find(is_meant)?;
            if kind == Kind::Tools && !part.offers(self.era, item) {
                return None;
            }
            Some(Target {
                server: part.server.clone(),
                own: item.key.clone(),
                mirrored: item.mirrored.clone().into(),
            })
        })
    }

    /// The tools of one server under the names that they have here, rendered.
    pub(crate) fn tools_of(&self, server: &Server) -> Vec<(Box<str>, Cow<'_, Item>)> {
        let part = self
            .parts
            .iter()
            .find(|part| std::ptr::eq(&*part.server, server));
        let tools = part.map(|part| part.tools(self.era)).unwrap_or_default();
        tools
            .into_iter()
            .filter_map(|item| {
                let owned = Owned {
                    server: (&*server.name).into(),
                    own: item.key.clone(),
                };
                let name = self.tools.given.get(&owned)?.clone();
                Some((name, item))
            })
            .collect()
    }

    /// The tools of one server that may be listed, under the names that they have here, rendered.
    pub(crate) fn listed_tools_of(&self, server: &Server) -> Vec<(Box<str>, Cow<'_, Item>)> {
        let mut tools = self.tools_of(server);
        let of_server = |part: &&Part| std::ptr::eq(&*part.server, server);
        if let Some(part) = self.parts.iter().find(of_server) {
            tools.retain(|(_, item)| part.lists(Kind::Tools, item));
        }
        tools
    }

    /// What the server says of one of its tools.
    pub(crate) fn hints_of(&self, target: &Target) -> policy::Hints {
        let of_server = |part: &&Part| Arc::ptr_eq(&part.server, &target.server);
        let part = self.parts.iter().find(of_server);
        let lists = part.and_then(|part| part.lists.as_ref());
        let item = lists.and_then(|lists| lists.tools.iter().find(|item| item.key == target.own));
        item.map_or_else(policy::Hints::default, |item| {
            crate::rules::hints(&item.raw)
        })
    }

    /// The tools that their servers call so, with the names that they have here.
    pub(crate) fn namesakes(&self, own: &str) -> Vec<(Box<str>, Target)> {
        let targets = self.tools.targets.iter();
        let mut found: Vec<(Box<str>, Target)> = targets
            .filter(|(_, target)| *target.own == *own)
            .map(|(name, target)| (name.clone(), target.clone()))
            .collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found
    }

    /// The names of a list, for hints.
    pub(crate) fn names(&self, kind: Kind) -> impl Iterator<Item = &str> {
        self.named(kind).order.iter().map(|name| &**name)
    }

    /// Where a URI leads: a listed resource, a template that fits, else a server that lists its scheme. With `may_guess`
    /// also the only server that has resources, which holds once the others have had their say.
    pub(crate) fn resource(&self, uri: &str, may_guess: bool) -> Option<Target> {
        if let Some(target) = self.resources.targets.get(uri) {
            return Some(target.clone());
        }
        if let Some(name) = self
            .templates
            .order
            .iter()
            .find(|name| template::matches(name, uri))
        {
            let target = self.templates.targets.get(name)?;
            let own = match name.strip_suffix(&*target.own) {
                Some(prefix) => uri.strip_prefix(prefix).unwrap_or(uri),
                None => uri,
            };
            return Some(Target {
                own: own.into(),
                ..target.clone()
            });
        }
        let mut servers = self.parts.iter().filter(|p| {
            p.lists
                .as_ref()
                .is_some_and(|l| l.has_capability("resources"))
        });
        let scheme = uri.split_once(':').map_or(uri, |(scheme, _)| scheme);
        let speaks = |part: &Part| {
            let lists = part.lists.as_ref();
            let keys = lists
                .into_iter()
                .flat_map(|l| l.resources.iter().chain(&l.templates));
            keys.map(|item| &*item.key)
                .any(|key| key.split_once(':').is_some_and(|(s, _)| s == scheme))
        };
        let part = servers.clone().find(|part| speaks(part)).or_else(|| {
            let only = servers.next().filter(|_| may_guess)?;
            servers.next().is_none().then_some(only)
        })?;
        Some(Target {
            server: part.server.clone(),
            own: uri.into(),
            mirrored: Arc::new([]),
        })
    }

    /// Whether a server can tell of changes of a resource. Stateless servers say so when they are asked to.
    pub(crate) fn tells_of(&self, target: &Target) -> bool {
        let part = self
            .parts
            .iter()
            .find(|part| Arc::ptr_eq(&part.server, &target.server));
        part.and_then(|part| part.lists.as_ref())
            .is_some_and(|lists| {
                lists.era() == self.era || lists.has_ability("resources", "subscribe")
            })
    }

    /// Whether every server's lists are known.
    pub(crate) fn is_complete(&self) -> bool {
        self.parts.iter().all(Part::is_known)
    }

    /// What stands in the place of a server's own lists, if something does.
    pub(crate) fn provisional(&self, server: &Arc<Server>) -> Option<&Part> {
        let mut parts = self.parts.iter().filter(|part| part.is_provisional);
        parts.find(|part| Arc::ptr_eq(&part.server, server))
    }

    /// The lists of the server of this name.
    pub(crate) fn lists_of(&self, server: &str) -> Option<Arc<Lists>> {
        let part = self.parts.iter().find(|part| *part.server.name == *server);
        part?.lists.clone()
    }

    /// The server that has taken the place of this one, if another one has.
    pub(crate) fn current_server(&self, server: &Arc<Server>) -> Option<Arc<Server>> {
        let has_name = |part: &&Part| part.server.name == server.name;
        let now = &self.parts.iter().find(has_name)?.server;
        (!Arc::ptr_eq(now, server)).then(|| now.clone())
    }

    /// The same tool of whichever server has the name of its server now.
    pub(crate) fn current(&self, target: &Target) -> Target {
        let Some(server) = self.current_server(&target.server) else {
            return target.clone();
        };
        let lists = self.lists_of(&server.name);
        let tools = lists.iter().flat_map(|lists| &lists.tools);
        let mut tools = tools.filter(|item| item.key == target.own);
        Target {
            server,
            own: target.own.clone(),
            mirrored: match tools.next() {
                Some(item) => item.mirrored.clone().into(),
                None => target.mirrored.clone(),
            },
        }
    }

    /// Whether some server declares this capability.
    pub(crate) fn has_capability(&self, name: &str) -> bool {
        self.parts
            .iter()
            .filter_map(|part| part.lists.as_ref())
            .any(|lists| lists.has_capability(name))
    }

    /// The members of a capability that is a map (`extensions`, `experimental`, `tasks`), of all servers; the
    /// first one that declares a key wins. Raw JSON; none if nobody declares it.
    pub(crate) fn united(&self, capability: &str) -> Option<String> {
        let mut members: Vec<(String, &str)> = Vec::new();
        let mut declared = false;
        for lists in self.parts.iter().filter_map(|part| part.lists.as_ref()) {
            let Ok(all) = Object::parse(&lists.capabilities) else {
                continue;
            };
            let Ok(Some(raw)) = all.get(capability) else {
                continue;
            };
            let Ok(object) = Object::parse(raw) else {
                continue;
            };
            declared = true;
            for (name, value) in object.iter() {
                if lists.era() != self.era && !bridge::extension_crosses(name) {
                    continue;
                }
                if !members.iter().any(|(known, _)| known == name) {
                    // The value lives in `self.parts`, the parsed object does not.
                    let at = value.as_ptr() as usize - lists.capabilities.as_ptr() as usize;
                    members.push((name.to_owned(), &lists.capabilities[at..at + value.len()]));
                }
            }
        }
        let text: Vec<String> = members
            .iter()
            .map(|(name, value)| format!("{}:{value}", quote(name)))
            .collect();
        declared.then(|| format!("{{{}}}", text.join(",")))
    }

    /// The instructions of all servers, each under its name where there are several; short.
    pub(crate) fn instructions(&self) -> Option<String> {
        let texts: Vec<(&str, &str)> = self
            .parts
            .iter()
            .filter_map(|part| {
                Some((
                    &*part.server.name,
                    part.lists.as_ref()?.instructions.as_deref()?,
                ))
            })
            .filter(|(_, text)| !text.trim().is_empty())
            .collect();
        match texts[..] {
            [] => None,
            [(_, text)] if self.parts.len() == 1 => Some(shortened(text, INSTRUCTIONS_CHARS_MAX)),
            _ => {
                let parts: Vec<String> = texts
                    .iter()
                    .map(|(name, text)| {
                        format!(
                            "## {name}\n{}",
                            shortened(text.trim(), INSTRUCTIONS_CHARS_PER_SERVER)
                        )
                    })
                    .collect();
                Some(shortened(&parts.join("\n\n"), INSTRUCTIONS_CHARS_MAX))
            }
        }
    }

    /// How long a client may keep our lists: the shortest time of the parts; 0 while those of some part are not known.
    pub(crate) fn ttl_ms(&self) -> u64 {
        let of_part = |part: &Part| {
            let lists = part.lists.as_ref().filter(|_| part.is_known());
            lists.and_then(|lists| lists.ttl_ms).unwrap_or(0)
        };
        self.parts.iter().map(of_part).min().unwrap_or(0)
    }

    /// Whether our lists may be shared between callers.
    pub(crate) fn is_public(&self) -> bool {
        // What rules leave of them may differ from caller to caller.
        self.parts.iter().all(|part| {
            let lists = part.lists.as_ref();
            part.hidden.is_none() && lists.is_some_and(|lists| lists.is_public)
        })
    }
}

impl Named {
    fn new(
        kind: Kind,
        era: Era,
        parts: &[Part],
        first: Option<&str>,
        (always_prefixed, is_binding): (bool, bool),
        before: Option<&Self>,
    ) -> Self {
        let mut wanted = Vec::new();
        let mut items: Vec<(&Part, &Item)> = Vec::new();
        for part in parts {
            let Some(lists) = &part.lists else { continue };
            for item in lists.of(kind) {
                if kind == Kind::Tools && !part.offers(era, item) {
                    continue;
                }
                wanted.push(Owned {
                    server: (&*part.server.name).into(),
                    own: item.key.clone(),
                });
                items.push((part, item));
            }
        }
        let empty = HashMap::new();
        let given_before =
            before.map_or(&empty, |named| named.stays.as_ref().unwrap_or(&named.given));
        let names = match kind {
            Kind::Tools | Kind::Prompts => {
                let servers = parts.iter().map(|part| &*part.server.name);
                naming::assign(&wanted, given_before, servers, always_prefixed)
            }
            Kind::Resources | Kind::Templates => naming::assign_uris(&wanted, given_before),
        };
        let mut named = Self {
            given: given_before.clone(),
            stays: (!is_binding).then(|| given_before.clone()),
            ..Self::default()
        };
        let mut page = String::from("[");
        page.push_str(first.unwrap_or_default());
        let mut on_page = usize::from(first.is_some());
        for ((owned, (part, item)), name) in wanted.into_iter().zip(items).zip(names) {
            let target = Target {
                server: part.server.clone(),
                own: item.key.clone(),
                mirrored: item.mirrored.clone().into(),
            };
            named.targets.insert(name.clone(), target);
            named.given.insert(owned, name.clone());
            named.order.push(name.clone());
            if !part.is_listed || !part.lists(kind, item) {
                continue;
            }
            if on_page == PAGE_ITEMS {
                page.push(']');
                named
                    .pages
                    .push(std::mem::replace(&mut page, String::from("[")).into());
                on_page = 0;
            }
            if on_page > 0 {
                page.push(',');
            }
            on_page += 1;
            push_item(&mut page, kind, &part.shown(era, kind, item), &name);
        }
        page.push(']');
        named.pages.push(page.into());
        named.forget_surplus();
        named
    }

    /// Names are remembered for tools that went away, but a server that renames its tools for ever must not
    /// grow the memory for ever.
    fn forget_surplus(&mut self) {
        if self.given.len() > 4 * self.order.len() + 1000 {
            let current: HashSet<&Box<str>> = self.order.iter().collect();
            self.given.retain(|_, name| current.contains(name));
        }
    }
}

/// The item with its exposed name; the bytes that came if that is its own.
pub(crate) fn push_item(page: &mut String, kind: Kind, item: &Item, name: &str) {
    if *item.key == *name {
        page.push_str(&item.raw);
        return;
    }
    let object = Object::parse(&item.raw).expect("an item was parsed when its list was read");
    let mut edits = Edits::new(&item.raw);
    edits.set(&object, kind.key(), quote(name));
    page.push_str(std::str::from_utf8(&edits.apply()).expect("edits of text give text"));
}

fn shortened(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}

#[cfg(test)]
mod tests;
