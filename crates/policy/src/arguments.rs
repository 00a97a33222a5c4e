//! The arguments of a call as conditions see them: only the members that some condition reads, and only if there is one way
//! to read them. A name that stands twice has two meanings, and the server may take the other. Next: `arguments/clean`, which
//! tells whether a value can be read in one way without reading it, and `arguments/read`, which reads it for the interpreter.

mod clean;
mod read;

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::sync::OnceLock;

use cel::common::types::CelMap;
use wire::Object;

use crate::limits::{ARGUMENT_BYTES_MAX, ARGUMENT_VALUES_MAX};
pub(crate) use clean::text;

/// Which members of `arguments` are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Wanted {
    #[default]
    None,
    Members(BTreeSet<String>),
    All,
}

impl Wanted {
    pub(crate) fn is_none(&self) -> bool {
        *self == Self::None
    }

    pub(crate) fn add_member(&mut self, name: &str) {
        match self {
            Self::All => {}
            Self::Members(names) => {
                names.insert(name.to_owned());
            }
            Self::None => *self = Self::Members(BTreeSet::from([name.to_owned()])),
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        match other {
            Self::None => {}
            Self::All => *self = Self::All,
            Self::Members(names) => names.iter().for_each(|name| self.add_member(name)),
        }
    }

    fn has(&self, name: &str) -> bool {
        match self {
            Self::None => false,
            Self::Members(names) => names.contains(name),
            Self::All => true,
        }
    }
}

/// The members of `arguments`, of which each has the one value that it has: looked at from outside, so that what no
/// condition reads costs no more than finding its end. What is found out about one is kept for the next condition.
pub(crate) struct Members<'t> {
    object: Object<'t>,
    known: Vec<Known<'t>>,
}

/// What was found out about a member.
#[derive(Default)]
struct Known<'t> {
    /// How many values it holds, if there is one way to read it.
    values: OnceLock<Option<usize>>,
    /// What it says, if it is a text.
    text: OnceLock<Option<Cow<'t, str>>>,
}

impl<'t> Members<'t> {
    /// Looks at a text that is known to be JSON, as what is in a message is.
    ///
    /// # Errors
    /// Why there is not one way to read it.
    pub(crate) fn of(raw: &'t str) -> Result<Self, String> {
        let object = Object::of_json(raw).map_err(|error| unreadable(&error))?;
        match twice_in(&object) {
            Some(name) => Err(unreadable(&twice(name))),
            None => Ok(Self {
                known: object.iter().map(|_| Known::default()).collect(),
                object,
            }),
        }
    }

    fn at(&self, name: &str) -> Option<(&Known<'t>, &'t str)> {
        let mut members = self.known.iter().zip(self.object.iter());
        let found = members.find(|(_, (found, _))| *found == name);
        found.map(|(known, (_, raw))| (known, raw))
    }

    /// The raw value of a member.
    pub(crate) fn get(&self, name: &str) -> Option<&'t str> {
        self.at(name).map(|(_, raw)| raw)
    }

    /// What a member says that is a text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let (known, raw) = self.at(name)?;
        known.text.get_or_init(|| text(raw)).as_deref()
    }

    /// Whether there is one way to read what is wanted, and it is not more than is read. Says no where it does not know.
    pub(crate) fn is_clean(&self, wanted: &Wanted) -> bool {
        let (mut values, mut bytes) = (0, 0);
        let mut is_clean = |name: &str, known: &Known<'t>, raw: &str| {
            bytes += name.len() + raw.len();
            let of_it = || (bytes <= ARGUMENT_BYTES_MAX).then(|| clean::values(raw))?;
            values += known
                .values
                .get_or_init(of_it)
                .unwrap_or(ARGUMENT_VALUES_MAX);
            bytes <= ARGUMENT_BYTES_MAX && values < ARGUMENT_VALUES_MAX
        };
        match wanted {
            Wanted::None => true,
            Wanted::Members(names) => names.iter().all(|name| {
                self.at(name)
                    .is_none_or(|(known, raw)| is_clean(name, known, raw))
            }),
            Wanted::All => {
                let mut members = self.known.iter().zip(self.object.iter());
                members.all(|(known, (name, raw))| is_clean(name, known, raw))
            }
        }
    }

    /// Reads what is wanted.
    ///
    /// # Errors
    /// Why there is not one way to read it, or that it is more than is read.
    pub(crate) fn read(&self, wanted: &Wanted) -> Result<CelMap<'t>, String> {
        let members = self.object.iter().filter(|(name, _)| wanted.has(name));
        read::read(members).map_err(|error| unreadable(&error))
    }
}

fn unreadable(error: &dyn fmt::Display) -> String {
    format!("the arguments cannot be read: {error}")
}

fn twice(name: &str) -> String {
    let short: String = name.chars().take(64).collect();
    format!("{short:?} stands there twice")
}

/// The first name that stands there twice. Most objects have few members, for which no set is needed.
fn twice_in<'o>(object: &'o Object<'_>) -> Option<&'o str> {
    const FEW: usize = 16;
    let names = || object.iter().map(|(name, _)| name);
    if object.len() <= FEW {
        let mut later = names().enumerate();
        return later
            .find_map(|(at, name)| names().take(at).any(|other| other == name).then_some(name));
    }
    let mut seen = HashSet::new();
    names().find(|name| !seen.insert(*name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'t>(raw: &'t str, wanted: &Wanted) -> Result<CelMap<'t>, String> {
        Members::of(raw)?.read(wanted)
    }

    fn all(raw: &str) -> Result<usize, String> {
        read(raw, &Wanted::All).map(|map| map.len())
    }

    fn only(name: &str) -> Wanted {
        let mut wanted = Wanted::None;
        wanted.add_member(name);
        wanted
    }

    #[test]
    fn what_stands_twice_is_refused_wherever_it_is_read() {
        for raw in [
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"a":{"b":1,"b":1}}"#,
            r#"{"a":[{"b":{"c":1,"c":2}}]}"#,
        ] {
            assert!(all(raw).unwrap_err().contains("twice"), "{raw}");
        }
        // What no rule reads is the server's affair, but for the names beside those that are read.
        assert!(read(r#"{"a":1,"b":{"c":1,"c":2}}"#, &only("a")).is_ok());
        assert!(read(r#"{"a":1,"b":1,"b":2}"#, &only("a")).is_err());
    }

    #[test]
    fn only_what_is_read_must_be_small() {
        let large = format!(
            r#"{{"path":"/x","content":"{}"}}"#,
            "x".repeat(ARGUMENT_BYTES_MAX)
        );
        assert_eq!(read(&large, &only("path")).unwrap().len(), 1);
        assert!(
            read(&large, &only("content"))
                .unwrap_err()
                .contains("more than 65536 bytes")
        );
        let many = format!(r#"{{"a":[{}1]}}"#, "1,".repeat(ARGUMENT_VALUES_MAX));
        assert!(all(&many).unwrap_err().contains("more than 4096 values"));
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(100), "]".repeat(100));
        assert!(all(&deep).unwrap_err().contains("deeper than 64"));
        assert!(read(&deep, &only("b")).is_ok());
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for raw in [
            "",
            "[]",
            "null",
            r#"{"a":1"#,
            r#"{"a":1} x"#,
            r#"{"a":1e999}"#,
        ] {
            assert!(all(raw).is_err(), "{raw}");
        }
        assert_eq!(all("{}"), Ok(0));
    }
}
