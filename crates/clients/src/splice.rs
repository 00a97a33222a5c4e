//! One change of a text, that can be undone: some bytes gave way to others.

use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Splice {
    /// The first byte that changed.
    pub at: usize,
    /// What stood there.
    pub removed: String,
    /// What stands there now.
    pub inserted: String,
}

impl Splice {
    /// Puts something in, and takes nothing out.
    pub fn insert(at: usize, inserted: String) -> Self {
        Self {
            at,
            removed: String::new(),
            inserted,
        }
    }

    /// The smallest one that makes one text of another.
    pub fn between(before: &str, after: &str) -> Self {
        let common = |pairs: &mut dyn Iterator<Item = (char, char)>| -> usize {
            pairs
                .take_while(|(a, b)| a == b)
                .map(|(a, _)| a.len_utf8())
                .sum()
        };
        let start = common(&mut before.chars().zip(after.chars()));
        let (b, a) = (&before[start..], &after[start..]);
        let end = common(&mut b.chars().rev().zip(a.chars().rev()));
        Self {
            at: start,
            removed: b[..b.len() - end].to_owned(),
            inserted: a[..a.len() - end].to_owned(),
        }
    }

    /// The text after it.
    pub fn apply(&self, text: &str) -> String {
        let end = self.at + self.removed.len();
        debug_assert_eq!(text.get(self.at..end), Some(&*self.removed));
        format!("{}{}{}", &text[..self.at], self.inserted, &text[end..])
    }

    /// The one that takes this back from a text that may have changed elsewhere meanwhile: where it was made, or else where what it put in
    /// stands now. None if that is gone, or stands twice.
    pub fn undo(&self, text: &str) -> Option<Self> {
        if self.inserted.is_empty() {
            return None;
        }
        let is_there = text
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(&self.inserted));
        let at = match is_there {
            true => self.at,
            false => {
                let mut places = text.match_indices(&self.inserted);
                let (at, _) = places.next()?;
                if places.next().is_some() {
                    return None;
                }
                at
            }
        };
        Some(Self {
            at,
            removed: self.inserted.clone(),
            inserted: self.removed.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn what_lies_between_two_texts_leads_from_one_to_the_other_and_back(a in "[ab日\n]{0,9}", b in "[ab日\n]{0,9}") {
            let splice = Splice::between(&a, &b);
            assert_eq!(splice.apply(&a), b);
            if !splice.inserted.is_empty() {
                assert_eq!(splice.undo(&b).unwrap().apply(&b), a);
            }
        }
    }

    #[test]
    fn what_moved_is_found_and_what_stands_twice_is_not() {
        let splice = Splice::insert(1, "xyz".into());
        assert_eq!(splice.undo("a-xyz-").map(|undo| undo.at), Some(2));
        assert_eq!(splice.undo("a-xyz-xyz"), None);
        assert_eq!(splice.undo("axyz-xyz").map(|undo| undo.at), Some(1));
        assert_eq!(splice.undo("none"), None);
    }
}
