//! A document as terms and how often they occur, by field.

use std::collections::{BTreeMap, HashMap};

use crate::document::Document;
use crate::lexicon::Lexicon;
use crate::limits;
use crate::stem::Terms;
use crate::text::{cut, words};

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
    /// The same of each tool: in its name, in its description.
    pub tools: Vec<AnalysedTool>,
}

/// One tool of it.
#[derive(Debug, Default)]
pub(crate) struct AnalysedTool {
    pub terms: BTreeMap<String, (u8, u8)>,
    pub length: u32,
}

/// Reads documents; remembers the stems it has met, which is most of the work.
pub(crate) struct Analyser<'a> {
    terms: &'a Terms,
    lexicon: &'a Lexicon,
    seen: HashMap<String, Option<String>>,
}

impl<'a> Analyser<'a> {
    pub(crate) fn new(terms: &'a Terms, lexicon: &'a Lexicon) -> Self {
        Self {
            terms,
            lexicon,
            seen: HashMap::new(),
        }
    }

    pub(crate) fn read(&mut self, document: &Document) -> Analysed {
        let mut into = Analysed::default();
        self.field(&mut into, Field::Name, label(&document.name));
        self.field(&mut into, Field::Title, label(&document.title));
        let mut sequence = Vec::new();
        self.each(label(&document.name), |term| sequence.push(term.to_owned()));
        sequence.push(String::new());
        self.each(label(&document.title), |term| sequence.push(term.to_owned()));
        for term in self.lexicon.about(&sequence) {
            into.count(term, Field::Known);
        }
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
                let counts = analysed.entry(term);
                counts.0 = counts.0.saturating_add(1);
            });
            self.each(cut(&tool.description, limits::TEXT_BYTES_MAX), |term| {
                into.count(term, Field::ToolTexts);
                let counts = analysed.entry(term);
                counts.1 = counts.1.saturating_add(1);
            });
            into.tools.push(analysed);
        }
        into
    }

    fn field(&mut self, into: &mut Analysed, field: Field, text: &str) {
        self.each(text, |term| into.count(term, field));
    }

    fn each(&mut self, text: &str, mut found: impl FnMut(&str)) {
        for word in words(text) {
            for word in std::iter::once(word.whole).chain(word.parts) {
                let term = self.seen.entry(word).or_insert_with_key(|word| {
                    (!self.terms.is_stop(word)).then(|| self.terms.term(word))
                });
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
    fn entry(&mut self, term: &str) -> &mut (u8, u8) {
        self.length += 1;
        if !self.terms.contains_key(term) {
            self.terms.insert(term.to_owned(), (0, 0));
        }
        self.terms.get_mut(term).expect("just inserted")
    }
}

fn label(text: &str) -> &str {
    cut(text, limits::LABEL_BYTES_MAX)
}
