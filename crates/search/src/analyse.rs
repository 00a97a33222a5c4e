//! A document as terms and how often they occur, by field.

use std::collections::{BTreeMap, HashMap};

use crate::document::Document;
use crate::lexicon::Lexicon;
use crate::limits;
use crate::stem::Terms;
use crate::text::{cut, words};
use crate::weights;

/// Where in a document a term stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Name,
    Title,
    Description,
    Labels,
    ToolNames,
    ToolTexts,
    /// What is generally known of the product.
    Known,
}

/// How many kinds of [`Field`] there are.
pub(crate) const FIELDS: usize = 7;

/// How often a term occurs in each field.
pub(crate) type Counts = [u16; FIELDS];

/// What the index keeps of a document.
#[derive(Debug, Default)]
pub(crate) struct Analysed {
    /// Ordered by term, so that nothing depends on the order of insertion.
    pub terms: BTreeMap<String, Counts>,
    /// Words in each field.
    pub lengths: [u32; FIELDS],
    /// The same of each tool.
    pub tools: Vec<AnalysedTool>,
}

/// One tool of it.
#[derive(Debug, Default)]
pub(crate) struct AnalysedTool {
    /// How often each term occurs, those of the name counting more.
    pub terms: BTreeMap<String, f32>,
    pub length: u32,
}

/// Reads documents; remembers the stems it has met, which is most of the work.
#[derive(Default)]
pub(crate) struct Analyser {
    seen: HashMap<String, Option<String>>,
}

impl Analyser {
    pub(crate) fn read(&mut self, document: &Document) -> Analysed {
        let mut into = Analysed::default();
        self.field(&mut into, Field::Name, label(&document.name));
        self.field(&mut into, Field::Title, label(&document.title));
        self.known(&mut into, document);
        let description = cut(&document.description, limits::TEXT_BYTES_MAX);
        self.field(&mut into, Field::Description, description);
        let facts = document.facts.iter().take(limits::LABELS_MAX);
        for text in document.tags.iter().take(limits::LABELS_MAX).chain(facts) {
            self.field(&mut into, Field::Labels, label(text));
        }
        self.field(&mut into, Field::Labels, label(&document.kind));
        for tool in document.tools.iter().take(limits::TOOLS_MAX) {
            let mut analysed = AnalysedTool::default();
            self.each(label(&tool.name), |term| {
                into.count(term, Field::ToolNames);
                analysed.count(term, weights::TOOL_NAME);
            });
            self.each(cut(&tool.description, limits::TEXT_BYTES_MAX), |term| {
                into.count(term, Field::ToolTexts);
                analysed.count(term, 1.0);
            });
            into.tools.push(analysed);
        }
        into
    }

    /// What is generally known of the product that the name or the title names.
    fn known(&mut self, into: &mut Analysed, document: &Document) {
        let mut named = Vec::new();
        self.each(label(&document.name), |term| named.push(term.to_owned()));
        named.push(String::new());
        self.each(label(&document.title), |term| named.push(term.to_owned()));
        for term in Lexicon::get().about(&named) {
            into.count(term, Field::Known);
        }
    }

    fn field(&mut self, into: &mut Analysed, field: Field, text: &str) {
        self.each(text, |term| into.count(term, field));
    }

    fn each(&mut self, text: &str, mut found: impl FnMut(&str)) {
        let terms = Terms::get();
        for word in words(text) {
            for word in std::iter::once(word.whole).chain(word.parts) {
                let term = self
                    .seen
                    .entry(word)
                    .or_insert_with_key(|word| (!terms.is_stop(word)).then(|| terms.term(word)));
                if let Some(term) = term {
                    found(term);
                }
            }
        }
    }
}

impl Analysed {
    fn count(&mut self, term: &str, field: Field) {
        self.lengths[field as usize] += 1;
        if let Some(counts) = self.terms.get_mut(term) {
            counts[field as usize] = counts[field as usize].saturating_add(1);
        } else {
            let mut counts = [0; FIELDS];
            counts[field as usize] = 1;
            self.terms.insert(term.to_owned(), counts);
        }
    }
}

impl AnalysedTool {
    fn count(&mut self, term: &str, weight: f32) {
        self.length += 1;
        match self.terms.get_mut(term) {
            Some(known) => *known += weight,
            None => {
                self.terms.insert(term.to_owned(), weight);
            }
        }
    }
}

fn label(text: &str) -> &str {
    cut(text, limits::LABEL_BYTES_MAX)
}
