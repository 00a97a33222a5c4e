//! Arguments as values of the interpreter, within a budget.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;

use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelUInt,
};
use cel::common::value::Val;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::twice;
use crate::limits::{ARGUMENT_BYTES_MAX, ARGUMENT_DEPTH_MAX, ARGUMENT_VALUES_MAX};

type Boxed<'t> = Box<dyn Val + 't>;

/// Reads members.
pub(super) fn read<'o, 't>(
    members: impl Iterator<Item = (&'o str, &'t str)>,
) -> Result<CelMap<'t>, serde_json::Error> {
    let budget = Budget {
        values: Cell::new(ARGUMENT_VALUES_MAX),
        bytes: Cell::new(ARGUMENT_BYTES_MAX),
    };
    let mut map = HashMap::new();
    for (name, raw) in members {
        map.insert(key(Cow::Owned(name.to_owned())), one(name, raw, &budget)?);
    }
    Ok(CelMap::from(map))
}

fn one<'t>(name: &str, raw: &'t str, budget: &Budget) -> Result<Boxed<'t>, serde_json::Error> {
    budget.take::<serde_json::Error>(name.len())?;
    let mut reader = serde_json::Deserializer::from_str(raw);
    let value = One { budget, depth: 1 }.deserialize(&mut reader)?;
    reader.end().map(|()| value)
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
                return Err(A::Error::custom(twice(&name)));
            }
        }
        Ok(Box::new(CelMap::from(map)))
    }
}
