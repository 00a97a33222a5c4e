//! Which servers are meant by the words of `--server`: a name that the catalogs know, or a URI in the form that Docker's
//! profiles take. Owns what each comes from, and so how far it is trusted.

use std::path::Path;

use catalog::{Catalog, Catalogs, Entry};

use crate::catalogs;
use crate::error::{Failure, Kind};
use crate::images;
use crate::limits::IMAGE_LABEL_WAIT_PATIENT;
use crate::own_catalogs;
use crate::surroundings::Surroundings;
use crate::ui::Ui;

/// The entries that a word of `--server` means, as they are now.
pub(crate) fn entries(ui: &Ui, all: &[Catalog], word: &str) -> Result<Vec<Entry>, Failure> {
    let Some((scheme, rest)) = word.split_once("://") else {
        let named = named(all, word).map(|entry| vec![entry]);
        return match is_path(word) {
            true => named.or_else(|_| file(ui, Path::new(word))),
            false => named,
        };
    };
    match scheme {
        "catalog" => of_catalog(all, rest),
        "docker" => image(word).map(|entry| vec![entry]),
        "file" => file(ui, Path::new(rest)),
        "http" | "https" => fetched(ui, word),
        _ => Err(
            Failure::usage(format!("`{scheme}://` means nothing here")).hint(
                "write a server's name, catalog://CATALOG/SERVER, docker://IMAGE, file://PATH or a URL",
            ),
        ),
    }
}

/// A name that no server has leads to a file only where it looks like one.
fn is_path(word: &str) -> bool {
    let path = Path::new(word);
    word.starts_with(['.', '/']) || (path.extension().is_some() && path.is_file())
}

fn named(all: &[Catalog], name: &str) -> Result<Entry, Failure> {
    let merged = Catalogs::merge(all.iter().cloned());
    merged.get(name).cloned().ok_or_else(|| {
        let near = merged.nearest(name, 1);
        let near = near.first().map(|near| format!("did you mean `{near}`?"));
        Failure::new(Kind::NotFound, format!("no catalog has a server `{name}`"))
            .hints_from(near)
            .hint("`portolan catalog search` finds servers; docker://IMAGE and file://PATH need no catalog")
    })
}

/// `NAME/SERVER+SERVER`: names of catalogs may have slashes.
fn of_catalog(all: &[Catalog], rest: &str) -> Result<Vec<Entry>, Failure> {
    let (catalog, servers) = rest.rsplit_once('/').ok_or_else(|| {
        Failure::usage(format!("`catalog://{rest}` names no server"))
            .hint("write catalog://CATALOG/SERVER+SERVER")
    })?;
    let known = own_catalogs::get(all, catalog)?;
    let names = servers.split('+');
    names
        .map(|name| own_catalogs::server(known, name).cloned())
        .collect()
}

/// An image that the person names is their own word.
fn image(word: &str) -> Result<Entry, Failure> {
    // Whoever adds one waits; what runs without an engine has to go on.
    let here = Surroundings::of_process()?;
    let entry = images::entry(word, Some((&here, IMAGE_LABEL_WAIT_PATIENT)));
    let entry = entry.ok_or_else(|| {
        Failure::usage(format!("`{word}` names no image")).hint("write docker://REGISTRY/NAME:TAG")
    })?;
    Ok(Entry {
        is_template: true,
        ..entry
    })
}

/// All servers of a file or folder of any form. It is somebody's text, so each waits for approval.
fn file(ui: &Ui, path: &Path) -> Result<Vec<Entry>, Failure> {
    let catalog = catalogs::of_file(path)?;
    some(ui, catalog, &path.display().to_string())
}

/// All servers of what lies at an address, a registry's entry or a catalog. The same holds.
fn fetched(ui: &Ui, url: &str) -> Result<Vec<Entry>, Failure> {
    let catalog = catalogs::pull(url)?.catalog;
    some(ui, catalog, &catalog::shown_url(url))
}

fn some(ui: &Ui, catalog: Catalog, place: &str) -> Result<Vec<Entry>, Failure> {
    catalogs::tell(ui, &catalog.problems);
    match catalog.entries.is_empty() {
        false => Ok(catalog.entries),
        true => Err(Failure::new(
            Kind::Config,
            format!("there are no servers in {place}"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use catalog::ServerName;

    use super::*;

    fn all() -> Vec<Catalog> {
        let entry = |name: &str| Entry::remote(ServerName::new(name).unwrap(), "https://h/mcp");
        let catalog = |name: &str, servers: &[&str]| Catalog {
            name: name.into(),
            entries: servers.iter().map(|name| entry(name)).collect(),
            ..Catalog::default()
        };
        vec![
            catalog("built-in", &["a", "b"]),
            catalog("team/ours", &["c"]),
        ]
    }

    fn found(word: &str) -> Result<Vec<String>, Vec<String>> {
        let around = crate::surroundings::terminal(&config::Env::default());
        let ui = Ui::new(
            crate::format::Format::Human,
            crate::ui::Colour::Never,
            &around,
        );
        let entries = entries(&ui, &all(), word);
        entries
            .map(|all| all.iter().map(|entry| entry.name.to_string()).collect())
            .map_err(|failure| failure.hints().to_vec())
    }

    #[test]
    fn names_and_uris() {
        assert_eq!(found("a").unwrap(), ["a"]);
        assert_eq!(found("catalog://built-in/a+b").unwrap(), ["a", "b"]);
        assert_eq!(found("catalog://team/ours/c").unwrap(), ["c"]);
        assert_eq!(found("docker://h/acme/tool:1").unwrap(), ["tool"]);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mine.json");
        std::fs::write(&file, r#"{"mcpServers": {"sums": {"command": "sums"}}}"#).unwrap();
        let file = file.display().to_string();
        assert_eq!(found(&file).unwrap(), ["sums"]);
        assert_eq!(found(&format!("file://{file}")).unwrap(), ["sums"]);
        for (word, hint) in [
            ("x", "`portolan catalog search`"),
            ("./no-such-file.json", ""),
            ("catalog://built-in/c", ""),
            ("catalog://bilt-in/a", "did you mean `built-in`?"),
            ("catalog://a", "write catalog://"),
            ("docker://", "write docker://"),
            ("docker://a b", "write docker://"),
            ("https://", "write it like"),
            ("ftp://h/x", "`--help`"),
        ] {
            let hints = found(word).unwrap_err();
            let is_told = hint.is_empty() || hints.iter().any(|told| told.contains(hint));
            assert!(is_told, "{word}: {hints:?}");
        }
    }
}
