//! `mcp-registry-import`: a catalog at an address that the model names, for this gateway. Owns the reply; what is taken in is
//! `import`'s matter, what may be fetched that of whoever fetches.

use catalog::{Entry, Origin};
use serde_json::{Value, json};

use super::arguments::Arguments;
use super::errand::Errand;
use super::import::{Imported, import};
use super::reply::Reply;

/// Servers, and refusals, named in the text.
const NAMED: usize = 10;
const REASONS: usize = 5;
/// Of each in the structure.
const FACTS: usize = 50;
/// Longest address.
const URL_BYTES_MAX: usize = 2_048;

pub(super) async fn registry_import(errand: &Errand, arguments: &Arguments) -> Reply {
    match imported(errand, arguments).await {
        Ok(reply) | Err(reply) => reply,
    }
}

async fn imported(errand: &Errand, arguments: &Arguments) -> Result<Reply, Reply> {
    let url = arguments.name("url")?;
    if errand.is_guest() {
        return Err(Reply::error(
            "catalogs are brought in by whoever runs the gateway; ask them",
        ));
    }
    if url.len() > URL_BYTES_MAX {
        return Err(arguments.wrong("url", "is too long for an address"));
    }
    if !url.starts_with("https://") {
        return Err(arguments.wrong(
            "url",
            "must be an https:// address of a catalog or a registry",
        ));
    }
    let imported = import(&errand.core, url).await;
    Ok(reply(&imported.map_err(Reply::error)?))
}

fn reply(imported: &Imported) -> Reply {
    let catalog = &imported.catalog;
    let (added, refused) = (&imported.added, &imported.refused);
    let next = match added.is_empty() {
        true => "mcp-find searches the servers that there are",
        false => {
            "mcp-find finds them, and mcp-add asks the user to allow each or says what they must run"
        }
    };
    let mut text = match added.as_slice() {
        [] => format!("no server of {catalog} can be used"),
        [one] => format!("1 server of {catalog} can be found now: {one}"),
        all => format!(
            "{} servers of {catalog} can be found now: {}{}",
            all.len(),
            all[..all.len().min(NAMED)].join(", "),
            more(all.len(), NAMED)
        ),
    };
    for one in refused.iter().take(REASONS) {
        text.push_str(&format!("\nleft out: {} ({})", one.server, one.why));
    }
    text.push_str(&more(refused.len(), REASONS));
    for problem in imported.problems.iter().take(REASONS) {
        text.push_str(&format!("\nwrong in it: {problem}"));
    }
    text.push_str(&more(imported.problems.len(), REASONS));
    text.push_str(&format!("\nNext: {next}"));
    let reasons: Vec<Value> = refused
        .iter()
        .take(FACTS)
        .map(|one| json!({"server": one.server, "why": one.why}))
        .collect();
    let facts = json!({
        "catalog": catalog,
        "total_added": added.len(),
        "added": added.iter().take(FACTS).collect::<Vec<_>>(),
        "total_refused": refused.len(),
        "refused": reasons,
        "problems": imported.problems,
        "next": next,
    });
    match added.is_empty() {
        true => Reply::error(text).with(facts),
        false => Reply::new(text, facts),
    }
}

fn more(all: usize, named: usize) -> String {
    match all.saturating_sub(named) {
        0 => String::new(),
        more => format!(" and {more} more"),
    }
}

/// The command by which a person allows a server to be started. What came from an address is in no catalog of theirs, so the
/// address is named; one that does not fit into quotes is not, for people paste what they are told to run.
pub fn enable_command(entry: &Entry) -> String {
    let command = format!("portolan server enable {}", entry.name);
    let (Origin::Url(url) | Origin::Registry(url)) = &entry.origin else {
        return command;
    };
    let is_harmless = url
        .bytes()
        .all(|b| b.is_ascii_graphic() && b != b'\'' && b != b'\\');
    match is_harmless {
        true => format!("{command} --catalog '{url}'"),
        false => command,
    }
}

#[cfg(test)]
mod tests {
    use catalog::ServerName;

    use super::super::import::Refused;
    use super::*;

    #[test]
    fn a_reply_is_short_however_much_was_imported() {
        let many = |count: usize| (0..count).map(|at| format!("server-{at}")).collect();
        let refused = |server: String| Refused {
            server,
            why: "it is taken".into(),
        };
        let names: Vec<String> = many(5_000);
        let imported = Imported {
            catalog: "far".into(),
            added: names.clone(),
            refused: names.into_iter().map(refused).collect(),
            problems: many(20),
        };
        let raw = reply(&imported).raw(wire::Era::Handshake);
        assert!(raw.len() < 6_000, "{}", raw.len());
        for part in [
            "5000 servers of far",
            "and 4990 more",
            "and 4995 more",
            "\"total_added\":5000",
        ] {
            assert!(raw.contains(part), "{part}: {raw}");
        }
        assert!(!raw.contains("isError"));
    }

    #[test]
    fn an_address_is_told_only_where_it_is_harmless_to_paste() {
        let mut entry = Entry::remote(ServerName::new("a").unwrap(), "https://h/mcp");
        assert_eq!(enable_command(&entry), "portolan server enable a");
        for (url, is_told) in [
            ("https://h/c.yaml?a=1&b=$(id)", true),
            ("https://h/c';id'", false),
            ("https://h/c\nid", false),
            ("https://h/\u{202e}", false),
        ] {
            entry.origin = Origin::Url(url.into());
            let command = enable_command(&entry);
            assert_eq!(command.ends_with(&format!(" --catalog '{url}'")), is_told);
            assert!(
                is_told || command == "portolan server enable a",
                "{command}"
            );
        }
    }
}
