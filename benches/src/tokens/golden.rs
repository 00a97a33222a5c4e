//! Plain requests over the built-in catalog: whether the server that a person would expect is found, and how long the reply is.

use std::error::Error;

use serde_json::{Value, json};

use crate::count::{median, tokens};
use crate::world::Client;

const REQUESTS: &str = include_str!("../../golden/requests.txt");

/// What came of all requests.
pub(crate) struct Golden(Vec<Answered>);

struct Answered {
    language: &'static str,
    request: &'static str,
    expected: Vec<&'static str>,
    found: Vec<String>,
    text: usize,
    whole: usize,
}

impl Golden {
    /// Asks all of them, by `mcp-find`.
    pub(crate) async fn ask() -> Result<Self, Box<dyn Error>> {
        let mut client = Client::over_builtin().await?;
        let mut all = Vec::new();
        for line in REQUESTS.lines().filter(|line| !line.starts_with('#')) {
            let mut parts = line.split(" | ");
            let (Some(language), Some(request), Some(expected)) =
                (parts.next(), parts.next(), parts.next())
            else {
                continue;
            };
            let result = client.call("mcp-find", &json!({"query": request})).await?;
            let servers = result.pointer("/structuredContent/servers");
            let servers = servers.and_then(Value::as_array).cloned();
            let found = servers
                .unwrap_or_default()
                .into_iter()
                .filter_map(|server| {
                    let name = server.get("name")?.as_str()?;
                    Some(name.to_owned())
                });
            let text = text_of(&result);
            let structure = result.get("structuredContent").unwrap_or(&Value::Null);
            all.push(Answered {
                language,
                request,
                expected: expected.split_whitespace().collect(),
                found: found.collect(),
                text: tokens(text),
                whole: tokens(text) + tokens(&structure.to_string()),
            });
        }
        client.close().await;
        Ok(Self(all))
    }

    /// How many there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Every server that is expected.
    #[cfg(test)]
    pub(crate) fn expected(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|one| one.expected.iter().copied())
    }

    /// Percent of the requests with one of the expected servers among the first so many.
    #[cfg(test)]
    pub(crate) fn hits(&self, first: usize) -> f64 {
        share(self.0.iter(), first)
    }

    /// The median tokens of a reply: text, and text with structure.
    pub(crate) fn medians(&self) -> (usize, usize) {
        let text = self.0.iter().map(|one| one.text).collect();
        let whole = self.0.iter().map(|one| one.whole).collect();
        (median(text), median(whole))
    }

    /// A row for all, one for each half and each language.
    pub(crate) fn quality(&self) -> String {
        let mut rows = vec![
            "| `mcp-find` over the built-in catalog | requests | first | among 3 | among 5 |\n| --- | --: | --: | --: | --: |".to_owned(),
        ];
        let mut row = |label: &str, is_in: &dyn Fn(&Answered) -> bool| {
            let chosen = || self.0.iter().filter(|one| is_in(one));
            rows.push(format!(
                "| {label} | {} | {:.1} | {:.1} | {:.1} |",
                chosen().count(),
                share(chosen(), 1),
                share(chosen(), 3),
                share(chosen(), 5)
            ));
        };
        row("all", &|_| true);
        row("half A", &|one| half(one.request) == 'A');
        row("half B", &|one| half(one.request) == 'B');
        let mut languages: Vec<&str> = self.0.iter().map(|one| one.language).collect();
        languages.sort_unstable();
        languages.dedup();
        for language in languages {
            row(language, &|one| one.language == language);
        }
        rows.join("\n") + "\n"
    }

    /// The requests of a half whose answer is not first.
    pub(crate) fn missed(&self, half_wanted: char) -> String {
        let missed = self.0.iter().filter(|one| {
            half(one.request) == half_wanted && !share([*one].into_iter(), 1).eq(&100.0)
        });
        let lines = missed.map(|one| {
            format!(
                "missed: {:?}: wanted {:?}, found {:?}\n",
                one.request, one.expected, one.found
            )
        });
        lines.collect()
    }

    /// How long the replies are.
    pub(crate) fn sizes(&self) -> String {
        let (text, whole) = self.medians();
        let most = |of: fn(&Answered) -> usize| self.0.iter().map(of).max().unwrap_or_default();
        format!(
            "| tokens of a reply of `mcp-find` | median | most |\n| --- | --: | --: |\n| text | {text} | {} |\n| text and structure | {whole} | {} |\n",
            most(|one| one.text),
            most(|one| one.whole)
        )
    }
}

/// The text of a result.
pub(crate) fn text_of(result: &Value) -> &str {
    let text = result.pointer("/content/0/text");
    text.and_then(Value::as_str).unwrap_or_default()
}

fn share<'a>(all: impl Iterator<Item = &'a Answered>, first: usize) -> f64 {
    let (mut hits, mut count) = (0, 0);
    for one in all {
        count += 1;
        let found = one.found.iter().take(first);
        hits += usize::from(
            found
                .into_iter()
                .any(|f| one.expected.contains(&f.as_str())),
        );
    }
    100.0 * hits as f64 / count.max(1) as f64
}

/// One half to mend the search by, one to look at only.
fn half(request: &str) -> char {
    match request
        .bytes()
        .fold(0_u8, |sum, b| sum.wrapping_mul(31) ^ b)
        .count_ones()
        % 2
    {
        0 => 'A',
        _ => 'B',
    }
}
