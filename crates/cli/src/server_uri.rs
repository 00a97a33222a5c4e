//! Which servers are meant by the words of `--server`: a name that the catalogs know, or a URI in the form that Docker's
//! profiles take. Owns what each comes from, and so how far it is trusted.

use std::path::Path;

use catalog::{Catalog, Catalogs, Entry, Origin};

use crate::catalogs;
use crate::error::{Failure, Kind};
use crate::images;
use crate::limits::IMAGE_LABEL_WAIT_PATIENT;
use crate::surroundings::Surroundings;
use crate::tool::did_you_mean;
use crate::ui::Ui;

/// The entries that a word of `--server` means, as they are now.
pub(crate) fn entries(ui: &Ui, all: &[Catalog], word: &str) -> Result<Vec<Entry>, Failure> {
    let Some((scheme, rest)) = word.split_once("://") else {
        return named(all, word).map(|entry| vec![entry]);
    };
    match scheme {
        "catalog" => of_catalog(all, rest),
        "docker" => image(word).map(|entry| vec![entry]),
        "file" => file(ui, Path::new(rest)),
        "http" | "https" => Err(Failure::usage(format!("{word} is an address"))
            .hint("fetch it, look at it, and name it: file://PATH")),
        _ => Err(
            Failure::usage(format!("`{scheme}://` means nothing here")).hint(
                "write a server's name, catalog://CATALOG/SERVER, docker://IMAGE or file://PATH",
            ),
        ),
    }
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
    let Some(known) = all.iter().find(|known| known.name == catalog) else {
        let names: Vec<&str> = all.iter().map(|known| known.name.as_str()).collect();
        let message = format!("there is no catalog `{catalog}`");
        return Err(Failure::new(Kind::NotFound, message)
            .hints_from(did_you_mean(catalog, names.iter().copied()))
            .hint(format!("there are: {}", names.join(", "))));
    };
    servers
        .split('+')
        .map(|name| {
            let found = known.entries.iter().find(|entry| entry.name == name);
            found.cloned().ok_or_else(|| {
                let names = known.entries.iter().map(|entry| entry.name.as_str());
                let message = format!("catalog `{catalog}` has no server `{name}`");
                Failure::new(Kind::NotFound, message).hints_from(did_you_mean(name, names))
            })
        })
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
    let path = std::path::absolute(path)
        .map_err(|error| Failure::new(Kind::NotFound, "there is no such path").because(&error))?;
    let (files, unread) = config::import_files(&path).map_err(|error| {
        Failure::new(Kind::NotFound, format!("cannot read {}", path.display())).because(&error)
    })?;
    let origin = Origin::File(path.to_string_lossy().as_ref().into());
    let catalog = catalog::import("file", &files, &origin);
    catalogs::tell(ui, &unread);
    catalogs::tell(ui, &catalog.problems);
    match catalog.entries.is_empty() {
        false => Ok(catalog.entries),
        true => Err(Failure::new(
            Kind::Config,
            format!("there are no servers in {}", path.display()),
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
        for (word, hint) in [
            ("x", "`portolan catalog search`"),
            ("catalog://built-in/c", ""),
            ("catalog://bilt-in/a", "did you mean `built-in`?"),
            ("catalog://a", "write catalog://"),
            ("docker://", "write docker://"),
            ("docker://a b", "write docker://"),
            ("https://h/x", "`--help`"),
            ("ftp://h/x", "`--help`"),
        ] {
            let hints = found(word).unwrap_err();
            let is_told = hint.is_empty() || hints.iter().any(|told| told.contains(hint));
            assert!(is_told, "{word}: {hints:?}");
        }
    }
}
