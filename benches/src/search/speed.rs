//! Times over a corpus that is as large as a catalog gets.

use std::error::Error;
use std::fmt::Write;
use std::hint::black_box;
use std::time::{Duration, Instant};

use search::{Document, Index, Tool};

use crate::measures::quantile;

const SERVERS: usize = 2_000;
const TOOLS: usize = 20_000;
const BUILDS: usize = 7;
const ROUNDS: usize = 3;

/// Measures building, replacing and searching, as a table.
pub(crate) fn measure(corpus: Vec<Document>, requests: &[&str]) -> Result<String, Box<dyn Error>> {
    let documents = enlarge(corpus)?;
    let tools: usize = documents.iter().map(|document| document.tools.len()).sum();
    let mut builds = Vec::new();
    for _ in 0..BUILDS {
        let copies = documents.clone();
        builds.push(timed(|| Index::build(copies)));
    }
    let mut index = Index::build(documents.clone());
    let mut updates = Vec::new();
    for document in &documents {
        let mut changed = document.clone();
        changed.description.push_str(" changed");
        updates.push(timed(|| index.insert(changed)));
    }
    let mut queries = Vec::new();
    for _ in 0..ROUNDS {
        for request in requests {
            queries.push(timed(|| index.search(request, 10, |_| true)));
        }
    }
    let mut out = format!(
        "{} servers, {tools} tools, {} different requests\n\n\
         | what | number | p50 ms | p99 ms | longest ms |\n| --- | --: | --: | --: | --: |\n",
        documents.len(),
        requests.len()
    );
    for (what, times) in [
        ("build the index", &mut builds),
        ("replace one server", &mut updates),
        ("search", &mut queries),
    ] {
        let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
        let [p50, p99, longest] = [0.5, 0.99, 1.0].map(|share| ms(quantile(times, share)));
        let _ = writeln!(
            out,
            "| {what} | {} | {p50:.3} | {p99:.3} | {longest:.3} |",
            times.len()
        );
    }
    Ok(out)
}

fn timed<T>(act: impl FnOnce() -> T) -> Duration {
    let started = Instant::now();
    black_box(act());
    started.elapsed()
}

/// The first servers, each with tools of others beside its own until there are enough.
fn enlarge(mut corpus: Vec<Document>) -> Result<Vec<Document>, Box<dyn Error>> {
    let pool: Vec<Tool> = corpus
        .iter()
        .flat_map(|document| document.tools.clone())
        .collect();
    corpus.truncate(SERVERS);
    let tools: usize = corpus.iter().map(|document| document.tools.len()).sum();
    if corpus.len() < SERVERS || tools > TOOLS || pool.is_empty() {
        return Err(format!(
            "a corpus of at least {SERVERS} servers with at most {TOOLS} tools is needed"
        )
        .into());
    }
    let others = pool.iter().cycle().take(TOOLS - tools);
    for (at, tool) in (0..SERVERS).cycle().zip(others) {
        corpus[at].tools.push(tool.clone());
    }
    Ok(corpus)
}
