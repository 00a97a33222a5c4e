//! What words mean: a small thesaurus of the trade, and a bridge from other scripts into it.
//!
//! The files hold general knowledge: words that people use for the same thing, kinds of product and what they do.

use std::collections::HashMap;

use crate::stem::Terms;
use crate::text::words;

/// One line a group: see the head of the file.
const THESAURUS: &str = include_str!("lexicon/thesaurus.txt");
/// `phrase = words`: other languages.
const BRIDGE: &str = include_str!("lexicon/bridge.txt");

/// `name = words`: what well-known products are.
const PRODUCTS: &str = include_str!("lexicon/products.txt");

/// Related terms.
pub(crate) struct Lexicon {
    /// By the first term of the name: all of them, and what it is.
    products: HashMap<String, Vec<(Vec<String>, Vec<String>)>>,
    /// By term or by two terms with a space between.
    related: HashMap<String, Vec<(String, f32)>>,
    /// By phrase in lower case.
    bridge: HashMap<String, Vec<String>>,
    longest_phrase: usize,
    faint: HashMap<String, f32>,
}

impl Lexicon {
    pub(crate) fn new(terms: &Terms) -> Self {
        let mut related: HashMap<String, Vec<(String, f32)>> = HashMap::new();
        let term_of = |entry: &str| -> String {
            words(&entry.replace('_', " "))
                .iter()
                .map(|w| terms.term(&w.whole))
                .collect::<Vec<_>>()
                .join(" ")
        };
        let mut faint = HashMap::new();
        let mut add = |from: &str, to: &str, weight: f32| {
            if from == to || to.contains(' ') {
                return;
            }
            let list = related.entry(from.to_owned()).or_default();
            match list.iter_mut().find(|(known, _)| known == to) {
                Some(known) => known.1 = known.1.max(weight),
                None => list.push((to.to_owned(), weight)),
            }
        };
        let (thesaurus, bridge_text) = crate::tune::files(THESAURUS, BRIDGE);
        for line in lines(thesaurus) {
            if let Some(weak) = line.strip_prefix("- ").or_else(|| line.strip_prefix(". ")) {
                let weight = if line.starts_with('-') { crate::tune::t("weak", 0.3) } else { crate::tune::t("verb", 0.6) };
                for word in weak.split_whitespace() {
                    faint.entry(term_of(word)).or_insert(weight);
                }
                continue;
            }
            let (weight, from, to) = if let Some(same) = line.strip_prefix("= ") {
                (crate::tune::t("same", 1.6), same, same)
            } else if let Some(near) = line.strip_prefix("~ ") {
                (crate::tune::t("near", 0.7), near, near)
            } else if let Some((from, to)) = line.split_once(" > ") {
                (1.0, from, to)
            } else {
                continue;
            };
            for from in from.split_whitespace() {
                for to in to.split_whitespace() {
                    add(&term_of(from), &term_of(to), weight);
                }
            }
        }
        let mut products: HashMap<String, Vec<(Vec<String>, Vec<String>)>> = HashMap::new();
        for line in lines(crate::tune::file("products.txt", PRODUCTS)) {
            let Some((name, about)) = line.split_once('=') else { continue };
            let name: Vec<String> = term_of(name.trim()).split(' ').map(str::to_owned).collect();
            let about = about.split_whitespace().filter(|w| !terms.is_stop(w)).map(term_of).collect();
            products.entry(name[0].clone()).or_default().push((name, about));
        }
        let mut bridge = HashMap::new();
        let mut longest_phrase = 0;
        for line in lines(bridge_text) {
            let Some((phrases, to)) = line.split_once('=') else { continue };
            let to: Vec<String> = to.split_whitespace().map(term_of).collect();
            for phrase in phrases.split_whitespace() {
                let phrase = phrase.replace('_', " ");
                longest_phrase = longest_phrase.max(phrase.chars().count());
                bridge.entry(phrase).or_insert_with(Vec::new).extend(to.iter().cloned());
            }
        }
        Self { products, related, bridge, longest_phrase, faint }
    }

    pub(crate) fn related(&self, term: &str) -> &[(String, f32)] {
        self.related.get(term).map_or(&[], Vec::as_slice)
    }

    /// What products named in a sequence of terms are.
    pub(crate) fn about<'a>(&'a self, sequence: &[String]) -> Vec<&'a str> {
        let mut about: Vec<&str> = Vec::new();
        for at in 0..sequence.len() {
            for (name, words) in self.products.get(&sequence[at]).map_or(&[][..], Vec::as_slice) {
                if sequence[at..].starts_with(name) {
                    for word in words {
                        if !about.contains(&word.as_str()) {
                            about.push(word);
                        }
                    }
                }
            }
        }
        about
    }

    /// How much a word says about what is looked for.
    pub(crate) fn worth(&self, term: &str) -> f32 {
        self.faint.get(term).copied().unwrap_or(1.0)
    }

    pub(crate) fn bridge(&self) -> (&HashMap<String, Vec<String>>, usize) {
        (&self.bridge, self.longest_phrase)
    }
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'))
}
