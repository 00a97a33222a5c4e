//! A slow ranker that is obviously right, and the property that the index agrees with it.
//!
//! It shares with the index what words are, what a request looks for and the formulas, and keeps nothing: for every request it
//! reads every document anew.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::analyse::{Analysed, AnalysedTool, Analyser};
use crate::document::{Document, Tool};
use crate::index::Index;
use crate::names::Names;
use crate::plan::{Need, plan};
use crate::postings::Weight;
use crate::rank::{Rankings, add, fuse, raise};
use crate::request::{Request, plain};
use crate::thin::{Candidate, UNIT, thin};
use crate::vocabulary::{Known, grams, likeness};
use crate::weigh::{self, rarity};
use crate::{limits, weights};

struct Read {
    document: Document,
    analysed: Analysed,
}

impl Read {
    fn weights(&self) -> BTreeMap<&str, Weight> {
        let terms = self.analysed.terms.iter().map(|(term, _)| &**term);
        terms.zip(weigh::server(&self.analysed)).collect()
    }

    fn has(&self, term: &str) -> bool {
        self.analysed.terms.iter().any(|(own, _)| **own == *term)
    }

    /// How often a term occurs in one of the tools.
    fn count_in(&self, tool: &AnalysedTool, term: &str) -> Option<f32> {
        let is_it = |place: &usize| *self.analysed.terms[*place].0 == *term;
        tool.terms
            .iter()
            .find(|(place, _)| is_it(place))
            .map(|(_, count)| *count)
    }
}

/// The terms of an index as a plain set.
pub(crate) struct AllTerms(pub BTreeSet<String>);

impl Known for AllTerms {
    fn knows(&self, term: &str) -> bool {
        self.0.contains(term)
    }

    fn alike(&self, word: &str, least: f32, most: usize) -> Vec<(&str, f32)> {
        let own: BTreeSet<u64> = grams(word).into_iter().collect();
        let mut alike: Vec<(&str, f32)> = Vec::new();
        for term in &self.0 {
            let shared = grams(term).iter().filter(|gram| own.contains(gram)).count();
            let share = likeness(shared, own.len(), word, term);
            if shared > 0 && share >= least {
                alike.push((term, share));
            }
        }
        alike.sort_by(|a, b| b.1.total_cmp(&a.1));
        alike.truncate(most);
        alike
    }
}

/// What [`Index::search`] must give: names, scores and tools.
fn search(
    documents: &BTreeMap<String, Document>,
    request: &str,
    limit: usize,
) -> (usize, Vec<(String, f32, Vec<String>)>) {
    let request = Request::read(request);
    let read: Vec<Read> = documents
        .values()
        .map(|document| Read {
            analysed: Analyser::default().read(document),
            document: document.clone(),
        })
        .collect();
    let admits = |read: &Read| {
        let tags: Vec<String> = read.document.tags.iter().map(|tag| plain(tag)).collect();
        request.admits(&plain(&read.document.kind), &tags)
    };
    if !request.text.chars().any(char::is_alphanumeric) {
        let all: Vec<&Read> = read.iter().filter(|read| admits(read)).collect();
        let hits = all
            .iter()
            .take(limit)
            .map(|read| (read.document.name.clone(), 0.0, Vec::new()));
        return (all.len(), hits.collect());
    }
    let terms = read
        .iter()
        .flat_map(|read| read.analysed.terms.iter().map(|(term, _)| term.to_string()));
    let needs = plan(&request.text, &AllTerms(terms.collect()));
    let mut names = Names::default();
    for read in read.iter().filter(|read| admits(read)) {
        names.insert(&read.document.name, &read.document.title);
    }
    let mut sums: Vec<(usize, Rankings)> = Vec::new();
    for (number, one) in read.iter().enumerate() {
        let mut sum = [0.0; 3];
        for need in &needs {
            let mut best = [0.0; 3];
            for (term, how_well) in &need.terms {
                let with = read.iter().filter(|read| read.has(term)).count();
                if let Some(weight) = one.weights().get(term.as_str()) {
                    raise(&mut best, how_well * rarity(read.len(), with), weight);
                }
            }
            add(&mut sum, need.weight, best);
        }
        if sum[0] > 0.0 && admits(one) {
            sums.push((number, sum));
        }
    }
    let mut matches: BTreeMap<usize, (f32, Option<usize>)> = fuse(sums)
        .into_iter()
        .map(|(number, score)| (number, (score, None)))
        .collect();
    let exact = names.exact(&request.text);
    let prefixed = names.prefixed(&request.text);
    for (place, name) in exact.iter().chain(&prefixed).enumerate() {
        let number = read
            .iter()
            .position(|read| read.document.name == *name)
            .unwrap();
        let found = matches.entry(number).or_insert((0.0, None));
        if place < exact.len() {
            found.0 = 1.0;
        }
        found.1 = found.1.or(Some(place));
    }
    let numbers: Vec<usize> = matches.keys().copied().collect();
    let candidates: Vec<Candidate<'_>> = matches
        .iter()
        .map(|(number, (score, named))| Candidate {
            name: &read[*number].document.name,
            score: *score,
            named: *named,
        })
        .collect();
    let alike = |a: usize, b: usize| cosine(&read[numbers[a]], &read[numbers[b]]);
    let hits = thin(&candidates, limit, &alike).into_iter().map(|choice| {
        let tools = best_tools(&read, &read[numbers[choice]], &needs);
        (
            candidates[choice].name.to_owned(),
            candidates[choice].score,
            tools,
        )
    });
    (candidates.len(), hits.collect())
}

fn cosine(a: &Read, b: &Read) -> u64 {
    let b = b.weights();
    let common = a
        .weights()
        .into_iter()
        .filter_map(|(term, weight)| Some((weight, *b.get(term)?)));
    common
        .map(|(a, b)| u64::from((a.cosine * UNIT) as u16) * u64::from((b.cosine * UNIT) as u16))
        .sum()
}

fn best_tools(all: &[Read], server: &Read, needs: &[Need]) -> Vec<String> {
    let number: usize = all.iter().map(|read| read.analysed.tools.len()).sum();
    let mut scored: Vec<(f32, &str)> = Vec::new();
    for (tool, analysed) in server.document.tools.iter().zip(&server.analysed.tools) {
        let mut sum = 0.0;
        for need in needs {
            let mut best = 0.0_f32;
            for (term, how_well) in &need.terms {
                let all_tools = all.iter().flat_map(|read| {
                    let counts = read
                        .analysed
                        .tools
                        .iter()
                        .map(|tool| read.count_in(tool, term));
                    counts.flatten()
                });
                let worth = how_well * rarity(number, all_tools.count());
                if let Some(count) = server.count_in(analysed, term) {
                    best = best.max(worth * weigh::tool(count, analysed));
                }
            }
            sum += need.weight * best;
        }
        scored.push((sum, &tool.name));
    }
    let top = scored
        .iter()
        .map(|(score, _)| *score)
        .fold(f32::MIN_POSITIVE, f32::max);
    scored.retain(|(score, _)| *score >= weights::TOOL_MIN * top);
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    scored.truncate(limits::TOOLS_PER_RESULT_MAX);
    scored
        .into_iter()
        .map(|(_, name)| name.to_owned())
        .collect()
}

/// Few words, so that documents and requests meet; some that need splitting, repairing, translating.
fn text(words: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    const WORDS: &[&str] = &[
        "weather",
        "forecast",
        "wether",
        "database",
        "sql",
        "postgres",
        "query",
        "github",
        "GitHub",
        "listRepositories",
        "get_issues",
        "email",
        "send",
        "the",
        "image",
        "images",
        "天气预报",
        "数据库",
        "search",
        "web",
        "website",
        "notion",
        "calendar",
        "home",
        "assistant",
        "homeassistant",
        "crypto",
        "cryptocurrency",
        "/tmp/a.csv",
        "https://x.y",
        "rain",
    ];
    prop::collection::vec(prop::sample::select(WORDS), words).prop_map(|words| words.join(" "))
}

fn document() -> impl Strategy<Value = Document> {
    let tool = (text(1..3), text(0..6)).prop_map(|(name, description)| Tool { name, description });
    let tags = prop::collection::vec(text(1..2), 0..3);
    let kind = prop::sample::select(vec!["remote", "container"]);
    let parts = (
        0..12_u8,
        text(0..3),
        text(0..8),
        tags,
        kind,
        prop::collection::vec(tool, 0..4),
    );
    parts.prop_map(|(number, title, description, tags, kind, tools)| Document {
        name: ["weather", "github", "notion", "mcp-db"][usize::from(number) % 4].to_owned()
            + &"x".repeat(usize::from(number) / 4),
        title,
        description,
        tags,
        kind: kind.into(),
        facts: Vec::new(),
        tools,
    })
}

#[derive(Debug, Clone)]
enum Step {
    Insert(Document),
    Remove(u8),
    Search(String, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let filter = prop::sample::select(vec![
        "",
        "type:remote ",
        "tag:email ",
        "type:container tag:sql ",
    ]);
    prop_oneof![
        4 => document().prop_map(Step::Insert),
        1 => any::<u8>().prop_map(Step::Remove),
        3 => (filter, text(0..6), 0..12_usize).prop_map(|(filter, text, limit)| Step::Search(format!("{filter}{text}"), limit)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn the_index_agrees_with_the_reference(steps in prop::collection::vec(step(), 1..40)) {
        let mut index = Index::new();
        let mut documents: BTreeMap<String, Document> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Insert(document) => {
                    prop_assert!(index.insert(document.clone()));
                    documents.insert(document.name.clone(), document);
                }
                Step::Remove(number) => {
                    let name = documents.keys().nth(usize::from(number) % 13).cloned().unwrap_or_default();
                    prop_assert_eq!(index.remove(&name), documents.remove(&name).is_some());
                }
                Step::Search(request, limit) => {
                    let found = index.search(&request, limit, |_| true);
                    let found = (
                        found.total_matches,
                        found.hits.into_iter().map(|hit| (hit.name, hit.score, hit.tools)).collect(),
                    );
                    prop_assert_eq!(found, search(&documents, &request, limit), "{}", request);
                }
            }
            prop_assert_eq!(index.len(), documents.len());
        }
    }
}
