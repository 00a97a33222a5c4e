//! The index: what is known of every server, ready to be searched. Next: `index/tools.rs`, which finds single tools.

mod tools;

use std::collections::HashMap;
use std::fmt;

use crate::analyse::{Analysed, Analyser};
use crate::document::Document;
use crate::found::{Found, Hit};
use crate::limits;
use crate::names::Names;
use crate::plan::{Need, plan};
use crate::postings::{Postings, ServerPosting, Slot, ToolPosting};
use crate::rank::rank;
use crate::request::{Request, plain};
use crate::thin::{Candidate, UNIT, thin};
use crate::vocabulary::{TermId, Vocabulary};
use crate::weigh::{self, rarity};
use crate::weights;

/// Servers and their tools, searchable.
///
/// The same documents give the same answers, in whatever order they were put in, replaced and taken out before.
#[derive(Default)]
pub struct Index {
    vocabulary: Vocabulary,
    /// By term.
    postings: Vec<Postings>,
    /// By place.
    servers: Vec<Option<Server>>,
    places: HashMap<String, Slot>,
    free: Vec<Slot>,
    names: Names,
    tools: usize,
}

struct Server {
    name: String,
    title: String,
    kind: String,
    tags: Vec<String>,
    tools: Vec<String>,
    /// Ordered by term, with their parts of the text in units of [`UNIT`].
    terms: Vec<(TermId, u16)>,
}

/// A [`Need`] with numbers for terms.
pub(crate) struct Resolved {
    pub weight: f32,
    pub terms: Vec<(TermId, f32)>,
}

impl Index {
    /// An empty index.
    pub fn new() -> Self {
        Self::default()
    }

    /// The index of many documents; of those with the same name the last.
    pub fn build(documents: impl IntoIterator<Item = Document>) -> Self {
        let mut index = Self::new();
        let mut analyser = Analyser::default();
        for document in documents {
            let analysed = analyser.read(&document);
            index.put(document, &analysed);
        }
        index
    }

    /// How many servers there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Whether there is a server of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.places.contains_key(name)
    }

    /// Puts a server in, in the place of one of the same name. False, and nothing done, if the index is full
    /// ([`SERVERS_MAX`](limits::SERVERS_MAX)).
    pub fn insert(&mut self, document: Document) -> bool {
        let analysed = Analyser::default().read(&document);
        self.put(document, &analysed)
    }

    /// Takes a server out. False if there is none of this name.
    pub fn remove(&mut self, name: &str) -> bool {
        let Some(slot) = self.places.remove(name) else {
            return false;
        };
        let Some(server) = self.servers[slot as usize].take() else {
            return false;
        };
        for (id, _) in server.terms {
            let postings = &mut self.postings[id as usize];
            postings.remove(slot);
            if postings.servers.is_empty() {
                self.vocabulary.remove(id);
            }
        }
        self.tools -= server.tools.len();
        self.names.remove(&server.name, &server.title);
        self.free.push(slot);
        true
    }

    /// The servers that match a request in natural language, best first: at most `limit`, and at most
    /// [`RESULTS_MAX`](limits::RESULTS_MAX).
    ///
    /// In the request, `type:KIND` and `tag:TAG` filter. `admits` is asked by name whether a server may be shown, for each that
    /// matches. A request without words gives all that are admitted, by name, with score 0. A request is never an error:
    /// whatever it holds is text, and what exceeds the limits is ignored.
    pub fn search(&self, request: &str, limit: usize, admits: impl Fn(&str) -> bool) -> Found {
        let request = Request::read(request);
        let limit = limit.min(limits::RESULTS_MAX);
        let admits = |slot: Slot| {
            self.servers[slot as usize].as_ref().is_some_and(|server| {
                request.admits(&server.kind, &server.tags) && admits(&server.name)
            })
        };
        if !request.text.chars().any(char::is_alphanumeric) {
            return self.all(limit, &admits);
        }
        let needs = self.resolve(&plan(&request.text, &self.vocabulary));
        let matches = self.named(&request.text, rank(self, &needs, &admits), &admits);
        let candidates: Vec<Candidate<'_>> = matches
            .iter()
            .map(|(slot, score, named)| Candidate {
                name: &self.server(*slot).name,
                score: *score,
                named: *named,
            })
            .collect();
        let alike = |a: usize, b: usize| self.likeness(matches[a].0, matches[b].0);
        let hits = thin(&candidates, limit, &alike)
            .into_iter()
            .map(|number| Hit {
                name: candidates[number].name.to_owned(),
                score: candidates[number].score,
                tools: self.best_tools(matches[number].0, &needs),
            });
        Found {
            total_matches: matches.len(),
            hits: hits.collect(),
        }
    }

    fn put(&mut self, document: Document, analysed: &Analysed) -> bool {
        if self.len() >= limits::SERVERS_MAX && !self.contains(&document.name) {
            return false;
        }
        self.remove(&document.name);
        let slot = self.free.pop().unwrap_or_else(|| {
            self.servers.push(None);
            (self.servers.len() - 1) as Slot
        });
        let weights = weigh::server(analysed);
        let mut terms = Vec::with_capacity(weights.len());
        for ((term, _), weight) in analysed.terms.iter().zip(weights) {
            let id = self.vocabulary.insert(term);
            if self.postings.len() < self.vocabulary.len() {
                self.postings.push(Postings::default());
            }
            self.postings[id as usize].add_server(ServerPosting { slot, weight });
            terms.push((id, (weight.cosine * UNIT) as u16));
        }
        for (tool, number) in analysed.tools.iter().zip(0..) {
            for (place, count) in &tool.terms {
                let bm25 = weigh::tool(*count, tool);
                let postings = &mut self.postings[terms[*place].0 as usize];
                postings.add_tool(ToolPosting {
                    slot,
                    tool: number,
                    bm25,
                });
            }
        }
        terms.sort_unstable();
        let tools = document.tools.into_iter().take(analysed.tools.len());
        self.tools += analysed.tools.len();
        self.names.insert(&document.name, &document.title);
        self.places.insert(document.name.clone(), slot);
        self.servers[slot as usize] = Some(Server {
            tools: tools.map(|tool| tool.name).collect(),
            name: document.name,
            title: document.title,
            kind: plain(&document.kind),
            tags: document
                .tags
                .iter()
                .take(limits::LABELS_MAX)
                .map(|tag| plain(tag))
                .collect(),
            terms,
        });
        true
    }

    fn all(&self, limit: usize, admits: &dyn Fn(Slot) -> bool) -> Found {
        let mut names: Vec<&str> = self
            .places
            .iter()
            .filter(|(_, slot)| admits(**slot))
            .map(|(name, _)| name.as_str())
            .collect();
        names.sort_unstable();
        let hits = names.iter().take(limit).map(|name| Hit {
            name: (*name).to_owned(),
            score: 0.0,
            tools: Vec::new(),
        });
        Found {
            total_matches: names.len(),
            hits: hits.collect(),
        }
    }

    /// The matches with those that were asked for by name, and which place that gives them.
    fn named(
        &self,
        text: &str,
        ranked: Vec<(Slot, f32)>,
        admits: &dyn Fn(Slot) -> bool,
    ) -> Vec<(Slot, f32, Option<usize>)> {
        let mut matches: Vec<(Slot, f32, Option<usize>)> = ranked
            .into_iter()
            .map(|(slot, score)| (slot, score, None))
            .collect();
        let exact = self.names.exact(text).into_iter().map(|name| (name, true));
        let prefixed = self
            .names
            .prefixed(text)
            .into_iter()
            .map(|name| (name, false));
        for ((name, exact), place) in exact.chain(prefixed).zip(0..) {
            let Some(&slot) = self.places.get(name) else {
                continue;
            };
            if !admits(slot) {
                continue;
            }
            let score = if exact { 1.0 } else { 0.0 };
            match matches.binary_search_by_key(&slot, |(slot, ..)| *slot) {
                Ok(at) => {
                    let known = &mut matches[at];
                    known.1 = known.1.max(score);
                    known.2 = known.2.or(Some(place));
                }
                Err(at) => matches.insert(at, (slot, score, Some(place))),
            }
        }
        matches
    }

    /// The tools of a server that match best.
    fn best_tools(&self, slot: Slot, needs: &[Resolved]) -> Vec<String> {
        let server = self.server(slot);
        let mut sums = vec![0.0_f32; server.tools.len()];
        let mut best = vec![0.0_f32; server.tools.len()];
        for need in needs {
            for (id, how_well) in &need.terms {
                // Most terms do not occur in a server at all, which its own list tells soonest.
                if server
                    .terms
                    .binary_search_by_key(id, |(id, _)| *id)
                    .is_err()
                {
                    continue;
                }
                let postings = &self.postings[*id as usize];
                let worth = how_well * rarity(self.tools, postings.tools.len());
                for posting in postings.tools_of(slot) {
                    let best = &mut best[posting.tool as usize];
                    *best = best.max(worth * posting.bm25);
                }
            }
            for (sum, best) in sums.iter_mut().zip(&mut best) {
                *sum += need.weight * std::mem::take(best);
            }
        }
        let top = sums.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
        let mut order: Vec<usize> = (0..sums.len())
            .filter(|tool| sums[*tool] >= weights::TOOL_MIN * top)
            .collect();
        order.sort_by(|a, b| {
            (sums[*b].total_cmp(&sums[*a])).then_with(|| server.tools[*a].cmp(&server.tools[*b]))
        });
        order.truncate(limits::TOOLS_PER_RESULT_MAX);
        order
            .into_iter()
            .map(|tool| server.tools[tool].clone())
            .collect()
    }

    /// The needs with the numbers of their terms.
    fn resolve(&self, needs: &[Need]) -> Vec<Resolved> {
        let needs = needs.iter().map(|need| {
            let terms = need.terms.iter();
            let terms =
                terms.filter_map(|(term, how_well)| Some((self.vocabulary.get(term)?, *how_well)));
            Resolved {
                weight: need.weight,
                terms: terms.collect(),
            }
        });
        needs.collect()
    }

    /// The cosine of the texts of two servers, in units of [`UNIT`]².
    fn likeness(&self, a: Slot, b: Slot) -> u64 {
        let (mut a, mut b) = (&self.server(a).terms[..], &self.server(b).terms[..]);
        let mut sum = 0;
        while let ([(first, weight), rest_of_a @ ..], [(second, other), rest_of_b @ ..]) = (a, b) {
            if first == second {
                sum += u64::from(*weight) * u64::from(*other);
            }
            if first <= second {
                a = rest_of_a;
            }
            if second <= first {
                b = rest_of_b;
            }
        }
        sum
    }

    fn server(&self, slot: Slot) -> &Server {
        self.servers[slot as usize]
            .as_ref()
            .expect("matches are servers that are there")
    }

    /// One more than the highest place in use.
    pub(crate) fn places(&self) -> usize {
        self.servers.len()
    }

    pub(crate) fn postings(&self, term: TermId) -> &Postings {
        &self.postings[term as usize]
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index")
            .field("servers", &self.len())
            .field("tools", &self.tools)
            .field("terms", &self.vocabulary.len())
            .finish()
    }
}

#[cfg(test)]
mod tests;
