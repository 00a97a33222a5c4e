//! The terms that occur in the index, and those that look alike.

use std::collections::HashMap;

/// A term, by number. Numbers of terms that no longer occur are used again.
pub(crate) type TermId = u32;

/// Terms by text, and by the pairs of characters in them.
#[derive(Default)]
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

    /// Terms that share pairs of characters with a word, with the share (Dice) of them: at least `least`, the most alike first,
    /// then by text.
    pub(crate) fn alike(&self, word: &str, least: f32, counts: &mut Vec<u16>) -> Vec<(TermId, f32)> {
        counts.clear();
        counts.resize(self.texts.len(), 0);
        let own = grams(word);
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
            .filter_map(|id| {
                let shared = f32::from(counts[id as usize]);
                // A term of n characters has n + 1 pairs, repeated ones aside.
                let theirs = self.text(id).chars().count() + 1;
                let dice = 2.0 * shared / (own.len() + theirs) as f32;
                let text = self.text(id);
                let shorter = text.len().min(word.len());
                let dice = if shorter >= 5 && text.as_bytes()[..shorter] == word.as_bytes()[..shorter] {
                    dice.max(crate::tune::t("prefix", 0.7))
                } else {
                    dice
                };
                (dice >= least).then_some((id, dice))
            })
            .collect();
        alike.sort_by(|a, b| {
            b.1.total_cmp(&a.1)
                .then_with(|| self.text(a.0).cmp(self.text(b.0)))
        });
        alike
    }
}

/// The distinct pairs of neighbouring characters, the ends included.
fn grams(term: &str) -> Vec<u64> {
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
