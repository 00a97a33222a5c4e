//! What a settings file says, whatever it is written in. Owns what it means to have our entry, or not to have it.

use catalog::Problem;
use catalog::document::Document;
use serde_json::{Map, Value};

use crate::table::{Client, Form};

/// Reads a file; an empty one is an empty table.
pub(super) fn read(text: &str, form: Form, source: &str) -> Result<Value, Problem> {
    let tree = match form {
        Form::Json => Document::json(text, source)?.root.to_json(),
        Form::Yaml => Document::yaml(text, source)?.root.to_json(),
        Form::Toml => config::read_toml(text, source)
            .map_err(|mut problems| problems.swap_remove(0))?
            .root
            .to_json(),
    };
    match tree {
        Value::Object(_) => Ok(tree),
        _ => Err(Problem::error(source, "it holds no table of settings")),
    }
}

/// The entry of this name.
pub(super) fn get<'v>(tree: &'v Value, client: &Client, name: &str) -> Option<&'v Value> {
    let servers = client.key.iter().try_fold(tree, |at, key| at.get(key))?;
    match servers {
        Value::Array(items) => items.iter().find(|item| is_named(item, name)),
        servers => servers.get(name),
    }
}

/// Puts the entry in, as the last of its name and the first of a list. What is in the way is named.
pub(super) fn put(
    tree: &mut Value,
    client: &Client,
    name: &str,
    value: Value,
) -> Result<(), String> {
    let mut at = tree;
    for (depth, key) in client.key.iter().enumerate() {
        let table = at.as_object_mut().ok_or(client.key[..depth].join("."))?;
        at = table.entry(key).or_insert(Value::Null);
    }
    if at.is_null() {
        *at = match client.list {
            true => Value::Array(Vec::new()),
            false => Value::Object(Map::new()),
        };
    }
    match at {
        Value::Array(items) if client.list => {
            items.retain(|item| !is_named(item, name));
            items.insert(0, value);
        }
        Value::Object(table) if !client.list => drop(table.insert(name.to_owned(), value)),
        _ => return Err(client.key.join(".")),
    }
    Ok(())
}

/// Takes the entry out.
pub(super) fn remove(tree: &mut Value, client: &Client, name: &str) {
    let servers = client.key.iter().try_fold(tree, |at, key| at.get_mut(key));
    match servers {
        Some(Value::Array(items)) => items.retain(|item| !is_named(item, name)),
        Some(Value::Object(table)) => drop(table.remove(name)),
        _ => {}
    }
}

/// The tree without a table of servers that holds none: whether it stands there does not matter.
pub(super) fn pruned(tree: &Value, client: &Client) -> Value {
    fn prune(value: &mut Value, key: &[String]) -> bool {
        if let Some((first, rest)) = key.split_first()
            && let Value::Object(table) = value
        {
            if table.get_mut(first).is_some_and(|inner| prune(inner, rest)) {
                table.remove(first);
            }
            return false; // what is around it stays
        }
        match value {
            Value::Null => true,
            Value::Array(items) => items.is_empty(),
            Value::Object(table) => table.is_empty(),
            _ => false,
        }
    }
    let mut tree = tree.clone();
    prune(&mut tree, &client.key);
    sorted_lists(&mut tree, client);
    tree
}

/// In a list of servers our entry may have stood anywhere.
fn sorted_lists(tree: &mut Value, client: &Client) {
    let servers = client.key.iter().try_fold(tree, |at, key| at.get_mut(key));
    if let Some(Value::Array(items)) = servers {
        items.sort_by_key(ToString::to_string);
    }
}

fn is_named(item: &Value, name: &str) -> bool {
    item.get("name").and_then(Value::as_str) == Some(name)
}
