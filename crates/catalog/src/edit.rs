//! A catalog's text, changed. Owns that what a person wrote around the change stays: comments, order, the form of every other
//! entry. What cannot be changed so is written as a whole, and whoever asked is told. Next: `write`, the whole.

use std::collections::HashMap;

use serde::Serialize;

use crate::document::Document;
use crate::limits::EDITS_MAX;
use crate::write::{Origins, Pairs, Server};
use crate::{
    Catalog, Entry, Form, Origin, Problem, read_catalog, recognise_catalog, write_catalog,
};

/// A text that was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The text.
    pub text: String,
    /// Whether it was written as a whole, so that comments and what is not understood are gone.
    pub is_whole: bool,
}

/// Makes of the text of a catalog of our own form one that says `wanted`.
///
/// # Errors
/// It cannot be written, or the text that is there is no catalog of our own form.
pub fn edit_catalog(text: &str, wanted: &Catalog) -> Result<Edited, Problem> {
    if let Some(text) = spliced(text, wanted) {
        return Ok(Edited {
            text,
            is_whole: false,
        });
    }
    let failed = |error: serde_saphyr::ser::Error| {
        Problem::error(&*wanted.name, format!("cannot be written: {error}"))
    };
    Ok(Edited {
        text: write_catalog(wanted, &approved(wanted)).map_err(failed)?,
        is_whole: true,
    })
}

/// The marks of the entries that are approved.
pub(crate) fn approved(catalog: &Catalog) -> Vec<(String, String)> {
    let entries = catalog.entries.iter();
    let entries = entries.filter(|entry| entry.is_approved);
    entries
        .map(|entry| (entry.name.to_string(), entry.mark()))
        .collect()
}

/// The text with nothing changed but what has to be; `None` where its form does not allow it. Whatever was thought of the form: only
/// what is read as exactly what is wanted counts.
fn spliced(text: &str, wanted: &Catalog) -> Option<String> {
    let is_json = text.trim_start().starts_with(['{', '[']);
    let is_own = recognise_catalog(text, "").is_ok_and(|form| form == Form::Own);
    if is_json || !is_own || text.starts_with('\u{feff}') {
        return None;
    }
    let was = read(text, &wanted.name)?;
    let mut text = text.to_owned();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    if was.name != wanted.name {
        text = with_top(&text, "catalog", Some(&pair("catalog", &wanted.name)?))?;
    }
    for (key, was, is) in [
        ("title", &was.title, &wanted.title),
        ("ref", &was.reference, &wanted.reference),
    ] {
        if was != is {
            let line = match is {
                Some(is) => Some(pair(key, is)?),
                None => None,
            };
            text = with_top(&text, key, line.as_deref())?;
        }
    }
    let (old, new) = (Origins::of(&was), Origins::of(wanted));
    if old != new {
        let table = match new.is_empty() {
            true => None,
            false => Some(pair("origins", &new)?),
        };
        text = with_top(&text, "origins", table.as_deref())?;
    }
    let (old, new) = (approved(&was), approved(wanted));
    if old != new {
        let table = match new.is_empty() {
            true => None,
            false => Some(pair("approved", &Pairs(&new))?),
        };
        text = with_top(&text, "approved", table.as_deref())?;
    }
    let changes = changes(&was, wanted)?;
    if changes.len() > EDITS_MAX {
        return None;
    }
    for (name, block) in changes {
        text = with_server(&text, name, block.as_deref())?;
    }
    let is = read(&text, &wanted.name)?;
    // In their order, so that one pass will do; one that changed stays where it was.
    let mut left = is.entries.iter();
    let is_wanted = is.title == wanted.title
        && is.reference == wanted.reference
        && is.entries.len() == wanted.entries.len()
        && wanted.entries.iter().all(|entry| {
            left.any(|other| {
                is_same(entry, other)
                    && other.is_approved == entry.is_approved
                    && other.origin.is_foreign() == entry.origin.is_foreign()
            })
        });
    is_wanted.then_some(text)
}

/// The servers that are different, each with its lines if it is there.
fn changes<'a>(was: &'a Catalog, wanted: &'a Catalog) -> Option<Vec<(&'a str, Option<String>)>> {
    let table = |catalog: &'a Catalog| -> HashMap<&'a str, &'a Entry> {
        let entries = catalog.entries.iter();
        entries.map(|entry| (entry.name.as_str(), entry)).collect()
    };
    let (old, new) = (table(was), table(wanted));
    let names = was.entries.iter().map(|entry| entry.name.as_str());
    let gone = names.filter(|name| !new.contains_key(name));
    let mut out: Vec<_> = gone.map(|name| (name, None)).collect();
    for entry in &wanted.entries {
        let name = entry.name.as_str();
        if !old.get(name).is_some_and(|known| is_same(known, entry)) {
            out.push((name, Some(pair(name, &Server(entry))?)));
        }
    }
    Some(out)
}

fn read(text: &str, name: &str) -> Option<Catalog> {
    let read = read_catalog(text, name, "", &Origin::Catalog(name.into())).ok()?;
    // What was not understood stays where it is, but a broken server would be taken for a removed one.
    (!read.problems.iter().any(Problem::is_error)).then_some(read)
}

/// Whether two entries say the same, wherever they stand and came from.
fn is_same(one: &Entry, other: &Entry) -> bool {
    let bare = |entry: &Entry| Entry {
        source: String::new(),
        origin: Origin::Own,
        layer: crate::Layer::Default,
        is_approved: false,
        is_template: false,
        ..entry.clone()
    };
    bare(one) == bare(other)
}

/// `key: value` as lines that begin at the margin.
fn pair(key: &str, value: &(impl Serialize + ?Sized)) -> Option<String> {
    let mut text =
        serde_saphyr::to_string(&std::collections::BTreeMap::from([(key, value)])).ok()?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Some(text)
}

/// The text with this in the place of a pair of the outermost table; a new one comes before the servers.
fn with_top(text: &str, key: &str, lines: Option<&str>) -> Option<String> {
    let doc = Document::yaml(text, "").ok()?;
    let starts: Vec<(&str, usize)> = doc
        .root
        .table()?
        .iter()
        .map(|(key, _)| (key.name.as_str(), key.start))
        .collect();
    let lines = lines.unwrap_or_default();
    match starts.iter().position(|(name, _)| *name == key) {
        Some(at) => {
            let end = starts.get(at + 1).map_or(text.len(), |(_, start)| *start);
            let (from, to) = block(text, starts[at].1, end, 0)?;
            Some([&text[..from], lines, &text[to..]].concat())
        }
        None => {
            let servers = starts.iter().find(|(name, _)| *name == "servers");
            let at = servers.map_or(text.len(), |(_, start)| *start);
            let (at, _) = block(text, at, text.len(), 0)?;
            Some([&text[..at], lines, &text[at..]].concat())
        }
    }
}

/// The text with this in the place of a server; a new one comes behind all others.
fn with_server(text: &str, name: &str, lines: Option<&str>) -> Option<String> {
    let doc = Document::yaml(text, "").ok()?;
    let top = doc.root.table()?;
    let Some(at) = top.iter().position(|(key, _)| key.name == "servers") else {
        let lines = indented(lines?, 2, text);
        return Some(format!("{text}servers:\n{lines}"));
    };
    let (key, node) = &top[at];
    let end = top.get(at + 1).map_or(text.len(), |(key, _)| key.start);
    let servers = node.table().unwrap_or_default();
    let Some((first, _)) = servers.first() else {
        // `servers:` or `servers: {}`, and what is written behind it.
        let (from, to) = block(text, key.start, end, 0)?;
        let (line, rest) = text[from..to].split_once('\n')?;
        let line = line.replacen("{}", "", 1);
        let (head, comment) = line.split_once('#').unwrap_or((&line, ""));
        if head.trim_end() != "servers:" {
            return None;
        }
        let comment = match comment {
            "" => String::new(),
            comment => format!(" #{comment}"),
        };
        let lines = indented(lines?, 2, text);
        return Some(
            [
                &text[..from],
                "servers:",
                &comment,
                "\n",
                &lines,
                rest,
                &text[to..],
            ]
            .concat(),
        );
    };
    let indent = column(text, first.start);
    let start = |at: usize| servers.get(at).map(|(key, _)| key.start);
    let known = servers.iter().position(|(key, _)| key.name == name);
    let last = servers.len() - 1;
    let of = known.unwrap_or(last);
    let (from, to) = block(text, start(of)?, start(of + 1).unwrap_or(end), indent)?;
    let lines = lines.map(|lines| indented(lines, indent, text));
    match (known, lines) {
        (Some(_), Some(lines)) => Some([&text[..from], &lines, &text[to..]].concat()),
        (None, Some(lines)) => Some([&text[..to], &lines, &text[to..]].concat()),
        (Some(_), None) => Some([&text[..from], &text[to..]].concat()),
        (None, None) => None,
    }
}

/// From where to where the lines of a pair reach that begins at this byte, before that one: comments and empty lines before what
/// follows belong to that. `None` where it does not begin its line, or not where its neighbours do.
fn block(text: &str, start: usize, end: usize, indent: usize) -> Option<(usize, usize)> {
    let from = line_start(text, start);
    if start - from != indent || !text[from..start].bytes().all(|byte| byte == b' ') {
        return None;
    }
    let mut to = line_start(text, end);
    while to > from {
        let before = line_start(text, to - 1);
        let line = text[before..to].trim();
        let is_beside = column_of(&text[before..to]) <= indent;
        if before > from && (line.is_empty() || (line.starts_with('#') && is_beside)) {
            to = before;
        } else {
            break;
        }
    }
    Some((from, to))
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |end| end + 1)
}

fn column(text: &str, at: usize) -> usize {
    at - line_start(text, at)
}

fn column_of(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

fn indented(lines: &str, by: usize, text: &str) -> String {
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut out = String::new();
    for line in lines.lines() {
        if !line.is_empty() {
            out.push_str(&" ".repeat(by));
        }
        out.push_str(line);
        out.push_str(end);
    }
    out
}

#[cfg(test)]
mod tests;
