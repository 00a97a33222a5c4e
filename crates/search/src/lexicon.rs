//! What words mean: a thesaurus of the trade, what well-known products are, and a bridge from other languages.
//!
//! Owns the four data files beside it, which hold general knowledge only; the head of each says how it is written. They are
//! read once, when the first index is made.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::stem::Terms;
use crate::text::words;
use crate::weights;

const THESAURUS: &str = include_str!("lexicon/thesaurus.txt");
const KINDS: &str = include_str!("lexicon/kinds.txt");
const PRODUCTS: &str = include_str!("lexicon/products.txt");
const BRIDGE: &str = include_str!("lexicon/bridge.txt");

/// A term of the lexicon.
type Number = u32;

/// All of it.
#[derive(Default)]
pub(crate) struct Lexicon {
    numbers: HashMap<Box<str>, Number>,
    texts: Vec<Box<str>>,
    /// By term: what else may stand for it, and how well.
    related: Vec<Vec<(Number, f32)>>,
    /// By term: how much it says, where that is less than usual.
    faint: HashMap<Number, f32>,
    /// By the first term of the name.
    products: HashMap<Number, Vec<Product>>,
    /// By the first character, the longest first.
    bridge: HashMap<char, Vec<Phrase>>,
}

struct Product {
    /// The terms of its name after the first.
    rest: Vec<Number>,
    about: Vec<Number>,
}

struct Phrase {
    /// In lower case.
    characters: Vec<char>,
    meaning: Vec<Number>,
}

impl Lexicon {
    /// The one lexicon.
    pub(crate) fn get() -> &'static Self {
        static LEXICON: LazyLock<Lexicon> = LazyLock::new(Lexicon::read);
        &LEXICON
    }

    fn read() -> Self {
        let mut lexicon = Self::default();
        for line in lines(THESAURUS).chain(lines(KINDS)) {
            lexicon.read_thesaurus(line);
        }
        for (names, about) in lines(PRODUCTS).filter_map(|line| line.split_once(" = ")) {
            let name: Vec<Number> = term(names)
                .split(' ')
                .map(|term| lexicon.number(term))
                .collect();
            let about = about
                .split_whitespace()
                .filter(|word| !Terms::get().is_stop(word))
                .map(|word| lexicon.number(&term(word)))
                .collect();
            let entry = lexicon.products.entry(name[0]).or_default();
            entry.push(Product {
                rest: name[1..].to_vec(),
                about,
            });
        }
        for (phrases, meaning) in lines(BRIDGE).filter_map(|line| line.split_once(" = ")) {
            let meaning: Vec<Number> = meaning
                .split_whitespace()
                .map(|word| lexicon.number(&term(word)))
                .collect();
            for phrase in phrases.split_whitespace() {
                let phrase: Vec<char> = phrase.replace('_', " ").chars().collect();
                let known = lexicon.bridge.entry(phrase[0]).or_default();
                match known.iter_mut().find(|known| known.characters == phrase) {
                    Some(known) => known.meaning.extend_from_slice(&meaning),
                    None => known.push(Phrase {
                        characters: phrase,
                        meaning: meaning.clone(),
                    }),
                }
            }
        }
        for phrases in lexicon.bridge.values_mut() {
            phrases.sort_by_key(|phrase| std::cmp::Reverse(phrase.characters.len()));
        }
        lexicon
    }

    fn read_thesaurus(&mut self, line: &str) {
        let (weight, from, to) = match line.split_once(' ') {
            Some(("=", group)) => (weights::SAME, group, group),
            Some(("~", group)) => (weights::NEAR, group, group),
            Some((sign @ ("-" | "."), faint)) => {
                let worth = if sign == "-" {
                    weights::ASKING
                } else {
                    weights::DOING
                };
                for word in faint.split_whitespace() {
                    let number = self.number(&term(word));
                    self.faint.entry(number).or_insert(worth);
                }
                return;
            }
            _ => match line.split_once(" > ") {
                Some((from, to)) => (weights::ARROW, from, to),
                None => return,
            },
        };
        let to: Vec<Number> = to
            .split_whitespace()
            .map(term)
            .filter(|to| !to.contains(' '))
            .map(|to| self.number(&to))
            .collect();
        for from in from.split_whitespace() {
            let from = self.number(&term(from));
            for &to in to.iter().filter(|to| **to != from) {
                let related = &mut self.related[from as usize];
                match related.iter_mut().find(|(known, _)| *known == to) {
                    Some(known) => known.1 = known.1.max(weight),
                    None => related.push((to, weight)),
                }
            }
        }
    }

    fn number(&mut self, term: &str) -> Number {
        if let Some(number) = self.numbers.get(term) {
            return *number;
        }
        let number = self.texts.len() as Number;
        self.numbers.insert(term.into(), number);
        self.texts.push(term.into());
        self.related.push(Vec::new());
        number
    }

    fn texts<'a>(&'a self, numbers: &'a [Number]) -> impl Iterator<Item = &'a str> {
        numbers.iter().map(|number| &*self.texts[*number as usize])
    }

    /// What else may stand for a term, or for two with a space between, and how well.
    pub(crate) fn related(&self, term: &str) -> impl Iterator<Item = (&str, f32)> {
        let related = self.numbers.get(term).map(|n| &self.related[*n as usize]);
        related
            .into_iter()
            .flatten()
            .map(|(number, weight)| (&*self.texts[*number as usize], *weight))
    }

    /// Whether a term means something here.
    pub(crate) fn knows(&self, term: &str) -> bool {
        self.related(term).next().is_some()
    }

    /// How much a term says about what is looked for: at most 1.
    pub(crate) fn worth(&self, term: &str) -> f32 {
        let faint = self.numbers.get(term).and_then(|n| self.faint.get(n));
        faint.copied().unwrap_or(1.0)
    }

    /// What the products are whose names occur in a sequence of terms, each term once.
    pub(crate) fn about(&self, sequence: &[String]) -> Vec<&str> {
        let numbers: Vec<Option<Number>> = sequence
            .iter()
            .map(|term| self.numbers.get(term.as_str()).copied())
            .collect();
        let mut about: Vec<&str> = Vec::new();
        for (at, first) in numbers.iter().enumerate() {
            let Some(products) = first.and_then(|first| self.products.get(&first)) else {
                continue;
            };
            for product in products {
                let (rest, after) = (&product.rest, &numbers[at + 1..]);
                let named = rest.len() <= after.len()
                    && rest.iter().zip(after).all(|(n, found)| Some(*n) == *found);
                for word in self.texts(&product.about).filter(|_| named) {
                    if !about.contains(&word) {
                        about.push(word);
                    }
                }
            }
        }
        about
    }

    /// What the phrases of other languages in a text are in English, as terms. The longest phrase wins.
    pub(crate) fn translate(&self, text: &str) -> Vec<&str> {
        let text: Vec<char> = text.to_lowercase().chars().collect();
        let mut found = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let phrases = self.bridge.get(&text[at]).map_or(&[][..], Vec::as_slice);
            let phrase = phrases.iter().find(|phrase| {
                text[at..].starts_with(&phrase.characters)
                    && is_apart(&text, at, phrase.characters.len())
            });
            at += phrase.map_or(1, |phrase| phrase.characters.len());
            found.extend(
                phrase
                    .into_iter()
                    .flat_map(|phrase| self.texts(&phrase.meaning)),
            );
        }
        found
    }
}

/// Whether a phrase ends where words end. In scripts without spaces any place will do.
fn is_apart(text: &[char], at: usize, length: usize) -> bool {
    let spaced = |c: &char| c.is_alphanumeric() && u32::from(*c) < 0x0e00;
    let joins = |a: Option<&char>, b: Option<&char>| a.is_some_and(spaced) && b.is_some_and(spaced);
    let before = at.checked_sub(1).and_then(|before| text.get(before));
    let last = text.get(at + length - 1);
    !joins(before, text.get(at)) && !joins(last, text.get(at + length))
}

/// The term, or terms with spaces between, of an entry of the files.
fn term(entry: &str) -> String {
    let terms: Vec<String> = words(&entry.replace('_', " "))
        .iter()
        .map(|word| Terms::get().term(&word.whole))
        .collect();
    terms.join(" ")
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn related(term: &str) -> Vec<&str> {
        Lexicon::get().related(term).map(|(term, _)| term).collect()
    }

    #[test]
    fn groups_find_each_other_and_arrows_go_one_way() {
        assert!(related("email").contains(&"inbox"));
        assert!(related("inbox").contains(&"email"));
        assert!(related("hoodi").contains(&"cloth"));
        assert!(!related("cloth").contains(&"hoodi"));
        assert!(related("pull request").contains(&"pr"));
        assert!(related("no such word").is_empty());
    }

    #[test]
    fn products_are_known_by_all_of_their_name() {
        let about = |name: &str| {
            let terms: Vec<String> = name.split(' ').map(str::to_owned).collect();
            Lexicon::get().about(&terms)
        };
        assert!(about("my postgr").contains(&"databas"));
        assert!(about("googl map").contains(&"rout"));
        assert!(!about("map").contains(&"rout"));
        assert!(about("").is_empty());
    }

    #[test]
    fn the_longest_phrase_is_translated_and_words_are_not_cut() {
        let translate = |text| Lexicon::get().translate(text);
        assert_eq!(translate("查天气预报"), ["weather", "forecast"]);
        assert_eq!(translate("Das Wetter!"), ["weather", "forecast"]);
        assert_eq!(translate("volcano"), Vec::<&str>::new());
        assert_eq!(translate("un vol"), ["flight"]);
        assert_eq!(translate(""), Vec::<&str>::new());
    }

    #[test]
    fn every_line_says_something() {
        for line in lines(THESAURUS).chain(lines(KINDS)) {
            let (sign, rest) = line.split_once(' ').unwrap();
            let is_group = matches!(sign, "=" | "~") && rest.split_whitespace().count() > 1;
            assert!(
                is_group || matches!(sign, "-" | ".") || line.contains(" > "),
                "{line}"
            );
        }
        for line in lines(PRODUCTS).chain(lines(BRIDGE)) {
            let (from, to) = line.split_once(" = ").unwrap();
            assert!(!from.trim().is_empty() && !to.trim().is_empty(), "{line}");
        }
        for (name, _) in lines(PRODUCTS).filter_map(|line| line.split_once(" = ")) {
            let count = lines(PRODUCTS)
                .filter(|line| line.starts_with(&format!("{name} = ")))
                .count();
            assert_eq!(count, 1, "{name} stands there twice");
        }
    }
}
