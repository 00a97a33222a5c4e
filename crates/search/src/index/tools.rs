//! Single tools instead of servers: the same request, needs and postings, added up tool by tool. Where two servers have a tool of
//! the same text, the server that fits better decides.

use std::collections::HashMap;

use super::Index;
use crate::found::ToolHit;
use crate::limits;
use crate::plan::plan;
use crate::postings::Slot;
use crate::rank::rank;
use crate::request::Request;
use crate::weigh::rarity;
use crate::weights;

/// What a tool is worth so far.
#[derive(Default)]
struct Sum {
    /// BM25 over all needs.
    score: f32,
    /// The weight of the needs that it answers at all.
    covered: f32,
}

impl Index {
    /// The tools that match a request, best first: at most `limit`, and at most [`RESULTS_MAX`](limits::RESULTS_MAX). `admits` is
    /// asked by the name of a server whether its tools may be shown. As [`Index::search`], it refuses no request.
    pub fn search_tools(
        &self,
        request: &str,
        limit: usize,
        admits: impl Fn(&str) -> bool,
    ) -> Vec<ToolHit> {
        let request = Request::read(request);
        let admits = |slot: Slot| {
            self.servers[slot as usize].as_ref().is_some_and(|server| {
                request.admits(&server.kind, &server.tags) && admits(&server.name)
            })
        };
        let needs = self.resolve(&plan(&request.text, &self.vocabulary));
        let mut sums: HashMap<(Slot, u32), Sum> = HashMap::new();
        let mut best: HashMap<(Slot, u32), f32> = HashMap::new();
        for need in &needs {
            for (id, how_well) in &need.terms {
                let tools = &self.postings[*id as usize].tools;
                let worth = how_well * rarity(self.tools, tools.len());
                for posting in tools {
                    let best = best.entry((posting.slot, posting.tool)).or_default();
                    *best = best.max(worth * posting.bm25);
                }
            }
            for (tool, best) in best.drain() {
                let sum = sums.entry(tool).or_default();
                sum.score += need.weight * best;
                sum.covered += need.weight;
            }
        }
        sums.retain(|(slot, _), _| admits(*slot));
        let top = sums.values().map(|sum| sum.score).fold(0.0, f32::max);
        let all: f32 = needs.iter().map(|need| need.weight).sum();
        let of_server: HashMap<Slot, f32> = self
            .named(&request.text, rank(self, &needs, &admits), &admits)
            .into_iter()
            .map(|(slot, score, _)| (slot, score))
            .collect();
        let mut hits: Vec<ToolHit> = sums
            .into_iter()
            .filter(|(_, sum)| sum.score >= weights::TOOL_MIN * top)
            .map(|((slot, tool), sum)| {
                let server = self.server(slot);
                let fits = of_server.get(&slot).copied().unwrap_or_default();
                ToolHit {
                    server: server.name.clone(),
                    tool: server.tools[tool as usize].clone(),
                    score: (sum.score / top + weights::TOOL_SERVER * fits)
                        / (1.0 + weights::TOOL_SERVER),
                    covered: sum.covered / all,
                }
            })
            .collect();
        hits.sort_by(|a, b| {
            (b.score.total_cmp(&a.score))
                .then_with(|| a.server.cmp(&b.server))
                .then_with(|| a.tool.cmp(&b.tool))
        });
        hits.truncate(limit.min(limits::RESULTS_MAX));
        hits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Document, Tool};

    fn index() -> Index {
        let server = |name: &str, kind: &str, about: &str, tools: &[(&str, &str)]| Document {
            name: name.into(),
            kind: kind.into(),
            description: about.into(),
            tools: tools
                .iter()
                .map(|(name, about)| Tool {
                    name: (*name).into(),
                    description: (*about).into(),
                })
                .collect(),
            ..Document::default()
        };
        Index::build([
            server(
                "github",
                "remote",
                "Repositories and issues of GitHub",
                &[
                    ("create_issue", "Opens an issue in a repository"),
                    ("list_branches", "Lists the branches of a repository"),
                ],
            ),
            server(
                "gitlab",
                "container",
                "Projects of GitLab",
                &[("create_issue", "Opens an issue in a repository")],
            ),
            server(
                "weather",
                "remote",
                "Weather for any place",
                &[("get_forecast", "Forecast of the next days")],
            ),
        ])
    }

    fn found(request: &str, limit: usize) -> Vec<(String, String)> {
        let hits = index().search_tools(request, limit, |_| true);
        hits.into_iter().map(|hit| (hit.server, hit.tool)).collect()
    }

    fn pair(server: &str, tool: &str) -> (String, String) {
        (server.into(), tool.into())
    }

    #[test]
    fn tools_are_found_and_the_server_decides_between_equals() {
        let found_here = found("create an issue on github", 5);
        assert_eq!(found_here[0], pair("github", "create_issue"));
        assert_eq!(found_here[1], pair("gitlab", "create_issue"));
        assert_eq!(
            found("create an issue on gitlab", 5)[0],
            pair("gitlab", "create_issue")
        );
        assert_eq!(found("will it rain tomorow?", 5)[0].0, "weather");
        assert_eq!(found("create an issue", 1).len(), 1);
    }

    #[test]
    fn filters_and_whom_it_may_be_shown_hold_for_tools() {
        let remote = index().search_tools("open an issue type:remote", 9, |_| true);
        assert!(remote.iter().all(|hit| hit.server != "gitlab") && !remote.is_empty());
        let shown = index().search_tools("open an issue", 9, |name| name == "gitlab");
        assert!(shown.iter().all(|hit| hit.server == "gitlab") && !shown.is_empty());
    }

    #[test]
    fn no_request_is_an_error_and_scores_are_shares() {
        let long = "issue ".repeat(10_000);
        for request in ["", "  ", "\u{0}\u{7}", "類似", "type:remote", &long] {
            let hits = index().search_tools(request, usize::MAX, |_| true);
            for hit in hits {
                assert!(
                    (0.0..=1.0).contains(&hit.score) && hit.score > 0.0,
                    "{hit:?}"
                );
                assert!((0.0..=1.001).contains(&hit.covered), "{hit:?}");
            }
        }
        assert_eq!(index().search_tools("issue", 0, |_| true), []);
    }
}
