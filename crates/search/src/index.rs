//! The index: what is known of every server, ready to be searched.

use std::collections::HashMap;

use crate::analyse::{Analysed, Analyser, FIELDS};
use crate::document::Document;
use crate::lexicon::Lexicon;
use crate::plan::plan;
use crate::postings::{Postings, ServerPosting, Slot, ToolPosting};
use crate::rank;
use crate::stem::Terms;
use crate::vocabulary::{TermId, Vocabulary};

/// Servers and their tools, searchable.
pub struct Index {
    pub(crate) terms: Terms,
    pub(crate) lexicon: Lexicon,
    pub(crate) vocabulary: Vocabulary,
    pub(crate) postings: Vec<Postings>,
    pub(crate) servers: Vec<Option<Server>>,
    pub(crate) by_name: HashMap<String, Slot>,
    pub(crate) free: Vec<Slot>,
    pub(crate) lengths: [u64; FIELDS],
    pub(crate) tool_count: u64,
    pub(crate) tool_length: u64,
}

pub(crate) struct Server {
    pub name: String,
    pub title: String,
    pub kind: String,
    pub tags: Vec<String>,
    pub tools: Vec<(String, u32)>,
    pub terms: Vec<TermId>,
    pub lengths: [u32; FIELDS],
    pub norm: f32,
}

impl Index {
    pub fn new() -> Self {
        let terms = Terms::new();
        let lexicon = Lexicon::new(&terms);
        Self {
            terms,
            lexicon,
            vocabulary: Vocabulary::default(),
            postings: Vec::new(),
            servers: Vec::new(),
            by_name: HashMap::new(),
            free: Vec::new(),
            lengths: [0; FIELDS],
            tool_count: 0,
            tool_length: 0,
        }
    }

    pub fn build(documents: impl IntoIterator<Item = Document>) -> Self {
        let mut index = Self::new();
        let terms = Terms::new();
        let lexicon = Lexicon::new(&terms);
        let mut analyser = Analyser::new(&terms, &lexicon);
        for document in documents {
            let analysed = analyser.read(&document);
            index.put(document, analysed);
        }
        index
    }

    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    pub fn insert(&mut self, document: Document) -> bool {
        let analysed = Analyser::new(&self.terms, &self.lexicon).read(&document);
        self.put(document, analysed)
    }

    fn put(&mut self, document: Document, analysed: Analysed) -> bool {
        let replaced = self.remove(&document.name);
        let slot = self.free.pop().unwrap_or_else(|| {
            self.servers.push(None);
            (self.servers.len() - 1) as Slot
        });
        let mut terms = Vec::with_capacity(analysed.terms.len());
        let mut norm = 0.0_f32;
        for (term, counts) in &analysed.terms {
            let id = self.vocabulary.insert(term);
            if self.postings.len() < self.vocabulary.len() {
                self.postings.resize_with(self.vocabulary.len(), Postings::default);
            }
            let posting = ServerPosting { slot, counts: *counts };
            norm += rank::cosine_weight(&posting).powi(2);
            self.postings[id as usize].add_server(posting);
            terms.push(id);
        }
        let mut tools = Vec::new();
        for (number, (tool, analysed)) in document.tools.iter().zip(&analysed.tools).enumerate() {
            for (term, (name, text)) in &analysed.terms {
                let id = self.vocabulary.get(term).expect("terms of tools are terms of the server");
                self.postings[id as usize].add_tool(ToolPosting {
                    slot,
                    tool: number as u16,
                    name: *name,
                    text: *text,
                });
            }
            self.tool_count += 1;
            self.tool_length += u64::from(analysed.length);
            tools.push((tool.name.clone(), analysed.length));
        }
        for (total, own) in self.lengths.iter_mut().zip(analysed.lengths) {
            *total += u64::from(own);
        }
        self.by_name.insert(document.name.clone(), slot);
        self.servers[slot as usize] = Some(Server {
            name: document.name,
            title: document.title,
            kind: document.kind,
            tags: document.tags,
            tools,
            terms,
            lengths: analysed.lengths,
            norm: norm.sqrt(),
        });
        replaced
    }

    pub fn remove(&mut self, name: &str) -> bool {
        let Some(slot) = self.by_name.remove(name) else { return false };
        let Some(server) = self.servers[slot as usize].take() else { return false };
        for id in server.terms {
            let postings = &mut self.postings[id as usize];
            postings.remove(slot);
            if postings.servers.is_empty() {
                self.vocabulary.remove(id);
            }
        }
        for (_, length) in &server.tools {
            self.tool_count -= 1;
            self.tool_length -= u64::from(*length);
        }
        for (total, own) in self.lengths.iter_mut().zip(server.lengths) {
            *total -= u64::from(own);
        }
        self.free.push(slot);
        true
    }

    /// (name, score) best first
    pub fn search(&self, text: &str, limit: usize) -> Vec<(String, f32)> {
        let needs = plan(text, &self.terms, &self.lexicon, &self.vocabulary);
        rank::rank(self, text, &needs, limit)
    }
}
