//! One entry put into the text of a settings file, and taken out again.
//!
//! Every edit is one [`Splice`]: the bytes around it are never written anew. After each the file is read again, and has to say what
//! it said before with our entry, or without it; where that fails the edit is refused and the person gets the lines to add by
//! hand. Next: `edit/json.rs`, `edit/toml.rs`, `edit/yaml.rs`, one for each way of writing.

mod json;
mod toml;
mod tree;
mod yaml;

use catalog::Problem;
use serde_json::Value;

use crate::entry::Members;
use crate::splice::Splice;
use crate::table::{Client, Form};

/// Why a file is not edited. It is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// It cannot be read; the problem has the position.
    #[error("{}", .0.message)]
    Broken(Problem),
    /// Where the servers belong is something else.
    #[error("`{0}` is no table of servers there")]
    NotServers(String),
    /// It is written in a way that we cannot change without changing more.
    #[error("it is written in a way that cannot be changed without touching the rest")]
    Unsafe {
        /// What a person can add by hand.
        by_hand: String,
    },
}

/// The entry of this name, if there is one.
///
/// # Errors
/// The file cannot be read.
pub fn entry(
    text: &str,
    client: &Client,
    name: &str,
    source: &str,
) -> Result<Option<Value>, EditError> {
    let tree = read(text, client, source)?;
    Ok(tree::get(&tree, client, name).cloned())
}

/// Puts an entry in; one of that name that is there already gives way.
///
/// # Errors
/// See [`EditError`].
pub fn connect(
    text: &str,
    client: &Client,
    name: &str,
    members: &Members,
    source: &str,
) -> Result<Splice, EditError> {
    let mut wanted = read(text, client, source)?;
    let value = Value::Object(members.iter().cloned().collect());
    tree::put(&mut wanted, client, name, value).map_err(EditError::NotServers)?;
    let (mark, body) = bom(text);
    let splice = match form(client) {
        Form::Json => json::insert(body, client, name, members),
        Form::Toml => toml::insert(body, client, name, members),
        Form::Yaml => yaml::insert(body, client, name, members),
    };
    let refused = || EditError::Unsafe {
        by_hand: by_hand(client, name, members),
    };
    let mut splice = splice.ok_or_else(refused)?;
    splice.at += mark;
    let is_so = read(&splice.apply(text), client, source)
        .is_ok_and(|tree| tree::pruned(&tree, client) == tree::pruned(&wanted, client));
    is_so.then_some(splice).ok_or_else(refused)
}

/// Takes the entry out: exactly what was put in where `made` still stands there, else the entry alone. None if there is none.
///
/// # Errors
/// See [`EditError`].
pub fn disconnect(
    text: &str,
    client: &Client,
    name: &str,
    made: Option<&Splice>,
    source: &str,
) -> Result<Option<Splice>, EditError> {
    let mut wanted = read(text, client, source)?;
    if tree::get(&wanted, client, name).is_none() {
        return Ok(None);
    }
    tree::remove(&mut wanted, client, name);
    let is_so = |splice: &Splice, replaced: bool| {
        let Ok(mut tree) = read(&splice.apply(text), client, source) else {
            return false;
        };
        // What stood there under our name before we came is there again.
        let is_former = replaced && tree::get(&tree, client, name).is_some();
        if is_former {
            tree::remove(&mut tree, client, name);
        }
        tree::pruned(&tree, client) == tree::pruned(&wanted, client)
    };
    if let Some(undo) = made.and_then(|made| made.undo(text))
        && is_so(&undo, !undo.inserted.is_empty())
    {
        return Ok(Some(undo));
    }
    let (mark, body) = bom(text);
    let after = match form(client) {
        Form::Json => json::remove(body, client, name),
        Form::Toml => toml::remove(body, client, name),
        Form::Yaml => yaml::remove(body, client, name),
    };
    let splice = after.map(|after| {
        let splice = Splice::between(body, &after);
        Splice {
            at: splice.at + mark,
            ..splice
        }
    });
    match splice.filter(|splice| is_so(splice, false)) {
        Some(splice) => Ok(Some(splice)),
        None => Err(EditError::Unsafe {
            by_hand: format!("remove `{name}` under `{}`", client.key.join(".")),
        }),
    }
}

/// The lines that a person can add by hand.
pub fn by_hand(client: &Client, name: &str, members: &Members) -> String {
    let splice = match form(client) {
        Form::Json => json::insert("", client, name, members),
        Form::Toml => toml::insert("", client, name, members),
        Form::Yaml => yaml::insert("", client, name, members),
    };
    splice.map(|splice| splice.inserted).unwrap_or_default()
}

fn form(client: &Client) -> Form {
    client.format.unwrap_or(Form::Json)
}

fn read(text: &str, client: &Client, source: &str) -> Result<Value, EditError> {
    tree::read(text, form(client), source).map_err(EditError::Broken)
}

/// How many bytes of a byte order mark there are, and the text behind it.
fn bom(text: &str) -> (usize, &str) {
    match text.strip_prefix('\u{feff}') {
        Some(body) => (text.len() - body.len(), body),
        None => (0, text),
    }
}

/// The line ends of a text.
fn line_end(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

#[cfg(test)]
mod tests;
