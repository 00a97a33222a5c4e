//! Callers who come with tokens of an issuer: `[auth]` of `config.toml`. Owns how it is written. Refuses that of a project's file,
//! for it decides who comes in, and half of one: a section with a mistake counts for nothing, and nobody comes in by it.

use catalog::document::{Document, Key, Node, Value};
use catalog::{Layer, Problem, suggest};

use crate::callers::Rights;
use crate::limits::{AUTH_RIGHTS_MAX, CALLER_AT_ONCE_MAX, CALLER_RATE_MAX, LIST_ITEMS_MAX};

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuthSettings {
    /// Who gives the tokens: its address, letter by letter as it calls itself.
    pub issuer: String,
    /// The address by which clients know the gateway, without the path of an endpoint; none: where it listens.
    pub url: Option<String>,
    /// Whom tokens name as their audience; none: the address of the endpoint.
    pub audience: Option<String>,
    /// What a token has to be good for at the least.
    pub scopes: Vec<String>,
    /// Requests of one caller within a minute.
    pub rate: Option<u32>,
    /// Requests of one caller at once.
    pub concurrency: Option<u32>,
    /// Whether calls are made with the person's accounts at servers where a caller has none of their own.
    pub share_accounts: bool,
    /// What further scopes give a right to, in their order; none: everybody may do everything.
    pub rights: Vec<(String, Rights)>,
}

pub(crate) const KEYS: [&str; 8] = [
    "issuer",
    "url",
    "audience",
    "scopes",
    "rate",
    "concurrency",
    "share_accounts",
    "rights",
];

pub(crate) const RIGHTS: [&str; 3] = ["servers", "tools", "profiles"];

/// Reads a section `auth`; nothing: it has mistakes, or may not be where it is.
pub(crate) fn read(
    doc: &Document<'_>,
    node: &Node,
    layer: Layer,
    problems: &mut Vec<Problem>,
) -> Option<AuthSettings> {
    if layer == Layer::Project {
        let message = "`auth` is not taken from a project's file";
        problems.push(
            doc.warning(node.start, message)
                .hint("it decides who can use the gateway: put it into your own config.toml"),
        );
        return None;
    }
    let Some(pairs) = node.table() else {
        let message = format!("`auth` must be a table, found {}", node.kind());
        problems.push(doc.error(node.start, message).hint("write [auth]"));
        return None;
    };
    let before = problems.iter().filter(|problem| problem.is_error()).count();
    let mut made = AuthSettings::default();
    for (key, node) in pairs {
        if let Err(problem) = member(doc, (key, node), &mut made, problems) {
            problems.push(problem);
        }
    }
    if made.issuer.is_empty() && !pairs.iter().any(|(key, _)| key.name == "issuer") {
        let start = pairs.first().map_or(node.start, |(key, _)| key.start);
        let problem = doc.error(start, "`auth` names no `issuer`");
        problems
            .push(problem.hint("issuer = \"https://id.example.com\": whoever gives the tokens"));
    }
    let after = problems.iter().filter(|problem| problem.is_error()).count();
    (before == after).then_some(made)
}

fn member(
    doc: &Document<'_>,
    (key, node): (&Key, &Node),
    made: &mut AuthSettings,
    problems: &mut Vec<Problem>,
) -> Result<(), Problem> {
    let wrong = |wanted: &str| {
        let found = node
            .as_str()
            .map_or_else(|| node.kind().to_owned(), |text| format!("{text:?}"));
        doc.error(
            node.start,
            format!("`{}` must be {wanted}, found {found}", key.name),
        )
    };
    match key.name.as_str() {
        "issuer" => {
            let text = node.as_str().filter(|text| is_address(text));
            made.issuer = text
                .ok_or_else(|| {
                    wrong("the address of whoever gives tokens, such as \"https://id.example.com\"")
                })?
                .to_owned();
            if is_in_the_clear(&made.issuer) {
                let message = "the keys of this issuer are fetched in the clear: whoever is on the way can give tokens";
                problems.push(doc.warning(node.start, message).hint("use https"));
            }
        }
        "url" => {
            let text = node.as_str().filter(|text| is_address(text));
            let wanted = "the address by which clients know this gateway, such as \"https://mcp.example.com\"";
            let text = text.ok_or_else(|| wrong(wanted))?.trim_end_matches('/');
            made.url = Some(text.to_owned());
        }
        "audience" => {
            let text = node.as_str().filter(|text| !text.trim().is_empty());
            made.audience = Some(
                text.ok_or_else(|| wrong("what tokens have as their `aud`"))?
                    .to_owned(),
            );
        }
        "scopes" => {
            let texts = texts(node).filter(|texts| texts.iter().all(|scope| is_scope(scope)));
            made.scopes = texts.ok_or_else(|| wrong("a list of scopes, such as [\"mcp\"]"))?;
        }
        "rate" => {
            let number = number(node, CALLER_RATE_MAX);
            made.rate = Some(number.ok_or_else(|| wrong(&upto(CALLER_RATE_MAX)))?);
        }
        "concurrency" => {
            let number = number(node, CALLER_AT_ONCE_MAX);
            made.concurrency = Some(number.ok_or_else(|| wrong(&upto(CALLER_AT_ONCE_MAX)))?);
        }
        "share_accounts" => {
            made.share_accounts = match node.value {
                Value::Bool(value) => value,
                _ => return Err(wrong("true or false")),
            };
        }
        "rights" => {
            let pairs = node
                .table()
                .ok_or_else(|| wrong("a table: what each scope gives a right to"))?;
            if pairs.len() > AUTH_RIGHTS_MAX {
                return Err(doc.error(
                    node.start,
                    format!("`rights` has more than {AUTH_RIGHTS_MAX} scopes"),
                ));
            }
            for (scope, node) in pairs {
                made.rights
                    .push((scope.name.clone(), rights(doc, scope, node)?));
            }
        }
        name => {
            let hint = match suggest(name, KEYS) {
                Some(known) => format!("did you mean `{known}`?"),
                None => format!("there are: {}", KEYS.join(", ")),
            };
            return Err(doc
                .error(key.start, format!("`{name}` means nothing in `auth`"))
                .hint(hint));
        }
    }
    Ok(())
}

fn rights(doc: &Document<'_>, scope: &Key, node: &Node) -> Result<Rights, Problem> {
    let hint =
        "\"github:read\" = { servers = [\"github\"], tools = [\"get_*\"] }, or {} for everything";
    if !is_scope(&scope.name) {
        return Err(doc.error(scope.start, format!("`{}` is no scope", scope.name)));
    }
    let Some(pairs) = node.table() else {
        let message = format!(
            "the rights of `{}` must be a table, found {}",
            scope.name,
            node.kind()
        );
        return Err(doc.error(node.start, message).hint(hint));
    };
    let mut rights = Rights::default();
    for (key, node) in pairs {
        let list = match key.name.as_str() {
            "servers" => &mut rights.servers,
            "tools" => &mut rights.tools,
            "profiles" => &mut rights.profiles,
            name => {
                let message = format!("`{name}` is no right; there are: {}", RIGHTS.join(", "));
                return Err(doc.error(key.start, message).hint(hint));
            }
        };
        *list = texts(node)
            .filter(|texts| !texts.is_empty())
            .ok_or_else(|| {
                let message = format!(
                    "`{}` must be a list of names, found {}",
                    key.name,
                    node.kind()
                );
                doc.error(node.start, message).hint(hint)
            })?;
    }
    Ok(rights)
}

fn texts(node: &Node) -> Option<Vec<String>> {
    let items = node.list().filter(|items| items.len() <= LIST_ITEMS_MAX)?;
    items
        .iter()
        .map(|item| item.as_str().map(str::to_owned))
        .collect()
}

fn number(node: &Node, max: u32) -> Option<u32> {
    match &node.value {
        Value::Number(text) => text
            .parse()
            .ok()
            .filter(|number| (1..=max).contains(number)),
        _ => None,
    }
}

fn upto(max: u32) -> String {
    format!("a whole number from 1 to {max}")
}

/// RFC 6749, 3.3.
fn is_scope(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

fn is_address(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let is_plain = |c: char| c.is_ascii_graphic() && !"?#@\"\\".contains(c);
    rest.is_some_and(|rest| {
        !rest.is_empty() && !rest.starts_with('/') && rest.chars().all(is_plain)
    })
}

fn is_in_the_clear(address: &str) -> bool {
    let Some(rest) = address.strip_prefix("http://") else {
        return false;
    };
    let host = rest.split('/').next().unwrap_or_default();
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let is_loopback = name
        .parse::<std::net::IpAddr>()
        .is_ok_and(|ip| ip.is_loopback());
    !is_loopback && name != "localhost" && !name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Env, load_text};

    fn said(text: &str) -> (Option<AuthSettings>, Vec<String>) {
        let loaded = load_text(text, "f.toml", &Env::default());
        let told = loaded
            .problems
            .iter()
            .map(|problem| format!("{}:{} {}", problem.line, problem.column, problem.message));
        (loaded.auth, told.collect())
    }

    #[test]
    fn a_section_is_read_as_it_is_written() {
        let (auth, problems) = said(
            r#"
            [auth]
            issuer = "https://id.example.com/realms/x"
            url = "https://mcp.example.com/"
            audience = "api://portolan"
            scopes = ["mcp"]
            rate = 60
            concurrency = 4
            share_accounts = true
            [auth.rights]
            "github:read" = { servers = ["github"], tools = ["get_*"] }
            work = { profiles = ["work"] }
            "all" = {}
            "#,
        );
        assert_eq!(problems, Vec::<String>::new());
        let auth = auth.unwrap();
        assert_eq!(auth.url.as_deref(), Some("https://mcp.example.com"));
        assert_eq!((auth.rate, auth.concurrency), (Some(60), Some(4)));
        assert!(auth.share_accounts);
        let scopes: Vec<&str> = auth
            .rights
            .iter()
            .map(|(scope, _)| scope.as_str())
            .collect();
        assert_eq!(scopes, ["github:read", "work", "all"]);
        assert_eq!(auth.rights[0].1.tools, ["get_*"]);
        assert_eq!(auth.rights[1].1.profiles, ["work"]);
    }

    #[test]
    fn one_with_a_mistake_counts_for_nothing() {
        let issuer = "issuer = \"https://id.example.com\"";
        for (text, says) in [
            ("auth = 1", "1:8 `auth` must be a table, found a number"),
            ("[auth]\nscopes = []", "2:1 `auth` names no `issuer`"),
            (
                "[auth]\nissuer = \"id.example.com\"",
                "2:10 `issuer` must be the address",
            ),
            (
                "[auth]\nissuer = \"https://u@id.example.com\"",
                "2:10 `issuer` must be",
            ),
            (
                &format!("[auth]\n{issuer}\nscope = []"),
                "3:1 `scope` means nothing in `auth`",
            ),
            (
                &format!("[auth]\n{issuer}\nscopes = [\"a b\"]"),
                "3:10 `scopes` must be a list",
            ),
            (
                &format!("[auth]\n{issuer}\nrate = 0"),
                "3:8 `rate` must be a whole number from 1",
            ),
            (
                &format!("[auth]\n{issuer}\nconcurrency = 100001"),
                "3:15 `concurrency` must be",
            ),
            (
                &format!("[auth]\n{issuer}\nrights = {{ a = 1 }}"),
                "3:16 the rights of `a`",
            ),
            (
                &format!("[auth]\n{issuer}\nrights = {{ a = {{ tool = [] }} }}"),
                "3:18 `tool` is no right",
            ),
            (
                &format!("[auth]\n{issuer}\nrights = {{ a = {{ tools = [] }} }}"),
                "3:26 `tools` must be",
            ),
            (
                &format!("[auth]\n{issuer}\nrights = {{ \"a b\" = {{}} }}"),
                "3:12 `a b` is no scope",
            ),
        ] {
            let (auth, problems) = said(text);
            assert!(auth.is_none(), "{text}");
            assert!(
                problems.len() == 1 && problems[0].starts_with(says),
                "{text}: {problems:?}"
            );
        }
        let many: String = (0..=AUTH_RIGHTS_MAX)
            .map(|n| format!("s{n} = {{}}\n"))
            .collect();
        let (auth, _) = said(&format!("[auth]\n{issuer}\n[auth.rights]\n{many}"));
        assert!(auth.is_none());
    }

    #[test]
    fn keys_in_the_clear_are_told_of_except_from_this_machine() {
        for (issuer, is_told) in [
            ("http://127.0.0.1:9000", false),
            ("http://[::1]:9000/x", false),
            ("http://id.localhost", false),
            ("http://keycloak:8080/realms/x", true),
            ("https://id.example.com", false),
        ] {
            let (auth, problems) = said(&format!("[auth]\nissuer = \"{issuer}\""));
            assert_eq!(
                (auth.is_some(), !problems.is_empty()),
                (true, is_told),
                "{issuer}"
            );
        }
    }
}
