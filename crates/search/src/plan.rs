//! From the text of a request to what is looked for.
//!
//! Owns which terms may stand for a word: the word itself, what was probably meant by a word that nobody knows, what means the
//! same, what looks alike, what it is in English.

use std::collections::BTreeMap;

use crate::filler::fillers;
use crate::lexicon::Lexicon;
use crate::limits;
use crate::shape::shapes;
use crate::stem::Terms;
use crate::text::{Word, words};
use crate::vocabulary::Known;
use crate::weights;

/// One thing that the request speaks of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Need {
    /// How much it counts: how often it is said, damped, and how much the word says.
    pub weight: f32,
    /// The terms that may stand for it, and how well (1: the word itself).
    pub terms: Vec<(String, f32)>,
}

/// Terms that may stand for one word.
type Alternatives = BTreeMap<String, f32>;

/// Plans a request. The order of the needs is that of their words, whatever the index has gone through.
pub(crate) fn plan(text: &str, known: &impl Known) -> Vec<Need> {
    let (text, shapes) = shapes(text);
    let sequence = sequence(&text, known);
    let mut wanted = Wanted::default();
    let short = sequence.len() <= limits::REPAIRED_WORDS_MAX;
    for (at, term) in sequence.iter().enumerate() {
        let mut terms = Alternatives::new();
        put(&mut terms, term, 1.0);
        if Lexicon::get().worth(term) > weights::ASKING {
            put_related(&mut terms, term, weights::RELATED);
        }
        let long_enough = term.chars().count() >= limits::REPAIRED_CHARS_MIN;
        if short && long_enough && !known.knows(term) {
            for (alike, share) in known.alike(term, weights::ALIKE_MIN, limits::ALIKE_MAX) {
                put(&mut terms, alike, weights::ALIKE * share);
            }
            if !Lexicon::get().knows(term) {
                repair(&mut terms, term, known);
            }
        }
        if let Some(next) = sequence.get(at + 1) {
            put(&mut terms, &format!("{term}{next}"), 1.0);
            for (related, weight) in Lexicon::get().related(&format!("{term} {next}")) {
                put(&mut terms, related, weight * weights::RELATED_TO_PAIR);
            }
        }
        wanted.add(term, terms, known);
    }
    let shapes = shapes.into_iter().flatten();
    let said = shapes.map(|word| (Terms::get().term(word), weights::SHAPE));
    let translated = Lexicon::get().translate(&text).into_iter();
    for (term, weight) in said.chain(translated.map(|term| (term.to_owned(), 1.0))) {
        let mut terms = Alternatives::new();
        put(&mut terms, &term, weight);
        put_related(&mut terms, &term, weights::RELATED * weight);
        wanted.add(&term, terms, known);
    }
    wanted.needs()
}

/// The terms of the request without those that hold a sentence together.
fn sequence(text: &str, known: &impl Known) -> Vec<String> {
    let terms = Terms::get();
    let mut sequence = Vec::new();
    let words = words(text);
    let fillers = fillers(&words);
    for Word { whole, parts } in words {
        if terms.is_stop(&whole) || fillers.contains(&*whole) {
            continue;
        }
        let whole = terms.term(&whole);
        if parts.is_empty() || known.knows(&whole) || Lexicon::get().knows(&whole) {
            sequence.push(whole);
        } else {
            let parts = parts.iter().filter(|part| !terms.is_stop(part));
            sequence.extend(parts.map(|part| terms.term(part)));
        }
    }
    sequence
}

fn put(terms: &mut Alternatives, term: &str, weight: f32) {
    match terms.get_mut(term) {
        Some(known) => *known = known.max(weight),
        None => {
            terms.insert(term.to_owned(), weight);
        }
    }
}

fn put_related(terms: &mut Alternatives, term: &str, weight: f32) {
    for (related, how_well) in Lexicon::get().related(term) {
        put(terms, related, how_well * weight);
    }
}

/// What was probably meant by a word that occurs nowhere: known ones within a mistake or two, or two written as one.
fn repair(terms: &mut Alternatives, word: &str, known: &impl Known) {
    let mistakes = if word.chars().count() >= limits::TWO_MISTAKES_CHARS_MIN {
        2
    } else {
        1
    };
    let mut near: Vec<(usize, &str)> = known
        .alike(word, limits::REPAIR_LIKENESS_MIN, limits::REPAIR_TRIED_MAX)
        .into_iter()
        .map(|(term, _)| (strsim::osa_distance(word, term), term))
        .filter(|(distance, _)| *distance <= mistakes)
        .collect();
    near.sort_unstable();
    near.truncate(limits::REPAIRS_MAX);
    for (distance, term) in near {
        let weight = weights::REPAIRED.powi(distance as i32);
        put(terms, term, weight);
        put_related(terms, term, weights::RELATED * weight);
    }
    let halves = word.char_indices().map(|(at, _)| word.split_at(at));
    let long_enough = |half: &str| half.chars().count() >= limits::HALF_CHARS_MIN;
    let halves = halves
        .filter(|(first, second)| long_enough(first) && long_enough(second))
        .map(|(first, second)| (Terms::get().term(first), Terms::get().term(second)))
        .find(|(first, second)| known.knows(first) && known.knows(second));
    if let Some((first, second)) = halves {
        put(terms, &first, weights::HALF);
        put(terms, &second, weights::HALF);
    }
}

/// What is looked for so far, by the word it was said with.
#[derive(Default)]
struct Wanted {
    words: BTreeMap<String, (u32, Alternatives)>,
}

impl Wanted {
    fn add(&mut self, word: &str, terms: Alternatives, known: &impl Known) {
        if !self.words.contains_key(word) && self.words.len() >= limits::QUERY_WORDS_MAX {
            return;
        }
        let (count, together) = self.words.entry(word.to_owned()).or_default();
        *count += 1;
        for (term, weight) in &terms {
            if known.knows(term) {
                put(together, term, *weight);
            }
        }
    }

    fn needs(self) -> Vec<Need> {
        let needs = self.words.into_iter().map(|(word, (count, terms))| {
            let mut terms: Vec<(String, f32)> = terms.into_iter().collect();
            terms.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            terms.truncate(limits::TERMS_PER_WORD_MAX);
            Need {
                weight: (count as f32).sqrt() * Lexicon::get().worth(&word),
                terms,
            }
        });
        needs.filter(|need| !need.terms.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests;
