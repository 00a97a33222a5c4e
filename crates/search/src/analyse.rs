//! A document as terms and how often they occur, by field.

use std::collections::HashMap;
use std::rc::Rc;

use crate::document::Document;
use crate::lexicon::Lexicon;
use crate::limits;
use crate::stem::Terms;
use crate::text::{cut, each};
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
    /// Each term once, in the order of first occurrence.
    pub terms: Vec<(Rc<str>, Counts)>,
    /// Words in each field.
    pub lengths: [u32; FIELDS],
    /// The same of each tool.
    pub tools: Vec<AnalysedTool>,
}

/// One tool of it.
#[derive(Debug, Default)]
pub(crate) struct AnalysedTool {
    /// Places in the terms of the server, and how often each occurs, in the name of the tool counting more.
    pub terms: Vec<(usize, f32)>,
    pub length: u32,
}

/// Reads documents; remembers the stems it has met, which is most of the work.
#[derive(Debug, Default)]
pub(crate) struct Analyser {
    /// By word; none for words that say nothing.
    seen: HashMap<Box<str>, Option<Number>>,
    numbers: HashMap<Rc<str>, Number>,
    /// By number.
    terms: Vec<Rc<str>>,
    /// By number, while a document is read: one more than the place among its terms.
    places: Vec<usize>,
    /// By place, while a tool is read: one more than the place among its terms.
    places_in_tool: Vec<usize>,
}

/// A term that the analyser has met.
type Number = usize;

impl Analyser {
    pub(crate) fn read(&mut self, document: &Document) -> Analysed {
        let mut into = Analysed::default();
        self.field(&mut into, Field::Name, label(&document.name));
        self.field(&mut into, Field::Title, label(&document.title));
        self.known(&mut into, document);
        let description = cut(&document.description, limits::TEXT_BYTES_MAX);
        self.field(&mut into, Field::Description, description);
        for tag in document.tags.iter().take(limits::LABELS_MAX) {
            self.field(&mut into, Field::Labels, label(tag));
        }
        for fact in document.facts.iter().take(limits::LABELS_MAX) {
            self.field(&mut into, Field::Labels, label(telling(fact)));
        }
        self.field(&mut into, Field::Labels, label(&document.kind));
        for tool in document.tools.iter().take(limits::TOOLS_MAX) {
            let mut read = AnalysedTool::default();
            let description = cut(&tool.description, limits::TEXT_BYTES_MAX);
            self.tool(&mut into, &mut read, Field::ToolNames, label(&tool.name));
            self.tool(&mut into, &mut read, Field::ToolTexts, description);
            for (place, _) in &read.terms {
                self.places_in_tool[*place] = 0;
            }
            into.tools.push(read);
        }
        for (term, _) in &into.terms {
            self.places[self.numbers[term]] = 0;
        }
        into
    }

    fn field(&mut self, into: &mut Analysed, field: Field, text: &str) {
        each(text, |word| {
            if let Some(number) = self.number(word) {
                self.count(into, number, field);
            }
        });
    }

    fn tool(&mut self, into: &mut Analysed, tool: &mut AnalysedTool, field: Field, text: &str) {
        let weight = if field == Field::ToolNames {
            weights::TOOL_NAME
        } else {
            1.0
        };
        each(text, |word| {
            let Some(number) = self.number(word) else {
                return;
            };
            let place = self.count(into, number, field);
            tool.length += 1;
            if self.places_in_tool.len() <= place {
                self.places_in_tool.resize(place + 1, 0);
            }
            match &mut self.places_in_tool[place] {
                new @ 0 => {
                    tool.terms.push((place, weight));
                    *new = tool.terms.len();
                }
                known => tool.terms[*known - 1].1 += weight,
            }
        });
    }

    /// What is generally known of the product that the name or the title names.
    fn known(&mut self, into: &mut Analysed, document: &Document) {
        let mut named = Vec::new();
        for text in [&document.name, &document.title] {
            each(label(text), |word| {
                let number = self.number(word);
                named.extend(number.map(|number| self.terms[number].to_string()));
            });
            // No name of a product goes on from one into the other.
            named.push(String::new());
        }
        for term in Lexicon::get().about(&named) {
            let number = self.term(term);
            self.count(into, number, Field::Known);
        }
    }

    /// Counts one occurrence; gives the place of the term.
    fn count(&mut self, into: &mut Analysed, number: Number, field: Field) -> usize {
        into.lengths[field as usize] += 1;
        let place = &mut self.places[number];
        if *place == 0 {
            into.terms
                .push((Rc::clone(&self.terms[number]), [0; FIELDS]));
            *place = into.terms.len();
        }
        let count = &mut into.terms[*place - 1].1[field as usize];
        *count = count.saturating_add(1);
        *place - 1
    }

    fn number(&mut self, word: &str) -> Option<Number> {
        if let Some(known) = self.seen.get(word) {
            return *known;
        }
        let terms = Terms::get();
        let number = (!terms.is_stop(word)).then(|| self.term(&terms.term(word)));
        self.seen.insert(word.into(), number);
        number
    }

    fn term(&mut self, term: &str) -> Number {
        if let Some(number) = self.numbers.get(term) {
            return *number;
        }
        let term: Rc<str> = term.into();
        self.terms.push(Rc::clone(&term));
        self.places.push(0);
        self.numbers.insert(term, self.terms.len() - 1);
        self.terms.len() - 1
    }
}

/// Where nearly everything is kept: that a server's source is there says nothing of what the server does.
const FORGES: &[&str] = &["github.com", "gitlab.com", "bitbucket.org", "codeberg.org"];

/// What of an address tells one server from the others.
fn telling(fact: &str) -> &str {
    let Some((_, address)) = fact.split_once("://") else {
        return fact;
    };
    let address = address.strip_prefix("www.").unwrap_or(address);
    let kept_at = |forge: &&str| address.strip_prefix(*forge)?.strip_prefix('/');
    FORGES.iter().find_map(kept_at).unwrap_or(address)
}

fn label(text: &str) -> &str {
    cut(text, limits::LABEL_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use super::telling;

    #[test]
    fn where_a_source_is_kept_says_nothing() {
        for (fact, expected) in [
            ("https://github.com/acme/mcp-notion", "acme/mcp-notion"),
            ("https://www.gitlab.com/acme/x", "acme/x"),
            ("https://mcp.acme.com/sse", "mcp.acme.com/sse"),
            ("https://github.com.acme.com/x", "github.com.acme.com/x"),
            ("github.com/acme", "github.com/acme"),
            ("@acme/server", "@acme/server"),
            ("", ""),
        ] {
            assert_eq!(telling(fact), expected);
        }
    }
}
