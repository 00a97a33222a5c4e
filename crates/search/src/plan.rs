//! From a request to the terms that are looked for.

use std::collections::BTreeMap;

use crate::lexicon::Lexicon;
use crate::limits;
use crate::stem::Terms;
use crate::text::{cut, words};
use crate::tune::t;
use crate::vocabulary::{TermId, Vocabulary};

/// One thing that the request speaks of, and the terms that may stand for it.
#[derive(Debug, Clone)]
pub(crate) struct Need {
    /// How often the request says it, damped.
    pub weight: f32,
    /// Terms of the index, with how well they stand for it (1: the word itself).
    pub terms: Vec<(TermId, f32)>,
}

/// Plans a request.
pub(crate) fn plan(
    text: &str,
    terms: &Terms,
    lexicon: &Lexicon,
    vocabulary: &Vocabulary,
) -> Vec<Need> {
    let text = cut(text, limits::QUERY_BYTES_MAX);
    let mut wanted: Vec<Vec<(String, f32)>> = Vec::new();
    let (text, shapes) = crate::shape::shapes(text);
    let text = text.as_str();
    let found = words(text);
    let mut sequence: Vec<String> = Vec::new();
    for word in &found {
        if terms.is_stop(&word.whole) {
            continue;
        }
        let whole = terms.term(&word.whole);
        if word.parts.is_empty() || vocabulary.get(&whole).is_some() || !lexicon.related(&whole).is_empty() {
            sequence.push(whole);
        } else {
            for part in &word.parts {
                if !terms.is_stop(part) {
                    sequence.push(terms.term(part));
                }
            }
        }
    }
    let short = sequence.len() <= 12;
    let mut counts = Vec::new();
    let alias = t("alias", 0.35);
    let soft = t("soft", 0.3);
    let soft_min = t("softmin", 0.6);
    for (at, term) in sequence.iter().enumerate() {
        let mut alternatives = vec![(term.clone(), 1.0)];
        let known = vocabulary.get(term).is_some();
        let related = lexicon.related(term);
        if short && !known && related.is_empty() && term.chars().count() >= 4 {
            let far = if term.chars().count() >= 8 { 2 } else { 1 };
            let mut near: Vec<(String, f32)> = vocabulary
                .alike(term, 0.3, &mut counts)
                .into_iter()
                .take(60)
                .filter_map(|(id, _)| {
                    let candidate = vocabulary.text(id);
                    let distance = strsim::osa_distance(term, candidate);
                    (distance <= far).then(|| (candidate.to_owned(), t("typo", 0.7).powi(distance as i32)))
                })
                .collect();
            near.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            near.truncate(3);
            for (near, weight) in near {
                for (to, w) in lexicon.related(&near) {
                    alternatives.push((to.clone(), w * alias * weight));
                }
                alternatives.push((near, weight));
            }
            // Two words written as one.
            for cutat in 3..term.len().saturating_sub(2) {
                if !term.is_char_boundary(cutat) { continue; }
                let (a, b) = (terms.term(&term[..cutat]), terms.term(&term[cutat..]));
                if vocabulary.get(&a).is_some() && vocabulary.get(&b).is_some() {
                    alternatives.push((a, 0.5));
                    alternatives.push((b, 0.5));
                    break;
                }
            }
        }
        let related = if lexicon.worth(term) < t("noalias", 0.4) { &[] } else { related };
        for (to, w) in related {
            alternatives.push((to.clone(), w * alias));
        }
        if soft > 0.0 && found.len() < 40 && term.chars().count() >= 4 {
            for (id, dice) in vocabulary.alike(term, soft_min, &mut counts).into_iter().take(8) {
                alternatives.push((vocabulary.text(id).to_owned(), soft * dice));
            }
        }
        if let Some(next) = sequence.get(at + 1) {
            let joined = format!("{term}{next}");
            if vocabulary.get(&joined).is_some() {
                alternatives.push((joined, 1.0));
            }
            for (to, w) in lexicon.related(&format!("{term} {next}")) {
                alternatives.push((to.clone(), w * t("alias2", 0.6)));
            }
        }
        wanted.push(alternatives);
    }
    for shape in shapes {
        for word in shape {
            let term = terms.term(word);
            let mut alternatives = vec![(term.clone(), t("shape", 0.7))];
            for (to, w) in lexicon.related(&term) {
                alternatives.push((to.clone(), w * alias * t("shape", 0.7)));
            }
            wanted.push(alternatives);
        }
    }
    // Other languages.
    let lower: Vec<char> = text.to_lowercase().chars().collect();
    let (bridge, longest) = lexicon.bridge();
    let mut at = 0;
    while at < lower.len() && !bridge.is_empty() {
        let mut step = 1;
        for length in (1..=longest.min(lower.len() - at)).rev() {
            let phrase: String = lower[at..at + length].iter().collect();
            if let Some(to) = bridge.get(&phrase) {
                let alphabetic = |c: Option<&char>| c.is_some_and(|c| c.is_alphabetic() && (*c as u32) < 0x0e00);
                let before = at.checked_sub(1).and_then(|i| lower.get(i));
                if alphabetic(phrase.chars().next().as_ref()) && (alphabetic(before) || alphabetic(lower.get(at + length))) {
                    continue;
                }
                for to in to {
                    let mut alternatives = vec![(to.clone(), 1.0)];
                    for (to, w) in lexicon.related(to) {
                        alternatives.push((to.clone(), w * alias));
                    }
                    wanted.push(alternatives);
                }
                step = length;
                break;
            }
        }
        at += step;
    }
    // The same need said twice is one need.
    let mut needs: BTreeMap<String, (f32, Vec<(TermId, f32)>)> = BTreeMap::new();
    for alternatives in wanted {
        let key = alternatives[0].0.clone();
        let need = needs.entry(key).or_default();
        need.0 += 1.0;
        for (term, weight) in alternatives {
            if let Some(id) = vocabulary.get(&term) {
                match need.1.iter_mut().find(|(known, _)| *known == id) {
                    Some(known) => known.1 = known.1.max(weight),
                    None => need.1.push((id, weight)),
                }
            }
        }
    }
    needs
        .into_iter()
        .filter(|(_, (_, terms))| !terms.is_empty())
        .take(limits::QUERY_WORDS_MAX)
        .map(|(key, (count, terms))| Need {
            weight: count.sqrt() * lexicon.worth(&key),
            terms,
        })
        .collect()
}
