//! Reads the fields of one table: each by its name or an older one, with messages that say where. Next: `reader`.

use std::collections::HashSet;

use crate::document::{Document, Key, Node, Value};
use crate::expand::{Lookup, expand};
use crate::limits::{ITEMS_MAX, PROBLEMS_MAX};
use crate::template::Template;
use crate::{Problem, suggest};

/// One table being read. Whatever is wrong is noted; the reading goes on, so that a person sees everything at once.
pub(crate) struct Fields<'a> {
    pub(crate) doc: &'a Document<'a>,
    /// What stands before each message, such as "server `x`: ".
    pub(crate) about: String,
    pub(crate) problems: Vec<Problem>,
    pairs: &'a [(Key, Node)],
    read: Vec<bool>,
    lookup: Option<&'a Lookup<'a>>,
    /// Variables that are not there stay as they are.
    is_off: bool,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(
        doc: &'a Document<'a>,
        about: String,
        pairs: &'a [(Key, Node)],
        lookup: Option<&'a Lookup<'a>>,
        is_off: bool,
    ) -> Self {
        Self {
            doc,
            about,
            problems: Vec::new(),
            pairs,
            read: vec![false; pairs.len()],
            lookup,
            is_off,
        }
    }

    /// The first of these names that is there and not `null`. All of them count as read.
    pub(crate) fn get(&mut self, names: &[&str]) -> Option<(&'a Key, &'a Node)> {
        let mut found = None;
        for name in names {
            let mut first: Option<&Key> = None;
            for (at, (key, node)) in self
                .pairs
                .iter()
                .enumerate()
                .filter(|(_, (key, _))| key.name == *name)
            {
                self.read[at] = true;
                if let Some(first) = first {
                    let (line, column) = self.doc.position(first.start);
                    self.error(
                        key.start,
                        format!("`{name}` is given twice, first at {line}:{column}"),
                        "keep one of them",
                    );
                    continue;
                }
                first = Some(key);
                if found.is_none() && node.value != Value::Null {
                    found = Some((key, node));
                }
            }
        }
        found
    }

    pub(crate) fn error(&mut self, at: usize, message: impl AsRef<str>, hint: impl Into<String>) {
        let message = format!("{}{}", self.about, message.as_ref());
        self.problems.push(self.doc.error(at, message).hint(hint));
    }

    pub(crate) fn warning(&mut self, at: usize, message: impl AsRef<str>, hint: impl Into<String>) {
        let message = format!("{}{}", self.about, message.as_ref());
        self.problems.push(self.doc.warning(at, message).hint(hint));
    }

    /// A text, as written.
    pub(crate) fn text(&mut self, names: &[&str]) -> Option<(String, usize)> {
        let (key, node) = self.get(names)?;
        match &node.value {
            Value::String(text) => Some((text.clone(), node.start)),
            _ => {
                self.wrong(key, node, "a text in quotes");
                None
            }
        }
    }

    pub(crate) fn bool(&mut self, names: &[&str]) -> Option<bool> {
        let (key, node) = self.get(names)?;
        match &node.value {
            Value::Bool(value) => Some(*value),
            _ => {
                self.wrong(key, node, "true or false, without quotes");
                None
            }
        }
    }

    /// Whole seconds from `min` to `max`.
    pub(crate) fn seconds(&mut self, names: &[&str], min: u64, max: u64) -> Option<u64> {
        let (key, node) = self.get(names)?;
        let number = match &node.value {
            Value::Number(text) => text.parse().ok().filter(|n| (min..=max).contains(n)),
            _ => None,
        };
        if number.is_none() {
            self.wrong(key, node, &format!("whole seconds from {min} to {max}"));
        }
        number
    }

    /// A whole number.
    pub(crate) fn whole(&mut self, name: &str, max: u64) -> Option<u64> {
        let (key, node) = self.get(&[name])?;
        let number = match &node.value {
            Value::Number(text) => text.parse().ok().filter(|n| *n <= max),
            _ => None,
        };
        if number.is_none() {
            self.wrong(key, node, &format!("a whole number from 0 to {max}"));
        }
        number
    }

    /// A list of texts, as written.
    pub(crate) fn texts(&mut self, names: &[&str]) -> Option<Vec<String>> {
        let items = self.items(names, "a list of texts")?;
        let mut out = Vec::with_capacity(items.len());
        for item in items {
            match &item.value {
                Value::String(text) => out.push(text.clone()),
                _ => {
                    let message = format!(
                        "each of `{}` must be a text, found {}",
                        names[0],
                        item.kind()
                    );
                    self.error(item.start, message, "put it in quotes");
                }
            }
        }
        Some(out)
    }

    /// A list of texts with their variables filled in.
    pub(crate) fn filled(&mut self, names: &[&str]) -> Vec<String> {
        let what = format!("each of `{}`", names[0]);
        let items = self.items(names, "a list of texts").unwrap_or_default();
        items
            .iter()
            .filter_map(|item| self.value(&what, item))
            .collect()
    }

    /// The text of a value that may be a template, without the name of the server in its keys.
    pub(crate) fn template(&mut self, what: &str, node: &Node, server: &str) -> Option<String> {
        let text = self.value(what, node)?;
        match Template::parse(&text, server, &|_| false) {
            Ok(template) => Some(template.canonical()),
            Err((error, at)) => {
                // In a text with escapes the place is near, not exact.
                self.error(
                    node.start + at,
                    format!("{what}: {error}"),
                    "see \"Templates\" in the guide to catalogs",
                );
                None
            }
        }
    }

    /// A list of texts that may be templates; one text alone is a list of one.
    pub(crate) fn templates(&mut self, names: &[&str], server: &str) -> Vec<String> {
        let Some((key, node)) = self.get(names) else {
            return Vec::new();
        };
        let what = format!("each of `{}`", key.name);
        let items = match &node.value {
            Value::List(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        if !self.is_short(key, node, items.len()) {
            return Vec::new();
        }
        let texts = items
            .iter()
            .map(|item| self.template(&what, item, server))
            .collect::<Vec<_>>();
        texts.into_iter().flatten().collect()
    }

    /// Names and values that may be templates.
    pub(crate) fn template_pairs(
        &mut self,
        names: &[&str],
        server: &str,
        check: fn(&str, &str) -> Option<&'static str>,
    ) -> Vec<(String, String)> {
        let mut pairs = self.values(names, check);
        for (name, value) in &mut pairs {
            match Template::parse(value, server, &|_| false) {
                Ok(template) => *value = template.canonical(),
                Err((error, _)) => {
                    let found = self.get(names).and_then(|(_, node)| node.get(name));
                    let start = found.map_or(0, |node| node.start);
                    let message = format!("`{name}` in `{}`: {error}", names[0]);
                    self.error(start, message, "see \"Templates\" in the guide to catalogs");
                }
            }
        }
        pairs
    }

    /// The text of a value where numbers and booleans do as well, variables filled in.
    pub(crate) fn value(&mut self, what: &str, node: &Node) -> Option<String> {
        let text = match &node.value {
            Value::String(text) => self.expanded(what, text, node.start)?,
            Value::Number(text) => text.clone(),
            Value::Bool(value) => value.to_string(),
            _ => {
                let message = format!("{what} must be a text, found {}", node.kind());
                self.error(node.start, message, "put it in quotes");
                return None;
            }
        };
        if text.contains('\0') {
            self.error(
                node.start,
                format!("{what} contains a zero byte"),
                "remove it",
            );
            return None;
        }
        Some(text)
    }

    /// Names and values, variables filled in; a list is its name as often as it has items.
    pub(crate) fn many(&mut self, names: &[&str]) -> Vec<(String, String)> {
        let Some((key, node)) = self.get(names) else {
            return Vec::new();
        };
        let Some(pairs) = node.table() else {
            self.wrong(key, node, "a table of names and values");
            return Vec::new();
        };
        let mut out = Vec::new();
        for (name, node) in pairs.iter().filter(|(_, node)| node.value != Value::Null) {
            let items = match &node.value {
                Value::List(items) => items.as_slice(),
                _ => std::slice::from_ref(node),
            };
            if !self.is_short(key, node, pairs.len().max(items.len())) {
                return Vec::new();
            }
            let what = format!("`{}` in `{}`", name.name, key.name);
            for item in items {
                out.extend(
                    self.value(&what, item)
                        .map(|value| (name.name.clone(), self.home(value))),
                );
            }
        }
        out
    }

    /// Names and values, variables filled in; a value of `null` leaves its name out. `check` says what is wrong with a pair.
    pub(crate) fn values(
        &mut self,
        names: &[&str],
        check: fn(&str, &str) -> Option<&'static str>,
    ) -> Vec<(String, String)> {
        let Some((key, node)) = self.get(names) else {
            return Vec::new();
        };
        let Some(pairs) = node.table() else {
            self.wrong(key, node, "a table of names and values");
            return Vec::new();
        };
        if !self.is_short(key, node, pairs.len()) {
            return Vec::new();
        }
        let mut seen = HashSet::new();
        let mut out = Vec::with_capacity(pairs.len());
        for (name, node) in pairs.iter().filter(|(_, node)| node.value != Value::Null) {
            let what = format!("`{}` in `{}`", name.name, key.name);
            if !seen.insert(name.name.as_str()) {
                self.error(
                    name.start,
                    format!("{what} is given twice"),
                    "keep one of them",
                );
            } else if let Some(value) = self.value(&what, node) {
                match check(&name.name, &value) {
                    Some(wrong) => {
                        self.error(name.start, format!("{what} {wrong}"), "check its spelling");
                    }
                    None => out.push((name.name.clone(), value)),
                }
            }
        }
        out
    }

    /// The items of a list, if there is one of a size that anybody means.
    pub(crate) fn items(&mut self, names: &[&str], wanted: &str) -> Option<&'a [Node]> {
        let (key, node) = self.get(names)?;
        match &node.value {
            Value::List(items) => self
                .is_short(key, node, items.len())
                .then_some(items.as_slice()),
            _ => {
                self.wrong(key, node, wanted);
                None
            }
        }
    }

    fn is_short(&mut self, key: &Key, node: &Node, items: usize) -> bool {
        if items > ITEMS_MAX {
            let message = format!(
                "`{}` has {items} items, at most {ITEMS_MAX} are read",
                key.name
            );
            self.error(node.start, message, "shorten it");
        }
        items <= ITEMS_MAX
    }

    pub(crate) fn expanded(&mut self, what: &str, text: &str, at: usize) -> Option<String> {
        let Some(lookup) = self.lookup else {
            return Some(text.to_owned());
        };
        match expand(text, lookup) {
            Ok(text) => Some(text),
            Err(_) if self.is_off => Some(text.to_owned()),
            Err(error) => {
                self.error(at, format!("{what}: {error}"), error.hint());
                None
            }
        }
    }

    /// `~/x` as a path below the home folder.
    pub(crate) fn home(&self, text: String) -> String {
        match (
            text.strip_prefix("~/"),
            self.lookup.and_then(|lookup| lookup("HOME")),
        ) {
            (Some(rest), Some(home)) => format!("{}/{rest}", home.trim_end_matches('/')),
            _ => text,
        }
    }

    pub(crate) fn wrong(&mut self, key: &Key, node: &Node, wanted: &str) {
        let message = format!("`{}` must be {wanted}, found {}", key.name, node.kind());
        self.error(node.start, message, format!("write {wanted}"));
    }

    /// The first names that nobody asked for.
    pub(crate) fn unread(&self) -> Vec<&'a Key> {
        let unread = self
            .pairs
            .iter()
            .zip(&self.read)
            .filter(|(_, read)| !**read);
        unread.map(|((key, _), _)| key).take(PROBLEMS_MAX).collect()
    }

    /// A name that nobody asked for and that resembles one of these. It counts as read.
    pub(crate) fn misspelt(&mut self, wanted: &[&'static str]) -> Option<(&'a Key, &'static str)> {
        let near = |key: &Key| suggest(&key.name, wanted.iter().copied());
        let (key, known) = self
            .unread()
            .into_iter()
            .find_map(|key| Some((key, near(key)?)))?;
        self.get(&[&key.name]);
        Some((key, known))
    }
}
