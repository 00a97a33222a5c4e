//! Catalogs and the one view of several. Owns precedence and lookup by name. Refuses to let one catalog hide another's
//! entry without a word. Next: `merge`, which does the same for configured servers.

use std::collections::HashMap;

use crate::{Entry, Origin, Problem, ServerName};

/// A named list of entries.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// Its name.
    pub name: String,
    /// A name for people.
    pub title: Option<String>,
    /// Where it comes from.
    pub origin: Origin,
    /// Under which name of a registry of images it is pushed and pulled.
    pub reference: Option<String>,
    /// Its entries, each name once.
    pub entries: Vec<Entry>,
    /// What was wrong with it.
    pub problems: Vec<Problem>,
}

/// Several catalogs as one: each name leads to one entry.
#[derive(Debug, Clone, Default)]
pub struct Catalogs {
    entries: Vec<Entry>,
    places: HashMap<ServerName, usize>,
    names: Vec<String>,
    shadowed: Vec<Shadowed>,
}

/// An entry that is not used because a stronger catalog has one of the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shadowed {
    /// The name of both.
    pub server: ServerName,
    /// The catalog whose entry is used.
    pub used: String,
    /// The catalog whose entry is not.
    pub hidden: String,
}

impl Catalog {
    /// Says of every entry where it comes from.
    pub(crate) fn give(&mut self, origin: &Origin) {
        self.origin = origin.clone();
        for entry in &mut self.entries {
            entry.origin = origin.clone();
        }
    }
}

impl Catalogs {
    /// Merges catalogs, weakest first: of two entries with one name the later is used. The usual order is the built-in
    /// one, the person's own by name, then those of `--catalog` in their order.
    pub fn merge(catalogs: impl IntoIterator<Item = Catalog>) -> Self {
        let mut merged = Self::default();
        let mut owners: Vec<usize> = Vec::new();
        for (index, catalog) in catalogs.into_iter().enumerate() {
            for entry in catalog.entries {
                match merged.places.get(&entry.name) {
                    Some(&at) => {
                        let hidden = owners[at];
                        let other = match hidden == index {
                            true => catalog.name.clone(),
                            false => merged.names[hidden].clone(),
                        };
                        merged.shadowed.push(Shadowed {
                            server: entry.name.clone(),
                            used: catalog.name.clone(),
                            hidden: other,
                        });
                        owners[at] = index;
                        merged.entries[at] = entry;
                    }
                    None => {
                        merged
                            .places
                            .insert(entry.name.clone(), merged.entries.len());
                        merged.entries.push(entry);
                        owners.push(index);
                    }
                }
            }
            merged.names.push(catalog.name);
        }
        merged
    }

    /// Puts an entry in the place of the one of its name, or behind all others.
    pub fn insert(&mut self, entry: Entry) {
        match self.places.get(&entry.name) {
            Some(&at) => self.entries[at] = entry,
            None => {
                self.places.insert(entry.name.clone(), self.entries.len());
                self.entries.push(entry);
            }
        }
    }

    /// All entries, in the order of the catalogs.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry of a name, exactly as written.
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.places.get(name).map(|&at| &self.entries[at])
    }

    /// The catalogs, weakest first.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// What is not used, and why.
    pub fn shadowed(&self) -> &[Shadowed] {
        &self.shadowed
    }

    /// The names that were probably meant, nearest first, at most `most`.
    pub fn nearest(&self, name: &str, most: usize) -> Vec<&str> {
        crate::suggest::nearest(name, self.entries.iter().map(|e| e.name.as_str()), most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalog(name: &str, entries: &[(&str, &str)]) -> Catalog {
        let entry =
            |(name, url): &(&str, &str)| Entry::remote(ServerName::new(name).unwrap(), *url);
        Catalog {
            name: name.into(),
            entries: entries.iter().map(entry).collect(),
            ..Catalog::default()
        }
    }

    #[test]
    fn the_later_catalog_wins_and_it_is_told() {
        let merged = Catalogs::merge([
            catalog("built-in", &[("a", "https://1"), ("b", "https://2")]),
            catalog("mine", &[("b", "https://3")]),
            catalog("flag", &[("b", "https://4"), ("c", "https://5")]),
        ]);
        let names: Vec<&str> = merged.entries().iter().map(|e| e.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "c"]);
        let crate::Launch::Remote { url, .. } = &merged.get("b").unwrap().launch else {
            panic!()
        };
        assert_eq!(url, "https://4");
        let told: Vec<_> = merged
            .shadowed()
            .iter()
            .map(|s| (s.used.as_str(), s.hidden.as_str()))
            .collect();
        assert_eq!(told, [("mine", "built-in"), ("flag", "mine")]);
        assert!(merged.get("B").is_none());
    }

    #[test]
    fn near_names_come_nearest_first() {
        let merged = Catalogs::merge([catalog(
            "c",
            &[
                ("github", "https://1"),
                ("github-official", "https://2"),
                ("gitlab", "https://3"),
                ("time", "https://4"),
            ],
        )]);
        assert_eq!(merged.nearest("gihtub", 3), ["github"]);
        assert_eq!(
            merged.nearest("git", 9),
            ["github", "gitlab", "github-official"]
        );
        assert!(merged.nearest("zzzzzz", 3).is_empty());
    }
}
