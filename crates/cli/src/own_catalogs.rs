//! The person's own catalogs as commands change them. Owns how one is named, by its file or by its reference in a registry of
//! images, and what becomes of an entry that is put into one: what somebody else wrote stays somebody else's.

use catalog::{Catalog, Entry, Origin, ServerName};
use config::Changed;
use fetch::images::ImageName;

use crate::catalogs;
use crate::error::{Failure, Kind};
use crate::profiles::failed;
use crate::surroundings::Surroundings;
use crate::tool::did_you_mean;
use crate::ui::Ui;

/// What a catalog is to be called: its file, and its reference if it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Called {
    pub(crate) name: ServerName,
    pub(crate) reference: Option<String>,
}

/// A reference with everything that it leaves to be understood; none with a digest, which names no place to write to.
pub(crate) fn reference(word: &str) -> Result<String, Failure> {
    let name = ImageName::parse(word).map_err(|error| Failure::usage(error.to_string()))?;
    match name.digest() {
        Some(_) => Err(
            Failure::usage(format!("`{word}` names one state of it by its digest"))
                .hint("name it by a tag, like registry.example/team/catalog:1"),
        ),
        None => Ok(format!(
            "{}/{}:{}",
            name.registry(),
            name.repository(),
            name.reference()
        )),
    }
}

/// What a catalog of this word is to be called. Of a reference the last step, or all of it where another catalog has that.
pub(crate) fn called(all: &[Catalog], word: &str, name: Option<&str>) -> Result<Called, Failure> {
    let checked = |name: &str| {
        ServerName::new(name).map_err(|error| Failure::usage(format!("`{name}`: {error}")))
    };
    if !word.contains(['/', ':', '@']) {
        return Ok(Called {
            name: checked(name.unwrap_or(word))?,
            reference: None,
        });
    }
    let reference = reference(word)?;
    let name = match name {
        Some(name) => checked(name)?,
        None => free(all, &reference).ok_or_else(|| {
            Failure::usage(format!("`{word}` has no letter that a file name can have"))
        })?,
    };
    Ok(Called {
        name,
        reference: Some(reference),
    })
}

fn free(all: &[Catalog], reference: &str) -> Option<ServerName> {
    let last = ServerName::of_image(reference)?;
    let other = all.iter().find(|catalog| catalog.name == last.as_str());
    match other {
        Some(other) if other.reference.as_deref() != Some(reference) => {
            ServerName::repaired(reference)
        }
        _ => Some(last),
    }
}

/// The catalog that a word means, by its name or its reference.
pub(crate) fn find<'a>(all: &'a [Catalog], word: &str) -> Option<&'a Catalog> {
    let by_name = all.iter().find(|catalog| catalog.name == word);
    by_name.or_else(|| {
        let reference = reference(word).ok()?;
        let mut all = all.iter();
        all.find(|catalog| catalog.reference.as_ref() == Some(&reference))
    })
}

/// The same, which must be there.
pub(crate) fn get<'a>(all: &'a [Catalog], word: &str) -> Result<&'a Catalog, Failure> {
    find(all, word).ok_or_else(|| {
        let names = all.iter().map(|known| known.name.as_str());
        let listed: Vec<&str> = names.clone().collect();
        Failure::new(Kind::NotFound, format!("there is no catalog `{word}`"))
            .hints_from(did_you_mean(word, names))
            .hint(format!("there are: {}", listed.join(", ")))
    })
}

/// The name of an own catalog that a word means.
pub(crate) fn own(all: &[Catalog], word: &str) -> Result<ServerName, Failure> {
    let catalog = get(all, word)?;
    if catalog.origin == Origin::Builtin {
        let message = format!("`{word}` is inside the program and stays as it is");
        return Err(Failure::new(Kind::Denied, message)
            .hint(format!(
                "portolan catalog fork {word} NAME makes one of it that is yours"
            ))
            .hint("--no-builtin-catalog leaves it out where servers are looked for"));
    }
    ServerName::new(&catalog.name).map_err(|_| {
        Failure::new(
            Kind::Config,
            format!(
                "the file of the catalog `{}` has a name that cannot be used",
                catalog.name
            ),
        )
        .hint("rename it: letters, digits, `_`, `.` and `-`")
    })
}

/// Changes an own catalog that must be there, as a whole or not at all.
pub(crate) fn change<T>(
    ui: &Ui,
    here: &Surroundings,
    word: &str,
    change: impl FnOnce(&mut Catalog) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let name = own(&catalogs::all(here), word)?;
    let changed = config::change_catalog(&here.dirs, &name, |known| match known {
        Some(catalog) => change(catalog),
        None => Err(Failure::new(
            Kind::NotFound,
            format!("there is no catalog `{word}`"),
        )),
    });
    let changed = changed.map_err(|problem| failed(&problem))??;
    tell_lost(ui, &changed);
    Ok(changed.done)
}

/// Tells where comments could not be kept.
pub(crate) fn tell_lost<T>(ui: &Ui, changed: &Changed<T>) {
    if changed.lost_comments {
        let message = format!("{}: its comments are gone", changed.file.display());
        ui.warn(
            &message,
            &["they stay where each server begins a line of its own".to_owned()],
        );
    }
}

/// Puts entries in, each in the place of the one of its name; the names, and whether each is new.
pub(crate) fn put(catalog: &mut Catalog, entries: Vec<Entry>) -> Vec<(String, bool)> {
    let mut done = Vec::new();
    for mut entry in entries {
        if !entry.origin.is_foreign() {
            entry.origin = Origin::Catalog(catalog.name.as_str().into());
            entry.is_approved = false;
        }
        let known = catalog
            .entries
            .iter_mut()
            .find(|known| known.name == entry.name);
        done.push((entry.name.to_string(), known.is_none()));
        match known {
            Some(known) => *known = entry,
            None => catalog.entries.push(entry),
        }
    }
    done
}

/// The server of a catalog, which must be there.
pub(crate) fn server<'a>(catalog: &'a Catalog, name: &str) -> Result<&'a Entry, Failure> {
    let entry = catalog.entries.iter().find(|entry| entry.name == name);
    entry.ok_or_else(|| {
        let names = catalog.entries.iter().map(|entry| entry.name.as_str());
        let message = format!("catalog `{}` has no server `{name}`", catalog.name);
        Failure::new(Kind::NotFound, message)
            .hints_from(did_you_mean(name, names))
            .hint(format!(
                "portolan catalog server ls {} lists them",
                catalog.name
            ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Catalog> {
        let catalog = |name: &str, reference: Option<&str>| Catalog {
            name: name.into(),
            reference: reference.map(str::to_owned),
            ..Catalog::default()
        };
        vec![
            catalog("built-in", None),
            catalog("ours", Some("r.example/team/ours:1")),
        ]
    }

    #[test]
    fn catalogs_are_called_by_their_file_or_their_reference() {
        let called = |word: &str, name| {
            let called = called(&all(), word, name).map_err(|error| error.message().to_owned());
            called.map(|called| {
                (
                    called.name.to_string(),
                    called.reference.unwrap_or_default(),
                )
            })
        };
        let is = |name: &str, reference: &str| Ok((name.to_owned(), reference.to_owned()));
        assert_eq!(called("mine", None), is("mine", ""));
        assert_eq!(called("team/x", None), is("x", "docker.io/team/x:latest"));
        assert_eq!(
            called("r.example/team/ours:1", None),
            is("ours", "r.example/team/ours:1")
        );
        assert_eq!(
            called("r.example/team/ours:2", None),
            is("r.example-team-ours-2", "r.example/team/ours:2")
        );
        assert_eq!(
            called("r.example/team/ours:2", Some("two")),
            is("two", "r.example/team/ours:2")
        );
        for bad in ["..", "", "a b", "r/x@sha256:1", "R/x", ":"] {
            assert!(called(bad, None).is_err(), "{bad}");
        }
        for (word, name) in [
            ("ours", Some("ours")),
            ("r.example/team/ours:1", Some("ours")),
            ("r.example/team/ours", None),
            ("our", None),
        ] {
            assert_eq!(find(&all(), word).map(|found| &*found.name), name, "{word}");
        }
    }

    #[test]
    fn what_somebody_else_wrote_stays_so() {
        let mut catalog = Catalog {
            name: "ours".into(),
            ..Catalog::default()
        };
        let entry = |origin| Entry {
            origin,
            is_approved: true,
            ..Entry::remote(ServerName::new("a").unwrap(), "https://h/mcp")
        };
        let done = put(
            &mut catalog,
            vec![entry(Origin::Own), entry(Origin::Url("u".into()))],
        );
        assert_eq!(done, [("a".to_owned(), true), ("a".to_owned(), false)]);
        assert!(catalog.entries[0].origin.is_foreign() && catalog.entries[0].is_approved);
        put(&mut catalog, vec![entry(Origin::Own)]);
        assert_eq!(catalog.entries[0].origin, Origin::Catalog("ours".into()));
        assert!(!catalog.entries[0].is_approved);
    }
}
