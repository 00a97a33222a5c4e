//! What starts or reaches a server: `command`, `image` or `url`, and the many ways in which applications say which.

use std::path::PathBuf;

use super::TYPES;
use crate::document::{Key, Node, Value};
use crate::fields::Fields;
use crate::{Launch, Network, Registry, RemoteKind, USER_CONFIG, suggest};

/// What `type` says, in all the ways it is written.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Command,
    Remote(RemoteKind),
}

/// Reads it; `start` is where the entry begins, for what is missing.
pub(super) fn read(fields: &mut Fields<'_>, start: usize) -> Option<Launch> {
    if let Some(found) = fields.get(&["image"]) {
        return image(fields, found);
    }
    if let Some((_, node)) = fields.get(&["mcpb"]) {
        return bundle(fields, node);
    }
    let kind = kind(fields);
    // Gemini CLI: `httpUrl` is streamable HTTP and wins over `url`.
    let streamable = fields.get(&["httpUrl"]);
    let url = fields.get(&["url", "serverUrl"]);
    let command = fields.get(&["command"]);
    let (kind, url) = match (kind.ok()?, streamable, url) {
        (None, Some(found), _) => (Some(Kind::Remote(RemoteKind::Streamable)), Some(found)),
        (kind, found, other) => (kind, found.or(other)),
    };
    match (kind, command, url) {
        (None, Some((key, _)), Some(_)) => {
            let hint = "remove one of them, or say which by `type`";
            fields.error(key.start, "there is both a command and a URL", hint);
            None
        }
        (None | Some(Kind::Command), Some(found), url) => {
            ignored(fields, url, "a command");
            self::command(fields, found)
        }
        (None, None, Some(found)) => remote(fields, found, RemoteKind::Auto),
        (Some(Kind::Remote(kind)), command, Some(found)) => {
            ignored(fields, command, "remote");
            remote(fields, found, kind)
        }
        (Some(Kind::Command), None, Some((key, _))) => {
            let message = format!(
                "`type` says that this is a command, but there is only `{}`",
                key.name
            );
            fields.error(
                key.start,
                message,
                "write \"http\" or \"sse\" as its `type`, or leave it out",
            );
            None
        }
        (kind, _, None) => {
            missing(fields, start, kind);
            None
        }
    }
}

fn kind(fields: &mut Fields<'_>) -> Result<Option<Kind>, ()> {
    let Some((text, at)) = fields.text(&["type", "transport"]) else {
        return Ok(None);
    };
    match text.to_ascii_lowercase().replace(['-', '_'], "").as_str() {
        "stdio" | "local" | "command" => Ok(Some(Kind::Command)),
        "http" | "streamablehttp" | "streamable" | "streaming" => {
            Ok(Some(Kind::Remote(RemoteKind::Streamable)))
        }
        "sse" => Ok(Some(Kind::Remote(RemoteKind::Sse))),
        "remote" => Ok(Some(Kind::Remote(RemoteKind::Auto))),
        _ => {
            let hint = match suggest(&text, TYPES.iter().copied()) {
                Some(known) => format!("did you mean \"{known}\"?"),
                None => "there are: \"stdio\", \"http\" and \"sse\"".to_owned(),
            };
            fields.error(at, format!("`type` cannot be \"{text}\""), hint);
            Err(())
        }
    }
}

fn ignored(fields: &mut Fields<'_>, found: Option<(&Key, &Node)>, is: &str) {
    if let Some((key, _)) = found {
        let message = format!(
            "`{}` is ignored: by its `type` this server is {is}",
            key.name
        );
        fields.warning(key.start, message, "remove it");
    }
}

fn missing(fields: &mut Fields<'_>, start: usize, kind: Option<Kind>) {
    let (message, wanted): (_, &[&'static str]) = match kind {
        None => ("there is neither `command` nor `url`", &["command", "url"]),
        Some(Kind::Command) => ("there is no `command`", &["command"]),
        Some(Kind::Remote(_)) => ("there is no `url`", &["url"]),
    };
    match fields.misspelt(wanted) {
        Some((key, known)) => {
            let hint = format!("did you mean `{known}` instead of `{}`?", key.name);
            fields.error(key.start, message, hint);
        }
        None => fields.error(start, message, format!("add `{}`", wanted.join("` or `"))),
    }
}

/// A container, with the keys that it shares with a program and two of its own.
fn image(fields: &mut Fields<'_>, (key, node): (&Key, &Node)) -> Option<Launch> {
    if let Some((other, _)) = fields.get(&["command", "url", "serverUrl", "httpUrl"]) {
        let message = format!("there is both `image` and `{}`", other.name);
        fields.error(
            key.start,
            message,
            "a server starts in one way: remove one of them",
        );
        return None;
    }
    let image = fields.value("`image`", node)?;
    if image.is_empty() || image.starts_with('-') || image.contains(char::is_whitespace) {
        let message = "`image` is no name of an image";
        fields.error(node.start, message, "write registry/name:tag");
        return None;
    }
    let user = fields.get(&["user"]);
    Some(Launch::Container {
        image,
        command: fields.filled(&["args"]),
        env: fields.values(&["env", "environment"], check_variable),
        user: user.and_then(|(_, node)| fields.value("`user`", node)),
        extra_hosts: Vec::new(),
        is_writable: !fields.bool(&["read_only"]).unwrap_or(true),
    })
}

/// A bundle: a file of this machine, or an address and the digest of what is there.
fn bundle(fields: &mut Fields<'_>, node: &Node) -> Option<Launch> {
    let file = fields.value("`mcpb`", node)?;
    let file = fields.home(file);
    let sha256 = fields.text(&["sha256"]);
    let is_address = file.starts_with("https://");
    if !is_address && !file.starts_with('/') {
        let message = "`mcpb` must be a path from / or ~/, or an https:// address";
        fields.error(node.start, message, "write out where the file is");
        return None;
    }
    if is_address && sha256.is_none() {
        let message = "`mcpb` is an address, and there is no `sha256` of what is there";
        fields.error(
            node.start,
            message,
            "add the digest that its publisher states",
        );
        return None;
    }
    let mut env = fields.values(&["env"], check_variable);
    let given = fields.many(&["user_config"]);
    env.extend(
        given
            .into_iter()
            .map(|(key, value)| (format!("{USER_CONFIG}{key}"), value)),
    );
    Some(Launch::Package {
        registry: Registry::Mcpb,
        identifier: file,
        version: None,
        sha256: sha256.map(|(text, _)| text),
        runtime: None,
        runtime_args: Vec::new(),
        args: fields.filled(&["args"]),
        env,
    })
}

fn command(fields: &mut Fields<'_>, (key, node): (&Key, &Node)) -> Option<Launch> {
    // OpenCode writes the program and its arguments as one list.
    let (program, more) = match &node.value {
        Value::List(items) if !items.is_empty() => (&items[0], &items[1..]),
        _ => (node, &[][..]),
    };
    let what = format!("`{}`", key.name);
    let command = fields
        .value(&what, program)
        .map(|command| fields.home(command));
    if command
        .as_deref()
        .is_some_and(|command| command.trim().is_empty())
    {
        fields.error(program.start, format!("{what} is empty"), "name a program");
        return None;
    }
    let args = fields
        .items(&["args"], "a list of texts")
        .unwrap_or_default();
    if let Some(line) = command
        .as_deref()
        .filter(|line| args.is_empty() && more.is_empty() && is_command_line(line))
    {
        let words: Vec<_> = line
            .split_whitespace()
            .map(|word| format!("{word:?}"))
            .collect();
        let message =
            format!("{what} looks like a whole command line, but it is the name of one program");
        let hint = format!(
            "write command {} and args [{}]",
            words[0],
            words[1..].join(", ")
        );
        fields.warning(node.start, message, hint);
    }
    let args = more
        .iter()
        .chain(args)
        .map(|item| fields.value("each argument", item));
    let args: Vec<_> = args.collect();
    let env = fields.values(&["env", "environment"], check_variable);
    let cwd = fields.get(&["cwd", "workingDirectory", "working_directory"]);
    let cwd = cwd.and_then(|(key, node)| fields.value(&format!("`{}`", key.name), node));
    Some(Launch::Command {
        command: command?,
        args: args.into_iter().collect::<Option<_>>()?,
        env,
        cwd: cwd.map(|cwd| PathBuf::from(fields.home(cwd))),
    })
}

/// What a program sees of the disk.
pub(super) fn volumes(fields: &mut Fields<'_>, launch: Option<&Launch>) -> Vec<String> {
    match launch {
        Some(Launch::Command { .. } | Launch::Container { .. } | Launch::Package { .. }) => {
            let volumes = fields.filled(&["volumes"]);
            volumes.into_iter().map(|one| fields.home(one)).collect()
        }
        _ => Vec::new(),
    }
}

/// What of the network a program may reach: `"none"`, `"open"`, or a list of hosts.
pub(super) fn network(fields: &mut Fields<'_>, launch: Option<&Launch>) -> Network {
    const NAMES: &[&str] = &["network", "allow_hosts"];
    if !matches!(
        launch,
        Some(Launch::Command { .. } | Launch::Container { .. } | Launch::Package { .. })
    ) {
        return Network::Unsaid;
    }
    let Some((key, node)) = fields.get(NAMES) else {
        return Network::Unsaid;
    };
    match &node.value {
        Value::String(word) if word == "none" => Network::None,
        Value::String(word) if word == "open" => Network::Open,
        Value::List(_) => Network::Hosts(fields.filled(NAMES)),
        _ => {
            fields.wrong(key, node, "\"none\", \"open\", or a list of hosts");
            Network::Unsaid
        }
    }
}

/// Two words or more without a path: nobody calls a program so.
fn is_command_line(command: &str) -> bool {
    command.split_whitespace().nth(1).is_some() && !command.contains(['/', '\\'])
}

fn remote(fields: &mut Fields<'_>, (key, node): (&Key, &Node), kind: RemoteKind) -> Option<Launch> {
    let url = fields.value(&format!("`{}`", key.name), node);
    let headers = fields.values(&["headers", "http_headers"], check_header);
    let url = url?;
    if !is_http(&url) {
        let message = format!("`{}` must be an http:// or https:// address", key.name);
        fields.error(
            node.start,
            message,
            "write it out, such as https://example.com/mcp",
        );
    }
    Some(Launch::Remote { url, headers, kind })
}

/// What is wrong with a variable of the environment.
pub(crate) fn check_variable(name: &str, _: &str) -> Option<&'static str> {
    (name.is_empty() || name.contains(['=', '\0'])).then_some("cannot be the name of a variable")
}

/// What is wrong with a header.
pub(crate) fn check_header(name: &str, value: &str) -> Option<&'static str> {
    if name.is_empty() || !name.bytes().all(is_token) {
        Some("cannot be the name of a header")
    } else if value.contains(|c: char| c.is_control() && c != '\t') {
        Some("has a line break or another control character in its value")
    } else {
        None
    }
}

/// What RFC 9110 allows in the name of a header.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// The beginning only: `transport` reads the whole of it when it connects.
pub(crate) fn is_http(url: &str) -> bool {
    let rest = ["http://", "https://"].iter().find_map(|scheme| {
        let head = url.get(..scheme.len())?;
        head.eq_ignore_ascii_case(scheme)
            .then(|| &url[scheme.len()..])
    });
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#']))
        && !url.contains(|c: char| c.is_whitespace() || c.is_control())
}
