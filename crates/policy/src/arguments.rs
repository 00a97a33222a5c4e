//! The arguments of a call as conditions see them: only the members that some condition reads, and only if there is one way
//! to read them. A name that stands twice has two meanings, and the server may take the other.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;

use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelUInt,
};
use cel::common::value::Val;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use wire::Object;

use crate::limits::{ARGUMENT_BYTES_MAX, ARGUMENT_DEPTH_MAX, ARGUMENT_VALUES_MAX};

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

type Boxed<'t> = Box<dyn Val + 't>;

/// The members of `arguments`, of which each has the one value that it has: looked at from outside, so that what no
/// condition reads costs no more than finding its end.
pub(crate) struct Members<'t>(Object<'t>);

impl<'t> Members<'t> {
    /// Looks at a text that is known to be JSON, as what is in a message is.
    ///
    /// # Errors
    /// Why there is not one way to read it.
    pub(crate) fn of(raw: &'t str) -> Result<Self, String> {
        let object = Object::of_json(raw).map_err(|error| unreadable(&error))?;
        match twice_in(&object) {
            Some(name) => Err(unreadable(&twice::<serde_json::Error>(name))),
            None => Ok(Self(object)),
        }
    }

    /// The raw value of a member.
    pub(crate) fn get(&self, name: &str) -> Option<&'t str> {
        let mut members = self.0.iter();
        members
            .find(|(found, _)| *found == name)
            .map(|(_, raw)| raw)
    }

    /// What a member says that is a text.
    pub(crate) fn text(&self, name: &str) -> Option<Cow<'t, str>> {
        let literal = self.get(name)?;
        let inside = literal.strip_prefix('"')?.strip_suffix('"')?;
        match inside.contains('\\') {
            false => Some(Cow::Borrowed(inside)),
            true => serde_json::from_str(literal).ok().map(Cow::Owned),
        }
    }

    /// Whether a member is not there, or is a value in which nothing can stand twice and which is not too large.
    pub(crate) fn is_plain(&self, name: &str) -> bool {
        self.get(name).is_none_or(|raw| {
            let is_simple = matches!(raw.as_bytes().first(), Some(b'"' | b't' | b'f' | b'n'));
            raw.len() <= ARGUMENT_BYTES_MAX && (is_simple || raw.parse::<i64>().is_ok())
        })
    }

    /// Reads what is wanted.
    ///
    /// # Errors
    /// Why there is not one way to read it, or that it is more than is read.
    pub(crate) fn read(&self, wanted: &Wanted) -> Result<CelMap<'t>, String> {
        let budget = Budget {
            values: Cell::new(ARGUMENT_VALUES_MAX),
            bytes: Cell::new(ARGUMENT_BYTES_MAX),
        };
        let mut map = HashMap::new();
        for (name, raw) in self.0.iter().filter(|(name, _)| wanted.has(name)) {
            let value = one(name, raw, &budget).map_err(|error| unreadable(&error))?;
            map.insert(key(Cow::Owned(name.to_owned())), value);
        }
        Ok(CelMap::from(map))
    }
}

fn one<'t>(name: &str, raw: &'t str, budget: &Budget) -> Result<Boxed<'t>, serde_json::Error> {
    budget.take::<serde_json::Error>(name.len())?;
    let mut reader = serde_json::Deserializer::from_str(raw);
    let value = One { budget, depth: 1 }.deserialize(&mut reader)?;
    reader.end().map(|()| value)
}

fn unreadable(error: &dyn fmt::Display) -> String {
    format!("the arguments cannot be read: {error}")
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

struct Budget {
    values: Cell<usize>,
    bytes: Cell<usize>,
}

impl Budget {
    fn take<E: Error>(&self, bytes: usize) -> Result<(), E> {
        let values = self.values.get().checked_sub(1);
        let left = self.bytes.get().checked_sub(bytes);
        match (values, left) {
            (Some(values), Some(left)) => {
                self.values.set(values);
                self.bytes.set(left);
                Ok(())
            }
            (None, _) => Err(E::custom(format!(
                "those that rules read hold more than {ARGUMENT_VALUES_MAX} values"
            ))),
            (_, None) => Err(E::custom(format!(
                "those that rules read hold more than {ARGUMENT_BYTES_MAX} bytes"
            ))),
        }
    }
}

fn twice<E: Error>(name: &str) -> E {
    let short: String = name.chars().take(64).collect();
    E::custom(format!("{short:?} stands there twice"))
}

fn key(name: Cow<'_, str>) -> CelMapKey<'_> {
    CelMapKey::String(CelString::from(name))
}

/// A member's name, without a copy where it has no escapes.
struct Name<'t>(Cow<'t, str>);

impl<'t> serde::Deserialize<'t> for Name<'t> {
    fn deserialize<D: Deserializer<'t>>(from: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'t> Visitor<'t> for Text {
            type Value = Name<'t>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_borrowed_str<E: Error>(self, text: &'t str) -> Result<Name<'t>, E> {
                Ok(Name(Cow::Borrowed(text)))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Name<'t>, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }
        from.deserialize_str(Text)
    }
}

/// One value below it.
struct One<'b> {
    budget: &'b Budget,
    depth: usize,
}

impl One<'_> {
    fn below<E: Error>(&self) -> Result<Self, E> {
        if self.depth >= ARGUMENT_DEPTH_MAX {
            return Err(E::custom(format!(
                "they nest deeper than {ARGUMENT_DEPTH_MAX}"
            )));
        }
        Ok(Self {
            budget: self.budget,
            depth: self.depth + 1,
        })
    }
}

impl<'t> DeserializeSeed<'t> for One<'_> {
    type Value = Boxed<'t>;

    fn deserialize<D: Deserializer<'t>>(self, from: D) -> Result<Boxed<'t>, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'t> Visitor<'t> for One<'_> {
    type Value = Boxed<'t>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Boxed<'t>, E> {
        self.budget.take(0)?;
        Ok(Box::new(CelNull))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Boxed<'t>, E> {
        self.budget.take(0)?;
        Ok(Box::new(CelBool::from(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Boxed<'t>, E> {
        self.budget.take(0)?;
        Ok(Box::new(CelInt::from(value)))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Boxed<'t>, E> {
        self.budget.take(0)?;
        Ok(match i64::try_from(value) {
            Ok(value) => Box::new(CelInt::from(value)),
            Err(_) => Box::new(CelUInt::from(value)),
        })
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Boxed<'t>, E> {
        self.budget.take(0)?;
        Ok(Box::new(CelDouble::from(value)))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'t str) -> Result<Boxed<'t>, E> {
        self.budget.take(text.len())?;
        Ok(Box::new(CelString::from(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Boxed<'t>, E> {
        self.budget.take(text.len())?;
        Ok(Box::new(CelString::from(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut access: A) -> Result<Boxed<'t>, A::Error> {
        self.budget.take(0)?;
        let mut list = Vec::new();
        while let Some(value) = access.next_element_seed(self.below()?)? {
            list.push(value);
        }
        Ok(Box::new(CelList::from(list)))
    }

    fn visit_map<A: MapAccess<'t>>(self, mut access: A) -> Result<Boxed<'t>, A::Error> {
        self.budget.take(0)?;
        let mut map = HashMap::new();
        while let Some(Name(name)) = access.next_key()? {
            self.budget.take(name.len())?;
            let value = access.next_value_seed(self.below()?)?;
            if map.insert(key(name.clone()), value).is_some() {
                return Err(twice(&name));
            }
        }
        Ok(Box::new(CelMap::from(map)))
    }
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
