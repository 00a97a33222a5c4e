//! The terms that occur in the index, and those that look alike.

use std::collections::HashMap;

use crate::weights;

/// Shorter beginnings are shared by words that have nothing in common.
const BEGINNING_BYTES_MIN: usize = 5;

/// A term, by number. Numbers of terms that no longer occur are used again.
pub(crate) type TermId = u32;

/// Terms by text, and by the pairs of characters in them.
#[derive(Debug, Default)]
pub(crate) struct Vocabulary {
    ids: HashMap<Box<str>, TermId>,
    texts: Vec<Box<str>>,
    free: Vec<TermId>,
    grams: HashMap<u64, Vec<TermId>>,
}

impl Vocabulary {
    pub(crate) fn get(&self, term: &str) -> Option<TermId> {
        self.ids.get(term).copied()
    }

    pub(crate) fn text(&self, id: TermId) -> &str {
        &self.texts[id as usize]
    }

    /// One more than the highest number in use.
    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    pub(crate) fn insert(&mut self, term: &str) -> TermId {
        if let Some(id) = self.get(term) {
            return id;
        }
        let id = self.free.pop().unwrap_or_else(|| {
            self.texts.push(Box::default());
            (self.texts.len() - 1) as TermId
        });
        self.texts[id as usize] = term.into();
        self.ids.insert(term.into(), id);
        for gram in grams(term) {
            let list = self.grams.entry(gram).or_default();
            let at = list.partition_point(|other| *other < id);
            list.insert(at, id);
        }
        id
    }

    pub(crate) fn remove(&mut self, id: TermId) {
        let text = std::mem::take(&mut self.texts[id as usize]);
        self.ids.remove(&text);
        for gram in grams(&text) {
            if let Some(list) = self.grams.get_mut(&gram) {
                if let Ok(at) = list.binary_search(&id) {
                    list.remove(at);
                }
                if list.is_empty() {
                    self.grams.remove(&gram);
                }
            }
        }
        self.free.push(id);
    }

    /// See [`Known::alike`]; ids instead of texts.
    fn alike_ids(&self, word: &str, least: f32) -> Vec<(TermId, f32)> {
        let own = grams(word);
        let mut counts = vec![0_u16; self.texts.len()];
        let mut touched = Vec::new();
        for gram in &own {
            for &id in self.grams.get(gram).map_or(&[][..], Vec::as_slice) {
                let count = &mut counts[id as usize];
                if *count == 0 {
                    touched.push(id);
                }
                *count += 1;
            }
        }
        let mut alike: Vec<(TermId, f32)> = touched
            .into_iter()
            .map(|id| {
                let shared = usize::from(counts[id as usize]);
                let share = likeness(shared, own.len(), word, self.text(id));
                (id, share)
            })
            .filter(|(_, share)| *share >= least)
            .collect();
        alike.sort_by(|a, b| {
            b.1.total_cmp(&a.1)
                .then_with(|| self.text(a.0).cmp(self.text(b.0)))
        });
        alike
    }
}

/// What planning a request asks of the terms of an index.
pub(crate) trait Known {
    /// Whether a term occurs.
    fn knows(&self, term: &str) -> bool;

    /// At most `most` terms that look like a word, with how much they do (from `least` to 1), the most alike first, then by
    /// text.
    fn alike(&self, word: &str, least: f32, most: usize) -> Vec<(&str, f32)>;
}

impl Known for Vocabulary {
    fn knows(&self, term: &str) -> bool {
        self.ids.contains_key(term)
    }

    fn alike(&self, word: &str, least: f32, most: usize) -> Vec<(&str, f32)> {
        let mut alike = self.alike_ids(word, least);
        alike.truncate(most);
        alike
            .into_iter()
            .map(|(id, share)| (self.text(id), share))
            .collect()
    }
}

/// How much two words look alike: the share (Dice) of the pairs of characters that they have in common; more where one
/// begins with the other.
pub(crate) fn likeness(shared: usize, own: usize, word: &str, term: &str) -> f32 {
    // A term of n characters has n + 1 pairs; that some occur twice makes no difference worth a second count.
    let dice = 2.0 * shared as f32 / (own + chars(term) + 1) as f32;
    let (short, long) = if word.len() < term.len() {
        (word, term)
    } else {
        (term, word)
    };
    if short.len() >= BEGINNING_BYTES_MIN && long.starts_with(short) {
        dice.max(weights::BEGINNING)
    } else {
        dice
    }
}

fn chars(term: &str) -> usize {
    if term.is_ascii() {
        term.len()
    } else {
        term.chars().count()
    }
}

/// The distinct pairs of neighbouring characters, the ends included.
pub(crate) fn grams(term: &str) -> Vec<u64> {
    let mut grams = Vec::with_capacity(term.len() + 1);
    let mut before = 0_u64;
    for character in term.chars().map(u64::from).chain([0]) {
        grams.push(before << 32 | character);
        before = character;
    }
    grams.sort_unstable();
    grams.dedup();
    grams
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary(terms: &[&str]) -> Vocabulary {
        let mut vocabulary = Vocabulary::default();
        for term in terms {
            vocabulary.insert(term);
        }
        vocabulary
    }

    #[test]
    fn numbers_are_kept_and_used_again() {
        let mut vocabulary = vocabulary(&["a", "b"]);
        let b = vocabulary.get("b").unwrap();
        assert_eq!(vocabulary.insert("b"), b);
        vocabulary.remove(b);
        assert!(!vocabulary.knows("b"));
        assert_eq!(vocabulary.insert("c"), b);
        assert_eq!(vocabulary.len(), 2);
    }

    #[test]
    fn the_most_alike_come_first() {
        let vocabulary = vocabulary(&["grafana", "graph", "kubernet", "relat", "relationship"]);
        let alike = |word| -> Vec<&str> {
            let alike = vocabulary.alike(word, 0.6, 9);
            alike.into_iter().map(|(term, _)| term).collect()
        };
        assert_eq!(alike("grafna"), ["grafana"]);
        assert_eq!(alike("relationship"), ["relationship", "relat"]);
        assert_eq!(alike("zzz"), Vec::<&str>::new());
        assert_eq!(vocabulary.alike("relationship", 0.1, 1).len(), 1);
    }

    #[test]
    fn removed_terms_leave_no_pairs() {
        let mut vocabulary = vocabulary(&["banana"]);
        vocabulary.remove(0);
        assert!(vocabulary.grams.is_empty());
    }
}
